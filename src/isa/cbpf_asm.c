/*
 * cbpf_asm.c: classic BPF from text.
 *
 * In:  the listing of tcpdump -d, or the notation of the BSD paper and of Linux's bpf_asm:
 *
 *          (002) jeq      #0x800           jt 3	jf 5
 *          loop:  jeq #0x800, next, drop    ; one target: the other is the next instruction
 *                 ldx 4*([14]&0xf)
 *                 ld vlan_tci
 *
 * Out: instructions. An operand is matched with the pattern of each row of that name (cbpf.def).
 * The number in front of a line of a listing is a label, so lines can be put in and taken out.
 */
#include "base/dict.h"
#include "isa/cbpf.h"

#include <errno.h>
#include <stdio.h>

#define LINE_MOST 4000

enum slot { SLOT_K, SLOT_JT, SLOT_JF };

struct text {
	struct cbpf_code *out;
	struct arena *arena;
	struct diag *d;
	const char *p, *end, *line_at;
	u32 line;
	struct dict labels; /* name -> index of the instruction + 1 */
	vec(struct target {
		u32 insn;
		enum slot slot;
		const char *name;
		struct loc at;
	}) targets;
};

/* ---- letters */

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.';
}

static char peek(const struct text *t)
{
	return t->p < t->end ? *t->p : 0;
}

static void skip(struct text *t)
{
	while (peek(t) == ' ' || peek(t) == '\t' || peek(t) == '\r')
		t->p++;
}

static struct loc loc(const struct text *t, const char *from, const char *to)
{
	return (struct loc){t->line, (u16)(from - t->line_at + 1), (u16)MAX(to - from, 1), 0};
}

/* The next word, copied; NULL: here is none. */
static const char *word(struct text *t, struct loc *at)
{
	const char *from;

	skip(t);
	from = t->p;
	while (is_word(peek(t)))
		t->p++;
	*at = loc(t, from, t->p);
	return t->p > from ? arena_strndup(t->arena, from, (size_t)(t->p - from)) : NULL;
}

static bool is_next(struct text *t, const char *what)
{
	size_t n = strlen(what);

	skip(t);
	if ((size_t)(t->end - t->p) < n || memcmp(t->p, what, n) != 0 ||
	    (is_word(what[n - 1]) && t->p + n < t->end && is_word(t->p[n])))
		return false;
	t->p += n;
	return true;
}

/* 32 bits, with a sign or not */
static bool number(struct text *t, u32 *out)
{
	bool minus = is_next(t, "-"), hex;
	u64 value = 0;
	const char *from;

	skip(t);
	hex = t->end - t->p > 2 && t->p[0] == '0' && (t->p[1] | 32) == 'x';
	t->p += hex ? 2 : 0;
	for (from = t->p; is_word(peek(t)); t->p++) {
		char c = *t->p >= '0' && *t->p <= '9' ? *t->p : *t->p | 32;
		u32 digit = (u32)(c <= '9' ? c - '0' : c - 'a' + 10);

		if (c < '0' || (c > '9' && c < 'a') || digit >= (hex ? 16u : 10u))
			return false;
		value = value * (hex ? 16 : 10) + digit;
		if (value > UINT32_MAX)
			return false;
	}
	if (t->p == from || (minus && value > 1u << 31))
		return false;
	*out = minus ? -(u32)value : (u32)value;
	return true;
}

/* ---- operands */

/* "x", "%x" */
static bool is_register(struct text *t, const char *name)
{
	const char *from = t->p;

	is_next(t, "%");
	if (is_next(t, name))
		return true;
	t->p = from;
	return false;
}

static bool is_length(struct text *t)
{
	is_next(t, "#");
	return is_next(t, "pktlen") || is_next(t, "len");
}

/* "[proto]", "#proto", "proto" */
static bool is_extension(struct text *t, struct cbpf_insn *in)
{
	bool bracket = is_next(t, "[");
	const char *name;
	struct loc at;

	if (!bracket)
		is_next(t, "#");
	name = word(t, &at);
	for (const struct cbpf_ancillary *a = cbpf_ancillaries; name && a->name; a++) {
		const char *other = a->others ? strstr(a->others, name) : NULL;
		size_t n = strlen(name);

		if (strcmp(a->name, name) != 0 &&
		    !(other && (other == a->others || other[-1] == ' ') &&
		      (!other[n] || other[n] == ' ')))
			continue;
		in->k = (u32)CBPF_AD_OFF + a->number;
		return !bracket || is_next(t, "]");
	}
	return false;
}

/* The row's operand; blanks do not count. */
static bool is_operand(struct text *t, const struct cbpf_op *op, struct cbpf_insn *in)
{
	bool minus = false;

	if (!strcmp(op->operand, "#pktlen"))
		return is_length(t);
	if (!strcmp(op->operand, "x") || !strcmp(op->operand, "a"))
		return is_register(t, op->operand);
	for (const char *p = op->operand; *p; p++) {
		if (*p == ' ')
			continue;
		skip(t);
		if (!strncmp(p, "0x%", 3)) /* the number says it itself */
			p += 2;
		if (*p == '%') {
			if (!number(t, &in->k))
				return false;
			in->k = minus ? -in->k : in->k;
			p++;
		} else if (*p == 'x' && p[-1] == '[') {
			if (!is_register(t, "x"))
				return false;
		} else if (*p == '+' && peek(t) == '-') {
			minus = true;
			t->p++;
		} else if ((peek(t) | 32) == (*p | 32)) {
			t->p++;
		} else {
			return false;
		}
	}
	return true;
}

