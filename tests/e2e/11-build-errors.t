#!/bin/sh
# What a build says when something is wrong, with which code, and that it leaves nothing behind.
. "${0%/*}/../lib/tap.sh"
. "$top/tests/lib/tiny.sh"
cd "$T" || exit 1
tiny_make

# --- names ---
run wlpack build tinny-1.0
status_is 3 "an unknown recipe"
err_like 'tinny-1.0.*tiny-1.0' "is named, with the near one"
run wlpack build tiny-1.0 --until nowhere
status_is 2 "an unknown stage"
err_like 'nowhere.*compile' "is named, with the list"
run wlpack build tiny-1.0 --flavour sour
status_is 3 "an unknown flavour"
err_like 'sour.*loud' "is named, with those there are"
run wlpack build tiny-1.0 --arch x86_64,vax
status_is 2 "an unknown architecture"
err_like '"vax"' "is named"
run wlpack build tiny-1.0 --jobs 0
status_is 2 "no jobs at all"
run wlpack build
status_is 2 "no name"

# --- the source ---
good=$tiny_sha
tiny_sum=$(echo "$tiny_sha" | tr '0-9a-f' '1-9a-f0') && tiny_recipe ""
run wlpack build tiny-1.0 --until unpack
status_is 1 "a wrong checksum in a mirror (and nowhere else to go)"
err_like "expected sha256 $tiny_sum, got $good" "shows both"
err_like 'tiny-1.0.tar.gz' "and the place"
tiny_sum=
WLPACK_MIRROR=$T/empty && export WLPACK_MIRROR
tiny_recipe ""
run wlpack build tiny-1.0 --until unpack --offline
status_is 4 "--offline without the source"
err_like 'wlpack fetch tiny-1.0' "says how to get it beforehand"
run wlpack build tiny-1.0 --until unpack
status_is 4 "no network"
err_like 'http://127.0.0.1:1/tiny-1.0.tar.gz: ' "names the URL and the reason"
WLPACK_MIRROR=$T/mirror
head -c 300 "$T/mirror/tiny-1.0.tar.gz" >"$T/cut" && mkdir -p cutmirror && cp "$T/cut" cutmirror/tiny-1.0.tar.gz
tiny_sum=$(sha256sum cutmirror/tiny-1.0.tar.gz | cut -d ' ' -f 1) && tiny_recipe ""
run wlpack build tiny-1.0 --until unpack --mirror cutmirror
status_is 1 "an archive that ends too early"
ok "leaves no tree" test ! -e "$WLPACK_HOME/work/tiny-1.0.wasi"
tiny_sum= && tiny_recipe ""

