-- Commands and <Plug> mappings. They load the rest when used; nothing runs before `require("halfwatt").setup()`.
if vim.g.loaded_halfwatt then
  return
end
vim.g.loaded_halfwatt = true

if vim.fn.has("nvim-0.11") == 0 then
  vim.notify("halfwatt needs Neovim 0.11 or later; nothing was loaded.", vim.log.levels.WARN)
  return
end

---@param name string
---@param run fun(arguments: table)
---@param options? table
local function command(name, run, options)
  vim.api.nvim_create_user_command("Halfwatt" .. name, run, options or {})
end

---@param words string[]
local function complete(words)
  return function(lead)
    return vim.tbl_filter(function(word)
      return vim.startswith(word, lead)
    end, words)
  end
end

---@param method string
local function call(method)
  return function(arguments)
    require("halfwatt")[method](arguments and arguments.fargs and arguments.fargs[1] or nil)
  end
end

local routes = { "auto", "local", "cloud" }
local dials = { "eco", "balanced", "quality" }
command("Generate", call("generate"), { nargs = "?", complete = complete(routes), desc = "Generate the function here" })
command("Accept", call("accept_preview"), { desc = "Apply the reviewed function" })
command("Cancel", call("cancel"), { desc = "Cancel running generations" })
command("Why", call("why"), { desc = "Explain the last decision" })
command("Explain", call("explain"), { desc = "Say which model would answer here" })
command("Energy", call("energy"), { nargs = "?", desc = "Show energy used and saved" })
command("Pause", call("pause"), { nargs = "?", desc = "Pause for some minutes, or until resumed" })
command("Resume", call("resume"), { desc = "Go on after a pause" })
command("Dial", call("dial"), { nargs = 1, complete = complete(dials), desc = "Weigh energy against quality" })
command("Dashboard", call("dashboard"), { desc = "Open the energy dashboard" })
command("Logs", call("logs"), { desc = "Open the daemon's log" })
command("Doctor", call("doctor"), { desc = "Check the installation" })
command("Model", call("pull_model"), { nargs = "?", desc = "Fetch a local model" })
command("Key", call("set_key"), { nargs = 1, desc = "Store a provider's key in the keyring" })

---@param mode string
---@param name string
---@param method string
local function plug(mode, name, method)
  vim.keymap.set(mode, "<Plug>(halfwatt-" .. name .. ")", function()
    require("halfwatt")[method]()
  end, { desc = "halfwatt: " .. name })
end

plug("n", "generate", "generate")
plug("n", "accept-preview", "accept_preview")
plug("n", "cancel", "cancel")
plug("n", "why", "why")
plug("n", "pause", "toggle_pause")
plug("i", "accept", "accept")
plug("i", "accept-word", "accept_word")
plug("i", "accept-line", "accept_line")
plug("i", "dismiss", "dismiss")
plug("i", "complete", "complete")
