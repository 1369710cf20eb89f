#!/usr/bin/env python3
"""registry-case.py WLPACK CASE: runs wlpack against a scripted registry and checks both.

A case is a text file. Lines:

  # comment
  run: push @host/app:1       the command line of wlpack; @-words are replaced everywhere, see below
  status: 4                   the exit code expected (default 0)
  stdout: REGEX               must be found; "stdout!: REGEX" must not; the same for stderr. Several are allowed.
  auth: KEY user:password     an entry of docker's config.json (KEY: @host, @host/team ...)
  auth-json: TEXT             the whole config.json
  image: index 2              app:1 is an index of 2 images (default: one image)
  image: pad 4000000          its manifest has an annotation of so many bytes
  image: layer 5000000        its layer has so many bytes
  image: artifact             beside it a manifest whose subject it is: @artifact, its blob @note; @fallback: the tag
  env: NAME=value             an environment variable of wlpack
  local: none                 the local store starts empty (for pulls)
  local: also PATH            app:1 has the name @host/PATH:1 as well
  stored: @layer              the blob must be in the local store afterwards; "stored!:" must not
  damage: @layer              one byte of the local blob is flipped before the run
  file: PATH REGEX            a file below the home must hold it; "file!: PATH" must not exist
  rest: registry              what is not scripted is answered by a small correct registry; without this line every
                              request must be scripted. "rest2:" is the same for the second port, a registry of its own
  flaky: 2                    it answers 503 to the first two of each request (method, path and digest), asking for no delay
  referrers: api              the small registries know the referrers API
  have: @layer                that registry has the blob, manifest or all to begin with (have: all tags app:1)
  ---                         what stands below is only expected once everything above has come

  > METHOD PATH?QUERY         a request that must come, at the second port with ">2"; its lines:
  > Name: value               a header that it must have, exactly
  > !Name                     a header that it must not have
  > body: @layer              the body that it must have (@layer, @config, @manifest or text)
  > after 3                   it must not come earlier than three seconds after the scripted request before it
  > whenever                  another worker's: what stands below "---" does not wait for it, but it must come
  < 201                       the answer's status; then
  < Name: value               its headers
  < body: text                its body (\\n, \\e, \\\" as in Python); @layer, @config, @manifest: those bytes
  < cut 100                   announce the whole body and hang up behind 100 bytes
  < hangup                    read the request and hang up without an answer
  < hangup-early              hang up without reading the body
  < hangup-after 3000000      read so many bytes of the body and hang up
  < endless                   a body that does not end
  < silence                   no answer at all
  < trickle                   the body byte by byte, three a second
  < header-flood              header lines that do not end
  < registry                  as the small registry would answer, with the headers above added

@host and @other: the two ports; @layer, @config, @manifest, @root: digests; @NAME.hex, @NAME.size, @NAME.last (its last offset). Bodies also know
@badconfig, @badlayer (other bytes of the same length), @layertail (from byte 1000) and @layerfrom1500000.
"""

import http.server
import importlib.util
import json
import math
import os
import re
import shlex
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import hashlib
import urllib.parse

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
TIMEOUT = 600  # seconds; more than any machine needs, for what would never end


class Expectation:
    def __init__(self, port, method, path, group):
        self.port, self.method, self.path, self.group = port, method, path, group
        self.headers, self.absent, self.body = [], [], None
        self.status, self.reply_headers, self.reply_body = 200, [], b""
        self.cut = None
        self.mode = None
        self.used = False
        self.after = 0
        self.whenever = False

    def __str__(self):
        return "%s %s%s" % (self.method, self.path, " (second port)" if self.port else "")


