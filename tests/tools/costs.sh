#!/bin/sh
# tests/tools/costs.sh: what compiling the tools of tools/ takes: instructions, and files that are read.
#
# In:  build/tests/tools/tool_compile; valgrind, strace. Out: two lines `ok`, `not ok` or `skip`. Counts do not
# depend on the machine's load; tools that this machine's kernel cannot have are left out.
most=3000000 mean=1250000 # of instructions: one tool, and all of them in the mean
status=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
echo 'BEGIN { print(curtask->pid); }' >"$tmp/warm.bt" # leaves the index of the kernel's types behind

cache=${XDG_CACHE_HOME:-${HOME-}/.cache}/waggle
[ "$(id -u)" != 0 ] || cache=/var/cache/waggle
build/tests/tools/tool_compile "$tmp/warm.bt" >"$tmp/said"
build/tests/tools/tool_compile tools/*.bt >"$tmp/here"
here=$(grep -c ' compiled$' "$tmp/here")

name='each tool is compiled in few instructions'
if ! ls "$cache"/btf-*.index >/dev/null 2>&1; then
	echo "skip $name: nothing can be kept in $cache"
elif [ "$here" -le 15 ]; then
	echo "skip $name: only $here of them can be compiled by this user for this kernel"
elif command -v valgrind >/dev/null; then
	valgrind -q --tool=callgrind --callgrind-out-file="$tmp/o" --toggle-collect=waggle_compile \
		--dump-after=waggle_compile build/tests/tools/tool_compile "$tmp/warm.bt" tools/*.bt >"$tmp/said" 2>"$tmp/err"
	# one file for each call
	for i in $(seq "$(wc -l <"$tmp/said")"); do
		awk '/^totals:/ { print $2 }' "$tmp/o.$i"
	done | paste -d' ' - "$tmp/said" | awk -v name="$name" -v most=$most -v mean=$mean '
		NR == 1 || !/ compiled$/ { next }
		{
			tools++
			all += $1
			if ($1 > worst) { worst = $1; who = $2 }
		}
		END {
			said = sprintf("%d tools, %d in the mean, %d for %s", tools, tools ? all / tools : 0, worst, who)
			if (tools && worst < most && all < mean * tools)
				print "ok " name ": " said
			else {
				print "not ok " name ": " said
				exit 1
			}
		}' || status=1
else
	echo "skip $name: no valgrind"
fi

name='a compilation opens no file twice'
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
	for tool in tools/*.bt; do
		strace -e trace=open,openat -o "$tmp/calls" build/tests/tools/tool_compile "$tool" >"$tmp/said"
		# behind what the loader of programs opens
		sed "1,\\|\"$tool\"|d; /= -1 E/d" "$tmp/calls" | sed -n 's/^open[at]*([^"]*"\([^"]*\)".*/\1/p' | sort | uniq -d | sed "s|^|    $tool: |"
	done >"$tmp/twice"
	if [ -s "$tmp/twice" ]; then
		echo "not ok $name"
		cat "$tmp/twice"
		status=1
	else
		echo "ok $name"
	fi
else
	echo "skip $name: strace is not there, or may not trace"
fi
exit $status
