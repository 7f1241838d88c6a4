/*
 * check.c: names and types.
 *
 * In: the tree and the points where its probes attach. Out: each node has a type, each name a
 * meaning, maps and variables the type that holds all that is ever put into them. Types of maps
 * come from all probes, so the whole script is walked until nothing is learnt any more, and once
 * again to report.
 */
#include "script/check.h"
#include "script/ctype.h"

#include <errno.h>
#include <stdio.h>

static void check_statements(struct checker *, struct node *);

void check_fail(struct checker *c, const struct node *n, const char *hint, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (!c->final || c->script->diag->errors >= ERRORS_MOST ||
	    (n->at.line == c->reported.line && n->at.col == c->reported.col))
		return;
	c->reported = n->at;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_error(c->script->diag, n->at, hint, "%s", text);
}

static const char *did_you_mean(struct checker *c, const struct near *near, const char *otherwise)
{
	return near->best ? arena_printf(c->script->arena, "did you mean '%s'?", near->best) :
			    otherwise;
}

/* ---- leaves */

static void check_name(struct checker *c, struct node *n)
{
	struct near near = {.word = n->text};
	s64 value;

	for (const struct value_row *r = value_rows; r->name; r++) {
		if (!strcmp(r->name, n->text)) {
			n->row = r;
			n->type = r->points_to ? ctype_kernel_pointer(c->script, r->points_to) :
						 r->type;
			if (r->store)
				n->type.mode = c->script->limits.stack_mode;
			return;
		}
		near_try(&near, r->name);
	}
	if (ctype_constant(c->script, n->text, &value)) {
		n->kind = NODE_INT;
		n->value = (u64)value;
		n->type = TYPE_S64;
		n->type.is_literal = 1;
		return;
	}
	if (call_find(n->text))
		check_fail(c, n, arena_printf(c->script->arena, "it is written %s",
					      call_find(n->text)->usage),
			   "'%s' is a function", n->text);
	else if (!strcmp(n->text, "args"))
		check_fail(c, n, "args.NAME is one of them", "args is all arguments of the probe");
	else
		check_fail(c, n, did_you_mean(c, &near, "variables are written $name, maps @name"),
			   "'%s' is not known", n->text);
}

/* The width that C gives the type: system calls record an int in 8 bytes. */
static u32 declared_size(const struct tp_field *f)
{
	static const struct {
		const char *name;
		u32 size;
	} types[] = {{"int", 4}, {"unsigned int", 4}, {"unsigned", 4}, {"u32", 4}, {"s32", 4},
		     {"pid_t", 4}, {"uid_t", 4}, {"gid_t", 4}, {"qid_t", 4}, {"key_t", 4},
		     {"mqd_t", 4}, {"key_serial_t", 4}, {"clockid_t", 4}, {"timer_t", 4},
		     {"umode_t", 2}, {"short", 2}, {"u16", 2}, {"char", 1}, {"u8", 1}};

	for (u32 i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i].name, f->type))
			return MIN(types[i].size, f->size);
	return f->size;
}

static struct type field_type(struct script *s, const struct point *p, const struct tp_field *f)
{
	const char *unknown;
	struct type of, t = {.kind = TYPE_INT, .is_signed = f->is_signed, .size = declared_size(f)};

	if (f->is_string)
		return type_str(f->is_data_loc ? s->limits.str_most : f->size);
	if (f->is_pointer) {
		t.is_pointer = 1;
		t.is_signed = 0;
		t.space = strcmp(p->format->category, "syscalls") ? SPACE_KERNEL : SPACE_USER;
		if (ctype_of_text(s, f->type, &of, &unknown) && of.is_pointer)
			t.of = of.of;
	} else if (t.size < f->size) {
		/* the format calls the 8-byte slot unsigned, whatever the argument is */
		t.is_signed = f->is_signed || strstr("int pid_t s32 key_t mqd_t short", f->type);
	}
	return t;
}

