/*
 * link_multi.c: one link for all points of a program, where the kernel has such links.
 *
 * In: a program whose attach rows are all functions of the kernel, or all places in files.
 * Out: one link for all functions, one for each file. Attaching and, more so, closing is many
 *      times faster than with an event for each point.
 *
 * A kernel is asked once whether it has them, by a link that cannot succeed.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static bool is_kernel(const struct attach *a)
{
	return a->kind == ATTACH_KPROBE || a->kind == ATTACH_KRETPROBE;
}

static bool is_user(const struct attach *a)
{
	return a->kind == ATTACH_UPROBE || a->kind == ATTACH_URETPROBE || a->kind == ATTACH_USDT;
}

static bool probe_kernel(u8 type)
{
	static const struct insn insns[] = {
		{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0},
		{BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
	};
	struct sys_prog p = {.name = "ask",
			     .license = "GPL",
			     .kind = PROG_KPROBE,
			     .attach_type = type,
			     .insns = insns,
			     .ninsns = ARRAY_SIZE(insns)};
	static const u64 zero[1];
	struct sys_multi m = {.type = type, .path = "/", .offsets = zero};
	int err;

	m.prog = sys_prog_load(&p, 0, NULL, 0);
	if (m.prog < 0)
		return false;
	m.n = type == MULTI_UPROBE; /* "/" is no file; no functions are no link */
	err = sys_link_multi(&m);
	close(m.prog);
	return err == (type == MULTI_UPROBE ? -EBADF : -EINVAL);
}

static bool has(struct kernel_engine *k, u8 type)
{
	bool user = type == MULTI_UPROBE;
	s8 *known = &k->has_multi[user];

	if (k->kernel < (user ? KERNEL(6, 6) : KERNEL(5, 18)))
		return false;
	if (!*known)
		*known = probe_kernel(type) ? 1 : -1;
	return *known > 0;
}

u8 link_choose(struct kernel_engine *k, u32 prog)
{
	u32 n = 0, kernel = 0, user = 0, kind = 0;
	bool same = true, pid = false;

	vec_each (a, &k->base.object->attaches) {
		if (a->prog != prog)
			continue;
		same &= !n++ || kind == a->kind;
		kind = a->kind;
		kernel += is_kernel(a) && !a->off;
		user += is_user(a);
		pid |= link_pid(k, a) != 0;
	}
	/* before 6.10 such a link sees one thread of the process only */
	if (n && same && user == n && !(pid && k->kernel < KERNEL(6, 10)) && has(k, MULTI_UPROBE))
		return MULTI_UPROBE;
	return n > 1 && same && kernel == n && has(k, MULTI_KPROBE) ? MULTI_KPROBE : 0;
}

struct points {
	u64 *offsets, *semaphores, *cookies;
	const char **names;
	bool *done;
	bool any_semaphore, any_cookie;
};

static int one_link(struct kernel_engine *k, u32 prog, const struct attach *first,
		    const struct points *p, u32 n)
{
	struct sys_multi m = {
		.type = k->multi[prog],
		.prog = k->progs[prog],
		.is_return = first->kind == ATTACH_KRETPROBE || first->kind == ATTACH_URETPROBE,
		.n = n,
		.names = p->names,
		.path = first->pattern,
		.offsets = p->offsets,
		.semaphores = p->any_semaphore ? p->semaphores : NULL,
		.cookies = p->any_cookie ? p->cookies : NULL,
		.pid = is_user(first) ? link_pid(k, first) : 0,
	};
	int fd = sys_link_multi(&m);

	return fd < 0 ? fd : link_keep(k, fd);
}

/* All rows of one program from the first on that is not done: those of the same file. */
static int link_group(struct kernel_engine *k, u32 prog, struct points *p, u32 at)
{
	const struct object *o = k->base.object;
	const struct attach *first = &o->attaches.v[at];
	u32 n = 0;

	p->any_semaphore = p->any_cookie = false;
	for (u32 i = at; i < o->attaches.n; i++) {
		const struct attach *a = &o->attaches.v[i];

		if (a->prog != prog || p->done[i] ||
		    (is_user(a) && strcmp(a->pattern, first->pattern) != 0))
			continue;
		p->done[i] = true;
		p->names[n] = a->pattern;
		p->offsets[n] = a->off;
		p->semaphores[n] = a->semaphore;
		p->cookies[n++] = a->cookie;
		p->any_semaphore |= a->semaphore != 0;
		p->any_cookie |= a->cookie != 0;
	}
	return one_link(k, prog, first, p, n);
}

/* What one link does not take, single events may: all but the points that are the reason. */
static int link_singly(struct kernel_engine *k, u32 prog)
{
	const struct object *o = k->base.object;
	struct diag *d = k->base.diag, quiet = {0};
	u32 n = 0, failed = 0;
	int err = 0, last = 0;

	vec_each (a, &o->attaches)
		n += a->prog == prog;
	if (n > 1) /* one of many may fail; the only one says why */
		k->base.diag = &quiet;
	vec_each (a, &o->attaches) {
		if (a->prog != prog)
			continue;
		err = is_kernel(a) ? link_kprobe(k, a) : link_uprobe(k, a);
		failed += err != 0;
		last = err ? err : last;
		if (err == -EMFILE || err == -ENOMEM)
			break;
	}
	k->base.diag = d;
	if (failed && n == 1)
		return last;
	if (failed == n || last == -EMFILE || last == -ENOMEM)
		return why_event(k, last, o->progs.v[prog].probe);
	if (failed)
		diag_warn(d, (struct loc){0}, NULL, "%u of %u points of %s cannot be probed",
			  failed, n, o->progs.v[prog].probe);
	return 0;
}

int link_multi(struct kernel_engine *k, u32 prog)
{
	const struct object *o = k->base.object;
	u32 n = MAX(o->attaches.n, 1u), before = k->nevents;
	struct points p = {
		.offsets = calloc(n, sizeof(u64)),
		.semaphores = calloc(n, sizeof(u64)),
		.cookies = calloc(n, sizeof(u64)),
		.names = calloc(n, sizeof(char *)),
		.done = calloc(n, 1),
	};
	int err = p.offsets && p.semaphores && p.cookies && p.names && p.done ? 0 : -ENOMEM;

	for (u32 i = 0; i < o->attaches.n && !err; i++)
		if (o->attaches.v[i].prog == prog && !p.done[i])
			err = link_group(k, prog, &p, i);
	free(p.offsets);
	free(p.semaphores);
	free(p.cookies);
	free(p.names);
	free(p.done);
	if (!err || err == -ENOMEM || err == -EPERM)
		return err == -EPERM ? why_event(k, err, o->progs.v[prog].probe) : err;
	while (k->nevents > before)
		close(k->events[--k->nevents]);
	return link_singly(k, prog);
}