class Case:
    def __init__(self, path, words):
        self.run, self.status, self.rest, self.auth_json = "", 0, None, None
        self.checks, self.auth, self.have, self.stored, self.damage, self.files = [], [], [], [], [], []
        self.image, self.local, self.flaky = {}, True, 0
        self.also = None
        self.env, self.rest2, self.have2, self.referrers = [], None, [], False
        self.expect = []
        self.title = ""
        self.words = words
        with open(path) as f:
            self.lines = f.read().splitlines()

    def sub(self, text):
        def word(m):
            if m.group(1) not in self.words:
                raise ValueError("unknown word @" + m.group(1))
            return self.words[m.group(1)]
        return re.sub(r"@([a-z][a-z0-9]*(?:\.[a-z]+)?)", word, text)

    def early(self):
        """What must be known before the image is made."""
        for line in self.lines:
            m = re.match(r"image: (\w+)(?: (\d+))?$", line)
            if m:
                self.image[m.group(1)] = int(m.group(2) or 1)
            if line.startswith("# ") and not self.title:
                self.title = line[2:]

    def parse(self, bodies):
        group = 0
        current = None
        for n, line in enumerate(self.lines, 1):
            line = line.rstrip()
            if not line or line.startswith("#"):
                continue
            if line == "---":
                group += 1
                continue
            if line[0] == ">":
                current = self.request(line, current, group, bodies)
            elif line[0] == "<":
                self.reply(line[1:].strip(), current, bodies)
            else:
                key, _, value = line.partition(": ")
                self.setting(key, value, n)

    def setting(self, key, value, n):
        if key == "run":
            self.run = self.sub(value)
        elif key == "status":
            self.status = int(value)
        elif key in ("stdout", "stdout!", "stderr", "stderr!"):
            self.checks.append((key, self.sub(value)))
        elif key == "auth":
            self.auth.append(self.sub(value).split(" ", 1))
        elif key == "auth-json":
            self.auth_json = self.sub(value)
        elif key in ("stored", "stored!"):
            self.stored.append((key == "stored", self.sub(value)))
        elif key in ("file", "file!"):
            self.files.append((key == "file", self.sub(value)))
        elif key == "damage":
            self.damage.append(self.sub(value))
        elif key == "have":
            self.have.append(value)
        elif key == "have2":
            self.have2.append(value)
        elif key == "rest":
            self.rest = value
        elif key == "rest2":
            self.rest2 = value
        elif key == "flaky":
            self.flaky = int(value)
        elif key == "referrers":
            self.referrers = value == "api"
        elif key == "env":
            self.env.append(self.sub(value).split("=", 1))
        elif key == "local":
            self.local = value != "none"
            self.also = value[5:] if value.startswith("also ") else None
        elif key != "image":
            raise ValueError("line %d: unknown key %r" % (n, key))

    def request(self, line, current, group, bodies):
        port = 1 if line.startswith(">2") else 0
        text = line[2 if port else 1:].strip()
        if not (text.startswith("body: @") and text[7:] in bodies):
            text = self.sub(text)
        m = re.match(r"([A-Z]+) ((?:/|http://)\S*)$", text)
        if m:
            e = Expectation(port, m.group(1), m.group(2), group)
            self.expect.append(e)
            return e
        if text.startswith("!"):
            current.absent.append(text[1:].lower())
        elif text == "whenever":
            current.whenever = True
        elif text.startswith("after "):
            current.after = int(text[6:])
        elif text.startswith("body:"):
            raw = line.partition("body:")[2].strip()
            current.body = bodies[raw[1:]] if raw[:1] == "@" and raw[1:] in bodies else text[5:].strip().encode()
        else:
            name, _, value = text.partition(":")
            current.headers.append((name.lower(), value.strip()))
        return current

    def reply(self, raw, e, bodies):
        if re.match(r"\d{3}$", raw):
            e.status = int(raw)
        elif raw.startswith("cut "):
            e.cut = int(raw[4:])
        elif raw.startswith("hangup-after "):
            e.mode, e.cut = "hangup-after", int(raw.split()[1])
        elif raw in ("hangup", "hangup-early", "endless", "registry", "silence", "trickle", "header-flood"):
            e.mode = raw
        elif raw.startswith("body:"):
            value = raw[5:].strip()
            if value[:1] == "@" and value[1:] in bodies:
                e.reply_body = bodies[value[1:]]
            else:
                e.reply_body = self.sub(value).encode().decode("unicode_escape").replace("\\e", "\x1b").encode()
        else:
            name, _, value = self.sub(raw).partition(":")
            e.reply_headers.append((name, value.strip().replace("\\e", "\x1b")))


