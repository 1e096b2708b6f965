-- What users and commands call. Each part is loaded when it is first used.

local M = {}

---@type halfwatt.Config?
M.config = nil

---Start the language server for its file types.
---@param options? halfwatt.Options
function M.setup(options)
  local config, problems = require("halfwatt.config").merged(options or {})
  for _, problem in ipairs(problems) do
    require("halfwatt.window").say(problem, vim.log.levels.WARN)
  end
  M.config = config
  local group = vim.api.nvim_create_augroup("halfwatt", {})
  vim.api.nvim_create_autocmd("FileType", {
    group = group,
    pattern = config.filetypes,
    callback = function(event)
      vim.api.nvim_clear_autocmds({ group = group })
      require("halfwatt.client").enable(config)
      if vim.v.vim_did_enter == 0 then -- Neovim's own autocommand was made too late for this buffer
        vim.api.nvim_exec_autocmds("FileType", { group = "nvim.lsp.enable", buffer = event.buf })
      end
    end,
  })
  if vim.v.vim_did_enter == 1 and vim.tbl_contains(config.filetypes, vim.bo.filetype) then
    require("halfwatt.client").enable(config)
  end
end

---@param text string
---@param level? integer
local function say(text, level)
  require("halfwatt.window").say(text, level)
end

---@param name string
---@param arguments table
---@param answered fun(result: any)
local function run(name, arguments, answered)
  require("halfwatt.client").command(name, arguments, answered)
end

---@param lines string[]
---@param title string
local function show(lines, title)
  require("halfwatt.window").show(lines, title, M.config and M.config.border or "rounded")
end

---Generate the function at the cursor.
---@param route? "auto"|"local"|"cloud"
function M.generate(route)
  local place = require("halfwatt.client").place()
  if place then
    place.route = route
    place.review = M.config ~= nil and M.config.review
    run("generate", place, function() end)
  end
end

---Apply the function that waits for review.
function M.accept_preview()
  local job = require("halfwatt.preview").waiting
  if not job then
    say("no function waits for review.")
    return
  end
  run("accept", { job = job }, function() end)
end

---Cancel every running generation of this window.
function M.cancel()
  run("cancel", {}, function(result)
    if result.cancelled == 0 then
      say("nothing is being generated.")
    end
  end)
end

---Explain the last decision: tier, reason, energy, counterfactual.
function M.why()
  run("why", {}, function(result)
    show(vim.split(result.text, "\n"), "Why?")
  end)
end

---Say which model would answer here.
function M.explain()
  local place = require("halfwatt.client").place()
  if place then
    run("explain", place, function(result)
      show(vim.split(result.text, "\n"), "Which model?")
    end)
  end
end

---@param since? string
function M.energy(since)
  run("energy", { since = since or "7d" }, function(result)
    show(require("halfwatt.status").energy_lines(result, since or "7d"), "Energy")
  end)
end

---@param minutes? string|number
function M.pause(minutes)
  run("pause", { minutes = tonumber(minutes) }, function(result)
    say(result.message)
  end)
end

function M.resume()
  run("resume", {}, function(result)
    say(result.message)
  end)
end

function M.toggle_pause()
  local last = require("halfwatt.status").last
  if last and last.paused then
    M.resume()
  else
    M.pause()
  end
end

---@param dial string|number
function M.dial(dial)
  run("setDial", { dial = tonumber(dial) or dial }, function(result)
    say(("the dial is at %s."):format(result.dial))
  end)
end

function M.dashboard()
  run("dashboard", {}, function(result)
    vim.ui.open(result.page) -- no link among the arguments of a process, which other users see
  end)
end

function M.logs()
  run("logs", {}, function(result)
    vim.cmd.tabedit(vim.fn.fnameescape(result.path))
  end)
end

function M.doctor()
  run("doctor", {}, function(result)
    show(vim.split(vim.trim(result.text), "\n"), "Doctor")
  end)
end

---@param id? string
function M.pull_model(id)
  run("pullModel", { id = id }, function(result)
    say(result.message)
  end)
end

---Ask for a key and put it into the keyring; Neovim keeps nothing of it.
---@param provider string
function M.set_key(provider)
  local key = vim.fn.inputsecret(("Key of %s: "):format(provider))
  if key ~= "" then
    run("setCloudKey", { provider = provider, key = key }, function(result)
      say(result.stored)
    end)
  end
end

---Accept the ghost text. False where there is none, so that a mapping can do something else.
---@return boolean
function M.accept()
  return require("halfwatt.ghost").accept("all")
end

---@return boolean
function M.accept_word()
  return require("halfwatt.ghost").accept("word")
end

---@return boolean
function M.accept_line()
  return require("halfwatt.ghost").accept("line")
end

function M.dismiss()
  require("halfwatt.ghost").dismiss()
end

---Ask for ghost text now.
function M.complete()
  require("halfwatt.ghost").request(true)
end

---A short text for the status line; "" before the first news.
---@return string
function M.statusline()
  local status = package.loaded["halfwatt.status"]
  return status and status.text() or ""
end

return M
