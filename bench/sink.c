/*
 * sink.c: how many records a second the sinks format on one core: opensnoop-like records
 * { pid, comm, fd, path } as printf lines, as table rows and as JSON, written to a file.
 *
 *	cc -O2 -D_GNU_SOURCE -Iinclude -Isrc -o build/sink bench/sink.c build/inner.a
 *	build/sink [FILE]		(default /dev/null)
 */
#include "sink/sink.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define RECORDS  4000000u
#define DISTINCT 64

struct open_record {
	u32 pid;
	char comm[16];
	s32 fd;
	char path[64];
};

static struct field fields[] = {
	{.name = "pid", .kind = FIELD_UINT, .size = 4, .width = 7},
	{.name = "comm", .kind = FIELD_STR, .off = 4, .size = 16, .width = 16},
	{.name = "fd", .kind = FIELD_INT, .off = 20, .size = 4, .width = 4},
	{.name = "path", .kind = FIELD_STR, .off = 24, .size = 64},
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fill(struct open_record *r)
{
	static const char *const paths[] = {"/etc/hosts", "/proc/self/status",
					    "/usr/lib/x86_64-linux-gnu/libc.so.6",
					    "/sys/fs/cgroup/system.slice/memory.current"};

	for (u32 i = 0; i < DISTINCT; i++) {
		r[i] = (struct open_record){.pid = i * 7919 % 99991, .fd = (s32)(i % 20) - 2};
		snprintf(r[i].comm, sizeof(r[i].comm), "worker-%u", i);
		snprintf(r[i].path, sizeof(r[i].path), "%s", paths[i % 4]);
	}
}

static int run(const char *what, const char *format, u8 action, int fd)
{
	static struct open_record records[DISTINCT];
	struct object object = {0};
	struct schema schema = {.name = action == ACTION_EMIT ? "emit" : "printf",
				.layout = {fields, 4, sizeof(struct open_record)},
				.action = {.kind = action, .text = "%d %s %d %s\n"}};
	struct diag diag = {0};
	struct sink s;
	double start, took;
	int err;

	object.schemas.v = &schema;
	object.schemas.n = 1;
	fill(records);
	err = sink_open(&s, format, &object, fd, false, &diag);
	if (err)
		return err;
	start = seconds();
	for (u32 i = 0; i < RECORDS; i++)
		sink_record(&s, &schema, i, 0, &records[i % DISTINCT], sizeof(*records));
	err = sink_flush(&s, true);
	took = seconds() - start;
	printf("%-14s %6.2f M records/s  %5.1f ns  %5.1f bytes each\n", what, RECORDS / took / 1e6,
	       took / RECORDS * 1e9, (double)s.bytes / RECORDS);
	sink_close(&s);
	return err;
}

int main(int argc, char **argv)
{
	int fd = open(argc > 1 ? argv[1] : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int err = fd < 0;

	for (u32 i = 0; i < 3 && !err; i++) {
		err |= run("text printf", "text", ACTION_PRINTF, fd);
		err |= run("text emit", "text", ACTION_EMIT, fd);
		err |= run("json printf", "json", ACTION_PRINTF, fd);
		err |= run("json emit", "json", ACTION_EMIT, fd);
	}
	return err ? 1 : 0;
}
