/*
 * tally.c: what a program that --at attached says of packets: a table, while it runs and at the
 * end.
 *
 * In:  the engine's counts of each verdict. Out: text, on a terminal in the place of the one
 * before, or a line of JSON.
 */
#include "session/session.h"

#include "base/clock.h"
#include "btf/show.h"
#include "engine/input.h"

#define EVERY_NS 1000000000u /* on a terminal */

static bool tallies(const struct waggle_session *s)
{
	return s->opts.at && s->ops == &kernel_engine && session_shows(s);
}

/* Has its context a length to be summed? */
static bool sized(const struct object_prog *p)
{
	return p->kind == PROG_XDP || input_sized(p->kind);
}

static void put_verdicts(struct buf *out, const struct object_prog *p,
			 const struct engine_tally *rows, u32 n)
{
	buf_puts(out, "{\"type\":\"verdicts\",\"at\":");
	btf_show_text(out, p->probe, strlen(p->probe));
	buf_puts(out, ",\"data\":[");
	for (u32 i = 0; i < n; i++) {
		buf_puts(out, i ? ",{\"verdict\":" : "{\"verdict\":");
		if (rows[i].name)
			buf_printf(out, "\"%s\"", rows[i].name);
		else
			buf_puts(out, "null");
		buf_printf(out, ",\"%s\":%llu", sized(p) ? "packets" : "runs",
			   (unsigned long long)rows[i].packets);
		if (sized(p) && rows[i].name)
			buf_printf(out, ",\"bytes\":%llu", (unsigned long long)rows[i].bytes);
		buf_char(out, '}');
	}
	buf_puts(out, "]}\n");
}

/* "dropped 3 packets, 222 bytes; passed 120 packets, 18404 bytes" */
static void put_sums(struct buf *out, const struct engine_tally *rows, u32 n)
{
	static const struct {
		u8 fate;
		const char *name;
	} fates[] = {{FATE_DROPPED, "dropped"},
		     {FATE_PASSED, "; passed"},
		     {FATE_REDIRECTED, "; redirected"}};

	for (u32 f = 0; f < ARRAY_SIZE(fates); f++) {
		u64 packets = 0, bytes = 0;

		for (u32 i = 0; i < n; i++)
			if (rows[i].fate == fates[f].fate) {
				packets += rows[i].packets;
				bytes += rows[i].bytes;
			}
		if (packets || fates[f].fate != FATE_REDIRECTED)
			buf_printf(out, "%s %llu packets, %llu bytes", fates[f].name,
				   (unsigned long long)packets, (unsigned long long)bytes);
	}
	buf_char(out, '\n');
}

static void put_text(struct buf *out, const struct object_prog *p, const struct engine_tally *rows,
		     u32 n)
{
	const bool bytes = sized(p);

	if (n && !rows[0].name) {
		buf_printf(out, "the program ran %llu times\n",
			   (unsigned long long)rows[0].packets);
		return;
	}
	if (bytes)
		buf_printf(out, "%12s %14s  %s\n", "PACKETS", "BYTES", "VERDICT");
	else
		buf_printf(out, "%12s  %s\n", "RUNS", "VERDICT");
	for (u32 i = 0; i < n; i++) {
		buf_printf(out, "%12llu ", (unsigned long long)rows[i].packets);
		if (bytes)
			buf_printf(out, "%14llu ", (unsigned long long)rows[i].bytes);
		buf_printf(out, " %s\n", rows[i].name);
	}
	if (bytes)
		put_sums(out, rows, n);
}

static void show(struct waggle_session *s, u64 now)
{
	struct engine_tally rows[TALLY_MOST];

	sink_live(&s->sink, true, now);
	vec_each (a, &s->object->attaches) {
		const struct object_prog *p = &s->object->progs.v[a->prog];
		u32 n = kernel_tally(s->engine, a->prog, rows);

		if (s->sink.ops == &sink_json) {
			put_verdicts(&s->sink.out, p, rows, n);
			continue;
		}
		if (s->object->attaches.n > 1)
			buf_printf(&s->sink.out, "%s at %s\n", p->name, p->probe);
		put_text(&s->sink.out, p, rows, n);
	}
}

u64 tally_idle(struct waggle_session *s, u64 ns)
{
	u64 every = s->opts.interval_ns ? s->opts.interval_ns : s->sink.term.redraw ? EVERY_NS : 0;
	u64 now;

	if (!tallies(s) || !every)
		return ns;
	now = clock_now(CLOCK_MONOTONIC);
	if (!s->tally_next)
		s->tally_next = now + every;
	if (now >= s->tally_next) {
		show(s, now);
		sink_flush(&s->sink, true);
		s->tally_next += every * ((now - s->tally_next) / every + 1);
	}
	return MIN(ns, s->tally_next - now);
}

void tally_end(struct waggle_session *s)
{
	if (tallies(s))
		show(s, clock_now(CLOCK_MONOTONIC));
}
