/*
 * points_kernel.c: probes at functions and raw tracepoints of the kernel.
 *
 * In: "kprobe:vfs_read+4", "kretprobe:tcp_*", "rawtracepoint:sched:sched_switch".
 * Out: a point for each function that exists; points of one wildcard share a program.
 */
#include "script/tables.h"

#include "isa/isa.h"

#include <errno.h>
#include <stdlib.h>

/* ---- kprobe, kretprobe */

struct functions {
	struct script *script;
	const char *pattern, *module; /* module NULL: any */
	bool typed;                   /* only what BTF knows */
	struct near near;
	struct dict found; /* name -> its module, "" of the kernel itself */
};

static bool in_types(struct script *, const char *name);

static bool is_of_module(const struct functions *f, const char *module)
{
	return !f->module || glob_match(f->module, module ? module : "vmlinux");
}

static int try_near(void *user, const char *name, const char *module)
{
	struct functions *f = user;
	const char *before = f->near.best;

	if (!is_of_module(f, module))
		return 0;

	near_try(&f->near, name);
	if (f->near.best != before)
		f->near.best = arena_strdup(f->script->arena, name);
	return 0;
}

static int take_match(void *user, const char *name, const char *module)
{
	struct functions *f = user;
	struct arena *a = f->script->arena;

	if (is_of_module(f, module) && glob_match(f->pattern, name) && !dict_get(&f->found, name) &&
	    (!f->typed || ((!module || f->module) && in_types(f->script, name))))
		*dict_put(&f->found, arena_strdup(a, name)) = arena_strdup(a, module ? module : "");
	return f->found.entries.n > f->script->limits.points_most;
}

static int no_kprobes(struct script *s, struct probe_spec *spec)
{
	return diag_error(s->diag, spec->at, "tracepoint:... or rawtracepoint:... may serve",
			  "this kernel was built without kprobes: '%s' cannot be traced", spec->text);
}

static int unknown_function(struct script *s, struct probe_spec *spec, const char *name,
			    const char *module)
{
	struct functions f = {.script = s, .near.word = name, .module = module};

	if (!s->trying)
		s->target->ops->functions(s->target, try_near, &f);
	return diag_error(s->diag, spec->at,
			  f.near.best ? arena_printf(s->arena, "did you mean '%s'?", f.near.best)
				      : "a function that the compiler has inlined has no name left",
			  module ? "there is no function '%s' in '%s'"
				 : "this kernel has no function '%s'",
			  name, module);
}

/* Cuts "+offset" off. */
static int parse_offset(struct script *s, struct probe_spec *spec, char *name, u64 *off)
{
	char *plus = strchr(name, '+'), *end;

	if (!plus)
		return 0;
	*plus = 0;
	*off = strtoull(plus + 1, &end, 0);
	if (!plus[1] || *end || plus[1] == '-')
		return diag_error(s->diag, spec->at, "it is a number of bytes: +4, +0x1f",
				  "'%s' is no offset", plus + 1);
	return 0;
}

static struct point *add_function(struct script *s, const struct probe_row *row,
				  struct probe *probe, struct probe_spec *spec, const char *name,
				  const char *module, u64 off, struct point ***tail)
{
	struct point *p = point_add(s, row, probe, spec, tail);
	bool own = !module || !strcmp(module, "vmlinux");

	p->func = name;
	p->pattern = own ? name : arena_printf(s->arena, "%s:%s", module, name);
	p->off = off;
	p->text = arena_printf(s->arena, "%s:%s%s%s", row->name, module ? module : "",
			       module ? ":" : "", name);
	if (off)
		p->text = arena_printf(s->arena, "%s+%llu", p->text, (unsigned long long)off);
	return p;
}

static int wild_functions(struct script *s, const struct probe_row *row, struct probe *probe,
			  struct probe_spec *spec, const char *pattern, const char *module,
			  struct point ***tail)
{
	struct functions f = {.script = s,
			      .pattern = pattern,
			      .module = module,
			      .found.arena = s->arena,
			      .typed = row->prog_kind == PROG_TRACING};
	struct point *leader = NULL, *p;
	int err = s->target->ops->functions(s->target, take_match, &f);

