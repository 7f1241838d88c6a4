/* tools.h: the tools: scripts that are part of this program. Private to the files of the commands.
 */
#ifndef CLI_TOOLS_H
#define CLI_TOOLS_H

#include <stdbool.h>
#include <stddef.h>

struct tool {
	const char *name, *packed, *end;
};
extern const struct tool tools[]; /* by name; ends with a row without one */
const struct tool *tool_find(const char *name);
const char *tool_text(const struct tool *); /* its script */

/*
 * The head of a script is the comment at its beginning: "NAME: what it does" on its first line,
 * then lines that begin with a word: "view", "everybody", "family", "alone", "args", "option", "param",
 * "always", "lacks", "example"; then text.
 */
struct tool_line {
	const char *word,
		*text; /* what is behind the word; of the first line "", and what it does */
	size_t nword, ntext;
};
/* The line at *at, which is the tool's text at first, and goes on; 0: the head has ended. Lines
 * without one of these words have nword 0. */
int tool_line(const char **at, struct tool_line *);

/* "-x --failed VALUE<tabs>what it does"; with "=max-map-keys" before the tabs it is another name of
 * tracing's --max-map-keys, with "=stack-mode raw" of --stack-mode raw. */
struct tool_option {
	char letter;              /* or 0 */
	bool always;              /* it is so without it, too: `does` says how */
	bool lacks;               /* there is none: `does` is why, and what to do */
	bool own;                 /* the script's own, also where tracing has one of that name */
	char name[32], takes[48]; /* takes: "": nothing */
	const char *same, *value; /* in takes: the name in tracing, and with what; or NULL */
	const char *does;
	size_t ndoes;
};
int tool_option(const struct tool_line *, struct tool_option *);

void tool_help(const struct tool *);
/* What is meant by bcc's name of a function, tracepoint or static probe, as a probe; returns: where the
 * function ends. NULL: no memory. */
char *tool_probe(const char *word, bool returns);
struct waggle_opts;

/* "c:(read|write)$": a list of probes, malloced, whose names begin as the regular expression behind the last
 * colon says, as Python's match() takes it. 0, or a status behind a message. */
int tool_regexp(const char *word, bool returns, const struct waggle_opts *, char **probes);
int tool_run(const struct tool *, int argc, char **argv);
int cmd_tools(int argc, char **argv);

#endif
