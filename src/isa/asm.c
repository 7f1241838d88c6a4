/*
 * asm.c: one instruction from text.
 *
 * In:  a text such as "if r1 s> 0x5 goto loop".
 * Out: the instruction, with the name of a label or map where there is one, or what is wrong.
 *
 * There is no grammar but that of the disassembler: the text is matched with the pattern of each
 * row of the table of operations (form.h), and the first row that takes all of it is the
 * instruction. Blanks may be left out or added between words and signs. When no row takes it, what
 * the row that came furthest wanted to see is the message.
 */
#include "isa/asm_read.h"
#include "base/diag.h"
#include "isa/form.h"

#include <errno.h>
#include <stdio.h>

#define REGS 11

static bool take_register(struct asm_reader *r, bool narrow, bool either, u32 *out)
{
	u32 n, from, number = 0;

	asm_skip(r);
	from = r->at;
	n = asm_word_length(r);
	if (n < 2 || n > 4 || (asm_peek(r) != 'r' && asm_peek(r) != 'w'))
		return asm_want(r, "a register");
	for (u32 i = 1; i < n; i++) {
		if (!asm_is_digit(r->text[from + i]))
			return asm_want(r, "a register");
		number = number * 10 + (u32)(r->text[from + i] - '0');
	}
	r->at += n;
	*out = number;
	if (number >= REGS)
		return asm_wrong(r, from, "r0 to r10, w0 to w10", "there is no register %.*s",
				 (int)n, r->text + from);
	if (either || (r->text[from] == 'w') == narrow)
		return true;
	return asm_wrong(r, from, narrow ? "w: 32 bits" : "r: 64 bits",
			 "%.*s cannot stand here: it has %s bits", (int)n, r->text + from,
			 narrow ? "64" : "32");
}

/* A register that may stand in the pattern twice: it must be the same then. */
static bool take_field(struct asm_reader *r, bool dst, bool narrow, bool either)
{
	struct insn *in = r->line.insn;
	u32 from, number = 0;
	bool *has = dst ? &r->has_dst : &r->has_src;

	asm_skip(r);
	from = r->at;
	if (!take_register(r, narrow, either, &number))
		return false;
	if (*has && number != (dst ? in->dst : in->src))
		return asm_wrong(r, from, NULL, "this must be the register that stands before it");
	*has = true;
	if (dst)
		in->dst = number & 15;
	else
		in->src = number & 15;
	return true;
}

/* ---- fields */

/* The absolute target, if it is there: "<7>"; a jump out of the program has "<-7>". */
static bool take_absolute(struct asm_reader *r)
{
	asm_skip(r);
	if (asm_peek(r) != '<')
		return true;
	r->line.name_at = ++r->at;
	if (asm_peek(r) == '-')
		r->at++;
	r->at += asm_word_length(r);
	r->line.name_len = r->at - r->line.name_at;
	return asm_take(r, ">");
}

/* "pc+3 <7>", "+3", "loop", "7" */
static bool take_target(struct asm_reader *r)
{
	struct asm_line *l = &r->line;
	struct asm_number n;
	u32 len;

	asm_skip(r);
	len = asm_word_length(r);
	if (len == 2 && !memcmp(r->text + r->at, "pc", 2) && r->at + 2 < r->size &&
	    (r->text[r->at + 2] == '+' || r->text[r->at + 2] == '-')) {
		r->at += 2;
		len = 0;
	}
	if (!len && (asm_peek(r) == '+' || asm_peek(r) == '-')) {
		if (!asm_take_number(r, &n))
			return false;
		if ((s64)n.value < INT32_MIN || (s64)n.value > INT32_MAX)
			return asm_wrong(r, n.from, NULL, "no jump reaches as far");
		l->has_distance = true;
		l->distance = (s64)n.value;
		l->names = ASM_TARGET;
		return take_absolute(r);
	}
	if (!len)
		return asm_want(r, "a label");
	l->names = ASM_TARGET;
	l->name_at = r->at;
	l->name_len = len;
	r->at += len;
	return true;
}

/* "bpf_map_lookup_elem#1", "bpf_map_lookup_elem", "1" */
static bool take_helper(struct asm_reader *r)
{
	const struct helper *h = NULL;
	u32 from, len;
	s64 number;

	asm_skip(r);
	from = r->at;
	len = asm_word_length(r);
	if (len && !asm_is_digit(asm_peek(r))) {
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)len, r->text + r->at);
		h = !strncmp(name, "bpf_", 4) ? helper_by_name(name + 4) : NULL;
		if (!h && strcmp(name, "unknown") != 0)
			return asm_want(r, "a helper");
		r->at += len;
		asm_skip(r);
		if (h && asm_peek(r) != '#') {
			r->line.insn->imm = (s32)h->id;
			return true;
		}
		if (!asm_take(r, "#"))
			return false;
	} else if (asm_peek(r) == '#') {
		r->at++;
	}
	if (!asm_take_in(r, INT32_MIN, UINT32_MAX, NULL, &number))
		return false;
	r->line.insn->imm = (s32)number;
	if (h && (u32)number != h->id)
		return asm_wrong(r, from, NULL, "bpf_%s is helper %u", h->name, h->id);
	return true;
}

