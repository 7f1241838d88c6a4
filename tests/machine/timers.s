; timers: one starts itself twice more, one is cancelled, one goes with its element
@want 1 -16
@want 6 0x1
@want 7 -22
@want 8 0x3
@want 11 -22
.map t hash key 4 value 24 entries 8
.program p "tc" sched_cls
*(u64 *)(r10 -40) = 0
*(u64 *)(r10 -32) = 0
*(u64 *)(r10 -24) = 0
r6 = 1
more: *(u32 *)(r10 -4) = r6
call bpf_map_update_elem(map[t], r10-4, r10-40, 0)
r6 += 1
if r6 < 4 goto more
@find t 1
call bpf_timer_init(r7+8, map[t], 1) -> 0
call bpf_timer_init(r7+8, map[t], 1) -> 1
call bpf_timer_set_callback(r7+8, subprog[tick]) -> 2
call bpf_timer_start(r7+8, 1000000, 0) -> 3
@find t 2
call bpf_timer_init(r7+8, map[t], 1)
call bpf_timer_set_callback(r7+8, subprog[never]) -> 4
call bpf_timer_start(r7+8, 1000000, 0) -> 5
call bpf_timer_cancel(r7+8) -> 6
call bpf_timer_start(r7+8, 1000000, 64) -> 7
@find t 3
call bpf_timer_init(r7+8, map[t], 1)
call bpf_timer_set_callback(r7+8, subprog[never])
call bpf_timer_start(r7+8, 1000000, 0) -> 10
@drop t 3 -> 12
call bpf_map_update_elem(map[t], r10-4, r10-40, 0)
@find t 3
call bpf_timer_start(r7+8, 1000000, 0) -> 11
out:
@done
tick: r6 = *(u32 *)(r2 +0)
r7 = r3
r1 = map[.data.out][0]+64
lock *(u64 *)(r1 +0) += r6
r0 = *(u64 *)(r1 +0)
if r0 > 2 goto enough
call bpf_timer_start(r7+8, 1000000, 0)
enough: r0 = 0
exit
never: r1 = map[.data.out][0]+72
*(u64 *)(r1 +0) = 1
r0 = 0
exit
