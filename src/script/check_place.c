/*
 * check_place.c: types of what stands in memory: arguments of the probe, fields, elements, parts of
 * tuples; casts, which say what a number points to; sizeof.
 */
#include "script/check.h"
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
static void declared_type(const struct tp_field *f, struct type *t)
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

	t->size = f->size;
	t->is_signed = f->is_signed;
	for (u32 i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i].name, name) && types[i].size <= f->size) {
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
	declared_type(f, &t);
	if (f->is_pointer) {
		t.is_pointer = 1;
		t.is_signed = 0;
		t.space = strcmp(p->format->category, "syscalls") ? SPACE_KERNEL : SPACE_USER;
		if (ctype_of_text(s, f->type, &of, &unknown) && of.is_pointer)
			t.of = of.of;
	}
	return t;
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

static void check_args_field(struct checker *c, struct node *n)
{
	const struct tp_format *format = c->point->format;
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
	if (!format) {
		check_fail(c, n->a, "tracepoints have arguments", "%s has no arguments",
			   c->point->text);
		return;
	}
	(c->point->leader ? c->point->leader : c->point)->each = true;
	n->field = tp_field(format, n->text);
	if (!n->field) {
		for (u32 i = 0; i < format->nfields; i++)
			near_try(&near, format->fields[i].name);
		check_fail(c, n, check_near(c, &near, NULL), "%s has no argument '%s'",
			   c->point->text, n->text);
		return;
	}
	use_field(c, n->field);
	if (n->field->is_array && !n->field->is_data_loc && !n->field->is_string && n->field->elem)
		n->type = bytes_type(c->script, n->field->size); /* for ntop(), buf(), macaddr() */
	else if ((n->field->is_array || n->field->is_data_loc) && !n->field->is_string)
		check_fail(c, n, "integers, pointers and strings can be used",
			   "'%s' is an array (%s)", n->text, n->field->type);
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

void check_field(struct checker *c, struct node *n)
{
	const struct aggregate *a;
	const struct member *m;
	struct near near = {.word = n->text};

	if (n->a->kind == NODE_NAME && !strcmp(n->a->text, "args")) {
		check_args_field(c, n);
		return;
	}
	if (!check_expr(c, n->a))
		return;
	a = fields_of(n->a->type);
	if (!a) {
		check_fail(c, n, n->a->type.kind == TYPE_INT ?
			   "say what it points to: ((struct task_struct *)x)->pid" : NULL,
			   "%s has no fields", TYPE_A(n->a->type));
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
	/* what is reached from user memory is in user memory; a pointer in it too */
	if (n->type.is_pointer && n->a->type.space == SPACE_USER)
		n->type.space = SPACE_USER;
}

void check_index(struct checker *c, struct node *n)
{
	bool known = check_expr(c, n->a), index = check_int(c, n->b, "an index");
	struct type a = n->a->type;

	if (!known || !index)
		return;
	if ((a.is_pointer || a.kind == TYPE_ARRAY) && a.of && a.of->size)
		n->type = read_from_memory(*a.of);
	else if (a.kind == TYPE_STR && n->a->kind != NODE_STR)
		n->type = (struct type){.kind = TYPE_INT, .size = 1, .is_signed = 1};
	else
		check_fail(c, n, "arrays and pointers have elements", "%s has no elements",
			   TYPE_A(a));
}

/* (a, b, ...): numbers take 8 bytes, strings what a key gives them. */
void check_tuple(struct checker *c, struct node *n)
{
	struct aggregate *parts;
	struct type tuple;
	bool known = true;
	u32 count = 0, i = 0;

	for (struct node *part = n->a; part; part = part->next, count++)
		known = check_expr(c, part) && known;
	if (!known)
		return;
	tuple = type_tuple(c->script->arena, count, &parts);
	for (struct node *part = n->a; part; part = part->next, i++) {
		struct type t = check_key_type(part->type);

		if (!check_storable(t)) {
			check_fail(c, part, "numbers, strings and tuples can be parts",
				   "%s cannot be part of a tuple", TYPE_A(t));
			return;
		}
		if (type_is_number(t))
			t = type_arith(t, t);
		type_tuple_part(&tuple, parts, i, t);
	}
	n->type = tuple;
}

void check_deref(struct checker *c, struct node *n)
{
	struct type a = n->a->type;

	if (a.is_pointer && a.of && a.of->size)
		n->type = read_from_memory(*a.of);
	else if (a.kind == TYPE_INT && !a.is_pointer && a.size == 8 && !a.is_literal)
		n->type = TYPE_U64; /* *kaddr("jiffies") */
	else
		check_fail(c, n, "say what it points to: *(uint32 *)x", "%s points to nothing known",
			   TYPE_A(a));
}

void check_cast(struct checker *c, struct node *n)
{
	struct type to;

	if (!check_type(c, n->b, &to) || !check_int(c, n->a, "a cast"))
		return;
	if (to.kind != TYPE_INT)
		check_fail(c, n, "cast to a pointer: (struct foo *)x", "'%s' is no number or pointer",
			   n->b->text);
	else
		n->type = to;
	if (to.is_pointer)
		n->type.space = n->a->type.is_pointer || n->a->type.space ? n->a->type.space : SPACE_ANY;
}
