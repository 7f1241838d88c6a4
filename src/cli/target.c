/* target.c: `waggle target save FILE [PATTERN...]`: this machine, as a compiler sees it. */
#include "cli/cli.h"

#include <string.h>

int cmd_target(int argc, char **argv)
{
	struct waggle_opts opts = {.sz = sizeof(opts), .diag = report_diag};
	int fd, err;

	if (argc < 3 || strcmp(argv[1], "save") != 0)
		return usage_error("target is used as: waggle target save FILE [PATTERN...]");
	fd = output_begin();
	if (fd < 0)
		return STATUS_ERROR;
	err = waggle_target_save(fd, argc > 3 ? (const char *const *)argv + 3 : NULL, &opts);
	return status_of(output_end(fd, err, argv[2]));
}
