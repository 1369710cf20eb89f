#!/bin/sh
# Pushing to and pulling from a real registry (docker-registry on loopback): plain, TLS with a CA of its own, Basic, Bearer
# tokens; skopeo reads back what was pushed.
. "${0%/*}/../lib/tap.sh"

for tool in docker-registry skopeo htpasswd python3; do
    command -v "$tool" >/dev/null 2>&1 || skip_all "$tool is not installed"
done
HOME=$T/user
mkdir -p "$HOME"
export HOME
unset DOCKER_CONFIG REGISTRY_AUTH_FILE XDG_RUNTIME_DIR SSL_CERT_FILE SSL_CERT_DIR
oci=$WLPACK_HOME/oci
image() {
    python3 "$top/tests/lib/oci-image.py" "$oci" "$@"
}
# registry OPTION...: starts one (see scripts/registry)
registry() {
    reg=$("$top/scripts/registry" start "$@") || skip_all "no registry: $reg"
    eval "$reg"
    at_end "'$top/scripts/registry' stop '$REGISTRY_DIR'"
}

# login_with FILE ARGUMENT...: wlpack login with stdin from FILE
login_with() {
    given=$1
    shift
    # shellcheck disable=SC2016 # the inner shell's own
    run sh -c 'given=$1; shift; exec "$@" <"$given"' login "$given" "$WLPACK" login "$@"
}

# --- without any image, and what is wrong with a command line ---
run wlpack push localhost:1/app:1
status_is 1 "an empty store is an error"
err_like 'local store .* is empty' "and is said to be empty"
one=$(image app:1 100000 --seed 1)
two=$(image app:2 200000 --seed 2)
index=$(image php:7 50000 --seed 3 --index 2)
run wlpack push app:1
status_is 2 "a name without a registry is a usage error"
err_like 'names no registry: write HOST/app:1' "with the way out"
run wlpack push localhost:1/App:1
status_is 2 "upper case is a usage error"
err_like 'must be lower case' "that says so"
run wlpack push localhost:1/app@sha256:123
status_is 2 "a bad digest is a usage error"
run wlpack push localhost:1/nothing:1
status_is 1 "an image that is not there"
err_like 'nothing:1' "is named"

# --- a registry that is down ---
run wlpack push 127.0.0.1:9/app:1
status_is 4 "a registry that is down gives code 4"
err_like 'the registry 127.0.0.1:9 does not answer' "and is named"