class Registry:
    """Enough of a registry for what is not scripted."""

    def __init__(self):
        self.blobs, self.manifests, self.tags, self.n = {}, {}, {}, 0
        self.referrers = False

    def answer(self, method, path, query, headers, body):
        if path == "/v2/":
            return 200, [], b"{}"
        m = re.match(r"/v2/(.+)/blobs/uploads/(\d*)$", path)
        if m and method == "POST":
            self.n += 1
            return 202, [("Location", "/v2/%s/blobs/uploads/%d?_state=a%%3Db" % (m.group(1), self.n))], b""
        if m and method == "PUT":
            digest = urllib.parse.parse_qs(query).get("digest", [""])[0]
            if digest != "sha256:" + hashlib.sha256(body).hexdigest() or "_state=a%3Db" not in query:
                return 400, [], b'{"errors":[{"code":"DIGEST_INVALID","message":"wrong"}]}'
            self.blobs[digest] = body
            return 201, [("Docker-Content-Digest", digest)], b""
        m = re.match(r"/v2/(.+)/blobs/(sha256:[0-9a-f]{64})$", path)
        if m and method in ("GET", "HEAD"):
            if m.group(2) not in self.blobs:
                return 404, [], b'{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown"}]}'
            return 200, [("Docker-Content-Digest", m.group(2))], self.blobs[m.group(2)]
        m = re.match(r"/v2/(.+)/tags/list$", path)
        if m:
            return 200, [], json.dumps({"name": m.group(1), "tags": sorted(self.tags)}).encode()
        m = re.match(r"/v2/(.+)/referrers/(sha256:[0-9a-f]{64})$", path)
        if m and self.referrers:
            found = []
            for digest, (kind, data) in self.manifests.items():
                doc = json.loads(data)
                if doc.get("subject", {}).get("digest") == m.group(2):
                    found.append({"mediaType": kind, "digest": digest, "size": len(data),
                                  "artifactType": doc.get("artifactType", doc.get("config", {}).get("mediaType"))})
            return 200, [("Content-Type", INDEX)], json.dumps({"schemaVersion": 2, "mediaType": INDEX,
                                                               "manifests": found}).encode()
        m = re.match(r"/v2/(.+)/manifests/([^/]+)$", path)
        if m and method == "PUT":
            return self.put_manifest(m.group(2), headers, body)
        if m:
            digest = self.tags.get(m.group(2), m.group(2))
            if digest not in self.manifests:
                return 404, [], b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'
            kind, data = self.manifests[digest]
            return 200, [("Docker-Content-Digest", digest), ("Content-Type", kind)], data
        return 404, [], b""

    def put_manifest(self, ref, headers, body):
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        doc = json.loads(body)
        if headers.get("Content-Type") != doc.get("mediaType"):
            return 400, [], b'{"errors":[{"code":"MANIFEST_INVALID","message":"mediaType"}]}'
        needs = [d["digest"] for d in doc.get("layers", []) + ([doc["config"]] if "config" in doc else [])]
        children = [d["digest"] for d in doc.get("manifests", [])]
        if any(d not in self.blobs for d in needs) or any(d not in self.manifests for d in children):
            return 404, [], b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]}'
        self.manifests[digest] = (doc["mediaType"], body)
        if not ref.startswith("sha256:"):
            self.tags[ref] = digest
        subject = doc.get("subject", {}).get("digest")
        return 201, [("Docker-Content-Digest", digest)] + (
            [("OCI-Subject", subject)] if subject and self.referrers else []), b""


