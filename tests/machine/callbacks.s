; functions that helpers call back: loop, for_each_map_elem
@want 0 0xa
@want 1 0x2d
@want 2 0x3
@want 3 -7
@want 4 -22
@want 5 0x3
@want 6 0x6
@want 7 0x24
@want 8 0x2
.map m hash key 4 value 8 entries 8
.program p "tc" sched_cls
call bpf_loop(10, subprog[add], map[.data.out][0]+8, 0) -> 0
call bpf_loop(10, subprog[stop], 0, 0) -> 2
call bpf_loop(0x1000000, subprog[stop], 0, 0) -> 3
call bpf_loop(1, subprog[stop], 0, 1) -> 4
r6 = 1
more: *(u32 *)(r10 -4) = r6
r7 = r6
r7 += 10
*(u64 *)(r10 -16) = r7
call bpf_map_update_elem(map[m], r10-4, r10-16, 0)
r6 += 1
if r6 < 4 goto more
call bpf_for_each_map_elem(map[m], subprog[each], map[.data.out][0]+0, 0) -> 5
call bpf_for_each_map_elem(map[m], subprog[second], map[.data.out][0]+64, 0)
@done
add: r0 = *(u64 *)(r2 +0)
r0 += r1
*(u64 *)(r2 +0) = r0
r0 = 0
exit
stop: r0 = 0
if r1 != 2 goto go
r0 = 1
go: exit
each: r1 = *(u32 *)(r2 +0)
lock *(u64 *)(r4 +48) += r1
r1 = *(u64 *)(r3 +0)
lock *(u64 *)(r4 +56) += r1
r0 = 0
exit
second: r0 = *(u64 *)(r4 +0)
r0 += 1
*(u64 *)(r4 +0) = r0
r0 >>= 1
exit
