#!/bin/sh
# --json, --dry-run and --digest-file, verb by verb: which one has them (as --help and the completion say), and that they do what they
# are for. JSON is JSON, a dry run changes nothing (neither the store nor the registry) and writes no digest file, the file holds the
# digest of what the verb was about.
. "${0%/*}/../lib/tap.sh"

for tool in docker-registry python3; do
    command -v "$tool" >/dev/null 2>&1 || skip_all "$tool is not installed"
done
cd "$T" || exit 1
HOME=$T/user
mkdir -p "$HOME"
export HOME
unset DOCKER_CONFIG DOCKER_AUTH_CONFIG REGISTRY_AUTH_FILE XDG_RUNTIME_DIR SSL_CERT_FILE SOURCE_DATE_EPOCH WLPACK_KEY_PASSWORD COSIGN_PASSWORD
oci=$WLPACK_HOME/oci

# --- who has which ---
# A verb that changes nothing has no --dry-run, one that is not about one image (or a list of them) no --digest-file; of build, plan is
# the dry run.
cat >table <<'EOF'
image json dry-run digest-file
images json
inspect json digest-file
tag json dry-run digest-file
rm json dry-run digest-file
save json dry-run digest-file
load json dry-run digest-file
push json dry-run digest-file
pull json dry-run digest-file
copy json dry-run digest-file
sign json dry-run digest-file
verify json digest-file
login json dry-run
logout json
gc json dry-run
build json
EOF
for shell in bash fish; do
    wlpack completion $shell >$shell
