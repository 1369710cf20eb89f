#!/bin/sh
# The local store: images, inspect, tag, rm, save, load, gc; what skopeo makes of it; and what is wrong with input.
. "${0%/*}/../lib/tap.sh"

for tool in skopeo python3; do
    command -v "$tool" >/dev/null 2>&1 || skip_all "$tool is not installed"
done
oci=$WLPACK_HOME/oci
HOME=$T/user
export HOME
mkdir -p "$HOME"

json() {
    python3 -c "import json, sys; d = json.load(open('$out')); print($1)"
}

# --- nothing there yet ---
run wlpack images
status_is 0 "images of an empty store"
out_is "" "are none"
run wlpack images --json
out_is "[]" "as JSON too"
run wlpack inspect php:7
status_is 1 "an unknown image"
err_like 'no images yet' "says that there are none"
ok "looking does not create a store" test ! -e "$oci"

# --- two images and an index, made by other code ---
one=$(python3 "$top/tests/lib/oci-image.py" "$oci" app:1 100000 --seed 1)
index=$(python3 "$top/tests/lib/oci-image.py" "$oci" php:7.4-aot 50000 --seed 3 --index 2)
run wlpack images
status_is 0 "images"
is "$(wc -l <"$out")" 2 "one line an image"
out_like "^app:1 +$(printf %.19s "$one")  wasi/wasm " "name, digest, platform"
out_like '^php:7.4-aot .*wasi/wasm,wasi/wasm/v1' "an index shows its platforms"
run wlpack images --json
is "$(json "d[0]['digest'] + d[1]['digest']")" "$one$index" "JSON has the whole digests"

# --- tag and rm ---
run wlpack tag app:1 registry.example:5000/team/app:2
status_is 0 "tag"
run wlpack tag "$one" latest-app
status_is 0 "tag by digest"
is "$(skopeo inspect --format '{{.Digest}}' "oci:$oci:registry.example:5000/team/app:2")" "$one" "skopeo finds the new name"
run wlpack tag app:1 App:2
status_is 2 "upper case is a usage error"
err_like 'lower case' "and says so"
run wlpack tag nothing:1 x:1
status_is 1 "tag of what is not there"
run wlpack rm latest-app
status_is 0 "rm"
run wlpack rm latest-app
status_is 1 "rm of what is not there"
err_like 'no image "latest-app"' "names it"
run wlpack inspect app:3
err_like 'near it: app:1' "an unknown tag: the near ones are named"

# --- inspect ---
run wlpack inspect app:1
status_is 0 "inspect an image"
out_like "^manifest +$one" "manifest"
out_like '^platform +wasi/wasm' "platform"
out_like ' 100000  /app.wasm' "the file of the layer"
run wlpack inspect app:1 --json
is "$(json "d['manifests'][0]['layers'][0]['files'][0]['size']")" 100000 "as JSON"
run wlpack inspect php:7.4-aot --json
is "$(json "len(d['manifests']), d['index']['manifests'][1]['platform']['variant']")" "2 v1" "an index as JSON"
run wlpack inspect "$(printf %.20s "$one")"
status_is 0 "inspect by a short digest"
run wlpack inspect sha256:../../x
status_is 2 "a digest that is none is a usage error"
run wlpack inspect "$oci"
status_is 0 "inspect a layout"
out_like '^app:1 ' "lists its entries"
run wlpack inspect "$T"
status_is 1 "a folder that is no layout"
err_like 'no OCI image layout' "is said to be none"

# --- modules ---
printf '\0asm\1\0\0\0\1\5\1\140\1\177\0\2\12\1\1m\4func\0\0\7\5\1\1x\0\0' >"$T/good.wasm"
run wlpack inspect "$T/good.wasm"
status_is 0 "inspect a module"
out_like "^import.func.m.func.\(i32\) -> \(\)" "an import with its type"
out_like "^export.func.x.\(i32\) -> \(\)" "an export"
run wlpack inspect "$T/good.wasm" --json
is "$(json "d['imports'][0]['type'], d['aot'], d['sections'][0]['name']")" "(i32) -> () None type" "as JSON"
run wlpack inspect "$top/README.md"
status_is 1 "a file that is no module"
err_like 'README.md is not a WebAssembly module' "is said to be none"
printf '\0asm\1\0\0\0\1\5\1\140\1' >"$T/short.wasm"
run wlpack inspect "$T/short.wasm"
status_is 1 "a module that ends early"
err_like 'short.wasm: .*offset' "tells where"
run wlpack inspect "$T/none.wasm"
status_is 1 "a missing file"

