-- What `require("halfwatt").setup({})` costs a start of Neovim: `nvim -l bench.lua`. Each run is a fresh process, in which
-- the plugin's file with its commands and mappings is counted, too. One JSON object.

local N_RUNS = 30
local this = debug.getinfo(1, "S").source:sub(2)
local plugin = vim.fn.fnamemodify(this, ":p:h:h:h") .. "/editors/nvim"

---@return number ms
local function once()
  vim.opt.runtimepath:append(plugin)
  local began_ns = vim.uv.hrtime()
  vim.cmd.runtime("plugin/halfwatt.lua")
  require("halfwatt").setup({})
  return (vim.uv.hrtime() - began_ns) / 1e6
end

if arg[1] == "once" then
  io.write(once())
  return
end
local times_ms = {}
for _ = 1, N_RUNS do
  local done = vim.system({ vim.v.progpath, "--headless", "-u", "NONE", "-i", "NONE", "-l", this, "once" }):wait(30000)
  local time_ms = assert(tonumber(done.stdout), done.stderr)
  table.insert(times_ms, time_ms)
end
table.sort(times_ms)
local function at(share)
  return math.floor(1000 * times_ms[math.max(1, math.ceil(share * N_RUNS))] + 0.5) / 1000
end
io.write(vim.json.encode({ nvim_setup_median_ms = at(0.5), nvim_setup_p95_ms = at(0.95), nvim_setup_max_ms = at(1), runs = N_RUNS }) .. "\n")
