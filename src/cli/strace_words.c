/*
 * strace_words.c: what options of `waggle strace` take: sets of calls, of signals, of descriptors,
 * forms of times.
 *
 * In:  the text behind an option. Out: struct waggle_strace, or a message that says what there is.
 */
#include "cli/strace.h"

#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static int number(const char *option, const char *text, long most, long *n)
{
	char *end;

	*n = strtol(text, &end, 0);
	if (end == text || *end || *n < 0 || *n > most)
		return usage_error("%s takes a number up to %ld, not '%s'", option, most, text);
	return 0;
}

/* ---- numbers */

int strace_take_size(struct strace_options *o, const char *text)
{
	long n;
	int status = number("-s", text, 4000, &n);

	o->what.strsize = (unsigned)n;
	return status;
}

int strace_take_column(struct strace_options *o, const char *text)
{
	long n;
	int status = number("-a", text, 500, &n);

	o->what.column = (unsigned)n;
	return status;
}

/* "1,2", or with blanks between */
int strace_take_pid(struct strace_options *o, const char *text)
{
	const char *blanks = ", \t\n";

	for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
		size_t len = strcspn(text, blanks);
		unsigned known;
		char word[16];
		long n;

		snprintf(word, sizeof(word), "%.*s", (int)len, text);
		if (number("-p", word, 4194304, &n))
			return STATUS_USAGE;
		if (process_missing((int)n))
			return STATUS_USAGE;
		text += len;
		for (known = 0; known < o->npids && o->pids[known] != n; known++)
			;
		if (known < o->npids)
			continue;
		if (o->npids == STRACE_LIST_MOST)
			return usage_error("-p takes %d processes at most", STRACE_LIST_MOST);
		o->pids[o->npids++] = (int)n;
	}
	o->what.pids = o->pids;
	return o->npids ? 0 : usage_error("-p takes the number of a process");
}

/* "exit!=0", "exit<0", "exit=-2" */
int strace_take_filter(struct strace_options *o, const char *text)
{
	const char *p = text + 4;
	char *end;

	if (strncmp(text, "exit", 4) != 0 || !*p || !strchr("=!<>", *p))
		return usage_error(
			"--filter takes a comparison of the result: exit!=0, exit<0, exit=3");
	o->what.exit_is = *p++;
	p += *p == '=';
	o->what.exit_value = strtoll(p, &end, 0);
	return end == p || *end ? usage_error("--filter compares with a number, not '%s'", p) : 0;
}

/* ---- names */

int strace_take_path(struct strace_options *o, const char *text)
{
	char *real;

	if (o->nonly + 2 > 2 * STRACE_LIST_MOST)
		return usage_error("-P can be given %d times", STRACE_LIST_MOST);
	o->only[o->nonly++] = (char *)text;
	real = realpath(text, NULL);
	if (real && strcmp(real, text) != 0)
		o->only[o->nonly++] = o->real[o->nreal++] = real;
	else
		free(real);
	o->what.only = o->only;
	return 0;
}

int strace_take_output(struct strace_options *o, const char *text)
{
	if (!*text || !text[1 - (*text != '|' && *text != '!')])
		return usage_error("-o takes a file, or a command behind '|'");
	o->output = text;
	return 0;
}

int strace_take_user(struct strace_options *o, const char *text)
{
	o->user = (struct waggle_user){.sz = sizeof(o->user), .groups = o->groups};
	if (!user_find(text, &o->user, o->groups, STRACE_LIST_MOST))
		return usage_error("there is no user '%s': -u takes a name or a number of "
				   "/etc/passwd",
				   text);
	return geteuid() ? usage_error("-u begins the command as another user: root alone can") : 0;
}

/* VAR=VALUE, or VAR: it is taken away. The command inherits what we have. */
int strace_take_variable(struct strace_options *o, const char *text)
{
	(void)o;
	if (strchr(text, '=') ? *text == '=' || putenv((char *)text) : unsetenv(text))
		return usage_error("-E takes VAR=VALUE or VAR, not '%s'", text);
	return 0;
}

