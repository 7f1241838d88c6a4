/* target.c: `waggle target save FILE [PATTERN...]`: this machine, as a compiler sees it. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int cmd_target(int argc, char **argv)
{
	struct waggle_opts opts = {.sz = sizeof(opts), .diag = report_diag};
	int fd, err;

	if (argc < 3 || strcmp(argv[1], "save") != 0)
		return usage_error("target is used as: waggle target save FILE [PATTERN...]");
	fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0) {
		fprintf(stderr, "waggle: error: %s cannot be written: %s\n", argv[2],
			strerror(errno));
		return STATUS_ERROR;
	}
	err = waggle_target_save(fd, argc > 3 ? (const char *const *)argv + 3 : NULL, &opts);
	close(fd);
	return status_of(err);
}
