; map_lookup_percpu_elem of a CPU that does not exist
.map m percpu_array key 4 value 8 entries 3
.program p "tc" sched_cls
@put m 1 5 0 -> 0
r1 = map[m]
@key 1
r3 = 9999
call bpf_map_lookup_percpu_elem
if r0 == 0 goto none
r0 = 1
none:
@save 1
@done
