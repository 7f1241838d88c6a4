/*
 * interpret.c: runs decoded programs, checking what they touch.
 *
 * In:  a run, a program, where to begin. Out: r0, or a fault in the run.
 *
 * Every operation of isa/ops.def has a piece of code in interpret_steps(), named by its row, and
 * each ends by jumping to that of the next step (threaded dispatch: the processor learns for each
 * operation what follows it). The labels are collected by including the table, so a row without
 * code does not compile.
 *
 * An access asks run->fast at the place where the same instruction found its region last time: one
 * subtraction, one compare. Else seek() looks through all regions and notes the place.
 */
#include "vm/semantics.h"
#include "vm/step.h"

/* What a local call keeps for its return. */
struct frame {
	const struct vm_prog *prog;
	const struct step *back;
	u64 saved[4]; /* r6 to r9 */
};

/* By single words: a vector that is loaded just behind the stores of its words waits for them. */
static inline void copy_saved(u64 *to, const u64 *from)
{
	for (u32 i = 0; i < 4; i++) {
		u64 word = from[i];

		__asm__("" : "+r"(word));
		to[i] = word;
	}
}

/* ---- out of the way: what is rare */

static void stop(struct vm_run *run, const struct vm_prog *prog, const struct step *at,
		 const u64 *r, u32 kind)
{
	struct vm_fault *f = &run->fault;

	f->kind = (u8)kind;
	f->insn = (u32)(at - (const struct step *)prog->threaded);
	run->prog = prog;
	memcpy(run->regs, r, sizeof(run->regs));
}

/* Is the access in an element of the row of elements that the hint names? */
static bool in_row(const struct vm_fast *f, u64 addr, u32 size, bool write)
{
	const u64 *limits = write ? f->row_writes : f->row_reads;

	return addr - f->start < f->size &&
	       ((addr - f->start) & f->mask) < limits[__builtin_ctz(size)];
}

/* Finds the region of an access that was not simply where the hint said. */
static bool seek(struct vm_run *run, struct step *s, u32 reg, u64 addr, u32 size, bool write)
{
	const struct vm_region *r;
	u32 index;

	if (in_row(&run->fast[__atomic_load_n(&s->hint, __ATOMIC_RELAXED)], addr, size, write))
		return true;
	r = vm_region_find(run, addr, size, write);
	if (!r) {
		run->fault = (struct vm_fault){
			.reg = (u8)reg, .size = (u8)size, .write = write, .addr = addr};
		return false;
	}
	index = vm_region_index(run, r);
	if (index <= UINT16_MAX)
		__atomic_store_n(&s->hint, (u16)index, __ATOMIC_RELAXED);
	return true;
}

/* ---- the machine */

/* Without a run: the codes of all operations. */
#ifdef __clang__
#define ALONE __attribute__((noinline))
#else
#define ALONE __attribute__((noinline, noclone))
#endif

/* The address of a label; cppcheck reads it as a logical and. */
#ifdef __cppcheck__
#define CODE(label) NULL
#else
#define CODE(label) &&label
#endif

