#!/usr/bin/env python3
"""connect-proxy.py HOST:PORT=ADDRESS...: an HTTP proxy on loopback that only knows CONNECT, and only to the names given. Prints its
address, then each name that was asked for on stderr."""

import socket
import socketserver
import sys
import threading

PLACES = dict(a.split("=", 1) for a in sys.argv[1:])


def pump(a, b):
    try:
        while chunk := a.recv(65536):
            b.sendall(chunk)
    except OSError:
        pass
    for s in (a, b):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        words = self.rfile.readline().decode().split()
        while self.rfile.readline().strip():
            pass
        name = words[1] if len(words) > 1 else "-"
        print(name, file=sys.stderr, flush=True)
        if words[:1] != ["CONNECT"] or name not in PLACES:
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        host, _, port = PLACES[name].rpartition(":")
        with socket.create_connection((host, int(port))) as there:
            self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            back = threading.Thread(target=pump, args=(there, self.connection), daemon=True)
            back.start()
            pump(self.connection, there)
            back.join()


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


server = Server(("127.0.0.1", 0), Handler)
print("%s:%d" % server.server_address, flush=True)
server.serve_forever()
