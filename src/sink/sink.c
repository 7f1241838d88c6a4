/*
 * sink.c: what all formats share: the table of formats, the checks, and writing.
 *
 * Bytes gather in `out` and leave in large writes. The first error of a write is kept, and all
 * that comes later is thrown away: the session looks at it and ends.
 */
#include "base/clock.h"
#include "sink/tally.h"
#include "sink/value.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#define FLUSH_AT (256 * 1024)

const struct sink_ops *const sinks[] = {&sink_text, &sink_json,     &sink_folded, &sink_flame,
					&sink_tree, &sink_timeline, NULL};

static const struct sink_ops *sink_find(const char *format, struct diag *diag)
{
	struct near near = {.word = format};
	u32 i;

	for (i = 0; sinks[i]; i++) {
		if (!strcmp(sinks[i]->name, format))
			return sinks[i];
		near_try(&near, sinks[i]->name);
	}
	diag_fail(diag, -EINVAL,
		  near.best ? near.best : "formats are: text, json, folded, flame, tree, timeline",
		  "unknown output format '%s'", format);
	return NULL;
}

static bool any_stack(const struct object *o)
{
	vec_each (map, &o->maps)
		if (has_stack(&map->key))
			return true;
	vec_each (schema, &o->schemas)
		if (has_stack(&schema->layout))
			return true;
	return false;
}

/* An object may come from a file: what its schemas say must fit before records are read by it. */
static int sink_check(struct sink *s, struct diag *diag)
{
	u32 most = 0;

	for (u32 i = 0; i < s->object->schemas.n; i++) {
		const struct schema *schema = &s->object->schemas.v[i];

		if (layout_check(&schema->layout, schema->layout.size) || schema->id != i ||
		    schema->group >= s->object->schemas.n)
			return diag_fail(diag, -EINVAL, "build the object again",
					 "record kind %u of the object is broken", i);
		most = MAX(most, schema->layout.size);
	}
	s->spare = arena_alloc(&s->arena, most);
	return !s->ops->only_stacks || any_stack(s->object)
		       ? 0
		       : diag_fail(diag, -EINVAL, "the formats text, json and timeline show what there is",
				   "the format %s shows stacks, of which there are none", s->ops->name);
}

/* Without memory for symbols, addresses stay numbers. */
static void show_open(struct show *show, struct diag *diag)
{
	static const clockid_t clocks[] = {[TIME_BOOT] = CLOCK_BOOTTIME,
					   [TIME_MONOTONIC] = CLOCK_MONOTONIC,
					   [TIME_TAI] = CLOCK_TAI};

	show->symbols = symbols_new(diag);
	for (u32 i = 0; i < ARRAY_SIZE(clocks); i++)
		show->wall_ns[i] = (s64)(clock_now(CLOCK_REALTIME) - clock_now(clocks[i]));
}

int sink_open(struct sink *s, const char *format, struct object *object, int fd, int line_buffered,
	      struct diag *diag)
{
	volatile int err = -ENOMEM;
	jmp_buf escape;

	*s = (struct sink){.object = object, .fd = fd, .line_buffered = line_buffered};
	s->flush_at = FLUSH_AT;
	s->ops = sink_find(format ? format : "text", diag);
	if (!s->ops)
		return -EINVAL;
	term_open(&s->term, fd);
	show_open(&s->show, diag);
	s->arena.escape = &escape;
	if (!setjmp(escape)) {
		int e = sink_check(s, diag);

		err = e ? e : s->ops->open(s, diag);
	}
	s->arena.escape = NULL;
	if (err) {
		symbols_free(s->show.symbols);
		arena_free(&s->arena);
	}
	return err;
}

/* Somebody does not want to wait for a slow reader. */
static bool impatient(const struct sink *s)
{
	return s->interrupts && __atomic_load_n(s->interrupts, __ATOMIC_RELAXED) > 1;
}

