#!/bin/sh
# Two builds at once, interrupted builds, damaged results, and the same bytes wherever and whenever.
. "${0%/*}/../lib/tap.sh"
. "$top/tests/lib/tiny.sh"
cd "$T" || exit 1
tiny_make

# slow: compile leaves a line in $T/runs per run and waits for the file $T/go
slow() {
    sed "s#\\[\"make\"#[\"sh\", \"-c\", \"echo x >>$T/runs; until test -e $T/go; do sleep 0.1; done; exec make -j1\"], \"note\": \"\"}, {\"argv\": [\"make\"#" \
        recipes/tiny-1.0/recipe.json >.r && cp .r recipes/tiny-1.0/recipe.json
}

# A command that a killed process had started may live on for a moment and keeps what it works in; whoever comes after it cleans up.
cleaned_up() {
    "$WLPACK" build tiny-1.0 --until compile --output two >/dev/null 2>&1 && [ -z "$(left_over)" ]
}

# --- two processes, one store ---
slow
"$WLPACK" build tiny-1.0 --until check --output one >one.out 2>one.err &
one=$!
"$WLPACK" build tiny-1.0 --until check --output two >two.out 2>two.err &
two=$!
ok "two builds of one recipe at once: one waits" wait_until grep -q 'another wlpack .* waiting for it' one.err two.err
wait_until test -s runs
touch go
wait $one
is $? 0 "two builds of one recipe at once: the first"
wait $two
is $? 0 "and the second succeed"
is "$(grep -c x runs)" 1 "it was compiled once"
is "$(cut -f 4 one.out)" "$(cut -f 4 two.out)" "both hand out the same"

# --- one of two is killed ---
rm -rf "$WLPACK_HOME/store" runs go
"$WLPACK" build tiny-1.0 --until compile --output one >/dev/null 2>&1 &
one=$!
wait_until test -s runs
"$WLPACK" build tiny-1.0 --until compile --output two >two.out 2>two.err &
two=$!
wait_until grep -q 'another wlpack .* waiting for it' two.err
kill -9 $one
wait $one 2>/dev/null
touch go
wait $two
is $? 0 "kill -9 of the one that builds: the other takes over"
is "$(grep -c x runs)" 2 "and builds it itself"
run wlpack build tiny-1.0 --until compile --output two
err_like 'up to date' "what it made is there"
ok "and a next run cleans up behind the killed one" wait_until cleaned_up

# --- Ctrl-C ---
rm -rf "$WLPACK_HOME/store" runs
slow_id=$T/sleeping
sed "s#until test -e $T/go; do sleep 0.1; done; exec make -j1#echo \$\$ >$slow_id; exec sleep 900#" recipes/tiny-1.0/recipe.json >.r && cp .r recipes/tiny-1.0/recipe.json
for signal in INT TERM HUP; do
    rm -f "$slow_id"
    "$WLPACK" build tiny-1.0 --until compile --output one >one.out 2>one.err &
    one=$!
    wait_until test -s "$slow_id"
    kill -$signal $one
    wait $one
    code=$?
    ok "SIG$signal ends it by that signal" test "$code" -gt 128
    ok "its children are gone" sh -c "! kill -0 $(cat "$slow_id") 2>/dev/null"
    ok "it says so" grep -q 'interrupted' one.err
    is "$(left_over)" "" "nothing half done is left"
    ok "no output" test ! -e one/tiny-1.0/bin/tiny.wasm.tmp
done
tiny_recipe ""
run wlpack build tiny-1.0 --until check --output o
status_is 0 "and the next build works"

# --- kill -9 again and again: whatever is in the store is whole ---
for delay in 0.01 0.03 0.06 0.1 0.15 0.2; do
    rm -rf "$WLPACK_HOME/store"
    "$WLPACK" build tiny-1.0 --until check --output o >/dev/null 2>&1 &
    one=$!
    sleep $delay
    kill -9 $one 2>/dev/null
    wait $one 2>/dev/null
    "$WLPACK" build tiny-1.0 --until check --output o >o.out 2>o.err || break
done
is "$(cut -f 4 o.out)" "sha256:$(sha256sum o/tiny-1.0/bin/tiny.wasm | cut -d ' ' -f 1)" "killed at six moments: the build after it is right"
ok "and a next one cleans up" wait_until cleaned_up

# --- a damaged store ---
digest=$(cut -f 4 o.out)
compiled=$(cat "$WLPACK_HOME/store/last/tiny-1.0.wasi.compile")
printf 'X' | dd of="$WLPACK_HOME/store/$compiled/files/cli.wasm" bs=1 seek=100 conv=notrunc 2>/dev/null
rm -rf o
run wlpack build tiny-1.0 --until compile --output o
status_is 0 "a damaged result"
err_like 'warning: .*cli.wasm has another digest than recorded; it is made again' "is seen, told"
is "$(cut -f 4 "$out")" "$digest" "and made again"
configured=$(cat "$WLPACK_HOME/store/last/tiny-1.0.wasi.configure")
echo x >>"$WLPACK_HOME/store/$configured/files/delta/Makefile"
rm -rf "$WLPACK_HOME/store/$compiled"
run wlpack build tiny-1.0 --until compile --output o
status_is 0 "a damaged configure result"
err_like 'warning: .*Makefile has another digest' "is seen, told"
is "$(cut -f 4 "$out")" "$digest" "and made again"
echo '{' >"$WLPACK_HOME/store/$compiled/meta.json"
rm -rf o
run wlpack build tiny-1.0 --until compile --output o
status_is 0 "a damaged meta.json"
is "$(cut -f 4 "$out")" "$digest" "is made again, too"

# --- another home, folder, time, user's environment ---
mkdir -p other/place
cp -R recipes patches mirror other/place/
(
    cd other/place || exit 1
    TZ=Asia/Tokyo LANG=de_DE.UTF-8 CFLAGS=-O3 CC=gcc MAKEFLAGS=-k UMASK=0 WLPACK_HOME="$T/other/home" WLPACK_RECIPES="$PWD/recipes" WLPACK_MIRROR="$PWD/mirror" \
        "$WLPACK" build tiny-1.0 --until check --jobs 3 --output out
) >other.out 2>other.err
is "$(cut -f 4 other.out)" "$digest" "in another folder, with another home and environment: the same digest"
ok "no folder of this machine is in it" sh -c "! grep -q '$T' other/place/out/tiny-1.0/bin/tiny.wasm"

# --- gc ---
tiny_cflags='"-DX=1"' && tiny_recipe ""
run wlpack build tiny-1.0 --until compile --output o
steps() { find "$WLPACK_HOME/store" -mindepth 1 -maxdepth 1 | wc -l; }
before=$(steps)
run wlpack gc --dry-run
status_is 0 "gc --dry-run"
is "$(steps)" "$before" "removes nothing"
run wlpack gc
out_like '^steps	[1-9]' "gc removes results that a later build has replaced"
run wlpack build tiny-1.0 --until compile --output o
err_like 'up to date' "and none that the last build used"
run wlpack gc --all
run wlpack build tiny-1.0 --until compile --output o
status_is 0 "gc --all: everything is made again"
err_like 'compile +[0-9]' "really"

done_testing
