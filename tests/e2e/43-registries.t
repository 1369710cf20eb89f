#!/bin/sh
# Real registries: distribution 2 (Debian's), distribution 3 and go-containerregistry's (built by scripts/registry-tools when go is
# there, the former only once it was built: `make registry-tests` does). Push, pull, copy, mounts, referrers; what other clients read.
. "${0%/*}/../lib/tap.sh"

for tool in docker-registry skopeo python3; do
    command -v "$tool" >/dev/null 2>&1 || skip_all "$tool is not installed"
done
user_home=$HOME
HOME=$T/user
mkdir -p "$HOME"
export HOME
unset https_proxy all_proxy ALL_PROXY DOCKER_CONFIG DOCKER_AUTH_CONFIG REGISTRY_AUTH_FILE XDG_RUNTIME_DIR SSL_CERT_FILE
oci=$WLPACK_HOME/oci

# registry OPTION...: starts one; fails with the reason in $T/why when that is not possible here
registry() {
    reg=$(go_home "$top/scripts/registry" start "$@" 2>"$T/why") || return 1
    eval "$reg"
    at_end "'$top/scripts/registry' stop '$REGISTRY_DIR'"
}
# the programs are the user's, not this test's
go_home() {
    HOME=$user_home WLPACK_HOME=${XDG_CACHE_HOME:-$user_home/.cache}/wlpack "$@"
}

one=$(python3 "$top/tests/lib/oci-image.py" "$oci" app:1 300000 --seed 1)
index=$(python3 "$top/tests/lib/oci-image.py" "$oci" php:7 50000 --seed 3 --index 2)
note=$(python3 - "$oci" "$one" <<'PY'
import hashlib, json, os, sys
layout, subject = sys.argv[1:]
def put(data):
    digest = hashlib.sha256(data).hexdigest()
    with open(layout + "/blobs/sha256/" + digest, "wb") as f:
        f.write(data)
    return {"digest": "sha256:" + digest, "size": len(data)}
kind = "application/vnd.oci.image.manifest.v1+json"
size = os.path.getsize(layout + "/blobs/sha256/" + subject[7:])
note = put(json.dumps({
    "schemaVersion": 2, "mediaType": kind, "artifactType": "application/x-note",
    "config": {"mediaType": "application/vnd.oci.empty.v1+json", **put(b"{}")},
    "layers": [{"mediaType": "text/plain", **put(b"a note")}],
    "subject": {"mediaType": kind, "digest": subject, "size": size}}).encode())
with open(layout + "/index.json") as f:
    index = json.load(f)
index["manifests"].append({"mediaType": kind, **note})
with open(layout + "/index.json", "w") as f:
    json.dump(index, f)
print(note["digest"])
PY
)

# digest REF: what another client says it stands for
digest() {
    skopeo inspect --raw --tls-verify=false "docker://$1" | sha256sum | sed 's/^\([0-9a-f]*\).*/sha256:\1/'
}

# exercise NAME: everything against $REGISTRY and a second one, $second
exercise() {
    n=$1
    run wlpack push "$REGISTRY/team/app:1"
    status_is 0 "$n: push"
    is "$(digest "$REGISTRY/team/app:1")" "$one" "$n: skopeo reads it"
    run wlpack push "$REGISTRY/team/app:1"
    err_like '0 blobs sent' "$n: pushed again, nothing is sent"
    run wlpack push "$REGISTRY/php:7"
    status_is 0 "$n: an index"
    is "$(digest "$REGISTRY/php:7")" "$index" "$n: arrives byte for byte"
    rm -rf "$T/pulled"
    WLPACK_HOME=$T/pulled run wlpack pull "$REGISTRY/php:7"
    status_is 0 "$n: pull of an index"
    run wlpack push "$REGISTRY/team/app@$note"
    status_is 0 "$n: a manifest that refers to the image"
    run wlpack copy "$REGISTRY/team/app:1" "$REGISTRY/mine/app:2"
    status_is 0 "$n: copy within the registry"
    err_like ', 2 mounted|2 already there' "$n: and sends nothing"
    is "$(digest "$REGISTRY/mine/app:2")" "$one" "$n: and is whole"
    run wlpack copy --referrers "$REGISTRY/team/app:1" "$second/copied-$n/app"
    status_is 0 "$n: copy to another registry with referrers"
    err_like 'with 1 referrer$' "$n: there is one"
    is "$(digest "$second/copied-$n/app:1")" "$one" "$n: the copy is whole"
    is "$(digest "$second/copied-$n/app@$note")" "$note" "$n: and so is the referrer"
    run wlpack copy "$second/copied-$n/app:1" "$REGISTRY/back/app"
    status_is 0 "$n: and back"
    run wlpack copy --all-tags "$REGISTRY/team/app" "$second/all-$n"
    status_is 0 "$n: all tags"
    out_is "$second/all-$n@$one" "$n: are one, without the fallback tag"
}

