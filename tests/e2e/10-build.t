#!/bin/sh
# What a build makes, what it makes again after a change, and what it says about it.
. "${0%/*}/../lib/tap.sh"
. "$top/tests/lib/tiny.sh"
cd "$T" || exit 1
tiny_make

# --- from nothing ---
run wlpack build tiny-1.0 --until check --output o
status_is 0 "a build from the mirror"
out_like "^artefact	o/tiny-1.0/bin/tiny.wasm	[0-9]+	sha256:[0-9a-f]{64}\$" "one record with path, size and digest"
is "$(wc -l <"$out")" 1 "and nothing else on stdout"
is "$(cut -f 4 "$out")" "sha256:$(sha256sum o/tiny-1.0/bin/tiny.wasm | cut -d ' ' -f 1)" "the digest is the file's"
is "$(cut -f 3 "$out")" "$(wc -c <o/tiny-1.0/bin/tiny.wasm)" "the size too"
err_like '^tiny-1.0: configure +[0-9.]+ s' "a line with the seconds per step"
is "$(head -c 4 o/tiny-1.0/bin/tiny.wasm | od -An -tx1 | tr -d ' ')" "0061736d" "it is WebAssembly"
ok "the store holds no tree" test ! -e "$WLPACK_HOME/work/tiny-1.0.wasi"
is "$(left_over)" "" "nor temporary files"

# --- nothing changed ---
run wlpack build tiny-1.0 --until check --output o
status_is 0 "the same again"
err_like 'tiny-1.0: up to date' "is up to date"
is "$(wc -l <"$out")" 1 "with the same record"
run wlpack build tiny-1.0 --until check --output o --explain
err_like '^tiny-1.0: compile +in the store' "--explain says so of each step"
err_unlike 'built' "nothing is built"
rm o/tiny-1.0/bin/tiny.wasm
run wlpack build tiny-1.0 --until check --output o
ok "a missing output file comes back" test -s o/tiny-1.0/bin/tiny.wasm
echo x >>o/tiny-1.0/bin/tiny.wasm
run wlpack build tiny-1.0 --until check --output o
is "$(cut -f 3 "$out")" "$(wc -c <o/tiny-1.0/bin/tiny.wasm)" "a changed one, too"
run wlpack build tiny-1.0 --until check --output o --json
out_like '^\{"kind":"artefact","recipe":"tiny-1.0","path":"o/tiny-1.0/bin/tiny.wasm","size":[0-9]+,"digest":"sha256:' "--json"

# --- a patch that configure does not look at ---
tiny_patch 0001-say.patch src/say.h 's/tiny says/patched says/'
tiny_says="patched says hello" && tiny_recipe ""
run wlpack build tiny-1.0 --until check --output o --explain
status_is 0 "with a patch"
err_like '^tiny-1.0: configure +reused' "configure is not run: nothing that it read has changed"
ok "the result is the patched one" grep -q 'patched says' o/tiny-1.0/bin/tiny.wasm

# --- a patch to what configure reads ---
tiny_patch 0002-config.patch config.in 's/1/2/'
run wlpack build tiny-1.0 --until check --output o --explain
err_like '^tiny-1.0: configure +[0-9]' "a patch to what configure reads: it runs"
err_like 'added: patch 0002-config.patch' "--explain names the patch"
ok "with the new answer" grep -q 'FROM_CONFIGURE=2' "$tiny_log/compile.log"

# --- a patch that goes ---
echo 0001-say.patch >"$T/patches/tiny-1.0/series"
run wlpack build tiny-1.0 --until check --output o --explain
err_like '^tiny-1.0: compile +in the store' "back to an earlier series: its results are still there"
err_unlike '^tiny-1.0: configure +(reused|[0-9])' "nothing runs"

# --- a compiler flag ---
tiny_cflags='"-DX=1"' && tiny_recipe ""
run wlpack build tiny-1.0 --until check --output o --explain
err_like 'changed: .*cflags' "a compiler flag: --explain names it"
err_like '^tiny-1.0: configure +in the store' "configure is not run"
err_like '^tiny-1.0: compile +[0-9.]+ s' "compile is"
ok "with the flag" grep -q -- '-DX=1' "$tiny_log/compile.log"
tiny_cflags='' && tiny_recipe ""

# --- a check's expectation alone ---
tiny_says="patched says bonjour" && tiny_recipe ""
run wlpack build tiny-1.0 --until check --output o
status_is 1 "a check that fails fails the build"
err_like 'missing: patched says bonjour' "and shows the missing line"
err_unlike 'compile +[0-9]' "nothing is compiled for it"
tiny_says="patched says hello" && tiny_recipe '"summary": "another summary"'
run wlpack build tiny-1.0 --until check --output o
err_like 'up to date' "what no step uses changes nothing"
tiny_recipe ""

# --- switches ---
run wlpack build tiny-1.0 --until compile --output o --force --explain
err_like '^tiny-1.0: compile +[0-9.]+ s' "--force compiles again"
err_like '    forced' "and says why"
run wlpack build tiny-1.0 --until compile --output o --flavour loud
status_is 0 "another flavour"
ok "has its own folder" test -s o/tiny-1.0.loud/bin/tiny.wasm
ok "and its flags" grep -q -- '-DLOUD=1' "$tiny_log.loud/compile.log"
run wlpack build tiny-1.0 --until patch
status_is 0 "--until patch"
out_is "" "hands out nothing"
run wlpack build tiny-1.0 --until compile --offline --jobs 1 --output o
status_is 0 "--offline, with the source in the store"

# --- what a command sees ---
# shellcheck disable=SC2016 # a variable of the recipe
tiny_recipe '"env": {"OWN": "yes"}, "configure": {"argv": ["sh", "-c", "env >env.txt; umask; pwd; exec sh ./configure CC=${cc}"]}, "artefacts": {"cli": {"from": "env.txt", "file": "tiny.wasm"}}' 2>/dev/null
python3 - "$T/recipes/tiny-1.0/recipe.json" <<'PY'
import json, sys
pairs = lambda kv: dict(kv)
d = json.loads(open(sys.argv[1]).read(), object_pairs_hook=pairs)
json.dump(d, open(sys.argv[1], "w"))
PY
SECRET_TOKEN=canary
export SECRET_TOKEN
run wlpack build tiny-1.0 --until compile --output e
status_is 0 "a look at the environment"
ok "nothing of ours leaks into it" sh -c '! grep -q canary e/tiny-1.0/bin/tiny.wasm'
is "$(sed 's/=.*//' e/tiny-1.0/bin/tiny.wasm | grep -vE '^(PWD|_|SHLVL|OLDPWD)$' | sort | tr '\n' ' ')" \
    "HOME LC_ALL OWN PATH PKG_CONFIG_LIBDIR SOURCE_DATE_EPOCH TMPDIR TZ " "it holds what is documented"
ok "the epoch is the recipe's" grep -qx SOURCE_DATE_EPOCH=1500000000 e/tiny-1.0/bin/tiny.wasm

done_testing
