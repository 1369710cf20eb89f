#!/bin/sh
# Attestations of application images: an SBOM with every file and the base, provenance with base, git commit and app.json; what
# `verify` makes of them, whole and tampered with; through a registry, in other formats, without files, with very many.
. "${0%/*}/../lib/tap.sh"

for tool in docker-registry python3 git; do
    command -v "$tool" >/dev/null 2>&1 || skip_all "$tool is not installed"
done
cd "$T" || exit 1
DOCKER_CONFIG=$T/user
GIT_CONFIG_GLOBAL=/dev/null
GIT_CONFIG_SYSTEM=/dev/null
export DOCKER_CONFIG GIT_CONFIG_GLOBAL GIT_CONFIG_SYSTEM
unset REGISTRY_AUTH_FILE XDG_RUNTIME_DIR SOURCE_DATE_EPOCH WLPACK_BUILDER_ID GIT_DIR GIT_WORK_TREE 2>/dev/null || :
oci=$WLPACK_HOME/oci
base=$(python3 "$top/tests/lib/oci-image.py" "$oci" base:1 5000 --seed 5 --index 3)

mkdir -p app/site
echo '<?php echo 1;' >app/site/index.php
printf 'b\303\244r' >app/site/"$(printf 'b\303\244r "x".txt')"
printf latin >app/site/"$(printf 'b\344r')"
ln -s index.php app/site/link
cat >app/app.json <<'JSON'
{"name": "shop:1.0", "base": "base:1", "license": "MIT", "entrypoint": ["/app.wasm"],
 "files": [{"from": "site", "to": "/site"}]}
JSON
git -C app init -q
git -C app config user.name x && git -C app config user.email x@example.org
git -C app remote add origin https://user:hunter22@git.example.org/team/shop.git
git -C app add -A && git -C app commit -q -m one
commit=$(git -C app rev-parse HEAD)
run wlpack image app
status_is 0 "an image"
digest=$(cut -f 2 "$out")
run wlpack images
is "$(wc -l <"$out")" 2 "what is attached is no image of its own"

# document DIGEST TYPE: the document of that type that is attached to the image
document() {
    python3 - "$oci" "$1" "$2" <<'PY'
import json, sys
oci, subject, want = sys.argv[1:]
blob = lambda d: open(oci + '/blobs/sha256/' + d['digest'][7:]).read()
for m in json.load(open(oci + '/index.json'))['manifests']:
    if m.get('artifactType') == want and json.loads(blob(m))['subject']['digest'] == subject:
        print(blob(json.loads(blob(m))['layers'][0]))
PY
}
says() {
    python3 -c "import json; d = json.load(open('$1')); print($2)"
}
document "$digest" application/vnd.in-toto+json >provenance.json
document "$digest" application/spdx+json >sbom.json
deps="d['predicate']['buildDefinition']['resolvedDependencies']"
is "$(says provenance.json "d['subject'][0]['name'] + ' sha256:' + d['subject'][0]['digest']['sha256']")" "shop:1.0 $digest" \
    "provenance names the image"
is "$(says provenance.json "[(m['name'], m['digest']['sha256']) for m in $deps if m['annotations']['role'] == 'base']")" \
    "[('base:1', '${base#sha256:}')]" "the base with its digest"
is "$(says provenance.json "[(m['uri'], m['digest']['gitCommit']) for m in $deps if m['annotations']['role'] == 'git']")" \
    "[('git+https://git.example.org/team/shop.git@$commit', '$commit')]" "git's origin and commit, without the password"
is "$(says provenance.json "[m['digest']['sha256'] for m in $deps if m['annotations']['role'] == 'app']")" \
    "['$(sha256sum app/app.json | cut -d ' ' -f 1)']" "and app.json"
is "$(says provenance.json "d['predicate']['buildDefinition']['buildType'], d['predicate']['buildDefinition']['externalParameters']['base']")" \
    "urn:wlpack:image:v1 base:1" "of a build type of its own"
is "$(says sbom.json "d['spdxVersion'], 'sha256:' + d['packages'][0]['checksums'][0]['checksumValue'] == '$digest'")" \
    "SPDX-2.3 True" "the SBOM is SPDX and of this image"
