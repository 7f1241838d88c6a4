/*
 * behave.h: what the parts of the behaviour runner share.
 *
 * A case is a script and what must come of it. case.c reads cases from files, needs.c says whether
 * this machine can run one, run.c runs it, check.c compares, leak.c looks whether anything stayed
 * behind in the kernel, oracle.c turns a script into the dialect of bpftrace 0.17. The runner links
 * with nothing but libc, as it also runs in guests that have no libraries.
 */
#ifndef BEHAVE_H
#define BEHAVE_H

#include <stdbool.h>
#include <stddef.h>

#define MAX_LINES 128 /* of one directive in one case */

/* Lines in the order of the file; the text belongs to the file's buffer. */
struct lines {
	const char *text[MAX_LINES];
	unsigned n;
};

enum engine { ENGINE_KERNEL = 1, ENGINE_USER = 2, ENGINE_INPROCESS = 4, ENGINE_COMPILER = 8 };

struct test_case {
	const char *file, *name;
	unsigned line; /* of the file, from 1 */
	const char *script, *args, *run, *shell, *differs;
	struct lines needs, proves, out, exact, err, has, hasnt, like, errhas, errhasnt, errlike;
	bool has_out, has_exact, has_err; /* was given, if only as "none" */
	unsigned engines;      /* of enum engine */
	bool on_host, on_guest;
	int status;
	double timeout; /* seconds */
	struct test_case *next;
};

struct options {
	const char *waggle, *pattern, *prefix;
	bool verbose, guest, oracle, list;
	unsigned engines;
	double patience; /* factor of all time limits */
	size_t slowest;  /* this many cases are named at the end */
};

/* What a run gave. The texts are malloc'ed and end with a NUL. */
struct result {
	char *out, *err;
	size_t out_len, err_len;
	int status; /* as a shell gives it: 128 + N for signal N */
	bool late;  /* the time was over */
	double seconds;
	char command[4096]; /* to repeat it by hand */
};

/* A text that grows; free the text. */
struct text {
	char *s;
	size_t len, room;
};
void text_add(struct text *t, const char *s, size_t len);
void text_printf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* case.c: append the cases of a file to *tail. Returns the new tail or NULL after a message. */
struct test_case **cases_read(const char *path, struct test_case **tail);

/* needs.c: is the case for this kind of machine; NULL, or why it cannot run here (static). */
bool case_is_for(const struct test_case *c, const struct options *o);
const char *needs_missing(const struct test_case *c, enum engine e, const struct options *o);
bool need_known(const char *text);
bool have_program(const char *name);

/* run.c: run a case in a fresh folder. Returns 0, or -errno when it could not even be started. */
int case_run(const struct test_case *c, enum engine e, const struct options *o, struct result *r);
void result_free(struct result *r);
double now_seconds(void);

/* check.c: append to `why` what differs; nothing when all is as it should be. */
void result_check(const struct test_case *c, const struct result *r, struct text *why);

/* leak.c: BPF programs of the machine before a case, and what is left of it some time after. */
struct programs {
	unsigned *id;
	size_t n;
	bool known; /* false: no right to ask */
};
void programs_list(struct programs *p);
/* Waits until what earlier cases left to be closed is closed: where the kernel still has a user
 * probe, a breakpoint of the user engine would be taken for it, or taken away with it. */
void closers_wait(const struct options *o);
void programs_free(struct programs *p);
void leak_check(const struct programs *before, const struct options *o, struct text *why);

/* oracle.c: the same script for bpftrace 0.17 (malloc'ed); drop what it says about attaching. */
char *oracle_script(const char *script);
void oracle_output(char *out, size_t *len);

#endif
