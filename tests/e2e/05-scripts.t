#!/bin/sh
# The shell side of set-up, as far as it needs neither network nor root: reading the machine's apt
# sources, the second run of setup, and the registry for tests in each of its modes.
. "${0%/*}/../lib/tap.sh"
scripts=$top/scripts

# --- the machine's own apt sources, in both formats ---
mkdir -p "$T/old/sources.list.d" "$T/new/sources.list.d"
cat >"$T/old/sources.list" <<'LIST'
# deb http://comment.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb [trusted=yes] cdrom:[x]/ bookworm main
deb [arch=amd64 signed-by=/keys/a.gpg] http://main.example/debian bookworm main contrib
deb http://sec.example/debian-security bookworm-security main
LIST
cat >"$T/new/sources.list.d/debian.sources" <<'LIST'
Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm

# a comment
Types: deb deb-src
URIs: http://main.example/debian
Suites: bookworm
 bookworm-updates
Components: main
Signed-By: /keys/b.gpg
LIST
sources() {
    WLPACK_APT_ETC=$1 WLPACK_OS_RELEASE=$T/os-release sh -c '
        . "$1/lib/common.sh"; . "$1/lib/apt.sh"; apt_source_for "$2"' sources "$scripts" "$2"
}
echo 'VERSION_CODENAME=bookworm' >"$T/os-release"
run sources "$T/old" trixie
out_is "http://main.example/debian /keys/a.gpg" "one-line format: archive and key"
run sources "$T/old" bookworm-security
out_is "http://sec.example/debian-security -" "one-line format: the security archive"
run sources "$T/new" sid
out_is "http://main.example/debian /keys/b.gpg" "deb822 format: what is enabled, with its key"
run sources "$T/new" bookworm-security
out_is "http://main.example/debian-security /keys/b.gpg" "a security archive that is not listed is guessed"
run sources "$T" trixie
ok "no archive: fails" test "$status" -ne 0

# --- setup ---
run "$scripts/setup" nonsense
status_is 2 "setup: unknown part is a usage error"
# set up by whoever runs the tests
run env -u WLPACK_HOME "$scripts/setup" build kits mirror
status_is 0 "setup"
run env -u WLPACK_HOME "$scripts/setup" build kits mirror
is "$(wc -l <"$err")" 1 "a second run says one line"
run "$scripts/kit-install" nosuch
status_is 1 "kit-install: unknown kit"
err_like 'no kit named nosuch' "and says so"

# --- pack-magic: a table of bytes without its zeros, and back ---
pack=$scripts/php/pack-magic
cat >"$T/unpack.c" <<'C'
#include <stdio.h>
#include UNPACK
#include "packed.h"
int main(void) {
    static unsigned char to[table_size];

    if (!compat_unpack(table_packed, sizeof(table_packed), to, sizeof(to)))
        return 1;
    /* a byte more or less than was promised is noticed */
    if (compat_unpack(table_packed, sizeof(table_packed), to, sizeof(to) - 1) ||
        compat_unpack(table_packed, sizeof(table_packed) - 1, to, sizeof(to)))
        return 2;
    return fwrite(to, 1, sizeof(to), stdout) == sizeof(to) ? 0 : 3;
}
C
unpacked() { # in hexadecimal
    ${CC:-cc} -DUNPACK="\"$scripts/php/compat/unpack.c\"" -I"$T" -o "$T/unpack" "$T/unpack.c" && "$T/unpack" | od -An -v -tx1 | tr -d ' \n'
}
printf 'const unsigned char t[10] = {\n0x1C, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, \n0xFF, 0x00, 0x00, \n};\n' | "$pack" table >"$T/packed.h"
is "$(unpacked)" 1c000400000000ff0000 "pack-magic: numbers"
cat >"$T/strings" <<'C'
/* a table of strings */
const unsigned char t[3][24] X = {
"\0\0\0\0\0\0\0\0\0\0\0\0\0\00123ab\\\"\n\377",
"\0\0\0\0\0\0\0\0\01",
"",
};
C
"$pack" table <"$T/strings" >"$T/packed.h"
is "$(unpacked)" 0000000000000000000000000001323361625c220aff0000000000000000000001000000000000000000000000000000000000000000000000000000000000000000000000000000 \
    "and strings, whose escapes end where they end"
for bad in '0x1C, 0x2,' '0x1C,' '"\034\q",'; do
    # shellcheck disable=SC2059 # for its line ends alone
    run sh -c 'printf "const unsigned char t[2] = {\n%s\n};\n" "$2" | "$1" table' - "$pack" "$bad"
    ok "pack-magic: refuses $bad" test "$status" -ne 0
