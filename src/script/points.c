/*
 * points.c: probe specifications to attach points.
 *
 * In: "tracepoint:syscalls:sys_enter_open*". Out: one struct point for each place that exists.
 * What does not exist is reported with the nearest name. The formats of the records that a pattern
 * finds are read when somebody asks for a field: 360 of them take longer than all else together.
 */
#include "script/tables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct point *point_add(struct script *s, const struct probe_row *row, struct probe *probe,
			struct probe_spec *spec, struct point ***tail)
{
	struct point *p = arena_new(s->arena, struct point);

	p->row = row;
	p->probe = probe;
	p->spec = spec;
	p->text = spec->text;
	p->pattern = "";
	**tail = p;
	*tail = &p->next;
	return p;
}

int points_once(struct script *s, const struct probe_row *row, struct probe *probe,
		struct probe_spec *spec, char **parts, struct point ***tail)
{
	(void)parts;
	point_add(s, row, probe, spec, tail);
	return 0;
}

/* Old names of kinds count as the new ones. */
const char *point_kind(const struct point *p)
{
	switch (p->row->attach) {
	case ATTACH_BEGIN:
	case ATTACH_END: return "special";
	case ATTACH_FENTRY:
	case ATTACH_FEXIT: return attach_infos[p->row->attach].name;
	default: return p->row->name;
	}
}

void point_follow(struct point *p, struct point *leader)
{
	if (p != leader) {
		p->leader = leader;
		leader->led++;
	}
	leader->text_most = MAX(leader->text_most, (u32)strlen(p->text) + 1);
	if (p->func)
		leader->func_most = MAX(leader->func_most, (u32)strlen(p->func) + 1);
}

bool point_has_cookies(const struct script *s, const struct point *p)
{
	return s->target->kernel >= KERNEL(5, 15) && p->row->attach != ATTACH_RAW_TRACEPOINT;
}

bool point_is_led(const struct script *s, const struct point *p)
{
	const struct point *leader = p->leader;

	return leader && !leader->each && !leader->reads && (!leader->named || point_has_cookies(s, p));
}

struct tp_format *point_format(struct script *s, struct point *p)
{
	const char *name;
	char *category;

	if (p->format || p->row->attach != ATTACH_TRACEPOINT)
		return p->format;
	name = strchr(p->pattern, ':') + 1;
	category = arena_strndup(s->arena, p->pattern, (size_t)(name - p->pattern - 1));
	if (target_tracepoint(s->target, category, name, p->spec->at, &p->format, s->diag))
		p->format = arena_new(s->arena, struct tp_format); /* nobody asks again */
	return p->format;
}

static void point_tracepoint(struct script *s, const struct probe_row *row, struct probe *probe,
			     struct probe_spec *spec, const char *category, const char *name,
			     struct point **leader, struct point ***tail)
{
	struct point *p = point_add(s, row, probe, spec, tail);

	p->pattern = arena_join(s->arena, category, ":", name);
	p->text = arena_join(s->arena, row->name, ":", p->pattern);
	if (!*leader)
		*leader = p;
	point_follow(p, *leader);
}

struct wild {
	struct script *script;
	char **parts;
	vec(char *) found; /* category, name, category, ... */
};

static int wild_add(void *user, const char *category, const char *name)
{
	struct wild *w = user;

	if (glob_match(w->parts[0], category) && glob_match(w->parts[1], name)) {
		vec_push(w->script->arena, &w->found, arena_strdup(w->script->arena, category));
		vec_push(w->script->arena, &w->found, arena_strdup(w->script->arena, name));
	}
	return 0;
}

int points_tracepoint(struct script *s, const struct probe_row *row, struct probe *probe,
		      struct probe_spec *spec, char **parts, struct point ***tail)
{
	struct wild w = {.script = s, .parts = parts};
	struct point *leader = NULL;
	int err;

	if (!strpbrk(parts[0], "*?[") && !strpbrk(parts[1], "*?[")) {
		struct tp_format *format;

		err = target_tracepoint(s->target, parts[0], parts[1], spec->at, &format, s->diag);
		if (!err)
			point_tracepoint(s, row, probe, spec, parts[0], parts[1], &leader, tail);
		return err;
	}
	err = s->target->ops->tracepoints(s->target, wild_add, &w);
	if (err)
		return diag_fail(s->diag, err, NULL, "the tracepoints cannot be listed: %s",
				 strerror(-err));
	if (!w.found.n)
		return diag_error(s->diag, spec->at,
				  "ls /sys/kernel/tracing/events/* shows what there is",
				  "no tracepoint matches '%s'", spec->text);
	for (u32 i = 0; i < w.found.n; i += 2)
		point_tracepoint(s, row, probe, spec, w.found.v[i], w.found.v[i + 1], &leader, tail);
	return 0;
}

static const struct probe_row *row_find(const char *name)
{
	for (const struct probe_row *r = probe_rows; r->name; r++)
		if (str_same(r->name, name) || str_same(r->alias, name))
			return r;
	return NULL;
}

/* By the text up to its first colon. */
static const struct probe_row *row_of(const char *text)
{
	char name[32];
	size_t n = strcspn(text, ":");

	if (n >= sizeof(name))
		return NULL;
	memcpy(name, text, n);
	name[n] = 0;
	return row_find(name);
}