/* Whether something of the operand may follow: else "ret #1x" would be fine. */
static bool at_end(struct text *t, const struct cbpf_op *op)
{
	skip(t);
	return t->p == t->end || op->way == CBPF_JUMP ||
	       (op->way == CBPF_BRANCH && (*t->p == ',' || *t->p == 'j'));
}

static bool match(struct text *t, const struct cbpf_op *op, struct cbpf_insn *in)
{
	const char *from = t->p;

	*in = (struct cbpf_insn){.code = op->code};
	if (is_operand(t, op, in) && at_end(t, op))
		return true;
	t->p = from;
	if (cbpf_id(op) < CBPF_ld_abs || cbpf_id(op) > CBPF_ldb_abs)
		return false;
	*in = (struct cbpf_insn){.code = op->code};
	if (is_extension(t, in) && at_end(t, op))
		return true;
	t->p = from;
	return false;
}

/* ---- instructions */

static int target(struct text *t, enum slot slot)
{
	struct target *to;
	struct loc at;
	const char *name = word(t, &at);

	if (!name)
		return diag_error(t->d, at, NULL,
				  "here belongs a label, or the number of an "
				  "instruction");
	to = vec_add(t->arena, &t->targets);
	*to = (struct target){t->out->insns.n, slot, name, at};
	return 0;
}

/* "jt 3 jf 5", ", L1, L2", ", L1" */
static int branch(struct text *t, bool swapped)
{
	enum slot yes = swapped ? SLOT_JF : SLOT_JT, no = swapped ? SLOT_JT : SLOT_JF;
	int err;

	if (is_next(t, "jt")) {
		err = target(t, yes);
		if (!err && !is_next(t, "jf"))
			err = diag_error(t->d, loc(t, t->p, t->end), NULL,
					 "here belongs jf and the other target");
		return err ? err : target(t, no);
	}
	if (!is_next(t, ","))
		return diag_error(t->d, loc(t, t->p, t->end), "jeq #0x800, yes, no",
				  "here belongs where it branches to");
	err = target(t, yes);
	if (!err && is_next(t, ","))
		err = target(t, no);
	return err;
}

static const struct cbpf_alias *next_alias(const struct cbpf_alias *a, const char *name)
{
	while (a->name && strcmp(a->name, name) != 0)
		a++;
	return a->name ? a : NULL;
}

/* Tries the rows of a name; ways: what they could be. */
static const struct cbpf_op *find(struct text *t, const char *name, struct cbpf_insn *in,
				  bool *known)
{
	for (u32 id = 1; id < CBPF_OPS; id++) {
		if (strcmp(cbpf_ops[id].name, name) != 0)
			continue;
		*known = true;
		if (match(t, &cbpf_ops[id], in))
			return &cbpf_ops[id];
	}
	return NULL;
}

/* "ldh      [0]" -> "ldh [0]"; targets are left out. */
static const char *squeeze(struct buf *text)
{
	char *to, *p;

	buf_str(text);
	for (p = to = text->p; *p && strncmp(p, " jt", 3) != 0; p++)
		if (*p != ' ' || p[1] != ' ')
			*to++ = *p;
	*to = 0;
	return text->p;
}

static int no_operand(struct text *t, const char *name)
{
	char forms[160] = "";
	size_t used = 0;
	struct loc at;

	skip(t);
	at = loc(t, t->p, t->end);
	for (u32 id = 1; id < CBPF_OPS && used < sizeof(forms) - 24; id++)
		if (!strcmp(cbpf_ops[id].name, name)) {
			struct buf text = {0};

			cbpf_dis(&text, &(struct cbpf_insn){.code = cbpf_ops[id].code}, 0);
			used += (size_t)snprintf(forms + used, sizeof(forms) - used, "%s%s",
						 used ? ", " : "", squeeze(&text));
			buf_free(&text);
		}
	return diag_error(t->d, at, NULL, "%s does not take this: it is %s", name, forms);
}

static int no_name(struct text *t, const char *name, struct loc at)
{
	struct near near = {.word = name};
	char hint[48];

	for (u32 id = 1; id < CBPF_OPS; id++)
		near_try(&near, cbpf_ops[id].name);
	for (const struct cbpf_alias *a = cbpf_aliases; a->name; a++)
		near_try(&near, a->name);
	snprintf(hint, sizeof(hint), "did you mean '%s'?", near.best ? near.best : "");
	return diag_error(t->d, at, near.best ? hint : NULL, "there is no operation '%s'", name);
}

