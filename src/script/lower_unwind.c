/*
 * lower_unwind.c: dw_ustack: the stack of a process whose code keeps no frame pointers.
 *
 * Our own machine walks such stacks when it is asked to by a flag of get_stack(). The kernel knows
 * no such flag and says so; then the program walks itself: from the process's registers on, for
 * each address the mapping, its file, its row (elf/cfi.h), the caller. So the frames are there when
 * the program needs them, for a key or a record, like those of ustack.
 *
 * The walk is a loop of the kernel (bpf_loop), whose body the verifier looks at once; below 5.17 it
 * is a loop that the verifier walks turn by turn, and shorter for that.
 */
#include "script/lower_unwind.h"

#include <errno.h>

#define BPF_F_USER_STACK (1u << 8)
#define FRAMES_WALKED    24 /* where the verifier walks all turns */
#define SEARCH_STEPS     21 /* 2^20 rows at most */
#define USER_LEAST       4096
#define USER_MOST        (1ll << 47)

/* struct pt_regs of x86-64 */
enum { REGS_BP = 32, REGS_IP = 128, REGS_CS = 136, REGS_SP = 152, REGS_BYTES = 168 };
#define CS_USER64    0x33
#define KERNEL_STACK 16384

/* ---- the row of an address */

/* The rule of the last row that is not above the address. */
static u32 search(struct unwinding *u, u32 at)
{
	struct ir_fn *fn = u->fn;
	u32 rule = ir_var(fn, IRT_I64), lo = ir_var(fn, IRT_I64), hi = ir_var(fn, IRT_I64),
	    i = ir_var(fn, IRT_I64);
	u32 head = ir_block(fn), look = ir_block(fn), above = ir_block(fn), below = ir_block(fn),
	    next = ir_block(fn), done = ir_block(fn);
	u32 rows = unwinding_rows(u->l), index = ir_add_imm(fn, u->work, WORK_INDEX), off, mid, row;

	off = ir_bin(fn, IR_ADD, IRT_I64, ir_bin(fn, IR_SUB, IRT_I64, at, work_get(u, WORK_START)),
		     work_get(u, WORK_OFFSET));
	ir_set(fn, rule, ir_const(fn, CFI_NONE));
	ir_set(fn, i, ir_const(fn, 0));
	ir_set(fn, lo, work_get(u, WORK_FIRST));
	ir_set(fn, hi, ir_bin(fn, IR_ADD, IRT_I64, ir_get(fn, lo), work_get(u, WORK_ROWS)));
	ir_jmp(fn, head);
	ir_at(fn, head);
	ir_br(fn, ir_bin(fn, IR_ULT, IRT_I64, ir_get(fn, i), ir_const(fn, SEARCH_STEPS)), look,
	      done);
	ir_seal(fn, look);
	ir_at(fn, look);
	only_if(u, ir_bin(fn, IR_ULT, IRT_I64, ir_get(fn, lo), ir_get(fn, hi)), done);
	mid = ir_bin(fn, IR_SHR, IRT_I64,
		     ir_bin(fn, IR_ADD, IRT_I64, ir_get(fn, lo), ir_get(fn, hi)), ir_const(fn, 1));
	ir_store(fn, 4, u->work, WORK_INDEX, mid);
	row = ir_call(fn, HELPER_map_lookup_elem, IRT_MAPVAL, 2, ir_map(fn, rows), index);
	only_if(u, row, done);
	ir_br(fn,
	      ir_bin(fn, IR_ULE, IRT_I64, ir_load(fn, 4, false, row, offsetof(struct cfi_row, pc)),
		     off),
	      below, above);
	ir_seal(fn, below);
	ir_at(fn, below);
	ir_set(fn, rule, ir_load(fn, 4, false, row, offsetof(struct cfi_row, rule)));
	ir_set(fn, lo, plus(u, mid, 1));
	ir_jmp(fn, next);
	ir_seal(fn, above);
	ir_at(fn, above);
	ir_set(fn, hi, mid);
	ir_jmp(fn, next);
	loop_end(u, i, next, head, done);
	return ir_get(fn, rule);
}

