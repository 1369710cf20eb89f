#!/bin/sh
# PHP 7.4.33 for real: the whole build from the pristine source into the user's own store (an earlier build there is used, which
# is the point of a store), then the fidelity gate on every runtime that is here.
. "${0%/*}/../lib/tap.sh"
unset WLPACK_HOME
recipe="php-7.4.33"
output=$T/out

run wlpack build $recipe --output "$output"
status_is 0 "wlpack build $recipe"
[ "$status" -eq 0 ] || done_testing
records=$(cat "$out")
for file in php.wasm php-aot.wasm php-cgi.wasm php-cgi-aot.wasm; do
    ok "$file is handed out" test -s "$output/$recipe/bin/$file"
done
for image in php:7.4.33-cli php:7.4.33-cli-aot php:7.4.33-cgi php:7.4.33-cgi-aot; do
    ok "the image $image is among the records" sh -c "printf '%s\n' \"\$1\" | cut -f 2 | grep -qx '$image'" - "$records"
done

run wlpack build $recipe --output "$output" --explain
status_is 0 "again"
is "$(cat "$out")" "$records" "the same records"
err_like 'up to date' "nothing is done twice"

php=$output/$recipe/bin/php.wasm
run wlpack inspect "$php"
status_is 0 "inspect a module"
out_like 'wasi_snapshot_preview1' "its imports"
out_unlike 'exception-handling' "it needs no exceptions of the runtime"

run wlpack run --output "$output" $recipe -- -r 'echo PHP_VERSION, " ", PHP_INT_SIZE, " ", php_uname(), "\n";'
out_is "7.4.33 8 wasi (none) 0.0.0 0.0.0 wasm32" "version, 64-bit integers and the target's uname"
run wlpack run --output "$output" $recipe -- -r 'function f() { exit(3); } f();'
status_is 3 "exit(3) inside a function gives 3"
run wlpack run --output "$output" $recipe -- -r 'var_dump(getenv()); var_dump(@scandir("/"));'
out_unlike 'PATH' "no environment but what is given"
mkdir "$T/site"
cp "$top/scripts/demo-docroot/index.php" "$T/site"
run wlpack run --output "$output" -v "$T/site:/site" -e GREETING=x $recipe -- /site/index.php
status_is 0 "a page from a folder that is given"
out_like '^Hello from PHP 7\.4\.33 on "wasi \(none\) 0\.0\.0 0\.0\.0 wasm32"$' "says where it runs"
out_like '^  GREETING$' "sees the variable"
out_like 'nothing: / was not given' "and not the root, which was not given"
is "$(cat "$T/site/counter.txt")" 1 "and writes into it"

# The gate: each line of the fidelity runner is a test of ours.
gate() {
    name=$1
    shift
    "$@" >"$T/gate" 2>"$err" </dev/null
    sed -n 's/^#/&/p' "$T/gate"
    n=$(grep -c '^ok ' "$T/gate")
    bad=$(grep '^not ok ' "$T/gate")
    ok "fidelity gate, $name: all $n pass" test -z "$bad" -a "$n" -gt 20
}
WASMEDGE=$(wlpack kit which wasmedge wasmedge)
export WASMEDGE
gate "WasmEdge, precompiled" "$top/scripts/fidelity" wasmedge "$output/$recipe/bin/php-aot.wasm" "$output/$recipe/bin/php-cgi-aot.wasm"
# without cli/deep-recursion: print_r() and var_export() of what is nested that deep take minutes there, see Status in the README
# shellcheck disable=SC2046 # names without blanks
gate "Node, all but deep-recursion" "$top/scripts/fidelity" node "$php" "$output/$recipe/bin/php-cgi.wasm" \
    $(cd "$top/tests/fidelity" && ls cli/*.php cgi/*.php | sed 's/\.php$//' | grep -v '^cli/deep-recursion$')
if command -v wasmtime >/dev/null; then
    gate "wasmtime" "$top/scripts/fidelity" wasmtime "$php" "$output/$recipe/bin/php-cgi.wasm"
fi
# The interpreter is some twenty times slower: the answers that matter most.
gate_small() {
    "$top/scripts/fidelity" wasmedge "$php" "$output/$recipe/bin/php-cgi.wasm" \
        cli/exit-in-function cli/fatal-error cli/uncaught-exception cli/exit-in-shutdown cgi/die >"$T/gate" 2>"$err" </dev/null
}
ok "fidelity gate, WasmEdge's interpreter: exit codes, fatal errors, die() in CGI" gate_small

done_testing
