#!/bin/sh
# Application images: app.json to an image that runs, over scratch, a local image, a registry's and a recipe's; what goes in and
# what stays out; platforms and formats as skopeo reads them; the annotations.
. "${0%/*}/../lib/tap.sh"
. "$top/tests/lib/guest.sh"
. "$top/tests/lib/tiny.sh"
for tool in skopeo python3 docker-registry git; do
    command -v "$tool" >/dev/null 2>&1 || skip_all "$tool is not installed"
done
unset SOURCE_DATE_EPOCH GIT_DIR GIT_WORK_TREE 2>/dev/null || :
oci=$WLPACK_HOME/oci
DOCKER_CONFIG=$T/user
GIT_CONFIG_GLOBAL=/dev/null
GIT_CONFIG_SYSTEM=/dev/null
export DOCKER_CONFIG GIT_CONFIG_GLOBAL GIT_CONFIG_SYSTEM
unset REGISTRY_AUTH_FILE XDG_RUNTIME_DIR
mkdir -p "$DOCKER_CONFIG" "$T/app/public/css" "$T/base"
cd "$T" || exit 1
guest_build "$T/base/guest.wasm" || skip_all "the guest cannot be compiled"

json() {
    python3 -c "import json, sys; d = json.load(open('$out')); print($1)"
}
manifest() {
    skopeo inspect --raw "oci:$oci:$1" >"$T/manifest.json"
    python3 -c "import json; m = json.load(open('$T/manifest.json')); print($2)"
}

# --- scratch: a module alone ---
cat >base/app.json <<'JSON'
{"note": "the interpreter", "name": "guest:1", "base": "scratch", "entrypoint": ["/guest.wasm"], "cmd": ["args", "one"],
 "files": [{"from": "guest.wasm", "to": "/"}], "env": {"A": "1", "B": "2"}, "epoch": 1500000000}
JSON
run wlpack image base/app.json
status_is 0 "an image from scratch"
out_like '^guest:1	sha256:[0-9a-f]{64}$' "name and digest are the result"
base=$(cut -f 2 "$out")
is "$(skopeo inspect --format '{{.Digest}} {{.Os}}/{{.Architecture}} {{.Created.Unix}}' "oci:$oci:guest:1")" \
    "$base wasi/wasm 1500000000" "skopeo sees digest, platform, date"
run wlpack run guest:1
status_is 0 "it runs"
run wlpack image base
is "$(cut -f 2 "$out")" "$base" "a folder means its app.json, and the same bytes come again"

# --- a site over it ---
echo 'hello from the site' >app/public/index.txt
echo 'body {}' >app/public/css/site.css
echo 'secret' >app/.env
printf '*.tmp\n' >app/.wlpackignore
echo x >app/public/x.tmp
echo x >app/top.tmp
ln -s index.txt app/public/link.txt
chmod 600 app/public/index.txt
cat >app/app.json <<'JSON'
{
  "name": "shop:1.0", "base": "guest:1", "description": "A shop", "license": "MIT",
  "files": [{"from": ".", "to": "/site", "exclude": ["public/x.tmp"]}],
  "cmd": ["cat", "/site/public/index.txt"], "env": {"B": "3", "C": "4"}, "ports": ["8080"], "workdir": "/site",
  "user": "1000:1000", "labels": {"team": "shop"}, "annotations": {"org.example.note": "x"}
}
JSON
run wlpack image --dry-run app/app.json
status_is 0 "a dry run"
out_is "d0755            0  /site
d0755            0  /site/public
d0755            0  /site/public/css
-0644            8  /site/public/css/site.css
-0644           20  /site/public/index.txt
l0777            0  /site/public/link.txt -> index.txt" "lists what would go in: neither app.json, nor what is ignored, nor .env"
err_like 'left out.*: \.env ' "and a note names the secrets"
ok "nothing was made" sh -c "! '$WLPACK' inspect shop:1.0 2>/dev/null"
run wlpack image --dry-run --json app
is "$(json "d['names'], d['base'], d['leftOut'], len(d['files'])")" "['shop:1.0'] guest:1 ['.env'] 6" "as JSON"
run wlpack image --json --digest-file digest.txt app
status_is 0 "the image"
digest=$(json "d['digest']")
is "$(cat digest.txt)" "$digest" "--digest-file"
is "$(json "d['platforms'], d['base']['name'], d['base']['digest'] == '$base', d['created'], d['leftOut']")" \
    "['wasi/wasm'] guest:1 True 2017-07-14T02:40:00Z ['.env']" "JSON: platform, base, the base's date, what was left out"
