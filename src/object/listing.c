/*
 * listing.c: an object as text for the assembler; see asm.h.
 *
 * In:  a valid object.
 * Out: directives for licence, maps and data, then program by program its instructions with their
 *      numbers, places in the source as comments, maps by name.
 */
#include "isa/asm.h"
#include "object/asm.h"

static void put_quoted(struct buf *out, const char *s)
{
	buf_char(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_char(out, '\\');
		buf_char(out, *s);
	}
	buf_char(out, '"');
}

/* Contents in rows; zeroes at the end are what is there anyway. */
static void put_bytes(struct buf *out, const u8 *data, u32 size)
{
	while (size && !data[size - 1])
		size--;
	for (u32 i = 0; i < size; i++)
		buf_printf(out, "%s%02x", i % 16 ? " " : i ? "\n.bytes " : ".bytes ", data[i]);
	if (size)
		buf_char(out, '\n');
}

static void put_sizes(struct buf *out, u32 kind, u32 key, u32 value, u32 entries, u32 flags)
{
	const struct map_kind *k = map_kind(kind);

	if (k)
		buf_printf(out, "%s", k->name);
	else
		buf_printf(out, "%u", kind);
	if (key)
		buf_printf(out, " key %u", key);
	if (value)
		buf_printf(out, " value %u", value);
	buf_printf(out, " entries %u", entries);
	if (flags)
		buf_printf(out, " flags 0x%x", flags);
}

static void put_map(struct buf *out, const struct object_map *m)
{
	if (m->section != SECTION_NONE) {
		buf_printf(out, ".data %s %u", m->name, m->value_size);
		if (m->per_cpu)
			buf_printf(out, " percpu %u", m->per_cpu);
		buf_char(out, '\n');
		if (m->data)
			put_bytes(out, m->data, m->value_size);
		return;
	}
	buf_printf(out, ".map %s ", m->name);
	put_sizes(out, m->kind, m->key_size, m->value_size, m->max_entries, m->flags);
	if (m->inner.kind) {
		buf_puts(out, " inner ");
		put_sizes(out, m->inner.kind, m->inner.key_size, m->inner.value_size,
			  m->inner.max_entries, m->inner.flags);
	}
	buf_char(out, '\n');
}

/* The text of a line of the source, without the blanks around it. */
static void put_source(struct buf *out, const struct object *o, u32 line)
{
	const char *p = o->source, *end = p ? p + o->source_size : NULL, *nl;

	for (u32 i = 1; p && i < line; i++) {
		nl = memchr(p, '\n', (size_t)(end - p));
		p = nl ? nl + 1 : NULL;
	}
	if (!p || !line)
		return;
	nl = memchr(p, '\n', (size_t)(end - p));
	end = nl ? nl : end;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	buf_char(out, ' ');
	buf_add(out, p, (size_t)(end - p));
}

static void put_line(struct buf *out, const struct object *o, const struct code_line *l, u32 *last)
{
	u32 line = l->line >> 10;

	if (line == *last) /* another column of a line that was shown */
		return;
	*last = line;
	if (!line && !l->text)
		return;
	buf_printf(out, "; %u:%u", line, l->line & 1023);
	if (l->text)
		buf_printf(out, " %s",
			   object_string(o, l->text) + strspn(object_string(o, l->text), " \t"));
	else
		put_source(out, o, line);
	buf_char(out, '\n');
}

/* A jump to where there is no instruction, which the assembler would refuse. */
static bool is_astray(const struct code *c, u32 pc)
{
	s64 distance, target;

	if (!isa_target(&c->insns.v[pc], &distance))
		return false;
	target = (s64)pc + 1 + distance;
	return target < 0 || target >= c->insns.n ||
	       (target && c->insns.v[target - 1].code == (BPF_LD | BPF_IMM | BPF_DW) &&
		!c->insns.v[target].code);
}

static void put_raw(struct buf *out, const struct insn *in)
{
	u8 bytes[sizeof(*in)];

	memcpy(bytes, in, sizeof(bytes));
	buf_puts(out, ".insn");
	for (u32 i = 0; i < sizeof(bytes); i++)
		buf_printf(out, " %02x", bytes[i]);
}

