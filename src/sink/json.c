/*
 * json.c: output for programs: one JSON object a line.
 *
 * The shapes are bpftrace's, with these additions: a printf record has "fields", its arguments by
 * name with their types; an emit record {"type":"emit","ns":N,"cpu":N,"data":{...}} has the time
 * (CLOCK_MONOTONIC) and the CPU of the event; a stack in either is a list of frames:
 * {"addr":"0x...","symbol":S, "offset":N,"module":S,"build_id":S,"file_offset":N}, as far as they
 * are known; the last line is a summary
 * {"type":"summary","data":{"shown":N,"lost":N,"map_full":N,"ticks_missed":N,"recursion":N|null}}.
 * Numbers are whole 64-bit numbers. Strings are valid UTF-8: bytes that are not become U+FFFD.
 */
#include "sink/format.h"
#include "sink/series.h"
#include "sink/sink.h"
#include "sink/value.h"

#include <stdlib.h>

struct json_schema {
	struct format format; /* printf's text */
	char *head;           /* {"type":"emit" */
	u32 head_len, most;   /* bytes that its line takes at most, printf's text apart */
	struct json_field {
		char *key; /* ,"pid": */
		u32 len;
	} * fields;
};
struct json {
	struct json_schema *schemas;
	struct buf text; /* of the printf that is being shown */
};

/* ---- pieces */

static char *json_quote(struct arena *a, const char *before, const char *s, const char *after)
{
	size_t n = strlen(s);
	char *text = arena_alloc(a, n * 6 + 1);

	put_json(text, (const u8 *)s, n, true);
	return arena_printf(a, "%s\"%s\"%s", before, text, after);
}

static void json_string(struct buf *b, const u8 *s, size_t n)
{
	char *p = buf_reserve(b, n * 6 + 2), *start = p;

	if (!p)
		return;
	*p++ = '"';
	p = put_json(p, s, n, false);
	*p++ = '"';
	b->n += (size_t)(p - start);
}

static void json_number(struct buf *b, bool sign, u64 v)
{
	if (sign)
		buf_s64(b, (s64)v);
	else
		buf_u64(b, v);
}

static void json_member(struct buf *b, const char *before, u64 v)
{
	buf_puts(b, before);
	buf_u64(b, v);
}

/* ---- records */

static int json_schema_open(struct sink *s, struct json_schema *j, const struct schema *schema,
			    struct diag *diag)
{
	const struct layout *l = &schema->layout;
	struct arena *a = &s->arena;

	j->head = json_quote(a, "{\"type\":", schema->name ? schema->name : "record", "");
	j->head_len = (u32)strlen(j->head);
	j->most = j->head_len + 128;
	j->fields = arena_array(a, struct json_field, l->n);
	for (u32 i = 0; i < l->n; i++) {
		j->fields[i].key = json_quote(a, i ? "," : "", l->fields[i].name, ":");
		j->fields[i].len = (u32)strlen(j->fields[i].key);
		j->most += j->fields[i].len + field_json_most(&l->fields[i]);
	}
	if (schema->action.kind == ACTION_PRINTF) {
		int err = format_compile(&j->format, a, schema->action.text, l, diag);

		j->format.show = &s->show;
		return err;
	}
	return 0;
}

static int json_open(struct sink *s, struct diag *diag)
{
	u32 n = s->object->schemas.n;
	struct json *json = arena_new(&s->arena, struct json);
	int err = 0;

	json->schemas = arena_array(&s->arena, struct json_schema, n);
	s->state = json;
	for (u32 i = 0; i < n && !err; i++)
		err = json_schema_open(s, &json->schemas[i], &s->object->schemas.v[i], diag);
	return err;
}

static void json_close(struct sink *s)
{
	struct json *json = s->state;

	buf_free(&json->text);
}

static void json_attached(struct sink *s, u32 probes)
{
	json_member(&s->out, "{\"type\":\"attached_probes\",\"data\":{\"probes\":", probes);
	buf_puts(&s->out, "}}\n");
}

