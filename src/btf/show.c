/*
 * show.c: values of BTF types as text; see value.h.
 *
 * In:  bytes and a type id. Out: one line of C's notation, or JSON. Types may be broken, deep or
 *      larger than the bytes: what cannot be shown is left out.
 */
#include "btf/value.h"

#include <stdio.h>

#define DEPTH_MOST 16

struct shower {
	struct buf *out;
	struct btf *btf;
	enum btf_style style;
	u32 depth;
};

static void show(struct shower *, u32 type, const u8 *, u32 size);

/* ---- scalars */

static u64 get_number(const u8 *data, u32 size)
{
	u64 v = 0;

	memcpy(&v, data, MIN(size, 8));
	return v;
}

static s64 extend(u64 v, u32 bits)
{
	return bits && bits < 64 ? (s64)(v << (64 - bits)) >> (64 - bits) : (s64)v;
}

static void show_bytes(struct shower *s, const u8 *data, u32 size)
{
	for (u32 i = 0; i < size; i++)
		buf_printf(s->out, s->style == BTF_JSON ? "%s%u" : "%s%02x",
			   i                      ? s->style == BTF_JSON ? "," : " "
			   : s->style == BTF_JSON ? "["
						  : "hex:",
			   data[i]);
	if (s->style == BTF_JSON)
		buf_puts(s->out, size ? "]" : "[]");
}

static void show_untyped(struct shower *s, const u8 *data, u32 size)
{
	if (size == 1 || size == 2 || size == 4 || size == 8)
		buf_u64(s->out, get_number(data, size));
	else
		show_bytes(s, data, size);
}

void btf_show_text(struct buf *out, const char *p, size_t n)
{
	buf_char(out, '"');
	for (size_t i = 0; i < n; i++) {
		u8 c = (u8)p[i];

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c == '\n')
			buf_puts(out, "\\n");
		else if (c < 32 || c == 127)
			buf_printf(out, "\\u%04x", c);
		else
			buf_char(out, (char)c);
	}
	buf_char(out, '"');
}

static void show_int(struct shower *s, const struct btf_type *t, u64 v, u32 bits)
{
	if (t->is_bool)
		buf_puts(s->out, v ? "true" : "false");
	else if (t->is_signed)
		buf_s64(s->out, extend(v, bits));
	else
		buf_u64(s->out, v);
}

static void show_enum(struct shower *s, const struct btf_type *t, u64 v, u32 bits)
{
	s64 number = t->is_signed ? extend(v, bits) : (s64)v;

	for (u32 i = 0; i < t->n; i++)
		if (t->values[i].value == number || (bits == 32 && (u32)t->values[i].value == v)) {
			const char *name = t->values[i].name;

			buf_printf(s->out, s->style == BTF_JSON ? "\"%s\"" : "%s", name);
			return;
		}
	if (t->is_signed)
		buf_s64(s->out, number);
	else
		buf_u64(s->out, v);
}

static void show_float(struct shower *s, const u8 *data, u32 size)
{
	double d;
	float f;

	if (size == 4)
		memcpy(&f, data, 4);
	else if (size == 8)
		memcpy(&d, data, 8);
	else {
		show_bytes(s, data, size);
		return;
	}
	buf_printf(s->out, "%.17g", size == 4 ? (double)f : d);
}

/* ---- compounds */

/* Is it text? All that is before the first NUL can be printed, behind it is nothing. */
static bool is_text(const u8 *data, u32 n)
{
	u32 i = 0;

	for (; i < n && data[i]; i++)
		if (data[i] < 32 && data[i] != '\n' && data[i] != '\t')
			return false;
	for (; i < n; i++)
		if (data[i])
			return false;
	return true;
}

static const struct btf_type *resolved(struct btf *btf, u32 type)
{
	return btf_type(btf, btf_skip(btf, type));
}

static u32 size_of(struct btf *btf, u32 id, u32 depth)
{
	const struct btf_type *t = resolved(btf, id);
	u64 size;

	if (!t || depth > DEPTH_MOST)
		return 0;
	if (t->kind == BTF_PTR)
		return 8;
	if (t->kind != BTF_ARRAY)
		return t->size;
	size = (u64)size_of(btf, t->type, depth + 1) * t->n;
	return size > UINT32_MAX ? 0 : (u32)size;
}

static void show_array(struct shower *s, const struct btf_type *t, const u8 *data, u32 size)
{
	const struct btf_type *elem = resolved(s->btf, t->type);
	u32 each = size_of(s->btf, t->type, 0), n = t->n;

	if (!each) {
		show_bytes(s, data, size);
		return;
	}
	n = n ? MIN(n, size / each) : size / each; /* char data[]: all that is left */
	if (elem && elem->kind == BTF_INT && each == 1 &&
	    (elem->is_char || elem->is_signed || !strcmp(elem->name, "char")) && is_text(data, n)) {
		btf_show_text(s->out, (const char *)data, strnlen((const char *)data, n));
		return;
	}
	buf_char(s->out, '[');
	for (u32 i = 0; i < n; i++) {
		buf_puts(s->out, !i ? "" : s->style == BTF_JSON ? "," : ", ");
		show(s, t->type, data + i * each, each);
	}
	buf_char(s->out, ']');
}

