#!/usr/bin/env python3
"""tests/packet/hooks.py WAGGLE: what scripts see of packets at each hook, against what a socket of ours sees there (by
tests/packet/run, in a network namespace of its own, as root). Frames of many kinds, cut off at each length, and
connections whose packets are larger than any frame; each value of docs/language.md's list is read
from the bytes here once more. Out: lines `ok`, `not ok`."""
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

WAGGLE = sys.argv[1]
ETH = bytes.fromhex("020000000002020000000001")
LIST = re.findall(r"^PACKET_VALUE\(([\w.]+),", open("src/script/packet_values.def").read(), re.M)

# ---- frames


def ip4(proto, body, opts=b"", frag=0, length=None, ttl=61):
    head = struct.pack(">BBHHHBBH", 0x45 + len(opts) // 4, 0x28, length or 20 + len(opts) + len(body), 0x1234, frag, ttl, proto, 0)
    return head + socket.inet_aton("10.1.2.3") + socket.inet_aton("10.4.5.6") + opts + body


def ip6(next_, body):
    src, dst = socket.inet_pton(10, "2001:db8::7"), socket.inet_pton(10, "2001:db8:1::9")
    return struct.pack(">IHBB", 0x6AB12345, len(body), next_, 63) + src + dst + body


TCP = struct.pack(">HHIIBBHHH", 1234, 8080, 0x89ABCDEF, 0x12345678, 0x50, 0x5A, 64240, 0, 0) + b"hello"
UDP = struct.pack(">HHHH", 54321, 53, 13, 0) + b"hello"
ICMP = bytes([3, 1, 0, 0, 0, 0, 0, 0]) + ip4(17, UDP)
ICMP6 = bytes([1, 4, 0, 0, 0, 0, 0, 0]) + ip6(17, UDP)
ARP = bytes.fromhex("0001080006040002" "020000000001" "0a000001" "020000000002" "0a000002")
SCTP = struct.pack(">HHII", 2905, 8081, 1, 0)


def ext(next_, size=8):
    return bytes([next_, size // 8 - 1, 1, size - 4]) + bytes(size - 4)


LAST = b"\x86\xdd" + ip6(59, b"the last one")


def frames():
    four, six = b"\x08\0", b"\x86\xdd"
    inner = [four + ip4(6, TCP), four + ip4(17, UDP), four + ip4(1, ICMP), four + ip4(132, SCTP), six + ip6(6, TCP), six + ip6(17, UDP),
             six + ip6(58, ICMP6), six + ip6(132, SCTP), b"\x08\x06" + ARP]
    yield from inner
    for tags in ("81006069", "88a80005", "88a8a0058100e006", "8100000181000002", "910000078100b008", "88a8000181000002" "81000003"):
        for i in inner[:5]:
            yield bytes.fromhex(tags) + i
    for opts in (4, 12, 40):  # options of IPv4
        yield four + ip4(6, TCP, bytes([1]) * opts)
        yield four + ip4(17, UDP, bytes([1]) * opts)
    for frag in (0x2000, 0x2001, 0x00B9, 0x4000, 0x8000):  # first, inside, last, not to be, reserved
        yield four + ip4(17, UDP, frag=frag)
        yield four + ip4(6, TCP, frag=frag)
    for chain in ([0], [60], [43], [0, 60], [0, 43, 60], [60, 60, 60, 60], [60, 60, 60, 60, 60]):  # headers of IPv6
        body, next_ = UDP, 17
        for kind in reversed(chain):
            body, next_ = ext(next_, 16) + body, kind
        yield six + ip6(next_, body)
    for offset in (0, 1, 8 * 100 + 1):  # fragments of IPv6: first, first with more, later
        yield six + ip6(44, struct.pack(">BBHI", 17, 0, offset, 7) + UDP)
        yield six + ip6(0, ext(44) + struct.pack(">BBHI", 6, 0, offset, 7) + TCP)
    yield six + ip6(51, bytes([6, 4]) + bytes(22) + TCP)  # AH
    yield six + ip6(59, b"nothing")
    yield six + ip6(50, bytes(32))
    yield four + ip4(4, ip4(6, TCP))  # tunnels
    yield four + ip4(41, ip6(6, TCP))
    yield six + ip6(4, ip4(17, UDP))
    yield four + ip4(47, b"\0\0\x08\0" + ip4(6, TCP))
    yield four + ip4(17, struct.pack(">HHHH", 1, 4789, 16 + 14 + len(inner[0]), 0) + bytes([8, 0, 0, 0, 0, 0, 5, 0]) + ETH + inner[0])
    yield bytes.fromhex("88470000114040") + ip4(6, TCP)  # MPLS, PPPoE, LLDP, RARP, a length, unknown
    yield bytes.fromhex("88641100000100350021") + ip4(6, TCP)
    yield bytes.fromhex("88cc0207040200000000010000")
    yield b"\x80\x35" + ARP
    yield bytes.fromhex("0026424203") + bytes(35)
    yield b"\xff\xff" + bytes(30)
    yield four + b"\x65" + ip4(6, TCP)[1:]  # wrong versions, wrong lengths of headers
    yield six + b"\x45" + ip6(6, TCP)[1:]
    yield four + b"\x44" + ip4(6, TCP)[1:]
    yield four + b"\x4f" + ip4(6, TCP)[1:]
    yield four + ip4(6, TCP, length=21)
    yield four + ip4(6, TCP) + bytes(30)  # padded
    for whole in (four + ip4(6, TCP, bytes([1]) * 4), six + ip6(0, ext(58) + ICMP6), b"\x81\0\x60\x69" + four + ip4(17, UDP)):
        for n in range(2, len(whole), 3):  # cut off
            yield whole[:n]
    yield LAST


# ---- the values once more

ZERO = {v: "0" for v in LIST}
ZERO.update({v: "0.0.0.0" for v in LIST if re.fullmatch(r"ip\.(src|dst)|arp\.[st]pa", v)})
ZERO.update({v: "::" for v in LIST if re.fullmatch(r"ip6\.(src|dst)", v)})
ZERO.update({v: "00:00:00:00:00:00" for v in LIST if re.fullmatch(r"eth\.(src|dst)|arp\.sha", v)})


class Reader:
    def __init__(self, data, tag, begins):
        self.v = dict(ZERO, len=str(len(data)))
        self.d = data
        if begins == "ip":
            version = data[0] >> 4 if data else 0
            kind = {4: 0x800, 6: 0x86DD}.get(version, 0)
            self.v["eth.type"] = str(kind)
            return self.network(kind, 0)
        if len(data) < 14:
            return
        self.put("eth.dst", ":".join("%02x" % b for b in data[:6]))
        self.put("eth.src", ":".join("%02x" % b for b in data[6:12]))
        kind, at, tags = self.be(12, 2), 14, 2
        if tag is not None:
            self.vlan(tag)
        while kind in (0x8100, 0x88A8, 0x9100) and tags:
            if not self.has(at, 4):
                return
            if tags == 2 and tag is None:
                self.vlan(self.be(at, 2))
            kind, at, tags = self.be(at + 2, 2), at + 4, tags - 1
        self.put("eth.type", kind)
        self.network(kind, at)

    def put(self, name, value):
        self.v[name] = str(value)

    def be(self, at, n):
        return int.from_bytes(self.d[at:at + n], "big")

    def has(self, at, n):
        return at + n <= len(self.d)

    def vlan(self, tag):
        self.put("vlan.id", tag & 0xFFF)
        self.put("vlan.prio", tag >> 13)

    def network(self, kind, at):
        if kind == 0x806 and self.has(at, 28):
            self.put("arp.op", self.be(at + 6, 2))
            self.put("arp.sha", ":".join("%02x" % b for b in self.d[at + 8:at + 14]))
            self.put("arp.spa", socket.inet_ntoa(self.d[at + 14:at + 18]))
            self.put("arp.tpa", socket.inet_ntoa(self.d[at + 24:at + 28]))
        elif kind == 0x800 and self.has(at, 20):
            self.four(at)
        elif kind == 0x86DD and self.has(at, 40):
            self.six(at)

    def four(self, at):
        for name, off, n in (("tos", 1, 1), ("len", 2, 2), ("id", 4, 2), ("ttl", 8, 1), ("proto", 9, 1)):
            self.put("ip." + name, self.be(at + off, n))
        self.put("ip.frag", self.be(at + 6, 2) & 0x1FFF)
        self.put("ip.src", socket.inet_ntoa(self.d[at + 12:at + 16]))
        self.put("ip.dst", socket.inet_ntoa(self.d[at + 16:at + 20]))
        first = not self.be(at + 6, 2) & 0x1FFF
        self.carried(self.d[at + 9], at + 4 * (self.d[at] & 15), first, 1)

    def six(self, at):
        self.put("ip6.flow", self.be(at, 4) & 0xFFFFF)
        for name, off, n in (("len", 4, 2), ("next", 6, 1), ("hops", 7, 1)):
            self.put("ip6." + name, self.be(at + off, n))
        self.put("ip6.src", socket.inet_ntop(10, self.d[at + 8:at + 24]))
        self.put("ip6.dst", socket.inet_ntop(10, self.d[at + 24:at + 40]))
        proto, at, first = self.d[at + 6], at + 40, True
        for _ in range(4):
            if proto not in (0, 43, 44, 60):
                break
            if not self.has(at, 8):
                return
            if proto == 44:
                first = first and not self.be(at + 2, 2) & 0xFFF8
                size = 8
            else:
                size = (self.d[at + 1] + 1) * 8
            proto, at = self.d[at], at + size
            if not first:
                break
        self.carried(proto, at, first, 58)

    def carried(self, proto, at, first, icmp):
        self.put("proto", proto)
        if not first:
            return
        if proto in (6, 17, 132) and self.has(at, 4):
            self.put("sport", self.be(at, 2))
            self.put("dport", self.be(at + 2, 2))
        if proto == 6 and self.has(at, 20):
            for name, off, n in (("sport", 0, 2), ("dport", 2, 2), ("seq", 4, 4), ("ack", 8, 4), ("flags", 13, 1), ("window", 14, 2)):
                self.put("tcp." + name, self.be(at + off, n))
        elif proto == 17 and self.has(at, 8):
            for name, off in (("sport", 0), ("dport", 2), ("len", 4)):
                self.put("udp." + name, self.be(at + off, 2))
        elif proto == icmp and self.has(at, 4):
            name = "icmp" if icmp == 1 else "icmp6"
            self.put(name + ".type", self.d[at])
            self.put(name + ".code", self.d[at + 1])


# ---- who sees what


class Tap(threading.Thread):
    """A socket of packets: (bytes, tag that the kernel keeps aside, comes in)."""

    def __init__(self, device):
        super().__init__(daemon=True)
        self.s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.s.setsockopt(263, 8, 1)  # PACKET_AUXDATA
        self.s.setsockopt(socket.SOL_SOCKET, 33, 1 << 26)  # SO_RCVBUFFORCE
        self.s.bind((device, 3))
        self.seen = []
        self.start()

    def run(self):
        while True:
            data, aux, _, where = self.s.recvmsg(1 << 17, 512)
            tag = None
            for _, kind, what in aux:
                status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", what[:20])
                if kind == 8 and status & 0x10:
                    tag = tci
            self.seen.append((data, tag, where[2] != 4))


def until(holds, seconds=20):
    end = time.time() + seconds
    while not holds() and time.time() < end:
        time.sleep(0.02)
    return holds()


class Script:
    def __init__(self, hook, values):
        marks = " ".join("%s" if ZERO[v] != "0" else "%u" for v in values)
        text = '%s { printf("%s\\n", %s); }' % (hook, marks, ", ".join(values))
        self.p = subprocess.Popen([WAGGLE, "-e", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said = []
        for line in self.p.stderr:
            self.said.append(line)
            if line.startswith("Attached"):
                return
        print("not ok a script at %s: it does not begin" % hook, *self.said, sep="\n    ")
        sys.exit(1)

    def end(self):
        self.p.send_signal(signal.SIGINT)
        out, err = self.p.communicate(timeout=30)
        self.said.append(err)
        return [line.strip() for line in out.splitlines() if line]


def shown(read, values):
    return " ".join(read.v[v] for v in values)


# a program has no room for all at once
PARTS = [[v for v in LIST if not v.startswith(("ip", "arp"))], [v for v in LIST if not v.startswith(("tcp", "udp", "icmp"))]]


failed = 0


def compare(name, values, have, want, begins="eth"):
    global failed
    if begins == "ip" and have:  # what no whole socket is there for, a cgroup does not see
        want = want[:]
        for w in list(want):
            if have.count(w) < want.count(w) and len(want) - len(have) < 12:
                want.remove(w)
    bad = [(h, w) for h, w in zip(sorted(have), sorted(want)) if h != w]
    if len(have) == len(want) and not bad and want:
        print("ok values in a script at %s: %d packets" % (name, len(want)))
        return
    failed = 1
    lost, more = list(want), []
    for h in have:
        if h in lost:
            lost.remove(h)
        else:
            more.append(h)
    print("not ok values in a script at %s: %d packets, %d expected; %d differ" % (name, len(have), len(want), len(lost)))
    for w in lost[:3]:
        near = min(more, key=lambda m: sum(a != b for a, b in zip(m.split(), w.split())), default="")
        what = ["%s=%s, not %s" % (v, a, b) for v, a, b in zip(values, near.split(), w.split()) if a != b]
        print("    " + w + "\n    " + ", ".join(what))


def sender(device):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.bind((device, 0))
    return s


def frames_at(hook, device, out, egress, values=None):
    """Frames that are sent from `out`, as `device` has them."""
    if not values:
        return [frames_at(hook, device, out, egress, part) for part in PARTS]
    script, tap, s = Script(hook, values), Tap(device), sender(out)
    for f in frames():
        s.send(ETH + f)
    until(lambda: any(d == ETH + LAST for d, _, _ in tap.seen))
    time.sleep(0.1)
    have = script.end()
    seen = [(d, tag) for d, tag, comes_in in tap.seen if comes_in != egress or hook.startswith("socket")]
    if hook.startswith("xdp"):  # the tag is there still, and what the kernel drops for its tag's sake
        seen = [(ETH + f, None) for f in frames()]
    return compare(hook, values, have, [shown(Reader(d, t, "eth"), values) for d, t in seen])


def bulk(family, address, datagram):
    """A connection over which much goes, and datagrams that are cut in pieces."""
    server = socket.create_server((address, 0), family=family)
    client = socket.create_connection(server.getsockname()[:2])
    peer = server.accept()[0]
    client.sendall(bytes(300000))
    client.close()
    got = 0
    while got < 300000:
        got += len(peer.recv(1 << 16))
    peer.close()
    u = socket.socket(family, socket.SOCK_DGRAM)
    u.bind((address, 0))
    u.sendto(bytes(datagram), u.getsockname()[:2])
    u.recv(1 << 16)
    time.sleep(0.1)


def bulk_at(hook, begins, comes_in, values=None):
    if not values:
        return [bulk_at(hook, begins, comes_in, part) for part in PARTS]
    tap, script = Tap("lo"), Script(hook, values)
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        bulk(family, address, 60000 if begins == "eth" else 600)
    time.sleep(0.1)
    have = script.end()
    seen = [d for d, _, came in tap.seen if comes_in is None or came == comes_in]
    large = max(map(len, seen))
    return compare("%s (up to %d bytes)" % (re.sub("/tmp/[^:]*", "PATH", hook), large), values, have,
                   [shown(Reader(d[14:] if begins == "ip" else d, None, begins), values) for d in seen], begins)


def main():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # packets come one after the other
    run = lambda c: subprocess.run(c, shell=True, check=True)
    run("ip link set lo mtu 65535 2>/dev/null || true; ip link set lo up; ip link add h0 type veth peer name h1; sysctl -qw net.ipv6.conf.h0.disable_ipv6=1"
        " net.ipv6.conf.h1.disable_ipv6=1; ip link set h0 up; ip link set h1 up; ip link set lo mtu 16000; sleep 0.2")
    run("ip link add hb type bridge; sysctl -qw net.ipv6.conf.hb.disable_ipv6=1; ip link set hb address 02:00:00:00:00:02; ip link set hb up")
    frames_at("xdp:h1", "h1", "h0", False)
    frames_at("tc:h1:ingress", "h1", "h0", False)
    frames_at("tc:h0:egress", "h0", "h0", True)
    frames_at("socket:h1", "h1", "h0", False)
    frames_at("socket:h0", "h0", "h0", True)
    run("ip link set h1 master hb")
    frames_at("tc:hb:ingress", "hb", "h0", False)
    bulk_at("tc:lo:ingress", "eth", True)
    bulk_at("tc:lo:egress", "eth", False)
    bulk_at("socket:lo", "eth", None)
    run("ip link set lo mtu 1500")
    bulk_at("xdp:lo", "eth", True)
    root = "/tmp/hooks-cgroup-%d" % os.getpid()
    os.mkdir(root)
    run("mount -t cgroup2 none %s; mkdir %s/waggle_hooks" % (root, root))
    try:
        for way in ("ingress", "egress"):
            open(root + "/waggle_hooks/cgroup.procs", "w").write("0")
            bulk_at("cgroup_skb:%s/waggle_hooks:%s" % (root, way), "ip", way == "ingress")
    finally:
        open(root + "/cgroup.procs", "w").write("0")
        run("rmdir %s/waggle_hooks; umount %s; rmdir %s" % (root, root, root))
    return failed


sys.exit(main())
