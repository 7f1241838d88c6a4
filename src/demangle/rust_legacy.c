/*
 * rust_legacy.c: names of Rust before v0: nested names of C++ whose last part is a hash.
 *
 * In:  _ZN4core3fmt9Formatter3pad17h0123456789abcdefE, and what a compiler made of it
 * (".llvm.123"). Out: core::fmt::Formatter::pad. Characters that a linker does not take are written
 * between dollars ($LT$ is <, $u7b$ is a code point), ".." is "::".
 */
#include "demangle/inside.h"

#define HASH_LENGTH 17 /* "h" and sixteen digits */

static const struct {
	const char *code;
	char text;
} escapes[] = {
	{"SP", '@'}, {"BP", '*'}, {"RF", '&'}, {"LT", '<'},
	{"GT", '>'}, {"LP", '('}, {"RP", ')'}, {"C", ','},
};

static s32 hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_hash(const char *p, size_t len)
{
	u32 kinds = 0; /* which digits there are: a hash has many */

	if (len != HASH_LENGTH || *p != 'h')
		return false;
	for (size_t i = 1; i < len; i++) {
		s32 digit = hex_digit(p[i]);

		if (digit < 0)
			return false;
		kinds |= 1u << digit;
	}
	return __builtin_popcount(kinds) >= 5;
}

/* $...$ at p: returns the bytes it takes; 0: it is none. */
static size_t put_escape(struct buf *out, const char *p, size_t len)
{
	const char *end = len > 2 ? memchr(p + 1, '$', len - 1) : NULL;
	size_t n = end ? (size_t)(end - p - 1) : 0;
	u32 point = 0;

	for (u32 i = 0; n && i < ARRAY_SIZE(escapes); i++)
		if (strlen(escapes[i].code) == n && !memcmp(p + 1, escapes[i].code, n)) {
			buf_char(out, escapes[i].text);
			return n + 2;
		}
	if (n < 2 || n > 7 || p[1] != 'u')
		return 0;
	for (size_t i = 2; i <= n; i++) {
		if (hex_digit(p[i]) < 0)
			return 0;
		point = point << 4 | (u32)hex_digit(p[i]);
	}
	if (point < 32 || (point >= 127 && point < 160) || point > 0x10ffff)
		return 0;
	demangle_utf8(out, point);
	return n + 2;
}

static bool put_part(struct buf *out, const char *p, size_t len)
{
	if (len > 2 && p[0] == '_' && p[1] == '$') { /* a name must not begin with a dollar */
		p++;
		len--;
	}
	while (len) {
		size_t n = 1;

		if (*p == '$') {
			n = put_escape(out, p, len);
			if (!n)
				return false;
		} else if (*p == '.' && len > 1 && p[1] == '.') {
			buf_puts(out, "::");
			n = 2;
		} else {
			buf_char(out, *p);
		}
		p += n;
		len -= n;
	}
	return true;
}

/* "12name": its length; 0: there is none. */
static size_t part_length(const char **p, const char *end)
{
	size_t n = 0;

	while (*p < end && **p >= '0' && **p <= '9' && n < 100000)
		n = n * 10 + (size_t)(*(*p)++ - '0');
	return n <= (size_t)(end - *p) ? n : 0;
}

bool demangle_rust_legacy(struct buf *out, const char *name, size_t len)
{
	const char *p = name + 3, *end = name + len, *last = NULL, *from = p;
	size_t n, hash = 0;

	if (len < 3 + HASH_LENGTH + 3 || name[2] != 'N')
		return false;
	while (p < end && *p != 'E') { /* all of it first: most names here are C++ */
		n = part_length(&p, end);
		if (!n)
			return false;
		last = p;
		hash = n;
		p += n;
	}
	if (p == end || !last || !is_hash(last, hash) || (p + 1 < end && p[1] != '.'))
		return false;
	for (p = from; (n = part_length(&p, end)) && p != last; p += n) {
		if (out->n)
			buf_puts(out, "::");
		if (!put_part(out, p, n))
			return false;
	}
	return out->n;
}
