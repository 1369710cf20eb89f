#!/bin/sh
# php -S: the artefact with WasmEdge's sockets serves as native PHP's does, whatever scripts and clients do to it.
# FUZZ: how many malformed requests (default 1500). WLPACK_TEST_PHP: another recipe than php-7.4.33.
. "${0%/*}/../lib/tap.sh"
unset WLPACK_HOME
recipe=${WLPACK_TEST_PHP:-php-7.4.33}
version=${recipe#php-}
output=$T/out
lib=$top/tests/lib

run wlpack build "$recipe" --output "$output"
status_is 0 "wlpack build $recipe"
[ "$status" -eq 0 ] || done_testing
records=$(cat "$out")
for image in "php:$version-server" "php:$version-server-aot"; do
    ok "the image $image is among the records" sh -c "printf '%s\n' \"\$1\" | cut -f 2 | grep -qx '$image'" - "$records"
done

# A port that is free, and stays so unless somebody takes just that one.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
# start NAME ARGS...: `wlpack run` of the server artefact in a process group of its own, as a terminal's; its number in $server.
start() {
    log=$T/$1.log
    shift
    perl -e 'use POSIX; POSIX::setsid(); $SIG{INT} = "DEFAULT"; exec @ARGV' \
        "$WLPACK" run --output "$output" --artefact server "$@" >"$log" 2>&1 </dev/null &
    server=$!
    at_end "kill -9 -$server 2>/dev/null"
}
connects() {
    python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60)' "$1" 2>/dev/null
}
# answers PORT: waits until something accepts connections there, or the server has ended
answers() {
    here_or_gone() {
        connects "$1" || ! kill -0 "$server" 2>/dev/null
    }
    wait_until here_or_gone "$1"
    connects "$1"
}
get() {
    run curl -s --max-time 300 "$@"
}
# resident memory of the runtime, in KiB: the child of `wlpack run`
memory() {
    child=$(cut -d ' ' -f 1 "/proc/$server/task/$server/children")
    sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$child/status"
}
# how many descriptors it has open
descriptors() {
    find "/proc/$(cut -d ' ' -f 1 "/proc/$server/task/$server/children")/fd" -mindepth 1 | wc -l
}

site=$T/site
mkdir -p "$site/sub" "$site/empty" "$T/secret"
echo hello >"$site/hello.txt"
printf 'body { color: red }\n' >"$site/style.css"
head -c 5000000 /dev/urandom >"$site/big.bin"
echo '<?php echo "index ", $_SERVER["REQUEST_URI"], " ", $_SERVER["PATH_INFO"] ?? "-", " ", http_build_query($_GET), "\n";' >"$site/index.php"
echo '<p>static index</p>' >"$site/sub/index.html"
echo '<?php echo $_SERVER["REQUEST_METHOD"], " ", $_SERVER["CONTENT_TYPE"] ?? "none", " ", strlen($b = file_get_contents("php://input")), " ", md5($b), " ", json_encode($_POST), "\n";' >"$site/post.php"
echo '<?php $f = $_FILES["f"]; echo $f["name"], " ", $f["error"], " ", $f["size"], " ", md5_file($f["tmp_name"]), " ", $_POST["k"], " ", (int) move_uploaded_file($f["tmp_name"], __DIR__ . "/moved"), "\n";' >"$site/upload.php"
echo '<?php header("X-Test: yes"); http_response_code(418); setcookie("a", "b"); echo "tea\n";' >"$site/header.php"
echo '<?php echo "before "; function f() { register_shutdown_function(function () { echo " shutdown"; }); die("dead"); } f();' >"$site/die.php"
echo '<?php function f() { exit(3); } f();' >"$site/exit.php"
echo '<?php echo "before\n"; nosuch();' >"$site/fatal.php"
echo '<?php throw new Exception("thrown");' >"$site/throw.php"
echo '<?php syntax error' >"$site/parse.php"
echo '<?php ini_set("memory_limit", "16M"); $s = "x"; while (true) { $s .= $s; }' >"$site/memory.php"
echo '<?php function f($n) { return array_map("f", [$n + 1]); } f(0);' >"$site/deep.php"
echo '<?php session_save_path(sys_get_temp_dir()); session_start(); echo $_SESSION["n"] = ($_SESSION["n"] ?? 0) + 1;' >"$site/session.php"
echo '<?php usleep((int) ($_GET["ms"] ?? 0) * 1000); echo "id ", $_GET["id"], "\n";' >"$site/id.php"
echo '<?php echo str_repeat("0123456789abcdef", 400000);' >"$site/large.php"
echo '<?php phpinfo();' >"$site/info.php"
cat >"$T/router.php" <<'PHP'
<?php
if (preg_match('#^/api/(\w+)#', $_SERVER['REQUEST_URI'], $m)) {
    echo "api $m[1]\n";
    return true;
}
return false;
PHP