static void check_args_field(struct checker *c, struct node *n)
{
	const struct tp_format *format = c->point->format;
	struct near near = {.word = n->text};

	if (!format) {
		check_fail(c, n->a, "tracepoints have arguments", "%s has no arguments",
			   c->point->text);
		return;
	}
	n->field = tp_field(format, n->text);
	if (!n->field) {
		for (u32 i = 0; i < format->nfields; i++)
			near_try(&near, format->fields[i].name);
		check_fail(c, n, did_you_mean(c, &near, NULL), "%s has no argument '%s'",
			   c->point->text, n->text);
		return;
	}
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
	if (t.kind == TYPE_STRUCT)
		return t.fields;
	if (t.is_pointer && t.of && t.of->kind == TYPE_STRUCT)
		return t.of->fields;
	return NULL;
}

static void check_field(struct checker *c, struct node *n)
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
			   "a %s has no fields", TYPE_NAME(n->a->type));
		return;
	}
	m = ctype_member(c->script, a, n->text, &n->bit_off);
	if (!m) {
		ctype_near(c->script, a, &near);
		check_fail(c, n, did_you_mean(c, &near, NULL), "%s %s has no field '%s'",
			   a->is_union ? "union" : "struct", a->name, n->text);
		return;
	}
	n->bits = m->bits;
	n->type = m->type;
	/* what is reached from user memory is in user memory; a pointer in it too */
	if (n->type.is_pointer && n->a->type.space == SPACE_USER)
		n->type.space = SPACE_USER;
}

static void check_index(struct checker *c, struct node *n)
{
	bool known = check_expr(c, n->a), index = check_int(c, n->b, "an index");
	struct type a = n->a->type;

	if (!known || !index)
		return;
	if ((a.is_pointer || a.kind == TYPE_ARRAY) && a.of && a.of->size)
		n->type = *a.of;
	else if (a.kind == TYPE_STR && n->a->kind != NODE_STR)
		n->type = (struct type){.kind = TYPE_INT, .size = 1, .is_signed = 1};
	else
		check_fail(c, n, "arrays and pointers have elements", "a %s has no elements",
			   TYPE_NAME(a));
}

static void check_deref(struct checker *c, struct node *n)
{
	struct type a = n->a->type;

	if (a.is_pointer && a.of && a.of->size)
		n->type = *a.of;
	else if (a.kind == TYPE_INT && !a.is_pointer && a.size == 8 && !a.is_literal)
		n->type = TYPE_U64; /* *kaddr("jiffies") */
	else
		check_fail(c, n, "say what it points to: *(uint32 *)x", "a %s points to nothing known",
			   TYPE_NAME(a));
}

static void check_cast(struct checker *c, struct node *n)
{
	struct type to;
	const char *unknown;

	if (!ctype_of_text(c->script, n->text, &to, &unknown)) {
		check_fail(c, n, "the kernel's types come from BTF; others must be declared",
			   "there is no type '%s'", unknown);
		return;
	}
	if (!check_int(c, n->a, "a cast"))
		return;
	if (to.kind != TYPE_INT)
		check_fail(c, n, "cast to a pointer: (struct foo *)x", "'%s' is no number or pointer",
			   n->text);
	else
		n->type = to;
	if (to.is_pointer)
		n->type.space = n->a->type.is_pointer || n->a->type.space ? n->a->type.space : SPACE_ANY;
}

static void check_sizeof(struct checker *c, struct node *n)
{
	const char *unknown;
	struct type t;

	if (n->a && check_expr(c, n->a))
		t = n->a->type;
	else if (n->a)
		return;
	else if (!ctype_of_text(c->script, n->text, &t, &unknown)) {
		check_fail(c, n, NULL, "there is no type '%s'", unknown);
		return;
	}
	n->kind = NODE_INT;
	n->value = t.size;
	n->type = TYPE_U64;
	n->type.is_literal = 1;
}

