/*
 * lines.c: calls, signals and ends as lines, in the form that strace made known.
 *
 * A line is written in two parts: what is known when the call begins, and the rest. Where another
 * thread's line comes in between, the first part ends with "<unfinished ...>".
 */
#include "strace/strace.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- pid and time */

static u64 seconds(u64 ns)
{
	return ns / 1000000000u;
}

/* What is behind the point, in so many digits. */
static void put_fraction(struct buf *b, u64 ns, u32 digits)
{
	char text[16];

	snprintf(text, sizeof(text), "%09llu", (unsigned long long)(ns % 1000000000u));
	if (digits)
		buf_printf(b, ".%.*s", (int)digits, text);
}

static void put_time(struct strace *s, u64 ns)
{
	u64 real = ns + s->clock_off, step = s->last_ns ? ns - s->last_ns : 0;
	time_t sec = (time_t)seconds(real);
	struct buf b = {0};
	struct tm tm;
	char day[32] = "";

	if (s->opts.relative) {
		buf_printf(&b, "%6llu", (unsigned long long)seconds(step));
		put_fraction(&b, step, s->opts.relative_digits);
		buf_char(&b, ' ');
		s->last_ns = ns;
	}
	if (s->opts.times) {
		if (s->opts.times == 1 && localtime_r(&sec, &tm))
			strftime(day, sizeof(day), "%H:%M:%S", &tm);
		else
			snprintf(day, sizeof(day), "%lld", (long long)sec);
		buf_puts(&b, day);
		put_fraction(&b, real, s->opts.time_digits);
		buf_char(&b, ' ');
	}
	pen_puts(s, buf_str(&b));
	buf_free(&b);
}

/* "<name>", as far as it is known: what would speak to the terminal is octal. */
static void put_comm(struct strace *s, const struct task *t, struct buf *b)
{
	struct shown c = {.s = s, .out = b};
	char name[64], comm[32] = "";
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%u/comm", t->tid);
	f = fopen(name, "re");
	if (f && fgets(comm, sizeof(comm), f))
		comm[strcspn(comm, "\n")] = 0;
	if (f)
		fclose(f);
	if (!comm[0])
		return;
	buf_char(b, '<');
	show_name(&c, comm);
	buf_char(b, '>');
}

/* " web-1/8123": its host's name, its cgroup's number */
static void put_container(struct strace *s, const struct task *t, struct buf *b)
{
	struct shown c = {.s = s, .out = b};
	const char *name = node_name_of(s, t);

	if (!name)
		return;
	buf_char(b, ' ');
	show_name(&c, name);
	buf_printf(b, "/%llu", (unsigned long long)t->cgroup);
}

static void put_pid(struct strace *s, const struct task *t)
{
	bool bare = s->opts.with_pid;
	struct buf b = {0};

	buf_printf(&b, bare && !s->opts.names && !s->opts.containers ? "%-5u" : bare ? "%u" : "[pid %5u", t->tid);
	if (s->opts.names)
		put_comm(s, t, &b);
	if (s->opts.containers)
		put_container(s, t, &b);
	buf_puts(&b, bare ? " " : "] ");
	pen_puts(s, buf_str(&b));
	buf_free(&b);
}

/* The whole machine, a container, and a file tell the pid always; a terminal once there are
 * several; files of each thread have it in their names. */
void line_begin(struct strace *s, struct task *t, u64 ns)
{
	pen_take(s, t);
	if (s->pen->open) {
		s->pen->open->cut = true;
		pen_puts(s, " <unfinished ...>");
		pen_end_line(s);
	}
	if (!s->opts.files && (s->opts.with_pid || s->ntasks > 1 || s->opts.all || s->opts.containers))
		put_pid(s, t);
	put_time(s, ns);
}

/* ---- a call */

/* What a call tells at its end and may be nothing: such a kind writes the comma itself. */
static bool is_extra(const struct arg *a)
{
	return a->kind->show == show_kind_cloned || a->kind->show == show_kind_cloned3 ||
	       a->kind->show == show_kind_moved || a->kind->show == show_kind_skip;
}