int strace_take_columns(struct strace_options *o, const char *text)
{
	const char *wrong = waggle_strace_wrong(text);

	o->what.columns = text;
	if (!*text || wrong)
		return usage_error("there is no column '%.*s': time-percent, total-time, min-time, "
				   "max-time, avg-time, calls, errors, name",
				   (int)(wrong ? strcspn(wrong, ",") : 0), wrong ? wrong : "");
	return 0;
}

int strace_take_sort(struct strace_options *o, const char *text)
{
	o->what.sort = text;
	if (!strcmp(text, "nothing") || !strcmp(text, "none"))
		return 0;
	if (!*text || strchr(text, ',') || waggle_strace_wrong(text))
		return usage_error("-S sorts by time, min-time, max-time, avg-time, calls, errors, "
				   "name or nothing, not by '%s'",
				   text);
	return 0;
}

/* ---- times: [=s|ms|us|ns] */

static int digits(const char *option, struct word w, unsigned *digits)
{
	static const char *const units[] = {"s", "ms", "us", "ns"};

	for (unsigned i = 0; i < 4; i++)
		if (word_is(w, units[i])) {
			*digits = 3 * i;
			return 0;
		}
	return usage_error("%s takes s, ms, us or ns, not '%.*s'", option, (int)w.n, w.p);
}

static struct word whole(const char *text)
{
	return (struct word){text, strlen(text)};
}

int strace_take_relative(struct strace_options *o, const char *text)
{
	o->what.relative = true;
	return text ? digits("--relative-timestamps", whole(text), &o->what.relative_digits)
		    : 0;
}

int strace_take_durations(struct strace_options *o, const char *text)
{
	o->what.durations = true;
	return text ? digits("--syscall-times", whole(text), &o->what.duration_digits) : 0;
}

/* time, unix, none; s, ms, us, ns; "format:unix,precision:ns" */
int strace_take_clock(struct strace_options *o, const char *text)
{
	static const char *const formats[] = {"none", "time", "unix"};
	struct word w;

	o->what.times = 1;
	o->what.time_digits = 0;
	while (word_next(&text, &w)) {
		size_t prefix = strcspn(w.p, ":,") + 1;
		unsigned i = 0;

		if (prefix <= w.n)
			w = (struct word){w.p + prefix, w.n - prefix};
		while (i < 3 && !word_is(w, formats[i]))
			i++;
		if (i < 3)
			o->what.times = i;
		else if (digits("--absolute-timestamps, besides none, time and unix,", w,
				&o->what.time_digits))
			return STATUS_USAGE;
	}
	return 0;
}

/* ---- forms */

int strace_take_hex(struct strace_options *o, const char *text)
{
	static const char *const forms[] = {"none", "non-ascii", "all", "non-ascii-chars"};
	unsigned i = 0;

	while (text && i < 4 && strcmp(forms[i], text) != 0)
		i++;
	o->what.hex = text ? i : 2;
	return i < 4 ? 0
		     : usage_error(
			       "--strings-in-hex takes non-ascii, non-ascii-chars, all or none, "
			       "not '%s'",
			       text);
}

int strace_take_quiet(struct strace_options *o, const char *text)
{
	static const char *const all[] = {"attach", "personality", "path-resolution",
					  "thread-execve"};
	struct word w;

	if (!text)
		o->what.quiet += o->what.quiet < 2;
	while (word_next(&text, &w)) {
		bool known = false;

		for (unsigned i = 0; i < sizeof(all) / sizeof(*all); i++)
			known |= word_is(w, all[i]);
		if (word_is(w, "exit") || word_is(w, "all") || word_is(w, "exits"))
			o->what.quiet = 2;
		else if (!known)
			return usage_error("-e quiet= takes attach, exit, path-resolution, "
					   "personality, thread-execve and all, not '%.*s'",
					   (int)w.n, w.p);
	}
	return 0;
}

