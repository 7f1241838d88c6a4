/*
 * lines.c: calls, signals and ends as lines, in the form that strace made known.
 *
 * A line is written in two parts: what is known when the call begins, and the rest. Where another
 * thread's line comes in between, the first part ends with "<unfinished ...>".
 */
#include "strace/strace.h"

#include "base/io.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RESULT_COLUMN = 40, FLUSH_BYTES = 1 << 16 };

/* ---- what is written */

static void put(struct strace *s, const char *text, size_t n)
{
	const char *line = memrchr(text, '\n', n);

	buf_add(&s->out, text, n);
	s->column = line ? (u64)(text + n - line - 1) : s->column + n;
}

static void puts_(struct strace *s, const char *text)
{
	put(s, text, strlen(text));
}

int line_flush(struct strace *s)
{
	int err = write_all(s->opts.out_fd, s->out.p, s->out.n);

	s->failed |= err != 0;
	s->out.n = 0;
	return err;
}

static void end_line(struct strace *s)
{
	puts_(s, "\n");
	s->open = NULL;
	if (s->out.n > FLUSH_BYTES)
		line_flush(s);
}

/* ---- pid and time */

static void put_time(struct strace *s, u64 ns)
{
	char text[64], day[32];
	u64 real = ns + s->clock_off, step = s->last_ns ? ns - s->last_ns : 0;
	time_t sec = (time_t)(real / 1000000000u);
	u32 us = (u32)(real % 1000000000u / 1000);
	struct tm tm;

	if (s->opts.relative) {
		snprintf(text, sizeof(text), "%6llu.%06llu ",
			 (unsigned long long)(step / 1000000000u),
			 (unsigned long long)(step % 1000000000u / 1000));
		s->last_ns = ns;
		puts_(s, text);
	}
	if (!s->opts.times)
		return;
	localtime_r(&sec, &tm);
	strftime(day, sizeof(day), "%H:%M:%S", &tm);
	if (s->opts.times == 1)
		snprintf(text, sizeof(text), "%s ", day);
	else if (s->opts.times == 2)
		snprintf(text, sizeof(text), "%s.%06u ", day, us);
	else
		snprintf(text, sizeof(text), "%lld.%06u ", (long long)sec, us);
	puts_(s, text);
}

/* The whole machine, a container, and a file tell the pid always; a terminal once there are
 * several. */
void line_begin(struct strace *s, struct task *t, u64 ns)
{
	char name[64], comm[32] = "", text[80];
	FILE *f;

	if (s->open && s->open != t) {
		s->open->cut = true;
		puts_(s, " <unfinished ...>");
		end_line(s);
	} else if (s->open) {
		puts_(s, " <unfinished ...>");
		t->cut = true;
		end_line(s);
	}
	if (s->opts.names) {
		snprintf(name, sizeof(name), "/proc/%u/comm", t->tid);
		f = fopen(name, "re");
		if (f && fscanf(f, "%31[^\n]", comm) != 1)
			comm[0] = 0;
		if (f)
			fclose(f);
	}
	if (s->opts.with_pid)
		snprintf(text, sizeof(text), comm[0] ? "%u<%s> " : "%-5u ", t->tid, comm);
	else if (s->ntasks > 1 || s->opts.all)
		snprintf(text, sizeof(text), comm[0] ? "[pid %5u<%s>] " : "[pid %5u] ", t->tid,
			 comm);
	else
		text[0] = 0;
	puts_(s, text);
	put_time(s, ns);
}

/* ---- a call */

void call_args(struct shown *c, u32 from, u32 to)
{
	for (u32 i = from; i < to && !c->ended; i++) {
		if (i > from)
			buf_puts(c->out, ", ");
		c->call->args[i].kind->show(c, &c->call->args[i]);
	}
}

static struct shown shown_of(struct strace *s, struct task *t, struct buf *out)
{
	return (struct shown){
		.s = s, .task = t, .call = &s->calls[t->nr], .args = t->args, .out = out};
}

/* Where a thread begins with calls of the other width, a line says so. */
static void put_width(struct strace *s, struct task *t, u64 ns)
{
	char text[80];

	if ((t->nr >= NATIVE_CALLS) == t->narrow)
		return;
	t->narrow = !t->narrow;
	line_begin(s, t, ns);
	snprintf(text, sizeof(text), "[ Process PID=%u runs in %s mode. ]", t->tid,
		 t->narrow ? "32 bit" : "64 bit");
	puts_(s, text);
	end_line(s);
}

