/*
 * tracefs.c: what tracefs tells of a tracepoint: its number, and where the fields of its record are.
 *
 * In:  a row of the attach table, with the fields that the program reads.
 * Out: the number for perf_event_open(2); or a message, when the tracepoint is not there or its
 *      record is not what the program was compiled for. Between 5.10 and 6.12 one tracepoint in six
 *      has moved a field: an object from another kernel would read something else, silently.
 */
#include "engine/kernel/kernel.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NAME_MOST 128

static int tracefs_open(struct kernel_engine *k)
{
	static const char *const places[] = {"/sys/kernel/tracing/events",
					     "/sys/kernel/debug/tracing/events"};
	int root, fd = -1;

	for (u32 i = 0; i < ARRAY_SIZE(places) && fd < 0; i++) {
		fd = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 && errno == EMFILE)
			break;
		if (fd < 0 && errno == EACCES)
			return diag_fail(k->base.diag, -EACCES, "run it as root (sudo waggle ...)",
					 "%s: permission denied", places[i]);
	}
	if (fd < 0 && errno != EMFILE) { /* mounted nowhere: then for us alone */
		root = sys_tracefs();
		fd = root < 0 ? root : openat(root, "events", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (root >= 0)
			close(root);
	}
	if (fd < 0 && errno == EMFILE)
		return why_failed(k, -EMFILE, "cannot open tracefs");
	if (fd < 0)
		return diag_fail(k->base.diag, -ENODEV,
				 "as root: mount -t tracefs tracefs /sys/kernel/tracing",
				 "tracefs is not mounted");
	k->tracefs = fd;
	return 0;
}

/* Reads a file of a tracepoint, "id" or "format". */
static int tracepoint_read(struct kernel_engine *k, const char *pattern, const char *file,
			   struct buf *out)
{
	const char *colon = strchr(pattern, ':');
	char path[2 * NAME_MOST], *p;
	ssize_t n = 0;
	int fd, err;

	if (!colon || strchr(pattern, '/') ||
	    snprintf(path, sizeof(path), "%.*s/%s/%s", (int)(colon - pattern), pattern, colon + 1,
		     file) >= (int)sizeof(path))
		return diag_fail(k->base.diag, -EINVAL, "tracepoints are written category:name",
				 "'%s' is not a tracepoint", pattern);
	if (k->tracefs < 0) {
		err = tracefs_open(k);
		if (err)
			return err;
	}
	fd = openat(k->tracefs, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return diag_fail(k->base.diag, -ENODEV,
				 "ls /sys/kernel/tracing/events/* shows what there is",
				 "this kernel has no tracepoint %s", pattern);
	if (fd < 0)
		return why_failed(k, -errno, "cannot read the %s of tracepoint %s", file, pattern);
	do {
		p = buf_reserve(out, 4096);
		n = p ? read(fd, p, 4096) : 0;
		out->n += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	close(fd);
	return n < 0 ? why_failed(k, -errno, "cannot read the %s of tracepoint %s", file, pattern) :
	       out->failed ? -ENOMEM : 0;
}

/* Does a declaration that ends at `end` declare this name? "const char * filename", "comm[16]" */
static bool declares(const char *start, const char *end, const char *name)
{
	size_t n = strlen(name);

	if (end > start && end[-1] == ']') {
		while (end > start && *end != '[')
			end--;
	}
	return (size_t)(end - start) > n && !memcmp(end - n, name, n) &&
	       !isalnum((u8)end[-(s64)n - 1]) && end[-(s64)n - 1] != '_';
}

static bool field_there(const char *format, const char *name, u32 off, u32 size)
{
	char where[64];

	snprintf(where, sizeof(where), ";\toffset:%u;\tsize:%u;", off, size);
	for (const char *p = format; (p = strstr(p, where)); p++)
		if (declares(format, p, name))
			return true;
	return false;
}

static int fields_check(struct kernel_engine *k, const struct attach *a, const char *format)
{
	const struct object *o = k->base.object;

	for (const char *p = a->fields; p && *p; p = strchr(p, '\n') + 1) {
		char name[NAME_MOST];
		u32 off, size;

		if (!strchr(p, '\n') || sscanf(p, "%127s %u %u", name, &off, &size) != 3)
			return diag_fail(k->base.diag, -EINVAL, NULL,
					 "the object's list of fields of %s is broken", a->pattern);
		if (!field_there(format, name, off, size))
			return diag_fail(k->base.diag, -ESRCH,
					 "compile the script here, or there with --target and a "
					 "file that `waggle target save` wrote here",
					 "%s was compiled for Linux %u.%u: here, field '%s' of "
					 "tracepoint %s is another",
					 o->progs.v[a->prog].probe, o->kernel / 1000,
					 o->kernel % 1000, name, a->pattern);
	}
	return 0;
}

int tracefs_tracepoint(struct kernel_engine *k, const struct attach *a, u32 *id)
{
	struct buf text = {0};
	const char *p;
	int err = tracepoint_read(k, a->pattern, a->fields ? "format" : "id", &text);

	*id = 0;
	if (!err) {
		p = a->fields ? strstr(buf_str(&text), "ID: ") : buf_str(&text);
		if (p)
			*id = (u32)strtoul(p + (a->fields ? 4 : 0), NULL, 10);
		err = !*id	? why_failed(k, -EIO, "cannot attach %s", a->pattern) :
		      a->fields ? fields_check(k, a, buf_str(&text)) :
				  0;
	}
	buf_free(&text);
	return err;
}
