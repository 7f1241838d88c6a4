/* trace.h: what tracing was asked for. Private to trace*.c and filters.c. */
#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include "cli/cli.h"

#include <getopt.h>

struct trace {
	struct waggle_opts opts;
	struct source source;
	const char *script; /* of -e, or a tool's */
	const char *tool;   /* its name, or NULL */
	const char *output;
	char **command;
	char *stages; /* of all -d, with commas */
	char *at;     /* of all --at, a line each */
	bool stats, verbose, list, fmt, dry_run;
};

/* One row of options.def; the last one has neither letter nor name. */
struct option_row {
	char letter;
	const char *name, *takes;
	int (*take)(struct trace *, const char *value); /* NULL: options_take() */
	const char *does;
};
extern const struct option_row option_rows[];
const struct option_row *option_named(const char *name); /* NULL: there is none */
int option_take(struct trace *, const struct option_row *, const char *value);
/* The option of tracing that is called `name`, given by another name, "--buffer-pages": what is wrong with its
 * value is said of that one. */
int option_take_as(struct trace *, const char *name, const char *given, const char *value);
/* All that have long names, behind the names that are there, up to the one without: what getopt()
 * gives for one is `base` and its row's number. `room`: of names, the last one included. */
enum { OPTION_ROWS_MOST = 64 };
void option_append(struct option *names, unsigned room, int base);

/* trace.c: a new one, with what the environment says; and all that it asks for, which frees it. */
int trace_open(struct trace *);
int trace_run(struct trace *, int status);

/* Options, then the script; what is behind it are its parameters. 0 or an exit status. */
int trace_options(struct trace *, int argc, char **argv);

/* filters.c: options that narrow tracing. Each returns 0 or an exit status. */
/* Who that user of /etc/passwd is, a name or a number; false: there is none. Its groups go to
 * `groups`, which must stay. */
bool user_find(const char *user, struct waggle_user *, unsigned *groups, size_t most);
int take_comm(struct trace *, const char *name);
int take_uid(struct trace *, const char *user);
int take_cgroup(struct trace *, const char *path);
int take_container(struct trace *, const char *name);
int take_duration(struct trace *, const char *time);

/* Is there no process of that number, but at most a thread? That is an error of usage, and told. */
bool process_missing(int pid);

/* trace_costs.c: of each probe; printing frees them. */
struct trace_costs {
	struct waggle_cost *v;
	unsigned n;
};
void costs_read(struct trace_costs *, struct waggle_session *);
void costs_print(struct trace_costs *);

#endif
