/*
 * load.c: loads and attaches a program by hand with libbpf, runs a command under it.
 *
 *	load OBJECT COMMAND [ARGUMENTS]
 *
 * The command waits until all is attached; its pid is in the object's .rodata as `target`. Records
 * are taken out of the ring each millisecond and thrown away, so that it never fills.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int forget(void *user, void *data, size_t size)
{
	(void)user;
	(void)data;
	(void)size;
	return 0;
}

static int quiet(enum libbpf_print_level level, const char *format, va_list ap)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, ap) : 0;
}

/* `target` is the first and only variable of .rodata. */
static int set_target(struct bpf_object *object, uint32_t pid)
{
	struct bpf_map *map = NULL;

	bpf_object__for_each_map(map, object)
	{
		if (strstr(bpf_map__name(map), ".rodata"))
			return bpf_map__set_initial_value(map, &pid, sizeof(pid));
	}
	return 0;
}

static pid_t start(char **argv, int *go)
{
	int fds[2];
	pid_t pid;
	char byte;

	if (pipe(fds))
		return -1;
	pid = fork();
	if (!pid) {
		close(fds[1]);
		if (read(fds[0], &byte, 1) == 1)
			execvp(argv[0], argv);
		_exit(127);
	}
	close(fds[0]);
	*go = fds[1];
	return pid;
}

static int attach(struct bpf_object *object)
{
	struct bpf_program *prog = NULL;
	int err = bpf_object__load(object);

	if (err)
		return err;
	bpf_object__for_each_program(prog, object)
	{
		if (!bpf_program__attach(prog))
			return -errno;
	}
	return 0;
}

static int watch(struct bpf_object *object, pid_t pid)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, "events");
	struct ring_buffer *ring =
		map ? ring_buffer__new(bpf_map__fd(map), forget, NULL, NULL) : NULL;
	struct timespec nap = {0, ring ? 1000000 : 20000000};
	int status;

	while (!waitpid(pid, &status, WNOHANG)) {
		if (ring)
			ring_buffer__consume(ring);
		nanosleep(&nap, NULL);
	}
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	pid_t pid;
	int go, err;

	if (argc < 3)
		return 2;
	libbpf_set_print(quiet);
	pid = start(argv + 2, &go);
	object = bpf_object__open(argv[1]);
	if (pid < 0 || !object)
		return 1;
	err = set_target(object, (uint32_t)pid);
	if (!err)
		err = attach(object);
	if (err) {
		fprintf(stderr, "load: %s: %s\n", argv[1], strerror(-err));
		return 1;
	}
	if (write(go, "", 1) != 1)
		return 1;
	close(go);
	return watch(object, pid);
}
