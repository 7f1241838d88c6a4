/*
 * check_place.c: types of what stands in memory: arguments of the probe, fields, elements, parts of
 * tuples; casts, which say what a number points to; sizeof.
 */
#include "script/check.h"

#include "elf/debug.h"
#include "script/ctype.h"

bool node_is_place(const struct node *n)
{
	return (n->kind == NODE_FIELD && !n->field && !n->probe_value &&
		n->a->type.kind != TYPE_TUPLE) ||
	       n->kind == NODE_INDEX || (n->kind == NODE_UNARY && n->op == TOK_MUL);
}

u32 node_bytes(const struct node *n)
{
	if (n->kind == NODE_STR)
		return n->len;
	return n->type.kind == TYPE_STR && node_is_place(n) ? n->type.size - 1 : n->type.size;
}

/* A char array may be full, without a NUL. */
static struct type read_from_memory(struct type t)
{
	return t.kind == TYPE_STR ? type_str(t.size + 1) : t;
}

/* The type that C declares: system calls record an int in 8 bytes, which the format then calls
 * unsigned, whatever the argument is. */
static void declared_type(struct script *s, const struct tp_field *f, struct type *t)
{
	static const struct {
		const char *name;
		u8 size, is_signed;
	} types[] = {{"int", 4, 1},       {"unsigned int", 4, 0}, {"unsigned", 4, 0},
		     {"u32", 4, 0},       {"__u32", 4, 0},        {"s32", 4, 1},
		     {"__s32", 4, 1},     {"pid_t", 4, 1},        {"uid_t", 4, 0},
		     {"gid_t", 4, 0},     {"qid_t", 4, 0},        {"key_t", 4, 1},
		     {"mqd_t", 4, 1},     {"rwf_t", 4, 1},        {"key_serial_t", 4, 1},
		     {"clockid_t", 4, 1}, {"timer_t", 4, 1},      {"umode_t", 2, 0},
		     {"short", 2, 1},     {"u16", 2, 0},          {"char", 1, 1},
		     {"u8", 1, 0},        {"long", 8, 1},         {"loff_t", 8, 1},
		     {"off_t", 8, 1},     {"ssize_t", 8, 1}};
	const char *name = strncmp(f->type, "const ", 6) ? f->type : f->type + 6;

	struct type known;
	const char *unknown;

	t->size = f->size;
	t->is_signed = f->is_signed;
	if (!strncmp(name, "enum ", 5) && ctype_of_text(s, name, &known, &unknown) &&
	    known.size <= f->size) {
		t->names = known.names;
		t->is_signed |= known.is_signed;
	}
	for (u32 i = 0; i < ARRAY_SIZE(types); i++)
		if (str_same(types[i].name, name) &&
		    types[i].size <= f->size) {
			t->size = types[i].size;
			t->is_signed = types[i].is_signed;
		}
}

static struct type field_type(struct script *s, const struct point *p, const struct tp_field *f)
{
	const char *unknown;
	struct type of, t = {.kind = TYPE_INT};

	if (f->is_string)
		return type_str(f->is_data_loc ? s->limits.str_most : f->size);
	declared_type(s, f, &t);
	if (f->is_pointer) {
		t.is_pointer = 1;
		t.is_signed = 0;
		t.space = strncmp(p->pattern, "syscalls:", 9) ? SPACE_KERNEL : SPACE_USER;
		if (ctype_of_text(s, f->type, &of, &unknown) && of.is_pointer)
			t.of = of.of;
	}
	return t;
}

#define DATA_LOC_MOST 64 /* bytes that are read of an array of any length */

static bool right_size(struct type t)
{
	return t.kind == TYPE_INT && (t.size == 1 || t.size == 2 || t.size == 4 || t.size == 8);
}

/* "__u8[4]", "__data_loc u32[]": what stands in front of the bracket, or as many bytes as the format says. */
static struct type element_type(struct script *s, const struct tp_field *f)
{
	size_t skip = strncmp(f->type, "__data_loc ", 11) ? strncmp(f->type, "__rel_loc ", 10) ? 0 : 10 : 11;
	const char *name = f->type + skip, *unknown;
	struct type t;