run wlpack run shop:1.0
out_is "hello from the site" "it runs, with its own cmd"
skopeo inspect --config --raw "oci:$oci:shop:1.0" >config.json
is "$(python3 -c "
import json
c = json.load(open('config.json')); i = c['config']
print(i['Entrypoint'], i['Cmd'], i['Env'], i['WorkingDir'], i['User'], list(i['ExposedPorts']), i['Labels'], len(c['rootfs']['diff_ids']), len(c['history']))")" \
    "['/guest.wasm'] ['cat', '/site/public/index.txt'] ['A=1', 'B=3', 'C=4'] /site 1000:1000 ['8080/tcp'] {'team': 'shop'} 2 2" \
    "the configuration: the base's, and ours over it"
is "$(manifest shop:1.0 "[m['annotations']['org.opencontainers.image.' + k] for k in ('title', 'version', 'description', 'licenses', 'base.name', 'base.digest')] == ['shop', '1.0', 'A shop', 'MIT', 'guest:1', '$base'], m['annotations']['org.example.note']")" \
    "True x" "the annotations"
layer=$oci/blobs/sha256/$(manifest shop:1.0 "m['layers'][1]['digest'][7:]")
is "$(TZ=UTC tar tvzf "$layer" | tr -s ' ' | sed -n '5p')" "-rw-r--r-- 0/0 20 2017-07-14 02:40 site/public/index.txt" \
    "in the layer: owner 0, the date, a mode without the umask's traces"
touch -d 2001-01-01 app/public/index.txt
chmod 644 app/public/index.txt
cp -R app other-place
run wlpack image other-place -t other:1 -t second
is "$(cut -f 1 "$out" | tr '\n' ' ')" "other:1 second:latest " "--tag names it, twice"
run wlpack image other-place
is "$(cut -f 2 "$out")" "$digest" "another place and time: the same digest"
SOURCE_DATE_EPOCH=1600000000 run wlpack image other-place
is "$(skopeo inspect --format '{{.Created.Unix}}' "oci:$oci:shop:1.0")" 1600000000 "SOURCE_DATE_EPOCH is the date"

# --- git ---
git -C app init -q 2>/dev/null
git -C app config user.name x && git -C app config user.email x@example.org
git -C app remote add origin https://user:hunter22@git.example.org/team/shop.git
git -C app add -A && GIT_COMMITTER_DATE='1550000000 +0000' git -C app commit -q -m one
run wlpack image app
commit=$(git -C app rev-parse HEAD)
is "$(manifest shop:1.0 "m['annotations']['org.opencontainers.image.revision'] + ' ' + m['annotations']['org.opencontainers.image.source'] + ' ' + m['annotations']['org.opencontainers.image.created']")" \
    "$commit https://git.example.org/team/shop.git 2019-02-12T19:33:20Z" "revision, source without the password, and time come from git"
ok "the repository itself is not in it" sh -c "'$WLPACK' inspect shop:1.0 | grep -c '\.git' | grep -qx 1"
echo more >>app/public/index.txt
run wlpack image app
is "$(manifest shop:1.0 "m['annotations']['org.opencontainers.image.revision']")" "$commit-dirty" "a changed file makes it dirty"
run wlpack image app --no-git
is "$(manifest shop:1.0 "'org.opencontainers.image.revision' in m['annotations']")" False "--no-git"
git -C app remote set-url origin /srv/git/shop.git
run wlpack image app
is "$(manifest shop:1.0 "'org.opencontainers.image.source' in m['annotations']")" False "a folder of this machine is no source"
git -C app remote set-url origin https://git.example.org/team/shop.git
if [ "$(id -u)" = 0 ]; then
    cp -R app foreign && chown -R 65534 foreign
    run wlpack image foreign
    status_is 0 "a repository of somebody else"
    err_like 'no revision.*safe\.directory' "git keeps silent, and that is said"
    rm -rf foreign
