#!/usr/bin/env python3
"""tests/packet/make.py KIND SEED N FILE: a capture file of random packets of a kind, to compare how
they are printed. Kinds: plain (whole packets of ARP, IP, ICMP, TCP, UDP), cut (the same, cut off at
random), names (DNS, DHCP, NTP, HTTP), tunnels, links (raw, SLL, SLL2, NULL, PPP)."""
import random
import struct
import sys


def ip4(r):
    return bytes([10, r.randrange(256), 0, r.randrange(1, 255)]) if r.random() < 0.8 else r.randbytes(4)


def ip6(r):
    shapes = [
        lambda: bytes.fromhex("fe80000000000000") + r.randbytes(8),
        lambda: bytes.fromhex("20010db8") + bytes(10) + r.randbytes(2),
        lambda: r.randbytes(16),
        lambda: bytes(15) + b"\1",
        lambda: bytes(10) + b"\xff\xff" + r.randbytes(4),
        lambda: bytes.fromhex("20010db80000") + r.randbytes(2) + bytes(4) + r.randbytes(2) + bytes(2),
    ]
    return r.choice(shapes)()


def port(r):
    return r.randrange(50000, 60000)  # none of them means a protocol


def tcp_options(r):
    out = b""
    kinds = [
        lambda: b"\2\4" + r.randbytes(2),
        lambda: b"\1",
        lambda: b"\3\3" + bytes([r.randrange(15)]),
        lambda: b"\4\2",
        lambda: b"\1\1\x08\x0a" + r.randbytes(8),
        lambda: b"\1\1\5\x0a" + r.randbytes(8),
        lambda: b"\x1e\4" + r.randbytes(2) if r.random() < 0.0 else b"\1",
        lambda: b"\xfd\6" + r.randbytes(4) if r.random() < 0.0 else b"\1",
    ]
    for _ in range(r.randrange(6)):
        one = r.choice(kinds)()
        if len(out) + len(one) <= 40:
            out += one
    return out + b"\0" * (-len(out) % 4)


