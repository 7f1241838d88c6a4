/* type.c: conversions between types, and their names; see type.h. */
#include "types/type.h"

#include <stdio.h>

struct type type_str(u32 size)
{
	return (struct type){.kind = TYPE_STR, .size = size};
}

static bool is_u64(struct type t)
{
	return !t.is_signed && t.size == 8;
}

struct type type_arith(struct type a, struct type b)
{
	if (a.is_literal && b.is_literal)
		return (struct type){.kind = TYPE_INT, .is_signed = a.is_signed && b.is_signed,
				     .is_literal = 1, .size = 8};
	return is_u64(a) || is_u64(b) ? TYPE_U64 : TYPE_S64;
}

bool type_same(struct type a, struct type b)
{
	if (a.kind != b.kind || a.size != b.size || a.is_signed != b.is_signed || a.agg != b.agg)
		return false;
	if (a.kind == TYPE_SHOWN && a.show != b.show)
		return false;
	if (a.kind != TYPE_TUPLE)
		return a.of == b.of;
	for (u32 i = 0; i < a.fields->n; i++)
		if (a.fields->n != b.fields->n ||
		    !type_same(a.fields->members[i].type, b.fields->members[i].type))
			return false;
	return true;
}

struct type type_tuple(struct arena *arena, u32 n, struct aggregate **parts)
{
	struct aggregate *a = arena_new(arena, struct aggregate);

	a->name = "tuple";
	a->n = n;
	a->members = arena_array(arena, struct member, n);
	for (u32 i = 0; i < n; i++)
		a->members[i].name = arena_printf(arena, "%u", i);
	*parts = a;
	return (struct type){.kind = TYPE_TUPLE, .fields = a};
}

void type_tuple_part(struct type *t, struct aggregate *a, u32 i, struct type part)
{
	a->members[i].type = part;
	a->members[i].bit_off = a->size * 8;
	a->size += ALIGN_UP(part.size, 8);
	t->size = a->size;
}

/* One whose parts have room for those of both. */
static struct type join_tuples(struct arena *arena, struct type a, struct type b)
{
	struct type both;
	struct aggregate *parts;

	if (a.fields->n != b.fields->n || type_same(a, b))
		return a.fields->n == b.fields->n ? a : (struct type){0};
	both = type_tuple(arena, a.fields->n, &parts);
	for (u32 i = 0; i < a.fields->n; i++) {
		struct type part =
			type_join(arena, a.fields->members[i].type, b.fields->members[i].type);

		if (part.kind == TYPE_UNKNOWN)
			return part;
		type_tuple_part(&both, parts, i, part);
	}
	return both;
}

struct type type_join(struct arena *arena, struct type a, struct type b)
{
	struct type t = a;

	if (a.kind == TYPE_UNKNOWN)
		return b;
	if (b.kind == TYPE_UNKNOWN)
		return a;
	if (a.kind != b.kind || (a.kind == TYPE_AGG && a.agg != b.agg) ||
	    (a.kind == TYPE_SHOWN && a.show != b.show))
		return (struct type){0};
	if (a.kind == TYPE_TUPLE)
		return join_tuples(arena, a, b);
	t.size = MAX(a.size, b.size);
	if (a.kind == TYPE_INT) {
		/* 1 is as unsigned as what it stands beside, -1 never is */
		if (a.is_literal != b.is_literal)
			t.is_signed = a.is_literal ? b.is_signed : a.is_signed;
		else
			t.is_signed = a.is_signed || (b.is_signed && b.size >= a.size);
		t.is_literal = a.is_literal && b.is_literal;
		/* 0 beside a pointer is the null pointer */
		if (a.is_pointer != b.is_pointer && (a.is_pointer ? b.is_literal : a.is_literal))
			return a.is_pointer ? a : b;
		t.is_pointer = a.is_pointer && b.is_pointer;
		t.space = a.space == b.space ? a.space : SPACE_ANY;
		t.of = a.of ? a.of : b.of;
	}
	if (a.kind == TYPE_AGG)
		t.is_signed = a.is_signed || b.is_signed;
	return t;
}

const char *type_name(struct type t, char *out, size_t size)
{
	static const char *const aggs[] = {"none", "count", "sum", "min", "max", "avg", "stats",
					   "hist", "lhist", "quantile", "tseries"};

	/* as in object/fields.def */
	static const char *const shown[] = {
		"uint", "int", "string", "bytes", "tuple", "buffer", "ksym", "usym",
		"kstack", "ustack", "time", "inet", "mac", "errno", "user", "cgroup"};

	switch (t.kind) {
	case TYPE_SHOWN:
		snprintf(out, size, "%s", t.show < ARRAY_SIZE(shown) ? shown[t.show] : "?");
		break;
	case TYPE_INT:
		snprintf(out, size, "%sint%u%s", t.is_signed ? "" : "u", t.size * 8,
			 t.is_pointer ? " pointer" : "");
		break;
	case TYPE_STR: snprintf(out, size, "string[%u]", t.size); break;
	case TYPE_AGG: snprintf(out, size, "%s", t.agg < ARRAY_SIZE(aggs) ? aggs[t.agg] : "?"); break;
	case TYPE_ARRAY: snprintf(out, size, "array[%u]", t.count); break;
	case TYPE_STRUCT:
		snprintf(out, size, "%s %s", t.fields->is_union ? "union" : "struct", t.fields->name);
		break;
	case TYPE_TUPLE: snprintf(out, size, "tuple of %u", t.fields->n); break;
	case TYPE_NONE: snprintf(out, size, "none"); break;
	default: snprintf(out, size, "unknown");
	}
	return out;
}

const char *type_phrase(struct type t, char *out, size_t size)
{
	const char *name = TYPE_NAME(t);

	snprintf(out, size, "%s %s", strchr("aeio", *name) ? "an" : "a", name);
	return out;
}
