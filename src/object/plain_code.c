/*
 * plain_code.c: the programs of an object that another compiler made.
 *
 * In:  sections with instructions, function symbols, relocations.
 * Out: struct object_prog: a program's own instructions, behind it each function that it calls or
 *      hands to a helper, in the order in which a walk meets them (libbpf's order), calls and
 *      addresses of functions with their distances filled in.
 *
 * A function of a section that libbpf knows is a program if others may see it; all of `.text`, and
 * what is static, are subprograms. An object that has nothing but `.text` is bare code: its visible
 * functions are programs of kind 0, which our own machine runs.
 */
#include "object/plain.h"

#include <errno.h>
#include <stdlib.h>

#define PROG_MOST  1000000u  /* slots of a program: what the kernel's verifier takes at most */
#define TOTAL_MOST 16000000u /* of all */
#define FUNCS_MOST 65536
#define DEPTH_MOST 256 /* nested calls while linking; a machine has 8 frames */

/* ---- functions */

static int by_section(const void *a, const void *b)
{
	const struct plain_func *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static int take_func(struct plain *p, const struct elf_symbol *sym)
{
	const struct plain_section *s = &p->sections[sym->section];

	if (!s->s.data || sym->value % 8 || sym->size % 8 || sym->value >= s->s.size ||
	    sym->size > s->s.size - sym->value || s->s.size / 8 > UINT32_MAX || !*sym->name)
		return plain_broken(p, "%s: section %s: function '%s' lies outside of it", p->name,
				    s->s.name, sym->name);
	if (p->funcs.n == FUNCS_MOST)
		return plain_broken(p, "%s has more than %u functions", p->name, FUNCS_MOST);
	vec_push(&p->arena, &p->funcs,
		 (struct plain_func){.name = sym->name,
				     .section = sym->section,
				     .at = (u32)(sym->value / 8),
				     .n = (u32)(sym->size / 8),
				     .global = sym->bind != ELF_LOCAL,
				     .bytes = s->s.data + sym->value});
	return 0;
}

/* Of two names for one place the first counts; a symbol without a size goes up to the next. */
static int check_funcs(struct plain *p)
{
	u32 n = 0;

	for (u32 i = 0; i < p->funcs.n; i++) {
		struct plain_func *f = &p->funcs.v[i], *last = n ? &p->funcs.v[n - 1] : NULL;

		if (last && last->section == f->section) {
			if (last->at == f->at)
				continue;
			if (!last->n)
				last->n = f->at - last->at;
			if (f->at - last->at < last->n)
				return plain_broken(p,
						    "%s: section %s: functions '%s' and '%s' "
						    "overlap",
						    p->name, p->sections[f->section].s.name,
						    last->name, f->name);
		}
		p->funcs.v[n++] = *f;
	}
	p->funcs.n = n;
	for (u32 i = 0; i < n; i++) {
		struct plain_func *f = &p->funcs.v[i];

		if (!f->n)
			f->n = (u32)(p->sections[f->section].s.size / 8) - f->at;
	}
	return 0;
}

/* Which functions are programs. */
static int choose_programs(struct plain *p)
{
	bool any = false;

	for (u32 i = 0; i < p->funcs.n; i++) {
		struct plain_func *f = &p->funcs.v[i];
		const char *section = p->sections[f->section].s.name, *near;

		if (!strcmp(section, ".text") || !f->global)
			continue;
		near = sec_find(section) ? NULL : sec_nearest(section);
		if (!sec_find(section))
			return diag_fail(
				p->d, -EINVAL,
				near ? arena_printf(&p->arena, "did you mean SEC(\"%s\")?", near)
				     : "name the section as libbpf does: SEC(\"xdp\"), "
				       "SEC(\"tracepoint/syscalls/sys_enter_openat\"), ...",
				"%s: section '%s' is no kind of program (function '%s')", p->name,
				section, f->name);
		f->is_program = any = true;
	}
	for (u32 i = 0; i < p->funcs.n && !any; i++)
		p->funcs.v[i].is_program = p->funcs.v[i].global;
	return 0;
}

int plain_funcs(struct plain *p)
{
	struct elf_symbol sym;
	int err = 0;

	for (u64 i = 0; plain_symbol(p, i, &sym) && !err; i++)
		if (sym.type == ELF_FUNC && sym.section && sym.section < p->elf.nsections &&
		    p->sections[sym.section].role == ROLE_CODE)
			err = take_func(p, &sym);
	if (err)
		return err;
	if (p->funcs.n)
		qsort(p->funcs.v, p->funcs.n, sizeof(*p->funcs.v), by_section);
	err = check_funcs(p);
	return err ? err : choose_programs(p);
}

struct plain_func *plain_func_at(struct plain *p, u32 section, u64 slot)
{
	u32 low = 0, high = p->funcs.n;

	while (low < high) {
		u32 mid = (low + high) / 2;
		struct plain_func *f = &p->funcs.v[mid];

		if (f->section < section || (f->section == section && f->at + f->n <= slot))
			low = mid + 1;
		else
			high = mid;
	}
	if (low < p->funcs.n && p->funcs.v[low].section == section && p->funcs.v[low].at <= slot)
		return &p->funcs.v[low];
	return NULL;
}

/* ---- relocations */

static struct insn insn_at(const struct plain_func *f, u32 slot)
{
	struct insn i;

	memcpy(&i, f->bytes + 8 * (size_t)slot, sizeof(i));
	return i;
}

static bool is_ld_imm64(const struct insn *i)
{
	return i->code == (BPF_LD | BPF_IMM | BPF_DW);
}

/* A function, by the byte of a section where it starts. */
static bool target_func(struct plain *p, u32 section, u64 byte, struct plain_reloc *out)
{
	struct plain_func *f = byte % 8 ? NULL : plain_func_at(p, section, byte / 8);

	if (!f || f->at != byte / 8)
		return false;
	out->target = TARGET_FUNC;
	out->index = (u32)(f - p->funcs.v);
	return true;
}

/* Data, a map or a function in a section of ours. imm: what the instruction adds. */
static bool target_section(struct plain *p, const struct elf_symbol *sym, s64 imm,
			   struct plain_reloc *out)
{
	const struct plain_section *s = &p->sections[sym->section];
	u64 byte = sym->value + (u64)imm;
	s64 map;

	switch (s->role) {
	case ROLE_DATA:
		out->target = TARGET_DATA;
		out->index = s->map;
		out->off = (u32)byte;
		return byte < s->s.size;
	case ROLE_MAPS:
	case ROLE_LEGACY:
		map = plain_map_at(p, sym->section, byte);
		out->target = TARGET_MAP;
		out->index = (u32)map;
		return map >= 0;
	case ROLE_CODE: return target_func(p, sym->section, byte, out);
	default: return false;
	}
}

static bool target_extern(struct plain *p, const struct elf_symbol *sym, bool call,
			  struct plain_reloc *out)
{
	s64 i = plain_extern(p, sym->name);
	const struct object_extern *x = i < 0 ? NULL : &p->o->externs.v[i];

	if (!x || call != (x->kind == EXTERN_FUNCTION))
		return false;
	out->target = TARGET_EXTERN;
	out->index = (u32)i;
	if (x->kind == EXTERN_CONFIG) {
		out->target = TARGET_DATA;
		out->index = p->config_map - 1;
		out->off = x->off;
	}
	return true;
}

/* What an instruction holds beside its relocation: bytes to be added to the symbol. */
static s64 addend_of(const struct plain *p, const struct elf_symbol *sym, const struct insn *i)
{
	bool call = i->code == (BPF_JMP | BPF_CALL);

	if (p->gnu && sym->type != ELF_SECTION)
		return (s64)i->imm + call - (s64)sym->value;
	return call ? ((s64)i->imm + 1) * 8 : i->imm;
}

static bool find_target(struct plain *p, const struct elf_reloc *r, const struct elf_symbol *sym,
			const struct insn *i, struct plain_reloc *out)
{
	bool call = i->code == (BPF_JMP | BPF_CALL);
	s64 imm = addend_of(p, sym, i);

	if (!call && !is_ld_imm64(i))
		return false;
	if (sym->section == ELF_SHN_UNDEF)
		return target_extern(p, sym, call, out);
	if (sym->section >= p->elf.nsections)
		return false;
	/* with an explicit addend the instruction holds nothing */
	return target_section(p, sym, r->addend ? r->addend : imm, out) &&
	       call <= (out->target == TARGET_FUNC);
}

static int take_reloc(struct plain *p, u32 section, const struct elf_reloc *r)
{
	struct plain_func *f = plain_func_at(p, section, r->offset / 8);
	const char *where = p->sections[section].s.name;
	struct elf_symbol sym = {.name = "?"};
	struct plain_reloc out = {0};
	struct insn i;

	if (!f || r->offset % 8 || !plain_symbol(p, r->symbol, &sym))
		return plain_broken(p,
				    "%s: section %s: a relocation at byte %llu, which is in no "
				    "function",
				    p->name, where, (unsigned long long)r->offset);
	out.insn = (u32)(r->offset / 8) - f->at;
	i = insn_at(f, out.insn);
	if (is_ld_imm64(&i) && f->n - out.insn < 2)
		return plain_broken(p,
				    "%s: section %s: function '%s' ends inside of an instruction",
				    p->name, where, f->name);
	if (!find_target(p, r, &sym, &i, &out))
		return plain_broken(p,
				    "%s: section %s: function '%s', instruction %u refers to '%s', "
				    "which is nothing that a program can name",
				    p->name, where, f->name, out.insn,
				    *sym.name || sym.section >= p->elf.nsections
					    ? sym.name
					    : p->sections[sym.section].s.name);
	vec_push(&p->arena, &f->relocs, out);
	return 0;
}

static int by_insn(const void *a, const void *b)
{
	const struct plain_reloc *x = a, *y = b;

	return x->insn < y->insn ? -1 : x->insn > y->insn;
}

/* The assembler of binutils up to 2.41 leaves the symbol's own value in the instruction, too, in
 * bytes also where calls count in slots. Such an object is one of gcc in which all do. */
static void look_for_gnu(struct plain *p)
{
	struct elf_section comment;
	struct elf_symbol sym;
	struct elf_reloc r;

	p->gnu = elf_find(&p->elf, ".comment", &comment) && comment.data &&
		 memmem(comment.data, comment.size, "GCC:", 4);
	for (u32 i = 1; i < p->elf.nsections && p->gnu; i++) {
		const struct elf_section *s = &p->sections[i].s;

		if (s->type != ELF_RELS || s->info >= p->elf.nsections ||
		    p->sections[s->info].role != ROLE_CODE)
			continue;
		for (u64 j = 0; elf_reloc(s, j, &r) && p->gnu; j++) {
			const struct plain_func *f = plain_func_at(p, s->info, r.offset / 8);

			if (f && plain_symbol(p, r.symbol, &sym) && sym.type != ELF_SECTION)
				p->gnu =
					(u64)(s64)insn_at(f, (u32)(r.offset / 8) - f->at).imm + 1 >=
					sym.value;
		}
	}
}

int plain_relocs(struct plain *p)
{
	struct elf_reloc r;
	int err = 0;

	look_for_gnu(p);

	for (u32 i = 1; i < p->elf.nsections; i++) {
		const struct elf_section *s = &p->sections[i].s;

		if ((s->type != ELF_RELS && s->type != ELF_RELA) || s->info >= p->elf.nsections ||
		    p->sections[s->info].role != ROLE_CODE)
			continue;
		for (u64 j = 0; !err && elf_reloc(s, j, &r); j++)
			err = take_reloc(p, s->info, &r);
	}
	for (u32 i = 0; i < p->funcs.n && !err; i++) {
		struct plain_func *f = &p->funcs.v[i];

		if (f->relocs.n)
			qsort(f->relocs.v, f->relocs.n, sizeof(*f->relocs.v), by_insn);
		for (u32 j = 1; j < f->relocs.n; j++)
			if (f->relocs.v[j].insn == f->relocs.v[j - 1].insn)
				return plain_broken(p,
						    "%s: section %s: function '%s', instruction %u "
						    "is relocated twice",
						    p->name, p->sections[f->section].s.name,
						    f->name, f->relocs.v[j].insn);
	}
	return err;
}

/* ---- programs */

static int link_func(struct plain *, struct code *, struct plain_func *, u32 depth);

/* Appends a function's instructions and what belongs to them, all moved to its slot. */
static int append(struct plain *p, struct code *c, struct plain_func *f)
{
	struct object *o = p->o;
	u32 at = c->insns.n;
	char *name;

	if (f->n > PROG_MOST - at || (p->slots += f->n) > TOTAL_MOST)
		return plain_broken(p,
				    "%s: function '%s' makes a program of more than %u "
				    "instructions",
				    p->name, f->name, PROG_MOST);
	name = arena_strdup(&o->arena, f->name);
	for (char *dot = name; (dot = strchr(dot, '.'));) /* gcc: "function.constprop.0" */
		*dot = '_';
	f->linked = at + 1;
	for (u32 i = 0; i < f->n; i++)
		vec_push(&o->arena, &c->insns, insn_at(f, i));
	vec_push(&o->arena, &c->funcs,
		 (struct code_func){.insn = at, .type = f->type, .name = name});
	vec_each (l, &f->lines) {
		struct code_line line = *l;

		line.insn += at;
		vec_push(&o->arena, &c->lines, line);
	}
	vec_each (r, &f->cores) {
		struct code_core core = *r;

		core.insn += at;
		vec_push(&o->arena, &c->cores, core);
	}
	return 0;
}

/* A call, or an address, of a function: it joins the program if it is not there yet. */
static int link_callee(struct plain *p, struct code *c, u32 slot, struct plain_func *callee,
		       u32 depth)
{
	struct insn *i;
	int err = 0;

	if (!callee->linked) {
		err = append(p, c, callee);
		if (!err)
			err = link_func(p, c, callee, depth + 1);
	}
	if (err)
		return err;
	i = &c->insns.v[slot];
	i->imm = (s32)(callee->linked - 1) - (s32)slot - 1;
	i->src = is_ld_imm64(i) ? BPF_PSEUDO_FUNC : BPF_PSEUDO_CALL;
	return 0;
}

static int link_reloc(struct plain *p, struct code *c, const struct plain_reloc *r, u32 slot,
		      u32 depth)
{
	struct arena *a = &p->o->arena;
	struct insn *i = &c->insns.v[slot];

	switch (r->target) {
	case TARGET_FUNC: return link_callee(p, c, slot, &p->funcs.v[r->index], depth);
	case TARGET_EXTERN:
		vec_push(a, &c->externs, (struct code_extern){.insn = slot, .index = r->index});
		break;
	default:
		i[0].src = r->target == TARGET_DATA ? BPF_PSEUDO_MAP_VALUE : BPF_PSEUDO_MAP_FD;
		i[0].imm = 0;
		i[1].imm = r->target == TARGET_DATA ? (s32)r->off : 0;
		vec_push(a, &c->relocs,
			 (struct code_reloc){.insn = slot,
					     .map = r->index,
					     .off = r->target == TARGET_DATA ? r->off : 0,
					     .data = r->target == TARGET_DATA});
	}
	return 0;
}

/* A call inside of a section that the compiler has resolved already. */
static int link_near(struct plain *p, struct code *c, const struct plain_func *f, u32 insn,
		     u32 slot, u32 depth)
{
	s64 to = (s64)f->at + insn + 1 + c->insns.v[slot].imm;
	struct plain_func *callee = to < 0 ? NULL : plain_func_at(p, f->section, (u64)to);

	if (!callee || callee->at != to)
		return plain_broken(
			p,
			"%s: section %s: function '%s', instruction %u calls what is no "
			"function",
			p->name, p->sections[f->section].s.name, f->name, insn);
	return link_callee(p, c, slot, callee, depth);
}

/* Walks a function that has been appended. */
static int link_func(struct plain *p, struct code *c, struct plain_func *f, u32 depth)
{
	u32 next = 0, at = f->linked - 1;
	int err = 0;

	if (depth == DEPTH_MOST)
		return plain_broken(p, "%s: function '%s' is called %u functions deep", p->name,
				    f->name, depth);
	for (u32 i = 0; i < f->n && at + i < c->insns.n && !err; i++) {
		struct insn *insn = &c->insns.v[at + i];
		bool wide = is_ld_imm64(insn), call = insn->code == (BPF_JMP | BPF_CALL);

		if (next < f->relocs.n && f->relocs.v[next].insn == i)
			err = link_reloc(p, c, &f->relocs.v[next++], at + i, depth);
		else if (call && insn->src == BPF_PSEUDO_CALL)
			err = link_near(p, c, f, i, at + i, depth);
		i += wide;
		while (next < f->relocs.n && f->relocs.v[next].insn <= i)
			next++; /* in the second slot of an instruction: nothing */
	}
	return err;
}

static int by_slot_reloc(const void *a, const void *b)
{
	const struct code_reloc *x = a, *y = b;

	return x->insn < y->insn ? -1 : x->insn > y->insn;
}

static int by_slot_extern(const void *a, const void *b)
{
	const struct code_extern *x = a, *y = b;

	return x->insn < y->insn ? -1 : x->insn > y->insn;
}

/* The walk goes into a callee before it goes on: lists are in its order, not in that of slots. */
static void sort_lists(struct code *c)
{
	if (c->relocs.n)
		qsort(c->relocs.v, c->relocs.n, sizeof(*c->relocs.v), by_slot_reloc);
	if (c->externs.n)
		qsort(c->externs.v, c->externs.n, sizeof(*c->externs.v), by_slot_extern);
}

static int add_program(struct plain *p, struct plain_func *f)
{
	struct object *o = p->o;
	const char *section = p->sections[f->section].s.name;
	const struct sec *sec = strcmp(section, ".text") ? sec_find(section) : NULL;
	struct object_prog *prog;
	struct code c = {0};
	int err;

	for (u32 i = 0; i < p->funcs.n; i++)
		p->funcs.v[i].linked = 0;
	err = append(p, &c, f);
	if (!err)
		err = link_func(p, &c, f, 0);
	if (err)
		return err;
	sort_lists(&c);
	prog = vec_add(&o->arena, &o->progs);
	*prog = (struct object_prog){
		.name = arena_strdup(&o->arena, f->name),
		.section = arena_strdup(&o->arena, section),
		.probe = arena_strdup(&o->arena, f->name),
		.kind = sec ? sec->kind : 0,
		.attach_type = sec ? sec->attach_type : 0,
		.flags = sec ? sec->flags : 0,
		.optional = *section == '?',
		.code = c,
	};
	return 0;
}

int plain_programs(struct plain *p)
{
	int err = 0;

	for (u32 i = 0; i < p->funcs.n && !err; i++)
		if (p->funcs.v[i].is_program)
			err = add_program(p, &p->funcs.v[i]);
	if (!err && !p->o->progs.n)
		return diag_fail(p->d, -EINVAL,
				 "a program is a function in a section of its own: "
				 "SEC(\"xdp\") int prog(struct xdp_md *ctx)",
				 "%s: there is no program in it", p->name);
	return err;
}