done
while read -r verb options; do
    wlpack "$verb" --help >help
    for option in json dry-run digest-file; do
        case " $options " in
        *" $option "*)
            ok "$verb has --$option" grep -qE -- "^ .*--$option( |\$)" help
            ok "fish offers it" grep -q -- "__fish_seen_subcommand_from $verb' -l $option " fish
            ;;
        *) ok "$verb has no --$option" sh -c "! grep -qE -- '--$option( |\$)' help" ;;
        esac
    done
    # every option of the verb, in bash
    sed -n 's/^  \(-[a-z], \)\{0,1\}\(    \)\{0,1\}--\([a-z-]*\).*/--\3/p' help | sort -u >options
    bash --norc --noprofile -c '
        . ./bash
        compopt() { :; }
        COMP_LINE="wlpack $1 --" COMP_POINT=$((10 + ${#1})) COMP_WORDBREAKS=" :="
        _wlpack
        printf "%s\n" "${COMPREPLY[@]}"' - "$verb" | sort -u >offered
    is "$(comm -23 options offered | tr '\n' ' ')" "" "bash offers all options of $verb"
    ok "there are some" test -s options
done <table

# --- what they do ---
one=$(python3 "$top/tests/lib/oci-image.py" "$oci" app:1 20000 --seed 1)
two=$(python3 "$top/tests/lib/oci-image.py" "$oci" two:1 10000 --seed 2 --index 2)
reg=$("$top/scripts/registry" start) || skip_all "no registry: $reg"
eval "$reg"
at_end "'$top/scripts/registry' stop '$REGISTRY_DIR'"
printf '{"base": "app:1", "entrypoint": ["/app.wasm"], "env": {"A": "b"}}' >app.json
run wlpack sign --new-key k
run wlpack push "$REGISTRY/there/app:1" # for those that need something there
WLPACK_HOME=$T/other wlpack pull "$REGISTRY/there/app:1" --as old:1 2>/dev/null >/dev/null
mkdir archive
run wlpack save -o archive/app.tar app:1 two:1

# state: everything that a verb may change
state() {
    (cd "$T" && find home/oci user archive other/oci "$REGISTRY_DIR" -type f ! -name '*.log' ! -name '.lock' ! -name '.use' ! -name access \
        -exec sha256sum {} + 2>/dev/null | sort)
}
is_json() {
    python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$1"
}

# dry VERB... : changes nothing and says JSON, also with --digest-file where the verb has one
dry() {
    extra=
    ! grep -q "^$1 .*digest-file" table || extra="--digest-file $T/digests"
    rm -f digests
    state >before
    # shellcheck disable=SC2086 # an option and its value
    run wlpack "$@" --dry-run $extra
    status_is 0 "$1 --dry-run"
    # shellcheck disable=SC2086
    run wlpack "$@" --dry-run --json $extra
    status_is 0 "$1 --dry-run --json"
    ok "$1: is JSON" is_json "$out"
    state >after
    ok "$1: nothing has changed" cmp -s before after
    ok "$1: no digest file" test ! -e digests
}
# wet DIGESTS VERB...: does it, says JSON and writes the digests
wet() {
    want=$1
    shift
    rm -f digests
    run wlpack "$@" --json --digest-file "$T/digests"
    status_is 0 "$1 --json --digest-file"
    ok "$1: is JSON" is_json "$out"
    is "$(cat digests)" "$want" "$1: the digest is in the file"
    run wlpack "$@" --digest-file "$T/table/digests"
    status_is 1 "$1: a digest file that cannot be written is an error"
    err_like 'table' "$1: that names it"
}

dry image -t made:1 app.json
rm -f digests
run wlpack image -t made:1 app.json --json --digest-file "$T/digests"
is "$(cat digests)" "$(python3 -c "import json; print(json.load(open('$out'))['digest'])")" "image: the digest is in the file"
for ref in app:1 "oci:$oci:two:1" "oci-archive:archive/app.tar:two:1" "$one"; do
    case $ref in *two*) d=$two ;; *) d=$one ;; esac
    wet "$d" inspect "$ref"
done
run wlpack inspect --digest-file digests "$oci"
status_is 2 "inspect of a layout: there is no one digest"
printf '\0asm\1\0\0\0' >m.wasm
run wlpack inspect --digest-file digests m.wasm
status_is 2 "inspect of a module: neither"
err_like 'm.wasm is no image' "which is said"
dry tag app:1 new:1
wet "$one" tag app:1 new:1
dry rm new:1 two:1
wlpack tag app:1 newer:1
rm -f digests
run wlpack rm --json --digest-file digests new:1 two:1
ok "rm: is JSON" is_json "$out"
is "$(cat digests)" "$one
$two" "rm: the digests are in the file"
dry load archive/app.tar
wet "$one
$two" load archive/app.tar
dry save -o archive/new.tar app:1
wet "$one
$two" save -o archive/new.tar app:1 two:1
dry push "$REGISTRY/new/app:1"
wlpack tag two:1 "$REGISTRY/both/two:1"
wlpack tag app:1 "$REGISTRY/both/app:1"
wet "$one
$two" push "$REGISTRY/both/app:1" "$REGISTRY/both/two:1"
dry pull "$REGISTRY/there/app:1" --as pulled:1
wet "$one" pull "$REGISTRY/there/app:1" --as pulled:1
dry copy "$REGISTRY/there/app:1" "$REGISTRY/copied/app:1"
wet "$one" copy "$REGISTRY/there/app:1" "$REGISTRY/copied/app:1"
dry sign --key k "$REGISTRY/there/app:1"
wet "$one" sign --key k "$REGISTRY/there/app:1"
wlpack push "$REGISTRY/x/made:1" >/dev/null 2>&1
made=$(wlpack inspect --json made:1 | python3 -c "import json, sys; print(json.load(sys.stdin)['digest'])")
wet "$made" verify made:1
wet "$made" verify "$REGISTRY/x/made:1"
rm -f digests
run wlpack verify --digest-file digests app:1
status_is 1 "verify of what has no provenance"
ok "writes no digest" test ! -e digests
dry gc
run wlpack gc --json
ok "gc: is JSON" is_json "$out"
run wlpack images --json
ok "images: is JSON" is_json "$out"

# --- logins ---
for reg in $("$top/scripts/registry" start --htpasswd me:secret1 | grep -E '^REGISTRY(_DIR)?='); do
    eval "$reg"
done
at_end "'$top/scripts/registry' stop '$REGISTRY_DIR'"
try() {
    # shellcheck disable=SC2016 # its own
    run sh -c 'printf secret1 | "$0" "$@"' "$WLPACK" "$@"
}
state >before
try login -u me --dry-run --json "$REGISTRY"
status_is 0 "login --dry-run"
ok "login: is JSON" is_json "$out"
try login -u me -n "$REGISTRY"
err_like "takes the login of me; it was not kept" "says so"
state >after
ok "login: nothing was kept" cmp -s before after
try login -u you -n "$REGISTRY"
status_is 4 "login --dry-run: a wrong user"
try login -u me --json "$REGISTRY"
ok "login: is JSON" is_json "$out"
ok "is kept" grep -q "$REGISTRY" "$HOME/.docker/config.json"
run wlpack logout --json "$REGISTRY"
ok "logout: is JSON" is_json "$out"
done_testing
