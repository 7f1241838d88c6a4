/*
 * timeline.c: `-f timeline`: when who did something: a line for each process, time from left to
 * right.
 *
 * In:  records of emit(). Whose they are is told by their fields comm and pid (or tid), else by the
 *      first one that is text, else by the CPU. One that says how long it took, by the unit of its
 *      name (lat_us, ms), covers the time before it. Out: the picture, at the end; on a terminal
 * the rows of text come before it as they happen. Maps are shown as text.
 *
 * How long the session lasts is not known before its end, so the time is divided into a fixed
 * number of parts, which become twice as long whenever it is over, two of them becoming one.
 */
#include "base/dict.h"
#include "sink/sink.h"

#include <stdio.h>
#include <stdlib.h>

#define PARTS      1024
#define FIRST_NS   4096 /* length of a part at first */
#define LANES_MOST 4096
#define LABEL_MOST 30
#define PIPE_WIDTH 80

struct lane {
	const char *name;
	u64 count;
	u32 parts[PARTS]; /* events in each */
};
struct timeline {
	void *text;        /* state of the text */
	struct dict lanes; /* by name */
	vec(struct lane *) all;
	u64 begin, end; /* of all that was seen */
	u64 part_ns;
	u64 left_out; /* there is no room for their lanes */
	struct buf name;
};

/* ---- gathering */

static void halve(struct timeline *t)
{
	vec_each (at, &t->all) {
		u32 *p = (*at)->parts;

		for (u32 i = 0; i < PARTS; i++) {
			u64 sum = i < PARTS / 2 ? (u64)p[2 * i] + p[2 * i + 1] : 0;

			p[i] = (u32)MIN(sum, UINT32_MAX);
		}
	}
	t->part_ns *= 2;
}

static const struct field *field_named(const struct layout *l, const char *name)
{
	for (u32 i = 0; i < l->n; i++)
		if (!strcmp(l->fields[i].name, name))
			return &l->fields[i];
	return NULL;
}

static void add_name(struct sink *s, struct buf *b, const struct field *f, const u8 *data)
{
	char *p = buf_reserve(b, field_text_most(f) + 1), *start = p;

	if (!p)
		return;
	p = put_fill(p, ' ', b->n > 0);
	p = field_text(p, &s->show, f, data);
	for (char *c = start; c < p; c++)
		*c = (u8)*c < 0x20 || *c == 0x7f ? '?' : *c;
	b->n += (size_t)(p - start);
}

static const char *lane_name(struct sink *s, const struct layout *l, u32 cpu, const u8 *data)
{
	static const char *const names[] = {"comm", "pid", "tid"};
	struct timeline *t = s->state;
	const struct field *f;

	t->name.n = 0;
	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		f = field_named(l, names[i]);
		if (f && (i < 2 || !field_named(l, "pid")))
			add_name(s, &t->name, f, data);
	}
	for (u32 i = 0; i < l->n && !t->name.n; i++)
		if (l->fields[i].kind == FIELD_STR)
			add_name(s, &t->name, &l->fields[i], data);
	if (!t->name.n)
		buf_printf(&t->name, "CPU %u", cpu);
	return buf_str(&t->name);
}

static struct lane *lane_of(struct sink *s, const char *name)
{
	struct timeline *t = s->state;
	struct lane *lane = dict_get(&t->lanes, name);
	jmp_buf full, *old = s->arena.escape;

	if (lane || t->all.n == LANES_MOST)
		return lane;
	s->arena.escape = &full;
	if (setjmp(full)) {
		s->arena.escape = old;
		return NULL;
	}
	lane = arena_new(&s->arena, struct lane);
	lane->name = arena_strdup(&s->arena, name);
	*dict_put(&t->lanes, lane->name) = lane;
	vec_push(&s->arena, &t->all, lane);
	s->arena.escape = old;
	return lane;
}

