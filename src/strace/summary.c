/*
 * summary.c: -c: calls counted, and calls as JSON.
 */
#include "strace/strace.h"

#include <stdio.h>
#include <stdlib.h>

struct row {
	const char *name;
	struct sum sum;
};

/* Columns by the words of -U and -S; more: those of the same column. */
struct column {
	const char *name, *more, *title;
	int width;
	u64 (*value)(const struct row *);
	const char *unit; /* "%": of all, "s": seconds, "": as it is, NULL: the name */
};

static u64 value_time(const struct row *r)
{
	return r->sum.ns;
}

static u64 value_least(const struct row *r)
{
	return r->sum.least;
}

static u64 value_most(const struct row *r)
{
	return r->sum.most;
}

static u64 value_average(const struct row *r)
{
	return r->sum.calls ? r->sum.ns / 1000 / r->sum.calls : 0;
}

static u64 value_calls(const struct row *r)
{
	return r->sum.calls;
}

static u64 value_errors(const struct row *r)
{
	return r->sum.errors;
}

static const struct column columns[] = {
	{"time-percent", "time_percent", "% time", 6, value_time, "%"},
	{"total-time", "time total_time", "seconds", 11, value_time, "s"},
	{"min-time", "min_time shortest", "shortest", 8, value_least, "s"},
	{"max-time", "max_time longest", "longest", 8, value_most, "s"},
	{"avg-time", "avg_time", "usecs/call", 11, value_average, ""},
	{"calls", "count", "calls", 9, value_calls, ""},
	{"errors", "error", "errors", 9, value_errors, ""},
	{"name", "syscall syscall-name", "syscall", -16, NULL, NULL},
};

static bool is_word(const char *words, const char *word, size_t n)
{
	for (size_t len; *words; words += len + strspn(words + len, " ")) {
		len = strcspn(words, " ");
		if (len == n && !strncmp(words, word, n))
			return true;
	}
	return false;
}

static const struct column *column_of(const char *word, size_t n)
{
	for (u32 i = 0; i < ARRAY_SIZE(columns); i++)
		if (is_word(columns[i].name, word, n) || is_word(columns[i].more, word, n))
			return &columns[i];
	return NULL;
}

const char *waggle_strace_wrong(const char *words)
{
	for (size_t n; words && *words; words += n + (words[n] == ',')) {
		n = strcspn(words, ",");
		if (!column_of(words, n))
			return words;
	}
	return NULL;
}

