/*
 * ir.h: the intermediate representation: SSA with block parameters.
 *
 * A value is the number of the instruction that defines it (0: none). Values live in 64-bit
 * registers; an operation of type I32 works on the lower halves and zeroes the upper half of its
 * result, as the machine does. A block has parameters instead of phis; a jump hands their
 * arguments over. Every instruction carries its place in the source as line << 10 | column, the
 * form of BTF line info.
 *
 * What the kernel's verifier demands of code shapes what the IR can say: pointers have types of
 * their own, loads and stores have constant offsets, and no pass may move or repeat a load,
 * reassociate pointer arithmetic or merge the tails of branches.
 */
#ifndef IR_IR_H
#define IR_IR_H

#include "base/base.h"
#include "base/buf.h"

enum ir_type {
	IRT_VOID,
	IRT_I32, /* upper half is zero */
	IRT_I64,
	IRT_CTX,    /* the program's context; only loads with constant offset, never arithmetic */
	IRT_STACK,  /* address in an own stack slot */
	IRT_MAP,    /* a map, for helpers */
	IRT_DATA,   /* direct address of map data (global data, one-element arrays) */
	IRT_MAPVAL, /* look-up result, may be null until compared with 0 in 64 bits */
	IRT_MEM,    /* ring buffer record and the like, may be null until compared */
	IRT_BTF,    /* pointer to a kernel object, by BTF */
	IRT_PKT,
	IRT_PKTEND,
};

enum ir_op {
#define IR_OP(NAME, name, args, flags) IR_##NAME,
#include "ir/ops.def"
#undef IR_OP
	IR_OP_COUNT
};

enum ir_op_flag {
	IR_PURE = 1, /* no effect, no memory: may be dropped, and merged with its twin */
	IR_COMMUTES = 2,
	IR_REMAKE = 4,  /* cheaper to make again than to store: constants, addresses */
	IR_COMPARE = 8, /* yields 0 or 1; may become the condition of a branch */
	IR_READS = 16,  /* reads memory: may be dropped, never moved or repeated */
	IR_WRITES = 32,
	IR_ENDS = 64, /* ends a block */
};
struct ir_op_info {
	const char *name;
	u8 args; /* values in a and b: 0, 1, 2; 3: b holds the count, a the first of fn->args */
	u8 flags;
};
extern const struct ir_op_info ir_ops[IR_OP_COUNT];

struct ir_ins {
	u16 op;
	u8 type;  /* enum ir_type of the result */
	u8 width; /* bytes of a load, store or atomic: 1, 2, 4, 8 */
	u32 a, b;
	s64 imm; /* constant; offset of a load or store; helper; index of map or slot */
	u32 aux; /* store: the value stored; data: offset; branch: see struct ir_block */
	u32 line;
	u32 block;
};

/* Where a jump goes and what it hands to the parameters of that block. */
struct ir_edge {
	u32 to; /* block, 0: none */
	vec(u32) args;
};

struct ir_block {
	vec(u32) params;        /* values of op IR_PARAM */
	vec(u32) ins;           /* values in order; the last one is the terminator */
	struct ir_edge succ[2]; /* jmp: [0]; br: [0] when true, [1] when false */
	vec(u32) preds;         /* edges: block << 1 | which of its succ; kept by the builder,
				 * set anew by ir_analyse() */
	bool sealed;            /* all predecessors are known (SSA construction) */
	u32 number;          /* place in fn->order plus one, 0: unreachable; by ir_analyse() */
	u32 idom;            /* immediate dominator, 0 for the entry; by ir_dominators() */
	u32 dom_in, dom_out; /* visit of the dominator tree: see ir_dominates() */
	u32 loop_end;        /* loop header: highest `number` in its loop, else 0; by ir_loops() */
};

struct ir_slot { /* a stack object */
	u32 size, align;
	u32 line; /* place in the source that asked for it */
};

struct ir_fn {
	struct arena *arena;
	const char *name;
	vec(struct ir_ins) ins;      /* [0] is no value */
	vec(struct ir_block) blocks; /* [0] is none, [1] the entry */
	vec(u32) args;
	vec(struct ir_slot) slots;
	vec(u32) order;   /* blocks in reverse postorder, set by ir_analyse() */
	u32 at;           /* block that the builder appends to; 0 after a terminator */
	u32 line;         /* place for the next instructions */
	struct ssa *vars; /* state of SSA construction */
	u32 consts[32];	  /* values of constants, the last ones made, by their lowest bits */
	u32 consts_from;  /* those below may stand behind who wants one */
	u32 ctx;	  /* the context, once it was asked for; a callback has the program's */
	bool turns;	  /* a callback of a loop that counts, not of one over a map */
	bool shaped;	  /* blocks and edges are as ir_analyse() saw them */
	bool dominated;	  /* and as ir_dominators() did */
	bool forwarded;	  /* values stand for others since then */
	const char *advice; /* where it takes too much of the stack; or NULL */
};

/* ---- building (ir/build.c). Constant operands are folded while building. */
struct ir_fn *ir_fn_new(struct arena *, const char *name);
u32 ir_block(struct ir_fn *);          /* a new, unsealed block */
void ir_at(struct ir_fn *, u32 block); /* append there from now on */
bool ir_open(const struct ir_fn *);    /* is there a block to append to? Code after
					* ret or jmp is dropped while there is none */
