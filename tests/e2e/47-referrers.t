#!/bin/sh
# What is said about an image goes where the image goes: SBOM, provenance and signatures through push, pull, copy, save, load, tag, rm
# and gc; as oras and regctl read and write them; --dry-run; sign and verify behind TLS with client certificates.
. "${0%/*}/../lib/tap.sh"

for tool in docker-registry python3 skopeo openssl; do
    command -v "$tool" >/dev/null 2>&1 || skip_all "$tool is not installed"
done
cd "$T" || exit 1
user_home=$HOME
HOME=$T/user
mkdir -p "$HOME"
export HOME
unset DOCKER_CONFIG DOCKER_AUTH_CONFIG REGISTRY_AUTH_FILE XDG_RUNTIME_DIR SSL_CERT_FILE SOURCE_DATE_EPOCH WLPACK_KEY_PASSWORD
# tool NAME: the program's path, when it was built before (scripts/registry-tools)
tool() {
    HOME=$user_home WLPACK_HOME=${XDG_CACHE_HOME:-$user_home/.cache}/wlpack WLPACK_TOOLS=cached "$top/scripts/registry-tools" "$1" 2>/dev/null
}
registry() {
    reg=$("$top/scripts/registry" start "$@") || skip_all "no registry: $reg"
    eval "$reg"
    at_end "'$top/scripts/registry' stop '$REGISTRY_DIR'"
}
registry
one=$REGISTRY
registry
two=$REGISTRY

python3 "$top/tests/lib/oci-image.py" "$WLPACK_HOME/oci" base:1 5000 --seed 5 --index 2 >/dev/null
mkdir site
echo hello >site/a
printf '{"base": "base:1", "files": [{"from": "site", "to": "/s"}], "entrypoint": ["/app.wasm"]}' >app.json
run wlpack image --no-git -t shop:1 app.json
digest=$(cut -f 2 "$out")
for key in good other; do
    run wlpack sign --new-key $key
done

# --- sign: a dry run, JSON, the digest's file ---
run wlpack push "$one/team/shop:1"
run wlpack sign --dry-run --key good "$one/team/shop:1"
status_is 0 "sign --dry-run"
is "$(grep -c '^sign sha256:' "$out")" 5 "would sign the index, its two images, SBOM and provenance"
is "$(curl -s --noproxy '*' "http://$one/v2/team/shop/tags/list" | grep -c 'sig"')" 0 "and signs nothing"
run wlpack sign --json --digest-file d --key good "$one/team/shop:1"
is "$(python3 -c "import json; d = json.load(open('$out')); print(d['signed'], d['digest'], [s['there'] for s in d['signatures']])")" \
    "True $digest [False, False, False, False, False]" "sign --json"
is "$(cat d)" "$digest" "sign --digest-file"
run wlpack sign -n --key good "$one/team/shop:1"
is "$(grep -c '^there sha256:' "$out")" 5 "then all are there"

# --- copy ---
run wlpack copy --referrers "$one/team/shop:1" "$two/team/shop"
status_is 0 "copy --referrers"
err_like 'with 7 referrers$' "SBOM, provenance, and the signatures of five manifests"
run wlpack verify --key good.pub "$two/team/shop:1"
status_is 0 "at the other registry all is there"
is "$(grep -c '^ok  *signature' "$out")" 3 "signatures of image, SBOM, provenance"
run wlpack copy --referrers "$one/team/shop:1" "$two/team/shop"
err_like '^  with 7 referrers$' "again: the same"
err_unlike 'left as' "and nothing in the way"
run wlpack copy "$one/team/shop:1" "$two/bare/shop"
run wlpack verify "$two/bare/shop:1"
status_is 1 "copy alone takes the image alone"
run wlpack sign --key other "$two/bare/shop:1"
run wlpack copy --referrers "$one/team/shop:1" "$two/bare/shop"
status_is 0 "copy to where it is signed by another key"
err_like 'tags? of signatures and the like .* left as' "leaves those signatures alone"
run wlpack verify --key other.pub --no-recipe "$two/bare/shop:1"
out_like '^ok +signature +image' "which are still good"