# --- plain ---
registry
plain=$REGISTRY
run wlpack push "$REGISTRY/team/app:1" --digest-file "$T/digest"
status_is 0 "push to a plain registry on this machine"
out_is "$REGISTRY/team/app@$one" "the digest on stdout"
is "$(cat "$T/digest")" "$one" "and in the digest file"
is "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$REGISTRY/team/app:1")" "$one" "skopeo sees it"
ok "skopeo copies it back" skopeo copy -q --src-tls-verify=false "docker://$REGISTRY/team/app:1" "oci:$T/back:x"
run wlpack push "$REGISTRY/team/app:1"
err_like '0 blobs sent .*2 already there' "a second push sends no blob"
run wlpack push -q "$REGISTRY/team/app:1" "$REGISTRY/team/app:2"
status_is 0 "two references at once"
out_is "$REGISTRY/team/app@$one
$REGISTRY/team/app@$two" "one record a line"
is "$(wc -c <"$err")" 0 "and nothing on stderr with -q"
run wlpack push --all-tags "$REGISTRY/all/app"
status_is 0 "all tags"
is "$(curl -s --noproxy '*' "http://$REGISTRY/v2/all/app/tags/list" | grep -o '"[12]"' | sort | tr -d '\n')" '"1""2"' "are there"
wlpack tag app:1 plain
run wlpack push --all-tags "$REGISTRY/all/plain"
is "$(curl -s --noproxy '*' "http://$REGISTRY/v2/all/plain/tags/list" | grep -c '"latest"')" 1 "a name without a tag is its latest"
wlpack rm plain
run wlpack push "$REGISTRY/php:7"
status_is 0 "an index"
is "$(skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/php:7" | sha256sum | cut -d ' ' -f 1)" "${index#sha256:}" \
    "arrives byte for byte"
ok "skopeo copies all of it" skopeo copy -q --all --src-tls-verify=false "docker://$REGISTRY/php:7" "oci:$T/back:all"
run wlpack push --dry-run "$REGISTRY/new/app:1"
out_like "^send $one " "a dry run says what it would send"
is "$(curl -s --noproxy '*' -o /dev/null -w '%{http_code}' "http://$REGISTRY/v2/new/app/tags/list")" 404 "and sends nothing"
run wlpack push --json "$REGISTRY/team/app:1"
is "$(python3 -c 'import json,sys; r = json.load(open(sys.argv[1])); print(r[0]["digest"], r[0]["blobsThere"])' "$out")" \
    "$one 2" "--json is JSON"

# --- pull ---
WLPACK_HOME=$T/other run wlpack pull "$REGISTRY/php:7"
status_is 0 "pull of an index into an empty store"
out_is "$REGISTRY/php@$index" "prints the digest"
is "$(skopeo inspect --raw "oci:$T/other/oci:$REGISTRY/php:7" | sha256sum | cut -d ' ' -f 1)" "${index#sha256:}" \
    "skopeo reads the store"
WLPACK_HOME=$T/other run wlpack pull "$REGISTRY/php:7"
err_like '0 blobs fetched' "a second pull fetches nothing"
WLPACK_HOME=$T/other run wlpack push "$plain/again/php@$index"
status_is 0 "what was pulled can be pushed, by digest"

# --- interruption ---
image big:1 60000000 --seed 4 >/dev/null
python3 "$top/tests/lib/faulty-registry.py" --percent 0 --stall 1000000 >"$T/address" 2>"$T/faulty.log" &
at_end "kill $!"
wait_until test -s "$T/address"
slow=$(cat "$T/address")
report() {
    curl -s --noproxy '*' "http://$slow/report"
}
in_the_middle() {
    report | grep -q '"held": 1'
}
"$WLPACK" push "$slow/big:1" >"$out" 2>"$err" &
pusher=$!
ok "a push is in the middle of a blob" wait_until in_the_middle
kill -INT $pusher
wait $pusher
is $? 130 "Ctrl-C ends it"
out_is "" "it prints no digest"
ok "and leaves no tag" sh -c "printf '%s' '$(report)' | grep -q '\"manifests\": 0, \"tags\": {}'"

# --- TLS ---
registry --tls
run wlpack push "$REGISTRY/app:1"
status_is 4 "an unknown CA is refused"
err_like 'certificate is not trusted.*SSL_CERT_FILE' "with the way out"
SSL_CERT_FILE=$REGISTRY_CA run wlpack push "$REGISTRY/app:1"
status_is 0 "SSL_CERT_FILE names the CA"
mkdir "$T/no-certs"
for dir in '' "$T/no-certs"; do
    SSL_CERT_DIR=$dir SSL_CERT_FILE=$T/none.pem run wlpack push "$REGISTRY/app:1"
    status_is 4 "SSL_CERT_FILE names nothing${dir:+, beside SSL_CERT_DIR}"
    err_like 'SSL_CERT_FILE is .*/none.pem, which cannot be read' "which is told"
done
echo none >"$T/none.pem"
run wlpack push --cacert "$T/none.pem" "$REGISTRY/app:1"
status_is 1 "--cacert without a certificate"
err_like 'none.pem holds no certificate' "is told"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$T/other.key" 2>/dev/null
run wlpack push --cacert "$REGISTRY_CA" --cert "$REGISTRY_CA" --key "$T/other.key" "$REGISTRY/app:1"
status_is 4 "a client certificate with another key"
err_like 'the client certificate cannot be used: .*does the key belong to it' "is told"
run wlpack push --plain-http "$REGISTRY/app:1"
status_is 4 "plain http to a TLS registry fails"
err_like 'speaks https: leave out --plain-http' "with the way out"
mkdir -p "$HOME/.config/containers/certs.d/$REGISTRY"
cp "$REGISTRY_CA" "$HOME/.config/containers/certs.d/$REGISTRY/ca.crt"
run wlpack push "$REGISTRY/app:2"
status_is 0 "certs.d names the CA"

# --- Basic ---
registry --htpasswd me:canary-password
run wlpack push "$REGISTRY/app:1"
status_is 4 "a registry that needs a login gives code 4"
err_like "wlpack login $REGISTRY" "and says how to log in"
printf 'wrong-password\n' >"$T/wrong"
printf 'canary-password\n' >"$T/right"
login_with "$T/wrong" -u me "$REGISTRY"
status_is 4 "a wrong password is refused"
login_with "$T/right" --json -u me --password-stdin "$REGISTRY"
status_is 0 "login"
out_is "{\"host\":\"$REGISTRY\",\"user\":\"me\",\"place\":\"$HOME/.docker/config.json\"}" "login --json: where it is kept, and no password"
is "$(stat -c %a "$HOME/.docker/config.json")" 600 "the file is the owner's alone"
run python3 -c 'import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
shown = b""
for question, line in ((b"User: ", b"me\n"), (b"Password: ", b"canary-password\n")):
    while question not in shown:
        shown += os.read(fd, 4096)
    os.write(fd, line)
try:
    while chunk := os.read(fd, 4096):
        shown += chunk
except OSError:
    pass
print(shown.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$WLPACK" login "$REGISTRY"
status_is 0 "login at a terminal"
out_like 'Password: ' "which asks"
out_unlike 'canary' "and does not show the password"
run wlpack -vvv push "$REGISTRY/app:1"
status_is 0 "push with Basic"
err_unlike 'canary|Y2FuYXJ5' "no secret in the output"
run skopeo inspect --tls-verify=false --authfile "$HOME/.docker/config.json" "docker://$REGISTRY/app:1"
status_is 0 "skopeo takes the same login"
run wlpack logout --json "$REGISTRY"
status_is 0 "logout"
out_is "{\"host\":\"$REGISTRY\",\"place\":\"$HOME/.docker/config.json\"}" "logout --json"
run wlpack push "$REGISTRY/app:1"
status_is 4 "and the login is gone"
login_with "$T/right" --json -u me "$REGISTRY/app"
status_is 0 "login for one repository"
out_is "{\"host\":\"$REGISTRY\",\"namespace\":\"app\",\"user\":\"me\",\"place\":\"$HOME/.docker/config.json\"}" "and its --json"
run wlpack push "$REGISTRY/app:1"
status_is 0 "push there"
run skopeo inspect --tls-verify=false --authfile "$HOME/.docker/config.json" "docker://$REGISTRY/app:1"
status_is 0 "skopeo takes that login as well"
run wlpack pull "$REGISTRY/other:1"
status_is 4 "another repository has none"
run wlpack logout "$REGISTRY"
err_like "there was no login for $REGISTRY" "that of the registry is another one"
run wlpack logout --json "$REGISTRY/app"
out_is "{\"host\":\"$REGISTRY\",\"namespace\":\"app\",\"place\":\"$HOME/.docker/config.json\"}" "logout there"
printf '{"%s":{"auth":"%s"}}' "$REGISTRY" "$(printf me:canary-password | base64)" >"$HOME/.dockercfg"
run wlpack push "$REGISTRY/app:1"
status_is 0 "a login in ~/.dockercfg"
run wlpack logout "$REGISTRY"
err_like "from $HOME/.dockercfg" "is taken out of there"
run wlpack push "$REGISTRY/app:1"
status_is 4 "and is gone"
ok "skopeo logs in" sh -c \
    "skopeo login --tls-verify=false --authfile '$T/auth.json' -u me --password-stdin '$REGISTRY' <'$T/right' >/dev/null"
REGISTRY_AUTH_FILE=$T/auth.json run wlpack push "$REGISTRY/app:1"
status_is 0 "wlpack takes skopeo's login"
if [ "$(id -u)" = 0 ] && setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
    mkdir "$T/shut"
    chmod 755 "$T"
    echo '{}' >"$T/shut/config.json"
    chmod 600 "$T/shut/config.json"
    run setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/nonexistent DOCKER_CONFIG="$T/shut" WLPACK_HOME="$WLPACK_HOME" \
        "$WLPACK" push "$REGISTRY/app:1"
    status_is 1 "logins that cannot be read"
    err_like "the logins in $T/shut/config.json cannot be read: Permission denied" "are told, with the file"
else
    pass "# SKIP not root: logins that cannot be read are not tested"
fi

# several at a time: none is lost
pids=
for name in localhost 127.0.0.1 a.localhost b.localhost c.localhost d.localhost; do
    (HOME=$T/many exec "$WLPACK" login -q -u me "$name:${REGISTRY##*:}" <"$T/right") &
    pids="$pids $!"
done
for pid in $pids; do
    wait "$pid"
done
is "$(grep -c '"auth"' "$T/many/.docker/config.json")" 6 "six logins at the same time"

# podman's place without XDG_RUNTIME_DIR, as in the containers of CI: /run/containers/UID, here a /run of our own
if unshare -rm true 2>/dev/null; then
    # shellcheck disable=SC2016 # the inner shell's own
    run unshare -rm sh -c 'mount -t tmpfs none /run && skopeo login --tls-verify=false -u me --password-stdin "$1" <"$2" >/dev/null &&
        ls /run/containers/*/auth.json && "$3" push "$1/app:1" && "$3" logout "$1" && ! grep -q "$1" /run/containers/*/auth.json' \
        run "$REGISTRY" "$T/right" "$WLPACK"
    status_is 0 "wlpack takes skopeo's login from /run/containers, and logs out there"
else
    pass "# SKIP no user namespaces: a login in /run/containers is not tested"
fi

# --- Bearer tokens ---
registry --token me:canary-password --token-ttl 5
run wlpack push "$REGISTRY/app:1"
status_is 4 "a push without a login is refused"
err_like "wlpack login $REGISTRY" "and says how to log in"
login_with "$T/right" -u me "$REGISTRY"
status_is 0 "login at the token server"
run wlpack push "$REGISTRY/app:1" "$REGISTRY/other/app:2" "$REGISTRY/php:7"
status_is 0 "push with tokens"
is "$(wc -l <"$out")" 3 "of three repositories"
WLPACK_HOME=$T/third run wlpack pull "$REGISTRY/php:7"
status_is 0 "pull with tokens"

# --- read-only ---
registry --read-only
run wlpack push "$REGISTRY/app:1"
status_is 4 "a read-only registry"
err_like 'read-only' "is said to be that"

# --- short names, as docker users write them: what is only read comes from docker.io (here by way of a mirror) ---
run wlpack push "$plain/library/app:1"
run wlpack push "$plain/team/app:1"
WLPACK_REGISTRY_MIRROR=docker.io=http://$plain
export WLPACK_REGISTRY_MIRROR
WLPACK_HOME=$T/short run wlpack pull app:1
status_is 0 "pull NAME:TAG"
out_is "docker.io/library/app@$one" "is docker.io/library/NAME"
WLPACK_HOME=$T/short run wlpack pull team/app:1
out_is "docker.io/team/app@$one" "pull USER/NAME:TAG"
WLPACK_HOME=$T/short run wlpack images
out_like '^docker.io/library/app:1' "and is called by its whole name here"
run wlpack copy app:1 "$plain/from-hub/app"
status_is 0 "copy from there"
run wlpack copy app:1 app:2
status_is 2 "not to there"
WLPACK_HOME=$T/short run wlpack pull app:none
status_is 4 "a tag that there is not"
unset WLPACK_REGISTRY_MIRROR

# --- seals: what was hashed when it was written is not hashed again, unless it was changed ---
head -c 3000000 /dev/urandom >"$T/big"
printf '{"base": "scratch", "entrypoint": ["/big"], "files": [{"from": "big", "to": "/big"}]}' >"$T/app.json"
run wlpack image -t big:1 "$T/app.json"
big=$(find "$oci/blobs" -newer "$T/app.json" -size +2900k -printf '%f\n')
seal=$oci/.seals/$big
ok "a large blob gets a seal" test -s "$seal"
is "$(find "$oci/.seals" -type f | wc -l)" 1 "small ones do not"
cp -p "$oci/blobs/sha256/$big" "$T/kept"
run wlpack push "$plain/sealed/big:1"
status_is 0 "push of a sealed blob"
printf x | dd of="$oci/blobs/sha256/$big" bs=1 seek=1500000 conv=notrunc status=none
touch -r "$T/kept" "$oci/blobs/sha256/$big"
run wlpack push "$plain/sealed2/big:1"
status_is 1 "a changed one whose time was set back is hashed"
err_like "blob sha256:$big is damaged: its bytes have the digest" "and refused"
# a seal over wrong bytes, as a disk that rots leaves it: the registry finds out
stat --printf '%d %i %s %Y %.9Y %.9Z\n' "$oci/blobs/sha256/$big" | python3 -c '
import sys
dev, ino, size, _, m, c = sys.stdin.read().split()
t = lambda s: "%x.%s" % (int(s.split(".")[0]), s.split(".")[1])
print("%x %x %x %s %s" % (int(dev), int(ino), int(size), t(m), t(c)))' >"$seal"
run wlpack push "$plain/sealed3/big:1"
status_is 1 "bytes that rotted under their seal"
err_like "blob sha256:$big is damaged: its bytes have the digest" "are found after the registry has refused them"
ok "the seal is broken" test ! -e "$seal"
is "$(curl -s --noproxy '*' -o /dev/null -w '%{http_code}' "http://$plain/v2/sealed3/big/manifests/1")" 404 "and there is no tag"
cp "$T/kept" "$oci/blobs/sha256/$big"
touch -d '1 hour ago' "$oci/blobs/sha256/$big"
sleep 3.1 # a change within the clock's last seconds is not sealed
run wlpack push "$plain/sealed4/big:1"
status_is 0 "put right by hand"
ok "a push that has hashed it all seals it" test -s "$seal"
run wlpack push --from "oci:$oci:big:1" "$plain/sealed5/big:1"
status_is 0 "a layout that is not the store is hashed"
WLPACK_HOME=$T/other run wlpack pull "$plain/sealed/big:1"
ok "a pull seals" test -s "$T/other/oci/.seals/$big"
run wlpack save -o "oci:$T/layout" big:1
ok "save does not" test ! -e "$T/layout/.seals"
wlpack rm big:1 && wlpack gc >/dev/null 2>&1
ok "gc takes the seal with the blob" test ! -e "$seal"

# --- a damaged store ---
layer=$(find "$oci/blobs/sha256" -size -110k -size +90k | head -n 1)
printf x | dd of="$layer" bs=1 seek=5000 conv=notrunc 2>/dev/null
run wlpack push "$plain/damaged/app:1"
status_is 1 "a damaged blob is not pushed"
err_like "${layer##*/}" "and named"
is "$(curl -s --noproxy '*' -o /dev/null -w '%{http_code}' "http://$plain/v2/damaged/app/manifests/1")" 404 "no tag either"
done_testing