# --- a patch that does not apply ---
tiny_patch 0001-say.patch src/say.h 's/tiny says/patched says/'
sed 's/^-#define SAYS.*/-#define SAYS "something else"/' "$T/patches/tiny-1.0/0001-say.patch" >.p && mv .p "$T/patches/tiny-1.0/0001-say.patch"
run wlpack build tiny-1.0 --until patch
status_is 3 "a patch that does not apply"
err_like '0001-say.patch' "is named"
err_like 'something else' "with the hunk"
: >"$T/patches/tiny-1.0/series" && rm "$T/patches/tiny-1.0"/*.patch

# --- commands that fail ---
tiny_recipe '"note": "x"'
sed -i 's/^int main/int main( {/' "$T/tiny-src/src/main.c" && tiny_archive && tiny_recipe ""
run wlpack build tiny-1.0 --until compile
status_is 1 "a failing compiler"
err_like 'main.c:[0-9]+:[0-9]+: error:' "its error is shown"
err_like "log is $tiny_log/compile.log" "and where the log is"
ok "the log is there" grep -q 'error:' "$tiny_log/compile.log"
ok "no tree is left" test ! -e "$WLPACK_HOME/work/tiny-1.0.wasi"
is "$(left_over)" "" "no temporary files either"
sed -i 's/^int main( {/int main/' "$T/tiny-src/src/main.c"
# shellcheck disable=SC2016 # a line of another script
echo 'for i in 1 2 3 4 5 6 7 8 9; do for j in 1 2 3; do echo "line $i$j"; done; done; echo "configure: error: no $i"; exit 77' >>"$T/tiny-src/configure"
tiny_archive && tiny_recipe ""
run wlpack build tiny-1.0 --until configure
status_is 1 "a failing configure script"
err_like 'exit code 77' "shows its exit code"
err_like 'configure: error: no 9' "the end of its log"
is "$(grep -c '  line ' "$err")" 19 "about twenty lines of it"
sed -i '$d' "$T/tiny-src/configure" && tiny_archive && tiny_recipe ""
sed 's/"from": "tiny"/"from": "tinny"/' recipes/tiny-1.0/recipe.json >.r && cp .r recipes/tiny-1.0/recipe.json
run wlpack build tiny-1.0 --until compile
status_is 3 "an artefact that compiling does not leave"
err_like 'no file tinny' "is named"
sed 's/\["sh", ".\/configure"/["no-such-program"/' recipes/tiny-1.0/recipe.json >.r && cp .r recipes/tiny-1.0/recipe.json
run wlpack build tiny-1.0 --until compile
err_like 'no-such-program: no such program' "a program that is not there"
tiny_recipe ""

# --- no network in a build ---
sed -i 's/^read -r/cat <\/dev\/tcp\/127.0.0.1\/1 2>\/dev\/null; cat \/proc\/net\/dev >net.txt; read -r/' "$T/tiny-src/configure"
tiny_archive && tiny_recipe ""
sed 's/"from": "tiny"/"from": "net.txt"/; s/"checks": .*}\]/"note": "x"/' recipes/tiny-1.0/recipe.json >.r && cp .r recipes/tiny-1.0/recipe.json
run wlpack build tiny-1.0 --until compile --output n
if unshare -n true 2>/dev/null || unshare -Un true 2>/dev/null; then
    status_is 0 "a look at the network from inside"
    is "$(grep -c : n/tiny-1.0/bin/tiny.wasm)" 1 "there is only lo"
fi
sed -i 's/^cat <.*; read -r/read -r/' "$T/tiny-src/configure" && tiny_archive && tiny_recipe ""

# --- kits ---
run env HOME="$T" XDG_CACHE_HOME= BINARYEN_ROOT="$T/nothing" WASI_SDK_ROOT= "$WLPACK" build tiny-1.0 --until compile --output k
status_is 1 "a kit that is missing"
err_like 'kit wasi-sdk is not installed.*wlpack kit install wasi-sdk' "the command that gets it"
mkdir -p "$T/empty-sdk"
run env WASI_SDK_ROOT="$T/empty-sdk" "$WLPACK" build tiny-1.0 --until compile --output k
status_is 1 "a kit folder that is none"
err_like 'WASI_SDK_ROOT=.*empty-sdk holds neither' "is named with its variable"

# --- the store ---
run env WLPACK_HOME=/proc/nowhere "$WLPACK" build tiny-1.0
status_is 1 "a store that cannot be made"
err_like '/proc/nowhere' "is named"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    mkdir -p "$T/locked" && chmod 755 "$T" && chmod 555 "$T/locked"
    run setpriv --reuid 65534 --regid 65534 --clear-groups env WLPACK_HOME="$T/locked" HOME=/nonexistent "$WLPACK" build tiny-1.0
    status_is 1 "a store without write permission"
    err_like "$T/locked.*(WLPACK_HOME)?" "is named"
    err_like '[Pp]ermission|cannot be written' "with the reason"
fi
run wlpack build tiny-1.0 --until compile --output /proc/nowhere
status_is 1 "an output folder that cannot be made"
err_like '/proc/nowhere' "is named"

# --- a full disk ---
if [ "$(id -u)" = 0 ] && mkdir -p "$T/small" && mount -t tmpfs -o size=600k tmpfs "$T/small" 2>/dev/null; then
    at_end "umount '$T/small'"
    head -c 900000 /dev/zero | tr '\0' x >"$T/tiny-src/big" && tiny_archive && tiny_recipe ""
    run env WLPACK_HOME="$T/small/home" "$WLPACK" build tiny-1.0 --until compile
    status_is 1 "a full disk"
    err_like '[Nn]o space left' "is said"
    err_like "$T/small|tiny-1.0" "with the file"
    is "$(left_over "$T/small/home")" "" "and nothing is left lying about"
fi

done_testing
