/*
 * x86_step.c: gets past an instruction of x86-64 that a breakpoint has replaced.
 *
 * In:  its bytes and, to emulate it, the registers. Out: what it does; or a form of it that does
 * the same at another address.
 *
 * Most functions begin with endbr64, push or a nop, and most USDT probes are a nop: what these do
 * is simple enough to be done by hand, which saves a stop. What addresses memory relative to its
 * own place gets a register for that: rsi, rdi or rbx, which no such instruction uses besides those
 * that it names. Source: Intel SDM volume 2, chapter 2.
 */
#include "arch/inside.h"

#include <string.h>

enum { BX = 5, BP = 4, SI = 13, DI = 14, IP = 16, SP = 19 }; /* words of struct pt_regs */

/* By the number that instructions give registers. */
static const u8 by_number[16] = {10, 11, 12, BX, SP, BP, SI, DI, 9, 8, 7, 6, 3, 2, 1, 0};

static s32 read32(const u8 *p)
{
	s32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

bool x86_emulate(const u8 *p, u32 left, u64 *regs, bool *pushes, u64 *pushed)
{
	u32 n = x86_insn_length(p, left), rex = 0;
	const u8 *op = p;
	u64 next = regs[IP] + n;

	*pushes = false;
	if (!n)
		return false;
	if (n == 4 && !memcmp(p, "\xf3\x0f\x1e\xfa", 4)) { /* endbr64 */
		regs[IP] = next;
		return true;
	}
	if ((*op & 0xf0) == 0x40)
		rex = *op++;
	switch (*op) {
	case 0x90: /* nop; with a prefix it is xchg or pause */
		if (rex)
			return false;
		break;
	case 0x50 ... 0x57: /* push */
		*pushes = true;
		*pushed = regs[by_number[(*op & 7) | (rex & 1) << 3]];
		regs[SP] -= 8;
		break;
	case 0x89: /* mov from register to register, 64 bits */
		if ((rex & 8) == 0 || op[1] >> 6 != 3)
			return false;
		regs[by_number[(op[1] & 7) | (rex & 1) << 3]] =
			regs[by_number[(op[1] >> 3 & 7) | (rex & 4) << 1]];
		break;
	case 0xe8: /* call */
		*pushes = true;
		*pushed = next;
		regs[SP] -= 8;
		next += (u64)(s64)read32(op + 1);
		break;
	case 0xe9: next += (u64)(s64)read32(op + 1); break; /* jmp */
	case 0xeb: next += (u64)(s64)(s8)op[1]; break;
	default: return false;
	}
	regs[IP] = next;
	return true;
}

/* Gives [ip + n] a register: clears what would extend its number, and returns that number. */
static s8 use_register(u8 *code, u32 modrm)
{
	u8 named = code[modrm] >> 3 & 7, other = 8, number;

	for (u32 i = 0; i < modrm; i++) {
		u8 c = code[i];

		if (c == 0xc4 || c == 0xc5 || c == 0x62) { /* VEX, EVEX: bits are inverted */
			u32 v = c == 0xc5 ? i + 1 : i + 2;

			if (c != 0xc5)
				code[i + 1] |= c == 0xc4 ? 0x20 : 0x60;
			other = ~(code[v] >> 3) & 7;
			break;
		}
		if ((c & 0xf0) == 0x40) {
			code[i] &= 0xfe;
			break;
		}
		if (c == 0x0f)
			break;
	}
	number = named != 6 && other != 6 ? 6 : named != 7 && other != 7 ? 7 : 3;
	code[modrm] = (u8)(0x80 | named << 3 | number); /* [register + 32 bits] */
	return (s8)by_number[number];
}

static bool is_prefix(u8 c)
{
	return (c & 0xf0) == 0x40 || (c && strchr("\x66\x67\xf2\xf3\x2e\x36\x3e\x26\x64\x65", c));
}

bool x86_move(const u8 *p, u32 left, u64 from, struct arch_moved *m)
{
	u32 modrm, n = x86_insn_parts(p, left, &modrm), at = 0;
	u8 op;

	*m = (struct arch_moved){.n = n, .reg = -1};
	if (!n)
		return false;
	memcpy(m->code, p, n);
	while (at < n && is_prefix(p[at]))
		at++;
	op = p[at];
	if (op == 0x0f && p[at + 1] == 0x05) /* syscall: it would leave our address in rcx */
		return false;
	if (op == 0xff && modrm) {
		u8 group = p[modrm] >> 3 & 7;

		m->absolute = group >= 2 && group <= 5;
		m->calls = group == 2;
	}
	m->absolute |= op == 0xc3 || op == 0xc2;
	m->calls |= op == 0xe8;
	if (modrm && (p[modrm] & 0xc7) == 5) {
		m->reg = use_register(m->code, modrm);
		m->value = from + n;
	}
	return true;
}
