#!/bin/sh
# Libraries: recipes that others need. What is built when, what it costs after a change, and what is wrong with recipes.
. "${0%/*}/../lib/tap.sh"
. "$top/tests/lib/tiny.sh"
. "$top/tests/lib/tinylib.sh"
cd "$T" || exit 1
tinylib_make

runs() { if [ -f "$T/runs-$1" ]; then wc -l <"$T/runs-$1"; else echo 0; fi; }
last() { cat "$WLPACK_HOME/store/last/$1"; }
build() { run wlpack build "$@" --until check --output o; }
quiet_build() { build "$@"; [ "$status" -eq 0 ] && grep -q 'up to date' "$err"; }

# --- the plan, before anything is built ---
run wlpack plan tiny-1.0
status_is 0 "the plan of a recipe that needs libraries"
is "$(cut -f 1 "$out" | tr ' \n' '_ ')" \
    "low-1.0/fetch low-1.0/unpack low-1.0/compile low-1.0/check_test high-2.0/fetch high-2.0/unpack high-2.0/compile high-2.0/check_test fetch unpack configure compile check_cli " \
    "holds their steps, in an order in which they can be built"
cp "$out" plan-before
run wlpack plan --json tiny-1.0
ok "in JSON, configure comes after both compiles" python3 - "$out" <<'PY'
import json, sys
steps = {s["step"]: s for s in json.load(open(sys.argv[1]))["steps"]}
c = steps["configure"]
assert c["after"] == ["unpack", "low-1.0/compile", "high-2.0/compile"], c["after"]
assert c["inputs"]["dep low-1.0"] == steps["low-1.0/compile"]["key"]
assert steps["high-2.0/compile"]["recipe"] == "high-2.0"
PY
run wlpack plan low-1.0
is "$(cut -f 2 "$out" | head -n 3)" "$(sed -n 's/^low-1.0\///p' plan-before | cut -f 2 | head -n 3)" "a library alone has the same keys"

# --- fetch ---
run wlpack fetch tiny-1.0 high-2.0
status_is 0 "fetch"
is "$(cut -f 1 "$out" | tr '\n' ' ')" "low-1.0 high-2.0 tiny-1.0 " "gets the libraries' sources, each once"

# --- from nothing ---
run wlpack build tiny-1.0 --until fetch
is "$(runs low)" 0 "--until fetch builds no library"
run wlpack build tiny-1.0 --until patch
is "$(runs low)" 0 "nor does --until patch"
mv mirror away
run wlpack build tiny-1.0 --until check --output o --offline
mv away mirror
status_is 0 "a build, offline behind a fetch"
is "$(grep -c '/compile  ' "$err")" 2 "both libraries are compiled"
err_like '^tiny-1.0: low-1.0/check test +[0-9.]+ s  1 passed' "and checked"
err_like '^tiny-1.0: high-2.0/compile +[0-9.]+ s  installs 3 files' "the programs, manuals and .la files are left out"
out_like '^artefact	o/tiny-1.0/bin/tiny.wasm' "the result is the recipe's own"
is "$(wc -l <"$out")" 1 "and nothing else"
ok "PKG_CONFIG found both" grep -q -- '-lhigh -llow' "$tiny_log/compile.log"
is "$(left_over)" "" "no tree is left"
ok "no folder of this machine is in it" sh -c "! grep -q '$T' o/tiny-1.0/bin/tiny.wasm"
run wlpack plan tiny-1.0
ok "the plan is the same as before the build" cmp -s "$out" plan-before

# --- nothing changed ---
ok "the same again: up to date" quiet_build tiny-1.0
build tiny-1.0 --explain
err_like '^tiny-1.0: low-1.0/compile +in the store' "--explain names the libraries' steps"
err_unlike 'built' "nothing is built"
build low-1.0
err_like 'up to date' "a library that was built for another is built"
out_like "^library	$WLPACK_HOME/store/[0-9a-f]*/files/tree	[0-9]+	sha256:" "its tree is its result"
out_like '^artefact	o/low-1.0/bin/test.wasm' "and its test program"
tree=$(sed -n 's/^library	\([^	]*\).*/\1/p' "$out")
is "$(cd "$tree" && find . -type f | sort | tr '\n' ' ')" "./include/low.h ./lib/liblow.a ./lib/pkgconfig/low.pc " "the tree"
is "$(cd / && PKG_CONFIG_LIBDIR=$tree/lib/pkgconfig pkg-config --cflags --libs low | sed 's/ *$//')" \
    "-I$tree/lib/pkgconfig/../../include -L$tree/lib/pkgconfig/../../lib -llow" "works wherever it stands"
digest=$(sed -n 's/^library.*	//p' "$out")

