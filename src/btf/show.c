/*
 * show.c: a value as its type says; see show.h.
 *
 * In:  bytes, a type that may be broken. Out: text. What the type says beyond the bytes is not
 * shown.
 */
#include "btf/show.h"

#define DEPTH_MOST  32
#define OUTPUT_MOST (1u << 22) /* arrays of arrays that a broken type makes */

struct show {
	struct buf *out;
	struct btf *btf;
	bool json;
	size_t start;
};

void btf_show_text(struct buf *out, const char *text, size_t size)
{
	buf_char(out, '"');
	for (size_t i = 0; i < size; i++) {
		u8 c = (u8)text[i];

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c == '\n' || c == '\t')
			buf_puts(out, c == '\n' ? "\\n" : "\\t");
		else if (c < ' ' || c >= 127)
			buf_printf(out, "\\u%04x", c);
		else
			buf_char(out, (char)c);
	}
	buf_char(out, '"');
}

static u64 load(const u8 *data, u64 size)
{
	u64 v = 0;

	memcpy(&v, data, size < 8 ? size : 8);
	return v;
}

void btf_show_bytes(struct buf *out, const u8 *data, u64 size, bool json)
{
	if (size == 1 || size == 2 || size == 4 || size == 8)
		buf_u64(out, load(data, size));
	else
		btf_show_hex(out, data, size, json);
}

void btf_show_hex(struct buf *out, const u8 *data, u64 size, bool json)
{
	buf_puts(out, json ? "\"" : "");
	for (u64 i = 0; i < size; i++)
		buf_printf(out, "%s%02x", i && !json ? " " : "", data[i]);
	buf_puts(out, json ? "\"" : "");
}

static void show(struct show *, u32 type, const u8 *data, u64 size, u32 depth);

static s64 extend(u64 v, u32 bits)
{
	return bits && bits < 64 ? (s64)(v << (64 - bits)) >> (64 - bits) : (s64)v;
}

static void show_number(struct show *s, const struct btf_type *t, u64 v, u32 bits)
{
	s64 wide = extend(v, bits);

	if (t->is_bool)
		buf_puts(s->out, v ? "true" : "false");
	else if (t->is_signed)
		buf_s64(s->out, wide);
	else
		buf_u64(s->out, v);
}

static void show_enum(struct show *s, const struct btf_type *t, u64 v, u32 bits)
{
	s64 wide = t->is_signed ? extend(v, bits) : (s64)v;

	for (u32 i = 0; i < t->n; i++)
		if (t->values[i].value == wide) {
			buf_printf(s->out, s->json ? "\"%s\"" : "%s", t->values[i].name);
			return;
		}
	if (t->is_signed)
		buf_s64(s->out, wide);
	else
		buf_u64(s->out, v);
}

/* Bytes that are all printable up to their first NUL are a text. */
static bool is_text(const u8 *data, u64 size)
{
	u64 n = 0;

	while (n < size && data[n]) {
		if (data[n] < ' ' || data[n] >= 127)
			return false;
		n++;
	}
	return true;
}

static void show_array(struct show *s, const struct btf_type *t, const u8 *data, u64 size,
		       u32 depth)
{
	const struct btf_type *elem = btf_type(s->btf, btf_skip(s->btf, t->type));
	u64 each;

	if (!elem || !btf_sizeof(s->btf, t->type, &each) || !each) {
		btf_show_bytes(s->out, data, size, s->json);
		return;
	}
	if (elem->kind == BTF_INT && each == 1 && !elem->is_bool && is_text(data, size) &&
	    (elem->is_char || !strcmp(elem->name, "char"))) {
		btf_show_text(s->out, (const char *)data, strnlen((const char *)data, size));
		return;
	}
	buf_char(s->out, '[');
	for (u64 i = 0; (i < t->n || !t->n) && (i + 1) * each <= size; i++) {
		buf_puts(s->out, i ? (s->json ? "," : ", ") : "");
		show(s, t->type, data + i * each, each, depth + 1);
	}
	buf_char(s->out, ']');
}

static void show_bitfield(struct show *s, const struct btf_member *m, const u8 *data, u64 size)
{
	const struct btf_type *t = btf_type(s->btf, btf_skip(s->btf, m->type));
	u64 first = m->bit_off / 8, v = 0;
	u32 shift = m->bit_off % 8, bits = m->bits;

	if (!t || bits > 64 || (u64)m->bit_off + bits > size * 8) {
		buf_char(s->out, '?');
		return;
	}
	for (u32 i = 0; i < 9 && first + i < size; i++) {
		u64 byte = data[first + i];

		v |= i * 8 >= shift ? (i * 8 - shift < 64 ? byte << (i * 8 - shift) : 0)
				    : byte >> (shift - i * 8);
	}
	v &= bits < 64 ? (1ull << bits) - 1 : ~0ull;
	if (t->kind == BTF_ENUM || t->kind == BTF_ENUM64)
		show_enum(s, t, v, bits);
	else
		show_number(s, t, v, bits);
}

