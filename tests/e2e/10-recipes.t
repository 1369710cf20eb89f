#!/bin/sh
# Recipes from the outside: recipes, lint, new, plan; and the schema, which must agree with the decoder.
. "${0%/*}/../lib/tap.sh"
cd "$top" || exit 1
tab=$(printf '\t')

# --- the tree's own recipes ---
run wlpack recipes
status_is 0 "recipes"
out_like "^php-7\.4\.33${tab}interpreter${tab}." "lists name, kind and summary"
out_unlike '^php-7\.4	' "bases are not listed"
run wlpack recipes --all
out_like "^php-7\.4${tab}base${tab}" "but with --all"
out_like "^kit-wasi-sdk${tab}kit${tab}" "and kits"
run wlpack recipes --json
ok "--json is JSON" python3 -c 'import json,sys; r={x["id"]: x for x in json.load(open(sys.argv[1]))}; assert "php:7.4.33-cli" in r["php-7.4.33"]["images"]' "$out"
run wlpack lint
status_is 0 "every recipe of the tree passes lint"
out_like '^php-7.4.33: ok$' "and says so"
is "$(wc -l <recipes/php-7.4.33/recipe.json)" 5 "a point release is five lines"

# --- the schema ---
run wlpack lint --schema
ok "recipes/schema.json is what the decoder's table says (make golden)" cmp -s "$out" recipes/schema.json
run wlpack lint --fields
sed '1,/^<!-- fields:/d' recipes/README.md | sed 1d >"$T/fields"
ok "the reference in recipes/README.md too" cmp -s "$out" "$T/fields"
mkdir -p "$T/example/recipes/lua"
sed -n '/^```json$/,/^```$/p' recipes/README.md | sed '1d; /^```$/,$d' >"$T/example/recipes/lua/recipe.json"
WLPACK_RECIPES=$T/example/recipes run wlpack lint lua
status_is 0 "the example in recipes/README.md is a good recipe"
if python3 -c 'import jsonschema; jsonschema.Draft202012Validator' 2>/dev/null; then
    run python3 tests/lib/schema-agrees.py "$WLPACK" "$T"
    status_is 0 "schema and decoder agree"
    grep -A20 '^not ok' "$out" | sed 's/^/# /'
    ok "on many cases" test "$(grep -c '^ok' "$out")" -gt 140
else
    pass "# SKIP python3-jsonschema is not installed: schema and decoder are not compared"
fi

# --- what is pinned twice is pinned alike: set-up needs its pins before there is a wlpack ---
pins() (
    # shellcheck source=scripts/lib/pins.sh
    . scripts/lib/pins.sh
    for kit in wasi_sdk binaryen wasmedge; do
        eval "echo $kit \"\$${kit}_upstream_version\" \$${kit}_upstream_sha256_x86_64 \$${kit}_upstream_sha256_aarch64"
    done
)
pins | while read -r kit version x86 arm; do
    f=recipes/kit-$(echo "$kit" | tr _ -)/recipe.json
    grep -q "\"version\": \"$version\"" "$f" && grep -q "$x86" "$f" && grep -q "$arm" "$f" || echo "$kit"
done >"$T/pins"
is "$(cat "$T/pins")" "" "kits: scripts/lib/pins.sh and the recipes"
# shellcheck disable=SC2154 # of pins.sh
(. scripts/lib/pins.sh && printf '%s\n' "$mirror_table") | while read -r file sum rest; do
    [ -n "$rest" ] || continue
    v=${file%.tar.*}
    f=$(grep -l "\"${v##*-}\"" recipes/"${v%%-*}"*/recipe.json 2>/dev/null | head -n 1)
    [ -z "$f" ] || grep -q "$sum" "$f" || echo "$file"
done >"$T/pins"
is "$(cat "$T/pins")" "" "sources: the mirror's table and the recipes"

# --- errors ---
run wlpack lint php-7.4.3
status_is 3 "an unknown recipe"
err_like 'no recipe "php-7\.4\.3"; did you mean php-7\.4\.32 or php-7\.4\.33\?' "the nearest names"
run wlpack lint ../recipes/php-7.4
status_is 3 "a path is no name"
run wlpack plan php-7.4
status_is 3 "a base has no plan"
run wlpack plan kit-binaryen
status_is 3 "a kit neither"
run wlpack plan php-7.4.33 --flavour nosuch
status_is 3 "an unknown flavour"
err_like 'no flavour "nosuch"; it has: wasi' "the flavours there are"
run wlpack plan php-7.4.33 --arch riscv64
status_is 2 "an unknown architecture"

mkdir -p "$T/r/recipes/one" "$T/r/recipes/two"
printf '{"extends": "one"}\n' >"$T/r/recipes/two/recipe.json"
printf '{"kind": "base",\n  "cflag": []}\n' >"$T/r/recipes/one/recipe.json"
WLPACK_RECIPES=$T/r/recipes
export WLPACK_RECIPES
run wlpack lint two
status_is 3 "an unknown key in a base"
err_like 'recipes/one/recipe.json:2:3: \$\.cflag: unknown key; did you mean "cflags"\?$' "the error points into the file that holds it"
run wlpack recipes
status_is 3 "recipes that cannot be read"
rm -r "$T/r/recipes/one" "$T/r/recipes/two"

