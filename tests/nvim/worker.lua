-- The daemon's worker process, held while a scenario looks or types: what happens meanwhile depends on no machine's speed.

local M = {}

local STEP_MS = 10
local PAUSE_MS = 40
local N_STEPS = 2000

---@type integer[]
local held = {}

---@param path string
---@return string
local function read(path)
  local file = io.open(path, "rb")
  local text = file and file:read("*a") or ""
  if file then
    file:close()
  end
  return text
end

---The process that owns the model of this scenario's daemon, and of no other.
---@return integer
local function pid()
  local daemon = vim.json.decode(read(vim.env.HALFWATT_HOME .. "/run/daemon.json"))
  for _, child in ipairs(vim.api.nvim_get_proc_children(daemon.pid)) do
    if read(("/proc/%d/cmdline"):format(child)):find("halfwatt.daemon.worker", 1, true) then
      return child
    end
  end
  error("no worker runs: the model should have been loaded before the scenario")
end

---No token comes until `release`.
function M.hold()
  local found = pid()
  table.insert(held, found)
  assert(vim.uv.kill(found, "sigstop"))
end

---Let everything that was held go on; harmless where nothing is.
function M.release()
  for _, it in ipairs(held) do
    vim.uv.kill(it, "sigcont")
  end
  held = {}
end

---Let the model go on in steps far smaller than an answer until something is seen, and then stand still. Between two
---steps there is time for what came out of one to be shown.
---@param seen fun(): boolean
function M.crawl_until(seen)
  for _ = 1, N_STEPS do
    M.release()
    vim.wait(STEP_MS)
    M.hold()
    vim.wait(PAUSE_MS)
    if seen() then
      return
    end
  end
  error("what was to be seen while the model works was not seen", 2)
end

return M
