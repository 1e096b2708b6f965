-- Floating windows with text, and diffs in a split. Knows nothing of the server.

local M = {}

---A floating window that `q` or leaving it closes.
---@param lines string[]
---@param title string
---@param border string
---@return integer window
function M.show(lines, title, border)
  local _, window = vim.lsp.util.open_floating_preview(lines, "markdown", {
    border = border,
    title = " " .. title .. " ",
    focus_id = "halfwatt",
    max_width = math.max(20, math.min(90, vim.o.columns - 4)),
    wrap = true,
  })
  return window
end

---An answer that could not be placed, as a unified diff.
---@param params { title: string, uri: string, text: string }
function M.diff(params)
  vim.cmd("botright new")
  local buffer = vim.api.nvim_get_current_buf()
  vim.bo[buffer].buftype = "nofile"
  vim.bo[buffer].bufhidden = "wipe"
  vim.bo[buffer].filetype = "diff"
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(params.text, "\n"))
  vim.bo[buffer].modifiable = false
end

return M
