/*
 * plain_ext.c: what `.BTF.ext` of another compiler says of its functions.
 *
 * In:  records of functions, lines and CO-RE, by section and byte.
 * Out: the same by function and slot, so that they follow their function into each program.
 *
 * Source: Documentation/bpf/btf.rst, chapter 4.2; the third part in llvm_reloc.rst.
 */
#include "object/plain.h"

#include <errno.h>
#include <stdlib.h>

#define EXT_MAGIC  0xeb9f
#define EXT_HEADER 24 /* with CO-RE: 32 */

static u32 get32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

typedef int record_fn(struct plain *, struct plain_func *, u32 insn, const u8 *record);

static int take_func(struct plain *p, struct plain_func *f, u32 insn, const u8 *record)
{
	const struct btf_type *t = btf_type(p->btf, get32(record + 4));

	if (!insn && t && t->kind == BTF_FUNC)
		f->type = t->id;
	return 0;
}

static int take_line(struct plain *p, struct plain_func *f, u32 insn, const u8 *record)
{
	vec_push(&p->arena, &f->lines,
		 (struct code_line){.insn = insn,
				    .file = get32(record + 4),
				    .text = get32(record + 8),
				    .line = get32(record + 12)});
	return 0;
}

static int take_core(struct plain *p, struct plain_func *f, u32 insn, const u8 *record)
{
	const char *access = btf_string_at(p->btf, get32(record + 8));

	if (!access)
		return -EINVAL;
	vec_push(&p->arena, &f->cores,
		 (struct code_core){.insn = insn,
				    .type = get32(record + 4),
				    .access = arena_strdup(&p->o->arena, access),
				    .kind = get32(record + 12)});
	return 0;
}

static const struct part {
	u32 at;   /* of its offset in the header */
	u32 size; /* of a record, at least */
	record_fn *take;
} parts[] = {{8, 8, take_func}, {16, 16, take_line}, {24, 16, take_core}};

static u32 section_of(const struct plain *p, const char *name)
{
	for (u32 i = 1; i < p->elf.nsections; i++)
		if (p->sections[i].role == ROLE_CODE && !strcmp(p->sections[i].s.name, name))
			return i;
	return 0;
}

/* Records of one section; those of code that is in no function are left out. */
static int read_records(struct plain *p, const struct part *part, u32 section, const u8 *at, u32 n,
			u32 size)
{
	for (; n--; at += size) {
		u32 byte = get32(at);
		struct plain_func *f = plain_func_at(p, section, byte / 8);
		int err = f && byte % 8 == 0 ? part->take(p, f, byte / 8 - f->at, at) : 0;

		if (err)
			return err;
	}
	return 0;
}

static int read_part(struct plain *p, const struct part *part, const u8 *at, const u8 *end)
{
	u32 size = (size_t)(end - at) >= 4 ? get32(at) : 0;
	int err = 0;

	if (!size || size < part->size || size % 4)
		return -EINVAL;
	for (at += 4; (size_t)(end - at) >= 8 && !err;) {
		const char *name = btf_string_at(p->btf, get32(at));
		u32 n = get32(at + 4), section = name ? section_of(p, name) : 0;

		at += 8;
		if (!name || n > (size_t)(end - at) / size)
			return -EINVAL;
		if (section)
			err = read_records(p, part, section, at, n, size);
		at += (size_t)n * size;
	}
	return err ? err : at == end ? 0 : -EINVAL;
}

static int read_all(struct plain *p)
{
	const u8 *data = p->ext.data;
	u32 header;
	int err = 0;

	if (!data || p->ext.size < EXT_HEADER || (get32(data) & 0xffff) != EXT_MAGIC)
		return -EINVAL;
	header = get32(data + 4);
	if (header < EXT_HEADER || header > p->ext.size)
		return -EINVAL;
	for (u32 i = 0; i < ARRAY_SIZE(parts) && !err; i++) {
		u64 off, size;

		if (parts[i].at + 8 > header)
			break;
		off = (u64)header + get32(data + parts[i].at);
		size = get32(data + parts[i].at + 4);
		if (off > p->ext.size || size > p->ext.size - off || off % 4)
			return -EINVAL;
		if (size)
			err = read_part(p, &parts[i], data + off, data + off + size);
	}
	return err;
}

static int by_line(const void *a, const void *b)
{
	const struct code_line *x = a, *y = b;

	return x->insn < y->insn ? -1 : x->insn > y->insn;
}

static int by_core(const void *a, const void *b)
{
	const struct code_core *x = a, *y = b;

	return x->insn < y->insn ? -1 : x->insn > y->insn;
}

/* bpf-gcc writes no records of functions; their types are found by name. */
static void name_types(struct plain *p)
{
	for (u32 i = 0; i < p->funcs.n; i++)
		if (!p->funcs.v[i].type)
			p->funcs.v[i].type = btf_find(p->btf, p->funcs.v[i].name, BTF_FUNC);
}

int plain_ext(struct plain *p)
{
	if (!p->btf)
		return 0;
	if (p->has_ext && read_all(p))
		return plain_broken(p, "%s: section .BTF.ext is broken", p->name);
	name_types(p);
	for (u32 i = 0; i < p->funcs.n; i++) { /* compilers write them in order; others may not */
		struct plain_func *f = &p->funcs.v[i];

		if (f->lines.n)
			qsort(f->lines.v, f->lines.n, sizeof(*f->lines.v), by_line);
		if (f->cores.n)
			qsort(f->cores.v, f->cores.n, sizeof(*f->cores.v), by_core);
	}
	return 0;
}
