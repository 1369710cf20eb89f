-- Everything that unwinds: errors of all kinds, through C and Lua frames, coroutines, metamethods, to-be-closed variables.
local function show(...)
  local t = table.pack(...)
  for i = 1, t.n do
    local s = type(t[i]) == "table" and "table" or tostring(t[i])
    t[i] = s:gsub("0x%x+", "ADDR")
  end
  print(table.concat(t, "\t", 1, t.n))
end

show(pcall(error))
show(pcall(error, nil))
show(pcall(error, "text"))
show(pcall(error, "text", 2))
show(pcall(error, 42))
show(pcall(function() error({}) end))
show(pcall(function() error(setmetatable({}, { __tostring = function() return "object" end })) end))
show(pcall(function() local x = nil; return x.y end))
show(pcall(function() return 1 + {} end))
show(pcall(function() return #5 end))
show(pcall(function() return {} < {} end))
show(pcall(function() return 1 // 0 end))
show(pcall(function() return math.tointeger("x") end))
show(pcall(string.rep, "x", 1 << 40))
show(pcall(string.rep))
show(pcall(string.format, "%d", 1.5))
show(pcall(setmetatable, 1, {}))
show(pcall(load, "x ="))
show(load("x = = 1"))
show(load("for"))
show(load("goto nowhere"))
show(load(string.rep("(", 300) .. "1" .. string.rep(")", 300)))
show(xpcall(function() error("traced") end, function(m) return "handled " .. m end))
show(xpcall(function() error("a") end, function() error("b") end))
show((select(2, xpcall(function() error("tb") end, debug.traceback)):gsub("\n.*", "")))
show(pcall(pcall, error, "nested"))
show(pcall(function() assert(false) end))
show(pcall(function() assert(nil, "asserted") end))

-- deep recursion: an error, and the state goes on
local function down(n) return down(n + 1) + 1 end
show(select("#", pcall(down, 1)), (select(2, pcall(down, 1)):gsub("%(.*", "")))
show(pcall(string.gsub, string.rep("a", 10), "a", function() return down(1) end) and "" or "gsub")
local t = setmetatable({}, { __index = function(t, k) return t[k + 1] end })
show(pcall(function() return t[1] end))
local function nest(n) return pcall(nest, n + 1) end
show(nest(1))
local function co(n) return coroutine.wrap(co)(n + 1) end
show((select(2, pcall(co, 1)):gsub("^.*: ", "")))
show(pcall(string.find, string.rep("a", 300000), string.rep("a?", 300000) .. string.rep("a", 10)) and "" or "pattern")

-- table.sort, string.gsub and table.concat with callbacks that throw
show(pcall(table.sort, { 3, 1, 2 }, function() error("cmp") end))
show(pcall(table.sort, { 1, 2, 3, 4, 5, 6, 7 }, function() return true end))
show(pcall(string.gsub, "abc", "%w", function(c) if c == "b" then error("gsub " .. c) end end))
show(pcall(table.concat, { 1, {}, 3 }))
show(pcall(next, {}, 1))

-- coroutines
local c = coroutine.create(function(a)
  local b = coroutine.yield(a + 1)
  error("in coroutine " .. b)
end)
show(coroutine.resume(c, 1))
show(coroutine.resume(c, 7))
show(coroutine.resume(c))
show(coroutine.status(c))
show(pcall(coroutine.wrap(function() error({}) end)))
local w = coroutine.wrap(function()
  for i = 1, 3 do
    show("inner", pcall(function()
      coroutine.yield(i)
      if i == 2 then error("after yield") end
      return i * 10
    end))
  end
  return "done"
end)
show(w(), w(), w(), w())
show(pcall(w))
local m = setmetatable({}, {
  __add = function(_, n) return coroutine.yield(n) end,
  __index = function(_, k) return coroutine.yield(k) end,
  __call = function(_, x) return coroutine.yield(x) end,
})
local u = coroutine.wrap(function() return m + 5, m.key, m("arg") end)
show(u(), u("a"), u("b"), u("c"))
show(coroutine.isyieldable(), coroutine.running())
show(pcall(coroutine.yield, 1))
show(pcall(table.sort, { 2, 1 }, function() coroutine.yield() end))
show(coroutine.resume(coroutine.create(function() table.sort({ 2, 1 }, function() coroutine.yield() end) end)))
show(coroutine.close(coroutine.create(print)))
local open = coroutine.create(function()
  local x <close> = setmetatable({}, { __close = function(_, e) show("closed", e) end })
  coroutine.yield()
end)
coroutine.resume(open)
show(coroutine.close(open))

-- to-be-closed variables and errors in them
show(pcall(function()
  local a <close> = setmetatable({}, { __close = function(_, e) show("a", e); error("from a", 0) end })
  local b <close> = setmetatable({}, { __close = function(_, e) show("b", e) end })
  error("first", 0)
end))
do
  local gone <close> = setmetatable({}, { __close = function() show("left") end })
end
for i in (function() local n = 0; return function() n = n + 1; return n < 4 and n or nil end, nil, nil,
  setmetatable({}, { __close = function() show("loop closed") end }) end)() do
  if i == 2 then break end
end

-- finalizers: an error in one is a warning
warn("@on")
setmetatable({}, { __gc = function() error("in gc") end })
collectgarbage()
collectgarbage()
warn("@off")

-- many times over
local n = 0
for i = 1, 20000 do
  if not pcall(error, i) then n = n + 1 end
end
show(n)
local g = coroutine.wrap(function() for i = 1, 20000 do coroutine.yield(i) end end)
for _ = 1, 20000 do n = n + g() end
show(n)
