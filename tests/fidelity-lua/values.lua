-- Numbers and strings where a 32-bit target or another C library could differ.
print(math.maxinteger, math.mininteger, math.pi, math.huge, -math.huge, 0 / 0 ~= 0 / 0)
print(1 << 62, 1 << 63, 1 << 64, -1 >> 1, 5 // -2, -5 % 3, 5.5 // -2, -5.5 % 3, 2 ^ 53, 1e308 * 10)
print(math.type(1), math.type(1.0), math.tointeger(3.0), math.ult(1, -1), 3 | 4.0, pcall(function() return 1 | 1.5 end))
print(string.format("%5.2f|%-8d|%+i|%x|%X|%o|%c|%e|%g|%a|%q|%q|%s|%10.3s|%%", 3.14159, 42, 7, 255, 255, 8, 65, 12345.678, 1e20, 0.1, "a\n\0b",
  1 / 3, true, "abcdef"))
print(string.format("%q", math.mininteger), string.format("%.14g %.17g %.3g", 0.1, 0.1, 1e-10))
for _, s in ipairs({ "0x10", "1e2", "0x.8p1", " 12 ", "1e", "0x", "1_0", "nan", "inf", "9223372036854775808", "-0" }) do
  io.write(tostring(tonumber(s)), " ")
end
print(tonumber("zz", 36), tonumber("8", 8), tonumber("-ff", 16))
print(1e15, 1e16, 123456789012345678, 0.1 + 0.2, 1e100, 2 ^ 63, -0.0, 100 // 1e-320)
print(string.pack("<i4>I2z s1 d", -2, 258, "zero", "len", 1.5):byte(1, -1))
print(string.unpack("<i8", string.pack("<i8", math.mininteger)), string.packsize("i4i8!8d"), pcall(string.pack, "i1", 200))
print(#string.pack("j n s4", 1, 2, "x"))
print(utf8.char(72, 228, 8364, 128512), utf8.len("Hä€😀"), utf8.codepoint("€", 1), utf8.len("\xff"), utf8.offset("aä€", 3))
print(("hello world"):find("o w"), ("hello"):match("(h)(.)"), ("x=1, y=2"):gsub("(%w)=(%w)", "%2=%1"), ("abc"):gsub("", "-"))
print(("THE (quick) fox"):find("%((%a+)%)"), ("  trim  "):match("^%s*(.-)%s*$"), ("f(a(b)c)d"):match("%b()"), ("THE fox"):gsub("%f[%a]%a+", string.lower))
print(("%d"):rep(3, ","), ("abc"):reverse(), ("ABC"):lower(), ("x"):byte(), ("ab"):rep(0), ("abc"):sub(-2), #("\u{7FFFFFFF}"))
print(table.concat({ 1, 2.5, "x" }, "-"), table.unpack({ 1, 2, 3 }, 2), select("#", table.unpack({}, 1, 3)), select(-1, 1, 2, 3))
local t = {}
for i = 1, 1000 do t[i] = (i * 7919) % 1009 end
table.sort(t)
print(t[1], t[500], t[1000], #table.move(t, 1, 10, 995, {}))
math.randomseed(42)
print(math.random(1, 1 << 60), math.random(100), math.random(0) ~= 0, math.random() < 1, pcall(math.random, 2, 1))
print(math.floor(-3.5), math.ceil(3.2), math.fmod(-5, 3), math.modf(3.7), math.sqrt(2), math.exp(1), math.log(8, 2), math.abs(math.mininteger))
print(math.sin(1), math.cos(1), math.tan(1), math.asin(0.5), math.atan(1, -1), math.log(10), math.max(1, 2.5), math.min(3, -1))
print(#string.dump(function() return 1 end) > 0, load(string.dump(function() return "dumped" end))())
local env = { print = print }
print(load("x = 5; return x", "chunk", "t", env)(), env.x, x)
print(collectgarbage("count") > 0, collectgarbage("step"), collectgarbage("isrunning"), collectgarbage("generational"), collectgarbage("incremental"))
local weak = setmetatable({}, { __mode = "k" })
for i = 1, 100 do weak[{}] = i end
collectgarbage()
print(next(weak))
goto done
print("skipped")
::done::
print(_VERSION, rawlen({ 1, 2 }), rawequal("a", "a"), rawget(setmetatable({}, { __index = { a = 1 } }), "a"), #arg)
print(debug.getinfo(1, "S").short_src, debug.getinfo(1, "l").currentline, debug.getinfo(print).what)