/* The largest first, then the calls that were more, then by name. */
static int compare(const void *a, const void *b, void *by)
{
	const struct row *x = a, *y = b;
	const struct column *c = by;

	if (c->value && c->value(x) != c->value(y))
		return c->value(x) < c->value(y) ? 1 : -1;
	if (c->value && x->sum.calls != y->sum.calls)
		return x->sum.calls < y->sum.calls ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void put_cell(struct buf *b, const struct column *c, const struct row *r, u64 total,
		     bool last)
{
	u64 value = c->value ? c->value(r) : 0;

	if (!c->value)
		buf_printf(b, last ? "%s" : "%-16s", r->name);
	else if (*c->unit == '%')
		buf_printf(b, "%*.2f", c->width,
			   total ? 100.0 * (double)value / (double)total : 0.0);
	else if (*c->unit == 's')
		buf_printf(b, "%*.6f", c->width, (double)value / 1e9);
	else if (c->value == value_errors && !value)
		buf_printf(b, "%*s", c->width, "");
	else
		buf_printf(b, "%*llu", c->width, (unsigned long long)value);
}

/* what: 0 the titles, 1 the line below, 2 a row */
static void put_row(struct buf *b, const char *words, u32 what, const struct row *r, u64 total)
{
	static const char line[] = "----------------";

	for (size_t n; *words; words += n + (words[n] == ',')) {
		const struct column *c;

		n = strcspn(words, ",");
		c = column_of(words, n);
		if (what == 0)
			buf_printf(b, "%*s", words[n] || c->value ? c->width : 0, c->title);
		else if (what == 1)
			buf_printf(b, "%.*s", abs(c->width), line);
		else
			put_cell(b, c, r, total, !words[n]);
		buf_puts(b, words[n] ? " " : "\n");
	}
}

static void add(struct sum *all, const struct sum *sum)
{
	all->least = all->calls ? MIN(all->least, sum->least) : sum->least;
	all->most = MAX(all->most, sum->most);
	all->calls += sum->calls;
	all->errors += sum->errors;
	all->ns += sum->ns;
}

/* The time is that from a call's beginning to its end. */
void strace_summary(struct strace *s)
{
	const char *words = s->opts.columns ? s->opts.columns
					    : "time-percent,total-time,avg-time,calls,errors,name";
	const char *sort = s->opts.sort ? s->opts.sort : "time";
	struct row rows[MAX_CALLS], all = {.name = "total"};
	u32 n = 0;

	for (u32 i = 0; i < MAX_CALLS; i++) {
		if (!s->sums[i].calls)
			continue;
		rows[n++] = (struct row){s->calls[i].name, s->sums[i]};
		add(&all.sum, &s->sums[i]);
	}
	if (!n)
		return;
	if (strcmp(sort, "nothing") != 0 && strcmp(sort, "none") != 0)
		qsort_r(rows, n, sizeof(*rows), compare, (void *)column_of(sort, strlen(sort)));
	put_row(&s->pen->text, words, 0, NULL, 0);
	put_row(&s->pen->text, words, 1, NULL, 0);
	for (u32 i = 0; i < n; i++)
		put_row(&s->pen->text, words, 2, &rows[i], all.sum.ns);
	put_row(&s->pen->text, words, 1, NULL, 0);
	put_row(&s->pen->text, words, 2, &all, all.sum.ns);
}

/* ---- JSON, a line a call */

static void json_text(struct buf *b, const char *p, size_t n)
{
	buf_char(b, '"');
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			buf_char(b, '\\');
		buf_char(b, p[i]);
	}
	buf_char(b, '"');
}

static void json_head(struct strace *s, const struct task *t, u64 ns, const char *type)
{
	const char *name = node_name_of(s, t);

	buf_printf(&s->pen->text, "{\"type\":\"%s\",\"ns\":%llu,\"pid\":%u,\"tid\":%u", type,
		   (unsigned long long)ns, t->pid, t->tid);
	if (name) {
		buf_puts(&s->pen->text, ",\"nodename\":");
		json_text(&s->pen->text, name, strlen(name));
		buf_printf(&s->pen->text, ",\"cgroup\":%llu", (unsigned long long)t->cgroup);
	}
}

void json_call(struct strace *s, struct task *t, u64 ns, s64 ret)
{
	struct buf arg = {0}, *b;
	struct shown c = {.s = s,
			  .task = t,
			  .call = &s->calls[t->nr],
			  .args = t->args,
			  .out = &arg,
			  .done = true,
			  .ret = ret};

	pen_take(s, t);
	s->written = true;
	b = &s->pen->text;
	json_head(s, t, t->ns, "syscall");
	buf_printf(b, ",\"name\":\"%s\",\"args\":[", c.call->name);
	for (u32 i = 0; i < c.call->nargs && !c.ended; i++) {
		arg.n = 0;
		c.call->args[i].kind->show(&c, &c.call->args[i]);
		if (!arg.n)
			continue; /* clone() has told all before */
		buf_puts(b, i ? "," : "");
		json_text(b, arg.p, arg.n);
	}
	buf_printf(b, "],\"result\":%lld", (long long)ret);
	if (ret < 0 && ret >= -4095)
		buf_printf(b, ",\"error\":\"%s\"",
			   strerrorname_np((int)-ret) ? strerrorname_np((int)-ret) : "");
	buf_printf(b, ",\"duration_ns\":%llu}\n", (unsigned long long)(ns - t->ns));
	buf_free(&arg);
	buf_free(&c.after);
}

void json_event(struct strace *s, struct task *t, u64 ns, const char *type, const char *text)
{
	pen_take(s, t);
	s->written = true;
	json_head(s, t, ns, type);
	buf_puts(&s->pen->text, ",\"text\":");
	json_text(&s->pen->text, text, strlen(text));
	buf_puts(&s->pen->text, "}\n");
}
