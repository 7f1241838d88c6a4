/*
 * bench.h: what the parts of the bench share: processes that are timed, what the workload reports,
 * tracers, tables.
 *
 * Every process belongs to the bench: a tracer runs the workload as its command and every script
 * has a predicate on its pid.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define ARRAY(a) (sizeof(a) / sizeof(*(a)))
#define ANY_CPU  (-1)

/* ---- util.c */
uint64_t bench_now(clockid_t clock); /* ns */
void bench_pause(unsigned ms);
double median(double *v, unsigned n);   /* sorts v; NAN for none */
double quartile(double *v, unsigned n); /* the lower one: sorts v */
double highest(double *v, unsigned n);
/* A path in the bench's own folder, gone at the end; one of 8 buffers in turn. */
const char *scratch(const char *name);
int scratch_open(void);
void scratch_close(void);
const char *found(const char *program);       /* its path on PATH, or NULL */
uint64_t count_lines(const char *path);       /* those that start with a digit */
char *file_text(const char *path, size_t *n); /* with a NUL behind; the caller frees it; or NULL */

/* ---- process.c */
struct proc {
	pid_t pid;
	uint64_t *exec_ns; /* CLOCK_MONOTONIC just before exec, written by the child */
};
struct usage {
	int status; /* as a shell shows it; -1: killed, it took too long */
	double wall_ms, cpu_ms, rss_mb;
};
/* out, err: files to write, NULL: nowhere; cpu: run there, or ANY_CPU. 0 or -errno. */
int proc_start(struct proc *p, char *const argv[], const char *out, const char *err, int cpu);
int proc_start_fd(struct proc *p, char *const argv[], int out, int err, int cpu);
void proc_wait(struct proc *p, struct usage *u);

/* ---- tracer.c */
enum tracer { UNTRACED, WAGGLE, BPFTRACE, STRACE, TWIN, TOOL, TRACERS };
struct words {
	char *v[24];
	char text[4096];
};
bool tracer_here(enum tracer t);
const char *tracer_name(enum tracer t);
/* The command line that runs `work` (words with blanks between) under a tracer. script: in the
 * language; of strace, the system calls to follow; of the twin, the object file; of a tool, its name. */
char *const *tracer_argv(enum tracer t, const char *script, const char *work, struct words *w);
/* The same for the workload with options: -r REPORT -h HOLD -c CPU, as text for tracer_argv(). */
const char *work_line(char *line, size_t size, const char *what);

/* A run of a workload: it reports when it has done its work, then waits to be let go, so that the
 * tracer can be looked at meanwhile. */
struct held {
	struct proc tracer;
	double value[4]; /* what the workload reported */
	int values;
	bool failed; /* the tracer ended without a report */
};
int held_open(void);
void held_start(struct held *h, enum tracer t, const char *script, const char *what,
		const char *out, const char *err, int cpu);
void held_report(struct held *h); /* waits for the report */
/* Lets it go and waits for its end; takes the report if that was not done yet. */
void held_release(struct held *h, struct usage *u);
/* All of it; value[0] of the report or NAN. */
double held_run(enum tracer t, const char *script, const char *what, const char *out,
		const char *err, int cpu);
/* What a tracer said it lost, from its messages (of bpftrace also from its output). */
double lost_of(enum tracer t, const char *out, const char *err);

/* ---- table.c */
struct table {
	const char *title;
	char *cell[400];
	unsigned cols, n;
};
void table_open(struct table *t, const char *title, const char *columns); /* "a|b|c" */
void table_cell(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_num(struct table *t, const char *format, double v) __attribute__((format(printf, 2, 0)));
/* "ok" or "MISSED" with the goal's text; nothing where v is no number. */
void table_goal(struct table *t, double v, double limit, bool at_least, const char *goal);
void table_close(struct table *t); /* prints and frees */

/* ---- scripts.c: the ten scripts that programs by hand are compared with */
struct script {
	const char *name, *twin, *text, *work;
};
extern const struct script scripts[];
extern const unsigned nscripts;

/* ---- executed.c: instructions that one event runs through; NAN where our machine cannot tell. */
double executed(const struct script *s, enum tracer t);

/* ---- the parts */
struct bench {
	unsigned rounds;
	const char *waggle;
	const char *built; /* the folder of the bench's programs */
	const char *engine; /* of waggle; NULL: it chooses */
	bool all_calls;	    /* strace without --seccomp-bpf */
	const char *only;  /* scripts whose name has this, of those of cost, compile and tools */
};
extern struct bench bench;

int part_start(void);
int part_size(void);
int part_events(void);
int part_slow(void);
int part_user(void);
int part_latency(void);
int part_packets(void);
int part_drop(void);
int part_cost(void);
int part_compile(void);
int part_tools(void);
int part_ctrlc(void);

#endif
