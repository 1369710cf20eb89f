#!/bin/sh
# Attestations: SBOM and provenance made by a build, pushed as referrers, held against the recipe; signatures; each of
# them damaged, missing or changed.
. "${0%/*}/../lib/tap.sh"
. "$top/tests/lib/tiny.sh"

for tool in docker-registry python3 openssl; do
    command -v "$tool" >/dev/null 2>&1 || skip_all "$tool is not installed"
done
cd "$T" || exit 1
DOCKER_CONFIG=$T/user # no credentials of the user's; the kits are found in the user's own place
export DOCKER_CONFIG
unset REGISTRY_AUTH_FILE XDG_RUNTIME_DIR WLPACK_KEY_PASSWORD WLPACK_BUILDER_ID
oci=$WLPACK_HOME/oci
tiny_make
mkdir -p patches/tiny-1.0
cat >patches/tiny-1.0/0001-says.patch <<'PATCH'
Description: says it otherwise
Forwarded: not-needed
--- a/src/say.h
+++ b/src/say.h
@@ -1 +1 @@
-#define SAYS "tiny says"
+#define SAYS "tiny says"  
PATCH
echo 0001-says.patch >patches/tiny-1.0/series
images='"images": {"cli": {"artefact": "cli", "tag": "${version}-cli", "entrypoint": ["/tiny.wasm"]}}'
tiny_recipe "$images"
run wlpack build tiny-1.0 --output o
status_is 0 "a build"
run wlpack images
is "$(wc -l <"$out")" 1 "what is attached is no image of its own"

# document TYPE: prints the document of that type
document() {
    python3 - "$oci" "$1" <<'PY'
import json, sys
oci, want = sys.argv[1:]
blob = lambda d: open(oci + '/blobs/sha256/' + d['digest'][7:]).read()
for m in json.load(open(oci + '/index.json'))['manifests']:
    if m.get('artifactType') == want:
        manifest = json.loads(blob(m))
        assert manifest['subject']['digest'].startswith('sha256:')
        assert manifest['config']['mediaType'] == 'application/vnd.oci.empty.v1+json'
        print(blob(manifest['layers'][0]))
PY
}
digest=$(wlpack images --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["digest"])')
document application/vnd.in-toto+json >provenance.json
document application/spdx+json >sbom.json
says() {
    python3 -c "import json; d = json.load(open('$1')); print($2)"
}
is "sha256:$(says provenance.json "d['subject'][0]['digest']['sha256']")" "$digest" "provenance names the image's digest"
is "$(says provenance.json "d['predicate']['buildDefinition']['externalParameters']['recipe']")" tiny-1.0 "the recipe"
is "$(says provenance.json "[m['digest']['sha256'] for m in d['predicate']['buildDefinition']['resolvedDependencies'] if m['annotations']['role'] == 'source'][0]")" \
    "$tiny_sha" "the source's checksum"
is "$(says provenance.json "[m['digest']['sha256'] for m in d['predicate']['buildDefinition']['resolvedDependencies'] if m['annotations']['role'] == 'patch'][0]")" \
    "$(sha256sum patches/tiny-1.0/0001-says.patch | cut -d ' ' -f 1)" "and the patch"
is "$(says sbom.json "d['spdxVersion'] + ' ' + d['packages'][0]['checksums'][0]['checksumValue']")" \
    "SPDX-2.3 ${digest#sha256:}" "the SBOM is SPDX and of this image"
is "$(says sbom.json "sorted({r['relationshipType'] for r in d['relationships']})")" \
    "['BUILD_TOOL_OF', 'DESCRIBES', 'GENERATED_FROM', 'PATCH_FOR']" "with the relations"
cp provenance.json first.json
run wlpack build tiny-1.0 --output o --force
document application/vnd.in-toto+json >provenance.json
ok "another build makes the same bytes" cmp -s first.json provenance.json
is "$(grep -c intoto "$oci/index.json"; grep -o 'vnd.in-toto' "$oci/index.json" | wc -l)" "0
1" "and nothing is attached twice"

