/*
 * points_iter.c: iterators over things of the kernel: tasks, files, memory areas, maps, sockets.
 *
 * In: "iter:task", "iter:task_file:name" (with a pin). Out: a point for each iterator that the
 * kernel's types have: NAME is one when there are a function bpf_iter_NAME and its context, a
 * struct bpf_iter__NAME.
 */
#include "script/tables.h"
#include "script/ctype.h"

#include <errno.h>

#define PREFIX "bpf_iter__"

static bool is_iterator(struct arena *a, struct btf *btf, const char *name)
{
	return btf_find(btf, arena_printf(a, "bpf_iter_%s", name), BTF_FUNC) &&
	       btf_find(btf, arena_printf(a, PREFIX "%s", name), BTF_STRUCT);
}

/* BTF is looked up by name; so that names can be listed, its strings are gone through once. */
int iterators_each(struct target *t, struct arena *a, int (*fn)(void *, const char *), void *user)
{
	struct { /* struct btf_header */
		u16 magic;
		u8 version, flags;
		u32 head, types, types_size, strings, strings_size;
	} h;
	struct diag silent = {0};
	struct buf raw = {0};
	struct btf *btf;
	const char *p, *end;
	int err = t->ops->btf(t, &btf, &silent), stop = 0;

	if (err)
		return err;
	err = btf_copy(btf, &raw);
	if (err || raw.n < sizeof(h)) {
		buf_free(&raw);
		return err ? err : -EINVAL;
	}
	memcpy(&h, raw.p, sizeof(h));
	end = raw.p + raw.n;
	p = (u64)h.head + h.strings < raw.n ? raw.p + h.head + h.strings : end;
	while (!stop && p < end && memchr(p, 0, (size_t)(end - p))) {
		const char *name = p + strlen(PREFIX);

		if (!strncmp(p, PREFIX, strlen(PREFIX)) && is_iterator(a, btf, name))
			stop = fn(user, arena_strdup(a, name));
		p += strlen(p) + 1;
	}
	buf_free(&raw);
	return stop;
}

struct matches {
	struct script *script;
	const char *pattern;
	struct near near;
	vec(const char *) found;
};

static int take_iterator(void *user, const char *name)
{
	struct matches *m = user;

	near_try(&m->near, name);
	if (glob_match(m->pattern, name))
		vec_push(m->script->arena, &m->found, name);
	return 0;
}

/* "name" is relative to where BPF objects are pinned. */
static const char *pin_path(struct script *s, const char *pin)
{
	return *pin == '/' ? pin : arena_printf(s->arena, "/sys/fs/bpf/%s", pin);
}

static void add_iterator(struct script *s, const struct probe_row *row, struct probe *probe,
			 struct probe_spec *spec, const char *name, const char *pin,
			 struct point ***tail)
{
	struct point *p = point_add(s, row, probe, spec, tail);

	p->func = name;
	p->pattern = pin ? arena_printf(s->arena, "%s:%s", name, pin_path(s, pin)) : name;
	p->pinned = pin != NULL;
	p->text = arena_printf(s->arena, "%s:%s", row->name, p->pattern);
}

int points_iter(struct script *s, const struct probe_row *row, struct probe *probe,
		struct probe_spec *spec, char **parts, struct point ***tail)
{
	char *name = parts[0], *pin = strchr(name, ':');
	struct matches m = {.script = s, .pattern = name, .near.word = name};
	struct btf *btf;

	if (pin)
		*pin++ = 0;
	if (!*name || (pin && !*pin))
		return diag_error(s->diag, spec->at, "it is written iter:task or iter:task:PIN",
				  "'%s' is not a probe of kind %s", spec->text, row->name);
	if (s->target->ops->btf(s->target, &btf, s->diag))
		return -ENOENT;
	if (!has_wildcard(name) && is_iterator(s->arena, btf, name)) {
		add_iterator(s, row, probe, spec, name, pin, tail);
		return 0;
	}
	if (iterators_each(s->target, s->arena, take_iterator, &m) < 0)
		m.found.n = 0;
	vec_each (found, &m.found)
		add_iterator(s, row, probe, spec, *found, pin, tail);
	if (m.found.n)
		return 0;
	return diag_error(s->diag, spec->at,
			  m.near.best ? arena_printf(s->arena, "did you mean '%s'?", m.near.best)
				      : "`waggle -l 'iter:*'` lists them",
			  "this kernel has no iterator '%s'", name);
}

struct type iterator_ctx(struct script *s, const struct point *p)
{
	return ctype_kernel_pointer(s, arena_printf(s->arena, PREFIX "%s", p->func));
}

/* Where in its context an iterator has what it is at: the last pointer, which is null when
 * nothing follows. The members are pointers, each in a union that makes it 8 bytes wide. */
u32 iterator_current(struct script *s, const struct point *p)
{
	struct type ctx = iterator_ctx(s, p);
	const struct aggregate *a = ctx.of ? ctype_members(s, ctx.of->fields) : NULL;
	u32 off = 0;

	for (u32 i = 0; a && a->members && i < a->n; i++) {
		const struct member *m = &a->members[i];
		struct type t = m->type;

		if (t.kind == TYPE_STRUCT) {
			const struct aggregate *in = ctype_members(s, t.fields);

			t = in->members && in->n ? in->members[0].type : t;
		}
		if (t.is_pointer)
			off = m->bit_off / 8;
	}
	return off;
}