/* How long the event lasted that ended with this record; 0: it does not say. */
static u64 duration(const struct layout *l, const u8 *data)
{
	static const struct {
		const char *unit;
		u64 ns;
	} units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}};

	for (u32 i = l->n; i-- > 0;) {
		const struct field *f = &l->fields[i];
		bool decimal = f->kind == FIELD_DECIMAL;
		size_t stem;
		const char *unit = unit_of_name(f->name, &stem);
		u64 ns = 0, v;

		if (!unit || (!decimal && !field_is_int(f)) || !strncmp(f->name, "time", 4))
			continue;
		for (u32 k = 0; k < ARRAY_SIZE(units); k++)
			ns = strcmp(units[k].unit, unit) ? ns : units[k].ns;
		v = field_load(f, data);
		for (u32 digits = decimal ? f->mode : 0; digits && ns; digits--) {
			v = ns % 10 ? v / 10 : v;
			ns = ns % 10 ? ns : ns / 10;
		}
		if (ns)
			return (s64)v < 0 || v > UINT64_MAX / 2 / ns ? 0 : v * ns;
	}
	return 0;
}

static void add(struct sink *s, const char *name, u64 ns, u64 took)
{
	struct timeline *t = s->state;
	struct lane *lane = lane_of(s, name);
	u64 from = took < ns ? ns - took : 0;

	if (!t->begin)
		t->begin = from;
	from = MAX(from, t->begin);
	ns = MAX(ns, t->begin);
	t->end = MAX(t->end, ns);
	while ((ns - t->begin) / t->part_ns >= PARTS)
		halve(t);
	t->left_out += !lane;
	if (!lane)
		return;
	lane->count++;
	for (u64 i = (from - t->begin) / t->part_ns; i <= (ns - t->begin) / t->part_ns; i++)
		lane->parts[i] += lane->parts[i] < UINT32_MAX;
}

/* ---- the picture */

struct drawing {
	const struct timeline *t;
	const struct term *term;
	struct buf *out;
	u32 names, counts, width; /* columns: of names, of counts, of the time */
	u64 most;                 /* in one column of one lane */
};

/* Events of a lane in a column; a column has at least a part of a part. */
static u64 cell(const struct drawing *d, const struct lane *lane, u32 column)
{
	u32 used = (u32)((d->t->end - d->t->begin) / d->t->part_ns) + 1;
	u32 from = (u32)((u64)column * used / d->width);
	u32 to = (u32)((u64)(column + 1) * used / d->width);
	u64 most = 0;

	for (u32 i = from; i < MAX(to, from + 1); i++)
		most += lane->parts[i];
	return most;
}

static int by_count(const void *a, const void *b)
{
	const struct lane *x = *(struct lane *const *)a, *y = *(struct lane *const *)b;

	return x->count == y->count ? strcmp(x->name, y->name) : x->count < y->count ? 1 : -1;
}

/* The busier the fuller; whatever happened can be seen. */
static char mark(u64 n, u64 most)
{
	static const char marks[] = ".:oO@";
	u32 last = sizeof(marks) - 2, i = 0;

	if (!n)
		return ' ';
	for (u64 bound = most; bound / 4 >= n && i < last; bound /= 4)
		i++;
	return marks[most <= 2 ? (n > 1 ? last : 1) : last - i];
}

static void put_lane(struct drawing *d, const struct lane *lane)
{
	u32 n = (u32)strlen(lane->name), cut = MIN(n, d->names);
	char *p, *start;

	buf_printf(d->out, "%-*.*s %*llu |", (int)d->names, (int)cut, lane->name, (int)d->counts,
		   (unsigned long long)lane->count);
	p = start = buf_reserve(d->out, d->width + COLOUR_MOST);
	if (!p)
		return;
	p = colour_on(p, d->term, COLOUR_BAR);
	for (u32 i = 0; i < d->width; i++)
		*p++ = mark(cell(d, lane, i), d->most);
	p = colour_off(p, d->term);
	d->out->n += (size_t)(p - start);
	buf_puts(d->out, "|\n");
}

/* "12.3 ms" */
static void time_text(char *text, size_t size, u64 ns)
{
	static const struct {
		u64 ns;
		const char *name;
	} units[] = {{60000000000ull, "min"},
		     {1000000000, "s"},
		     {1000000, "ms"},
		     {1000, "us"},
		     {1, "ns"}};
	u32 i = 0;

	while (i < ARRAY_SIZE(units) - 1 && ns < units[i].ns * (i ? 1 : 10))
		i++;
	snprintf(text, size, "%.*f %s", ns / units[i].ns < 100 && units[i].ns > 1,
		 (double)ns / (double)units[i].ns, units[i].name);
}

