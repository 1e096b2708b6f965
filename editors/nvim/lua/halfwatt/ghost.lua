-- Ghost text: Neovim's own from 0.12 on, else `textDocument/inlineCompletion` drawn with extmarks.

local M = {}

local METHOD = "textDocument/inlineCompletion"
local SPACE = vim.api.nvim_create_namespace("halfwatt.ghost")

---What is shown: `text` replaces the buffer from `row`, `col` to `end_row`, `end_col`; `extra` bytes of what stands
---behind the cursor are replaced, too.
---@class halfwatt.Ghost
---@field buffer integer
---@field client vim.lsp.Client
---@field row integer
---@field col integer
---@field extra integer
---@field text string
---@field command table?

---@type halfwatt.Ghost?
local current = nil
local newest = 0

---@return boolean
function M.is_native()
  return vim.lsp.inline_completion ~= nil
end

local function erase()
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buffer) then
      vim.api.nvim_buf_clear_namespace(buffer, SPACE, 0, -1)
    end
  end
end

function M.dismiss()
  newest = newest + 1
  current = nil
  erase()
end

---The part of the text that is not typed yet; nil where what was typed differs.
---@param ghost halfwatt.Ghost
---@return string?
local function rest(ghost)
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  if vim.api.nvim_get_current_buf() ~= ghost.buffer or row - 1 < ghost.row or (row - 1 == ghost.row and col < ghost.col) then
    return nil
  end
  local typed = vim.api.nvim_buf_get_text(ghost.buffer, ghost.row, ghost.col, row - 1, col, {})
  local text = table.concat(typed, "\n")
  if not vim.startswith(ghost.text, text) or #text == #ghost.text then
    return nil
  end
  return ghost.text:sub(#text + 1)
end

local function draw()
  erase()
  local left = current and rest(current)
  if not current or not left then
    current = nil
    return
  end
  vim.api.nvim_set_hl(0, "HalfwattGhost", { link = "Comment", default = true })
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  local lines = vim.split(left, "\n")
  local below = vim.tbl_map(function(line)
    return { { line == "" and " " or line, "HalfwattGhost" } }
  end, vim.list_slice(lines, 2))
  vim.api.nvim_buf_set_extmark(current.buffer, SPACE, row - 1, col, {
    virt_text = { { lines[1], "HalfwattGhost" } },
    virt_text_pos = "inline",
    virt_lines = #below > 0 and below or nil,
  })
end

---@param client vim.lsp.Client
---@param buffer integer
---@param item table
local function show(client, buffer, item)
  local text = type(item.insertText) == "table" and item.insertText.value or item.insertText
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  local ghost = { buffer = buffer, client = client, row = row - 1, col = col, extra = 0, text = text, command = item.command }
  if item.range then
    local line = vim.api.nvim_buf_get_lines(buffer, row - 1, row, false)[1] or ""
    local encoding = client.offset_encoding
    ghost.row = item.range.start.line
    local first = vim.api.nvim_buf_get_lines(buffer, ghost.row, ghost.row + 1, false)[1] or ""
    ghost.col = vim.str_byteindex(first, encoding, item.range.start.character, false)
    if item.range["end"].line == row - 1 then
      ghost.extra = math.max(vim.str_byteindex(line, encoding, item.range["end"].character, false) - col, 0)
    end
  end
  current = ghost
  draw()
  local id = M.shown_id()
  if current and id then
    client:notify("halfwatt/didShowCompletion", { id = id })
  end
end

---The id of what is shown, nil for nothing.
---@return string?
function M.shown_id()
  return vim.tbl_get(current or {}, "command", "arguments", 1, "id")
end

---The text that is shown behind the cursor, nil for none.
---@return string?
function M.shown()
  return current and rest(current)
end

---Ask for ghost text at the cursor.
---@param by_hand? boolean
function M.request(by_hand)
  local buffer = vim.api.nvim_get_current_buf()
  local client = require("halfwatt.client").of(buffer)
  if not client or not vim.startswith(vim.api.nvim_get_mode().mode, "i") then
    return
  end
  if M.is_native() then
    return
  end
  newest = newest + 1
  local mine = newest
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding) --[[@as table]]
  params.context = { triggerKind = by_hand and 1 or 2 }
  client:request(METHOD, params, function(failure, result)
    if failure or mine ~= newest or not result or result == vim.NIL then
      return
    end
    local item = (result.items or result)[1]
    if item then
      show(client, buffer, item)
    else
      current = nil
      erase()
    end
  end, buffer)
end

---@param text string
---@param how "all"|"word"|"line"
---@return string
local function piece(text, how)
  if how == "line" then
    return text:match("^\n?[^\n]*")
  elseif how == "word" then
    return text:match("^%s*[%w_]+") or text:match("^%s*[^%w_%s]+") or text
  end
  return text
end

---@param ghost halfwatt.Ghost
---@param text string
---@param extra integer bytes behind the cursor to replace
local function insert(ghost, text, extra)
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  local lines = vim.split(text, "\n")
  vim.api.nvim_buf_set_text(ghost.buffer, row - 1, col, row - 1, col + extra, lines)
  local last = #lines > 1 and #lines[#lines] or col + #text
  vim.api.nvim_win_set_cursor(0, { row + #lines - 1, last })
end

---Take the ghost text, or its first word or line. False where nothing is shown.
---@param how "all"|"word"|"line"
---@return boolean
function M.accept(how)
  if M.is_native() then
    return how == "all" and vim.lsp.inline_completion.get()
  end
  local ghost, left = current, M.shown()
  if not ghost or not left then
    return false
  end
  local taken = piece(left, how)
  vim.schedule(function()
    local whole = taken == left
    insert(ghost, taken, whole and ghost.extra or 0)
    if not whole then
      local length = vim.str_utfindex(taken, "utf-32")
      ghost.client:notify("halfwatt/didPartiallyAcceptCompletion", { id = M.shown_id(), acceptedLength = length })
      draw()
      return
    end
    M.dismiss()
    if ghost.command then
      ghost.client:exec_cmd(ghost.command, { bufnr = ghost.buffer })
    end
  end)
  return true
end

---@param client vim.lsp.Client
---@param buffer integer
function M.attach(client, buffer)
  if M.is_native() then
    vim.lsp.inline_completion.enable(true, { client_id = client.id })
    return
  end
  local group = vim.api.nvim_create_augroup("halfwatt.ghost." .. buffer, {})
  vim.api.nvim_create_autocmd("TextChangedI", {
    group = group,
    buffer = buffer,
    callback = function()
      draw()
      M.request()
    end,
  })
  vim.api.nvim_create_autocmd("CursorMovedI", { group = group, buffer = buffer, callback = draw })
  vim.api.nvim_create_autocmd({ "InsertLeave", "BufLeave" }, { group = group, buffer = buffer, callback = M.dismiss })
end

return M
