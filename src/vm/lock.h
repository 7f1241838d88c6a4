/*
 * lock.h: a lock of four bytes, between threads and between processes.
 *
 * An odd word is locked. It counts up with each locking and unlocking, so that a waiter who sees
 * one and the same odd word for LOCK_PATIENCE knows that its holder has died in between (holders do
 * a handful of instructions) and takes the lock over. What is locked stays usable: lists change by
 * one store.
 */
#ifndef VM_LOCK_H
#define VM_LOCK_H

#include "base/base.h"

#define LOCK_SPINS 100 /* before the waiter lets others run */

void lock_wait(u32 *word);      /* the slow half of lock_take() */
u64 lock_take_timed(u32 *word); /* lock_take(); ns that it took */

static inline void lock_take(u32 *word)
{
	u32 was = __atomic_load_n(word, __ATOMIC_RELAXED);

	if ((was & 1) || !__atomic_compare_exchange_n(word, &was, was + 1, false, __ATOMIC_ACQUIRE,
						      __ATOMIC_RELAXED))
		lock_wait(word);
}

/* Only the holder writes the word, so no read-modify-write is needed. */
static inline void lock_give(u32 *word)
{
	__atomic_store_n(word, __atomic_load_n(word, __ATOMIC_RELAXED) + 1, __ATOMIC_RELEASE);
}

#endif
