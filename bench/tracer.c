/*
 * tracer.c: runs a workload under a tracer, takes its report, lets it go.
 *
 * Two FIFOs, which we hold open ourselves so that nobody ever waits for the other end: the report
 * and the permission to end.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATIENCE_MS 30000

static int report_fd = -1, hold_fd = -1;

bool tracer_here(enum tracer t)
{
	switch (t) {
	case BPFTRACE: return found("bpftrace");
	case STRACE: return found("strace");
	default: return true;
	}
}

const char *tracer_name(enum tracer t)
{
	static const char *const names[TRACERS] = {"untraced", "waggle", "bpftrace",
						   "strace",   "C",      "tool"};

	return names[t];
}

static void add(struct words *w, unsigned *n, char *word)
{
	if (*n + 1 < ARRAY(w->v))
		w->v[(*n)++] = word;
	w->v[*n] = NULL;
}

/* The words of `work`, split at blanks in w->text. */
static void add_work(struct words *w, unsigned *n, const char *work)
{
	char *p = w->text, *word;

	snprintf(w->text, sizeof(w->text), "%s", work);
	while ((word = strsep(&p, " ")))
		add(w, n, word);
}

char *const *tracer_argv(enum tracer t, const char *script, const char *work, struct words *w)
{
	char *text = (char *)(uintptr_t)script, *line = (char *)(uintptr_t)work;
	static char loader[512];
	unsigned n = 0;

	if (t == WAGGLE || t == BPFTRACE) {
		add(w, &n, t == WAGGLE ? (char *)(uintptr_t)bench.waggle : "bpftrace");
		if (t == WAGGLE)
			add(w, &n, "-v"); /* says what was lost */
		if (t == WAGGLE && bench.engine) {
			add(w, &n, "--engine");
			add(w, &n, (char *)(uintptr_t)bench.engine);
		}
		add(w, &n, "-e");
		add(w, &n, text);
		if (line)
			add(w, &n, "-c");
		if (line)
			add(w, &n, line);
		return w->v;
	}
	if (t == STRACE) {
		add(w, &n, "strace");
		if (!bench.all_calls) {
			add(w, &n, "-f");
			add(w, &n, "--seccomp-bpf");
		}
		add(w, &n, "-e");
		add(w, &n, text);
	} else if (t == TWIN) {
		snprintf(loader, sizeof(loader), "%s/load", bench.built);
		add(w, &n, loader);
		add(w, &n, text);
	} else if (t == TOOL) {
		add(w, &n, (char *)(uintptr_t)bench.waggle);
		add(w, &n, text);
		add(w, &n, "--quiet");
		add(w, &n, "--");
	}
	add_work(w, &n, work);
	return w->v;
}

const char *work_line(char *line, size_t size, const char *what)
{
	snprintf(line, size, "%s/work -r %s -h %s %s", bench.built, scratch("report"),
		 scratch("hold"), what);
	return line;
}

int held_open(void)
{
	const char *report = scratch("report"), *hold = scratch("hold");

	if (mkfifo(report, 0600) || mkfifo(hold, 0600))
		return -errno;
	report_fd = open(report, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	hold_fd = open(hold, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	return report_fd < 0 || hold_fd < 0 ? -errno : 0;
}

void held_start(struct held *h, enum tracer t, const char *script, const char *what,
		const char *out, const char *err, int cpu)
{
	char line[1024];
	struct words w;

	*h = (struct held){.value = {NAN, NAN, NAN, NAN}};
	work_line(line, sizeof(line), what);
	h->failed = proc_start(&h->tracer, tracer_argv(t, script, line, &w), out, err, cpu);
}

static void take_report(struct held *h)
{
	char text[256] = "", *p = text, *next;
	ssize_t n = read(report_fd, text, sizeof(text) - 1);

	h->failed = n <= 0;
	for (h->values = 0; n > 0 && h->values < 4; h->values++) {
		double v = strtod(p, &next);

		if (next == p)
			break;
		h->value[h->values] = v;
		p = next;
	}
}

void held_report(struct held *h)
{
	int end = (int)syscall(SYS_pidfd_open, h->tracer.pid, 0);
	struct pollfd wait[2] = {{.fd = report_fd, .events = POLLIN},
				 {.fd = end, .events = POLLIN}};

	if (!h->failed && poll(wait, 2, PATIENCE_MS) > 0)
		take_report(h);
	if (end >= 0)
		close(end);
}

void held_release(struct held *h, struct usage *u)
{
	char drop[64];

	if (write(hold_fd, "", 1) != 1)
		h->failed = true;
	proc_wait(&h->tracer, u);
	if (!h->values)
		take_report(h);
	while (read(hold_fd, drop, sizeof(drop)) > 0) /* nobody took it: the tracer failed */
		;
	while (read(report_fd, drop, sizeof(drop)) > 0)
		;
}

double held_run(enum tracer t, const char *script, const char *what, const char *out,
		const char *err, int cpu)
{
	struct usage u;
	struct held h;

	if (!tracer_here(t))
		return NAN;
	bench_pause(300);
	if (t == STRACE) /* it prints where errors go */
		err = out;
	held_start(&h, t, script, what, t == STRACE ? NULL : out, err, cpu);
	held_report(&h);
	held_release(&h, &u);
	return h.failed || u.status ? NAN : h.value[0];
}

/* "31 events, 2 lost" of ours; "Lost 12 events" of bpftrace, as often as it happens. */
double lost_of(enum tracer t, const char *out, const char *err)
{
	double lost = t == WAGGLE ? NAN : 0;

	for (int i = 0; i < 2; i++) {
		size_t n;
		char *text = NULL, *p;

		if (t == BPFTRACE || i)
			text = file_text(i ? err : out, &n);
		p = text;
		if (p && t == WAGGLE && (p = strstr(p, " events, ")))
			lost = strtod(p + strlen(" events, "), NULL);
		while (p && t == BPFTRACE && (p = strstr(p, "Lost ")))
			lost += strtod(p += strlen("Lost "), NULL);
		free(text);
	}
	return lost;
}