class Flows:
    """Some connections whose numbers go on, so that relative ones are seen."""

    def __init__(self, r):
        self.r = r
        self.flows = []

    def tcp(self, six):
        r = self.r
        known = [f for f in self.flows if f[0] == six]
        if known and r.random() < 0.7:
            f = r.choice(known)
        else:
            f = [six, ip6(r) if six else ip4(r), ip6(r) if six else ip4(r), port(r), port(r), r.randrange(1 << 32), r.randrange(1 << 32)]
            self.flows.append(f)
        back = r.random() < 0.5
        n = r.choice([0, 0, 1, 7, 100, 1000])
        flags = r.choice([2, 0x12, 0x10, 0x18, 0x11, 4, 0x14, 0x19, 0, 0x38, 0xC2, 0x52, 0xFF & r.randrange(256)])
        src, dst, sp, dp, seq, ack = (f[2], f[1], f[4], f[3], f[6], f[5]) if back else (f[1], f[2], f[3], f[4], f[5], f[6])
        opts = tcp_options(r)
        head = struct.pack(">HHIIBBHHH", sp, dp, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, (5 + len(opts) // 4) << 4, flags, r.randrange(65536), r.randrange(65536), r.randrange(100))
        f[6 if back else 5] = (seq + n) & 0xFFFFFFFF
        return src, dst, 6, head + opts + bytes(r.randrange(128, 256) for _ in range(n))


def udp(r, sp=None, dp=None, data=None):
    data = r.randbytes(r.choice([0, 1, 5, 100])) if data is None else data
    sp, dp = sp or port(r), dp or port(r)
    return struct.pack(">HHHH", sp, dp, 8 + len(data), r.randrange(1, 65536)) + data


def quoted(r):
    src, dst = ip4(r), ip4(r)
    proto = r.choice([6, 17, 17, 1, 47])
    inner = struct.pack(">HHI", port(r), port(r), 0)
    return struct.pack(">BBHHHBBH", 0x45, 0, 28, 1, 0, 64, proto, 0) + src + dst + inner


def icmp(r):
    kind, code = r.choice([(0, 0), (8, 0), (3, r.randrange(16)), (4, 0), (5, r.randrange(4)), (10, 0), (11, r.randrange(2)), (12, 0), (13, 0), (14, 0), (17, 0), (3, 3), (3, 4)])
    body = struct.pack(">HH", r.randrange(65536), r.choice([0, 1400]))
    if kind == 5:
        body = ip4(r)
    if kind in (3, 4, 5, 11, 12):
        body += quoted(r)
    elif kind in (13, 14):
        body += struct.pack(">III", *(r.randrange(86400000) for _ in range(3)))
    else:
        body += r.randbytes(r.choice([0, 8, 56]))
    return bytes([kind, code]) + b"\0\0" + body


def icmp6(r):
    kind = r.choice([1, 2, 3, 128, 129, 133, 135, 136, 128])
    code = r.randrange(5) if kind == 1 else r.randrange(2) if kind == 3 else 0
    inner = struct.pack(">IHBB", 0x60000000, 8, r.choice([17, 6]), 64) + ip6(r) + ip6(r) + struct.pack(">HHI", port(r), port(r), 0)
    body = struct.pack(">HH", r.randrange(65536), r.randrange(65536))
    if kind in (1, 2, 3):
        body += inner
    elif kind in (135, 136):
        body = bytes(4) + ip6(r)
    elif kind in (128, 129):
        body += r.randbytes(r.choice([0, 8, 56]))
    return bytes([kind, code]) + b"\0\0" + body


def packet4(r, src, dst, proto, body, frag=0, length=None, opts=b""):
    head = struct.pack(">BBHHHBBH", 0x40 | (5 + len(opts) // 4), r.choice([0, 0, 16]), length or 20 + len(opts) + len(body), r.randrange(65536), frag, r.randrange(1, 256), proto, r.randrange(65536))
    return head + src + dst + opts + body


def packet6(r, src, dst, proto, body):
    ext = b""
    if r.random() < 0.15:
        kind = r.choice([0, 60, 44])
        ext = bytes([proto, 0]) + (b"\1\4" + bytes(4) if kind != 44 else struct.pack(">HI", r.choice([0, 1, 185 << 3]), r.randrange(1 << 32)))
        proto = kind
    return struct.pack(">IHBB", 0x60000000 | r.randrange(1 << 20), len(ext) + len(body), proto, r.randrange(1, 256)) + src + dst + ext + body


def ether(r, kind, body):
    body += bytes(max(0, 46 - len(body)) if r.random() < 0.3 else 0)
    return r.randbytes(6) + r.randbytes(6) + struct.pack(">H", kind) + body


def arp(r):
    op = r.choice([1, 1, 2, 2, 1])
    to = r.choice([bytes(6), bytes(6), r.randbytes(6), b"\xff" * 6])
    return struct.pack(">HHBBH", 1, 0x800, 6, 4, op) + r.randbytes(6) + ip4(r) + to + ip4(r)


def ip_packet(r, flows):
    pick = r.random()
    if pick < 0.45:
        src, dst, proto, body = flows.tcp(False)
        return 0x800, packet4(r, src, dst, proto, body)
    if pick < 0.6:
        return 0x800, packet4(r, ip4(r), ip4(r), 17, udp(r))
    if pick < 0.7:
        return 0x800, packet4(r, ip4(r), ip4(r), 1, icmp(r))
    if pick < 0.73:
        return 0x800, packet4(r, ip4(r), ip4(r), r.choice([17, 6, 1]), r.randbytes(32), frag=r.choice([0x2000 | 185, 370]))
    if pick < 0.75:
        return 0x800, packet4(r, ip4(r), ip4(r), r.choice([99, 61, 200]), r.randbytes(20))
    if pick < 0.87:
        src, dst, proto, body = flows.tcp(True)
        return 0x86DD, packet6(r, src, dst, proto, body)
    if pick < 0.93:
        return 0x86DD, packet6(r, ip6(r), ip6(r), 17, udp(r))
    return 0x86DD, packet6(r, ip6(r), ip6(r), 58, icmp6(r))


def plain(r, flows):
    if r.random() < 0.08:
        return ether(r, 0x806, arp(r))
    return ether(r, *ip_packet(r, flows))


def name(r):
    words = ["www", "example", "com", "mail", "a", "host-1", "_tcp", "local", "net"]
    return b"".join(bytes([len(w)]) + w.encode() for w in (r.choice(words) for _ in range(r.randrange(1, 5)))) + b"\0"


def dns(r):
    answer = r.random() < 0.5
    flags = (0x8000 if answer else 0) | r.choice([0x100, 0, 0x180, 0x120, 0x10]) | (r.choice([0, 0, 3, 2, 5]) | r.choice([0, 0x400, 0x80, 0x200]) if answer else 0)
    kinds = [1, 28, 5, 2, 12, 15, 16, 33]
    out = name(r) + struct.pack(">HH", r.choice(kinds + [255, 6, 43, 48]), 1)
    n = r.randrange(4) if answer else 0
    for _ in range(n):
        kind = r.choice(kinds)
        data = {1: lambda: r.randbytes(4), 28: lambda: ip6(r), 15: lambda: b"\0\x0a" + name(r), 16: lambda: b"\5hello\3abc", 33: lambda: struct.pack(">HHH", 1, 2, 443) + name(r)}.get(kind, lambda: b"\xc0\x0c")()
        out += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 300, len(data)) + data
    extra = 0 if answer else r.choice([0, 1])
    if extra:
        out += b"\0" + struct.pack(">HHIH", 41, 1232, 0, 0)
    return struct.pack(">HHHHHH", r.randrange(65536), flags, 1, n, 0, extra) + out


def names(r, flows):
    pick = r.random()
    six = r.random() < 0.3
    if pick < 0.6:
        ports = (53, port(r)) if r.random() < 0.5 else (port(r), 53)
        proto, body = 17, udp(r, *ports, dns(r))
    elif pick < 0.7:
        proto, body = 17, udp(r, 68, 67, bytes([r.choice([1, 2]), 1, 6, 0]) + r.randbytes(296))
    elif pick < 0.8:
        proto, body = 17, udp(r, 123, port(r), bytes([r.choice([0x23, 0x24, 0x1B, 0x1C])]) + r.randbytes(47))
    else:
        text = r.choice([b"GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 200 OK\r\nServer: y\r\n\r\nbody", b"POST /a HTTP/1.0\r\n\r\n"])
        proto, body = 6, struct.pack(">HHIIBBHHH", port(r), 80, r.randrange(1 << 32), r.randrange(1 << 32), 0x50, 0x18, 512, 0, 0) + text
    if six:
        return ether(r, 0x86DD, struct.pack(">IHBB", 0x60000000, len(body), proto, 64) + ip6(r) + ip6(r) + body)
    return ether(r, 0x800, packet4(r, ip4(r), ip4(r), proto, body))


def tunnels(r, flows):
    kind, inner = ip_packet(r, flows)
    pick = r.randrange(7)
    if pick == 0:
        return ether(r, 0x8100, struct.pack(">HH", r.randrange(65536), kind) + inner)
    if pick == 1:
        return ether(r, 0x88A8, struct.pack(">HHHH", r.randrange(65536), 0x8100, r.randrange(65536), kind) + inner)
    if pick == 2:
        return ether(r, 0x8847, struct.pack(">II", r.randrange(16, 1 << 20) << 12 | 64, r.randrange(16, 1 << 20) << 12 | 0x100 | 63) + inner)
    if pick == 3:
        return ether(r, 0x8864, struct.pack(">BBHHH", 0x11, 0, r.randrange(65536), len(inner) + 2, 0x21 if kind == 0x800 else 0x57) + inner)
    if pick == 4:
        return ether(r, 0x800, packet4(r, ip4(r), ip4(r), 4 if kind == 0x800 else 41, inner))
    if pick == 5:
        return ether(r, 0x800, packet4(r, ip4(r), ip4(r), 47, struct.pack(">HH", 0, kind) + inner))
    return ether(r, 0x800, packet4(r, ip4(r), ip4(r), 50, r.randbytes(60)))


LINKS = {"raw": 101, "sll": 113, "sll2": 276, "null": 0, "ppp": 9, "loop": 108}


def linked(r, flows, link):
    kind, inner = ip_packet(r, flows)
    if link == "raw":
        return inner
    if link == "sll":
        return struct.pack(">HHH", r.randrange(5), 1, 6) + r.randbytes(6) + bytes(2) + struct.pack(">H", kind) + inner
    if link == "sll2":
        return struct.pack(">HHIHBB", kind, 0, r.randrange(1, 9), 1, r.randrange(5), 6) + r.randbytes(6) + bytes(2) + inner
    if link == "null":
        return struct.pack("<I", 2 if kind == 0x800 else r.choice([24, 28, 30])) + inner
    if link == "loop":
        return struct.pack(">I", 2 if kind == 0x800 else r.choice([24, 28, 30])) + inner
    return struct.pack(">H", 0x21 if kind == 0x800 else 0x57) + inner


def main():
    kind, seed, n, path = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    r = random.Random(seed)
    flows = Flows(r)
    link = LINKS.get(kind, 1)
    t = 1700000000.0
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link))
        for _ in range(n):
            if kind in LINKS:
                p = linked(r, flows, kind)
            else:
                p = {"plain": plain, "cut": plain, "names": names, "tunnels": tunnels}[kind](r, flows)
            t += r.random() * 2
            seen = p[: r.randrange(len(p))] if kind == "cut" else p
            f.write(struct.pack("<IIII", int(t), int(t % 1 * 1e6), len(seen), len(p)) + seen)


main()
