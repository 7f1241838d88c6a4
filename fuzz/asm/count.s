; count packets
.license "GPL"
.map counts array key 4 value 8 entries 1
.map rings array_of_maps key 4 value 4 entries 2 inner ringbuf entries 4096
.program pass "xdp"
        r1 = 0
        *(u32 *)(r10 -4) = r1
        r2 = r10
        r2 += -4
        r1 = map[counts]
        call bpf_map_lookup_elem
        if r0 == 0 goto out
        r1 = 1
        lock *(u64 *)(r0 + 0) += r1
out:    r0 = 2   // XDP_PASS
        exit
.program second "tracepoint/sched/sched_switch" tracepoint
   0: (b7) r0 = 0x123456789 ll
   2: if w1 s> 0x5 goto pc+1 <4>
   3: call square
   4: exit
square: r0 *= r0
.insn 95 00 00 00 00 00 00 00
