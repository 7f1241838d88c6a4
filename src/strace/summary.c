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

static int by_time(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->sum.ns != y->sum.ns)
		return x->sum.ns < y->sum.ns ? 1 : -1;
	return x->sum.calls < y->sum.calls   ? 1
	       : x->sum.calls > y->sum.calls ? -1
					     : strcmp(x->name, y->name);
}

static void put_row(struct buf *b, const struct row *r, u64 total)
{
	char errors[24] = "";

	if (r->sum.errors)
		snprintf(errors, sizeof(errors), "%llu", (unsigned long long)r->sum.errors);
	buf_printf(b, "%6.2f %11.6f %11llu %9llu %9s %s\n",
		   total ? 100.0 * (double)r->sum.ns / (double)total : 0.0, (double)r->sum.ns / 1e9,
		   (unsigned long long)(r->sum.calls ? r->sum.ns / 1000 / r->sum.calls : 0),
		   (unsigned long long)r->sum.calls, errors, r->name);
}

/* The time is that from a call's beginning to its end. */
void strace_summary(struct strace *s)
{
	static const char line[] =
		"------ ----------- ----------- --------- --------- ----------------\n";
	struct row rows[MAX_CALLS], all = {.name = "total"};
	u32 n = 0;

	for (u32 i = 0; i < MAX_CALLS; i++) {
		const struct sum *sum = &s->sums[i];

		if (!sum->calls)
			continue;
		rows[n++] = (struct row){s->calls[i].name, *sum};
		all.sum.calls += sum->calls;
		all.sum.errors += sum->errors;
		all.sum.ns += sum->ns;
	}
	if (!n)
		return;
	qsort(rows, n, sizeof(*rows), by_time);
	buf_puts(&s->out, "% time     seconds  usecs/call     calls    errors syscall\n");
	buf_puts(&s->out, line);
	for (u32 i = 0; i < n; i++)
		put_row(&s->out, &rows[i], all.sum.ns);
	buf_puts(&s->out, line);
	put_row(&s->out, &all, all.sum.ns);
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
	buf_printf(&s->out, "{\"type\":\"%s\",\"ns\":%llu,\"pid\":%u,\"tid\":%u", type,
		   (unsigned long long)ns, t->pid, t->tid);
}

void json_call(struct strace *s, struct task *t, u64 ns, s64 ret)
{
	struct buf arg = {0}, *b = &s->out;
	struct shown c = {.s = s,
			  .task = t,
			  .call = &s->calls[t->nr],
			  .args = t->args,
			  .out = &arg,
			  .done = true,
			  .ret = ret};

	json_head(s, t, t->ns, "syscall");
	buf_printf(b, ",\"name\":\"%s\",\"args\":[", c.call->name);
	for (u32 i = 0; i < c.call->nargs && !c.ended; i++) {
		arg.n = 0;
		c.call->args[i].kind->show(&c, &c.call->args[i]);
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
	json_head(s, t, ns, type);
	buf_puts(&s->out, ",\"text\":");
	json_text(&s->out, text, strlen(text));
	buf_puts(&s->out, "}\n");
}
