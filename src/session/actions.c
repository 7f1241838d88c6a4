/*
 * actions.c: does what records ask for: shows them, prints, clears and zeroes maps, exits.
 */
#include "session/session.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#define BATCH 1024 /* records between two looks at timers and descriptors */

enum { STOP_BATCH = 1, STOP_ENDING = 2, STOP_USER = 3 };

u32 session_map_parts(const struct waggle_session *s, u32 map)
{
	const struct object_map *m = &s->object->maps.v[map];
	const struct map_kind *kind = map_kind(m->kind);

	return kind && kind->per_cpu ?
		       s->engine->ops->map_bytes(s->engine, map) / ALIGN_UP(m->value_size, 8) :
		       1;
}

/* Leaves the entry of that key alone. */
static u32 only_entry(struct reading *r, u32 n, size_t value_bytes, const u8 *key)
{
	size_t size = r->map->key_size;

	for (u32 i = 0; i < n; i++) {
		if (memcmp(r->keys.p + i * size, key, size) != 0)
			continue;
		memmove(r->keys.p, r->keys.p + i * size, size);
		memmove(r->values.p, r->values.p + i * value_bytes, value_bytes);
		return 1;
	}
	return 0;
}

/* What was read of the map: stacks become frames, entries are chosen and sorted. */
static int reading_finish(struct waggle_session *s, struct reading *r, u32 map, u32 n, u32 top,
			  u32 div, bool unordered)
{
	jmp_buf full;
	int err;

	r->arena.escape = &full;
	if (setjmp(full)) {
		r->arena.escape = NULL;
		return -ENOMEM;
	}
	err = stacks_expand(s, &r->arena, &r->map, &r->keys, &r->values, n);
	if (!err && (r->keys.failed || r->values.failed || r->raw.failed))
		err = -ENOMEM;
	if (!err)
		err = map_contents_make(&r->contents, &r->arena, r->map, (const u8 *)r->keys.p,
					(const u8 *)r->values.p, n, session_map_parts(s, map),
					top, div, unordered);
	r->arena.escape = NULL;
	return err;
}

int reading_make(struct waggle_session *s, struct reading *r, u32 map, u32 top, u32 div,
		 const u8 *key, bool unordered)
{
	u32 n = 0;
	int err;

	r->map = &s->object->maps.v[map];
	err = s->engine->ops->map_read(s->engine, map, &r->keys, &r->values, &n);
	if (err)
		return err;
	if (key)
		n = only_entry(
			r, n, (size_t)session_map_parts(s, map) * ALIGN_UP(r->map->value_size, 8),
			key);
	if (r->keep_raw)
		buf_add(&r->raw, r->keys.p, (size_t)n * r->map->key_size);
	return reading_finish(s, r, map, n, top, div, unordered);
}

void reading_free(struct reading *r)
{
	arena_free(&r->arena);
	buf_free(&r->keys);
	buf_free(&r->values);
	buf_free(&r->raw);
}

/* The map that "m5" names, if its keys are those of `map`. */
static const struct object_map *beside_of(const struct waggle_session *s, u32 map, const char *text)
{
	const struct object *o = s->object;
	u32 i = text && *text == 'm' ? (u32)strtoul(text + 1, NULL, 10) : UINT32_MAX;

	return i < o->maps.n && o->maps.v[i].shown && !o->maps.v[i].scalar &&
			       o->maps.v[i].key_size == o->maps.v[map].key_size
		       ? &o->maps.v[i]
		       : NULL;
}

/* What the map beside has for each entry that is shown: as numbers, and as entries of its own. */
static int read_beside(struct waggle_session *s, struct reading *r, const struct object_map *beside,
		       struct reading *own, u32 *n)
{
	struct map_contents *c = &r->contents;
	u32 map = (u32)(beside - s->object->maps.v), parts = session_map_parts(s, map);
	size_t size = beside->key_size, bytes = s->engine->ops->map_bytes(s->engine, map);
	u64 *numbers;
	jmp_buf full;
	u8 *value;

	r->arena.escape = &full;
	if (setjmp(full)) {
		r->arena.escape = NULL;
		return -ENOMEM;
	}
	own->map = beside;
	value = arena_alloc(&r->arena, bytes);
	numbers = arena_array(&r->arena, u64, c->n);
	for (u32 i = 0; i < c->n; i++) {
		size_t at = (size_t)(c->entries[i].key - (const u8 *)r->keys.p) / r->map->key_size;
		const char *key = r->raw.p + at * size;

		if (s->engine->ops->map_lookup(s->engine, map, key, value))
			continue;
		numbers[i] = map_number(&r->arena, beside, value, parts);
		buf_add(&own->keys, key, size);
		buf_add(&own->values, (const char *)value, bytes);
		buf_pad(&own->values, 8);
		++*n;
	}
	c->beside = beside;
	c->numbers = numbers;
	r->arena.escape = NULL;
	return 0;
}

