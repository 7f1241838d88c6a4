/*
 * isa.h: what a BPF machine is: instructions, helpers, map kinds, program kinds.
 *
 * Sources: RFC 9669 (the instruction set); include/uapi/linux/bpf.h of Linux (numbers of helpers,
 * maps and programs, which never change). We keep our own copy so that a build needs no kernel
 * headers, and so that a table can say since which kernel a thing exists.
 */
#ifndef ISA_ISA_H
#define ISA_ISA_H

#include "base/base.h"
#include "base/buf.h"

#define KERNEL(a, b) ((a)*1000u + (b)) /* 5.10 is KERNEL(5, 10) */

/* One instruction slot. ld_imm64 takes two: the second holds the upper 32 bits in imm. */
struct insn {
	u8 code;
	u8 dst : 4, src : 4;
	s16 off;
	s32 imm;
};

/* Instruction classes and fields of `code` (RFC 9669, section 3) */
enum { BPF_LD, BPF_LDX, BPF_ST, BPF_STX, BPF_ALU, BPF_JMP, BPF_JMP32, BPF_ALU64 };
enum { BPF_K = 0x00, BPF_X = 0x08 };
enum { BPF_W = 0x00, BPF_H = 0x08, BPF_B = 0x10, BPF_DW = 0x18 };
enum {
	BPF_IMM = 0x00,
	BPF_ABS = 0x20,
	BPF_IND = 0x40,
	BPF_MEM = 0x60,
	BPF_MEMSX = 0x80,
	BPF_ATOMIC = 0xc0
};
enum {
	BPF_ADD = 0x00,
	BPF_SUB = 0x10,
	BPF_MUL = 0x20,
	BPF_DIV = 0x30,
	BPF_OR = 0x40,
	BPF_AND = 0x50,
	BPF_LSH = 0x60,
	BPF_RSH = 0x70,
	BPF_NEG = 0x80,
	BPF_MOD = 0x90,
	BPF_XOR = 0xa0,
	BPF_MOV = 0xb0,
	BPF_ARSH = 0xc0,
	BPF_END = 0xd0
};
enum {
	BPF_JA = 0x00,
	BPF_JEQ = 0x10,
	BPF_JGT = 0x20,
	BPF_JGE = 0x30,
	BPF_JSET = 0x40,
	BPF_JNE = 0x50,
	BPF_JSGT = 0x60,
	BPF_JSGE = 0x70,
	BPF_CALL = 0x80,
	BPF_EXIT = 0x90,
	BPF_JLT = 0xa0,
	BPF_JLE = 0xb0,
	BPF_JSLT = 0xc0,
	BPF_JSLE = 0xd0,
	BPF_JCOND = 0xe0
};
enum {
	BPF_FETCH = 0x01,
	BPF_XCHG = 0xe0 | BPF_FETCH,
	BPF_CMPXCHG = 0xf0 | BPF_FETCH,
	BPF_LOAD_ACQ = 0x100,
	BPF_STORE_REL = 0x110
};
/* src of a ld_imm64 (RFC 9669, section 5.4) and of a call */
enum {
	BPF_PSEUDO_MAP_FD = 1,
	BPF_PSEUDO_MAP_VALUE = 2,
	BPF_PSEUDO_BTF_ID = 3,
	BPF_PSEUDO_FUNC = 4,
	BPF_PSEUDO_MAP_IDX = 5,
	BPF_PSEUDO_MAP_IDX_VALUE = 6
};
enum { BPF_PSEUDO_CALL = 1, BPF_PSEUDO_KFUNC_CALL = 2 };

/* Map kinds: BPF_MAP_TYPE_*; name as bpftool writes it, since: the first kernel. */
struct map_kind {
	const char *name;
	u32 id, since;
	bool per_cpu;
};
enum map_kind_id {
#define MAP_KIND(id, NAME, name, since, per_cpu) MAP_##NAME = (id),
#include "isa/mapkinds.def"
#undef MAP_KIND
};
const struct map_kind *map_kind(u32 id); /* NULL: unknown */