/* Of where nothing is known CFI_NONE. */
static u32 rule_at(struct unwinding *u, u32 at)
{
	struct ir_fn *fn = u->fn;
	u32 rule = ir_var(fn, IRT_I64), found = ir_block(fn), look = ir_block(fn),
	    done = ir_block(fn);

	ir_br(fn,
	      ir_bin(fn, IR_ULT, IRT_I64, ir_bin(fn, IR_SUB, IRT_I64, at, work_get(u, WORK_START)),
		     work_get(u, WORK_LENGTH)),
	      found, look);
	ir_seal(fn, look);
	ir_at(fn, look);
	unwinding_find(u, at);
	ir_jmp(fn, found);
	ir_seal(fn, found);
	ir_at(fn, found);
	ir_set(fn, rule, ir_const(fn, CFI_NONE));
	only_if(u, work_get(u, WORK_ROWS), done);
	ir_set(fn, rule, search(u, at));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	return ir_get(fn, rule);
}

/* ---- one step: as unwind_step() of symbol/unwind.c */

static u32 user_word(struct unwinding *u, u32 addr, u32 done)
{
	struct ir_fn *fn = u->fn;
	u32 err = ir_call(fn, HELPER_probe_read_user, IRT_I64, 3,
			  ir_add_imm(fn, u->work, WORK_READ), ir_const(fn, 8), addr);

	only_if(u, ir_bin(fn, IR_EQ, IRT_I64, err, ir_const(fn, 0)), done);
	return work_get(u, WORK_READ);
}

static void caller_is(struct unwinding *u, u32 ip, u32 sp, u32 bp, bool exact)
{
	work_set(u, WORK_IP, ip);
	work_set(u, WORK_SP, sp);
	work_set(u, WORK_BP, bp);
	work_set(u, WORK_EXACT, ir_const(u->fn, exact));
}

static void step_frame(struct unwinding *u, u32 next, u32 done)
{
	struct ir_fn *fn = u->fn;
	u32 bp = work_get(u, WORK_BP), caller;

	only_if(u, ir_bin(fn, IR_ULE, IRT_I64, work_get(u, WORK_SP), bp), done);
	only_if(u,
		ir_bin(fn, IR_EQ, IRT_I64, ir_bin(fn, IR_AND, IRT_I64, bp, ir_const(fn, 7)),
		       ir_const(fn, 0)),
		done);
	caller = user_word(u, bp, done);
	caller_is(u, user_word(u, plus(u, bp, 8), done), plus(u, bp, 16), caller, false);
	ir_jmp(fn, next);
}

static void step_signal(struct unwinding *u, u32 at, u32 next, u32 done)
{
	u32 ip = user_word(u, plus(u, at, CFI_SIGNAL_IP), done),
	    sp = user_word(u, plus(u, at, CFI_SIGNAL_SP), done);

	work_set(u, WORK_BX_AT, plus(u, at, CFI_SIGNAL_BX));
	work_set(u, WORK_REGS, ir_const(u->fn, 0)); /* the handler's */
	caller_is(u, ip, sp, user_word(u, plus(u, at, CFI_SIGNAL_BP), done), true);
	ir_jmp(u->fn, next);
}

/* A signed number of `bits` bits in a rule, from bit `low` on, in bytes. */
static u32 rule_bytes(struct unwinding *u, u32 rule, u32 low, u32 bits)
{
	struct ir_fn *fn = u->fn;
	u32 top = ir_un(fn, IR_SEXT32, IRT_I64,
			ir_bin(fn, IR_SHL, IRT_I64, rule, ir_const(fn, 32 - low - bits)));

	return ir_bin(fn, IR_SHL, IRT_I64,
		      ir_bin(fn, IR_SAR, IRT_I64, top, ir_const(fn, 32 - bits)), ir_const(fn, 3));
}

/* The caller's frame pointer by a rule. */
static u32 caller_bp(struct unwinding *u, u32 rule, u32 cfa)
{
	struct ir_fn *fn = u->fn;
	u32 bp = ir_var(fn, IRT_I64), base = ir_var(fn, IRT_I64), saved = ir_block(fn),
	    from_cfa = ir_block(fn), read = ir_block(fn), end = ir_block(fn);
	u32 kind = ir_bin(fn, IR_AND, IRT_I64, ir_bin(fn, IR_SHR, IRT_I64, rule, ir_const(fn, 22)),
			  ir_const(fn, 3));

	ir_set(fn, bp, work_get(u, WORK_BP));
	ir_set(fn, base, ir_get(fn, bp));
	ir_br(fn, kind, saved, end);
	ir_seal(fn, saved);
	ir_at(fn, saved);
	ir_br(fn, ir_bin(fn, IR_EQ, IRT_I64, kind, ir_const(fn, CFI_BP_AT_CFA)), from_cfa, read);
	ir_seal(fn, from_cfa);
	ir_at(fn, from_cfa);
	ir_set(fn, base, cfa);
	ir_jmp(fn, read);
	ir_seal(fn, read);
	ir_at(fn, read);
	/* 0 where it cannot be read: it was restored already, and its caller may do without */
	ir_call(fn, HELPER_probe_read_user, IRT_I64, 3, ir_add_imm(fn, u->work, WORK_READ),
		ir_const(fn, 8),
		ir_bin(fn, IR_ADD, IRT_I64, ir_get(fn, base), rule_bytes(u, rule, 24, 5)));
	ir_set(fn, bp, work_get(u, WORK_READ));
	ir_jmp(fn, end);
	ir_seal(fn, end);
	ir_at(fn, end);
	return ir_get(fn, bp);
}

