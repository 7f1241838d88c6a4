/*
 * schema.c: what records, keys and values consist of, for callers of the library; see waggle.h.
 *
 * struct waggle_schema and struct waggle_layout are the object's own, under another name.
 */
#include "object/object.h"

#include <errno.h>

#define SAME(PUBLIC, OURS) \
	_Static_assert((int)WAGGLE_##PUBLIC == (int)FIELD_##OURS, "kinds of fields are public")
SAME(UINT, UINT);
SAME(INT, INT);
SAME(STRING, STR);
SAME(BYTES, BYTES);
SAME(TUPLE, TUPLE);
SAME(BUFFER, BUF);
SAME(KSYM, KSYM);
SAME(USYM, USYM);
SAME(KSTACK, KSTACK);
SAME(USTACK, USTACK);
SAME(TIME, TIME);
SAME(INET, INET);
SAME(MAC, MAC);
SAME(ERRNO, ERRNO);
SAME(STRUCT, STRUCT);
SAME(ARRAY, ARRAY);
SAME(UID, USER);
SAME(CGROUP, CGROUP);
SAME(DECIMAL, DECIMAL);
SAME(DISK, DISK);
SAME(FILE, FILE);
SAME(EXIT, EXIT);
_Static_assert((int)WAGGLE_EXIT + 1 == (int)FIELD_KINDS, "a new kind of field is public too");

static const struct schema *schema_of(const struct waggle_schema *s)
{
	return (const struct schema *)s;
}

const char *waggle_schema_name(const struct waggle_schema *s)
{
	return schema_of(s)->name;
}

const char *waggle_schema_format(const struct waggle_schema *s)
{
	return schema_of(s)->action.kind == ACTION_PRINTF ? schema_of(s)->action.text : NULL;
}

const struct waggle_layout *waggle_schema_layout(const struct waggle_schema *s)
{
	return (const struct waggle_layout *)&schema_of(s)->layout;
}

unsigned waggle_layout_count(const struct waggle_layout *layout)
{
	return ((const struct layout *)layout)->n;
}

int waggle_layout_field(const struct waggle_layout *layout, unsigned i, struct waggle_field *out)
{
	const struct layout *l = (const struct layout *)layout;
	struct waggle_field field = {.sz = out->sz};
	const struct field *f;

	if (out->sz < offsetof(struct waggle_field, tuple))
		return -EINVAL;
	if (i >= l->n)
		return -ENOENT;
	f = &l->fields[i];
	field.name = f->name;
	field.kind = (enum waggle_kind)f->kind;
	field.off = f->off;
	field.size = f->size;
	field.tuple = (const struct waggle_layout *)f->sub;
	field.bit = f->bit;
	field.bits = f->bits;
	memcpy(out, &field, MIN(out->sz, sizeof(field)));
	return 0;
}
