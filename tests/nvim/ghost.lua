-- Ghost text in a real Neovim by the plugin's own mappings: `nvim -l ghost.lua NAME`, called by e2e/test_nvim_ghost_text.py.

local folder = vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":p:h")
local child = dofile(folder .. "/child.lua")

local CLASS = "class Point:\n    def __init__(self, x, y):\n       \n\n    def norm(self):\n        return self.x + self.y\n"
local ROW = 3
local SHOWN = "require('halfwatt.ghost').shown()"
local LINE = "vim.fn.getline(vim.fn.line('.'))"

---@param value any
---@param what string
local function check(value, what)
  if not value then
    error(what, 2)
  end
end

---A Neovim in insert mode whose typing brought up ghost text; what is shown, and the text before it.
---@return table, string, string
local function with_ghost_text()
  local nvim = child.start()
  nvim:lua([[
    for key, name in pairs({ ["<F2>"] = "accept", ["<F3>"] = "accept-word", ["<F4>"] = "accept-line", ["<F5>"] = "dismiss" }) do
      vim.keymap.set("i", key, "<Plug>(halfwatt-" .. name .. ")")
    end
  ]])
  nvim:open("point.py", CLASS)
  nvim:lua("vim.fn.cursor(...)", ROW, 1)
  nvim:keys("A ")
  local shown = nvim:wait(SHOWN, "the ghost text")
  return nvim, shown, nvim:text()
end

---What is drawn: the texts of the extmarks, first line and lines below.
---@param nvim table
---@return string
local function drawn(nvim)
  return nvim:lua([[
    local space = vim.api.nvim_create_namespace("halfwatt.ghost")
    local mark = vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true })[1]
    if not mark then return "" end
    local lines = { mark[4].virt_text[1][1] }
    for _, line in ipairs(mark[4].virt_lines or {}) do table.insert(lines, line[1][1]) end
    return table.concat(lines, "\n")
  ]])
end

local M = {}

function M.asking_by_hand_shows_it_and_leaving_insert_mode_ends_it()
  local nvim = child.start()
  nvim:lua([[vim.keymap.set("i", "<F6>", "<Plug>(halfwatt-complete)")]])
  local loop = "def total(xs):\n    result = 0\n    for x in xs:\n        \n    return result\n"
  nvim:open("loop.py", loop)
  nvim:lua("vim.fn.cursor(4, 1)")
  nvim:keys("A<F6>")
  nvim:wait(SHOWN, "the ghost text")
  nvim:keys("<Esc>")
  nvim:wait(SHOWN .. " == nil", "the end of the ghost text")
  check(nvim:text() == loop, "showing changed the buffer")
end

function M.typing_shows_and_accept_takes_all()
  local nvim, shown, before = with_ghost_text()
  check(drawn(nvim) == shown, "drawn is not what is shown:\n" .. drawn(nvim) .. "\n" .. shown)
  check(nvim:text() == before, "showing changed the buffer")
  nvim:keys("<F2>")
  nvim:wait(SHOWN .. " == nil", "the end of the ghost text")
  local wanted = vim.split(before, "\n")
  local lines = vim.split(shown, "\n")
  wanted[ROW] = wanted[ROW] .. lines[1]
  for n = 2, #lines do
    table.insert(wanted, ROW + n - 1, lines[n])
  end
  check(nvim:text() == table.concat(wanted, "\n"), nvim:text())
  check(nvim:lua("return vim.api.nvim_get_mode().mode") == "i", "not in insert mode any more")
end

function M.word_then_line_then_the_rest()
  local nvim, shown = with_ghost_text()
  local line = nvim:lua("return " .. LINE)
  local word = shown:match("^%s*[%w_]+") or shown:match("^%s*[^%w_%s]+")
  nvim:keys("<F3>")
  nvim:wait(("%s == %q"):format(LINE, line .. word), "the word")
  local first = vim.split(shown, "\n")[1]
  nvim:wait(SHOWN, "the rest of it")
  nvim:keys("<F4>")
  nvim:wait(("%s == %q"):format(LINE, line .. first), "the line")
  check(nvim:lua("return vim.fn.line('.')") == ROW, "accepting a line went on to the next")
end

function M.dismiss_erases_and_changes_nothing()
  local nvim, _, before = with_ghost_text()
  nvim:keys("<F5>")
  nvim:wait(SHOWN .. " == nil", "the end of the ghost text")
  check(drawn(nvim) == "", "something is still drawn")
  check(nvim:text() == before, "dismissing changed the buffer")
end

function M.typing_along_keeps_it()
  local nvim, shown = with_ghost_text()
  nvim:keys(shown:sub(1, 1) == "<" and "<lt>" or shown:sub(1, 1))
  nvim:wait(("%s == %q"):format(SHOWN, shown:sub(2)), "the rest after typing along")
end

child.main(M, function() end)
