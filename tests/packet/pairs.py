#!/usr/bin/env python3
"""tests/packet/pairs.py SEED N [ip]: N lines of two columns, a condition of a script and a filter of tcpdump that mean the same, at
random: values of headers against numbers that packets of make.py have, joined by and, or, not; ip: for hooks whose packets begin
with their IP header."""
import random
import sys

random.seed(int(sys.argv[1]))
only_ip = "ip" in sys.argv[3:]
COMPARE = {"==": "=", "!=": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">="}


def byte():
    return random.choice([0, 1, 6, 17, 58, 64, 255, random.randrange(256)])


def word():
    return random.choice([0, 1, 40, 60, 100, 512, 0x8000, 65535, random.randrange(65536)])


def number(value, field, most, guard, filter_guard):
    sign = random.choice(list(COMPARE))
    n = most()
    return f"{guard}{value} {sign} {n}", f"{filter_guard}{field} {COMPARE[sign]} {n}"


def bits(value, field, guard, filter_guard):
    mask = random.choice([1, 2, 3, 0x10, 0x12, 0x80, random.randrange(1, 256)])
    return f"{guard}({value} & {mask}) != 0", f"{filter_guard}{field} & {mask} != 0"


FOUR, SIX = "eth.type == 0x800 && ", "eth.type == 0x86dd && "


def address():
    way, size = random.choice(["src", "dst"]), random.choice([8, 9, 12, 16, 24, 32])
    a = 10 << 24 | random.randrange(1 << 24)
    a = a >> (32 - size) << (32 - size)
    text = ".".join(str(a >> s & 255) for s in (24, 16, 8, 0))
    if size == 32:
        return f'{FOUR}ip.{way} == "{text}"', f"ip {way} host {text}"
    return f'{FOUR}ip.{way} == "{text}/{size}"', f"ip {way} net {text}/{size}"


def port():
    way, proto, n = random.choice(["src", "dst"]), random.choice([6, 17]), random.choice([53, 80, 443, 8080, random.randrange(65536)])
    head = f"{FOUR}proto == {proto} && ip.frag == 0 && "
    if random.random() < 0.5:
        return f"{head}{way[0]}port == {n}", f"ip proto {proto} and {way} port {n}"
    return f"{head}{way[0]}port <= {n}", f"ip proto {proto} and {way} portrange 0-{n}"


ATOMS = [
    address,
    address,
    port,
    port,
    lambda: number("ip.ttl", "ip[8]", byte, FOUR, "ip and "),
    lambda: number("ip.len", "ip[2:2]", word, FOUR, "ip and "),
    lambda: number("ip.id", "ip[4:2]", word, FOUR, "ip and "),
    lambda: number("ip.tos", "ip[1]", byte, FOUR, "ip and "),
    lambda: number("proto", "ip[9]", byte, FOUR, "ip and "),
    lambda: bits("tcp.flags", "tcp[13]", FOUR + "proto == 6 && ip.frag == 0 && ", "ip and tcp and "),
    lambda: number("tcp.window", "tcp[14:2]", word, FOUR + "proto == 6 && ip.frag == 0 && ", "ip and tcp and "),
    lambda: number("udp.len", "udp[4:2]", word, FOUR + "proto == 17 && ip.frag == 0 && ", "ip and udp and "),
    lambda: number("icmp.type", "icmp[0]", byte, FOUR + "proto == 1 && ip.frag == 0 && ", "icmp and "),
    lambda: number("ip6.next", "ip6[6]", byte, SIX, "ip6 and "),
    lambda: number("ip6.hops", "ip6[7]", byte, SIX, "ip6 and "),
    lambda: number("ip6.len", "ip6[4:2]", word, SIX, "ip6 and "),
]
if not only_ip:
    ATOMS += [
        lambda: number("len", "len", word, "", ""),
        lambda: number("arp.op", "arp[6:2]", byte, "eth.type == 0x806 && ", "arp and "),
        lambda: number("eth.type", "ether[12:2]", lambda: random.choice([0x800, 0x806, 0x86DD, 0x8100]), "", ""),
    ]


def condition(depth):
    if depth == 0 or random.random() < 0.3:
        ours, theirs = random.choice(ATOMS)()
        return f"({ours})", f"({theirs})"
    kind = random.randrange(5)
    a = condition(depth - 1)
    if kind == 0:
        return f"(!{a[0]})", f"(not {a[1]})"
    b = condition(depth - 1)
    sign, said = ("&&", "and") if kind < 3 else ("||", "or")
    return f"({a[0]} {sign} {b[0]})", f"({a[1]} {said} {b[1]})"


for _ in range(int(sys.argv[2])):
    ours, theirs = condition(2)
    if only_ip:
        ours, theirs = f"(eth.type == 0x800 || eth.type == 0x86dd) && {ours}", f"(ip or ip6) and {theirs}"
    print(f"{ours}\t{theirs}")