	name = arena_strndup(s->arena, name, strcspn(name, "["));
	if (ctype_of_text(s, name, &t, &unknown) && right_size(t) && (!f->elem || t.size == f->elem))
		return t;
	t = (struct type){.kind = TYPE_INT, .size = f->elem};
	return right_size(t) ? t : (struct type){0};
}

static void use_field(struct checker *c, const struct tp_field *f)
{
	vec_each(p, &c->point->used)
		if (*p == f)
			return;
	vec_push(c->script->arena, &c->point->used, f);
}

/* args.NAME of a function of the kernel or of a raw tracepoint. */
static void check_param_field(struct checker *c, struct node *n)
{
	struct near near = {.word = n->text};
	struct point *p = c->point;
	u32 index = 0;

	(p->leader ? p->leader : p)->each = true;
	n->probe_value = probe_values; /* arg */
	if (!proto_param(c->script, p, n->text, &near, &index, &n->type))
		check_fail(c, n, check_near(c, &near, NULL), "%s has no argument '%s'", p->text,
			   n->text);
	else if (n->type.kind == TYPE_UNKNOWN)
		check_fail(c, n, "integers and pointers can be used", "'%s' is neither", n->text);
	else if (p->row->attach == ATTACH_KRETPROBE)
		check_fail(c, n, "keep it in a map at the entry", "fexit is refused by this kernel, and "
			   "kretprobe, which stands for it, has no arguments");
	n->value = index;
}

/* Of numbers; how many elements a __data_loc array has only its record knows. */
static void check_record_array(struct checker *c, struct node *n)
{
	const struct tp_field *f = n->field;
	struct type *of = arena_new(c->script->arena, struct type);
	struct type t = {.kind = TYPE_ARRAY, .of = of, .space = SPACE_KERNEL};

	*of = element_type(c->script, f);
	if (!of->size) {
		check_fail(c, n, "buf(), integers, pointers and strings can be used",
			   "'%s' is an array of what is not known (%s)", n->text, f->type);
		return;
	}
	t.count = f->is_data_loc ? DATA_LOC_MOST / of->size : f->size / of->size;
	t.size = t.count * of->size;
	n->type = t;
}

static void check_args_field(struct checker *c, struct node *n)
{
	const struct tp_format *format = point_format(c->script, c->point);
	struct near near = {.word = n->text};

	if (!format && proto_exists(c->script, c->point)) {
		check_param_field(c, n);
		return;
	}
	if (!format && c->point->row->attach == ATTACH_RAW_TRACEPOINT) {
		check_fail(c, n->a, "arg0, arg1, ... are what they are",
			   "this kernel's types do not name the arguments of %s", c->point->text);
		return;
	}
	if (!format && c->point->file && elf_debug_is_packed(&c->point->file->elf)) {
		check_fail(c, n, PACKED_HINT, PACKED_TEXT, c->point->file->path);
		return;
	}
	if (!format && c->point->row->attach == ATTACH_UPROBE) {
		check_fail(c, n, "arg0, arg1, ... are what they are; debugging information (-g) gives them names",
			   "nobody knows what arguments %s has", c->point->text);
		return;
	}
	if (!format) {
		check_fail(c, n->a, "tracepoints have arguments", "%s has no arguments",
			   c->point->text);
		return;
	}
	if (!c->script->shared)
		(c->point->leader ? c->point->leader : c->point)->reads = true;
	n->field = tp_field(format, n->text);
	if (!n->field) {
		for (u32 i = 0; i < format->nfields; i++)
			near_try(&near, format->fields[i].name);
		check_fail(c, n, check_near(c, &near, NULL), "%s has no argument '%s'",
			   c->point->text, n->text);
		return;
	}
	use_field(c, n->field);
	if ((n->field->is_array || n->field->is_data_loc) && !n->field->is_string)
		check_record_array(c, n);
	else if (!n->field->is_string && n->field->size != 1 && n->field->size != 2 &&
		 n->field->size != 4 && n->field->size != 8)
		check_fail(c, n, "integers, pointers and strings can be used",
			   "'%s' is a %s of %u bytes", n->text, n->field->type, n->field->size);
	else
		n->type = field_type(c->script, c->point, n->field);
}