static int instruction(struct text *t)
{
	struct cbpf_insn in;
	struct loc at;
	const char *name = word(t, &at);
	const struct cbpf_op *op;
	bool known = false, swapped = false;
	int err = 0;

	if (!name)
		return diag_error(t->d, at, NULL, "here belongs an instruction");
	op = find(t, name, &in, &known);
	for (const struct cbpf_alias *a = next_alias(cbpf_aliases, name); a && !op;
	     a = next_alias(a + 1, name)) {
		op = find(t, a->of, &in, &known);
		swapped = a->swapped;
		name = known && !op ? a->of : name;
	}
	if (!op)
		return known ? no_operand(t, name) : no_name(t, name, at);
	if (op->way == CBPF_JUMP)
		err = target(t, SLOT_K);
	else if (op->way == CBPF_BRANCH)
		err = branch(t, swapped);
	skip(t);
	if (!err && t->p < t->end)
		err = diag_error(t->d, loc(t, t->p, t->end), NULL, "the line should end here");
	if (!err && t->out->insns.n >= CBPF_INSNS_MOST)
		err = diag_error(t->d, at, NULL, "a filter has %u instructions at most",
				 CBPF_INSNS_MOST);
	vec_push(t->arena, &t->out->insns, in);
	vec_push(t->arena, &t->out->lines, t->line);
	return err;
}

/* ---- labels */

static int label(struct text *t, const char *name, struct loc at)
{
	void **place = dict_put(&t->labels, name);

	if (*place)
		return diag_error(t->d, at, NULL, "there is a label '%s' already", name);
	*place = (void *)(uintptr_t)(t->out->insns.n + 1);
	return 0;
}

/* "(002)", "next:", in front */
static int labels(struct text *t)
{
	struct loc at;
	u32 n;
	int err;

	skip(t);
	if (is_next(t, "(")) {
		const char *from = t->p;

		if (!number(t, &n) || !is_next(t, ")"))
			return diag_error(t->d, loc(t, from, t->p), NULL,
					  "here belongs the number of the instruction, and ')'");
		err = label(t, arena_printf(t->arena, "%u", n), loc(t, from, t->p));
		if (err)
			return err;
	}
	for (;;) {
		const char *from = t->p, *name = word(t, &at);

		if (!name || peek(t) != ':') {
			t->p = from;
			return 0;
		}
		t->p++;
		err = label(t, name, at);
		if (err)
			return err;
		skip(t);
	}
}

/* The number of the instruction that is meant; -1: there is none. */
static s64 target_of(const struct text *t, const char *name)
{
	uintptr_t found = (uintptr_t)dict_get(&t->labels, name);
	u64 n = 0;

	if (found)
		return (s64)found - 1;
	for (const char *p = name; *p; p++) {
		if (*p < '0' || *p > '9' || n > CBPF_INSNS_MOST)
			return -1;
		n = n * 10 + (u64)(*p - '0');
	}
	return (s64)n;
}

static int resolve(struct text *t, const struct target *to)
{
	struct cbpf_insn *in = &t->out->insns.v[to->insn];
	s64 where = target_of(t, to->name), distance = where - to->insn - 1;

	if (where < 0) {
		struct near near = {.word = to->name};
		char hint[96];

		dict_each (e, &t->labels)
			near_try(&near, e->key);
		snprintf(hint, sizeof(hint), "did you mean '%.70s'?", near.best ? near.best : "");
		return diag_error(t->d, to->at, near.best ? hint : NULL, "there is no label '%s'",
				  to->name);
	}
	if (distance < 0)
		return diag_error(t->d, to->at, NULL,
				  "classic BPF jumps forward only: '%s' is not behind this",
				  to->name);
	if (to->slot != SLOT_K && distance > UINT8_MAX)
		return diag_error(t->d, to->at, "branch to a ja, which reaches further",
				  "'%s' is %lld instructions away: a branch reaches 255", to->name,
				  (long long)distance);
	if (to->slot == SLOT_K)
		in->k = (u32)distance;
	else if (to->slot == SLOT_JT)
		in->jt = (u8)distance;
	else
		in->jf = (u8)distance;
	return 0;
}

static const char *comment(const char *p, const char *end)
{
	const char *start = p;

	for (; p < end; p++)
		if (*p == ';' || (*p == '/' && p + 1 < end && p[1] == '/') ||
		    (*p == '#' && p == start))
			return p;
	return end;
}

int cbpf_asm(struct cbpf_code *out, struct arena *arena, const char *p, size_t size, struct diag *d)
{
	struct text t = {.out = out, .arena = arena, .d = d, .labels = {.arena = arena}};
	const char *end = p + size;
	int err = 0;

	for (t.line = 1; p < end && !err; t.line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;

		if (stop - p > LINE_MOST)
			return diag_error(d, (struct loc){t.line, 1, 1, 0}, NULL,
					  "this line is too long");
		t.line_at = t.p = p;
		t.end = comment(p, stop);
		err = labels(&t);
		skip(&t);
		if (!err && t.p < t.end)
			err = instruction(&t);
		p = nl ? nl + 1 : end;
	}
	for (u32 i = 0; i < t.targets.n && !err; i++)
		err = resolve(&t, &t.targets.v[i]);
	return err;
}
