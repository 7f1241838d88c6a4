/*
 * table.c: tables of text: the first column to the left, the others to the right.
 */
#include "bench.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void put(struct table *t, char *text)
{
	if (t->n < ARRAY(t->cell))
		t->cell[t->n++] = text;
	else
		free(text);
}

void table_open(struct table *t, const char *title, const char *columns)
{
	*t = (struct table){.title = title};
	for (const char *p = columns, *end;; p = end + 1) {
		end = strchrnul(p, '|');
		put(t, strndup(p, (size_t)(end - p)));
		t->cols++;
		if (!*end)
			break;
	}
}

void table_cell(struct table *t, const char *format, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	put(t, text);
}

void table_num(struct table *t, const char *format, double v)
{
	char text[64];

	if (isnan(v))
		snprintf(text, sizeof(text), "-");
	else
		snprintf(text, sizeof(text), format, v);
	put(t, strdup(text));
}

void table_goal(struct table *t, double v, double limit, bool at_least, const char *goal)
{
	bool met = at_least ? v >= limit : v <= limit;

	if (isnan(v))
		put(t, strdup("-"));
	else
		table_cell(t, "%s %s", goal, met ? "ok" : "MISSED");
}

/* Columns, not bytes: a dash or a sign may take several. */
static unsigned width_of(const char *text)
{
	unsigned n = 0;

	for (; text && *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

void table_close(struct table *t)
{
	unsigned width[32] = {0};

	for (unsigned i = 0; i < t->n; i++)
		if (width_of(t->cell[i]) > width[i % t->cols])
			width[i % t->cols] = width_of(t->cell[i]);
	printf("\n%s\n", t->title);
	for (unsigned i = 0; i < t->n; i++) {
		unsigned col = i % t->cols, pad = width[col] - width_of(t->cell[i]);
		const char *text = t->cell[i] ? t->cell[i] : "";

		if (!col)
			printf("  %s%*s", text, (int)pad, "");
		else
			printf("  %*s%s", (int)pad, "", text);
		if (col + 1 == t->cols)
			putchar('\n');
		free(t->cell[i]);
	}
	fflush(stdout);
	t->n = 0;
}
