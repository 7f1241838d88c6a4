/* buf.c: a growing string of bytes; see buf.h. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

void buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){0};
}

char *buf_reserve(struct buf *b, size_t more)
{
	if (b->failed)
		return NULL;
	if (b->cap - b->n < more) {
		size_t cap = MAX(b->cap * 2, b->n + more);
		char *p = realloc(b->p, MAX(cap, 256));

		if (!p) {
			b->failed = true;
			return NULL;
		}
		b->p = p;
		b->cap = MAX(cap, 256);
	}
	return b->p + b->n;
}

void buf_add(struct buf *b, const void *data, size_t n)
{
	char *p = buf_reserve(b, n);

	if (p && n) {
		memcpy(p, data, n);
		b->n += n;
	}
}

void buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	char *p = buf_reserve(b, 64); /* most of what is printed is short */
	size_t room = p ? b->cap - b->n : 0;
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(p, room, fmt, again);
	va_end(again);
	if (n >= 0 && (size_t)n >= room) {
		p = buf_reserve(b, (size_t)n + 1);
		if (p)
			vsnprintf(p, (size_t)n + 1, fmt, ap);
	}
	if (p && n > 0)
		b->n += (size_t)n;
	va_end(ap);
}

void buf_u64(struct buf *b, u64 v)
{
	char digits[20];
	u32 i = sizeof(digits), low;

	for (; v > UINT32_MAX; v /= 10)
		digits[--i] = (char)('0' + v % 10);
	low = (u32)v; /* of 32 bits division is quicker */
	do
		digits[--i] = (char)('0' + low % 10);
	while (low /= 10);
	buf_add(b, digits + i, sizeof(digits) - i);
}

void buf_s64(struct buf *b, s64 v)
{
	if (v < 0)
		buf_char(b, '-');
	buf_u64(b, v < 0 ? -(u64)v : (u64)v);
}

void buf_hex(struct buf *b, u64 value)
{
	char text[16], *at = text + sizeof(text);

	do {
		*--at = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value);
	buf_add(b, at, (size_t)(text + sizeof(text) - at));
}

void buf_pad(struct buf *b, size_t to)
{
	while (!b->failed && b->n % to)
		buf_char(b, 0);
}

const char *buf_str(struct buf *b)
{
	char *p = buf_reserve(b, 1);

	if (!p)
		return "";
	*p = 0;
	return b->p;
}
