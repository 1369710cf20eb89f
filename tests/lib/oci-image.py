#!/usr/bin/env python3
"""oci-image.py LAYOUT NAME SIZE [--seed N] [--index N]: adds an image to an OCI layout, for tests that need one without
building it. The layer holds one incompressible file of SIZE bytes, the same for the same seed (default: random).
--index N makes NAME an index of N such images: wasi/wasm without a variant first, then variants v1, v2 ...
Prints the digest that NAME stands for. Written without any code of wlpack, so that the two check each other."""

import argparse
import gzip
import hashlib
import io
import json
import os
import random
import tarfile

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def put(layout, data):
    digest = hashlib.sha256(data).hexdigest()
    with open(os.path.join(layout, "blobs/sha256", digest), "wb") as f:
        f.write(data)
    return {"digest": "sha256:" + digest, "size": len(data)}


def put_json(layout, value, media_type):
    data = json.dumps(value, separators=(",", ":")).encode()
    return {"mediaType": media_type, **put(layout, data)}


def put_image(layout, data, variant, pad=0):
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as t:
        entry = tarfile.TarInfo("app.wasm")
        entry.size = len(data)
        t.addfile(entry, io.BytesIO(data))
    plain = tar.getvalue()
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
             **put(layout, gzip.compress(plain, 1, mtime=0))}
    platform = {"architecture": "wasm", "os": "wasi", **({"variant": variant} if variant else {})}
    config = put_json(layout, {**platform, "config": {"Entrypoint": ["/app.wasm"]},
                               "rootfs": {"type": "layers",
                                          "diff_ids": ["sha256:" + hashlib.sha256(plain).hexdigest()]}},
                      "application/vnd.oci.image.config.v1+json")
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}
    if pad:
        manifest["annotations"] = {"pad": "x" * pad}
    return {**put_json(layout, manifest, MANIFEST), "platform": platform}


def add(layout, name, size, seed=None, index=0, pad=0):
    """Adds the image (or with index an index of so many) and returns its digest."""
    rng = random.Random(seed) if seed is not None else None
    os.makedirs(os.path.join(layout, "blobs/sha256"), exist_ok=True)
    images = [put_image(layout, rng.randbytes(size) if rng else os.urandom(size), "v%d" % i if i else None, pad)
              for i in range(max(index, 1))]
    if index:
        root = put_json(layout, {"schemaVersion": 2, "mediaType": INDEX, "manifests": images}, INDEX)
    else:
        root = dict(images[0])
    with open(os.path.join(layout, "oci-layout"), "w") as f:
        f.write('{"imageLayoutVersion":"1.0.0"}')
    path = os.path.join(layout, "index.json")
    top = {"schemaVersion": 2, "mediaType": INDEX, "manifests": []}
    if os.path.exists(path):
        with open(path) as f:
            top = json.load(f)
    root["annotations"] = {"org.opencontainers.image.ref.name": name}
    top["manifests"] = [m for m in top["manifests"]
                        if m.get("annotations", {}).get("org.opencontainers.image.ref.name") != name] + [root]
    with open(path, "w") as f:
        json.dump(top, f)
    return root["digest"]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("layout")
    p.add_argument("name")
    p.add_argument("size", type=int)
    p.add_argument("--seed", type=int)
    p.add_argument("--index", type=int, default=0)
    p.add_argument("--pad", type=int, default=0, help="bytes of an annotation of the manifest")
    a = p.parse_args()
    print(add(a.layout, a.name, a.size, a.seed, a.index, a.pad))


if __name__ == "__main__":
    main()