# --- save and load ---
run wlpack save app:1 php:7.4-aot --output "$T/all.tar"
status_is 0 "save as an oci-archive"
is "$(skopeo inspect --format '{{.Digest}}' "oci-archive:$T/all.tar:app:1")" "$one" "skopeo reads it"
run wlpack save app:1 -o "$T/one.tar"
run wlpack save app:1 -o "$T/again.tar"
ok "twice the same bytes" cmp "$T/one.tar" "$T/again.tar"
run wlpack save app:1 -o "$T/docker.tar" --format docker-archive
status_is 0 "save as a docker-archive"
ok "skopeo reads it as one" skopeo copy -q "docker-archive:$T/docker.tar:app:1" "dir:$T/docker-dir"
ok "and as an oci-archive" skopeo copy -q "oci-archive:$T/docker.tar:app:1" "dir:$T/oci-dir"
is "$(tar tf "$T/docker.tar" | grep -v '^blobs')" "index.json
manifest.json
oci-layout" "manifest.json stands beside the layout"
run wlpack save app:1 -o "$T/layout" --format oci
status_is 0 "save as a layout"
is "$(skopeo inspect --format '{{.Digest}}' "oci:$T/layout:app:1")" "$one" "skopeo reads it"
run wlpack save app:1
status_is 2 "save without a place to go"
run wlpack save app:1 -o "$T/x" --format zip
status_is 2 "an unknown format"
err_like 'oci-archive, docker-archive and oci' "the formats are named"
ok "no temporary file is left" sh -c "! ls '$T' | grep -q tmp-"

run env WLPACK_HOME="$T/other" "$WLPACK" load "$T/all.tar"
status_is 0 "load"
is "$(cut -f 1 "$out" | sort | tr '\n' ' ')" "app:1 php:7.4-aot " "gives both images"
is "$(skopeo inspect --format '{{.Digest}}' "oci:$T/other/oci:app:1")" "$one" "with the same digest"
is "$(WLPACK_HOME=$T/other "$WLPACK" inspect php:7.4-aot | sed -n 's/^index *\([^ ]*\) .*/\1/p')" "$index" "the index too"
gzip -k "$T/one.tar"
run wlpack load "$T/one.tar.gz" --name renamed:1
status_is 0 "load of a compressed archive under another name"
out_is "renamed:1	$one" "prints name and digest"
run wlpack load "$T/layout"
status_is 0 "load of a layout"
skopeo copy -q "oci:$oci:app:1" "oci-archive:$T/skopeo.tar:from-skopeo:1"
run wlpack load "$T/skopeo.tar"
out_is "from-skopeo:1	$one" "load of what skopeo wrote"
run wlpack load "$T/all.tar" --name x:1
status_is 2 "--name with two images"
mkdir "$T/nothing"
tar cf "$T/nothing.tar" -C "$T" nothing
run wlpack load "$T/nothing.tar"
status_is 1 "an archive without a layout"
err_like 'no OCI image layout' "is said to be none"
(cd "$T" && mkdir evil && ln -s /etc evil/blobs && tar cf evil.tar -C evil .)
run wlpack load "$T/evil.tar"
status_is 1 "an archive with a link that leads out"
err_like 'refused: ./blobs is a link' "is refused"