fi
printf '#!/bin/sh\ntouch "%s/ran"\n' "$T" >hook && chmod +x hook
git -C app config core.fsmonitor "$T/hook"
run wlpack image app
ok "a repository's own programs are not started" test ! -e "$T/ran"

# --- an index as base: a layer on top of each ---
python3 "$top/tests/lib/oci-image.py" "$oci" index:1 5000 --seed 3 --index 3 >/dev/null
cat >over.json <<'JSON'
{"base": "index:1", "files": [{"from": "app/public", "to": "/p"}], "entrypoint": ["/app.wasm"]}
JSON
run wlpack image -t over:1 over.json
status_is 0 "an index as base"
is "$(manifest over:1 "[(p['platform']['os'] + '/' + p['platform']['architecture'], p['platform'].get('variant')) for p in m['manifests']]")" \
    "[('wasi/wasm', None), ('wasi/wasm', 'v1'), ('wasi/wasm', 'v2')]" "gives an index, the portable image first, variants kept"
ok "skopeo copies every image of it" skopeo copy -q --all "oci:$oci:over:1" "dir:$T/all"
run wlpack image -t over:2 --platform wasip1/wasm,linux/v2 over.json
is "$(manifest over:2 "[(p['platform']['os'] + '/' + p['platform']['architecture'], p['platform'].get('variant')) for p in m['manifests']]")" \
    "[('wasip1/wasm', None), ('wasip1/wasm', 'v1'), ('wasip1/wasm', 'v2'), ('linux/v2', None)]" "--platform: other names"
run wlpack image -t over:3 --platform wasi/wasm/v2 over.json
is "$(manifest over:3 "m['mediaType'].split('.')[-2]")" manifest "one variant alone is a plain manifest"
run wlpack image -t over:4 --platform wasi/wasm/v7 over.json
status_is 2 "a variant that the base does not have"
err_like 'it has wasi/wasm, wasi/wasm/v1, wasi/wasm/v2' "is told, with those that it has"

# --- formats ---
run wlpack image --format docker -t shop:docker app
status_is 0 "docker's format"
run wlpack run shop:docker
out_like "hello from the site" "it runs"
run wlpack save shop:docker -o docker.tar
err_like 'in a layout skopeo and podman look past it' "save says what others make of it"
run wlpack save shop:docker -o docker-archive:docker.tar
ok "skopeo reads it in a docker-archive" skopeo copy -q docker-archive:docker.tar:shop:docker "dir:$T/docker-dir"
for name in gzip-max zstd zstd-max; do
    run wlpack image --compression $name -t "shop:$name" app
    status_is 0 "--compression $name"
    is "$(manifest "shop:$name" "m['layers'][1]['mediaType'].split('+')[1]")" "${name%-max}" "$name: the layer's type"
    ok "$name: skopeo copies it" skopeo copy -q "oci:$oci:shop:$name" "dir:$T/$name"
    run wlpack run "shop:$name"
    out_like "hello from the site" "$name: it runs"
done
run wlpack image --compression zstd --format docker -t x:1 app
status_is 2 "docker's format knows no zstd"
err_like 'take gzip' "which is said"
printf '{"base": "scratch", "files": [{"from": "base/guest.wasm", "to": "/g.wasm"}], "version": "2"}' >artifact.json
run wlpack image --format wasm-artifact -t guest:artifact artifact.json
status_is 0 "a wasm-artifact"
is "$(manifest guest:artifact "m['config']['mediaType'], [l['mediaType'] for l in m['layers']], m['layers'][0]['size'] == $(stat -c %s base/guest.wasm), m['annotations']['org.opencontainers.image.version']")" \
    "application/vnd.wasm.config.v0+json ['application/wasm'] True 2" "one raw layer: the module"
