#!/bin/sh
# The real cosign (scripts/registry-tools cosign builds it): it verifies our signatures, we verify its own, in the form under a tag and as
# the bundles of cosign 3.
. "${0%/*}/../lib/tap.sh"

for tool in docker-registry python3 skopeo; do
    command -v "$tool" >/dev/null 2>&1 || skip_all "$tool is not installed"
done
cosign=$(WLPACK_HOME=${XDG_CACHE_HOME:-$HOME/.cache}/wlpack WLPACK_TOOLS=cached "$top/scripts/registry-tools" cosign 2>"$T/why") ||
    skip_all "$(tail -n 1 "$T/why")"
cd "$T" || exit 1
HOME=$T/user
mkdir -p "$HOME"
COSIGN_PASSWORD=secret
export HOME COSIGN_PASSWORD
unset DOCKER_CONFIG DOCKER_AUTH_CONFIG REGISTRY_AUTH_FILE XDG_RUNTIME_DIR WLPACK_KEY_PASSWORD
reg=$("$top/scripts/registry" start) || skip_all "no registry: $reg"
eval "$reg"
at_end "'$top/scripts/registry' stop '$REGISTRY_DIR'"
for name in one:1 two:1 three:1; do
    python3 "$top/tests/lib/oci-image.py" "$WLPACK_HOME/oci" $name 3000 >/dev/null
    run wlpack push "$REGISTRY/$name"
done
digest() {
    skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$REGISTRY/$1"
}
run wlpack sign --new-key good
run wlpack sign --new-key other
insecure="--allow-insecure-registry --allow-http-registry"

# --- ours, by cosign ---
run wlpack sign --key good "$REGISTRY/one:1"
# shellcheck disable=SC2086 # options
{
    run timeout 60 "$cosign" verify $insecure --insecure-ignore-tlog=true --key good.pub "$REGISTRY/one:1"
    status_is 0 "cosign verifies our signature"
    ok "of this image" grep -q "\"docker-manifest-digest\":\"$(digest one:1)\"" "$out"
    run timeout 60 "$cosign" verify $insecure --insecure-ignore-tlog=true --key other.pub "$REGISTRY/one:1"
    ok "and by no other key" test "$status" -ne 0
    run timeout 60 "$cosign" verify $insecure --insecure-ignore-tlog=true --key good.pub "$REGISTRY/two:1"
    ok "nor an image that is not signed" test "$status" -ne 0

    # --- cosign's, by us ---
    run "$cosign" import-key-pair -y --key good --output-key-prefix theirs
    status_is 0 "cosign takes our key"
    run timeout 60 "$cosign" sign -y $insecure --key theirs.key --new-bundle-format=false --use-signing-config=false --tlog-upload=false \
        "$REGISTRY/two@$(digest two:1)"
    status_is 0 "cosign signs, under a tag"
    run wlpack verify --key good.pub "$REGISTRY/two:1"
    out_like '^ok +signature +image: signed by this key' "verify takes it"
    run wlpack verify --key other.pub "$REGISTRY/two:1"
    out_like '^FAILED +signature +image: none of its 1 signatures' "and no other key"
    run timeout 60 "$cosign" sign -y $insecure --key theirs.key --use-signing-config=false --tlog-upload=false \
        "$REGISTRY/three@$(digest three:1)"
    status_is 0 "cosign signs, as a bundle"
    run wlpack verify --key good.pub "$REGISTRY/three:1"
    out_like '^ok +signature +image: signed by this key' "verify takes it"
    run wlpack verify --key other.pub "$REGISTRY/three:1"
    out_like '^FAILED +signature +image: none of its 1 signatures' "and no other key"

    # --- a key pair of cosign's own making ---
    run "$cosign" generate-key-pair --output-key-prefix own
    ok "cosign makes a key pair, encrypted" grep -q 'ENCRYPTED SIGSTORE PRIVATE KEY' own.key
    run wlpack sign --key own.key "$REGISTRY/one:1"
    status_is 0 "we sign with it, by COSIGN_PASSWORD"
    run timeout 60 "$cosign" verify $insecure --insecure-ignore-tlog=true --key own.pub "$REGISTRY/one:1"
    status_is 0 "cosign verifies"
    COSIGN_PASSWORD=wrong run wlpack sign --key own.key "$REGISTRY/one:1"
    status_is 1 "a wrong password"
    err_like 'own.key: the password is wrong' "is told"
    COSIGN_PASSWORD=wrong WLPACK_KEY_PASSWORD=secret run wlpack sign --key own.key "$REGISTRY/one:1"
    status_is 0 "WLPACK_KEY_PASSWORD comes first"
    COSIGN_PASSWORD='' run "$cosign" generate-key-pair --output-key-prefix empty
    COSIGN_PASSWORD='' run wlpack sign --key empty.key "$REGISTRY/two:1"
    status_is 0 "an empty password is one"

    # --- beside each other ---
    run wlpack sign --key good "$REGISTRY/three:1"
    err_like 'three:1: signed' "a bundle does not stand for the tag, which podman reads"
    run wlpack sign --key other "$REGISTRY/two:1"
    for key in good other; do
        run timeout 60 "$cosign" verify $insecure --insecure-ignore-tlog=true --key $key.pub "$REGISTRY/two:1"
        status_is 0 "cosign's signature and ours under one tag: cosign verifies $key"
        run wlpack verify --key $key.pub "$REGISTRY/two:1"
        out_like '^ok +signature +image' "and so do we"
    done
    run wlpack copy --referrers "$REGISTRY/three:1" "$REGISTRY/copied/three"
    run timeout 60 "$cosign" verify $insecure --insecure-ignore-tlog=true --key good.pub "$REGISTRY/copied/three:1"
    status_is 0 "copy --referrers takes them along, cosign says"
}
done_testing
