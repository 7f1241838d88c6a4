/*
 * classic.c: runs a classic filter over a packet, one instruction after the other.
 *
 * In:  a checked filter, a packet with what is known beside its bytes.
 * Out: what the filter returns. Semantics are the kernel's, not libpcap's, where the two differ: a
 *      shift by X takes its lower five bits.
 */
#include "vm/classic.h"

struct machine {
	const struct cbpf_packet *packet;
	u32 a, x, m[CBPF_WORDS];
	bool done; /* the filter has ended with `result` */
	u32 result;
};

static void end(struct machine *m, u32 result)
{
	m->done = true;
	m->result = result;
}

/* Bytes of the packet in the order of the net; outside of it the filter ends. */
static u32 load(struct machine *m, u32 code, u32 k)
{
	const struct cbpf_packet *p = m->packet;
	u32 size = (code & BPF_DW) == BPF_W ? 4 : (code & BPF_DW) == BPF_H ? 2 : 1, value = 0;
	const u8 *data = (const u8 *)(uintptr_t)p->data;
	s64 off = (s32)k;

	if (off < 0 && off >= CBPF_NET_OFF)
		off += (s64)p->net - CBPF_NET_OFF;
	else if (off < 0)
		off -= CBPF_LL_OFF;
	if (off < 0 || (u64)off + size > p->captured) {
		end(m, 0);
		return 0;
	}
	for (u32 i = 0; i < size; i++)
		value = value << 8 | data[off + i];
	return value;
}

static void load_ancillary(struct machine *m, u32 number)
{
	switch (number) {
	case CBPF_AD_XOR_X: m->a ^= m->x; break;
	case CBPF_AD_NLATTR:
	case CBPF_AD_NLATTR_NEST: m->a = 0; break;
	default: m->a = m->packet->ancillary[number / 4]; break;
	}
}

static void arithmetic(struct machine *m, const struct cbpf_insn *in)
{
	u32 b = in->code & BPF_X ? m->x : in->k, op = in->code & 0xf0;

	if (!b && (op == BPF_DIV || op == BPF_MOD)) {
		end(m, 0);
		return;
	}
	switch (op) {
	case BPF_ADD: m->a += b; break;
	case BPF_SUB: m->a -= b; break;
	case BPF_MUL: m->a *= b; break;
	case BPF_DIV: m->a /= b; break;
	case BPF_MOD: m->a %= b; break;
	case BPF_AND: m->a &= b; break;
	case BPF_OR: m->a |= b; break;
	case BPF_XOR: m->a ^= b; break;
	case BPF_LSH: m->a <<= b & 31; break;
	case BPF_RSH: m->a >>= b & 31; break;
	case BPF_NEG: m->a = -m->a; break;
	}
}

static bool branches(const struct machine *m, const struct cbpf_insn *in)
{
	u32 b = in->code & BPF_X ? m->x : in->k;

	switch (in->code & 0xf0) {
	case BPF_JEQ: return m->a == b;
	case BPF_JGT: return m->a > b;
	case BPF_JGE: return m->a >= b;
	default: return m->a & b;
	}
}

static void step(struct machine *m, const struct cbpf_insn *in, enum cbpf_id id)
{
	switch (id) {
	case CBPF_ld_abs:
	case CBPF_ldh_abs:
	case CBPF_ldb_abs: m->a = load(m, in->code, in->k); break;
	case CBPF_ld_ind:
	case CBPF_ldh_ind:
	case CBPF_ldb_ind: m->a = load(m, in->code, m->x + in->k); break;
	case CBPF_ldx_msh: m->x = (load(m, BPF_B, in->k) & 15) << 2; break;
	case CBPF_ld_imm: m->a = in->k; break;
	case CBPF_ldx_imm: m->x = in->k; break;
	case CBPF_ld_len: m->a = m->packet->len; break;
	case CBPF_ldx_len: m->x = m->packet->len; break;
	case CBPF_ld_mem: m->a = m->m[in->k]; break;
	case CBPF_ldx_mem: m->x = m->m[in->k]; break;
	case CBPF_st: m->m[in->k] = m->a; break;
	case CBPF_stx: m->m[in->k] = m->x; break;
	case CBPF_tax: m->x = m->a; break;
	case CBPF_txa: m->a = m->x; break;
	case CBPF_ret_k: end(m, in->k); break;
	case CBPF_ret_a: end(m, m->a); break;
	default: arithmetic(m, in); break;
	}
}

u32 classic_run(const struct cbpf_insn *in, const struct cbpf_packet *packet)
{
	struct machine m = {.packet = packet};

	for (; !m.done; in++) {
		const struct cbpf_op *op = cbpf_op(in);
		const struct cbpf_ancillary *a = cbpf_ancillary(in);

		if (a)
			load_ancillary(&m, a->number);
		else if (op->way == CBPF_JUMP)
			in += in->k;
		else if (op->way == CBPF_BRANCH)
			in += branches(&m, in) ? in->jt : in->jf;
		else
			step(&m, in, cbpf_id(op));
	}
	return m.result;
}
