"""http-fuzz.py PORT REQUESTS SEED: what a web server must survive.

Sends that many requests that are wrong in some way to 127.0.0.1:PORT: cut off, mutated, out of order, too long, in pieces, with
lengths that lie, connections broken off at any point. After every hundred a proper request for /hello.txt has to be answered
within SECONDS. Exits 1 and says after which request the server failed; the same seed sends the same requests.
"""
import errno
import random
import socket
import struct
import sys

SECONDS = 60
CHECK_EVERY = 100

METHODS = [b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"CONNECT", b"PROPFIND", b"M-SEARCH", b"FOO", b"get", b"", b"G" * 300]
PATHS = [
    b"/", b"/hello.txt", b"/post.php", b"/die.php", b"/fatal.php", b"/nosuch", b"/../../etc/passwd", b"/%2e%2e/%2e%2e/etc/passwd",
    b"/%00", b"/hello.txt%00.php", b"//", b"/./././", b"/a/../../../..", b"/%", b"/%zz", b"/?a=b&c[]=d", b"?x", b"*", b"",
    b"http://127.0.0.1/hello.txt", b"http://", b"https://[::1]:99999/", b"/hello.txt#frag", b"/" + b"a" * 5000, b"/" + b"x/" * 2000,
    b"/\xff\xfe", b"/hello.txt?" + b"q=1&" * 3000, b"/sub/index.php/path/info", b"/.htaccess", b"/post.php/..", b"\\..\\..", b"/a b",
]
VERSIONS = [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/99999.1", b"HTTP/1.", b"HTTP/", b"", b"HTTP/1.1 x", b"http/1.1"]
HEADERS = [
    b"Host: x", b"Host: ", b"Host", b": value", b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 99999999999999999999",
    b"Content-Length: 2147483647", b"Content-Length: 4294967296", b"Content-Length: 4000000000", b"Content-Length: abc",
    b"Content-Length: 5\r\nContent-Length: 7", b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunkedx", b"Connection: keep-alive",
    b"Connection:", b"Connection: close", b"Connection: Upgrade", b"Upgrade: websocket", b"Expect: 100-continue", b"Cookie: a=b; c",
    b"Authorization: Basic !!!", b"Authorization: Digest " + b"x=" * 200, b"Content-Type: multipart/form-data",
    b"Content-Type: multipart/form-data; boundary=x", b"Content-Type: application/x-www-form-urlencoded", b"X: " + b"y" * 9000,
    b"Z" * 9000 + b": 1", b" folded: no", b"X: a\r\n b", b"X: \x00\x01\x02", b"\xff\xff: \xff", b"Range: bytes=0-", b"X:\r", b"X: a\nY: b",
    b"If-Modified-Since: never", b"Content-Type: multipart/form-data; boundary=" + b"b" * 6000, b"x: 1\r\nX: 2\r\nx: 3",
]
BODIES = [
    b"", b"hello", b"a=b&c=d", b"a[" * 500 + b"=1", b"0\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n", b"ffffffffffffffff\r\nx", b"7fffffff\r\n",
    b"80000000\r\nabc", b"5;ext=1\r\nhello\r\n0\r\nTrailer: x\r\n\r\n", b"-1\r\n", b"zz\r\n", b"5\r\nhel", b"\x00" * 3000,
    b"--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\ndata\r\n--x--\r\n",
    b"--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\r\n\r\n", b"--x\r\n\r\n--x\r\n--x", b"--x" * 900,
    b"GET /hello.txt HTTP/1.1\r\nHost: x\r\n\r\n" * 3,
]
OTHER = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x80" * 400, b"\x80\x2e\x01", b"\r\n" * 3000, b"\x00" * 100, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n", b"GET", b"G", b"", b"\n", b"A" * 100000, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20000,
]


def request(r):
    if r.random() < 0.06:
        return r.choice(OTHER)
    line = b" ".join((r.choice(METHODS[:2]) if r.random() < 0.6 else r.choice(METHODS), r.choice(PATHS), r.choice(VERSIONS[:2]) if r.random() < 0.7 else r.choice(VERSIONS)))
    headers = [r.choice(HEADERS) for _ in range(r.choice((0, 1, 1, 2, 3, 5, 12)))]
    eol = b"\r\n" if r.random() < 0.9 else r.choice((b"\n", b"\r", b"\n\r", b"\r\r\n"))
    data = bytearray(eol.join([line] + headers) + eol * 2 + r.choice(BODIES))
    if r.random() < 0.3:
        for _ in range(r.randint(1, 8)):
            at = r.randrange(len(data) + 1)
            what = r.randrange(4)
            if what == 0 and at < len(data):
                data[at] = r.randrange(256)
            elif what == 1:
                data[at:at] = bytes(r.randrange(256) for _ in range(r.randint(1, 20)))
            elif what == 2:
                del data[at:at + r.randint(1, 50)]
            else:
                data[at:at] = data[at:at + r.randint(1, 200)]
    if r.random() < 0.15:
        del data[r.randrange(len(data) + 1):]
    return bytes(data)


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=SECONDS)


def send(port, data, r):
    s = connect(port)
    try:
        if r.random() < 0.15 and len(data) > 1:
            at = r.randrange(1, len(data))
            s.sendall(data[:at])
            if r.random() < 0.5:
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            s.sendall(data[at:])
        else:
            s.sendall(data)
        end = r.random()
        if end < 0.1:
            # broken off: the server finds a connection that is reset
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif end < 0.2:
            pass
        else:
            s.shutdown(socket.SHUT_WR)
            while s.recv(65536):
                pass
    except OSError as e:
        # that the server closes is an answer, that it hangs is none
        if not isinstance(e, ConnectionError) and e.errno != errno.ENOTCONN:
            raise
    finally:
        s.close()


def alive(port):
    s = connect(port)
    s.sendall(b"GET /hello.txt HTTP/1.0\r\n\r\n")
    answer = b""
    while True:
        got = s.recv(65536)
        if not got:
            break
        answer += got
    s.close()
    return answer.startswith(b"HTTP/1.0 200") and answer.endswith(b"\r\n\r\nhello\n")


def main():
    port, n, seed = (int(a) for a in sys.argv[1:4])
    r = random.Random(seed)
    data = b""
    for i in range(n):
        try:
            data = request(r)
            send(port, data, r)
            if (i + 1) % CHECK_EVERY == 0 or i + 1 == n:
                assert alive(port), "a proper request got no proper answer"
        except (OSError, AssertionError) as e:
            print(f"request {i} of seed {seed}: {e!r}\n{data[:500]!r}")
            return 1
    print(f"{n} requests of seed {seed}, and the server answers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
