/*
 * util.c: clocks, medians, and the bench's folder for files.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char folder[256];

uint64_t bench_now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void bench_pause(unsigned ms)
{
	struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* What is no number comes from a run that failed: it is left out. */
static unsigned sort(double *v, unsigned n)
{
	unsigned m = 0;

	for (unsigned i = 0; i < n; i++)
		if (!isnan(v[i]))
			v[m++] = v[i];
	qsort(v, m, sizeof(*v), compare);
	return m;
}

double median(double *v, unsigned n)
{
	unsigned m = sort(v, n);

	if (!m)
		return NAN;
	return m % 2 ? v[m / 2] : (v[m / 2 - 1] + v[m / 2]) / 2;
}

double quartile(double *v, unsigned n)
{
	unsigned m = sort(v, n);

	return m ? v[m / 4] : NAN;
}

double highest(double *v, unsigned n)
{
	double h = NAN;

	for (unsigned i = 0; i < n; i++)
		h = fmax(h, v[i]);
	return h;
}

int scratch_open(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%s/waggle-bench-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	return mkdtemp(folder) ? 0 : -errno;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void scratch_close(void)
{
	if (*folder)
		nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *scratch(const char *name)
{
	static char path[8][512];
	static unsigned turn;
	char *p = path[turn++ % 8];

	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

const char *found(const char *program)
{
	static char path[8][512];
	static unsigned turn;
	char *p = path[turn++ % 8], *dirs = getenv("PATH"), *copy, *dir, *next;
	bool here = false;

	copy = strdup(dirs ? dirs : "/usr/bin:/bin:/usr/sbin:/sbin");
	for (next = copy; copy && !here && (dir = strsep(&next, ":"));) {
		snprintf(p, sizeof(path[0]), "%s/%s", dir, program);
		here = !access(p, X_OK);
	}
	free(copy);
	return here ? p : NULL;
}

uint64_t count_lines(const char *path)
{
	static char buf[1 << 16];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t lines = 0;
	bool first = true; /* the next byte starts a line */
	ssize_t n;

	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0)
		for (char *p = buf, *end = buf + n; p && p < end;) {
			lines += first && *p >= '0' && *p <= '9';
			p = memchr(p, '\n', (size_t)(end - p));
			first = p;
			p += first;
		}
	if (fd >= 0)
		close(fd);
	return lines;
}

char *file_text(const char *path, size_t *n)
{
	FILE *f = fopen(path, "re");
	size_t room = 65536, got;
	char *p = f ? malloc(room) : NULL;

	*n = 0;
	while (p && (got = fread(p + *n, 1, room - *n - 1, f)) > 0) {
		char *bigger = p;

		*n += got;
		if (*n + 1 == room)
			bigger = realloc(p, room *= 2);
		if (!bigger)
			free(p);
		p = bigger;
	}
	if (f)
		fclose(f);
	if (p)
		p[*n] = 0;
	return p;
}