# --- gc, and other homes ---
run wlpack gc
ok "gc keeps what the last build used" quiet_build tiny-1.0
mkdir -p other && cp -R recipes mirror patches other
(cd other && WLPACK_HOME=$T/other/home WLPACK_RECIPES=$PWD/recipes WLPACK_MIRROR=$PWD/mirror "$WLPACK" build low-1.0 --output o) >other.out 2>&1
is "$(sed -n 's/^library.*	//p' other.out)" "$digest" "in another home, the library is the same"

# --- changes ---
configured=$(last tiny-1.0.wasi.configure)
tinylib_recipe low 1.0 '' 1 '"env": {"UNUSED": "1"}'
build tiny-1.0 --explain
err_like '^tiny-1.0: low-1.0/compile +[0-9.]+ s' "a library's recipe has changed: it is compiled"
err_like '    added: env' "--explain says why"
err_like '^tiny-1.0: high-2.0/compile +in the store' "it came out the same: those that need it stay"
err_like '^tiny-1.0: compile +in the store' "all of them"
is "$(last tiny-1.0.wasi.configure)" "$configured" "under the same keys"
tinylib_source low 1.0 2
tinylib_recipe low 1.0 '' 1
build tiny-1.0
status_is 1 "a library whose check fails"
err_like 'tiny-1.0: low-1.0/check test: the check .* failed' "fails the build of those that need it"
err_like 'missing: low is 1' "and says what is missing"
err_unlike 'high-2.0/compile  ' "which are not built"
tinylib_recipe low 1.0 '' 2
tinylib_recipe high 2.0 '"low-1.0"' 43
tiny_says="43 tiny says hello" && tinylib_user '"high-2.0"'
build tiny-1.0 --explain
status_is 0 "a library that has changed"
err_like '    changed: dep low-1.0' "--explain names it"
err_like '^tiny-1.0: high-2.0/compile +[0-9.]+ s' "the library that needs it is compiled"
err_like '^tiny-1.0: compile +[0-9.]+ s' "and the interpreter"

# --- force ---
before=$(runs low)
build tiny-1.0 --force
is "$(runs low)" "$before" "--force leaves the libraries alone"
err_like '^tiny-1.0: compile +[0-9.]+ s' "it is for the recipe that is named"
build low-1.0 --force
is "$(runs low)" $((before + 1)) "naming the library does it"

# --- damage ---
low=$(last low-1.0.wasi.compile)
echo '/* */' >>"$WLPACK_HOME/store/$low/files/tree/include/low.h"
tiny_cflags='"-DX=1"' && tinylib_user '"high-2.0"'
build tiny-1.0
status_is 0 "a damaged library in the store"
err_like 'warning: low-1.0: .*low.h has another digest than recorded; it is made again' "is seen, told and made again"
is "$(left_over)" "" "no tree is left"
ok "then all is well" quiet_build tiny-1.0
rm -rf "${WLPACK_HOME:?}/store/$low"
build tiny-1.0
status_is 0 "a library that went from the store"
err_unlike 'high-2.0/compile  |tiny-1.0: compile  ' "comes back, and nothing else is made again"
echo '{' >"$WLPACK_HOME/store/$low/meta.json"
build tiny-1.0
status_is 0 "one with a damaged meta.json too"
err_like 'made again' "which is told"

# --- a flavour without libraries ---
tiny_cflags='' && tinylib_user '"high-2.0"'
cat >.bare <<'JSON'
"bare": {"deps": [], "cflags": ["-DBARE=1"], "configure": {"argv": ["sh", "-c", "test -d ${deps} && exec sh ./configure CC=${cc}"]},
  "artefacts": {"cli": {"checks": [{"argv": ["hello"], "stdout": ["0 tiny says hello"]}]}}},
JSON
sed '/"flavours": {/{
s/{.*/{/
r .bare
a "loud": {"cflags": ["-DLOUD=1"]}}
}' recipes/tiny-1.0/recipe.json >.r && cp .r recipes/tiny-1.0/recipe.json
run wlpack plan tiny-1.0 --flavour bare
out_unlike '/' "a flavour without libraries has none of their steps"
run wlpack fetch tiny-1.0 --flavour bare
is "$(cut -f 1 "$out")" tiny-1.0 "and none of their sources"
build tiny-1.0 --flavour bare
status_is 0 "it builds with an empty folder of libraries"
err_unlike '/compile' "and none of their steps"