class Server:
    def __init__(self):
        self.case, self.registries, self.problems = None, [Registry(), Registry()], []
        self.lock = threading.Lock()
        self.ports = []
        self.last, self.seen = 0.0, {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            port = 0

            def log_message(self, *args):
                pass

            def handle_any(self):
                outer.handle(self, self.server.which)

            do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = handle_any

        for which in (0, 1):
            s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            s.daemon_threads = True
            s.which = which
            s.handle_error = lambda *a: None
            threading.Thread(target=s.serve_forever, daemon=True).start()
            self.ports.append(s.server_address[1])

    def find(self, h, which):
        first_open = min((e.group for e in self.case.expect if not e.used and not e.whenever), default=math.inf)
        for e in self.case.expect:
            if e.used or e.port != which or e.method != h.command or e.group > first_open:
                continue
            if e.path == h.path or ("?" not in e.path and e.path == h.path.split("?")[0] and which == 0
                                    and e.mode == "registry"):
                return e
        return None

    def handle(self, h, which):
        with self.lock:
            e = self.find(h, which)
            if e:
                e.used = True
                now = time.monotonic()
                if now - self.last < e.after:
                    self.problems.append("%s: came after %.1f s, not %d" % (e, now - self.last, e.after))
                self.last = now
        if e and e.mode in ("hangup-early", "hangup-after"):
            if e.cut:
                h.rfile.read(e.cut)
            return self.hangup(h)
        body = h.rfile.read(int(h.headers.get("Content-Length", 0)))
        with self.lock:
            if e:
                self.check(e, h, body)
            elif (self.case.rest2 if which else self.case.rest) != "registry":
                self.problems.append("not expected: %s %s%s" % (h.command, h.path, " (second port)" if which else ""))
                return self.send(h, 500, [], b"not expected")
        if e and e.mode == "hangup":
            return self.hangup(h)
        if e and e.mode == "silence":
            time.sleep(TIMEOUT)
            return self.hangup(h)
        if e and e.mode != "registry":
            return self.send(h, e.status, e.reply_headers, e.reply_body, e.cut, e.mode)
        if not e and self.fails(h):
            return self.send(h, 503, [("Retry-After", "0")], b"")
        path, _, query = re.sub(r"^http://[^/]*", "", h.path).partition("?")
        with self.lock:
            status, headers, data = self.registries[which].answer(h.command, path, query, h.headers, body)
        self.send(h, status, headers + (e.reply_headers if e else []), data)

    def fails(self, h):
        """Whether it is one of the first of a flaky registry."""
        key = h.command + re.sub(r"/uploads/\d+\?_state=a%3Db", "/", h.path)  # an upload's session is another one each time
        with self.lock:
            self.seen[key] = self.seen.get(key, 0) + 1
            return self.seen[key] <= self.case.flaky

    def check(self, e, h, body):
        for name, value in e.headers:
            if h.headers.get(name) != value:
                self.problems.append("%s: %s is %r, not %r" % (e, name, h.headers.get(name), value))
        for name in e.absent:
            if h.headers.get(name) is not None:
                self.problems.append("%s: has %s: %s" % (e, name, h.headers.get(name)))
        if e.body is not None and body != e.body:
            self.problems.append("%s: body is %r" % (e, body[:1500]))

    @staticmethod
    def hangup(h):
        h.close_connection = True
        h.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        h.connection.close()

    @staticmethod
    def send(h, status, headers, body, cut=None, mode=None):
        try:
            h.send_response_only(status)
            names = [n.lower() for n, _ in headers]
            for n, v in headers:
                h.send_header(n, v)
            if mode == "header-flood":
                h.close_connection = True
                h.flush_headers()
                while True:
                    h.wfile.write(b"X-Flood: " + b"x" * 8000 + b"\r\n")
            if mode == "endless":
                h.send_header("Connection", "close")
                h.end_headers()
                h.close_connection = True
                while True:
                    h.wfile.write(b"x" * 65536)
            if "content-length" not in names and status != 204:
                h.send_header("Content-Length", str(len(body)))
            h.end_headers()
            if h.command == "HEAD":
                return
            if mode == "trickle":
                for byte in body:
                    h.wfile.write(bytes([byte]))
                    time.sleep(0.3)
            h.wfile.write(body if cut is None else body[:cut])
            if cut is not None:
                h.wfile.flush()
                h.close_connection = True
        except OSError:
            h.close_connection = True


def make_image(here, home, kind):
    sys.dont_write_bytecode = True  # nothing of ours is left in the tree
    layout = os.path.join(home, "oci")
    spec = importlib.util.spec_from_file_location("oci_image", os.path.join(here, "oci-image.py"))
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    root = maker.add(layout, "app:1", kind.get("layer", 3000), 7, kind.get("index", 0), kind.get("pad", 0))

    def read(digest):
        with open(os.path.join(layout, "blobs/sha256", digest[7:]), "rb") as f:
            return f.read()

    def put(data):
        digest = hashlib.sha256(data).hexdigest()
        with open(os.path.join(layout, "blobs/sha256", digest), "wb") as f:
            f.write(data)
        return {"digest": "sha256:" + digest, "size": len(data)}
    names = {"root": root}
    manifest = root if "index" not in kind else json.loads(read(root))["manifests"][0]["digest"]
    doc = json.loads(read(manifest))
    names.update(manifest=manifest, config=doc["config"]["digest"], layer=doc["layers"][0]["digest"])
    if "artifact" in kind:
        note = put(b"a note about the image")
        data = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/x-note",
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", **put(b"{}")},
            "layers": [{"mediaType": "text/plain", **note}],
            "subject": {"mediaType": MANIFEST, "digest": manifest, "size": len(read(manifest))},
            "annotations": {"a": "b"}}, separators=(",", ":")).encode()
        artifact = put(data)
        names.update(artifact=artifact["digest"], note=note["digest"], empty=put(b"{}")["digest"])
        path = os.path.join(layout, "index.json")
        with open(path) as f:
            index = json.load(f)
        index["manifests"].append({"mediaType": MANIFEST, **artifact})
        with open(path, "w") as f:
            json.dump(index, f)
    bodies = {k: read(v) for k, v in names.items()}
    bodies["badconfig"] = bodies["config"].replace(b"wasm", b"wasn", 1)
    bodies["badlayer"] = bodies["layer"][:-1] + bytes([bodies["layer"][-1] ^ 1])
    bodies["layerfrom1500000"] = bodies["layer"][1500000:]
    bodies["layertail"] = bodies["layer"][1000:]
    return names, bodies, layout