done

# --- upstream's way, with a site on this machine standing in for it ---
mkdir -p "$T/site/binaryen-1/bin"
printf '#!/bin/sh\necho fake\n' >"$T/site/binaryen-1/bin/wasm-opt"
tar -C "$T/site" -czf "$T/site/b.tar.gz" binaryen-1
sum=$(sha256sum "$T/site/b.tar.gz" | cut -d ' ' -f 1)
arch=$(uname -m)
pins() {
    printf 'binaryen_upstream_version=1\nbinaryen_upstream_url_%s=file://%s\nbinaryen_upstream_sha256_%s=%s\n' \
        "$arch" "$T/site/b.tar.gz" "$arch" "$1" >"$T/pins"
}
pins "$(printf '%064d' 0)"
run env WLPACK_PINS="$T/pins" "$scripts/kit-install" binaryen
status_is 1 "an upstream archive with another sha256 is refused"
err_like "sha256 is $sum, expected 0000" "with both sums"
is "$(ls -A "$WLPACK_HOME/kits")" "" "and nothing is left behind"
pins "$sum"
run env WLPACK_PINS="$T/pins" "$scripts/kit-install" binaryen
status_is 0 "an upstream archive is installed"
out_is "binaryen	$WLPACK_HOME/kits/binaryen-1" "its place is printed"
ok "unpacked" test -f "$WLPACK_HOME/kits/binaryen-1/bin/wasm-opt"
identity=$(printf 'binaryen 1 %s\n' "$sum" | sha256sum | cut -d ' ' -f 1)
ok "kit.json has the identity" grep -q "\"identity\": \"sha256:$identity\"" "$WLPACK_HOME/kits/binaryen-1/kit.json"
ok "and the origin" grep -q '"origin": "upstream"' "$WLPACK_HOME/kits/binaryen-1/kit.json"

# --- the registry for tests ---
run "$scripts/registry" start --nonsense
status_is 2 "registry: unknown option is a usage error"
if command -v docker-registry >/dev/null; then
    code() {
        curl -s -o /dev/null -w '%{http_code}' "$@"
    }
    start() {
        REGISTRY_DIR='' REGISTRY=''
        eval "$("$scripts/registry" start "$@")"
        at_end "[ ! -d '$REGISTRY_DIR' ] || '$scripts/registry' stop '$REGISTRY_DIR'"
    }
    start
    is "$(code "http://$REGISTRY/v2/")" 200 "plain registry answers"
    pid=$REGISTRY_PID
    run "$scripts/registry" stop "$REGISTRY_DIR"
    ok "stop ends it" sh -c '! curl -s "http://$1/v2/" >"$2/.x" && [ ! -e "$3" ] && [ ! -e "/proc/$4/exe" ]' \
        stopped "$REGISTRY" "$T" "$REGISTRY_DIR" "$pid"

    start --tls --htpasswd joe:p:w
    is "$(code --cacert "$REGISTRY_CA" "https://$REGISTRY/v2/")" 401 "TLS and Basic: refused without"
    is "$(code --cacert "$REGISTRY_CA" -u joe:p:w "https://localhost:${REGISTRY#*:}/v2/")" 200 "and taken with the password"
    "$scripts/registry" stop "$REGISTRY_DIR"

    start --token joe:pw --anonymous-pull
    url=http://$REGISTRY/v2/a/b/tags/list
    realm=$(curl -sI "$url" | sed -n 's/.*realm="\([^"]*\)".*/\1/p')
    is "$(code "$url")" 401 "token: challenge"
    token() {
        curl -s "$@" | sed -n 's/.*"token": "\([^"]*\)".*/\1/p'
    }
    pull=$(token "$realm?service=wlpack-test&scope=repository:a/b:pull,push")
    is "$(code -H "Authorization: Bearer $pull" "$url")" 404 "token for nobody may pull"
    is "$(code -X POST -H "Authorization: Bearer $pull" "http://$REGISTRY/v2/a/b/blobs/uploads/")" 401 "but not push"
    push=$(token -d grant_type=password -d username=joe -d password=pw -d service=wlpack-test \
        -d scope=repository:a/b:pull,push "$realm")
    is "$(code -X POST -H "Authorization: Bearer $push" "http://$REGISTRY/v2/a/b/blobs/uploads/")" 202 "joe may push"
    is "$(code -u joe:wrong "$realm?service=wlpack-test")" 401 "a wrong password gets no token"
    ok "requests are logged" grep -q '^POST joe repository:a/b:pull,push 200' "$TOKEN_LOG"
    "$scripts/registry" stop "$REGISTRY_DIR"
fi
done_testing
