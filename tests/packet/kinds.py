#!/usr/bin/env python3
"""tests/packet/kinds.py FILE [links]: a capture file with a packet of each kind that has a decoder: what routers, neighbours and
groups say, tunnels, DNS, DHCP and NTP with their options, as raw IP;
links: what switches say, as Ethernet."""
import socket
import struct
import sys

MAC = b"\2\0\0\0\0\1"
A4, B4 = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
A6 = socket.inet_pton(10, "2001:db8::7")
HERE, ALL = socket.inet_pton(10, "fe80::1"), socket.inet_pton(10, "ff02::1")


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">H", 0xFFFF ^ total)


def ip4(proto, body, frag=0, opts=b"", tos=0, ttl=64):
    opts += b"\0" * (-len(opts) % 4)
    head = struct.pack(">BBHHHBBH", 0x45 + len(opts) // 4, tos, 20 + len(opts) + len(body), 1, frag, ttl, proto, 0) + A4 + B4 + opts
    return head[:10] + checksum(head) + head[12:] + body


def ip6(proto, body):
    return struct.pack(">IHBB", 0x60000000, len(body), proto, 255) + HERE + ALL + body


def udp(sport, dport, data, length=None):
    return struct.pack(">HHHH", sport, dport, 8 + len(data) if length is None else length, 0) + data


def icmp6(kind, code, body):
    text = bytes([kind, code, 0, 0]) + body
    return ip6(58, text[:2] + checksum(HERE + ALL + struct.pack(">II", len(text), 58) + text) + body)


HELLO = udp(5000, 5001, b"x")
FRAME = MAC + MAC + b"\x08\0" + ip4(17, HELLO)


def options_of_ip():
    for opts in [bytes([k, n, 4]) + bytes(n - 3) for k in (7, 131, 137, 130, 99, 82) for n in (3, 7, 11)] + [b"\1\1\1\1", b"\x94\4\0\0", b"\x94\4\0\5", bytes([7, 39, 8]) + bytes(36), bytes([131, 11, 8, 10, 1, 2, 3, 10, 1, 2, 4])]:
        yield ip4(99, b"abcd", opts=opts)
    for tos in (1, 2, 3, 0xB8):
        yield ip4(99, b"abcd", tos=tos)
    for frag in (0x2000, 0x4000, 0x8000, 0x6000, 0xE000, 0x2001, 5):
        yield ip4(99, b"abcd", frag=frag)
    yield ip4(99, b"d", ttl=0)


def neighbours():
    source, target = bytes([1, 1]) + MAC, bytes([2, 1]) + MAC
    prefix = bytes([3, 4, 64, 0xC0]) + struct.pack(">III", 86400, 14400, 0) + A6[:8] + bytes(8)
    mtu = bytes([5, 1, 0, 0]) + struct.pack(">I", 1500)
    servers = bytes([25, 3, 0, 0]) + struct.pack(">I", 600) + A6
    domains = bytes([31, 2, 0, 0]) + struct.pack(">I", 600) + b"\3lan\0\0\0\0"
    yield icmp6(133, 0, bytes(4) + source)
    yield icmp6(134, 0, bytes([64, 0xC0, 7, 8]) + bytes(8) + source + mtu + prefix + servers + domains)
    for preference in (8, 0x18):
        yield icmp6(134, 0, bytes([0, preference, 0, 0]) + struct.pack(">II", 30000, 1000) + bytes([99, 1]) + bytes(6))
    yield icmp6(135, 0, bytes(4) + A6 + source)
    for flags in (0xE0, 0x40, 0):
        yield icmp6(136, 0, bytes([flags, 0, 0, 0]) + A6 + target)
    yield icmp6(137, 0, bytes(4) + A6 + A6 + target)
    yield icmp6(128, 0, struct.pack(">HH", 5, 6) + b"x" * 8)
    for kind, code in ((1, 4), (2, 0), (3, 0), (4, 0), (4, 1), (4, 2)):
        yield icmp6(kind, code, struct.pack(">I", 40) + ip6(17, udp(5000, 5001, b"hi")))
    for options in (b"\5\2\0\0\1\0", bytes(6), b"\1\4\0\0\0\0", b"\x1e\4\0\1\0\0"):
        yield ip6(0, bytes([17, 0]) + options + HELLO)
        yield ip6(60, bytes([17, 0]) + options + HELLO)


def groups():
    for kind in (130, 131, 132):
        yield icmp6(kind, 0, struct.pack(">HH", 1000, 0) + A6)
    for group, sources in ((A6, []), (bytes(16), [A6]), (A6, [A6, ALL])):
        yield icmp6(130, 0, struct.pack(">HH", 1000, 0) + group + bytes([2, 125, 0, len(sources)]) + b"".join(sources))
    yield icmp6(143, 0, struct.pack(">HH", 0, 2) + bytes([4, 0, 0, 0]) + A6 + bytes([3, 0, 0, 1]) + A6 + A6)
    group = bytes([224, 0, 0, 9])
    for kind, delay, to in ((0x16, 0, group), (0x11, 100, bytes(4)), (0x11, 0, bytes(4)), (0x11, 99, group), (0x17, 0, group), (0x12, 0, group), (0x99, 0, group)):
        yield ip4(2, bytes([kind, delay, 0, 0]) + to)
    yield ip4(2, bytes([0x11, 100, 0, 0]) + bytes(4) + bytes([2, 125, 0, 0]))
    yield ip4(2, bytes([0x11, 100, 0, 0]) + group + bytes([2, 125, 0, 1]) + A4)
    yield ip4(2, bytes([0x22, 0, 0, 0, 0, 0, 0, 2, 3, 0, 0, 2]) + group + A4 + B4 + bytes([1, 0, 0, 0]) + group)


def tunnels():
    yield ip4(47, struct.pack(">HHII", 0x3000, 0x800, 77, 5) + ip4(17, HELLO))
    yield ip4(47, struct.pack(">HHI", 0x8000, 0x86DD, 0) + ip6(17, HELLO))
    yield ip4(47, struct.pack(">HH", 0, 0x6558) + FRAME)
    yield ip4(47, struct.pack(">HHHHI", 0x3001, 0x880B, 8, 9, 1) + b"\xff\3\0\x21" + ip4(17, HELLO))
    for port in (4789, 8472):
        yield ip4(17, udp(5000, port, struct.pack(">II", 0x08000000, 42 << 8) + FRAME))
    yield ip4(17, udp(5000, 6081, struct.pack(">BBHI", 0, 0, 0x6558, 42 << 8) + FRAME))
    yield ip4(17, udp(5000, 6081, struct.pack(">BBHI", 2, 0xC0, 0x800, 42 << 8) + bytes([1, 1, 0x80, 1]) + b"data" + ip4(17, HELLO)))
    yield ip4(4, ip4(17, HELLO))
    yield ip4(41, ip6(17, HELLO))
    yield ip4(51, bytes([17, 4, 0, 0]) + struct.pack(">II", 5, 6) + bytes(12) + HELLO)
    yield ip4(108, bytes([6, 0, 0, 5]))


def others():
    yield ip4(17, udp(5000, 5001, b"", 0))
    yield ip4(17, udp(5000, 5001, b"abc", 7))
    yield ip4(1, bytes([3, 4, 0, 0, 0, 0, 5, 0xDC]) + ip4(6, struct.pack(">HHI", 80, 5000, 1)))
    yield ip4(1, bytes([11, 0, 0, 0, 0, 0, 0, 0]) + ip4(1, bytes([8, 0, 0, 0, 0, 1, 0, 2])))
    yield ip4(1, bytes([4, 0, 0, 0, 0, 0, 0, 0]))
    yield ip4(89, struct.pack(">BBHIIHHQ", 2, 1, 44, 0x0A000001, 0, 0, 0, 0) + struct.pack(">IHBBIII", 0xFFFFFF00, 10, 2, 1, 40, 0x0A000001, 0))
    yield ip4(89, struct.pack(">BBHIIHHQ", 2, 1, 48, 0x0A000001, 7, 0, 0, 0) + struct.pack(">IHBBIIII", 0xFFFFFF00, 10, 0x42, 1, 40, 0x0A000001, 0x0A000002, 0x0A000002))
    yield ip4(112, bytes([0x21, 51, 100, 1, 0, 1, 0, 0, 10, 0, 0, 254]) + bytes(8))
    yield ip4(112, bytes([0x31, 51, 100, 2, 0, 100, 0, 0, 10, 0, 0, 254, 10, 0, 0, 253]))
    ports = struct.pack(">HHII", 5000, 6000, 77, 0)
    for chunk in (bytes([1, 0, 0, 20]) + struct.pack(">IIHHI", 1, 65536, 10, 10, 5), bytes([3, 0, 0, 16]) + struct.pack(">IIHH", 9, 65536, 0, 0), bytes([4, 0, 0, 8]) + b"beat", bytes([7, 0, 0, 8]) + b"\0\0\0\1", bytes([14, 0, 0, 4])):
        yield ip4(132, ports + chunk)


def name(*words):
    return b"".join(bytes([len(w)]) + w for w in words) + b"\0"


EXAMPLE, SAME = name(b"example", b"com"), b"\xc0\x0c"


def record(owner, kind, data, ttl=300, class_=1):
    return owner + struct.pack(">HHIH", kind, class_, ttl, len(data)) + data


def question(kind, class_=1):
    return EXAMPLE + struct.pack(">HH", kind, class_)


def message(flags, questions, answers=(), authority=(), more=()):
    parts = (questions, answers, authority, more)
    return struct.pack(">HHHHHH", 7, flags, *(len(p) for p in parts)) + b"".join(b"".join(p) for p in parts)


def dns():
    soa = name(b"ns") + name(b"root") + struct.pack(">IIIII", 2024, 3600, 600, 86400, 300)
    edns = b"\0" + struct.pack(">HHIH", 41, 1232, 0x8000, 0)
    cookie = b"\0" + struct.pack(">HHIH", 41, 4096, 0, 12) + struct.pack(">HH", 10, 8) + b"cookieXX"
    for ttl in (0, 59, 60, 3600, 86400, 604800, 90061):
        yield message(0x8180, [question(1)], [record(SAME, 1, A4, ttl)])
    yield message(0x8180, [question(6)], [record(SAME, 6, soa)], [record(SAME, 2, name(b"ns1"))], [record(name(b"ns1"), 1, A4), edns])
    yield message(0x100, [question(1)], more=[edns])
    yield message(0x8180, [question(1)], more=[cookie])
    yield message(0x8183, [question(1)], authority=[record(SAME, 6, soa)])
    yield message(0x8180, [question(16)], [record(SAME, 16, b"\5hello\3a b")])
    yield message(0x8180, [question(1, 3)], [record(SAME, 16, b"\2ab", 300, 3)])
    yield message(0x2800, [question(6)], authority=[record(EXAMPLE, 1, A4)])
    yield message(0x8180, [question(33)], [record(SAME, 33, struct.pack(">HHH", 1, 2, 443) + EXAMPLE)])
    yield message(0x8580, [question(1), question(28)], [record(SAME, 1, A4)])


def mdns():
    yield message(0, [question(12, 0x8001)])
    yield message(0x8400, [], [record(EXAMPLE, 12, name(b"x", b"local"), 120, 0x8001)])
    yield message(0, [question(12)], [record(EXAMPLE, 12, name(b"x", b"local"))])


def lease(op, *options, flags=0, secs=0, yours=0, sname=b"", file=b"", hops=0):
    text = b"\x63\x82\x53\x63" + b"".join(bytes([code, len(data)]) + data for code, data in options) + b"\xff" + bytes(5)
    return struct.pack(">BBBBIHHIIII", op, 1, 6, hops, 0x12345678, secs, flags, 0, yours, 0, 0) + MAC + bytes(10) + sname.ljust(64, b"\0") + file.ljust(128, b"\0") + text


def dhcp():
    seconds = struct.pack(">I", 3600)
    yield lease(1, (53, b"\1"), (61, b"\1" + MAC), (50, A4), (12, b"host"), (55, bytes([1, 3, 6, 15, 26, 28, 42, 51, 58, 59, 119, 121, 252, 33])))
    yield lease(2, (53, b"\2"), (54, A4), (51, seconds), (1, bytes([255, 255, 255, 0])), (3, A4), (6, A4 + B4), (15, b"example.com"), (58, seconds), (59, seconds), flags=0x8000, secs=3, yours=0x0A000009)
    yield lease(1, (53, b"\3"), (57, b"\5\xdc"), (60, b"udhcp 1.36"), (80, b""), (145, b"\1"))
    yield lease(2, (53, b"\5"), (28, A4), (26, b"\5\xdc"), (42, A4), (119, b"\3lan\0"), (121, bytes([24, 10, 0, 1, 10, 0, 0, 1, 0, 10, 0, 0, 1])), (66, b"tftp"), (67, b"boot.img"), (43, b"\1\2\3\4"), (82, bytes([1, 4, 0, 1, 0, 2, 2, 6]) + MAC), sname=b"server", file=b"file.img", hops=1)
    for kind in range(4, 9):
        yield lease(1, (53, bytes([kind])), (56, b"why"))
    yield lease(1, (93, b"\0\0"), (94, b"\1\2\1"), (97, bytes(17)), (81, b"\0\0\0host"), (52, b"\1"), (23, b"\x40"), (116, b"\1"), (150, A4), (2, struct.pack(">i", -3600)), (46, b"\x08"))


def ntp():
    for first, stratum, poll, source, time in ((0x23, 2, 6, A4, 0xE8F10000), (0x24, 1, 6, b"GPS\0", 0xE8F10000), (0xE3, 0, 10, b"INIT", 0), (0x1C, 3, 0, A4, 5), (0x63, 16, 17, A4, 9)):
        stamps = ((time, 0), (time, 0), (time + 1, 1 << 31), (time + 2, 1 << 30))
        yield bytes([first, stratum, poll, 0xEC]) + struct.pack(">II", 0x1000, 0x2000) + source + b"".join(struct.pack(">II", *s) for s in stamps)


def links():
    def frame(kind, body):
        return bytes.fromhex("0180c200000e") + MAC + struct.pack(">H", kind) + body

    def tlv(kind, data):
        return struct.pack(">H", kind << 9 | len(data)) + data

    begin = tlv(1, b"\4" + MAC) + tlv(2, b"\5eth0") + tlv(3, b"\0\x78")
    yield frame(0x88CC, begin + tlv(5, b"switch1") + tlv(6, b"a switch") + tlv(0, b""))
    yield frame(0x88CC, begin + tlv(0, b""))
    for kind in range(5):
        yield frame(0x888E, bytes([1, kind, 0, 0]))
    yield frame(0x8809, bytes([1, 1]) + bytes(108))
    for version, kind, flags in ((0, 0, 0), (0, 0, 1), (0, 0x80, 0), (2, 2, 0x3C), (2, 2, 0x7C), (2, 2, 0x0E), (2, 2, 0x68)):
        tree = bytes([0x42, 0x42, 3, 0, 0, version, kind])
        if kind != 0x80:
            tree += bytes([flags]) + struct.pack(">H", 32768) + MAC + struct.pack(">IH", 4, 32769) + MAC + struct.pack(">HHHHH", 0x8002, 256, 20 * 256, 2 * 256, 15 * 256)
        tree += b"\0" if version else b""
        yield frame(len(tree), tree + bytes(max(0, 46 - len(tree))))
    snap = lambda kind, body: frame(len(body) + 8, b"\xaa\xaa\3\0\0\x0c" + kind + body)
    tlv2 = lambda kind, value: struct.pack(">HH", kind, len(value) + 4) + value
    yield snap(b"\x20\0", b"\2\xb4\0\0" + tlv2(1, b"R1.example.com"))
    for kind in range(6):
        yield snap(b"\x20\3", bytes([2, kind, 0, 3]) + b"lab" + bytes(65))
    yield snap(b"\x20\4", b"\1" + tlv2(1, b"lab\0") + tlv2(2, b"\x81"))
    for kind in range(4):
        for flags in range(3):
            yield snap(b"\1\x11", bytes([0x20 | kind, flags, 0, 0]) + tlv2(1, b"SW1"))
    yield snap(b"\1\x0b", tree[3:])
    for kind in (1, 3, 4, 5, 6):
        yield frame(0x800, ip4(88, struct.pack(">BBHIIII", 2, kind, 0, 0, 0, 0, 100) + struct.pack(">HHQ", 1, 12, 0x10001000000000F)))
    yield frame(0x800, ip4(17, udp(646, 646, struct.pack(">HHIHHHI", 1, 30, 0x0A000001, 0, 0x100, 20, 0) + bytes(16))))
    within = b"\xaa\xaa\3\0\0\0\x08\0" + ip4(17, HELLO)
    if len(sys.argv) < 4:
        yield frame(len(within), within)


def main():
    packets = [*options_of_ip(), *neighbours(), *groups(), *tunnels(), *others()]
    for port, makes in ((53, dns), (5353, mdns), (67, dhcp), (123, ntp)):
        packets += [ip4(17, udp(port, port, data)) for data in makes()]
    if len(sys.argv) > 2:
        packets = list(links())
    with open(sys.argv[1], "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1 if len(sys.argv) > 2 else 101))
        for p in packets:
            f.write(struct.pack("<IIII", 1700000000, 0, len(p), len(p)) + p)


main()