static int unknown_probe(struct script *s, struct probe_spec *spec, const char *name)
{
	struct near near = {.word = name};
	const char *hint;

	for (const struct probe_row *r = probe_rows; r->name; r++)
		near_try(&near, r->name);
	hint = near.best ? arena_printf(s->arena, "did you mean '%s'?", near.best)
			 : "`waggle help probes` lists the kinds";
	if (word_comes_later(name))
		return diag_error(s->diag, spec->at, "`waggle help probes` lists the kinds",
				  "probes of kind '%s' are not there yet", name);
	return diag_error(s->diag, spec->at, hint, "'%s' is no kind of probe", name);
}

static int points_of(struct script *s, struct probe *probe, struct probe_spec *spec,
		     struct point ***tail)
{
	char *parts[4], *text = arena_strdup(s->arena, spec->text), *next = text;
	const struct probe_row *row;
	u32 n = 0;

	row = row_of(text);
	if (row && row->parts == PARTS_ANY) {
		next = strchr(text, ':');
		parts[1] = next ? next + 1 : arena_strdup(s->arena, "");
		return row->points(s, row, probe, spec, parts + 1, tail);
	}
	while (next && n < ARRAY_SIZE(parts)) {
		parts[n++] = next;
		next = strchr(next, ':');
		if (next)
			*next++ = 0;
	}
	row = row_find(parts[0]);
	if (!row)
		return unknown_probe(s, spec, parts[0]);
	if ((row->attach == ATTACH_INTERVAL || row->attach == ATTACH_PROFILE) &&
	    n == 2) { /* interval:1s, interval:500ms */
		parts[2] = parts[1];
		parts[1] = NULL;
		n = 3;
	}
	if (n != row->parts + 1u || next)
		return diag_error(s->diag, spec->at,
				  arena_printf(s->arena, "it is written %s", row->usage),
				  "'%s' is not a probe of kind %s", spec->text, row->name);
	return row->points(s, row, probe, spec, parts + 1, tail);
}

#define MISSING_MOST 256

static void hear_missing(void *user, const struct waggle_diag *d)
{
	char *text = user;

	if (d->level == WAGGLE_ERROR)
		snprintf(text, MISSING_MOST, "%s", d->text);
}

/* As points_of(), but why there is none is kept, not told. */
static void try_points(struct script *s, struct probe *p, struct probe_spec *spec,
		       struct point ***tail)
{
	char text[MISSING_MOST] = "";
	struct diag heard = {.fn = hear_missing, .user = text}, *outer = s->diag;

	s->diag = &heard;
	s->trying = true;
	if (points_of(s, p, spec, tail))
		spec->missing = arena_strdup(s->arena, text);
	s->trying = false;
	s->diag = outer;
}

bool point_exists(struct script *s, const char *text, struct loc at)
{
	struct probe_spec spec = {.text = script_with_params(s, text, at), .at = at};
	struct probe probe = {.specs = &spec, .at = at};
	struct point *first = NULL, **tail = &first;

	try_points(s, &probe, &spec, &tail);
	return !spec.missing && first;
}

/* A kernel or a library has other functions in the next version, and scripts name all of them in
 * one list: kprobe:blk_account_io_start,kprobe:__blk_account_io_start. */
static bool is_of_versions(const struct probe *p)
{
	static const char *const kinds[] = {
		"kprobe:", "k:",  "kretprobe:", "kr:",     "fentry:", "f:",         "kfunc:",
		"fexit:",  "fr:", "kretfunc:",  "uprobe:", "u:",      "uretprobe:", "ur:"};
	bool all = p->specs->next != NULL;

	for (const struct probe_spec *spec = p->specs; spec && all; spec = spec->next) {
		all = false;
		for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
			all |= !strncmp(spec->text, kinds[i], strlen(kinds[i]));
	}
	return all;
}

/* The points of one probe. What is not there is left out where config = { missing_probes } says so;
 * and of functions in a list, one that is there is enough. */
static int points_of_probe(struct script *s, struct probe *p, struct point ***tail)
{
	struct point **before = *tail;
	int err = 0, bad;

	if (s->missing || is_of_versions(p)) {
		for (struct probe_spec *spec = p->specs; spec; spec = spec->next)
			try_points(s, p, spec, tail);
		for (struct probe_spec *spec = p->specs; spec && s->missing != 2; spec = spec->next)
			if (spec->missing && (s->missing || *tail != before))
				diag_warn(s->diag, spec->at, NULL, "%s; it is left out",
					  spec->missing);
		if (s->missing || *tail != before)
			return 0;
	}
	for (struct probe_spec *spec = p->specs; spec; spec = spec->next) {
		bad = points_of(s, p, spec, tail);
		err = err ? err : bad;
	}
	return err;
}

int script_points(struct script *s, struct point **first)
{
	struct point **tail = first;
	u32 n = 0;
	int err = 0, bad;

	*first = NULL;
	for (struct probe *p = s->probes; p; p = p->next) {
		bad = points_of_probe(s, p, &tail);
		err = err ? err : bad;
	}
	if (!*first && !err)
		return diag_error(
			s->diag, s->probes ? s->probes->at : (struct loc){.line = 1, .col = 1},
			s->trials_left_out ? "--test runs tests, --bench benchmarks" : NULL,
			"none of the script's probes is there");
	err = err ? err : points_filter(s, first);
	for (struct point *p = *first; p && !err; p = p->next)
		if (++n > s->limits.points_most)
			return diag_error(
				s->diag, p->spec->at,
				"make its pattern narrower, or config = { max_probes = 100000 }",
				p->probe->specs->next ? "%s and the others are in more than %u places"
						      : "'%s' is in more than %u places",
				p->spec->text, s->limits.points_most);
	return err;
}