port=$(free_port)
url=http://127.0.0.1:$port
start main -v "$site:/docroot" -v /tmp:/tmp -p "$port:$port" "$recipe" -- -S "127.0.0.1:$port" -t /docroot
ok "php -S listens" answers "$port"

# --- files ---
get -i "$url/hello.txt"
tr -d '\r' <"$out" >"$T/answer"
ok "a static file: 200" grep -qx 'HTTP/1.1 200 OK' "$T/answer"
ok "its type" grep -qx 'Content-Type: text/plain; charset=UTF-8' "$T/answer"
ok "its length" grep -qx 'Content-Length: 6' "$T/answer"
is "$(tail -n 1 "$T/answer")" hello "its content"
get "$url/big.bin"
ok "five million bytes, byte for byte" cmp -s "$out" "$site/big.bin"
get -I "$url/hello.txt"
out_like '200 OK' "HEAD"
get "$url/sub/"
out_is '<p>static index</p>' "index.html of a folder"
get -o /dev/null -w '%{http_code}' "$url/nosuch.txt"
out_is 404 "no such file"
get -o /dev/null -w '%{http_code}' "$url/empty/nosuch.css"
out_is 404 "no such file in a folder without an index"

# --- scripts ---
get "$url/"
out_is 'index / - ' "index.php"
get "$url/index.php/path/info?a=1&b[]=2"
out_is 'index /index.php/path/info?a=1&b[]=2 /path/info a=1&b%5B0%5D=2' "PATH_INFO and the query string"
get -i "$url/header.php"
out_like '^HTTP/1.1 418 ' "the status that a script sets"
out_like '^X-Test: yes' "a header"
out_like '^Set-Cookie: a=b' "a cookie"
get -c "$T/jar" -b "$T/jar" "$url/session.php"
get -c "$T/jar" -b "$T/jar" "$url/session.php"
out_is 2 "a session lasts from one request to the next"
get "$url/large.php"
is "$(wc -c <"$out" | tr -d ' ')" 6400000 "an answer of 6.4 million bytes"
get "$url/info.php"
out_like 'Built-in HTTP server' "phpinfo() says what serves"

# --- bodies ---
get -d 'a=1&b[]=x&b[]=y' "$url/post.php"
out_is "POST application/x-www-form-urlencoded 15 $(printf 'a=1&b[]=x&b[]=y' | md5sum | cut -d ' ' -f 1) {\"a\":\"1\",\"b\":[\"x\",\"y\"]}" "a form"
get -H 'Content-Type: application/json' --data-binary "@$site/big.bin" "$url/post.php"
out_is "POST application/json 5000000 $(md5sum <"$site/big.bin" | cut -d ' ' -f 1) []" "five million bytes"
get -H 'Content-Type:' --data-binary x "$url/post.php"
out_like '^POST none 1 ' "a body without a type does not have that of the request before"
get -H 'Transfer-Encoding: chunked' -H 'Content-Type: text/plain' --data-binary "@$site/hello.txt" "$url/post.php"
out_is "POST text/plain 6 $(md5sum <"$site/hello.txt" | cut -d ' ' -f 1) []" "a body in chunks"
head -c 1500000 "$site/big.bin" >"$T/up load.bin"
get -F k=v -F "f=@$T/up load.bin" "$url/upload.php"
out_is "up load.bin 0 1500000 $(md5sum <"$T/up load.bin" | cut -d ' ' -f 1) v 1" "an upload"
ok "it was moved where the script wanted it" cmp -s "$T/up load.bin" "$site/moved"
get -X PUT --data-binary abc "$url/post.php"
out_like '^PUT application/x-www-form-urlencoded 3 ' "PUT"
get "$url/hello.txt" "$url/id.php?id=1" "$url/hello.txt"
out_is 'hello
id 1
hello' "a client that wants to keep the connection gets one answer after the other"

