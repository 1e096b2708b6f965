-- The status line's text and energy figures. Heard from the server, never polled.

local M = {}

---The newest `halfwatt/didChangeStatus`.
---@type table?
M.last = nil

---@param params table
function M.changed(params)
  local before = M.last
  M.last = params
  if not before or before.kind ~= params.kind then
    if params.kind == "no_model" or params.kind == "error" then
      require("halfwatt.window").say(params.message, vim.log.levels.WARN)
    end
  end
  vim.cmd.redrawstatus({ bang = true })
  vim.api.nvim_exec_autocmds("User", { pattern = "HalfwattStatus", modeline = false })
end

---@param pause_s integer? until it is started again; nil: it stays off
function M.crashed(pause_s)
  local message = "the language server has ended unexpectedly; "
    .. (pause_s and "it is started again." or ":checkhealth halfwatt tells more.")
  M.last = { kind = "error", message = message, energy = {}, warnings = {} }
  require("halfwatt.window").say(message, vim.log.levels.ERROR)
end

---@param joules number?
---@return string
local function amount(joules)
  if joules == nil or joules == vim.NIL then
    return "?"
  end
  if math.abs(joules) >= 10000 then
    return ("%.1f kJ"):format(joules / 1000)
  end
  return ("%.0f J"):format(joules)
end

---@return string
function M.text()
  local status = M.last
  if not status then
    return ""
  end
  if status.busy then
    return "½W …"
  end
  local words = { paused = "paused", no_model = "no model", offline = "offline", loading = "loading", error = "!" }
  local saved = status.energy and status.energy.saved_j
  local number = (saved ~= nil and saved ~= vim.NIL) and amount(saved) or nil
  local method = status.energy and status.energy.method
  local label = number and ((saved < 0 and "" or "+") .. number .. (method == "measured" and "" or "~")) or nil
  return table.concat(vim.tbl_filter(function(part)
    return part ~= nil
  end, { "½W", words[status.kind] or label or "" }), " ")
end

---@param summary table
---@param since string
---@return string[]
function M.energy_lines(summary, since)
  local used, saved = summary.energy, summary.saved
  local lines = {
    ("Since %s: %d requests"):format(since, summary.requests),
    ("Used: %s (%s to %s)"):format(amount(used.total_j), amount(used.low_j), amount(used.high_j)),
    ("Saved: %s (%s to %s), compared with %s"):format(
      amount(saved.j),
      amount(saved.low_j),
      amount(saved.high_j),
      saved.reference ~= "" and saved.reference or "the reference model"
    ),
  }
  for tier, energy in vim.spairs(summary.by_tier) do
    table.insert(lines, ("- %s: %s"):format(tier, amount(energy.total_j)))
  end
  for method, share in vim.spairs(summary.method_shares) do
    table.insert(lines, ("- %s: %.0f %%"):format(method, 100 * share))
  end
  return lines
end

return M
