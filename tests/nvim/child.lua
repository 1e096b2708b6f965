-- A real Neovim in a child process, driven by keys and by Lua over its own RPC. Used by the scenarios.
-- Nothing here waits without a limit: a Neovim that hangs or dies fails its scenario with what it showed last.

local M = {}

local ANSWER_LIMIT_MS = 20000 -- for one call; a Neovim that waits for a key never answers
local STATE_LIMIT_MS = 90000 -- for a state that may need the model
local root = vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":p:h:h:h")

---Answers of children by the number of the call: `{ done, value }`.
---@type table<integer, { [1]: boolean, [2]: any }>
_G.answers = {}
local n_calls = 0

---@class Child
---@field channel integer
---@field errors string[] what it wrote to stderr
---@field code integer? with which it ended
local Child = {}
Child.__index = Child

---@type Child[]
local started = {}

---Runs in the child: a call whose answer comes back as a notification, since vim.rpcrequest has no time limit.
local CALL = [[
  local number, code = ...
  local chunk, problem = loadstring(code)
  local done, value = pcall(chunk or function() error(problem) end, select(3, ...))
  local answer = "local number, done, value = ...; _G.answers[number] = { done, value }"
  if not pcall(vim.rpcnotify, 1, "nvim_exec_lua", answer, { number, done, value }) then
    vim.rpcnotify(1, "nvim_exec_lua", answer, { number, done, vim.inspect(value) })
  end
]]

---@param options? table for require("halfwatt").setup; false: no setup
---@return Child
function M.start(options)
  local command = { vim.v.progpath, "--embed", "--headless", "-u", "NONE", "-i", "NONE", "-n" }
  local self = setmetatable({ errors = {} }, Child)
  self.channel = vim.fn.jobstart(command, {
    rpc = true,
    on_stderr = function(_, lines)
      vim.list_extend(self.errors, lines)
    end,
    on_exit = function(_, code)
      self.code = code
    end,
  })
  table.insert(started, self)
  vim.rpcnotify(self.channel, "nvim_ui_attach", 100, 30, {})
  self:lua(
    [[
    local root, options, server = ...
    vim.opt.runtimepath:append(root .. "/editors/nvim")
    vim.cmd("filetype on")
    vim.cmd.runtime("plugin/halfwatt.lua")
    _G.said, _G.plain_notify = {}, vim.notify
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

---Run Lua in the child and give what it returns. Fails when it fails, has ended, or does not answer.
---@param code string
---@return any
function Child:lua(code, ...)
  n_calls = n_calls + 1
  local number = n_calls
  if self.code == nil then
    vim.rpcnotify(self.channel, "nvim_exec_lua", CALL, { number, code, ... })
  end
  vim.wait(ANSWER_LIMIT_MS, function()
    return _G.answers[number] ~= nil or self.code ~= nil
  end, 5)
  local answer = _G.answers[number]
  _G.answers[number] = nil
  if answer == nil then
    error(("Neovim %s:\n%s\n%s"):format(self:why_silent(), code, table.concat(self.errors, "\n")), 0)
  elseif not answer[1] then
    error(("in Neovim: %s\n%s"):format(answer[2], code), 2)
  end
  return answer[2]
end

---@return string
function Child:why_silent()
  if self.code ~= nil then
    return ("had ended with code %d before it answered"):format(self.code)
  end
  return ("did not answer within %d s; it may wait for a key"):format(ANSWER_LIMIT_MS / 1000)
end

---@param keys string
function Child:keys(keys)
  vim.rpcnotify(self.channel, "nvim_input", keys)
end

---@param command string
function Child:cmd(command)
  self:lua("vim.cmd(...)", command)
end

---Wait until the Lua expression gives something true, and return that.
---@param expression string
---@param what string
---@return any
function Child:wait(expression, what)
  local until_ns = vim.uv.hrtime() + STATE_LIMIT_MS * 1e6
  while vim.uv.hrtime() < until_ns do
    local value = self:lua("return " .. expression)
    if value ~= nil and value ~= vim.NIL and value ~= false then
      return value
    end
    vim.wait(20)
  end
  error(("%s did not happen.\nsaid: %s\nbuffer:\n%s"):format(what, self:said(), self:text()), 2)
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

---Put the cursor on the first place of this text, which must be there.
---@param text string
function Child:go(text)
  local line = self:lua([[vim.fn.cursor(1, 1); return vim.fn.search("\\V" .. ..., "c")]], text)
  if line == 0 then
    error(("%q is not in the buffer:\n%s"):format(text, self:text()), 2)
  end
end

---@return string
function Child:text()
  return self:lua("return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n') .. '\\n'")
end

---@return string
function Child:said()
  return self:lua("return table.concat(_G.said, '\\n')")
end

---End every child, whatever state it is in.
function M.stop_all()
  for _, child in ipairs(started) do
    vim.rpcnotify(child.channel, "nvim_command", "qall!")
  end
  for _, child in ipairs(started) do
    if vim.fn.jobwait({ child.channel }, 5000)[1] == -1 then
      vim.fn.jobstop(child.channel)
    end
  end
end

---Run the scenario that the command line names; its failure is printed and becomes the exit code.
---@param scenarios table<string, fun()>
---@param clean_up fun()
function M.main(scenarios, clean_up)
  local done, failure = xpcall(scenarios[arg[1]], debug.traceback)
  clean_up()
  M.stop_all()
  if not done then
    io.stderr:write(failure .. "\n")
    vim.cmd("cquit 1")
  end
end

return M
