#!/bin/sh
# wlpack run REF: a local image is run as a container would run it.
. "${0%/*}/../lib/tap.sh"
. "${0%/*}/../lib/guest.sh"

cd "$T" || exit 1
wlpack kit which wasmedge >/dev/null 2>&1 || command -v node >/dev/null || skip_all "no runtime"
guest_build guest.wasm || skip_all "the guest cannot be compiled"
oci=$WLPACK_HOME/oci
mkdir -p "$oci/blobs/sha256"
printf '{"imageLayoutVersion":"1.0.0"}' >"$oci/oci-layout"

# blob FILE: into the layout; prints "DIGEST SIZE"
blob() {
    sum=$(sha256sum "$1" | cut -d ' ' -f 1)
    cp "$1" "$oci/blobs/sha256/$sum"
    printf 'sha256:%s %s\n' "$sum" "$(wc -c <"$1")"
}

# descriptor TYPE DIGEST SIZE [MORE]
descriptor() {
    printf '{"mediaType":"application/vnd.oci.image.%s","digest":"%s","size":%s%s}' "$1" "$2" "$3" "${4:-}"
}

# layer DIR: prints the descriptor, and adds the diff id to $diff_ids
layer() {
    tar -C "$1" --owner=0 --group=0 --mtime=@0 -cf layer.tar .
    diff_ids="$diff_ids${diff_ids:+,}\"sha256:$(sha256sum layer.tar | cut -d ' ' -f 1)\""
    gzip -nf layer.tar
    # shellcheck disable=SC2046 # two words
    descriptor layer.v1.tar+gzip $(blob layer.tar.gz) >layer.json
    layers="$layers${layers:+,}$(cat layer.json)"
}

# manifest ARCHITECTURE CONFIG: from $layers and $diff_ids; leaves its descriptor's words in $manifest
manifest() {
    printf '{"architecture":"%s","os":"wasi","config":{%s},"rootfs":{"type":"layers","diff_ids":[%s]}}' "$1" "$2" \
        "$diff_ids" >config.json
    # shellcheck disable=SC2046
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s]}' \
        "$(descriptor config.v1+json $(blob config.json))" "$layers" >manifest.json
    manifest=$(blob manifest.json)
}

# --- an image of two layers, the second of which hides, replaces and removes ---
mkdir -p one/data one/old one/gone two/data two/old
cp guest.wasm one/guest.wasm
cp guest.wasm one/second.wasm
printf 'one\n' >one/data/kept
printf 'one\n' >one/data/replaced
printf 'one\n' >one/gone/x
printf 'one\n' >one/old/x
printf 'two\n' >two/data/replaced
: >two/.wh.gone
: >two/old/.wh..wh..opq
printf 'two\n' >two/old/y
mkdir two/new
: >two/new/.wh.nothing
printf 'two\n' >two/new/z
diff_ids='' layers=''
layer one
layer two
manifest wasm '"Entrypoint":["/guest.wasm","args","first"],"Cmd":["second"],"Env":["A=1","B=2"]'
plain=$manifest
manifest wasm '"Cmd":["second"]'
bare=$manifest
manifest amd64 '"Entrypoint":["/guest"]'
foreign=$manifest
manifest wasm32 '"Entrypoint":["/guest.wasm","args","wasm32"]'
wasm32=$manifest
manifest amd64 '"Entrypoint":["/guest.wasm","args","linux"]'
linux=$manifest
printf '{"architecture":"wasm","os":"wasip1","layerDigests":["sha256:%s"]}' "$(sha256sum guest.wasm | cut -d ' ' -f 1)" >config.json
# shellcheck disable=SC2046,SC2183 # two words each
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.wasm.config.v0+json","digest":"%s","size":%s},"layers":[{"mediaType":"application/wasm","digest":"%s","size":%s}]}' \
    $(blob config.json) $(blob guest.wasm) >manifest.json
artifact=$(blob manifest.json)

