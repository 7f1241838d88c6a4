/*
 * x86_length.c: how long an instruction of x86-64 is.
 *
 * In:  bytes of code. Out: the length of the first instruction, 0 for what is no instruction.
 *
 * An uprobe replaces the first byte of an instruction; in the middle of one it would make another
 * one of it and break the program. So an offset is checked by walking from the function's start.
 * Source: Intel SDM volume 2, appendix A (opcode maps), chapter 2 (prefixes, VEX, EVEX).
 */
#include "arch/inside.h"

enum form {
	N,  /* nothing follows */
	M,  /* ModRM and what it brings */
	B,  /* 1 byte */
	W,  /* 2 bytes */
	Z,  /* 4 bytes, 2 with the operand-size prefix */
	D,  /* 4 bytes always: near jumps and calls */
	V,  /* Z, or 8 with REX.W: mov r64, imm64 */
	O,  /* address of 8 bytes, 4 with the address-size prefix */
	E,  /* 3 bytes: enter */
	MB, /* M, then B */
	MZ, /* M, then Z */
	TB, /* M, then B if it is a test: group 3 */
	TZ,
	X, /* not in 64-bit mode, or handled elsewhere */
};

/* clang-format off */
static const u8 one_byte[256] = {
	/* 00 */ M, M, M, M, B, Z, X, X, M, M, M, M, B, Z, X, X,
	/* 10 */ M, M, M, M, B, Z, X, X, M, M, M, M, B, Z, X, X,
	/* 20 */ M, M, M, M, B, Z, X, X, M, M, M, M, B, Z, X, X,
	/* 30 */ M, M, M, M, B, Z, X, X, M, M, M, M, B, Z, X, X,
	/* 40 */ X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	/* 50 */ N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
	/* 60 */ X, X, X, M, X, X, X, X, Z, MZ, B, MB, N, N, N, N,
	/* 70 */ B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
	/* 80 */ MB, MZ, X, MB, M, M, M, M, M, M, M, M, M, M, M, M,
	/* 90 */ N, N, N, N, N, N, N, N, N, N, X, N, N, N, N, N,
	/* a0 */ O, O, O, O, N, N, N, N, B, Z, N, N, N, N, N, N,
	/* b0 */ B, B, B, B, B, B, B, B, V, V, V, V, V, V, V, V,
	/* c0 */ MB, MB, W, N, X, X, MB, MZ, E, N, W, N, N, B, X, N,
	/* d0 */ M, M, M, M, X, X, X, N, M, M, M, M, M, M, M, M,
	/* e0 */ B, B, B, B, B, B, B, B, D, D, X, B, N, N, N, N,
	/* f0 */ X, N, X, X, N, N, TB, TZ, N, N, N, N, N, N, M, M,
};

