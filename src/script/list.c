/*
 * list.c: the probes that a machine has.
 *
 * In:  patterns, "tracepoint:syscalls:*open*,t:sched:*": shell patterns over the whole name, kinds
 *      by name or alias, commas between them; NULL: all.
 * Out: a line for each probe, kinds as in lists.def; if asked for, lines with its arguments behind
 *      it, four columns in.
 */
#include "script/tables.h"

#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>

struct list {
	struct target *target;
	const char *const *patterns; /* ends with NULL */
	const char *kind;
	bool verbose;
	void (*fn)(void *, const char *);
	void *user;
	struct arena arena;
	vec(const char *) found; /* names without their kind */
	const char *file;        /* that is being looked into */
};

/* Does "kind:name" match one of the patterns? */
static bool wanted(struct list *l, const char *name)
{
	char *whole = arena_printf(&l->arena, "%s:%s", l->kind, name);

	for (const char *const *p = l->patterns; *p; p++)
		if (glob_match(*p, whole))
			return true;
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* ---- tracepoints */

static int add_tracepoint(void *user, const char *category, const char *name)
{
	struct list *l = user;
	char *text = arena_printf(&l->arena, "%s:%s", category, name);

	if (wanted(l, text))
		vec_push(&l->arena, &l->found, text);
	return 0;
}

static void show_fields(struct list *l, const char *text)
{
	const char *colon = strchr(text, ':');
	char *category = arena_strndup(&l->arena, text, (size_t)(colon - text));
	struct tp_format *format;

	if (l->target->ops->tracepoint(l->target, category, colon + 1, &format))
		return;
	for (u32 i = 0; i < format->nfields; i++)
		l->fn(l->user, arena_printf(&l->arena, "    %s %s", format->fields[i].type,
					    format->fields[i].name));
}

static int list_tracepoints(struct list *l)
{
	int err = l->target->ops->tracepoints(l->target, add_tracepoint, l);

	if (l->found.n)
		qsort(l->found.v, l->found.n, sizeof(*l->found.v), by_name);
	vec_each (p, &l->found) {
		l->fn(l->user, arena_printf(&l->arena, "%s:%s", l->kind, *p));
		if (l->verbose)
			show_fields(l, *p);
	}
	return err;
}

static int add_raw(void *user, const char *category, const char *name)
{
	struct list *l = user;

	/* system calls have tracepoints of their own making, which have no raw form */
	if (strcmp(category, "syscalls") && wanted(l, name))
		vec_push(&l->arena, &l->found, arena_strdup(&l->arena, name));
	return 0;
}

static int show_names(struct list *l)
{
	const char *last = NULL;

	if (l->found.n)
		qsort(l->found.v, l->found.n, sizeof(*l->found.v), by_name);
	vec_each (p, &l->found) {
		if (!last || strcmp(last, *p))
			l->fn(l->user, arena_printf(&l->arena, "%s:%s", l->kind, *p));
		last = *p;
	}
	return 0;
}

static int list_raw(struct list *l)
{
	int err = l->target->ops->tracepoints(l->target, add_raw, l);

	return err ? err : show_names(l);
}

/* ---- functions */

static int add_name(void *user, const char *name)
{
	struct list *l = user;

	if (wanted(l, name))
		vec_push(&l->arena, &l->found, arena_strdup(&l->arena, name));
	return 0;
}

static int add_function(void *user, const char *name, const char *module)
{
	(void)module;
	return add_name(user, name);
}

/* A kernel without kprobes has none of them. */
static int list_functions(struct list *l)
{
	const struct target_ops *ops = l->target->ops;

	if (!ops->kprobes || ops->kprobes(l->target))
		return 0;
	ops->functions(l->target, add_function, l);
	return show_names(l);
}

static void show_params(struct list *l, const char *function)
{
	struct script s = {.arena = &l->arena, .target = l->target};
	const struct probe_row row = {
		.attach = strcmp(l->kind, "fexit") ? ATTACH_FENTRY : ATTACH_FEXIT};
	struct point p = {.row = &row, .pattern = function};
	struct diag silent = {0};
	struct buf line = {0};

	s.diag = &silent;
	for (u32 i = 0; proto_text(&s, &p, i, &line); i++) {
		l->fn(l->user, arena_printf(&l->arena, "    %s", buf_str(&line)));
		line.n = 0;
	}
	buf_free(&line);
}

static int list_fentry(struct list *l)
{
	const struct target_ops *ops = l->target->ops;
	const char *last = NULL;

	if (ops->fentry(l->target))
		return 0;
	ops->functions(l->target, add_function, l);
	if (l->found.n)
		qsort(l->found.v, l->found.n, sizeof(*l->found.v), by_name);
	vec_each (p, &l->found) {
		if (last && !strcmp(last, *p))
			continue;
		l->fn(l->user, arena_printf(&l->arena, "%s:%s", l->kind, *p));
		if (l->verbose)
			show_params(l, *p);
		last = *p;
	}
	return 0;
}

/* ---- iterators */

static void show_context(struct list *l, const char *name)
{
	struct script s = {.arena = &l->arena, .target = l->target};
	const struct probe_row row = {.attach = ATTACH_ITER};
	struct point p = {.row = &row, .func = name};
	struct diag silent = {0};
	struct buf line = {0};

	s.diag = &silent;
	for (u32 i = 0; iterator_text(&s, &p, i, &line); i++) {
		l->fn(l->user, arena_printf(&l->arena, "    %s", buf_str(&line)));
		line.n = 0;
	}
	buf_free(&line);
}

static int list_iterators(struct list *l)
{
	iterators_each(l->target, &l->arena, add_name, l);
	if (l->found.n)
		qsort(l->found.v, l->found.n, sizeof(*l->found.v), by_name);
	vec_each (p, &l->found) {
		l->fn(l->user, arena_printf(&l->arena, "%s:%s", l->kind, *p));
		if (l->verbose)
			show_context(l, *p);
	}
	return 0;
}

/* ---- files: only those that a pattern names, "uprobe:/bin/bash:read*" */

static int add_symbol(void *user, const struct user_symbol *s)
{
	struct list *l = user;

	return add_name(l, arena_printf(&l->arena, "%s:%s", l->file, s->name));
}

static int add_note(void *user, const struct usdt_note *n)
{
	struct list *l = user;

	return add_name(l, arena_printf(&l->arena, "%s:%s:%s", l->file, n->provider, n->name));
}

static void each_file(struct list *l, void (*add)(struct list *, struct user_file *))
{
	size_t kind = strlen(l->kind);
	struct user_file *file;

	for (const char *const *p = l->patterns; *p; p++) {
		const char *path = *p + kind + 1, *end;

		if (strncmp(*p, l->kind, kind) || (*p)[kind] != ':')
			continue;
		end = strchr(path, ':');
		l->file = arena_strndup(&l->arena, path, end ? (size_t)(end - path) : strlen(path));
		if (!strpbrk(l->file, "*?[") && l->target->ops->file &&
		    !l->target->ops->file(l->target, l->file, 0, &file))
			add(l, file);
	}
}

static void add_symbols(struct list *l, struct user_file *file)
{
	user_symbols(file, add_symbol, l);
}

static void add_notes(struct list *l, struct user_file *file)
{
	usdt_notes(file, add_note, l);
}

static int list_user(struct list *l)
{
	each_file(l, add_symbols);
	return show_names(l);
}

static int list_usdt(struct list *l)
{
	each_file(l, add_notes);
	return show_names(l);
}

/* ---- all kinds */

static const struct list_row {
	const char *kind;
	int (*run)(struct list *);
} rows[] = {
#define LIST(name, run) {#name, run},
#include "script/lists.def"
#undef LIST
};

/* "t:sched:*" to "tracepoint:sched:*" */
static const char *with_kind(struct list *l, char *pattern)
{
	size_t n = strcspn(pattern, ":");

	for (const struct probe_row *r = probe_rows; r->name && pattern[n]; r++)
		if (strlen(r->alias) == n && !strncmp(r->alias, pattern, n))
			return arena_printf(&l->arena, "%s%s", r->name, pattern + n);
	return pattern;
}

static const char *const *split(struct list *l, const char *text)
{
	char *copy = arena_strdup(&l->arena, text ? text : "*"), *part;
	vec(const char *) patterns = {0};

	while ((part = strsep(&copy, ",")))
		vec_push(&l->arena, &patterns, with_kind(l, part));
	vec_push(&l->arena, &patterns, NULL);
	return patterns.v;
}

int script_list(struct target *target, const char *patterns, bool verbose,
		void (*fn)(void *user, const char *line), void *user)
{
	struct list l = {.target = target, .verbose = verbose, .fn = fn, .user = user};
	volatile int err = 0;
	jmp_buf escape;

	l.arena.escape = &escape;
	if (setjmp(escape)) {
		arena_free(&l.arena);
		return -ENOMEM;
	}
	l.patterns = split(&l, patterns);
	for (u32 i = 0; i < ARRAY_SIZE(rows) && !err; i++) {
		l.kind = rows[i].kind;
		l.found.n = 0;
		err = rows[i].run(&l);
	}
	arena_free(&l.arena);
	return err;
}