/* Without one argument that its end would tell, all are known now. */
static void put_beginning(struct strace *s, struct task *t, u64 ns)
{
	struct buf *b = &s->line;
	struct shown c = shown_of(s, t, b);

	b->n = 0;
	put_width(s, t, ns);
	line_begin(s, t, ns);
	buf_puts(b, c.call->name);
	buf_char(b, '(');
	call_args(&c, 0, c.call->at_entry);
	if (!c.ended && c.call->at_entry && c.call->at_entry < c.call->nargs)
		buf_puts(b, ", ");
	put(s, b->p, b->n);
	t->shown = true;
	t->ended = c.ended;
	s->open = t;
}

static bool never_returns(const struct strace *s, const struct task *t)
{
	return !strncmp(s->calls[t->nr].name, "exit", 4);
}

/* Its end decides whether a line is wanted, or other calls are counted only. */
static bool holds_back(const struct strace *s)
{
	return s->opts.status || s->opts.exit_is || s->opts.json || (s->opts.summary == 1);
}

/* Nothing is written before the next event: most calls end at once. But what another thread has
 * begun stands before it. */
static void settle(struct strace *s, const struct task *but)
{
	struct task *t = s->waiting;

	if (!t || t == but)
		return;
	if (t->inside && !t->shown && !holds_back(s))
		put_beginning(s, t, t->ns);
	s->waiting = NULL;
}

void call_begin(struct strace *s, struct task *t, u64 ns)
{
	settle(s, NULL);
	t->ns = ns;
	t->shown = t->cut = false;
	t->inside = true;
	s->waiting = t;
}

void line_idle(struct strace *s)
{
	settle(s, NULL);
	line_flush(s);
}

static const struct {
	s32 number;
	const char *name, *text;
} restarts[] = {
	{512, "ERESTARTSYS", "To be restarted if SA_RESTART is set"},
	{513, "ERESTARTNOINTR", "To be restarted"},
	{514, "ERESTARTNOHAND", "To be restarted if no handler"},
	{516, "ERESTART_RESTARTBLOCK", "Interrupted by signal"},
};

static void put_name(struct buf *b, const char *name, const char *text)
{
	buf_puts(b, "-1 ");
	buf_puts(b, name);
	buf_puts(b, " (");
	buf_puts(b, text);
	buf_char(b, ')');
}

static void put_error(struct buf *b, s32 number)
{
	const char *name = strerrorname_np(number);

	for (u32 i = 0; i < ARRAY_SIZE(restarts); i++)
		if (restarts[i].number == number) {
			buf_printf(b, "? %s (%s)", restarts[i].name, restarts[i].text);
			return;
		}
	if (name)
		put_name(b, name, strerrordesc_np(number));
	else
		buf_printf(b, "-1 (errno %d)", number);
}

static void put_result(struct shown *c)
{
	s64 ret = c->ret;

	if (ret < 0 && ret >= -4095) {
		put_error(c->out, (s32)-ret);
	} else if (c->call->result == 'x') {
		show_hex(c->out, (u64)ret);
	} else if (c->call->result == 'o') {
		buf_printf(c->out, "%#llo", (unsigned long long)ret);
	} else if (c->call->result == 'f') {
		show_descriptor(c, (s32)ret);
	} else if (c->call->result == 's') {
		buf_printf(c->out, "%lld (", (long long)ret);
		one_of(c->out, "sched", (u64)ret);
		buf_char(c->out, ')');
	} else if (!strcmp(c->call->name, "fcntl") && c->args[1] == 3) {
		buf_printf(c->out, "%#llx (flags ", (unsigned long long)ret);
		one_of(c->out, "accmode", (u64)ret & 3);
		if (ret & ~3)
			buf_char(c->out, '|');
		if (ret & ~3)
			flags_of(c->out, "open", (u64)ret & ~3ull);
		buf_char(c->out, ')');
	} else if (!strcmp(c->call->name, "fcntl") && c->args[1] == 1) {
		buf_printf(c->out, ret ? "%#llx (flags FD_CLOEXEC)" : "%lld", (long long)ret);
	} else {
		buf_s64(c->out, ret);
	}
	if (c->after.n)
		buf_printf(c->out, " (%s)", buf_str(&c->after));
}

static void put_padding(struct strace *s, struct buf *b)
{
	static const char blanks[] = "                                        ";
	u64 at = s->column + b->n;

	buf_add(b, blanks, at + 1 < RESULT_COLUMN ? RESULT_COLUMN - at : 1);
}

/* What poll() and the like say behind the result is found among all arguments. */
static void put_rest(struct shown *c, u32 from)
{
	struct buf *out = c->out, none = {0};

	if (from < c->call->nargs) {
		call_args(c, from, c->call->nargs);
		return;
	}
	c->out = &none;
	call_args(c, 0, from);
	buf_free(&none);
	c->out = out;
}

static bool says_more(const struct call *c)
{
	static const char *const kinds[] = {"poll", "fdset", "left", "leftval"};

	for (u32 i = 0; i < c->nargs; i++)
		for (u32 k = 0; k < ARRAY_SIZE(kinds); k++)
			if (!strcmp(c->args[i].kind->name, kinds[k]))
				return true;
	return false;
}

