/*
 * core.c: CO-RE: reads the records of a program, asks for the machine's types, changes
 * instructions.
 *
 * In:  records with a path as text ("0:1:2"), our types, the machine's types.
 * Out: instructions with offsets, sizes, numbers as they are there; loads and stores as wide as the
 *      field is there, where that is safe: pointers, and integers without sign.
 */
#include "object/core.h"

#include <errno.h>
#include <stdlib.h>

struct answer {
	bool poison; /* there is none */
	u64 value;
	u32 size, type; /* FIELD_OFFSET of no bitfield: bytes and type of the field; else 0 */
	bool check;     /* the instruction must hold what our own types say */
};
struct resolver {
	struct object *o;
	struct object_prog *prog;
	struct code_core *core;
	struct diag *d;
	struct btf *local, *target;
	const struct core_types *types;
};

/* ---- what it is about, for messages */

static void describe(struct buf *out, const struct core_spec *s, u32 kind)
{
	static const char *const words[] = {[BTF_STRUCT] = "struct ",
					    [BTF_UNION] = "union ",
					    [BTF_ENUM] = "enum ",
					    [BTF_ENUM64] = "enum ",
					    [BTF_ENUM64 + 1] = ""};
	const struct btf_type *t = btf_type(s->btf, s->root);

	if (!t)
		return;
	buf_puts(out, t->kind < ARRAY_SIZE(words) && words[t->kind] ? words[t->kind] : "");
	buf_puts(out, *t->name ? t->name : "(anonymous)");
	if (core_is_enum(kind) && s->n)
		buf_printf(out, "::%s", s->steps[0].name);
	for (u32 i = 0; core_is_field(kind) && i < s->n; i++) {
		if (s->steps[i].name)
			buf_printf(out, ".%s", s->steps[i].name);
		else if (i || s->steps[i].index)
			buf_printf(out, "[%u]", s->steps[i].index);
	}
}

static int refuse(struct resolver *r, const struct core_spec *s, const char *hint, const char *why)
{
	struct buf what = {0};
	int err;

	if (s)
		describe(&what, s, r->core->kind);
	err = diag_fail(r->d, -EINVAL, hint, "%s: section %s: program '%s', instruction %u: %s%s%s",
			r->o->source_name, r->prog->section, r->prog->name, r->core->insn,
			buf_str(&what), s ? " " : "", why);
	buf_free(&what);
	return err;
}

/* ---- the path as the compiler wrote it */

static bool spec_member(struct core_spec *s, const struct btf_type *t, u32 index, u32 *id)
{
	const struct btf_member *m;

	if (index >= t->n)
		return false;
	m = &t->members[index];
	s->bit_off += m->bit_off;
	*id = m->type;
	/* members without a name are gone through: there they may be elsewhere */
	if (*m->name)
		s->steps[s->n++] = (struct core_step){t->id, index, m->name};
	return true;
}

static bool spec_step(struct core_spec *s, u32 index, u32 *id)
{
	const struct btf_type *t = btf_type(s->btf, btf_skip(s->btf, *id));
	u64 size;

	if (!t || s->n == CORE_DEPTH)
		return false;
	if (t->kind == BTF_STRUCT || t->kind == BTF_UNION)
		return spec_member(s, t, index, id);
	if (t->kind != BTF_ARRAY || (index >= t->n && !core_flexible(s, t)))
		return false;
	*id = btf_skip(s->btf, t->type);
	if (!btf_sizeof(s->btf, *id, &size))
		return false;
	s->steps[s->n++] = (struct core_step){*id, index, NULL};
	s->bit_off += index * size * 8;
	return true;
}

static bool spec_first(struct core_spec *s, u32 kind, u32 index)
{
	u32 id = btf_skip(s->btf, s->root);
	const struct btf_type *t = btf_type(s->btf, id);
	u64 size;

	if (!t || !s->root)
		return false;
	if (core_is_enum(kind)) {
		if ((t->kind != BTF_ENUM && t->kind != BTF_ENUM64) || index >= t->n)
			return false;
		s->steps[s->n++] = (struct core_step){id, index, t->values[index].name};
		return true;
	}
	if (!core_is_field(kind))
		return !index;
	if (!btf_sizeof(s->btf, id, &size))
		return false;
	s->steps[s->n++] = (struct core_step){id, index, NULL};
	s->bit_off = index * size * 8;
	return true;
}