# --- scripts that end badly ---
get "$url/die.php"
out_is 'before dead shutdown' "die() in a function"
get -o /dev/null -w '%{http_code}' "$url/exit.php"
out_is 200 "exit(3) in a function"
get "$url/fatal.php"
out_like 'Call to undefined function nosuch' "a fatal error"
get "$url/throw.php"
out_like 'Uncaught Exception: thrown' "an exception that nobody catches"
get "$url/parse.php"
out_like 'syntax error' "a parse error"
get "$url/memory.php"
out_like 'Allowed memory size of 16777216 bytes exhausted' "too much memory"
get "$url/deep.php"
out_like 'Maximum .*stack|stack size|Allowed memory size|nesting' "recursion without an end"
get "$url/hello.txt"
out_is hello "and the server is there"

# --- many clients ---
cat >"$T/clients.py" <<'PY'
import http.client, sys, threading
port, clients, requests = (int(a) for a in sys.argv[1:4])
bad = []
def client(number):
    for i in range(requests):
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        try:
            name = f"{number}-{i}"
            c.request("GET", f"/id.php?id={name}&ms={number % 2}" if i % 3 else "/hello.txt", headers={"Connection": "keep-alive"})
            body = c.getresponse().read()
            if body != (f"id {name}\n".encode() if i % 3 else b"hello\n"):
                bad.append((name, body[:100]))
        except OSError as e:
            bad.append((number, i, repr(e)))
        c.close()
threads = [threading.Thread(target=client, args=(n,)) for n in range(clients)]
for t in threads: t.start()
for t in threads: t.join()
print(clients * requests - len(bad), "right", *bad[:3])
PY
run python3 "$T/clients.py" "$port" 16 30
out_is '480 right' "sixteen clients at a time: each gets its own answer"
cat >"$T/slow.py" <<'PY'
import socket, sys
port = int(sys.argv[1])
slow = []
for i in range(200):
    s = socket.create_connection(("127.0.0.1", port), 300)
    s.sendall(b"GET /hello.txt HT")
    slow.append(s)
# they do not go on before this one has its answer
s = socket.create_connection(("127.0.0.1", port), 300)
s.sendall(b"GET /hello.txt HTTP/1.0\r\n\r\n")
answer = s.recv(10000)
while b"hello" not in answer: answer += s.recv(10000)
print("answered")
right = 0
for s in slow:
    s.sendall(b"TP/1.0\r\n\r\n")
for s in slow:
    answer = b""
    while True:
        got = s.recv(10000)
        if not got: break
        answer += got
    right += answer.endswith(b"\r\n\r\nhello\n")
print(right)
PY
run python3 "$T/slow.py" "$port"
out_is 'answered
200' "200 clients that stop in the middle keep nobody waiting, and are served when they go on"

# --- what a long life leaves ---
load() {
    run ab -q -n "$1" -c 8 "$url$2"
    is "$(sed -n 's/^Complete requests: *//p' "$out") $(sed -n 's/^Failed requests: *//p' "$out")" "$1 0" "$1 requests for $2"
}
load 500 /id.php?id=1
load 500 /die.php
load 500 /fatal.php
load 500 /hello.txt
open=$(descriptors)
before=$(memory)
load 2500 /die.php
load 2500 /fatal.php
load 2500 /id.php?id=1
load 2500 /hello.txt
after=$(memory)
echo "# memory: $before KiB, after 10,000 requests more $after KiB"
ok "10,000 requests leave no memory behind" test $((after - before)) -lt 1024
is "$(descriptors)" "$open" "and no descriptor"

