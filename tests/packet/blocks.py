#!/usr/bin/env python3
"""tests/packet/blocks.py FILE: a capture file in the format pcapng with all kinds of blocks that there are: processes as Darwin
and `waggle capture --proc` write them, options and comments, names, statistics, secrets, blocks that nobody knows; two interfaces."""
import struct
import sys


def option(kind, value):
    return struct.pack("<HH", kind, len(value)) + value + bytes(-len(value) % 4)


def block(kind, body):
    body += bytes(-len(body) % 4)
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


END = option(0, b"")
UDP = bytes.fromhex("020000000002020000000001080045000021000100004011" "0000" "0a0000010a000002" "d4310035000d0000") + b"hello"


def packet(interface, n, options):
    at = 1700000000 * 10**9 + n
    head = struct.pack("<IIIII", interface, at >> 32, at & 0xFFFFFFFF, len(UDP), len(UDP))
    return block(6, head + UDP + bytes(-len(UDP) % 4) + options)


def process(pid, name):
    return block(0x80000001, struct.pack("<I", pid) + option(2, name) + END)


def blocks():
    yield block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + option(2, b"x86") + option(4, b"a program") + END)
    yield block(1, struct.pack("<HHI", 1, 0, 0) + option(2, b"eth0") + option(9, b"\x09") + END)
    yield block(1, struct.pack("<HHI", 1, 0, 0) + option(2, b"eth1") + option(9, b"\x09") + END)
    yield process(7, b"first")
    yield process(8, b"the second one")
    yield block(4, struct.pack("<HH", 1, 9) + b"\x0a\0\0\1here\0" + bytes(3) + END)
    yield packet(0, 1, option(0x8001, struct.pack("<I", 0)) + END)
    yield packet(1, 2, option(0x8001, struct.pack("<I", 1)) + option(0x8003, struct.pack("<I", 0)) + option(1, b"a comment") + END)
    yield packet(0, 3, option(0x8001, struct.pack("<I", 99)) + option(2, b"\1\0\0\0") + END)
    yield packet(0, 4, option(1, "ünicode \n and more".encode()) + option(4, bytes(8)) + END)
    yield block(3, struct.pack("<I", len(UDP)) + UDP)
    yield block(10, struct.pack("<II", 0x544C534B, 5) + b"CLIEN" + bytes(3) + END)
    yield block(0xBAD, struct.pack("<I", 32473) + b"custom")
    yield block(0x7777, b"nobody knows")
    yield block(5, struct.pack("<III", 0, 0, 0) + option(4, bytes(8)) + option(5, bytes(8)) + END)
    yield block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + END)
    yield block(1, struct.pack("<HHI", 1, 0, 0) + END)
    yield process(9, b"of another section")
    yield packet(0, 5, option(0x8001, struct.pack("<I", 0)) + END)


with open(sys.argv[1], "wb") as f:
    f.write(b"".join(blocks()))