static char *put_fields(char *p, const struct show *show, const struct json_schema *j,
			const struct layout *l, const u8 *data)
{
	*p++ = '{';
	for (u32 i = 0; i < l->n; i++) {
		const struct field *f = &l->fields[i];
		bool stack = f->kind == FIELD_KSTACK || f->kind == FIELD_USTACK;

		p = put_copy(p, j->fields[i].key, j->fields[i].len);
		p = stack ? stack_json(p, show, f, data) : field_json(p, show, f, data);
	}
	*p++ = '}';
	return p;
}

#define PUT_LITERAL(p, s) put_copy(p, s, sizeof(s) - 1)

static void json_printf(struct sink *s, const struct json_schema *j, const struct layout *l,
			const u8 *data)
{
	struct buf *text = &((struct json *)s->state)->text;
	char *p;

	text->n = 0;
	p = buf_reserve(text, j->format.most);
	if (p)
		text->n = (size_t)(format_run(&j->format, p, data) - p);
	buf_add(&s->out, j->head, j->head_len);
	buf_puts(&s->out, ",\"data\":");
	json_string(&s->out, (u8 *)text->p, text->n);
	p = buf_reserve(&s->out, j->most);
	if (!p)
		return;
	p = PUT_LITERAL(p, ",\"fields\":");
	p = put_fields(p, &s->show, j, l, data);
	p = PUT_LITERAL(p, "}\n");
	s->out.n = (size_t)(p - s->out.p);
}

static void json_typed(struct sink *s, const struct json_schema *j, const struct layout *l, u64 ns,
		       u32 cpu, const u8 *data)
{
	char *p = buf_reserve(&s->out, j->most);

	if (!p)
		return;
	p = put_copy(p, j->head, j->head_len);
	p = PUT_LITERAL(p, ",\"ns\":");
	p = put_u64(p, ns);
	p = PUT_LITERAL(p, ",\"cpu\":");
	p = put_u64(p, cpu);
	p = PUT_LITERAL(p, ",\"data\":");
	p = put_fields(p, &s->show, j, l, data);
	p = PUT_LITERAL(p, "}\n");
	s->out.n = (size_t)(p - s->out.p);
}

static void json_print_value(struct sink *s, const struct json_schema *j, const struct layout *l,
			     const u8 *data)
{
	char *p = buf_reserve(&s->out, j->most);

	if (!p || !l->n)
		return;
	p = PUT_LITERAL(p, "{\"type\":\"value\",\"data\":");
	p = field_json(p, &s->show, &l->fields[0], data);
	p = PUT_LITERAL(p, "}\n");
	s->out.n = (size_t)(p - s->out.p);
}

/* What a string of any length and a type make of a line. */
static void json_output(struct sink *s, const char *type, const char *text, size_t n)
{
	buf_puts(&s->out, "{\"type\":\"");
	buf_puts(&s->out, type);
	buf_puts(&s->out, "\",\"data\":");
	json_string(&s->out, (const u8 *)text, n);
	buf_puts(&s->out, "}\n");
}

static void json_action(struct sink *s, const struct schema *schema, u64 ns, const u8 *payload)
{
	struct buf *text = &((struct json *)s->state)->text;

	text->n = 0;
	if (action_text(text, &s->show, schema, ns, payload))
		/* the new line behind joined strings is the terminal's */
		json_output(s, schema->name, text->n ? text->p : "",
			    text->n - (schema->action.kind == ACTION_JOIN && text->n));
}

static void json_record(struct sink *s, const struct schema *schema, u64 ns, u32 cpu,
			const void *payload, u32 size)
{
	const struct json_schema *j = &((struct json *)s->state)->schemas[schema->id];

	(void)size;
	switch (schema->action.kind) {
	case ACTION_PRINTF: json_printf(s, j, &schema->layout, payload); break;
	case ACTION_NONE:
	case ACTION_EMIT: json_typed(s, j, &schema->layout, ns, cpu, payload); break;
	case ACTION_PRINT_VALUE: json_print_value(s, j, &schema->layout, payload); break;
	default: json_action(s, schema, ns, payload);
	}
}

/* ---- maps */