def fill(registry, layout, have, case):
    for name in have:
        if name.startswith("all"):
            for h in os.listdir(os.path.join(layout, "blobs/sha256")):
                with open(os.path.join(layout, "blobs/sha256", h), "rb") as f:
                    data = f.read()
                registry.blobs["sha256:" + h] = data
                if data[:1] == b"{" and b'"schemaVersion"' in data:
                    registry.manifests["sha256:" + h] = (json.loads(data)["mediaType"], data)
            registry.tags["1"] = case.words["root"]
        else:
            digest = case.sub(name)
            with open(os.path.join(layout, "blobs/sha256", digest[7:]), "rb") as f:
                registry.blobs[digest] = f.read()


def main():
    wlpack, path = sys.argv[1:3]
    here = os.path.dirname(os.path.abspath(__file__))
    server = Server()
    with tempfile.TemporaryDirectory(prefix="wlpack-case-") as home:
        case = Case(path, {"host": "127.0.0.1:%d" % server.ports[0], "other": "127.0.0.1:%d" % server.ports[1]})
        server.case = case
        case.early()
        names, bodies, layout = make_image(here, home, case.image)
        for name, digest in names.items():
            case.words[name] = digest
            case.words[name + ".hex"] = digest[7:]
            case.words[name + ".size"] = str(len(bodies[name]))
            case.words[name + ".last"] = str(len(bodies[name]) - 1)
        case.words["fallback"] = names["manifest"].replace(":", "-")
        case.parse(bodies)
        for registry, have in zip(server.registries, (case.have, case.have2)):
            registry.referrers = case.referrers
            fill(registry, layout, have, case)
        if case.also:
            path = os.path.join(layout, "index.json")
            with open(path) as f:
                index = json.load(f)
            index["manifests"].append({**index["manifests"][0], "annotations": {
                "org.opencontainers.image.ref.name": "%s/%s:1" % (case.words["host"], case.also)}})
            with open(path, "w") as f:
                json.dump(index, f)
        if not case.local:
            os.rename(layout, os.path.join(home, "source"))
        for digest in case.damage:
            with open(os.path.join(layout, "blobs/sha256", digest[7:]), "r+b") as f:
                f.seek(100)
                byte = f.read(1)
                f.seek(100)
                f.write(bytes([byte[0] ^ 1]))
        os.mkdir(os.path.join(home, ".docker"))
        if case.auth or case.auth_json:
            import base64
            text = case.auth_json or json.dumps({"auths": {k: {"auth": base64.b64encode(v.encode()).decode()}
                                                           for k, v in case.auth}})
            with open(os.path.join(home, ".docker/config.json"), "w") as f:
                f.write(text)
        env = {k: v for k, v in os.environ.items()
               if k not in ("DOCKER_CONFIG", "DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR")
               and not k.startswith("WLPACK_REGISTRY") and "proxy" not in k.lower()}
        env.update(HOME=home, WLPACK_HOME=home, LC_ALL="C")
        env.update(case.env)
        try:
            words = shlex.split(case.run)
            given = None
            if "<<<" in words:
                at = words.index("<<<")
                given, words = words[at + 1], words[:at]
            p = subprocess.run([wlpack] + words, env=env, input=given, text=True, timeout=TIMEOUT,
                               stdin=None if given is not None else subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except subprocess.TimeoutExpired:
            print("# it did not end within %d seconds" % TIMEOUT)
            return 1
        problems = server.problems
        if p.returncode != case.status:
            problems.append("exit code %d, not %d" % (p.returncode, case.status))
        for key, regex in case.checks:
            text = p.stdout if key.startswith("stdout") else p.stderr
            if bool(re.search(regex, text)) == key.endswith("!"):
                problems.append("%s %r" % (key, regex))
        for want, digest in case.stored:
            if os.path.exists(os.path.join(home, "oci/blobs/sha256", digest[7:])) != want:
                problems.append("%s is %sin the local store" % (digest, "not " if want else ""))
        for want, text in case.files:
            name, _, regex = text.partition(" ")
            full = os.path.join(home, name)
            there = os.path.exists(full) and bool(re.search(regex, open(full).read()))
            if there != want:
                problems.append("file %s %s" % (name, regex))
        problems += ["did not come: %s" % e for e in case.expect if not e.used]
        for text in problems:
            print("# " + text)
        if problems:
            print("# stdout: %s\n# stderr: %s" % (p.stdout.strip().replace("\n", "\n# "),
                                                p.stderr.strip().replace("\n", "\n# ")))
        return 1 if problems else 0


sys.exit(main())
