/* asm_read.c: letters, numbers and mistakes in the text of one instruction; see asm_read.h. */
#include "isa/asm_read.h"

#include <stdio.h>

/* ---- letters */

bool asm_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool asm_is_word(char c)
{
	return asm_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       c == '.' || c == '$';
}

char asm_peek(const struct asm_reader *r)
{
	return r->at < r->size ? r->text[r->at] : 0;
}

void asm_skip(struct asm_reader *r)
{
	while (asm_peek(r) == ' ' || asm_peek(r) == '\t')
		r->at++;
}

u32 asm_word_length(const struct asm_reader *r)
{
	u32 n = 0;

	while (r->at + n < r->size && asm_is_word(r->text[r->at + n]))
		n++;
	return n;
}

/* ---- what is wrong */

bool asm_miss(struct asm_reader *r, const char *what, u32 len, bool quoted)
{
	char want[32];

	snprintf(want, sizeof(want), quoted ? "'%.*s'" : "%.*s", (int)len, what);
	if (r->at < r->best || (r->at == r->best && r->wrong))
		return false;
	if (r->at > r->best)
		r->nwants = 0;
	r->best = r->at;
	r->wrong = false;
	for (u32 i = 0; i < r->nwants; i++)
		if (!strcmp(r->wants[i], want))
			return false;
	if (r->nwants < ASM_WANTS)
		memcpy(r->wants[r->nwants++], want, sizeof(want));
	return false;
}

bool asm_want(struct asm_reader *r, const char *what)
{
	return asm_miss(r, what, (u32)strlen(what), false);
}

bool asm_wrong(struct asm_reader *r, u32 from, const char *hint, const char *fmt, ...)
{
	va_list ap;

	if (r->at < r->best || (r->at == r->best && r->wrong))
		return false;
	r->best = r->at;
	r->wrong = true;
	r->out->at = from;
	r->out->len = r->at - from;
	snprintf(r->out->hint, sizeof(r->out->hint), "%s", hint ? hint : "");
	va_start(ap, fmt);
	vsnprintf(r->out->text, sizeof(r->out->text), fmt, ap);
	va_end(ap);
	return false;
}

/* ---- parts of fields */

bool asm_take(struct asm_reader *r, const char *s)
{
	size_t n = strlen(s);

	if (r->size - r->at < n || memcmp(r->text + r->at, s, n) != 0)
		return asm_miss(r, s, (u32)n, true);
	r->at += (u32)n;
	return true;
}

static int digit_of(char c, bool hex)
{
	if (asm_is_digit(c))
		return c - '0';
	c |= 32;
	return hex && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool asm_take_number(struct asm_reader *r, struct asm_number *out)
{
	bool too_large = false;
	u32 start = r->at, first;
	int digit;

	*out = (struct asm_number){.from = start};
	if (asm_peek(r) == '-' || asm_peek(r) == '+') {
		out->negative = asm_peek(r) == '-';
		r->at++;
		asm_skip(r);
	}
	if (r->size - r->at > 2 && asm_peek(r) == '0' && (r->text[r->at + 1] | 32) == 'x') {
		out->hex = true;
		r->at += 2;
	}
	first = r->at;
	for (; (digit = digit_of(asm_peek(r), out->hex)) >= 0; r->at++) {
		u64 base = out->hex ? 16 : 10;

		too_large |= out->value > (UINT64_MAX - (u64)digit) / base;
		out->value = out->value * base + (u64)digit;
	}
	if (r->at == first || asm_is_word(asm_peek(r))) {
		r->at = start;
		return asm_want(r, "a number");
	}
	if (too_large || (out->negative && out->value > 1ull << 63))
		return asm_wrong(r, start, NULL, "this number has more than 64 bits");
	if (out->negative)
		out->value = -out->value;
	return true;
}

bool asm_take_in(struct asm_reader *r, s64 least, s64 most, const char *hint, s64 *out)
{
	struct asm_number n;

	asm_skip(r);
	if (!asm_take_number(r, &n))
		return false;
	*out = (s64)n.value;
	if (*out < least || *out > most || (!n.negative && !n.hex && n.value > INT64_MAX))
		return asm_wrong(r, n.from, hint, "this number is not in %lld to %lld",
				 (long long)least, (long long)most);
	return true;
}
