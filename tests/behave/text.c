/* text.c: a text that grows; in: pieces, out: one malloc'ed string. */
#include "behave.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_add(struct text *t, const char *s, size_t len)
{
	if (t->len + len + 1 > t->room) {
		size_t room = (t->len + len + 1) * 2;
		char *more = realloc(t->s, room);

		if (!more) {
			fprintf(stderr, "behave: out of memory\n");
			exit(2);
		}
		t->s = more;
		t->room = room;
	}
	memcpy(t->s + t->len, s, len);
	t->len += len;
	t->s[t->len] = '\0';
}

void text_printf(struct text *t, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	text_add(t, s, (size_t)n);
	free(s);
}
