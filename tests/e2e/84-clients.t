#!/bin/sh
# An index with native code, as the real programs read it from a registry: containerd, podman, skopeo, crane, oras and regctl each get the portable
# image when they ask for wasi/wasm, and the variant when they ask for that. A program that is not there is a skip that says so.
. "${0%/*}/../lib/tap.sh"
for tool in skopeo python3 docker-registry; do
    command -v "$tool" >/dev/null 2>&1 || skip_all "$tool is not installed"
done
user_home=$HOME
DOCKER_CONFIG=$T/user
export DOCKER_CONFIG
unset REGISTRY_AUTH_FILE XDG_RUNTIME_DIR
oci=$WLPACK_HOME/oci
cd "$T" || exit 1
reg=$("$top/scripts/registry" start --dir "$T/registry") || skip_all "no registry: $reg"
eval "$reg"
at_end "'$top/scripts/registry' stop '$T/registry'"

# an application over an interpreter with two variants, and the same for linux hosts
python3 "$top/tests/lib/oci-image.py" "$oci" base:1 20000 --seed 5 --index 3 >/dev/null
mkdir site
echo hello >site/index.txt
printf '{"base": "base:1", "files": [{"from": "site", "to": "/site"}], "entrypoint": ["/app.wasm"]}' >app.json
ref=$REGISTRY/team/app
for form in index docker linux; do
    case $form in
    index) set -- ;;
    docker) set -- --format docker ;;
    linux) set -- --platform linux/v1,linux/arm64,linux/amd64 ;;
    esac
    run wlpack image "$@" -t "$ref:$form" app.json
    run wlpack push "$ref:$form"
    status_is 0 "push of the $form"
done
skopeo inspect --raw --tls-verify=false "docker://$ref:index" >index.json
# manifest VARIANT: the digest that a client must choose ("" is the portable one)
manifest() {
    python3 -c "
import json, sys
for m in json.load(open('${2:-index.json}'))['manifests']:
    if m['platform'].get('variant', '') == sys.argv[1]: print(m['digest'])" "$1"
}
portable=$(manifest '')
one=$(manifest v1)
ok "the index has both" test -n "$portable" -a -n "$one"

# --- skopeo ---
# by_skopeo FORM OPTION...: the digest of the configuration that it fetches
by_skopeo() {
    form=$1
    shift
    rm -rf skopeo-dir
    skopeo copy -q "$@" --src-tls-verify=false "docker://$ref:$form" dir:skopeo-dir 2>skopeo-err && python3 -c "
import json
print(json.load(open('skopeo-dir/manifest.json'))['config']['digest'])"
}
# config DIGEST: the configuration of a manifest
config() {
    skopeo inspect --raw --tls-verify=false "docker://$ref@$1" | python3 -c "import json, sys; print(json.load(sys.stdin)['config']['digest'])"
}
wasi="--override-os wasi --override-arch wasm"
# shellcheck disable=SC2086 # options
{
    is "$(by_skopeo index $wasi)" "$(config "$portable")" "skopeo: wasi/wasm is the portable image"
    is "$(by_skopeo index $wasi --override-variant v1)" "$(config "$one")" "skopeo: wasi/wasm/v1 is the variant"
    is "$(by_skopeo docker $wasi --override-variant v1)" "$(config "$one")" "skopeo: of docker's manifest list as well"
}
skopeo inspect --raw --tls-verify=false "docker://$ref:linux" >linux.json
is "$(by_skopeo linux --override-os linux --override-arch amd64)" \
    "$(config "$(python3 -c "import json; print([m['digest'] for m in json.load(open('linux.json'))['manifests'] if m['platform']['architecture'] == 'amd64'][0])")")" \
    "skopeo: linux/amd64, without knowing of wasm"

# --- containerd ---
# or has ended
containerd_answers() {
    ctr -a "$T/cd/sock" version >/dev/null 2>&1 || ! kill -0 "$cd_pid" 2>/dev/null
}
containerd_up() {
    mkdir -p cd
    cat >cd/config.toml <<CONF
version = 2
root = "$T/cd/root"
state = "$T/cd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.internal.v1.tracing"]
[grpc]
  address = "$T/cd/sock"
