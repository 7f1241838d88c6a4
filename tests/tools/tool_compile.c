/*
 * tool_compile.c: compiles scripts, each once, as `waggle FILE` would.
 *
 * In:  files. Out: a line for each: its name, and whether it can be compiled for this machine. Who
 * counts (valgrind, strace) finds each in a call of waggle_compile().
 */
#include "waggle.h"

#include <stdio.h>
#include <string.h>

#define SOURCE_MOST 65536

static void quiet(void *user, const struct waggle_diag *d)
{
	(void)user;
	(void)d;
}

/* Tools have arguments; `waggle TOOL` fills in those that are not given. */
static int arguments_of(const char *text, char ***args)
{
	static char *probes[] = {"tracepoint:syscalls:sys_enter_getpid",
				 "tracepoint:syscalls:sys_exit_getpid"};
	static char *numbers[] = {"1", "0"};

	*args = strstr(text, "\n * args PATTERN") || strstr(text, "\n * args FUNCTION") ? probes
										       : numbers;
	return strstr(text, "\n * args ") ? 2 : 0;
}

static int compile_file(const char *path)
{
	static char text[SOURCE_MOST];
	struct waggle_opts opts = {.sz = sizeof(opts), .name = path, .diag = quiet, .no_command = true,
				   .here = true};
	struct waggle_object *object = NULL;
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	int err;

	if (f)
		fclose(f);
	text[n] = 0;
	opts.argc = arguments_of(text, &opts.argv);
	err = waggle_compile(&object, WAGGLE_SCRIPT, text, n, &opts);
	waggle_object_free(object);
	return err;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		printf("%s %s\n", argv[i], compile_file(argv[i]) ? "not here" : "compiled");
	return 0;
}
