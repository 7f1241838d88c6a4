/*
 * help_stack.c: helpers that walk stacks, and those of perf events.
 *
 * Stacks are those of the task, which the host walks; there is no kernel's stack in user space.
 * Perf events of a map are descriptors that somebody put into its slots.
 */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "object/object.h"
#include "vm/help.h"
#include "vm/stack.h"

void vm_walk_add(struct vm_walk *w, u64 addr)
{
	if (w->seen++ >= w->skip && w->n < w->most)
		w->frames[w->n++] = addr;
}

void vm_walk_callers(struct vm_walk *w, struct vm_run *run, u64 fp)
{
	u64 frame[2]; /* the caller's frame pointer, where it goes on */

	for (; w->n < w->most && fp && !(fp & 7); fp = frame[0]) {
		if (run->host->read_user(run, frame, sizeof(frame), fp) || !frame[1])
			break;
		vm_walk_add(w, frame[1]);
		if (frame[0] <= fp)
			break;
	}
}

#define BPF_F_INDEX_MASK 0xffffffffull
#define BPF_F_CTXLEN     (0xfffffull << 32)
#define CURRENT_CPU      0xffffffffull
#define EVENT_ID         0x80082407 /* PERF_EVENT_IOC_ID */

/* How many frames, or -errno. */
static s64 walk(struct vm_run *run, u64 *frames, u32 most, u64 flags)
{
	int (*user)(struct vm_run *, u64 *, u32, u32) =
		flags & STACK_UNWIND ? run->host->user_unwind : run->host->user_stack;
	s64 n;

	if (!(flags & BPF_F_USER_STACK) || !user)
		return -EFAULT;
	n = user(run, frames, most, (u32)(flags & BPF_F_SKIP_FIELD_MASK));
	return n ? n : -EFAULT;
}

HELPER_FN(help_get_stackid)
{
	struct vm_map *map = map_arg(b);
	u64 frames[STACK_FRAMES];
	u64 known = BPF_F_SKIP_FIELD_MASK | BPF_F_USER_STACK | BPF_F_FAST_STACK_CMP |
		    BPF_F_REUSE_STACKID;
	s64 n;

	UNUSED_ARGS;
	if (c & ~known)
		return (u64)-EINVAL;
	n = walk(run, frames, MIN(map->value_size / 8, (u32)STACK_FRAMES), c);
	return n < 0 ? (u64)n : (u64)stack_id(map, frames, (u32)n, c);
}

static u64 get_stack(struct vm_run *run, u64 to, u32 size, u64 flags)
{
	u64 known = BPF_F_SKIP_FIELD_MASK | BPF_F_USER_STACK | BPF_F_USER_BUILD_ID |
		    STACK_UNWIND;
	u64 frames[STACK_FRAMES];
	s64 n = -EINVAL;

	if (!(flags & ~known) && size % 8 == 0) /* build ids are not looked up here */
		n = flags & BPF_F_USER_BUILD_ID
			    ? -EOPNOTSUPP
			    : walk(run, frames, MIN(size / 8, (u32)STACK_FRAMES), flags);
	if (size)
		memset(pointer(to), 0, size);
	if (n < 0)
		return (u64)n;
	memcpy(pointer(to), frames, (size_t)n * 8);
	return (u64)n * 8;
}

HELPER_FN(help_get_stack)
{
	UNUSED_ARGS;
	return get_stack(run, b, (u32)c, d);
}

HELPER_FN(help_get_task_stack)
{
	UNUSED_ARGS;
	return get_stack(run, b, (u32)c, d | BPF_F_USER_STACK);
}

/* There is no stack of a kernel where they could lie. */
HELPER_FN(help_task_pt_regs)
{
	UNUSED_ARGS;
	(void)run;
	return 0;
}

/* ---- perf events */

HELPER_FN(help_perf_event_output)
{
	u32 more = (u32)((c & BPF_F_CTXLEN) >> 32), size = (u32)e;
	u8 *both;
	int err;

	UNUSED_ARGS;
	if (c & ~(BPF_F_INDEX_MASK | BPF_F_CTXLEN))
		return (u64)-EINVAL;
	if (!run->host->perf_output)
		return (u64)-EOPNOTSUPP;
	if (!more)
		return (u64)(s64)run->host->perf_output(run, map_arg(b), c, pointer(d), size);
	if (!run->packet || more > run->packet_end - run->packet)
		return (u64)-EFAULT;
	both = malloc((size_t)size + more);
	if (!both)
		return (u64)-ENOMEM;
	copy_bytes(both, pointer(d), size);
	memcpy(both + size, pointer(run->packet), more);
	err = run->host->perf_output(run, map_arg(b), c & BPF_F_INDEX_MASK, both, size + more);
	free(both);
	return (u64)(s64)err;
}

/* As the kernel's struct bpf_perf_event_value. */
struct counted {
	u64 counter, enabled, running;
};

static s64 read_counter(struct vm_run *run, struct vm_map *map, u64 flags, struct counted *out)
{
	u64 i = flags & BPF_F_INDEX_MASK;
	u64 id;
	s64 fd;

	if (flags & ~BPF_F_INDEX_MASK)
		return -EINVAL;
	fd = map_slot(map, i == CURRENT_CPU ? run->cpu : (u32)i);
	if (fd < 0)
		return fd;
	if (ioctl((int)fd, EVENT_ID, &id)) /* from any other file we must not read */
		return -EINVAL;
	return read((int)fd, out, sizeof(*out)) >= (ssize_t)sizeof(out->counter) ? 0 : -EINVAL;
}

HELPER_FN(help_perf_event_read)
{
	struct counted now = {0};
	s64 err = read_counter(run, map_arg(a), b, &now);

	UNUSED_ARGS;
	return err ? (u64)err : now.counter;
}

HELPER_FN(help_perf_event_read_value)
{
	struct counted now = {0};
	s64 err = (u32)d == sizeof(now) ? read_counter(run, map_arg(a), b, &now) : -EINVAL;

	UNUSED_ARGS;
	memset(pointer(c), 0, (u32)d);
	if (!err)
		memcpy(pointer(c), &now, sizeof(now));
	return (u64)err;
}

/* The event that a program is attached to: none here counts anything. */
HELPER_FN(help_perf_prog_read_value)
{
	UNUSED_ARGS;
	memset(pointer(b), 0, (u32)c);
	return (u64)((u32)c == sizeof(struct counted) ? -EOPNOTSUPP : -EINVAL);
}
