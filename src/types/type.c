/* type.c: conversions between types, and their names; see type.h. */
#include "types/type.h"

#include <stdio.h>

#define TYPE_DEPTH 16 /* levels of types in types that are compared */

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
		return (struct type){.kind = TYPE_INT,
				     .is_signed = a.is_signed && b.is_signed,
				     .is_literal = 1,
				     .size = 8};
	return is_u64(a) || is_u64(b) ? TYPE_U64 : TYPE_S64;
}

static bool same_deep(struct type, struct type, u32 depth);

static bool same_of(const struct type *a, const struct type *b, u32 depth)
{
	return a == b || (a && b && (!depth || same_deep(*a, *b, depth - 1)));
}

static bool same_fields(const struct aggregate *a, const struct aggregate *b, u32 depth)
{
	if (a == b)
		return true;
	if (a->n != b->n || a->is_record != b->is_record)
		return false;
	for (u32 i = 0; i < a->n; i++)
		if (strcmp(a->members[i].name, b->members[i].name) != 0 ||
		    !same_deep(a->members[i].type, b->members[i].type, depth - 1))
			return false;
	return true;
}

static bool same_deep(struct type a, struct type b, u32 depth)
{
	if (!depth)
		return true;
	if (a.kind != b.kind || a.size != b.size || a.is_signed != b.is_signed || a.agg != b.agg ||
	    a.is_bool != b.is_bool || a.names != b.names || a.is_pointer != b.is_pointer)
		return false;
	switch (a.kind) {
	case TYPE_SHOWN: return a.show == b.show && a.mode == b.mode;
	case TYPE_TUPLE: return same_fields(a.fields, b.fields, depth);
	case TYPE_STRUCT: return a.fields == b.fields;
	default: return same_of(a.of, b.of, depth);
	}
}

bool type_same(struct type a, struct type b)
{
	return same_deep(a, b, TYPE_DEPTH);
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
	a->size += type_room(part);
	t->size = a->size;
}

static const struct member *named(const struct aggregate *a, const char *name)
{
	for (u32 i = 0; i < a->n; i++)
		if (!strcmp(a->members[i].name, name))
			return &a->members[i];
	return NULL;
}

bool type_has_ids(struct type t)
{
	for (u32 i = 0; t.kind == TYPE_TUPLE && i < t.fields->n; i++)
		if (type_has_ids(t.fields->members[i].type))
			return true;
	return t.kind == TYPE_SHOWN && t.mode & TYPE_BY_ID;
}

/* One whose parts have room for those of both. Records have the order of the first. */
static struct type join_tuples(struct arena *arena, struct type a, struct type b)
{
	struct type both;
	struct aggregate *parts;

	if (a.fields->n != b.fields->n || a.fields->is_record != b.fields->is_record)
		return (struct type){0};
	if (type_same(a, b))
		return a;
	both = type_tuple(arena, a.fields->n, &parts);
	parts->is_record = a.fields->is_record;
	for (u32 i = 0; i < a.fields->n; i++) {
		const struct member *m = &a.fields->members[i], *other = named(b.fields, m->name);
		struct type part =
			other ? type_join(arena, m->type, other->type) : (struct type){0};

		if (part.kind == TYPE_UNKNOWN)
			return part;
		parts->members[i].name = m->name;
		type_tuple_part(&both, parts, i, part);
	}
	return both;
}

static bool join_sign(struct type literal, struct type other)
{
	return other.is_signed || (other.size < literal.size && literal.is_signed);
}

static struct type join_ints(struct type a, struct type b)
{
	struct type t = a;

