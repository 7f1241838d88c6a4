/*
 * parse_value.c: values of BTF types from text; see value.h.
 *
 * In:  a text such as `{ .pid = 12, .comm = "cat" }` and a type id.
 * Out: bytes. Every number must fit where it goes, every name must be one of the type.
 */
#include "btf/value.h"

#include <errno.h>
#include <stdio.h>

#define DEPTH_MOST 16

struct parser {
	struct btf *btf;
	const char *text, *p;
	struct diag *d;
	u32 depth;
};

static int parse(struct parser *, u32 type, u8 *data, u32 size);

static struct loc loc(const struct parser *s, const char *from, const char *to)
{
	return (struct loc){1, (u16)MIN(from - s->text + 1, UINT16_MAX),
			    (u16)MAX(MIN(to - from, UINT16_MAX), 1), 0};
}

static void skip(struct parser *s)
{
	while (*s->p == ' ' || *s->p == '\t' || *s->p == '\n')
		s->p++;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool take(struct parser *s, char c)
{
	skip(s);
	if (*s->p != c)
		return false;
	s->p++;
	return true;
}

static u32 word(const struct parser *s)
{
	u32 n = 0;

	while (is_letter(s->p[n]) || (n && is_digit(s->p[n])))
		n++;
	return n;
}

static const struct btf_type *resolved(struct parser *s, u32 type)
{
	return s->btf && type ? btf_type(s->btf, btf_skip(s->btf, type)) : NULL;
}

/* ---- scalars */

static int wrong(struct parser *s, const char *from, const char *what)
{
	return diag_error(s->d, loc(s, from, s->p), NULL, "%s", what);
}

/* One character, with C's escapes. */
static char character(struct parser *s)
{
	static const char from[] = "nt0r", to[] = "\n\t\0\r";
	char c = *s->p++;
	const char *found;

	if (c != '\\' || !*s->p)
		return c;
	c = *s->p++;
	found = strchr(from, c);
	return found ? to[found - from] : c;
}

static int digits(struct parser *s, u64 *out)
{
	const char *from = s->p;
	bool hex = s->p[0] == '0' && (s->p[1] | 32) == 'x';
	u32 n = 0;

	*out = 0;
	for (s->p += hex ? 2 : 0;; s->p++, n++) {
		char c = is_digit(*s->p) ? *s->p : *s->p | 32;
		u64 base = hex ? 16 : 10, digit = (u64)(c <= '9' ? c - '0' : c - 'a' + 10);

		if (!is_digit(c) && !(hex && c >= 'a' && c <= 'f'))
			break;
		if (*out > (UINT64_MAX - digit) / base)
			return wrong(s, from, "this number has more than 64 bits");
		*out = *out * base + digit;
	}
	if (!n || is_letter(*s->p))
		return wrong(s, from, "here belongs a number");
	return 0;
}

static int number(struct parser *s, u8 *data, u32 bits, u32 size)
{
	const char *from;
	bool minus;
	u64 v, most = bits < 64 ? (1ull << bits) - 1 : UINT64_MAX;
	int err;

	skip(s);
	from = s->p;
	if (*s->p == '\'' && s->p[1]) {
		s->p++;
		v = (u8)character(s);
		if (*s->p++ != '\'')
			return wrong(s, from, "here belongs a character between quotes");
		memcpy(data, &v, MIN(size, 8));
		return 0;
	}
	minus = take(s, '-');
	err = digits(s, &v);
	if (err)
		return err;
	if (minus ? v > most / 2 + 1 : v > most)
		return diag_error(s->d, loc(s, from, s->p), NULL, "this does not fit into %u bits",
				  bits);
	v = minus ? -v : v;
	memcpy(data, &v, MIN(size, 8));
	return 0;
}

static int enumerator(struct parser *s, const struct btf_type *t, u8 *data, u32 size)
{
	u32 n = word(s);
	struct near near;
	char name[64], hint[96];

	snprintf(name, sizeof(name), "%.*s", (int)n, s->p);
	near = (struct near){.word = name};
	for (u32 i = 0; i < t->n; i++) {
		if (!strcmp(t->values[i].name, name)) {
			memcpy(data, &t->values[i].value, MIN(size, 8));
			s->p += n;
			return 0;
		}
		near_try(&near, t->values[i].name);
	}
	snprintf(hint, sizeof(hint), "did you mean '%.70s'?", near.best ? near.best : "");
	return diag_error(s->d, loc(s, s->p, s->p + n), near.best ? hint : NULL,
			  "enum %s has no '%s'", t->name, name);
}

static int boolean(struct parser *s, u8 *data, u32 size)
{
	u32 n = word(s);
	bool yes = n == 4 && !memcmp(s->p, "true", 4);

	if (!yes && !(n == 5 && !memcmp(s->p, "false", 5)))
		return number(s, data, size * 8, size);
	s->p += n;
	data[0] = yes;
	return 0;
}

static int text(struct parser *s, u8 *data, u32 size)
{
	const char *from = s->p++;
	u32 n = 0;

	while (*s->p && *s->p != '"') {
		char c = character(s);

		if (n == size)
			return diag_error(s->d, loc(s, from, s->p), NULL,
					  "this text has more than %u bytes", size);
		data[n++] = (u8)c;
	}
	return take(s, '"') ? 0 : wrong(s, from, "here is no quote at the end");
}

/* hex:01 02 ff, hex:0102ff; of what has no type also 01 02 ff */
static int bytes(struct parser *s, u8 *data, u32 size)
{
	const char *from = s->p;
	u32 n = 0;

	for (s->p += strncmp(s->p, "hex:", 4) ? 0 : 4; *s->p; s->p++) {
		char c = is_digit(*s->p) ? *s->p : *s->p | 32;

		if (*s->p == ' ' || *s->p == ':')
			continue;
		if (!is_digit(c) && (c < 'a' || c > 'f'))
			break;
		if (n / 2 < size)
			data[n / 2] = (u8)(data[n / 2] << 4 | (c <= '9' ? c - '0' : c - 'a' + 10));
		n++;
	}
	if (n == size * 2)
		return 0;
	return diag_error(s->d, loc(s, from, s->p), NULL, "%u bytes belong here, these are %u%s",
			  size, n / 2, n % 2 ? " and a half" : "");
}

/* ---- compounds */

static u32 bytes_of(struct parser *s, u32 id, u32 depth)
{
	const struct btf_type *t = resolved(s, id);
	u64 size;

	if (!t || depth > DEPTH_MOST)
		return 0;
	if (t->kind == BTF_PTR)
		return 8;
	if (t->kind != BTF_ARRAY)
		return t->size;
	size = (u64)bytes_of(s, t->type, depth + 1) * t->n;
	return size > UINT32_MAX ? 0 : (u32)size;
}

/* Ends a list: false when another element follows. */
static int list_goes_on(struct parser *s, char end, bool *goes_on)
{
	bool comma = take(s, ',');

	*goes_on = !take(s, end);
	if (*goes_on && !comma)
		return diag_error(s->d, loc(s, s->p, s->p + 1), NULL, "here belongs ',' or '%c'",
				  end);
	return 0;
}

static int array(struct parser *s, const struct btf_type *t, u8 *data, u32 size)
{
	u32 each = bytes_of(s, t->type, 0), most = each ? size / each : 0, n = 0;
	char end = *s->p == '{' ? '}' : ']';
	bool goes_on;
	int err = 0;

	if (*s->p == '"' && each == 1)
		return text(s, data, size);
	if (*s->p != '{' && *s->p != '[')
		return diag_error(s->d, loc(s, s->p, s->p + 1),
				  each == 1 ? "\"text\", [1, 2], hex:01 02" : "[1, 2], hex:01 02",
				  "here belongs an array");
	s->p++;
	for (goes_on = !take(s, end); goes_on && !err;) {
		if (n == most)
			return diag_error(s->d, loc(s, s->p, s->p + 1), NULL,
					  "the array has %u elements", most);
		err = parse(s, t->type, data + each * n++, each);
		if (!err)
			err = list_goes_on(s, end, &goes_on);
	}
	return err;
}

/* A member by name, in anonymous ones as well; *off: where, in bits. */
static const struct btf_member *find_member(struct parser *s, const struct btf_type *t,
					    const char *name, u32 *off, struct near *near,
					    u32 depth)
{
	for (u32 i = 0; i < t->n && depth < DEPTH_MOST; i++) {
		const struct btf_member *m = &t->members[i], *found;
		const struct btf_type *mt = resolved(s, m->type);

		if (*m->name && !strcmp(m->name, name)) {
			*off += m->bit_off;
			return m;
		}
		if (*m->name) {
			near_try(near, m->name);
			continue;
		}
		if (!mt || (mt->kind != BTF_STRUCT && mt->kind != BTF_UNION))
			continue;
		found = find_member(s, mt, name, off, near, depth + 1);
		if (found) {
			*off += m->bit_off;
			return found;
		}
	}
	return NULL;
}

static int bits(struct parser *s, const struct btf_member *m, u32 off, u8 *data, u32 size)
{
	u64 v = 0;
	int err = number(s, (u8 *)&v, m->bits, sizeof(v));

	for (u32 i = 0; !err && i < m->bits; i++) {
		u32 bit = off + i;

		if (bit / 8 >= size)
			break;
		data[bit / 8] = (u8)((data[bit / 8] & ~(1u << bit % 8)) | (v >> i & 1) << bit % 8);
	}
	return err;
}

/* nth: the member that has no name in front. */
static int member(struct parser *s, const struct btf_type *t, u32 nth, u8 *data, u32 size)
{
	const struct btf_member *m = NULL;
	struct near near;
	u32 off = 0, n, room;
	char name[64], hint[96];

	if (take(s, '.')) {
		n = word(s);
		snprintf(name, sizeof(name), "%.*s", (int)n, s->p);
		near = (struct near){.word = name};
		m = find_member(s, t, name, &off, &near, 0);
		snprintf(hint, sizeof(hint), "did you mean '%.70s'?", near.best ? near.best : "");
		if (!m)
			return diag_error(s->d, loc(s, s->p, s->p + n), near.best ? hint : NULL,
					  "%s has no member '%s'",
					  *t->name ? t->name : "the struct", name);
		s->p += n;
		if (!take(s, '='))
			return diag_error(s->d, loc(s, s->p, s->p + 1), NULL, "here belongs '='");
	} else if (nth < t->n) {
		m = &t->members[nth];
		off = m->bit_off;
	} else {
		return diag_error(s->d, loc(s, s->p, s->p + 1), NULL, "the struct has %u members",
				  t->n);
	}
	if (m->bits)
		return bits(s, m, off, data, size);
	room = off / 8 < size ? size - off / 8 : 0;
	n = bytes_of(s, m->type, 0);
	return parse(s, m->type, data + off / 8, n ? MIN(n, room) : room);
}

static int compound(struct parser *s, const struct btf_type *t, u8 *data, u32 size)
{
	bool goes_on;
	int err = 0;

	if (!take(s, '{'))
		return diag_error(s->d, loc(s, s->p, s->p + 1), "{ .member = value, ... }, hex:...",
				  "here belongs a %s", t->kind == BTF_UNION ? "union" : "struct");
	goes_on = !take(s, '}');
	for (u32 n = 0; goes_on && !err; n++) {
		err = member(s, t, n, data, size);
		if (!err)
			err = list_goes_on(s, '}', &goes_on);
	}
	return err;
}

static int variable(struct parser *s, const struct btf_type *t, u8 *data, u32 size)
{
	char name[64];
	bool goes_on;
	int err = 0;

	if (!take(s, '{'))
		return diag_error(s->d, loc(s, s->p, s->p + 1), "{ .variable = value, ... }",
				  "here belong variables of %s", t->name);
	for (goes_on = !take(s, '}'); goes_on && !err;) {
		u32 n, i = 0;

		take(s, '.');
		skip(s);
		n = word(s);
		snprintf(name, sizeof(name), "%.*s", (int)n, s->p);
		while (i < t->n && (!btf_type(s->btf, t->secs[i].type) ||
				    strcmp(btf_type(s->btf, t->secs[i].type)->name, name) != 0))
			i++;
		if (i == t->n || t->secs[i].off > size || t->secs[i].size > size - t->secs[i].off)
			return diag_error(s->d, loc(s, s->p, s->p + n), NULL,
					  "%s has no variable '%s'", t->name, name);
		s->p += n;
		if (!take(s, '='))
			return diag_error(s->d, loc(s, s->p, s->p + 1), NULL, "here belongs '='");
		err = parse(s, btf_type(s->btf, t->secs[i].type)->type, data + t->secs[i].off,
			    t->secs[i].size);
		if (!err)
			err = list_goes_on(s, '}', &goes_on);
	}
	return err;
}

/* ---- any type */

static int untyped(struct parser *s, u8 *data, u32 size)
{
	if (*s->p == '"')
		return text(s, data, size);
	if (size == 1 || size == 2 || size == 4 || size == 8)
		return number(s, data, size * 8, size);
	return bytes(s, data, size);
}

static int parse(struct parser *s, u32 type, u8 *data, u32 size)
{
	const struct btf_type *t = resolved(s, type);
	int err;

	skip(s);
	if (!strncmp(s->p, "hex:", 4))
		return bytes(s, data, size);
	if (!t)
		return untyped(s, data, size);
	if (++s->depth > DEPTH_MOST)
		return wrong(s, s->p, "this is too deep");
	switch (t->kind) {
	case BTF_INT:
		err = t->is_bool ? boolean(s, data, size)
				 : number(s, data, MIN(size * 8, 64), size);
		break;
	case BTF_ENUM:
	case BTF_ENUM64:
		err = word(s) ? enumerator(s, t, data, size) : number(s, data, size * 8, size);
		break;
	case BTF_ARRAY: err = array(s, t, data, size); break;
	case BTF_STRUCT:
	case BTF_UNION: err = compound(s, t, data, size); break;
	case BTF_DATASEC: err = variable(s, t, data, size); break;
	case BTF_PTR: err = number(s, data, 64, size); break;
	default: err = untyped(s, data, size); break;
	}
	s->depth--;
	return err;
}

int btf_parse_value(struct btf *btf, u32 type, const char *from, void *data, u32 size,
		    struct diag *d)
{
	struct parser s = {.btf = btf, .text = from, .p = from, .d = d};
	int err;

	if (!resolved(&s, type) || resolved(&s, type)->kind != BTF_DATASEC)
		memset(data, 0, size);
	err = parse(&s, type, data, size);
	skip(&s);
	if (!err && *s.p)
		err = diag_error(d, loc(&s, s.p, s.p + strlen(s.p)), NULL,
				 "this is more than the value");
	return err;
}
