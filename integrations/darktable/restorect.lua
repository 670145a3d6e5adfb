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

-- Another disk may hold the folder: then renaming fails, and the bytes are copied.
local function moved(from, to)
  if os.rename(from, to) then
    return true
  end
  local source, target = io.open(from, "rb"), io.open(to, "wb")
  local done = source and target and target:write(source:read("a")) and target:close()
  if source then
    source:close()
  end
  os.remove(done and from or to)
  return done and true or false
end

-- True if restorect has restored the file in place. Its exit code is 0 only then.
local function restored(path)
  local program = dt.preferences.read(NAME, "program", "file")
  program = (program == nil or program == "") and "restorect" or program
  local options = dt.preferences.read(NAME, "options", "string") or ""
  local command = quoted(program) .. " edit --no-backup --quiet " .. options .. " " .. quoted(path)
  if WINDOWS then
    command = '"' .. command .. '"' -- cmd takes off the outer ones
  end
  return dt.control.execute(command) == 0
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

-- A storage cannot choose the depth, so a TIFF of another one is written once more.
local function store(_, image, format, filename, number, total)
  dt.print(string.format("restorect: %s is exported (%d of %d)", image.filename, number, total))
  if format.bpp ~= 16 then
    local deep = dt.new_format("tiff")
    deep.bpp = 16
    deep:write_image(image, filename)
  end
end

-- All are exported: restore them one by one; what fails is told and left out.
local function finalize(_, files)
  local failed, done = {}, 0
  for image, exported in pairs(files) do
    dt.print("restorect: " .. image.filename)
    local target = free_name(image.path, image.filename)
    if restored(exported) and moved(exported, target) then
      joined(target, image)
      done = done + 1
    else
      os.remove(exported)
      failed[#failed + 1] = image.filename
    end
  end
  local missed = #failed > 0 and "; failed: " .. table.concat(failed, ", ") or ""
  dt.print(string.format("restorect: %d restored%s", done, missed))
end

dt.preferences.register(NAME, "program", "file", "restorect: program", "where restorect is, if not on PATH", "")
dt.preferences.register(NAME, "options", "string", "restorect: options", "for example --task low-light --strength 0.8", "")
dt.register_storage(NAME, "restore with restorect", store, finalize, supported)

return { destroy = function() dt.destroy_storage(NAME) end }
