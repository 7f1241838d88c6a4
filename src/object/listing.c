/*
 * listing.c: an object as text for the assembler; see asm.h.
 *
 * In:  a valid object.
 * Out: directives for licence, externs, maps and data, then program by program its instructions
 * with their numbers, places in the source as comments, maps by name; types of its own at the end.
 */
#include "object/asm_text.h"
#include "object/core.h"
#include "object/parts.h"

void asm_put_quoted(struct buf *out, const char *s)
{
	buf_char(out, '"');
	for (; *s; s++) {
		if ((u8)*s < ' ') {
			buf_printf(out, "\\x%02x", *s);
			continue;
		}
		if (*s == '"' || *s == '\\')
			buf_char(out, '\\');
		buf_char(out, *s);
	}
	buf_char(out, '"');
}

/* Contents in rows; zeroes at the end are what is there anyway, unless all are wanted. */
static void put_bytes(struct buf *out, const u8 *data, u32 size, bool all)
{
	while (size && !data[size - 1] && !all)
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

static void put_word(struct buf *out, const char *word, u64 value)
{
	if (value)
		buf_printf(out, " %s %llu", word, (unsigned long long)value);
}

static void put_slots(struct buf *out, const struct object *o, const struct object_map *m)
{
	vec_each (s, &m->slots)
		buf_printf(out, ".slot %u %s\n", s->index,
			   m->inner.kind ? o->maps.v[s->what].name : o->progs.v[s->what].name);
}

static void put_map(struct buf *out, const struct object *o, const struct object_map *m)
{
	if (m->section != SECTION_NONE) {
		buf_printf(out, ".data %s %u", m->name, m->value_size);
		if (m->per_cpu)
			buf_printf(out, " percpu %u", m->per_cpu);
		buf_char(out, '\n');
		if (m->data)
			put_bytes(out, m->data, m->value_size, false);
		return;
	}
	buf_printf(out, ".map %s ", m->name);
	put_sizes(out, m->kind, m->key_size, m->value_size, m->max_entries, m->flags);
	put_word(out, "extra", m->extra);
	put_word(out, "node", m->numa_node);
	put_word(out, "keytype", m->btf_key);
	put_word(out, "valuetype", m->btf_value);
	if (m->pinned)
		buf_puts(out, " pinned");
	if (m->inner.kind) {
		buf_puts(out, " inner ");
		put_sizes(out, m->inner.kind, m->inner.key_size, m->inner.value_size,
			  m->inner.max_entries, m->inner.flags);
		put_word(out, "extra", m->inner.extra);
	}
	buf_char(out, '\n');
	put_slots(out, o, m);
}

static void put_extern(struct buf *out, const struct object_extern *x)
{
	buf_printf(out, ".extern %s %s%s", x->name, asm_extern_kinds[x->kind],
		   x->weak ? " weak" : "");
	put_word(out, "type", x->type);
	put_word(out, "at", x->off);
	put_word(out, "size", x->size);
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

/* In an object of our own all of them belong to it, and refer to the source that is in `.waggle`.
 * Of another one they are a comment: its lines become those of the text. */
static void put_line(struct buf *out, const struct object *o, const struct code_line *l, u32 *last)
{
	u32 line = l->line >> 10;
	bool again = line == *last; /* another column of a line that was shown */

	if (o->plain && again)
		return;
	*last = line;
	if (o->plain && !line && !l->text)
		return;
	buf_printf(out, o->plain ? "; %u:%u" : ".line %u:%u", line, l->line & 1023);
	if (!o->plain && line && !again)
		buf_puts(out, "\t;");
	if (again || !line)
		;
	else if (l->text)
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

/* A function of a known type, or of a name that another one has: with its type. Others are a label.
 */
static void put_func(struct buf *out, const struct code *code, u32 func)
{
	const struct code_func *f = &code->funcs.v[func];
	bool again = false;

	for (u32 i = 1; f->name && i < func; i++)
		again |= code->funcs.v[i].name && !strcmp(code->funcs.v[i].name, f->name);
	if (f->type)
		buf_printf(out, ".func %s type %u\n", f->name, f->type);
	else if (again)
		buf_printf(out, ".func %s\n", f->name);
	else if (func && f->name && *f->name)
		buf_printf(out, "%s:\n", f->name);
}

/* What the machine that runs it is asked about the next instruction. */
static void put_core(struct buf *out, struct btf *btf, const struct code_core *c)
{
	buf_printf(out, ".core %s %u ", asm_core_kinds[c->kind], c->type);
	asm_put_quoted(out, c->access);
	buf_puts(out, "\t; ");
	core_describe(out, btf, c);
	buf_char(out, '\n');
}

struct code_out {
	struct buf *out;
	const struct object *o; /* NULL: instructions without an object */
	struct btf *btf;        /* NULL: no types */
	const struct code *code;
	u32 reloc, line, func, core, ext; /* next ones */
	u32 last;                         /* line that was shown */
};

/* What stands in lines of their own before an instruction. Returns the extern that it names, or -1.
 */
static s64 put_before(struct code_out *c, u32 pc)
{
	const struct code *code = c->code;

	for (; c->func < code->funcs.n && code->funcs.v[c->func].insn <= pc; c->func++)
		put_func(c->out, code, c->func);
	for (; c->o && c->line < code->lines.n && code->lines.v[c->line].insn <= pc; c->line++)
		put_line(c->out, c->o, &code->lines.v[c->line], &c->last);
	for (; c->core < code->cores.n && code->cores.v[c->core].insn <= pc; c->core++)
		put_core(c->out, c->btf, &code->cores.v[c->core]);
	while (c->ext < code->externs.n && code->externs.v[c->ext].insn < pc)
		c->ext++;
	if (!c->o || c->ext == code->externs.n || code->externs.v[c->ext].insn != pc)
		return -1;
	buf_printf(c->out, ".names %s\n", c->o->externs.v[code->externs.v[c->ext].index].name);
	return code->externs.v[c->ext].index;
}

/* An instruction that names something of the kernel: what compilers left in it means nothing. */
static u32 put_extern_use(struct buf *out, const struct insn *in)
{
	if (in->code == (BPF_JMP | BPF_CALL)) {
		buf_puts(out, "call kernel-function#0");
		return 1;
	}
	buf_printf(out, "r%u = 0x0", in->dst);
	return 2;
}

static void put_code(struct buf *out, const struct object *o, struct btf *btf,
		     const struct code *code)
{
	struct code_out c = {.out = out, .o = o, .btf = btf, .code = code, .last = UINT32_MAX};

	for (u32 pc = 0, slots; pc < code->insns.n; pc += slots) {
		const struct insn *in = &code->insns.v[pc];
		s64 names = put_before(&c, pc);

		buf_printf(out, "%4u: ", pc);
		while (c.reloc < code->relocs.n && code->relocs.v[c.reloc].insn < pc)
			c.reloc++;
		if (names >= 0) {
			slots = put_extern_use(out, in);
		} else if (o && c.reloc < code->relocs.n && code->relocs.v[c.reloc].insn == pc) {
			put_reloc(out, o, in, &code->relocs.v[c.reloc]);
			slots = 2;
		} else {
			slots = put_insn(out, code, pc);
		}
		buf_char(out, '\n');
	}
}

static void put_prog(struct buf *out, const struct object *o, struct btf *btf,
		     const struct object_prog *p)
{
	const struct prog_kind *kind = prog_kind(p->kind);

	buf_printf(out, "\n.program %s ", p->name);
	asm_put_quoted(out, p->section);
	if (kind)
		buf_printf(out, " %s", kind->name);
	buf_char(out, '\n');
	put_code(out, o, btf, &p->code);
}

/* `.waggle`, whose rows (layouts, schemas, actions, attach points, the source) have no text. */
static void put_contents(struct buf *out, const struct object *o)
{
	struct arena arena = {0};
	struct buf bytes = {0};
	jmp_buf escape;

	arena.escape = &escape;
	if (setjmp(escape))
		out->failed = true;
	else
		object_write_section(o, &arena, &bytes);
	out->failed |= bytes.failed;
	if (!out->failed) {
		buf_puts(out,
			 "\n; what is done with records, and where programs belong\n.waggle\n");
		put_bytes(out, (u8 *)bytes.p, (u32)bytes.n, true);
	}
	buf_free(&bytes);
	arena_free(&arena);
}

void object_listing(struct buf *out, const struct object *o)
{
	struct diag quiet = {0};
	struct btf *btf = NULL;

	if (o->btf && btf_open_raw(&btf, o->btf, o->btf_size, &quiet))
		btf = NULL;
	if (o->source_name)
		buf_printf(out, "; %s\n", o->source_name);
	buf_puts(out, ".license ");
	asm_put_quoted(out, o->license ? o->license : "");
	buf_char(out, '\n');
	if (!o->plain)
		buf_puts(out, ".waggle\n");
	vec_each (x, &o->externs)
		put_extern(out, x);
	vec_each (m, &o->maps)
		put_map(out, o, m);
	vec_each (p, &o->progs)
		put_prog(out, o, btf, p);
	if (btf)
		asm_put_types(out, o, btf);
	if (!o->plain)
		put_contents(out, o);
	btf_close(btf);
}

void object_code_listing(struct buf *out, const struct insn *insns, u32 n)
{
	struct code code = {.insns = {.v = (struct insn *)insns, .n = n, .cap = n}};

	put_code(out, NULL, NULL, &code);
}