# --- verify, in the local store ---
run wlpack verify tiny:1.0-cli
status_is 0 "a local image"
out_like '^ok +digests +3 objects' "digests"
out_like '^ok +provenance +tiny-1.0, flavour wasi, image cli' "provenance"
out_like '^ok +recipe +tiny-1.0: ' "the recipe"
out_like '^ok +sbom +SPDX-2.3' "the SBOM"
run wlpack verify --key nothing.pub tiny:1.0-cli
status_is 1 "a key that is not there"
echo "# changed" >>patches/tiny-1.0/0001-says.patch
run wlpack verify tiny:1.0-cli
status_is 1 "a recipe whose patch has changed"
out_like '^FAILED +recipe +patch 0001-says.patch of tiny-1.0: sha256:.* in the statement, sha256:.* here' "is told apart"
run wlpack verify --no-recipe tiny:1.0-cli
status_is 0 "and left out on request"
sed -i '$d' patches/tiny-1.0/0001-says.patch
run env WLPACK_RECIPES="$T/none" "$WLPACK" verify tiny:1.0-cli
status_is 1 "a recipe that is not here"
out_like '^FAILED +recipe .*--no-recipe' "is a failure with a way out"

# --- through a registry ---
reg=$("$top/scripts/registry" start) || skip_all "no registry: $reg"
eval "$reg"
at_end "'$top/scripts/registry' stop '$REGISTRY_DIR'"
ref=$REGISTRY/team/tiny:1.0-cli
run wlpack push "$ref"
status_is 0 "push"
run wlpack verify "$ref"
status_is 0 "what is attached has gone with it"
is "$(cut -c 1-2 "$out" | tr '\n' ' ')" "ok ok ok ok " "and every check is passed"
run wlpack push --platform linux/amd64 --compression zstd --format oci "$REGISTRY/linux/tiny:1.0-cli"
status_is 0 "pushed in another form"
run wlpack verify "$REGISTRY/linux/tiny:1.0-cli"
status_is 0 "it has gone with that, too"
is "$(cut -c 1-2 "$out" | tr '\n' ' ')" "ok ok ok ok " "and agrees with the recipe"
err_like "note: made from $digest by push --platform linux/amd64 --format oci --compression zstd" "made from the other one"
run wlpack push --no-attestations "$REGISTRY/bare/tiny:1.0-cli"
run wlpack verify "$REGISTRY/bare/tiny:1.0-cli"
status_is 1 "without it"
out_like '^FAILED +provenance +none is attached' "provenance is missing"
out_like '^FAILED +sbom +none is attached' "and the SBOM"
ok "nothing of it stays in the store" test -z "$(find "$WLPACK_HOME/tmp" -name 'verify*' 2>/dev/null)"

# --- signatures ---
run wlpack sign --new-key team.key
status_is 0 "a new key pair"
err_like 'not encrypted' "with a warning"
is "$(stat -c %a team.key)" 600 "which only its owner reads"
run wlpack sign --new-key team.key
status_is 1 "is never written over"
ok "openssl reads the public half" openssl pkey -pubin -in team.key.pub -noout
run wlpack verify --key team.key.pub "$ref"
status_is 1 "an image that is not signed"
out_like '^FAILED +signature +image: not signed' "is told"
run wlpack sign --key team.key.pub "$ref"
status_is 1 "the public key does not sign"
err_like 'needs the private one' "and it is said"
run wlpack sign "$ref"
status_is 2 "a key is needed"
run wlpack sign --key team.key "$REGISTRY/team/tiny:none"
status_is 1 "what is not there is not signed"
run wlpack sign --key team.key "$ref"
status_is 0 "sign"
run wlpack verify --key team.key.pub "$ref"
status_is 0 "a signed image"
is "$(grep -c '^ok  *signature' "$out")" 3 "image, provenance and SBOM"
run wlpack sign --key team.key "$ref"
err_like 'is signed by this key already' "signing again adds nothing"
WLPACK_KEY_PASSWORD=secret run wlpack sign --new-key other.key
run wlpack sign --key other.key "$ref"
status_is 1 "a key with a password"
err_like 'WLPACK_KEY_PASSWORD' "asks for it"
run wlpack verify --key other.key.pub "$ref"
status_is 1 "another key"
out_like 'none of its 1 signatures is good for this key' "does not fit"
run env WLPACK_KEY_PASSWORD=secret "$WLPACK" sign --key other.key "$ref"
status_is 0 "a second signature"
for key in team.key.pub other.key.pub; do
    run wlpack verify --json --key "$key" "$ref"
    is "$(python3 -c "import json; d = json.load(open('$out')); print(d['ok'], len(d['checks']))")" "True 7" \
        "beside the first: $key"