static void show_bits(struct shower *s, const struct btf_member *m, const u8 *data, u32 size)
{
	const struct btf_type *t = resolved(s->btf, m->type);
	u32 byte = m->bit_off / 8, shift = m->bit_off % 8;
	u64 v;

	if (!t || byte >= size || m->bits > 64)
		return;
	v = get_number(data + byte, MIN(size - byte, 8)) >> shift;
	if (shift + m->bits > 64 && size - byte > 8)
		v |= (u64)data[byte + 8] << (64 - shift);
	v = m->bits < 64 ? v & ((1ull << m->bits) - 1) : v;
	if (t->kind == BTF_ENUM || t->kind == BTF_ENUM64)
		show_enum(s, t, v, m->bits);
	else
		show_int(s, t, v, m->bits);
}

static void show_name(struct shower *s, const char *name, u32 nth)
{
	if (s->style == BTF_JSON)
		buf_printf(s->out, "%s\"%s\":", nth ? "," : "", name);
	else
		buf_printf(s->out, "%s.%s = ", nth ? ", " : "", name);
}

/* Members of an anonymous struct are those of the one around it. Returns how many were shown. */
static u32 show_members(struct shower *s, const struct btf_type *t, const u8 *data, u32 size,
			u32 nth)
{
	for (u32 i = 0; i < t->n; i++) {
		const struct btf_member *m = &t->members[i];
		const struct btf_type *mt = resolved(s->btf, m->type);
		u32 off = m->bit_off / 8, bytes = size_of(s->btf, m->type, 0);

		if (!mt || off > size || (bytes > size - off && !m->bits) || s->depth > DEPTH_MOST)
			continue;
		if (!bytes && mt->kind == BTF_ARRAY) /* a flexible one */
			bytes = size - off;
		if (!*m->name && (mt->kind == BTF_STRUCT || mt->kind == BTF_UNION)) {
			s->depth++;
			nth = show_members(s, mt, data + off, bytes, nth);
			s->depth--;
			continue;
		}
		if (!*m->name)
			continue;
		show_name(s, m->name, nth++);
		if (m->bits)
			show_bits(s, m, data, size);
		else
			show(s, m->type, data + off, bytes);
	}
	return nth;
}

static void show_section(struct shower *s, const struct btf_type *t, const u8 *data, u32 size)
{
	for (u32 i = 0; i < t->n; i++) {
		const struct btf_type *var = btf_type(s->btf, t->secs[i].type);

		if (!var || t->secs[i].off > size || t->secs[i].size > size - t->secs[i].off)
			continue;
		show_name(s, var->name, i);
		show(s, var->type, data + t->secs[i].off, t->secs[i].size);
	}
}

static void show_compound(struct shower *s, const struct btf_type *t, const u8 *data, u32 size)
{
	const char *open = s->style == BTF_JSON ? "{" : "{ ";

	buf_puts(s->out, open);
	if (t->kind == BTF_DATASEC)
		show_section(s, t, data, size);
	else
		show_members(s, t, data, size, 0);
	buf_puts(s->out, s->style == BTF_JSON ? "}" : " }");
}

static void show(struct shower *s, u32 type, const u8 *data, u32 size)
{
	const struct btf_type *t = s->btf && type ? resolved(s->btf, type) : NULL;

	if (!t || ++s->depth > DEPTH_MOST) {
		show_untyped(s, data, size);
		return;
	}
	switch (t->kind) {
	case BTF_INT:
		if (size > 8)
			show_bytes(s, data, size);
		else
			show_int(s, t, get_number(data, size), size * 8);
		break;
	case BTF_ENUM:
	case BTF_ENUM64: show_enum(s, t, get_number(data, size), size * 8); break;
	case BTF_PTR:
		buf_printf(s->out, s->style == BTF_JSON ? "%llu" : "0x%llx",
			   (unsigned long long)get_number(data, size));
		break;
	case BTF_FLOAT: show_float(s, data, size); break;
	case BTF_ARRAY: show_array(s, t, data, size); break;
	case BTF_STRUCT:
	case BTF_UNION:
	case BTF_DATASEC: show_compound(s, t, data, size); break;
	default: show_untyped(s, data, size); break;
	}
	s->depth--;
}

void btf_show(struct buf *out, struct btf *btf, u32 type, const void *data, u32 size,
	      enum btf_style style)
{
	struct shower s = {.out = out, .btf = btf, .style = style};

	show(&s, type, data, size);
}