void call_args(struct shown *c, u32 from, u32 to)
{
	bool raw = c->s->raw[c->task->nr];

	for (u32 i = from; i < to && !c->ended; i++) {
		const struct arg *a = &c->call->args[i];

		if (i > from && (raw || !is_extra(a)))
			buf_puts(c->out, ", ");
		if (raw)
			show_hex(c->out, ARG(c, a));
		else
			a->kind->show(c, a);
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
	pen_puts(s, text);
	pen_end_line(s);
}

/* Of numbers that the table has not, as long as no other name is asked for. */
static const char *name_of(struct strace *s, const struct task *t)
{
	if (t->nr != OTHER_CALL)
		return s->calls[t->nr].name;
	snprintf(s->numbered, sizeof(s->numbered), "syscall_%#llx", (unsigned long long)(s64)t->number);
	return s->numbered;
}

/* Without one argument that its end would tell, all are known now. */
static void put_beginning(struct strace *s, struct task *t, u64 ns)
{
	struct buf *b = &s->line;
	struct shown c = shown_of(s, t, b);

	b->n = 0;
	put_width(s, t, ns);
	line_begin(s, t, ns);
	if (s->opts.numbers)
		buf_printf(b, "[%4u] ", (u32)(t->nr == OTHER_CALL ? (u32)t->number : t->nr % NATIVE_CALLS));
	if (s->opts.stacks & 1)
		buf_printf(b, "[%016llx] ", (unsigned long long)t->ip);
	buf_puts(b, name_of(s, t));
	buf_char(b, '(');
	call_args(&c, 0, c.call->at_entry);
	if (!c.ended && c.call->at_entry && c.call->at_entry < c.call->nargs &&
	    (s->raw[t->nr] || !is_extra(&c.call->args[c.call->at_entry])))
		buf_puts(b, ", ");
	pen_put(s, b->p, b->n);
	t->shown = true;
	t->ended = c.ended;
	s->pen->open = t;
}

static bool never_returns(const struct strace *s, const struct task *t)
{
	return !strncmp(s->calls[t->nr].name, "exit", 4);
}

/* Its end decides whether a line is wanted, or other calls are counted only. */
static bool holds_back(const struct strace *s)
{
	return s->opts.status || s->opts.exit_is || s->opts.json || s->opts.summary == 1;
}

/* What an exec names may be readable only when it has ended, which is soon. */
static bool ends_soon(const struct strace *s, const struct task *t)
{
	const struct call *c = &s->calls[t->nr];

	return c->nargs > 2 && (c->args[1].kind->how == STRINGS || c->args[2].kind->how == STRINGS);
}

/* Nothing is written before the next event: most calls end at once. But what another thread has
 * begun stands before it. */
static void settle(struct strace *s, const struct task *but)
{
	struct task *t = s->waiting;

	if (!t || t == but || (t->inside && s->opts.files && ends_soon(s, t)))
		return;
	if (t->inside && !t->shown && !holds_back(s))
		put_beginning(s, t, t->ns);
	s->waiting = NULL;
}

void call_begin(struct strace *s, struct task *t, u64 ns)
{
	t->ns = ns;
	t->shown = t->cut = false;
	t->inside = true;
	t->hidden = !call_matches(s, t);
	if (t->hidden)
		return;
	settle(s, NULL);
	s->waiting = t;
}

void line_idle(struct strace *s)
{
	if (s->waiting && !ends_soon(s, s->waiting))
		settle(s, NULL);
	pens_flush(s);
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

/* Results that words explain. */
static bool put_worded(struct shown *c, char result, s64 ret)
{
	static const struct {
		char result;
		const char *number, *set;
		bool bits, zero; /* a set of bits; 0 has words, too */
	} rows[] = {{'s', "%lld", "sched", false, true},
		    {'m', "%#llx", "membarrier", true, false},
		    {'D', "%lld", "dumpable", false, true},
		    {'B', "%#llx", "securebits", true, false},
		    {'S', "%#llx", "specctrl", true, true},
		    {'L', "%#llx", "locktype", false, true},
		    {'A', "%lld", "adjstate", false, true}};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].result != result || (!ret && !rows[i].zero))
			continue;
		buf_printf(c->out, rows[i].number, (long long)ret);
		buf_puts(c->out, " (");
		(rows[i].bits ? flags_of : one_of)(c->out, rows[i].set, (u64)ret);
		buf_char(c->out, ')');
		return true;
	}
	return show_worded(c, result, ret);
}

static void put_result(struct shown *c)
{
	char result = result_of(c);
	s64 ret = c->ret;

	if (ret < 0 && ret >= -4095) {
		put_error(c->out, (s32)-ret);
	} else if (c->s->raw[c->task->nr]) {
		show_hex(c->out, (u64)ret);
	} else if (result == 'x') {
		show_hex(c->out, (u64)ret);
	} else if (result == 'o') {
		buf_printf(c->out, "%#llo", (unsigned long long)ret);
	} else if (result == 'f') {
		show_descriptor(c, (s32)ret);
	} else if (put_worded(c, result, ret)) {
		;
	} else {
		buf_s64(c->out, ret);
	}
	if (c->after.n)
		buf_printf(c->out, " (%s)", buf_str(&c->after));
}

