/*
 * choice.c: which calls are wanted by what they do, beyond their names: -P, -e status=, --filter.
 *
 * In:  a call of a thread, its result. Out: whether it is shown. Until all memory of a call is
 * there, which is when it ends, "no" may become "yes".
 */
#include "strace/strace.h"

static bool listed(const struct strace *s, const char *path)
{
	for (char *const *only = s->opts.only; path && *only; only++)
		if (!strcmp(*only, path))
			return true;
	return false;
}

static bool poll_matches(struct strace *s, const struct task *t, const struct arg *a)
{
	const struct shown c = {.s = s, .task = (struct task *)t, .args = t->args};
	u64 n = MIN((u32)ARG_AFTER(&c, a), 32u);
	const s32 *p = n ? seen(&c, a, ARG(&c, a), 8 * n) : NULL;

	for (u64 i = 0; p && i < n; i++)
		if (listed(s, path_of(s, t, p[2 * i])))
			return true;
	return false;
}

static bool arg_matches(struct strace *s, const struct task *t, const struct arg *a)
{
	const struct shown c = {.s = s, .task = (struct task *)t, .args = t->args};
	const char *kind = a->kind->name;
	const struct piece *p;

	if (!strcmp(kind, "fd") || !strcmp(kind, "dirfd"))
		return listed(s, path_of(s, t, (s32)ARG(&c, a)));
	if (!strcmp(kind, "poll"))
		return poll_matches(s, t, a);
	if (strcmp(kind, "path") != 0 || a->out)
		return false;
	p = seen_string(&c, ARG(&c, a));
	return p && listed(s, t->bytes.p + p->at);
}

bool call_matches(struct strace *s, const struct task *t)
{
	const struct call *c = &s->calls[t->nr];

	if (!s->chosen[t->nr])
		return false;
	for (u32 i = 0; s->opts.only && i < c->nargs; i++)
		if (arg_matches(s, t, &c->args[i]))
			return true;
	return !s->opts.only;
}

static u32 status_of(s64 ret)
{
	return ret < 0 && ret >= -4095 ? WAGGLE_STRACE_FAILED : WAGGLE_STRACE_SUCCESSFUL;
}

bool result_matches(const struct strace *s, s64 ret)
{
	if (s->opts.status && !(s->opts.status & status_of(ret)))
		return false;
	switch (s->opts.exit_is) {
	case 0: return true;
	case '=': return ret == s->opts.exit_value;
	case '!': return ret != s->opts.exit_value;
	case '<': return ret < s->opts.exit_value;
	default: return ret > s->opts.exit_value;
	}
}

bool unanswered_matches(const struct strace *s)
{
	return !s->opts.exit_is && (!s->opts.status || s->opts.status & WAGGLE_STRACE_UNFINISHED);
}