/* A branch on the kind of a rule: goes on in it; *other: where else to. */
static void case_of(struct unwinding *u, u32 kind, u32 is, u32 *other)
{
	struct ir_fn *fn = u->fn;
	u32 yes = ir_block(fn), no = ir_block(fn);

	ir_br(fn, ir_bin(fn, IR_EQ, IRT_I64, kind, ir_const(fn, is)), yes, no);
	ir_seal(fn, yes);
	ir_seal(fn, no);
	ir_at(fn, yes);
	*other = no;
}

static u32 plt_bytes(struct unwinding *u, u32 rule)
{
	struct ir_fn *fn = u->fn;
	u32 in = ir_bin(fn, IR_AND, IRT_I64, work_get(u, WORK_IP), ir_const(fn, 15));
	u32 from = ir_bin(fn, IR_SHR, IRT_I64, rule_bytes(u, rule, 4, 18), ir_const(fn, 3));
	u32 pushed = ir_bin(fn, IR_ULE, IRT_I64, from, in);

	return plus(u, ir_bin(fn, IR_SHL, IRT_I64, pushed, ir_const(fn, 3)), 8);
}

/* The CFA by another register: rbx, wherever that was saved, or the innermost function's, as
 * symbol/unwind.c says. */
static void by_register(struct unwinding *u, u32 rule, u32 cfa, u32 have, u32 done)
{
	struct ir_fn *fn = u->fn;
	u32 reg = ir_bin(fn, IR_AND, IRT_I64, ir_bin(fn, IR_SHR, IRT_I64, rule, ir_const(fn, 4)),
			 ir_const(fn, 15));
	u32 saved = ir_block(fn), in_regs = ir_block(fn), is_bx = ir_block(fn),
	    other = ir_block(fn), add = ir_block(fn);

	ir_br(fn, ir_bin(fn, IR_EQ, IRT_I64, reg, ir_const(fn, CFI_REG_BX)), is_bx, other);
	ir_seal(fn, is_bx);
	ir_at(fn, is_bx);
	ir_br(fn, work_get(u, WORK_BX_AT), saved, in_regs);
	ir_seal(fn, saved);
	ir_at(fn, saved);
	ir_set(fn, cfa, user_word(u, work_get(u, WORK_BX_AT), done));
	ir_jmp(fn, add);
	ir_seal(fn, other);
	ir_at(fn, other);
	only_if(u,
		ir_bin(fn, IR_OR, IRT_I64,
		       ir_bin(fn, IR_ULT, IRT_I64, ir_const(fn, CFI_REG_BX), reg),
		       ir_bin(fn, IR_EQ, IRT_I64, work_get(u, WORK_COUNT), ir_const(fn, 8))),
		done);
	ir_jmp(fn, in_regs);
	ir_seal(fn, in_regs);
	ir_at(fn, in_regs);
	ir_set(fn, cfa,
	       kernel_word(u,
			   ir_bin(fn, IR_ADD, IRT_I64, work_get(u, WORK_REGS),
				  ir_bin(fn, IR_SHL, IRT_I64, reg, ir_const(fn, 3))),
			   8));
	ir_jmp(fn, add);
	ir_seal(fn, add);
	ir_at(fn, add);
	ir_set(fn, cfa, ir_bin(fn, IR_ADD, IRT_I64, ir_get(fn, cfa), rule_bytes(u, rule, 8, 14)));
	ir_jmp(fn, have);
}