int strace_take_descriptors(struct strace_options *o, const char *text)
{
	static const char *const more[] = {"all", "dev", "socket", "pidfd"};
	struct word w;

	o->what.paths = 1;
	while (word_next(&text, &w)) {
		bool known = word_is(w, "path") || word_is(w, "none");

		for (unsigned i = 0; i < sizeof(more) / sizeof(*more); i++)
			if (word_is(w, more[i])) {
				o->what.paths = 2;
				known = true;
			}
		if (word_is(w, "none"))
			o->what.paths = 0;
		if (!known)
			return usage_error("-e decode-fds= takes path, dev, socket, pidfd, all or "
					   "none, not '%.*s'",
					   (int)w.n, w.p);
	}
	return 0;
}

int strace_take_threads(struct strace_options *o, const char *text)
{
	o->what.names = !strcmp(text, "comm") || !strcmp(text, "all");
	return o->what.names || !strcmp(text, "none")
		       ? 0
		       : usage_error("-e decode-pids= takes comm or none, not '%s': pids are those "
				     "of waggle's own namespace",
				     text);
}

/* ---- -e KEY=SET */

int strace_take_calls(struct strace_options *o, const char *text)
{
	o->what.trace = text;
	return 0;
}

int strace_take_raw(struct strace_options *o, const char *text)
{
	o->what.raw = text;
	return 0;
}

int strace_take_status(struct strace_options *o, const char *text)
{
	static const struct {
		const char *name;
		unsigned bits;
	} words[] = {{"all", 0},
		     {"successful", WAGGLE_STRACE_SUCCESSFUL},
		     {"failed", WAGGLE_STRACE_FAILED},
		     {"unfinished", WAGGLE_STRACE_UNFINISHED}};
	const unsigned all =
		WAGGLE_STRACE_SUCCESSFUL | WAGGLE_STRACE_FAILED | WAGGLE_STRACE_UNFINISHED;
	bool except = *text == '!';
	unsigned bits = 0, i;
	struct word w;

	for (text += except; word_next(&text, &w);) {
		for (i = 0; i < 4 && !word_is(w, words[i].name);)
			i++;
		if (i == 4)
			return usage_error("there is no status '%.*s': failed, successful, "
					   "unfinished or all",
					   (int)w.n, w.p);
		bits |= i ? words[i].bits : all;
	}
	o->what.status = except ? all & ~bits : bits;
	return 0;
}

