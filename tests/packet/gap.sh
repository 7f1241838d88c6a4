# tests/packet/gap.sh: firewalls that are exchanged and that die, in a network of their own: sh gap.sh WAGGLE TMP (by
# tests/packet/run). Datagrams to port 9 are dropped by the old rules and by the new ones, those to port 10
# by none: while they are exchanged, not one of the first arrives and all of the others do.
waggle=$1 tmp=$2
ip link set lo up
grep -q ' /sys/fs/bpf bpf' /proc/mounts || mount -t bpf bpf /sys/fs/bpf

cat >"$tmp/gap.py" <<'P'
import os, select, socket, subprocess, sys
waggle, hook, how = sys.argv[1], sys.argv[2], sys.argv[3:]
def listen(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", port))
    return s
closed, opened, out = listen(9), listen(10), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def drop(rules):
    done = subprocess.run([waggle, "drop", hook, "--pin", "waggle_gap"] + how + [rules], stderr=subprocess.PIPE)
    if done.returncode:
        sys.exit(done.stderr.decode())
drop("udp port 9")
rounds = sent = got = leaked = 0
while rounds < 8:
    job = subprocess.Popen([waggle, "drop", hook, "--pin", "waggle_gap"] + how +
                           ["udp port 9" + " or udp port 11" * (rounds % 2)], stderr=subprocess.DEVNULL)
    while job.poll() is None or not sent:
        for i in range(20):
            for port in 9, 10:
                try: out.sendto(b"x", ("127.0.0.1", port))
                except OSError: pass
            sent += 1
        while select.select([opened], [], [], 0.05 if got < sent else 0)[0]:
            opened.recv(9)
            got += 1
        while select.select([closed], [], [], 0)[0]:
            closed.recv(9)
            leaked += 1
    rounds += 1
print("%s: %d leaked, %d lost" % (hook, leaked, sent - got))
P
gap() { # gap NAME HOOK ARGS...
	name=$1
	shift
	python3 "$tmp/gap.py" "$waggle" "$@" >"$tmp/gap.out" 2>&1
	"$waggle" detach waggle_gap >/dev/null 2>&1
	grep -q ': 0 leaked, 0 lost$' "$tmp/gap.out" && echo "ok no gap and no loss at $name" ||
		{ echo "not ok no gap and no loss at $name: $(cat "$tmp/gap.out")"; }
}

left() { # left: what hangs at lo
	ip link show lo | grep -o 'xdp[a-z]*'
	tc filter show dev lo ingress
	tc filter show dev lo egress
	tc qdisc show dev lo | grep clsact
	"$waggle" ps | grep ' waggle_drop ' | grep ' lo '
}
killed() { # killed NAME ARGS...: SIGKILL leaves nothing behind
	name=$1
	shift
	: >"$tmp/err"
	"$waggle" drop "$@" 'udp port 9' >"$tmp/out" 2>"$tmp/err" &
	for _ in $(seq 200); do
		grep -q ^dropping "$tmp/err" && break
		sleep 0.05
	done
	left >"$tmp/before"
	kill -KILL $!
	wait $! 2>/dev/null
	for _ in $(seq 200); do
		left >"$tmp/after"
		[ -s "$tmp/after" ] || break
		sleep 0.05
	done
	if [ -s "$tmp/before" ] && [ ! -s "$tmp/after" ]; then echo "ok SIGKILL leaves nothing at $name"; return; fi
	echo "not ok SIGKILL leaves nothing at $name: $(cat "$tmp/before" "$tmp/after" "$tmp/err")"
}
killed XDP xdp:lo
killed tcx tc:lo:egress
killed clsact tc:lo:egress --no-feature tcx

gap XDP xdp:lo
gap tcx tc:lo:ingress
gap clsact tc:lo:ingress --no-feature tcx
