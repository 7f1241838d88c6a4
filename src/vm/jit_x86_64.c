/*
 * jit_x86_64.c: compiles programs for x86-64.
 *
 * In:  a program whose form was checked. Out: machine code, in pages that are not writable.
 *
 * r0 to r10 live in registers of the machine for good, in the order of the kernel's compiler, so
 * arguments of helpers are where C wants them. The machine's r12 holds the run; its r9 to r11 are
 * scratch: no value stays there from one instruction to the next, but for the budget in r9, where
 * the program is checked.
 *
 * What is emitted, in this order: the functions of the program; cold pieces; the ways out to C; the
 * entry. A function of the program keeps for its caller those of r6 to r9 that it changes (C wants
 * the same of the same registers), takes a frame of the program's stack if it uses one, and returns
 * with ret. The entry is a function of C that sets up r12 and the frame and calls one of these; it
 * notes the machine's stack in run->unwind, which is where a fault goes, from however deep.
 */
#include "vm/jit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#if defined(__x86_64__) && defined(__LP64__)
#if __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>
#endif

const u8 jit_regs[11] = {RAX, RDI, RSI, RDX, RCX, R8, RBX, R13, R14, R15, RBP};

/* What the C library knows: asking the processor itself is slow in a virtual machine. */
static struct jit_cpu this_cpu(void)
{
#ifdef CPU_FEATURE_ACTIVE
	return (struct jit_cpu){.bmi2 = CPU_FEATURE_ACTIVE(BMI2)};
#else
	return (struct jit_cpu){0};
#endif
}

/* xorshift; begins with a random number of the system. */
static u64 next_random(struct jit *j)
{
	j->random ^= j->random << 13;
	j->random ^= j->random >> 7;
	j->random ^= j->random << 17;
	return j->random;
}

void jit_constant(struct jit *j, u32 reg, u64 value)
{
	u64 key;

	if (!j->blind) {
		x_mov_imm(&j->e, reg, value);
		return;
	}
	key = next_random(j);
	x_mov_imm(&j->e, reg, value ^ key);
	x_mov_imm(&j->e, SCRATCH1, key);
	x_alu(&j->e, true, X_XOR, reg, SCRATCH1);
}

/* ---- functions */

static const u8 saved[4] = {6, 7, 8, 9};

/* A call leaves the machine's stack 8 bytes off; each push changes that. */
static bool pads(const struct jit_function *f)
{
	return f->calls && !(__builtin_popcount(f->saves) & 1);
}

static void begin_function(struct jit *j, const struct jit_function *f)
{
	emit_place(&j->e, f->label);
	for (u32 i = 0; i < ARRAY_SIZE(saved); i++)
		if (f->saves & 1u << saved[i])
			x_push(&j->e, REG(saved[i]));
	if (pads(f))
		x_push(&j->e, RAX);
	if (f->frame)
		x_alu_imm(&j->e, true, X_SUB, RBP, VM_FRAME_BYTES);
}

void jit_restore(struct jit *j)
{
	const struct jit_function *f = j->function;

	if (f->frame)
		x_alu_imm(&j->e, true, X_ADD, RBP, VM_FRAME_BYTES);
	if (pads(f))
		x_alu_imm(&j->e, true, X_ADD, RSP, 8);
	for (u32 i = ARRAY_SIZE(saved); i-- > 0;)
		if (f->saves & 1u << saved[i])
			x_pop(&j->e, REG(saved[i]));
}

void jit_return(struct jit *j)
{
	jit_restore(j);
	x_ret(&j->e);
}

/* ---- the way through the slots */

static jit_translate_fn *const translate[FORMS] = {
	[FORM_ALU_K] = jit_alu_k,
	[FORM_ALU_X] = jit_alu_x,
	[FORM_MOVSX] = jit_movsx,
	[FORM_NEG] = jit_neg,
	[FORM_END] = jit_end,
	[FORM_LDX] = jit_ldx,
	[FORM_ST] = jit_st,
	[FORM_STX] = jit_stx,
	[FORM_ATOMIC] = jit_atomic,
	[FORM_FETCH] = jit_fetch,
	[FORM_CMPXCHG] = jit_cmpxchg,
	[FORM_LOAD_ACQ] = jit_atomic,
	[FORM_STORE_REL] = jit_atomic,
	[FORM_LD_ABS] = jit_ld_packet,
	[FORM_LD_IND] = jit_ld_packet,
	[FORM_LD_IMM64] = jit_ld_imm64,
	[FORM_JA] = jit_ja,
	[FORM_GOTOL] = jit_ja,
	[FORM_JMP_K] = jit_jmp_k,
	[FORM_JMP_X] = jit_jmp_x,
	[FORM_CALL] = jit_call,
	[FORM_CALL_LOCAL] = jit_call_local,
	[FORM_EXIT] = jit_exit,
};

/* More padding before a loop than one nop costs more than it brings. */
#define LOOP_SKIP 9

