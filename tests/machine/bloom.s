; a filter: what was put in is found
.map q bloom_filter value 8 entries 100
.program p "tc" sched_cls
@push q 77 0 -> 0
@call q peek 0 -> 1
@push q 78 1 -> 2
@done