static const char *map_type(const struct object_map *m)
{
	switch (m->agg) {
	case AGG_HIST:
	case AGG_LHIST: return "hist";
	case AGG_AVG:
	case AGG_STATS: return "stats";
	case AGG_QUANTILE: return "quantile";
	case AGG_TSERIES: return "tseries";
	default: return "map";
	}
}

/* A key is a string: its parts in text, joined by commas. */
static void json_key(struct sink *s, const struct object_map *m, const u8 *key)
{
	struct buf *text = &((struct json *)s->state)->text;
	const struct layout *l = &m->key;
	struct show show = s->show;
	char *p;

	show.indent = 4;
	if (l->n == 1 && l->fields[0].kind == FIELD_TUPLE) {
		key += l->fields[0].off;
		l = l->fields[0].sub;
	}
	text->n = 0;
	p = buf_reserve(text, layout_text_most(l));
	if (p)
		text->n = (size_t)(layout_text(p, &show, l, key, ",") - p);
	json_string(&s->out, (u8 *)text->p, text->n);
	buf_char(&s->out, ':');
}

static void json_hist(struct sink *s, const struct map_contents *c, const struct map_entry *e)
{
	struct buckets all = buckets_shown(c->map, e);
	bool sign = c->map->agg == AGG_LHIST;

	buf_char(&s->out, '[');
	for (u32 i = all.first; i < all.first + all.n; i++) {
		struct bucket b = bucket_get(c->map, e, i);

		buf_puts(&s->out, i > all.first ? ",{" : "{");
		if (!b.no_lo) {
			buf_puts(&s->out, "\"min\":");
			json_number(&s->out, sign, (u64)b.lo);
			buf_char(&s->out, ',');
		}
		if (!b.no_hi) {
			buf_puts(&s->out, "\"max\":");
			json_number(&s->out, sign || b.no_lo, (u64)b.hi);
			buf_char(&s->out, ',');
		}
		json_member(&s->out, "\"count\":", map_divide(c, b.count));
		buf_char(&s->out, '}');
	}
	buf_char(&s->out, ']');
}

static void json_plain(struct sink *s, const struct map_contents *c, const u8 *value)
{
	const struct layout *l = &c->map->value;

	if (l->n == 1 && field_is_int(l->fields) && l->fields[0].unit < UNIT_BOOL) {
		json_number(&s->out, l->fields[0].kind == FIELD_INT,
			    map_divide(c, field_load(l->fields, value)));
		return;
	}
	if (l->n != 1)
		buf_char(&s->out, '[');
	for (u32 i = 0; i < l->n; i++) {
		char *p;

		if (i)
			buf_char(&s->out, ',');
		p = buf_reserve(&s->out, field_json_most(&l->fields[i]));
		if (p)
			s->out.n += (size_t)(field_json(p, &s->show, &l->fields[i], value) - p);
	}
	if (l->n != 1)
		buf_char(&s->out, ']');
}

static void json_quantile(struct sink *s, const struct map_contents *c, const struct map_entry *e)
{
	bool sign = c->map->value_signed;

	json_member(&s->out, "{\"count\":", quantile_count(e));
	for (u32 i = 0; i < QUANTILES; i++) {
		buf_printf(&s->out, ",\"%s\":", quantiles[i].name);
		json_number(&s->out, sign,
			    map_divide(c, quantile_at(c->map, e, quantiles[i].per_mille)));
	}
	buf_puts(&s->out, ",\"max\":");
	json_number(&s->out, sign, map_divide(c, quantile_max(e)));
	buf_char(&s->out, '}');
}

/* An interval by when it began, in ns since 1970; without a value where there was none. */
static void json_series(struct sink *s, const struct map_contents *c, const struct map_entry *e)
{
	struct series *all = series_make(c, e);

	buf_char(&s->out, '[');
	for (u32 i = 0; all && i < all->n; i++) {
		buf_puts(&s->out, i ? ",{\"interval_start\":" : "{\"interval_start\":");
		json_number(&s->out, true, (u64)all->rows[i].ns);
		buf_puts(&s->out, ",\"value\":");
		if (all->rows[i].known)
			json_number(&s->out, c->map->value_signed, (u64)all->rows[i].value);
		else
			buf_puts(&s->out, "null");
		buf_char(&s->out, '}');
	}
	buf_char(&s->out, ']');
	free(all);
}

