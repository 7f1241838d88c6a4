/*
 * tree.c: `-f tree`: stacks as a tree, for a terminal what a flame graph is for a browser.
 *
 * In:  maps whose keys have stacks; all else is shown as text. Out: a line for each part of a stack
 *      that does not branch, below what called it, with its sum, its share and a bar of that
 * length; the largest first. On a terminal, shares that are too small to matter become one line,
 * and a long run of frames loses its middle; in files and pipes everything is there.
 */
#include "sink/tally.h"

#include <ctype.h>
#include <stdlib.h>

#define SMALL     0.005 /* a share that is not shown by itself on a terminal */
#define BAR_LEAST 8
#define BAR_MOST  24

struct tree {
	const struct tally *tally;
	struct buf *out; /* NULL: lines are only counted */
	const struct term *term;
	double least; /* smaller shares are not shown by themselves */
	u32 lines, digits, bar;
};

static const struct tally_node *node_of(const struct tree *t, u32 node)
{
	return &t->tally->nodes.v[node];
}

static u64 total_of(const struct tree *t)
{
	return MAX(t->tally->nodes.v->count, 1u);
}

/* ---- a line */

static void put_frame(struct buf *b, const struct term *t, const struct frame *f)
{
	char *p = buf_reserve(b, f->len + 4 + COLOUR_MOST), *start = p;

	if (!p)
		return;
	p = f->kind == FRAME_KERNEL ? colour_on(p, t, COLOUR_BAR) : p;
	p = put_copy(p, f->name, f->len);
	p = f->kind == FRAME_KERNEL ? put_copy(p, "_[k]", 4) : p;
	p = f->kind == FRAME_KERNEL ? colour_off(p, t) : p;
	b->n += (size_t)(p - start);
}

static u32 frame_columns(const struct frame *f)
{
	u32 n = f->kind == FRAME_KERNEL ? 4 : 0;

	for (u32 i = 0; i < f->len; i++)
		n += ((u8)f->name[i] & 0xc0) != 0x80;
	return n + 3; /* with what stands in front of it */
}

/* Frames of a run, from the one that is called first; those that do not fit are left out behind the
 * first one, as it says where we are, and the last ones what was done. */
static void put_run(struct tree *t, const u32 *run, u32 n, u32 room)
{
	u32 from = n, used = frame_columns(tally_frame(t->tally, run[0])) + 12, all = 0;

	for (u32 i = 0; i < n; i++)
		all += frame_columns(tally_frame(t->tally, run[i]));
	if (all <= room || !t->term->width)
		from = 1;
	while (from > 1 &&
	       (from == n || used + frame_columns(tally_frame(t->tally, run[from - 1])) <= room))
		used += frame_columns(tally_frame(t->tally, run[--from]));
	put_frame(t->out, t->term, tally_frame(t->tally, run[0]));
	if (from > 1)
		buf_printf(t->out, " > (%u more)", from - 1);
	for (u32 i = from; i < n; i++) {
		const struct frame *f = tally_frame(t->tally, run[i]);
		bool labels = f->kind == FRAME_LABEL &&
			      tally_frame(t->tally, run[i - 1])->kind == f->kind;

		buf_puts(t->out, labels ? ", " : " > ");
		put_frame(t->out, t->term, f);
	}
}

static void put_numbers(struct tree *t, u64 count)
{
	double share = (double)count / (double)total_of(t);
	u32 bar = (u32)(share * t->bar + 0.5);
	char *p, *start;

	buf_printf(t->out, "%*llu %5.1f%% |", (int)t->digits, (unsigned long long)count,
		   share * 100);
	p = start = buf_reserve(t->out, t->bar + COLOUR_MOST);
	if (!p)
		return;
	p = colour_on(p, t->term, COLOUR_BAR);
	p = put_fill(p, '@', MIN(bar, t->bar));
	p = colour_off(p, t->term);
	p = put_fill(p, ' ', t->bar - MIN(bar, t->bar));
	t->out->n += (size_t)(p - start);
	buf_puts(t->out, "| ");
}

/* Returns the columns that are left behind the numbers and the indent. */
static u32 begin_line(struct tree *t, u64 count, u32 level)
{
	u32 width = t->term->width ? t->term->width : 80, used = t->digits + 8 + t->bar + 3;
	u32 most = width > used ? (width - used) / 2 : 0;
	u32 indent = t->term->width ? MIN(level * 2, most) : level * 2;
	char *p;

	put_numbers(t, count);
	p = buf_reserve(t->out, indent);
	if (p) {
		put_fill(p, ' ', indent);
		t->out->n += indent;
	}
	return width > used + indent ? width - used - indent : 0;
}

static void end_line(struct tree *t, size_t from)
{
	struct buf *b = t->out;

	if (t->term->width && !b->failed)
		b->n = (size_t)(term_cut(b->p + from, b->p + b->n, t->term->width) - b->p);
	buf_char(b, '\n');
}

static void put_node(struct tree *t, const u32 *run, u32 n, u32 level)
{
	size_t from;
	u32 room;

	t->lines++;
	if (!t->out)
		return;
	from = t->out->n;
	room = begin_line(t, node_of(t, run[0])->count, level);
	put_run(t, run, n, room);
	end_line(t, from);
}

static void put_others(struct tree *t, u64 count, u32 n, u32 level)
{
	size_t from;

	t->lines++;
	if (!t->out)
		return;
	from = t->out->n;
	begin_line(t, count, level);
	buf_printf(t->out, "(%u small%s)", n, n == 1 ? "" : " ones");
	end_line(t, from);
}

