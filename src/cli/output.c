/*
 * output.c: files that we write: opened only when there is something to put into them, so that what
 * they held survives an error; and what was printed.
 */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_with(const char *path, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666), err = errno;

	if (fd < 0)
		fprintf(stderr, "waggle: error: %s cannot be written: %s\n", path, strerror(err));
	return fd < 0 ? -err : fd;
}

int output_open(const char *path)
{
	return open_with(path, O_TRUNC);
}

int output_append(const char *path)
{
	return open_with(path, O_APPEND);
}

int output_to_command(const char *command, int *pid)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)command, NULL};
	posix_spawn_file_actions_t actions;
	int ends[2], err;

	if (pipe2(ends, O_CLOEXEC)) {
		err = errno;
	} else {
		posix_spawn_file_actions_init(&actions);
		posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
		err = posix_spawn(pid, "/bin/sh", &actions, NULL, argv, environ);
		posix_spawn_file_actions_destroy(&actions);
		close(ends[0]);
		if (!err)
			return ends[1];
		close(ends[1]);
	}
	*pid = 0;
	fprintf(stderr, "waggle: error: cannot run '%s': %s\n", command, strerror(err));
	return -err;
}

void output_end_command(int fd, int pid)
{
	if (!pid)
		return;
	close(fd);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int output_begin(void)
{
	int fd = memfd_create("waggle", MFD_CLOEXEC), err = errno;

	if (fd < 0)
		fprintf(stderr, "waggle: error: no memory for a file: %s\n", strerror(err));
	return fd < 0 ? -err : fd;
}

int output_write(int fd, const char *p, size_t n)
{
	for (const char *end = p + n; p < end;) {
		ssize_t done = write(fd, p, (size_t)(end - p));

		if (done < 0 && errno != EINTR)
			return -errno;
		p += done > 0 ? done : 0;
	}
	return 0;
}

static int copy(int from, int to)
{
	char piece[65536];
	ssize_t n;
	int err;

	while ((n = read(from, piece, sizeof(piece))) > 0)
		if ((err = output_write(to, piece, (size_t)n)) != 0)
			return err;
	return n < 0 ? -errno : 0;
}

int output_end(int fd, int err, const char *path)
{
	int to;

	if (!err) {
		to = output_open(path);
		if (to < 0) {
			close(fd);
			return to;
		}
		err = lseek(fd, 0, SEEK_SET) ? -errno : copy(fd, to);
		if (close(to) && !err)
			err = -errno;
		if (err)
			fprintf(stderr, "waggle: error: %s cannot be written: %s\n", path,
				strerror(-err));
	}
	close(fd);
	return err;
}

int output_check(int status)
{
	int err = fflush(stdout) ? errno : 0;

	if (!err && !ferror(stdout))
		return status;
	fprintf(stderr, "waggle: error: cannot write the output: %s\n", strerror(err ? err : EIO));
	return status ? status : STATUS_ERROR;
}

int output_object(const struct waggle_object *object, const char *path)
{
	int fd = output_begin(), err;

	if (fd < 0)
		return fd;
	err = waggle_object_write(object, fd);
	if (err)
		fprintf(stderr, "waggle: error: the object cannot be made: %s\n", strerror(-err));
	return output_end(fd, err, path);
}
