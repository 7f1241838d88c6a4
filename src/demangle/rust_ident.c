/*
 * rust_ident.c: numbers and identifiers of Rust's names, those in punycode (RFC 3492) too.
 *
 * In:  "s_", "8gdel_5qa". Out: 1, "gödel".
 */
#include "demangle/rust.h"

#define PUNY_MOST 256 /* characters of an identifier that is not ASCII */

/* ---- numbers */

u64 rust_number(struct rust *r)
{
	u64 v = 0, digit;

	if (take(r, '_'))
		return 0;
	while (!r->failed && !take(r, '_')) {
		char c = peek(r);

		if (c >= '0' && c <= '9')
			digit = (u64)(c - '0');
		else if (c >= 'a' && c <= 'z')
			digit = (u64)(c - 'a') + 10;
		else if (c >= 'A' && c <= 'Z')
			digit = (u64)(c - 'A') + 36;
		else
			return fail(r), 0;
		if (v > UINT64_MAX / 62 - 62)
			return fail(r), 0;
		v = v * 62 + digit;
		r->p++;
	}
	return v + 1;
}

u64 rust_optional(struct rust *r, char letter)
{
	return take(r, letter) ? rust_number(r) + 1 : 0;
}

/* ---- identifiers */

struct rust_ident rust_identifier(struct rust *r)
{
	struct rust_ident id = {.puny = take(r, 'u')};
	size_t n = 0;

	if (take(r, '0')) {
		n = 0;
	} else if (peek(r) >= '1' && peek(r) <= '9') {
		while (peek(r) >= '0' && peek(r) <= '9' && n < 100000)
			n = n * 10 + (size_t)(*r->p++ - '0');
	} else {
		fail(r);
	}
	take(r, '_');
	if (r->failed || n > (size_t)(r->end - r->p))
		return fail(r), id;
	id.p = r->p;
	id.n = n;
	r->p += n;
	return id;
}

static u32 puny_adapt(u32 delta, u32 count, bool first)
{
	u32 k = 0;

	delta = first ? delta / 700 : delta / 2;
	for (delta += delta / count; delta > 35 * 26 / 2; k += 36)
		delta /= 35;
	return k + 36 * delta / (delta + 38);
}

/* One number of punycode (RFC 3492), whose digits end where they are small enough. */
static bool puny_number(const char **p, const char *end, u32 bias, u64 *i)
{
	u64 weight = 1;

	for (u32 k = 36;; k += 36) {
		u32 t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias, digit;

		if (*p == end || weight > UINT32_MAX)
			return false;
		if (**p >= 'a' && **p <= 'z')
			digit = (u32)(**p - 'a');
		else if (**p >= '0' && **p <= '9')
			digit = (u32)(**p - '0') + 26;
		else
			return false;
		(*p)++;
		*i += digit * weight;
		if (digit < t)
			return *i <= UINT32_MAX;
		weight *= 36 - t;
	}
}

static bool puny_decode(const struct rust_ident *id, u32 *chars, u32 *count)
{
	const char *delta = id->n ? memrchr(id->p, '_', id->n) : NULL, *p = id->p;
	const char *end = id->p + id->n;
	u32 bias = 72, n = 0;
	u64 i = 0, c = 128, before;

	if (id->n > PUNY_MOST)
		return false;
	for (; delta && p < delta; p++)
		chars[n++] = (u8)*p;
	p = delta ? delta + 1 : id->p;
	while (p < end) {
		before = i;
		if (n == PUNY_MOST || !puny_number(&p, end, bias, &i))
			return false;
		bias = puny_adapt((u32)(i - before), n + 1, !before);
		c += i / (n + 1);
		i %= n + 1;
		if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return false;
		memmove(chars + i + 1, chars + i, (n - i) * sizeof(*chars));
		chars[i++] = (u32)c;
		n++;
	}
	*count = n;
	return true;
}

void rust_put_identifier(struct rust *r, const struct rust_ident *id)
{
	u32 chars[PUNY_MOST], n = 0;

	if (!id->puny) {
		put_n(r, id->p, id->n);
	} else if (puny_decode(id, chars, &n)) {
		for (u32 i = 0; i < n; i++)
			put_utf8(r, chars[i]);
	} else {
		put(r, "punycode{");
		put_n(r, id->p, id->n);
		put(r, "}");
	}
}
