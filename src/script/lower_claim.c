/*
 * lower_claim.c: where a program's scratch memory is.
 *
 * In .bss each CPU has memory for each program. A program that cannot be preempted has one slot
 * there. One that can (uprobe, uretprobe, usdt, iter, fentry, cgroup_skb) may start on a CPU while another run of it sleeps
 * in the middle of its work, so it has several slots, each with a word that says whether it is
 * taken, and a run claims one by an atomic exchange. When all are taken the run is given up and
 * counted. Below 5.12 there is no such instruction, but these programs are not preempted either.
 *
 * Whether the program needs memory is known when all of its code is there, so the claim is a
 * block in front of it that is filled at the end.
 */
#include "script/lower.h"

#include "isa/isa.h"

#define SLOTS      4  /* that a program has on each CPU */
#define SLOT_HEAD  64 /* bytes: the word that says "taken", on a cache line of its own */
#define SINCE_XCHG KERNEL(5, 12)

static bool can_be_preempted(const struct lower *l)
{
#ifdef WAGGLE_PLAIN_SLOTS /* to show what happens then: see tests/guest/functions.case */
	(void)l;
	return false;
#else
	switch (l->point->row->attach) {
	case ATTACH_CGROUP_SKB:
	case ATTACH_FENTRY:
	case ATTACH_FEXIT:
	case ATTACH_ITER:
	case ATTACH_UPROBE:
	case ATTACH_URETPROBE:
	case ATTACH_USDT: return l->object->kernel >= SINCE_XCHG;
	default: return false;
	}
#endif
}

/* The memory of this program on this CPU. */
static u32 own_memory(struct lower *l)
{
	struct ir_fn *fn = l->fn;
	u32 base = l->object->maps.v[l->bss].value_size + l->scratch;
	u32 cpu = ir_bin(fn, IR_AND, IRT_I64, lower_cpu(l),
			 lower_config(l, offsetof(struct waggle_config, cpu_mask)));
	u32 stride = lower_config(l, sizeof(struct waggle_config));

	return ir_bin(fn, IR_ADD, IRT_DATA, ir_data(fn, l->bss, base),
		      ir_bin(fn, IR_MUL, IRT_I64, cpu, stride));
}

u32 scratch_address(struct lower *l)
{
	if (l->frame.inside)
		return frame_scratch(l);
	if (l->claim.wanted) {
		l->claim.used = true;
		return ir_get(l->fn, l->claim.slot);
	}
	if (!l->memo.scratch)
		l->memo.scratch = own_memory(l);
	return l->memo.scratch;
}

void scratch_begin(struct lower *l)
{
	struct ir_fn *fn = l->fn;

	l->claim = (struct claim){.wanted = can_be_preempted(l)};
	if (!l->claim.wanted)
		return;
	l->scratch_end = SLOT_HEAD;
	l->claim.block = ir_block(fn);
	l->claim.body = ir_block(fn);
	l->claim.leave = ir_block(fn);
	l->claim.slot = ir_var(fn, IRT_DATA);
	ir_jmp(fn, l->claim.block);
	ir_seal(fn, l->claim.block);
	ir_at(fn, l->claim.body);
}

static u32 program_result(struct lower *l)
{
	if (l->verdict)
		return ir_get(l->fn, l->verdict);
	return ir_const(l->fn, attach_verdict(l->point->row->attach));
}

void lower_return(struct lower *l)
{
	if (l->frame.inside)
		frame_return(l);
	else if (l->claim.wanted)
		ir_jmp(l->fn, l->claim.leave);
	else
		ir_ret(l->fn, program_result(l));
}

/* Tries the slots of this CPU, one after the other. */
static void claim_slot(struct lower *l, u32 size)
{
	struct ir_fn *fn = l->fn;
	u32 first, taken = ir_const(fn, 1);

	l->memo = (struct memo){0};
	first = own_memory(l);
	for (u32 i = 0; i < SLOTS; i++) {
		u32 ours = ir_block(fn), next = ir_block(fn);
		u32 slot = ir_add_imm(fn, first, (s64)i * size);

		ir_br(fn, ir_atomic_swap(fn, 8, slot, 0, taken), next, ours);
		ir_seal(fn, ours);
		ir_at(fn, ours);
		ir_set(fn, l->claim.slot, slot);
		ir_jmp(fn, l->claim.body);
		ir_seal(fn, next);
		ir_at(fn, next);
	}
	lower_counter(l, offsetof(struct waggle_counters, no_slot));
	ir_ret(fn, ir_const(fn, attach_verdict(l->point->row->attach)));
}

void scratch_end(struct lower *l)
{
	struct ir_fn *fn = l->fn;
	u32 size = ALIGN_UP(l->scratch_end, 64);

	if (!l->claim.wanted) {
		l->scratch += size;
		l->scratch_end = 0;
		return;
	}
	ir_at(fn, l->claim.block);
	if (l->claim.used)
		claim_slot(l, size);
	else
		ir_jmp(fn, l->claim.body);
	ir_seal(fn, l->claim.body);
	ir_seal(fn, l->claim.leave);
	ir_at(fn, l->claim.leave);
	if (l->claim.used)
		ir_atomic_swap(fn, 8, ir_get(fn, l->claim.slot), 0, ir_const(fn, 0));
	ir_ret(fn, program_result(l));
	l->scratch += l->claim.used ? SLOTS * size : 0;
	l->scratch_end = 0;
}
