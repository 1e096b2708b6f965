-- What the plugin promises, each in a real Neovim: `nvim -l scenarios.lua NAME`, called by e2e/test_nvim.py.

local folder = vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":p:h")
local child = dofile(folder .. "/child.lua")
local worker = dofile(folder .. "/worker.lua")

local STUB = 'def add(a: int, b: int) -> int:\n    """Return the sum of a and b."""\n    pass\n'
local FILE = "import os\n\n\n" .. STUB .. "\n\ndef other():\n    return 1\n"
local HEAD = STUB:gsub("    pass\n", "")
local SLOW = 'def roman(n: int) -> str:\n    """Roman numeral of n, with every check and a message for each."""\n    pass\n'
local RUNNING = "next(vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_create_namespace('halfwatt.preview'), 0, -1, {}))"
local FLOAT = "(function() for _, w in ipairs(vim.api.nvim_list_wins()) do if vim.api.nvim_win_get_config(w).relative ~= '' "
  .. "then return table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(w), 0, -1, false), '\\n') end end end)()"
local PREVIEW = "(function() for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, "
  .. "vim.api.nvim_create_namespace('halfwatt.preview'), 0, -1, { details = true })) do "
  .. "return vim.iter(mark[4].virt_lines):map(function(line) return line[1][1] end):join('\\n') end return '' end)()"

---@param value any
---@param what string
local function check(value, what)
  if not value then
    error(what, 2)
  end
end

---@param text string
---@param part string
local function holds(text, part)
  check(text:find(part, 1, true), ("%q is not in:\n%s"):format(part, text))
end

---Generate the body of FILE's function, then ask why it came from there.
---@param where string
---@return table nvim
local function why_of(where)
  local nvim = child.start()
  nvim:open("a.py", FILE)
  nvim:go("pass")
  nvim:cmd("HalfwattGenerate " .. where)
  nvim:wait("vim.fn.search('return a + b', 'n') > 0", "the body")
  nvim:cmd("HalfwattWhy")
  return nvim
end

---Begin to generate; the model stands still as soon as `seen` is true, until `worker.release()`.
---@param nvim table
---@param seen string a Lua expression
local function begin_held(nvim, seen)
  nvim:go("pass")
  worker.hold()
  nvim:cmd("HalfwattGenerate local")
  worker.crawl_until(function()
    local value = nvim:lua("return " .. seen)
    return value and value ~= vim.NIL
  end)
end

local M = {}

function M.generate_by_command_is_one_undo_step()
  local nvim = child.start()
  nvim:open("a b é.py", FILE)
  nvim:go("pass")
  nvim:cmd("HalfwattGenerate local")
  nvim:wait("vim.fn.search('return a + b', 'n') > 0", "the body")
  local text = nvim:text()
  holds(text, HEAD .. "    return a + b\n")
  holds(text, "\n\ndef other():\n    return 1\n")
  nvim:cmd("undo")
  check(nvim:text() == FILE, "one undo did not restore the file")
end

function M.code_action_generates_in_typescript()
  local nvim = child.start()
  nvim:open("a.ts", "/** Returns the sum. */\nfunction add(a: number, b: number): number {\n\t// TODO\n}\n")
  nvim:go("TODO")
  nvim:lua("vim.lsp.buf.code_action({ apply = true })")
  nvim:wait("vim.fn.search('return a + b;', 'n') > 0", "the body")
  holds(nvim:text(), "/** Returns the sum. */\nfunction add(a: number, b: number): number {\n\treturn a + b;\n}\n")
end

function M.quick_fix_writes_the_missing_function()
  local nvim = child.start()
  nvim:open("a.py", "def main(radius: float) -> None:\n    print(circle_area(radius))\n")
  nvim:go("circle_area")
  nvim:lua([[vim.lsp.buf.code_action({ apply = true, context = { only = { "quickfix" }, diagnostics = {} } })]])
  nvim:wait("vim.fn.search('^def circle_area', 'n') > 0", "the function")
  holds(nvim:text(), "def main(radius: float) -> None:\n    print(circle_area(radius))\n")
end

function M.preview_is_live_and_cancel_leaves_the_buffer()
  local nvim = child.start()
  nvim:open("a.py", SLOW)
  begin_held(nvim, "vim.trim(" .. PREVIEW .. ") ~= ''")
  check(nvim:text() == SLOW, "the preview changed the buffer")
  nvim:cmd("HalfwattCancel")
  nvim:wait("#_G.said > 0 and " .. RUNNING .. " == nil", "the end of the preview")
  holds(nvim:said(), "Cancelled")
  check(nvim:text() == SLOW, "cancel changed the buffer")
  check(not nvim:lua("return vim.bo.modified"), "the buffer counts as modified")
end

