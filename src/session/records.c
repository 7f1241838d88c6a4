/*
 * records.c: shows what programs of other compilers write to ring buffers and perf event arrays.
 *
 * In:  records as they come. Out: text, a line for each, or JSON. A record has the type of the
 * map's value, if that is declared and as large, else of the one struct as large that a global
 * variable is or points to (`struct event *unused`, as it is written to keep the type); else it is
 * shown as bytes.
 */
#include "session/session.h"

#include "btf/show.h"

#include <stdlib.h>

#define LOOK_NS 200000000u /* programs may write without waking anybody up */

struct record_types {
	struct object_btf made;
	struct btf *btf; /* or NULL */
};

static struct record_types *types_open(struct waggle_session *s)
{
	struct record_types *t = calloc(1, sizeof(*t));
	struct diag quiet = {0};

	if (t && !object_btf(s->object, &t->made, &quiet) && t->made.btf.n)
		btf_open_raw(&t->btf, t->made.btf.p, t->made.btf.n, &quiet);
	return t;
}

void records_close(struct waggle_session *s)
{
	if (!s->record_types)
		return;
	btf_close(s->record_types->btf);
	object_btf_free(&s->record_types->made);
	free(s->record_types);
}

/* Records of perf events come with up to 7 bytes behind them. */
static bool fits(struct btf *btf, u32 type, u32 size, bool perf)
{
	u64 bytes;

	return type && btf_sizeof(btf, type, &bytes) && bytes <= size &&
	       size - bytes < (perf ? 8u : 1u);
}

/* What a global variable is, or points to: a struct that has a name. */
static u32 struct_of(struct btf *btf, const struct btf_type *var)
{
	u32 id = btf_skip(btf, var->type);
	const struct btf_type *t = btf_type(btf, id);

	if (t && t->kind == BTF_PTR) {
		id = btf_skip(btf, t->type);
		t = btf_type(btf, id);
	}
	return t && (t->kind == BTF_STRUCT || t->kind == BTF_UNION) && *t->name ? id : 0;
}

static u32 type_of_size(struct btf *btf, u32 size, bool perf)
{
	u32 found = 0;

	for (u32 id = 1; id <= btf_count(btf); id++) {
		const struct btf_type *t = btf_type(btf, id);
		u32 type = t && t->kind == BTF_VAR ? struct_of(btf, t) : 0;

		if (!fits(btf, type, size, perf))
			continue;
		if (found && found != type)
			return 0; /* it may be either */
		found = type;
	}
	return found;
}

static u32 type_of(const struct record_types *t, const struct object_map *m, u32 index, u32 size)
{
	bool perf = m->kind == MAP_PERF_EVENT_ARRAY;
	u32 type = t->made.maps[index].value;

	return fits(t->btf, type, size, perf) && (!perf || size > 8)
		       ? type
		       : type_of_size(t->btf, size, perf);
}

static void show(void *user, u32 map, u32 cpu, const u8 *data, u32 size)
{
	struct waggle_session *s = user;
	const struct object_map *m = &s->object->maps.v[map];
	const struct record_types *t = s->record_types;
	bool json = s->sink.ops == &sink_json;
	struct buf *out = &s->sink.out;
	u32 type = t && t->btf ? type_of(t, m, map, size) : 0;
	u64 bytes = size;

	(void)cpu;
	s->stats.shown++;
	sink_live(&s->sink, false, 0);
	if (type)
		btf_sizeof(t->btf, type, &bytes);
	if (json)
		buf_printf(out, "{\"type\":\"record\",\"data\":{\"%s\":", m->name);
	else
		buf_printf(out, "%s: ", m->name);
	if (type)
		btf_show(out, t->btf, type, data, bytes, json);
	else
		btf_show_hex(out, data, size, json);
	buf_puts(out, json ? "}}\n" : "\n");
	if (out->n >= s->sink.flush_at)
		sink_flush(&s->sink, true);
}

u64 records_show(struct waggle_session *s, u64 ns)
{
	if (!s->engine->nraw || !session_shows(s))
		return ns;
	if (!s->record_types)
		s->record_types = types_open(s);
	engine_records(s->engine, show, s);
	return MIN(ns, LOOK_NS);
}