/* ---- the tree */

static int by_count(const void *a, const void *b, void *tree)
{
	const struct tree *t = tree;
	const u32 *x = a, *y = b;
	u64 m = node_of(t, *x)->count, n = node_of(t, *y)->count;

	return m > n ? -1 : m < n;
}

static void show_below(struct tree *t, u32 node, u32 level);

/* The one child through which all went, or 0. */
static u32 only_child(const struct tree *t, u32 node)
{
	u32 child = node_of(t, node)->child;

	if (!child || node_of(t, child)->next ||
	    node_of(t, child)->count != node_of(t, node)->count)
		return 0;
	return child;
}

/* A node, with those below it as long as there is one alone through which all went. */
static void put_tree(struct tree *t, u32 node, u32 level)
{
	u32 run[TALLY_DEPTH + 1], n = 0, next;

	run[n++] = node;
	while ((next = only_child(t, node)))
		run[n++] = node = next;
	put_node(t, run + (n > 1 && !run[0]), n - (n > 1 && !run[0]), level);
	show_below(t, node, level + 1);
}

/* Those that are as large stay in the order of their names: the sort is stable. */
static void show_below(struct tree *t, u32 node, u32 level)
{
	u32 n = 0, small = 0, *all;
	double least = t->least * (double)total_of(t);
	u64 rest = 0;

	for (u32 i = node_of(t, node)->child; i; i = node_of(t, i)->next)
		n++;
	all = n ? calloc(n, sizeof(*all)) : NULL;
	if (!all)
		return;
	n = 0;
	for (u32 i = node_of(t, node)->child; i; i = node_of(t, i)->next)
		all[n++] = i;
	if (n > 1)
		qsort_r(all, n, sizeof(*all), by_count, t);
	for (u32 i = 0; i < n; i++) {
		if ((double)node_of(t, all[i])->count >= least) {
			put_tree(t, all[i], level);
			continue;
		}
		small++;
		rest += node_of(t, all[i])->count;
	}
	if (small)
		put_others(t, rest, small, level);
	free(all);
}

static void put_head(struct tree *t, const char *unit)
{
	char *p = buf_reserve(t->out, t->digits + 64 + t->bar + COLOUR_MOST), *start = p;
	u32 n = (u32)strlen(unit);

	if (!p)
		return;
	p = colour_on(p, t->term, COLOUR_HEAD);
	p = put_fill(p, ' ', t->digits > n ? t->digits - n : 0);
	p = put_copy(p, unit, n);
	p = put_copy(p, "      %  ", 9);
	p = put_fill(p, ' ', t->bar);
	p = put_copy(p, "  STACK", 7);
	p = colour_off(p, t->term);
	*p++ = '\n';
	t->out->n += (size_t)(p - start);
}

/* On a terminal a picture has to fit. */
static void choose_least(struct tree *t, const struct sink *s)
{
	u32 most = s->picture.open && s->term.height > 6 ? s->term.height - 4 : UINT32_MAX;

	t->least = s->term.width ? SMALL : 0;
	for (t->lines = UINT32_MAX; t->least < 0.5 && t->lines > most; t->least *= 1.5) {
		t->lines = 0;
		put_tree(t, 0, 0);
		if (t->lines <= most)
			break;
	}
}

static void show(struct sink *s, const struct tally *tally, const char *unit)
{
	struct tree t = {.tally = tally, .term = &s->term};
	char digits[PUT_U64_MOST];

	t.digits = (u32)(put_u64(digits, total_of(&t)) - digits);
	t.digits = MAX(t.digits, MAX((u32)strlen(unit), 7u));
	t.bar = MIN(MAX(s->term.width / 6, BAR_LEAST), BAR_MOST);
	t.bar = s->term.width ? t.bar : BAR_LEAST + 4;
	if (s->term.width)
		choose_least(&t, s);
	t.out = &s->out;
	put_head(&t, unit);
	put_tree(&t, 0, 0);
}

/* ---- the format */

static void tree_map(struct sink *s, const struct map_contents *c)
{
	const char *unit = c->map->shown ? c->map->shown + 1 : "";
	struct tally t = {0};
	char head[16] = "COUNT";
	size_t stem;

	if (c->map->scalar || !has_stack(&c->map->key)) {
		sink_text.map(s, c);
		return;
	}
	unit = unit_of_name(unit, &stem);
	for (u32 i = 0; unit && i < sizeof(head) && (!i || unit[i - 1]); i++)
		head[i] = (char)toupper((u8)unit[i]);
	tally_map(&t, &s->show, c);
	if (s->final)
		buf_char(&s->out, '\n');
	if (tally_sort(&t) && t.nodes.n > 1)
		show(s, &t, head);
	s->out.failed |= t.failed;
	tally_free(&t);
}

static int tree_open(struct sink *s, struct diag *diag)
{
	return sink_text.open(s, diag);
}

static void tree_record(struct sink *s, const struct schema *schema, u64 ns, u32 cpu,
			const void *payload, u32 size)
{
	sink_text.record(s, schema, ns, cpu, payload, size);
}

static void tree_table(struct sink *s, const struct schema *schema)
{
	sink_text.table(s, schema);
}

static void tree_output(struct sink *s, const char *type, const char *text, size_t n)
{
	sink_text.output(s, type, text, n);
}

const struct sink_ops sink_tree = {
	.name = "tree",
	.sums_stacks = true,
	.open = tree_open,
	.record = tree_record,
	.table = tree_table,
	.map = tree_map,
	.output = tree_output,
};
