/* bcc.h: the probe syntax of bcc's trace and argdist, translated. Private to bcc*.c. */
#ifndef CLI_BCC_H
#define CLI_BCC_H

#include "cli/trace.h"

/* Text that is put together. */
struct text {
	char *p;
	size_t n;
};
void text_add(struct text *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A part of what was given. */
struct part {
	const char *p;
	size_t n;
};

enum { BCC_PARAMS = 8, BCC_ENTRIES = 8 };
struct bcc_probe {
	const char *all; /* as it was given, for messages */
	char kind;       /* 'p', 'r', 't', 'u' */
	struct part lib, function, signature;
	struct part params[BCC_PARAMS], types[BCC_PARAMS];
	unsigned nparams;
	/* what $entry(x) asks for, and whether $latency is asked for: a probe at the function's
	 * beginning */
	struct part entries[BCC_ENTRIES];
	unsigned nentries, number;
	/* the system call, and the fields of its tracepoint; call.n is 0: it is something else */
	struct part call;
	char fields[BCC_PARAMS][32];
	unsigned nfields;
	bool latency;
	bool binary; /* STRCMP() compares bytes */
};

/* "what is wrong", with a caret under `at`, which lies in probe->all; STATUS_USAGE. */
int bcc_error(const struct bcc_probe *, const char *at, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* KIND:LIB:FUNCTION(SIGNATURE), LIB:FUNCTION, FUNCTION; provider: a static probe may be
 * u:LIB:PROVIDER:PROBE. *at is behind it. 0 or STATUS_USAGE. */
int bcc_head(struct bcc_probe *, const char *text, bool provider, const char **at,
	     const struct waggle_opts *);
/* Is its function that of a system call? */
void bcc_call(struct bcc_probe *, const struct waggle_opts *);
/* "arg0", or the field of a system call. */
void bcc_argument(const struct bcc_probe *, int i, struct text *);
/* Types and members that people write, and that the kernel's types do not have. */
void bcc_types(char *const *probes, int n, struct text *);
/* "kprobe:vfs_read", "uprobe:libc:write" */
void bcc_place(const struct bcc_probe *, bool entry, struct text *);
/* An expression of bcc in our language. */
int bcc_expression(struct bcc_probe *, struct part, struct text *);
/* The part up to one of `ends` that stands in no parentheses and no quotes. */
struct part bcc_until(const char *, const char *ends);
struct part bcc_trim(struct part);
/* A name for the value of an expression, by what it is ("value", where that has none); its length. */
enum { BCC_NAME = 40 };
unsigned bcc_name(struct part, char name[BCC_NAME]);
static inline bool in_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$';
}

/* Runs the script that was made, or prints it, and frees it. command: behind "--", or NULL. */
int bcc_run(struct trace *, const char *tool, struct text *script, char **command, bool print,
	    int status);

/* A tool's own options, and behind them those of tracing by their long names: getopt() gives
 * BCC_COMMON and a row's number. */
enum { BCC_COMMON = OPT_COMMON, BCC_OPTIONS_MOST = 40 + OPTION_ROWS_MOST };
void bcc_options(struct option *to, const struct option *own);
/* A number above 0 of an option: 0, or STATUS_USAGE behind a message. */
int bcc_number(const char *text, long *n);

int cmd_bcc_trace(int argc, char **argv);
int cmd_argdist(int argc, char **argv);

#endif
