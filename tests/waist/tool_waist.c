/*
 * tool_waist.c: objects of ours, in other hands.
 *
 *   tool_waist [-l] OBJECT...
 *
 * In:  files that `waggle build` wrote. Each is read and written again, and must be the same byte
 *      by byte; -l: libbpf opens and loads it into the kernel (nothing is attached), too.
 * Out: `ok FILE` or `not ok FILE: WHY` for each; what libbpf said goes below a failure, indented.
 */
#include "object/object.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct buf said; /* by libbpf about the file at hand */

static int hear(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[4096];

	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(line, sizeof(line), fmt, ap);
	buf_puts(&said, line);
	return 0;
}

static int read_file(const char *path, struct buf *out)
{
	FILE *in = fopen(path, "r");
	int c;

	if (!in)
		return -errno;
	while ((c = getc(in)) != EOF)
		buf_char(out, (char)c);
	fclose(in);
	return 0;
}

/* NULL, or what is wrong. */
static const char *same_again(const struct buf *file)
{
	struct object *object = NULL;
	const char *why = NULL;
	struct buf again = {0};
	struct diag quiet = {0};

	if (object_read_elf(&object, file->p, file->n, "object", &quiet))
		why = "it cannot be read again";
	else if (object_write_elf(object, &again, &quiet))
		why = "it cannot be written again";
	else if (again.n != file->n || memcmp(again.p, file->p, file->n))
		why = "written again it is another";
	object_free(object);
	buf_free(&again);
	return why;
}

static const char *libbpf_loads(const struct buf *file)
{
	struct bpf_object *o = bpf_object__open_mem(file->p, file->n, NULL);
	const char *why = NULL;

	if (!o)
		return "libbpf does not open it";
	if (bpf_object__load(o))
		why = "libbpf does not load it";
	bpf_object__close(o);
	return why;
}

int main(int argc, char **argv)
{
	bool load = argc > 1 && !strcmp(argv[1], "-l");
	int failed = 0;

	libbpf_set_print(hear);
	for (char **path = argv + 1 + load; *path; path++) {
		struct buf file = {0};
		const char *why;

		said.n = 0;
		why = read_file(*path, &file) ? "it cannot be opened" : same_again(&file);
		if (!why && load)
			why = libbpf_loads(&file);
		buf_free(&file);
		if (!why) {
			printf("ok %s\n", *path);
			continue;
		}
		failed = 1;
		printf("not ok %s: %s\n", *path, why);
		for (char *line = strtok((char *)buf_str(&said), "\n"); line; line = strtok(NULL, "\n"))
			printf("    %s\n", line);
	}
	buf_free(&said);
	return failed;
}
