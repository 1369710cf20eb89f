#!/bin/sh
# A push of 1,000 blobs to a registry that fails one request in twenty (429, 502, resets, tokens taken back): nothing is lost, and
# what was sent twice is counted. Two pushers on one tag.
. "${0%/*}/../lib/tap.sh"

command -v python3 >/dev/null 2>&1 || skip_all "python3 is not installed"
HOME=$T/user
mkdir -p "$HOME"
export HOME
unset DOCKER_CONFIG DOCKER_AUTH_CONFIG REGISTRY_AUTH_FILE XDG_RUNTIME_DIR

# faulty OPTION...: starts a registry, its address in $reg
faulty() {
    python3 "$top/tests/lib/faulty-registry.py" "$@" >"$T/address" 2>"$T/faulty.log" &
    at_end "kill $!"
    wait_until test -s "$T/address"
    reg=$(cat "$T/address")
    : >"$T/address"
}

# report EXPRESSION: something of the registry's report r
report() {
    curl -s --noproxy '*' "http://$reg/report" | python3 -c 'import json, sys
r = json.load(sys.stdin)
print(eval(sys.argv[1]))' "$1"
}

ok "an image of 1,000 layers is made" python3 - "$WLPACK_HOME/oci" <<'PY'
import hashlib, json, os, random, sys
layout = sys.argv[1]
os.makedirs(layout + "/blobs/sha256")
rng = random.Random(1)
def put(data):
    digest = hashlib.sha256(data).hexdigest()
    with open(layout + "/blobs/sha256/" + digest, "wb") as f:
        f.write(data)
    return {"digest": "sha256:" + digest, "size": len(data)}
layer = "application/vnd.oci.image.layer.v1.tar"
manifest = "application/vnd.oci.image.manifest.v1+json"
entries = []
for name, count in (("app:many", 999), ("app:one", 3), ("app:two", 3)):
    config = {"mediaType": "application/vnd.oci.image.config.v1+json",
              **put(json.dumps({"os": "wasi", "architecture": "wasm", "author": name, "rootfs": {"type": "layers", "diff_ids": []}}).encode())}
    doc = {"schemaVersion": 2, "mediaType": manifest, "config": config,
           "layers": [{"mediaType": layer, **put(rng.randbytes(1000 + 40 * (i % 100)))} for i in range(count)]}
    entries.append({"mediaType": manifest, **put(json.dumps(doc).encode()),
                    "annotations": {"org.opencontainers.image.ref.name": name}})
with open(layout + "/index.json", "w") as f:
    json.dump({"schemaVersion": 2, "manifests": entries}, f)
with open(layout + "/oci-layout", "w") as f:
    f.write('{"imageLayoutVersion":"1.0.0"}')
PY

# --- one request in twenty fails ---
faulty --percent 5
run wlpack push -q --json --timeout 900 "$reg/app:many"
status_is 0 "1,000 blobs, one request in twenty fails"
is "$(report 'r["blobs"]')" 1000 "every blob is there"
is "$(report 'sum(r["faults"].values()) > 100')" True "and more than a hundred requests failed"
is "$(report '" ".join(sorted(r["faults"]))')" "429 502 expired reset-after reset-before reset-in-body" "in every way"
ok "less than 8 % of the bytes were sent twice" test "$(report 'r["again"] * 100 < r["bytes"] * 8')" = True
# a token that is taken back takes those requests along that are under way with it: how many, the schedulers decide; sixteen threads at most send
ok "and beside them only what was under way with a token taken back" test "$(report 'r["hit"] <= 16 * r["faults"]["expired"]')" = True
printf '# %s\n' "$(report '"%d requests, %d failed (%s); %d bytes in, %d of them twice (%.1f %%), %d under way" % (r["requests"], sum(r["faults"].values()), ", ".join("%s %d" % f for f in sorted(r["faults"].items())), r["bytes"], r["again"], 100.0 * r["again"] / r["bytes"], r["bytes_hit"])')"
before=$(report 'r["bytes"]')
run wlpack push "$reg/app:many"
err_like '0 blobs sent .* 1000 already there' "a second push sends none"
ok "but the manifest" test "$(($(report 'r["bytes"]') - before))" -lt 1000000

# --- a push that is killed leaves what it had sent, and the next one goes on from there ---
is_now() {
    [ "$(report "$1")" = "$2" ]
}
faulty --percent 0 --hold 300
"$WLPACK" -q push "$reg/app:many" >/dev/null 2>&1 &
pusher=$!
ok "a push is in its middle" wait_until is_now 'r["held"] > 0' True
kill -KILL $pusher
wait $pusher 2>/dev/null
curl -s --noproxy '*' "http://$reg/release"
ok "the registry stores what it had got" wait_until is_now 'r["connections"]' 1
had=$(report 'r["blobs"]')
ok "which is not all ($had blobs)" test "$had" -ge 300 -a "$had" -lt 500
run wlpack push "$reg/app:many"
status_is 0 "a push that was killed is repeated"
err_like "$((1000 - had)) blobs? sent .* $had already there" "and finds what is there ($had blobs)"

# --- two pushers on one tag ---
digest_of() {
    wlpack images --json |
        python3 -c 'import json, sys; print([i["digest"] for i in json.load(sys.stdin) if i.get("name") == sys.argv[1]][0])' "$1"
}
one=$(digest_of app:one)
two=$(digest_of app:two)
mkdir "$T/second"
cp -R "$WLPACK_HOME/oci" "$T/second/oci"
i=0 bad=0 told=0
while [ $i -lt 10 ]; do
    i=$((i + 1))
    wlpack tag app:one "race:t$i"
    WLPACK_HOME=$T/second wlpack tag app:two "race:t$i"
    wlpack -q push "$reg/race:t$i" >/dev/null 2>"$T/one.err" &
    first=$!
    WLPACK_HOME=$T/second wlpack -q push "$reg/race:t$i" >/dev/null 2>"$T/two.err" || {
        told=$((told + 1))
        grep -q "stands for $one now" "$T/two.err" || bad=$((bad + 1))
    }
    wait $first || {
        told=$((told + 1))
        grep -q "stands for $two now" "$T/one.err" || bad=$((bad + 1))
    }
    case $(report "r['tags']['t$i']") in "$one" | "$two") ;; *) bad=$((bad + 1)) ;; esac
done
is "$bad" 0 "two pushers on one tag, ten times: one has it, and who lost it before reading it back is told ($told times)"
done_testing