static void put_padding(struct strace *s, struct buf *b)
{
	u64 at = s->pen->column + b->n;

	do
		buf_char(b, ' ');
	while (++at < s->opts.column);
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

static void put_stack(struct strace *s, struct task *t)
{
	if (t->stack.n)
		pen_put(s, t->stack.p, t->stack.n);
	t->stack.n = 0;
}

static void put_end(struct strace *s, struct task *t, u64 ns, s64 ret)
{
	struct buf *b = &s->line;
	struct shown c = shown_of(s, t, b);

	b->n = 0;
	pen_take(s, t);
	if (t->cut) {
		line_begin(s, t, ns);
		buf_printf(b, "<... %s resumed>", name_of(s, t));
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
	if (s->opts.durations) {
		buf_printf(b, " <%llu", (unsigned long long)seconds(ns - t->ns));
		put_fraction(b, ns - t->ns, s->opts.duration_digits);
		buf_char(b, '>');
	}
	pen_put(s, b->p, b->n);
	pen_end_line(s);
	b->n = 0;
	show_dumps(&c);
	pen_put(s, b->p, b->n);
	put_stack(s, t);
	buf_free(&c.after);
}

static void count(struct sum *sum, u64 ns, bool failed)
{
	sum->least = sum->calls ? MIN(sum->least, ns) : ns;
	sum->most = MAX(sum->most, ns);
	sum->calls++;
	sum->errors += failed;
	sum->ns += ns;
}

/* An exec that has taken the number of the first thread ends in the file of that one. */
static void put_renumbered(struct strace *s, struct task *t)
{
	char text[40];

	if (!s->opts.files || t->own.tid == t->tid)
		return;
	pen_take(s, t);
	snprintf(text, sizeof(text), " <pid changed to %u ...>", t->tid);
	pen_puts(s, text);
	pen_end_line(s);
	pen_renumber(s, t);
	t->cut = true;
}

static void show_end(struct strace *s, struct task *t, u64 ns, s64 ret)
{
	settle(s, t);
	s->waiting = NULL;
	count(&s->sums[t->nr], ns - t->ns, ret < 0 && ret >= -4095);
	if (s->opts.json) {
		json_call(s, t, ns, ret);
	} else if (s->opts.summary != 1) {
		if (!t->shown)
			put_beginning(s, t, t->ns);
		put_renumbered(s, t);
		put_end(s, t, ns, ret);
	}
}

void call_end(struct strace *s, struct task *t, u64 ns, s64 ret)
{
	t->inside = false;
	if (s->waiting == t && !result_matches(s, ret))
		s->waiting = NULL;
	if (s->follows)
		paths_before(s, t, ret);
	if (t->hidden) /* what had not been touched at its beginning is there now */
		t->hidden = !call_matches(s, t);
	if (!t->hidden && result_matches(s, ret))
		show_end(s, t, ns, ret);
	pen_renumber(s, t);
	if (s->follows)
		paths_after(s, t, ret);
	netlink_follow(s, t, ret);
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
	pen_puts(s, "--- ");
	pen_puts(s, text);
	pen_puts(s, " ---");
	pen_end_line(s);
}

/* The call that the end interrupted has no result. */
static void put_unanswered(struct strace *s, struct task *t)
{
	struct buf b = {0};

	if (!t->shown)
		put_beginning(s, t, t->ns);
	pen_take(s, t);
	if (t->cut) {
		line_begin(s, t, t->ns);
		buf_printf(&b, "<... %s resumed> <unfinished ...>)", name_of(s, t));
	} else {
		buf_puts(&b, never_returns(s, t) ? ")" : " <unfinished ...>)");
	}
	put_padding(s, &b);
	buf_puts(&b, "= ?");
	pen_put(s, buf_str(&b), b.n);
	pen_end_line(s);
	put_stack(s, t);
	buf_free(&b);
}

static void describe_end(struct buf *b, int code, u32 by)
{
	if (by) {
		buf_printf(b, "superseded by execve in pid %u", by);
	} else if (code < 0) {
		buf_puts(b, "exited with ?");
	} else if (WIFEXITED(code)) {
		buf_printf(b, "exited with %d", WEXITSTATUS(code));
	} else {
		buf_puts(b, "killed by ");
		show_signal(b, WTERMSIG(code));
		buf_puts(b, WCOREDUMP(code) ? " (core dumped)" : "");
	}
}

void call_gone(struct strace *s, struct task *t, u64 ns, int code, u32 by)
{
	struct buf b = {0};

	describe_end(&b, code, by);
	settle(s, t);
	s->waiting = NULL;
	if (s->opts.json) {
		json_event(s, t, ns, "exit", buf_str(&b));
	} else if (s->opts.summary != 1) {
		if (t->inside && !t->hidden && unanswered_matches(s))
			put_unanswered(s, t);
		pen_renumber(s, t);
		if (s->opts.quiet < 2) {
			line_begin(s, t, ns);
			pen_puts(s, "+++ ");
			pen_put(s, buf_str(&b), b.n);
			pen_puts(s, " +++");
			pen_end_line(s);
		}
	}
	t->inside = false;
	buf_free(&b);
}
