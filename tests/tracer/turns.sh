# tests/tracer/turns.sh: how the tracer waits where it shares a CPU with the command.
#
# In:  sourced by tests/tracer/run: $tmp, $odd, ok, bad. Out: `ok`/`not ok`. Counts, never times: a turn
#      that it gives away is one that ends against its will, as the kernel counts them.

turns_opens=1000 # each stops twice

# The command tells of its tracer when its opens are over.
cat >"$tmp/turns.sh" <<END
tracer=\$(sed -n 's/^TracerPid:[^0-9]*//p' /proc/\$\$/status)
echo | $odd opens $turns_opens
cat /proc/\$tracer/status >"$tmp/turns"
END

# NAME TEST [RUN...]: TEST of how many turns the tracer gave away, run by RUN on CPU 0.
turns() {
	name=$1 test=$2
	shift 2
	rm -f "$tmp/turns"
	timeout 60 "$@" taskset -c 0 build/waggle --engine user -q -o "$tmp/maps" \
		-e "tracepoint:syscalls:sys_exit_openat { @ = count(); }" \
		-c "sh $tmp/turns.sh" >"$tmp/out" 2>"$tmp/err"
	given=$(sed -n 's/^nonvoluntary_ctxt_switches:[^0-9]*//p' "$tmp/turns")
	cat "$tmp/turns" >>"$tmp/err"
	if [ "${given:--1}" "${test% *}" "${test#* }" ]; then
		ok "$name"
	else
		bad "$name" "${given:-no} turns given away, not $test"
	fi
}

if taskset -c 0 chrt -f 1 true 2>/dev/null; then
	turns "the tracer gives way to a command on its CPU" "-ge $((turns_opens * 2 * 8 / 10))" chrt -f 1
else
	echo "skip the tracer gives way to a command on its CPU: real time is not permitted here"
fi
if taskset -c 0 true 2>/dev/null; then
	taskset -c 0 sh -c 'while :; do :; done' &
	busy=$!
	turns "it does not where somebody else wants the CPU" "-le $turns_opens"
	kill $busy
	wait $busy 2>/dev/null
fi
