; the task that the host names, and its memory
@want 0 0x6400000065
@want 1 0x800000007
@want 3 0x6c6c656873
@want 4 0x63
@want 5 0x1
@want 7 0x676e697274732061
@want 8 -14
@want 10 0x15
.program p "raw_tracepoint" raw_tracepoint
call bpf_get_current_pid_tgid() -> 0
call bpf_get_current_uid_gid() -> 1
call bpf_get_current_comm(r10-16, 16) -> 2
r0 = *(u64 *)(r10 -16)
@save 3
call bpf_get_current_cgroup_id() -> 4
call bpf_get_smp_processor_id() -> 5
call bpf_probe_read_user(r10-16, 8, 0x10000) -> 6
r0 = *(u64 *)(r10 -16)
@save 7
call bpf_probe_read_user(r10-16, 8, 0x10ffc) -> 8
r0 = *(u64 *)(r10 -16)
@save 9
call bpf_probe_read_user_str(r10-64, 40, 0x10000) -> 10
call bpf_send_signal(9) -> 11
call bpf_send_signal_thread(10) -> 12
@done
