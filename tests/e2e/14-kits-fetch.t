#!/bin/sh
# Fetching ahead of a build, kits from a mirror, and what doctor says.
. "${0%/*}/../lib/tap.sh"
. "$top/tests/lib/tiny.sh"
cd "$T" || exit 1
tiny_make
WLPACK_MIRROR=$T/none

# a server over $T/mirror
python3 -u - "$T/mirror" >"$T/port" <<'PY' &
import functools, http.server, sys
h = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
h.func.log_message = lambda *a: None
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), h)
print(s.server_port)
s.serve_forever()
PY
server=$!
at_end "kill $server"
wait_until test -s "$T/port"
url=http://127.0.0.1:$(cat "$T/port")

# --- fetch ---
run wlpack fetch tiny-1.0 --offline
status_is 4 "fetch --offline without anything"
run wlpack fetch tiny-1.0 --mirror "$url"
status_is 0 "fetch from a mirror's URL"
out_like "^tiny-1.0	$WLPACK_HOME/sources/$tiny_sha\$" "says where the archive is"
is "$(sha256sum "$(cut -f 2 "$out")" | cut -d ' ' -f 1)" "$tiny_sha" "and that is it"
run wlpack build tiny-1.0 --until compile --offline --output o
status_is 0 "a build without network afterwards"
rm -rf "$WLPACK_HOME/sources"
tiny_url=$url/tiny-1.0.tar.gz && tiny_recipe ""
run wlpack fetch tiny-1.0
status_is 0 "fetch from the recipe's own URL"
tiny_url=$url/nothing.tar.gz tiny_sum=$(printf %064d 0) && tiny_recipe ""
run wlpack fetch tiny-1.0
status_is 4 "a URL that is not there"
err_like "$url/nothing.tar.gz.*404" "is named with the answer"
tiny_url=$url/tiny-1.0.tar.gz && tiny_recipe ""
run wlpack fetch tiny-1.0
status_is 1 "a wrong checksum"
err_like "tiny-1.0.tar.gz: wrong checksum: expected sha256 0{64}, got $tiny_sha" "shows URL, expected and got"
ok "the file is removed" sh -c "! find '$WLPACK_HOME/sources' -type f -name '0000*' | grep -q ."
run wlpack fetch nobody
status_is 3 "an unknown recipe"

# --- kits ---
mkdir -p "$T/pack/toolkit-2.0/bin" "$T/pack/toolkit-2.0/lib64"
printf '#!/bin/sh\necho toolkit 2.0\n' >"$T/pack/toolkit-2.0/bin/tool" && chmod 755 "$T/pack/toolkit-2.0/bin/tool"
tar -C "$T/pack" -czf "$T/mirror/toolkit-2.0.tar.gz" toolkit-2.0
kit_sha=$(sha256sum "$T/mirror/toolkit-2.0.tar.gz" | cut -d ' ' -f 1)
mkdir -p recipes/kit-toolkit
# kit SHA256 PROGRAM
kit() {
    cat >recipes/kit-toolkit/recipe.json <<JSON
{"kind": "kit", "name": "toolkit", "version": "2.0", "summary": "a kit",
 "kit": {"env": "TOOLKIT_ROOT", "programs": ["$2"], "hosts": {"$(uname -m)-linux":
  {"urls": ["$url/toolkit-2.0.tar.gz"], "file": "toolkit-2.0.tar.gz", "sha256": "$1", "strip": 1}}}}
JSON
}
kit "$kit_sha" bin/tool
run wlpack kit which toolkit
status_is 1 "a kit that is not installed"
err_like 'wlpack kit install toolkit' "is told, with the command"
run wlpack kit list
out_like '^toolkit	-	missing' "it is in the list"
run wlpack kit install toolkit
status_is 0 "kit install"
out_like "^toolkit	2.0	installed	upstream	$WLPACK_HOME/kits/toolkit-2.0\$" "tells what and where"
run wlpack kit which toolkit tool
out_is "$WLPACK_HOME/kits/toolkit-2.0/bin/tool" "kit which finds its program"
ok "which runs" test "$("$WLPACK_HOME/kits/toolkit-2.0/bin/tool")" = "toolkit 2.0"
ok "lib leads to lib64" test -d "$WLPACK_HOME/kits/toolkit-2.0/lib"
ok "kit.json has its identity" grep -q "sha256:$(printf 'toolkit 2.0 %s\n' "$kit_sha" | sha256sum | cut -d ' ' -f 1)" \
    "$WLPACK_HOME/kits/toolkit-2.0/kit.json"
run env -u WLPACK_MIRROR "$WLPACK" kit install toolkit --mirror "$T/none"
status_is 0 "a second time: nothing to do"
run wlpack kit list --json
out_like '"name":"toolkit","version":"2.0","state":"used"' "the list says that it is used"
run wlpack kit which toolkit nothing
status_is 1 "a program that it has not"
rm -rf "$WLPACK_HOME/kits" && kit "$kit_sha" bin/other
run wlpack kit install toolkit
status_is 3 "an archive without the promised program"
err_like 'bin/other' "is refused"
ok "and not installed" test ! -e "$WLPACK_HOME/kits/toolkit-2.0"
kit "$(printf %064d 1)" bin/tool
run wlpack kit install toolkit
status_is 1 "a kit with a wrong checksum"
err_like 'wrong checksum' "is refused"
run wlpack kit install nosuch
status_is 3 "an unknown kit"
run wlpack kit frobnicate
status_is 2 "an unknown sub-command"

# --- doctor ---
run wlpack doctor
out_like '^ok +kit wasi-sdk' "doctor sees the kits"
out_like '^(ok|absent|missing) +podman' "and the runtimes"
run wlpack doctor --json
out_like '^\{"check":"kit binaryen","state":"ok"' "--json"
run env HOME="$T" XDG_CACHE_HOME= WASI_SDK_ROOT= "$WLPACK" doctor
status_is 1 "without kits it ends with 1"
out_like '^missing +kit wasi-sdk.*(make setup|kit install)' "and says how to get them"

done_testing
