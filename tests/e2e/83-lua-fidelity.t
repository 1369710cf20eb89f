#!/bin/sh
# Lua for real: built by the recipe, and then script by script the same output and exit code as the same source built by the
# host's compiler; as portable module and as precompiled one.
. "${0%/*}/../lib/tap.sh"
env -u WLPACK_HOME "$top/scripts/kit-install" >"$T/places" 2>"$T/log" || {
    cat "$T/log" >&2
    skip_all "the kits cannot be had here"
}
wasmedge=$(sed -n 's,^wasmedge	,,p' "$T/places")/bin/wasmedge

run wlpack build lua-5.4.7 --output "$T/build-output"
status_is 0 "the recipe builds"
bin=$T/build-output/lua-5.4.7/bin
[ -f "$bin/lua-aot.wasm" ] || done_testing

# the native one, from the very source that was fetched
mkdir "$T/native"
source=$(find "$T/home" "${XDG_CACHE_HOME:-$HOME/.cache}/wlpack" -name 'lua-5.4.7.tar.gz' 2>/dev/null | head -n 1)
tar -xf "$source" -C "$T/native" --strip-components=1 &&
    make -s -C "$T/native/src" lua CC=cc CFLAGS='-O1 -w -DLUA_COMPAT_5_3 -DLUA_USE_POSIX' LIBS=-lm AR='ar rcD' \
        LDFLAGS= >"$T/log" 2>&1
if [ ! -x "$T/native/src/lua" ]; then
    cat "$T/log" >&2
    fail "a native Lua to compare with"
    done_testing
fi

cp -R "$top/tests/fidelity-lua" "$T/work"
cd "$T/work" || exit 1
export WL_TEST=value
path='./lib/?.lua'
# native ARGS, portable ARGS, aot ARGS: standard input is ./input
native() {
    LUA_PATH=$path "$T/native/src/lua" "$@"
}
guest() {
    module=$1
    shift
    "$wasmedge" --env "LUA_PATH=$path" --env WL_TEST=value --dir .:. --dir /tmp:/tmp "$module" "$@"
}
portable() {
    guest "$bin/lua.wasm" "$@"
}
aot() {
    guest "$bin/lua-aot.wasm" "$@"
}
# same NAME HOW ARGS...: exit code, output and (without the program's name) messages
same() {
    name=$1 how=$2
    shift 2
    want=0 got=0
    native "$@" <input >native.out 2>native.err || want=$?
    "$how" "$@" <input >guest.out 2>guest.err || got=$?
    sed -i 's/^[^ ]*lua[^ :]*: /lua: /' native.err guest.err
    is "$got" "$want" "$how: $name: exit code"
    if cmp -s native.out guest.out; then
        pass "$how: $name: output"
    else
        diff native.out guest.out >"$err" || :
        fail "$how: $name: output"
    fi
    if cmp -s native.err guest.err; then
        pass "$how: $name: messages"
    else
        diff native.err guest.err >"$err" || :
        fail "$how: $name: messages"
    fi
}
printf '12 0x1F rest of line\nsecond\nall the rest\n' >input
same errors aot errors.lua
for how in portable aot; do
    same system "$how" system.lua 7 second
    same values "$how" values.lua
    same "uncaught error" "$how" -e 'error("uncaught")'
    same "uncaught object" "$how" -e 'error({})'
    same "syntax error" "$how" -e 'x = = 1'
    same "exit true" "$how" -e 'os.exit(true)'
    same "exit false" "$how" -e 'io.write("kept") os.exit(false)'
    same "exit in a coroutine" "$how" -e 'coroutine.wrap(function() pcall(function() os.exit(42, true) end) end)()'
    same "missing script" "$how" no-such.lua
    same "options" "$how" -W -l answer -e 'print(answer.value) warn("w")' - one
done
printf 'print("from stdin", ...) error("e")\n' >input
same "script on standard input" aot
same "script on standard input, arguments" aot - a b
run portable -e 'print(os.execute(), io.popen)' </dev/null
out_like '^false	function' "os.execute says that there is no shell"
run portable -e 'print(os.execute("true"))'
out_like '^nil	Function not implemented	' "os.execute fails"
run portable -e 'print(pcall(io.popen, "true"))'
out_like "^false	'popen' not supported" "io.popen fails"
run guest "$bin/luac.wasm" -o out.luac values.lua
status_is 0 "luac compiles"
run portable out.luac
out_like '^Lua 5.4	2	true' "and lua runs it"

cd "$T" || exit 1
run wlpack run lua-5.4.7 -- -e 'os.exit(9)'
status_is 9 "wlpack run hands the exit code on"
done_testing
