/*
 * rows.c: is every row of the language proven by a case?
 *
 * In:  the tables of the language, the options of the command line, `proves` lines of cases;
 *      rows [-w] PAGE CASES...
 * Out: PAGE has, between two marks, a table with a line for each row: what it does, where it was
 * proven (engines, first kernel), and by which case. -w writes it; else it must stand there
 * already. Rows without a case, and names that are no rows, are told; the status is 1 if there are
 * any.
 */
#include "../behave/behave.h"
#include "script/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MOST 1024
static const char from_mark[] = "<!-- rows -->\n", to_mark[] = "<!-- end of rows -->";

struct row {
	char *kind, *name, *usage, *doc;
	const struct test_case *proof;
	unsigned engines, proofs;
	char kernel[16]; /* the oldest that a proof needs; "": any */
};
struct rows {
	struct row v[ROWS_MOST];
	unsigned n, wrong;
};

static void add(struct rows *rows, const char *kind, const char *name, const char *usage,
		const char *doc)
{
	if (rows->n == ROWS_MOST) {
		fprintf(stderr, "rows: there are more than %d\n", ROWS_MOST);
		exit(2);
	}
	rows->v[rows->n++] = (struct row){.kind = strdup(kind),
					  .name = strdup(name),
					  .usage = strdup(usage),
					  .doc = strdup(doc)};
}

static void add_language(void *user, const struct language_row *r)
{
	char text[256];

	add(user, r->kind, r->name, r->usage, r->doc);
	if (!r->alias)
		return;
	snprintf(text, sizeof(text), "the same as %s", r->name);
	add(user, r->kind, r->alias, r->alias, text);
}

static void add_options(struct rows *rows)
{
	static const struct {
		char letter;
		const char *name, *takes, *does;
	} options[] = {
#define OPTION(letter, name, takes, take, does) {letter, name, takes, does},
#include "cli/options.def"
#undef OPTION
	};
	char name[64], usage[128];

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		for (int spelled = 0; spelled < 2; spelled++) {
			if (spelled ? !options[i].name : !options[i].letter)
				continue;
			if (spelled)
				snprintf(name, sizeof(name), "--%s", options[i].name);
			else
				snprintf(name, sizeof(name), "-%c", options[i].letter);
			snprintf(usage, sizeof(usage), "%s%s%s", name, options[i].takes ? " " : "",
				 options[i].takes ? options[i].takes : "");
			add(rows, "option", name, usage, options[i].does);
		}
}

/* ---- cases */

static bool version_less(const char *a, const char *b)
{
	int x = 0, y = 0, u = 0, v = 0;

	sscanf(a, "%d.%d", &x, &y);
	sscanf(b, "%d.%d", &u, &v);
	return x < u || (x == u && y < v);
}

static void prove(struct row *r, const struct test_case *c)
{
	const char *kernel = "";

	for (unsigned i = 0; i < c->needs.n; i++)
		if (strncmp(c->needs.text[i], "kernel>=", 8) == 0)
			kernel = c->needs.text[i] + 8;
	if (!r->proofs++ || version_less(kernel, r->kernel))
		snprintf(r->kernel, sizeof(r->kernel), "%s", kernel);
	if (!r->proof)
		r->proof = c;
	r->engines |= c->engines;
}

static struct row *find(struct rows *rows, const char *kind, const char *name)
{
	for (unsigned i = 0; i < rows->n; i++)
		if (strcmp(rows->v[i].kind, kind) == 0 && strcmp(rows->v[i].name, name) == 0)
			return &rows->v[i];
	return NULL;
}

/* "function strlen strncmp" */
static void read_proves(struct rows *rows, const struct test_case *c, const char *text)
{
	char *copy = strdup(text), *save, *kind = strtok_r(copy, " \n", &save), *name;

	while (kind && (name = strtok_r(NULL, " \n", &save))) {
		struct row *r = find(rows, kind, name);

		if (r) {
			prove(r, c);
			continue;
		}
		printf("not ok rows: %s:%u: case \"%s\" proves the %s %s, which is in no table\n",
		       c->file, c->line, c->name, kind, name);
		rows->wrong++;
	}
	free(copy);
}

/* ---- the page */

