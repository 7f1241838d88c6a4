# tests/tracer/end.sh: what Waggle does between Ctrl-C and its summary.
#
# In:  sourced by tests/tracer/run: $tmp, ok, bad. Out: `ok`/`not ok` for each session: names were looked for
#      while it traced, so no file is opened any more; maps are read by few calls, however many keys they have.
# Counts, never times.

stacks=$PWD/build/tests/tracer/tool_stacks

# NAME MOST ARGUMENTS...: of its system calls behind the signal in $tmp/behind, none may open a file, and
# there are MOST of them at most; $maps: how many maps they read.
ends() {
	name=$1 most=$2
	shift 2
	rm -f "$tmp/calls" "$tmp/command"
	strace -o "$tmp/calls" build/waggle -q -o "$tmp/maps" "$@" >"$tmp/command" 2>"$tmp/err" &
	strace=$!
	filled "$tmp/command" || echo "the command did not come that far" >>"$tmp/err"
	# the kernel's names are read, the keys of maps looked at (by a look that has not
	# begun before the command came that far), and nothing is left to do: it sleeps
	lines=$(wc -l <"$tmp/calls")
	for _ in $(seq 400); do
		tail -n 1 "$tmp/calls" | grep -Eq '^(ppoll|epoll_wait).*NULL, NULL' && break
		tail -n 1 "$tmp/calls" | grep -Eq '^(ppoll|epoll_wait).*tv_nsec=[12][0-9]{8}' &&
			sed "1,${lines}d" "$tmp/calls" | sed -E '1,/^(ppoll|epoll_wait)/d' | grep -q '^bpf(' && break
		sleep 0.05
	done
	kill -INT $(cat /proc/$strace/task/$strace/children) 2>>"$tmp/err"
	wait $strace
	sed '1,/^--- SIGINT/d' "$tmp/calls" | grep '^[a-z]' >"$tmp/behind"
	count=$(grep -c . "$tmp/behind")
	maps=$(sed -n 's/^bpf(BPF_MAP_.*map_fd=\([0-9]*\).*/\1/p' "$tmp/behind" | sort -u | wc -l)
	opened=$(grep -cE '^(open|openat|pidfd_open)\(' "$tmp/behind")
	if [ "$count" = 0 ] || [ "$count" -gt "$most" ] || [ "$opened" != 0 ]; then
		bad "$name" "$count calls behind the signal, $opened files opened"
		sed 's/(.*//' "$tmp/behind" | sort | uniq -c | sort -rn | head -8 | sed 's/^/    /'
	else
		ok "$name: $count calls"
	fi
}

if ! [ "$(id -u)" = 0 ] || ! strace -o /dev/null true 2>/dev/null; then
	echo "skip what Ctrl-C makes Waggle do: it needs root, and strace"
else
	many='config = { max_map_keys = 32768 } '
	of_own='tracepoint:syscalls:sys_enter_getppid /pid == cpid/'
	ends "Ctrl-C with 2,000 stacks" 100 -e "$many$of_own { @[kstack, ustack] = count(); }" -c "$stacks 2000"
	[ "$(grep -c '^@\[$' "$tmp/maps")" = 2000 ] && ok "and all of them have names" ||
		bad "and all of them have names" "$(grep -c '^@\[$' "$tmp/maps") stacks"
	# their keys are read again, twice if it was time to look at them; the stacks are another map
	[ "$maps" = 1 ] && ok "and their frames were read before" || bad "and their frames were read before" "$maps maps are read"
	ends "Ctrl-C with 10,000 keys" 60 -e "$many$of_own { @[nsecs % 10000] = count(); }" -c "$stacks 2000"
	ends "Ctrl-C with a histogram" 50 -e "$of_own { @ = hist(nsecs % 1000); }" -c "$stacks 100"
fi