static void print_map(struct waggle_session *s, u32 map, u32 top, u32 div, const u8 *key,
		      const char *text)
{
	const struct object_map *beside = beside_of(s, map, text);
	bool unordered = !top && sink_unordered(&s->sink, &s->object->maps.v[map]);
	struct reading r = {.keep_raw = beside != NULL}, own = {0};
	u32 n = 0;
	int err = reading_make(s, &r, map, top, div, key, unordered);

	if (!err && beside)
		err = read_beside(s, &r, beside, &own, &n);
	if (!err && r.contents.n)
		sink_map(&s->sink, &r.contents);
	if (!err && n && s->sink.ops != &sink_text && !s->sink.ops->sums_stacks) {
		err = reading_finish(s, &own, (u32)(beside - s->object->maps.v), n, 0, 0, false);
		if (!err)
			sink_map(&s->sink, &own.contents);
	}
	if (err)
		diag_fail(&s->diag, err, NULL, "cannot read %s: %s", s->object->maps.v[map].shown,
			  strerror(-err));
	reading_free(&own);
	reading_free(&r);
}

void session_print_map(struct waggle_session *s, u32 map, u32 top, u32 div)
{
	print_map(s, map, top, div, NULL, NULL);
}

/* The key in a record that asks for one entry, or NULL. */
static const u8 *key_of(struct waggle_session *s, const struct schema *schema, const u8 *payload,
			u32 size)
{
	const struct field *f = schema->layout.n ? schema->layout.fields : NULL;

	if (!f || f->kind != FIELD_BYTES || f->off > size || f->size > size - f->off ||
	    f->size < s->object->maps.v[schema->action.map].key_size)
		return NULL;
	return payload + f->off;
}

/* Zeroes a value; a scalar's is_set, its last word, stays as it is. */
static void value_zero(u8 *value, const struct object_map *m, u32 cpus, bool keep_set)
{
	u32 stride = ALIGN_UP(m->value_size, 8);
	u32 kept = keep_set && m->scalar ? m->value_size - 8 : m->value_size;

	for (u32 cpu = 0; cpu < cpus; cpu++)
		memset(value + (size_t)cpu * stride, 0, kept);
}

/* Arrays cannot be emptied: their elements become zero, unset. */
static int map_change(struct waggle_session *s, u32 map, bool zero)
{
	const struct object_map *m = &s->object->maps.v[map];
	const struct engine_ops *ops = s->engine->ops;
	bool array = m->kind == MAP_ARRAY || m->kind == MAP_PERCPU_ARRAY;
	struct buf keys = {0}, values = {0};
	u32 n = 0, cpus = session_map_parts(s, map);
	size_t bytes = (size_t)cpus * ALIGN_UP(m->value_size, 8);
	int err = ops->map_read(s->engine, map, &keys, &values, &n);

	for (u32 i = 0; i < n && !err; i++) {
		const char *key = keys.p + (size_t)i * m->key_size;
		u8 *value = (u8 *)values.p + i * bytes;

		value_zero(value, m, cpus, zero);
		err = zero || array ? ops->map_update(s->engine, map, key, value, 0)
				    : ops->map_delete(s->engine, map, key);
		if (err == -ENOENT)
			err = 0; /* a program was faster */
	}
	buf_free(&keys);
	buf_free(&values);
	if (err)
		diag_fail(&s->diag, err, NULL, "cannot %s %s: %s", zero ? "zero" : "clear",
			  m->shown, strerror(-err));
	return err;
}

static int exit_status(const struct schema *schema, const u8 *payload, u32 size)
{
	const struct field *f = schema->layout.n ? &schema->layout.fields[0] : NULL;
	s32 status = 0;

	if (f && f->off <= size && f->size >= sizeof(status) && size - f->off >= sizeof(status))
		memcpy(&status, payload + f->off, sizeof(status)); /* little-endian */
	return status & 0xff;
}

/* A number of 1 to 8 bytes; 0: there is none. */
static u64 word_of(const struct schema *schema, u32 i, const u8 *payload, u32 size)
{
	const struct field *f = i < schema->layout.n ? &schema->layout.fields[i] : NULL;
	u64 v = 0;

	if (f && f->off <= size && f->size <= size - f->off)
		memcpy(&v, payload + f->off, MIN(f->size, sizeof(v))); /* little-endian */
	return v;
}

