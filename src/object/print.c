/*
 * print.c: an object as text, for `-d object`.
 *
 * One paragraph for each map, program, schema and attach row. Layouts are written as
 * { name kind[bytes] @offset, ... }.
 */
#include "object/object.h"

static void print_text(struct buf *out, const char *s, size_t n)
{
	buf_char(out, '"');
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\n')
			buf_puts(out, "\\n");
		else if (s[i] == '\t')
			buf_puts(out, "\\t");
		else if (s[i] == '"' || s[i] == '\\')
			buf_printf(out, "\\%c", s[i]);
		else if ((u8)s[i] < ' ' || s[i] == 127)
			buf_printf(out, "\\x%02x", (u8)s[i]);
		else
			buf_char(out, s[i]);
	}
	buf_char(out, '"');
}

static void print_layout(struct buf *out, const struct layout *l)
{
	static const char *const kinds[] = {
#define FIELD(NAME, name, least, doc) name,
#include "object/fields.def"
#undef FIELD
	};
	static const char *const units[] = {"", " ns", " us", " ms", " bytes", " count", " hex", " bool", " enum"};

	buf_char(out, '{');
	for (u32 i = 0; i < l->n; i++) {
		const struct field *f = &l->fields[i];
		bool number = f->kind <= FIELD_INT;

		buf_printf(out, "%s %s ", i ? "," : "", f->name);
		if (f->kind == FIELD_ARRAY)
			buf_printf(out, "%u of ", f->count);
		if (field_has_sub(f) && f->sub)
			print_layout(out, f->sub);
		else
			buf_printf(out, number ? "%s%u" : "%s[%u]",
				   f->kind == FIELD_UINT   ? "u"
				   : f->kind == FIELD_INT  ? "s"
				   : f->kind == FIELD_STR  ? "str"
				   : f->kind < FIELD_KINDS ? kinds[f->kind]
							   : "?",
				   number ? f->size * 8 : f->size);
		buf_printf(out, " @%u", f->off);
		buf_puts(out, f->unit < ARRAY_SIZE(units) ? units[f->unit] : " ?");
		if (f->bits)
			buf_printf(out, " bits %u to %u", f->bit, f->bit + f->bits - 1);
		if (f->width)
			buf_printf(out, " width %u", f->width);
	}
	buf_printf(out, "%s}", l->n ? " " : "");
}

static void print_kind(struct buf *out, u32 kind)
{
	const struct map_kind *k = map_kind(kind);

	if (k)
		buf_puts(out, k->name);
	else
		buf_printf(out, "kind %u", kind);
}

static void print_agg(struct buf *out, const struct object_map *m)
{
	static const char *const names[] = {"",    "count", "sum",  "min",  "max",
					    "avg", "stats", "hist", "lhist", "quantile", "tseries"};

	if (m->agg == AGG_NONE)
		return;
	buf_printf(out, "  %s", m->agg < ARRAY_SIZE(names) ? names[m->agg] : "?");
	if (m->agg == AGG_HIST)
		buf_printf(out, "(%lld)", (long long)m->agg_arg[0]);
	if (m->agg == AGG_LHIST || m->agg == AGG_TSERIES)
		buf_printf(out, "(%lld, %lld, %lld)", (long long)m->agg_arg[0],
			   (long long)m->agg_arg[1], (long long)m->agg_arg[2]);
	buf_puts(out, m->value_signed ? " of signed values" : "");
}

/* Data as lines of 16 bytes, without what is zero at the end. */
static void print_data(struct buf *out, const u8 *data, u32 size)
{
	while (size && !data[size - 1])
		size--;
	for (u32 i = 0; i < size; i += 16) {
		buf_printf(out, "  %4u:", i);
		for (u32 j = i; j < MIN(i + 16, size); j++)
			buf_printf(out, " %02x", data[j]);
		buf_char(out, '\n');
	}
}

/* What the user sees of a map. */
static void print_shown(struct buf *out, const struct object_map *m)
{
	if (!m->shown)
		return;
	buf_printf(out, "  %s%s", m->shown, m->scalar ? " scalar" : "");
	print_agg(out, m);
	if (m->key.n) {
		buf_puts(out, "  key ");
		print_layout(out, &m->key);
	}
	if (m->value.n) {
		buf_puts(out, "  value ");
		print_layout(out, &m->value);
	}
	buf_char(out, '\n');
}

static void print_map(struct buf *out, const struct object *o, u32 i)
{
	const struct object_map *m = &o->maps.v[i];

	buf_printf(out, "map %u %s ", i, m->name);
	print_kind(out, m->kind);
	if (m->section != SECTION_NONE) {
		buf_printf(out, ", %u bytes", m->value_size);
		if (m->per_cpu)
			buf_printf(out, " and %u for each of %u CPUs", m->per_cpu, object_cpus(o));
		buf_char(out, '\n');
		if (m->data)
			print_data(out, m->data, m->value_size);
		print_shown(out, m);
		return;
	}
	buf_printf(out, ", key %u, value %u, %u entries", m->key_size, m->value_size,
		   m->max_entries);
	if (m->flags)
		buf_printf(out, ", flags 0x%x", m->flags);
	if (m->spare)
		buf_printf(out, ", spare map %u", m->spare);
	buf_puts(out, m->fill_per_cpu ? ", one map for each CPU" : "");
	if (m->inner.kind) {
		buf_puts(out, "\n  of ");
		print_kind(out, m->inner.kind);
		buf_printf(out, ", key %u, value %u, %u entries", m->inner.key_size,
			   m->inner.value_size, m->inner.max_entries);
		if (m->inner.flags)
			buf_printf(out, ", flags 0x%x", m->inner.flags);
	}
	buf_puts(out, m->pinned ? ", pinned" : "");
	buf_char(out, '\n');
	vec_each (slot, &m->slots)
		buf_printf(out, "  [%u] is %s\n", slot->index,
			   m->inner.kind ? o->maps.v[slot->what].name
					 : o->progs.v[slot->what].name);
	print_shown(out, m);
}

