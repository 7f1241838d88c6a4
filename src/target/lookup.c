/*
 * lookup.c: the calls that every target answers, and what to say when it cannot.
 *
 * In:  a target (live or saved) and names that somebody wrote.
 * Out: a tracepoint's format, or a message with a way out: the nearest name, how to mount tracefs,
 *      which rights are missing.
 */
#include "target/impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void target_close(struct target *t)
{
	if (!t)
		return;
	t->ops->close(t);
	arena_free(&t->arena);
	free(t);
}

/* ---- near names */

struct search {
	struct arena arena;
	const char *category;
	struct near categories, names; /* of all categories; of all "category:name" */
	bool listed, category_exists;
	const char *elsewhere; /* the same name in another category */
	const char *wanted;
};

/* A candidate lives only during the call; the best one is kept. */
static void try_copy(struct search *s, struct near *n, const char *candidate)
{
	const char *before = n->best;

	near_try(n, candidate);
	if (n->best != before)
		n->best = arena_strdup(&s->arena, candidate);
}

static int consider(void *user, const char *category, const char *name)
{
	struct search *s = user;

	if (!strcmp(category, s->category)) {
		s->category_exists = true;
		try_copy(s, &s->names, name);
	} else {
		try_copy(s, &s->categories, category);
		if (!s->elsewhere && !strcmp(name, s->wanted))
			s->elsewhere = arena_strdup(&s->arena, category);
	}
	return 0;
}

static void report_unknown(struct target *t, const char *category, const char *name, struct loc loc,
			   struct diag *d)
{
	struct search s = {.category = category,
			   .wanted = name,
			   .categories.word = category,
			   .names.word = name};
	char hint[4 * TP_NAME_MOST] = "";
	jmp_buf full;

	if (TARGET_GUARD(&s.arena, full)) {
		s.listed = t->ops->tracepoints(t, consider, &s) >= 0;
		if (s.category_exists && s.names.best)
			snprintf(hint, sizeof(hint), "did you mean '%s:%s'?", category,
				 s.names.best);
		else if (!s.category_exists && s.categories.best)
			snprintf(hint, sizeof(hint), "did you mean '%s:%s'?", s.categories.best,
				 name);
		else if (s.elsewhere)
			snprintf(hint, sizeof(hint), "did you mean '%s:%s'?", s.elsewhere, name);
		else
			snprintf(hint, sizeof(hint),
				 "ls /sys/kernel/tracing/events/%.100s shows what there is",
				 s.category_exists ? category : "*");
	}
	if (s.category_exists || !s.listed)
		diag_error(d, loc, hint, "there is no tracepoint '%s:%s'", category, name);
	else
		diag_error(d, loc, hint, "there is no category '%s' of tracepoints", category);
	arena_free(&s.arena);
}

int target_tracepoint(struct target *t, const char *category, const char *name, struct loc loc,
		      struct tp_format **out, struct diag *d)
{
	jmp_buf full;
	volatile int err = -ENOMEM;

	*out = NULL;
	if (TARGET_GUARD(&t->arena, full))
		err = t->ops->tracepoint(t, category, name, out);
	t->arena.escape = NULL;
	switch (err) {
	case 0: break;
	case -ENOENT: report_unknown(t, category, name, loc, d); break;
	case -EACCES:
		diag_error(d, loc,
			   "run as root (sudo waggle ...); without rights, system calls, "
			   "sched_process_*, task_newtask and signal_deliver can be traced",
			   "no permission to read the format of tracepoint '%s:%s'", category,
			   name);
		break;
	case -ENODEV:
		diag_error(d, loc, "as root: mount -t tracefs tracefs /sys/kernel/tracing",
			   "tracefs, which describes tracepoints, is not mounted");
		break;
	default:
		diag_error(d, loc, NULL, "cannot read the format of tracepoint '%s:%s': %s",
			   category, name, strerror(-err));
	}
	return err;
}