/* "77", "77@1" */
static bool take_kfunc(struct asm_reader *r)
{
	s64 number, module = 0;

	if (!asm_take_in(r, INT32_MIN, UINT32_MAX, NULL, &number))
		return false;
	if (asm_peek(r) == '@') {
		r->at++;
		if (!asm_take_in(r, INT16_MIN, INT16_MAX, NULL, &module))
			return false;
	}
	r->line.insn->imm = (s32)number;
	r->line.insn->off = (s16)module;
	return true;
}

/* The immediate; 64-bit operations extend its sign. hex: `r1 = 0x5` is the other instruction,
 * which loads 64 bits. */
static bool take_imm(struct asm_reader *r, bool hex)
{
	u32 class = r->op->code & 7;
	bool wide = (class == BPF_ALU64 || (r->op->code & (7 | BPF_DW)) == (BPF_ST | BPF_DW)) &&
		    r->op->form != FORM_LD_ABS;
	s64 value;

	asm_skip(r);
	if (isa_id(r->op) == ISA_mov64_k) {
		struct asm_reader look = *r;
		struct asm_number n;

		if (asm_take_number(&look, &n) && n.hex)
			return false;
	}
	if (!asm_take_in(
		    r, INT32_MIN, wide && !hex ? INT32_MAX : UINT32_MAX,
		    wide ? "an immediate has 32 bits, and its sign is extended: load it into a "
			   "register"
			 : NULL,
		    &value))
		return false;
	r->line.insn->imm = (s32)value;
	return true;
}

/* "+8", "+ 8", "-8"; nothing for +0 */
static bool take_offset(struct asm_reader *r)
{
	s64 value;

	asm_skip(r);
	if (asm_peek(r) == ')')
		return true;
	if (asm_peek(r) != '+' && asm_peek(r) != '-')
		return asm_want(r, "an offset");
	if (!asm_take_in(r, INT16_MIN, INT16_MAX, NULL, &value))
		return false;
	r->line.insn->off = (s16)value;
	return true;
}

static bool take_half(struct asm_reader *r, bool upper)
{
	struct insn *in = r->line.insn;
	s64 value;

	if (!asm_take_in(r, upper ? INT16_MIN : 0, UINT16_MAX, NULL, &value))
		return false;
	in->imm = upper ? (s32)((u32)value << 16 | (u16)in->imm)
			: (s32)(((u32)in->imm & 0xffff0000) | (u16)value);
	return true;
}

/* The row's word or operator, as a whole. */
static bool take_text(struct asm_reader *r)
{
	const char *text = r->op->text;
	size_t n = strlen(text);
	bool word = asm_is_word(text[n - 1]);

	if (r->size - r->at < n || memcmp(r->text + r->at, text, n) != 0 ||
	    (word && r->at + n < r->size && asm_is_word(r->text[r->at + n])))
		return word ? asm_miss(r, text, (u32)n, true) : asm_want(r, "an operator");
	r->at += (u32)n;
	return true;
}

static bool take_type(struct asm_reader *r)
{
	const char *type = isa_memory_type(r->op);
	u32 n = asm_word_length(r);

	if (n != strlen(type) || memcmp(r->text + r->at, type, n) != 0)
		return asm_want(r, "a type (u8, u16, u32, u64)");
	r->at += n;
	return true;
}

/* ---- 64-bit immediates */

/* The name of a map between brackets. */
static bool take_map_name(struct asm_reader *r)
{
	u32 n = asm_word_length(r);

	if (!n)
		return asm_want(r, "the name of a map");
	r->line.names = ASM_MAP;
	r->line.name_at = r->at;
	r->line.name_len = n;
	r->at += n;
	return true;
}

static bool take_second(struct asm_reader *r)
{
	s64 value;

	if (isa_has_offset(r->op) && !asm_take(r, "[0]"))
		return false;
	asm_skip(r);
	if (asm_peek(r) != '+')
		return isa_has_offset(r->op) ? asm_want(r, "'+' and an offset") : true;
	r->at++;
	if (!asm_take_in(r, 0, UINT32_MAX, NULL, &value))
		return false;
	r->line.insn[1].imm = (s32)value;
	return true;
}