is "$(says sbom.json "[f['checksums'] for f in d['files'] if f['fileName'] == './site/index.php'] == [[{'algorithm': 'SHA1', 'checksumValue': '$(sha1sum app/site/index.php | cut -d ' ' -f 1)'}, {'algorithm': 'SHA256', 'checksumValue': '$(sha256sum app/site/index.php | cut -d ' ' -f 1)'}]], len(d['files'])")" \
    "True 3" "with each file and its digests"
is "$(says sbom.json "d['packages'][1]['packageVerificationCode']['packageVerificationCodeValue'] == __import__('hashlib').sha1(''.join(sorted(c['checksumValue'] for f in d['files'] for c in f['checksums'] if c['algorithm'] == 'SHA1')).encode()).hexdigest()")" \
    True "the package's verification code"
is "$(says sbom.json "[(p['name'], p['externalRefs'][0]['referenceLocator'].split('?')[0]) for p in d['packages'] if 'externalRefs' in p]")" \
    "[('base:1', 'pkg:oci/base@sha256%3A${base#sha256:}')]" "the base as a package"
is "$(says sbom.json "sorted({r['relationshipType'] for r in d['relationships']})")" "['CONTAINS', 'DEPENDS_ON', 'DESCRIBES']" "and the relations"
cp sbom.json first.json
cp sbom.json first.spdx.json
run wlpack image app
document "$digest" application/spdx+json >sbom.json
ok "another run makes the same bytes" cmp -s first.json sbom.json
is "$(grep -o 'vnd.in-toto' "$oci/index.json" | wc -l)" 1 "and nothing is attached twice"

# --- verify ---
run wlpack verify shop:1.0
status_is 0 "verify"
out_like "^ok +provenance +shop, over base:1, git $commit, built by urn:wlpack:builder" "provenance"
out_like '^ok +sbom +SPDX-2.3, 3 packages, 3 files' "the SBOM"
out_like "^ok +base +base:1, $base" "the base's layers are below"
out_like '^ok +files +3, those of the SBOM and no others' "the files are those of the SBOM"
echo x >>app/site/index.php
run wlpack image -t dirty:1 app
run wlpack verify --json dirty:1
is "$(says "$out" "d['ok'], '$commit-dirty' in d['checks'][1]['detail']")" "True True" "a changed work tree is told"
git -C app checkout -q site/index.php
WLPACK_BUILDER_ID=https://ci.example.org/runner run wlpack image --no-git -t ci:1 app
run wlpack verify ci:1
out_like '^ok +provenance +shop|ci, over base:1, built by https://ci.example.org/runner' "a builder that says its name; no git"
run wlpack image --no-attestations -t bare:1 --base base:1 --platform wasip1/wasm app
run wlpack verify bare:1
status_is 1 "--no-attestations"
out_like '^FAILED +provenance +none is attached' "attaches nothing"