	t.size = MAX(a.size, b.size);
	/* 1 is as unsigned as what it stands beside; where there is room for both, -1 stays -1 */
	if (a.is_literal != b.is_literal)
		t.is_signed = a.is_literal ? join_sign(a, b) : join_sign(b, a);
	else /* nothing is wider than 8 bytes: there the first one says */
		t.is_signed = a.is_signed || (b.is_signed && b.size >= a.size && a.size < 8);
	t.is_literal = a.is_literal && b.is_literal;
	/* 0 beside a pointer is the null pointer */
	if (a.is_pointer != b.is_pointer && (a.is_pointer ? b.is_literal : a.is_literal))
		return a.is_pointer ? a : b;
	t.is_pointer = a.is_pointer && b.is_pointer;
	t.is_bool = a.is_bool && b.is_bool;
	t.names = a.names == b.names ? a.names : NULL;
	t.space = a.space == b.space ? a.space : SPACE_ANY;
	t.of = a.of ? a.of : b.of;
	return t;
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
	switch (a.kind) {
	case TYPE_TUPLE: return join_tuples(arena, a, b);
	case TYPE_INT: return join_ints(a, b);
	case TYPE_STRUCT:
	case TYPE_ARRAY: /* what stands in memory has one form */
		if (!type_same(a, b))
			return (struct type){0};
		t.space = a.space == b.space ? a.space : SPACE_ANY;
		return t;
	default: break;
	}
	if (type_has_ids(a) != type_has_ids(b)) /* frames lead to an id */
		return type_has_ids(a) ? a : b;
	t.size = MAX(a.size, b.size);
	if (a.kind == TYPE_AGG)
		t.is_signed = a.is_signed || b.is_signed;
	return t;
}

static void int_name(struct type t, char *out, size_t size)
{
	if (t.is_pointer && t.of)
		snprintf(out, size, "%s *", TYPE_NAME(*t.of));
	else if (t.is_bool)
		snprintf(out, size, "bool");
	else if (t.names && *t.names->name)
		snprintf(out, size, "enum %s", t.names->name);
	else
		snprintf(out, size, "%sint%u%s", t.is_signed ? "" : "u", t.size * 8,
			 t.is_pointer ? " pointer" : "");
}

/* int32[2][3]: the element of the outermost dimension is an int32[3]. */
static void array_name(struct type t, char *out, size_t size)
{
	const struct type *of = &t;
	char lengths[64] = "";
	size_t n = 0;

	for (; of->kind == TYPE_ARRAY && n < sizeof(lengths) - 16; of = of->of)
		n += (size_t)snprintf(lengths + n, sizeof(lengths) - n, "[%u]", of->count);
	snprintf(out, size, "%s%s", TYPE_NAME(*of), lengths);
}

/* (int64,string[8]), and (a = int64, ...) of a record. */
static void tuple_name(struct type t, char *out, size_t size)
{
	const struct aggregate *a = t.fields;
	size_t n = (size_t)snprintf(out, size, "(");

	for (u32 i = 0; i < a->n && n < size; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%s%s%s", i ? "," : "",
				      a->is_record ? a->members[i].name : "",
				      a->is_record ? " = " : "", TYPE_NAME(a->members[i].type));
	if (n < size)
		snprintf(out + n, size - n, a->n == 1 && !a->is_record ? ",)" : ")");
}

const char *type_name(struct type t, char *out, size_t size)
{
	static const char *const aggs[] = {"none",  "count", "sum",   "min",      "max",    "avg",
					   "stats", "hist",  "lhist", "quantile", "tseries"};

	/* as in object/fields.def */
	static const char *const shown[] = {
		"uint",   "int",    "string", "bytes", "tuple", "buffer", "ksym",   "usym",  "kstack",
		"ustack", "time",   "inet",   "mac",   "errno", "struct", "array",  "user",  "cgroup",
		"decimal", "disk", "file", "exit"};

	switch (t.kind) {
	case TYPE_SHOWN:
		snprintf(out, size, "%s", t.show < ARRAY_SIZE(shown) ? shown[t.show] : "?");
		break;
	case TYPE_INT: int_name(t, out, size); break;
	case TYPE_STR: snprintf(out, size, "string[%u]", t.size); break;
	case TYPE_AGG:
		snprintf(out, size, "%s", t.agg < ARRAY_SIZE(aggs) ? aggs[t.agg] : "?");
		break;
	case TYPE_ARRAY: array_name(t, out, size); break;
	case TYPE_STRUCT:
		snprintf(out, size, "%s %s", t.fields->is_union ? "union" : "struct",
			 t.fields->name);
		break;
	case TYPE_TUPLE: tuple_name(t, out, size); break;
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
