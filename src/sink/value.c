/* value.c: one field of a record, a key or a value; see value.h. */
#include "sink/value.h"

#include <errno.h>
#include <stdlib.h>

#define SIZE_MOST   (1u << 24)
#define ALL_MOST    65536        /* fields in all of a layout */
#define TEXT_MOST   (1ull << 28) /* bytes of its text */

static bool shown_check(const struct field *f)
{
	static const u8 least[] = {
#define FIELD(NAME, name, least, doc) least,
#include "object/fields.def"
#undef FIELD
	};

	return f->kind < FIELD_KINDS && f->size >= least[f->kind] &&
	       ((f->kind != FIELD_TIME && f->kind != FIELD_FILE) || f->text);
}

static bool number_check(const struct field *f)
{
	if (f->unit == UNIT_ENUM && !f->text)
		return false;
	if (f->bits)
		return f->size <= 8 && f->bits <= 64 && f->bit + f->bits <= f->size * 8;
	return f->size == 1 || f->size == 2 || f->size == 4 || f->size == 8;
}

static u64 field_text_cost(const struct field *);

struct layout_checker {
	u32 depth, fields;
};

static int layout_check_deep(struct layout_checker *, const struct layout *, u32 size,
			     bool overlaps);

static int sub_check(struct layout_checker *c, const struct field *f)
{
	const struct layout *l = f->sub;
	int err;

	if (!l || ++c->depth > LAYOUT_DEPTH)
		return -EINVAL;
	if (f->kind == FIELD_ARRAY && (l->n != 1 || !l->fields || l->fields[0].off ||
				       (u64)l->fields[0].size * f->count > f->size))
		return -EINVAL;
	err = layout_check_deep(c, l, f->size, f->kind == FIELD_STRUCT);
	c->depth--;
	return err;
}

static int field_check(struct layout_checker *c, const struct field *f)
{
	switch (f->kind) {
	case FIELD_UINT:
	case FIELD_INT: return number_check(f) ? 0 : -EINVAL;
	case FIELD_STR:
	case FIELD_BYTES: return 0;
	case FIELD_TUPLE:
	case FIELD_STRUCT:
	case FIELD_ARRAY: return sub_check(c, f);
	default: return shown_check(f) ? 0 : -EINVAL;
	}
}

/* Fields do not overlap, but in structs, which may hold unions. */
static int layout_check_deep(struct layout_checker *c, const struct layout *l, u32 size,
			     bool overlaps)
{
	u32 total = 0;

	c->fields += l->n;
	if (size > SIZE_MOST || l->n > LAYOUT_FIELDS_MOST || (l->n && !l->fields) || c->fields > ALL_MOST)
		return -EINVAL;
	for (u32 i = 0; i < l->n; i++) {
		const struct field *f = &l->fields[i];

		if (!f->name || !f->size || f->off > size || f->size > size - f->off)
			return -EINVAL;
		total = overlaps ? 0 : total + f->size;
		if (total > size || field_check(c, f))
			return -EINVAL;
	}
	return 0;
}

int layout_check(const struct layout *l, u32 size)
{
	struct layout_checker c = {0};
	u64 cost = 0;
	int err = layout_check_deep(&c, l, size, false);

	for (u32 i = 0; i < l->n && !err; i++)
		cost += field_text_cost(&l->fields[i]) * 7;
	return err || cost > TEXT_MOST ? -EINVAL : 0;
}

/* ---- text */

static u64 layout_text_cost(const struct layout *l, bool names)
{
	u64 n = 0;

	for (u32 i = 0; i < l->n; i++)
		n += field_text_cost(&l->fields[i]) +
		     (names ? 8 + strlen(l->fields[i].name) * 6 : 2);
	return n;
}

/* The longest name of an enum's values is no longer than all of its text. */
static u64 enum_text_most(const struct field *f)
{
	u64 most = PUT_U64_MOST, n;

	for (const char *p = f->text; *p; p += n + (p[n] != 0)) {
		n = strcspn(p, "\n");
		most = MAX(most, n);
	}
	return most;
}

/* What it takes at most; as JSON, names of fields included, no more than seven times as much. */
static u64 field_text_cost(const struct field *f)
{
	switch (f->kind) {
	case FIELD_STR: return f->size + (f->text ? strlen(f->text) : 0);
	case FIELD_BYTES: return f->size * 4ull;
	case FIELD_TUPLE: return layout_text_cost(f->sub, false) + 3;
	case FIELD_STRUCT: return layout_text_cost(f->sub, true) + 4;
	case FIELD_ARRAY:
		return MIN((field_text_cost(&f->sub->fields[0]) + 1) * f->count + 2, TEXT_MOST * 2);
	case FIELD_UINT:
	case FIELD_INT: return f->unit == UNIT_ENUM ? enum_text_most(f) : PUT_U64_MOST;
	default: return shown_text_most(f);
	}
}

u32 field_text_most(const struct field *f)
{
	return (u32)field_text_cost(f);
}

u32 layout_text_most(const struct layout *l)
{
	return (u32)layout_text_cost(l, false);
}

