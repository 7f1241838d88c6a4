/*
 * plain.c: reads an object that another compiler made; see plain.h.
 *
 * In:  an ELF file for BPF without `.waggle`.
 * Out: sections sorted by what they are, then maps, data, externs, functions, programs, attach
 * rows.
 */
#include "object/parts.h"
#include "object/plain.h"

#include <errno.h>
#include <stdlib.h>

#define SECTIONS_MOST 65536

/* ---- symbols */

bool plain_symbol(const struct plain *p, u64 i, struct elf_symbol *sym)
{
	return elf_symbol(&p->symbols, &p->strings, i, sym);
}

bool plain_find(const struct plain *p, const char *name, u32 section, struct elf_symbol *sym)
{
	u32 i = (u32)(uintptr_t)dict_get(&p->by_name, name);

	for (; i && plain_symbol(p, i - 1, sym); i = p->next_of_name[i - 1])
		if (!section || sym->section == section)
			return true;
	return false;
}

/* Static variables of several files may share a name: each name has a list, the first one first. */
static void index_symbols(struct plain *p)
{
	u32 n = (u32)MIN(elf_count(&p->symbols), (u64)UINT32_MAX - 1);
	struct elf_symbol sym;

	p->by_name.arena = p->externs.arena = &p->arena;
	p->next_of_name = arena_array(&p->arena, u32, n);
	for (u32 i = n; i--;) {
		void **first;

		if (!plain_symbol(p, i, &sym) || !*sym.name || sym.type == ELF_SECTION ||
		    sym.type == ELF_FILE)
			continue;
		first = dict_put(&p->by_name, sym.name);
		p->next_of_name[i] = (u32)(uintptr_t)*first;
		*first = (void *)(uintptr_t)(i + 1);
	}
}

/* ---- sections */

static bool is_data(const char *name)
{
	static const char *const names[] = {".rodata", ".data", ".bss"};

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		size_t n = strlen(names[i]);

		if (!strncmp(name, names[i], n) && (!name[n] || name[n] == '.'))
			return true;
	}
	return false;
}

static u8 role_of(const struct elf_section *s)
{
	bool bits = s->type == ELF_PROGBITS;

	if (bits && s->flags & ELF_EXECINSTR)
		return ROLE_CODE;
	if (!strcmp(s->name, ".maps"))
		return ROLE_MAPS;
	if (!strcmp(s->name, "maps"))
		return ROLE_LEGACY;
	if ((bits || s->type == ELF_NOBITS) && is_data(s->name) && s->size)
		return ROLE_DATA;
	return ROLE_NONE;
}

static int read_sections(struct plain *p)
{
	u32 n = p->elf.nsections;

	if (n > SECTIONS_MOST)
		return plain_broken(p, "%s has %u sections", p->name, n);
	if (!elf_find_type(&p->elf, ELF_SYMTAB, &p->symbols) ||
	    !elf_section(&p->elf, p->symbols.link, &p->strings))
		return plain_broken(p, "%s: there is no symbol table", p->name);
	index_symbols(p);
	p->sections = arena_array(&p->arena, struct plain_section, n);
	for (u32 i = 1; i < n; i++) {
		struct plain_section *s = &p->sections[i];

		if (!elf_section(&p->elf, i, &s->s))
			return plain_broken(p, "%s: section %u lies outside of the file", p->name,
					    i);
		s->role = role_of(&s->s);
		if (s->role == ROLE_MAPS)
			p->map_section = i;
		if (!strncmp(s->s.name, ".struct_ops", 11))
			return diag_fail(p->d, -EOPNOTSUPP, "bpftool struct_ops register FILE does",
					 "%s: section %s: tables of kernel operations are not "
					 "loaded by waggle",
					 p->name, s->s.name);
	}
	return 0;
}

static int read_license(struct plain *p)
{
	struct elf_section s;
	const char *text = "";

	if (elf_find(&p->elf, "license", &s)) {
		text = elf_string(&s, 0);
		if (!text)
			return plain_broken(p, "%s: section license holds no text", p->name);
	}
	p->o->license = arena_strdup(&p->o->arena, text);
	return 0;
}

/* ---- BTF: sizes and places that a compiler leaves open */

const struct btf_type *plain_datasec(const struct plain *p, const char *name)
{
	u32 id = p->btf ? btf_find(p->btf, name, BTF_DATASEC) : 0;

	return id ? btf_type(p->btf, id) : NULL;
}

static void put32(u8 *at, u32 v)
{
	memcpy(at, &v, sizeof(v));
}

