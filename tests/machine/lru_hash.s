; an LRU map with room
.map m lru_hash key 4 value 8 entries 100
.program p "tc" sched_cls
@put m 1 11 0 -> 0
@put m 1 12 1 -> 1
@put m 2 13 2 -> 2
@put m 2 14 1 -> 3
@put m 3 15 0 -> 4
@put m 3 16 7 -> 5
@get m 1 -> 6
@get m 2 -> 7
@get m 9 -> 8
@drop m 2 -> 9
@drop m 2 -> 10
@get m 2 -> 11
@put m 1 17 2 -> 12
@get m 1 -> 13
@done
