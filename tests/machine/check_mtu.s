; check_mtu of the loopback device and of none
.program p "tc" sched_cls
r6 = r1
*(u32 *)(r10 -4) = 0
call bpf_check_mtu(r6, 1, r10-4, 0, 0) -> 0
r0 = *(u32 *)(r10 -4)
@save 1
*(u32 *)(r10 -4) = 70000
call bpf_check_mtu(r6, 1, r10-4, 0, 0) -> 2
r0 = *(u32 *)(r10 -4)
@save 3
*(u32 *)(r10 -4) = 0
call bpf_check_mtu(r6, 1, r10-4, 66000, 0) -> 4
*(u32 *)(r10 -4) = 0
call bpf_check_mtu(r6, 9999, r10-4, 0, 0) -> 5
*(u32 *)(r10 -4) = 0
call bpf_check_mtu(r6, 1, r10-4, 0, 2) -> 6
@done