done
# the payload, checked by other code
tag=sha256-${digest#sha256:}.sig
python3 - "$REGISTRY" "$tag" <<'PY'
import base64, json, sys, urllib.request
host, tag = sys.argv[1:]
get = lambda p: urllib.request.urlopen(urllib.request.Request('http://%s/v2/team/tiny/%s' % (host, p), headers={'Accept': 'application/vnd.oci.image.manifest.v1+json'})).read()
layer = json.loads(get('manifests/' + tag))['layers'][0]
open('payload', 'wb').write(get('blobs/' + layer['digest']))
open('signature', 'wb').write(base64.b64decode(layer['annotations']['dev.cosignproject.cosign/signature']))
PY
ok "openssl verifies the signature" openssl dgst -sha256 -verify team.key.pub -signature signature payload
ok "over the image's digest" grep -q "\"docker-manifest-digest\":\"$digest\"" payload

# --- a registry that was tampered with: the layer, the configuration, the provenance, the SBOM, the signed text ---
python3 - "$oci" "$digest" "$REGISTRY" "$tag" >parts <<'PY'
import json, sys, urllib.request
oci, digest, host, tag = sys.argv[1:]
blob = lambda d: json.load(open(oci + '/blobs/sha256/' + d[7:]))
m = blob(digest)
print('layer', m['layers'][0]['digest'][7:])
print('configuration', m['config']['digest'][7:])
for e in json.load(open(oci + '/index.json'))['manifests']:
    if e.get('artifactType') and blob(e['digest'])['subject']['digest'] == digest:
        print(e['artifactType'].split('/')[1], blob(e['digest'])['layers'][0]['digest'][7:])
url = 'http://%s/v2/team/tiny/manifests/%s' % (host, tag)
sig = json.load(urllib.request.urlopen(urllib.request.Request(url, headers={'Accept': 'application/vnd.oci.image.manifest.v1+json'})))
print('signed-text', sig['layers'][0]['digest'][7:])
PY
is "$(cut -d " " -f 1 parts | tr "\n" " ")" "layer configuration vnd.in-toto+json spdx+json signed-text " "five parts"
while read -r what hex; do
    data=$(find "$REGISTRY_DIR" -path "*/$hex/data")
    cp "$data" kept
    printf '\001' | dd of="$data" bs=1 seek=3 conv=notrunc 2>/dev/null
    run wlpack verify --key team.key.pub "$ref"
    status_is 1 "$what: another byte in the registry"
    out_like '^FAILED' "is a check that failed"
    err_unlike 'canary|internal' "and nothing else"
    run wlpack verify --json --key team.key.pub "$ref"
    is "$(python3 -c "import json; print(json.load(open('$out'))['ok'])")" False "$what: so does --json"
    cp kept "$data"
done <parts
run wlpack verify --key team.key.pub "$ref"
status_is 0 "put right again"

# --- a store that was tampered with ---
blob=$(python3 -c "
import json
oci = '$oci'
m = json.load(open(oci + '/blobs/sha256/' + '$digest'[7:]))
print(m['layers'][0]['digest'][7:])")
cp "$oci/blobs/sha256/$blob" saved
printf X | dd of="$oci/blobs/sha256/$blob" bs=1 seek=20 conv=notrunc 2>/dev/null
run wlpack verify tiny:1.0-cli
status_is 1 "a layer with a changed byte"
out_like '^FAILED +digests .*sha256' "is found"
cp saved "$oci/blobs/sha256/$blob"
run wlpack rm tiny:1.0-cli
run wlpack gc
ok "with the image go its attestations" test -z "$(ls "$oci/blobs/sha256")"
done_testing
