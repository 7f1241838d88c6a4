/*
 * core_match.c: which types of the machine fit to a type of ours; see core.h.
 *
 * Three questions: does a path exist there (fields), are two types compatible (is there one, how
 * large is it), do they match member by member (the strictest)?
 */
#include "object/core.h"

#define LEVELS 32 /* of types in types */

/* ---- names */

u32 core_name_len(const char *s)
{
	size_t n = strlen(s);

	/* a flavour is behind three underscores, with something before and behind them */
	for (size_t i = n; i-- > 5;)
		if (s[i - 4] != '_' && s[i - 3] == '_' && s[i - 2] == '_' && s[i - 1] == '_' &&
		    s[i] != '_')
			return (u32)(i - 3);
	return (u32)n;
}

bool core_same_name(const char *local, const char *target)
{
	u32 n = core_name_len(local);

	return n == core_name_len(target) && !memcmp(local, target, n);
}

static bool names_match(const char *local, const char *target)
{
	return *target ? core_same_name(local, target) : !*local;
}

static bool is_enum(const struct btf_type *t)
{
	return t->kind == BTF_ENUM || t->kind == BTF_ENUM64;
}

static bool is_composite(const struct btf_type *t)
{
	return t->kind == BTF_STRUCT || t->kind == BTF_UNION;
}

static bool same_kind(const struct btf_type *a, const struct btf_type *b)
{
	return a->kind == b->kind || (is_enum(a) && is_enum(b));
}

static const struct btf_type *bare(struct btf *btf, u32 id)
{
	u32 to = btf_skip(btf, id);

	return to || !id ? btf_type(btf, to) : NULL;
}

/* ---- members */

static bool fields_fit(struct btf *local, u32 a, struct btf *target, u32 b)
{
	for (u32 i = 0; i < LEVELS; i++) {
		const struct btf_type *x = bare(local, a), *y = bare(target, b);

		if (!x || !y)
			return false;
		if (is_composite(x) && is_composite(y))
			return true;
		if (!same_kind(x, y))
			return false;
		switch (x->kind) {
		case BTF_PTR:
		case BTF_INT:
		case BTF_FLOAT: return true;
		case BTF_FWD:
		case BTF_ENUM:
		case BTF_ENUM64: return !*x->name || !*y->name || core_same_name(x->name, y->name);
		case BTF_ARRAY: break;
		default: return false;
		}
		a = x->type;
		b = y->type;
	}
	return false;
}

bool core_flexible(const struct core_spec *s, const struct btf_type *array)
{
	const struct core_step *last = s->n ? &s->steps[s->n - 1] : NULL;
	const struct btf_type *t;

	if (!last || !last->name || array->n > 1)
		return false;
	t = btf_type(s->btf, last->type);
	return t && t->kind == BTF_STRUCT && last->index == t->n - 1;
}

static bool push(struct core_spec *s, u32 type, u32 index, const char *name)
{
	if (s->n == CORE_DEPTH)
		return false;
	s->steps[s->n++] = (struct core_step){type, index, name};
	return true;
}

/* Looks for the member of ours in a struct there, also inside of members without a name. */
static bool match_member(struct btf *local, const struct core_step *ours, struct core_spec *s,
			 u32 id, u32 level, u32 *next)
{
	const struct btf_type *t = bare(s->btf, id), *l = btf_type(local, ours->type);

	if (!t || !is_composite(t) || !l || !level)
		return false;
	for (u32 i = 0; i < t->n; i++) {
		const struct btf_member *m = &t->members[i];
		u64 at = s->bit_off;

		s->bit_off += m->bit_off;
		if (!*m->name) {
			if (match_member(local, ours, s, m->type, level - 1, next))
				return true;
		} else if (!strcmp(m->name, ours->name)) {
			*next = m->type;
			return fields_fit(local, l->members[ours->index].type, s->btf, m->type) &&
			       push(s, t->id, i, m->name);
		}
		s->bit_off = at;
	}
	return false;
}

static bool match_element(const struct core_step *ours, bool first, struct core_spec *s, u32 *id)
{
	const struct btf_type *t = bare(s->btf, *id);
	u64 size;

	if (!first) {
		if (!t || t->kind != BTF_ARRAY || (ours->index >= t->n && !core_flexible(s, t)))
			return false;
		*id = t->type;
	}
	*id = btf_skip(s->btf, *id);
	if (!push(s, *id, ours->index, NULL) || !btf_sizeof(s->btf, *id, &size))
		return false;
	s->bit_off += ours->index * size * 8;
	return true;
}

static bool match_field(const struct core_spec *ours, u32 target, struct core_spec *s)
{
	u32 id = target;

	for (u32 i = 0; i < ours->n; i++) {
		const struct core_step *step = &ours->steps[i];

		if (step->name ? !match_member(ours->btf, step, s, id, LEVELS, &id)
			       : !match_element(step, !i, s, &id))
			return false;
	}
	return true;
}

static bool match_value(const struct core_spec *ours, u32 target, struct core_spec *s)
{
	const struct btf_type *t = bare(s->btf, target);

	for (u32 i = 0; t && is_enum(t) && i < t->n; i++)
		if (core_same_name(ours->steps[0].name, t->values[i].name))
			return push(s, t->id, i, t->values[i].name);
	return false;
}

