#!/usr/bin/env python3
"""faulty-registry.py [--percent N] [--seed N] [--hold N] [--stall BYTES]: a registry on loopback that fails a share of its requests, for the stress test.

Every request needs a token of its token server (an anonymous one will do). A failing request gets, in turn: 429 with Retry-After, 502,
a reset connection before its answer (its work done or not), a reset in its body, 401 (its token is taken back). GET /report
says as JSON what it has and what it cost; what is asked of /report and /token does not fail.

With --hold it takes no further step once it has N blobs, with --stall it stops in any body that is longer, behind so many bytes, until
/release is asked for: to interrupt a client in the middle, however fast or slow both are. The report's "held" says how many requests wait
so; "connections", how many connections there are: 1, the report's own, says that it has dealt with all that it had got."""

import argparse
import hashlib
import http.server
import json
import random
import re
import secrets
import socket
import struct
import sys
import threading
import urllib.parse


class State:
    def __init__(self, percent, seed, hold, stall):
        self.lock = threading.Lock()
        self.hold, self.stall, self.held, self.released = hold, stall, 0, threading.Event()
        self.connections = 0
        self.percent, self.random = percent, random.Random(seed)
        self.blobs, self.manifests, self.tags, self.tokens, self.sessions = {}, {}, {}, set(), set()
        self.requests, self.faults = 0, {}
        self.bytes_in, self.bytes_again, self.n = 0, 0, 0
        self.hit, self.bytes_hit = 0, 0  # requests that were under way with a token that another one's failure took back

    def wait(self):
        with self.lock:
            self.held += 1
        self.released.wait()
        with self.lock:
            self.held -= 1

    def fault(self, kinds):
        with self.lock:
            self.requests += 1
            if self.random.random() * 100 >= self.percent:
                return None
            kind = self.random.choice(kinds)
            self.faults[kind] = self.faults.get(kind, 0) + 1
            return kind


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state = None
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def reply(self, status, headers=(), body=b""):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def reset(self):
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def hit_by_another(self, size):
        self.state.hit += 1
        self.state.bytes_hit += size

    def challenge(self):
        self.reply(401, [("WWW-Authenticate", 'Bearer realm="http://%s/token",service="faulty"' % self.headers["Host"])])

    def handle_any(self):
        s = self.state
        path, _, query = self.path.partition("?")
        if path == "/report":
            return self.reply(200, [], json.dumps({
                "blobs": len(s.blobs), "manifests": len(s.manifests), "tags": s.tags, "requests": s.requests,
                "faults": s.faults, "bytes": s.bytes_in, "again": s.bytes_again, "hit": s.hit, "bytes_hit": s.bytes_hit,
                "held": s.held,
                "connections": s.connections}).encode())
        if path == "/release":
            s.released.set()
            return self.reply(200)
        if path == "/token":
            token = secrets.token_hex(8)
            with s.lock:
                s.tokens.add(token)
            return self.reply(200, [], json.dumps({"token": token, "expires_in": 300}).encode())
        size = int(self.headers.get("Content-Length", 0))
        kind = s.fault(["429", "502", "reset-after", "expired"] + (["reset-in-body"] if size > 1 else ["reset-before"]))
        if kind == "reset-in-body":
            with s.lock:
                s.bytes_in += size // 2
                s.bytes_again += size // 2
            self.rfile.read(size // 2)
            return self.reset()
        if s.stall and size > s.stall and not s.released.is_set():
            self.rfile.read(s.stall)
            s.wait()
            return self.reset()
        body = self.rfile.read(size)
        if s.hold and len(s.blobs) >= s.hold:
            s.wait()
        token = self.headers.get("Authorization", "")[7:]
        with s.lock:
            s.bytes_in += size
            if kind == "expired":
                s.tokens.discard(token)
            known = token in s.tokens
            if not known and token and kind != "expired":
                self.hit_by_another(size)
            elif size and (kind in ("429", "502", "reset-before") or not known):
                s.bytes_again += size
        if not known:
            return self.challenge()
        if kind == "429":
            return self.reply(429, [("Retry-After", "1" if s.random.random() < 0.2 else "0")])
        if kind == "502":
            return self.reply(502, [], b"<html>bad gateway</html>")
        if kind == "reset-before":
            return self.reset()
        with s.lock:
            answer = self.work(path, query, body)
        return self.reset() if kind == "reset-after" else self.reply(*answer)

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = handle_any

    def work(self, path, query, body):
        s = self.state
        if path == "/v2/":
            return 200, [], b"{}"
        m = re.match(r"/v2/(.+)/blobs/uploads/(\w*)$", path)
        if m and self.command == "POST":
            s.n += 1
            s.sessions.add(str(s.n))
            return 202, [("Location", "/v2/%s/blobs/uploads/%d" % (m.group(1), s.n))]
        if m and self.command == "PUT":
            digest = urllib.parse.parse_qs(query).get("digest", [""])[0]
            if m.group(2) not in s.sessions:
                return 404, [], b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}'
            s.sessions.discard(m.group(2))
            if digest != "sha256:" + hashlib.sha256(body).hexdigest():
                return 400, [], b'{"errors":[{"code":"DIGEST_INVALID"}]}'
            if digest in s.blobs:
                s.bytes_again += len(body)
            s.blobs[digest] = len(body)
            return 201, [("Docker-Content-Digest", digest)]
        m = re.match(r"/v2/.+/blobs/(sha256:[0-9a-f]{64})$", path)
        if m and self.command == "HEAD":
            if m.group(1) not in s.blobs:
                return 404, []
            return 200, [("Docker-Content-Digest", m.group(1))]
        m = re.match(r"/v2/.+/manifests/([^/]+)$", path)
        if m and self.command == "PUT":
            doc = json.loads(body)
            digest = "sha256:" + hashlib.sha256(body).hexdigest()
            if any(d["digest"] not in s.blobs for d in doc["layers"] + [doc["config"]]):
                return 404, [], b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}'
            s.manifests[digest] = body
            s.tags[m.group(1)] = digest
            return 201, [("Docker-Content-Digest", digest)]
        if m and m.group(1) in s.tags:
            return 200, [("Docker-Content-Digest", s.tags[m.group(1)])]
        return 404, [], b"{}"


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def process_request(self, request, client_address):
        with Handler.state.lock:
            Handler.state.connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        super().shutdown_request(request)
        with Handler.state.lock:
            Handler.state.connections -= 1

    def handle_error(self, request, client_address):
        """A connection that we or the client broke."""


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--percent", type=float, default=5)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--hold", type=int, default=0)
    p.add_argument("--stall", type=int, default=0)
    a = p.parse_args()
    Handler.state = State(a.percent, a.seed, a.hold, a.stall)
    server = Server(("127.0.0.1", 0), Handler)
    print("127.0.0.1:%d" % server.server_address[1], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


main()