static void put_axis(struct drawing *d)
{
	char *p = buf_reserve(d->out, COLOUR_MOST), length[32];

	time_text(length, sizeof(length), d->t->end - d->t->begin);
	if (p)
		d->out->n += (size_t)(colour_on(p, d->term, COLOUR_HEAD) - p);
	buf_printf(d->out, "%-*s %*s  0%*s", (int)d->names, "WHO", (int)d->counts, "EVENTS",
		   (int)(d->width > 1 ? d->width - 1 : 1), length);
	p = buf_reserve(d->out, COLOUR_MOST);
	if (p)
		d->out->n += (size_t)(colour_off(p, d->term) - p);
	buf_char(d->out, '\n');
}

static void draw(struct sink *s)
{
	struct timeline *t = s->state;
	struct drawing d = {.t = t, .term = &s->term, .out = &s->out, .names = 8, .counts = 6};
	u32 width = s->term.width ? MAX(s->term.width, 40u) : PIPE_WIDTH;
	u32 rows = s->term.height > 6 ? s->term.height - 4 : UINT32_MAX;
	u64 others = t->left_out;

	qsort(t->all.v, t->all.n, sizeof(*t->all.v), by_count);
	vec_each (at, &t->all)
		d.names = MAX(d.names, (u32)strlen((*at)->name));
	d.names = MIN(d.names, MIN(width / 3, LABEL_MOST));
	d.counts = MAX(d.counts, put_digits(t->all.n ? t->all.v[0]->count : 0));
	d.width = width - d.names - d.counts - 4;
	vec_each (at, &t->all)
		for (u32 i = 0; i < d.width; i++)
			d.most = MAX(d.most, cell(&d, *at, i));
	if (s->term.tty)
		buf_char(&s->out, '\n');
	put_axis(&d);
	for (u32 i = 0; i < t->all.n; i++)
		if (i < rows)
			put_lane(&d, t->all.v[i]);
		else
			others += t->all.v[i]->count;
	if (others)
		buf_printf(&s->out, "%-*s %*llu\n", (int)d.names, "others", (int)d.counts,
			   (unsigned long long)others);
}

/* ---- the format: all but the picture is the text's */

/* Text finds its own state where it left it. */
#define AS_TEXT(s, what)                          \
	do {                                      \
		struct timeline *t_ = (s)->state; \
		(s)->state = t_->text;            \
		what;                             \
		(s)->state = t_;                  \
	} while (0)

static int timeline_open(struct sink *s, struct diag *diag)
{
	struct timeline *t = arena_new(&s->arena, struct timeline);
	int err = sink_text.open(s, diag);

	t->text = s->state;
	t->lanes.arena = &s->arena;
	t->part_ns = FIRST_NS;
	s->state = t;
	return err;
}

static void timeline_record(struct sink *s, const struct schema *schema, u64 ns, u32 cpu,
			    const void *payload, u32 size)
{
	const struct layout *l = &schema->layout;

	if (schema->action.kind != ACTION_EMIT || s->term.tty)
		AS_TEXT(s, sink_text.record(s, schema, ns, cpu, payload, size));
	if (schema->action.kind == ACTION_EMIT)
		add(s, lane_name(s, l, cpu, payload), ns, duration(l, payload));
}

static void timeline_table(struct sink *s, const struct schema *schema)
{
	AS_TEXT(s, sink_text.table(s, schema));
}

static void timeline_map(struct sink *s, const struct map_contents *c)
{
	AS_TEXT(s, sink_text.map(s, c));
}

static void timeline_output(struct sink *s, const char *type, const char *text, size_t n)
{
	AS_TEXT(s, sink_text.output(s, type, text, n));
}

static void timeline_summary(struct sink *s, const struct waggle_stats *stats)
{
	struct timeline *t = s->state;

	(void)stats;
	if (t->all.n)
		draw(s);
}

static void timeline_close(struct sink *s)
{
	struct timeline *t = s->state;

	buf_free(&t->name);
}

const struct sink_ops sink_timeline = {
	.name = "timeline",
	.open = timeline_open,
	.record = timeline_record,
	.table = timeline_table,
	.map = timeline_map,
	.output = timeline_output,
	.summary = timeline_summary,
	.close = timeline_close,
};