/* *any: something stands in these braces already. Members without a name are part of the outer one.
 */
static void show_members(struct show *s, const struct btf_type *t, const u8 *data, u64 size,
			 u32 depth, bool *any)
{
	for (u32 i = 0; i < t->n && depth < DEPTH_MOST; i++) {
		const struct btf_member *m = &t->members[i];
		const struct btf_type *inner = btf_type(s->btf, btf_skip(s->btf, m->type));
		u64 off = m->bit_off / 8, bytes = 0;

		if (!m->bits &&
		    (!btf_sizeof(s->btf, m->type, &bytes) || off > size || bytes > size - off))
			continue;
		if (!m->bits && !bytes && inner && inner->kind == BTF_ARRAY)
			bytes = size - off; /* char data[]: all that is left */
		if (!*m->name && inner && (inner->kind == BTF_STRUCT || inner->kind == BTF_UNION)) {
			show_members(s, inner, data + off, bytes, depth + 1, any);
			continue;
		}
		if (!*m->name) /* padding */
			continue;
		buf_puts(s->out, *any ? (s->json ? "," : ", ") : s->json ? "" : " ");
		*any = true;
		buf_printf(s->out, s->json ? "\"%s\":" : ".%s = ", m->name);
		if (m->bits)
			show_bitfield(s, m, data, size);
		else
			show(s, m->type, data + off, bytes, depth + 1);
	}
}

static void show_vars(struct show *s, const struct btf_type *t, const u8 *data, u64 size, u32 depth)
{
	bool any = false;

	for (u32 i = 0; i < t->n; i++) {
		const struct btf_type *var = btf_type(s->btf, t->secs[i].type);
		u64 off = t->secs[i].off, bytes = t->secs[i].size;

		if (!var || off > size || bytes > size - off)
			continue;
		buf_puts(s->out, any ? (s->json ? "," : ", ") : s->json ? "" : " ");
		any = true;
		buf_printf(s->out, s->json ? "\"%s\":" : "%s = ", var->name);
		show(s, var->type, data + off, bytes, depth + 1);
	}
	buf_puts(s->out, any && !s->json ? " " : "");
}

static void show(struct show *s, u32 type, const u8 *data, u64 size, u32 depth)
{
	const struct btf_type *t = btf_type(s->btf, btf_skip(s->btf, type));
	bool any = false;
	u64 bytes;

	if (depth > DEPTH_MOST || s->out->n - s->start > OUTPUT_MOST) {
		buf_puts(s->out, s->json ? "null" : "...");
		return;
	}
	if (!type || !t || !btf_sizeof(s->btf, type, &bytes) || bytes > size) {
		btf_show_bytes(s->out, data, size, s->json);
		return;
	}
	switch (t->kind) {
	case BTF_INT:
		if (bytes > 8)
			btf_show_bytes(s->out, data, bytes, s->json);
		else
			show_number(s, t, load(data, bytes), (u32)bytes * 8);
		break;
	case BTF_ENUM:
	case BTF_ENUM64: show_enum(s, t, load(data, bytes), (u32)MIN(bytes, 8u) * 8); break;
	case BTF_PTR:
		buf_printf(s->out, s->json ? "\"0x%llx\"" : "0x%llx",
			   (unsigned long long)load(data, 8));
		break;
	case BTF_ARRAY: show_array(s, t, data, t->n ? bytes : size, depth); break;
	case BTF_STRUCT:
	case BTF_UNION:
		buf_char(s->out, '{');
		show_members(s, t, data, bytes, depth, &any);
		buf_puts(s->out, any && !s->json ? " }" : "}");
		break;
	case BTF_DATASEC:
		buf_char(s->out, '{');
		show_vars(s, t, data, size, depth);
		buf_char(s->out, '}');
		break;
	default: btf_show_bytes(s->out, data, bytes, s->json);
	}
}

void btf_show(struct buf *out, struct btf *btf, u32 type, const u8 *data, u64 size, bool json)
{
	struct show s = {out, btf, json, out->n};

	if (btf)
		show(&s, type, data, size, 0);
	else
		btf_show_bytes(out, data, size, json);
}