function M.floating_preview_opens_and_closes()
  local nvim = child.start({ preview = "float" })
  nvim:open("a.py", FILE)
  begin_held(nvim, "#vim.api.nvim_list_wins() == 2")
  worker.release()
  nvim:wait("vim.fn.search('return a + b', 'n') > 0 and #vim.api.nvim_list_wins() == 1", "its end")
end

function M.review_waits_for_accept()
  local nvim = child.start({ review = true })
  nvim:open("a.py", FILE)
  nvim:go("pass")
  nvim:cmd("HalfwattGenerate local")
  nvim:wait("require('halfwatt.preview').waiting", "the review")
  check(nvim:text() == FILE, "the buffer changed before the review")
  nvim:cmd("HalfwattAccept")
  nvim:wait("vim.fn.search('return a + b', 'n') > 0", "the body")
end

function M.typing_elsewhere_is_kept()
  local nvim = child.start()
  nvim:open("a.py", FILE)
  begin_held(nvim, RUNNING)
  nvim:keys("gg0i# typed<CR><Esc>")
  nvim:wait("vim.fn.getline(1) == '# typed' and vim.api.nvim_get_mode().mode == 'n'", "what was typed")
  worker.release()
  nvim:wait("vim.fn.search('return a + b', 'n') > 0", "the body")
  check(vim.startswith(nvim:text(), "# typed\nimport os\n"), "what was typed is lost:\n" .. nvim:text())
  holds(nvim:text(), HEAD .. "    return a + b\n")
end

function M.typing_into_the_stub_wins()
  local nvim = child.start()
  nvim:open("a.py", FILE)
  begin_held(nvim, RUNNING)
  nvim:keys("Creturn b + a<Esc>")
  nvim:wait("vim.fn.search('return b + a', 'n') > 0 and vim.api.nvim_get_mode().mode == 'n'", "what was typed")
  worker.release()
  nvim:wait("vim.fn.search('^+    return a + b', 'n') > 0 and vim.bo.filetype == 'diff'", "the diff")
  nvim:cmd("close")
  holds(nvim:text(), HEAD .. "    return b + a\n")
end

function M.line_ends_and_tabs_of_the_file_are_kept()
  local nvim = child.start()
  nvim:open("dos.py", ("class A:\n\tdef add(self, a, b):\n\t\t'''Return a + b.'''\n\t\tpass\n"):gsub("\n", "\r\n"))
  nvim:go("pass")
  nvim:cmd("HalfwattGenerate local")
  nvim:wait("vim.fn.search('return a + b', 'n') > 0", "the body")
  nvim:cmd("write")
  local written = table.concat(vim.fn.readfile(vim.env.HALFWATT_TEST_FOLDER .. "/dos.py", "b"), "\n")
  check(
    written == ("class A:\n\tdef add(self, a, b):\n\t\t'''Return a + b.'''\n\t\treturn a + b\n"):gsub("\n", "\r\n"),
    vim.inspect(written)
  )
end

function M.status_why_energy_and_pause_answer()
  local nvim = why_of("local")
  holds(nvim:wait(FLOAT, "the reason"), "gpt-4o-mini")
  nvim:keys("<Esc>l")
  nvim:wait(FLOAT .. " == nil", "the window's end")
  nvim:cmd("HalfwattEnergy today")
  holds(nvim:wait(FLOAT, "the energy"), "Used:")
  holds(nvim:wait("require('halfwatt').statusline():find('J') and require('halfwatt').statusline()", "the counter"), "½W")
  nvim:cmd("HalfwattPause 5")
  nvim:wait("require('halfwatt').statusline():find('paused')", "the pause")
  nvim:cmd("HalfwattResume")
  nvim:wait("not require('halfwatt').statusline():find('paused')", "the end of the pause")
end

function M.cloud_answers_where_it_is_chosen_and_why_says_so()
  local why = why_of("cloud"):wait(FLOAT, "the reason")
  holds(why, "**cloud** (stand-in-cloud)")
  holds(why, "estimated")
end

