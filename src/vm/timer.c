/*
 * timer.c: timers in the values of maps, and who runs them.
 *
 * In:  timer_init() and its kind, by programs. Out: vm_timers_run() calls the functions whose time
 * has come; the owner of the vm asks it how long to wait.
 *
 * The 16 bytes of a bpf_timer hold the number of an entry in the vm's table, plus one. A timer
 * whose element is deleted is forgotten. The table is as large as it was made; its pages are
 * touched when they are needed.
 */
#include <time.h>

#include "base/clock.h"
#include "vm/help.h"
#include "vm/timer.h"

#define TIMERS_MAX    65536u
#define CALLS_MOST    4096u
#define TIMER_ABS     1u
#define TIMER_PIN_CPU 2u

enum state { FREE, IDLE, ARMED, RUNNING };
struct entry {
	u32 state, map, prog, clock;
	u64 value, callback, deadline;
};
struct timers {
	u32 lock, used; /* entries that were ever used */
	u32 turn;       /* which one is asked first, the next time */
	struct entry entries[TIMERS_MAX];
};

/* Made by the first timer_init(): a child that was forked before has timers of its own. */
static struct timers *timers_of(struct vm *vm)
{
	struct timers *t = __atomic_load_n(&vm->timers, __ATOMIC_ACQUIRE);
	void *none = NULL;

	if (t)
		return t;
	t = vm_memory(sizeof(struct timers), false);
	if (t && !__atomic_compare_exchange_n(&vm->timers, &none, t, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE)) {
		vm_memory_free(t, sizeof(struct timers));
		t = none;
	}
	return t;
}

void vm_timers_close(struct vm *vm)
{
	vm_memory_free(vm->timers, sizeof(struct timers));
	vm->timers = NULL;
}

/* The entry that a bpf_timer names, or NULL. Under the lock. */
static struct entry *entry_of(struct timers *t, u64 timer)
{
	u64 number = __atomic_load_n((u64 *)pointer(timer), __ATOMIC_RELAXED);

	return t && number && number <= t->used && t->entries[number - 1].state != FREE
		       ? &t->entries[number - 1]
		       : NULL;
}

static u32 new_entry(struct timers *t)
{
	for (u32 i = 0; i < t->used; i++)
		if (t->entries[i].state == FREE)
			return i + 1;
	return t->used < TIMERS_MAX ? ++t->used : 0;
}

HELPER_FN(help_timer_init)
{
	struct vm_map *map = map_arg(b);
	struct timers *t = timers_of(run->vm);
	u64 off = a - address_of(map->values), at = off % map->stride;
	u32 number, clock = (u32)c;

	UNUSED_ARGS;
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
		return (u64)-EINVAL;
	if (!t)
		return (u64)-ENOMEM;
	if (off >= map->values_bytes || at + 16 > map->value_size)
		return help_fault(run, VM_BAD_ARGUMENT, "the timer is not in the map");
	lock_take(&t->lock);
	number = entry_of(t, a) ? 0 : new_entry(t);
	if (number) {
		t->entries[number - 1] = (struct entry){
			.state = IDLE, .map = map->index, .value = a - at, .clock = clock};
		*(u64 *)pointer(a) = number;
		map->timer_at = (u32)at + 1;
	}
	lock_give(&t->lock);
	return number ? 0 : (u64)-EBUSY;
}

HELPER_FN(help_timer_set_callback)
{
	struct timers *t = run->vm->timers;
	struct entry *entry;

	UNUSED_ARGS;
	if (!t)
		return (u64)-EINVAL;
	lock_take(&t->lock);
	entry = entry_of(t, a);
	if (entry) {
		entry->prog = run->prog->index;
		entry->callback = b;
	}
	lock_give(&t->lock);
	return entry ? 0 : (u64)-EINVAL;
}

HELPER_FN(help_timer_start)
{
	struct timers *t = run->vm->timers;
	struct entry *entry;
	bool good;

	UNUSED_ARGS;
	if (!t || (c & ~(u64)(TIMER_ABS | TIMER_PIN_CPU)))
		return (u64)-EINVAL;
	lock_take(&t->lock);
	entry = entry_of(t, a);
	good = entry && entry->callback;
	if (good) {
		entry->deadline = c & TIMER_ABS ? b : clock_now((clockid_t)entry->clock) + b;
		entry->state = ARMED;
	}
	lock_give(&t->lock);
	return good ? 0 : (u64)-EINVAL;
}

