/*
 * trials.c: tests and benchmarks of a script, one after the other.
 *
 * A test has failed if it returned anything but 0, told an error, or ended the session. What it
 * printed is shown only then. A benchmark runs RUNS times; what its programs measured is averaged,
 * without the slowest tenth, which others disturbed.
 */
#include "session/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define RUNS  2000
#define BATCH 100 /* runs between two looks at the rings */

struct bench {
	const char *name;
	u64 ns;
};

void trial_result(struct waggle_session *s, const struct schema *schema, const void *payload,
		  u32 size)
{
	s64 value = 0;

	(void)schema;
	memcpy(&value, payload, MIN(size, sizeof(value)));
	if (s->trial.times && s->trial.n < RUNS)
		s->trial.times[s->trial.n++] = value < 0 ? 0 : (u64)value;
	else if (!s->trial.times)
		s->trial.returned = value;
}

static int run(struct waggle_session *s, const struct attach *a)
{
	int err = s->engine->ops->run(s->engine, a->prog);

	session_drain(s);
	return err;
}

/* ---- tests */

static void tell_test(struct waggle_session *s, const char *name, bool good, const char *why)
{
	struct buf text = {0};

	if (s->sink.ops->messages)
		buf_printf(&text, "%s %s", good ? "passed" : "failed", name);
	else
		buf_printf(&text, "%s %s%s%s\n", good ? "ok" : "not ok", name, *why ? ": " : "",
			   why);
	sink_output(&s->sink, "test_result", buf_str(&text), text.n);
	buf_free(&text);
}

static int run_test(struct waggle_session *s, const struct attach *a)
{
	size_t before, flush_at = s->sink.flush_at;
	int buffered = s->sink.line_buffered, err;
	char why[64] = "";
	bool good;

	sink_flush(&s->sink, true);
	before = s->sink.out.n;
	s->sink.flush_at = SIZE_MAX; /* it may be that nobody wants to see it */
	s->sink.line_buffered = 0;
	s->trial.returned = 0;
	s->trial.errors = 0;
	err = run(s, a);
	s->sink.flush_at = flush_at;
	s->sink.line_buffered = buffered;
	good = !err && !s->trial.returned && !s->trial.errors && !s->exited;
	if (good)
		s->sink.out.n = before;
	else if (s->trial.returned)
		snprintf(why, sizeof(why), "it returned %lld", (long long)s->trial.returned);
	else
		snprintf(why, sizeof(why), s->exited ? "it ended the session" : "it told an error");
	tell_test(s, a->pattern, good, why);
	s->trial.failed += !good;
	s->exited = false;
	return err;
}

/* ---- benchmarks */

static int by_value(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct bench *)a)->name, ((const struct bench *)b)->name);
}

static int run_bench(struct waggle_session *s, const struct attach *a, struct bench *out)
{
	u64 sum = 0;
	u32 n;
	int err = 0;

	s->trial.n = 0;
	s->trial.times = calloc(RUNS, sizeof(*s->trial.times));
	if (!s->trial.times)
		return -ENOMEM;
	for (u32 i = 0; i < RUNS / BATCH && !err && !s->exited; i++) {
		for (u32 k = 0; k < BATCH && !err; k++)
			err = s->engine->ops->run(s->engine, a->prog);
		session_drain(s);
	}
	qsort(s->trial.times, s->trial.n, sizeof(*s->trial.times), by_value);
	n = MAX(s->trial.n * 9 / 10, MIN(s->trial.n, 1u));
	for (u32 i = 0; i < n; i++)
		sum += s->trial.times[i];
	free(s->trial.times);
	s->trial.times = NULL;
	*out = (struct bench){a->pattern, n ? (sum + n / 2) / n : 0};
	return err;
}

static void rule(struct buf *out, size_t name, size_t number)
{
	buf_char(out, '+');
	for (size_t i = 0; i < name + 2; i++)
		buf_char(out, '-');
	buf_char(out, '+');
	for (size_t i = 0; i < number + 2; i++)
		buf_char(out, '-');
	buf_puts(out, "+\n");
}

static void show_benches(struct waggle_session *s, struct bench *all, u32 n)
{
	size_t name = strlen("BENCHMARK"), number = strlen("NANOSECONDS");
	struct buf out = {0};

	qsort(all, n, sizeof(*all), by_name);
	for (u32 i = 0; i < n && s->sink.ops->messages; i++) {
		out.n = 0;
		buf_printf(&out, "%s %llu", all[i].name, (unsigned long long)all[i].ns);
		sink_output(&s->sink, "benchmark_result", buf_str(&out), out.n);
	}
	for (u32 i = 0; i < n; i++)
		name = MAX(name, strlen(all[i].name));
	if (!s->sink.ops->messages) {
		buf_puts(&out, "\n\n");
		rule(&out, name, number);
		buf_printf(&out, "| %-*s | %-*s |\n", (int)name, "BENCHMARK", (int)number,
			   "NANOSECONDS");
		rule(&out, name, number);
		for (u32 i = 0; i < n; i++)
			buf_printf(&out, "| %-*s | %-*llu |\n", (int)name, all[i].name, (int)number,
				   (unsigned long long)all[i].ns);
		rule(&out, name, number);
		sink_output(&s->sink, "benchmark_result", buf_str(&out), out.n);
	}
	buf_free(&out);
}

int trials_run(struct waggle_session *s)
{
	struct bench *all = calloc(s->object->attaches.n + 1u, sizeof(*all));
	u32 n = 0;
	int err = all ? 0 : -ENOMEM;

	vec_each (a, &s->object->attaches) {
		if (a->kind == ATTACH_TEST && s->opts.trials == WAGGLE_TESTS && !err)
			err = run_test(s, a);
		if (a->kind == ATTACH_BENCH && s->opts.trials == WAGGLE_BENCHMARKS && !err)
			err = run_bench(s, a, &all[n++]);
	}
	if (n && s->has_sink && !err)
		show_benches(s, all, n);
	free(all);
	if (s->trial.failed)
		s->status = 1;
	session_end(s, ENDING_EXIT);
	return err;
}