/* Notes where a function has saved rbx, if it has. */
static void saved_bx(struct unwinding *u, u32 rule, u32 cfa)
{
	struct ir_fn *fn = u->fn;
	u32 bx = ir_bin(fn, IR_SHR, IRT_I64, rule, ir_const(fn, 29)), saved = ir_block(fn),
	    lost = ir_block(fn), end = ir_block(fn), at = ir_var(fn, IRT_I64),
	    known = ir_block(fn), set = ir_block(fn);

	ir_br(fn, bx, saved, end);
	ir_seal(fn, saved);
	ir_at(fn, saved);
	ir_br(fn, ir_bin(fn, IR_EQ, IRT_I64, bx, ir_const(fn, CFI_BX_LOST)), lost, known);
	ir_seal(fn, lost);
	ir_at(fn, lost);
	ir_set(fn, at, ir_const(fn, 1)); /* nothing is there */
	ir_jmp(fn, set);
	ir_seal(fn, known);
	ir_at(fn, known);
	ir_set(fn, at,
	       ir_bin(fn, IR_SUB, IRT_I64, plus(u, cfa, -8),
		      ir_bin(fn, IR_SHL, IRT_I64, bx, ir_const(fn, 3))));
	ir_jmp(fn, set);
	ir_seal(fn, set);
	ir_at(fn, set);
	work_set(u, WORK_BX_AT, ir_get(fn, at));
	ir_jmp(fn, end);
	ir_seal(fn, end);
	ir_at(fn, end);
}

/* To the caller, then `next`; `done` where there is none. */
static void step(struct unwinding *u, u32 rule, u32 next, u32 done)
{
	struct ir_fn *fn = u->fn;
	u32 kind = ir_bin(fn, IR_AND, IRT_I64, rule, ir_const(fn, 15)), other,
	    off = rule_bytes(u, rule, 4, 18), cfa = ir_var(fn, IRT_I64), have = ir_block(fn), at,
	    ip;

	case_of(u, kind, CFI_SP, &other);
	ir_set(fn, cfa, ir_bin(fn, IR_ADD, IRT_I64, work_get(u, WORK_SP), off));
	ir_jmp(fn, have);
	ir_at(fn, other);
	case_of(u, kind, CFI_BP, &other);
	ir_set(fn, cfa, ir_bin(fn, IR_ADD, IRT_I64, work_get(u, WORK_BP), off));
	ir_jmp(fn, have);
	ir_at(fn, other);
	case_of(u, kind, CFI_NONE, &other);
	step_frame(u, next, done);
	ir_at(fn, other);
	case_of(u, kind, CFI_BP_DEREF, &other);
	ir_set(fn, cfa, user_word(u, ir_bin(fn, IR_ADD, IRT_I64, work_get(u, WORK_BP), off), done));
	ir_jmp(fn, have);
	ir_at(fn, other);
	case_of(u, kind, CFI_PLT, &other);
	ir_set(fn, cfa, ir_bin(fn, IR_ADD, IRT_I64, work_get(u, WORK_SP), plt_bytes(u, rule)));
	ir_jmp(fn, have);
	ir_at(fn, other);
	case_of(u, kind, CFI_SP_DEREF, &other);
	at = user_word(u, ir_bin(fn, IR_ADD, IRT_I64, work_get(u, WORK_SP), off), done);
	ir_set(fn, cfa, plus(u, at, 8));
	ir_jmp(fn, have);
	ir_at(fn, other);
	case_of(u, kind, CFI_REG, &other);
	by_register(u, rule, cfa, have, done);
	ir_at(fn, other);
	case_of(u, kind, CFI_SIGNAL, &other);
	step_signal(u, ir_bin(fn, IR_ADD, IRT_I64, work_get(u, WORK_SP), off), next, done);
	ir_at(fn, other); /* CFI_END */
	ir_jmp(fn, done);
	ir_seal(fn, have);
	ir_at(fn, have);
	at = ir_get(fn, cfa);
	only_if(u, ir_bin(fn, IR_ULT, IRT_I64, work_get(u, WORK_SP), at), done);
	ip = user_word(u, plus(u, at, -8), done);
	caller_is(u, ip, at, caller_bp(u, rule, at), false);
	saved_bx(u, rule, at);
	ir_jmp(fn, next);
}