# --- whiteouts that are none ---
mkdir -p hostile/a
cp guest.wasm hostile/guest.wasm
for name in .wh. .wh.. .wh... a/.wh...; do
    rm -rf bad && cp -R hostile bad && : >"bad/$name"
    diff_ids='' layers=''
    layer bad
    manifest wasm '"Entrypoint":["/guest.wasm"]'
    hostile="${hostile-}${hostile+|}$manifest"
done

# --- an index: the portable one and one for this machine, told apart by their output ---
case $(uname -m) in x86_64) variant=amd64 ;; aarch64) variant=arm64 ;; *) variant=$(uname -m) ;; esac
diff_ids='' layers=''
layer one
manifest wasm '"Entrypoint":["/guest.wasm","args","portable"]'
portable=$manifest
manifest wasm '"Entrypoint":["/guest.wasm","args","native"]'
native=$manifest
# shellcheck disable=SC2086 # two words each
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s,%s,%s]}' \
    "$(descriptor manifest.v1+json $portable ',"platform":{"os":"wasi","architecture":"wasm"}')" \
    "$(descriptor manifest.v1+json $foreign ',"platform":{"os":"wasi","architecture":"wasm","variant":"sparc"}')" \
    "$(descriptor manifest.v1+json $native ',"platform":{"os":"wasi","architecture":"wasm","variant":"'"$variant"'"}')" \
    >index.json
index=$(blob index.json)

named() { printf ',"annotations":{"org.opencontainers.image.ref.name":"%s"}' "$1"; }
# shellcheck disable=SC2086
printf '{"schemaVersion":2,"manifests":[%s,%s,%s,%s,%s,%s,%s%s]}' \
    "$(descriptor manifest.v1+json $wasm32 "$(named wasm32:1)")" \
    "$(descriptor manifest.v1+json $linux "$(named linux:1)")" \
    "$(descriptor manifest.v1+json $artifact "$(named artifact:1)")" \
    "$(descriptor manifest.v1+json $plain "$(named guest:1)")" \
    "$(descriptor manifest.v1+json $bare "$(named bare:1)")" \
    "$(descriptor manifest.v1+json $foreign "$(named native:1)")" \
    "$(descriptor index.v1+json $index "$(named both:1)")" "$(printf '%s\n' "$hostile" | tr '|' '\n' | while read -r d; do
        n=$((${n:-0} + 1))
        printf ,
        descriptor manifest.v1+json $d "$(named hostile:$n)"
    done)" >"$oci/index.json"

run wlpack run guest:1
status_is 0 "an image runs"
out_is "guest.wasm
args
first
second" "with its entrypoint and command"
run wlpack run guest:1 -- other
out_is "guest.wasm
args
first
other" "arguments replace the command"
run wlpack run guest:1 --entrypoint /second.wasm -- env
is "$(sort "$out")" "A=1
B=2" "--entrypoint, and the image's environment"
run wlpack run guest:1 --entrypoint second.wasm -e B=3 -- env
is "$(sort "$out")" "A=1
B=3" "-e wins over it"
run wlpack run guest:1 --entrypoint /guest.wasm -- ls /
is "$(sort "$out" | tr '\n' ' ')" "data guest.wasm new old second.wasm " "its files are the guest's /, without what a layer removed"
run wlpack run guest:1 --entrypoint /guest.wasm -- cat /data/kept
out_is one "a file of the first layer"
run wlpack run guest:1 --entrypoint /guest.wasm -- cat /data/replaced
out_is two "one that the second replaced"
run wlpack run guest:1 --entrypoint /guest.wasm -- ls /old
out_is y "a folder that the second emptied"
run wlpack run guest:1 --entrypoint /guest.wasm -- ls /new
out_is z "one that only the second has, without its whiteouts"
mkdir site
printf 'mine\n' >site/file
run wlpack run guest:1 --entrypoint /guest.wasm -v site:/site -- cat /site/file
out_is mine "-v adds a folder"
run wlpack run guest:1 --entrypoint /guest.wasm -- exit 9
status_is 9 "the guest's exit code"

