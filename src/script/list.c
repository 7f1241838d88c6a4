/*
 * list.c: the probes that a machine has.
 *
 * In:  patterns, "tracepoint:syscalls:*open*,t:sched:*": shell patterns over the whole name, kinds
 *      by name or alias, commas between them; NULL: all.
 * Out: a line for each probe, kinds as in lists.def; if asked for, lines with its arguments behind
 *      it, four columns in.
 */
#include "script/debug.h"
#include "script/tables.h"

#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>

/* Of the kernel; which a kind of probes is for is asked of all. module: NULL: its own. */
struct function {
	const char *name, *module;
};

struct list {
	struct target *target;
	const char *const *patterns; /* ends with NULL */
	const char *kind;
	bool verbose;
	u32 pid; /* whose files, 0: of all */
	void (*fn)(void *, const char *);
	void *user;
	struct arena arena;
	vec(const char *) found; /* names without their kind */
	vec(struct function) functions;
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

/* May a pattern match probes of the kind? What is in front of its first wildcard tells. */
static bool kind_wanted(struct list *l)
{
	const char *start = arena_printf(&l->arena, "%s:", l->kind);

	for (const char *const *p = l->patterns; *p; p++)
		if (!strncmp(*p, start, MIN(strcspn(*p, "*?["), strlen(start))))
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

/* What was found, with what `more` has to say of each if that is wanted. */
static void show_sorted(struct list *l, void (*more)(struct list *, const char *name))
{
	if (l->found.n)
		qsort(l->found.v, l->found.n, sizeof(*l->found.v), by_name);
	vec_each (p, &l->found) {
		l->fn(l->user, arena_printf(&l->arena, "%s:%s", l->kind, *p));
		if (l->verbose)
			more(l, *p);
	}
}

static int list_tracepoints(struct list *l)
{
	int err = l->target->ops->tracepoints(l->target, add_tracepoint, l);

	show_sorted(l, show_fields);
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

static int keep_function(void *user, const char *name, const char *module)
{
	struct list *l = user;
	const struct function f = {arena_strdup(&l->arena, name),
				   module ? arena_strdup(&l->arena, module) : NULL};

	vec_push(&l->arena, &l->functions, f);
	return 0;
}

/* By their names, or by those of their modules, too. The list is long, and the kernel makes it anew
 * for each reader: it is read once. */
static void add_functions(struct list *l)
{
	if (!l->functions.n)
		l->target->ops->functions(l->target, keep_function, l);
	vec_each (f, &l->functions) {
		const char *whole = arena_printf(&l->arena, "%s:%s",
						 f->module ? f->module : "vmlinux", f->name);

		add_name(l, wanted(l, whole) && !wanted(l, f->name) ? whole : f->name);
	}
}

/* A kernel without kprobes has none of them. */
static int list_functions(struct list *l)
{
	const struct target_ops *ops = l->target->ops;

	if (!ops->kprobes || ops->kprobes(l->target))
		return 0;
	add_functions(l);
	return show_names(l);
}

/* What a point of the probe has by name, a line each. */
static void show_texts(struct list *l, struct point *p,
		       bool text(struct script *, struct point *, u32, struct buf *))
{
	struct diag silent = {0};
	struct script s = {.arena = &l->arena, .target = l->target, .diag = &silent, .pid = l->pid};
	struct buf line = {0};

	for (u32 i = 0; text(&s, p, i, &line); i++) {
		l->fn(l->user, arena_printf(&l->arena, "    %s", buf_str(&line)));
		line.n = 0;
	}
	buf_free(&line);
}

static void show_params(struct list *l, const char *function)
{
	const struct probe_row row = {
		.attach = strcmp(l->kind, "fexit") ? ATTACH_FENTRY : ATTACH_FEXIT};

	const char *colon = strchr(function, ':');
	u32 shift;

	if (colon && l->target->ops->module)
		l->target->ops->module(l->target,
				       arena_strndup(&l->arena, function,
						     (size_t)(colon - function)),
				       &shift);
	function = colon ? colon + 1 : function;
	show_texts(l, &(struct point){.row = &row, .pattern = function}, proto_text);
}

static int add_program(void *user, u32 id, const char *name, u32 type)
{
	struct list *l = user;

	(void)type;
	return add_name(l, arena_printf(&l->arena, "bpf:%u:%s", id, name));
}

/* Functions of the kernel, then those of BPF programs. */
static int list_fentry(struct list *l)
{
	const struct target_ops *ops = l->target->ops;
	const char *last = NULL;

	if (ops->fentry(l->target))
		return 0;
	add_functions(l);
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
	l->found.n = 0;
	if (ops->programs && !ops->programs(l->target, add_program, l))
		vec_each (p, &l->found)
			l->fn(l->user, arena_printf(&l->arena, "%s:%s", l->kind, *p));
	return 0;
}

/* ---- iterators */

static void show_context(struct list *l, const char *name)
{
	const struct probe_row row = {.attach = ATTACH_ITER};

	show_texts(l, &(struct point){.row = &row, .func = name}, iterator_text);
}

static int list_iterators(struct list *l)
{
	iterators_each(l->target, &l->arena, add_name, l);
	show_sorted(l, show_context);
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

struct file_of {
	struct list *list;
	void (*add)(struct list *, struct user_file *);
};

static int take_file(void *user, const char *path)
{
	struct file_of *f = user;
	struct list *l = f->list;
	struct user_file *file;

	l->file = arena_strdup(&l->arena, path);
	if (!l->target->ops->file(l->target, path, l->pid, &file))
		f->add(l, file);
	return 0;
}

/* A path, a name, a pattern of paths; with -p * is all that is mapped, as in a script. */
static void each_file(struct list *l, void (*add)(struct list *, struct user_file *))
{
	const struct target_ops *ops = l->target->ops;
	size_t kind = strlen(l->kind);
	struct file_of f = {l, add};

	for (const char *const *p = l->patterns; *p && ops->file; p++) {
		const char *path = *p + kind + 1, *end;
		const char *file;

		if (strncmp(*p, l->kind, kind) || (*p)[kind] != ':')
			continue;
		end = strchr(path, ':');
		file = arena_strndup(&l->arena, path, end ? (size_t)(end - path) : strlen(path));
		if (!strcmp(file, "*"))
			ops->mapped(l->target, l->pid, take_file, &f);
		else if (has_wildcard(file))
			ops->glob(l->target, file, take_file, &f);
		else
			take_file(&f, file);
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

struct sought {
	const char *name;
	u64 offset;
};

static int is_sought(void *user, const struct user_symbol *sym)
{
	struct sought *w = user;

	w->offset = sym->offset;
	return !strcmp(sym->name, w->name);
}

/* "FILE:FUNCTION": its arguments, where its file has debugging information. */
static void show_user_params(struct list *l, const char *text)
{
	const struct probe_row row = {.attach = ATTACH_UPROBE};
	struct point p = {.row = &row};
	const char *colon = strrchr(text, ':');
	struct sought w = {.name = colon + 1};

	if (l->target->ops->file(l->target, arena_strndup(&l->arena, text, (size_t)(colon - text)),
				 l->pid, &p.file) || !user_symbols(p.file, is_sought, &w))
		return;
	p.off = w.offset;
	show_texts(l, &p, debug_text);
}

static int list_user(struct list *l)
{
	const char *last = NULL;

	each_file(l, add_symbols);
	if (!l->verbose || strcmp(l->kind, "uprobe"))
		return show_names(l);
	if (l->found.n)
		qsort(l->found.v, l->found.n, sizeof(*l->found.v), by_name);
	vec_each (p, &l->found) {
		if (last && !strcmp(last, *p))
			continue;
		l->fn(l->user, arena_printf(&l->arena, "%s:%s", l->kind, *p));
		show_user_params(l, *p);
		last = *p;
	}
	return 0;
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

int script_list(struct target *target, const char *patterns, bool verbose, u32 pid,
		void (*fn)(void *user, const char *line), void *user)
{
	struct list l = {.target = target, .verbose = verbose, .pid = pid, .fn = fn, .user = user};
	volatile int err = 0;
	volatile bool typed = false;
	jmp_buf escape;

	l.arena.escape = &escape;
	if (setjmp(escape)) {
		arena_free(&l.arena);
		return -ENOMEM;
	}
	l.patterns = split(&l, patterns);
	for (const char *const *p = l.patterns; *p; p++)
		typed = list_types(target, &l.arena, *p, verbose, fn, user) || typed;
	for (u32 i = 0; i < ARRAY_SIZE(rows) && !err && !(typed && !l.patterns[1]); i++) {
		l.kind = rows[i].kind;
		l.found.n = 0;
		err = kind_wanted(&l) ? rows[i].run(&l) : 0;
	}
	arena_free(&l.arena);
	return err;
}