# --- what clients get wrong ---
run python3 "$lib/http-fuzz.py" "$port" "${FUZZ:-1500}" 86
status_is 0 "${FUZZ:-1500} malformed requests"
before=$(memory)
run python3 "$lib/http-fuzz.py" "$port" "${FUZZ:-1500}" 87
status_is 0 "and as many more"
after=$(memory)
echo "# memory: $before KiB, after the second round $after KiB"
ok "leave no memory behind" test $((after - before)) -lt 1024
is "$(descriptors)" "$open" "and no descriptor"
get "$url/id.php?id=7"
out_is 'id 7' "and the server is there"

# --- what leads out of the docroot ---
echo secret >"$T/secret/file.txt"
echo '<?php echo "secret";' >"$T/secret/run.php"
ln -s "$T/secret/file.txt" "$site/absolute.txt"
ln -s ../secret/file.txt "$site/relative.txt"
ln -s ../secret "$site/folder"
ln -s "$T/secret" "$site/absolute-folder"
ln -s /etc/passwd "$site/passwd"
ln -s ../secret/run.php "$site/run.php"
ln -s hello.txt "$site/inside.txt"
ln -s loop "$site/loop"
for path in absolute.txt relative.txt folder/file.txt folder/run.php absolute-folder/file.txt passwd run.php loop \
    ../secret/file.txt %2e%2e/secret/file.txt sub/..%2f..%2fsecret/file.txt folder/../secret/file.txt; do
    get --path-as-is "$url/$path"
    out_unlike 'secret$|root:' "/$path gives nothing away"
done
get "$url/inside.txt"
out_is hello "a link inside is followed"
ln -s inside.txt "$site/chain.txt"
get "$url/chain.txt"
out_is hello "and a chain of them"

# --- the end ---
port2=$port
start taken -v "$site:/docroot" "$recipe" -- -S "127.0.0.1:$port2" -t /docroot
wait "$server"
is $? 1 "a port that is taken: exit code 1"
ok "and the reason" grep -q "Failed to listen on 127.0.0.1:$port2 (reason: Address in use)" "$log"
for bad in 127.0.0.1:99999 nosuch 256.1.1.1:80 192.0.2.1:80; do
    start bad -v "$site:/docroot" "$recipe" -- -S "$bad" -t /docroot
    wait "$server"
    is $? 1 "an address that cannot be: $bad"
done
run wlpack run --output "$output" -v "$site:/docroot" "$recipe" -- -S 127.0.0.1:1 -t /docroot
status_is 1 "the plain flavour"
err_like 'Failed to listen on 127.0.0.1:1 \(reason: Function not implemented\)' "says that it has no sockets"

port2=$(free_port)
# router: a server with a script as router, on $port2
router() {
    start router -v "$T:/t" -v "$site:/docroot" "$recipe" -- -S "127.0.0.1:$port2" -t /docroot /t/router.php
    answers "$port2"
}
ok "with a script as router" router
get "http://127.0.0.1:$port2/api/users"
out_is 'api users' "it answers"
get "http://127.0.0.1:$port2/hello.txt"
out_is hello "or leaves a file to the server"
# ctrl_c: how it ends in $code, after how many nanoseconds in $took
ctrl_c() {
    before=$(date +%s%N)
    kill -INT "-$server"
    wait "$server"
    code=$?
    took=$(($(date +%s%N) - before))
}
ctrl_c
is "$code" 130 "Ctrl-C ends the server: exit code 130"
for again in 1 2; do # a busy machine may be late once
    [ $took -ge 2000000000 ] || break
    echo "# $took ns, once more ($again)"
    router
    ctrl_c
done
ok "at once" test $took -lt 2000000000
start again -v "$site:/docroot" "$recipe" -- -S "127.0.0.1:$port2" -t /docroot
ok "the port can be taken again right after" answers "$port2"
kill -TERM "-$server"
wait "$server"
is $? 143 "SIGTERM ends it too"
start six -v "$site:/docroot" "$recipe" -- -S "[::1]:$port2" -t /docroot
six() {
    curl -s -g --max-time 60 "http://[::1]:$port2/hello.txt" >"$out" 2>"$err" || ! kill -0 "$server" 2>/dev/null
}
wait_until six
out_is hello "over IPv6"

