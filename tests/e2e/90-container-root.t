#!/bin/sh
# The container root: an image that somebody else's tools made is pulled from a registry on loopback
# and run by podman, crun and WasmEdge. (That wlpack's own images run is another test's business.)
. "${0%/*}/../lib/tap.sh"
scripts=$top/scripts

containers_or_skip
run "$scripts/in-container-root"
status_is 2 "no command is a usage error"
run "$scripts/in-container-root" sh -c 'exit 7'
status_is 7 "the command's exit code comes back"
mkdir "$T/data"
echo given >"$T/data/file"
run "$scripts/in-container-root" -b "$T/data:/data" sh -c 'cat /data/file; touch /usr/mark; ls /usr/mark'
out_is "given
/usr/mark" "a folder of the host is bound; the root can be written"
run "$scripts/in-container-root" ls /usr/mark
ok "but nothing of it stays" test "$status" -ne 0
run "$scripts/in-container-root" -b "$T/nosuch" true
err_like 'no folder' "a bind that does not exist is named"

# --- a hand-made image: one module, one layer, wasi/wasm ---
sdk=$(env -u WLPACK_HOME "$scripts/kit-install" wasi-sdk | cut -f 2)
cat >"$T/hello.c" <<'C'
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
    printf("hello %s %s\n", argc > 1 ? argv[1] : "-", getenv("COLOUR") ? getenv("COLOUR") : "-");
    return 0;
}
C
"$sdk/bin/clang" --target=wasm32-wasip1 --sysroot="$sdk/share/wasi-sysroot" -O2 --no-wasm-opt \
    "$T/hello.c" -o "$T/hello.wasm"
blobs=$T/oci/blobs/sha256
mkdir -p "$blobs"
# add FILE MEDIA-TYPE: file a blob, print its descriptor's fields
add() {
    sum=$(sha256sum "$1" | cut -d ' ' -f 1)
    cp "$1" "$blobs/$sum"
    printf '"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%d' "$2" "$sum" "$(wc -c <"$1")"
}
tar -C "$T" -cf "$T/layer.tar" hello.wasm
diff_id=$(sha256sum "$T/layer.tar" | cut -d ' ' -f 1)
gzip -n "$T/layer.tar"
layer=$(add "$T/layer.tar.gz" layer.v1.tar+gzip)
printf '{"os":"wasi","architecture":"wasm","config":{"Entrypoint":["/hello.wasm"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$diff_id" >"$T/config"
config=$(add "$T/config" config.v1+json)
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{%s},"layers":[{%s}]}' \
    "$config" "$layer" >"$T/manifest"
printf '{"schemaVersion":2,"manifests":[{%s,"annotations":{"org.opencontainers.image.ref.name":"1"}}]}' \
    "$(add "$T/manifest" manifest.v1+json)" >"$T/oci/index.json"
printf '{"imageLayoutVersion":"1.0.0"}' >"$T/oci/oci-layout"

# run_image: push it to $REGISTRY and run it from there
run_image() {
    skopeo --insecure-policy copy --dest-tls-verify=false "oci:$T/oci:1" "docker://$REGISTRY/test/hello:1" \
        >"$T/log" 2>&1 || { cat "$T/log" >&2; return 1; }
    "$scripts/in-container-root" podman run -q --rm --platform wasi/wasm -e COLOUR=green "$1/test/hello:1" world
}
REGISTRY='' REGISTRY_DIR=''
for mode in "" --tls; do
    # shellcheck disable=SC2086 # an option or none
    eval "$("$scripts/registry" start $mode)"
    at_end "[ ! -d '$REGISTRY_DIR' ] || '$scripts/registry' stop '$REGISTRY_DIR'"
    for host in "$REGISTRY" "localhost:${REGISTRY#*:}"; do
        run run_image "$host"
        out_is "hello world green" "podman pulls from ${host%:*} ${mode:-plain} and runs it"
    done
    "$scripts/registry" stop "$REGISTRY_DIR"
done
is "$(grep -c 'container-root/mnt' /proc/mounts)" 0 "no mount is left on the host"
done_testing
