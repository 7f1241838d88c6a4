/*
 * lanesfuzz.c: any classic program for many packets at once, against the interpreter.
 *
 * In:  how many programs (-n), a seed (-s). Out: programs that do not say the same as the reference
 *      (vm/classic.h) of each packet; status 1 if there was any. Packets lie close together and end
 *      where nothing can be read any more.
 */
#include "filter/filter.h"
#include "filtergen.h"
#include "many.h"
#include "vm/lanes_inside.h"

#include <unistd.h>

#define INSNS_MOST 200 /* longer ones than go as a whole */
#define PACKETS    61

static const u16 alu[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_AND, BPF_OR, BPF_XOR, BPF_LSH, BPF_RSH};
static const u16 branches[] = {BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET};

/* Where headers have something, where one ends what is read for all, far away, nowhere. */
static u32 any_offset(void)
{
	static const u32 list[] = {0,   12,  14,  15,  16,  20,  23,  26,         30,         54,
				   174, 176, 177, 188, 191, 192, 252, 0x7ffffffe, 0x7fffffff, 13};

	return rnd(3) ? rnd(64) : rnd(3) ? PICK(list) : rnd(300);
}

static u32 any_number(void)
{
	static const u32 list[] = {0,        1,      4,          6,          15,
				   0xff,     0x800,  0x86dd,     0x7fffffff, 0x80000000,
				   0xffff,   0x1fff, 0xff00,     0xff000000, 0xffff0000,
				   0xff0000, ~0u,    0xfffffff0, 20,         80};

	return rnd(2) ? PICK(list) : rnd(2) ? rnd(300) : rnd(1u << 31) * 2 + rnd(2);
}

static u32 sized(u32 class)
{
	static const u32 sizes[] = {BPF_B, BPF_H, BPF_W};

	return class | PICK(sizes);
}

/* stored: words of M that can be read. */
static struct cbpf_insn any_insn(u32 at, u32 n, u32 stored)
{
	const u32 rest = MIN(n - at - 2, 255u);

	switch (rnd(14)) {
	case 0:
	case 1:
	case 2: return (struct cbpf_insn){(u16)sized(BPF_LD | BPF_ABS), 0, 0, any_offset()};
	case 3: return (struct cbpf_insn){(u16)sized(BPF_LD | BPF_IND), 0, 0, any_offset()};
	case 4: return (struct cbpf_insn){BPF_LDX | BPF_B | CBPF_MSH, 0, 0, any_offset()};
	case 5:
		if (!rnd(3) && stored)
			return (struct cbpf_insn){rnd(2) ? BPF_LD | BPF_MEM : BPF_LDX | BPF_MEM, 0,
						  0, rnd(stored)};
		if (!rnd(2))
			return (struct cbpf_insn){rnd(2) ? BPF_LD | BPF_W | CBPF_LEN
							 : BPF_LDX | BPF_W | CBPF_LEN,
						  0, 0, 0};
		return (struct cbpf_insn){rnd(2) ? BPF_LD | BPF_IMM : BPF_LDX | BPF_IMM, 0, 0,
					  any_number()};
	case 6: return (struct cbpf_insn){CBPF_MISC | (rnd(2) ? CBPF_TAX : CBPF_TXA), 0, 0, 0};
	case 7: return (struct cbpf_insn){rnd(2) ? BPF_ST : BPF_STX, 0, 0, rnd(CBPF_WORDS)};
	case 8:
	case 9: {
		const u32 op = PICK(alu), k = any_number();
		const bool shift = op == BPF_LSH || op == BPF_RSH;

		if (!rnd(20)) /* by powers of two, and by others */
			return (struct cbpf_insn){BPF_ALU | (rnd(2) ? BPF_DIV : BPF_MOD), 0, 0,
						  rnd(8) ? 1u << rnd(32) : 1 + rnd(9)};
		if (!rnd(20))
			return (struct cbpf_insn){BPF_ALU | BPF_NEG, 0, 0, 0};
		if (!rnd(40)) /* not of the packet */
			return (struct cbpf_insn){BPF_LD | BPF_W | BPF_ABS, 0, 0,
						  (u32)CBPF_AD_OFF +
							  (rnd(2) ? CBPF_AD_XOR_X : CBPF_AD_MARK)};
		return (struct cbpf_insn){(u16)(BPF_ALU | op | (rnd(2) ? BPF_X : BPF_K)), 0, 0,
					  shift ? k & 31 : k};
	}
	case 10:
		if (!rnd(4))
			return (struct cbpf_insn){BPF_JMP | BPF_JA, 0, 0, rnd(MIN(rest, 6u) + 1)};
		if (!rnd(6))
			return (struct cbpf_insn){CBPF_RET | (rnd(3) ? BPF_K : CBPF_A), 0, 0,
						  rnd(2) ? 0 : any_number()};
		/* fallthrough */
	default:
		return (struct cbpf_insn){
			(u16)(BPF_JMP | PICK(branches) | (rnd(4) ? BPF_K : BPF_X)),
			(u8)rnd(MIN(rest, rnd(2) ? 3u : 40u) + 1),
			(u8)rnd(MIN(rest, rnd(2) ? 3u : 40u) + 1), any_number()};
	}
}

