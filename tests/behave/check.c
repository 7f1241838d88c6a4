/*
 * check.c: compare what a case gave with what it should.
 *
 * In:  a case and its result.
 * Out: lines that say what differs, each indented; nothing when all is right.
 */
#include "behave.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The next line of *at: its start, with the length in *len. NULL at the end. */
static const char *next_line(const char **at, const char *end, size_t *len)
{
	const char *line = *at, *nl;

	if (line >= end)
		return NULL;
	nl = memchr(line, '\n', (size_t)(end - line));
	*len = (size_t)((nl ? nl : end) - line);
	*at = nl ? nl + 1 : end;
	return line;
}

static const char *next_counting(const char **at, const char *end, bool exact, size_t *len)
{
	const char *line;

	do
		line = next_line(at, end, len);
	while (line && !*len && !exact);
	return line;
}

static void show(struct text *why, const char *what, const char *s, size_t size)
{
	const char *at = s, *line;
	size_t len;

	if (!size)
		text_printf(why, "    %s: nothing\n", what);
	else
		text_printf(why, "    %s:\n", what);
	while ((line = next_line(&at, s + size, &len)))
		text_printf(why, "      |%.*s|\n", (int)len, line);
}

/*
 * Lines in their order. Empty lines do not count (`out ||` needs none), except for an exact check.
 * A difference is shown at its first line, then the whole of what came.
 */
static void check_lines(struct text *why, const char *what, const struct lines *want, bool exact,
			const char *s, size_t size)
{
	const char *at = s, *line = NULL;
	size_t len = 0;
	unsigned i;

	for (i = 0; i < want->n; i++) {
		if (!exact && !*want->text[i])
			continue;
		line = next_counting(&at, s + size, exact, &len);
		if (!line || len != strlen(want->text[i]) || memcmp(line, want->text[i], len) != 0)
			break;
	}
	if (i == want->n) {
		line = next_counting(&at, s + size, exact, &len);
		if (!line)
			return;
	}
	text_printf(why, "    line %u of %s\n", i + 1, what);
	if (i < want->n)
		text_printf(why, "      want |%s|\n", want->text[i]);
	else
		text_printf(why, "      want no more\n");
	if (line)
		text_printf(why, "      got  |%.*s|\n", (int)len, line);
	else
		text_printf(why, "      got no more\n");
	show(why, what, s, size);
}

static bool contains(const char *s, size_t size, const char *part)
{
	return memmem(s, size, part, strlen(part)) != NULL;
}

static bool like(struct text *why, const char *s, size_t size, const char *pattern)
{
	const char *at = s, *line;
	bool found = false;
	regex_t re;
	size_t len;

	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB)) {
		text_printf(why, "    no regular expression: %s\n", pattern);
		return true;
	}
	while (!found && (line = next_line(&at, s + size, &len))) {
		char *copy = strndup(line, len);

		found = copy && regexec(&re, copy, 0, NULL, 0) == 0;
		free(copy);
	}
	regfree(&re);
	return found;
}

/* The loose checks of one stream; the stream is shown once if any of them fails. */
static void check_loose(struct text *why, const char *what, const struct lines *has,
			const struct lines *hasnt, const struct lines *patterns, const char *s,
			size_t size)
{
	size_t before = why->len;

	for (unsigned i = 0; i < has->n; i++)
		if (!contains(s, size, has->text[i]))
			text_printf(why, "    no line of %s has: %s\n", what, has->text[i]);
	for (unsigned i = 0; i < hasnt->n; i++)
		if (contains(s, size, hasnt->text[i]))
			text_printf(why, "    a line of %s has: %s\n", what, hasnt->text[i]);
	for (unsigned i = 0; i < patterns->n; i++)
		if (!like(why, s, size, patterns->text[i]))
			text_printf(why, "    no line of %s is like: %s\n", what,
				    patterns->text[i]);
	if (why->len > before)
		show(why, what, s, size);
}

void result_check(const struct test_case *c, const struct result *r, struct text *why)
{
	if (r->late) {
		text_printf(why, "    the time of %g s was over\n", c->timeout);
		show(why, "stdout", r->out, r->out_len);
	} else if (r->status != c->status) {
		text_printf(why, "    status %d, want %d\n", r->status, c->status);
	}
	if (c->has_out)
		check_lines(why, "stdout", &c->out, false, r->out, r->out_len);
	if (c->has_exact)
		check_lines(why, "stdout", &c->exact, true, r->out, r->out_len);
	if (c->has_err)
		check_lines(why, "stderr", &c->err, false, r->err, r->err_len);
	check_loose(why, "stdout", &c->has, &c->hasnt, &c->like, r->out, r->out_len);
	check_loose(why, "stderr", &c->errhas, &c->errhasnt, &c->errlike, r->err, r->err_len);
	if (contains(r->err, r->err_len, "AddressSanitizer") ||
	    contains(r->err, r->err_len, "LeakSanitizer") ||
	    contains(r->err, r->err_len, "runtime error:"))
		text_printf(why, "    a sanitizer spoke\n");
	if (why->len && r->err_len && !c->has_err)
		show(why, "stderr", r->err, r->err_len);
}
