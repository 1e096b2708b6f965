-- :checkhealth halfwatt: every reason for silence, and what to do about it.

local M = {}

local function version()
  if vim.fn.has("nvim-0.11") == 1 then
    vim.health.ok("Neovim " .. tostring(vim.version()))
  else
    vim.health.error("Neovim " .. tostring(vim.version()) .. " is too old", { "Install Neovim 0.11 or later." })
  end
end

---@param config halfwatt.Config
---@return boolean
local function command(config)
  local path = vim.fn.exepath(config.cmd[1])
  if path == "" then
    vim.health.error(("The command `%s` was not found"):format(config.cmd[1]), {
      "Install it: `pipx install .` in the folder of its repository; its README says more",
      'Or name it: require("halfwatt").setup({ cmd = { "/path/to/halfwatt", "lsp" } })',
    })
    return false
  end
  vim.health.ok("Language server: " .. path)
  return true
end

---@param config halfwatt.Config
local function server(config)
  local client = require("halfwatt.client").of()
  if not client then
    vim.health.warn("No language server runs", {
      "It starts with the first file of these types: " .. table.concat(config.filetypes, ", "),
      "If it ended: " .. vim.lsp.get_log_path(),
    })
    return
  end
  vim.health.ok(("The language server runs (%s), position encoding %s"):format(client.name, client.offset_encoding))
end

---Why the files in the windows are served or not.
local function files()
  local said = {}
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    local buffer = vim.api.nvim_win_get_buf(window)
    local name = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(buffer), ":~:.")
    if vim.bo[buffer].buftype == "" and name ~= "" and not said[buffer] then
      local reason = require("halfwatt.client").silence(buffer)
      local report = reason and vim.health.warn or vim.health.ok
      report(name .. ": " .. (reason or "served"))
      said[buffer] = true
    end
  end
end

local function status()
  local last = require("halfwatt.status").last
  if not last then
    vim.health.info("No news from the daemon yet; it starts with the first request.")
    return
  end
  local report = (last.kind == "ready" or last.kind == "busy") and vim.health.ok or vim.health.warn
  report(("The daemon is %s: %s"):format(last.kind, last.message))
  for _, warning in ipairs(last.warnings or {}) do
    vim.health.warn(warning)
  end
end

---@param config halfwatt.Config
local function ghost(config)
  if not config.ghost_text then
    vim.health.info("Ghost text is off (option `ghost_text`).")
  elseif require("halfwatt.ghost").is_native() then
    vim.health.ok("Ghost text by Neovim's own inline completion")
  else
    vim.health.ok("Ghost text by extmarks")
  end
  if config.ghost_text and vim.fn.mapcheck("<Plug>(halfwatt-accept)", "i") ~= "" then
    if vim.fn.hasmapto("<Plug>(halfwatt-accept)", "i") == 0 then
      vim.health.info("No key accepts ghost text; see :help halfwatt-mappings.")
    end
  end
end

---@param config halfwatt.Config
local function doctor(config)
  local words = { config.cmd[1] }
  for index = 2, #config.cmd do
    if config.cmd[index] ~= "lsp" then
      table.insert(words, config.cmd[index])
    end
  end
  table.insert(words, "doctor")
  local done = vim.system(words, { text = true }):wait(30000)
  local report = done.code == 0 and vim.health.ok or vim.health.warn
  report("halfwatt doctor:\n" .. vim.trim((done.stdout or "") .. (done.stderr or "")))
end

function M.check()
  vim.health.start("halfwatt")
  version()
  local config = require("halfwatt").config
  if not config then
    vim.health.error("halfwatt is not set up", { 'Call require("halfwatt").setup({}) in your configuration.' })
    return
  end
  vim.health.ok("Set up for: " .. table.concat(config.filetypes, ", "))
  if command(config) then
    server(config)
    files()
    status()
    ghost(config)
    doctor(config)
  end
end

return M