/* The process may be waiting for its watchpoint. */
static void watch(struct waggle_session *s, const struct schema *schema, const u8 *payload,
		  u32 size)
{
	u64 addr = word_of(schema, 0, payload, size);
	u32 pid = (u32)word_of(schema, 1, payload, size);

	if (s->engine->ops->watch && schema->action.top < s->object->progs.n)
		s->engine->ops->watch(s->engine, schema->action.top, addr, pid);
	if (pid && !strcmp(schema->action.text, "stop"))
		kill((pid_t)pid, SIGCONT);
}

static int show(struct waggle_session *s, const struct schema *schema, u64 ns, u32 cpu,
		const void *payload, u32 size)
{
	s->stats.shown += schema->action.kind != ACTION_TIME; /* a heading */
	if (s->polled) {
		struct waggle_event e = {ns, cpu, (const struct waggle_schema *)schema, payload,
					 size};

		s->events++;
		s->fn_result = s->fn ? s->fn(s->user, &e) : 0;
		return s->fn_result ? STOP_USER : 0;
	}
	sink_record(&s->sink, schema, ns, cpu, payload, size);
	if (!s->sink.error)
		return 0;
	session_end(s, ENDING_WRITE);
	return STOP_ENDING;
}

/* To the sink, if that takes them, else as a warning with the line of the script. */
static void helper_error(struct waggle_session *s, const struct schema *schema, const u8 *payload,
			 u32 size)
{
	const struct object *o = s->object;
	struct loc at = {
		.line = schema->action.top >> 10, .col = schema->action.top & 1023, .len = 1};
	const char *helper = schema->action.text, *why = "no such key";
	struct diag d = s->diag;
	s64 code = 0;

	memcpy(&code, payload, MIN(size, sizeof(code)));
	if (sink_helper_error(&s->sink, helper, code, at))
		return;
	d.file = o->source_name;
	d.text = o->source;
	d.size = o->source_size;
	if (code)
		why = strerrordesc_np((int)-code);
	diag_warn(&d, at, NULL, "%s failed: %s (%lld)", helper, why ? why : "?", (long long)code);
}

static int act(struct waggle_session *s, const struct schema *schema, u64 ns, u32 cpu,
	       const void *payload, u32 size)
{
	const struct action *a = &schema->action;

	if (session_shows(s))
		sink_live(&s->sink, schema->view & VIEW_LIVE, ns);
	switch (a->kind) {
	case ACTION_PRINT_MAP:
		if (session_shows(s))
			print_map(s, a->map, a->top, a->div, key_of(s, schema, payload, size),
				  a->text);
		break;
	case ACTION_TABLE:
		if (session_shows(s))
			session_table(s, a, ns, cpu);
		break;
	case ACTION_CLEAR_MAP:
	case ACTION_ZERO_MAP:
		if (!map_change(s, a->map, a->kind == ACTION_ZERO_MAP) && session_shows(s))
			sink_cleared(&s->sink, &s->object->maps.v[a->map]);
		break;
	case ACTION_CAT:
	case ACTION_SYSTEM:
	case ACTION_ERRORF:
	case ACTION_WARNF:
		s->stats.shown++;
		if (session_shows(s))
			session_output(s, schema, payload, size);
		break;
	case ACTION_PCAP:
		s->stats.shown++;
		if (session_shows(s))
			session_packet(s, schema, ns, payload, size);
		break;
	case ACTION_WATCH: watch(s, schema, payload, size); break;
	case ACTION_UNWATCH:
		if (s->engine->ops->unwatch)
			s->engine->ops->unwatch(s->engine, word_of(schema, 0, payload, size));
		break;
	case ACTION_HELPER_ERROR:
		if (session_shows(s))
			helper_error(s, schema, payload, size);
		else
			return show(s, schema, ns, cpu, payload, size);
		break;
	case ACTION_EXIT:
		if (s->exited)
			break;
		s->exited = true;
		s->status = exit_status(schema, payload, size);
		session_end(s, ENDING_EXIT);
		return STOP_ENDING;
	case ACTION_RESULT: trial_result(s, schema, payload, size); break;
	default: return show(s, schema, ns, cpu, payload, size);
	}
	return 0;
}

int session_record(void *session, const struct schema *schema, u64 ns, u32 cpu, const void *payload,
		   u32 size)
{
	struct waggle_session *s = session;
	int stop, next;

	if (s->exited && (!s->resumed || ns < s->resumed))
		return 0;
	stop = act(s, schema, ns, cpu, payload, size);
	while (schema->then && stop != STOP_ENDING) {
		schema = &s->object->schemas.v[schema->then];
		next = act(s, schema, ns, cpu, payload, 0);
		stop = MAX(stop, next);
	}
	if (!stop && ++s->batch >= BATCH) {
		s->batch = 0;
		stop = STOP_BATCH;
	}
	return stop;
}
