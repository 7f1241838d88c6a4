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

# NAME TEST [RUN...]: TEST of how many turns the tracer gave away, run by RUN on CPU 0, in one of five runs: the
# CPU may stand still or be somebody else's for a while (a host, interrupts, what real time leaves to others). The
# tracer cannot tell that from a command that wants all of its turn, and sleeps for the rest of that run. One that
# always sleeps, or never, does so in all of them.
turns() {
	name=$1 test=$2
	shift 2
	: >"$tmp/seen"
	for _ in 1 2 3 4 5; do
		rm -f "$tmp/turns"
		timeout 20 "$@" taskset -c 0 build/waggle --engine user -q -o "$tmp/maps" \
			-e "tracepoint:syscalls:sys_exit_openat { @ = count(); }" \
			-c "sh $tmp/turns.sh" >"$tmp/out" 2>"$tmp/err"
		given=$(sed -n 's/^nonvoluntary_ctxt_switches:[^0-9]*//p' "$tmp/turns")
		[ "${given:--1}" "${test% *}" "${test#* }" ] && ok "$name" && return
		echo "${given:-none}" >>"$tmp/seen"
		cat "$tmp/turns" >>"$tmp/err"
	done
	bad "$name" "turns given away, not $test: $(echo $(cat "$tmp/seen"))"
}

if taskset -c 0 chrt -f 1 true 2>/dev/null; then
	turns "the tracer gives way to a command on its CPU" "-ge $((turns_opens * 2 * 8 / 10))" chrt -f 1
else
	echo "skip the tracer gives way to a command on its CPU: real time is not permitted here"
fi
if taskset -c 0 true 2>/dev/null; then
	timeout 120 taskset -c 0 sh -c 'while :; do :; done' & # not for ever, whatever becomes of us
	busy=$!
	turns "it does not where somebody else wants the CPU" "-le $turns_opens"
	kill $busy
	wait $busy 2>/dev/null
fi
