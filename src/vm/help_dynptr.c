/*
 * help_dynptr.c: pieces of memory whose size only the run knows.
 *
 * A dynptr lies on the stack of the program. One that nobody has verified could write anything into
 * it, so what it points to is looked at each time.
 */
#include "vm/help.h"

void dynptr_set(u64 at, u64 data, u32 size, bool read_only)
{
	*(struct dynptr *)pointer(at) =
		(struct dynptr){.data = data, .size = size | (read_only ? DYNPTR_READ_ONLY : 0)};
}

/* The address of those bytes, or 0 and *err. */
static u64 slice(struct vm_run *run, const struct dynptr *p, u32 offset, u32 size, bool write,
		 int *err)
{
	u32 have = p->size & DYNPTR_MAX;
	u64 at = p->data + p->offset + offset;

	*err = -EINVAL;
	if (!p->data || (write && (p->size & DYNPTR_READ_ONLY)))
		return 0;
	*err = -E2BIG;
	if (size > have || offset > have - size)
		return 0;
	if (!run->vm->opts.trusted && size && !vm_region_find(run, at, size, write))
		return help_fault(run, VM_BAD_ARGUMENT,
				  "the dynptr points to memory that is not ours");
	*err = 0;
	return at;
}

HELPER_FN(help_dynptr_from_mem)
{
	UNUSED_ARGS;
	dynptr_set(d, 0, 0, false);
	if ((u32)b > DYNPTR_MAX)
		return (u64)-E2BIG;
	if (c)
		return (u64)-EINVAL;
	dynptr_set(d, a, (u32)b, false);
	return 0;
}

HELPER_FN(help_dynptr_read)
{
	int err;
	u64 from = slice(run, pointer(c), (u32)d, (u32)b, false, &err);

	UNUSED_ARGS;
	if (!from || e)
		return (u64)(s64)(e ? -EINVAL : err);
	copy_bytes(pointer(a), pointer(from), (u32)b);
	return 0;
}

HELPER_FN(help_dynptr_write)
{
	int err;
	u64 to = slice(run, pointer(a), (u32)b, (u32)d, true, &err);

	UNUSED_ARGS;
	if (!to || e)
		return (u64)(s64)(e ? -EINVAL : err);
	copy_bytes(pointer(to), pointer(c), (u32)d);
	return 0;
}

HELPER_FN(help_dynptr_data)
{
	int err;

	UNUSED_ARGS;
	return slice(run, pointer(a), (u32)b, (u32)c, true, &err);
}
