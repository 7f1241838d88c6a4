/*
 * help_text.c: helpers that read texts: compare them, and make numbers of them.
 */
#include <ctype.h>

#include "vm/help.h"

#define BASE_MASK   0x1f
#define NUMBER_TEXT 63 /* bytes of a text that are looked at */

HELPER_FN(help_strncmp)
{
	int order = strncmp(pointer(a), pointer(c), (u32)b);

	UNUSED_ARGS;
	return (u64)(s64)((order > 0) -
			  (order < 0)); /* the kernel's is just that; libc's may be more */
}

static u32 digit(char c)
{
	return isdigit((unsigned char)c)    ? (u32)(c - '0')
	       : isxdigit((unsigned char)c) ? (u32)(tolower((unsigned char)c) - 'a' + 10)
					    : 99;
}

static bool is_hex(const char *s)
{
	return s[0] == '0' && tolower((unsigned char)s[1]) == 'x';
}

/* The digits: how many bytes they are, -ERANGE or -EINVAL. */
static s64 digits(const char *text, u32 base, u64 *value)
{
	const char *s = text, *first;
	bool overflow = false;

	if (!base)
		base = s[0] != '0' ? 10 : is_hex(s) && isxdigit((unsigned char)s[2]) ? 16 : 8;
	if (base == 16 && is_hex(s))
		s += 2;
	*value = 0;
	for (first = s; digit(*s) < base; s++)
		overflow |= __builtin_mul_overflow(*value, (u64)base, value) ||
			    __builtin_add_overflow(*value, (u64)digit(*s), value);
	return overflow ? -ERANGE : s == first ? -EINVAL : s - text;
}

/* Bytes of the text that were used, or -errno. */
static s64 number(const char *text, u32 size, u64 flags, u64 *value, bool *negative)
{
	u32 base = flags & BASE_MASK, at = 0, n;
	char room[NUMBER_TEXT + 1];
	s64 used;

	if (!size || (flags & ~(u64)BASE_MASK) || (base && base != 8 && base != 10 && base != 16))
		return -EINVAL;
	while (at < size && isspace((unsigned char)text[at]))
		at++;
	*negative = at < size && text[at] == '-';
	at += *negative;
	if (at == size)
		return -EINVAL;
	n = MIN(size - at, (u32)NUMBER_TEXT);
	memcpy(room, text + at, n);
	room[n] = 0;
	used = digits(room, base, value);
	return used < 0 ? used : at + used;
}

HELPER_FN(help_strtol)
{
	bool negative;
	u64 value;
	s64 used = number(pointer(a), (u32)b, c, &value, &negative), out = 0;

	UNUSED_ARGS;
	if (used >= 0 && value > (u64)INT64_MAX + negative)
		used = -ERANGE;
	if (used >= 0)
		out = negative ? (s64)-value : (s64)value;
	memcpy(pointer(d), &out, sizeof(out));
	return (u64)used;
}

HELPER_FN(help_strtoul)
{
	bool negative;
	u64 value;
	s64 used = number(pointer(a), (u32)b, c, &value, &negative);

	UNUSED_ARGS;
	if (used >= 0 && negative)
		used = -EINVAL;
	if (used < 0)
		value = 0;
	memcpy(pointer(d), &value, sizeof(value));
	return (u64)used;
}
