# tests/replay/at.sh: `waggle OBJECT --at HOOK`, in a network of its own: at.sh WAGGLE OBJECT FOLDER
waggle=$1 object=$2
cd "$3" || exit 1
bad() { echo "not ok $1: $2"; }
ip link set lo up
cgroup=$(sed -n 's/^[^ ]* \([^ ]*\) cgroup2 .*/\1/p' /proc/mounts | head -1)
group=$cgroup/waggle-test-$$

# attach NAME PROGRAM HOOK: 20 datagrams of which it sees as many as it should; .bss tells
attach() {
	rm -f at.out at.err
	"$waggle" "$object" --at "$3" --prog "$2" >at.out 2>at.err &
	pid=$!
	for _ in $(seq 100); do
		grep -q Attached at.out at.err && break
		kill -0 $pid 2>/dev/null || break
		sleep 0.1
	done
	(
		[ -d "$group" ] && sh -c "echo \$PPID" >"$group/cgroup.procs"
		python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(20):
    try: s.sendto(b"x", ("127.0.0.1", 9))
    except OSError: pass'
	)
	kill -INT $pid
	wait $pid
	seen=$(sed -n 's/.*packets = \([0-9]*\).*/\1/p' at.out)
	if [ "${seen:-0}" -ge 20 ]; then
		echo "ok $1"
	else
		bad "$1" "it saw ${seen:-0} packets"
		sed 's/^/    /' at.out at.err
	fi
}
attach "a program at a device: XDP" door xdp:lo
attach "a program at a device: tc" cls tc:lo:ingress
attach "a program at a device: tc, egress" cls tc:lo:egress
attach "a program at a socket" sock socket:lo
if [ -n "$cgroup" ] && mkdir "$group" 2>/dev/null; then
	attach "a program at a cgroup: what it sends" group "cgroup_skb:$group:egress"
	attach "a program at a cgroup: sockets" birth "cgroup:$group"
	rmdir "$group"
else
	echo "skip programs at cgroups: no cgroup of version 2 can be made"
fi
says() { # says NAME TEXT ARGS...
	name=$1 text=$2
	shift 2
	"$waggle" "$object" "$@" >at.out 2>&1 && bad "$name" "it did not fail"
	grep -q -- "$text" at.out && echo "ok $name" || bad "$name" "it says: $(head -1 at.out)"
}
says "no place" "is no place for programs" --at door
says "several programs" "--prog NAME chooses one" --at xdp:lo
says "a device that is not there" "there is no device nothing0" --at xdp:nothing0 --prog door