static void put_end(struct strace *s, struct task *t, u64 ns, s64 ret)
{
	struct buf *b = &s->line;
	struct shown c = shown_of(s, t, b);

	b->n = 0;
	if (t->cut) {
		line_begin(s, t, ns);
		buf_printf(b, "<... %s resumed>", c.call->name);
	}
	c.done = true;
	c.ret = ret;
	c.ended = t->ended;
	if (c.call->at_entry < c.call->nargs || says_more(c.call))
		put_rest(&c, c.call->at_entry);
	buf_char(b, ')');
	put_padding(s, b);
	buf_puts(b, "= ");
	put_result(&c);
	if (s->opts.durations)
		buf_printf(b, " <%llu.%06llu>", (unsigned long long)((ns - t->ns) / 1000000000u),
			   (unsigned long long)((ns - t->ns) % 1000000000u / 1000));
	put(s, b->p, b->n);
	end_line(s);
	buf_free(&c.after);
}

static bool wanted(const struct strace *s, s64 ret)
{
	bool failed = ret < 0 && ret >= -4095;

	if (s->opts.status && !(failed ? s->opts.status & WAGGLE_STRACE_FAILED
				       : s->opts.status & WAGGLE_STRACE_SUCCESSFUL))
		return false;
	if (!s->opts.exit_is)
		return true;
	switch (s->opts.exit_is) {
	case '=': return ret == s->opts.exit_value;
	case '!': return ret != s->opts.exit_value;
	case '<': return ret < s->opts.exit_value;
	default: return ret > s->opts.exit_value;
	}
}

void call_end(struct strace *s, struct task *t, u64 ns, s64 ret)
{
	struct sum *sum = &s->sums[t->nr];

	settle(s, t);
	t->inside = false;
	s->waiting = NULL;
	if (!wanted(s, ret)) {
		t->bytes.n = t->npieces = 0;
		return;
	}
	if (s->opts.paths)
		paths_before(s, t, ret);
	sum->calls++;
	sum->errors += ret < 0 && ret >= -4095;
	sum->ns += ns - t->ns;
	if (s->opts.json) {
		json_call(s, t, ns, ret);
	} else if (s->opts.summary != 1) {
		if (!t->shown)
			put_beginning(s, t, t->ns);
		put_end(s, t, ns, ret);
	}
	if (s->opts.paths)
		paths_after(s, t, ret);
	t->bytes.n = t->npieces = 0;
}

/* Before something of another thread is written, or of this one in the middle of a call. */
void call_signal(struct strace *s, struct task *t, u64 ns, const char *text)
{
	if (s->opts.json) {
		json_event(s, t, ns, "signal", text);
		return;
	}
	if (s->opts.summary == 1)
		return;
	settle(s, NULL);
	line_begin(s, t, ns);
	puts_(s, "--- ");
	puts_(s, text);
	puts_(s, " ---");
	end_line(s);
}

/* The call that the end interrupted has no result. */
static void put_unanswered(struct strace *s, struct task *t)
{
	struct buf b = {0};

	if (!t->shown)
		put_beginning(s, t, t->ns);
	if (t->cut) {
		line_begin(s, t, t->ns);
		buf_printf(&b, "<... %s resumed> <unfinished ...>)", s->calls[t->nr].name);
	} else {
		buf_puts(&b, never_returns(s, t) ? ")" : " <unfinished ...>)");
	}
	put_padding(s, &b);
	buf_puts(&b, "= ?");
	put(s, buf_str(&b), b.n);
	end_line(s);
	buf_free(&b);
}

static void describe_end(struct buf *b, int code)
{
	if (code < 0) {
		buf_puts(b, "exited with ?");
	} else if (WIFEXITED(code)) {
		buf_printf(b, "exited with %d", WEXITSTATUS(code));
	} else {
		buf_puts(b, "killed by ");
		show_signal(b, WTERMSIG(code));
		buf_puts(b, WCOREDUMP(code) ? " (core dumped)" : "");
	}
}

void call_gone(struct strace *s, struct task *t, u64 ns, int code)
{
	struct buf b = {0};

	describe_end(&b, code);
	settle(s, t);
	s->waiting = NULL;
	if (s->opts.json) {
		json_event(s, t, ns, "exit", buf_str(&b));
	} else if (s->opts.summary != 1) {
		if (t->inside && !holds_back(s))
			put_unanswered(s, t);
		if (s->opts.quiet < 2) {
			line_begin(s, t, ns);
			puts_(s, "+++ ");
			put(s, buf_str(&b), b.n);
			puts_(s, " +++");
			end_line(s);
		}
	}
	t->inside = false;
	buf_free(&b);
}
