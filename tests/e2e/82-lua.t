#!/bin/sh
# Lua for real: from the source to images, pcall, error and coroutines at work, the same digests in two places.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1
unset WLPACK_RECIPES SOURCE_DATE_EPOCH 2>/dev/null || :

run wlpack build lua-5.4.7 --output o
status_is 0 "lua-5.4.7 builds"
digests=$(cut -f 1,4 "$out")
is "$(cut -f 2 "$out" | grep -c '^lua:5.4.7-cli')" 2 "with two images"
run wlpack build lua-5.4.7 --output o
err_like 'up to date' "again: nothing to do"

cat >t.lua <<'LUA'
print(pcall(error, "x"))
local co = coroutine.wrap(function() coroutine.yield(1) error("y", 0) end)
print(co())
print(pcall(co))
print(select("#", pcall(string.rep)))
os.exit(3)
LUA
wasmedge=$(wlpack kit which wasmedge wasmedge)
for module in lua lua-aot; do
    run "$wasmedge" --dir "/w:$T" "o/lua-5.4.7/bin/$module.wasm" /w/t.lua
    status_is 3 "$module: os.exit(3)"
    is "$(tr '\n' ' ' <"$out")" "false	x 1 false	y 2 " "$module: pcall, error, coroutines"
done

run env WLPACK_HOME="$T/other/home" TZ=Asia/Tokyo "$WLPACK" build lua-5.4.7 --output p --jobs 1
is "$(cut -f 1,4 "$out")" "$digests" "another home, folder, time zone and number of jobs: the same digests"

done_testing