# --- tampered with ---
# tamper NAME TYPE PYTHON PATTERN: the document d of shop:1.0, changed and attached in place of the real one; verify tells
tamper() {
    cp "$oci/index.json" index.saved
    python3 - "$oci" "$digest" "$2" "$3" <<'PY'
import hashlib, json, sys
oci, subject, want, change = sys.argv[1:]
path = lambda d: oci + '/blobs/sha256/' + d['digest'][7:]
def put(data):
    h = hashlib.sha256(data).hexdigest()
    open(oci + '/blobs/sha256/' + h, 'wb').write(data)
    return {'digest': 'sha256:' + h, 'size': len(data)}
index = json.load(open(oci + '/index.json'))
for e in index['manifests']:
    if e.get('artifactType') == want:
        m = json.load(open(path(e)))
        if m['subject']['digest'] != subject:
            continue
        d = json.load(open(path(m['layers'][0])))
        exec(change)
        m['layers'][0].update(put(json.dumps(d).encode()))
        e.update(put(json.dumps(m).encode()))
json.dump(index, open(oci + '/index.json', 'w'))
PY
    run wlpack verify shop:1.0
    status_is 1 "$1"
    out_like "$4" "$1: told"
    cp index.saved "$oci/index.json"
}
spdx=application/spdx+json
slsa=application/vnd.in-toto+json
tamper "a file's digest in the SBOM" $spdx "d['files'][0]['checksums'][1]['checksumValue'] = '0' * 64" '^FAILED +files +"site/.*" has another digest in the SBOM'
tamper "a file that is not in the image" $spdx "d['files'][0]['fileName'] = './site/other'" '^FAILED +files .*"site/other" is not in the image'
tamper "a file that is not in the SBOM" $spdx "del d['files'][1]" '^FAILED +files .* is not in the SBOM'
tamper "a file without a digest" $spdx "del d['files'][1]['checksums'][1]" '^FAILED +sbom .*files\[1\]: a file needs'
tamper "an SBOM of another image" $spdx "d['packages'][0]['checksums'][0]['checksumValue'] = '0' * 64" '^FAILED +sbom +speaks of another image'
tamper "no SPDX at all" $spdx "d['spdxVersion'] = 'SPDX-9'" '^FAILED +sbom .*no SPDX 2 document'
tamper "another layer in the SBOM" $spdx "d['packages'][1]['checksums'][0]['checksumValue'] = '0' * 64" '^FAILED +files +SBOM and provenance name different layers'
tamper "another layer in the provenance" $slsa "d['predicate']['runDetails']['byproducts'][0]['digest']['sha256'] = '0' * 64" '^FAILED +files +SBOM and provenance name different layers'
tamper "provenance of another image" $slsa "d['subject'][0]['digest']['sha256'] = '0' * 64" '^FAILED +provenance +speaks of another image'
tamper "no base in the provenance" $slsa "del ${deps}[0]" '^FAILED +base +the provenance does not say its digest'
tamper "git without a commit" $slsa "${deps}[1]['digest'] = {'sha256': '0' * 64}" '^FAILED +provenance .*resolvedDependencies\[1\]'
python3 "$top/tests/lib/oci-image.py" "$oci" elsewhere:1 4000 --seed 77 >other
tamper "another base in the provenance" $slsa "${deps}[0]['digest']['sha256'] = open('other').read().strip()[7:]" '^FAILED +base +the layers of base:1 are not below'
run wlpack verify shop:1.0
status_is 0 "the real ones again"

# --- through a registry ---
reg=$("$top/scripts/registry" start) || skip_all "no registry: $reg"
eval "$reg"
at_end "'$top/scripts/registry' stop '$REGISTRY_DIR'"
run wlpack push "$REGISTRY/team/shop:1.0"
status_is 0 "push"
run wlpack verify "$REGISTRY/team/shop:1.0"
status_is 0 "verify in the registry"
is "$(cut -c 1-2 "$out" | tr '\n' ' ')" "ok ok ok ok ok " "every check is passed"
WLPACK_HOME=$T/empty run wlpack verify "$REGISTRY/team/shop:1.0"
status_is 0 "where the base is not here"
err_like 'note: the base sha256:[0-9a-f]{64} is not here' "that is told"
run wlpack sign --new-key k
run wlpack sign --key k "$REGISTRY/team/shop:1.0"
run wlpack verify --key k.pub "$REGISTRY/team/shop:1.0"
status_is 0 "signed"
is "$(grep -c '^ok  *signature' "$out")" 3 "image, SBOM and provenance"

# --- pushed in another form: SBOM and provenance follow ---
# other NAME WHAT OPTION...: shop:1.0, pushed in another form and verified there, also by what says that it was made from it
other() {
    ref=$REGISTRY/other/$1:1.0
    what=$2
    shift 2
    wlpack tag shop:1.0 "$ref" 2>/dev/null
    run wlpack push "$@" "$ref"
    status_is 0 "push $*"
    now=$(sed 's/.*@//' "$out")
    ok "has another digest" test "$now" != "$digest"
    run wlpack verify "$ref"
    status_is 0 "verify"
    out_like "^ok +provenance +shop, over base:1, git $commit" "$what: provenance"
    out_like '^ok +sbom +SPDX-2.3, 3 packages, 3 files' "$what: the SBOM"
    out_like '^ok +base +base:1' "$what: the base is below"
    out_like '^ok +files +3, those of the SBOM and no others' "$what: its files are those of the SBOM"
    err_like "note: made from $digest by push $*, itself built by urn:wlpack:builder" "$what: and the change is told"
}
other docker "docker's format" --format docker
other zstd zstd --compression zstd
other linux "for linux hosts" --platform linux/v1
document "$now" application/vnd.in-toto+json >provenance.json
is "$(says provenance.json "[(m['name'], m['digest']['sha256']) for m in $deps if m['annotations']['role'] == 'image']")" \
    "[('shop:1.0', '${digest#sha256:}')]" "the image before is a material"
