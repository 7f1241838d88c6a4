; cgroups of the task, above it and in an array: the fill is the root, which holds everybody
@cgroup c 1
.map c cgroup_array key 4 value 4 entries 3
.program p "tc" sched_cls
r6 = r1
call bpf_current_task_under_cgroup(map[c], 0) -> 0
call bpf_current_task_under_cgroup(map[c], 1) -> 1
call bpf_current_task_under_cgroup(map[c], 3) -> 2
call bpf_skb_under_cgroup(r6+0, map[c], 0) -> 3
call bpf_skb_under_cgroup(r6+0, map[c], 1) -> 4
call bpf_skb_under_cgroup(r6+0, map[c], 3) -> 5
call bpf_skb_ancestor_cgroup_id(r6+0, 0) -> 6
call bpf_skb_ancestor_cgroup_id(r6+0, 40) -> 7
call bpf_skb_cgroup_id(r6+0) -> 8
call bpf_get_current_ancestor_cgroup_id(0) -> 9
call bpf_get_current_ancestor_cgroup_id(40) -> 10
@done
