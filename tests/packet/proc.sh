# tests/packet/proc.sh: `waggle capture --proc`, in a network of its own: proc.sh WAGGLE FOLDER
#
# A process talks to itself by TCP and UDP, over sockets of before and of while it is watched. Whose are its packets,
# the first and the last of each connection included? Only that process is watched (--pid).
waggle=$1
cd "$2" || exit 1
bad() { echo "not ok $1: $2"; }
good() { echo "ok $1"; }
is() { # is NAME HAVE WANT
	[ "$2" = "$3" ] && good "$1" || bad "$1" "$2, not $3"
}
ip link set lo up
cat >talk.py <<'END'
import socket, sys
server = socket.socket()
server.bind(("127.0.0.1", 8080))
server.listen(64)
before = socket.create_connection(("127.0.0.1", 8080))
peer, _ = server.accept()
print("ready", flush=True)
sys.stdin.readline()
def talk(client, worker):
    client.send(b"x" * 100); worker.recv(100); worker.send(b"y"); client.recv(1)
    client.close(); worker.close()
talk(before, peer)
for i in range(20):
    client = socket.create_connection(("127.0.0.1", 8080))
    talk(client, server.accept()[0])
bound = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
bound.bind(("::", 6000))
for i in range(10): # each from a port of its own
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.sendto(b"q", ("127.0.0.1", 6000))
    bound.recv(10)
    sender.close()
bound.sendto(b"q", ("::1", 6000))
print("done", flush=True)
sys.stdin.readline() # its container is read as long as it lives
END
mkfifo go said
python3 talk.py <go >said &
talker=$!
exec 8>go 9<said
read -r word <&9
"$waggle" capture -i lo --pid $talker -w all.ng --pcapng 2>err &
capture=$!
while ! grep -q 'listening\|error' err && kill -0 $capture 2>/dev/null; do sleep 0.1; done
tcpdump -n --immediate-mode -U -B 32768 -i lo -w by_tcpdump 2>tcpdump.err &
tcpdump=$!
while ! grep -q listening tcpdump.err && kill -0 $tcpdump 2>/dev/null; do sleep 0.1; done
echo go >&8
read -r word <&9
last='ip6 and udp port 6000' # of the talk
for _ in $(seq 100); do
	tcpdump -n -r by_tcpdump "$last" 2>/dev/null | grep -q UDP &&
		[ "$("$waggle" capture -r all.ng --count "$last" 2>/dev/null)" = "1 packet" ] && break
	sleep 0.1
done
kill -INT $capture $tcpdump
wait $capture $tcpdump
echo end >&8
cat err >&2
sent=$(tcpdump -n -r by_tcpdump 2>/dev/null | wc -l)
[ "$sent" -gt 200 ] && good "tcpdump hears the talk" || bad "tcpdump hears the talk" "$sent packets"
is "all packets of a process are known" "$("$waggle" capture -r all.ng --pid $talker --count)" "$sent packets"
for flags in 'tcp-syn' 'tcp-fin' 'tcp-ack'; do
	filter="tcp[tcpflags] & $flags != 0"
	is "all with $flags" "$("$waggle" capture -r all.ng --comm python3 --count "$filter")" \
		"$(tcpdump -n -r by_tcpdump "$filter" 2>/dev/null | wc -l) packets"
done
"$waggle" capture -t --proc -r all.ng 'udp and ip' | sed 's/ in [0-9a-f]*//g' | head -1 >line
grep -q "^(python3 $talker > python3 $talker) IP 127.0.0.1.[0-9]* > 127.0.0.1.6000: UDP, length 1$" line &&
	good "both ends are named" || bad "both ends are named" "$(cat line)"
"$waggle" capture -r all.ng -w again.ng --pcapng tcp
is "processes stay in a file that is written again" \
	"$("$waggle" capture -r again.ng --proc | md5sum)" "$("$waggle" capture -r all.ng --proc tcp | md5sum)"
is "tcpdump reads a file with processes" "$(tcpdump -t -n -r all.ng 2>/dev/null | md5sum)" \
	"$(tcpdump -t -n -r by_tcpdump 2>/dev/null | md5sum)"
is "no packet of another process" "$("$waggle" capture -r all.ng --pid 1 --count)" "0 packets"
