/*
 * points_bpf.c: probes at functions of BPF programs that run.
 *
 * In:  what stands behind "fentry:bpf:": "NAME", "ID:NAME"; both may be patterns.
 * Out: a point for each function of each program that fits: "fentry:bpf:12:NAME".
 */
#include "script/tables.h"

#include <errno.h>
#include <stdio.h>

struct programs {
	struct script *script;
	const struct probe_row *row;
	struct probe *probe;
	struct probe_spec *spec;
	struct point ***tail;
	const char *id, *name;
	struct near near;
	u32 found;
};

static int take_function(void *user, u32 id, const char *name, u32 type)
{
	struct programs *f = user;
	struct arena *a = f->script->arena;
	char number[12];
	struct point *p;

	(void)type;
	snprintf(number, sizeof(number), "%u", id);
	near_try(&f->near, arena_strdup(a, name));
	if (!glob_match(f->id, number) || !glob_match(f->name, name))
		return 0;
	p = point_add(f->script, f->row, f->probe, f->spec, f->tail);
	p->func = arena_strdup(a, name);
	p->pattern = arena_printf(a, "bpf:%u:%s", id, name);
	p->text = arena_printf(a, "%s:%s", f->row->name, p->pattern);
	p->of_program = true;
	return ++f->found > f->script->limits.points_most;
}

int points_bpf(struct script *s, const struct probe_row *row, struct probe *probe,
	       struct probe_spec *spec, const char *what, struct point ***tail)
{
	const char *colon = strchr(what, ':');
	struct programs f = {.script = s, .row = row, .probe = probe, .spec = spec, .tail = tail};
	int err;

	f.id = colon ? arena_strndup(s->arena, what, (size_t)(colon - what)) : "*";
	f.name = f.near.word = colon ? colon + 1 : what;
	if (!*f.name || !*f.id || strpbrk(f.name, ":+"))
		return diag_error(s->diag, spec->at,
				  arena_printf(s->arena,
					       "it is written %s:bpf:NAME, or %s:bpf:ID:NAME",
					       row->name, row->name),
				  "'%s' is no function of a BPF program", spec->text);
	if (!s->target->ops->programs)
		return diag_error(s->diag, spec->at, "compile on the machine that runs them",
				  "the BPF programs of another machine are not known");
	err = s->target->ops->programs(s->target, take_function, &f);
	if (err < 0)
		return diag_fail(s->diag, err, "run it as root (sudo waggle ...)",
				 "the BPF programs of this machine cannot be listed: %s",
				 strerror(-err));
	if (f.found)
		return 0;
	return diag_error(s->diag, spec->at,
			  f.near.best ? arena_printf(s->arena, "did you mean '%s'?", f.near.best)
				      : "`waggle -l 'fentry:bpf:*'` lists those that can be probed",
			  "no BPF program that runs has a function '%s'", f.name);
}
