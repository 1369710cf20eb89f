"""A token server for the throw-away registry: gives out what a registry with "auth: token" takes.

Answers GET (the query of the registry's challenge, Basic credentials) and POST (OAuth 2 form:
grant_type password or refresh_token). Prints "listening on URL" on stdout, then one line per
request on stderr: method, user or "-", scopes, status.
"""
import argparse
import base64
import hmac
import http.server
import json
import secrets
import subprocess
import sys
import time
import urllib.parse

MAX_BODY = 64 * 1024


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(key, message):
    """RS256 by the openssl command, so that no package beyond python3 itself is needed."""
    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", key], input=message, stdout=subprocess.PIPE, check=True
    )
    return done.stdout


def certificate_der(path):
    """The body of a PEM file's only certificate, which is base64 of its DER form."""
    with open(path, encoding="ascii") as pem:
        return "".join(line.strip() for line in pem if not line.startswith("-----"))


def allowed(scopes, user):
    """The access list for these scopes: everything for a user, pull for anybody else."""
    access = []
    for scope in scopes:
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        granted = [a for a in actions.split(",") if user or a == "pull"]
        if granted:
            access.append({"type": kind, "name": name, "actions": granted})
    return access


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    options = None
    refresh = {}

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        header = self.headers.get("Authorization", "")
        user, good = "", True
        if header.startswith("Basic "):
            user, good = self.check(base64.b64decode(header[6:]).decode())
        self.answer(query, user, good)

    def do_POST(self):
        size = int(self.headers.get("Content-Length", "0"))
        if size > MAX_BODY:
            self.reply(413, {"error": "invalid_request"})
            return
        form = urllib.parse.parse_qs(self.rfile.read(size).decode())
        grant = form.get("grant_type", [""])[0]
        if grant == "password":
            user, good = self.check(form.get("username", [""])[0] + ":" + form.get("password", [""])[0])
        else:
            user = self.refresh.get(form.get("refresh_token", [""])[0], "")
            good = bool(user) and grant == "refresh_token"
        self.answer(form, user, good)

    def check(self, pair):
        good = hmac.compare_digest(pair.encode(), self.options.user.encode())
        return (pair.partition(":")[0] if good else ""), good

    def answer(self, query, user, good):
        scopes = [s for field in query.get("scope", []) for s in field.split()]
        if not good or not (user or self.options.anonymous_pull):
            self.note(user, scopes, 401)
            self.reply(401, {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]})
            return
        now = int(time.time())
        claims = {
            "iss": self.options.issuer,
            "sub": user,
            "aud": query.get("service", [self.options.service])[0],
            "iat": now,
            "nbf": now - 5,
            "exp": now + self.options.ttl,
            "jti": secrets.token_hex(8),
            "access": allowed(scopes, user),
        }
        head = {"typ": "JWT", "alg": "RS256", "x5c": [certificate_der(self.options.cert)]}
        text = b64url(json.dumps(head).encode()) + "." + b64url(json.dumps(claims).encode())
        token = text + "." + b64url(sign(self.options.key, text.encode()))
        body = {
            "token": token,
            "access_token": token,
            "expires_in": self.options.ttl,
            "issued_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
        }
        wants_refresh = query.get("offline_token", query.get("access_type", [""]))[0] in ("true", "offline")
        if user and wants_refresh:
            body["refresh_token"] = secrets.token_hex(16)
            self.refresh[body["refresh_token"]] = user
        self.note(user, scopes, 200)
        self.reply(200, body)

    def note(self, user, scopes, status):
        print(self.command, user or "-", ",".join(scopes) or "-", status, file=sys.stderr, flush=True)

    def reply(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="%s"' % self.options.service)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        """note() says it better."""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--key", required=True)
    parser.add_argument("--cert", required=True)
    parser.add_argument("--service", required=True)
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--user", required=True, help="USER:PASSWORD")
    parser.add_argument("--ttl", type=int, default=300)
    parser.add_argument("--anonymous-pull", action="store_true")
    Handler.options = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print("listening on http://127.0.0.1:%d/token" % server.server_address[1], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
