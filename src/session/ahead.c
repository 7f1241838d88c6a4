/*
 * ahead.c: symbols got ready while there is nothing else to do, so that the end answers at once.
 *
 * In:  the kinds of fields in records and maps. Out: a reader of symbols that has seen the kernel's
 *      table, the processes that run, and the files that they map, before anybody asks.
 *
 * Where stacks of processes are shown, programs, mappings and ends of processes are followed from
 * the start: a command that has ended has names, too. The pids in keys of maps are looked at now
 * and then, seldom enough to cost less than a thousandth of the time.
 */
#include "session/session.h"

#include "base/clock.h"

#define SCAN_NS    250000000u /* between two looks at the keys of maps, at least */
#define SCAN_SHARE 1000       /* and so many times what the last one took */
#define PIECE_NS   2000000u   /* work between two looks at the rings */

static void want_fields(struct ahead *n, const struct layout *l)
{
	for (u32 i = 0; l && i < l->n; i++) {
		const struct field *f = &l->fields[i];

		n->kernel |= f->kind == FIELD_KSTACK || f->kind == FIELD_KSYM;
		n->user |= f->kind == FIELD_USTACK || f->kind == FIELD_USYM;
		want_fields(n, f->sub);
	}
}

static bool has_pid(const struct field *f)
{
	return (f->kind == FIELD_USTACK || f->kind == FIELD_USYM) && f->size >= 16;
}

void ahead_open(struct waggle_session *s)
{
	struct ahead *n = &s->ahead;
	struct symbols *symbols = s->sink.show.symbols;
	u32 pid = s->command.pid ? (u32)s->command.pid : (u32)s->opts.pid;

	vec_each (schema, &s->object->schemas)
		want_fields(n, &schema->layout);
	vec_each (m, &s->object->maps) {
		want_fields(n, &m->key);
		want_fields(n, &m->value);
	}
	if (!symbols)
		*n = (struct ahead){0};
	if (n->user)
		symbols_watch(symbols, pid);
	if (n->user && s->opts.pid)
		symbols_prepare_process(symbols, (u32)s->opts.pid);
}

/* The pid of a stack is in its first word, of a symbol in its second; of an id in its second. */
static u32 pid_of(const struct field *f, const u8 *key)
{
	u64 pid;

	memcpy(&pid, key + f->off + (f->kind == FIELD_USTACK && !(f->mode & STACK_BY_ID) ? 0 : 8),
	       8);
	return (u32)pid;
}

static void scan_map(struct waggle_session *s, u32 map)
{
	const struct object_map *m = &s->object->maps.v[map];
	struct buf keys = {0}, values = {0};
	u32 n = 0;

	if (!s->engine->ops->map_read(s->engine, map, &keys, &values, &n) && !keys.failed)
		for (u32 i = 0; i < n; i++)
			for (u32 k = 0; k < m->key.n; k++)
				if (has_pid(&m->key.fields[k]))
					symbols_prepare_process(
						s->sink.show.symbols,
						pid_of(&m->key.fields[k],
						       (const u8 *)keys.p +
							       (size_t)i * m->key_size));
	buf_free(&keys);
	buf_free(&values);
}

static void scan(struct waggle_session *s)
{
	u64 began = clock_now(CLOCK_MONOTONIC);

	for (u32 i = 0; i < s->object->maps.n; i++) {
		const struct object_map *m = &s->object->maps.v[i];
		bool wanted = false;

		for (u32 k = 0; m->shown && !m->scalar && k < m->key.n; k++)
			wanted |= has_pid(&m->key.fields[k]);
		if (wanted)
			scan_map(s, i);
	}
	s->ahead.next = clock_now(CLOCK_MONOTONIC) +
			MAX((clock_now(CLOCK_MONOTONIC) - began) * SCAN_SHARE, SCAN_NS);
}

u64 ahead_idle(struct waggle_session *s, u64 ns)
{
	struct ahead *n = &s->ahead;
	struct symbols *symbols = s->sink.show.symbols;
	u64 now = clock_now(CLOCK_MONOTONIC), until = now + PIECE_NS;
	bool more = true;

	if ((!n->kernel && !n->user) || !symbols || !session_shows(s))
		return ns;
	while (more && clock_now(CLOCK_MONOTONIC) < until)
		more = (n->kernel && symbols_prepare_kernel(symbols)) ||
		       (n->user && symbols_prepare_watched(symbols));
	if (more)
		return 0;
	if (!n->user || s->command.pid || s->opts.pid)
		return n->user ? MIN(ns, SCAN_NS) : ns; /* the rings of the watch fill up */
	if (now >= n->next)
		scan(s);
	return MIN(ns, n->next > now ? n->next - now : 1);
}
