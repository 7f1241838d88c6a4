/*
 * case.c: read behaviour cases.
 *
 * In:  the path of a .case file.
 * Out: a list of struct test_case. The file's text is cut into strings in place and never freed: the
 *      cases point into it until the runner ends.
 *
 * A line is a directive and its text; an indented line continues the text of the directive above;
 * `#` in the first column is a comment. The directives are the table below; CONTRIBUTING.md says
 * what they mean.
 */
#include "behave.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	const char *path;
	unsigned line;
	struct test_case *c;
	const char *differs; /* said before the first case: of all of the file that do not say it themselves */
};

static bool complain(const struct reader *r, const char *what, const char *text)
{
	fprintf(stderr, "%s:%u: %s '%s'\n", r->path, r->line, what, text);
	return false;
}

static bool set_string(struct reader *r, void *field, char *text)
{
	const char **s = field;

	if (*s)
		return complain(r, "given twice:", text);
	*s = text;
	return true;
}

static bool add_line(struct reader *r, void *field, char *text)
{
	struct lines *l = field;

	if (l->n == MAX_LINES)
		return complain(r, "too many lines in one case at", text);
	l->text[l->n++] = text;
	return true;
}

/* Whole lines of output stand between bars, so that blanks at both ends can be seen. */
static bool add_barred(struct reader *r, void *field, char *text)
{
	struct test_case *c = r->c;
	size_t len = strlen(text);

	*(field == &c->err ? &c->has_err : field == &c->out ? &c->has_out : &c->has_exact) = true;
	if (strcmp(text, "none") == 0)
		return true;
	if (len < 2 || text[0] != '|' || text[len - 1] != '|')
		return complain(r, "expected |text| or none, not", text);
	text[len - 1] = '\0';
	return add_line(r, field, text + 1);
}

static bool set_engines(struct reader *r, void *field, char *text)
{
	unsigned *engines = field;
	char *save, *word;

	*engines = 0;
	for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (strcmp(word, "kernel") == 0)
			*engines |= ENGINE_KERNEL;
		else if (strcmp(word, "user") == 0)
			*engines |= ENGINE_USER;
		else if (strcmp(word, "inprocess") == 0)
			*engines |= ENGINE_INPROCESS;
		else if (strcmp(word, "compiler") == 0)
			*engines |= ENGINE_COMPILER;
		else
			return complain(r, "no such engine:", word);
	}
	return true;
}

static bool set_where(struct reader *r, void *field, char *text)
{
	(void)field;
	r->c->on_host = strcmp(text, "host") == 0;
	r->c->on_guest = strcmp(text, "guest") == 0;
	return r->c->on_host || r->c->on_guest || complain(r, "expected host or guest, not", text);
}

static bool set_status(struct reader *r, void *field, char *text)
{
	int *status = field, more = 0;
	char end;

	if (sscanf(text, "%d + %d%c", status, &more, &end) == 2 ||
	    sscanf(text, "%d%c", status, &end) == 1) {
		*status += more;
		return true;
	}
	return complain(r, "expected N or 128+N, not", text);
}

static bool set_seconds(struct reader *r, void *field, char *text)
{
	char *end;

	*(double *)field = strtod(text, &end);
	return (end != text && !*end) || complain(r, "expected seconds, not", text);
}

static const struct directive {
	const char *name;
	bool (*set)(struct reader *, void *field, char *text);
	size_t offset;
} directives[] = {
#define D(name, set, field) { name, set, offsetof(struct test_case, field) }
	D("needs", add_line, needs),       D("on", set_engines, engines),
	D("where", set_where, on_host),    D("script", set_string, script),
	D("args", set_string, args),       D("run", set_string, run),
	D("shell", set_string, shell),     D("differs", set_string, differs),
	D("out", add_barred, out),         D("exact", add_barred, exact),
	D("err", add_barred, err),         D("status", set_status, status),
	D("has", add_line, has),           D("hasnt", add_line, hasnt),
	D("like", add_line, like),         D("errhas", add_line, errhas),
	D("errhasnt", add_line, errhasnt), D("errlike", add_line, errlike),
	D("timeout", set_seconds, timeout), D("proves", add_line, proves),
#undef D
};

