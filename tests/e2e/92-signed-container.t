#!/bin/sh
# Signatures as others read them: podman, told by a policy to take signed images only, takes ours, and no other.
. "${0%/*}/../lib/tap.sh"
unset WLPACK_HOME WLPACK_KEY_PASSWORD
scripts=$top/scripts
containers_or_skip
run wlpack build lua-5.4.7 --output "$T/out"
status_is 0 "an image"
eval "$("$scripts/registry" start --dir "$T/registry")"
at_end "'$scripts/registry' stop '$T/registry'"
mkdir "$T/site"
for key in good other; do
    run wlpack sign --new-key "$T/site/$key"
done
for tag in 5.4.7-cli 5.4.7-cli-aot; do
    run wlpack push "$REGISTRY/lua:$tag"
    run wlpack sign --key "$T/site/good" "$REGISTRY/lua:$tag"
    status_is 0 "sign $tag"
done
run wlpack push "$REGISTRY/unsigned/lua:5.4.7-cli"

# pull KEY REF PLATFORM: podman pulls by a policy that wants a signature by KEY
pull() {
    cat >"$T/site/policy.json" <<JSON
{"default": [{"type": "sigstoreSigned", "keyPath": "/site/$1.pub", "signedIdentity": {"type": "matchRepository"}}]}
JSON
    printf 'default-docker:\n  use-sigstore-attachments: true\n' >"$T/site/attachments.yaml"
    # shellcheck disable=SC2016 # the inner shell's own
    "$scripts/in-container-root" -b "$T/site:/site" sh -c '
        mkdir -p /etc/containers/registries.d
        cp /site/attachments.yaml /etc/containers/registries.d/default.yaml
        cp /site/policy.json /etc/containers/policy.json
        podman pull -q --tls-verify=false --platform "$2" "$1"' sh "$2" "$3"
}
case $(uname -m) in
aarch64) variant=arm64 ;;
*) variant=amd64 ;;
esac
run pull good "$REGISTRY/lua:5.4.7-cli" wasi/wasm
status_is 0 "podman takes the signed image"
run pull good "$REGISTRY/lua:5.4.7-cli-aot" wasi/wasm
status_is 0 "the portable part of a signed index"
run pull good "$REGISTRY/lua:5.4.7-cli-aot" "wasi/wasm/$variant"
status_is 0 "and its native one"
run pull other "$REGISTRY/lua:5.4.7-cli" wasi/wasm
err_like 'signature verification failed' "not by another key"
ok "which is a failure" test "$status" -ne 0
run pull good "$REGISTRY/unsigned/lua:5.4.7-cli" wasi/wasm
err_like 'no signature exists' "nor one that is not signed"
done_testing