static bool spec_parse(struct core_spec *s, struct btf *local, const struct code_core *c)
{
	const char *p = c->access;
	u32 id = c->type;

	*s = (struct core_spec){.btf = local, .root = id};
	for (u32 i = 0; *p || !i; i++) {
		char *end;
		unsigned long index = strtoul(p, &end, 10);

		if (end == p || (*end && *end != ':') || index > UINT32_MAX || *p < '0' || *p > '9')
			return false;
		if (i && !core_is_field(c->kind))
			return false;
		if (i ? !spec_step(s, (u32)index, &id) : !spec_first(s, c->kind, (u32)index))
			return false;
		p = end + (*end == ':' && end[1]);
	}
	return true;
}

void core_describe(struct buf *out, struct btf *local, const struct code_core *c)
{
	struct core_spec s;

	if (local && spec_parse(&s, local, c))
		describe(out, &s, c->kind);
	else
		buf_puts(out, "?");
}

/* ---- answers */

struct place { /* of a field */
	u64 byte_off, bytes, bit_off, bits;
	const struct btf_type *type; /* without qualifiers */
	bool bitfield;
};

/* A bitfield lies in a word of its declared type, or the next larger one. */
static bool place_of(const struct core_spec *s, struct place *out)
{
	const struct core_step *last = &s->steps[s->n - 1];
	const struct btf_type *of = btf_type(s->btf, last->type);
	u32 type = last->name ? of->members[last->index].type : last->type;

	*out = (struct place){.bit_off = s->bit_off, .byte_off = s->bit_off / 8};
	out->type = btf_type(s->btf, btf_skip(s->btf, type));
	out->bits = last->name ? of->members[last->index].bits : 0;
	out->bitfield = out->bits;
	if (!out->type || !btf_sizeof(s->btf, type, &out->bytes))
		return false;
	if (!out->bitfield) {
		out->bits = out->bytes * 8;
		return true;
	}
	if (!out->bytes || out->bytes > 8)
		return false;
	for (;; out->bytes *= 2) {
		out->byte_off = s->bit_off / 8 / out->bytes * out->bytes;
		if (s->bit_off + out->bits - out->byte_off * 8 <= out->bytes * 8)
			return true;
		if (out->bytes >= 8)
			return false;
	}
}

static bool is_signed(const struct btf_type *t)
{
	return (t->kind == BTF_INT || t->kind == BTF_ENUM || t->kind == BTF_ENUM64) && t->is_signed;
}

/* s NULL: the machine has no such field. False: this cannot be asked of it. */
static bool answer_field(const struct core_spec *s, u32 kind, struct answer *a)
{
	struct place p;

	a->poison = !s && kind != CORE_FIELD_EXISTS;
	a->check = true;
	a->value = s != NULL;
	if (!s || kind == CORE_FIELD_EXISTS)
		return true;
	if (!place_of(s, &p) || (!s->steps[s->n - 1].name && kind > CORE_FIELD_SIZE))
		return false;
	a->check = !p.bitfield;
	switch (kind) {
	case CORE_FIELD_OFFSET:
		a->value = p.byte_off;
		a->size = p.bitfield ? 0 : (u32)p.bytes;
		a->type = p.bitfield ? 0 : p.type->id;
		break;
	case CORE_FIELD_SIZE: a->value = p.bytes; break;
	case CORE_FIELD_SIGNED:
		a->value = is_signed(p.type);
		a->check = true;
		break;
	case CORE_FIELD_LSHIFT: a->value = 64 - (p.bit_off + p.bits - p.byte_off * 8); break;
	default: a->value = 64 - p.bits; a->check = true;
	}
	return true;
}

