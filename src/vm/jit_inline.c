/*
 * jit_inline.c: helpers whose work is less than a call, and calls whose arguments are known.
 *
 * In:  a call of a helper. Out: what it does, in place; or nothing.
 *
 * They leave r1 to r5 alone. Where the program is checked, what they read is looked at like any
 * access; if it is not there, the interpreter makes the call, and says what is wrong.
 */
#include "vm/jit.h"

#define BACK_MOST 64 /* slots */

/* The slot of the straight line before `at` that gives the register its value; -1: it is not to be
 * seen. */
static s64 defined_at(const struct jit *j, u32 at, u32 reg)
{
	u32 end = at > BACK_MOST ? at - BACK_MOST : 0;

	while (at > end && !j->slots[at].place) {
		at--;
		if (j->slots[at].def & 1u << reg)
			return at;
	}
	return -1;
}

/* The map whose address was put into r1; or NULL. */
static const struct vm_map *map_in_r1(const struct jit *j)
{
	const struct vm *vm = j->prog->vm;
	s64 at = defined_at(j, j->at, 1);
	u64 value;

	if (at < 0 || j->slots[at].op != ISA_ld_imm64)
		return NULL;
	value = (u64)(u32)j->insns[at + 1].imm << 32 | (u32)j->insns[at].imm;
	for (u32 i = 0; i < vm->nmaps; i++)
		if (value == (u64)(uintptr_t)vm->maps[i])
			return vm->maps[i];
	return NULL;
}

/* Whether a register is a number, or r10 and a number, at the call. */
static struct vm_known known_of(const struct jit *j, u32 reg)
{
	struct vm_known k = {.kind = KNOWN_FRAME};
	s64 at = j->at;

	while (reg != 10) {
		const struct insn *in;

		at = defined_at(j, (u32)at, reg);
		if (at < 0)
			return (struct vm_known){0};
		in = &j->insns[at];
		if (in->code == (BPF_ALU64 | BPF_ADD | BPF_K))
			k.n += in->imm;
		else if (in->code == (BPF_ALU64 | BPF_MOV | BPF_K))
			return (struct vm_known){KNOWN_NUMBER, k.n + in->imm};
		else if (in->code == (BPF_ALU64 | BPF_MOV | BPF_X) && !in->off)
			reg = in->src;
		else
			return (struct vm_known){0};
	}
	return k;
}

bool jit_knows_args(const struct jit *j, u32 helper)
{
	struct vm_known known[5];

	for (u32 i = 0; i < ARRAY_SIZE(known); i++)
		known[i] = known_of(j, i + 1);
	return vm_known_args(helper, map_in_r1(j), known);
}

/* Of an array for each CPU: the values of an element lie in a row. */
static void add_cpu(struct jit *j)
{
	x_imul_imm(&j->e, true, SCRATCH0, SCRATCH0, (s32)j->prog->vm->opts.cpus);
	x_load(&j->e, 4, REG(0), RUN_FIELD(cpu));
	x_alu(&j->e, true, X_ADD, SCRATCH0, REG(0));
}

static bool can_inline(const struct jit *j, const struct vm_map *map)
{
	return map && (map->kind == MAP_ARRAY || map->kind == MAP_PERCPU_ARRAY) && map->values &&
	       map->max_entries <= INT32_MAX && j->prog->vm->opts.cpus <= INT16_MAX &&
	       !(map->stride & (map->stride - 1));
}

/* r0 = index < max_entries ? values + index * stride : 0 */
static bool inline_lookup(struct jit *j)
{
	const struct vm_map *map = map_in_r1(j);
	u32 end;

	if (!can_inline(j, map))
		return false;
	x_load(&j->e, 4, SCRATCH0, jit_access(j, 2, 0, 4, false));
	jit_count_call(j);
	end = emit_label(&j->e);
	x_mov_imm(&j->e, REG(0), 0);
	x_alu_imm(&j->e, false, X_CMP, SCRATCH0, (s32)map->max_entries);
	x_jump(&j->e, X_AE, end);
	if (map->kind == MAP_PERCPU_ARRAY)
		add_cpu(j);
	x_shift(&j->e, true, X_SHL, SCRATCH0, (u32)__builtin_ctz(map->stride));
	x_mov_imm(&j->e, REG(0), (u64)(uintptr_t)map->values);
	x_alu(&j->e, true, X_ADD, REG(0), SCRATCH0);
	emit_place(&j->e, end);
	j->looked_up = map;
	return true;
}

static bool inline_cpu(struct jit *j)
{
	jit_count_call(j);
	x_load(&j->e, 4, REG(0), RUN_FIELD(cpu));
	return true;
}

static const struct {
	u32 helper;
	bool (*put)(struct jit *);
} inlines[] = {
	{HELPER_map_lookup_elem, inline_lookup},
	{HELPER_get_smp_processor_id, inline_cpu},
};

bool jit_inline(struct jit *j, u32 helper)
{
	for (u32 i = 0; i < ARRAY_SIZE(inlines); i++)
		if (inlines[i].helper == helper)
			return inlines[i].put(j);
	return false;
}
