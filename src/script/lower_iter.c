/*
 * lower_iter.c: programs of iterators.
 *
 * The kernel runs one for each thing, and once more at the end with nothing to look at. What reads
 * it is a file: one with a pin prints there, by bpf_seq_printf(), which takes its arguments as an
 * array of words, a string as its address. One that we read writes a byte at each run, so that we
 * get a few runs at a time: a read goes on until its room is full.
 */
#include "script/lower.h"

#include "isa/isa.h"

#define SEQ_ARGS_MOST 12

/* ctx->meta->seq: the first member of each */
static u32 seq_file(struct lower *l)
{
	return ir_load_btf(l->fn, ir_load_btf(l->fn, ir_ctx(l->fn), 0), 0);
}

void lower_iterator(struct lower *l)
{
	struct ir_fn *fn = l->fn;
	u32 current = ir_load_btf(fn, ir_ctx(fn), (s32)iterator_current(l->script, l->point));
	u32 go = ir_block(fn), leave = ir_block(fn);

	ir_br(fn, current, go, leave);
	ir_seal(fn, leave);
	ir_at(fn, leave);
	lower_return(l);
	ir_seal(fn, go);
	ir_at(fn, go);
	if (!l->point->pinned)
		ir_call(fn, HELPER_seq_write, IRT_I64, 3, seq_file(l),
			ir_data(fn, l->rodata, rodata_add(l, 1)), ir_const(fn, 1));
}

/* The format in .rodata, numbers with all their 64 bits. Returns its place. */
static u32 seq_format(struct lower *l, const char *text, u32 *size)
{
	struct format_spec f;
	struct buf out = {0};
	const char *p = text, *from = text;
	u32 at;

	while (format_next(&p, &f)) {
		u32 flags = f.len - 1;

		buf_add(&out, from, (size_t)(f.start - from));
		while (flags && strchr("hlzjt", f.start[flags - 1]))
			flags--;
		buf_add(&out, f.start, flags);
		if (strchr("diuxXo", f.conversion))
			buf_puts(&out, "ll");
		buf_char(&out, f.conversion == 'i' ? 'd' : f.conversion);
		from = p;
	}
	buf_puts(&out, from);
	*size = (u32)out.n + 1;
	at = rodata_add(l, *size);
	memcpy(l->object->maps.v[l->rodata].data + at, buf_str(&out), *size);
	buf_free(&out);
	return at;
}

void lower_seq_printf(struct lower *l, struct node *n)
{
	u32 pieces[SEQ_ARGS_MOST], count = 0, size, at = seq_format(l, n->a->text, &size);
	u32 list = mem_get_scratch(l, SEQ_ARGS_MOST * 8);
	struct ir_fn *fn = l->fn;
	struct mem words;

	for (struct node *a = n->a->next; a && count < SEQ_ARGS_MOST; a = a->next) {
		struct node *arg = node_value(a);
		u32 value, i = count++;

		pieces[i] = UINT32_MAX;
		if (arg->type.kind == TYPE_STR) {
			u32 room = node_bytes(arg);
			struct mem to;

			pieces[i] = mem_get_scratch(l, room);
			to = mem_at(l, &l->pieces.v[pieces[i]]);
			lower_str(l, arg, to, ROOM(room));
			value = mem_addr(l, to);
		} else {
			value = lower_int(l, arg);
		}
		words = mem_at(l, &l->pieces.v[list]);
		ir_store(fn, 8, words.ptr, words.off + (s32)i * 8, value);
	}
	words = mem_at(l, &l->pieces.v[list]);
	ir_call(fn, HELPER_seq_printf, IRT_I64, 5, seq_file(l), ir_data(fn, l->rodata, at),
		ir_const(fn, size), count ? mem_addr(l, words) : ir_const(fn, 0),
		ir_const(fn, count * 8));
	for (u32 i = 0; i < count; i++)
		if (pieces[i] != UINT32_MAX)
			mem_put(l, pieces[i]);
	mem_put(l, list);
}
