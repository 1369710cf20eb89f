#!/bin/sh
# The slim flavour of PHP: the language and what a small program needs, in an image of at most 1 MB.
. "${0%/*}/../lib/tap.sh"
unset WLPACK_HOME
recipe=php-7.4.33
output=$T/out

# without native code: that comes from the same modules as ever
run wlpack build $recipe --flavour slim --arch none --compression zstd-max --output "$output"
status_is 0 "wlpack build --flavour slim"
[ "$status" -eq 0 ] || done_testing
for image in 7.4.33-slim 7.4.33-cgi-slim 7.4.33-server-slim; do
    size=$(awk -F '\t' -v i="php:$image" '$1 == "image" && $2 == i { print $3 }' "$out")
    ok "php:$image has $size bytes, at most 1,000,000" test "${size:-0}" -gt 500000 -a "${size:-0}" -le 1000000
done
for file in php.wasm php-cgi.wasm php-server.wasm; do
    ok "$file is handed out in the flavour's own folder" test -s "$output/$recipe.slim/bin/$file"
done
run wlpack plan --flavour slim $recipe
out_unlike 'libxml2' "no library is needed"

php() { run wlpack run --output "$output" --flavour slim $recipe -- "$@"; }
php -r 'echo PHP_VERSION, " ", PHP_INT_SIZE, " ", json_encode(["a" => 1.5]), " ", hash("sha256", ""), "\n";'
out_is '7.4.33 8 {"a":1.5} e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' "json and hashes"
php -r 'date_default_timezone_set("Europe/Berlin"); echo date("c", 1600000000), " ", preg_replace("/\\w+/u", "x", "ä b"), "\n";'
out_is '2020-09-13T14:26:40+02:00 x x' "time zones and regular expressions"
php -r 'function f() { exit(3); } f();'
status_is 3 "exit codes"
php -r 'mb_strlen("");'
status_is 255 "what it has not is an error of PHP"
out_like 'Call to undefined function mb_strlen\(\)' "that says so"
run wlpack run php:7.4.33-slim -- -r 'echo 6 * 7, "\n";'
out_is 42 "the image runs"

# The gate, but for the scripts that use extensions which are not in it, and for the one that Node's gate leaves out.
bin=$output/$recipe.slim/bin
# shellcheck disable=SC2046 # names without blanks
"$top/scripts/fidelity" node "$bin/php.wasm" "$bin/php-cgi.wasm" $(cd "$top/tests/fidelity" && ls cli/*.php cgi/*.php |
    sed 's/\.php$//' | grep -vE '^cli/(deep-recursion|extensions|integers|library|limits|too-large)$') >"$T/gate" 2>"$err" </dev/null
sed -n 's/^#/&/p' "$T/gate"
n=$(grep -c '^ok ' "$T/gate")
bad=$(grep '^not ok ' "$T/gate")
ok "fidelity gate, Node: all $n pass" test -z "$bad" -a "$n" -gt 20
done_testing
