#!/bin/sh
# Images that are wrong, cut short or interrupted: each is refused with its place, nothing half done stays, and trying again works.
. "${0%/*}/../lib/tap.sh"
for tool in python3 docker-registry skopeo; do
    command -v "$tool" >/dev/null 2>&1 || skip_all "$tool is not installed"
done
DOCKER_CONFIG=$T/user
export DOCKER_CONFIG
unset REGISTRY_AUTH_FILE XDG_RUNTIME_DIR SOURCE_DATE_EPOCH
cd "$T" || exit 1
image() {
    python3 "$top/tests/lib/oci-image.py" "$@"
}
good=$(image good app:1 300000 --seed 1)
image good index:1 3000 --seed 2 --index 2 >/dev/null

# sound HOME: every blob is what its name says, nothing lies about in .tmp, index.json can be read
sound() {
    [ -d "$1/oci" ] || return 0
    for f in "$1"/oci/blobs/sha256/*; do
        [ ! -e "$f" ] || [ "$(sha256sum <"$f" | cut -d ' ' -f 1)" = "${f##*/}" ] || { echo "# damaged: $f"; return 1; }
    done
    [ -z "$(ls -A "$1/oci/.tmp" 2>/dev/null)" ] || { echo "# left over: $(ls -A "$1/oci/.tmp")"; return 1; }
    [ ! -e "$1/oci/index.json" ] || python3 -c "import json; json.load(open('$1/oci/index.json'))"
}

# --- layouts that lie ---
# lie NAME PYTHON PATTERN [STATUS]: a copy of the layout, changed by the Python text; load must refuse it
lie() {
    rm -rf bad "$T/h"
    cp -R good bad
    cat >lie.py <<PY
import hashlib, json, os
index = json.load(open("bad/index.json"))
path = lambda d: "bad/blobs/sha256/" + d["digest"][7:]
def put(data):
    h = hashlib.sha256(data).hexdigest()
    open("bad/blobs/sha256/" + h, "wb").write(data)
    return {"digest": "sha256:" + h, "size": len(data)}
entry = [m for m in index["manifests"] if m["annotations"]["org.opencontainers.image.ref.name"] == "app:1"][0]
index["manifests"] = [entry]
manifest = json.load(open(path(entry)))
def again():
    "the manifest as it is now, under its own digest"
    entry.update(put(json.dumps(manifest).encode()))
raw = None
$2
json.dump(index, open("bad/index.json", "w"))
if raw is not None:
    entry.update(put(raw))
    json.dump(index, open("bad/index.json", "w"))
PY
    python3 lie.py || { fail "$1"; return; }
    run env WLPACK_HOME="$T/h" "$WLPACK" load bad
    status_is "${4:-1}" "$1"
    err_like "$3" "$1: told"
    ok "$1: nothing stays" sh -c "! grep -qF app:1 '$T/h/oci/index.json' 2>/dev/null"
}
lie "a manifest larger than its descriptor says" 'entry["size"] -= 1' '[0-9]+ bytes instead of [0-9]+'
lie "a manifest smaller than its descriptor says" 'entry["size"] += 1' '[0-9]+ bytes instead of [0-9]+'
lie "a layer of another size" 'manifest["layers"][0]["size"] += 1; again()' 'bytes instead of'
lie "a missing layer" 'os.remove(path(manifest["layers"][0]))' 'the blob sha256:[0-9a-f]{64} is not in'
lie "a missing configuration" 'os.remove(path(manifest["config"]))' 'the blob sha256:[0-9a-f]{64} is not in'
lie "a missing manifest" 'os.remove(path(entry))' 'the blob sha256:[0-9a-f]{64} is not in'
lie "a flipped byte in a layer" 'f = open(path(manifest["layers"][0]), "r+b"); f.seek(1000); c = f.read(1); f.seek(1000); f.write(bytes([c[0] ^ 1])); f.close()' 'is damaged'
lie "a flipped byte in the manifest" 'd = bytearray(open(path(entry), "rb").read()); d[30] ^= 1; open(path(entry), "wb").write(d)' 'is damaged'
lie "a layer that is a link to elsewhere" 'p = path(manifest["layers"][0]); os.rename(p, "elsewhere"); os.symlink(os.path.abspath("elsewhere"), p)' '(Too many|symbolic|not a regular|cannot open)'
lie "a negative size" 'manifest["layers"][0]["size"] = -1; again()' 'size'
lie "a size beyond all measure" 'manifest["layers"][0]["size"] = 2**62; again()' 'size|bytes instead of'
lie "a size that is no whole number" 'manifest["layers"][0]["size"] = 1.5; again()' 'size'
lie "a digest that is a path" 'manifest["layers"][0]["digest"] = "sha256:../../../etc/passwd"; again()' 'digest'
lie "a digest in upper case" 'manifest["layers"][0]["digest"] = manifest["layers"][0]["digest"].upper().replace("SHA", "sha"); again()' 'digest'
lie "another digest algorithm" 'manifest["layers"][0]["digest"] = "sha512:" + 128 * "0"; again()' 'digest'
lie "layers and manifests in one document" 'manifest["manifests"] = []; again()' 'of a manifest and of an index'
lie "a key twice" 'raw = open(path(entry), "rb").read().replace(b"{", b"{\"schemaVersion\":2,", 1)' 'duplicate'
lie "a manifest that is called an index" 'entry["mediaType"] = "application/vnd.oci.image.index.v1+json"' 'mediaType|manifests|layers'
lie "a manifest of more than 4 MiB" 'manifest["annotations"] = {"a": "x" * (5 << 20)}; again()' 'larger|longer|bytes'
lie "an index in an index in an index, for ever" 'raw = None
e = dict(entry)
for i in range(10):
    e = {"mediaType": "application/vnd.oci.image.index.v1+json", **put(json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [e]}).encode())}
