# tests/replay/socks.sh: `--at` for programs of sockets, cgroups and network namespaces, in a network of its own:
# socks.sh WAGGLE OBJECT FOLDER
waggle=$1 object=$2
cd "$3" || exit 1
bad() { echo "not ok $1: $2"; sed 's/^/    /' said out; }
ip link set lo up
cgroup=$(sed -n 's/^[^ ]* \([^ ]*\) cgroup2 .*/\1/p' /proc/mounts | head -1)
group=$cgroup/waggle-test-socks-$$
traffic='
import socket
def say(f):
    try: f()
    except OSError: pass
a = socket.socket(); a.bind(("127.0.0.1", 7777)); a.listen()
b = socket.socket(); say(lambda: b.connect(("127.0.0.1", 7777)))
c = a.accept()[0]; c.settimeout(5)
say(lambda: b.send(b"x" * 50)); say(lambda: c.recv(50)); say(lambda: b.send(b"y" * 200))
d = socket.socket(); say(lambda: d.connect(("127.0.0.1", 9)))
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); say(lambda: u.sendto(b"1", ("127.0.0.1", 9)))
say(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
say(lambda: socket.socket(socket.AF_INET6).setsockopt(41, 26, 1))'

start() { # start ARGS...: attached
	rm -f out said
	"$waggle" "$object" "$@" >out 2>said &
	pid=$!
	for _ in $(seq 100); do
		grep -q Attached said && return
		kill -0 $pid 2>/dev/null || break
		sleep 0.1
	done
}
finish() { # finish NAME LINE...: which it says, of verdicts
	name=$1
	kill -INT $pid
	wait $pid
	shift
	for line; do
		grep -q "^ *$line\$" out || { bad "$name" "it does not say '$line'"; return; }
	done
	echo "ok $name"
}
start --at sk_lookup:/proc/self/ns/net
python3 -c "$traffic"
finish "a network namespace: which socket" "2  SK_DROP" "2  SK_PASS"
start --at flow_dissector:/proc/self/ns/net
"$waggle" ps | grep -q 'headers.*flow_dissector netns' && finish "a network namespace: headers" || bad "headers" "ps does not show it"
if [ -n "$cgroup" ] && mkdir "$group" 2>/dev/null; then
	inside() { sh -c 'echo $$ >"$0/cgroup.procs"; exec python3 -c "$1"' "$group" "$traffic"; }
	start --at cgroup_sock_addr:$group --at cgroup_sock:$group --at cgroup_sockopt:$group
	inside
	finish "a cgroup: addresses, sockets, options" "connects at cgroup_sock_addr:$group" \
		"sockets at cgroup_sock:$group" "options at cgroup_sockopt:$group" "1  deny" "1  allow" "5  allow"
	start --at sockops:$group --at sent=sockmap:socks --at got=sockmap:socks
	inside
	finish "a map of sockets" "born at sockops:$group" "1  SK_DROP" "1  SK_PASS" "[12]  *50  SK_PASS"
	rmdir "$group"
else
	echo "skip cgroups: none of version 2 can be made"
fi

# two sockets of one port; who sends waits until it may
mkfifo go
python3 -c '
import os, socket
def one():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1); s.bind(("127.0.0.1", 7778)); return s
a, b = one(), one()
open("fd", "w").write("%d" % a.fileno()); os.rename("fd", "number")
open("go").read()
c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for n in 10, 10, 100: c.sendto(b"x" * n, ("127.0.0.1", 7778))
a.settimeout(0.5); b.settimeout(0.5); got = 0
for s in a, b:
    try:
        while True: s.recv(200); got += 1
    except OSError: pass
open("got", "w").write("%d" % got)' &
python=$!
while [ ! -e number ]; do sleep 0.1; done
start --at sk_reuseport:$python:$(cat number)
echo >go
wait $python
finish "sockets that share a port" "1  SK_DROP" "2  SK_PASS"
[ "$(cat got)" = 2 ] && echo "ok what it drops does not arrive" || bad "what it drops does not arrive" "$(cat got)"
