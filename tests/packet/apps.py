#!/usr/bin/env python3
"""tests/packet/apps.py FILE: a capture file with what small protocols say over UDP, TCP and PPP, as Ethernet: PPPoE and PPP's
negotiation, SNMP, TFTP, syslog, RADIUS, RIP, HSRP, BFD, IKE, SIP, SSH, BGP, Redis; and frames of types that nobody knows."""
import struct
import sys

MAC = bytes.fromhex("020000000002020000000001")
packets = []


def ether(kind, body):
    packets.append(MAC + struct.pack(">H", kind) + body)


def ip(proto, body):
    ether(0x800, struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, proto, 0) + b"\x0a\0\0\1\x0a\0\0\2" + body)


def udp(sport, dport, body):
    ip(17, struct.pack(">HHHH", sport, dport, 8 + len(body), 0) + body)


def tcp(sport, dport, body):
    ip(6, struct.pack(">HHIIBBHHH", sport, dport, 1, 1, 0x50, 0x18, 100, 0, 0) + body)


def tag(kind, value):
    return struct.pack(">HH", kind, len(value)) + value


def discovery(code, body, session=0, length=None):
    ether(0x8863, struct.pack(">BBHH", 0x11, code, session, len(body) if length is None else length) + body)


def ppp(protocol, body):
    ether(0x8864, struct.pack(">BBHH", 0x11, 0, 5, 2 + len(body)) + struct.pack(">H", protocol) + body)


def control(code, body, number=7):
    return struct.pack(">BBH", code, number, 4 + len(body)) + body


