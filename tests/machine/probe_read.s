; probe_read and its kind: of a value, of nothing
.data .data 64
.bytes 68 65 6c 6c 6f 00 77 6f 72 6c 64
.program p "raw_tracepoint" raw_tracepoint
*(u64 *)(r10 -8) = -1
*(u64 *)(r10 -16) = -1
call bpf_probe_read_kernel(r10-16, 16, map[.data][0]+0) -> 0
r0 = *(u64 *)(r10 -16)
@save 1
r0 = *(u64 *)(r10 -8)
@save 2
call bpf_probe_read_kernel(r10-16, 16, 8) -> 3
r0 = *(u64 *)(r10 -16)
@save 4
*(u64 *)(r10 -8) = -1
*(u64 *)(r10 -16) = -1
call bpf_probe_read_kernel_str(r10-16, 16, map[.data][0]+0) -> 5
r0 = *(u64 *)(r10 -16)
r0 <<= 32
r0 >>= 32
@save 6
call bpf_probe_read_kernel_str(r10-16, 4, map[.data][0]+0) -> 7
r0 = *(u32 *)(r10 -16)
@save 8
*(u64 *)(r10 -16) = -1
call bpf_probe_read_user_str(r10-16, 8, 8) -> 9
r0 = *(u64 *)(r10 -16)
@save 10
call bpf_probe_read_user(r10-16, 8, 8) -> 11
call bpf_probe_read_user(r10-16, 0, 8) -> 12
call bpf_probe_read_user_str(r10-16, 0, 8) -> 13
@done