/* The variables of one DATASEC, whose bytes are at `raw`: 12 of the type, 12 for each. */
static int place_vars(struct plain *p, const struct btf_type *sec, u8 *raw)
{
	struct elf_section s;
	struct elf_symbol sym;

	if (!elf_find(&p->elf, sec->name, &s))
		return !sec->n || !strcmp(sec->name, ".kconfig") || !strcmp(sec->name, ".ksyms")
			       ? 0
			       : plain_broken(p,
					      "%s: there is no section %s, which the BTF describes",
					      p->name, sec->name);
	if (is_data(sec->name) && sec->n && p->sections[s.index].role != ROLE_DATA)
		return plain_broken(p, "%s: section %s holds no data", p->name, sec->name);
	put32(raw + 8, (u32)MIN(s.size, (u64)UINT32_MAX));
	for (u32 i = 0; i < sec->n; i++) {
		const struct btf_type *var = btf_type(p->btf, sec->secs[i].type);

		if (!var || var->kind != BTF_VAR || !plain_find(p, var->name, s.index, &sym))
			return plain_broken(p,
					    "%s: section %s: variable %u of its types has no "
					    "symbol",
					    p->name, sec->name, i);
		if (sym.value > s.size || sec->secs[i].size > s.size - sym.value)
			return plain_broken(p, "%s: section %s: '%s' lies outside of it", p->name,
					    sec->name, var->name);
		put32(raw + 12 + 12 * (size_t)i + 4, (u32)sym.value);
	}
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	u32 x, y;

	memcpy(&x, (const u8 *)a + 4, sizeof(x));
	memcpy(&y, (const u8 *)b + 4, sizeof(y));
	return x < y ? -1 : x > y;
}

/* All DATASECs; the types were walked by btf_open_raw(), so their sizes are right. */
static int place_datasecs(struct plain *p)
{
	for (u32 id = 1; id <= btf_count(p->btf); id++) {
		const struct btf_type *t = btf_type(p->btf, id);
		u32 at, size;
		int err;

		if (!t || !btf_raw(p->btf, id, &at, &size))
			return plain_broken(p, "%s: section .BTF: type %u is broken", p->name, id);
		if (t->kind != BTF_DATASEC)
			continue;
		err = place_vars(p, t, p->o->btf + at);
		if (err)
			return err;
		qsort(p->o->btf + at + 12, t->n, 12, by_offset);
	}
	return 0;
}

/* A function that is hidden (libbpf's __hidden) is looked at where it is called, as a static one;
 * by itself the verifier would know nothing of its arguments. */
static void hide_functions(struct plain *p)
{
	struct elf_symbol sym;
	u32 id, at, size;

	for (u64 i = 0; plain_symbol(p, i, &sym); i++) {
		if (sym.type != ELF_FUNC || !sym.hidden)
			continue;
		id = btf_find(p->btf, sym.name, BTF_FUNC);
		if (id && btf_raw(p->btf, id, &at, &size))
			put32(p->o->btf + at + 4, (u32)BTF_FUNC << 24); /* no linkage */
	}
}

static int read_btf(struct plain *p)
{
	struct object *o = p->o;
	struct elf_section s;
	int err;

	p->has_ext = elf_find(&p->elf, EXT_SECTION, &p->ext);
	if (!elf_find(&p->elf, ".BTF", &s) || !s.data)
		return 0;
	if (s.size > UINT32_MAX / 4)
		return plain_broken(p, "%s: section .BTF is too large", p->name);
	o->btf = arena_alloc(&o->arena, s.size);
	o->btf_size = (u32)s.size;
	memcpy(o->btf, s.data, s.size);
	err = btf_open_raw(&p->btf, o->btf, o->btf_size, p->d);
	if (!err)
		err = place_datasecs(p);
	if (err)
		return err;
	hide_functions(p);
	btf_close(p->btf); /* it has seen the DATASECs as they were */
	p->btf = NULL;
	return btf_open_raw(&p->btf, o->btf, o->btf_size, p->d);
}

/* ---- attach rows */

/* "category/name" is ours "category:name". */
static int tracepoint_row(struct plain *p, u32 prog, const struct sec *sec, struct attach *a)
{
	char *text = arena_strdup(&p->o->arena, a->pattern), *slash = strchr(text, '/');

	(void)sec;
	if (!slash || strchr(slash + 1, '/'))
		return diag_fail(p->d, -EINVAL, "write tracepoint/CATEGORY/NAME",
				 "%s: section %s names no tracepoint", p->name,
				 p->o->progs.v[prog].section);
	*slash = ':';
	a->pattern = text;
	return 0;
}

/* "function+offset" */
static int offset_of(struct plain *p, u32 prog, char *text, u64 *off)
{
	char *plus = strchr(text, '+'), *end;

	if (!plus)
		return 0;
	*plus = 0;
	*off = strtoull(plus + 1, &end, 0);
	if (end == plus + 1 || *end)
		return diag_fail(p->d, -EINVAL, "write FUNCTION+NUMBER",
				 "%s: section %s: '%s' is no "
				 "offset",
				 p->name, p->o->progs.v[prog].section, plus + 1);
	return 0;
}

