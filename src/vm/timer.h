/* timer.h: timers in the values of maps, as maps and vm.c see them. */
#ifndef VM_TIMER_H
#define VM_TIMER_H

#include "vm/map.h"

void timer_forget(struct vm_map *, u8 *value); /* the element goes, or gets another value */
void vm_timers_close(struct vm *);
/* map_hash.c: the key of value number i. */
const void *hash_key_of(const struct vm_map *, u32 i);

#endif