is "$(manifest guest:artifact "m['layers'][0]['digest']")" "sha256:$(sha256sum base/guest.wasm | cut -d ' ' -f 1)" "byte for byte"
run wlpack inspect guest:artifact
status_is 0 "inspect shows it"
out_like 'application/wasm' "and its type"
run wlpack run guest:artifact
status_is 0 "it runs"
printf '{"base": "scratch", "files": [{"from": "base/guest.wasm", "to": "/g.wasm"}], "version": "2", "entrypoint": ["/g.wasm"]}' >artifact.json
artifact=$(manifest guest:artifact "m['layers'][0]['digest']")
run wlpack image --format wasm-artifact -t guest:artifact artifact.json
is "$(manifest guest:artifact "m['layers'][0]['digest']")" "$artifact" "an entrypoint that is the module says nothing new"
printf '{"base": "scratch", "files": [{"from": "base/guest.wasm", "to": "/g.wasm"}], "entrypoint": ["/g.wasm", "x"]}' >artifact.json
run wlpack image --format wasm-artifact -t x:1 artifact.json
status_is 2 "one with arguments has no place"
run wlpack image --format wasm-artifact -t x:1 app
status_is 2 "a wasm-artifact cannot hold a site"
err_like 'a wasm-artifact cannot hold ' "and it is said why"
printf '{"base": "guest:1", "files": [{"from": "app/public", "to": "/p"}]}' >more.json
run wlpack image --format wasm-artifact -t x:1 more.json
status_is 2 "nor more files than the module"
err_like 'one module and nothing else; this image also has /p/' "the file is named"

# --- docker's format is for registries: an OCI layout's readers look past it ---
reg=$("$top/scripts/registry" start --dir "$T/registry") || skip_all "no registry: $reg"
eval "$reg"
at_end "'$top/scripts/registry' stop '$T/registry'"
run wlpack push "$REGISTRY/shop:docker"
status_is 0 "an image in docker's format is pushed"
skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/shop:docker" >manifest.json
is "$(python3 -c "
import json
m = json.load(open('manifest.json'))
print(m['mediaType'], [l['mediaType'] for l in m['layers']], 'annotations' in m)")" \
    "application/vnd.docker.distribution.manifest.v2+json ['application/vnd.docker.image.rootfs.diff.tar.gzip', 'application/vnd.docker.image.rootfs.diff.tar.gzip'] False" \
    "its types, and no annotations"
ok "skopeo copies it" skopeo copy -q --src-tls-verify=false "docker://$REGISTRY/shop:docker" "dir:$T/docker"
run wlpack pull --as back:1 "$REGISTRY/shop:docker"
run wlpack run back:1
out_like "hello from the site" "and it runs when it is pulled again"

# --- pushed in another form; what is here stays ---
pushed() {
    skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/form:$1" >manifest.json
    python3 -c "import json; m = json.load(open('manifest.json')); print($2)"
}
# form TAG OPTION...: pushes shop:1.0 as form:TAG
form() {
    run wlpack tag "${from:-shop:1.0}" "form:$1"
    name=$1
    shift
    run wlpack push "$@" "$REGISTRY/form:$name"
    status_is 0 "push $*"
    out_like "^$REGISTRY/form@sha256:[0-9a-f]{64}\$" "push $*: the digest"
    is "$(skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/form:$name" | sha256sum | cut -d ' ' -f 1)" \
        "$(sed 's/.*sha256://' "$out")" "push $*: is what the registry has"
}
form docker --format docker
is "$(pushed docker "m['mediaType'], 'annotations' in m")" "application/vnd.docker.distribution.manifest.v2+json False" "--format docker"
form wasip1 --platform wasip1/wasm
is "$(skopeo inspect --tls-verify=false --format '{{.Os}}/{{.Architecture}}' "docker://$REGISTRY/form:wasip1")" wasip1/wasm "--platform"
form many --platform wasip1/wasm,linux/amd64
is "$(pushed many "[p['platform']['os'] for p in m['manifests']]")" "['wasip1', 'linux']" "two platforms: an index"
form zstd --compression zstd
is "$(pushed zstd "[l['mediaType'].split('+')[1] for l in m['layers']]")" "['zstd', 'zstd']" "--compression zstd: every layer"
ok "skopeo unpacks it" skopeo copy -q --src-tls-verify=false "docker://$REGISTRY/form:zstd" "oci:$T/unpacked:x"
run wlpack pull --as form:back "$REGISTRY/form:zstd"
run wlpack run form:back
out_like "hello from the site" "it runs when it is pulled again"
from=form:back form gzip --compression gzip
is "$(skopeo inspect --tls-verify=false --config --raw "docker://$REGISTRY/form:gzip" | sha256sum)" \
    "$(skopeo inspect --tls-verify=false --config --raw "docker://$REGISTRY/form:zstd" | sha256sum)" "and back: the layers unpack to the same"