static void check_var(struct checker *c, struct node *n)
{
	struct near near = {.word = n->text};

	for (struct script_var *v = c->point->vars; v; v = v->next) {
		if (!strcmp(v->name, n->text)) {
			n->var = v;
			n->type = v->type;
			return;
		}
		near_try(&near, v->name);
	}
	check_fail(c, n, near.best ? arena_printf(c->script->arena, "did you mean '$%s'?", near.best) :
				     "assign it first: $x = 0;",
		   "$%s has no value", n->text);
}

/* $1 is a number when it looks like one; str($1) makes a string of it. */
static void check_param(struct checker *c, struct node *n)
{
	const char *text;
	u64 value = 0;
	bool negative;

	n->type = TYPE_S64;
	if (*n->text == '#') {
		n->value = (u64)c->script->argc;
		return;
	}
	text = n->value >= 1 && n->value <= (u64)c->script->argc ?
		       c->script->argv[n->value - 1] : "0";
	n->type.is_literal = 1;
	negative = *text == '-';
	if (sscanf(text + negative, "%li", (long *)&value) != 1)
		check_fail(c, n, arena_printf(c->script->arena, "str($%s) takes it as a string",
					      n->text),
			   "parameter $%s is not a number: '%s'", n->text, text);
	n->kind = NODE_INT;
	n->value = negative ? -value : value;
}

/* ---- maps */

static struct script_map *map_of(struct checker *c, struct node *n)
{
	struct script_map **m = &c->script->maps;

	for (; *m; m = &(*m)->next)
		if (!strcmp((*m)->name, n->text))
			return *m;
	*m = arena_new(c->script->arena, struct script_map);
	(*m)->name = n->text;
	(*m)->at = n->at;
	c->changed = true;
	return *m;
}

static bool same_type(struct type a, struct type b)
{
	return a.kind == b.kind && a.of == b.of && a.size == b.size && a.show == b.show && a.is_signed == b.is_signed && a.agg == b.agg;
}

static void learn(struct checker *c, struct type *known, struct type t)
{
	if (!same_type(*known, t))
		c->changed = true;
	*known = t;
}

static struct type key_type(struct type t)
{
	if (t.kind == TYPE_STR)
		t.size = MIN(ALIGN_UP(t.size, 8), STR_KEY);
	return t.kind == TYPE_SHOWN ? shown_key(t) : t;
}

static void check_key(struct checker *c, struct node *n, struct node *key, u32 i)
{
	struct script_map *m = n->map;
	struct type joined;

	if (!check_expr(c, key))
		return;
	joined = type_join(m->keys[i], key_type(key->type));
	if (joined.kind != TYPE_INT && !type_in_memory(joined))
		check_fail(c, key, "all keys of a map have the same types",
			   "key %u of @%s is a %s here and a %s elsewhere", i + 1, m->name,
			   TYPE_NAME(key->type), TYPE_NAME(m->keys[i]));
	else
		learn(c, &m->keys[i], joined);
}

bool check_map(struct checker *c, struct node *n)
{
	u32 keys = 0, i = 0;
	struct script_map *m;

	for (struct node *k = n->a; k; k = k->next)
		keys++;
	m = n->map = map_of(c, n);
	if (!m->keys_known) {
		m->keys_known = true;
		m->nkeys = keys;
		m->keys = arena_array(c->script->arena, struct type, keys);
	}
	if (m->nkeys != keys) {
		check_fail(c, n, "all uses of a map have the same keys",
			   "@%s has %u keys here and %u elsewhere", m->name, keys, m->nkeys);
		return false;
	}
	for (struct node *k = n->a; k; k = k->next)
		check_key(c, n, k, i++);
	n->type = m->value;
	return true;
}

void check_map_value(struct checker *c, struct node *n, struct type value)
{
	struct type joined;

	if (value.kind == TYPE_UNKNOWN)
		return;
	joined = type_join(n->map->value, value);
	if (joined.kind == TYPE_UNKNOWN)
		check_fail(c, n, "a map holds values of one type",
			   "@%s holds %s elsewhere, %s here", n->map->name,
			   TYPE_NAME(n->map->value), TYPE_NAME(value));
	else
		learn(c, &n->map->value, joined);
	n->type = n->map->value;
}

