; dynptrs of the value of a map
.data .data.m 64
.program p "tc" sched_cls
*(u64 *)(r10 -8) = 0x1234
call bpf_dynptr_from_mem(map[.data.m][0]+0, 20, 0, r10-32) -> 0
call bpf_dynptr_write(r10-32, 12, r10-8, 8, 0) -> 1
call bpf_dynptr_write(r10-32, 13, r10-8, 8, 0) -> 2
call bpf_dynptr_write(r10-32, 13, r10-8, 7, 1) -> 3
r1 = map[.data.m][0]+12
r0 = *(u64 *)(r1 +0)
@save 4
call bpf_dynptr_from_mem(map[.data.m][0]+0, 20, 5, r10-48) -> 5
@done
