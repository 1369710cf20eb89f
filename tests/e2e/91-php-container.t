#!/bin/sh
# The promise whole: PHP's images, pushed to a registry, pulled from there and run as containers by podman and crun.
. "${0%/*}/../lib/tap.sh"
unset WLPACK_HOME
scripts=$top/scripts
containers_or_skip
run wlpack build php-7.4.33 --output "$T/out"
status_is 0 "the images are there"
[ "$status" -eq 0 ] || done_testing

eval "$("$scripts/registry" start --dir "$T/registry")"
at_end "'$scripts/registry' stop '$T/registry'"
for tag in 7.4.33-cli 7.4.33-cgi 7.4.33-cli-aot 7.4.33-cgi-aot; do
    run wlpack push "$REGISTRY/php:$tag"
    status_is 0 "push $tag"
    out_like "^$REGISTRY/php@sha256:[0-9a-f]{64}\$" "its digest is the result"
    digest=$(sed 's/.*@//' "$out")
    run skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/php:$tag"
    is "sha256:$(sha256sum "$out" | cut -d ' ' -f 1)" "$digest" "and skopeo reads the very same manifest"
done

mkdir "$T/site"
cp "$scripts/demo-docroot/index.php" "$T/site"
printf '<?php function f() { exit(3); } register_shutdown_function(function () { echo "shutdown\n"; }); f();' >"$T/site/three.php"
printf '<?php header("X-Test: yes"); echo "body\n"; die("dead");' >"$T/site/die.php"

case $(uname -m) in
aarch64) variant=arm64 ;;
*) variant=amd64 ;;
esac
platform=wasi/wasm
# podman ARGS...: in the container root, with the site at /site; crun's handler cannot give the guest's exit code
podman() {
    "$scripts/in-container-root" -b "$T/site:/site" podman run --rm -q --platform "$platform" -v /site:/site "$@"
}
for tag in 7.4.33-cli 7.4.33-cli-aot; do
    run podman -e GREETING=x "$REGISTRY/php:$tag" /site/index.php
    status_is 0 "podman runs $tag"
    out_like '^Hello from PHP 7\.4\.33 on "wasi \(none\) 0\.0\.0 0\.0\.0 wasm32"$' "$tag: version and uname"
    out_like '^  GREETING$' "$tag: the variable that was given"
    out_like "^The date: $(date -u +%Y-%m-%d)" "$tag: the date"
    out_like '^  php\.wasm$' "$tag: / holds the interpreter"
    out_unlike '^  (etc/passwd|bin|lib|usr)$' "$tag: and no Linux"
done
# The variant of the -aot tag is native code: no interpreter does fifty million turns within a minute.
printf '<?php for ($i = 0, $s = 0; $i < 50000000; $i++) { $s += $i & 7; } echo "$s\\n";' >"$T/site/loop.php"
platform=wasi/wasm/$variant
run timeout 60 "$scripts/in-container-root" -b "$T/site:/site" podman run --rm -q --platform "$platform" -v /site:/site \
    "$REGISTRY/php:7.4.33-cli-aot" /site/loop.php
out_is 175000000 "the variant wasi/wasm/$variant of the -aot tag runs as native code"
platform=wasi/wasm
run podman "$REGISTRY/php:7.4.33-cli" /site/three.php
out_like '^shutdown$' "exit() in a function runs shutdown functions, in a container too"
run podman -e REDIRECT_STATUS=200 -e REQUEST_METHOD=GET -e SCRIPT_FILENAME=/site/die.php "$REGISTRY/php:7.4.33-cgi"
tr -d '\r' <"$out" >"$T/cgi"
ok "CGI in a container: die() sends the header" grep -q '^X-Test: yes$' "$T/cgi"
is "$(sed '1,/^$/d' "$T/cgi")" "body
dead" "and the body"

# --- an application image: a folder of PHP files, three commands, no compiler ---
mkdir -p "$T/shop/public"
echo '<?php echo "shop on ", PHP_OS_FAMILY === "Unknown" ? PHP_OS : PHP_OS_FAMILY, " ", basename(__FILE__), " ", getenv("MODE"), "\n"; require __DIR__ . "/lib.php"; exit(lib());' \
    >"$T/shop/public/index.php"
echo '<?php function lib() { register_shutdown_function(function () { echo "bye\n"; }); return 0; }' >"$T/shop/public/lib.php"
echo 'DB_PASSWORD=hunter22' >"$T/shop/.env"
cat >"$T/shop/app.json" <<JSON
{"base": "$REGISTRY/php:7.4.33-cli-aot", "files": [{"from": ".", "to": "/site"}], "cmd": ["/site/public/index.php"], "env": {"MODE": "test"}}
JSON
# a machine of its own, without recipes' results or kits: the base comes from the registry
WLPACK_HOME=$T/fresh run wlpack image -t "$REGISTRY/shop:1.0" "$T/shop/app.json"
status_is 0 "an application image over PHP from a registry"
err_like 'left out.* \.env ' "secrets stay out, and it is said"
WLPACK_HOME=$T/fresh run wlpack push "$REGISTRY/shop:1.0"
status_is 0 "it is pushed"
err_like '2 already there|3 already there|mounted' "the interpreter's layers are not sent again"
for platform in wasi/wasm "wasi/wasm/$variant"; do
    run "$scripts/in-container-root" podman run --rm -q --platform "$platform" "$REGISTRY/shop:1.0"
    status_is 0 "podman runs the application ($platform)"
    is "$(tail -n 1 "$out")" bye "$platform: to its end"
    out_like 'index\.php test$' "$platform: with its files and its environment"
done

# --- the server, with the docroot of the image, then one of ours; containers have the host's network here, so its port is a free one ---
# serve OPTIONS...: the image in the background, on $port
serve() {
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    setsid "$scripts/in-container-root" -b "$T/site:/site" podman run --rm -q --platform "wasi/wasm/$variant" \
        "$@" "$REGISTRY/php:7.4.33-server-aot" -S "0.0.0.0:$port" -t /docroot >"$T/server.log" 2>&1 </dev/null &
    server=$!
    at_end "kill -9 -$server 2>/dev/null"
    i=0
    until curl -s --max-time 60 -o /dev/null "http://127.0.0.1:$port/" || [ $i -ge 300 ]; do
        i=$((i + 1))
        sleep 1
    done
}
run wlpack push "$REGISTRY/php:7.4.33-server-aot"
status_is 0 "push 7.4.33-server-aot"
serve
run curl -s --max-time 300 "http://127.0.0.1:$port/"
out_like '^PHP 7\.4\.33 on WebAssembly .* serves /docroot' "the server's image serves its own page"
kill -9 "-$server"
echo '<?php echo $_SERVER["REQUEST_METHOD"], " ", strlen(file_get_contents("php://input")), "\n"; die();' >"$T/site/post.php"
serve -v /site:/docroot
run curl -s --max-time 300 --data-binary @"$scripts/demo" "http://127.0.0.1:$port/post.php"
out_is "POST $(wc -c <"$scripts/demo" | tr -d ' ')" "and a folder that is mounted there"
run curl -s --max-time 300 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/nosuch.css"
out_is 404 "what is not there is not there"
[ "$tap_bad" -eq 0 ] || sed 's/^/#   server: /' "$T/server.log"
kill -9 "-$server"

done_testing