/* What `.` and `->` look into: a struct in memory, or what a pointer points to. */
static const struct aggregate *fields_of(struct type t)
{
	if (t.kind == TYPE_STRUCT || t.kind == TYPE_TUPLE)
		return t.fields;
	if (t.is_pointer && t.of && t.of->kind == TYPE_STRUCT)
		return t.of->fields;
	return NULL;
}

/* What is reached from user memory is in user memory; a pointer in it, or in a copy of it, too. */
static void inherit_space(struct node *n)
{
	struct type from = n->a->type;

	if (n->type.kind == TYPE_STRUCT || n->type.kind == TYPE_ARRAY)
		n->type.space = from.space;
	else if (n->type.is_pointer && from.space == SPACE_USER)
		n->type.space = SPACE_USER;
}

static void no_fields(struct checker *c, struct node *n)
{
	struct diag *d = c->script->diag;
	struct target *t = c->script->target;
	struct btf *btf;

	/* of a value that points to a structure of the kernel: why that is not known */
	if (c->final && !d->errors && n->a->kind == NODE_NAME && n->a->row &&
	    n->a->row->points_to && t->ops->btf)
		t->ops->btf(t, &btf, d);
	if (n->a->kind == NODE_INT && *n->text >= '0' && *n->text <= '9') /* 1.5 */
		check_fail(c, n->a, "n / 1000 and n % 1000 are the two parts",
			   "there are no numbers with a fraction");
	else
		check_fail(c, n,
			   n->a->type.kind == TYPE_INT
				   ? "say what it points to: ((struct task_struct *)x)->pid"
				   : NULL,
			   "%s has no fields", TYPE_A(n->a->type));
}

void check_field(struct checker *c, struct node *n)
{
	const struct aggregate *a;
	const struct member *m;
	struct near near = {.word = n->text};

	if (n->a->kind == NODE_NAME && str_same(n->a->text, "args")) {
		check_args_field(c, n);
		return;
	}
	if (check_packet_field(c, n))
		return;
	if (!check_expr(c, n->a))
		return;
	a = fields_of(n->a->type);
	if (!a) {
		no_fields(c, n);
		return;
	}
	m = ctype_member(c->script, a, n->text, &n->bit_off);
	if (!m) {
		ctype_near(c->script, a, &near);
		check_fail(c, n, check_near(c, &near, NULL), "%s has no field '%s'",
			   n->a->type.kind == TYPE_TUPLE ? TYPE_NAME(n->a->type) :
			   arena_printf(c->script->arena, "%s %s", a->is_union ? "union" : "struct",
					a->name), n->text);
		return;
	}
	n->bits = m->bits;
	n->type = m->type;
	if (n->a->type.kind == TYPE_TUPLE)
		return;
	n->type = read_from_memory(n->type);
	inherit_space(n);
}

/* t[0] is t.0 */
static void check_part(struct checker *c, struct node *n)
{
	const struct aggregate *parts = n->a->type.fields;
	s64 which;

	if (!comptime_value(n->b, &which) || (u64)which >= parts->n) {
		check_fail(c, n->b, "t[0], t.0", "%s has the parts 0 to %u, and which one it is must be known",
			   TYPE_A(n->a->type), parts->n ? parts->n - 1 : 0);
		return;
	}
	n->kind = NODE_FIELD;
	n->text = parts->members[which].name;
	n->b = NULL;
	check_field(c, n);
}

