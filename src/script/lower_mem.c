/*
 * lower_mem.c: memory of a program: stack slots, scratch memory, and copying.
 *
 * The stack has 512 bytes for everything, spills included, so only small pieces go there.
 */
#include "script/lower.h"

#include "isa/isa.h"

#define SLOT_MOST  64
#define STACK_MOST 256

struct mem mem_at(struct lower *l, const struct piece *p)
{
	if (p->slot)
		return (struct mem){p->slot, 0};
	return (struct mem){scratch_address(l), (s32)p->off};
}

static u32 piece_get(struct lower *l, u32 size, u32 stack_most)
{
	struct piece *p;

	size = ALIGN_UP(size, 8);
	vec_each(q, &l->pieces)
		if (!q->busy && q->size >= size && q->size <= size * 2 && (stack_most || !q->slot)) {
			q->busy = true;
			q->given++;
			return (u32)(q - l->pieces.v);
		}
	p = vec_add(l->script->arena, &l->pieces);
	p->size = size;
	p->busy = true;
	if (size <= SLOT_MOST && l->stack + size <= stack_most) {
		p->slot = ir_slot(l->fn, size, 8);
		l->stack += size;
	} else {
		p->off = l->scratch_end;
		l->scratch_end += size;
	}
	return l->pieces.n - 1;
}

u32 mem_get(struct lower *l, u32 size)
{
	return piece_get(l, size, STACK_MOST);
}

u32 mem_get_scratch(struct lower *l, u32 size)
{
	return piece_get(l, size, 0);
}

void mem_put(struct lower *l, u32 piece)
{
	l->pieces.v[piece].busy = false;
}

u32 mem_addr(struct lower *l, struct mem m)
{
	return m.off ? ir_add_imm(l->fn, m.ptr, m.off) : m.ptr;
}

#define ZERO_MOST 128 /* bytes that are zeroed word by word */

void mem_zero(struct lower *l, struct mem m, u32 size)
{
	/* What cannot be read reads as zeroes: no process has that page. Not the kernel's memory: a
	 * kernel that is locked down for confidentiality has no helper that reads it. */
	if (size > ZERO_MOST) {
		ir_call(l->fn, HELPER_probe_read_user, IRT_I64, 3, mem_addr(l, m),
			ir_const(l->fn, ALIGN_UP(size, 8)), ir_const(l->fn, -4096));
		return;
	}
	for (u32 i = 0; i < size; i += 8)
		ir_store(l->fn, 8, m.ptr, m.off + (s32)i, ir_const(l->fn, 0));
}

void mem_copy(struct lower *l, struct mem to, struct mem from, u32 size)
{
	for (u32 i = 0; i < size;) {
		u32 w = 8;

		while (w > size - i || (u32)from.off % w || (u32)to.off % w)
			w /= 2;
		for (; i + w <= size; i += w)
			ir_store(l->fn, w, to.ptr, to.off + (s32)i,
				 ir_load(l->fn, w, false, from.ptr, from.off + (s32)i));
	}
}