/* One frame: writes it down and goes to its caller. */
static void turn(struct unwinding *u, u32 next, u32 done)
{
	struct ir_fn *fn = u->fn;
	u32 ip = work_get(u, WORK_IP), count = work_get(u, WORK_COUNT), at;

	only_if(u,
		ir_bin(fn, IR_ULT, IRT_I64, plus(u, ip, -USER_LEAST),
		       ir_const(fn, USER_MOST - USER_LEAST)),
		done);
	only_if(u, ir_bin(fn, IR_ULT, IRT_I64, count, ir_const(fn, 8 * u->frames)), done);
	ir_store(fn, 8, ir_bin(fn, IR_ADD, IRT_DATA, ir_add_imm(fn, u->work, WORK_FRAMES), count),
		 0, ip);
	work_set(u, WORK_COUNT, plus(u, count, 8));
	only_if(u, ir_bin(fn, IR_NE, IRT_I64, ip, work_get(u, WORK_TRAMPOLINE)), done);
	at = ir_bin(fn, IR_ADD, IRT_I64, plus(u, ip, -1), work_get(u, WORK_EXACT));
	step(u, rule_at(u, at), next, done);
}

/* ---- all frames */

static void walk_by_verifier(struct unwinding *u)
{
	struct ir_fn *fn = u->fn;
	u32 i = ir_var(fn, IRT_I64), head = ir_block(fn), body = ir_block(fn), next = ir_block(fn),
	    done = ir_block(fn);

	u->frames = MIN(u->frames, FRAMES_WALKED);
	ir_set(fn, i, ir_const(fn, 0));
	ir_jmp(fn, head);
	ir_at(fn, head);
	ir_br(fn, ir_bin(fn, IR_ULT, IRT_I64, ir_get(fn, i), ir_const(fn, u->frames)), body, done);
	ir_seal(fn, body);
	ir_at(fn, body);
	turn(u, next, done);
	loop_end(u, i, next, head, done);
}

enum { FRAME_WORK = 8, FRAME_SIZE = 16 }; /* the number of the turn, the work memory */

static void walk_by_kernel(struct unwinding *u)
{
	struct lower *l = u->l;
	struct ir_fn *outer = u->fn, *fn = ir_fn_new(l->script->work, outer->name);
	u32 frame = ir_slot(outer, FRAME_SIZE, 8), next, done, number;

	l->stack += FRAME_SIZE;
	ir_store(outer, 8, frame, 0, ir_const(outer, 0));
	ir_store(outer, 8, frame, FRAME_WORK, u->work);
	vec_push(l->script->arena, &l->callbacks, fn);
	number = l->callbacks.n;
	fn->turns = true;
	fn->line = outer->line;
	u->fn = fn;
	u->work = ir_load_pointer(fn, IRT_DATA, ir_frame(fn), FRAME_WORK);
	next = ir_block(fn), done = ir_block(fn);
	turn(u, next, done);
	ir_seal(fn, next);
	ir_at(fn, next);
	ir_ret(fn, ir_const(fn, 0));
	ir_seal(fn, done);
	ir_at(fn, done);
	ir_ret(fn, ir_const(fn, 1));
	ir_call(outer, HELPER_loop, IRT_I64, 4, ir_const(outer, u->frames), ir_func(outer, number),
		frame, ir_const(outer, 0));
}

/* ---- where it begins */

/* The running thread. Of this helper the user engine knows what scripts ask for. */
static u32 current_task(struct lower *l)
{
	if (l->object->kernel < KERNEL(5, 11))
		return ir_call(l->fn, HELPER_get_current_task, IRT_I64, 0);
	return lower_number_of(l, ir_call(l->fn, HELPER_get_current_task_btf, IRT_BTF, 0));
}

/* The registers with which the process came into the kernel: they lie on top of its stack there. */
static u32 entry_regs(struct unwinding *u, u32 task)
{
	struct ir_fn *fn = u->fn;
	u32 stack;

	if (u->l->object->kernel >= KERNEL(5, 15)) {
		u32 typed = ir_call(fn, HELPER_get_current_task_btf, IRT_BTF, 0);

		return lower_number_of(u->l, ir_call(fn, HELPER_task_pt_regs, IRT_BTF, 1, typed));
	}
	stack = kernel_word(u, plus(u, task, unwinding_offset(u->l, "task_struct", "stack")), 8);
	return plus(u, stack, KERNEL_STACK - REGS_BYTES);
}

/* A function under a uretprobe returns to a page of the kernel's; nobody tells where it would have
 * returned to, so the walk ends there. */
static void find_trampoline(struct unwinding *u, u32 mm)
{
	struct ir_fn *fn = u->fn;
	s64 area = unwinding_offset(u->l, "mm_struct", "uprobes_state.xol_area"),
	    vaddr = unwinding_offset(u->l, "xol_area", "vaddr");
	u32 done = ir_block(fn), page;

	work_set(u, WORK_TRAMPOLINE, ir_const(fn, 0));
	if (area >= 0 && vaddr >= 0) {
		page = kernel_word(u, plus(u, mm, area), 8);
		only_if(u, page, done);
		work_set(u, WORK_TRAMPOLINE, kernel_word(u, plus(u, page, vaddr), 8));
	}
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
}

