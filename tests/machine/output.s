; what programs say: perf_event_output, trace_printk
@want 1 -22
@want 3 10
@want 4 -22
.map e perf_event_array key 4 value 4 entries 2
.data .rodata 64
.bytes 6e 3d 25 64 20 78 3d 25 6c 78 25 73 00
.program p "tc" sched_cls
r6 = r1
*(u64 *)(r10 -8) = 0x77
call bpf_perf_event_output(r6, map[e], 0xffffffff ll, r10-8, 8) -> 0
call bpf_perf_event_output(r6, map[e], 0x100000000000000 ll, r10-8, 8) -> 1
call bpf_perf_event_output(r6, map[e], 0x10ffffffff ll, r10-8, 8) -> 2
call bpf_trace_printk(map[.rodata][0]+0, 13, -5, 255, map[.rodata][0]+11) -> 3
call bpf_trace_printk(map[.rodata][0]+0, 4, -5, 255, 0) -> 4
@done