static bool take_plain64(struct asm_reader *r)
{
	struct asm_number n;

	if (!asm_take_number(r, &n))
		return false;
	r->line.insn[0].imm = (s32)n.value;
	r->line.insn[1].imm = (s32)(n.value >> 32);
	asm_skip(r);
	if (r->size - r->at >= 2 && !memcmp(r->text + r->at, "ll", 2))
		r->at += 2;
	return true;
}

/* clang: `r1 = counts ll` */
static bool take_symbol(struct asm_reader *r)
{
	if (isa_id(r->op) != ISA_ld_map_fd || !asm_word_length(r) || asm_is_digit(asm_peek(r)))
		return false;
	if (r->size - r->at > 4 && !memcmp(r->text + r->at, "map[", 4))
		return false;
	if (!take_map_name(r))
		return false;
	asm_skip(r);
	return asm_take(r, "ll");
}

/* "map[" is behind us: is it a name, or "fd:"? */
static bool ends_name(const struct asm_reader *r)
{
	u32 n = asm_word_length(r);

	return n && r->at + n < r->size && r->text[r->at + n] == ']';
}

static bool take_imm64(struct asm_reader *r)
{
	bool named = isa_id(r->op) == ISA_ld_map_fd || isa_id(r->op) == ISA_ld_map_value;
	u32 from;
	s64 value;

	asm_skip(r);
	from = r->at;
	if (!r->op->src)
		return take_plain64(r);
	if (take_symbol(r))
		return true;
	r->at = from;
	r->line.names = ASM_NO_NAME;
	if (r->op->src == BPF_PSEUDO_FUNC) {
		if (!asm_take(r, r->op->text) || !take_target(r) || !asm_take(r, "]"))
			return false;
		if (r->line.has_distance && !take_absolute(r))
			return false;
		return take_second(r);
	}
	if (named && asm_take(r, "map[") && ends_name(r))
		return take_map_name(r) && asm_take(r, "]") && take_second(r);
	r->at = from;
	if (!asm_take(r, r->op->text) || !asm_take_in(r, INT32_MIN, INT32_MAX, NULL, &value) ||
	    !asm_take(r, "]"))
		return false;
	r->line.insn->imm = (s32)value;
	return take_second(r);
}

/* ---- patterns */

static bool take_any(struct asm_reader *r, char what)
{
	bool narrow = isa_is_narrow(r->op);
	bool either = (r->op->code & 7) <= BPF_STX && (r->op->code & BPF_DW) != BPF_DW;

	switch (what) {
	case 'd': /* clang writes "r1 = w2" for the move that clears the upper half */
		return take_field(r, true, narrow, isa_id(r->op) == ISA_mov32_x);
	case 's': return take_field(r, false, narrow, false);
	case 'D': return take_field(r, true, false, either);
	case 'S': return take_field(r, false, false, either);
	case 'a': return take_field(r, true, false, false);
	case 'b': return take_field(r, false, false, false);
	case 't': return take_text(r);
	case 'z': return take_type(r);
	case 'n':
		r->at += r->size - r->at >= 2 && !memcmp(r->text + r->at, "64", 2) ? 2 : 0;
		return true;
	case 'o': return take_offset(r);
	case 'i': return take_imm(r, false);
	case 'x': return take_imm(r, true);
	case 'u': return take_half(r, true);
	case 'l': return take_half(r, false);
	case 'h': return take_helper(r);
	case 'k': return take_kfunc(r);
	case 'v': return take_imm64(r);
	default: return take_target(r); /* O, I */
	}
}

/* A word of the pattern. More of the word may follow in a field. */
static bool take_literal(struct asm_reader *r, const char **p)
{
	const char *start = *p;
	u32 n = 0;

	while (start[n] && asm_is_word(start[n]))
		n++;
	n = n ? n : 1;
	if (r->size - r->at < n || memcmp(r->text + r->at, start, n) != 0 ||
	    (asm_is_word(start[n - 1]) && start[n] != '%' && r->at + n < r->size &&
	     asm_is_word(r->text[r->at + n])))
		return asm_miss(r, start, n, true);
	r->at += n;
	*p += n;
	return true;
}

static bool match(struct asm_reader *r, const char *p)
{
	bool in_word = false; /* the pattern goes on without a blank */

	while (*p) {
		if (*p == ' ') {
			in_word = false;
			p++;
			continue;
		}
		if (!in_word || !(asm_is_word(*p) || *p == '%'))
			asm_skip(r);
		if (*p == '%') {
			char what = p[1];

			if (!take_any(r, what))
				return false;
			in_word = what == 'n' || what == 't';
			p += 2;
		} else {
			in_word = asm_is_word(*p);
			if (!take_literal(r, &p))
				return false;
		}
	}
	asm_skip(r);
	return r->at == r->size || asm_want(r, "the end of the line");
}

