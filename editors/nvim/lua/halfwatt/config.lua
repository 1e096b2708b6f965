-- The options, their types and defaults. Reads nothing and starts nothing.

---@class halfwatt.Options
---@field cmd? string[] how the language server is started
---@field filetypes? string[] where it is started
---@field ghost_text? boolean suggestions while typing
---@field preview? "virtual_lines"|"float"|false how a function is shown while it is generated
---@field review? boolean wait for :HalfwattAccept before the buffer is changed
---@field border? string border of floating windows

---@class halfwatt.Config
---@field cmd string[]
---@field filetypes string[]
---@field ghost_text boolean
---@field preview "virtual_lines"|"float"|false
---@field review boolean
---@field border string

local M = {}

---@type halfwatt.Config
M.defaults = {
  cmd = { "halfwatt", "lsp" },
  filetypes = {
    "python",
    "javascript",
    "javascriptreact",
    "typescript",
    "typescriptreact",
    "go",
    "rust",
    "java",
    "c",
    "cpp",
  },
  ghost_text = true,
  preview = "virtual_lines",
  review = false,
  border = "rounded",
}

local TYPES = {
  cmd = "table",
  filetypes = "table",
  ghost_text = "boolean",
  review = "boolean",
  border = "string",
}

---@param options halfwatt.Options
---@return halfwatt.Config
---@return string[] problems one sentence for each option that was not understood; the default stands in for it
function M.merged(options)
  local problems = {}
  local merged = vim.deepcopy(M.defaults)
  for name, value in pairs(options) do
    if M.defaults[name] == nil then
      table.insert(problems, ("there is no option `%s`; see :help halfwatt-options."):format(name))
    elseif name == "preview" then
      if value == "virtual_lines" or value == "float" or value == false then
        merged.preview = value
      else
        table.insert(problems, '`preview` must be "virtual_lines", "float" or false.')
      end
    elseif type(value) ~= TYPES[name] then
      table.insert(problems, ("`%s` must be a %s, not a %s."):format(name, TYPES[name], type(value)))
    else
      merged[name] = value
    end
  end
  return merged, problems
end

return M