	if (err < 0)
		return diag_fail(s->diag, err, "run it as root (sudo waggle ...)",
				 "the functions of the kernel cannot be listed: %s",
				 strerror(-err));
	if (!f.found.entries.n)
		return diag_error(s->diag, spec->at, NULL,
				  "no function of this kernel matches '%s'", pattern);
	dict_each (e, &f.found) {
		const char *of = e->value; /* said where the module was asked for */

		p = add_function(s, row, probe, spec, e->key,
				 !module ? NULL
				 : *of   ? of
					 : "vmlinux",
				 0, tail);
		if (row->prog_kind == PROG_TRACING) /* which has one function only */
			continue;
		leader = leader ? leader : p;
		point_follow(p, leader);
	}
	return 0;
}

/* "module:function" in two. NULL: no module is named. */
static char *cut_module(char **name)
{
	char *module = *name, *colon = strchr(module, ':');

	if (!colon)
		return NULL;
	*colon = 0;
	*name = colon + 1;
	return module;
}

/* A module that is named brings its types with it, if it has any. */
static void take_types(struct script *s, const char *module)
{
	u32 shift;

	if (module && !has_wildcard(module) && strcmp(module, "vmlinux") != 0 && s->target->ops->module)
		s->target->ops->module(s->target, module, &shift);
}

static bool is_there(struct script *s, const char *name, const char *module)
{
	struct functions f = {
		.script = s, .pattern = name, .module = module, .found.arena = s->arena};

	if (!module || !strcmp(module, "vmlinux"))
		return s->target->ops->function(s->target, name) != -ENOENT;
	s->target->ops->functions(s->target, take_match, &f);
	return f.found.entries.n;
}

int points_kprobe(struct script *s, const struct probe_row *row, struct probe *probe,
		  struct probe_spec *spec, char **parts, struct point ***tail)
{
	char *module, *name = parts[0];
	u64 off = 0;
	int err;

	module = cut_module(&name);
	if (!*name || strchr(name, ':'))
		return diag_error(s->diag, spec->at,
				  arena_printf(s->arena, "it is written %s", row->usage),
				  "'%s' is not a probe of kind %s", spec->text, row->name);
	take_types(s, module);
	if (s->target->ops->kprobes(s->target))
		return no_kprobes(s, spec);
	err = parse_offset(s, spec, name, &off);
	if (err)
		return err;
	if (off && row->attach == ATTACH_KRETPROBE)
		return diag_error(s->diag, spec->at, "leave the offset out",
				  "a function returns as a whole: kretprobe takes no offset");
	if (has_wildcard(name) || (module && has_wildcard(module)))
		return off ? diag_error(s->diag, spec->at, NULL, "a wildcard takes no offset")
			   : wild_functions(s, row, probe, spec, name, module, tail);
	if (!is_there(s, name, module))
		return unknown_function(s, spec, name, module);
	add_function(s, row, probe, spec, name, module, off, tail);
	return 0;
}

/* ---- fentry, fexit */

static bool in_types(struct script *s, const char *name)
{
	struct diag silent = {0};
	struct btf *btf;

	return !s->target->ops->btf(s->target, &btf, &silent) && btf_find(btf, name, BTF_FUNC);
}

/* The kernel refuses fentry: the kprobe at the same place may stand for it. */
static int fentry_instead(struct script *s, const struct probe_row *row, struct probe *probe,
			  struct probe_spec *spec, char **parts, int why, struct point ***tail)
{
	const char *other = row->attach == ATTACH_FENTRY ? "kprobe" : "kretprobe";
	const char *reason = why == -ENOENT ? "has no types (BTF) for" : "refuses";
	const struct probe_row *instead = probe_rows;
	struct point **first = *tail;
	int err;

	if (s->target->ops->kprobes(s->target))
		return diag_error(s->diag, spec->at,
				  "tracepoint:... or rawtracepoint:... may serve",
				  "this kernel %s %s (%s), and was built without kprobes", reason,
				  row->name, strerror(-why));
	while (strcmp(instead->name, other) != 0)
		instead++;
	err = points_kprobe(s, instead, probe, spec, parts, tail);
	for (struct point *p = err ? NULL : *first; p; p = p->next)
		p->instead = true;
	if (!err)
		diag_warn(s->diag, spec->at, NULL, "this kernel %s %s (%s): %s stands for it",
			  reason, row->name, strerror(-why), other);
	return err;
}