# --- pull ---
WLPACK_HOME=$T/pulled
run wlpack pull --dry-run "$one/team/shop:1"
status_is 0 "pull --dry-run"
is "$(grep -c '^fetch sha256:[0-9a-f]* [0-9]* ' "$out")" 8 "would fetch three layers, two configurations, three manifests"
is "$(find "$T/pulled/oci/blobs" -type f | wc -l)" 0 "and fetches none"
run wlpack pull --json --referrers --as shop:1 "$one/team/shop:1"
status_is 0 "pull --referrers"
is "$(python3 -c "import json; d = json.load(open('$out')); print(d['digest'] == '$digest', d['referrers'], d['pulled'])")" "True 7 True" "brings seven"
run wlpack images
is "$(wc -l <"$out")" 1 "which are no images of their own"
run wlpack verify shop:1
status_is 0 "the local image has its attestations"
run wlpack pull -n "$one/team/shop:1"
is "$(grep -c '^there' "$out")" 8 "all of it is there now"
run wlpack gc
run wlpack verify shop:1
status_is 0 "gc leaves them"
run wlpack push "$two/again/shop:1"
status_is 0 "what was pulled is pushed"
run wlpack verify --key good.pub "$two/again/shop:1"
status_is 0 "with SBOM, provenance and signatures"
run wlpack push "$two/bare/shop:1"
err_like 'stands for something else in .*: left as it is' "signatures that are there stay"
run wlpack push --no-attestations "$two/none/shop:1"
is "$(curl -s --noproxy '*' "http://$two/v2/none/shop/tags/list")" '{"name":"none/shop","tags":["1"]}' "--no-attestations pushes none"
WLPACK_HOME=$T/plain
run wlpack pull --as shop:1 "$one/team/shop:1"
run wlpack verify shop:1
status_is 1 "pull alone brings the image alone"
WLPACK_HOME=$T/pulled

# --- tag ---
run wlpack tag --dry-run shop:1 mine:1
status_is 0 "tag --dry-run"
run wlpack inspect mine:1
status_is 1 "tags nothing"
run wlpack tag --digest-file d shop:1 mine:1
is "$(cat d)" "$digest" "tag --digest-file"
run wlpack verify mine:1
status_is 0 "the attestations are there under the new name"

# --- save and load ---
run wlpack save --dry-run -o x.tar shop:1
status_is 0 "save --dry-run"
out_is "shop:1	$digest" "names the image"
ok "and writes nothing" test ! -e x.tar
run wlpack save --digest-file d -o plain.tar shop:1
err_like 'without 7 referrers .*--referrers takes them along' "save says what stays here"
is "$(cat d)" "$digest" "save --digest-file"
ok "skopeo reads such a file without being told a name" skopeo copy -q --all oci-archive:plain.tar "dir:$T/skopeo"
run wlpack save --referrers -o docker-archive:x.tar shop:1
status_is 2 "a docker-archive has no place for them"
run wlpack save --referrers -o full.tar shop:1
status_is 0 "save --referrers to an oci-archive"
err_like 'with 7 referrers' "with seven"
run wlpack save --referrers -o again.tar shop:1
ok "the same bytes again" cmp -s full.tar again.tar
run wlpack save -r -o "oci:$T/layout" shop:1
status_is 0 "and to a layout"
ok "skopeo reads the file by name" skopeo copy -q --all oci-archive:full.tar:shop:1 "dir:$T/skopeo2"
for from in full.tar layout; do
    WLPACK_HOME=$T/loaded-$from
    run wlpack load -n $from
    is "$(wc -l <"$out")" 1 "$from: one image is in it"
    run wlpack load $from
    status_is 0 "load $from"
    out_is "shop:1	$digest" "$from: one image"
    err_like 'with 7 referrers' "$from: seven referrers"
    run wlpack verify shop:1
    status_is 0 "$from: attestations"
    run wlpack push "$two/from-$from/shop:1"
    run wlpack verify --key good.pub "$two/from-$from/shop:1"
    status_is 0 "$from: and signatures"
done
WLPACK_HOME=$T/loaded-plain
run wlpack load plain.tar
run wlpack verify shop:1
status_is 1 "without them none is there"
run wlpack push --from oci-archive:full.tar "$two/straight/shop:1"
status_is 0 "push --from takes the one image"
run wlpack verify --key good.pub "$two/straight/shop:1"
status_is 0 "with what is said about it"

# --- rm and gc ---
WLPACK_HOME=$T/pulled
run wlpack rm mine:1
run wlpack gc
run wlpack verify shop:1
status_is 0 "while a name is left they stay"
run wlpack rm shop:1
run wlpack gc
ok "with the image they go" test -z "$(ls "$T/pulled/oci/blobs/sha256")"

# --- other clients ---
if oras=$(tool oras); then
    run "$oras" discover --plain-http --format json "$one/team/shop:1"
    status_is 0 "oras discover in the registry"
    ok "finds the SBOM" grep -q application/spdx+json "$out"
    ok "and the provenance" grep -q application/vnd.in-toto+json "$out"
    run "$oras" discover --oci-layout --format json "$T/layout@$digest"
    ok "and in a layout of ours" sh -c "grep -q application/spdx+json '$out' && grep -q vnd.in-toto '$out'"
    run "$oras" copy -r --from-plain-http --to-oci-layout "$one/team/shop:1" "$T/by-oras:shop"
    status_is 0 "oras copies it into a layout"
    WLPACK_HOME=$T/loaded-oras
    run wlpack load --name shop:1 "oci:$T/by-oras:shop"
    status_is 0 "which is loaded"
    run wlpack verify shop:1
    status_is 0 "with its attestations"