static void check_map_read(struct checker *c, struct node *n)
{
	if (!check_map(c, n))
		return;
	if (n->type.kind == TYPE_UNKNOWN)
		check_fail(c, n, "assign it somewhere: @x = 1;", "@%s never gets a value", n->text);
	if (n->type.kind == TYPE_AGG) {
		check_fail(c, n, "print(@m) prints it", "@%s is a %s: its value cannot be used here",
			   n->text, TYPE_NAME(n->type));
		n->type = (struct type){0};
	}
}

/* ---- operators */

static void check_binary(struct checker *c, struct node *n)
{
	bool a = check_expr(c, n->a), b = check_expr(c, n->b);
	bool compare = n->op == TOK_EQ || n->op == TOK_NE;
	bool logic = n->op == TOK_ANDAND || n->op == TOK_OROR;
	struct type ta = n->a->type, tb = n->b->type;

	if (!a || !b)
		return;
	n->type = TYPE_S64;
	if (ta.kind == TYPE_STR && tb.kind == TYPE_STR && compare)
		return;
	if (ta.kind != TYPE_INT || tb.kind != TYPE_INT) {
		const struct node *wrong = ta.kind != TYPE_INT ? n->a : n->b;

		check_fail(c, wrong, compare ? "compare strings with strings, numbers with numbers" :
					       "it works on numbers",
			   "'%s' cannot take a %s", token_text(n->op) + 1, TYPE_NAME(wrong->type));
		return;
	}
	if (compare || logic || n->op == TOK_LT || n->op == TOK_LE || n->op == TOK_GT ||
	    n->op == TOK_GE)
		n->type = TYPE_S64;
	else if (n->op == TOK_SHL || n->op == TOK_SHR)
		n->type = type_arith(ta, ta);
	else if ((n->op == TOK_ADD || n->op == TOK_SUB) && ta.is_pointer && !tb.is_pointer)
		n->type = ta;
	else if (n->op == TOK_ADD && tb.is_pointer && !ta.is_pointer)
		n->type = tb;
	else
		n->type = type_arith(ta, tb);
}

static void check_unary(struct checker *c, struct node *n)
{
	if (!check_expr(c, n->a))
		return;
	if (n->op == TOK_MUL) {
		check_deref(c, n);
		return;
	}
	if (n->a->type.kind != TYPE_INT) {
		check_fail(c, n, "it works on numbers", "'%s' cannot take a %s",
			   token_text(n->op) + 1, TYPE_NAME(n->a->type));
		return;
	}
	n->type = type_arith(n->a->type, n->a->type);
	if (n->op == TOK_NOT)
		n->type = TYPE_S64;
	if (n->op == TOK_SUB && n->a->type.is_literal)
		n->type.is_signed = 1; /* -1 stays -1 beside unsigned values */
}

static void check_cond(struct checker *c, struct node *n)
{
	bool b, otherwise;

	check_int(c, n->a, "a condition");
	b = check_expr(c, n->b), otherwise = check_expr(c, n->c);
	if (!b || !otherwise)
		return;
	n->type = type_join(n->b->type, n->c->type);
	if (n->type.kind == TYPE_INT)
		n->type = type_arith(n->b->type, n->c->type);
	if (n->type.kind != TYPE_INT && n->type.kind != TYPE_STR)
		check_fail(c, n, "both must be numbers or strings", "a %s or a %s?",
			   TYPE_NAME(n->b->type), TYPE_NAME(n->c->type));
}

static void check_inc(struct checker *c, struct node *n)
{
	if (n->a->kind == NODE_MAP) {
		if (check_map(c, n->a))
			check_map_value(c, n->a, TYPE_S64);
		n->type = TYPE_S64;
	} else if (n->a->kind == NODE_VAR) {
		if (check_int(c, n->a, "++ and --"))
			n->type = n->a->type;
	} else {
		check_fail(c, n, "only $variables and @maps can be changed",
			   "this is not a variable or map");
	}
}