# --- the forms of skopeo: oci:, oci-archive:, docker-archive: ---
run wlpack save app:1 -o "oci-archive:$T/form.tar:other:2"
status_is 0 "save to oci-archive:FILE:NAME"
is "$(skopeo inspect --format '{{.Digest}}' "oci-archive:$T/form.tar:other:2")" "$one" "has that name"
run wlpack save app:1 php:7.4-aot -o "oci:$T/form"
status_is 0 "save to oci:DIR"
run wlpack save app:1 php:7.4-aot -o "oci:$T/form2:x:1"
status_is 2 "two images under one name"
run wlpack save app:1 -o "docker-archive:$T/form-docker.tar" --json
is "$(json "d[0]['name'] + d[0]['digest']")" "app:1$one" "docker-archive:FILE, and JSON"
run wlpack save app:1 -o "oci:$T/x" --format oci
status_is 2 "the format said twice"
run wlpack inspect "oci:$T/form"
is "$(wc -l <"$out")" 2 "inspect oci:DIR lists"
run wlpack inspect "oci:$T/form:app:1"
out_like "^manifest +$one" "inspect oci:DIR:NAME shows one image"
run wlpack inspect "oci-archive:$T/form.tar"
out_like '^name +other:2' "inspect oci-archive:FILE"
run wlpack inspect "oci:$T/form:app:7"
status_is 1 "a name that is not in it"
err_like "$T/form: .*no image \"app:7\"" "place and name are told"
run wlpack load "oci-archive:$T/form.tar:none:1"
status_is 1 "nor in an archive"
err_like 'form.tar: there is no image "none:1" in it; it has other:2' "those that are there are named"
run wlpack save app:1 app:1 "$one" -o "docker-archive:$T/twice.tar"
is "$(tar xOf "$T/twice.tar" manifest.json | grep -o RepoTags | wc -l)" 1 "an image that is named twice is saved once"
run wlpack inspect "oci:$T/none"
status_is 1 "a folder that is not there"
run wlpack load "oci:$T/form.tar"
status_is 2 "oci: of a file"
err_like 'oci: takes a folder' "says what to write"
WLPACK_HOME=$T/forms run wlpack load --dry-run "oci:$T/form:app:1"
out_is "app:1	$one" "load --dry-run of one of two"
ok "loads nothing" test ! -e "$T/forms/oci"
WLPACK_HOME=$T/forms run wlpack load --json --digest-file "$T/digests" "oci:$T/form:app:1"
is "$(cat "$T/digests")" "$one" "load --digest-file"
is "$(json "len(d), d[0]['name'], d[0]['digest'] == '$one'")" "1 app:1 True" "load --json of one of two"
# --- pipes and devices ---
run sh -c '"$0" save app:1 -o - | "$0" load --name piped:1 -' "$WLPACK"
out_is "piped:1	$one" "save to standard output, load from standard input"
run sh -c '"$0" save app:1 -o /dev/stdout | gzip | WLPACK_HOME=$1 "$0" load /dev/stdin' "$WLPACK" "$T/piped"
out_is "app:1	$one" "by their names, compressed"
mkfifo "$T/fifo"
wlpack save app:1 -o "$T/fifo" 2>/dev/null &
run wlpack load "$T/fifo" --name fifo:1
out_is "fifo:1	$one" "a named pipe"
run wlpack save app:1 -o - --json
status_is 2 "JSON and an archive on one output"
run wlpack load - </dev/null
status_is 1 "an empty standard input"
ok "is where it was" test -p "$T/fifo"
ln -s /dev/null "$T/null"
run wlpack inspect app:1 --digest-file "$T/null"
status_is 0 "a digest file that is a device"
ok "is not replaced by a file" test -c "$T/null"
run sh -c '"$0" tag app:1 again:1 --digest-file /dev/stdout | cat' "$WLPACK"
out_is "$one" "--digest-file /dev/stdout"
run wlpack load oci:
status_is 2 "a form without a place"
run wlpack rm piped:1 fifo:1 again:1

# --- names as docker users write them ---
wlpack tag app:1 docker.io/library/hub
for ref in hub hub:latest docker.io/hub "hub@$one" "hub:9@$one" "registry.example/x@$one"; do
    run wlpack inspect "$ref"
    out_like "^manifest +$one" "inspect $ref"
done
run wlpack rm "hub:9@$one"
status_is 1 "rm takes no name that was not given"
run wlpack save hub -o "$T/hub.tar"
run wlpack load "$T/hub.tar"
out_is "docker.io/library/hub	$one" "save and load keep the name as it was"
run wlpack rm hub
status_is 0 "rm finds it under its short name"
run wlpack tag app:1 "x@$one"
status_is 2 "a local name with a digest"
err_like 'a local name has no digest' "is none"

# what docker before 25, podman and skopeo write: no layout, plain tars
skopeo copy -q "oci:$oci:app:1" "docker-archive:$T/old.tar:team/old:1"
run wlpack load "docker-archive:$T/old.tar"
status_is 0 "load of a docker-archive without a layout"
out_like '^team/old:1	sha256:' "its name"
is "$(skopeo inspect --config --raw "oci:$oci:team/old:1" | sha256sum)" "$(skopeo inspect --config --raw "docker-archive:$T/old.tar" | sha256sum)" \
    "the configuration is the archive's, byte for byte"
ok "skopeo copies it" skopeo copy -q "oci:$oci:team/old:1" "oci:$T/old:x"
mkdir "$T/old-dir"
tar xf "$T/old.tar" -C "$T/old-dir"
broken() {
    tar cf "$T/broken.tar" -C "$T/old-dir" .
    run wlpack load "$T/broken.tar"
    status_is 1 "$2"
    err_like "$1" "$2: told"
}
layer=$(python3 -c "import json; print(json.load(open('$T/old-dir/manifest.json'))[0]['Layers'][0])")
cp "$T/old-dir/$layer" "$T/layer"
printf 'X' | dd of="$T/old-dir/$layer" bs=1 seek=3000 conv=notrunc 2>/dev/null
broken 'is not the layer that the configuration names' "a docker-archive whose layer is another"
cp "$T/layer" "$T/old-dir/$layer"
cp "$T/old-dir/manifest.json" "$T/manifest.json"
sed 's|"Layers":\["|&../../|' "$T/manifest.json" >"$T/old-dir/manifest.json"
broken 'is no name inside of the archive' "a docker-archive that names a file outside"
printf '[{"Config":"/etc/passwd","RepoTags":null,"Layers":[]}]' >"$T/old-dir/manifest.json"
broken 'is no name inside of the archive' "a docker-archive that names an absolute path"
printf '[]' >"$T/old-dir/manifest.json"
broken 'must be a list of 1 to' "a docker-archive without an image"
run wlpack rm --dry-run --json team/old:1
is "$(json "d[0]['name']")" team/old:1 "rm --dry-run --json tells"
run wlpack rm team/old:1
status_is 0 "and left it there"
run wlpack tag --json app:1 several:1 several:2
is "$(wc -l <"$out")" 2 "tag: two names at once"
ok "are there" test "$(wlpack images | grep -c '^several:')" = 2
run wlpack tag app:1 several:3 Several:4
status_is 2 "one that is no name"
ok "gives none of them" test "$(wlpack images | grep -c '^several:')" = 2
run wlpack rm several:1 several:2
status_is 0 "both are taken away"
run wlpack tag --json app:1 again:1
is "$(json "d['name'] + d['digest']")" "again:1$one" "tag --json"
run wlpack rm --json again:1
is "$(json "d[0]['digest']")" "$one" "rm --json"

