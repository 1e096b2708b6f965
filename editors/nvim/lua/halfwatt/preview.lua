-- The live preview of a function that is being generated. The buffer's text is never touched here.

local M = {}

local SPACE = vim.api.nvim_create_namespace("halfwatt.preview")

---The job that waits for :HalfwattAccept.
---@type string?
M.waiting = nil

---@type table<string, { buffer: integer, window: integer? }>
local shown = {}

---@param lines string[]
---@return table[]
local function virtual(lines)
  return vim.tbl_map(function(line)
    return { { line == "" and " " or line, "HalfwattPreview" } }
  end, lines)
end

---@param job string
local function clear(job)
  local there = shown[job]
  if not there then
    return
  end
  if vim.api.nvim_buf_is_valid(there.buffer) then
    vim.api.nvim_buf_clear_namespace(there.buffer, SPACE, 0, -1)
  end
  if there.window and vim.api.nvim_win_is_valid(there.window) then
    vim.api.nvim_win_close(there.window, true)
  end
  shown[job] = nil
end

---@param there { buffer: integer, window: integer? }
---@param lines string[]
---@param config halfwatt.Config
local function float(there, lines, config)
  local width = 1
  for _, line in ipairs(lines) do
    width = math.max(width, vim.fn.strdisplaywidth(line))
  end
  local size = {
    relative = "cursor",
    row = 1,
    col = 0,
    width = math.min(width, math.max(20, vim.o.columns - 4)),
    height = math.max(1, math.min(#lines, math.floor(vim.o.lines / 2))),
    style = "minimal",
    border = config.border,
    title = " halfwatt ",
    focusable = false,
  }
  if there.window and vim.api.nvim_win_is_valid(there.window) then
    size.relative, size.row, size.col = nil, nil, nil
    vim.api.nvim_win_set_config(there.window, size)
  else
    local buffer = vim.api.nvim_create_buf(false, true)
    vim.bo[buffer].bufhidden = "wipe"
    vim.bo[buffer].filetype = vim.bo[there.buffer].filetype
    there.window = vim.api.nvim_open_win(buffer, false, size)
  end
  vim.api.nvim_buf_set_lines(vim.api.nvim_win_get_buf(there.window), 0, -1, false, lines)
end

---@param params { job: string, uri: string, range: lsp.Range, text: string, state: string, message: string }
---@param config halfwatt.Config
function M.delta(params, config)
  M.waiting = params.state == "ready" and params.job or (M.waiting ~= params.job and M.waiting or nil)
  if params.state == "failed" or params.state == "cancelled" or params.state == "applied" then
    clear(params.job)
    if params.message ~= "" and params.state ~= "failed" then -- failures are told by the server's own messages
      require("halfwatt.window").say(params.message)
    end
    return
  end
  if not config.preview then
    return
  end
  local buffer = vim.uri_to_bufnr(params.uri)
  if not vim.api.nvim_buf_is_loaded(buffer) then
    return
  end
  shown[params.job] = shown[params.job] or { buffer = buffer }
  local lines = vim.split(params.text, "\r?\n")
  if config.preview == "float" then
    float(shown[params.job], lines, config)
    return
  end
  vim.api.nvim_set_hl(0, "HalfwattPreview", { link = "Comment", default = true })
  local row = math.min(params.range["end"].line, vim.api.nvim_buf_line_count(buffer) - 1)
  vim.api.nvim_buf_clear_namespace(buffer, SPACE, 0, -1)
  vim.api.nvim_buf_set_extmark(buffer, SPACE, row, 0, { virt_lines = virtual(lines) })
end

return M