static int wait_writable(const struct sink *s)
{
	struct pollfd p = {.fd = s->fd, .events = POLLOUT};

	if (impatient(s))
		return -EINTR;
	return poll(&p, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

/* Writes the first n pending bytes. */
static void write_out(struct sink *s, size_t n)
{
	size_t done = 0;

	while (done < n && !s->error) {
		ssize_t w = write(s->fd, s->out.p + done, n - done);

		if (w >= 0)
			done += (size_t)w;
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			s->error = wait_writable(s);
		else if (errno != EINTR || impatient(s))
			s->error = -errno;
	}
	s->bytes += done;
	if (s->error)
		n = s->out.n;
	memmove(s->out.p, s->out.p + n, s->out.n - n);
	s->out.n -= n;
}

int sink_flush(struct sink *s, bool force)
{
	const char *newline;
	size_t n = 0, all;

	if (s->out.failed && !s->error)
		s->error = -ENOMEM;
	if (force || s->out.n >= s->flush_at)
		picture_close(&s->picture, &s->out, &s->term);
	all = s->picture.open ? s->picture.from : s->out.n; /* a picture is written whole */
	if (force || s->line_buffered == 2 || s->out.n >= s->flush_at) {
		n = all;
	} else if (s->line_buffered && all) {
		newline = memrchr(s->out.p, '\n', all);
		n = newline ? (size_t)(newline - s->out.p) + 1 : 0;
	}
	if (n)
		write_out(s, n);
	if (s->picture.open)
		s->picture.from -= s->error ? s->picture.from : n;
	if (n && s->term.tty && term_look(&s->term, s->fd))
		picture_restart(&s->picture, &s->out);
	return s->error;
}

int sink_close(struct sink *s)
{
	int err = sink_flush(s, true);

	if (s->ops->close)
		s->ops->close(s);
	buf_free(&s->out);
	symbols_free(s->show.symbols);
	arena_free(&s->arena);
	return err;
}

/* ---- the calls of the format */

static void flush_large(struct sink *s)
{
	if (s->out.n >= s->flush_at || s->error)
		sink_flush(s, true);
}

void sink_attached(struct sink *s, u32 probes)
{
	if (s->ops->attached)
		s->ops->attached(s, probes);
	flush_large(s);
}

void sink_record(struct sink *s, const struct schema *schema, u64 ns, u32 cpu, const void *payload,
		 u32 size)
{
	u32 whole = schema->layout.size;

	if (schema->id >= s->object->schemas.n || schema != &s->object->schemas.v[schema->id])
		return;
	if (size < whole) {
		if (size)
			memcpy(s->spare, payload, size);
		memset(s->spare + size, 0, whole - size);
		payload = s->spare;
		size = whole;
	}
	s->ops->record(s, schema, ns, cpu, payload, size);
	flush_large(s);
}

void sink_table(struct sink *s, const struct schema *schema)
{
	s->picture.top = true;
	if (s->ops->table)
		s->ops->table(s, schema);
}

void sink_map(struct sink *s, const struct map_contents *c)
{
	if (!c->map->shown || !c->n)
		return;
	if (s->show.symbols)
		symbols_hold(s->show.symbols);
	s->ops->map(s, c);
	if (s->show.symbols)
		symbols_release(s->show.symbols);
	s->final = false;
	flush_large(s);
}

bool sink_unordered(const struct sink *s, const struct object_map *m)
{
	return s->ops->sums_stacks && has_stack(&m->key);
}

void sink_cleared(struct sink *s, const struct object_map *m)
{
	if (s->ops->cleared)
		s->ops->cleared(s, m);
}

void sink_live(struct sink *s, bool part, u64 ns)
{
	picture_mark(&s->picture, &s->out, &s->term, part, ns);
}

void sink_output(struct sink *s, const char *type, const char *text, size_t n)
{
	s->ops->output(s, type, text, n);
	flush_large(s);
}

bool sink_helper_error(struct sink *s, const char *helper, s64 code, struct loc at)
{
	if (!s->ops->helper_error)
		return false;
	s->ops->helper_error(s, helper, code, at);
	flush_large(s);
	return true;
}

static void join_text(struct buf *b, const struct schema *schema, const u8 *payload)
{
	const struct layout *l = &schema->layout;
	u64 n = field_is_int(l->fields) ? field_load(l->fields, payload) : 0;

	for (u32 i = 1; i < l->n && i <= n; i++) {
		const struct field *f = &l->fields[i];

		if (i > 1)
			buf_puts(b, schema->action.text);
		buf_add(b, payload + f->off, strnlen((const char *)payload + f->off, f->size));
	}
	buf_char(b, '\n');
}

bool action_text(struct buf *b, const struct show *show, const struct schema *schema, u64 ns,
		 const u8 *payload)
{
	const struct action *a = &schema->action;
	char *p;

	if (a->kind == ACTION_JOIN && schema->layout.n) {
		join_text(b, schema, payload);
		return true;
	}
	if (a->kind != ACTION_TIME)
		return false;
	p = buf_reserve(b, TIME_TEXT_MOST);
	if (p)
		b->n += (size_t)(put_time(p, a->text, (s64)ns + show->wall_ns[TIME_MONOTONIC]) - p);
	return true;
}

void sink_ended(struct sink *s)
{
	sink_live(s, false, 0);
	s->final = true;
	if (s->ops->ended)
		s->ops->ended(s);
}

void sink_summary(struct sink *s, const struct waggle_stats *stats)
{
	if (s->ops->summary)
		s->ops->summary(s, stats);
	flush_large(s);
}

void summary_text(struct buf *b, const struct waggle_stats *st, bool events)
{
	if (events || st->shown) {
		buf_u64(b, st->shown);
		buf_puts(b, st->shown == 1 ? " event, " : " events, ");
	}
	buf_u64(b, st->lost);
	buf_puts(b, " lost");
	if (st->map_full) {
		buf_puts(b, ", ");
		buf_u64(b, st->map_full);
		buf_puts(b, " map updates found no room");
	}
	if (st->ticks_missed) {
		buf_puts(b, ", ");
		buf_u64(b, st->ticks_missed);
		buf_puts(b, " interval ticks were left out");
	}
	if (st->recursion > 0) {
		buf_puts(b, ", ");
		buf_u64(b, (u64)st->recursion);
		buf_puts(b, " runs skipped by the kernel");
	}
}
