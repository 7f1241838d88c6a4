/*
 * tree.c: `-f tree`: stacks as a tree, for a terminal what a flame graph is for a browser.
 *
 * In:  maps whose keys have stacks; all else is shown as text. Out: a line for each part of a stack
 *      that does not branch, below what called it, with its sum, its share and a bar of that
 * length; the largest first. On a terminal, shares that are too small to matter become one line,
 * and a long run of frames loses its middle; in files and pipes everything is there.
 */
#include "sink/folded.h"

#include <ctype.h>
#include <stdlib.h>

#define SMALL     0.005 /* a share that is not shown by itself on a terminal */
#define BAR_LEAST 8
#define BAR_MOST  24

struct node {
	struct frame f;
	u32 child, next; /* 0: none; the children of one stand in a list */
	u32 children;
};
struct tree {
	vec(struct node) nodes; /* [0]: all */
	struct arena arena;
	u32 path[FRAMES_MOST];
	struct buf *out; /* NULL: lines are only counted */
	const struct term *term;
	double least; /* smaller shares are not shown by themselves */
	u32 lines, digits, bar;
};

/* ---- growing it */

static u32 add_node(struct tree *t, const struct frame *f, u32 parent)
{
	struct node new = {.f = *f, .next = t->nodes.v[parent].child};
	u32 i = t->nodes.n;

	vec_push(&t->arena, &t->nodes, new);
	t->nodes.v[parent].child = i;
	t->nodes.v[parent].children++;
	return i;
}

/* Rows are sorted, so what two of them have in common is what the last one left in the path. */
static void add_row(struct tree *t, const struct tally_row *row, u32 *depth)
{
	const char *p = row->line, *end = row->line + row->n;
	struct frame f;
	u32 at = 1;

	t->nodes.v[0].f.count += row->count;
	for (; at < FRAMES_MOST && frame_next(&p, end, &f); at++) {
		if (at >= *depth || !frame_same(&t->nodes.v[t->path[at]].f, &f)) {
			t->path[at] = add_node(t, &f, t->path[at - 1]);
			*depth = at + 1;
		}
		t->nodes.v[t->path[at]].f.count += row->count;
	}
	*depth = at;
}

static void grow(struct tree *t, const struct tally_row *rows, u32 n)
{
	struct node all = {.f = {.name = "all", .len = 3, .kind = FRAME_LABEL}};
	u32 depth = 1;

	vec_push(&t->arena, &t->nodes, all);
	for (u32 i = 0; i < n; i++)
		add_row(t, &rows[i], &depth);
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
	u32 from = n, used = frame_columns(&t->nodes.v[run[0]].f) + 12, all = 0;

	for (u32 i = 0; i < n; i++)
		all += frame_columns(&t->nodes.v[run[i]].f);
	if (all <= room || !t->term->width)
		from = 1;
	while (from > 1 &&
	       (from == n || used + frame_columns(&t->nodes.v[run[from - 1]].f) <= room))
		used += frame_columns(&t->nodes.v[run[--from]].f);
	put_frame(t->out, t->term, &t->nodes.v[run[0]].f);
	if (from > 1)
		buf_printf(t->out, " > (%u more)", from - 1);
	for (u32 i = from; i < n; i++) {
		const struct frame *f = &t->nodes.v[run[i]].f;
		bool labels = f->kind == FRAME_LABEL && t->nodes.v[run[i - 1]].f.kind == f->kind;

		buf_puts(t->out, labels ? ", " : " > ");
		put_frame(t->out, t->term, f);
	}
}

static void put_numbers(struct tree *t, u64 count)
{
	double share = (double)count / (double)MAX(t->nodes.v[0].f.count, 1u);
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
	room = begin_line(t, t->nodes.v[run[0]].f.count, level);
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
	const struct frame *x = &t->nodes.v[*(const u32 *)a].f, *y = &t->nodes.v[*(const u32 *)b].f;
	int c;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	c = memcmp(x->name, y->name, MIN(x->len, y->len));
	return c ? c : (x->len > y->len) - (x->len < y->len);
}

static void show_below(struct tree *t, u32 node, u32 level);

/* A node, with those below it as long as there is one alone through which all went. */
static void put_tree(struct tree *t, u32 node, u32 level)
{
	u32 run[FRAMES_MOST], n = 0;

	run[n++] = node;
	while (n < FRAMES_MOST && t->nodes.v[node].children == 1 &&
	       t->nodes.v[t->nodes.v[node].child].f.count == t->nodes.v[node].f.count) {
		node = t->nodes.v[node].child;
		run[n++] = node;
	}
	put_node(t, run + (n > 1 && !run[0]), n - (n > 1 && !run[0]), level);
	show_below(t, node, level + 1);
}

static void show_below(struct tree *t, u32 node, u32 level)
{
	u32 n = 0, small = 0, *all = calloc(t->nodes.v[node].children + 1, sizeof(*all));
	double least = t->least * (double)t->nodes.v[0].f.count;
	u64 rest = 0;

	for (u32 i = all ? t->nodes.v[node].child : 0; i; i = t->nodes.v[i].next)
		all[n++] = i;
	if (n)
		qsort_r(all, n, sizeof(*all), by_count, t);
	for (u32 i = 0; i < n; i++) {
		if ((double)t->nodes.v[all[i]].f.count >= least) {
			put_tree(t, all[i], level);
			continue;
		}
		small++;
		rest += t->nodes.v[all[i]].f.count;
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

static void show(struct sink *s, const struct tally_row *rows, u32 n, const char *unit)
{
	struct tree *t = calloc(1, sizeof(*t));
	char digits[PUT_U64_MOST];
	jmp_buf full;

	if (!t || setjmp(full)) {
		s->out.failed = true;
	} else {
		t->arena.escape = &full;
		t->term = &s->term;
		grow(t, rows, n);
		t->digits = (u32)(put_u64(digits, t->nodes.v[0].f.count) - digits);
		t->digits = MAX(t->digits, MAX((u32)strlen(unit), 7u));
		t->bar = MIN(MAX(s->term.width / 6, BAR_LEAST), BAR_MOST);
		t->bar = s->term.width ? t->bar : BAR_LEAST + 4;
		if (s->term.width)
			choose_least(t, s);
		t->out = &s->out;
		put_head(t, unit);
		put_tree(t, 0, 0);
	}
	if (t)
		arena_free(&t->arena);
	free(t);
}

/* ---- the format */

static void tree_map(struct sink *s, const struct map_contents *c)
{
	const char *unit = c->map->shown ? c->map->shown + 1 : "";
	struct tally_row *rows;
	struct tally t = {0};
	char head[16] = "COUNT";
	size_t stem;
	u32 n;

	if (c->map->scalar || !has_stack(&c->map->key)) {
		sink_text.map(s, c);
		return;
	}
	unit = unit_of_name(unit, &stem);
	for (u32 i = 0; unit && i < sizeof(head) && (!i || unit[i - 1]); i++)
		head[i] = (char)toupper((u8)unit[i]);
	tally_map(&t, &s->show, c);
	rows = tally_sorted(&t, &n);
	if (s->final)
		buf_char(&s->out, '\n');
	if (rows && n)
		show(s, rows, n, head);
	s->out.failed |= t.failed || !rows;
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
	.open = tree_open,
	.record = tree_record,
	.table = tree_table,
	.map = tree_map,
	.output = tree_output,
};
