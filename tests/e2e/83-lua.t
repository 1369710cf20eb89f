#!/bin/sh
# Lua 5.4 for real: built from the pristine source; pcall, error and coroutines work on every runtime that is here.
. "${0%/*}/../lib/tap.sh"
unset WLPACK_HOME
run wlpack build lua-5.4.7 --output "$T/out"
status_is 0 "wlpack build lua-5.4.7"
[ "$status" -eq 0 ] || done_testing
mkdir "$T/s"
cat >"$T/s/errors.lua" <<'LUA'
print(pcall(error, {code = 7}) and "no" or "caught")
print(select(2, pcall(function() local t = nil; return t.x end)))
print(xpcall(function() error("deep", 0) end, function(m) return "handled " .. m end))
for i = 1, 100000 do assert(not pcall(error, i)) end
local co = coroutine.wrap(function(a) for i = 1, 3 do a = coroutine.yield(a + i) end return "done" end)
print(co(1), co(10), co(100), co(0))
local function walk(t) for _, v in ipairs(t) do if type(v) == "table" then walk(v) else coroutine.yield(v) end end end
local sum = 0
for v in coroutine.wrap(function() walk({1, {2, {3, 4}}, 5}) end) do sum = sum + v end
print(sum)
print(pcall(string.rep, "x", -1), select("#", pcall(error)))
local function f() return f() + 1 end
print(pcall(f))
print(select(2, pcall(string.gsub, "x", "x", function() error("in a callback", 0) end)))
local ok, msg = pcall(function() local t <close> = setmetatable({}, {__close = function() print("closed") end}); error("out", 0) end)
print(ok, msg)
print(math.maxinteger, 1 << 40, string.format("%.14g", 2^53))
os.exit(5)
LUA
cat >"$T/want" <<'WANT'
caught
/s/errors.lua:2: attempt to index a nil value (local 't')
false	handled deep
2	12	103	done
15
true	2
WANT
for runtime in wasmedge node; do
    run wlpack run --output "$T/out" --runtime $runtime -v "$T/s:/s" lua-5.4.7 -- /s/errors.lua
    status_is 5 "$runtime: os.exit's code"
    is "$(head -n 6 "$out")" "$(cat "$T/want")" "$runtime: errors and coroutines"
    out_like '^false	.*stack overflow' "$runtime: endless recursion is an error, not a trap"
    out_like '^in a callback$' "$runtime: an error through a C function"
    is "$(sed -n '/^closed$/,$p' "$out")" "closed
false	out
9223372036854775807	1099511627776	9.007199254741e+15" "$runtime: to-be-closed variables, 64-bit integers"
done
run wlpack run --output "$T/out" lua-5.4.7 -- -e 'error("boom")'
status_is 1 "an uncaught error gives 1"
err_like 'boom' "with its message"
run wlpack run --output "$T/out" lua-5.4.7 -- -e 'print(os.getenv("HOME"), io.open("/etc/passwd"))'
out_like '^nil	nil' "nothing visible but what is given"
done_testing