form same --compression gzip --format oci
is "$(sed 's/.*@//' "$out")" "$(manifest shop:1.0 "'sha256:' + __import__('hashlib').sha256(open('$T/manifest.json', 'rb').read()).hexdigest()")" \
    "the form that it has: the very same image"
from=guest:1 form artifact --format wasm-artifact
is "$(pushed artifact "m['config']['mediaType'], m['layers'][0]['mediaType']")" "application/vnd.wasm.config.v0+json application/wasm" "--format wasm-artifact"
run wlpack save shop:1.0 -o "oci:$T/outside"
run wlpack push --from "oci:$T/outside:shop:1.0" "$REGISTRY/form:outside"
status_is 0 "push --from a layout"
is "$(sed 's/.*@//' "$out")" "$(manifest shop:1.0 "'sha256:' + __import__('hashlib').sha256(open('$T/manifest.json', 'rb').read()).hexdigest()")" \
    "is the image of the layout"
run wlpack push --from "oci:$T/outside:none" "$REGISTRY/form:outside"
status_is 1 "push --from of what is not there"
run wlpack push --format wasm-artifact "$REGISTRY/form:docker"
status_is 2 "a wasm-artifact of a site"
run wlpack push --compression lzma "$REGISTRY/form:docker"
status_is 2 "an unknown compression"
run wlpack push --format zip "$REGISTRY/form:docker"
status_is 2 "an unknown format"
run wlpack gc --dry-run --json
status_is 0 "gc removes what no name has"

# --- a registry's image as base ---
run wlpack push "$REGISTRY/team/guest:1"
status_is 0 "the base is pushed"
printf '{"base": "%s/team/guest:1", "files": [{"from": "app/public/index.txt", "to": "/"}], "cmd": ["cat", "/index.txt"]}' "$REGISTRY" >remote.json
WLPACK_HOME=$T/fresh
run wlpack image --offline -t r:1 remote.json
status_is 1 "--offline does not pull"
err_like '\-\-offline' "and says so"
run wlpack image -t r:1 remote.json
status_is 0 "a base that is not here is pulled"
run wlpack run r:1
out_like "hello from the site" "the image runs"
oci=$T/fresh/oci
is "$(manifest r:1 "m['annotations']['org.opencontainers.image.base.name'], m['annotations']['org.opencontainers.image.base.digest'] == '$base'")" \
    "$REGISTRY/team/guest:1 True" "base name and digest"
run wlpack image -t r:1 --base "$REGISTRY/team/guest@$base" remote.json
status_is 0 "a base by digest"
run wlpack image -t r:2 --base "$REGISTRY/team/none:1" remote.json
status_is 4 "a base that the registry does not have"
err_like "base $REGISTRY/team/none:1: " "is named"
"$top/scripts/registry" stop "$T/registry"
run wlpack image -t r:1 remote.json
status_is 0 "with the base here no registry is needed"
WLPACK_HOME=$T/home
oci=$WLPACK_HOME/oci