# --- several recipes, several processes ---
rm -rf "$WLPACK_HOME/store" runs-*
mkdir -p recipes/tiny-2.0
sed 's/"1.0"/"2.0"/; s/"cflags": \[.*\],/"cflags": ["-DSECOND=1"],/' recipes/tiny-1.0/recipe.json >recipes/tiny-2.0/recipe.json
build tiny-1.0 tiny-2.0
status_is 0 "two recipes that need the same libraries"
is "$(runs low) $(runs high)" "1 1" "build them once"
rm -rf "$WLPACK_HOME/store" runs-*
tinylib_before='sleep 1' tinylib_recipe low 1.0 '' 2
"$WLPACK" build tiny-1.0 --until check --output one >one.out 2>one.err &
one=$!
"$WLPACK" build tiny-2.0 --until check --output two >two.out 2>two.err &
two=$!
"$WLPACK" build low-1.0 --output three >three.out 2>three.err &
three=$!
wait $one
is $? 0 "three processes at once: the first"
wait $two
is $? 0 "the second"
wait $three
is $? 0 "and the third succeed"
is "$(runs low) $(runs high)" "1 1" "together they build each library once"
is "$(left_over)" "" "and leave no tree"

# --- recipes that are wrong ---
bad() { # NAME REGEX: building tiny-1.0 is an error of the recipe
    run wlpack lint tiny-1.0
    status_is 3 "$1: lint"
    run wlpack build tiny-1.0 --until check
    status_is 3 "$1: build"
    err_like "$2" "$1: it says so"
}
tinylib_user '"hihg-2.0"'
bad "a library that does not exist" 'recipe tiny-1.0: deps: no recipe "hihg-2.0"; did you mean high-2.0'
tinylib_user '"tiny-2.0"'
bad "one that is none" 'recipe tiny-1.0: deps: tiny-2.0 is no library but of kind interpreter'
tinylib_user '"tiny-1.0"'
bad "itself" 'deps go in a circle: tiny-1.0 -> tiny-1.0'
tinylib_user '"high-2.0"'
tinylib_recipe low 1.0 '"high-2.0"' 2
bad "a circle" 'tiny-1.0: deps: recipe high-2.0: deps: recipe low-1.0: deps: deps go in a circle: high-2.0 -> low-1.0 -> high-2.0'
tinylib_recipe low 1.0 '' 2
cp -R recipes/low-1.0 recipes/low-1.1
sed 's/"version": "1.0"/"version": "1.1"/' recipes/low-1.0/recipe.json >recipes/low-1.1/recipe.json
tinylib_user '"high-2.0", "low-1.1"'
bad "two versions of a library" 'recipe tiny-1.0 needs both low-1.0 and low-1.1, directly or through others'
tinylib_user '"high-2.0"'

# wrong CODE NAME REGEX: building it fails where it runs
wrong() {
    run wlpack build tiny-1.0 --until check
    status_is "$1" "$2"
    err_like "$3" "$2: it says so"
}
tinylib_source other 1.0 7
# shellcheck disable=SC2016 # a variable of the recipe
tinylib_install='cp ${out}/include/other.h ${out}/include/low.h' tinylib_recipe other 1.0 '' 7
tinylib_user '"high-2.0", "other-1.0"'
wrong 3 "a file that two libraries bring" 'the libraries low-1.0 and other-1.0 both install include/low.h'
# shellcheck disable=SC2016
tinylib_install='rm -r ${out}/*' tinylib_recipe low 1.0 '' 2
wrong 1 "a test that cannot be linked" 'low-1.0/compile'
# shellcheck disable=SC2016 # a variable of the recipe
for case in 'rm -r ${out}/*|low-1.0/compile: installs nothing: its commands left .*out. empty' \
    'mkdir ${out}/usr; mv ${out}/include ${out}/lib ${out}/usr|installs neither .*include nor .*lib, but bin and more' \
    'cp ${out}/lib/liblow.a ${out}/lib/liblow.so.1|installs the shared object lib/liblow.so.1' \
    'ln -s ../../../x ${out}/lib/liby.a|installs the link lib/liby.a to ../../../x, which leads out' \
    'ln -s ${out}/lib/liblow.a ${out}/lib/liby.a|installs the link lib/liby.a to /.*, which leads out' \
    'echo ${out} >${out}/include/where.h|installs include/where.h, which names the folder of this build'; do
    tinylib_test='' tinylib_install=${case%%|*} tinylib_recipe low 1.0 '' 2
    wrong 3 "${case%%|*}" "${case#*|}"
done
# shellcheck disable=SC2016
tinylib_install='ln -s liblow.a ${out}/lib/liby.a' tinylib_recipe low 1.0 '' 2
tinylib_user '"high-2.0"'
build tiny-1.0
status_is 0 "a link inside of the tree is fine"

# --- lists and new ---
run wlpack recipes
out_like '^low-1.0	library	' "recipes lists libraries"
run wlpack recipes --json
ok "in JSON with what they need" python3 -c 'import json,sys; r={x["id"]: x for x in json.load(open(sys.argv[1]))}; assert r["high-2.0"]["deps"] == ["low-1.0"]' "$out"
run wlpack new --library libnew-3.1
status_is 0 "new --library"
run wlpack lint libnew-3.1
status_is 0 "passes lint"

done_testing
