"""Holds recipes/schema.json and the decoder together. Prints TAP.

usage: schema-agrees.py WLPACK TEMP

Every recipe of the tree must be accepted by both. Every folder of tests/recipes-bad must be rejected by both, but for those with a file
`schema-accepts`: they are wrong in a way that a schema cannot say. Then a few thousand damaged recipes (always the same ones) are
given to both: what the decoder accepts, the schema must accept; what the decoder rejects for its form, the schema must reject.
"""
import json
import os
import random
import re
import subprocess
import sys

import jsonschema

sys.dont_write_bytecode = True  # nothing is left in the tree
from agree import damage, done, ok

WLPACK, TEMP = sys.argv[1:3]
SCHEMA = json.load(open("recipes/schema.json", encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
# What only the decoder can see: it knows the other files, the merged whole and the variables.
MEANING = re.compile(
    r": missing$|: missing \(|unknown variable|no \} behind|no artefact|artefact .* has this file too|meets the tag"
    r"|\"[^\"]*\" is not an absolute path$|is no tag|no folder|\$\.extends: (no recipe|goes in a circle|more than)"
    r"|\" is not a plain file name$|: a library has none$|stands there twice$|is for recipes of kind library$"
)


def no_duplicates(pairs):
    keys = [k for k, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError("duplicate key")
    return dict(pairs)


def schema_says(path):
    """None when the schema accepts the file, else why not."""
    try:
        with open(path, "rb") as f:
            text = f.read().decode("utf-8")
        value = json.loads(text, object_pairs_hook=no_duplicates)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # lone surrogates
    except (ValueError, RecursionError) as e:
        return f"not JSON: {e}"
    for error in VALIDATOR.iter_errors(value):
        return error.message
    return None


def decoder_says(folder):
    """id -> None or the error, for every recipe of a folder."""
    run = subprocess.run([WLPACK, "lint"], env=dict(os.environ, WLPACK_RECIPES=folder), capture_output=True, check=False)
    said = {}
    for line in run.stdout.decode().splitlines():
        said[line.split(":")[0]] = None
    for line in run.stderr.decode("utf-8", "replace").splitlines():
        m = re.match(r"wlpack: " + re.escape(folder) + r"/([^/]+)/recipe\.json:(.*)", line)
        if m:
            said[m.group(1)] = m.group(2)
    return said


def check_tree():
    for name in sorted(os.listdir("recipes")):
        path = f"recipes/{name}/recipe.json"
        if os.path.exists(path):
            why = schema_says(path)
            ok(why is None, f"the schema accepts {name}", why or "")
    for name in sorted(os.listdir("tests/recipes-bad")):
        here = f"tests/recipes-bad/{name}"
        why = schema_says(f"{here}/recipe.json")
        if os.path.exists(f"{here}/schema-accepts") or not os.path.exists(f"{here}/error"):
            ok(why is None, f"the schema accepts {name}", why or "")
        else:
            ok(why is not None, f"the schema rejects {name}")


WORDS = [
    "", "x", "X", "..", ".", "a/b", "/a", "/", "a//b", "./a", "a/..", "a/", "a b", "a\n", "a\tb", "a\\b", "é", "${version}", "$(x)",
    "x.wasm", ".wasm", "a.b-c", "a..b", "-a", "a-", "-O2", "--", "-", "1.0", "1+2", "https://a", "https://a/", "https://a/b c",
    "http://[::1]:80/x", "https://u@h/", "HTTPS://a", "https:///a", "ftp://a", "f" * 64, "F" * 64, "f" * 63, "f" * 65, "A_B", "1A", "A=B",
    "GPL-2.0-only OR MIT", "x86_64-linux", "x86_64-linux\n", "a" * 64, "a" * 65, "wasi", "~", "a~", "a+b", "a" * 300, "_", "a_", "\x7f",
    "exceptions", "2", "kit", "base", "interpreter", "a:b", "-x=@y", "a\u0085b",
]  # fmt: skip
VALUES = WORDS + [0, -1, 1, 16, 17, 255, 256, 1.5, 10**12, True, False, None, [], {}, [""], ["a"], [1], {"a": "b"}, {"a": 1}]


def check_damaged():
    rng = random.Random(20221103)
    good = []
    for path in ["tests/recipes-good/base", "tests/recipes-good/literal", "recipes/kit-wasmedge", "recipes/php"]:
        with open(f"{path}/recipe.json", encoding="utf-8") as f:
            good.append(json.load(f))
    folder = f"{TEMP}/damaged"
    n = 3000
    for i in range(n):
        os.makedirs(f"{folder}/r{i}")
        with open(f"{folder}/r{i}/recipe.json", "w", encoding="utf-8") as f:
            json.dump(damage(rng, rng.choice(good), WORDS, VALUES, rename=True), f)
    decoder = decoder_says(folder)
    ok(len(decoder) == n, "the decoder judges every damaged recipe", f"{len(decoder)} of {n}")
    wrong = []
    accepted = 0
    for i in range(n):
        schema = schema_says(f"{folder}/r{i}/recipe.json")
        said = decoder.get(f"r{i}", "nothing")
        accepted += said is None
        if said is None and schema is not None:
            wrong.append(f"r{i}: only the schema rejects: {schema}")
        if said is not None and schema is None and not MEANING.search(said):
            wrong.append(f"r{i}: only the decoder rejects: {said}")
    ok(not wrong, f"decoder and schema agree on {n} damaged recipes", "\n".join(wrong[:20]))
    ok(n / 20 < accepted < n / 2, "some of which are fine", f"{accepted} of {n}")


check_tree()
check_damaged()
done()