int points_fentry(struct script *s, const struct probe_row *row, struct probe *probe,
		  struct probe_spec *spec, char **parts, struct point ***tail)
{
	char *whole = arena_strdup(s->arena, parts[0]), *name = parts[0];
	char *module = cut_module(&name);
	int err;

	if (!*name || (strpbrk(name, ":+") && (!module || strcmp(module, "bpf") != 0)))
		return diag_error(s->diag, spec->at,
				  arena_printf(s->arena, "it is written %s", row->usage),
				  "'%s' is not a probe of kind %s", spec->text, row->name);
	err = s->target->ops->fentry(s->target);
	if (module && !strcmp(module, "bpf"))
		return err ? diag_error(s->diag, spec->at, NULL, "this kernel refuses %s (%s)",
					row->name, strerror(-err)) :
			     points_bpf(s, row, probe, spec, name, tail);
	take_types(s, module);
	if (err)
		return fentry_instead(s, row, probe, spec, &whole, err, tail);
	if (has_wildcard(name) || (module && has_wildcard(module)))
		return wild_functions(s, row, probe, spec, name, module, tail);
	if (!in_types(s, name))
		return unknown_function(s, spec, name, module);
	add_function(s, row, probe, spec, name, module, 0, tail);
	return 0;
}

/* ---- rawtracepoint */

struct raw {
	struct script *script;
	const char *category, *name; /* patterns; category NULL: any */
	struct near near;
	struct dict found;
};

static int take_raw(void *user, const char *category, const char *name)
{
	struct raw *r = user;
	const char *before = r->near.best;

	if (!strcmp(category, "syscalls")) /* these are made of raw_syscalls */
		return 0;
	near_try(&r->near, name);
	if (r->near.best != before)
		r->near.best = arena_strdup(r->script->arena, name);
	if ((!r->category || glob_match(r->category, category)) && glob_match(r->name, name) &&
	    !dict_get(&r->found, name))
		*dict_put(&r->found, arena_strdup(r->script->arena, name)) = r;
	return 0;
}

static void add_raw(struct script *s, const struct probe_row *row, struct probe *probe,
		    struct probe_spec *spec, const char *name, struct point **leader,
		    struct point ***tail)
{
	struct point *p = point_add(s, row, probe, spec, tail);

	p->pattern = name;
	p->text = arena_printf(s->arena, "%s:%s", row->name, name);
	*leader = *leader ? *leader : p;
	/* one program is opened for each: the kernel takes many, but their arguments differ */
	point_follow(p, *leader);
}

/* BTF knows all raw tracepoints, also those without an event. */
static bool in_btf(struct script *s, const char *name)
{
	struct diag silent = {0};
	struct btf *btf;

	return !s->target->ops->btf(s->target, &btf, &silent) &&
	       btf_find(btf, arena_printf(s->arena, "btf_trace_%s", name), BTF_TYPEDEF);
}

int points_raw(struct script *s, const struct probe_row *row, struct probe *probe,
	       struct probe_spec *spec, char **parts, struct point ***tail)
{
	char *colon = strchr(parts[0], ':');
	struct raw r = {.script = s, .name = colon ? colon + 1 : parts[0], .found.arena = s->arena};
	struct point *leader = NULL;
	int err;

	if (colon) {
		*colon = 0;
		r.category = parts[0];
	}
	if (!*r.name || strchr(r.name, ':'))
		return diag_error(s->diag, spec->at,
				  arena_printf(s->arena, "it is written %s", row->usage),
				  "'%s' is not a probe of kind %s", spec->text, row->name);
	if (!has_wildcard(r.name) && in_btf(s, r.name)) {
		add_raw(s, row, probe, spec, r.name, &leader, tail);
		return 0;
	}
	r.near.word = r.name;
	err = s->target->ops->tracepoints(s->target, take_raw, &r);
	if (err)
		return diag_fail(s->diag, err, NULL, "the tracepoints cannot be listed: %s",
				 strerror(-err));
	if (!r.found.entries.n)
		return diag_error(
			s->diag, spec->at,
			r.near.best ? arena_printf(s->arena, "did you mean '%s'?", r.near.best)
				    : NULL,
			"this kernel has no raw tracepoint '%s'", r.name);
	dict_each (e, &r.found)
		add_raw(s, row, probe, spec, e->key, &leader, tail);
	return 0;
}