static bool answer_type(const struct core_spec *s, u32 kind, struct answer *a)
{
	u64 size = 0;

	a->check = true;
	a->value = s != NULL;
	if (!s)
		return true;
	if (kind == CORE_TYPE_ID_LOCAL || kind == CORE_TYPE_ID_TARGET) {
		a->value = s->root;
		a->check = false;
	} else if (kind == CORE_TYPE_SIZE) {
		if (!btf_sizeof(s->btf, s->root, &size))
			return false;
		a->value = size;
	}
	return true;
}

static bool answer_enum(const struct core_spec *s, u32 kind, struct answer *a)
{
	const struct btf_type *t = s ? btf_type(s->btf, s->steps[0].type) : NULL;

	a->check = true;
	a->poison = !s && kind == CORE_ENUM_VALUE;
	a->value = s != NULL;
	if (s && kind == CORE_ENUM_VALUE)
		a->value = (u64)t->values[s->steps[0].index].value;
	return true;
}

static bool answer_of(const struct core_spec *s, u32 kind, struct answer *a)
{
	*a = (struct answer){0};
	if (core_is_field(kind))
		return answer_field(s, kind, a);
	return core_is_enum(kind) ? answer_enum(s, kind, a) : answer_type(s, kind, a);
}

/* ---- candidates */

/* Types of the machine by kind and name. One whose own name has a flavour is found in BTF that is
 * in memory; the kernel's index knows whole names. */
static u32 next_candidate(struct btf *btf, const struct btf_type *ours, const char *name, u32 after)
{
	static const u8 enums[] = {BTF_ENUM, BTF_ENUM64};
	bool is_enum = ours->kind == BTF_ENUM || ours->kind == BTF_ENUM64;
	u32 best = 0;

	for (u32 i = 0; i < (is_enum ? 2 : 1); i++) {
		u32 id = btf_find_flavour(btf, name, is_enum ? enums[i] : ours->kind, after);

		if (id && (!best || id < best))
			best = id;
	}
	return best;
}

/* The answer of all candidates that match. 0, or -EINVAL when two of them differ. */
static int ask(struct resolver *r, const struct core_spec *ours, struct answer *a)
{
	const struct btf_type *t = btf_type(r->local, r->core->type);
	char *name = arena_strndup(&r->o->arena, t->name, core_name_len(t->name));
	struct core_spec there, first;
	bool found = false;

	for (u32 id = 0; (id = next_candidate(r->target, t, name, id));) {
		struct answer b;

		if (!core_match(ours, r->core->kind, r->target, id, &there))
			continue;
		if (!answer_of(&there, r->core->kind, &b))
			return refuse(r, ours, NULL, "cannot be asked of this machine's types");
		if (found && (b.value != a->value || there.bit_off != first.bit_off))
			return refuse(r, ours, "give the types of one kernel",
				      "is described twice there, and differently");
		if (!found) {
			first = there;
			*a = b;
		}
		found = true;
	}
	if (!found)
		answer_of(NULL, r->core->kind, a);
	return 0;
}

/* ---- instructions */

static bool is_ld_imm64(const struct insn *i)
{
	return i->code == (BPF_LD | BPF_IMM | BPF_DW);
}

static void poison(struct resolver *r, struct insn *i, const struct core_spec *s)
{
	const struct insn bad = {.code = BPF_JMP | BPF_CALL, .imm = CORE_POISON};
	struct buf what = {0};

	if (is_ld_imm64(i))
		i[1] = bad;
	*i = bad;
	describe(&what, s, r->core->kind);
	r->core->missing = arena_strdup(&r->o->arena, buf_str(&what));
	buf_free(&what);
}

/* A field of another size: pointers, and integers of no sign, can be read with the other width. */
static bool can_resize(struct resolver *r, const struct answer *ours, const struct answer *there)
{
	const struct btf_type *a = btf_type(r->local, ours->type),
			      *b = btf_type(r->target, there->type);

	if (ours->size == there->size)
		return true;
	if (!a || !b || a->kind != b->kind)
		return false;
	return a->kind == BTF_PTR || (a->kind == BTF_INT && !a->is_signed && !b->is_signed);
}