static bool try_row(struct asm_reader *r, const struct isa_op *op)
{
	r->at = 0;
	r->op = op;
	r->has_dst = r->has_src = false;
	r->line = (struct asm_line){.slots = op->form == FORM_LD_IMM64 ? 2 : 1};
	r->line.insn->code = op->code;
	r->line.insn->src = op->src == ISA_ANY ? 0 : (u8)op->src & 15;
	r->line.insn->off = op->off == ISA_ANY ? 0 : op->off;
	r->line.insn->imm = op->imm == ISA_ANY ? 0 : op->imm;
	return match(r, isa_forms[op->form]);
}

/* ---- messages */

static void suggest(struct asm_reader *r, const char *word)
{
	struct near near = {.word = word};
	char name[64];

	for (u32 id = 1; id < ISA_OPS; id++) {
		if (asm_is_word(isa_ops[id].text[0]))
			near_try(&near, isa_ops[id].text);
	}
	near_try(&near, "if");
	near_try(&near, "lock");
	for (u32 id = 1; helper_by_id(id) && !near.best; id++) {
		snprintf(name, sizeof(name), "bpf_%s", helper_by_id(id)->name);
		near_try(&near, name);
	}
	if (near.best)
		snprintf(r->out->hint, sizeof(r->out->hint), "did you mean '%s'?", near.best);
}

static void explain(struct asm_reader *r)
{
	char word[48], wants[200];
	u32 n, used = 0;

	if (r->wrong)
		return;
	r->at = r->best;
	n = asm_word_length(r);
	n = n ? n : r->at < r->size;
	*r->out = (struct asm_wrong){.at = r->at, .len = n};
	snprintf(word, sizeof(word), "%.*s", (int)n, r->text + r->at);
	if (!r->at) {
		snprintf(r->out->text, sizeof(r->out->text), "no instruction begins with '%s'",
			 word);
	} else {
		wants[0] = 0;
		for (u32 i = 0; i < r->nwants && used < sizeof(wants); i++)
			used += (u32)snprintf(wants + used, sizeof(wants) - used, "%s%s",
					      !i                   ? ""
					      : i + 1 == r->nwants ? " or "
								   : ", ",
					      r->wants[i]);
		snprintf(r->out->text, sizeof(r->out->text), "%s%s%s: expected %.150s",
			 n ? "unexpected '" : "the instruction ends", n ? word : "", n ? "'" : "",
			 wants);
	}
	suggest(r, word);
}

int isa_asm(const char *text, size_t size, struct asm_line *line, struct asm_wrong *out)
{
	struct asm_reader r = {.text = text, .out = out};
	u32 skipped = 0;

	*out = (struct asm_wrong){0};
	if (size > UINT16_MAX) {
		snprintf(out->text, sizeof(out->text), "this line is too long");
		return -EINVAL;
	}
	for (; skipped < size && (text[skipped] == ' ' || text[skipped] == '\t'); skipped++)
		r.text++;
	r.size = (u32)size - skipped;
	for (u32 id = 1; id < ISA_OPS; id++)
		if (try_row(&r, &isa_ops[id])) {
			*line = r.line;
			line->name_at += skipped;
			return 0;
		}
	explain(&r);
	out->at += skipped;
	return -EINVAL;
}

enum reach { NOWHERE, BY_OFF, BY_IMM };
static const u8 reaches[FORMS] = {
	[FORM_JA] = BY_OFF,    [FORM_JMP_K] = BY_OFF,      [FORM_JMP_X] = BY_OFF,
	[FORM_GOTOL] = BY_IMM, [FORM_CALL_LOCAL] = BY_IMM,
};

static enum reach reach_of(const struct insn *in)
{
	const struct isa_op *op = isa_op(in);

	if (op && isa_id(op) == ISA_ld_func)
		return BY_IMM;
	return op ? (enum reach)reaches[op->form] : NOWHERE;
}

bool isa_target(const struct insn *in, s64 *distance)
{
	enum reach reach = reach_of(in);

	*distance = reach == BY_IMM ? in->imm : in->off;
	return reach != NOWHERE;
}

bool isa_set_target(struct insn *in, s64 distance)
{
	enum reach reach = reach_of(in);

	if (reach == BY_IMM)
		in->imm = (s32)distance;
	else if (reach == BY_OFF)
		in->off = (s16)distance;
	return distance == (reach == BY_IMM ? (s32)distance : (s16)distance);
}