/* ---- types */

static bool types_fit(struct btf *local, u32 a, struct btf *target, u32 b, u32 level)
{
	while (level--) {
		const struct btf_type *x = bare(local, a), *y = bare(target, b);

		if (!x || !y || !same_kind(x, y))
			return false;
		switch (x->kind) {
		case BTF_VOID:
		case BTF_STRUCT:
		case BTF_UNION:
		case BTF_ENUM:
		case BTF_ENUM64:
		case BTF_FWD:
		case BTF_INT: return true;
		case BTF_PTR:
		case BTF_ARRAY: break;
		case BTF_FUNC_PROTO:
			if (x->n != y->n)
				return false;
			for (u32 i = 0; i < x->n; i++)
				if (!types_fit(local, x->members[i].type, target,
					       y->members[i].type, level))
					return false;
			break;
		default: return false;
		}
		a = x->type;
		b = y->type;
	}
	return false;
}

/* Kinds of the roots themselves must fit, too: a typedef is found by a typedef only. */
static bool compatible(const struct core_spec *ours, struct btf *target, u32 id)
{
	const struct btf_type *x = btf_type(ours->btf, ours->root), *y = btf_type(target, id);

	return x && y && same_kind(x, y) && types_fit(ours->btf, ours->root, target, id, LEVELS);
}

static bool values_match(const struct btf_type *x, const struct btf_type *y)
{
	if (!is_enum(y) || x->size != y->size || x->n > y->n)
		return false;
	for (u32 i = 0; i < x->n; i++) {
		u32 j = 0;

		while (j < y->n && !names_match(x->values[i].name, y->values[j].name))
			j++;
		if (j == y->n)
			return false;
	}
	return true;
}

struct pair {
	struct btf *local, *target;
	u64 *budget; /* comparisons: two types that are made for it could take forever */
};
static bool types_match(const struct pair *, u32 a, u32 b, bool behind, u32 level);

static bool members_match(const struct pair *p, const struct btf_type *x, const struct btf_type *y,
			  bool behind, u32 level)
{
	if (x->n > y->n)
		return false;
	for (u32 i = 0; i < x->n; i++) {
		u32 j = 0;

		while (j < y->n &&
		       !(names_match(x->members[i].name, y->members[j].name) &&
			 types_match(p, x->members[i].type, y->members[j].type, behind, level)))
			j++;
		if (j == y->n)
			return false;
	}
	return true;
}

static bool params_match(const struct pair *p, const struct btf_type *x, const struct btf_type *y,
			 bool behind, u32 level)
{
	if (x->n != y->n)
		return false;
	for (u32 i = 0; i < x->n; i++)
		if (!types_match(p, x->members[i].type, y->members[i].type, behind, level))
			return false;
	return true;
}

/* A struct behind a pointer needs no more than its name, and may be declared only. */
static bool struct_match(const struct pair *p, const struct btf_type *x, const struct btf_type *y,
			 bool behind, u32 level)
{
	bool is_union = x->kind == BTF_UNION || (x->kind == BTF_FWD && x->is_union);

	if (x->kind == BTF_FWD && y->kind == BTF_FWD)
		return is_union == y->is_union;
	if (!behind)
		return x->kind == y->kind && x->kind != BTF_FWD &&
		       members_match(p, x, y, behind, level);
	return y->kind == BTF_FWD ? y->is_union == is_union
				  : y->kind == (is_union ? BTF_UNION : BTF_STRUCT);
}

static bool types_match(const struct pair *p, u32 a, u32 b, bool behind, u32 level)
{
	for (u32 depth = 0; level && depth < LEVELS; depth++) {
		const struct btf_type *x = bare(p->local, a), *y = bare(p->target, b);

		if (!x || !y || !*p->budget || !names_match(x->name, y->name))
			return false;
		--*p->budget;
		if (x->kind == BTF_FWD || is_composite(x))
			return struct_match(p, x, y, behind, level - 1);
		if (is_enum(x))
			return values_match(x, y);
		if (x->kind != y->kind)
			return false;
		switch (x->kind) {
		case BTF_VOID: return true;
		case BTF_INT: return x->size == y->size && x->is_signed == y->is_signed;
		case BTF_PTR: behind = true; break;
		case BTF_ARRAY:
			if (x->n != y->n)
				return false;
			break;
		case BTF_FUNC_PROTO:
			if (!params_match(p, x, y, behind, level - 1))
				return false;
			break;
		default: return false;
		}
		a = x->type;
		b = y->type;
	}
	return false;
}

bool core_match(const struct core_spec *ours, u32 kind, struct btf *target, u32 id,
		struct core_spec *out)
{
	u64 budget = 1 << 20;
	struct pair p = {ours->btf, target, &budget};

	*out = (struct core_spec){.btf = target, .root = id};
	if (core_is_field(kind))
		return match_field(ours, id, out);
	if (core_is_enum(kind))
		return match_value(ours, id, out);
	if (kind == CORE_TYPE_MATCHES)
		return types_match(&p, ours->root, id, false, LEVELS);
	return compatible(ours, target, id);
}