run wlpack run both:1 --interpret
out_like '^portable$' "an index: the portable image"
if wlpack kit which wasmedge >/dev/null 2>&1; then
    run wlpack run both:1
    out_like '^native$' "or the one for this machine"
fi
run wlpack run bare:1
status_is 1 "an image without entrypoint"
err_like '\-\-entrypoint' "says the way out"
run wlpack run guest:1 --entrypoint /nosuch.wasm
status_is 1 "an entrypoint that is not there"
err_like 'guest:1 holds no file /nosuch.wasm' "is named"
run wlpack run guest:1 --entrypoint ../../etc/passwd
status_is 1 "one that leads out is refused"
run wlpack run native:1
status_is 1 "an image for a processor"
err_like 'not for WebAssembly' "is not ours to run"
run wlpack run wasm32:1
out_like '^wasm32$' "wasi/wasm32 is"
run wlpack run linux:1
out_like '^linux$' "and a module under the name of a linux host"
run wlpack run artifact:1 -- args x
out_is "module.wasm
args
x" "a Wasm OCI artifact runs: one module without a name"
for n in 1 2 3 4; do
    run wlpack run hostile:$n
    status_is 1 "a whiteout that names no file, $n"
    err_like 'refused: \.wh\.' "is refused before it removes anything"
done
run wlpack run guest:2
status_is 1 "a tag that is not there"
err_like 'guest:2' "is named"

# --- unpacked once, kept, and never the guest's own ---
roots() { find "$WLPACK_HOME/roots" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l; }
run wlpack gc --json
out_like '"roots"' "gc drops unpacked images"
is "$(roots)" 0 "all of them"
for n in 1 2 3 4 5 6; do
    (wlpack run guest:1 --entrypoint /guest.wasm -- cat /data/replaced >"par$n" 2>&1; echo $? >>"par$n") &
done
wait
is "$(sort -u par? | tr '\n' ' ')" "0 two " "six at once, nothing unpacked: all run"
is "$(roots)" 1 "one tree is kept"
kept=$(find "$WLPACK_HOME/roots" -mindepth 1 -maxdepth 1)
(cd "$kept" && find . -type f -exec sha256sum {} + | sort) >before
run wlpack run guest:1 --entrypoint /guest.wasm -- put /data/replaced mine
status_is 0 "a guest writes into its image"
run wlpack run guest:1 --entrypoint /guest.wasm -- cat /data/replaced
out_is two "the next one does not see it"
(cd "$kept" && find . -type f -exec sha256sum {} + | sort) >after
ok "what is kept is as it was" cmp -s before after
mkfifo slow
wlpack run guest:1 --entrypoint /guest.wasm -- cat <slow >slow-out 2>&1 &
pid=$!
exec 9>slow
tries=0
until [ -n "$(find "$WLPACK_HOME/tmp" -name replaced 2>/dev/null)" ] || [ $((tries += 1)) = 200 ]; do sleep 0.05; done
run wlpack gc --json
out_unlike '"roots"' "gc keeps what a guest runs from"
is "$(roots)" 1 "and it is there"
echo to its end >&9
exec 9>&-
wait $pid
is "$? $(cat slow-out)" "0 to its end" "it runs on"
run wlpack gc
is "$(roots)" 0 "then gc drops it"
run wlpack run guest:1 --entrypoint /guest.wasm -- cat /data/replaced

# a damaged layer never runs; what was unpacked before it was damaged is right
layer_digest=$(sed 's/.*"digest":"sha256:\([0-9a-f]*\)".*/\1/' layer.json)
printf 'x' | dd of="$oci/blobs/sha256/$layer_digest" bs=1 seek=100 conv=notrunc 2>/dev/null
run wlpack run guest:1 --entrypoint /guest.wasm -- cat /data/replaced
out_is two "a layer is damaged, what is kept is not"
wlpack gc >/dev/null 2>&1
run wlpack run guest:1
status_is 1 "a damaged layer"
out_is "" "does not run"
is "$(roots)" 0 "and is not kept"
ok "and no unpacked files are left behind" test -z "$(ls "$WLPACK_HOME/tmp" 2>/dev/null)"
done_testing
