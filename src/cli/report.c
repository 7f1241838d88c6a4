/* report.c: messages on the terminal: place, sentence, the line, a caret, the way out. */
#include "cli/cli.h"
#include "cli/tools.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const struct {
	const char *word, *colour;
} levels[] = {
	[WAGGLE_ERROR] = {"error", "\033[1;31m"},
	[WAGGLE_WARNING] = {"warning", "\033[1;35m"},
	[WAGGLE_NOTE] = {"note", "\033[1;36m"},
};

static int colours(void)
{
	const char *no = getenv("NO_COLOR"), *asked = getenv("BPFTRACE_COLOR");

	if (asked && (!strcmp(asked, "always") || !strcmp(asked, "never")))
		return *asked == 'a';
	return isatty(STDERR_FILENO) && !(no && *no);
}

static unsigned width(void)
{
	struct winsize w = {0};

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) || w.ws_col < 40)
		return 120;
	return w.ws_col;
}

/* The part of a long line that is shown, around the caret. Letters of several bytes stay whole. */
static void clip(const struct waggle_diag *d, size_t *from, size_t *to)
{
	size_t len = strlen(d->source), caret = d->col ? d->col - 1 : 0, room = width() - 10;

	*from = 0;
	*to = len;
	if (len <= room)
		return;
	caret = caret < len ? caret : len;
	if (caret > room * 2 / 3)
		*from = caret - room / 2;
	if (len - *from > room)
		*to = *from + room;
	while (*from && (d->source[*from] & 0xc0) == 0x80)
		--*from;
	while (*to < len && (d->source[*to] & 0xc0) == 0x80)
		--*to;
}

/* Under the line, tabs are kept so that the caret stands where it belongs. */
static void show_place(const struct waggle_diag *d)
{
	size_t from, to, at;

	clip(d, &from, &to);
	fprintf(stderr, "%5u | %s%.*s%s\n      | %s", d->line, from ? "…" : "", (int)(to - from),
		d->source + from, d->source[to] ? "…" : "", from ? " " : "");
	for (at = from; at + 1 < d->col && at < to; at++)
		fputc(d->source[at] == '\t' ? '\t' : ' ', stderr);
	fputc('^', stderr);
	for (unsigned i = 1; i < d->len && at + i < to; i++)
		fputc('~', stderr);
	if (d->hint)
		fprintf(stderr, " %s", d->hint);
	fputc('\n', stderr);
}

static const char *asked; /* the command or tool that reads its arguments */

/* Whether a place is in the source of a tool. Its user did not write that: what is wrong is what was
 * asked of it, told by the first error alone, without the place. */
static bool in_tool(const struct waggle_diag *d)
{
	return d->level == WAGGLE_ERROR && d->line && d->file && asked && !strcmp(d->file, asked) &&
	       tool_find(asked);
}

void report_diag(void *user, const struct waggle_diag *d)
{
	static bool told;
	bool place = d->line && !in_tool(d);
	const char *colour = colours() ? levels[d->level].colour : "";
	const char *plain = *colour ? "\033[0m" : "";

	(void)user;
	if (d->line && !place && told)
		return;
	told |= d->line && !place;
	fflush(stdout);
	if (place)
		fprintf(stderr, "%s:%u:%u: ", d->file ? d->file : "script", d->line, d->col);
	else
		fputs("waggle: ", stderr);
	fprintf(stderr, "%s%s:%s %s\n", colour, levels[d->level].word, plain, d->text);
	if (place && d->source)
		show_place(d);
	else if (d->hint)
		fprintf(stderr, "        %s\n", d->hint);
}

void report_errors(void *user, const struct waggle_diag *d)
{
	if (d->level == WAGGLE_ERROR)
		report_diag(user, d);
}

void report_out(void *user, const char *text, size_t len)
{
	(void)user;
	fwrite(text, 1, len, stdout);
}

void usage_about(const char *name)
{
	asked = name;
}

const char *usage_asked(void)
{
	return asked;
}

int usage_error(const char *fmt, ...)
{
	va_list ap;

	fputs("waggle: error: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n        `waggle %s%s` tells how it is used\n", asked ? "help " : "-h",
		asked ? asked : "");
	return STATUS_USAGE;
}

int status_of(int err)
{
	if (err == -ECANCELED) /* the script's --help has been shown */
		return STATUS_OK;
	if (err == -EPERM || err == -EACCES)
		return STATUS_PERMISSION;
	return err < 0 ? STATUS_ERROR : err;
}
