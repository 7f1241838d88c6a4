/* diag.c: messages and near names; see diag.h. */
#include "base/diag.h"

#include <errno.h>
#include <stdio.h>

#define MESSAGE_MOST 2048
#define NEAR_MOST    64

/* The text of a line, cut off at `size` bytes; "" when the source has no such line. */
static void source_line(const struct diag_file *f, u32 line, char *out, size_t size)
{
	const char *p = f->text, *end = f->text + f->size, *nl;
	size_t n;

	while (--line && p < end) {
		nl = memchr(p, '\n', (size_t)(end - p));
		p = nl ? nl + 1 : end;
	}
	nl = memchr(p, '\n', (size_t)(end - p));
	n = MIN((size_t)((nl ? nl : end) - p), size - 1);
	memcpy(out, p, n);
	out[n] = 0;
}

static void report(struct diag *d, enum waggle_level level, struct loc at, const char *hint,
		   const char *fmt, va_list ap)
{
	char text[MESSAGE_MOST], line[MESSAGE_MOST];
	struct waggle_diag w = {.level = level, .text = text, .hint = hint};
	struct diag_file source = {d->file, d->text, d->size, false};

	d->errors += level == WAGGLE_ERROR;
	if (!d->fn)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	if (at.line) {
		if (at.file && at.file <= d->nfiles)
			source = d->files[at.file - 1];
		w.file = source.name;
		w.line = at.line;
		w.col = at.col;
		w.len = at.len;
		if (source.text) {
			source_line(&source, at.line, line, sizeof(line));
			w.source = line;
		}
	}
	d->fn(d->user, &w);
}

int diag_error(struct diag *d, struct loc at, const char *hint, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(d, WAGGLE_ERROR, at, hint, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

void diag_warn(struct diag *d, struct loc at, const char *hint, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(d, WAGGLE_WARNING, at, hint, fmt, ap);
	va_end(ap);
}

int diag_fail(struct diag *d, int err, const char *hint, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(d, WAGGLE_ERROR, (struct loc){0}, hint, fmt, ap);
	va_end(ap);
	return err;
}

void diag_note(struct diag *d, const char *hint, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(d, WAGGLE_NOTE, (struct loc){0}, hint, fmt, ap);
	va_end(ap);
}

/* Optimal string alignment distance; three rows suffice. */
static u32 edit_distance(const char *a, u32 na, const char *b, u32 nb)
{
	u32 rows[3][NEAR_MOST + 1];
	u32 *before = rows[0], *last = rows[1], *row = rows[2], *t;

	for (u32 j = 0; j <= nb; j++)
		last[j] = j;
	for (u32 i = 1; i <= na; i++) {
		row[0] = i;
		for (u32 j = 1; j <= nb; j++) {
			u32 cost = a[i - 1] != b[j - 1];

			row[j] = MIN(MIN(last[j] + 1, row[j - 1] + 1), last[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = MIN(row[j], before[j - 2] + 1);
		}
		t = before, before = last, last = row, row = t;
	}
	return last[nb];
}

/* How many bytes two words begin with in common: of two as near, that one is meant rather. */
static u32 same_start(const char *a, const char *b)
{
	u32 n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

void near_try(struct near *n, const char *candidate)
{
	u32 na = n->word ? (u32)strlen(n->word) : 0, nb = (u32)strlen(candidate), distance;
	u32 most = na > 1 ? MAX(na / 3, 1) : 0;

	/* foo.isra.0 is what a compiler made of foo */
	if (na && n->word[na - 1] != '.' && !strncmp(n->word, candidate, na) && candidate[na] == '.') {
		n->best = candidate;
		n->distance = 0;
		return;
	}
	if (!na || na > NEAR_MOST || nb > NEAR_MOST || (na > nb ? na - nb : nb - na) > most)
		return;
	distance = edit_distance(n->word, na, candidate, nb);
	if (distance <= most &&
	    (!n->best || distance < n->distance ||
	     (distance == n->distance && same_start(n->word, candidate) > same_start(n->word, n->best)))) {
		n->best = candidate;
		n->distance = distance;
	}
}