/* Program kinds: BPF_PROG_TYPE_* */
struct prog_kind {
	const char *name;
	u32 id, since;
};
enum prog_kind_id {
#define PROG_KIND(id, NAME, name, since) PROG_##NAME = (id),
#include "isa/progkinds.def"
#undef PROG_KIND
};
const struct prog_kind *prog_kind(u32 id);
enum { TRACE_FENTRY = 24, TRACE_FEXIT = 25, TRACE_ITER = 28 }; /* attach types of PROG_TRACING */

/* What a helper takes. SIZE and SIZE0 (which may be 0) count the bytes of the argument before. */
enum helper_arg {
	ARG_NONE,
	ARG_ANY, /* a number, or an address that the program need not own */
	ARG_MORE, /* for a format: there or not */
	ARG_CONST, /* a constant: bytes that the result has */
	ARG_CTX,
	ARG_CTX_NULL, /* ..._NULL: or 0 */
	ARG_MAP,
	ARG_KEY, /* key_size bytes of the map before */
	ARG_VALUE, /* value_size bytes of it, that are read */
	ARG_VALUE_OR_NULL,
	ARG_VALUE_OUT, /* that are written */
	ARG_MEM, /* SIZE bytes that are read */
	ARG_MEM_NULL,
	ARG_MEM20, /* 20, 40 bytes that are read */
	ARG_MEM40,
	ARG_OUT, /* SIZE bytes that are written, whatever they hold */
	ARG_OUT_NULL,
	ARG_INOUT, /* SIZE bytes that are read and written */
	ARG_U32_INOUT,
	ARG_U64_OUT, /* 8 bytes, aligned */
	ARG_SIZE,
	ARG_SIZE0,
	ARG_STR, /* text of a read-only map, with a 0 at the end */
	ARG_RECORD, /* of a ring, reserved; it is given back */
	ARG_FUNC, /* a function of the program */
	ARG_STACK_NULL, /* what that function is handed */
	ARG_LOCK, /* a bpf_spin_lock, bpf_timer, kptr in the value of a map */
	ARG_TIMER,
	ARG_KPTR,
	ARG_DYNPTR,
	ARG_DYNPTR_OUT, /* room for one */
	ARG_SOCK, /* a socket of any kind */
	ARG_SOCK_OR_NULL,
	ARG_BTF, /* an object of the kernel, of the type that the helper wants */
	ARG_BTF_OR_NULL,
	ARG_PERCPU, /* a per-CPU variable of the kernel */
};
enum helper_result {
	RET_INT,
	RET_VOID,
	RET_VALUE, /* of the map that was handed in */
	RET_VALUE_NULL,
	RET_RECORD_NULL, /* as many bytes as the CONST says */
	RET_MEM_NULL,
	RET_SOCKET_NULL,
	RET_TCP_SOCK_NULL,
	RET_SOCK_COMMON_NULL,
	RET_BTF,
	RET_BTF_NULL,
	RET_PERCPU,
	RET_PERCPU_NULL,
};
/* Where programs are attached: BPF_CGROUP_INET_INGRESS, ...; the name as bpftool writes it, or NULL. */
const char *attach_type_name(u32 id);
#define ATTACH_TYPES 58

/* Helpers. HELPER_probe_read_user_str is the number of bpf_probe_read_user_str. */
struct helper {
	const char *name; /* without bpf_ */
	u32 id, since;
	u8 nargs;   /* those of a format count as three */
	u8 result;  /* enum helper_result */
	u8 args[5]; /* enum helper_arg */
};
enum helper_id {
#define HELPER(id, name, since, ret, a, b, c, d, e) HELPER_##name = (id),
#include "isa/helpers.def"
#undef HELPER
};
const struct helper *helper_by_id(u32 id);
const struct helper *helper_by_name(const char *name);

