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

/* ---- pages: a fault for every 64 KB would cost more than a filter */

/* Maps the piece that nobody maps yet; false: there is none. */
static bool map_next(struct bytes *s)
{
	size_t at = __atomic_fetch_add(&s->claimed, AHEAD, __ATOMIC_RELAXED);

	if (at >= s->size)
		return false;
	madvise((void *)(uintptr_t)(s->map + at), MIN(s->size - at, (size_t)AHEAD),
		MADV_POPULATE_READ);
	return true;
}

/* Maps what comes, and lets go of what was read. */
static void *help(void *arg)
{
	struct bytes *s = arg;
	size_t gone = 0, passed;

	while (!__atomic_load_n(&s->enough, __ATOMIC_RELAXED) && map_next(s)) {
		passed = __atomic_load_n(&s->passed, __ATOMIC_RELAXED) / AHEAD * AHEAD;
		if (passed > gone)
			madvise((void *)(uintptr_t)(s->map + gone), passed - gone, MADV_DONTNEED);
		gone = passed;
	}
	return NULL;
}

/* Another processor, where there is one, does that for a long file. */
static void start_help(struct bytes *s)
{
	cpu_set_t cpus;
	sigset_t most, was;

	if (s->helped || s->size - s->at < HELPED_LEAST ||
	    sched_getaffinity(0, sizeof(cpus), &cpus) || CPU_COUNT(&cpus) < 2)
		return;
	sigfillset(&most);
	sigdelset(&most, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &most, &was);
	s->enough = false;
	s->helped = !pthread_create(&s->helper, NULL, help, s);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
}

static void stop_help(struct bytes *s)
{
	if (!s->helped)
		return;
	__atomic_store_n(&s->enough, true, __ATOMIC_RELAXED);
	pthread_join(s->helper, NULL);
	s->helped = false;
}

const u8 *bytes_map_ahead(struct bytes *s, size_t from)
{
	const size_t piece = from / AHEAD * AHEAD;

	if (s->mapped && !s->shrunk) {
		__atomic_store_n(&s->passed, from, __ATOMIC_RELAXED);
		start_help(s);
		while (__atomic_load_n(&s->claimed, __ATOMIC_RELAXED) <= from && map_next(s))
			;
	}
	s->ahead = MIN(s->size, piece + AHEAD);
	return s->map + s->ahead;
}

/* ---- files that change */

/* A file that is being written has more by now. */
static bool grow(struct bytes *s)
{
	struct stat st;
	void *p;

	if (!s->mapped || s->shrunk || fstat(s->fd, &st) || (size_t)st.st_size <= s->size)
		return false;
	stop_help(s);
	torn_forget(s);
	p = mremap((void *)(uintptr_t)s->map, s->span, (size_t)st.st_size, MREMAP_MAYMOVE);
	if (p != MAP_FAILED) {
		s->map = p;
		s->size = s->span = (size_t)st.st_size;
	}
	return torn_watch(s) && p != MAP_FAILED;
}

bool bytes_tear(struct bytes *s)
{
	struct stat st;

	stop_help(s);
	s->torn = false;
	s->shrunk = true;
	s->size = MIN(s->size, s->torn_at);
	if (!fstat(s->fd, &st))
		s->size = MIN(s->size, (size_t)st.st_size);
	s->at = MIN(s->at, s->size);
	s->ahead = MIN(s->ahead, s->size);
	return true;
}

const u8 *bytes_more(struct bytes *s, size_t n)
{
	if (s->map)
		return grow(s) && s->size - s->at >= n ? s->map + s->at : NULL;
	while (s->text.n - s->at < n)
		if (!fill(s))
			return NULL;
	return (const u8 *)s->text.p + s->at;
}

/* ---- */

static bool is_gzip(const u8 *p)
{
	return p && p[0] == 0x1f && p[1] == 0x8b;
}

static void unmap(struct bytes *s)
{
	torn_forget(s);
	munmap((void *)(uintptr_t)s->map, s->span);
	s->mapped = false;
}

/* All of it at once: a packed file is as long as it is. */
static int unpack(struct bytes *s, const char *name, struct diag *d)
{
	struct buf out = {0};
	int err;

	while (fill(s))
		;
	if (s->map)
		err = gunzip(&out, s->map + s->at, s->size - s->at, UNPACKED_MOST);
	else
		err = gunzip(&out, s->text.p, s->text.n, UNPACKED_MOST);
	if (err) {
		buf_free(&out);
		return diag_fail(d, err, "gzip -t checks it", "%s cannot be unpacked: %s", name,
				 err == -EINVAL ? "it is broken or cut off" : strerror(-err));
	}
	if (s->mapped)
		unmap(s);
	buf_free(&s->text);
	s->text = out;
	s->map = (const u8 *)out.p;
	s->size = out.n;
	s->at = 0;
	return 0;
}

/* From where the descriptor stands: another may have read what is in front of it. */
static bool use_map(struct bytes *s, const void *map, size_t size)
{
	off_t at = lseek(s->fd, 0, SEEK_CUR);

	s->map = map;
	s->size = s->span = size;
	s->at = at > 0 ? MIN((size_t)at, size) : 0;
	s->mapped = torn_watch(s);
	if (!s->mapped)
		s->map = NULL;
	else
		madvise((void *)(uintptr_t)map, size, MADV_SEQUENTIAL);
	return s->mapped;
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
	if (p != MAP_FAILED && !use_map(s, p, (size_t)st.st_size))
		munmap(p, (size_t)st.st_size); /* then it is read */
	return is_gzip(bytes_peek(s, 2)) ? unpack(s, name, d) : 0;
}

void bytes_close(struct bytes *s)
{
	stop_help(s);
	if (s->mapped)
		unmap(s);
	buf_free(&s->text);
	if (s->fd >= 0)
		close(s->fd);
}