# --- a recipe as base: built when it was not ---
tiny_make
# shellcheck disable=SC2016 # ${version} is the recipe's own
tiny_recipe '"images": {"cli": {"artefact": "cli", "tag": "${version}-cli", "aot": false}}'
printf '{"base": "tiny-1.0", "files": [{"from": "app/public", "to": "/p"}], "cmd": ["hello"]}' >recipe.json
run wlpack image -t t:1 recipe.json
status_is 0 "a recipe as base"
is "$(manifest t:1 "m['annotations']['org.opencontainers.image.base.name']")" tiny:1.0-cli "stands on its image"
run wlpack run t:1
out_is "tiny says hello" "it runs"
ok "no module is left in the folder" test ! -e build-output
printf '{"base": "tiny-1.0", "image": "web"}' >recipe.json
run wlpack image -t t:1 recipe.json
status_is 3 "an image that the recipe does not have"
err_like 'no image "web"; it has cli' "those that it has are named"

# --- names and labels that a terminal would obey, or that look like further lines ---
mkdir odd
printf x >"odd/$(printf 'a\033[31mb')"
printf x >"odd/$(printf 'c\nok      signature')"
cat >odd.json <<'JSON'
{"name": "odd:1", "base": "guest:1", "files": [{"from": "odd", "to": "/o"}], "ports": ["80"], "user": "9",
 "labels": {"a": "x\ny", "b": "\u009b31m\u007f"}}
JSON
run wlpack image -n odd.json
is "$(cut -c 21- "$out" | tr '\n' '|')" "/o|/o/a?[31mb|/o/c?ok      signature|" "a dry run: one line a file, no escapes"
run wlpack image odd.json
run wlpack inspect odd:1
is "$(grep -acE "^ok|$(printf '\033')|^y" "$out")" 0 "inspect: neither"
out_like '^label +a=x\?y$' "a line break in a label is none"
out_like '^user +9$' "user"
out_like '^ports +80/tcp$' "and ports are shown"
run wlpack inspect --json odd:1
is "$(grep -c "$(printf '\302\233\|\177')" "$out")" 0 "JSON escapes them"
is "$(json "d['manifests'][0]['config']['config']['Labels'] == {'a': 'x\ny', 'b': '\x9b31m\x7f'}")" True "and they are what they were"

# --- what is wrong ---
bad() {
    printf '%s' "$1" >bad.json
    run wlpack image -t bad:1 bad.json
    status_is "$2" "$4"
    err_like "$3" "$4: told"
}
bad '{"base": "guest:1", "fils": []}' 3 'bad\.json:1:[0-9]+: \$\.fils: unknown key' "an unknown key"
bad '{"files": []}' 3 '\$\.base: missing' "no base"
bad '{"base": "no-such-thing"}' 1 'there is no recipe "no-such-thing", and no image' "a base that is nothing"
bad '{"base": "guest:1", "aot": true}' 3 'is no recipe' "aot with a base that is no recipe"
bad '{"base": "guest:1", "files": [{"from": "none", "to": "/x"}]}' 3 'bad\.json: files\[0\]: there is no \./none' "a file that is not there"
bad '{"base": "guest:1", "files": [{"from": "app/public", "to": "/guest.wasm/x"}, {"from": "app/app.json", "to": "/guest.wasm/x/index.txt/y"}]}' 1 'twice' "a file as a folder"
bad '{"base": "scratch"}' 3 'needs an entrypoint' "scratch without an entrypoint"
bad '{"base": "scratch", "entrypoint": ["/x.wasm"]}' 3 'entrypoint /x.wasm is not among the files' "scratch without the program"
bad '{"base": "guest:1", "entrypoint": ["/x.wasm"]}' 3 'entrypoint /x.wasm is neither among the files nor in the base guest:1 .wasi/wasm.' "a base without the program"
bad '{"base": "guest:1", "entrypoint": ["/guest.wasm/x"]}' 3 'entrypoint /guest.wasm/x is neither' "a program below a file"
bad '{"base": "shop:1.0", "entrypoint": ["/site"]}' 3 'entrypoint /site is neither' "a folder is no program"
printf '{"base": "shop:1.0", "entrypoint": ["/guest.wasm#run", "args"]}' >below.json
run wlpack image -t below:1 below.json
status_is 0 "the program is two layers below"
# a layer over it that takes it away, one that takes all away, one where a link may lead there
cat >over.py <<'PY'
import hashlib, io, json, sys, tarfile
layout, name, kind = sys.argv[1:]
path = lambda d: layout + "/blobs/sha256/" + d["digest"][7:]
def put(data, **more):
    h = hashlib.sha256(data).hexdigest()
    open(layout + "/blobs/sha256/" + h, "wb").write(data)
    return {**more, "digest": "sha256:" + h, "size": len(data)}
