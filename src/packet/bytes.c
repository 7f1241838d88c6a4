/*
 * bytes.c: the bytes of a capture file: mapped where that goes, read where they come from a pipe,
 * unpacked where gzip has packed them.
 */
#include "packet/bytes.h"

#include "base/inflate.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK         (1 << 18)
#define PAGE          4096u
#define AHEAD         (8u << 20)
#define HELPED_LEAST  (32u << 20)
#define UNPACKED_MOST (4ull << 30)

/* More of a pipe; false at its end. */
static bool fill(struct bytes *s)
{
	char *room;
	ssize_t n;

	if (s->map || s->ended)
		return false;
	if (s->at) { /* what is used up goes */
		memmove(s->text.p, s->text.p + s->at, s->text.n - s->at);
		s->text.n -= s->at;
		s->gone += s->at;
		s->at = 0;
	}
	room = buf_reserve(&s->text, BLOCK);
	n = -1;
	while (room && (n = read(s->fd, room, BLOCK)) < 0 && errno == EINTR)
		;
	if (n <= 0) {
		s->ended = true;
		return false;
	}
	s->text.n += (size_t)n;
	return true;
}

const u8 *bytes_read(struct bytes *s, size_t n)
{
	while (s->text.n - s->at < n)
		if (!fill(s))
			return NULL;
	return (const u8 *)s->text.p + s->at;
}

static bool is_gzip(const u8 *p)
{
	return p && p[0] == 0x1f && p[1] == 0x8b;
}

/* All of it at once: a packed file is as long as it is. */
static int unpack(struct bytes *s, const char *name, struct diag *d)
{
	struct buf out = {0};
	int err;

	while (fill(s))
		;
	if (s->map)
		err = gunzip(&out, s->map, s->size, UNPACKED_MOST);
	else
		err = gunzip(&out, s->text.p, s->text.n, UNPACKED_MOST);
	if (err) {
		buf_free(&out);
		return diag_fail(d, err, "gzip -t checks it", "%s cannot be unpacked: %s", name,
				 err == -EINVAL ? "it is broken or cut off" : strerror(-err));
	}
	if (s->mapped)
		munmap((void *)(uintptr_t)s->map, s->size);
	buf_free(&s->text);
	s->mapped = false;
	s->text = out;
	s->map = (const u8 *)out.p;
	s->size = out.n;
	s->at = 0;
	return 0;
}

int bytes_open(struct bytes *s, int fd, const char *name, struct diag *d)
{
	struct stat st;
	void *p = MAP_FAILED;

	*s = (struct bytes){.fd = fd};
	if (!fstat(fd, &st) && S_ISDIR(st.st_mode))
		return diag_fail(d, -EISDIR, NULL, "%s is a directory", name);
	if (S_ISREG(st.st_mode) && st.st_size > 0)
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p != MAP_FAILED) {
		s->map = p;
		s->size = (size_t)st.st_size;
		s->mapped = true;
		madvise(p, s->size, MADV_SEQUENTIAL);
	}
	return is_gzip(bytes_peek(s, 2)) ? unpack(s, name, d) : 0;
}

static void map_pages(const struct bytes *s, size_t from)
{
	madvise((void *)(uintptr_t)(s->map + from), MIN(s->size - from, (size_t)AHEAD),
		MADV_POPULATE_READ);
}

static void *map_all(void *arg)
{
	const struct bytes *s = arg;

	for (size_t at = 0; at < s->size && !__atomic_load_n(&s->enough, __ATOMIC_RELAXED);
	     at += AHEAD)
		map_pages(s, at);
	return NULL;
}

/* Where there is another processor, it maps the pages of a long file. */
static void help(struct bytes *s)
{
	cpu_set_t cpus;
	sigset_t all, was;

	if (s->helped || s->size < HELPED_LEAST || sched_getaffinity(0, sizeof(cpus), &cpus) ||
	    CPU_COUNT(&cpus) < 2)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	s->helped = !pthread_create(&s->helper, NULL, map_all, s);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
}

/* A fault for every 64 KB would cost more than the filter. */
const u8 *bytes_ahead(struct bytes *s, size_t from)
{
	size_t page = from / PAGE * PAGE;

	if (!s->mapped)
		return s->map + s->size;
	help(s);
	if (s->helped)
		return s->map + s->size;
	map_pages(s, page);
	return s->map + page + MIN(s->size - page, (size_t)AHEAD);
}

void bytes_close(struct bytes *s)
{
	if (s->helped) {
		__atomic_store_n(&s->enough, true, __ATOMIC_RELAXED);
		pthread_join(s->helper, NULL);
	}
	if (s->mapped)
		munmap((void *)(uintptr_t)s->map, s->size);
	buf_free(&s->text);
	if (s->fd >= 0)
		close(s->fd);
}