static void begin_slot(struct jit *j)
{
	u32 place = j->slots[j->at].place;

	if (place & JIT_FUNCTION) {
		j->function = j->function ? j->function + 1 : j->functions.v;
		emit_align(&j->e, 15);
		if (j->woven) /* whoever comes from above is in a function already */
			x_jump(&j->e, X_ALWAYS, j->at);
		begin_function(j, j->function);
	}
	if (place & JIT_LOOP)
		emit_align(&j->e, LOOP_SKIP);
	if (!place)
		return;
	emit_place(&j->e, j->at);
	j->narrow = 0;
	j->valued = 0;
}

static u32 translate_slot(struct jit *j)
{
	const struct isa_op *op = &isa_ops[j->slots[j->at].op];
	u32 n = jit_fuse(j);

	if (n)
		return n;
	translate[op->form](j, op, &j->insns[j->at]);
	return op->form == FORM_LD_IMM64 ? 2 : 1;
}

/* The slots from j->at on have been translated. */
static inline void see(struct jit *j, u32 n)
{
	u32 op = j->slots[j->at].op;

	if (!j->valued && op != ISA_ld_imm64 && !j->looked_up)
		return;
	if (op == ISA_ld_imm64)
		n = 1;
	for (u32 i = 0; i < n; i++)
		jit_see(j, j->at + i);
}

static void functions(struct jit *j)
{
	for (u32 n; j->at < j->n; j->at += n) {
		emit_room(&j->e, JIT_ROOM);
		begin_slot(j);
		j->seen = j->at;
		n = translate_slot(j);
		for (u32 i = 0; i < n; i++)
			if (j->slots[j->at + i].def)
				j->narrow = jit_narrow(j, j->at + i);
		if (j->checked)
			see(j, n);
	}
}

/* ---- ways out to C */

#define SPILLED (13 * 8) /* aligned, with the address of return before it */

/* Called with the slot in SCRATCH0: regs[] on the stack, its address is the second argument. The
 * stack was aligned before the call, so it is now. */
static void way_out(struct jit *j, enum jit_leave kind)
{
	struct emit *e = &j->e;

	emit_room(e, JIT_ROOM);
	emit_place(e, j->leave[kind] - 1);
	x_alu_imm(e, true, X_SUB, RSP, SPILLED);
	for (u32 i = 0; i < ARRAY_SIZE(jit_regs); i++)
		x_store(e, 8, X_AT(RSP, (s32)i * 8), REG(i));
	x_store(e, 8, X_AT(RSP, JIT_DETAIL * 8), SCRATCH1);
	x_mov(e, true, RDI, RUN);
	x_mov(e, true, RSI, RSP);
	x_mov_imm(e, RDX, (u64)(uintptr_t)j->prog);
	x_mov(e, false, RCX, SCRATCH0);
	jit_budget_put(j);
	x_call_far(e, (u64)(uintptr_t)jit_leaves[kind]);
	x_mov(e, false, SCRATCH1, RAX);
	x_test(e, false, RAX, RAX);
	x_jump(e, X_E, j->stop);
	for (u32 i = 0; i <= 5; i++)
		x_load(e, 8, REG(i), X_AT(RSP, (s32)i * 8));
	x_alu_imm(e, true, X_ADD, RSP, SPILLED);
	jit_budget_get(j);
	x_ret(e);
}

/* Called with a helper in SCRATCH0: keeps r1 to r5. */
static void keeping_call(struct jit *j)
{
	struct emit *e = &j->e;

	emit_room(e, JIT_ROOM);
	emit_place(e, j->keep - 1);
	for (u32 i = 1; i <= 5; i++)
		x_push(e, REG(i));
	jit_budget_put(j);
	x_mov(e, true, R9, RUN);
	x_call_reg(e, SCRATCH0);
	jit_budget_get(j);
	for (u32 i = 5; i >= 1; i--)
		x_pop(e, REG(i));
	x_ret(e);
}

/* ---- the entry */

/* What C wants back unchanged. Functions keep the others themselves; a fault leaves them early. */
static const u8 kept[] = {R12, RBP, RBX, R13, R14, R15};

static u32 nkept(const struct jit *j)
{
	bool all = j->checked; /* the entry clears registers */

	for (u32 i = 0; i < LEAVES; i++)
		all |= j->leave[i] != 0;
	return all ? ARRAY_SIZE(kept) : 2;
}

/* u64 enter(run, function, args, frame): the first frame begins behind `frame`. */
static void entry(struct jit *j, u32 label)
{
	struct emit *e = &j->e;
	u32 n = nkept(j);

	emit_room(e, JIT_ROOM);
	emit_place(e, label);
	for (u32 i = 0; i < n; i++)
		x_push(e, kept[i]);
	x_mov(e, true, RUN, RDI);
	x_push_mem(e, RUN_FIELD(unwind));
	if (n > 2)
		x_store(e, 8, RUN_FIELD(unwind), RSP);
	x_mov(e, true, RBP, RCX);
	x_mov(e, true, SCRATCH0, RSI);
	x_mov(e, true, SCRATCH1, RDX);
	for (u32 i = 1; i <= 5; i++)
		x_load(e, 8, REG(i), X_AT(SCRATCH1, ((s32)i - 1) * 8));
	for (u32 i = 0; j->checked && i < ARRAY_SIZE(saved); i++)
		x_mov_imm(e, REG(saved[i]), 0);
	if (j->checked)
		x_mov_imm(e, RAX, 0);
	jit_budget_get(j);
	x_call_reg(e, SCRATCH0);
	jit_budget_put(j);
	emit_place(e, j->stop);
	if (n > 2)
		x_load(e, 8, RSP, RUN_FIELD(unwind));
	x_pop_mem(e, RUN_FIELD(unwind));
	for (u32 i = n; i-- > 0;)
		x_pop(e, kept[i]);
	x_ret(e);
}