function M.crashed_server_is_said_and_started_again()
  local nvim = child.start()
  nvim:open("a.py", FILE)
  local pids = nvim:lua("return vim.api.nvim_get_proc_children(vim.fn.getpid())")
  check(#pids == 1, "the language server is not the only child: " .. vim.inspect(pids))
  local first = nvim:lua("return vim.lsp.get_clients({ name = 'halfwatt' })[1].id")
  vim.uv.kill(pids[1], "sigkill")
  nvim:wait("table.concat(_G.said):find('has ended', 1, true)", "the message")
  nvim:wait(
    ("vim.iter(vim.lsp.get_clients({ name = 'halfwatt', bufnr = 0 })):any(function(it) return it.id ~= %d and it.initialized end)")
      :format(first),
    "the restart"
  )
  check(nvim:text() == FILE, "the buffer changed")
end

function M.missing_server_is_a_sentence()
  local nvim = child.start({ cmd = { "/nowhere/halfwatt", "lsp" } })
  nvim:cmd("edit x.py")
  nvim:cmd("HalfwattGenerate")
  holds(nvim:said(), "was not found")
  nvim:cmd("checkhealth halfwatt")
  holds(nvim:text(), "pipx install .")
end

function M.long_messages_wait_for_no_key()
  local nvim = child.start({ cmd = { "/nowhere/halfwatt", "lsp" } })
  nvim:lua("vim.notify, vim.o.columns = _G.plain_notify, 60")
  nvim:cmd("edit x.py")
  nvim:cmd("HalfwattGenerate")
  holds(nvim:wait(FLOAT, "the sentence"), "Install it (`pipx install .` in its repository)")
  nvim:lua("require('halfwatt.window').say(('word '):rep(40))")
  check(not nvim:lua("return vim.api.nvim_get_mode().blocking"), "a key is waited for")
  local last = vim.trim(nvim:lua("return vim.fn.execute('1messages')"))
  check(vim.endswith(last, "…") and vim.fn.strdisplaywidth(last) < 60, last)
end

function M.question_waits_until_typing_ends()
  local nvim = child.start()
  nvim:lua("vim.ui.select = function(items, _, chosen) chosen(items[1]) end")
  nvim:open("a.py", FILE)
  nvim:keys("i")
  nvim:wait("vim.api.nvim_get_mode().mode == 'i'", "insert mode")
  nvim:lua([[
    local ask = vim.lsp.config.halfwatt.handlers["window/showMessageRequest"]
    coroutine.wrap(function()
      _G.answer = ask(nil, { message = "Doubtful.", actions = { { title = "Try the cloud model" } } }, {})
    end)()
  ]])
  check(nvim:lua("return _G.answer == nil"), "asked while typing")
  holds(nvim:said(), "Doubtful.")
  nvim:keys("<Esc>")
  nvim:wait("_G.answer and _G.answer.title == 'Try the cloud model'", "the answer")
end

function M.silence_has_a_reason()
  local nvim = child.start(false)
  nvim:cmd("HalfwattGenerate")
  holds(nvim:said(), "not set up")
  nvim = child.start({ nonsense = 1, preview = "loud" })
  holds(nvim:said(), "no option `nonsense`")
  holds(nvim:said(), '"virtual_lines"')
  nvim:cmd("HalfwattGenerate")
  holds(nvim:said(), "does not serve the file type")
end

function M.health_shows_server_and_daemon()
  local nvim = child.start()
  nvim:open("a.py", FILE)
  nvim:cmd("checkhealth halfwatt")
  local text = nvim:text()
  for _, part in ipairs({ "Set up for", "Language server:", "The language server runs", "halfwatt doctor" }) do
    holds(text, part)
  end
  nvim:cmd("helptags " .. vim.fn.fnameescape(vim.fn.fnamemodify(folder, ":h:h") .. "/editors/nvim/doc"))
  nvim:cmd("help halfwatt-mappings")
  os.remove(vim.fn.fnamemodify(folder, ":h:h") .. "/editors/nvim/doc/tags")
end

function M.health_explains_each_silence()
  local nvim = child.start()
  nvim:open("a.py", FILE)
  nvim:cmd("setlocal nomodifiable")
  nvim:cmd("HalfwattGenerate")
  holds(nvim:said(), "cannot be changed")
  nvim:cmd("HalfwattPause 5")
  nvim:wait("require('halfwatt').statusline():find('paused')", "the pause")
  nvim:lua("vim.fn.writefile({ 'text' }, vim.env.HALFWATT_TEST_FOLDER .. '/notes.txt')")
  nvim:cmd("split " .. vim.fn.fnameescape(vim.env.HALFWATT_TEST_FOLDER .. "/notes.txt"))
  nvim:cmd("checkhealth halfwatt")
  local text = nvim:text()
  for _, part in ipairs({ "a.py: This buffer cannot be changed", "does not serve the file type `text`", "is paused", "No key accepts" }) do
    holds(text, part)
  end
  nvim:cmd("HalfwattResume")
  nvim:wait("not require('halfwatt').statusline():find('paused')", "the end of the pause")
end

function M.missing_model_is_said_with_what_to_do()
  local nvim = child.start()
  nvim:open("a.py", FILE)
  nvim:go("pass")
  nvim:cmd("HalfwattGenerate local")
  nvim:wait("table.concat(_G.said):find('halfwatt models pull', 1, true)", "the sentence")
  check(nvim:text() == FILE, "the buffer changed")
end

child.main(M, worker.release)
