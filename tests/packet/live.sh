# tests/packet/live.sh: packets as they come, in a network of their own: sh live.sh WAGGLE TMP (by tests/packet/run).
# A capture of N packets ends by itself; who sends waits until it listens.
waggle=$1 tmp=$2
ip link set lo up

listening() { # until the capture in $tmp/err listens, or 10 s
	for _ in $(seq 200); do
		grep -qs listening "$tmp/err" && return
		sleep 0.05
	done
}
cat >"$tmp/send.py" <<END
import socket, sys
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('', 6000))
for i in range(int(sys.argv[2])):
    s.sendto(b'hello', (sys.argv[1], 5000))
END
send() { python3 "$tmp/send.py" "$@"; } # send HOST N: datagrams to port 5000 from port 6000
capture() { # capture HOST N ARGS...
	host=$1 n=$2
	shift 2
	"$waggle" capture "$@" >"$tmp/out" 2>"$tmp/err" &
	listening
	send "$host" "$n"
	wait $!
}
check() { # check NAME PATTERN N: so many lines of out are like it
	[ "$(grep -cE "$2" "$tmp/out")" = "$3" ] && { echo "ok $1"; return; }
	echo "not ok $1: not $3 lines are like $2"
	sed 's/^/    /' "$tmp/out" "$tmp/err"
}

none() { # none NAME: the kernel let nothing through
	grep -q '^0 packets captured, 0 received by the filter' "$tmp/err" && echo "ok $1" ||
		echo "not ok $1: $(tail -1 "$tmp/err")"
}

capture 127.0.0.1 3 -i lo -c 3 udp port 5000
check "packets of lo, each once" '^[0-9:.]+ IP 127.0.0.1.6000 > 127.0.0.1.5000: UDP, length 5$' 3
grep -q '^3 packets captured, [0-9]* received by the filter, 0 dropped' "$tmp/err" && echo "ok their number" ||
	echo "not ok their number: $(tail -1 "$tmp/err")"
capture 127.0.0.1 2 -i lo -c 1 icmp
check "a filter in the kernel" 'ICMP 127.0.0.1 udp port 5000 unreachable, length 41$' 1
capture ::1 1 -i any -e -c 1 udp
check "all devices" ' lo +In  ifindex 1 00:00:00:00:00:00 ethertype IPv6 \(0x86dd\), length 73: ::1.6000 > ::1.5000: UDP, length 5$' 1
capture 127.0.0.1 2 -i lo -c 2 -w "$tmp/live" udp port 5000
"$waggle" capture -r "$tmp/live" >"$tmp/out"
check "into a file" ' IP 127.0.0.1.6000 > 127.0.0.1.5000: UDP, length 5$' 2

# What leaves by one end of a pair comes in by the other.
ip link add v0 type veth peer name v1
ip address add 10.9.0.1/24 dev v0
ip link set v0 up
ip link set v1 up
there=$(ip -o link show v1 | sed 's/.*ether \([^ ]*\).*/\1/')
ip neighbour replace 10.9.0.2 lladdr "$there" dev v0
for way in 'v0 outbound' 'v1 inbound' 'v1 not outbound'; do
	# shellcheck disable=SC2086
	capture 10.9.0.2 1 -i ${way%% *} -c 1 udp dst port 5000 and ${way#* }
	check "$way" ' IP 10.9.0.1.6000 > 10.9.0.2.5000: UDP, length 5$' 1
done
"$waggle" capture -i v0 udp and inbound or udp dst port 5001 >"$tmp/out" 2>"$tmp/err" &
listening
send 10.9.0.2 2
kill -INT $!
wait $!
none "the kernel knows the way of a packet"
# Programs know it by the kernel's word or by where they are.
"$waggle" -q -e 'tc:v0:egress /pcap("outbound and udp port 5000")/ { @out = count(); } tc:v0:egress /pcap("inbound")/ { @wrong = count(); }
	tc:v1:ingress /pcap("inbound and udp port 5000")/ { @in = count(); } xdp:v1 /pcap("outbound")/ { @wrong = count(); }
	socket:v0 /pcap("outbound and udp port 5000")/ { @told = count(); }' -c "python3 $tmp/send.py 10.9.0.2 3" >"$tmp/out" 2>"$tmp/err"
check "the way of a packet in scripts" '^@(out|in|told): 3$' 3
grep -q wrong "$tmp/out" && echo "not ok no packet goes the wrong way" || echo "ok no packet goes the wrong way"

# A tag comes beside the bytes: the kernel takes it off.
tagged() {
	python3 -c "
import socket, struct
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('v0', 0))
ip = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 33, 1, 0, 64, 17, 0, bytes([10, 9, 5, 1]), bytes([10, 9, 5, 2]))
s.send(b'\\2' * 6 + b'\\4' * 6 + struct.pack('!HHH', 0x8100, 0x6005, 0x800) + ip + struct.pack('!HHHH', 6000, 5000, 13, 0) + b'hello')
"
}
for filter in 'vlan 5 and udp' 'dst host 10.9.5.2' 'not vlan 6 and udp'; do
	# shellcheck disable=SC2086
	"$waggle" capture -i v1 -e -c 1 $filter >"$tmp/out" 2>"$tmp/err" &
	listening
	tagged
	wait $!
	check "a tag: $filter" 'vlan 5, p 3, ethertype IPv4 .*, 10.9.5.1.6000 > 10.9.5.2.5000: UDP, length 5$' 1
done
capture 10.9.0.2 1 -i any -c 1 udp and dst port 5000 and outbound
check "all devices, one way" 'v0 +Out IP 10.9.0.1.6000 > 10.9.0.2.5000: UDP, length 5$' 1
"$waggle" capture -i any tcp or outbound and icmp >"$tmp/out" 2>"$tmp/err" &
listening
send 10.9.0.2 2
kill -INT $!
wait $!
none "a filter in the kernel, all devices"

: >"$tmp/err"
"$waggle" capture -i lo >"$tmp/out" 2>"$tmp/err" &
listening
kill -INT $!
wait $! && grep -q '^0 packets captured' "$tmp/err" && echo "ok Ctrl-C ends it" || echo "not ok Ctrl-C ends it: $(cat "$tmp/err")"
"$waggle" capture -i nosuch 2>"$tmp/err" || grep -q "there is no device nosuch" "$tmp/err" && echo "ok no such device" ||
	echo "not ok no such device: $(cat "$tmp/err")"
