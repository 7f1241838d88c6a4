; count.s: let all packets pass, and count them: waggle asm examples/count.s -o count.o
.license "GPL"
.map counts array key 4 value 8 entries 1

.program count "xdp"
        *(u32 *)(r10 -4) = 0
        r1 = map[counts]
        r2 = r10
        r2 += -4
        call bpf_map_lookup_elem
        if r0 == 0 goto out
        r1 = 1
        lock *(u64 *)(r0) += r1
out:    r0 = 2          ; XDP_PASS
        exit