/* Operations: one row each in ops.def, which every consumer (disassembler, assembler, VM, JIT,
 * emitter checks) reads. A form says which fields an operation uses and how it is written. */
enum isa_form {
	FORM_NONE,
	FORM_ALU_K,      /* dst op= imm */
	FORM_ALU_X,      /* dst op= src */
	FORM_MOVSX,      /* dst = (s8)src */
	FORM_NEG,        /* dst = -dst */
	FORM_END,        /* dst = be16 dst */
	FORM_ADDR_CAST,  /* dst = addr_space_cast(src, to, from): imm is to << 16 | from */
	FORM_LDX,        /* dst = *(u8 *)(src + off) */
	FORM_ST,         /* *(u8 *)(dst + off) = imm */
	FORM_STX,        /* *(u8 *)(dst + off) = src */
	FORM_ATOMIC,     /* lock *(u64 *)(dst + off) op= src */
	FORM_FETCH,      /* src = atomic_op(dst + off, src) */
	FORM_CMPXCHG,    /* r0 = atomic_cmpxchg(dst + off, r0, src) */
	FORM_LOAD_ACQ,   /* dst = load_acquire(src + off) */
	FORM_STORE_REL,  /* store_release(dst + off, src) */
	FORM_LD_ABS,     /* r0 = skb[imm] */
	FORM_LD_IND,     /* r0 = skb[src + imm] */
	FORM_LD_IMM64,   /* dst = imm64: two slots */
	FORM_JA,         /* goto pc+off */
	FORM_GOTOL,      /* goto pc+imm */
	FORM_JMP_K,      /* if dst op imm goto pc+off */
	FORM_JMP_X,      /* if dst op src goto pc+off */
	FORM_CALL,       /* helper imm */
	FORM_CALL_LOCAL, /* function at pc+1+imm */
	FORM_CALL_KFUNC, /* kernel function with BTF id imm, of module off */
	FORM_EXIT,
	FORMS
};
/* ISA_add64_k, ISA_mov32_x, ISA_ldxdw, ISA_atomic_add64, ISA_jeq64_k, ISA_exit, ...: the number of
 * an operation, its index in isa_ops[]. */
enum isa_id {
	ISA_NONE,
#define OP(id, name, code, off, imm, src, form, text, since) ISA_##id,
#include "isa/ops.def"
	ISA_OPS
};
#define ISA_ANY -1 /* of off, imm and src below */
struct isa_op {
	const char *name; /* "add64", "jeq32", "ldxw", "atomic_add64", ...; K and X share it */
	const char *text; /* its operator or word: "+=", "s>", "fetch_add" */
	u8 code;          /* the code byte */
	u8 form;          /* enum isa_form */
	s8 src;           /* what src must hold, or ISA_ANY: a register */
	s16 off;   /* what off must hold (1: the signed div/mod; 8/16/32: movsx), or ISA_ANY */
	s32 imm;   /* what imm must hold (atomics, byte swaps, unused: 0), or ISA_ANY */
	u16 since; /* the first kernel that accepts it */
};
extern const struct isa_op isa_ops[ISA_OPS];
/* NULL: not an instruction: unknown code, a reserved field that is not zero, no such register. */
const struct isa_op *isa_op(const struct insn *);
#define isa_id(op) ((enum isa_id)((op)-isa_ops))

/* Disassembles one instruction in the kernel verifier's style ("r1 = *(u64 *)(r2 +8)"), appended
 * to out; returns how many slots it took (1 or 2), 0 (and nothing written) when it is none. `next`
 * is the slot behind, or NULL at the end. `pc` is its number: behind a jump or a local call stands
 * the absolute target, "if r1 == 0x0 goto pc+3 <7>". Before loading, maps are descriptors:
 * "r1 = map[fd:5]", "r1 = map[fd:5][0]+16". */
int isa_dis(struct buf *out, const struct insn *, const struct insn *next, u32 pc);

#endif
