# script/lib.sh: what the scripts share. Sourced, from the root of the checkout.

say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

# The words that make a command run as root: none, sudo, or (status 1) there is no way.
root_words() {
	[ "$(id -u)" = 0 ] && return 0
	command -v sudo >/dev/null && echo sudo
}
as_root() {
	words=$(root_words) || die "this needs root, and there is no sudo: run it as root"
	$words "$@"
}

# install_packages NAME...: those that are not there yet, with apt. Quiet when none is missing.
install_packages() {
	missing=
	for package; do
		case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
		installed) ;;
		*) missing="$missing $package" ;;
		esac
	done
	[ -n "$missing" ] || return 0
	command -v apt-get >/dev/null || die "this is no Debian: please install what provides$missing"
	say "installing$missing"
	log=$(mktemp)
	# An update first: in a fresh container the lists are empty, elsewhere they may be stale.
	if as_root apt-get -qq update >"$log" 2>&1 &&
		as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
			install $missing >>"$log" 2>&1 </dev/null; then
		rm -f "$log"
		return 0
	fi
	cat "$log" >&2
	rm -f "$log"
	die "apt could not install$missing"
}

# Can this machine build a static program?
can_build() {
	command -v make >/dev/null && command -v gcc >/dev/null &&
		echo '#include <linux/bpf.h>
		      int main(void) { return 0; }' | gcc -static -x c -o /dev/null - 2>/dev/null
}

# Mount tracefs where it is missing and may be mounted. Status 1: there is none to be had.
mount_tracefs() {
	words=$(root_words) || words=
	for tracefs in /sys/kernel/tracing /sys/kernel/debug/tracing; do
		$words test -d $tracefs/events && return 0
	done
	as_root mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
}

# Has root (or do we, as root) the rights to load BPF programs here? Bits of CapEff: 21 SYS_ADMIN,
# or 39 BPF with 38 PERFMON.
bpf_rights() {
	words=$(root_words) || return 1
	caps=$($words sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status) || return 1
	high=$((0x$(echo "$caps" | cut -c1-8))) low=$((0x$(echo "$caps" | cut -c9-16)))
	[ $((low >> 21 & 1)) = 1 ] || [ $((high >> 6 & 3)) = 3 ]
}

# abreast: the commands on stdin, a line each, as many at a time as there are processors; what one says
# stays together. Status: 0 if that of all is.
abreast() {
	ABREAST=$(mktemp -d)
	export ABREAST
	xargs -d '\n' -P "$(nproc)" -n 1 sh -c \
		'sh -c "$0" >"$ABREAST/$$" 2>&1; s=$?; flock "$ABREAST" cat "$ABREAST/$$"; exit $s'
	set -- $?
	rm -rf "$ABREAST"
	return "$1"
}
