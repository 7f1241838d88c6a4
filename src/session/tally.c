/*
 * tally.c: what a program that --at attached says of packets: a table, while it runs and at the
 * end.
 *
 * In:  the engine's counts of each verdict. Out: text, on a terminal in the place of the one
 * before, or a line of JSON.
 */
#include "session/session.h"

#include "base/clock.h"
#include "engine/input.h"

#define EVERY_NS 1000000000u /* on a terminal */

static bool tallies(const struct waggle_session *s)
{
	return s->opts.at && s->only >= 0 && s->ops == &kernel_engine && session_shows(s);
}

/* Has its context a length to be summed? */
static bool sized(const struct waggle_session *s)
{
	u32 kind = s->object->progs.v[s->only].kind;

	return kind == PROG_XDP || input_sized(kind);
}

static void put_verdicts(struct waggle_session *s, const struct engine_tally *rows, u32 n)
{
	struct buf *out = &s->sink.out;

	buf_puts(out, "{\"type\":\"verdicts\",\"data\":[");
	for (u32 i = 0; i < n; i++) {
		buf_puts(out, i ? ",{\"verdict\":" : "{\"verdict\":");
		if (rows[i].name)
			buf_printf(out, "\"%s\"", rows[i].name);
		else
			buf_puts(out, "null");
		buf_printf(out, ",\"%s\":%llu", sized(s) ? "packets" : "runs",
			   (unsigned long long)rows[i].packets);
		if (sized(s) && rows[i].name)
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

static void put_text(struct waggle_session *s, const struct engine_tally *rows, u32 n)
{
	struct buf *out = &s->sink.out;
	const bool bytes = sized(s);

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
	u32 n = kernel_tally(s->engine, rows);

	sink_live(&s->sink, true, now);
	if (s->sink.ops == &sink_json)
		put_verdicts(s, rows, n);
	else
		put_text(s, rows, n);
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