void check_index(struct checker *c, struct node *n)
{
	bool known = check_expr(c, n->a), index = check_int(c, n->b, "an index");
	struct type a = n->a->type;

	if (!known || !index)
		return;
	if (a.kind == TYPE_TUPLE) {
		check_part(c, n);
		return;
	}
	if (a.kind == TYPE_ARRAY && a.count && n->b->kind == NODE_INT && n->b->value >= a.count)
		check_fail(c, n->b, NULL, "the array has %u elements, from 0 to %u", a.count,
			   a.count - 1);
	else if ((a.is_pointer || a.kind == TYPE_ARRAY) && type_pointed(a).size)
		n->type = read_from_memory(type_pointed(a));
	else if (a.kind == TYPE_STR && n->b->kind == NODE_INT && n->b->value >= a.size)
		check_fail(c, n->b, NULL, "the string has room for %u bytes, from 0 to %u", a.size,
			   a.size - 1);
	else if (a.kind == TYPE_STR && n->a->kind != NODE_STR)
		n->type = (struct type){.kind = TYPE_INT, .size = 1, .is_signed = 1};
	else
		check_fail(c, n, "arrays and pointers have elements", "%s has no elements",
			   TYPE_A(a));
	inherit_space(n);
}

static u32 count_parts(struct node *n, u32 *named)
{
	u32 count = 0;

	*named = 0;
	for (struct node *part = n->a; part; part = part->next, count++)
		*named += part->kind == NODE_NAMED;
	return count;
}

/* (a, b, ...): numbers take 8 bytes; (x = a, y = b): a record. */
void check_tuple(struct checker *c, struct node *n)
{
	struct aggregate *parts;
	struct type tuple;
	bool known = true;
	u32 named, count = count_parts(n, &named), i = 0;

	for (struct node *part = n->a; part; part = part->next)
		known = check_expr(c, node_value(part)) && known;
	if (count > LAYOUT_FIELDS_MOST) {
		check_fail(c, n, "several maps may have the same keys",
			   "a tuple has at most %u parts, this one %u", LAYOUT_FIELDS_MOST, count);
		return;
	}
	if (named && named != count) {
		check_fail(c, n, "(a = 1, b = 2)", "all parts of a record have names");
		return;
	}
	if (!known)
		return;
	tuple = type_tuple(c->script->arena, count, &parts);
	parts->name = named ? "record" : parts->name;
	parts->is_record = named;
	for (struct node *part = n->a; part; part = part->next, i++) {
		struct type t = part->kind == NODE_NAMED ? part->a->type : part->type;

		if (t.kind == TYPE_STR)
			t.size = check_str_room(c, t.size);
		if (!check_storable(t)) {
			check_fail(c, part, NULL, "%s cannot be part of a tuple", TYPE_A(t));
			return;
		}
		if (named)
			parts->members[i].name = part->text;
		if (part->kind == NODE_NAMED)
			part->type = part->a->type;
		type_tuple_part(&tuple, parts, i, type_is_number(t) ? type_arith(t, t) : t);
	}
	if (!count)
		tuple.size = 8;
	n->type = tuple;
}

void check_deref(struct checker *c, struct node *n)
{
	struct type a = n->a->type;

	if (a.is_pointer && type_pointed(a).size)
		n->type = read_from_memory(type_pointed(a));
	else if (a.kind == TYPE_ARRAY && a.of && a.count) /* the first element, as in C */
		n->type = read_from_memory(*a.of);
	else if (a.kind == TYPE_INT && !a.is_pointer && a.size == 8 && !a.is_literal)
		n->type = TYPE_U64; /* *kaddr("jiffies") */
	else
		check_fail(c, n, "say what it points to: *(uint32 *)x", "%s points to nothing known",
			   TYPE_A(a));
	inherit_space(n);
}

/* &x: a pointer to a value in memory, an entry of a map, or a copy of a number. */
void check_address(struct checker *c, struct node *n)
{
	struct type *of = arena_new(c->script->arena, struct type);

	if (n->a->kind != NODE_VAR && n->a->kind != NODE_MAP && !node_is_place(n->a)) {
		check_fail(c, n, "&$x, &@m[1], &$p->field", "this has no address");
		return;
	}
	*of = n->a->type;
	of->is_literal = 0;
	if (n->a->kind == NODE_VAR || n->a->kind == NODE_MAP)
		of->size = of->kind == TYPE_INT ? 8 : of->size; /* as it is kept */
	n->type = TYPE_U64;
	n->type.is_pointer = 1;
	n->type.space = node_is_place(n->a) ? n->a->a->type.space : SPACE_KERNEL;
	n->type.of = of;
}