def lines_of_ppp():
    for code in (9, 7, 0x19, 0x65, 0xA7, 0xD3):
        discovery(code, tag(0x101, b"") + tag(0x103, b"\1\2\3\4") + tag(0x102, b"ac1") + tag(0x104, b"\0\1cookiexx"), code // 32)
    for kind in (0x105, 0x106, 0x110, 0x120, 0x201, 0x202, 0x203, 0x300, 0):
        discovery(9, tag(kind, b"ab"))
    for value in (b"a", b"\1", b"a\1", b"ab\1", b"a" * 100, b"\1" * 21, b'a"b', b"\xe9a"):
        discovery(9, tag(0x101, value))
    discovery(9, tag(0x101, b"abc"), length=30)
    for protocol in (0xC021, 0x8021, 0x8057, 0x80FD, 0x8281, 0xC02B):
        for code in range(17):
            ppp(protocol, control(code, b"abcd" if code in (9, 10) else b"\3\6\x0a\0\0\1"))
    for body in (b"\1", b"\1\2\0", b"\1\2\0\3"):
        ppp(0xC021, body)
    for body in (control(1, b"\3bob\4pass"), control(2, b"\2ok"), control(3, b"\2no"), control(9, b"x"), control(1, b"\x20bob"), control(2, b""), b"\1", control(1, b"\3bo\xe9\4pa\1s")):
        ppp(0xC023, body)
    for body in (control(1, b"\4abcdname"), control(2, b"\4abcdname"), control(3, b"welcome"), control(4, b"bad"), control(1, b"\x20abc"), control(7, b"abc"), b"\1"):
        ppp(0xC223, body)
    for protocol in (0xC025, 0xC227, 0x1234, 0xFD, 0x802B, 0x29, 0x31, 0x33, 0x2D, 0x61):
        ppp(protocol, b"abcdefghijklmnopqrst")


def ber(kind, value):
    size = bytes([len(value)]) if len(value) < 128 else b"\x82" + struct.pack(">H", len(value))
    return bytes([kind]) + size + value


def number(n, kind=2):
    return ber(kind, n.to_bytes((n.bit_length() + 8) // 8, "big", signed=True))


def oid(text):
    parts = [int(p) for p in text.split(".")]
    out = bytes([parts[0] * 40 + parts[1]])
    for part in parts[2:]:
        piece = [part & 127]
        while part := part >> 7:
            piece.insert(0, part & 127 | 128)
        out += bytes(piece)
    return ber(6, out)


def pdu(kind, error, index, values):
    return ber(kind, number(5) + number(error) + number(index) + ber(0x30, b"".join(ber(0x30, oid("1.3.6.1.2.1.4") + v) for v in values)))


def snmp(body, version=1, community=b"public"):
    udp(4000, 161, ber(0x30, number(version) + ber(4, community) + body))


def management():
    nothing = b"\5\0"
    values = [nothing, number(5), number(-70000), oid("1.3.6.1.4.1.9.999999"), ber(0x40, b"\1\2\3\4"), number(7, 0x41), ber(0x42, b"\xff" * 4), number(8, 0x43)]
    values += [ber(0x44, b"ab"), ber(0x46, bytes(range(1, 9))), b"\x80\0", b"\x81\0", b"\x82\0", ber(0x41, b"\0\x80\0\0\0"), ber(0x40, b"\1"), ber(0x47, b"ab"), ber(0x30, b"\2\1\1")]
    values += [ber(4, text) for text in (b"hello", b"\1\2\3", b"he\nllo", b"", b"x" * 200, b"\x80abc", b'a b"c', b"\r\n", b"ab\0")]
    for kind in (0xA0, 0xA1, 0xA2, 0xA3, 0xA6, 0xA7, 0xA8):
        snmp(pdu(kind, 0, 0, values[:3]))
    for value in values:
        snmp(pdu(0xA2, 0, 0, [value]))
    for error in range(21):
        snmp(pdu(0xA2, error, 1, [nothing]))
    snmp(pdu(0xA2, 2, 0, [nothing]))
    snmp(pdu(0xA0, 2, 3, [nothing]))
    for first, most in ((0, 10), (1, 0), (2, 5)):
        snmp(pdu(0xA5, first, most, [nothing]))
    for kind in range(8):
        for own in (0, 3):
            snmp(ber(0xA4, oid("1.3.6.1.4.1.9") + ber(0x40, b"\x0a\0\0\1") + number(kind) + number(own) + number(99, 0x43) + ber(0x30, b"")), 0)
    for community in (b"", b"private", b"pu\1c"):
        snmp(pdu(0xA0, 0, 0, [nothing]), 0, community)
    engine = ber(4, b"\x80\0\x1f\x88\x80abcdefgh")
    for flags in (0, 4, 7):
        head = ber(0x30, number(9) + number(65507) + ber(4, bytes([flags])) + number(3)) + ber(4, ber(0x30, engine + number(1) + number(2) + ber(4, b"bob") + ber(4, b"") + ber(4, b"")))
        udp(4000, 161, ber(0x30, number(3) + head + (ber(4, b"x" * 40) if flags & 2 else ber(0x30, engine + ber(4, b"") + pdu(0xA0, 0, 0, [nothing])))))


def files_and_logs():
    for kind in range(9):
        udp(4000, 69, struct.pack(">H", kind) + b"abc\0octet\0")
    for error in range(10):
        udp(4000, 69, struct.pack(">HH", 5, error) + b"msg\0")
    for body in (b"\0", b"\0\1", b"\0\1abc\0octet\0tsize\0000\0blksize\0001432\0", b"\0\3", b"\0\5\0\1", b"\0\6blksize\000512\0"):
        udp(4000, 69, body)
    for level in range(200):
        udp(4000, 514, b"<%d>x" % level)
    for body in (b"x", b"<>", b"<1234>", b"<1", b"<12", b"<123", b"<1x>", b"<300>x"):
        udp(4000, 514, body)


def routers():
    for code in range(60):
        udp(4000, 1812, bytes([code, 5, 0, 20]) + b"a" * 16)
    for port in (1645, 1646, 1813, 3799):
        udp(4000, port, bytes([1, 5, 0, 40]) + b"a" * 30)
    for size in (5, 19):
        udp(4000, 1812, bytes([1, 5, 0, size]) + b"a" * 16)
    for version in range(4):
        for command in range(8):
            udp(520, 520, bytes([command, version, 0, 0]) + b"\0\2\0\0\x0a\1\0\0" + bytes(8) + b"\0\0\0\2")
    udp(520, 520, b"\1")
    for version in (0, 1):
        for kind in range(4):
            for state in (0, 1, 2, 4, 8, 16, 3):
                udp(1985, 1985, bytes([version, kind, state, 3, 10, 100, 1, 0]) + b"cisco\0\0\0\x0a\0\0\1")
    for state in range(4):
        for flags in (0, 8, 0x20, 0x3F):
            udp(4000, 3784, bytes([0x20, state << 6 | flags, 3, 24]) + struct.pack(">IIIII", 1, 2, 1000, 1000, 0))
    udp(4000, 3785, bytes(12))
    udp(4000, 4784, bytes([0x20, 0xC0, 3, 24]) + struct.pack(">IIIII", 1, 2, 1000, 1000, 0))


def keys():
    for version in (0x10, 0x20, 0x30):
        for kind in list(range(8)) + list(range(32, 40)) + [240]:
            for flags in (0, 1, 8, 0x20, 0x28):
                for message in (0, 7):
                    udp(500, 500, b"12345678" + bytes(8) + bytes([0, version, kind, flags]) + struct.pack(">II", message, 28))
    for body in (b"\xff", b"\0\0\0\0", b"\0\0\0\0" + b"x" * 10, b"\0\0\0\5\0\0\0\6" + b"x" * 30, b"\xff\1\2", b"\0"):
        udp(4500, 4500, body)


def texts():
    for body in (b"INVITE sip:bob@example.com SIP/2.0\r\nTo: Bob\r\n\r\n", b"SIP/2.0 200 OK\r\nVia: x\r\n\r\n", b"HELLO x\r\n"):
        udp(5060, 5060, body)
    for body in (b"SSH-2.0-x\r\n", b"\0\0\1\2binary", b"SSH-2.0-x", b"hello\r\nworld\r\n"):
        tcp(22, 4000, body)
    for body in (b"\xff" * 16 + b"\0\x13\4", b"x"):
        tcp(4000, 179, body)
    for body in (b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n", b"-ERR x y\r\n", b":1000\r\n", b"$6\r\nfoobar\r\n", b"$-1\r\n", b"*2\r\n$3\r\nfoo\r\n$3\r\nbar\r\n", b"PING\r\n", b"*-1\r\n", b"*2\r\n*1\r\n:1\r\n+x\r\n", b"$0\r\n\r\n", b"*0\r\n", b"$600\r\nfoo"):
        tcp(4000, 6379, body)


def unknown():
    for kind in (0x0842, 0x4305, 0x89FC, 0x88A4, 0x8906, 0x0BAD):
        ether(kind, bytes(range(20, 60)))


for make in (lines_of_ppp, management, files_and_logs, routers, keys, texts, unknown):
    make()
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    for i, p in enumerate(packets):
        f.write(struct.pack("<IIII", 1700000000 + i, 0, len(p), len(p)) + p)
