; get_stack and get_stackid of the stack that the host walks: 0x1111 0x2222 0x3333 0x4444
@want 0 24
@want 1 0x2222
@want 2 0x3333
@want 3 0x4444
@want 5 -14
@want 7 -22
@want 8 1
@want 9 1
@want 10 16
@want 11 0x1111
@want 12 0x2222
.map s stack_trace key 4 value 1016 entries 1024
.program p "raw_tracepoint" raw_tracepoint
r6 = r1
call bpf_get_stack(r6, r10-32, 32, 0x101) -> 0
r0 = *(u64 *)(r10 -32)
@save 1
r0 = *(u64 *)(r10 -24)
@save 2
r0 = *(u64 *)(r10 -16)
@save 3
r0 = *(u64 *)(r10 -8)
@save 4
call bpf_get_stack(r6, r10-32, 32, 0) -> 5
r0 = *(u64 *)(r10 -32)
@save 6
call bpf_get_stackid(r6, map[s], 0x10000) -> 7
call bpf_get_stackid(r6, map[s], 0x100)
r7 = r0
r0 = 1
if r7 s>= 0 goto good
r0 = r7
good:
@save 8
call bpf_get_stackid(r6, map[s], 0x100)
if r0 == r7 goto same
r0 = 0
goto saved
same: r0 = 1
saved:
@save 9
call bpf_get_stack(r6, r10-32, 16, 0x100) -> 10
r0 = *(u64 *)(r10 -32)
@save 11
r0 = *(u64 *)(r10 -24)
@save 12
@done
