-- Messages, floating windows with text, and diffs in a split. Knows nothing of the server.

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

---Whether messages go to Neovim's own command line, which asks for a key where one does not fit into it.
---@return boolean
local function is_plain()
  return debug.getinfo(vim.notify, "S").source:find("^@?vim/_") ~= nil
end

---Tell the user something. Never stops them: what is too long for the command line is cut short, or becomes a floating
---window where it must be read in full.
---@param text string
---@param level? integer one of vim.log.levels; default INFO
function M.say(text, level)
  text = vim.startswith(text, "halfwatt ") and text or "halfwatt: " .. text
  level = level or vim.log.levels.INFO
  local room = vim.v.echospace
  if not is_plain() or (vim.fn.strdisplaywidth(text) <= room and not text:find("\n")) then
    vim.notify(text, level)
  elseif level >= vim.log.levels.WARN then
    local config = require("halfwatt").config
    M.show(vim.split(text, "\n"), "halfwatt", config and config.border or "rounded")
  else
    vim.notify(vim.fn.strcharpart(text:gsub("\n.*", ""), 0, math.max(room - 1, 1)) .. "…", level)
  end
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
