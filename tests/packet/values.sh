# tests/packet/values.sh: values of headers and pcap() in scripts against filters: sh values.sh WAGGLE TMP (by
# tests/packet/run; PAIRS: how many sets of random ones, from seed PAIRS_FROM on). TMP/values.pcap is run through a script for each hook, on each engine of $engines: each value
# and each pcap() holds for as many packets as the filter of the same meaning takes.
waggle=$1 tmp=$2
four='eth.type == 0x800'
cat >"$tmp/pairs" <<END
ip.src == "10.0.0.0/9"	ip src net 10.0.0.0/9
ip.dst != "10.0.0.0/8" && $four	ip and not dst net 10.0.0.0/8
ip6.src == "2001:db8::/32"	ip6 src net 2001:db8::/32
ip6.dst == "fe80::/10"	ip6 dst net fe80::/10
ip6.src == "::1"	ip6 src host ::1
ip6.src == ip6.dst && eth.type == 0x86dd	ip6 and ip6[8:4] = ip6[24:4] and ip6[12:4] = ip6[28:4] and ip6[16:4] = ip6[32:4] and ip6[20:4] = ip6[36:4]
proto == 6 && $four	ip proto 6
ip6.next == 17	ip6[6] = 17
sport > 55000 && $four && proto == 6	ip proto 6 and src portrange 55001-65535
dport <= 55000 && $four && proto == 17 && ip.frag == 0	ip proto 17 and dst portrange 0-55000
ip.ttl < 64 && $four	ip[8] < 64
ip.len > 100	ip[2:2] > 100
ip.id & 1	ip[4:2] & 1 = 1
ip.frag != 0	ip[6:2] & 0x1fff != 0
ip.tos == 0 && $four	ip[1] = 0
tcp.flags & 2 && $four	ip and tcp[13] & 2 != 0
tcp.window > 1000 && $four	tcp[14:2] > 1000
tcp.seq & 1 && $four	tcp[4:4] & 1 = 1
tcp.ack > 0x80000000 && $four	tcp[8:4] > 0x80000000
udp.len > 50 && $four	udp[4:2] > 50
icmp.type == 8	icmp[0] = 8
icmp.code == 1 && proto == 1	icmp[1] = 1
icmp6.type == 128 && ip6.next == 58	ip6[6] = 58 and ip6[40] = 128
ip6.hops == 64	ip6[7] = 64
ip6.flow > 1000	ip6[0:4] & 0xfffff > 1000
ip6.len > 100	ip6[4:2] > 100
END
cp "$tmp/pairs" "$tmp/pairs.cgroup_skb"
cat >>"$tmp/pairs" <<END
len > 100	greater 101
eth.type == 0x806	arp
arp.op == 1	arp[6:2] = 1
arp.spa == "10.0.0.0/8" && eth.type == 0x806	arp src net 10.0.0.0/8
eth.dst == "ff:ff:ff:ff:ff:ff"	ether broadcast
vlan.id == 5	vlan 5
END
sum_cpus() { # "1: cpu 0: 15, cpu 1: 596": the run moved from one to the other
	awk '$2 != "cpu" { print; next } { n = 0; for (i = 4; i <= NF; i += 3) n += $i; print $1, n }'
}

compare() { # compare HOOK PAIRS SAID
	n=0 kind=${1%%:*} packets=$tmp/values.pcap
	[ $kind != cgroup_skb ] || packets=$tmp/values.ip.pcap
	while IFS='	' read -r _ filter; do
		n=$((n + 1))
		"$waggle" capture -r "$packets" -w - "$filter" 2>/dev/null | "$waggle" capture -n -q -r - 2>/dev/null |
			awk -v n=$n 'END { if (NR) print n ": " NR }'
	done <"$2" >"$tmp/values.want"
	for what in values filters; do # a program cannot hold them all
		said="$3$what in a script at $kind"
		awk -F '\t' -v hook="$1" -v what=$what 'BEGIN { print hook " {" }
			{ printf "if (%s) { @[%d] = count(); }\n", what == "values" ? $1 : "pcap(\"" $2 "\")", NR }
			END { print "return PASS; }" }' "$2" >"$tmp/values.bt"
		"$waggle" build "$tmp/values.bt" -o "$tmp/values.o" 2>"$tmp/values.err" || { echo "not ok $said: they do not compile"; continue; }
		for engine in $engines; do
			"$waggle" run "$tmp/values.o" -r "$packets" --engine $engine 2>"$tmp/values.err" |
				sed -n '/^map @/,/^map/s/^  //p' | sort -n | sum_cpus >"$tmp/values.have"
			if cmp -s "$tmp/values.want" "$tmp/values.have"; then
				echo "ok $said, engine $engine: $(awk 'END { print NR }' "$tmp/values.want") of $n hold for packets"
			else
				echo "not ok $said, engine $engine"
				diff "$tmp/values.want" "$tmp/values.have" | head -8 | sed 's/^/    /'
				head -3 "$tmp/values.err" | sed 's/^/    /'
			fi
		done
	done
}

# a cgroup sees nothing else
"$waggle" capture -r "$tmp/values.pcap" -w "$tmp/values.ip.pcap" 'ip or ip6'
for hook in xdp:eth0 tc:eth0:ingress cgroup_skb:/x:ingress; do
	pairs=$tmp/pairs begins=
	[ ${hook%%:*} = cgroup_skb ] && pairs=$tmp/pairs.cgroup_skb begins=ip
	compare $hook "$pairs" ""
	for seed in $(seq ${PAIRS_FROM:-1} $((${PAIRS_FROM:-1} + ${PAIRS:-1} - 1))); do
		python3 tests/packet/pairs.py $seed 16 $begins >"$tmp/pairs.random"
		compare $hook "$tmp/pairs.random" "random $seed: "
	done
done