static void print_extern(struct buf *out, const struct object_extern *x)
{
	static const char *const kinds[] = {"value of .kconfig", "address", "variable", "function"};

	buf_printf(out, "extern %s, %s%s\n", x->name,
		   x->kind < ARRAY_SIZE(kinds) ? kinds[x->kind] : "?", x->weak ? ", weak" : "");
}

/* What a program of a plain object has besides. */
static void print_parts(struct buf *out, const struct object_prog *p)
{
	if (p->attach_type)
		buf_printf(out, "  attach type %u\n", p->attach_type);
	if (p->target)
		buf_printf(out, "  checked against %s\n", p->target);
	for (u32 i = 1; i < p->code.funcs.n; i++)
		buf_printf(out, "  function %s at %u\n", p->code.funcs.v[i].name,
			   p->code.funcs.v[i].insn);
	vec_each (c, &p->code.cores)
		buf_printf(out, "  instruction %u asks for type %u, %s, kind %u%s%s\n", c->insn,
			   c->type, c->access, c->kind, c->missing ? ": there is no " : "",
			   c->missing ? c->missing : "");
}

static void print_prog(struct buf *out, const struct object *o, u32 i)
{
	const struct object_prog *p = &o->progs.v[i];
	const struct prog_kind *k = prog_kind(p->kind);

	buf_printf(out, "program %u %s ", i, p->name);
	if (k)
		buf_puts(out, k->name);
	else
		buf_printf(out, "kind %u", p->kind);
	buf_printf(out, ", section %s, %u instructions, stack %u\n  of %s\n", p->section,
		   p->code.insns.n, p->code.stack, p->probe);
	print_parts(out, p);
	code_print(out, &p->code);
}

static void print_action(struct buf *out, const struct object *o, const struct action *a)
{
	static const char *const names[] = {"",          "printf", "emit", "print",
					    "print map", "clear",  "zero", "exit"};

	if (a->kind == ACTION_NONE)
		return;
	buf_printf(out, "  %s", a->kind < ARRAY_SIZE(names) ? names[a->kind] : "?");
	if (a->text) {
		buf_char(out, ' ');
		print_text(out, a->text, strlen(a->text));
	}
	if (a->kind >= ACTION_PRINT_MAP && a->kind <= ACTION_ZERO_MAP && a->map < o->maps.n) {
		const struct object_map *m = &o->maps.v[a->map];

		buf_printf(out, " %s", m->shown ? m->shown : m->name);
	}
	if (a->top)
		buf_printf(out, " top %u", a->top);
	if (a->div)
		buf_printf(out, " divided by %u", a->div);
	buf_char(out, '\n');
}

static void print_schema(struct buf *out, const struct object *o, u32 i)
{
	static const char *const views[] = {"lines", "table", "histogram"};
	const struct schema *s = &o->schemas.v[i];
	u32 view = s->view & ~(u32)VIEW_LIVE;

	buf_printf(out, "schema %u %s, %u bytes, as %s%s", s->id, s->name, s->layout.size,
		   view < ARRAY_SIZE(views) ? views[view] : "?",
		   s->view & VIEW_LIVE ? ", drawn again" : "");
	if (s->group != s->id)
		buf_printf(out, ", a form of schema %u", s->group);
	if (s->then)
		buf_printf(out, ", then schema %u", s->then);
	buf_puts(out, "\n  ");
	print_layout(out, &s->layout);
	buf_char(out, '\n');
	print_action(out, o, &s->action);
}

static void print_attach(struct buf *out, const struct object *o, const struct attach *a)
{
	buf_printf(out, "attach %s to %s", a->prog < o->progs.n ? o->progs.v[a->prog].name : "?",
		   a->kind < ATTACH_KINDS ? attach_infos[a->kind].name : "?");
	if (a->pattern)
		buf_printf(out, " %s", a->pattern);
	for (const char *f = a->fields; f && *f; f += strcspn(f, "\n"), f += *f == '\n')
		buf_printf(out, "%s %.*s", f == a->fields ? ", reads" : ",", (int)strcspn(f, " \n"),
			   f);
	if (a->ns)
		buf_printf(out, " of %llu ns", (unsigned long long)a->ns);
	if (a->off)
		buf_printf(out, " + 0x%llx", (unsigned long long)a->off);
	if (a->count)
		buf_printf(out, ", every %llu", (unsigned long long)a->count);
	if (a->semaphore)
		buf_printf(out, ", semaphore 0x%llx", (unsigned long long)a->semaphore);
	if (a->cookie)
		buf_printf(out, ", cookie 0x%llx", (unsigned long long)a->cookie);
	buf_char(out, '\n');
}

void object_print(struct buf *out, const struct object *o)
{
	buf_printf(out, "object of %s", o->source_name ? o->source_name : "(no source)");
	if (!o->plain)
		buf_printf(out, " for Linux %u.%u", o->kernel / 1000, o->kernel % 1000);
	buf_printf(out, ", license %s%s\n", o->license && *o->license ? o->license : "(none)",
		   o->silent ? ", maps are not printed at the end" : "");
	for (u32 i = 0; i < o->maps.n; i++)
		print_map(out, o, i);
	vec_each (x, &o->externs)
		print_extern(out, x);
	for (u32 i = 0; i < o->progs.n; i++)
		print_prog(out, o, i);
	for (u32 i = 0; i < o->schemas.n; i++)
		print_schema(out, o, i);
	vec_each (a, &o->attaches)
		print_attach(out, o, a);
}