/* Returns how many slots it took. */
static u32 put_insn(struct buf *out, const struct code *c, u32 pc)
{
	const struct insn *in = &c->insns.v[pc], *next = pc + 1 < c->insns.n ? in + 1 : NULL;
	bool astray = is_astray(c, pc);
	u32 slots;

	if (astray) {
		put_raw(out, in);
		buf_puts(out, " ; ");
	}
	slots = (u32)isa_dis(out, in, next, pc);
	if (slots)
		return astray ? 1 : slots;
	if (!astray)
		put_raw(out, in);
	buf_puts(out, " ; not an instruction");
	return 1;
}

/* A load of a map's address, by the map's name. */
static void put_reloc(struct buf *out, const struct object *o, const struct insn *in,
		      const struct code_reloc *r)
{
	buf_printf(out, "r%u = map[%s]", in->dst, o->maps.v[r->map].name);
	if (r->data)
		buf_printf(out, "[0]+%u", r->off);
}

/* A label, unless an earlier function of the program has the same name. */
static void put_func(struct buf *out, const struct code *code, u32 func)
{
	const char *name = code->funcs.v[func].name;

	for (u32 f = 1; name && f < func; f++)
		if (code->funcs.v[f].name && !strcmp(code->funcs.v[f].name, name))
			return;
	if (name && *name)
		buf_printf(out, "%s:\n", name);
}

/* What the text does not hold: names of the kernel, and what depends on its types. */
static void put_notes(struct buf *out, const struct object *o, const struct code *code, u32 pc)
{
	vec_each (x, &code->externs)
		if (x->insn == pc && x->index < o->externs.n)
			buf_printf(out, "  ; extern %s", o->externs.v[x->index].name);
	vec_each (c, &code->cores)
		if (c->insn == pc)
			buf_printf(out, "  ; CO-RE: type %u, %s", c->type, c->access);
}

/* o: NULL for instructions without an object. */
static void put_code(struct buf *out, const struct object *o, const struct code *code)
{
	u32 reloc = 0, line = 0, func = 1, last = UINT32_MAX;

	for (u32 pc = 0, slots; pc < code->insns.n; pc += slots) {
		const struct insn *in = &code->insns.v[pc];

		if (func < code->funcs.n && code->funcs.v[func].insn <= pc)
			put_func(out, code, func++);
		for (; o && line < code->lines.n && code->lines.v[line].insn <= pc; line++)
			put_line(out, o, &code->lines.v[line], &last);
		buf_printf(out, "%4u: ", pc);
		while (reloc < code->relocs.n && code->relocs.v[reloc].insn < pc)
			reloc++;
		if (reloc < code->relocs.n && code->relocs.v[reloc].insn == pc) {
			put_reloc(out, o, in, &code->relocs.v[reloc]);
			slots = 2;
		} else {
			slots = put_insn(out, code, pc);
		}
		if (o)
			put_notes(out, o, code, pc);
		buf_char(out, '\n');
	}
}

static void put_prog(struct buf *out, const struct object *o, const struct object_prog *p)
{
	const struct prog_kind *kind = prog_kind(p->kind);

	buf_printf(out, "\n.program %s ", p->name);
	put_quoted(out, p->section);
	if (kind)
		buf_printf(out, " %s", kind->name);
	buf_char(out, '\n');
	put_code(out, o, &p->code);
}

void object_listing(struct buf *out, const struct object *o)
{
	if (o->source_name)
		buf_printf(out, "; %s\n", o->source_name);
	buf_puts(out, ".license ");
	put_quoted(out, o->license ? o->license : "");
	buf_char(out, '\n');
	if (!o->plain)
		buf_puts(out, ".waggle\n");
	vec_each (m, &o->maps)
		put_map(out, m);
	vec_each (p, &o->progs)
		put_prog(out, o, p);
}

void object_code_listing(struct buf *out, const struct insn *insns, u32 n)
{
	struct code code = {.insns = {.v = (struct insn *)insns, .n = n, .cap = n}};

	put_code(out, NULL, &code);
}
