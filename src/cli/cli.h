/* cli.h: what the commands share. They use libwaggle through include/waggle.h alone. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "waggle.h"

/* Exit statuses; a command that -c ran gives its own, 128 + N for signal N. */
enum {
	STATUS_OK = 0,
	STATUS_ERROR = 1,
	STATUS_USAGE = 2,
	STATUS_PERMISSION = 3,
	STATUS_NOT_EXECUTABLE = 126,
	STATUS_NOT_FOUND = 127
};

struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the command's name */
	const char *usage, *does;
	bool helps; /* -h tells more than the table: `waggle help NAME` runs it */
};
/* The next word of "a,b,c"; false: that was all. NULL is an empty list. */
struct word {
	const char *p;
	size_t n;
};
bool word_next(const char **list, struct word *);
bool word_is(struct word, const char *name);

extern const struct command commands[]; /* ends with a row without a name */

int cmd_trace(int argc, char **argv); /* `waggle -e ...`, `waggle FILE` */
int cmd_build(int argc, char **argv);
int cmd_fmt(int argc, char **argv);
int cmd_asm(int argc, char **argv);
int cmd_dis(int argc, char **argv);
int cmd_filter(int argc, char **argv);
int cmd_map(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_detach(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_strace(int argc, char **argv);
int cmd_seccomp(int argc, char **argv);
int cmd_target(int argc, char **argv);
int cmd_help(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_tools(int argc, char **argv);
int cmd_capture(int argc, char **argv);
int cmd_drop(int argc, char **argv);
int cmd_completion(int argc, char **argv);

/* report.c */
void report_diag(void *user, const struct waggle_diag *);
void report_errors(void *user,
		   const struct waggle_diag *);            /* the same without warnings and notes */
void report_out(void *user, const char *text, size_t len); /* to stdout */
/* From now on errors of usage point to the help of that command or tool. */
void usage_about(const char *name);
const char *usage_asked(void); /* NULL: none, a script is to be run */
/* "waggle: ..." on stderr; returns STATUS_USAGE. */
int usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int status_of(int err); /* 0 or -errno to an exit status */

/* filters.c: "5", "5s", "500ms", "2m", "1h" */
int take_time(const char *option, const char *text, uint64_t *ns);

/* options.c: options that several commands have; each returns 0 or an exit status. */
enum { OPT_COMMON = 512 };
#define COMMON_OPTIONS                                                 \
	{"unsafe", no_argument, NULL, OPT_COMMON},                     \
		{"include", required_argument, NULL, OPT_COMMON},      \
		{"include-dir", required_argument, NULL, OPT_COMMON},  \
		{"max-strlen", required_argument, NULL, OPT_COMMON},   \
		{"max-map-keys", required_argument, NULL, OPT_COMMON}, \
		{"stack-mode", required_argument, NULL, OPT_COMMON},   \
		{"call-graph", required_argument, NULL, OPT_COMMON},   \
	{                                                              \
		"perf-rb-pages", required_argument, NULL, OPT_COMMON   \
	}
int options_environment(struct waggle_opts *);
/* getopt_long(), by which commands and tools read their options, but that the beginning of a long
 * one is that of the command before one that all have (from OPT_COMMON on), and that what is wrong
 * is told here ('?'). And what options these are: calls fn for each one of a command that has some,
 * "-i" or "--read". */
struct option;
int options_next(int argc, char **argv, const char *letters, const struct option *, int *which);
/* Options that people know from elsewhere: where one is asked for that is none of the command's,
 * options_next() says what does it instead. The last row has no `instead`. */
struct absent_option {
	int letter;       /* or 0 */
	const char *name; /* without dashes, or NULL */
	const char *instead;
};
void options_absent(const struct absent_option *rows);
void options_each(const struct command *, void (*fn)(const char *option, bool takes));
/* option: without dashes; from: how the user called it, for the message, or NULL: so */
int options_take(struct waggle_opts *, const char *option, const char *from, const char *value);
void print_wrapped(int column, const char *text); /* behind so many columns, at 19 */
bool option_print(const char *word); /* that one: "-c", "--pid"; false: there is none */
void manual_print(void);             /* manual.c: waggle(1) */
void options_print(void);            /* trace_options.c: those of tracing, for -h */

/* stop.c: from now on SIGINT and SIGTERM make this descriptor readable, and do nothing else;
 * -errno. */
int stop_on_signals(void);
/* For handlers of signals: what comes next stands in the place of the ^C that the terminal shows.
 */
void stop_shown(int sig);

void command_help(const struct command *); /* help.c; may end the program */

/* list.c; each returns 0, an exit status or -errno. */
int list_probes(const char *pattern, bool verbose, const struct waggle_opts *);
int list_object(const struct waggle_object *, bool verbose, const struct waggle_opts *);

/* output.c; errors are told. output_begin() gives a descriptor to write to, what is there becomes
 * the file's contents at output_end(), unless err says that something failed; returns err or its
 * own. */
int output_open(const char *path);
int output_append(const char *path);
/* What is written goes to a command of the shell; its pid to *pid. < 0: a message was given. */
int output_to_command(const char *command, int *pid);
/* All is written: waits until it has done with it. pid 0: there is none. */
void output_end_command(int fd, int pid);
int output_begin(void);
int output_end(int fd, int err, const char *path);
int output_write(int fd, const char *bytes, size_t n); /* all of them; or -errno */
int output_object(const struct waggle_object *, const char *path);
/* Was all written to stdout? Else says so; returns the status to exit with. */
int output_check(int status);

/* near.c: words one by one, then the nearest is `best`, or NULL. */
struct near_word {
	const char *word, *best;
	unsigned edits;
};
void near_word(struct near_word *, const char *candidate);

/* source.c */
struct source {
	char *text; /* malloc'ed */
	size_t size;
	const char *name;
	int is_object; /* an ELF file */
};
/* Reads a file; reports why not. */
int source_read(struct source *, const char *path);
int source_read_script(struct source *, const char *path); /* the same, with a hint */
void source_free(struct source *);
/* Splits a command line as a shell splits words: blanks, '...', "...", \x. NULL: a quote is open.
 * One malloc'ed block, NULL-terminated. */
char **split_words(const char *line);
/* All words as one text; malloc'ed. */
char *words_join(char **words);

#endif
