#!/bin/sh
# tests/flame/work.sh: instructions between the end of a session and its last byte, where there is much to show.
#
# In:  build/tests/flame/tool_work; valgrind. Out: a line `ok`, `not ok` or `skip` for each format. The bounds are
# instructions for each stack or entry, about one and a half of what it takes: Ctrl-C is to answer within 100 ms,
# some 200 million instructions.
command -v valgrind >/dev/null || { echo "skip the work at the end: no valgrind"; exit 0; }
tmp=$(mktemp -d) status=0
trap 'rm -rf "$tmp"' EXIT

# work FORMAT N MOST WHAT
work() {
	valgrind -q --tool=callgrind --callgrind-out-file="$tmp/o" --toggle-collect="show_$1*" build/tests/flame/tool_work \
		>"$tmp/err" 2>&1
	each=$(awk -v n="$2" '/^summary:|^totals:/ { print int($2 / n); exit }' "$tmp/o")
	name="$1 takes few instructions for each of $2 $4"
	if [ "${each:-0}" -gt 0 ] && [ "$each" -le "$3" ]; then
		echo "ok $name: $each"
	else
		echo "not ok $name: ${each:-none}, more than $3"
		status=1
	fi
}
work folded 20000 5600 stacks
work flame 20000 8400 stacks
work tree 20000 13000 stacks
work text 100000 3400 entries
exit $status
