/*
 * help_ring.c: helpers that put records into rings, and that drain the rings of user space.
 *
 * A record that was reserved is lent to the program until it is given back: that is how a program
 * which nobody has verified is kept from writing to it afterwards.
 */
#include "vm/help.h"
#include "vm/ring.h"

static struct ring_header *header_of(u64 sample)
{
	return (struct ring_header *)pointer(sample) - 1;
}

/* A trusted program needs no region. One of no bytes is known by the first behind it, which cannot
 * be written. False: too many records are reserved. */
static bool lend(struct vm_run *run, const struct vm_map *map, const struct ring_header *h,
		 u64 size)
{
	return run->vm->opts.trusted || vm_lend(run, (struct vm_region){
							     .start = address_of(h + 1),
							     .size = MAX(size, 1ull),
							     .kind = VM_RECORD,
							     .writable = size > 0,
							     .map = map,
						     });
}

u64 help_reserve(struct vm_run *run, struct vm_map *map, u64 size)
{
	struct ring_header *h = map->kind == MAP_RINGBUF ? ring_reserve(map, size) : NULL;

	if (!h)
		return 0;
	if (lend(run, map, h, size))
		return address_of(h + 1);
	ring_commit(h, BPF_RB_NO_WAKEUP, true);
	return 0;
}

/* Whoever compiles a call of it leaves it to this to look at the record. */
void help_commit(struct vm_run *run, u64 sample, u64 flags, bool discard)
{
	if (run->vm->opts.trusted || vm_take_back_record(run, sample))
		ring_commit(header_of(sample), flags, discard);
	else
		help_bad_argument(run, 1, sample, "it is no record that was reserved in a ring");
}

void vm_records_discard(struct vm_run *run)
{
	for (u32 i = 0; run->nrecords && i < run->nregions; i++)
		if (run->regions[i].size && run->regions[i].kind == VM_RECORD)
			help_commit(run, run->regions[i].start, BPF_RB_NO_WAKEUP, true);
}

HELPER_FN(help_ringbuf_output)
{
	UNUSED_ARGS;
	return (u64)(s64)ring_output(map_arg(a), pointer(b), c, d);
}

HELPER_FN(help_ringbuf_reserve)
{
	UNUSED_ARGS;
	return c ? 0 : help_reserve(run, map_arg(a), b);
}

HELPER_FN(help_ringbuf_submit)
{
	UNUSED_ARGS;
	help_commit(run, a, b, false);
	return 0;
}

HELPER_FN(help_ringbuf_discard)
{
	UNUSED_ARGS;
	help_commit(run, a, b, true);
	return 0;
}

HELPER_FN(help_ringbuf_query)
{
	UNUSED_ARGS;
	return ring_query(map_arg(a), b);
}

/* ---- dynptrs of records */

HELPER_FN(help_ringbuf_reserve_dynptr)
{
	u64 sample;

	UNUSED_ARGS;
	dynptr_set(d, 0, 0, false);
	if (c)
		return (u64)-EINVAL;
	if ((u32)b > DYNPTR_MAX)
		return (u64)-E2BIG;
	sample = help_reserve(run, map_arg(a), (u32)b);
	if (!sample)
		return (u64)-EINVAL;
	dynptr_set(d, sample, (u32)b, false);
	return 0;
}

static u64 commit_dynptr(struct vm_run *run, u64 dynptr, u64 flags, bool discard)
{
	const struct dynptr *p = pointer(dynptr);
	const struct vm_region *r;

	if (!p->data)
		return 0;
	if (!run->vm->opts.trusted) {
		r = vm_region_find(run, p->data, 1, false);
		if (!r || r->kind != VM_RECORD || r->start != p->data)
			return help_fault(run, VM_BAD_ARGUMENT, "it is no record of a ring");
	}
	help_commit(run, p->data, flags, discard);
	dynptr_set(dynptr, 0, 0, false);
	return 0;
}

HELPER_FN(help_ringbuf_submit_dynptr)
{
	UNUSED_ARGS;
	return commit_dynptr(run, a, b, false);
}

HELPER_FN(help_ringbuf_discard_dynptr)
{
	UNUSED_ARGS;
	return commit_dynptr(run, a, b, true);
}

/* ---- rings that user space fills */

/* Hands one sample to the callback as a dynptr: 0 go on, 1 enough. */
static u64 hand_over(struct vm_run *run, u64 callback, u64 context, void *sample, u32 size)
{
	struct dynptr p;
	u64 args[5] = {address_of(&p), context}, result;
	bool trusted = run->vm->opts.trusted;

	dynptr_set(address_of(&p), address_of(sample), size, true);
	if (!trusted && !vm_lend(run, (struct vm_region){.start = address_of(sample),
							 .size = MAX(size, 1u),
							 .kind = VM_MEMORY}))
		return 1;
	if (!trusted && !vm_lend(run, (struct vm_region){.start = address_of(&p),
							 .size = sizeof(p),
							 .kind = VM_MEMORY,
							 .writable = true})) {
		vm_take_back(run, address_of(sample));
		return 1;
	}
	result = vm_call_back(run, callback, args);
	if (!trusted) {
		vm_take_back(run, address_of(&p));
		vm_take_back(run, address_of(sample));
	}
	return result || run->fault.kind != VM_OK;
}

#define SAMPLES_MAX (128 * 1024) /* as the kernel's BPF_MAX_USER_RINGBUF_SAMPLES */

HELPER_FN(help_user_ringbuf_drain)
{
	struct vm_map *map = map_arg(a);
	u32 samples = 0, seen = 0;
	u64 done = 0;
	int err = 0;

	UNUSED_ARGS;
	if (d & ~(u64)(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP))
		return (u64)-EINVAL;
	if (!ring_drain_begin(map))
		return (u64)-EBUSY;
	while (seen++ < SAMPLES_MAX && !done) { /* discarded ones count, too */
		void *sample;
		u32 size;

		err = ring_peek(map, &sample, &size);
		if (err == -EAGAIN)
			continue;
		if (err)
			break;
		done = hand_over(run, b, c, sample, size);
		ring_release(map, size);
		samples++;
	}
	ring_drain_end(map, d, samples);
	return err && err != -ENODATA && err != -EBUSY && err != -EAGAIN ? (u64)(s64)err : samples;
}