static int kprobe_row(struct plain *p, u32 prog, const struct sec *sec, struct attach *a)
{
	char *text = arena_strdup(&p->o->arena, a->pattern);

	a->pattern = text;
	if (!strncmp(sec->name, "ksyscall", 8) || !strncmp(sec->name, "kretsyscall", 11))
		a->pattern = arena_printf(&p->o->arena, "__x64_sys_%s", text);
	if (strpbrk(text, "*?"))
		return diag_fail(p->d, -EOPNOTSUPP,
				 "a script has wildcards: waggle -e 'kprobe:...'",
				 "%s: section %s: wildcards are not resolved in objects", p->name,
				 p->o->progs.v[prog].section);
	return offset_of(p, prog, text, &a->off);
}

/* "path:function+offset", "path:0xoffset" */
static int uprobe_row(struct plain *p, u32 prog, const struct sec *sec, struct attach *a)
{
	char *text = arena_strdup(&p->o->arena, a->pattern), *colon = strrchr(text, ':'), *end;

	(void)sec;
	if (!colon || !colon[1] || colon == text)
		return diag_fail(p->d, -EINVAL, "write uprobe/FILE:FUNCTION",
				 "%s: section %s names "
				 "no function of a file",
				 p->name, p->o->progs.v[prog].section);
	*colon = 0;
	a->pattern = *text == '/' ? text : arena_printf(&p->o->arena, "%s", text);
	a->off = strtoull(colon + 1, &end, 0);
	if (!*end)
		return 0;
	a->symbol = colon + 1;
	a->off = 0;
	return offset_of(p, prog, colon + 1, &a->off);
}

/* "path:provider:name" */
static int usdt_row(struct plain *p, u32 prog, const struct sec *sec, struct attach *a)
{
	char *text = arena_strdup(&p->o->arena, a->pattern), *name = strrchr(text, ':'), *provider;

	(void)sec;
	if (name)
		*name = 0;
	provider = name ? strrchr(text, ':') : NULL;
	if (!provider || provider == text || !provider[1] || !name[1])
		return diag_fail(p->d, -EINVAL, "write usdt/FILE:PROVIDER:NAME",
				 "%s: section %s names no probe of a file", p->name,
				 p->o->progs.v[prog].section);
	*provider = 0;
	*name = ':';
	a->pattern = text;
	a->symbol = provider + 1;
	return 0;
}

typedef int row_fn(struct plain *, u32 prog, const struct sec *, struct attach *);
static row_fn *const row_fns[ATTACH_KINDS] = {
	[ATTACH_TRACEPOINT] = tracepoint_row, [ATTACH_KPROBE] = kprobe_row,
	[ATTACH_KRETPROBE] = kprobe_row,      [ATTACH_UPROBE] = uprobe_row,
	[ATTACH_URETPROBE] = uprobe_row,      [ATTACH_USDT] = usdt_row,
};

/* A program whose section says where it belongs has a row; others can be run, and what else they
 * need is said when somebody wants to attach them. */
static int add_attach(struct plain *p, u32 prog)
{
	struct object *o = p->o;
	struct object_prog *prg = &o->progs.v[prog];
	const struct sec *sec = prg->kind ? sec_find(prg->section) : NULL;
	const char *target = sec ? sec_target(sec, prg->section) : NULL;
	struct attach a = {.prog = prog};
	int err = 0;

	if (!sec)
		return 0;
	if (sec->prefix && target)
		prg->target = arena_printf(&o->arena, "%s%s", sec->prefix, target);
	if (sec->attach == ATTACH_KINDS || !target)
		return 0;
	a.kind = (u8)sec->attach;
	a.pattern = arena_strdup(&o->arena, target);
	if (row_fns[a.kind])
		err = row_fns[a.kind](p, prog, sec, &a);
	if (!err)
		vec_push(&o->arena, &o->attaches, a);
	return err;
}

/* ---- the whole */

typedef int step_fn(struct plain *);
static step_fn *const steps[] = {
	read_sections, read_license, read_btf,  plain_maps,     plain_data,  plain_externs,
	plain_funcs,   plain_relocs, plain_ext, plain_programs, plain_slots,
};

static int read_all(struct plain *p)
{
	int err = 0;

	if (setjmp(p->escape))
		return diag_fail(p->d, -ENOMEM, NULL, "out of memory");
	p->arena.escape = p->o->arena.escape = &p->escape;
	for (u32 i = 0; i < ARRAY_SIZE(steps) && !err; i++)
		err = steps[i](p);
	for (u32 i = 0; i < p->o->progs.n && !err; i++)
		err = add_attach(p, i);
	return err ? err : object_validate(p->o, p->d);
}

int plain_read(struct object *o, const struct elf *elf, const char *name, struct diag *d)
{
	jmp_buf *outer = o->arena.escape;
	struct plain p = {.elf = *elf, .o = o, .d = d, .name = name};
	int err;

	o->plain = true;
	o->source_name = arena_strdup(&o->arena, name);
	err = read_all(&p);
	o->arena.escape = outer;
	btf_close(p.btf);
	arena_free(&p.arena);
	return err;
}