entry.update(e)' 'nested too deeply'
lie "deep JSON" 'raw = open(path(entry), "rb").read()[:-1] + b",\"x\":" + b"[" * 100000 + b"]" * 100000 + b"}"' 'deep|nest|unexpected'
lie "another layout version" 'json.dump({"imageLayoutVersion": "9.0"}, open("bad/oci-layout", "w"))' 'version'
lie "no name" 'del entry["annotations"]' 'has no name that can be used here' 2
lie "a name that is none" 'entry["annotations"]["org.opencontainers.image.ref.name"] = "../../x"' 'has no name that can be used here' 2

# unknown kinds are no errors: they are carried along
rm -rf bad h
cp -R good bad
python3 - <<'PY'
import hashlib, json
def put(data):
    h = hashlib.sha256(data).hexdigest()
    open("bad/blobs/sha256/" + h, "wb").write(data)
    return {"digest": "sha256:" + h, "size": len(data)}
config, layer = put(b"{}"), put(b"anything")
m = put(json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": "application/x-thing",
    "config": {"mediaType": "application/vnd.oci.empty.v1+json", **config}, "layers": [{"mediaType": "application/x-layer", **layer}], "new": [1, {}]}).encode())
json.dump({"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", **m,
    "annotations": {"org.opencontainers.image.ref.name": "thing:1"}}]}, open("bad/index.json", "w"))
PY
run env WLPACK_HOME="$T/h" "$WLPACK" load bad
status_is 0 "an artifact of an unknown type is loaded"
run env WLPACK_HOME="$T/h" "$WLPACK" inspect thing:1
status_is 0 "and shown"
out_like 'application/x-layer' "with its type"
printf '{"base": "thing:1", "entrypoint": ["/x"]}' >app.json
run env WLPACK_HOME="$T/h" "$WLPACK" image -t x:1 app.json
status_is 1 "as a base it is refused"
err_like 'holds no image' "and it is said why"

# --- archives that are cut short ---
WLPACK_HOME=$T/store
export WLPACK_HOME
wlpack load good >/dev/null
wlpack save app:1 -o whole.tar
skopeo copy -q oci:good:app:1 docker-archive:docker.tar:app:1
for file in whole.tar docker.tar; do
    size=$(stat -c %s $file)
    bad=0
    for cut in 0 1 511 512 1000 $((size / 4)) $((size / 2)) $((size - 11000)) ; do
        head -c "$cut" $file >cut.tar
        rm -rf h
        WLPACK_HOME=$T/h run wlpack load cut.tar
        [ "$status" = 1 ] && sound "$T/h" && ! grep -qF app:1 h/oci/index.json 2>/dev/null && [ -z "$(ls -A h/tmp 2>/dev/null)" ] || { bad=$((bad + 1)); echo "# cut at $cut: $status"; }
    done
    is $bad 0 "$file, cut at eight places: refused, and nothing stays"
