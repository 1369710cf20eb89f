#!/bin/sh
# An image of our own build: its layer, its dates, what skopeo reads, and a damaged blob that is built again.
. "${0%/*}/../lib/tap.sh"
. "$top/tests/lib/tiny.sh"
for tool in skopeo python3; do
    command -v "$tool" >/dev/null 2>&1 || skip_all "$tool is not installed"
done
cd "$T" || exit 1
tiny_make
oci=$WLPACK_HOME/oci
# shellcheck disable=SC2016 # ${version} is the recipe's own
tiny_recipe '"license": "MIT", "summary": "A tiny thing", "images": {"cli": {"artefact": "cli", "tag": "${version}-cli", "aot": false,
  "entrypoint": ["/tiny.wasm"], "cmd": ["hello"], "workdir": "/", "env": {"A": "b"}, "labels": {"l": "m"}}}'
run wlpack build tiny-1.0 --output o
status_is 0 "build"
digest=$(cut -f 4 "$out" | tail -n 1)
is "$(skopeo inspect --format '{{.Digest}} {{.Os}}/{{.Architecture}} {{.Created.Unix}}' "oci:$oci:tiny:1.0-cli")" \
    "$digest wasi/wasm 1500000000" "skopeo sees digest, platform and the recipe's date"
skopeo inspect --config --raw "oci:$oci:tiny:1.0-cli" >config.json
is "$(python3 -c "
import json
c = json.load(open('config.json'))['config']
print(c['Entrypoint'], c['Cmd'], c['Env'], c['WorkingDir'], c['Labels'])")" \
    "['/tiny.wasm'] ['hello'] ['A=b'] / {'l': 'm'}" "the configuration"
skopeo inspect --raw "oci:$oci:tiny:1.0-cli" >manifest.json
is "$(python3 -c "
import json
m = json.load(open('manifest.json'))
p = 'org.opencontainers.image.'
print(m['mediaType'], [m['annotations'][p + k] for k in ('title', 'version', 'licenses', 'description', 'created')])")" \
    "application/vnd.oci.image.manifest.v1+json ['tiny', '1.0', 'MIT', 'A tiny thing', '2017-07-14T02:40:00Z']" "the manifest"

# the layer: one file, root's, at the epoch; the diff_id is that of the unpacked tar
layer=$oci/blobs/sha256/$(python3 -c "import json; print(json.load(open('manifest.json'))['layers'][0]['digest'][7:])")
is "$(TZ=UTC tar tvzf "$layer" | tr -s ' ')" \
    "-rwxr-xr-x 0/0 $(stat -c %s o/tiny-1.0/bin/tiny.wasm) 2017-07-14 02:40 tiny.wasm" "the layer holds the module alone"
is "$(gzip -dc "$layer" | sha256sum | cut -d ' ' -f 1)" \
    "$(python3 -c "import json; print(json.load(open('config.json'))['rootfs']['diff_ids'][0][7:])")" "the diff_id"
ok "it is the module that was handed out" sh -c "tar xzOf '$layer' tiny.wasm | cmp - o/tiny-1.0/bin/tiny.wasm"
ok "skopeo copies all of it" skopeo copy -q "oci:$oci:tiny:1.0-cli" "oci:$T/copy:x"

# further files and ports, another platform, another compression
mkdir -p scripts/tiny-1.0/docroot/css
echo '<?php' >scripts/tiny-1.0/docroot/index.php
echo 'body {}' >scripts/tiny-1.0/docroot/css/site.css
# shellcheck disable=SC2016 # ${version} is the recipe's own
tiny_recipe '"images": {"cli": {"artefact": "cli", "tag": "${version}-cli", "aot": false},
  "web": {"artefact": "cli", "tag": "${version}-web", "aot": false, "ports": ["8080"], "files": [{"from": "docroot", "to": "/site", "exclude": ["*.css"]}]}}'
run wlpack build tiny-1.0 --output o
status_is 0 "an image with files of its own"
run wlpack inspect tiny:1.0-web
out_like ' 6  /site/index\.php$' "holds them, in a layer of their own"
out_unlike 'site\.css' "but for those that are excluded"
is "$(skopeo inspect --config --raw "oci:$oci:tiny:1.0-web" | python3 -c "import json, sys; print(list(json.load(sys.stdin)['config']['ExposedPorts']))")" \
    "['8080/tcp']" "and the ports"
run wlpack build tiny-1.0 --output o --explain
err_like 'image web +in the store' "nothing changed: nothing to do"
echo '<?php 2' >scripts/tiny-1.0/docroot/index.php
run wlpack build tiny-1.0 --output o --explain
err_like 'image web +built' "a changed file makes the image again"
err_like 'image cli +in the store' "and no other"
err_like 'changed: file docroot/index\.php' "and --explain says why"
run wlpack build tiny-1.0 --output o --platform wasip1/wasm --compression zstd
status_is 0 "--platform and --compression"
is "$(skopeo inspect --format '{{.Os}}/{{.Architecture}}' "oci:$oci:tiny:1.0-cli") $(skopeo inspect --raw "oci:$oci:tiny:1.0-cli" |
    python3 -c "import json, sys; print(json.load(sys.stdin)['layers'][0]['mediaType'])")" \
    "wasip1/wasm application/vnd.oci.image.layer.v1.tar+zstd" "are in the image"
ok "skopeo unpacks the layer" skopeo copy -q "oci:$oci:tiny:1.0-cli" "dir:$T/zstd"
run wlpack run tiny:1.0-cli -- hello
out_is "tiny says hello" "it runs"
run wlpack build tiny-1.0 --output o --platform linux/amd64
status_is 0 "--platform linux/amd64"
is "$(skopeo inspect --format '{{.Os}}/{{.Architecture}}' "oci:$oci:tiny:1.0-cli")" linux/amd64 "for hosts that know nothing else"
run wlpack build tiny-1.0 --output o --compression lzma
status_is 2 "a compression that there is not"
# shellcheck disable=SC2016 # ${version} is the recipe's own
tiny_recipe '"license": "MIT", "summary": "A tiny thing", "images": {"cli": {"artefact": "cli", "tag": "${version}-cli", "aot": false,
  "entrypoint": ["/tiny.wasm"], "cmd": ["hello"], "workdir": "/", "env": {"A": "b"}, "labels": {"l": "m"}}}'
run wlpack build tiny-1.0 --output o
is "$(cut -f 4 "$out" | tail -n 1)" "$digest" "and back again to the very same image"

# the way out of a damaged blob is the one that the error names
printf 'X' | dd of="$layer" bs=1 seek=100 conv=notrunc 2>/dev/null
run wlpack inspect tiny:1.0-cli
status_is 1 "a damaged layer"
err_like "remove $layer and build" "the way out"
rm "$layer"
run wlpack build tiny-1.0 --output o
is "$(cut -f 4 "$out" | tail -n 1)" "$digest" "building again gives the same image"
run wlpack inspect tiny:1.0-cli
status_is 0 "which is whole"

SOURCE_DATE_EPOCH=1000000000
export SOURCE_DATE_EPOCH
run wlpack build tiny-1.0 --output o
is "$(skopeo inspect --format '{{.Created.Unix}}' "oci:$oci:tiny:1.0-cli")" 1000000000 "SOURCE_DATE_EPOCH is the date"

done_testing
