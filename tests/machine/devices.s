; redirect_map and lookups in a map of devices
@fill d 1 1
.map d devmap key 4 value 4 entries 4
.program p "xdp"
call bpf_redirect_map(map[d], 1, 0) -> 0
call bpf_redirect_map(map[d], 2, 0) -> 1
call bpf_redirect_map(map[d], 2, 2) -> 2
call bpf_redirect_map(map[d], 9, 1) -> 3
call bpf_redirect_map(map[d], 1, 32) -> 4
call bpf_redirect_map(map[d], 1, 8) -> 5
r1 = map[d]
@key 1
call bpf_map_lookup_elem()
if r0 == 0 goto none
r0 = *(u32 *)(r0 +0)
none:
@save 6
r1 = map[d]
@key 3
call bpf_map_lookup_elem()
if r0 == 0 goto none2
r0 = 1
none2:
@save 7
@done