static ALONE u64 interpret_steps(struct vm_run *run, const struct vm_prog *prog,
				 const struct step *pc, u64 *r, u32 base, const void *const **codes)
{
	static const void *const table[STEP_VARIANTS][ISA_OPS] = {
#define OP(id, name, code, off, imm, src, form, text, since) [STEP_PLAIN][ISA_##id] = CODE(L_##id),
#include "isa/ops.def"
#define FUSED(n)                                         \
	[STEP_FUSED][ISA_##n##64_k] = CODE(F_##n##64_k), \
	[STEP_FUSED][ISA_##n##64_x] = CODE(F_##n##64_x), \
	[STEP_FUSED][ISA_##n##32_k] = CODE(F_##n##32_k), \
	[STEP_FUSED][ISA_##n##32_x] = CODE(F_##n##32_x)
#define BACK(n)                                             \
	[STEP_BACKWARD][ISA_##n##64_k] = CODE(B_##n##64_k), \
	[STEP_BACKWARD][ISA_##n##64_x] = CODE(B_##n##64_x), \
	[STEP_BACKWARD][ISA_##n##32_k] = CODE(B_##n##32_k), \
	[STEP_BACKWARD][ISA_##n##32_x] = CODE(B_##n##32_x)
		BACK(jeq),
		BACK(jne),
		BACK(jgt),
		BACK(jge),
		BACK(jlt),
		BACK(jle),
		BACK(jsgt),
		BACK(jsge),
		BACK(jslt),
		BACK(jsle),
		BACK(jset),
		FUSED(jeq),
		FUSED(jne),
		FUSED(jgt),
		FUSED(jge),
		FUSED(jlt),
		FUSED(jle),
		FUSED(jsgt),
		FUSED(jsge),
		FUSED(jslt),
		FUSED(jsle),
		FUSED(jset),
		FUSED(add),
		FUSED(sub),
		FUSED(mul),
		FUSED(or),
		FUSED(and),
		FUSED(xor),
		FUSED(lsh),
		FUSED(rsh),
		FUSED(arsh),
#define MEMORY(n) [STEP_UNCHECKED][ISA_##n] = CODE(U_##n)
		MEMORY(ldxb),
		MEMORY(ldxh),
		MEMORY(ldxw),
		MEMORY(ldxdw),
		MEMORY(ldsxb),
		MEMORY(ldsxh),
		MEMORY(ldsxw),
		MEMORY(stb),
		MEMORY(sth),
		MEMORY(stw),
		MEMORY(stdw),
		MEMORY(stxb),
		MEMORY(stxh),
		MEMORY(stxw),
		MEMORY(stxdw),
#undef MEMORY
		[STEP_BACKWARD][ISA_ja] = CODE(B_ja),
		[STEP_BACKWARD][ISA_gotol] = CODE(B_ja),
		[STEP_BACKWARD][ISA_may_goto] = CODE(B_may_goto),
		[STEP_CHECKED][ISA_call] = CODE(C_call),
		[STEP_TAIL_CALL][ISA_call] = CODE(L_tail_call),
		[STEP_PLAIN][ISA_NONE] = CODE(L_step),
	};
	struct frame frames[VM_FRAMES];
	const void *code;
	u32 depth = base;
	bool trusted;

	if (!run) {
		*codes = &table[0][0];
		return 0;
	}
	trusted = run->vm->opts.trusted;

#define D  r[pc->dst]
#define S  r[pc->src]
#define GO goto * pc->go
#define NEXT          \
	do {          \
		pc++; \
		GO;   \
	} while (0)
#define STOP(kind)                            \
	do {                                  \
		stop(run, prog, pc, r, kind); \
		return 0;                     \
	} while (0)
	GO;

	/* ---- arithmetic */
#define BINARY(label, type, right, result)           \
	label : {                                    \
		type a = (type)D, b = (type)(right); \
		(void)a;                             \
		D = (type)(result);                  \
		NEXT;                                \
	}
#define ALU(n, result)                                 \
	BINARY(L_##n##64_k, u64, (s64)pc->imm, result) \
	BINARY(L_##n##64_x, u64, S, result)            \
	BINARY(L_##n##32_k, u32, pc->imm, result)      \
	BINARY(L_##n##32_x, u32, S, result)
/* The same behind a mov to its destination, which is done in one: dst = src op right. */
#define MOVED(label, type, right, result)            \
	label : {                                    \
		type a = (type)S, b = (type)(right); \
		D = (type)(result);                  \
		pc += 2;                             \
		GO;                                  \
	}
#define ALU_MOVED(n, result)                            \
	ALU(n, result)                                  \
	MOVED(F_##n##64_k, u64, (s64)pc[1].imm, result) \
	MOVED(F_##n##64_x, u64, r[pc[1].src], result)   \
	MOVED(F_##n##32_k, u32, pc[1].imm, result)      \
	MOVED(F_##n##32_x, u32, r[pc[1].src], result)
#define UNARY(n, type, result)    \
	L_##n:                    \
	{                         \
		type a = (type)D; \
		D = (result);     \
		NEXT;             \
	}
	ALU_MOVED(add, a + b)
	ALU_MOVED(sub, a - b)
	ALU_MOVED(mul, a * b)
	ALU(div, b ? a / b : 0)
	ALU(mod, b ? a % b : a)
	ALU(sdiv, sem_sdiv(SEM_SIGNED(a), SEM_SIGNED(b)))
	ALU(smod, sem_smod(SEM_SIGNED(a), SEM_SIGNED(b)))
	ALU_MOVED(or, a | b)
	ALU_MOVED(and, a & b)
	ALU_MOVED(xor, a ^ b)
	ALU_MOVED(lsh, a << SEM_SHIFT(a, b))
	ALU_MOVED(rsh, a >> SEM_SHIFT(a, b))
	ALU_MOVED(arsh, SEM_SIGNED(a) >> SEM_SHIFT(a, b))
	ALU(mov, b)
	BINARY(L_movsx8_64, u64, S, (s8)b)
	BINARY(L_movsx16_64, u64, S, (s16)b)
	BINARY(L_movsx32_64, u64, S, (s32)b)
	BINARY(L_movsx8_32, u32, S, (s8)b)
	BINARY(L_movsx16_32, u32, S, (s16)b)
	UNARY(neg64, u64, -a)
	UNARY(neg32, u32, (u32)-a)
	UNARY(to_le16, u16, a)
	UNARY(to_le32, u32, a)
	UNARY(to_le64, u64, a)
	UNARY(to_be16, u16, __builtin_bswap16(a))
	UNARY(to_be32, u32, __builtin_bswap32(a))
	UNARY(to_be64, u64, __builtin_bswap64(a))
	UNARY(bswap16, u16, __builtin_bswap16(a))
	UNARY(bswap32, u32, __builtin_bswap32(a))
	UNARY(bswap64, u64, __builtin_bswap64(a))
L_addr_space_cast:
	STOP(VM_NOT_AN_INSN);

	/* ---- memory */
#define CHECK(reg, type, log, kind, write)                                                     \
	const struct vm_fast *fast = &run->fast[__atomic_load_n(&pc->hint, __ATOMIC_RELAXED)]; \
	u64 addr = r[reg] + (u64)pc->off;                                                      \
	if (__builtin_expect(addr - fast->start >= fast->kind[log], 0) && !trusted &&          \
	    !seek(run, (struct step *)(uintptr_t)pc, reg, addr, sizeof(type), write))          \
		STOP(VM_BAD_ACCESS);
/* Fields may stand anywhere: memory is not always aligned. */
#define AT(type) (((struct { type v; } __attribute__((packed, may_alias)) *)(uintptr_t)addr)->v)
/* U_: somebody has verified it, or it is in the own frame for certain. */
#define UNCHECKED(reg) u64 addr = r[reg] + (u64)pc->off;
#define LOAD(n, type, log)                              \
	L_##n:                                          \
	{                                               \
		CHECK(pc->src, type, log, reads, false) \
		D = (u64)(s64)AT(type);                 \
		NEXT;                                   \
	}                                               \
	U_##n:                                          \
	{                                               \
		UNCHECKED(pc->src)                      \
		D = (u64)(s64)AT(type);                 \
		NEXT;                                   \
	}
#define STORE(n, type, log, value)                      \
	L_##n:                                          \
	{                                               \
		CHECK(pc->dst, type, log, writes, true) \
		AT(type) = (type)(value);               \
		NEXT;                                   \
	}                                               \
	U_##n:                                          \
	{                                               \
		UNCHECKED(pc->dst)                      \
		AT(type) = (type)(value);               \
		NEXT;                                   \
	}
#define MEMORY(n, type, log)             \
	LOAD(ldx##n, type, log)          \
	STORE(st##n, type, log, pc->imm) \
	STORE(stx##n, type, log, S)
	MEMORY(b, u8, 0)
	MEMORY(h, u16, 1)
	MEMORY(w, u32, 2)
	MEMORY(dw, u64, 3)
	LOAD(ldsxb, s8, 0)
	LOAD(ldsxh, s16, 1)
	LOAD(ldsxw, s32, 2)

#define ALIGNED(type, base)                                                                \
	if (addr & (sizeof(type) - 1)) {                                                   \
		run->fault = (struct vm_fault){.reg = base,                                \
					       .size = sizeof(type),                       \
					       .addr = addr,                               \
					       .why = "an atomic access must be aligned"}; \
		STOP(VM_BAD_ACCESS);                                                       \
	}
#define ATOMIC(label, type, log, act)                   \
	label : {                                       \
		CHECK(pc->dst, type, log, writes, true) \
		ALIGNED(type, pc->dst)                  \
		type *p = (type *)(uintptr_t)addr;      \
		act;                                    \
		NEXT;                                   \
	}
#define ATOMICS(bits, type, log)                                                                \
	ATOMIC(L_atomic_add##bits, type, log, __atomic_fetch_add(p, (type)S, __ATOMIC_RELAXED)) \
	ATOMIC(L_atomic_or##bits, type, log, __atomic_fetch_or(p, (type)S, __ATOMIC_RELAXED))   \
	ATOMIC(L_atomic_and##bits, type, log, __atomic_fetch_and(p, (type)S, __ATOMIC_RELAXED)) \
	ATOMIC(L_atomic_xor##bits, type, log, __atomic_fetch_xor(p, (type)S, __ATOMIC_RELAXED)) \
	ATOMIC(L_atomic_fetch_add##bits, type, log,                                             \
	       S = __atomic_fetch_add(p, (type)S, __ATOMIC_SEQ_CST))                            \
	ATOMIC(L_atomic_fetch_or##bits, type, log,                                              \
	       S = __atomic_fetch_or(p, (type)S, __ATOMIC_SEQ_CST))                             \
	ATOMIC(L_atomic_fetch_and##bits, type, log,                                             \
	       S = __atomic_fetch_and(p, (type)S, __ATOMIC_SEQ_CST))                            \
	ATOMIC(L_atomic_fetch_xor##bits, type, log,                                             \
	       S = __atomic_fetch_xor(p, (type)S, __ATOMIC_SEQ_CST))                            \
	ATOMIC(L_atomic_xchg##bits, type, log,                                                  \
	       S = __atomic_exchange_n(p, (type)S, __ATOMIC_SEQ_CST))                           \
	ATOMIC(L_atomic_cmpxchg##bits, type, log, type old = (type)r[0];                        \
	       __atomic_compare_exchange_n(p, &old, (type)S, false, __ATOMIC_SEQ_CST,           \
					   __ATOMIC_SEQ_CST);                                   \
	       r[0] = old)
#define ORDERED(bits, type, log)                                                                 \
	ATOMIC(L_store_release##bits, type, log, __atomic_store_n(p, (type)S, __ATOMIC_RELEASE)) \
	L_load_acquire##bits:                                                                    \
	{                                                                                        \
		CHECK(pc->src, type, log, reads, false)                                          \
		ALIGNED(type, pc->src)                                                           \
		D = __atomic_load_n((type *)(uintptr_t)addr, __ATOMIC_ACQUIRE);                  \
		NEXT;                                                                            \
	}
	ATOMICS(32, u32, 2)
	ATOMICS(64, u64, 3)
	ORDERED(8, u8, 0)
	ORDERED(16, u16, 1)
	ORDERED(32, u32, 2)
	ORDERED(64, u64, 3)

/* Behind the end of the packet the program ends with 0. */
#define PACKET(label, at, size)                                  \
	label : {                                                \
		if (vm_packet_load(run, (s32)(at), size, &r[0])) \
			NEXT;                                    \
		r[0] = 0;                                        \
		goto leave;                                      \
	}
	PACKET(L_ldabsb, pc->imm, 1)
	PACKET(L_ldabsh, pc->imm, 2)
	PACKET(L_ldabsw, pc->imm, 4)
	PACKET(L_ldindb, (u32)S + (u32)pc->imm, 1)
	PACKET(L_ldindh, (u32)S + (u32)pc->imm, 2)
	PACKET(L_ldindw, (u32)S + (u32)pc->imm, 4)

L_ld_imm64:
L_ld_map_fd:
L_ld_map_value:
L_ld_btf_id:
L_ld_func:
L_ld_map_idx:
L_ld_map_idx_value : {
	D = pc->wide;
	pc += 2;
	GO;
}

/* ---- jumps; B_: backwards, which is what the budget counts */
#define TAKE                 \
	do {                 \
		pc = pc->to; \
		GO;          \
	} while (0)
#define TAKE_BACK                                         \
	do {                                              \
		run->budget -= pc - pc->to + 1;           \
		if (__builtin_expect(run->budget < 0, 0)) \
			STOP(VM_OUT_OF_BUDGET);           \
		TAKE;                                     \
	} while (0)
#define BRANCH(label, type, right, condition, take)  \
	label : {                                    \
		type a = (type)D, b = (type)(right); \
		if (condition)                       \
			take;                        \
		NEXT;                                \
	}
/* F_: behind an addition of a constant, which is done in one: the end of most loops. */
#define COUNTED(n, bits, type, kind)                 \
	F_##n##bits##_##kind:                        \
	{                                            \
		D = (type)((type)D + (type)pc->imm); \
		pc++;                                \
		goto B_##n##bits##_##kind;           \
	}
#define JUMP(n, t64, t32, condition)                                 \
	BRANCH(L_##n##64_k, t64, (s64)pc->imm, condition, TAKE)      \
	BRANCH(L_##n##64_x, t64, S, condition, TAKE)                 \
	BRANCH(L_##n##32_k, t32, pc->imm, condition, TAKE)           \
	BRANCH(L_##n##32_x, t32, S, condition, TAKE)                 \
	BRANCH(B_##n##64_k, t64, (s64)pc->imm, condition, TAKE_BACK) \
	BRANCH(B_##n##64_x, t64, S, condition, TAKE_BACK)            \
	BRANCH(B_##n##32_k, t32, pc->imm, condition, TAKE_BACK)      \
	BRANCH(B_##n##32_x, t32, S, condition, TAKE_BACK)            \
	COUNTED(n, 64, u64, k)                                       \
	COUNTED(n, 64, u64, x)                                       \
	COUNTED(n, 32, u32, k)                                       \
	COUNTED(n, 32, u32, x)
	JUMP(jeq, u64, u32, a == b)
	JUMP(jne, u64, u32, a != b)
	JUMP(jgt, u64, u32, a > b)
	JUMP(jge, u64, u32, a >= b)
	JUMP(jlt, u64, u32, a < b)
	JUMP(jle, u64, u32, a <= b)
	JUMP(jsgt, s64, s32, a > b)
	JUMP(jsge, s64, s32, a >= b)
	JUMP(jslt, s64, s32, a < b)
	JUMP(jsle, s64, s32, a <= b)
	JUMP(jset, u64, u32, a & b)
L_ja:
L_gotol:
	TAKE;
B_ja:
	TAKE_BACK;
L_may_goto:
	if (!run->loops)
		TAKE;
	run->loops--;
	NEXT;
B_may_goto:
	if (!run->loops)
		TAKE_BACK;
	run->loops--;
	NEXT;

/* ---- calls */
C_call:
	if (!vm_check_args(run, (u32)pc->imm, &r[1]))
		STOP(run->fault.kind);
L_call : {
	u64 result;

	if (__builtin_expect(--run->budget < 0, 0))
		STOP(VM_OUT_OF_BUDGET);
	run->frame = r[10];
	result = pc->helper(r[1], r[2], r[3], r[4], r[5], run);
	if (__builtin_expect(run->fault.kind, 0))
		goto helper_failed;
	r[0] = result;
	NEXT;
}
L_tail_call:
	if (!trusted && !vm_check_args(run, (u32)pc->imm, &r[1]))
		STOP(run->fault.kind);
	r[0] = pc->helper(r[1], r[2], r[3], r[4], r[5], run);
	if (__builtin_expect(run->fault.kind, 0))
		goto helper_failed;
	if (r[0])
		NEXT;
	prog = run->prog;
	pc = prog->threaded;
	GO;
helper_failed:
	if (run->fault.called_back)
		return 0;
	STOP(run->fault.kind);
L_call_local : {
	struct frame *f = &frames[depth];

	if (__builtin_expect(depth + 1 >= VM_FRAMES, 0))
		STOP(VM_TOO_DEEP);
	if (__builtin_expect(--run->budget < 0, 0))
		STOP(VM_OUT_OF_BUDGET);
	depth++;
	f->prog = prog;
	f->back = pc + 1;
	copy_saved(f->saved, &r[6]);
	r[10] -= VM_FRAME_BYTES;
	TAKE;
}
L_call_kfunc:
	STOP(VM_NOT_AN_INSN);
L_exit:
leave : {
	if (depth == base)
		return r[0];
	depth--;
	copy_saved(&r[6], frames[depth].saved);
	r[10] += VM_FRAME_BYTES;
	run->prog = prog = frames[depth].prog;
	pc = frames[depth].back;
	GO;
}

L_step : {
	u32 at = (u32)(pc - (const struct step *)prog->threaded);

	run->prog = prog;
	if (run->host->step)
		run->host->step(run, at, r);
	code = decode_code(prog, at);
	goto *code;
}
}

const void *interpret_code(u32 isa_id, enum step_variant variant)
{
	static const struct vm_prog none;
	const void *const *codes;

	interpret_steps(NULL, &none, NULL, NULL, 0, &codes);
	return codes[variant * ISA_OPS + isa_id];
}

static u64 frame_of(const struct vm_run *run, u32 frames)
{
	return (u64)(uintptr_t)run->stack + (VM_FRAMES - frames) * VM_FRAME_BYTES;
}

u64 interpret_rest(struct vm_run *run, const struct vm_prog *prog, u32 at, const u64 regs[11])
{
	u64 r[11], outer = run->frame, result;
	u32 frames = (u32)((frame_of(run, 0) - regs[10]) / VM_FRAME_BYTES);

	memcpy(r, regs, sizeof(r));
	run->frame = r[10];
	result = interpret_steps(run, prog, (const struct step *)prog->threaded + at, r, frames,
				 NULL);
	run->frame = outer;
	return result;
}

u64 interpret(struct vm_run *run, const struct vm_prog *prog, u32 at, const u64 args[5], u32 frames)
{
	u64 r[11] = {0};

	memcpy(&r[1], args, 5 * sizeof(*args));
	r[10] = frame_of(run, frames);
	return interpret_rest(run, prog, at, r);
}
