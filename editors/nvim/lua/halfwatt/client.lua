-- The language client: starting the server, running its commands, hearing its notifications.

local M = {}

local NAME = "halfwatt"
local RESTARTS_S = { 1, 4, 16 } -- the pauses before each new start; after that it stays off
local ASKED_TO_END = { [0] = true, [2] = true, [15] = true } -- signals of an ordinary end
local restarts = 0
local WISHES = { halfwatt = { status = true, generateDelta = true, review = true } }

---A question of the server. While the user types it is said, and asked when they have left insert mode.
---@param failure table?
---@param params { message: string }
---@param context table
---@return any
local function question(failure, params, context)
  local thread = coroutine.running()
  if vim.startswith(vim.api.nvim_get_mode().mode, "i") and thread then
    require("halfwatt.window").say(params.message, vim.log.levels.WARN)
    vim.api.nvim_create_autocmd("InsertLeave", {
      once = true,
      callback = vim.schedule_wrap(function()
        coroutine.resume(thread)
      end),
    })
    coroutine.yield()
  end
  return vim.lsp.handlers["window/showMessageRequest"](failure, params, context)
end

---@param params { type: integer, message: string }
local function message(params)
  local levels = { vim.log.levels.ERROR, vim.log.levels.WARN }
  require("halfwatt.window").say(params.message, levels[params.type])
end

---@param config halfwatt.Config
function M.enable(config)
  vim.lsp.config(NAME, {
    cmd = config.cmd,
    filetypes = config.filetypes,
    root_markers = { ".git" },
    capabilities = {
      experimental = WISHES,
      textDocument = { inlineCompletion = { dynamicRegistration = false } },
    },
    handlers = {
      ["window/showMessageRequest"] = question,
      ["window/showMessage"] = function(_, params)
        message(params)
      end,
      ["halfwatt/didChangeStatus"] = function(_, params)
        require("halfwatt.status").changed(params)
      end,
      ["halfwatt/generateDelta"] = function(_, params)
        require("halfwatt.preview").delta(params, config)
      end,
      ["halfwatt/showDiff"] = function(_, params)
        require("halfwatt.window").diff(params)
      end,
    },
    on_attach = function(client, buffer)
      if config.ghost_text then
        require("halfwatt.ghost").attach(client, buffer)
      end
    end,
    on_exit = function(code, signal)
      vim.schedule(function()
        M.ended(code, signal)
      end)
    end,
  })
  vim.lsp.enable(NAME)
end

---Say that the server crashed, and start it again with growing pauses.
---@param code integer
---@param signal integer
function M.ended(code, signal)
  if code == 0 and ASKED_TO_END[signal] or vim.v.exiting ~= vim.NIL then
    return
  end
  restarts = restarts + 1
  local pause_s = RESTARTS_S[restarts]
  require("halfwatt.status").crashed(pause_s)
  if pause_s then
    vim.defer_fn(function()
      vim.lsp.enable(NAME)
    end, pause_s * 1000)
  end
end

---@param buffer? integer
---@return vim.lsp.Client?
function M.of(buffer)
  return vim.lsp.get_clients({ name = NAME, bufnr = buffer })[1]
end

---Why no function can be generated in a buffer, with what to do; nil where one can.
---@param buffer integer
---@return string?
function M.silence(buffer)
  local config = require("halfwatt").config
  local options = vim.bo[buffer]
  if not config then
    return 'halfwatt is not set up. Call require("halfwatt").setup({}) in your configuration.'
  elseif not vim.tbl_contains(config.filetypes, options.filetype) then
    return ("halfwatt does not serve the file type `%s`. See :help halfwatt-options."):format(options.filetype)
  elseif vim.fn.executable(config.cmd[1]) == 0 then
    return ("The command `%s` was not found. Install it (`pipx install .` in its repository) or set `cmd`."):format(config.cmd[1])
  elseif options.buftype ~= "" then
    return "halfwatt serves files only, and this buffer is none."
  elseif not options.modifiable then
    return "This buffer cannot be changed. Set 'modifiable' first."
  elseif not M.of(buffer) then
    return "The language server is not running yet, or has ended. :checkhealth halfwatt tells more."
  end
end

---Run a command of the server; failures become a message.
---@param name string without "halfwatt."
---@param arguments table
---@param answered fun(result: any)
function M.command(name, arguments, answered)
  local client = M.of(0) or M.of()
  if not client then
    local reason = M.silence(0) or "The language server is not running."
    require("halfwatt.window").say(reason, vim.log.levels.WARN)
    return
  end
  local given = next(arguments) and arguments or vim.empty_dict()
  local params = { command = "halfwatt." .. name, arguments = { given } }
  client:request("workspace/executeCommand", params, function(failure, result)
    if failure then
      require("halfwatt.window").say(failure.message, vim.log.levels.ERROR)
    else
      answered(result)
    end
  end, 0)
end

---The cursor as the server wants it, with the diagnostics there; nil (and a message) without a server.
---@return table?
function M.place()
  local client, reason = M.of(0), M.silence(0)
  if not client or reason then
    require("halfwatt.window").say(reason or "The language server is not running.", vim.log.levels.WARN)
    return nil
  end
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  local undefined = {}
  for _, diagnostic in ipairs(vim.diagnostic.get(0, { lnum = params.position.line })) do
    table.insert(undefined, diagnostic.message)
  end
  return { uri = params.textDocument.uri, position = params.position, undefined = undefined }
end

return M