index = json.load(open(layout + "/index.json"))
ref = "org.opencontainers.image.ref.name"
entry = [m for m in index["manifests"] if m.get("annotations", {}).get(ref) == "guest:1"][0]
manifest = json.load(open(path(entry)))
config = json.load(open(path(manifest["config"])))
tar = io.BytesIO()
with tarfile.open(fileobj=tar, mode="w") as t:
    for n, link in {"file": [(".wh.guest.wasm", None)], "all": [(".wh..wh..opq", None)], "link": [("bin", "usr/bin")],
                    "back": [("./guest.wasm", None), (".wh..wh..opq", None)]}[kind]:
        info = tarfile.TarInfo(n)
        if link:
            info.type, info.linkname = tarfile.SYMTYPE, link
        t.addfile(info)
data = tar.getvalue()
config["rootfs"]["diff_ids"].append("sha256:" + hashlib.sha256(data).hexdigest())
config.pop("history", None)
manifest["layers"].append(put(data, mediaType="application/vnd.oci.image.layer.v1.tar"))
manifest["config"].update(put(json.dumps(config).encode()))
index["manifests"].append({**entry, **put(json.dumps(manifest).encode()), "annotations": {ref: name}})
json.dump(index, open(layout + "/index.json", "w"))
PY
for kind in file all link back; do
    python3 over.py "$oci" "$kind:1" $kind
    printf '{"base": "%s:1", "entrypoint": ["%s"]}' $kind "$([ $kind = link ] && echo /bin/guest.wasm || echo /guest.wasm)" >over.json
    run wlpack image -t "over-$kind:1" over.json
    case $kind in
    link | back) status_is 0 "the program may be there: $kind" ;;
    *)
        status_is 3 "the program was taken away: $kind"
        err_like "entrypoint /guest.wasm is neither among the files nor in the base $kind:1" "and is named"
        ;;
    esac
done
ln -s /etc/passwd app/passwd
bad '{"base": "guest:1", "files": [{"from": "app", "to": "/x"}]}' 3 'app/passwd is an absolute link' "a link that leads out"
rm app/passwd && mkfifo app/pipe
bad '{"base": "guest:1", "files": [{"from": "app", "to": "/x"}]}' 3 'app/pipe is neither' "a FIFO"
rm app/pipe
echo x >app/.wh.x
bad '{"base": "guest:1", "files": [{"from": "app", "to": "/x"}]}' 3 '/x/\.wh\.x would remove a file' "a name that is a whiteout"
rm app/.wh.x
run wlpack image over.json
status_is 2 "no name"
err_like 'give --tag NAME' "is a usage error that says what to do"
run wlpack image -t Upper:1 over.json
status_is 2 "a name in upper case"
run wlpack image
status_is 2 "no app.json"
run wlpack image -t x:1 --format zip over.json
status_is 2 "an unknown format"
run wlpack image none.json
status_is 1 "a missing app.json"

# --- schema and documentation are the table's ---
run wlpack image --schema
ok "recipes/app.schema.json is what the decoder's table says (make golden)" cmp -s "$out" "$top/recipes/app.schema.json"
run wlpack image --fields
sed '1,/^<!-- fields:/d' "$top/recipes/APPS.md" | sed 1d >fields
ok "the reference in recipes/APPS.md too" cmp -s "$out" fields
if python3 -c 'import jsonschema; jsonschema.Draft202012Validator' 2>/dev/null; then
    cd "$top" || exit 1
    run python3 tests/lib/app-schema-agrees.py "$WLPACK" "$T"
    status_is 0 "schema and decoder agree"
    grep -A20 '^not ok' "$out" | sed 's/^/# /'
else
    pass "# SKIP python3-jsonschema is not installed: schema and decoder are not compared"
fi

done_testing