/* ---- all of it */

static struct jit_code *code_new(const struct jit *j, struct emit_code *code, u32 enter)
{
	struct jit_code *c = malloc(sizeof(*c) + j->functions.n * sizeof(c->functions[0]));
	u8 *at = code->start + emit_address(&j->e, enter);

	if (!c)
		return NULL;
	c->code = *code;
	memcpy(&c->enter, &at, sizeof(at));
	c->hints = (u32 *)(void *)(code->start + code->data);
	c->n = j->functions.n;
	for (u32 i = 0; i < c->n; i++) {
		c->functions[i].slot = j->functions.v[i].start;
		c->functions[i].at = emit_address(&j->e, j->functions.v[i].label);
	}
	return c;
}

static int link_code(struct jit *j, struct vm_prog *prog, u32 enter)
{
	struct emit_code code;
	int err = emit_link(&j->e, &code);

	if (err)
		return err;
	prog->jit = code_new(j, &code, enter);
	if (!prog->jit) {
		emit_unmap(&code);
		return -ENOMEM;
	}
	prog->entry = code.start + prog->jit->functions[0].at;
	prog->entry_bytes = code.bytes;
	return 0;
}

static int compile(struct jit *j, struct vm_prog *prog)
{
	u32 enter;

	/* labels of slots, by their numbers; about what most programs need */
	emit_begin(&j->e, j->arena, j->n, j->n * (j->checked ? 10 : 5) + JIT_ROOM,
		   j->n * (j->checked ? 3 : 1) / 4 + 64);
	j->stop = emit_label(&j->e);
	enter = emit_label(&j->e);
	if (j->checked)
		emit_data(&j->e, j->n * (u32)sizeof(u32));
	jit_flow(j);
	functions(j);
	jit_cold_pieces(j);
	for (u32 i = 0; i < 2; i++)
		if (j->elsewhere[i])
			jit_elsewhere(j, i);
	for (u32 i = 0; i < LEAVES; i++)
		if (j->leave[i])
			way_out(j, i);
	if (j->keep)
		keeping_call(j);
	entry(j, enter);
	return link_code(j, prog, enter);
}

int jit_compile_for(struct vm_prog *prog, struct jit_cpu cpu, struct diag *diag)
{
	const struct vm_opts *opts = &prog->vm->opts;
	struct arena *scratch = &prog->vm->scratch;
	struct jit j = {.prog = prog,
			.arena = scratch,
			.insns = prog->insns,
			.n = prog->n,
			.cpu = cpu,
			.checked = !opts->trusted,
			.blind = opts->blind};
	jmp_buf escape;
	int err;

	if (j.blind && getrandom(&j.random, sizeof(j.random), 0) != sizeof(j.random))
		return diag_fail(diag, -EIO, NULL, "no random numbers to blind constants with");
	j.random |= 1;
	scratch->escape = &escape;
	if (setjmp(escape))
		err = -ENOMEM;
	else
		err = compile(&j, prog);
	scratch->escape = NULL;
	arena_rewind(scratch);
	if (err == -EACCES || err == -EPERM) /* no memory may become executable: interpret */
		return -EOPNOTSUPP;
	return err ? diag_fail(diag, err, NULL, "there is no memory for machine code") : 0;
}

int jit_compile(struct vm_prog *prog, struct diag *diag)
{
	return jit_compile_for(prog, this_cpu(), diag);
}

void jit_free(struct vm_prog *prog)
{
	if (prog->jit)
		emit_unmap(&prog->jit->code);
	free(prog->jit);
	prog->jit = NULL;
	prog->entry = NULL;
}

u64 jit_run(struct vm_run *run, const struct vm_prog *prog, u32 at, const u64 args[5], u32 frames)
{
	const struct jit_code *c = prog->jit;
	u64 top = (u64)(uintptr_t)run->stack + VM_FRAMES * VM_FRAME_BYTES;
	u64 outer = run->frame, result;
	u32 i = 0;

	while (i < c->n && c->functions[i].slot != at)
		i++;
	result = c->enter(run, c->code.start + c->functions[i].at, args,
			  top - ((u64)frames - 1) * VM_FRAME_BYTES);
	run->frame = outer;
	return result;
}

#else

int jit_compile(struct vm_prog *prog, struct diag *diag)
{
	(void)prog, (void)diag;
	return -EOPNOTSUPP;
}

void jit_free(struct vm_prog *prog)
{
	(void)prog;
}

u64 jit_run(struct vm_run *run, const struct vm_prog *prog, u32 at, const u64 args[5], u32 frames)
{
	return interpret(run, prog, at, args, frames);
}

#endif