static void check_call(struct checker *c, struct node *n)
{
	const struct call_row *row = n->call = call_find(n->text);
	struct near near = {.word = n->text};
	u32 args = 0;

	if (!row) {
		for (const struct call_row *r = call_rows; r->name; r++)
			near_try(&near, r->name);
		check_fail(c, n, did_you_mean(c, &near, "`waggle help functions` lists them"),
			   "there is no function '%s'", n->text);
		return;
	}
	for (struct node *a = n->a; a; a = a->next) {
		args++;
		if (a->kind == NODE_NAMED && row->check != check_emit)
			check_fail(c, a, NULL, "%s() takes no named arguments", row->name);
	}
	n->type = TYPE_VOID;
	if (args < row->least || args > row->most)
		check_fail(c, n, arena_printf(c->script->arena, "it is written %s", row->usage),
			   "%s() cannot take %u argument%s", row->name, args, args == 1 ? "" : "s");
	else
		row->check(c, n);
}

bool check_expr(struct checker *c, struct node *n)
{
	switch (n->kind) {
	case NODE_INT:
		n->type = n->type.is_signed ? TYPE_S64 : TYPE_U64;
		n->type.is_literal = 1;
		break;
	case NODE_STR: n->type = type_str(n->len + 1); break;
	case NODE_PARAM: check_param(c, n); break;
	case NODE_NAME: check_name(c, n); break;
	case NODE_FIELD: check_field(c, n); break;
	case NODE_INDEX: check_index(c, n); break;
	case NODE_CAST: check_cast(c, n); break;
	case NODE_SIZEOF: check_sizeof(c, n); break;
	case NODE_VAR: check_var(c, n); break;
	case NODE_MAP: check_map_read(c, n); break;
	case NODE_UNARY: check_unary(c, n); break;
	case NODE_BINARY: check_binary(c, n); break;
	case NODE_COND: check_cond(c, n); break;
	case NODE_INC: check_inc(c, n); break;
	case NODE_CALL:
		check_call(c, n);
		if (n->type.kind == TYPE_NONE && n->call) {
			check_fail(c, n, n->call->agg ? n->call->usage : NULL,
				   "%s() has no value that can be used here", n->text);
			n->type = (struct type){0};
		}
		break;
	default: check_fail(c, n, NULL, "this is not a value"); n->type = (struct type){0};
	}
	return n->type.kind != TYPE_UNKNOWN;
}

bool check_int(struct checker *c, struct node *n, const char *what)
{
	if (!check_expr(c, n))
		return false;
	if (n->type.kind == TYPE_INT)
		return true;
	check_fail(c, n, NULL, "%s takes a number, not a %s", what, TYPE_NAME(n->type));
	return false;
}

/* ---- statements */

static struct script_var *var_of(struct checker *c, struct node *n)
{
	struct script_var **v = &c->point->vars;

	for (; *v; v = &(*v)->next)
		if (!strcmp((*v)->name, n->text))
			return *v;
	*v = arena_new(c->script->arena, struct script_var);
	(*v)->name = n->text;
	(*v)->at = n->at;
	return *v;
}

static void assign_var(struct checker *c, struct node *n)
{
	struct script_var *v;
	struct type joined;

	if (!check_expr(c, n->b))
		return;
	v = n->a->var = var_of(c, n->a);
	joined = type_join(v->type, n->b->type);
	if (joined.kind != TYPE_INT && !type_in_memory(joined))
		check_fail(c, n->a, "a variable keeps one type", "$%s is a %s elsewhere, a %s here",
			   v->name, TYPE_NAME(v->type), TYPE_NAME(n->b->type));
	else
		learn(c, &v->type, joined);
	n->a->type = v->type;
}

