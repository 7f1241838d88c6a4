/*
 * rust_const.c: constants in Rust's names: what generic arguments are that are no types.
 *
 * In:  "j3_", "e616263_", "TKj1_Kb1_E". Out: 3, "abc", (1, true).
 */
#include "demangle/rust.h"

static s32 nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hexadecimal digits up to "_". */
static size_t digits(struct rust *r, const char **p)
{
	size_t n = 0;

	*p = r->p;
	while (nibble(peek(r)) >= 0)
		r->p++, n++;
	if (!take(r, '_'))
		fail(r);
	return r->failed ? 0 : n;
}

static u64 hex_value(const char *p, size_t n)
{
	u64 v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 4 | (u64)nibble(p[i]);
	return v;
}

static void put_char(struct rust *r, u32 c, char quote)
{
	char hex[16];

	if (c == (u8)quote || c == '\\') {
		put(r, "\\");
		put_utf8(r, c);
	} else if (c == '\n' || c == '\t' || c == '\r') {
		put(r, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r");
	} else if (c < 32 || c == 127 || c > 0x10ffff) {
		struct buf b = {0};

		buf_printf(&b, "\\u{%x}", c);
		put_n(r, b.p ? b.p : hex, b.n);
		buf_free(&b);
	} else {
		put_utf8(r, c);
	}
}

static void number(struct rust *r)
{
	const char *p;
	size_t n;

	if (take(r, 'n'))
		put(r, "-");
	n = digits(r, &p);
	if (n <= 16) {
		put_u64(r, hex_value(p, n));
	} else {
		put(r, "0x");
		put_n(r, p, n);
	}
}

/* A string: bytes of UTF-8 in hexadecimal. */
static void string(struct rust *r)
{
	const char *p;
	size_t n = digits(r, &p);

	if (n % 2)
		return fail(r);
	put(r, "\"");
	for (size_t i = 0; i < n && !r->failed; i += 2) {
		u8 c = (u8)hex_value(p + i, 2);

		if (c < 0x80)
			put_char(r, c, '"');
		else
			put_n(r, (const char *)&c, 1);
	}
	put(r, "\"");
}

static void constants(struct rust *r, const char *open, const char *close)
{
	u32 n = 0;

	put(r, open);
	for (; !r->failed && !take(r, 'E'); n++) {
		put(r, n ? ", " : "");
		rust_constant(r, true);
	}
	put(r, *open == '(' && n == 1 ? "," : "");
	put(r, close);
}

/* V <path> (U | T <const>* E | S (<identifier> <const>)* E) */
static void structure(struct rust *r)
{
	struct rust_ident name;

	rust_path(r, true);
	if (take(r, 'U'))
		return;
	if (take(r, 'T')) {
		put(r, "(");
		for (u32 i = 0; !r->failed && !take(r, 'E'); i++) {
			put(r, i ? ", " : "");
			rust_constant(r, true);
		}
		put(r, ")");
		return;
	}
	if (!take(r, 'S'))
		return fail(r);
	put(r, " { ");
	for (u32 i = 0; !r->failed && !take(r, 'E'); i++) {
		put(r, i ? ", " : "");
		rust_optional(r, 's');
		name = rust_identifier(r);
		rust_put_identifier(r, &name);
		put(r, ": ");
		rust_constant(r, true);
	}
	put(r, " }");
}

/* Those of several parts stand in braces where types stand. */
static void compound(struct rust *r, char kind, bool inside)
{
	put(r, inside ? "" : "{");
	switch (kind) {
	case 'e':
		put(r, "*");
		string(r);
		break;
	case 'R':
		if (take(r, 'e')) {
			string(r);
			break;
		}
		put(r, "&");
		rust_constant(r, true);
		break;
	case 'Q':
		put(r, "&mut ");
		rust_constant(r, true);
		break;
	case 'A': constants(r, "[", "]"); break;
	case 'T': constants(r, "(", ")"); break;
	default: structure(r);
	}
	put(r, inside ? "" : "}");
}

void rust_constant(struct rust *r, bool inside)
{
	char kind = peek(r);
	const char *p;
	size_t n;
	u64 v;

	if (!enter(r))
		return;
	r->p += kind != 0;
	if (kind == 'p') {
		put(r, "_");
	} else if (kind == 'B') {
		AGAIN(r, rust_constant(r, inside));
	} else if (kind == 'b' || kind == 'c') {
		n = digits(r, &p);
		v = hex_value(p, MIN(n, 16u));
		if (n > 8 || (kind == 'b' && v > 1))
			fail(r);
		if (kind == 'b') {
			put(r, v ? "true" : "false");
		} else {
			put(r, "'");
			put_char(r, (u32)v, '\'');
			put(r, "'");
		}
	} else if (kind && strchr("asliyxnhtmjo", kind)) {
		number(r);
	} else if (kind && strchr("eRQATV", kind)) {
		compound(r, kind, inside);
	} else {
		fail(r);
	}
	r->depth--;
}
