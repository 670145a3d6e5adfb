-- Stands for darktable: lua darktable.lua SCRIPT PROGRAM BPP TEMPORARY PHOTO=TIFF... loads the script, offers it all
-- formats, and exports the photos to the temporary folder. DEEP is what the format writes where it is asked again. Each
-- line of output is something done. As darktable 4.2.1 does it: an export is named after the photo alone, the status
-- of a command is that of system(), and a table of the export goes to the script as the last argument.

local script, program, bpp, temporary = arg[1], arg[2], tonumber(arg[3]), arg[4]
local storage

local function say(...)
  print(table.concat({ ... }, "\t"))
end

local function copy(from, to)
  local source, target = assert(io.open(from, "rb")), assert(io.open(to, "wb"))
  target:write(source:read("a"))
  source:close()
  target:close()
end

package.preload.darktable = function()
  return {
    configuration = { running_os = "linux" },
    print = function(text) say("print", text) end,
    control = {
      execute = function(command)
        local _, how, code = os.execute(command)
        return how == "exit" and code * 256 or code
      end,
    },
    preferences = {
      register = function(name, key, kind, label, tooltip, default)
        assert(name == "restorect" and label and tooltip and default == "")
        say("preference", key, kind)
      end,
      read = function(_, key, kind)
        assert((key == "program" and kind == "file") or (key == "options" and kind == "string"))
        return key == "program" and program or ""
      end,
    },
    new_format = function(name)
      assert(name == "tiff")
      local format = { extension = "tif" }
      function format.write_image(self, image, filename)
        say("written again", image.filename, tostring(self.bpp))
        copy(os.getenv("DEEP"), filename)
        return true
      end
      return format
    end,
    register_storage = function(name, label, store, finalize, supported, initialize)
      assert(name == "restorect" and label and initialize == nil)
      storage = { store = store, finalize = finalize, supported = supported }
    end,
    destroy_storage = function(name) say("destroyed", name) end,
    database = {
      import = function(path)
        local image = {}
        function image.group_with(_, leader) say("grouped", path, leader) end
        return setmetatable(image, { __newindex = function(_, key, value) say("set", key, tostring(value)) end })
      end,
    },
  }
end

local returned = dofile(script)
for _, extension in ipairs { "jpg", "png", "tif", "exr" } do
  say("supported", extension, tostring(storage.supported(storage, { extension = extension })))
end
local files, exports, total = {}, {}, #arg - 4
for number = 1, total do
  local photo, tiff = arg[number + 4]:match("^(.*)=(.*)$")
  local folder, filename = photo:match("^(.*)/([^/]*)$")
  local image = { id = number, path = folder, filename = filename, rating = 3, red = true }
  image.group_leader = "leader of " .. filename
  local exported = temporary .. "/" .. filename:gsub("%.[^.]*$", ".tif")
  copy(tiff, exported)
  storage.store(storage, image, { extension = "tif", bpp = bpp }, exported, number, total, true, exports)
  files[image] = exported
end
storage.finalize(storage, files, exports)
returned.destroy()