is "$(says provenance.json "d['predicate']['buildDefinition']['externalParameters']['form']")" \
    "{'platform': 'linux/v1', 'builtBy': 'urn:wlpack:builder'}" "what was asked for is a parameter"
WLPACK_BUILDER_ID=https://laptop.example.org other whose "by somebody else" --platform wasip1/wasm --compression zstd-max
document "$now" application/vnd.in-toto+json >provenance.json
is "$(says provenance.json "d['predicate']['runDetails']['builder']['id'], d['predicate']['buildDefinition']['externalParameters']['form']['builtBy']")" \
    "https://laptop.example.org urn:wlpack:builder" "who made the form is its builder"
document "$now" application/spdx+json >sbom.json
is "$(says sbom.json "'${digest#sha256:}' in json.dumps(d), json.dumps(d).count('${now#sha256:}')")" "False 2" "the SBOM speaks of the new image alone"
run wlpack verify --key k.pub "$ref"
status_is 1 "a signature does not follow"
wlpack pull "$REGISTRY/team/shop:1.0" --referrers >/dev/null 2>&1
run wlpack push --compression zstd "$REGISTRY/team/shop:1.0"
status_is 0 "signed, and pushed in another form"
err_like 'shop:1.0: 1 signature or other document about it stays here: what is pushed has another digest' "that is said"
run wlpack push --no-attestations --format docker "$REGISTRY/none/shop:1.0"
run wlpack verify "$REGISTRY/none/shop:1.0"
status_is 1 "--no-attestations: none follow"
wlpack gc >/dev/null 2>&1
is "$(document "$now" application/spdx+json)" "" "gc removes what was made for a push"

# --- forms ---
for form in "--format docker" "--compression zstd" "--platform linux/v1"; do
    # shellcheck disable=SC2086 # an option and its value
    run wlpack image -t form:1 $form app
    run wlpack verify form:1
    status_is 0 "image $form"
    out_like '^ok +files +3' "image $form: its files"
done
printf '{"base": "scratch", "files": [{"from": "app/site/index.php", "to": "/m.wasm"}]}' >artifact.json
printf '\0asm\1\0\0\0' >app/site/index.php
run wlpack image --format wasm-artifact -t artifact:1 artifact.json
status_is 0 "a wasm-artifact"
run wlpack verify artifact:1
status_is 0 "is verified"
out_like '^ok +files +1,' "its one module is that of the SBOM"
out_like '^ok +base +none: from scratch' "from scratch"
printf '{"base": "base:1", "env": {"A": "b"}}' >empty.json
run wlpack image -t empty:1 empty.json
run wlpack verify empty:1
status_is 0 "an application without files"
out_unlike 'files  ' "has none to look at"
mkdir many
python3 -c "
for i in range(20001): open('many/%d' % i, 'w').write(str(i))"
printf '{"base": "base:1", "files": [{"from": "many", "to": "/m"}]}' >many.json
run wlpack image -t many:1 many.json
status_is 0 "more files than are listed"
run wlpack verify many:1
status_is 0 "verify"
out_like '^ok +files +not listed; in sha256:' "the layer stands for them"
d=$(wlpack inspect --json many:1 | python3 -c "import json, sys; print(json.load(sys.stdin)['digest'])")
document "$d" application/spdx+json >sbom.json
is "$(says sbom.json "d['packages'][1]['comment'][:12], 'files' in d")" "20001 files, False" "as the SBOM says"
rm many/20000
run wlpack image -t many:1 many.json
run wlpack verify many:1
out_like '^ok +files +20000, those of the SBOM' "one fewer: all are listed"

# --- what others say of the document ---
if python3 -c 'import spdx_tools' 2>/dev/null; then
    ok "spdx-tools takes the SBOM" python3 -c '
import sys
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
sys.exit(bool(validate_full_spdx_document(parse_file("first.spdx.json"))))'
else
    pass "# SKIP spdx-tools is not installed (pip install spdx-tools): the SBOM is not validated by others"
fi
done_testing