/* (uint8[4])x, (uint8[])x: the bytes of a number */
static void cast_to_array(struct checker *c, struct node *n, struct type to)
{
	struct type from = n->a->type;
	u32 size = from.is_literal ? 8 : from.size;

	if (to.kind != TYPE_ARRAY || to.of->kind != TYPE_INT) {
		check_fail(c, n, "cast to a pointer: (struct foo *)x", "%s cannot become %s",
			   TYPE_A(from), TYPE_A(to));
		return;
	}
	if (!to.count) {
		to.count = size / to.of->size;
		to.size = to.count * to.of->size;
	}
	if (to.size > 8 || (to.size != size && !from.is_literal)) {
		check_fail(c, n, "both must have the same size", "%s of %u bytes cannot become %s",
			   TYPE_A(from), size, TYPE_A(to));
		return;
	}
	n->type = to;
	n->type.space = SPACE_KERNEL;
}

/* (uint32)a of an array of 4 bytes */
static void cast_from_array(struct checker *c, struct node *n, struct type to)
{
	struct type from = n->a->type;

	if (to.kind == TYPE_INT && from.of->kind == TYPE_INT && to.size == from.size)
		n->type = to;
	else
		check_fail(c, n, "both must have the same size", "%s of %u bytes cannot become %s",
			   TYPE_A(from), from.size, TYPE_A(to));
}

void check_cast(struct checker *c, struct node *n)
{
	struct type to;

	if (!check_type(c, n->b, &to) || !check_expr(c, n->a))
		return;
	if (n->a->type.kind == TYPE_ARRAY && !to.is_pointer) {
		cast_from_array(c, n, to);
		return;
	}
	if (!check_is_int(c, n->a, "a cast"))
		return;
	if (to.kind != TYPE_INT)
		cast_to_array(c, n, to);
	else
		n->type = to;
	if (to.is_pointer)
		n->type.space = n->a->type.is_pointer || n->a->type.space ? n->a->type.space : SPACE_ANY;
}

/* ---- all arguments: a record */

static void add_argument(struct checker *c, struct node *args, const char *name, struct node ***tail)
{
	struct arena *arena = c->script->arena;
	struct node *named = arena_new(arena, struct node), *field = arena_new(arena, struct node);
	bool final = c->final, known;

	*field = (struct node){.kind = NODE_FIELD, .at = args->at, .text = name};
	field->a = arena_new(arena, struct node);
	*field->a = (struct node){.kind = NODE_NAME, .at = args->at, .text = "args"};
	*named = (struct node){.kind = NODE_NAMED, .at = args->at, .text = name, .a = field};
	c->final = false; /* one that cannot be used is left out */
	known = check_expr(c, field);
	c->final = final;
	if (!known)
		return;
	**tail = named;
	*tail = &named->next;
}

bool check_args(struct checker *c, struct node *n)
{
	const struct tp_format *format = point_format(c->script, c->point);
	struct node *all = arena_new(c->script->arena, struct node), **tail = &all->a;
	struct buf text = {0};

	*all = (struct node){.kind = NODE_TUPLE, .at = n->at, .text = ""};
	for (u32 i = 0; format && i < format->nfields; i++)
		add_argument(c, n, format->fields[i].name, &tail);
	for (u32 i = 0; !format && proto_text(c->script, c->point, i, &text); i++) {
		const char *name = strrchr(buf_str(&text), ' ');

		if (name && strcmp(name, " retval") != 0)
			add_argument(c, n, arena_strdup(c->script->arena, name + 1), &tail);
		text.n = 0;
	}
	buf_free(&text);
	if (!all->a)
		return false;
	n->a = all;
	check_tuple(c, all);
	n->type = all->type;
	return true;
}
