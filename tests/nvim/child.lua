-- A real Neovim in a child process, driven by keys and by Lua over its own RPC. Used by scenarios.lua.

local M = {}

local LIMIT_MS = 120000
local root = vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":p:h:h:h")

---@class Child
---@field channel integer
local Child = {}
Child.__index = Child

---@param options? table for require("halfwatt").setup; false: no setup
---@return Child
function M.start(options)
  local command = { vim.v.progpath, "--embed", "--headless", "-u", "NONE", "-i", "NONE", "-n" }
  local self = setmetatable({ channel = vim.fn.jobstart(command, { rpc = true }) }, Child)
  vim.rpcrequest(self.channel, "nvim_ui_attach", 100, 30, {})
  self:lua(
    [[
    local root, options, server = ...
    vim.opt.runtimepath:append(root .. "/editors/nvim")
    vim.cmd("filetype on")
    vim.cmd.runtime("plugin/halfwatt.lua")
    _G.said = {}
    vim.notify = function(text) table.insert(_G.said, text) end
    if options ~= false then
      require("halfwatt").setup(vim.tbl_extend("keep", options, { cmd = server }))
    end
    ]],
    root,
    options == nil and vim.empty_dict() or options,
    vim.json.decode(vim.env.HALFWATT_TEST_SERVER)
  )
  return self
end

---@param code string
---@return any
function Child:lua(code, ...)
  return vim.rpcrequest(self.channel, "nvim_exec_lua", code, { ... })
end

---@param keys string
function Child:keys(keys)
  vim.rpcrequest(self.channel, "nvim_input", keys)
end

---@param command string
function Child:cmd(command)
  vim.rpcrequest(self.channel, "nvim_command", command)
end

---Wait until the Lua expression gives something true, and return that.
---@param expression string
---@param what string
---@return any
function Child:wait(expression, what)
  local value
  local happened = vim.wait(LIMIT_MS, function()
    value = self:lua("return " .. expression)
    return value ~= nil and value ~= vim.NIL and value ~= false
  end, 20)
  if not happened then
    local said = table.concat(self:lua("return _G.said"), "\n")
    error(("%s did not happen.\nsaid: %s\nbuffer:\n%s"):format(what, said, self:text()))
  end
  return value
end

---Open a new file with this text and wait for the server.
---@param name string
---@param text string
function Child:open(name, text)
  local path = vim.env.HALFWATT_TEST_FOLDER .. "/" .. name
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  self:lua("vim.cmd.edit(vim.fn.fnameescape(...))", path)
  self:wait("#vim.lsp.get_clients({ name = 'halfwatt', bufnr = 0 }) > 0 and vim.lsp.get_clients()[1].initialized", "attach")
end

---Put the cursor on the first place of this text.
---@param text string
function Child:go(text)
  self:lua([[vim.fn.cursor(1, 1); vim.fn.search("\\V" .. ..., "c")]], text)
end

---@return string
function Child:text()
  return self:lua("return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n') .. '\\n'")
end

---@return string
function Child:said()
  return self:lua("return table.concat(_G.said, '\\n')")
end

function Child:stop()
  pcall(vim.rpcrequest, self.channel, "nvim_command", "qall!")
  vim.fn.jobwait({ self.channel }, 5000)
  vim.fn.jobstop(self.channel)
end

return M
