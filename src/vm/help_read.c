/*
 * help_read.c: helpers that read memory which may not be there: of the task, and of the program.
 *
 * User memory is the task's: the host reads it, or process_vm_readv() does. What a kernel would
 * keep for itself is here what the program may touch anyway: its own regions. Nothing that a
 * program hands in can make us fault. Where a read fails, the room is zeroed, as in the kernel.
 */
#include <sys/uio.h>
#include <unistd.h>

#include "vm/help.h"

#define PAGE     4096u
#define USER_END (1ull << 47)

typedef int read_fn(struct vm_run *, void *to, u32 size, u64 from);

static int transfer(struct vm_run *run, void *to, u32 size, u64 from, bool write)
{
	struct vm_task own;
	struct iovec local = {to, size}, remote = {pointer(from), size};
	pid_t pid = (pid_t)help_task(run, &own)->tid;
	ssize_t n = write ? process_vm_writev(pid, &local, 1, &remote, 1, 0)
			  : process_vm_readv(pid, &local, 1, &remote, 1, 0);

	return n == (ssize_t)size ? 0 : -EFAULT;
}

int help_read_user(struct vm_run *run, void *to, u32 size, u64 from)
{
	if (!size)
		return 0;
	if (from >= USER_END)
		return -EFAULT;
	return run->host->read_user ? run->host->read_user(run, to, size, from)
				    : transfer(run, to, size, from, false);
}

int help_read_own(struct vm_run *run, void *to, u32 size, u64 from)
{
	struct iovec local = {to, size}, remote = {pointer(from), size};

	if (!size)
		return 0;
	if (vm_region_find(run, from, size, false)) {
		memmove(to, pointer(from), size);
		return 0;
	}
	if (run->vm->opts.trusted && from >= PAGE &&
	    process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)size)
		return 0;
	/* What the kernel says of addresses that cannot be its own. */
	return from < USER_END ? -ERANGE : -EFAULT;
}

/* Before there were two: an address of either. */
static int read_any(struct vm_run *run, void *to, u32 size, u64 from)
{
	return size && vm_region_find(run, from, size, false) ? help_read_own(run, to, size, from)
							      : help_read_user(run, to, size, from);
}

static u64 read_all(struct vm_run *run, u64 to, u32 size, u64 from, read_fn *fn)
{
	int err = size ? fn(run, pointer(to), size, from) : 0;

	if (err)
		memset(pointer(to), 0, size);
	return (u64)(s64)err;
}

/* To the 0, of size bytes at most; its length with the 0. Page by page, so that a string may end
 * right before memory that is not there. */
static s64 read_string(struct vm_run *run, char *to, u32 size, u64 from, read_fn *fn)
{
	u32 done = 0;

	while (done < size) {
		u32 n = PAGE - (u32)((from + done) % PAGE);
		char *end;

		n = MIN(n, size - done);
		/* In a small region of our own, or where the page is not whole: byte by byte. */
		if (fn(run, to + done, n, from + done)) {
			int err = fn(run, to + done, n = 1, from + done);

			if (err) {
				memset(to, 0, size);
				return err;
			}
		}
		end = memchr(to + done, 0, n);
		if (end) {
			memset(end, 0, n - (size_t)(end - to - done)); /* keys hold no leftovers */
			return end - to + 1;
		}
		done += n;
	}
	if (size)
		to[size - 1] = 0;
	return size;
}

s64 help_read_text(struct vm_run *run, char *to, u32 size, u64 from, bool user)
{
	return read_string(run, to, size, from, user ? help_read_user : help_read_own);
}

HELPER_FN(help_probe_read)
{
	UNUSED_ARGS;
	return read_all(run, a, (u32)b, c, read_any);
}

HELPER_FN(help_probe_read_user)
{
	UNUSED_ARGS;
	return read_all(run, a, (u32)b, c, help_read_user);
}

/* Of the task's own process. Who made it is another, and may be us. */
HELPER_FN(help_copy_from_task)
{
	struct vm_task own;
	const struct vm_task *t = help_task(run, &own);
	u32 tid = help_task_tid(run, d);

	UNUSED_ARGS;
	if (e)
		return (u64)-EINVAL;
	if (tid == t->tid || tid == t->pid)
		return read_all(run, a, (u32)b, c, help_read_user);
	memset(pointer(a), 0, (u32)b);
	return (u64)-EPERM;
}

HELPER_FN(help_probe_read_kernel)
{
	UNUSED_ARGS;
	return read_all(run, a, (u32)b, c, help_read_own);
}

HELPER_FN(help_probe_read_str)
{
	UNUSED_ARGS;
	return (u64)read_string(run, pointer(a), (u32)b, c, read_any);
}

HELPER_FN(help_probe_read_user_str)
{
	UNUSED_ARGS;
	return (u64)read_string(run, pointer(a), (u32)b, c, help_read_user);
}

HELPER_FN(help_probe_read_kernel_str)
{
	UNUSED_ARGS;
	return (u64)read_string(run, pointer(a), (u32)b, c, help_read_own);
}

/* Not into our own process: there a program could harm us. */
HELPER_FN(help_probe_write_user)
{
	struct vm_task own;

	UNUSED_ARGS;
	if (!(u32)c)
		return 0;
	if (run->host->write_user)
		return (u64)(s64)run->host->write_user(run, a, pointer(b), (u32)c);
	if (help_task(run, &own)->pid == (u32)getpid())
		return (u64)-EPERM;
	return (u64)(s64)transfer(run, pointer(b), (u32)c, a, true);
}
