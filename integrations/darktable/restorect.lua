--[[
restorect.lua - restore exported photos with restorect and bring them back into darktable

Adds a target storage "restore with restorect" to the export module: each selected photo is exported as a TIFF of
16 bits, restored by `restorect edit`, put beside the original, imported, and grouped with it.

Install: copy this file to ~/.config/darktable/lua/ (Windows: %LOCALAPPDATA%\darktable\lua\) and add the line
    require "restorect"
to the file luarc in the folder above. Preferences > Lua options has the path of restorect, if it is not on PATH, and
more options for it. Needs darktable 4.0 or newer and restorect (docs/editors.md). Licence: Apache-2.0.
]]

local dt = require "darktable"

local NAME = "restorect"
local WINDOWS = dt.configuration.running_os == "windows"
local SEPARATOR = WINDOWS and "\\" or "/"

-- One word of a shell's command, whatever is in it.
local function quoted(text)
  if WINDOWS then
    return '"' .. text:gsub('"', "") .. '"' -- no file name holds one there
  end
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then
    file:close()
  end
  return file ~= nil
end

-- The first free name of the kind NAME-restored.tif, NAME-restored-2.tif, ... in a folder.
local function free_name(folder, filename)
  local stem = filename:match("(.+)%.[^.]*$") or filename
  local base = folder .. SEPARATOR .. stem .. "-restored"
  local path, number = base .. ".tif", 2
  while exists(path) do
    path, number = base .. "-" .. number .. ".tif", number + 1
  end
  return path
end

-- What is in a file, or nil if there is none.
local function content(path)
  local file = io.open(path, "rb")
  local text = file and file:read("a")
  return file and file:close() and text
end

-- Another disk may hold the folder: then renaming fails, and the bytes are copied.
local function moved(from, to)
  if os.rename(from, to) then
    return true
  end
  local target = io.open(to, "wb")
  local done = target and target:write(content(from)) and target:close()
  return done or os.remove(to) and false
end

-- True if restorect restored the file in place, false if it left it as it is: it keeps .orig only of what it changed.
-- Nil and why if it failed.
local function edited(path)
  local program = dt.preferences.read(NAME, "program", "file")
  program = (program == nil or program == "") and "restorect" or program
  local options = dt.preferences.read(NAME, "options", "string") or ""
  local words = { quoted(program), "edit", options, "--backup", "--quiet", quoted(path), "2>" .. quoted(path .. ".txt") }
  local command = table.concat(words, " ")
  local code = dt.control.execute(WINDOWS and '"' .. command .. '"' or command) -- cmd takes off the outer quotes
  local said = content(path .. ".txt")
  os.remove(path .. ".txt")
  if code ~= 0 then
    return nil, (said and said:match("([^\r\n]+)%s*$") or "cannot be run"):gsub("^failed: .-: ", "")
  end
  return os.remove(path .. ".orig") ~= nil
end

-- Import a file beside its original, in the original's group, with its rating and colour labels.
local function joined(path, original)
  local image = dt.database.import(path)
  if not image then
    return
  end
  image:group_with(original.group_leader)
  image.rating = original.rating
  for _, colour in ipairs { "red", "yellow", "green", "blue", "purple" } do
    image[colour] = original[colour]
  end
end

local function supported(_, format)
  return format.extension == "tif"
end

-- A storage cannot choose the depth, so a TIFF of another one is written once more. darktable names it after the photo
-- alone: it gets a name of its own, lest photos of one name from two folders overwrite each other.
local function store(_, image, format, filename, number, total, _, exports)
  dt.print(string.format("restorect: %s is exported (%d of %d)", image.filename, number, total))
  if format.bpp ~= 16 then
    local deep = dt.new_format("tiff")
    deep.bpp = 16
    deep:write_image(image, filename)
  end
  local own = filename:gsub("%.[^.]*$", "") .. "-" .. image.id .. ".tif"
  os.remove(own)
  os.remove(own .. ".orig")
  exports[#exports + 1] = { image = image, path = os.rename(filename, own) and own or filename }
end

-- All are exported: restore them one by one; what fails is left out. One message stays on the screen, the last.
local function finalize(_, _, exports)
  local done, left, failed, why = 0, "", "", ""
  for _, export in ipairs(exports) do
    local image, target = export.image, free_name(export.image.path, export.image.filename)
    dt.print("restorect: " .. image.filename)
    local changed, reason = edited(export.path)
    if changed and moved(export.path, target) then
      joined(target, image)
      done = done + 1
    elseif changed == false then
      left = left .. (left == "" and "; left as it is: " or ", ") .. image.filename
    else
      failed = failed .. (failed == "" and "; failed: " or ", ") .. image.filename
      why = " (" .. (reason or target .. " cannot be written") .. ")"
    end
    os.remove(export.path)
  end
  dt.print(string.format("restorect: %d restored%s%s%s", done, left, failed, why))
end

dt.preferences.register(NAME, "program", "file", "restorect: program", "where restorect is, if not on PATH", "")
dt.preferences.register(NAME, "options", "string", "restorect: options", "for example --task low-light --strength 0.8", "")
dt.register_storage(NAME, "restore with restorect", store, finalize, supported)

return { destroy = function() dt.destroy_storage(NAME) end }
