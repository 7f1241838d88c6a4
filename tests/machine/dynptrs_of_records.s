; dynptrs of records in a ring
.map r ringbuf entries 4096
.program p "tc" sched_cls
*(u64 *)(r10 -8) = 5
call bpf_ringbuf_reserve_dynptr(map[r], 40, 0, r10-32) -> 0
call bpf_dynptr_write(r10-32, 8, r10-8, 8, 0) -> 1
call bpf_dynptr_write(r10-32, 36, r10-8, 8, 0) -> 2
call bpf_dynptr_read(r10-16, 8, r10-32, 8, 0) -> 3
r0 = *(u64 *)(r10 -16)
@save 4
call bpf_dynptr_data(r10-32, 8, 8)
if r0 == 0 goto none
r0 = *(u64 *)(r0 +0)
none:
@save 5
call bpf_dynptr_data(r10-32, 40, 8)
if r0 == 0 goto none2
r0 = 1
none2:
@save 6
call bpf_ringbuf_submit_dynptr(r10-32, 0)
call bpf_ringbuf_reserve_dynptr(map[r], 5000, 0, r10-32) -> 7
call bpf_dynptr_read(r10-16, 8, r10-32, 0, 0) -> 8
call bpf_ringbuf_discard_dynptr(r10-32, 0)
call bpf_ringbuf_query(map[r], 3) -> 9
@done
