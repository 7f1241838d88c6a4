/*
 * cbpf_read.c: classic BPF from any form: numbers, C arrays, text.
 *
 * In:  a text. What its first sign is says what it is: '{' (or a word of a C declaration before
 * one) begins a C array, a digit alone in its line or before a comma begins numbers. Out:
 * instructions, not checked yet.
 */
#include "isa/cbpf.h"

#include <errno.h>

struct in {
	const char *text, *p, *end;
	struct cbpf_code *out;
	struct arena *arena;
	struct diag *d;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct loc loc(const struct in *r, const char *at)
{
	struct loc out = {1, 1, 1, 0};

	for (const char *p = r->text; p < at; p++) {
		out.line += *p == '\n';
		out.col = *p == '\n' ? 1 : (u16)(out.col + 1);
	}
	return out;
}

/* Blanks, and what else does not count between numbers. */
static void skip(struct in *r, const char *also)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r' ||
				 (*r->p && strchr(also, *r->p))))
		r->p++;
}

static int number(struct in *r, u32 most, const char *what, u32 *out)
{
	const char *from = r->p;
	bool hex = r->end - r->p > 2 && r->p[0] == '0' && (r->p[1] | 32) == 'x';
	u64 value = 0;
	u32 n = 0;

	r->p += hex ? 2 : 0;
	for (; r->p < r->end && n < 20; n++, r->p++) {
		char c = is_digit(*r->p) ? *r->p : *r->p | 32;

		if (!is_digit(c) && !(hex && c >= 'a' && c <= 'f'))
			break;
		value = value * (hex ? 16 : 10) + (u64)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	if (!n)
		return diag_error(r->d, loc(r, from), NULL, "here belongs a number, %s", what);
	if (value > most || n >= 20)
		return diag_error(r->d, loc(r, from), NULL, "%s is %u at most", what, most);
	*out = (u32)value;
	return 0;
}

/* Four numbers; `also` may stand between them. */
static int four(struct in *r, const char *also)
{
	static const char *const names[] = {"the code", "jt", "jf", "k"};
	static const u32 most[] = {UINT16_MAX, UINT8_MAX, UINT8_MAX, UINT32_MAX};
	u32 v[4] = {0};
	const char *from;
	int err = 0;

	skip(r, also);
	from = r->p;
	for (u32 i = 0; i < 4 && !err; i++) {
		skip(r, also);
		err = number(r, most[i], names[i], &v[i]);
	}
	if (!err && r->out->insns.n == CBPF_INSNS_MOST)
		err = diag_error(r->d, loc(r, from), NULL, "a filter has %u instructions at most",
				 CBPF_INSNS_MOST);
	if (err)
		return err;
	vec_push(r->arena, &r->out->insns, (struct cbpf_insn){(u16)v[0], (u8)v[1], (u8)v[2], v[3]});
	vec_push(r->arena, &r->out->lines, loc(r, from).line);
	return 0;
}

/* "4", then four numbers each; a comma or a new line between. */
static int numbers(struct in *r)
{
	u32 n = 0;
	int err;

	skip(r, "'\"");
	err = number(r, CBPF_INSNS_MOST, "how many instructions there are", &n);
	for (u32 i = 0; i < n && !err; i++) {
		skip(r, ",");
		err = four(r, "");
	}
	skip(r, ",'\"");
	if (!err && r->p < r->end)
		err = diag_error(r->d, loc(r, r->p), NULL,
				 "more than the %u instructions that it says", n);
	return err;
}

/* "{ 0x28, 0, 0, 0x0000000c }," as often as there is one; an outer brace may be around. */
static int array(struct in *r)
{
	int err = 0;

	while (!err) {
		const char *brace = memchr(r->p, '{', (size_t)(r->end - r->p));

		if (!brace)
			break;
		r->p = brace + 1;
		skip(r, "");
		if (r->p < r->end && *r->p == '{')
			continue;
		err = four(r, ",");
		skip(r, "");
		if (!err && (r->p == r->end || *r->p != '}'))
			err = diag_error(r->d, loc(r, r->p), NULL, "here belongs '}'");
	}
	return err;
}

/* A digit alone in its line, or before a comma. */
static bool is_numbers(const struct in *r)
{
	const char *p = r->p;

	while (p < r->end && (*p == '\'' || *p == '"'))
		p++;
	if (p == r->end || !is_digit(*p))
		return false;
	while (p < r->end && is_digit(*p))
		p++;
	return p == r->end || *p == ',' || *p == '\n' || *p == '\r' || *p == ' ';
}

int cbpf_read(struct cbpf_code *out, struct arena *arena, const char *text, size_t size,
	      struct diag *d)
{
	struct in r = {text, text, text + size, out, arena, d};
	int err;

	skip(&r, "");
	if (is_numbers(&r))
		err = numbers(&r);
	else if (size && memchr(text, '{', size))
		err = array(&r);
	else
		err = cbpf_asm(out, arena, text, size, d);
	if (!err && !out->insns.n)
		err = diag_fail(d, -EINVAL, "numbers, a C array, or text: `tcpdump -d` writes each",
				"there is no instruction in it");
	return err;
}
