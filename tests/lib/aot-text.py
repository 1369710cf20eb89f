#!/usr/bin/env python3
"""aot-text.py MODULE OUT: the machine code that WasmEdge loads from a precompiled module, as raw bytes.

Reads the container on its own, so that it does not share a mistake with what wrote it.
"""
import sys


class Reader:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def number(self):
        value = shift = 0
        while True:
            b = self.byte()
            value |= (b & 0x7F) << shift
            shift += 7
            if b < 0x80:
                return value

    def take(self, n):
        self.at += n
        return self.data[self.at - n:self.at]


def text(section):
    r = Reader(section)
    r.number()  # version
    r.take(2)  # system, architecture
    r.number()  # address of version
    r.number()  # address of intrinsics
    for _ in range(2):  # types, functions
        for _ in range(r.number()):
            r.number()
    found = b""
    for _ in range(r.number()):
        kind = r.byte()
        r.number()  # address
        r.number()  # size
        content = r.take(r.number())
        if kind == 1:
            found += content
    return found


def main():
    data = open(sys.argv[1], "rb").read()
    r = Reader(data, 8)
    found = b""
    while r.at < len(data):
        kind = r.byte()
        body = Reader(r.take(r.number()))
        if kind == 0 and body.take(body.number()) == b"wasmedge":
            found += text(body.data[body.at:])
    open(sys.argv[2], "wb").write(found)


main()
