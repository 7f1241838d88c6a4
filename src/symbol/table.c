/* table.c: a sorted table of symbols; see symbol.h. */
#include "symbol/symbol.h"

#include "demangle/demangle.h"

#include <stdlib.h>

#define NESTED_MOST 32 /* symbols between an address and the beginning of the one that holds it */

void symbol_table_free(struct symbol_table *t)
{
	free(t->rows);
	free(t->readable);
	buf_free(&t->text);
	*t = (struct symbol_table){0};
}

void symbol_table_add(struct symbol_table *t, u64 addr, u64 size, const char *name, size_t len,
		      u32 module)
{
	if (t->n == t->cap) {
		u32 cap = t->cap ? t->cap * 2 : 1024;
		struct symbol_row *rows = realloc(t->rows, cap * sizeof(*rows));

		t->failed |= !rows;
		if (!rows)
			return;
		t->rows = rows;
		t->cap = cap;
	}
	if (!t->text.n)
		buf_char(&t->text, 0);
	if (t->text.n + len >= UINT32_MAX)
		return;
	t->rows[t->n++] = (struct symbol_row){addr, size, (u32)t->text.n, module};
	buf_add(&t->text, name, len);
	buf_char(&t->text, 0);
	if (t->text.failed) {
		t->failed = true;
		t->n--;
	}
}

static bool size_known(const struct symbol_row *r)
{
	return r->size && !(r->size & SYMBOL_GUESSED);
}

/* Names are added in order, so their offsets tell which symbol came first. */
static int by_address(const void *a, const void *b)
{
	const struct symbol_row *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (size_known(x) != size_known(y))
		return size_known(x) ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

/* Guessed sizes become real ones; labels in functions go. */
static void settle_sizes(struct symbol_table *t)
{
	u64 end = 0; /* of the functions so far */
	u32 n = 0;

	for (u32 i = 0; i < t->n; i++) {
		struct symbol_row *r = &t->rows[i];

		if (size_known(r))
			end = MAX(end, r->addr + r->size);
		if (r->size & SYMBOL_LABEL && r->addr < end)
			continue;
		t->rows[n++] = *r;
	}
	t->n = n;
	for (u32 i = 0; i < n; i++) {
		struct symbol_row *r = &t->rows[i];

		if (!(r->size & SYMBOL_GUESSED))
			continue;
		r->size &= ~(SYMBOL_GUESSED | SYMBOL_LABEL);
		if (i + 1 < n)
			r->size = MIN(r->size, r[1].addr - r->addr);
	}
}

void symbol_table_sort(struct symbol_table *t)
{
	u32 n = 0;

	if (!t->n)
		return;
	qsort(t->rows, t->n, sizeof(*t->rows), by_address);
	for (u32 i = 0; i < t->n; i++)
		if (!n || t->rows[i].addr != t->rows[n - 1].addr)
			t->rows[n++] = t->rows[i];
	t->n = n;
	settle_sizes(t);
}

static int by_address_last(const void *a, const void *b)
{
	const struct symbol_row *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->name > y->name ? -1 : x->name < y->name;
}

void symbol_table_sort_last(struct symbol_table *t)
{
	u32 n = 0;

	if (!t->n)
		return;
	qsort(t->rows, t->n, sizeof(*t->rows), by_address_last);
	for (u32 i = 0; i < t->n; i++)
		if (!n || t->rows[i].addr != t->rows[n - 1].addr)
			t->rows[n++] = t->rows[i];
	t->n = n;
	for (u32 i = 0; i + 1 < n; i++)
		t->rows[i].size = MIN(t->rows[i].size, t->rows[i + 1].addr - t->rows[i].addr);
}

const struct symbol_row *symbol_table_find(const struct symbol_table *t, u64 addr)
{
	u32 lo = 0, hi = t->n, begin;

	while (lo < hi) { /* the first one above */
		u32 mid = lo + (hi - lo) / 2;

		if (t->rows[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo && !t->rows[lo - 1].size)
		return &t->rows[lo - 1];
	for (begin = lo > NESTED_MOST ? lo - NESTED_MOST : 0; lo > begin; lo--)
		if (addr - t->rows[lo - 1].addr < t->rows[lo - 1].size)
			return &t->rows[lo - 1];
	return NULL;
}

const char *symbol_readable(struct symbol_table *t, struct arena *arena,
			    const struct symbol_row *row)
{
	const char *name = t->text.p + row->name, **known;
	struct buf out = {0};

	if (*name != '_' || (name[1] != 'Z' && name[1] != 'R'))
		return name;
	if (!t->readable)
		t->readable = calloc(t->n, sizeof(*t->readable));
	if (!t->readable)
		return name;
	known = &t->readable[row - t->rows];
	if (!*known) {
		*known = demangle(&out, name, strlen(name), DEMANGLE_WHOLE)
				 ? arena_strndup(arena, out.p, out.n)
				 : name;
		buf_free(&out);
	}
	return *known;
}
