/*
 * flame.c: `-f flame`: all stacks of a session as one flame graph, written at the end.
 *
 * In:  records and maps that have stacks. A map that is printed again replaces what it was; once it
 * is cleared, what was printed before stays counted. Out: flame_svg.c's document. Titles are the
 * name of the script, the unit that of the first map.
 */
#include "sink/flame.h"

struct flame {
	struct tally all;
	struct tally *maps; /* as last printed; by index of the object's */
	const char *unit;
};

static int flame_open(struct sink *s, struct diag *diag)
{
	struct flame *f = arena_new(&s->arena, struct flame);

	(void)diag;
	f->maps = arena_array(&s->arena, struct tally, s->object->maps.n);
	s->state = f;
	return 0;
}

static void flame_record(struct sink *s, const struct schema *schema, u64 ns, u32 cpu,
			 const void *payload, u32 size)
{
	struct flame *f = s->state;
	size_t stem;

	(void)ns, (void)cpu, (void)size;
	for (u32 i = 0; i < schema->layout.n && !f->unit; i++)
		f->unit = unit_of_name(schema->layout.fields[i].name, &stem);
	tally_record(&f->all, &s->show, &schema->layout, payload);
}

/* By name: a map whose keys were expanded is a copy. */
static struct tally *tally_of(struct sink *s, const struct object_map *m)
{
	struct flame *f = s->state;

	for (u32 i = 0; i < s->object->maps.n; i++)
		if (!strcmp(s->object->maps.v[i].name, m->name))
			return &f->maps[i];
	return NULL;
}

static void flame_map(struct sink *s, const struct map_contents *c)
{
	struct tally *t = tally_of(s, c->map);
	struct flame *f = s->state;
	size_t stem;

	if (!t || !has_stack(&c->map->key))
		return;
	if (!f->unit)
		f->unit = unit_of_name(c->map->shown + 1, &stem);
	tally_free(t);
	tally_map(t, &s->show, c);
}

static void flame_cleared(struct sink *s, const struct object_map *m)
{
	struct tally *t = tally_of(s, m);
	struct flame *f = s->state;

	if (t)
		tally_move(&f->all, t);
}

static void flame_output(struct sink *s, const char *type, const char *text, size_t n)
{
	(void)s, (void)type, (void)text, (void)n;
}

/* Its file's name, or the beginning of the script itself. */
static void put_title(struct buf *b, const struct object *o)
{
	const char *name = o->source_name ? o->source_name : "waggle", *slash = strrchr(name, '/');

	if (strcmp(name, "-e") != 0 || !o->source)
		buf_puts(b, slash ? slash + 1 : name);
	else
		buf_add(b, o->source, MIN(o->source_size, 90));
	for (size_t i = 0; i < b->n; i++)
		b->p[i] = (u8)b->p[i] < 0x20 ? ' ' : b->p[i];
	buf_puts(b, strcmp(name, "-e") || !o->source || o->source_size <= 90 ? "" : "...");
}

static void flame_summary(struct sink *s, const struct waggle_stats *stats)
{
	struct flame *f = s->state;
	struct buf title = {0};

	(void)stats;
	for (u32 i = 0; i < s->object->maps.n; i++)
		tally_move(&f->all, &f->maps[i]);
	put_title(&title, s->object);
	flame_svg(&s->out, &f->all, buf_str(&title), f->unit ? f->unit : "samples");
	buf_free(&title);
}

static void flame_close(struct sink *s)
{
	struct flame *f = s->state;

	for (u32 i = 0; i < s->object->maps.n; i++)
		tally_free(&f->maps[i]);
	tally_free(&f->all);
}

const struct sink_ops sink_flame = {
	.name = "flame",
	.sums_stacks = true,
	.only_stacks = true,
	.open = flame_open,
	.record = flame_record,
	.map = flame_map,
	.cleared = flame_cleared,
	.output = flame_output,
	.summary = flame_summary,
	.close = flame_close,
};