# --- gc ---
run wlpack rm php:7.4-aot renamed:1 from-skopeo:1
before=$(find "$oci/blobs/sha256" -type f | wc -l)
run wlpack gc --dry-run --json
status_is 0 "gc --dry-run"
is "$(json "d['blobs']['removed'] > 0")" True "as JSON"
is "$(find "$oci/blobs/sha256" -type f | wc -l)" "$before" "removes nothing"
# somebody who looks waits for nobody; somebody who removes waits, says so, and can be sent away
(flock -s 9 && echo held >"$T/held" && exec sleep 3600) 9>"$WLPACK_HOME/store.lock" &
holder=$!
at_end "kill $holder 2>/dev/null"
wait_until test -s "$T/held"
run timeout 300 "$WLPACK" gc --dry-run
status_is 0 "gc --dry-run beside a build"
"$WLPACK" gc >"$out" 2>"$err" &
gc=$!
ok "gc beside a build waits and says so" wait_until grep -q 'another wlpack uses the store, waiting for it' "$err"
kill -INT $gc
wait $gc
is $? 130 "Ctrl-C ends it"
is "$(find "$oci/blobs/sha256" -type f | wc -l)" "$before" "and has removed nothing when it is interrupted"
kill "$holder"
run wlpack gc
status_is 0 "gc"
is "$(find "$oci/blobs/sha256" -type f | wc -l)" 3 "leaves the blobs of what has a name"
run wlpack inspect app:1
status_is 0 "which is whole"

# --- damage ---
layer=$(skopeo inspect --format '{{index .Layers 0}}' "oci:$oci:app:1")
blob=$oci/blobs/sha256/${layer#sha256:}
cp "$blob" "$T/blob"
printf 'X' | dd of="$blob" bs=1 seek=5000 conv=notrunc 2>/dev/null
run wlpack inspect app:1
status_is 1 "a flipped byte in a layer"
err_like "blob $layer is damaged.*remove $blob" "names blob, file and the way out"
run wlpack save app:1 -o "$T/bad.tar"
status_is 1 "is not saved"
ok "and leaves no file" test ! -e "$T/bad.tar"
truncate -s 100 "$blob"
run wlpack save app:1 -o "$T/bad.tar"
err_like '100 bytes instead of' "a cut layer: both sizes"
rm "$blob"
run wlpack save app:1 -o "$T/bad.tar"
err_like "blob $layer is not in" "a missing layer"
cp "$T/blob" "$blob"
echo '{"schemaVersion":2,' >"$oci/index.json"
run wlpack images
status_is 1 "a damaged index.json"
err_like 'index.json:[0-9]+:[0-9]+: ' "its place is told"

# --- no room, no permission ---
mkdir -p "$T/small"
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=128k tmpfs "$T/small" 2>/dev/null; then
    at_end "umount '$T/small'"
    WLPACK_HOME=$T/small/home
    run wlpack load "$T/one.tar"
    status_is 1 "a full disk"
    err_like 'No space left on device' "is named"
    is "$(find "$T/small" -type f -size +8k 2>/dev/null | wc -l)" 0 "nothing half written stays"
fi
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null 2>&1; then
    mkdir -p "$T/locked/oci"
    chmod 755 "$T" "$T/locked" "$T/locked/oci"
    # the program may stand where only root can read: nobody gets a copy
    cp "$WLPACK" "$T/wlpack-copy"
    chmod 755 "$T/wlpack-copy"
    run setpriv --reuid 65534 --regid 65534 --clear-groups env WLPACK_HOME="$T/locked" "$T/wlpack-copy" load "$T/one.tar"
    status_is 1 "a store without write permission"
    err_like 'Permission denied' "is named"
    err_like "$T/locked" "with its place"
fi

done_testing