static void json_value(struct sink *s, const struct map_contents *c, const struct map_entry *e)
{
	const struct object_map *m = c->map;

	switch (m->agg) {
	case AGG_NONE: json_plain(s, c, e->value); break;
	case AGG_AVG:
		json_number(&s->out, m->value_signed, map_divide(c, map_average(m, e)));
		break;
	case AGG_STATS:
		json_member(&s->out, "{\"count\":", map_entry_u64(e, 1));
		buf_puts(&s->out, ",\"average\":");
		json_number(&s->out, m->value_signed, map_average(m, e));
		buf_puts(&s->out, ",\"total\":");
		json_number(&s->out, m->value_signed, map_entry_u64(e, 0));
		buf_char(&s->out, '}');
		break;
	case AGG_HIST:
	case AGG_LHIST: json_hist(s, c, e); break;
	case AGG_QUANTILE: json_quantile(s, c, e); break;
	case AGG_TSERIES: json_series(s, c, e); break;
	default: json_number(&s->out, m->value_signed, map_divide(c, map_entry_u64(e, 0)));
	}
}

static void json_map(struct sink *s, const struct map_contents *c)
{
	const struct object_map *m = c->map;

	buf_puts(&s->out, "{\"type\":\"");
	buf_puts(&s->out, map_type(m));
	buf_puts(&s->out, "\",\"data\":{");
	json_string(&s->out, (const u8 *)m->shown, strlen(m->shown));
	buf_puts(&s->out, m->scalar ? ":" : ":{");
	for (u32 i = 0; i < c->n; i++) {
		if (i)
			buf_char(&s->out, ',');
		if (!m->scalar)
			json_key(s, m, c->entries[i].key);
		json_value(s, c, &c->entries[i]);
	}
	buf_puts(&s->out, m->scalar ? "}}\n" : "}}}\n");
}

static void json_helper_error(struct sink *s, const char *helper, s64 code, struct loc at)
{
	const char *why = code ? strerrordesc_np((int)-code) : "no such key",
		   *file = s->object->source_name;

	buf_puts(&s->out, "{\"type\":\"helper_error\",\"msg\":");
	why = why ? why : "";
	json_string(&s->out, (const u8 *)why, strlen(why));
	buf_puts(&s->out, ",\"helper\":");
	json_string(&s->out, (const u8 *)helper, strlen(helper));
	buf_puts(&s->out, ",\"retcode\":");
	buf_s64(&s->out, code);
	buf_puts(&s->out, ",\"filename\":");
	json_string(&s->out, (const u8 *)file, strlen(file));
	json_member(&s->out, ",\"line\":", at.line);
	json_member(&s->out, ",\"col\":", at.col);
	buf_puts(&s->out, "}\n");
}

static void json_summary(struct sink *s, const struct waggle_stats *st)
{
	if (st->lost) {
		json_member(&s->out, "{\"type\":\"lost_events\",\"data\":{\"events\":", st->lost);
		buf_puts(&s->out, "}}\n");
	}
	json_member(&s->out, "{\"type\":\"summary\",\"data\":{\"shown\":", st->shown);
	json_member(&s->out, ",\"lost\":", st->lost);
	json_member(&s->out, ",\"map_full\":", st->map_full);
	json_member(&s->out, ",\"ticks_missed\":", st->ticks_missed);
	buf_puts(&s->out, ",\"recursion\":");
	if (st->recursion < 0)
		buf_puts(&s->out, "null");
	else
		buf_u64(&s->out, (u64)st->recursion);
	buf_puts(&s->out, "}}\n");
}

const struct sink_ops sink_json = {
	.name = "json",
	.messages = true,
	.open = json_open,
	.attached = json_attached,
	.record = json_record,
	.map = json_map,
	.output = json_output,
	.helper_error = json_helper_error,
	.summary = json_summary,
	.close = json_close,
};