static struct test_case *new_case(struct reader *r, char *name)
{
	struct test_case *c = calloc(1, sizeof(*c));

	if (!c) {
		complain(r, "out of memory at", name);
		return NULL;
	}
	c->file = r->path;
	c->line = r->line;
	c->name = name;
	c->engines = ENGINE_KERNEL;
	c->on_host = c->on_guest = true;
	c->timeout = 10;
	return c;
}

/* One directive with all its lines. */
static bool directive(struct reader *r, char *word, char *text, struct test_case ***tail)
{
	if (strcmp(word, "case") == 0) {
		r->c = **tail = new_case(r, text);
		if (r->c)
			*tail = &r->c->next;
		return r->c;
	}
	if (!r->c && strcmp(word, "differs") == 0) {
		r->differs = text;
		return true;
	}
	if (!r->c)
		return complain(r, "before the first case:", word);
	for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++)
		if (strcmp(word, directives[i].name) == 0)
			return directives[i].set(r, (char *)r->c + directives[i].offset, text);
	return complain(r, "no such directive:", word);
}

/* A case without a check would pass whatever happens. */
static bool complete(struct reader *r, const struct test_case *c)
{
	r->line = c->line;
	if (!c->script && !c->shell)
		return complain(r, "no script and no shell in case", c->name);
	for (unsigned i = 0; i < c->needs.n; i++)
		if (!need_known(c->needs.text[i]))
			return complain(r, "no such need:", c->needs.text[i]);
	if (!c->has_out && !c->has_exact && !c->has_err && !c->has.n && !c->hasnt.n && !c->like.n && !c->errhas.n &&
	    !c->errlike.n && !c->status)
		return complain(r, "nothing is checked in case", c->name);
	return true;
}

static char *read_all(const char *path)
{
	FILE *f = fopen(path, "re");
	struct text t = { 0 };
	char block[4096];
	size_t n;

	if (!f) {
		fprintf(stderr, "behave: cannot read %s: %s\n", path, strerror(errno));
		return NULL;
	}
	text_add(&t, "", 0);
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		text_add(&t, block, n);
	fclose(f);
	return t.s;
}

/*
 * Cut one directive off *at: its first line and the indented ones below, which lose the
 * indentation of the first of them. What is cut only shrinks, so it stays where it is.
 */
static char *cut(char **at, unsigned *lines)
{
	char *start = *at, *to = start, *from = start;
	size_t indent = 0;

	for (*lines = 0; *from; (*lines)++) {
		size_t blank = strspn(from, " \t"), len = strcspn(from, "\n");

		if (*lines) {
			if (!blank || blank == len)
				break;
			indent = indent ? indent : blank;
			*to++ = '\n';
			from += blank < indent ? blank : indent;
			len -= blank < indent ? blank : indent;
		}
		memmove(to, from, len);
		to += len;
		from += len;
		from += *from == '\n';
	}
	*at = from;
	*to = '\0';
	return start;
}

struct test_case **cases_read(const char *path, struct test_case **tail)
{
	struct reader r = { .path = path, .line = 1 };
	struct test_case **head = tail;
	char *at = read_all(path);
	unsigned lines;

	if (!at)
		return NULL;
	for (; *at; r.line += lines) {
		if (*at == '#' || *at == '\n') {
			at += strcspn(at, "\n");
			at += *at == '\n';
			lines = 1;
			continue;
		}
		/* cut() may write its NUL over the newline before the next line, never past it. */
		char *word = cut(&at, &lines), *text = word + strcspn(word, " \t\n");

		if (*text)
			*text++ = '\0';
		text += strspn(text, " \t");
		if (!directive(&r, word, text, &tail))
			return NULL;
	}
	for (struct test_case *c = *head; c; c = c->next) {
		c->differs = c->differs ? c->differs : r.differs;
		if (!complete(&r, c))
			return NULL;
	}
	return tail;
}
