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

	if (k->opts.without & (user ? WITHOUT_UPROBE_MULTI : WITHOUT_KPROBE_MULTI) ||
	    k->kernel < (user ? KERNEL(6, 6) : KERNEL(5, 18)))
		return false;
	if (!*known)
		*known = probe_kernel(type) ? 1 : -1;
	return *known > 0;
}

bool link_has_multi(struct kernel_engine *k, bool user)
{
	return has(k, user ? MULTI_UPROBE : MULTI_KPROBE);
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
	u32 *rows; /* in the object */
	bool *done;
	u32 failed;
	int last; /* why the last one that failed did */
	bool any_semaphore, any_cookie;
};

static int one_link(struct kernel_engine *k, u32 prog, const struct attach *first,
		    const struct points *p, u32 from, u32 n)
{
	struct sys_multi m = {
		.type = k->multi[prog],
		.prog = k->progs[prog],
		.is_return = first->kind == ATTACH_KRETPROBE || first->kind == ATTACH_URETPROBE,
		.n = n,
		.names = p->names + from,
		.path = first->pattern,
		.offsets = p->offsets + from,
		.semaphores = p->any_semaphore ? p->semaphores + from : NULL,
		.cookies = p->any_cookie ? p->cookies + from : NULL,
		.pid = is_user(first) ? link_pid(k, first) : 0,
	};
	int fd = sys_link_multi(&m);

	return fd < 0 ? fd : link_keep(k, fd);
}

/* Nothing that another point could be the reason of. */
static bool is_final(int err)
{
	return err == -EMFILE || err == -ENOMEM || err == -EPERM;
}

/* One point by an event of its own, without a word when that fails. */
static int link_point(struct kernel_engine *k, const struct attach *a)
{
	struct diag *d = k->base.diag, quiet = {0};
	int err;

	k->base.diag = &quiet;
	err = is_kernel(a) ? link_kprobe(k, a) : link_uprobe(k, a);
	k->base.diag = d;
	return err;
}

/* One link for all; where the kernel refuses it, one for each half, and so on, until those are
 * found that are the reason. An event of its own may do for them. Points left out are counted; 0,
 * or an error that ends it all. */
static int link_range(struct kernel_engine *k, u32 prog, struct points *p, u32 from, u32 n)
{
	const struct object *o = k->base.object;
	int err = one_link(k, prog, &o->attaches.v[p->rows[0]], p, from, n);

	if (!err || is_final(err))
		return err;
	if (n == 1) {
		err = link_point(k, &o->attaches.v[p->rows[from]]);
		p->failed += err != 0;
		p->last = err ? err : p->last;
		return is_final(err) ? err : 0;
	}
	err = link_range(k, prog, p, from, n / 2);
	return err ? err : link_range(k, prog, p, from + n / 2, n - n / 2);
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
		const char *colon = is_kernel(a) ? strchr(a->pattern, ':') : NULL;

		if (a->prog != prog || p->done[i] ||
		    (is_user(a) && strcmp(a->pattern, first->pattern) != 0))
			continue;
		p->done[i] = true;
		p->rows[n] = i;
		p->names[n] = colon ? colon + 1 : a->pattern; /* without its module */
		p->offsets[n] = a->off;
		p->semaphores[n] = a->semaphore;
		p->cookies[n++] = a->cookie;
		p->any_semaphore |= a->semaphore != 0;
		p->any_cookie |= a->cookie != 0;
	}
	return link_range(k, prog, p, 0, n);
}

/* Is it the program of a wildcard over functions? */
bool link_many(const struct kernel_engine *k, u32 prog)
{
	u32 n = 0;

	vec_each (a, &k->base.object->attaches)
		n += a->prog == prog && (is_kernel(a) || is_user(a));
	return n > 1;
}

/* Of a wildcard some may fail, of which the user hears; the only one says why. */
static int tell(struct kernel_engine *k, u32 prog, u32 n, u32 failed, int last)
{
	const struct object *o = k->base.object;
	const char *probe = o->progs.v[prog].probe;

	if (n == 1 && failed)
		vec_each (a, &o->attaches)
			if (a->prog == prog)
				return is_kernel(a) ? link_kprobe(k, a) : link_uprobe(k, a);
	if (failed == n)
		return why_event(k, last, probe);
	if (failed)
		diag_warn(k->base.diag, (struct loc){0}, NULL,
			  "%u of %u points of %s cannot be probed", failed, n, probe);
	return 0;
}

int link_singly(struct kernel_engine *k, u32 prog)
{
	u32 n = 0, failed = 0;
	int err = 0, last = 0;

	vec_each (a, &k->base.object->attaches) {
		if (a->prog != prog)
			continue;
		n++;
		err = link_point(k, a);
		failed += err != 0;
		last = err ? err : last;
		if (is_final(err))
			return why_event(k, err, k->base.object->progs.v[prog].probe);
	}
	return tell(k, prog, n, failed, last);
}

int link_multi(struct kernel_engine *k, u32 prog)
{
	const struct object *o = k->base.object;
	u32 n = MAX(o->attaches.n, 1u), count = 0;
	struct points p = {
		.offsets = calloc(n, sizeof(u64)),
		.semaphores = calloc(n, sizeof(u64)),
		.cookies = calloc(n, sizeof(u64)),
		.names = calloc(n, sizeof(char *)),
		.rows = calloc(n, sizeof(u32)),
		.done = calloc(n, 1),
	};
	int err =
		p.offsets && p.semaphores && p.cookies && p.names && p.rows && p.done ? 0 : -ENOMEM;

	for (u32 i = 0; i < o->attaches.n && !err; i++) {
		count += o->attaches.v[i].prog == prog;
		if (o->attaches.v[i].prog == prog && !p.done[i])
			err = link_group(k, prog, &p, i);
	}
	free(p.offsets);
	free(p.semaphores);
	free(p.cookies);
	free(p.names);
	free(p.rows);
	free(p.done);
	if (err)
		return err == -ENOMEM ? err : why_event(k, err, o->progs.v[prog].probe);
	return tell(k, prog, count, p.failed, p.last);
}
