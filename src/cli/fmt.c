/*
 * fmt.c: `waggle fmt FILE...`: scripts as they should be written, on stdout or in their place.
 */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct text {
	char *p;
	size_t n;
	bool failed;
};

static void collect(void *user, const char *text, size_t len)
{
	struct text *t = user;
	char *p = realloc(t->p, t->n + len + 1);

	t->failed |= !p;
	if (!p)
		return;
	t->p = p;
	memcpy(p + t->n, text, len);
	t->n += len;
}

static void report(void *user, const struct waggle_diag *d)
{
	(void)user;
	report_diag(NULL, d);
}

/* Written in place only when something changed, so that a file's time tells the truth. */
static int write_back(const char *path, const struct source *s, const struct text *t)
{
	int fd;

	if (t->n == s->size && !memcmp(t->p, s->text, t->n))
		return 0;
	fd = output_begin();
	if (fd < 0)
		return fd;
	return output_end(fd, output_write(fd, t->p, t->n), path);
}

static int format_file(const char *path, bool in_place)
{
	struct text t = {0};
	struct waggle_opts opts = {
		.sz = sizeof(opts), .name = path, .diag = report, .out = collect, .user = &t};
	struct source s = {0};
	int err = source_read(&s, path);

	if (!err && s.is_object)
		err = usage_error("%s is an object, no script", path);
	if (!err)
		err = waggle_format(s.text, s.size, &opts);
	if (!err && t.failed)
		err = -ENOMEM;
	if (!err && in_place)
		err = write_back(path, &s, &t);
	else if (!err && t.n)
		fwrite(t.p, 1, t.n, stdout);
	free(t.p);
	source_free(&s);
	return status_of(err);
}

int cmd_fmt(int argc, char **argv)
{
	bool in_place = argc > 1 && !strcmp(argv[1], "-i");
	int status = 0, one;

	if (argc < 2 + in_place || (argv[1 + in_place][0] == '-' && argv[1 + in_place][1]))
		return usage_error("fmt takes scripts: waggle fmt [-i] FILE...");
	for (int i = 1 + in_place; i < argc; i++) {
		one = format_file(argv[i], in_place);
		status = status ? status : one;
	}
	return status;
}