done
head -c 100000 /dev/urandom >cut.tar
run wlpack load cut.tar
status_is 1 "noise is no archive"

# --- interrupted at any moment ---
reg=$("$top/scripts/registry" start --dir "$T/registry") || skip_all "no registry: $reg"
eval "$reg"
at_end "'$top/scripts/registry' stop '$T/registry'"
wlpack push "$REGISTRY/app:1" >/dev/null 2>&1
WLPACK_HOME=$T/h run wlpack pull --digest-file "$T/digest" --as app:1 "$REGISTRY/app:1"
is "$(cat "$T/digest")" "$good" "pull --digest-file"
WLPACK_HOME=$T/store
mkdir site
head -c 3000000 /dev/urandom >site/big
printf '{"base": "app:1", "files": [{"from": "site", "to": "/site"}], "entrypoint": ["/app.wasm"]}' >app.json
# cut_off NAME SIGNAL CMD...: the command from an empty store, ended by a signal earlier and later; then to its end
cut_off() {
    name=$1
    signal=$2
    shift 2
    bad=0
    for ms in 03 07 12 20 35 70; do
        rm -rf h
        [ "$name" != image ] || cp -R store h
        WLPACK_HOME=$T/h ended_by "$signal" "0.0$ms" "$WLPACK" "$@"
        if [ "$signal" = KILL ]; then # what a killed one leaves is in .tmp only, and gc takes it
            rm -f h/oci/.tmp/*
        fi
        sound "$T/h" || { bad=$((bad + 1)); echo "# $name after 0.0$ms s"; }
        WLPACK_HOME=$T/h run wlpack "$@"
        [ "$status" = 0 ] && sound "$T/h" || { bad=$((bad + 1)); echo "# $name again after 0.0$ms s: $status $(cat "$err")"; }
    done
    is $bad 0 "$name, ended by SIG$signal at six moments: sound each time, and it works again"
}
for signal in INT KILL; do
    cut_off load $signal load whole.tar
    cut_off pull $signal pull --as app:1 "$REGISTRY/app:1"
    cut_off image $signal image -t site:1 app.json
done
bad=0
for ms in 1 2 3 5 8 12; do
    rm -f out.tar*
    ended_by INT "0.00$ms" "$WLPACK" save app:1 -o out.tar
    if [ -e out.tar ]; then cmp -s out.tar whole.tar || bad=$((bad + 1)); fi
    left=$(find . -maxdepth 1 -name 'out.tar?*')
    [ -z "$left" ] || { bad=$((bad + 1)); echo "# left: $left"; }
done
is $bad 0 "save, ended by SIGINT: the whole file or none"
# a file without a name is gone with its process; not every file system has them
if python3 -c 'import os; os.open(".", os.O_TMPFILE | os.O_RDWR)' 2>/dev/null; then
    bad=0
    for ms in 1 2 3 5 8 12; do
        rm -f out.tar*
        timeout -s KILL "0.00$ms" "$WLPACK" save app:1 -o out.tar >/dev/null 2>&1
        if [ -e out.tar ]; then cmp -s out.tar whole.tar || bad=$((bad + 1)); fi
        left=$(find . -maxdepth 1 -name 'out.tar?*')
        [ -z "$left" ] || { bad=$((bad + 1)); echo "# left: $left"; }
    done
    is $bad 0 "save, ended by SIGKILL: the whole file or none, and nothing beside it"
else
    pass "# SKIP no O_TMPFILE here: what SIGKILL leaves of a save is not tested"
fi

# one that waits for its input: Ctrl-C ends it, and under nohup a closed terminal does not
mkfifo slow
# twice: two signals at once, as make's and timeout's to a process and its group; the second is not the one that ends everything. (Two of one
# kind might arrive as one; while the process is stopped both wait for it.)
twice() {
    stopped() {
        grep -q '^State:[[:space:]]*T' "/proc/$1/status"
    }
    kill -STOP "$1"
    wait_until stopped "$1"
    kill -INT "$1"
    kill -TERM "$1"
    kill -CONT "$1"
}
over() {
    ! grep -qs '^State:[[:space:]]*[^Z]' "/proc/$pid/status"
}
for signal in INT twice HUP; do
    (trap '' HUP && WLPACK_HOME=$T/h exec "$WLPACK" load --name slow:1 slow >slow-out 2>&1) &
    pid=$!
    exec 9>slow
    head -c 1000 whole.tar >&9
    sleep 0.5
    if [ $signal = twice ]; then twice $pid; else kill -$signal $pid; fi
    case $signal in
    HUP) tail -c +1001 whole.tar >&9 ;;
    *) wait_until over ;; # before its input ends, which would be another reason
    esac
    exec 9>&-
    wait $pid
    code=$?
    case $signal in
    INT) is $code 130 "load of a pipe: Ctrl-C ends it" ;;
    twice)
        ok "a doubled signal ends it, too" test $code -eq 130 -o $code -eq 143
        ok "as one does: it says so" grep -q interrupted slow-out
        ;;
    HUP) is "$code $(cat slow-out)" "0 slow:1	$good" "and under nohup it goes on to its end" ;;
    esac
    ok "nothing is left" test -z "$(ls -A h/tmp 2>/dev/null)"
done

# between the images of one archive, too
cp -R good many
python3 - <<'PY'
import json
index = json.load(open("many/index.json"))
name = "org.opencontainers.image.ref.name"
entry = [m for m in index["manifests"] if m["annotations"][name] == "app:1"][0]
index["manifests"] = [{**entry, "annotations": {name: "many:%d" % i}} for i in range(4000)]
json.dump(index, open("many/index.json", "w"))
PY
rm -rf h
for turn in 1 2 3 4 5 6 7 8; do # it may be done before it hears us
    rm -rf h told
    (WLPACK_HOME=$T/h exec "$WLPACK" load many >told 2>"$err") &
    pid=$!
    while [ ! -s told ] && kill -0 $pid 2>/dev/null; do sleep 0.02; done
    kill -INT $pid 2>/dev/null
    code=0
    wait $pid || code=$?
    [ $code = 0 ] || break
done
is $code 130 "load of 4,000 images, interrupted (turn $turn)"
err_like 'interrupted; [0-9]+ of 4000 images were loaded' "ends at the next one"
ok "not all were loaded" test "$(wc -l <told)" -lt 4000
WLPACK_HOME=$T/h wlpack images >there
is "$(cut -d ' ' -f 1 there)" "$(cut -f 1 told | sort)" "those that were announced are there, and no others"
ok "the store is sound" sound "$T/h"

# many names at once: index.json is written once, not for each
python3 - <<'PY'
import json
index = json.load(open("many/index.json"))
index["manifests"] = index["manifests"][:2000]
json.dump(index, open("many/index.json", "w"))
PY
rm -rf h
WLPACK_HOME=$T/h run wlpack load many
status_is 0 "load of 2,000 names"
is "$(wc -l <"$out")" 2000 "all are told"
many=$(seq -f many:%.0f 0 1999)
# shellcheck disable=SC2086 # one word each
WLPACK_HOME=$T/h run wlpack save -o many.tar $many
status_is 0 "save of 2,000 names"
# shellcheck disable=SC2086
WLPACK_HOME=$T/h run wlpack rm $many nobody:1 many:5
status_is 1 "rm of 2,000 names and one that is not there"
err_like 'nobody:1' "says which"
is "$(WLPACK_HOME=$T/h wlpack images | wc -l)" 0 "those before it are gone"
WLPACK_HOME=$T/h run wlpack load many.tar
is "$(WLPACK_HOME=$T/h wlpack images | wc -l)" 2000 "what was saved is loaded"
# shellcheck disable=SC2046
WLPACK_HOME=$T/h run wlpack tag many:1 $(seq -f more:%.0f 0 2096)
status_is 1 "tag: more names than an index holds"
err_like '4097 entries; at most 4096' "is refused"
is "$(WLPACK_HOME=$T/h wlpack images | wc -l)" 2000 "and the store can be read"

# a push or a copy that dies leaves no tag or the whole image, and is repeated
# whole REF: the registry has the image, or (4) no such tag
whole() {
    rm -rf look
    WLPACK_HOME=$T/look run wlpack pull -q "$1"
    case $status in
    0) sound "$T/look" && [ "$(sed 's/.*@//' "$out")" = "$good" ] ;;
    4) grep -qE 'has no|not found|404|unknown' "$err" ;;
    *) return 1 ;;
    esac
}
for verb in push copy; do
    for signal in INT KILL; do
        bad=0
        for ms in 05 10 20 35 60 99; do
            to=$REGISTRY/cut-$verb-$(printf '%s' $signal | tr 'A-Z' 'a-z')-$ms/app:1
            if [ $verb = push ]; then set -- push "$to"; else set -- copy "$REGISTRY/app:1" "$to"; fi
            ended_by $signal "0.0$ms" "$WLPACK" "$@"
            whole "$to" || { bad=$((bad + 1)); echo "# $verb after 0.0$ms s: $(cat "$err")"; }
            run wlpack "$@"
            [ "$status" = 0 ] || { bad=$((bad + 1)); echo "# $verb again after 0.0$ms s: $status $(cat "$err")"; }
            whole "$to" && [ "$status" = 0 ] || { bad=$((bad + 1)); echo "# $verb is not whole: $(cat "$err")"; }
        done
        is $bad 0 "$verb, ended by SIG$signal at six moments: no tag or the whole image, and it works again"
    done
done

# --- a disk that fills up ---
mkdir small
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=1200k tmpfs small 2>/dev/null; then
    at_end "umount '$T/small'"
    # on_full NAME CMD...: fails for want of room, leaves nothing half written, and works when there is room
    on_full() {
        name=$1
        shift
        rm -rf small/*
        mount -o remount,size=1200k small
        mkdir small/home
        case $name in image | save) cp -R store/. small/home ;; esac
        head -c "${fill:-1000000}" /dev/zero >small/ballast 2>/dev/null
        WLPACK_HOME=$T/small/home run wlpack "$@"
        status_is 1 "$name on a full disk"
        err_like 'No space left on device' "$name: why"
        ok "$name: nothing half written stays" sound "$T/small/home"
        rm small/ballast
        mount -o remount,size=20m small
        WLPACK_HOME=$T/small/home run wlpack "$@"
        status_is 0 "$name: with room again it works"
    }
    on_full load load whole.tar
    on_full pull pull --as app:1 "$REGISTRY/app:1"
    fill=500000 on_full image image -t site:1 app.json
    on_full save save app:1 -o "oci:$T/small/out"
    rm -rf small/out
    head -c 30000000 /dev/zero >small/ballast 2>/dev/null
    WLPACK_HOME=$T/store run wlpack save app:1 -o "oci:$T/small/out"
    status_is 1 "save of a layout on a full disk"
    ok "leaves no half of one" test ! -e small/out
    on_full save save app:1 -o "$T/small/out.tar" 2>/dev/null ||
        fail "save on a full disk"
else
    pass "# SKIP no tmpfs can be mounted here: a full disk is not tested"
fi

# --- two at one name ---
image store two:1 200000 --seed 9 >/dev/null 2>&1
rm -rf h
bad=0
for round in 1 2 3 4 5; do
    (WLPACK_HOME=$T/h wlpack load whole.tar >/dev/null 2>&1 || echo bad >>racing) &
    (WLPACK_HOME=$T/h wlpack image -t app:1 artifact.json >/dev/null 2>&1) &
    (WLPACK_HOME=$T/h wlpack load good >/dev/null 2>&1 || echo bad >>racing) &
    wait
    sound "$T/h" || bad=$((bad + round))
done
ok "loads at the same time: all succeed" test ! -e racing
is $bad 0 "and the store is sound"
is "$(WLPACK_HOME=$T/h wlpack inspect app:1 | sed -n 's/^manifest *\([^ ]*\) .*/\1/p')" "$good" "with the right image"

done_testing