static void check_assign(struct checker *c, struct node *n)
{
	const struct call_row *call = n->b->kind == NODE_CALL ? call_find(n->b->text) : NULL;

	n->type = TYPE_VOID;
	if (n->op != TOK_SET) { /* compound: both sides are numbers */
		if (check_int(c, n->b, token_text(n->op)) && n->a->kind == NODE_VAR)
			check_int(c, n->a, token_text(n->op));
		else if (n->a->kind == NODE_MAP && check_map(c, n->a))
			check_map_value(c, n->a, type_arith(n->b->type, n->b->type));
		return;
	}
	if (n->a->kind == NODE_VAR) {
		assign_var(c, n);
	} else if (call && call->agg) {
		check_call(c, n->b);
		if (check_map(c, n->a))
			check_map_value(c, n->a, (struct type){
				.kind = TYPE_AGG, .agg = call->agg, .size = agg_size(c, n->a, n->b),
				.is_signed = n->b->a && n->b->a->type.is_signed});
	} else {
		bool known = check_expr(c, n->b);

		if (check_map(c, n->a) && known)
			check_map_value(c, n->a, n->b->type.kind == TYPE_STR ?
				type_str(ALIGN_UP(n->b->type.size, 8)) : n->b->type.is_pointer ||
				n->b->type.kind == TYPE_SHOWN ? n->b->type : type_arith(n->b->type, n->b->type));
	}
}

static void check_statement(struct checker *c, struct node *n)
{
	switch (n->kind) {
	case NODE_ASSIGN: check_assign(c, n); break;
	case NODE_CALL:
		check_call(c, n);
		if (n->call && n->call->agg)
			check_fail(c, n, n->call->usage, "the result of %s() is lost", n->text);
		break;
	case NODE_INC: check_inc(c, n); break;
	case NODE_IF:
		check_int(c, n->a, "if");
		check_statements(c, n->b);
		if (n->c)
			check_statements(c, n->c);
		break;
	case NODE_WHILE:
		check_int(c, n->a, "while");
		c->loops++;
		check_statements(c, n->b);
		c->loops--;
		break;
	case NODE_UNROLL:
		if (check_int(c, n->a, "unroll") &&
		    (n->a->kind != NODE_INT || n->a->value < 1 || n->a->value > UNROLL_MOST))
			check_fail(c, n->a, "while (...) { } loops as often as you like",
				   "unroll takes a constant from 1 to %u", UNROLL_MOST);
		check_statements(c, n->b);
		break;
	case NODE_BREAK:
	case NODE_CONTINUE:
		if (!c->loops)
			check_fail(c, n, NULL, "%s stands outside of a loop", n->text);
		break;
	case NODE_RETURN:
		break;
	case NODE_BLOCK: check_statements(c, n); break;
	default: check_expr(c, n);
	}
}

/* A block, or the single statement (an `if`) behind else. */
static void check_statements(struct checker *c, struct node *n)
{
	if (n->kind != NODE_BLOCK) {
		check_statement(c, n);
		return;
	}
	for (n = n->a; n; n = n->next)
		check_statement(c, n);
}

static void check_point(struct checker *c, struct point *p)
{
	c->point = p;
	if (p->probe->predicate)
		check_int(c, p->probe->predicate, "a predicate");
	check_statements(c, p->probe->body);
}

static void check_maps(struct checker *c)
{
	for (struct script_map *m = c->script->maps; m; m = m->next)
		if (m->value.kind == TYPE_UNKNOWN && !c->script->diag->errors)
			diag_error(c->script->diag, m->at, "assign it somewhere: @x = 1;",
				   "@%s never gets a value", m->name);
}

int script_check(struct script *s, struct point *points)
{
	struct checker c = {.script = s};

	for (u32 round = 0; round < 16; round++) {
		c.changed = false;
		for (struct point *p = points; p; p = p->next)
			check_point(&c, p);
		if (!c.changed)
			break;
	}
	c.final = true;
	for (struct point *p = points; p; p = p->next)
		check_point(&c, p);
	check_maps(&c);
	return s->diag->errors ? -EINVAL : 0;
}

void script_check_point(struct script *s, struct point *p)
{
	struct checker c = {.script = s};

	check_point(&c, p);
}