const char *enum_name(const struct field *f, s64 value, size_t *len)
{
	const char *p = f->text, *end;
	char *name;

	while (p && *p) {
		end = p + strcspn(p, "\n");
		if (strtoll(p, &name, 10) == value && *name == ' ') {
			*len = (size_t)(end - name - 1);
			return name + 1;
		}
		p = end + (*end != 0);
	}
	return NULL;
}

static char *put_hex(char *p, u64 v)
{
	p = put_copy(p, "0x", 2);
	for (int shift = v ? (63 - __builtin_clzll(v)) / 4 * 4 : 0; shift >= 0; shift -= 4)
		*p++ = "0123456789abcdef"[v >> shift & 15];
	return p;
}

static char *put_number(char *p, const struct field *f, u64 v)
{
	return f->kind == FIELD_INT ? put_s64(p, (s64)v) : put_u64(p, v);
}

/* false or true, or a name; NULL: it is a number like others. */
static const char *word_of(const struct field *f, u64 v, size_t *len)
{
	if (f->unit == UNIT_BOOL) {
		*len = v ? 4 : 5;
		return v ? "true" : "false";
	}
	return f->unit == UNIT_ENUM ? enum_name(f, (s64)v, len) : NULL;
}

static char *number_text(char *p, const struct field *f, u64 v)
{
	size_t len;
	const char *word;

	if (f->unit == UNIT_NONE)
		return put_number(p, f, v);
	if (f->unit == UNIT_HEX)
		return put_hex(p, v);
	word = word_of(f, v, &len);
	return word ? put_copy(p, word, len) : put_number(p, f, v);
}

static char *struct_text(char *p, const struct show *show, const struct layout *l, const u8 *data)
{
	p = put_copy(p, "{ ", 2);
	for (u32 i = 0; i < l->n; i++) {
		const char *name = l->fields[i].name;

		p = put_copy(p, i ? ", ." : ".", i ? 3 : 1);
		p = put_copy(p, name, strlen(name));
		p = put_copy(p, " = ", 3);
		p = field_text(p, show, &l->fields[i], data);
	}
	return put_copy(p, " }", 2);
}

static char *array_text(char *p, const struct show *show, const struct field *f, const u8 *data)
{
	const struct field *element = &f->sub->fields[0];

	*p++ = '[';
	for (u32 i = 0; i < f->count; i++) {
		if (i)
			*p++ = ',';
		p = field_text(p, show, element, data + (size_t)i * element->size);
	}
	*p++ = ']';
	return p;
}

/* What stands behind a string: it may have been longer where it fills its room. */
static const char *trailer_of(const struct field *f, const u8 *data)
{
	return f->text && strnlen((const char *)data + f->off, f->size) + 1 >= f->size ? f->text : "";
}

static char *string_text(char *p, const struct field *f, const u8 *data)
{
	const char *trailer = trailer_of(f, data);

	p = put_str(p, data + f->off, f->size);
	return put_copy(p, trailer, strlen(trailer));
}

char *field_text(char *p, const struct show *show, const struct field *f, const u8 *data)
{
	switch (f->kind) {
	case FIELD_STR: return string_text(p, f, data);
	case FIELD_BYTES: return put_raw(p, data + f->off, f->size, 0);
	case FIELD_TUPLE:
		*p++ = '(';
		p = layout_text(p, show, f->sub, data + f->off, ", ");
		if (f->sub->n == 1)
			*p++ = ',';
		*p++ = ')';
		return p;
	case FIELD_STRUCT: return struct_text(p, show, f->sub, data + f->off);
	case FIELD_ARRAY: return array_text(p, show, f, data + f->off);
	case FIELD_UINT:
	case FIELD_INT: return number_text(p, f, field_load(f, data));
	default: return shown_text(p, show, f, data);
	}
}

char *layout_text(char *p, const struct show *show, const struct layout *l, const u8 *data,
		  const char *between)
{
	for (u32 i = 0; i < l->n; i++) {
		if (i)
			p = put_copy(p, between, strlen(between));
		p = field_text(p, show, &l->fields[i], data);
	}
	return p;
}

/* ---- JSON */

u32 field_json_most(const struct field *f)
{
	/* the text of what is shown stands behind room for its escaped form */
	return (u32)(field_text_cost(f) * 7 + 2);
}

/* The text form, with its own backslashes escaped. */
static char *json_bytes(char *p, const u8 *s, u32 n)
{
	char one[4];

	*p++ = '"';
	for (u32 i = 0; i < n; i++)
		p = put_json(p, (u8 *)one, (size_t)(put_raw(one, s + i, 1, 0) - one), false);
	*p++ = '"';
	return p;
}

static char *json_shown(char *p, const struct show *show, const struct field *f, const u8 *data)
{
	char *text = p + (size_t)shown_text_most(f) * 6 + 2, *end;

	end = shown_text(text, show, f, data);
	*p++ = '"';
	p = put_json(p, (u8 *)text, (size_t)(end - text), false);
	*p++ = '"';
	return p;
}