/* Programs of these have the process's registers as their context. */
static bool has_user_regs(const struct lower *l)
{
	u8 attach = l->point->row->attach;

	return attach == ATTACH_UPROBE || attach == ATTACH_URETPROBE || attach == ATTACH_USDT;
}

static void begin(struct unwinding *u, u32 pid, u32 done)
{
	struct ir_fn *fn = u->fn;
	u32 task = current_task(u->l), mm, regs;

	mm = kernel_word(u, plus(u, task, unwinding_offset(u->l, "task_struct", "mm")), 8);
	only_if(u, mm, done); /* else a thread of the kernel */
	work_set(u, WORK_MM, mm);
	find_trampoline(u, mm);
	if (has_user_regs(u->l)) {
		regs = lower_number_of(u->l, ir_ctx(fn));
		caller_is(u, ir_load(fn, 8, false, ir_ctx(fn), REGS_IP),
			  ir_load(fn, 8, false, ir_ctx(fn), REGS_SP),
			  ir_load(fn, 8, false, ir_ctx(fn), REGS_BP),
			  u->l->point->row->attach != ATTACH_URETPROBE);
	} else {
		regs = entry_regs(u, task);
		only_if(u,
			ir_bin(fn, IR_EQ, IRT_I64,
			       ir_bin(fn, IR_AND, IRT_I64,
				      kernel_word(u, plus(u, regs, REGS_CS), 8),
				      ir_const(fn, 0xffff)),
			       ir_const(fn, CS_USER64)),
			done);
		caller_is(u, kernel_word(u, plus(u, regs, REGS_IP), 8),
			  kernel_word(u, plus(u, regs, REGS_SP), 8),
			  kernel_word(u, plus(u, regs, REGS_BP), 8), true);
	}
	work_set(u, WORK_REGS, regs);
	work_set(u, WORK_BX_AT, ir_const(fn, 0));
	work_set(u, WORK_COUNT, ir_const(fn, 0));
	work_set(u, WORK_START, ir_const(fn, 0));
	work_set(u, WORK_LENGTH, ir_const(fn, 0));
	work_set(u, WORK_VALUE + offsetof(struct unwind_file, pid), pid);
}

static void walk(struct lower *l, struct mem to, u32 bytes, u32 pid)
{
	u32 piece = mem_get_scratch(l, WORK_BYTES), done = ir_block(l->fn);
	struct mem work = mem_at(l, &l->pieces.v[piece]), frames = work;
	struct unwinding u = {.l = l, .fn = l->fn, .frames = bytes / 8};

	u.work = mem_addr(l, work);
	frames.off += WORK_FRAMES;
	mem_zero(l, frames, 8 * STACK_FRAMES);
	begin(&u, pid, done);
	if (l->object->kernel >= KERNEL(5, 17))
		walk_by_kernel(&u);
	else
		walk_by_verifier(&u);
	ir_jmp(l->fn, done);
	ir_seal(l->fn, done);
	ir_at(l->fn, done);
	ir_call(l->fn, HELPER_probe_read_kernel, IRT_I64, 3, mem_addr(l, to),
		ir_const(l->fn, bytes), mem_addr(l, frames));
	mem_put(l, piece);
}

void store_dw_ustack(struct lower *l, struct node *n, struct mem to)
{
	struct ir_fn *fn = l->fn;
	u32 bytes = n->type.size - 8, pid = lower_pid(l), own = ir_block(fn), done = ir_block(fn),
	    result;
	struct memo memo;

	ir_store(fn, 8, to.ptr, to.off, pid);
	to.off += 8;
	result = ir_call(fn, HELPER_get_stack, IRT_I64, 4, ir_ctx(fn), mem_addr(l, to),
			 ir_const(fn, bytes), ir_const(fn, BPF_F_USER_STACK | STACK_UNWIND));
	if (!unwinding_known(l))
		return;
	memo = l->memo;
	ir_br(fn, ir_bin(fn, IR_EQ, IRT_I64, result, ir_const(fn, -EINVAL)), own, done);
	ir_seal(fn, own);
	ir_at(fn, own);
	walk(l, to, bytes, pid);
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	l->memo = memo;
}