# --- sockets of scripts ---
cat >"$site/sockets.php" <<'PHP'
<?php
function check($name, $right) {
    echo $right ? 'ok' : 'not ok', " - $name\n";
}
$server = stream_socket_server('tcp://127.0.0.1:0', $no, $why);
$name = stream_socket_get_name($server, false);
check('a server has a name', preg_match('/^127\.0\.0\.1:[1-9]\d+$/', $name));
check('its port is taken', @stream_socket_server("tcp://$name", $no, $why) === false && $why === 'Address in use');
$client = stream_socket_client("tcp://$name", $no, $why, 5);
$peer = stream_socket_accept($server, 5, $from);
check('both ends know each other', $from === stream_socket_get_name($client, false) && stream_socket_get_name($client, true) === $name);
fwrite($client, "hello\nrest");
check('a line arrives', fgets($peer) === "hello\n");
check('and what follows', fread($peer, 100) === 'rest');
$read = [$peer, $server];
$write = $except = null;
check('select: nothing to read', stream_select($read, $write, $except, 0, 10000) === 0 && $read === []);
fwrite($client, 'x');
$read = [$server, $peer];
$write = [$client];
check('select: one to read, one to write', stream_select($read, $write, $except, 5) === 2 && $read === [1 => $peer] && $write === [$client]);
check('peek', stream_socket_recvfrom($peer, 10, STREAM_PEEK) === 'x' && fread($peer, 10) === 'x');
stream_set_blocking($peer, false);
check('without blocking: nothing', fread($peer, 10) === '' && !feof($peer));
stream_set_blocking($peer, true);
stream_set_timeout($peer, 0, 50000);
check('a time limit', fread($peer, 10) === (PHP_VERSION_ID < 80000 ? '' : false) && stream_get_meta_data($peer)['timed_out']);
$data = random_bytes(3000000);
stream_set_blocking($client, false);
stream_set_blocking($peer, false);
for ($sent = 0, $got = ''; strlen($got) < strlen($data);) {
    $read = [$peer];
    $write = $sent < strlen($data) ? [$client] : [];
    if (!stream_select($read, $write, $except, 5)) {
        break;
    }
    $sent += $write ? (int) fwrite($client, substr($data, $sent, 200000)) : 0;
    $got .= $read ? fread($peer, 200000) : '';
}
check('three million bytes through one connection', $got === $data);
stream_socket_shutdown($client, STREAM_SHUT_WR);
stream_set_blocking($peer, true);
check('the end is seen', fread($peer, 10) === '' && feof($peer));
fwrite($peer, 'still');
stream_set_blocking($client, true);
check('the other direction is open', fread($client, 5) === 'still');
fclose($peer);
fwrite($client, 'a');
usleep(50000);
check('writing to a closed connection fails', @fwrite($client, 'b') === false);
$pairs = [];
for ($i = 0; $i < 200; $i++) {
    $pairs[] = [stream_socket_client("tcp://$name"), stream_socket_accept($server, 5)];
    fwrite($pairs[$i][0], "number $i");
}
$read = array_column($pairs, 1);
check('200 connections at a time', stream_select($read, $write, $except, 5) === 200 && fread($pairs[137][1], 100) === 'number 137');
unset($pairs);
check('nobody comes', @stream_socket_accept($server, 0.05) === false);
check('refused', @stream_socket_client('tcp://127.0.0.1:1', $no, $why, 5) === false && $why === 'Connection refused');
check('no such host', @fsockopen('nosuch.invalid', 80, $no, $why, 5) === false);
check('localhost', is_resource(fsockopen('localhost', (int) explode(':', $name)[1])));
check('gethostbyname', gethostbyname('localhost') === '127.0.0.1' && gethostbyname('nosuch.invalid') === 'nosuch.invalid');
check('a page over http', file_get_contents("http://127.0.0.1:$argv[1]/id.php?id=http") === "id http\n");
check('headers over http', preg_match('#^HTTP/1.[01] 418 #', get_headers("http://127.0.0.1:$argv[1]/header.php")[0]));
$udp = stream_socket_server('udp://127.0.0.1:0', $no, $why, STREAM_SERVER_BIND);
$sender = stream_socket_client('udp://' . stream_socket_get_name($udp, false));
fwrite($sender, 'datagram');
$said = stream_socket_recvfrom($udp, 100, 0, $from);
check('a datagram', $said === 'datagram' && $from === stream_socket_get_name($sender, false));
stream_socket_sendto($udp, 'answer', 0, $from);
check('and its answer', fread($sender, 100) === 'answer');
check('no socket files', @stream_socket_server('unix:///docroot/socket', $no, $why) === false && $why !== '');
check('no pairs', @stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0) === false);
PHP
run wlpack run --output "$output" --artefact server -v "$site:/docroot" "$recipe" -- /docroot/sockets.php "$port"
status_is 0 "sockets of a script"
out_unlike '^not ok' "all as they should be"
is "$(grep -c '^ok' "$out")" "$(grep -c "check('" "$site/sockets.php")" "every one of them was tried"
run wlpack run --output "$output" -v "$site:/docroot" "$recipe" -- -r 'var_dump(stream_socket_client("tcp://127.0.0.1:80", $no, $why), $why, stream_socket_server("tcp://127.0.0.1:0", $no, $why), $why);'
status_is 0 "sockets in the plain flavour"
is "$(grep -cx 'string(24) "Function not implemented"' "$out")" 2 "fail with a reason"

# --- PHP's own tests of its server: the server is ours, the tests are led by the php that is here ---
archive=$("$WLPACK" fetch "$recipe" 2>/dev/null | tail -n 1 | cut -f 2)
mkdir "$T/php"
tar -xf "$archive" -C "$T/php" --strip-components=1
PHP_GUEST_WASMEDGE=$(wlpack kit which wasmedge wasmedge)
export PHP_GUEST_WASMEDGE
printf '#!/bin/sh\nexec "%s" wasmedge "%s" "$@"\n' "$top/scripts/php-guest" "$output/$recipe/bin/php-server-aot.wasm" >"$T/guest"
printf '#!/bin/sh\nTEST_PHP_EXECUTABLE="%s" exec php "$@"\n' "$T/guest" >"$T/lead"
chmod +x "$T/guest" "$T/lead"
cd "$T/php" || exit 1
# however busy this machine is
sed -i 's/< 120;/< 2400;/; s/$i *< *60;/$i < 1200;/' sapi/cli/tests/php_cli_server.inc
sed -i "s/8964/$(free_port)/" sapi/cli/tests/php_cli_server.inc sapi/cli/tests/php_cli_server_002.phpt
# Left out: upload_2G is slow and wants more memory than there is; the other three hold warnings of the client, which is the leading
# PHP, against those of the branch.
tests=$(grep -l php_cli_server_start sapi/cli/tests/*.phpt tests/basic/*.phpt ext/standard/tests/*/*.phpt |
    grep -vE '(upload_2G|bug69655|bug70264|bug73630a)\.phpt')
# phpt TEST...: runs them; those that do not pass go to $T/bad
phpt() {
    TEST_PHP_EXECUTABLE=$T/lead NO_INTERACTION=1 run php run-tests.php -q -p "$T/lead" "$@"
    sed -n 's/.*\(FAIL\|SKIP\|XFAIL\|BORK\|WARN\|LEAK\) .*\[\(.*\.phpt\)\].*/\2/p' "$out" | sort -u >"$T/bad"
}
# shellcheck disable=SC2086 # names without blanks
phpt $tests
passed=$(sed -n 's/^Tests passed *: *\([0-9]*\).*/\1/p' "$out")
# Some allow an answer a second: those that did not pass get another chance, on a busy machine more than one.
for again in 1 2 3; do
    [ -s "$T/bad" ] || break
    echo "# once more ($again): $(tr '\n' ' ' <"$T/bad")"
    # shellcheck disable=SC2046
    phpt $(cat "$T/bad")
    passed=$((passed + $(sed -n 's/^Tests passed *: *\([0-9]*\).*/\1/p' "$out")))
done
echo "# $passed of $(echo "$tests" | wc -l) tests pass"
ok "PHP's own tests of its server were run" test "$passed" -gt 40
is "$(cat "$T/bad")" "" "and pass"

done_testing
