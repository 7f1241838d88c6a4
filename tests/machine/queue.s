; a queue of two
.map q queue value 8 entries 2
.program p "tc" sched_cls
*(u64 *)(r10 -16) = 9
@take q pop -> 0 1
@push q 1 0 -> 2
@push q 2 0 -> 3
@push q 3 0 -> 4
@push q 4 2 -> 5
@take q peek -> 6 7
@take q pop -> 8 9
@take q pop -> 10 11
@take q pop -> 12 13
@push q 5 1 -> 14
@done