registry
second=$REGISTRY
for kind in docker-registry crane registry; do
    WLPACK_TOOLS=
    [ "$kind" != registry ] || [ -n "${REGISTRY_TESTS:-}" ] || WLPACK_TOOLS=cached # it takes minutes
    export WLPACK_TOOLS
    if registry --kind "$kind"; then
        exercise "$kind"
    else
        pass "$kind # SKIP $(tail -n 1 "$T/why")"
    fi
done

# --- TLS: --cacert, client certificates ---
registry --tls --client-cert
run wlpack push --cacert "$REGISTRY_CA" "$REGISTRY/app:1"
status_is 4 "a registry that wants a client certificate refuses us without"
run wlpack push --cacert "$REGISTRY_CA" --cert "$REGISTRY_CERT" --key "$REGISTRY_KEY" "$REGISTRY/app:1"
status_is 0 "--cacert, --cert and --key"
# the places where trust comes from: read once for all connections, a folder before the file
client="--cert $REGISTRY_CERT --key $REGISTRY_KEY"
mkdir "$T/hashed" "$T/nothing"
cp "$REGISTRY_CA" "$T/hashed/$(openssl x509 -noout -hash -in "$REGISTRY_CA").0"
# trusts STATUS NAME VARIABLE...: a push with these
trusts() {
    want=$1
    name=$2
    shift 2
    # shellcheck disable=SC2086 # two options and their values
    run env "$@" "$WLPACK" push $client "$REGISTRY/app:1"
    status_is "$want" "$name"
}
trusts 0 "SSL_CERT_FILE alone" SSL_CERT_FILE="$REGISTRY_CA"
trusts 0 "SSL_CERT_DIR alone" SSL_CERT_DIR="$T/hashed"
trusts 0 "both: what is in the folder" SSL_CERT_DIR="$T/hashed" SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
trusts 0 "both: what is in the file alone" SSL_CERT_DIR="$T/nothing" SSL_CERT_FILE="$REGISTRY_CA"
trusts 4 "neither has it" SSL_CERT_DIR="$T/nothing" SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
err_like 'the certificate is not trusted.*SSL_CERT_FILE' "the way out is named"
trusts 4 "a file that is none" SSL_CERT_FILE="$top/README.md"
trusts 0 "a proxy by https: libcurl reads them" https_proxy=https://127.0.0.1:1 SSL_CERT_FILE="$REGISTRY_CA"

folder=$HOME/.config/containers/certs.d/$REGISTRY
mkdir -p "$folder"
cp "$REGISTRY_CA" "$folder/ca.crt"
cp "$REGISTRY_CERT" "$folder/client.cert"
cp "$REGISTRY_KEY" "$folder/client.key"
run wlpack push "$REGISTRY/php:7"
status_is 0 "certs.d: ca.crt, client.cert, client.key"
run wlpack push --cacert "$T/none.pem" "$REGISTRY/app:1"
status_is 1 "a missing certificate file"
err_like '--cacert: cannot read .*none.pem' "is named"
run wlpack push --key "$REGISTRY_KEY" "$REGISTRY/app:1"
status_is 2 "--key alone is a usage error"

# --- TLS through a proxy (CONNECT), which knows the registry under another name ---
python3 "$top/tests/lib/connect-proxy.py" "registry.test:443=$REGISTRY" >"$T/proxy" 2>"$T/proxy.log" &
at_end "kill $!"
wait_until test -s "$T/proxy"
proxy=$(cat "$T/proxy")
HTTPS_PROXY=http://$proxy run wlpack push --cacert "$REGISTRY_CA" --cert "$REGISTRY_CERT" --key "$REGISTRY_KEY" \
    registry.test/app:1
status_is 0 "push through HTTPS_PROXY"
ok "which was asked to connect" grep -q '^registry.test:443$' "$T/proxy.log"
NO_PROXY=registry.test HTTPS_PROXY=http://$proxy run wlpack push --cacert "$REGISTRY_CA" registry.test/app:1
status_is 4 "NO_PROXY: it is not asked"
err_like 'cannot find the host' "and without it there is no such host"
done_testing