u32 ir_const(struct ir_fn *, s64);     /* I64 */
/* Arithmetic and compares; for compares, type says how the operands are seen. */
u32 ir_bin(struct ir_fn *, enum ir_op, enum ir_type, u32 a, u32 b);
u32 ir_un(struct ir_fn *, enum ir_op, enum ir_type, u32 a); /* neg, sext8.., zext8.., bswap16.. */
u32 ir_ctx(struct ir_fn *);
/* What a callback is handed: memory of the program that it belongs to. Its first instruction. */
u32 ir_frame(struct ir_fn *);
u32 ir_func(struct ir_fn *, u32 callback); /* the address of a callback of this program */
/* A pointer that was stored there, of that type. */
u32 ir_load_pointer(struct ir_fn *, enum ir_type, u32 ptr, s32 off);
/* A stack object; its address, good in all blocks. */
u32 ir_slot(struct ir_fn *, u32 size, u32 align);
u32 ir_map(struct ir_fn *, u32 map);              /* index in the object's maps */
u32 ir_data(struct ir_fn *, u32 map, u32 off);    /* address of a map's data */
u32 ir_add_imm(struct ir_fn *, u32 ptr, s64 off); /* pointer plus constant */
u32 ir_load(struct ir_fn *, u32 width, bool is_signed, u32 ptr, s32 off); /* I64, extended */
/* A pointer to an object of the kernel, which the verifier knows by its type: CTX or BTF to BTF. */
u32 ir_load_btf(struct ir_fn *, u32 ptr, s32 off);
void ir_store(struct ir_fn *, u32 width, u32 ptr, s32 off, u32 value);
void ir_atomic_add(struct ir_fn *, u32 width, u32 ptr, s32 off, u32 value); /* no fetch: 5.10 */
u32 ir_atomic_swap(struct ir_fn *, u32 width, u32 ptr, s32 off, u32 value); /* gives what was there;
							      * 4 or 8 bytes; from 5.12 */
u32 ir_call(struct ir_fn *, u32 helper, enum ir_type result, u32 nargs, ...);
void ir_jmp(struct ir_fn *, u32 to);
void ir_br(struct ir_fn *, u32 cond, u32 then, u32 otherwise); /* cond != 0 */
void ir_ret(struct ir_fn *, u32 value);
/* Mutable variables become SSA on the fly (Braun et al., CC 2013). Seal a block when all jumps to
 * it have been made: loops headers late, everything else as soon as possible. */
u32 ir_var(struct ir_fn *, enum ir_type);
void ir_set(struct ir_fn *, u32 var, u32 value);
u32 ir_get(struct ir_fn *, u32 var); /* never set on some path: 0 there */
void ir_seal(struct ir_fn *, u32 block);

/* ---- looking at it */
/* Values that were found to be others while building stand for those: always read operands through
 * this until the first pass has replaced them. */
static inline u32 ir_value(const struct ir_fn *f, u32 v)
{
	while (v && f->ins.v[v].op == IR_NONE)
		v = f->ins.v[v].a;
	return v;
}
/* The operands of an instruction: their count; *ops points at the first. Not those of edges. */
static inline u32 ir_operands(struct ir_fn *f, struct ir_ins *i, u32 **ops)
{
	u8 n = ir_ops[i->op].args;

	*ops = n == 3 ? f->args.v + i->a : &i->a;
	return n == 3 ? i->b : n;
}
static inline bool ir_is_const(const struct ir_fn *f, u32 v, s64 *c)
{
	if (f->ins.v[v].op != IR_CONST)
		return false;
	*c = f->ins.v[v].imm;
	return true;
}
static inline bool ir_is_ptr(enum ir_type t)
{
	return t >= IRT_CTX;
}
/* Does block a dominate b? Both reachable, after ir_dominators(). */
static inline bool ir_dominates(const struct ir_fn *f, u32 a, u32 b)
{
	return f->blocks.v[a].dom_in <= f->blocks.v[b].dom_in &&
	       f->blocks.v[b].dom_out <= f->blocks.v[a].dom_out;
}
/* Order and preds; replaces forwarded operands, empties unreachable blocks. Costs nothing where
 * nothing has changed: who changes an edge says so by ir_reshape(). */
void ir_analyse(struct ir_fn *);
void ir_dominators(struct ir_fn *); /* the same, and who dominates whom */
void ir_loops(struct ir_fn *);	    /* the same, and where loops end */
static inline void ir_reshape(struct ir_fn *f)
{
	f->shaped = false;
}
/* Checks SSA form, types, edges; returns NULL or a sentence in the arena. */
const char *ir_check(struct ir_fn *);
void ir_print(struct buf *, const struct ir_fn *);
const char *ir_type_name(enum ir_type);

/* ---- passes, in the order of the table; -d ir:NAME prints the IR behind one */
struct ir_pass {
	const char *name;
	/* kernel: KERNEL(a, b) of the target. Reads operands through ir_value(), or asks
	 * ir_analyse() first: the pass before may have left what it forwarded. */
	void (*run)(struct ir_fn *, u32 kernel);
	const char *does;
};
extern const struct ir_pass ir_passes[]; /* ends with a row without a name */
/* All of them in order. */
void ir_run_passes(struct ir_fn *, u32 kernel);

#endif