# --- new ---
run wlpack new tcl-8.6
status_is 0 "new"
out_like 'recipes/tcl-8\.6/recipe\.json$' "says what it wrote"
ok "the script can be started" test -x "$T/r/scripts/tcl-8.6/compile.sh"
run wlpack lint
status_is 0 "and what it wrote passes lint"
run wlpack recipes
out_like "^tcl-8\.6${tab}interpreter" "and is listed"
run wlpack new tcl-8.6
status_is 1 "not over an existing one"
err_like 'exists already' "which it says"
run wlpack new ../x
status_is 2 "a bad name"
run wlpack new
status_is 2 "no name"

# --- lint beyond the file: series and scripts ---
p=$T/r/patches/tcl-8.6
printf '0001-x.patch\n' >"$p/series"
run wlpack lint tcl-8.6
status_is 3 "a patch that is not there"
err_like 'patches/tcl-8.6/series:1: no file .*0001-x.patch' "names series, line and file"
printf -- '--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n' >"$p/0001-x.patch"
run wlpack lint tcl-8.6
err_like '0001-x.patch: the header has no "Description:"' "a patch without a header"
{ printf 'Description: why\nForwarded: no\n'; cat "$p/0001-x.patch"; } >"$p/x" && mv "$p/x" "$p/0001-x.patch"
run wlpack lint tcl-8.6
status_is 0 "with it: fine"
cp "$p/0001-x.patch" "$p/0002-y.patch"
run wlpack lint tcl-8.6
err_like 'does not name 0002-y.patch' "a patch that the series forgot"
rm "$p/0002-y.patch"
chmod -x "$T/r/scripts/tcl-8.6/compile.sh"
run wlpack lint tcl-8.6
err_like 'compile.sh: is started by recipe tcl-8.6 but not executable' "a script that cannot be started"
chmod +x "$T/r/scripts/tcl-8.6/compile.sh"

# --- plan: keys ---
plan() {
    "$WLPACK" -q plan tcl-8.6 --arch x86_64 2>/dev/null
}
# changed NAME: the labels whose key differs from $T/before
changed() {
    plan >"$T/after"
    diff "$T/before" "$T/after" | sed -n 's/^> \([^	]*\)	.*/\1/p' | tr '\n' ','
}
plan >"$T/before"
is "$(cut -f 1 "$T/before" | tr '\n' ',')" \
    "fetch,unpack,patch,compile,optimize cli,check cli,aot cli x86_64,image cli,image cli-aot," "the steps of a plan"
is "$(changed)" "" "the same plan twice"
cp -R "$T/r" "$T/moved"
is "$(WLPACK_RECIPES=$T/moved/recipes changed)" "" "and in another folder"
printf '# touched\n' >>"$T/r/patches/tcl-8.6/0001-x.patch"
is "$(changed)" "patch,compile,optimize cli,check cli,aot cli x86_64,image cli,image cli-aot," \
    "a patch changes patch and what follows"
plan >"$T/before"
sed -i 's/"optimize": "2"/"optimize": "3"/' "$T/r/recipes/tcl-8.6/recipe.json"
is "$(changed)" "aot cli x86_64,image cli-aot," "the AOT level changes aot and its image"
plan >"$T/before"
is "$(SOURCE_DATE_EPOCH=1000 changed)" \
    "compile,optimize cli,check cli,aot cli x86_64,image cli,image cli-aot," "SOURCE_DATE_EPOCH changes what it reaches"
run wlpack plan tcl-8.6 --json
ok "--json is JSON, with inputs" python3 -c 'import json,sys; p=json.load(open(sys.argv[1])); assert any("patch 0001-x.patch" in s["inputs"] for s in p["steps"])' "$out"
run wlpack plan -v tcl-8.6
out_like "^  patch 0001-x.patch${tab}sha256:" "-v shows the inputs"

# --- a folder of one's own in front of the default ---
mkdir -p "$T/own/recipes/mine"
printf '{"extends": "php-7.4.33", "cflags": ["-Os"]}\n' >"$T/own/recipes/mine/recipe.json"
WLPACK_RECIPES=$T/own/recipes run wlpack lint mine
status_is 3 "alone it cannot extend what comes with wlpack"
WLPACK_RECIPES=$T/own/recipes/: run wlpack lint mine php-7.4.33
status_is 0 "with an empty item it can"
WLPACK_RECIPES=$T/own/recipes: run wlpack plan mine
out_like '^patch' "and finds the base's patches"

# --- nothing in a recipe reaches a shell ---
WLPACK_RECIPES=$top/tests/recipes-good
(cd "$T" && "$WLPACK" plan literal && "$WLPACK" lint) >"$out" 2>"$err"
ok "no field of a recipe is run" test ! -e "$T/x"

done_testing