static const u8 two_bytes[256] = { /* behind 0f */
	/* 00 */ M, M, M, M, X, N, N, N, N, N, X, N, X, M, N, MB,
	/* 10 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* 20 */ M, M, M, M, X, X, X, X, M, M, M, M, M, M, M, M,
	/* 30 */ N, N, N, N, N, N, X, N, X, X, X, X, X, X, X, X,
	/* 40 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* 50 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* 60 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* 70 */ MB, MB, MB, MB, M, M, M, N, M, M, X, X, M, M, M, M,
	/* 80 */ D, D, D, D, D, D, D, D, D, D, D, D, D, D, D, D,
	/* 90 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* a0 */ N, N, N, M, MB, M, X, X, N, N, N, M, MB, M, M, M,
	/* b0 */ M, M, M, M, M, M, M, M, M, M, MB, M, M, M, M, M,
	/* c0 */ M, M, MB, M, MB, MB, MB, M, N, N, N, N, N, N, N, N,
	/* d0 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* e0 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* f0 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
};
/* clang-format on */

struct decode {
	const u8 *p;
	u64 at, left, modrm;
	bool word, address, wide; /* prefixes 66, 67; REX.W */
};

static u8 peek(const struct decode *d)
{
	return d->at < d->left ? d->p[d->at] : 0;
}

/* Legacy prefixes in any order, then REX. */
static void skip_prefixes(struct decode *d)
{
	for (;; d->at++)
		switch (peek(d)) {
		case 0x66: d->word = true; break;
		case 0x67: d->address = true; break;
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0x64:
		case 0x65: /* segments */
		case 0xf0:
		case 0xf2:
		case 0xf3: break; /* lock, rep */
		default:
			if ((peek(d) & 0xf0) != 0x40)
				return;
			d->wide = peek(d) & 8;
			d->at++;
			return;
		}
}

/* ModRM, SIB and displacement. Returns its reg field. */
static u32 skip_modrm(struct decode *d)
{
	u8 modrm = peek(d), mod = modrm >> 6, rm = modrm & 7;

	d->modrm = d->at;
	d->at++;
	if (mod == 3)
		return modrm >> 3 & 7;
	if (rm == 4) {
		if (!mod && (peek(d) & 7) == 5)
			d->at += 4;
		d->at++;
	} else if (!mod && rm == 5) {
		d->at += 4;
	}
	d->at += mod == 1 ? 1 : mod == 2 ? 4 : 0;
	return modrm >> 3 & 7;
}

static bool skip_form(struct decode *d, u8 form)
{
	u32 z = d->word ? 2 : 4, reg;

	switch (form) {
	case N: return true;
	case M: skip_modrm(d); return true;
	case B: d->at += 1; return true;
	case W: d->at += 2; return true;
	case Z: d->at += z; return true;
	case D: d->at += 4; return true;
	case V: d->at += d->wide ? 8 : z; return true;
	case O: d->at += d->address ? 4 : 8; return true;
	case E: d->at += 3; return true;
	case MB:
		skip_modrm(d);
		d->at += 1;
		return true;
	case MZ:
		skip_modrm(d);
		d->at += z;
		return true;
	case TB:
	case TZ:
		reg = skip_modrm(d);
		if (reg < 2)
			d->at += form == TB ? 1 : z;
		return true;
	default: return false;
	}
}

/* VEX (c4, c5) and EVEX (62): the map says whether an immediate byte follows. */
static bool skip_vex(struct decode *d, u8 first)
{
	static const u8 size[] = {[0] = 1, [1] = 2, [2] = 3};
	u8 map = 1, op;

	if (first != 0xc5)
		map = peek(d) & (first == 0xc4 ? 31 : 7);
	d->at += size[first == 0xc5 ? 0 : first == 0xc4 ? 1 : 2];
	op = peek(d);
	d->at++;
	if (map == 1)
		return skip_form(d, op == 0x77 && first != 0x62 ? N : two_bytes[op] == MB ? MB : M);
	return map == 2 || map == 5 || map == 6 ? skip_form(d, M) : map == 3 && skip_form(d, MB);
}

u32 x86_insn_length(const u8 *p, u64 left)
{
	u32 modrm;

	return x86_insn_parts(p, left, &modrm);
}

u32 x86_insn_parts(const u8 *p, u64 left, u32 *modrm)
{
	struct decode d = {.p = p, .left = left};
	bool ok;
	u8 op;

	skip_prefixes(&d);
	op = peek(&d);
	d.at++;
	if (op == 0xc4 || op == 0xc5 || op == 0x62) {
		ok = skip_vex(&d, op);
	} else if (op != 0x0f) {
		ok = skip_form(&d, one_byte[op]);
	} else {
		op = peek(&d);
		d.at++;
		if (op == 0x38 || op == 0x3a) {
			d.at++;
			ok = skip_form(&d, op == 0x38 ? M : MB);
		} else {
			ok = skip_form(&d, two_bytes[op]);
		}
	}
	*modrm = (u32)d.modrm;
	return ok && d.at <= left && d.at <= 15 ? (u32)d.at : 0;
}