static void cell(struct text *t, const char *s)
{
	for (; *s; s++) {
		if (*s == '|')
			text_add(t, "\\", 1);
		text_add(t, s, 1);
	}
}

static void make_table(const struct rows *rows, struct text *t)
{
	static const char *const engines[] = {"kernel", "user", "inprocess"};
	const char *kind = "";

	for (const struct row *r = rows->v; r < rows->v + rows->n; r++) {
		const char *slash = r->proof ? strrchr(r->proof->file, '/') : NULL;

		if (strcmp(kind, r->kind) != 0)
			text_printf(
				t, "\n| %s | does | proven on | by the case |\n|---|---|---|---|\n",
				r->kind);
		kind = r->kind;
		text_printf(t, "| `");
		cell(t, r->usage);
		text_printf(t, "` | ");
		cell(t, r->doc);
		text_printf(t, " | ");
		for (unsigned e = 0; e < 3; e++)
			if (r->engines & 1u << e)
				text_printf(t, "%s%s", r->engines & ((1u << e) - 1) ? ", " : "",
					    engines[e]);
		if (*r->kernel)
			text_printf(t, " from %s on", r->kernel);
		text_printf(t, " | ");
		if (slash)
			text_printf(t, "%s: ", slash + 1);
		cell(t, r->proof ? r->proof->name : "none");
		text_printf(t, " |\n");
	}
	text_printf(t, "\n");
}

static char *read_page(const char *path)
{
	struct text t = {0};
	char block[4096];
	size_t n;
	FILE *f = fopen(path, "re");

	text_add(&t, "", 0);
	while (f && (n = fread(block, 1, sizeof(block), f)) > 0)
		text_add(&t, block, n);
	if (f)
		fclose(f);
	return t.s;
}

/* 0, or 1 if the page is not (or cannot be made) what it should be. */
static int compare_page(const char *path, const char *page, const struct text *table, bool write)
{
	const char *from = strstr(page, from_mark), *to;
	FILE *f;

	from = from ? from + strlen(from_mark) : NULL;
	to = from ? strstr(from, to_mark) : NULL;
	if (!to) {
		printf("not ok rows: %s has no place for the table: %s", path, from_mark);
		return 1;
	}
	if ((size_t)(to - from) == table->len && memcmp(from, table->s, table->len) == 0)
		return 0;
	if (!write) {
		printf("not ok rows: the table in %s is not that of the code: `make rows` writes "
		       "it\n",
		       path);
		return 1;
	}
	f = fopen(path, "we");
	if (!f || fwrite(page, 1, (size_t)(from - page), f) != (size_t)(from - page) ||
	    fwrite(table->s, 1, table->len, f) != table->len || fputs(to, f) < 0 || fclose(f)) {
		printf("not ok rows: %s cannot be written\n", path);
		return 1;
	}
	return 0;
}

static unsigned tell_lacking(const struct rows *rows)
{
	unsigned lacking = 0;

	for (const struct row *r = rows->v; r < rows->v + rows->n; r++) {
		if (r->proof)
			continue;
		printf("not ok rows: no case proves the %s %s\n", r->kind, r->name);
		lacking++;
	}
	return lacking;
}

int main(int argc, char **argv)
{
	static struct rows rows;
	static struct test_case *cases; /* kept to the end */
	struct test_case **tail = &cases;
	struct text table = {0};
	bool write = argc > 1 && strcmp(argv[1], "-w") == 0;
	unsigned lacking;
	char *page;
	int status;

	argv += 1 + write;
	if (argc - write < 3)
		return 2;
	script_rows(add_language, &rows);
	add_options(&rows);
	for (char **path = argv + 1; *path && tail; path++)
		tail = cases_read(*path, tail);
	if (!tail)
		return 2;
	for (const struct test_case *c = cases; c; c = c->next)
		for (unsigned i = 0; i < c->proves.n; i++)
			read_proves(&rows, c, c->proves.text[i]);
	make_table(&rows, &table);
	page = read_page(*argv);
	status = compare_page(*argv, page, &table, write);
	lacking = tell_lacking(&rows);
	free(page);
	free(table.s);
	if (!status && !lacking && !rows.wrong)
		printf("ok rows: each of %u rows is proven\n", rows.n);
	return status || (!write && (lacking || rows.wrong));
}
