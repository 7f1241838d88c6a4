/*
 * lower_layout.c: layouts of records, keys and values: what stands where, and how it is shown.
 *
 * In: types. Out: fields, in their order. Parts of tuples, records and keys take whole words; a
 * struct and an array have the form that C gives them, and their fields say how to read it. A string
 * with as much room as strings can have may have been cut: its field knows what to show behind it.
 */
#include "script/lower.h"

#include "script/ctype.h"

static struct field *field_add(struct lower *l, struct layout *layout)
{
	u32 n = layout->n;

	if (!(n & (n - 1))) /* there is room for as many as the next power of two */
		layout->fields = arena_grow(&l->object->arena, layout->fields,
					    n * sizeof(struct field),
					    MAX(2 * n, 1u) * sizeof(struct field));
	return &layout->fields[layout->n++];
}

static u8 unit_of(struct type t)
{
	return t.is_pointer ? UNIT_HEX : t.is_bool ? UNIT_BOOL : t.names ? UNIT_ENUM : UNIT_NONE;
}

static void add_members(struct lower *, struct layout *, const struct aggregate *, u32 bit_off,
			u32 depth);

/* What a field of that type is; its place and name are the caller's. False: it cannot be shown. */
static bool describe(struct lower *l, struct field *f, struct type t, u32 depth)
{
	f->size = t.size;
	switch (t.kind) {
	case TYPE_STR: f->kind = FIELD_STR; break;
	case TYPE_INT:
		f->kind = t.is_signed ? FIELD_INT : FIELD_UINT;
		f->unit = unit_of(t);
		f->text = t.names ? arena_strdup(&l->object->arena, t.names->text) : NULL;
		break;
	case TYPE_SHOWN:
		f->kind = t.show;
		f->mode = t.mode;
		f->text = t.text;
		break;
	case TYPE_TUPLE:
		f->kind = t.fields->is_record ? FIELD_STRUCT : FIELD_TUPLE;
		f->sub = arena_new(&l->object->arena, struct layout);
		for (u32 i = 0; i < t.fields->n; i++)
			layout_add(l, f->sub, arena_strdup(&l->object->arena, t.fields->members[i].name),
				   t.fields->members[i].type);
		break;
	case TYPE_STRUCT:
		f->kind = FIELD_STRUCT;
		f->sub = arena_new(&l->object->arena, struct layout);
		f->sub->size = t.size;
		if (depth)
			add_members(l, f->sub, t.fields, 0, depth - 1);
		break;
	case TYPE_ARRAY:
		f->kind = FIELD_ARRAY;
		f->count = t.count;
		f->sub = arena_new(&l->object->arena, struct layout);
		f->sub->size = t.of->size;
		return depth && t.count && describe(l, field_add(l, f->sub), *t.of, depth - 1) &&
		       (f->sub->fields[0].name = "element");
	default: return false;
	}
	return t.size > 0;
}

/* A bitfield is read as the bytes that it lies in. */
static void place(struct field *f, const struct member *m, u32 bit_off)
{
	f->off = bit_off / 8;
	if (!m->bits)
		return;
	f->bit = (u8)(bit_off % 8);
	f->bits = (u8)m->bits;
	f->size = (bit_off % 8 + m->bits + 7) / 8;
}

/* Members of anonymous structs and unions are shown as if they were our own. */
static void add_members(struct lower *l, struct layout *layout, const struct aggregate *a,
			u32 bit_off, u32 depth)
{
	ctype_members(l->script, a);
	for (u32 i = 0; a->members && i < a->n && layout->n < LAYOUT_FIELDS_MOST; i++) {
		const struct member *m = &a->members[i];
		struct field f = {0};

		if (!*m->name && m->type.kind == TYPE_STRUCT && depth)
			add_members(l, layout, m->type.fields, bit_off + m->bit_off, depth - 1);
		if (!*m->name || !describe(l, &f, m->type, depth))
			continue;
		f.name = arena_strdup(&l->object->arena, m->name);
		place(&f, m, bit_off + m->bit_off);
		if (f.size <= 8 || !f.bits)
			*field_add(l, layout) = f;
	}
}

void layout_may_cut(struct lower *l, struct field *f)
{
	const char *trailer = l->script->limits.trailer;

	f->text = *trailer ? arena_strdup(&l->object->arena, trailer) : NULL;
}

struct field *layout_add(struct lower *l, struct layout *layout, const char *name, struct type t)
{
	struct field *f = field_add(l, layout);

	describe(l, f, t, LAYOUT_DEPTH - 4);
	f->name = name;
	f->off = layout->size;
	if (t.kind == TYPE_INT)
		f->size = 8;
	if (t.kind == TYPE_STR && t.size == l->script->limits.str_most)
		layout_may_cut(l, f);
	layout->size += type_room(t);
	return f;
}