static char *number_json(char *p, const struct field *f, u64 v)
{
	size_t len;
	const char *word = word_of(f, v, &len);

	if (!word)
		return put_number(p, f, v);
	if (f->unit == UNIT_BOOL)
		return put_copy(p, word, len);
	*p++ = '"';
	p = put_json(p, (const u8 *)word, len, false);
	*p++ = '"';
	return p;
}

static char *struct_json(char *p, const struct show *show, const struct layout *l, const u8 *data)
{
	*p++ = '{';
	for (u32 i = 0; i < l->n; i++) {
		const char *name = l->fields[i].name;

		if (i)
			*p++ = ',';
		*p++ = '"';
		p = put_json(p, (const u8 *)name, strlen(name), true);
		p = put_copy(p, "\":", 2);
		p = field_json(p, show, &l->fields[i], data);
	}
	*p++ = '}';
	return p;
}

static char *array_json(char *p, const struct show *show, const struct field *f, const u8 *data)
{
	const struct field *element = &f->sub->fields[0];

	*p++ = '[';
	for (u32 i = 0; i < f->count; i++) {
		if (i)
			*p++ = ',';
		p = field_json(p, show, element, data + (size_t)i * element->size);
	}
	*p++ = ']';
	return p;
}

char *field_json(char *p, const struct show *show, const struct field *f, const u8 *data)
{
	const char *trailer;

	switch (f->kind) {
	case FIELD_STR:
		trailer = trailer_of(f, data);
		*p++ = '"';
		p = put_json(p, data + f->off, f->size, true);
		p = put_json(p, (const u8 *)trailer, strlen(trailer), true);
		*p++ = '"';
		return p;
	case FIELD_BYTES: return json_bytes(p, data + f->off, f->size);
	case FIELD_TUPLE:
		*p++ = '[';
		for (u32 i = 0; i < f->sub->n; i++) {
			if (i)
				*p++ = ',';
			p = field_json(p, show, &f->sub->fields[i], data + f->off);
		}
		*p++ = ']';
		return p;
	case FIELD_STRUCT: return struct_json(p, show, f->sub, data + f->off);
	case FIELD_ARRAY: return array_json(p, show, f, data + f->off);
	case FIELD_INT:
	case FIELD_UINT: return number_json(p, f, field_load(f, data));
	case FIELD_FILE:
	case FIELD_DECIMAL: return shown_text(p, show, f, data);
	default: return json_shown(p, show, f, data);
	}
}

/* Frames as numbers: thousands of them are sorted, and most begin alike. */
static int stack_compare(const u8 *a, const u8 *b, u32 words)
{
	u64 x, y;

	for (u32 i = 0; i < words; i++) {
		memcpy(&x, a + (size_t)i * 8, 8);
		memcpy(&y, b + (size_t)i * 8, 8);
		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

/* Words as numbers, then what is left. */
static int shown_compare(const struct field *f, const u8 *a, const u8 *b)
{
	u32 i = 0;
	u64 x, y;

	for (; i + 8 <= f->size && f->kind != FIELD_MAC && (f->kind != FIELD_INET || !i); i += 8) {
		memcpy(&x, a + f->off + i, 8);
		memcpy(&y, b + f->off + i, 8);
		if (x != y)
			return x < y ? -1 : 1;
		if (f->kind == FIELD_BUF) {
			i += 8;
			break;
		}
	}
	return memcmp(a + f->off + i, b + f->off + i, f->size - i);
}

static int array_compare(const struct field *f, const u8 *a, const u8 *b)
{
	const struct field *element = &f->sub->fields[0];
	int c = 0;

	for (u32 i = 0; i < f->count && !c; i++)
		c = field_compare(element, a + (size_t)i * element->size,
				  b + (size_t)i * element->size);
	return c;
}

int field_compare(const struct field *f, const u8 *a, const u8 *b)
{
	u64 x, y;

	switch (f->kind) {
	case FIELD_STR: return strncmp((const char *)a + f->off, (const char *)b + f->off, f->size);
	case FIELD_BYTES: return memcmp(a + f->off, b + f->off, f->size);
	case FIELD_TUPLE:
	case FIELD_STRUCT: return layout_compare(f->sub, a + f->off, b + f->off);
	case FIELD_ARRAY: return array_compare(f, a + f->off, b + f->off);
	case FIELD_KSTACK:
	case FIELD_USTACK: return stack_compare(a + f->off, b + f->off, f->size / 8);
	case FIELD_DECIMAL:
	case FIELD_INT:
		x = field_load(f, a);
		y = field_load(f, b);
		return ((s64)x > (s64)y) - ((s64)x < (s64)y);
	case FIELD_UINT:
		x = field_load(f, a);
		y = field_load(f, b);
		return (x > y) - (x < y);
	default: return shown_compare(f, a, b);
	}
}

int layout_compare(const struct layout *l, const u8 *a, const u8 *b)
{
	int c = 0;

	for (u32 i = 0; i < l->n && !c; i++)
		c = field_compare(&l->fields[i], a, b);
	return c;
}