CONF
    containerd -c cd/config.toml >cd/log 2>&1 &
    at_end "kill $! 2>/dev/null; wait $! 2>/dev/null"
    cd_pid=$!
    wait_until containerd_answers
    ctr -a "$T/cd/sock" version >/dev/null 2>&1
}
# by_containerd FORM PLATFORM: the manifests that it fetched, one a line
by_containerd() {
    ctr -a "$T/cd/sock" -n "$1-$(printf %s "$2" | tr / -)" content fetch --plain-http --platform "$2" "$ref:$1" >/dev/null 2>ctr-err || return 1
    for d in $(ctr -a "$T/cd/sock" -n "$1-$(printf %s "$2" | tr / -)" content ls -q); do
        grep -q "\"$d\"" "$1.json" && echo "$d"
    done
}
if ! command -v containerd >/dev/null 2>&1 || ! command -v ctr >/dev/null 2>&1; then
    pass "# SKIP containerd is not installed: what it chooses is not tested here"
elif [ "$(id -u)" != 0 ]; then
    pass "# SKIP containerd needs root: what it chooses is not tested here"
elif ! containerd_up; then
    fail "containerd starts"
    sed 's/^/# /' cd/log | tail -n 5
else
    is "$(by_containerd index wasi/wasm)" "$portable" "containerd: wasi/wasm is the portable image, and nothing else is fetched"
    is "$(by_containerd index wasi/wasm/v1)" "$one" "containerd: wasi/wasm/v1 is the variant"
    is "$(by_containerd index wasi/wasm/v9)" "" "containerd: of a variant that there is not it fetches nothing"
    is "$(by_containerd linux linux/arm64 | wc -l)" 1 "containerd: linux/arm64, as a Kubernetes node asks"
fi

# --- podman ---
if root=$("$top/scripts/container-root" 2>root-log) && [ -n "$root" ]; then
    # by_podman PLATFORM: the configuration's digest, which is podman's image id
    by_podman() {
        "$top/scripts/in-container-root" podman pull -q --platform "$1" "$ref:index" 2>podman-err
    }
    is "sha256:$(by_podman wasi/wasm)" "$(config "$portable")" "podman: wasi/wasm is the portable image"
    is "sha256:$(by_podman wasi/wasm/v1)" "$(config "$one")" "podman: wasi/wasm/v1 is the variant"
else
    pass "# SKIP no container root on this host, so no podman: $(tail -n 1 root-log)"
fi

# --- those of the Go module proxy ---
# tool NAME: builds it once where go is; the user's own store keeps it
tool() {
    WLPACK_HOME=${XDG_CACHE_HOME:-$user_home/.cache}/wlpack HOME=$user_home "$top/scripts/registry-tools" "$1" 2>tool-err
}
if crane=${CRANE:-$(tool crane)} && [ -n "$crane" ]; then
    is "$("$crane" digest --insecure --platform wasi/wasm "$ref:index")" "$portable" "crane: wasi/wasm is the portable image"
    is "$("$crane" digest --insecure --platform wasi/wasm/v1 "$ref:index")" "$one" "crane: wasi/wasm/v1 is the variant"
    run "$crane" validate --insecure --remote "$ref:index"
    status_is 0 "crane validates the whole index"
    run "$crane" validate --insecure --remote "$ref:docker"
    status_is 0 "crane validates the docker form"
else
    pass "# SKIP no crane, so what it chooses is not tested: $(tail -n 1 tool-err)"
fi
if oras=$(tool oras); then
    is "$("$oras" resolve --plain-http --platform wasi/wasm "$ref:index")" "$portable" "oras: wasi/wasm is the portable image"
    is "$("$oras" resolve --plain-http --platform wasi/wasm/v1 "$ref:index")" "$one" "oras: wasi/wasm/v1 is the variant"
else
    pass "# SKIP no oras, so what it chooses is not tested: $(tail -n 1 tool-err)"
fi
if regctl=$(tool regctl); then
    at() {
        "$regctl" --host "reg=$REGISTRY,tls=disabled" image digest --platform "$1" "$ref:index"
    }
    is "$(at wasi/wasm)" "$portable" "regctl: wasi/wasm is the portable image"
    is "$(at wasi/wasm/v1)" "$one" "regctl: wasi/wasm/v1 is the variant"
else
    pass "# SKIP no regctl, so what it chooses is not tested: $(tail -n 1 tool-err)"
fi

done_testing
