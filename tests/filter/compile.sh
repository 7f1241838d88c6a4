#!/bin/sh
# tests/filter/compile.sh: instructions that compiling the filters of corpus.txt takes us and libpcap.
#
# In:  build/tests/filter/tool_compile; valgrind. Out: a line `ok`, `not ok` or `skip`: all together, the
# geometric mean of the filters and the worst of them are looked at, as counts do not depend on the machine's load.
name='filters are compiled in fewer instructions than by libpcap'
command -v valgrind >/dev/null || { echo "skip $name: no valgrind"; exit 0; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
valgrind -q --tool=callgrind --callgrind-out-file="$tmp/o" --dump-after='read_line*' --dump-after='compile_theirs*' \
	--dump-after='compile_ours*' build/tests/filter/tool_compile tests/filter/corpus.txt >"$tmp/taken" 2>"$tmp/err"
# each file is what was executed since the one before
for i in $(seq 2000); do
	[ -e "$tmp/o.$i" ] || break
	awk '/^desc: Trigger/ { by = $NF } /^summary:/ { n = $2 } /^totals:/ { n = n ? n : $2 } END { print by, n }' "$tmp/o.$i"
done | awk -v name="$name" '
	/compile_theirs/ { theirs = $2 }
	/compile_ours/ {
		all_ours += $2; all_theirs += theirs; filters++
		ratio = $2 / theirs
		mean += log(ratio)
		worst = ratio > worst ? ratio : worst
	}
	END {
		said = sprintf("%d filters, %d and %d; %.2f in the mean, %.2f at worst", filters, all_ours, all_theirs, filters ? exp(mean / filters) : 0, worst)
		if (filters > 250 && all_ours < all_theirs / 3 && exp(mean / filters) < 0.8 && worst < 1.35)
			print "ok " name ": " said
		else {
			print "not ok " name ": " said
			exit 1
		}
	}'