HELPER_FN(help_timer_cancel)
{
	struct timers *t = run->vm->timers;
	struct entry *entry;
	u64 result = (u64)-EINVAL;

	UNUSED_ARGS;
	if (!t)
		return result;
	lock_take(&t->lock);
	entry = entry_of(t, a);
	if (entry && entry->state == RUNNING) {
		result = (u64)-EDEADLK; /* by itself */
	} else if (entry) {
		result = entry->state == ARMED;
		entry->state = IDLE;
	}
	lock_give(&t->lock);
	return result;
}

void timer_forget(struct vm_map *map, u8 *value)
{
	struct timers *t = map->vm->timers;
	u64 at = address_of(value) + map->timer_at - 1;
	struct entry *entry;

	if (!t)
		return;
	lock_take(&t->lock);
	entry = entry_of(t, at);
	if (entry)
		entry->state = FREE;
	*(u64 *)pointer(at) = 0;
	lock_give(&t->lock);
}

/* ---- running them */

/* A copy of one whose time has come, which is RUNNING now; else how long it is to the next. They
 * take turns: one that is due all the time does not keep the others waiting. */
static u32 due(struct timers *t, struct entry *out, u64 *wait)
{
	u32 found = 0, turn;

	*wait = UINT64_MAX;
	lock_take(&t->lock);
	turn = t->turn;
	for (u32 i = 0; i < t->used && !found; i++) {
		u32 at = (turn + i) % t->used;
		struct entry *entry = &t->entries[at];
		u64 now;

		if (entry->state != ARMED)
			continue;
		now = clock_now((clockid_t)entry->clock);
		if (entry->deadline <= now) {
			entry->state = RUNNING;
			*out = *entry;
			found = t->turn = at + 1;
		} else {
			*wait = MIN(*wait, entry->deadline - now);
		}
	}
	lock_give(&t->lock);
	return found;
}

static void call(struct vm_run *run, const struct entry *entry)
{
	struct vm_map *map = run->vm->maps[entry->map];
	u32 index = (u32)((entry->value - address_of(map->values)) / map->stride);
	const void *key = map->kind == MAP_ARRAY ? &index : hash_key_of(map, index);
	u64 args[5] = {address_of(map), address_of(key), entry->value};
	bool lent = !run->vm->opts.trusted && vm_lend(run, (struct vm_region){
								   .start = address_of(key),
								   .size = map->key_size,
								   .kind = VM_MEMORY,
							   });

	vm_call_function(run, entry->prog, entry->callback, args);
	if (lent)
		vm_take_back(run, address_of(key));
}

/* Enough for now: it is due the next time, too. */
static u64 leave_due(struct timers *t, u32 number)
{
	lock_take(&t->lock);
	if (t->entries[number - 1].state == RUNNING)
		t->entries[number - 1].state = ARMED;
	lock_give(&t->lock);
	return 0;
}

/* A timer that sets itself again at once must not keep us here for ever: all of them together have
 * the budget of one run. */
u64 vm_timers_run(struct vm_run *run)
{
	struct timers *t = run->vm->timers;
	s64 left = (s64)run->vm->opts.budget;
	u64 wait = UINT64_MAX;
	struct entry entry;
	u32 number;

	for (u32 i = 0; t && (number = due(t, &entry, &wait)); i++) {
		if (i == CALLS_MOST || left < 0)
			return leave_due(t, number);
		call(run, &entry);
		left -= (s64)run->vm->opts.budget - run->budget;
		lock_take(&t->lock);
		if (t->entries[number - 1].state == RUNNING)
			t->entries[number - 1].state = IDLE;
		lock_give(&t->lock);
		if (run->fault.kind)
			return 0;
	}
	return wait;
}

bool vm_has_timers(const struct vm *vm)
{
	return __atomic_load_n(&vm->timers, __ATOMIC_RELAXED);
}