else
    pass "# SKIP oras was not built (scripts/registry-tools oras): what it reads is not tested here"
fi
if regctl=$(tool regctl); then
    "$regctl" registry set --tls disabled "$one" >/dev/null 2>&1
    run "$regctl" artifact list --format '{{json .}}' "$one/team/shop:1"
    status_is 0 "regctl artifact list in the registry"
    ok "finds both" sh -c "grep -q application/spdx+json '$out' && grep -q vnd.in-toto '$out'"
    run "$regctl" image copy --referrers --digest-tags "$one/team/shop:1" "ocidir://$T/by-regctl:shop"
    status_is 0 "regctl copies it into a layout"
    WLPACK_HOME=$T/loaded-regctl
    run wlpack load --name shop:1 "oci:$T/by-regctl:shop"
    status_is 0 "which is loaded"
    run wlpack verify shop:1
    status_is 0 "with its attestations"
    run wlpack push "$two/by-regctl/shop:1"
    run wlpack verify --key good.pub "$two/by-regctl/shop:1"
    status_is 0 "and signatures"
else
    pass "# SKIP regctl was not built (scripts/registry-tools regctl): what it reads is not tested here"
fi

# --- TLS with client certificates, deadlines ---
WLPACK_HOME=$T/home
registry --tls --client-cert
run wlpack push --cacert "$REGISTRY_CA" --cert "$REGISTRY_CERT" --key "$REGISTRY_KEY" "$REGISTRY/team/shop:1"
status_is 0 "push behind TLS"
run wlpack sign --cacert "$REGISTRY_CA" --cert "$REGISTRY_CERT" --cert-key "$REGISTRY_KEY" --key good "$REGISTRY/team/shop:1"
status_is 0 "sign with --cacert, --cert, --cert-key"
run wlpack verify --cacert "$REGISTRY_CA" --cert "$REGISTRY_CERT" --cert-key "$REGISTRY_KEY" --key good.pub "$REGISTRY/team/shop:1"
status_is 0 "verify likewise"
run wlpack verify --cacert "$REGISTRY_CA" --key good.pub "$REGISTRY/team/shop:1"
status_is 4 "without the certificate the registry refuses"
run wlpack verify --cert-key "$REGISTRY_KEY" "$REGISTRY/team/shop:1"
status_is 2 "--cert-key alone is a usage error"
err_like '\-\-cert-key needs --cert' "which says so"
run wlpack sign --timeout 0 --key good "$REGISTRY/team/shop:1"
status_is 2 "--timeout 0"
python3 -c '
import signal, socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print(s.getsockname()[1], flush=True); signal.pause()' >port &
at_end "kill $!"
wait_until test -s port
for verb in "sign --key good" "verify --key good.pub"; do
    # shellcheck disable=SC2086 # verb and options
    run wlpack $verb --plain-http --timeout 1 "127.0.0.1:$(cat port)/team/shop:1"
    status_is 4 "$verb --timeout at a registry that is silent"
    err_like 'time given by --timeout' "$verb: told"
done
# --- several at a time: each says something else about the same image, each signs it with a key of its own ---
printf '{"base": "scratch", "files": [{"from": "site", "to": "/s"}], "entrypoint": ["/s/a"]}' >race.json
for i in 1 2 3 4 5; do
    WLPACK_HOME=$T/race$i WLPACK_BUILDER_ID=urn:builder:$i SOURCE_DATE_EPOCH=1700000000 wlpack image -q --no-git -t race:1 race.json >made 2>&1
    wlpack sign --new-key race$i.key >made 2>&1
done
# at_once push|sign REPOSITORY: five of it at the same time; prints how many failed
at_once() {
    pids=
    for i in 1 2 3 4 5; do
        key=
        [ "$1" = push ] || key=--key=race$i.key
        (WLPACK_HOME=$T/race$i exec "$WLPACK" "$1" -q ${key:+"$key"} "$2/race:1" >"pushed$i" 2>&1) &
        pids="$pids $!"
    done
    failed=0
    for pid in $pids; do
        wait "$pid" || failed=$((failed + 1))
    done
    echo $failed
}
for round in 1 2 3; do
    is "$(at_once push "$one/round$round")" 0 "five pushes at the same time, round $round"
    WLPACK_HOME=$T/got$round run wlpack pull --referrers "$one/round$round/race:1"
    is "$(python3 -c "
import json
print(sum(m.get('artifactType') == 'application/vnd.in-toto+json' for m in json.load(open('$T/got$round/oci/index.json'))['manifests']))")" \
        5 "what each of them said is there"
done
is "$(at_once sign "$one/round1")" 0 "five signers at the same time"
for i in 1 2 3 4 5; do
    run wlpack verify --no-recipe --key race$i.key.pub "$one/round1/race:1"
    is "$(grep -c '^ok  *signature' "$out")" 7 "the signatures of key $i: image, SBOM and five provenances"
done
done_testing
