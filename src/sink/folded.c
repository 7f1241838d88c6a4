/*
 * folded.c: `-f folded`: stacks, one a line, with how often they were seen.
 *
 * In:  records and maps that have stacks. Out: "comm;main;read;vfs_read_[k] 12": names of other
 *      fields, frames of the process, frames of the kernel (marked _[k]), the root first. Lines
 * that are the same are one, sorted. Maps come when they are printed, records at the end.
 */
#include "sink/folded.h"

#include "sink/tally.h"

#include <stdlib.h>

/* ---- one stack */

u32 folded_most(const struct field *f)
{
	return f->size / 8 * (FRAME_MOST + 1);
}

char *put_frame_text(char *p, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*p++ = text[i] == ';' ? ':' : (u8)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
	return p;
}

char *put_frame(char *p, const struct show *show, const struct field *f, u32 pid, u64 addr,
		bool caller)
{
	bool user = f->kind == FIELD_USTACK;
	struct symbol s = {0};
	const char *name, *file;

	if (show && show->symbols && caller)
		symbol_of_caller(show->symbols, user, pid, addr, &s);
	else if (show && show->symbols && user)
		symbol_of_process(show->symbols, pid, addr, &s);
	else if (show && show->symbols)
		symbol_of_kernel(show->symbols, addr, &s);
	name = s.name && f->mode & SYMBOLS_AS_LINKED ? s.name : s.name ? s.readable : s.module;
	if (s.name || !s.module)
		return put_frame_text(p, name ? name : "[unknown]",
				      strnlen(name ? name : "[unknown]", FRAME_MOST));
	file = strrchr(name, '/');
	name = file ? file + 1 : name;
	*p++ = '[';
	p = put_frame_text(p, name, strnlen(name, FRAME_MOST - 2));
	*p++ = ']';
	return p;
}

struct stack_words stack_words(const struct field *f, const u8 *data)
{
	bool user = f->kind == FIELD_USTACK;
	struct stack_words s = {.words = data + f->off + (user ? 8 : 0)};
	u32 most = f->size / 8 - user;
	u64 pid = 0;

	if (user)
		memcpy(&pid, data + f->off, sizeof(pid));
	s.pid = (u32)pid;
	while (s.n < most && stack_word(&s, s.n))
		s.n++;
	return s;
}

char *put_folded(char *p, const struct show *show, const struct field *f, const u8 *data)
{
	struct stack_words s = stack_words(f, data);

	for (u32 i = s.n; i-- > 0;) {
		p = put_frame(p, show, f, s.pid, stack_word(&s, i), i > 0);
		p = put_fill(p, ';', i > 0);
	}
	return p;
}

/* ---- the format */

/* The line of a stack is that of what called it, and its own frame. */
struct lines {
	struct buf *out, line;
	u32 ends[TALLY_DEPTH + 1]; /* bytes of the line, by depth */
};

static void write_node(struct lines *l, const struct tally *t, u32 node, u32 depth)
{
	const struct frame *f = tally_frame(t, node);

	l->line.n = l->ends[depth - 1];
	if (depth > 1)
		buf_char(&l->line, ';');
	buf_add(&l->line, f->name, f->len);
	if (f->kind == FRAME_KERNEL)
		buf_add(&l->line, "_[k]", 4);
	l->ends[depth] = (u32)l->line.n;
	if (!t->nodes.v[node].self)
		return;
	buf_char(&l->line, ' ');
	buf_add(l->out, l->line.p, l->line.n);
	buf_u64(l->out, t->nodes.v[node].self);
	buf_char(l->out, '\n');
}

static void write_tally(struct sink *s, struct tally *t)
{
	struct lines *l = calloc(1, sizeof(*l));
	u32 depth = 0;

	if (!l || !tally_sort(t)) {
		s->out.failed = true;
		free(l);
		return;
	}
	l->out = &s->out;
	for (u32 i = 0; (i = tally_next(t, i, &depth, true)) && !l->line.failed;)
		write_node(l, t, i, depth);
	s->out.failed |= l->line.failed;
	buf_free(&l->line);
	free(l);
}

static int folded_open(struct sink *s, struct diag *diag)
{
	(void)diag;
	s->state = arena_new(&s->arena, struct tally);
	return 0;
}

static void folded_record(struct sink *s, const struct schema *schema, u64 ns, u32 cpu,
			  const void *payload, u32 size)
{
	(void)ns, (void)cpu, (void)size;
	tally_record(s->state, &s->show, &schema->layout, payload);
}

static void folded_map(struct sink *s, const struct map_contents *c)
{
	struct tally t = {0};

	tally_map(&t, &s->show, c);
	write_tally(s, &t);
	tally_free(&t);
}

static void folded_output(struct sink *s, const char *type, const char *text, size_t n)
{
	(void)s, (void)type, (void)text, (void)n;
}

static void folded_summary(struct sink *s, const struct waggle_stats *stats)
{
	(void)stats;
	write_tally(s, s->state);
}

static void folded_close(struct sink *s)
{
	tally_free(s->state);
}

const struct sink_ops sink_folded = {
	.name = "folded",
	.sums_stacks = true,
	.only_stacks = true,
	.open = folded_open,
	.record = folded_record,
	.map = folded_map,
	.output = folded_output,
	.summary = folded_summary,
	.close = folded_close,
};