/* "SIGUSR1", "usr1", "10"; 0: it is none. */
static int signal_of(struct word w)
{
	char word[16];

	snprintf(word, sizeof(word), "%.*s", (int)w.n, w.p);
	for (char *p = word; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	if (isdigit((unsigned char)*word))
		return atoi(word) < 65 ? atoi(word) : 0;
	for (int sig = 1; sig < 32; sig++)
		if (sigabbrev_np(sig) &&
		    !strcmp(sigabbrev_np(sig), word + (strncmp(word, "SIG", 3) ? 0 : 3)))
			return sig;
	return 0;
}

int strace_take_signals(struct strace_options *o, const char *text)
{
	bool except = *text == '!';
	uint64_t bits = 0;
	struct word w;

	for (text += except; word_next(&text, &w);) {
		int sig = signal_of(w);

		if (word_is(w, "all"))
			bits = UINT64_MAX;
		else if (sig)
			bits |= 1ull << (sig - 1);
		else if (!word_is(w, "none"))
			return usage_error("there is no signal '%.*s': SIGTERM, term, 15, all or "
					   "none",
					   (int)w.n, w.p);
	}
	o->what.signals_hidden = except ? bits : ~bits;
	return 0;
}

static int descriptors(const char *option, const char *text, uint64_t *set)
{
	bool except = *text == '!';
	uint64_t bits = 0;
	struct word w;

	for (text += except; word_next(&text, &w);) {
		char word[16];
		long n = 0;

		snprintf(word, sizeof(word), "%.*s", (int)w.n, w.p);
		if (!strcmp(word, "all"))
			bits = UINT64_MAX;
		else if (!strcmp(word, "none"))
			continue;
		else if (number(option, word, 63, &n))
			return STATUS_USAGE;
		else
			bits |= 1ull << n;
	}
	*set = except ? ~bits : bits;
	return 0;
}

int strace_take_read(struct strace_options *o, const char *text)
{
	return descriptors("-e read=", text, &o->what.dump_read);
}

int strace_take_write(struct strace_options *o, const char *text)
{
	return descriptors("-e write=", text, &o->what.dump_written);
}

/* "!all" or "none": whole, as -v. */
static int take_abbreviated(struct strace_options *o, const char *text)
{
	o->what.verbose = !strcmp(text, "none") || !strcmp(text, "!all");
	return 0;
}

static int take_verbose(struct strace_options *o, const char *text)
{
	(void)o;
	if (!strcmp(text, "all"))
		return 0;
	return usage_error("-e verbose= takes all; arguments as numbers are had by -e raw=CALLS");
}

static const struct {
	const char *key;
	int (*take)(struct strace_options *, const char *);
} keys[] = {{"trace", strace_take_calls},
	    {"t", strace_take_calls},
	    {"status", strace_take_status},
	    {"signal", strace_take_signals},
	    {"signals", strace_take_signals},
	    {"s", strace_take_signals},
	    {"quiet", strace_take_quiet},
	    {"silent", strace_take_quiet},
	    {"silence", strace_take_quiet},
	    {"q", strace_take_quiet},
	    {"raw", strace_take_raw},
	    {"x", strace_take_raw},
	    {"read", strace_take_read},
	    {"reads", strace_take_read},
	    {"r", strace_take_read},
	    {"write", strace_take_write},
	    {"writes", strace_take_write},
	    {"w", strace_take_write},
	    {"abbrev", take_abbreviated},
	    {"a", take_abbreviated},
	    {"verbose", take_verbose},
	    {"v", take_verbose},
	    {"decode-fds", strace_take_descriptors},
	    {"decode-fd", strace_take_descriptors},
	    {"decode-pids", strace_take_threads},
	    {"decode-pid", strace_take_threads}};

/* ---- what strace has, and we have not */

const struct absent_option strace_absent[] = {
	{'b', "detach-on", "nobody is attached: there is nothing to detach from"},
	{'d', "debug", "--print-script shows the script that traces"},
	{'D', "daemonize", "a command runs as a child, and nobody stops it"},
	{'O', "summary-syscall-overhead",
	 "calls are timed in the kernel: nothing is to be taken off"},
	{'X', "const-print-style", "-e raw=CALLS shows numbers"},
	{0, "pidns-translation", "pids are those of waggle's own namespace"},
	{0, "inject", "calls are watched, not changed"},
	{0, "fault", "calls are watched, not changed"},
	{0, "kvm", "waggle kvmexit tells of exits"},
	{0, "tips", "there are none"},
	{0},
};

/* Without a key: the calls themselves. */
int strace_take_expression(struct strace_options *o, const char *text)
{
	struct word key = {text, strcspn(text, "=")};

	if (!text[key.n])
		return strace_take_calls(o, text);
	for (unsigned i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (word_is(key, keys[i].key))
			return keys[i].take(o, text + key.n + 1);
	for (const struct absent_option *a = strace_absent; a->instead; a++)
		if (word_is(key, a->name))
			return usage_error("strace has no -e %s: %s", a->name, a->instead);
	return usage_error("-e takes trace=, status=, signal=, raw=, read=, write=, decode-fds=, "
			   "abbrev= or quiet=, or names of calls, not '%s'",
			   text);
}
