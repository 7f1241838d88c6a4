; a ring buffer: output, reserve, submit, discard, query
.map r ringbuf entries 4096
.program p "tc" sched_cls
*(u64 *)(r10 -8) = 5
call bpf_ringbuf_output(map[r], r10-8, 8, 0) -> 0
call bpf_ringbuf_output(map[r], r10-8, 3, 1) -> 1
call bpf_ringbuf_output(map[r], r10-8, 3, 4) -> 2
call bpf_ringbuf_reserve(map[r], 24, 0)
if r0 == 0 goto full
*(u64 *)(r0 +16) = 7
call bpf_ringbuf_submit(r0, 2)
full:
call bpf_ringbuf_reserve(map[r], 100, 0)
if r0 == 0 goto full2
call bpf_ringbuf_discard(r0, 0)
full2:
call bpf_ringbuf_reserve(map[r], 4096, 0)
if r0 == 0 goto full3
call bpf_ringbuf_discard(r0, 0)
r0 = 1
full3:
@save 3
call bpf_ringbuf_reserve(map[r], 3900, 0)
if r0 == 0 goto full4
call bpf_ringbuf_discard(r0, 0)
r0 = 1
full4:
@save 4
call bpf_ringbuf_query(map[r], 0) -> 5
call bpf_ringbuf_query(map[r], 1) -> 6
call bpf_ringbuf_query(map[r], 2) -> 7
call bpf_ringbuf_query(map[r], 3) -> 8
call bpf_ringbuf_query(map[r], 9) -> 9
@done
