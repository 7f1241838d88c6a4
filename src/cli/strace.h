/* strace.h: what `waggle strace` was asked for. Private to strace*.c. */
#ifndef CLI_STRACE_H
#define CLI_STRACE_H

#include "cli/trace.h"

enum { STRACE_LIST_MOST = 64 };

struct strace_options {
	struct trace trace;
	struct waggle_strace what;
	const char *output;
	bool append, separately;
	unsigned letters[512]; /* how often an option without a value was given */
	int pids[STRACE_LIST_MOST + 1];
	char *only[2 * STRACE_LIST_MOST + 1];
	unsigned npids, nonly;
	char *real[STRACE_LIST_MOST]; /* of paths of -P, ours to free */
	unsigned nreal;
	struct waggle_user user; /* sz 0: none is given */
	unsigned groups[STRACE_LIST_MOST];
	int reader; /* of what goes to a command; 0: none */
};

/* One option. `takes`: NULL nothing, "[=X]" behind its long name alone and not needed. */
struct strace_row {
	int letter; /* or a number from STRACE_LONG on */
	const char *name, *takes;
	int (*take)(struct strace_options *, const char *value); /* NULL: letters[] counts it */
	const char *does;
};
enum { STRACE_LONG = 256 };

/* strace_words.c: values of options; each returns 0 or an exit status. */
int strace_take_expression(struct strace_options *, const char *);
int strace_take_filter(struct strace_options *, const char *);
int strace_take_size(struct strace_options *, const char *);
int strace_take_column(struct strace_options *, const char *);
int strace_take_pid(struct strace_options *, const char *);
int strace_take_path(struct strace_options *, const char *);
int strace_take_user(struct strace_options *, const char *);
int strace_take_threads(struct strace_options *, const char *);
int strace_take_output(struct strace_options *, const char *);
int strace_take_variable(struct strace_options *, const char *);
int strace_take_sort(struct strace_options *, const char *);
int strace_take_columns(struct strace_options *, const char *);
int strace_take_hex(struct strace_options *, const char *);
int strace_take_clock(struct strace_options *, const char *);
int strace_take_relative(struct strace_options *, const char *);
int strace_take_durations(struct strace_options *, const char *);
int strace_take_quiet(struct strace_options *, const char *);
int strace_take_descriptors(struct strace_options *, const char *);
int strace_take_calls(struct strace_options *, const char *);
int strace_take_status(struct strace_options *, const char *);
int strace_take_signals(struct strace_options *, const char *);
int strace_take_raw(struct strace_options *, const char *);
int strace_take_read(struct strace_options *, const char *);
int strace_take_write(struct strace_options *, const char *);
extern const struct absent_option strace_absent[]; /* options of strace(1) that are not here */

#endif
