/* table.c: a sorted table of symbols; see symbol.h. */
#include "symbol/symbol.h"

#include "demangle/demangle.h"

#include <stdlib.h>

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

/* Names are added in order, so their offsets tell which symbol came first. */
static int by_address(const void *a, const void *b)
{
	const struct symbol_row *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (!x->size != !y->size)
		return x->size ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
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
	const struct symbol_row *r;
	u32 lo = 0, hi = t->n;

	while (lo < hi) { /* the first one above */
		u32 mid = lo + (hi - lo) / 2;

		if (t->rows[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	r = &t->rows[lo - 1];
	return r->size && addr - r->addr >= r->size ? NULL : r;
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
