"""Holds recipes/app.schema.json and the decoder of app.json together. Prints TAP.

usage: app-schema-agrees.py WLPACK TEMP

A whole app.json is damaged in a few hundred ways (always the same ones) and given to both: what one accepts the other must
accept, but for what a schema cannot say.
"""
import json
import random
import re
import subprocess
import sys

import jsonschema

sys.dont_write_bytecode = True  # nothing is left in the tree
from agree import damage, done, ok

WLPACK, TEMP = sys.argv[1:3]
SCHEMA = json.load(open("recipes/app.schema.json", encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
GOOD = {
    "$schema": "x", "note": "n", "name": "shop:1.0", "base": "scratch", "version": "1", "description": "d", "license": "MIT",
    "files": [{"from": ".", "to": "/site/", "include": ["*.php", "a/**"], "exclude": ["b/[a-z]?"]}], "ignore": "i",
    "entrypoint": ["/a", "b"], "cmd": ["c"], "env": {"A": "b"}, "workdir": "/w", "user": "1:1", "ports": ["80/tcp", "8080"],
    "labels": {"a": "b"}, "annotations": {"a.b/c": ""}, "platforms": ["wasi/wasm/amd64"], "format": "docker",
    "compression": "zstd-max", "epoch": 1,
}  # fmt: skip
WORDS = [
    "", "x", "X", "..", ".", "a/b", "/a", "/", "a//b", "./a", "a/..", "/a/../b", "a/", "/a/", "a b", "a\n", "a\tb", "a\\b", "é", "*", "**/x", "[a",
    "/*", "-a", "a:b", "A=B", "1A", "A_B", "80", "0", "080", "65535", "80/tcp", "80/sctp", "80/", "wasi", "wasi/wasm", "a/b/c/d", "WASI/wasm",
    "a/b/", "oci", "zip", "gzip", "a" * 64, "a" * 65, "a" * 1024, "a" * 1025, "1:1", "1 1", "GPL-2.0-only OR MIT", "\x7f", "a@b", "[::1]:5/a",
]  # fmt: skip
VALUES = WORDS + [0, -1, 1, 1.5, 10**12, True, False, None, [], {}, [""], ["a"], [1], {"a": "b"}, {"a": 1}, [{}]]
# What only the decoder can see.
MEANING = re.compile(r"is no port: they end at|\" is not an absolute path$|the name is longer than")


def decoder_says(value):
    """None when the file is decoded (whatever comes behind), else the error."""
    with open(f"{TEMP}/app.json", "w", encoding="utf-8") as f:
        json.dump(value, f)
    run = subprocess.run([WLPACK, "image", "-n", "-t", "x:1", f"{TEMP}/app.json"], capture_output=True, check=False)
    m = re.search(re.escape(f"{TEMP}/app.json:") + r"\d+:\d+: (\$.*)", run.stderr.decode("utf-8", "replace"))
    return m.group(1) if m else None


def schema_says(value):
    for error in VALIDATOR.iter_errors(value):
        return error.message
    return None


ok(schema_says(GOOD) is None and decoder_says(GOOD) is None, "both accept the whole", f"{schema_says(GOOD)} {decoder_says(GOOD)}")
rng = random.Random(20261124)
wrong = []
accepted = 0
N = 400
for _ in range(N):
    value = damage(rng, GOOD, WORDS, VALUES, rename=False)
    schema, said = schema_says(value), decoder_says(value)
    accepted += said is None
    if said is None and schema is not None:
        wrong.append(f"only the schema rejects: {schema}: {json.dumps(value)}")
    if said is not None and schema is None and not MEANING.search(said):
        wrong.append(f"only the decoder rejects: {said}")
ok(not wrong, f"decoder and schema agree on {N} damaged ones", "\n".join(wrong[:20]))
ok(N / 20 < accepted < N / 2, "some of which are fine", f"{accepted} of {N}")
done()
