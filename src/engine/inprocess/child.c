/*
 * child.c: the command, between its fork and its exec.
 *
 * In:  an object. Out: the shared file and the filter, made before the fork; afterwards the child
 *      maps what the session has made in the meantime, and is traced from then on like any other
 *      process.
 */
#include "engine/inprocess/inprocess.h"

#include <stdlib.h>
#include <sys/auxv.h>

#define LISTED_MOST 10

static bool is_served(const struct attach *a)
{
	if (a->kind == ATTACH_TRACEPOINT)
		return !strncmp(a->pattern, "syscalls:", 9) ||
		       !strncmp(a->pattern, "raw_syscalls:", 13);
	return a->kind == ATTACH_BEGIN || a->kind == ATTACH_END || a->kind == ATTACH_INTERVAL ||
	       a->kind == ATTACH_SIGNAL || a->kind == ATTACH_TEST || a->kind == ATTACH_BENCH;
}

/* What helpers do that needs somebody beside the traced process; NULL: they do without. */
static const char *lacks(const struct object *o)
{
	static const struct {
		s32 helper;
		const char *what;
	} rows[] = {
		{HELPER_get_current_task, "curtask"},
		{HELPER_get_current_task_btf, "curtask"},
		{HELPER_timer_init, "timers"},
		{HELPER_perf_event_output, "perf event arrays"},
	};

	vec_each (p, &o->progs)
		vec_each (i, &p->code.insns)
			for (u32 r = 0; r < ARRAY_SIZE(rows); r++)
				if (i->code == (BPF_JMP | BPF_CALL) && !i->src &&
				    i->imm == rows[r].helper)
					return rows[r].what;
	return NULL;
}

static bool unwinds(const struct object *o)
{
	vec_each (m, &o->maps)
		if (!strcmp(m->name, UNWIND_FILES))
			return true;
	return false;
}

/* Other probes than those of system calls need somebody who looks from outside. */
static int refuse(const struct object *o, struct diag *d)
{
	struct buf text = {0};
	u32 n = 0;

	vec_each (a, &o->attaches) {
		if (is_served(a) || object_is_family(o, a->prog))
			continue;
		if (n++ < LISTED_MOST)
			buf_printf(&text, "%s%s", n > 1 ? ", " : "", o->progs.v[a->prog].probe);
	}
	if (n > LISTED_MOST)
		buf_printf(&text, " and %u more", n - LISTED_MOST);
	if (!n && unwinds(o)) {
		n = 1;
		diag_fail(d, -EOPNOTSUPP, "--engine user has it; ustack is by frame pointers",
			  "the in-process engine has no dw_ustack");
	} else if (!n && lacks(o)) {
		n = 1;
		diag_fail(d, -EOPNOTSUPP, "--engine user has more of it",
			  "the in-process engine has no %s", lacks(o));
	} else if (n) {
		diag_fail(d, -EOPNOTSUPP, "--engine user traces more",
			  "the in-process engine serves probes of system calls alone, not: %s",
			  buf_str(&text));
	}
	buf_free(&text);
	return n ? -EOPNOTSUPP : plan_refuse(o, d);
}

int inprocess_child_open(struct user_child **out, const struct object *o, struct diag *d)
{
	struct inprocess_child *c = calloc(1, sizeof(*c));
	int err;

	*out = NULL;
	if (!c)
		return -ENOMEM;
	c->file.fd = -1;
	c->vdso = getauxval(AT_SYSINFO_EHDR);
	err = refuse(o, d);
	if (!err)
		err = plan_make(&c->plan, o, d);
	if (!err)
		err = file_open(&c->file, d);
	if (!err)
		err = trap_filter_make(&c->filter, &c->plan, c->file.cookie);
	if (err) {
		inprocess_child_close((struct user_child *)c);
		return d->errors ? err : diag_fail(d, err, NULL, "cannot make a filter of calls");
	}
	*out = (struct user_child *)c;
	return 0;
}

void inprocess_child_close(struct user_child *child)
{
	struct inprocess_child *c = (struct inprocess_child *)child;

	if (!c)
		return;
	file_close(&c->file);
	plan_free(&c->plan);
	free(c);
}

int inprocess_child_prepare(struct user_child *child)
{
	const struct inprocess_child *c = (const struct inprocess_child *)child;
	int err = agent_api->start(c->file.fd, c->vdso);

	return err ? err : trap_filter_install(&c->filter);
}
