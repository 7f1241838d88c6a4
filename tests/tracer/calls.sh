# tests/tracer/calls.sh: how many system calls the tracer makes for a call that it traces.
#
# In:  sourced by tests/tracer/run: $tmp, $odd, ok, bad. Out: `ok`/`not ok` for each script: exactly
#      those calls that it cannot do without. Counts, never times: each of them costs the command.

calls_made=1000

# SCRIPT [KILL]: the calls of the tracer in $tmp/calls, a line each: NAME or ptrace REQUEST. The command
# waits for a line before it begins, until strace looks at the tracer. KILL: before that Waggle is killed.
calls_of() {
	rm -f "$tmp/go"
	mkfifo "$tmp/go"
	echo "trap '' TERM; exec $odd opens $calls_made" >"$tmp/opens"
	build/waggle --engine user -q -o "$tmp/maps" -e "$1" -c "sh $tmp/opens" <"$tmp/go" 2>"$tmp/err" &
	waggle=$!
	exec 7>"$tmp/go"
	tracer=
	for _ in $(seq 200); do
		for child in $(cat /proc/$waggle/task/$waggle/children 2>/dev/null); do
			[ "$(cat /proc/"$child"/comm)" != waggle-tracer ] || tracer=$child
		done
		[ -z "$tracer" ] || break
		sleep 0.05
	done
	[ -n "$tracer" ] || echo "there is no tracer" >>"$tmp/err"
	[ -n "$tracer" ] && strace -o "$tmp/calls" -p "$tracer" 2>"$tmp/strace" &
	for _ in $([ -z "$tracer" ] || seq 200); do
		[ "$(sed -n 's/^TracerPid:[[:space:]]*//p' "/proc/$tracer/status")" = 0 ] || break
		sleep 0.05
	done
	[ $# = 1 ] || { kill -KILL $waggle && sleep 0.5; }
	echo go >&7
	exec 7>&-
	wait 2>/dev/null
	# a call that its timer interrupts is made again
	sed -E '/ERESTART|EINTR/d; s/^ptrace\((PTRACE_[A-Z_]*|0x[0-9a-f]*).*/ptrace \1/; s/^wait4\(.*WNOHANG.* = 0$/wait4 in vain/
		s/\(.*//' "$tmp/calls" >"$tmp/names"
}

# NAME SCRIPT CALL TIMES...: each CALL as often for a traced one, and no other for each. (What comes from
# time to time depends on how long it all takes; how often it gives way, on who else is there: turns.sh.)
made() {
	name=$1
	calls_of "$2"
	shift 2
	if ! grep -q . "$tmp/calls"; then
		echo "skip $name: strace may not look at the tracer"
		return
	fi
	wrong=
	grep -vxE 'sched_yield|wait4 in vain' "$tmp/names" >"$tmp/others"
	while [ $# -gt 1 ]; do
		n=$(grep -cx "$1" "$tmp/names")
		[ "$n" -ge $((calls_made * $2)) ] && [ "$n" -le $((calls_made * $2 + 30)) ] ||
			wrong="$wrong $1 $n times, not $((calls_made * $2));"
		grep -vx "$1" "$tmp/others" >"$tmp/less"
		mv "$tmp/less" "$tmp/others"
		shift 2
	done
	often=$(sort "$tmp/others" | uniq -c | awk -v n=$calls_made '$1 > n * 0.8 { $1 = ""; print }')
	wrong="$wrong$often"
	if [ -z "$wrong" ]; then
		ok "$name"
	else
		sort "$tmp/names" | uniq -c | sort -rn | head -12 >>"$tmp/err"
		bad "$name" "${wrong% }"
	fi
}

calls_counted() {
	o=tracepoint:syscalls:sys_enter_openat x=tracepoint:syscalls:sys_exit_openat
	made "an entry, its result and a string are seven calls of the tracer" \
		"$o { @f[tid] = args.filename; } $x /@f[tid]/ { printf(\"%d %s %s %d\\n\", pid, comm, str(@f[tid]), args.ret); delete(@f, tid); }" \
		wait4 2 'ptrace PTRACE_GET_SYSCALL_INFO' 1 'ptrace PTRACE_PEEKUSER' 1 'ptrace PTRACE_SYSCALL' 1 'ptrace PTRACE_CONT' 1 process_vm_readv 1
	made "a result alone is six calls of the tracer" "$x { @[args.ret] = count(); }" \
		wait4 2 'ptrace PTRACE_GET_SYSCALL_INFO' 1 'ptrace PTRACE_PEEKUSER' 1 'ptrace PTRACE_SYSCALL' 1 'ptrace PTRACE_CONT' 1
	case $(uname -r) in
	[1-5].* | 6.[0-5].* | 6.[0-5]-*) ;; # no notifications there
	*) made "an entry alone with a string is three calls of the tracer" \
		"$o { printf(\"%d %s %s\\n\", pid, comm, str(args.filename)); }" ioctl 2 process_vm_readv 1 ;;
	esac
}
# The guard of a command whose Waggle has gone looks at it when something happens, not all the time.
guard_sleeps() {
	name="the tracer sleeps when nothing happens"
	calls_of "tracepoint:syscalls:sys_exit_getppid { @ = count(); }" KILL
	n=$(grep -c . "$tmp/names")
	if ! grep -q . "$tmp/calls"; then
		echo "skip $name: strace may not look at the tracer"
	elif [ "$n" -le 60 ]; then
		ok "$name"
	else
		sort "$tmp/names" | uniq -c | sort -rn | head -12 >"$tmp/err"
		bad "$name" "it made $n calls"
	fi
}

if command -v strace >/dev/null; then
	calls_counted
	guard_sleeps
else
	echo "skip the calls of the tracer: there is no strace"
fi
