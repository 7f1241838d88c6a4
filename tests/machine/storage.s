; the value of a task, and that of a cgroup for this CPU
@want 0 0x0
@want 1 0x1
@want 2 0x6
@want 3 0x0
@want 4 -2
@want 5 0x3
.map s task_storage key 4 value 8 flags 1
.map l percpu_cgroup_storage key 16 value 8
.program p "tc" sched_cls
*(u64 *)(r10 -8) = 5
call bpf_task_storage_get(map[s], 1, 0, 0) -> 0
call bpf_task_storage_get(map[s], 1, r10-8, 1)
if r0 == 0 goto out
r1 = *(u64 *)(r0 +0)
r1 += 1
*(u64 *)(r0 +0) = r1
r0 = 1
@save 1
call bpf_task_storage_get(map[s], 1, 0, 1)
if r0 == 0 goto out
r0 = *(u64 *)(r0 +0)
@save 2
call bpf_task_storage_delete(map[s], 1) -> 3
call bpf_task_storage_delete(map[s], 1) -> 4
call bpf_get_local_storage(map[l], 0)
r1 = *(u64 *)(r0 +0)
r1 += 3
*(u64 *)(r0 +0) = r1
call bpf_get_local_storage(map[l], 0)
r0 = *(u64 *)(r0 +0)
@save 5
out:
@done
