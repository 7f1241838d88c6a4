/*
 * cbpf.c: the tables of classic BPF, and which programs the kernel takes.
 *
 * In:  instructions from anywhere.
 * Out: their rows; whether the whole is a filter. The rules are those of the kernel
 *      (bpf_check_classic and check_load_and_stores in net/core/filter.c).
 */
#include "isa/cbpf.h"

#include <errno.h>
#include <stdio.h>

const struct cbpf_op cbpf_ops[CBPF_OPS] = {
#define CBPF(id, name, code, operand, way) [CBPF_##id] = {name, operand, code, CBPF_##way},
#include "isa/cbpf.def"
};
const struct cbpf_ancillary cbpf_ancillaries[] = {
#define CBPF_ANCILLARY(id, number, name, others) {name, others, number},
#include "isa/cbpf.def"
	{NULL, NULL, 0},
};
const struct cbpf_alias cbpf_aliases[] = {
#define CBPF_ALIAS(name, of, swapped) {name, of, swapped},
#include "isa/cbpf.def"
	{NULL, NULL, false},
};

/* Codes are less than 256: code -> row. */
static const u8 rows[256] = {
#define CBPF(id, name, code, operand, way) [code] = CBPF_##id,
#include "isa/cbpf.def"
};

const struct cbpf_op *cbpf_op(const struct cbpf_insn *in)
{
	u32 id = in->code < ARRAY_SIZE(rows) ? rows[in->code] : 0;

	return id ? &cbpf_ops[id] : NULL;
}

const struct cbpf_ancillary *cbpf_ancillary(const struct cbpf_insn *in)
{
	u32 number = in->k - (u32)CBPF_AD_OFF;

	if ((in->code & 7) != BPF_LD || (in->code & 0xe0) != BPF_ABS || number >= CBPF_AD_MOST)
		return NULL;
	for (const struct cbpf_ancillary *a = cbpf_ancillaries; a->name; a++)
		if (a->number == number)
			return a;
	return NULL;
}

PRINTF_LIKE(3, 4)
static int bad(struct cbpf_wrong *w, u32 insn, const char *fmt, ...)
{
	va_list ap;

	w->insn = insn;
	va_start(ap, fmt);
	vsnprintf(w->text, sizeof(w->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static bool uses_word(enum cbpf_id id)
{
	return id == CBPF_ld_mem || id == CBPF_ldx_mem || id == CBPF_st || id == CBPF_stx;
}

static int check_operand(const struct cbpf_insn *in, enum cbpf_id id, u32 pc, struct cbpf_wrong *w)
{
	if (uses_word(id) && in->k >= CBPF_WORDS)
		return bad(w, pc, "there is no M[%u]: M has %u words", in->k, CBPF_WORDS);
	if ((id == CBPF_div_k || id == CBPF_mod_k) && !in->k)
		return bad(w, pc, "division by 0");
	if ((id == CBPF_lsh_k || id == CBPF_rsh_k) && in->k >= 32)
		return bad(w, pc, "a shift by %u: A has 32 bits", in->k);
	if (id >= CBPF_ld_abs && id <= CBPF_ldb_abs && in->k >= (u32)CBPF_AD_OFF &&
	    !cbpf_ancillary(in))
		return bad(w, pc, "there is no extension %u", in->k - (u32)CBPF_AD_OFF);
	return 0;
}

static int check_jump(const struct cbpf_insn *in, const struct cbpf_op *op, u32 pc, u32 n,
		      struct cbpf_wrong *w)
{
	u32 room = n - pc - 1; /* instructions behind it */

	if (op->way == CBPF_JUMP && in->k >= room)
		return bad(w, pc, "it jumps behind the end of the program");
	if (op->way == CBPF_BRANCH && (in->jt >= room || in->jf >= room))
		return bad(w, pc, "it branches behind the end of the program");
	return 0;
}

/* Each word that is loaded was stored on every way that leads there. `masks` holds for each
 * instruction the words stored on all jumps to it. */
static int check_words(const struct cbpf_insn *in, u32 n, struct cbpf_wrong *w)
{
	u16 masks[CBPF_INSNS_MOST], valid = 0;

	memset(masks, 0xff, sizeof(masks));
	for (u32 pc = 0; pc < n; pc++) {
		const struct cbpf_op *op = cbpf_op(&in[pc]);
		enum cbpf_id id = cbpf_id(op);

		valid &= masks[pc];
		if (id == CBPF_st || id == CBPF_stx)
			valid |= (u16)(1u << in[pc].k);
		if ((id == CBPF_ld_mem || id == CBPF_ldx_mem) && !(valid >> in[pc].k & 1))
			return bad(w, pc,
				   "M[%u] is loaded, but was not stored on every way to here",
				   in[pc].k);
		if (op->way == CBPF_JUMP) {
			masks[pc + 1 + in[pc].k] &= valid;
			valid = 0xffff;
		} else if (op->way == CBPF_BRANCH) {
			masks[pc + 1 + in[pc].jt] &= valid;
			masks[pc + 1 + in[pc].jf] &= valid;
			valid = 0xffff;
		}
	}
	return 0;
}

int cbpf_check(const struct cbpf_insn *in, u32 n, struct cbpf_wrong *w)
{
	int err = 0;

	if (!n || n > CBPF_INSNS_MOST)
		return bad(w, 0, "a filter has 1 to %u instructions, not %u", CBPF_INSNS_MOST, n);
	for (u32 pc = 0; pc < n && !err; pc++) {
		const struct cbpf_op *op = cbpf_op(&in[pc]);

		if (!op)
			return bad(w, pc, "there is no operation with the code 0x%x", in[pc].code);
		err = check_operand(&in[pc], cbpf_id(op), pc, w);
		if (!err)
			err = check_jump(&in[pc], op, pc, n, w);
	}
	if (err)
		return err;
	if (cbpf_op(&in[n - 1])->way != CBPF_RETURN)
		return bad(w, n - 1, "the last instruction must be ret");
	return check_words(in, n, w);
}
