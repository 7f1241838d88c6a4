/*
 * ahead.c: symbols and stacks got ready while there is nothing else to do, so that the end answers
 * at once.
 *
 * In:  the kinds of fields in records and maps. Out: a reader of symbols that has seen the kernel's
 *      table, the processes that run, and the files that they map, before anybody asks; and the
 *      frames of the stacks that maps keep by their ids.
 *
 * Where stacks of processes are shown, programs, mappings and ends of processes are followed from
 * the start: a command that has ended has names, too. The keys of maps, with their pids and stacks,
 * are looked at now and then, seldom enough to cost less than a thousandth of the time: sooner
 * where the last look found many new stacks, which cannot go on for long: the map of stacks has
 * room for so many only, and ids of stacks that are not in it do not count.
 */
#include "session/session.h"

#include "base/clock.h"

#define SCAN_NS    250000000u /* between two looks at the keys of maps, at least */
#define SCAN_SHARE 1000       /* and so many times what the last one took */
#define PIECE_NS   2000000u   /* work between two looks at the rings */
#define LAST_NS    20000000u  /* for what the command has, before it is asked to end */

enum { WANT_PIDS = 1, WANT_STACKS = 2 };

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

static bool has_pids(const struct object_map *m)
{
	for (u32 i = 0; i < m->key.n; i++)
		if (has_pid(&m->key.fields[i]))
			return true;
	return false;
}

/* What is looked for in the keys of a map. One process is known from the start. */
static u32 wanted_of(const struct waggle_session *s, const struct object_map *m)
{
	bool one = s->command.pid || s->opts.pid;

	if (!m->shown || m->scalar)
		return 0;
	return (!one && has_pids(m) ? WANT_PIDS : 0) | (stacks_by_id(s, m) ? WANT_STACKS : 0);
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
		n->keys |= wanted_of(s, m) != 0;
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

static void prepare_pids(struct waggle_session *s, const struct object_map *m,
			 const struct buf *keys, u32 n)
{
	for (u32 i = 0; i < n; i++)
		for (u32 k = 0; k < m->key.n; k++)
			if (has_pid(&m->key.fields[k]))
				symbols_prepare_process(
					s->sink.show.symbols,
					pid_of(&m->key.fields[k],
					       (const u8 *)keys->p + (size_t)i * m->key_size));
}

static void scan_map(struct waggle_session *s, const struct object_map *m, u32 wanted)
{
	struct buf keys = {0}, values = {0};
	u32 n = 0;

	if (!s->engine->ops->map_read(s->engine, (u32)(m - s->object->maps.v), &keys, &values,
				      &n) &&
	    !keys.failed) {
		if (wanted & WANT_PIDS)
			prepare_pids(s, m, &keys, n);
		if (wanted & WANT_STACKS)
			stacks_want(s, m, &keys, &values, n);
	}
	buf_free(&keys);
	buf_free(&values);
}

static void scan(struct waggle_session *s)
{
	u64 began = clock_now(CLOCK_MONOTONIC), share;

	stacks_want_none(s);
	vec_each (m, &s->object->maps) {
		u32 wanted = wanted_of(s, m);

		if (wanted)
			scan_map(s, m, wanted);
	}
	share = stacks_want_many(s) ? 0 : SCAN_SHARE;
	s->ahead.next = clock_now(CLOCK_MONOTONIC) +
			MAX((clock_now(CLOCK_MONOTONIC) - began) * share, SCAN_NS);
}

u64 ahead_idle(struct waggle_session *s, u64 ns)
{
	struct ahead *n = &s->ahead;
	struct symbols *symbols = s->sink.show.symbols;
	u64 now = clock_now(CLOCK_MONOTONIC), until = now + PIECE_NS;
	bool more = true;

	if ((!n->kernel && !n->user) || !symbols || !session_shows(s))
		return ns;
	if (n->keys && now >= n->next)
		scan(s);
	while (more && clock_now(CLOCK_MONOTONIC) < until)
		more = (n->kernel && symbols_prepare_kernel(symbols)) ||
		       (n->user && symbols_prepare_watched(symbols)) || stacks_prepare(s);
	if (more)
		return 0;
	if (n->user)
		ns = MIN(ns, SCAN_NS); /* the rings of the watch fill up */
	return n->keys ? MIN(ns, n->next > now ? n->next - now : 1) : ns;
}

void ahead_last(struct waggle_session *s)
{
	u64 until = clock_now(CLOCK_MONOTONIC) + LAST_NS;

	if (!s->ahead.user || !s->sink.show.symbols || !session_shows(s) || !s->command.pid)
		return;
	while (symbols_prepare_watched(s->sink.show.symbols) && clock_now(CLOCK_MONOTONIC) < until)
		;
}