static u32 any_program(struct cbpf_insn *in)
{
	const u32 n = 2 + rnd(rnd(4) ? 24 : INSNS_MOST - 2), stored = MIN(rnd(4), n - 2);

	for (u32 i = 0; i + 1 < n; i++)
		in[i] = any_insn(i, n, stored);
	for (u32 i = 0; i < stored; i++)
		in[i] = (struct cbpf_insn){BPF_ST, 0, 0, i};
	in[n - 1] = (struct cbpf_insn){CBPF_RET | (rnd(3) ? BPF_K : CBPF_A), 0, 0, any_number()};
	return n;
}

static void any_packets(struct many *m)
{
	struct frame f;

	many_begin(m);
	for (u32 i = 0; i < PACKETS; i++) {
		gen_frame(&f, 1);
		while (!rnd(4) && f.n < FRAME_MOST)
			f.bytes[f.n++] = (u8)rnd(rnd(2) ? 256 : 4);
		if (!rnd(3))
			f.n = rnd(f.n + 1);
		many_add(m, f.bytes, f.n, rnd(4) ? f.n : rnd(1u << 31) * 2);
	}
}

static void complain(const struct cbpf_insn *in, u32 n, u32 seed, u32 packet)
{
	struct buf text = {0};

	cbpf_listing(&text, in, n);
	printf("not ok lanes: program %u is not of one mind about packet %u:\n%s", seed, packet,
	       buf_str(&text));
	buf_free(&text);
}

int main(int argc, char **argv)
{
	u32 n = 20000, seed = 1, bad = 0, wide = 0, sieves = 0, tried = 0, where, size;
	static struct cbpf_insn in[INSNS_MOST];
	struct cbpf_wrong wrong;
	struct lanes *lanes;
	static struct many m;
	int opt;

	while ((opt = getopt(argc, argv, "n:s:")) >= 0)
		switch (opt) {
		case 'n': n = (u32)atoi(optarg); break;
		case 's': seed = (u32)atoi(optarg); break;
		default: return 2;
		}
	many_open(&m, FRAME_MOST);
	for (u32 i = 0; i < n && bad < 5; i++) {
		gen_state = (seed + i) * 0x9e3779b97f4a7c15ull + 88172645463325252ull;
		rnd(1);
		size = any_program(in);
		if (cbpf_check(in, size, &wrong))
			continue;
		if (!(i % 16))
			any_packets(&m);
		if (!m.n || lanes_open(&lanes, in, size, NULL))
			continue;
		tried++;
		wide += lanes_are_wide(lanes);
		sieves += lanes_have_sieve(lanes);
		if (many_compare(&m, lanes, in, i % (PACKETS + 1) % (m.n + 1), &where)) {
			complain(in, size, seed + i, where);
			bad++;
		}
		lanes_close(lanes);
	}
	bad += lanes_cpu() && (wide < tried / 2 || sieves < tried / 8);
	printf("%s lanes: %u programs, %u of them wide, %u with a sieve\n", bad ? "not ok" : "ok",
	       tried, wide, sieves);
	return bad != 0;
}
