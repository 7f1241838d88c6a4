/* report.c: messages on the terminal: place, sentence, the line, a caret, the way out. */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
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
	const char *no = getenv("NO_COLOR");

	return isatty(STDERR_FILENO) && !(no && *no);
}

/* Under the line, tabs are kept so that the caret stands where it belongs. */
static void show_place(const struct waggle_diag *d)
{
	fprintf(stderr, "%5u | %s\n      | ", d->line, d->source);
	for (unsigned i = 1; i < d->col && d->source[i - 1]; i++)
		fputc(d->source[i - 1] == '\t' ? '\t' : ' ', stderr);
	fputc('^', stderr);
	for (unsigned i = 1; i < d->len; i++)
		fputc('~', stderr);
	if (d->hint)
		fprintf(stderr, " %s", d->hint);
	fputc('\n', stderr);
}

void report_diag(void *user, const struct waggle_diag *d)
{
	const char *colour = colours() ? levels[d->level].colour : "";
	const char *plain = *colour ? "\033[0m" : "";

	(void)user;
	fflush(stdout);
	if (d->line)
		fprintf(stderr, "%s:%u:%u: ", d->file ? d->file : "script", d->line, d->col);
	else
		fputs("waggle: ", stderr);
	fprintf(stderr, "%s%s:%s %s\n", colour, levels[d->level].word, plain, d->text);
	if (d->line && d->source)
		show_place(d);
	else if (d->hint)
		fprintf(stderr, "        %s\n", d->hint);
}

void report_out(void *user, const char *text, size_t len)
{
	(void)user;
	fwrite(text, 1, len, stdout);
}

int usage_error(const char *fmt, ...)
{
	va_list ap;

	fputs("waggle: error: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\n        `waggle -h` tells how it is used\n", stderr);
	return STATUS_USAGE;
}

int status_of(int err)
{
	if (err == -EPERM || err == -EACCES)
		return STATUS_PERMISSION;
	return err < 0 ? STATUS_ERROR : err;
}
