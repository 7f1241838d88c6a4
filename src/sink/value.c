/* value.c: one field of a record, a key or a value; see value.h. */
#include "sink/value.h"

#include <errno.h>

#define DEPTH_MOST  16 /* tuples in tuples */
#define SIZE_MOST   (1u << 24)
#define FIELDS_MOST 4096

static bool shown_check(const struct field *f)
{
	static const u8 least[] = {
#define FIELD(NAME, name, least, doc) least,
#include "object/fields.def"
#undef FIELD
	};

	return f->kind < FIELD_KINDS && f->size >= least[f->kind] &&
	       (f->kind != FIELD_TIME || f->text);
}

static int layout_check_deep(const struct layout *l, u32 size, u32 depth)
{
	u32 total = 0; /* fields do not overlap: what they take as text stays within bounds */

	if (depth > DEPTH_MOST || size > SIZE_MOST || l->n > FIELDS_MOST || (l->n && !l->fields))
		return -EINVAL;
	for (u32 i = 0; i < l->n; i++) {
		const struct field *f = &l->fields[i];

		if (!f->name || !f->size || f->off > size || f->size > size - f->off)
			return -EINVAL;
		total += f->size;
		if (total > size)
			return -EINVAL;
		switch (f->kind) {
		case FIELD_UINT:
		case FIELD_INT:
			if (f->size != 1 && f->size != 2 && f->size != 4 && f->size != 8)
				return -EINVAL;
			break;
		case FIELD_STR:
		case FIELD_BYTES: break;
		case FIELD_TUPLE:
			if (!f->sub || layout_check_deep(f->sub, f->size, depth + 1))
				return -EINVAL;
			break;
		default:
			if (!shown_check(f))
				return -EINVAL;
		}
	}
	return 0;
}

int layout_check(const struct layout *l, u32 size)
{
	return layout_check_deep(l, size, 0);
}

u32 field_text_most(const struct field *f)
{
	switch (f->kind) {
	case FIELD_STR: return f->size;
	case FIELD_BYTES: return f->size * 4;
	case FIELD_TUPLE: return layout_text_most(f->sub) + 2;
	case FIELD_UINT:
	case FIELD_INT: return PUT_U64_MOST;
	default: return shown_text_most(f);
	}
}

u32 layout_text_most(const struct layout *l)
{
	u32 n = 0;

	for (u32 i = 0; i < l->n; i++)
		n += field_text_most(&l->fields[i]) + 2;
	return n;
}

static char *put_hex(char *p, u64 v)
{
	p = put_copy(p, "0x", 2);
	for (int shift = v ? (63 - __builtin_clzll(v)) / 4 * 4 : 0; shift >= 0; shift -= 4)
		*p++ = "0123456789abcdef"[v >> shift & 15];
	return p;
}

char *field_text(char *p, const struct show *show, const struct field *f, const u8 *data)
{
	switch (f->kind) {
	case FIELD_STR: return put_str(p, data + f->off, f->size);
	case FIELD_BYTES: return put_raw(p, data + f->off, f->size, 0);
	case FIELD_TUPLE:
		*p++ = '(';
		p = layout_text(p, show, f->sub, data + f->off, ", ");
		*p++ = ')';
		return p;
	case FIELD_UINT:
	case FIELD_INT:
		if (f->unit == UNIT_HEX)
			return put_hex(p, field_load(f, data));
		if (f->kind == FIELD_INT)
			return put_s64(p, (s64)field_load(f, data));
		return put_u64(p, field_load(f, data));
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

u32 field_json_most(const struct field *f)
{
	u32 n = 2;

	switch (f->kind) {
	case FIELD_STR: return f->size * 6 + 2;
	case FIELD_BYTES: return f->size * 5 + 2; /* \\x00 */
	case FIELD_TUPLE:
		for (u32 i = 0; i < f->sub->n; i++)
			n += field_json_most(&f->sub->fields[i]) + 1;
		return n;
	case FIELD_UINT:
	case FIELD_INT: return PUT_U64_MOST;
	default: return shown_text_most(f) * 7 + 2; /* the text behind room for its escaped form */
	}
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

char *field_json(char *p, const struct show *show, const struct field *f, const u8 *data)
{
	switch (f->kind) {
	case FIELD_STR:
		*p++ = '"';
		p = put_json(p, data + f->off, f->size, true);
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
	case FIELD_INT: return put_s64(p, (s64)field_load(f, data));
	case FIELD_UINT: return put_u64(p, field_load(f, data));
	default: return json_shown(p, show, f, data);
	}
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

int field_compare(const struct field *f, const u8 *a, const u8 *b)
{
	u64 x, y;

	switch (f->kind) {
	case FIELD_STR: return strncmp((const char *)a + f->off, (const char *)b + f->off, f->size);
	case FIELD_BYTES: return memcmp(a + f->off, b + f->off, f->size);
	case FIELD_TUPLE: return layout_compare(f->sub, a + f->off, b + f->off);
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