static int patch_memory(struct resolver *r, struct insn *i, const struct core_spec *s,
			const struct answer *ours, const struct answer *there)
{
	static const s8 sizes[] = {[1] = BPF_B, [2] = BPF_H, [4] = BPF_W, [8] = BPF_DW};
	static const u8 bytes[] = {
		[BPF_W >> 3] = 4, [BPF_H >> 3] = 2, [BPF_B >> 3] = 1, [BPF_DW >> 3] = 8};

	if (ours->check && (u64)(s64)i->off != ours->value)
		return refuse(r, s, NULL, "is not what the instruction reads");
	if (there->value > INT16_MAX)
		return refuse(r, s, "read it by its address",
			      "is too far away in its struct there");
	if (!can_resize(r, ours, there)) {
		poison(r, i, s); /* libbpf: refused only where it is reached */
		return 0;
	}
	i->off = (s16)there->value;
	if (ours->size == there->size)
		return 0;
	if (bytes[(i->code & 0x18) >> 3] != ours->size || there->size > 8 ||
	    (there->size & (there->size - 1)) || !there->size)
		return refuse(r, s, NULL, "has another size there, which one load cannot take");
	i->code = (u8)((i->code & ~0x18) | sizes[there->size]);
	return 0;
}

static int patch(struct resolver *r, const struct core_spec *s, const struct answer *ours,
		 const struct answer *there)
{
	struct insn *i = &r->prog->code.insns.v[r->core->insn];
	u64 wide;

	if (is_ld_imm64(i) && r->core->insn + 1 >= r->prog->code.insns.n)
		return refuse(r, s, NULL, "is at the end of the program");
	if (there->poison) {
		poison(r, i, s);
		return 0;
	}
	switch (i->code & 7) {
	case BPF_ALU:
	case BPF_ALU64:
		if (i->code & BPF_X || (ours->check && (s64)i->imm != (s64)(s32)ours->value))
			break;
		i->imm = (s32)there->value;
		return 0;
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX: return patch_memory(r, i, s, ours, there);
	case BPF_LD:
		if (!is_ld_imm64(i))
			break;
		wide = (u32)i[0].imm | (u64)(u32)i[1].imm << 32;
		if (ours->check && wide != ours->value)
			break;
		i[0].imm = (s32)there->value;
		i[1].imm = (s32)(there->value >> 32);
		return 0;
	}
	return refuse(r, s, NULL, "is not what the instruction holds");
}

/* ---- all records */

static int resolve_one(struct resolver *r)
{
	const struct btf_type *t = btf_type(r->local, r->core->type);
	struct answer ours, there;
	struct core_spec spec;
	int err = 0;

	if (r->core->kind >= CORE_KINDS)
		return refuse(r, NULL, "this waggle is older than the compiler",
			      "asks for something unknown of a type");
	if (!t || !spec_parse(&spec, r->local, r->core) || !answer_of(&spec, r->core->kind, &ours))
		return refuse(r, NULL, "compile the object again",
			      "a record of .BTF.ext is broken");
	if (r->core->kind == CORE_TYPE_ID_LOCAL) {
		there = ours;
		return patch(r, &spec, &ours, &there);
	}
	if (!*t->name)
		return refuse(r, &spec, "give the type a name", "has no name to be found by");
	if (!r->target)
		r->target = r->types->target(r->types->user, r->d);
	if (!r->target)
		return -ENOENT;
	err = ask(r, &spec, &there);
	return err ? err : patch(r, &spec, &ours, &there);
}

int core_resolve(struct object *o, struct object_prog *prog, struct btf *local,
		 const struct core_types *types, struct diag *d)
{
	struct resolver r = {.o = o, .prog = prog, .d = d, .local = local, .types = types};
	int err = 0;

	vec_each (c, &prog->code.cores) {
		r.core = c;
		if (!err)
			err = resolve_one(&r);
	}
	return err;
}
