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

static void check_statement(struct checker *, struct node *);

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

const char *check_near(struct checker *c, const struct near *near, const char *otherwise)
{
	return near->best ? arena_printf(c->script->arena, "did you mean '%s'?", near->best)
			  : otherwise;
}

/* ---- leaves */

/* Functions that give a value and need no arguments may go without parentheses, too. */
static bool call_without(const struct node *n)
{
	const struct call_row *row = call_find(n->text);

	return row && !row->least && (row->value || row->text || row->store);
}

static void check_value(struct checker *c, struct node *n)
{
	const struct value_row *r = n->row;

	n->type = r->points_to ? ctype_kernel_pointer(c->script, r->points_to) : r->type;
	if (r->store)
		n->type.mode = c->script->limits.stack_mode;
	if (r->type.show == FIELD_USTACK || r->type.show == FIELD_KSTACK) {
		n->type.mode |= c->script->limits.symbol_flags;
		check_packet_stack(c, n);
	}
	if (r->check)
		r->check(c, n);
}

static void unknown_name(struct checker *c, struct node *n)
{
	const struct tp_format *format = c->final && c->point ? point_format(c->script, c->point) : NULL;
	struct near near = {.word = n->text};

	if (!c->final)
		return;
	for (const struct value_row *r = value_rows; r->name; r++)
		near_try(&near, r->name);
	if (format && tp_field(format, n->text))
		near.best = arena_printf(c->script->arena, "args.%s", n->text);
	check_fail(c, n,
		   !strcmp(n->text, "container")
			   ? "it stands in keys, emit(), table() and tuples"
			   : check_near(c, &near, "variables are written $name, maps @name"),
		   "'%s' is not known", n->text);
}

void check_known(struct node *n, bool value)
{
	n->kind = NODE_INT;
	n->a = NULL;
	n->value = value;
	n->type = TYPE_BOOL;
	n->type.is_literal = 1;
}

static void check_name(struct checker *c, struct node *n)
{
	s64 value;

	/* earlier rounds have found it */
	if (n->row || n->probe_value) {
		if (n->row)
			check_value(c, n);
		else
			check_probe_value_of(c, n, n->probe_value, n->text);
		return;
	}
	if (c->script->no_command && str_same(n->text, "has_cpid")) {
		check_known(n, false);
		return;
	}
	if (check_probe_value(c, n) || (!strcmp(n->text, "args") && check_args(c, n)))
		return;
	if ((n->row = value_row_of(n->text))) {
		check_value(c, n);
		return;
	}
	if (!strcmp(n->text, "true") || !strcmp(n->text, "false")) {
		check_known(n, *n->text == 't');
		return;
	}
	if (ctype_enumerator(c->script, n->text, &value, &n->type)) {
		n->kind = NODE_INT;
		n->value = (u64)value;
		return;
	}
	if (call_without(n)) { /* a function that needs no arguments */
		n->kind = NODE_CALL;
		check_expr(c, n);
		return;
	}
	if (call_find(n->text))
		check_fail(c, n,
			   arena_printf(c->script->arena, "it is written %s",
					call_find(n->text)->usage),
			   "'%s' is a function", n->text);
	else if (!strcmp(n->text, "args"))
		check_fail(c, n, NULL, "%s has no arguments with names", c->point->text);
	else if (word_comes_later(n->text))
		check_fail(c, n, "`waggle help values` lists what there is",
			   "'%s' is not there yet", n->text);
	else
		unknown_name(c, n);
}

static void check_var(struct checker *c, struct node *n)
{
	struct near near = {.word = n->text};
	bool elsewhere = false;

	for (struct script_var *v = c->point->vars; v; v = v->next) {
		elsewhere |= !strcmp(v->name, n->text);
		if (v->id == n->id) {
			n->var = v;
			n->type = v->type;
			if (!v->set)
				check_fail(c, n, "assign it first: $x = 0;",
					   "$%s has no value here yet", n->text);
			return;
		}
	}
	if (!c->final) /* nobody is told */
		return;
	for (struct script_var *v = c->point->vars; v; v = v->next)
		if (v->set && strcmp(v->name, n->text) != 0)
			near_try(&near, v->name);
	check_fail(c, n,
		   near.best ? arena_printf(c->script->arena, "did you mean '$%s'?", near.best)
			     : "assign it first: $x = 0;",
		   elsewhere ? "$%s has no value here yet" : "$%s has no value", n->text);
}

/* Of two numbers: as wide as both, signed as C has it. */
static struct type join_choices(struct checker *c, const struct type *b,
				const struct type *otherwise)
{
	struct type t = type_join(c->script->arena, *b, *otherwise);

	if (t.kind == TYPE_INT && !t.is_pointer && !t.is_bool && !t.names)
		t = type_arith(*b, *otherwise);
	return t;
}

static bool is_number(const struct type *t)
{
	return t->kind == TYPE_INT && !t->is_pointer;
}

/* The one that is never taken may be anything; where it is a number, it still has its part in the
 * type. */
static void check_known_cond(struct checker *c, struct node *n)
{
	struct node *taken = n->known == 1 ? n->c : n->b, *other = n->known == 1 ? n->b : n->c;
	bool final = c->final, sound = false;

	if (n->a->kind != NODE_COMPTIME) {
		c->final = false;
		c->dead++;
		sound = check_expr(c, other);
		c->dead--;
		c->final = final;
	}
	if (!check_expr(c, taken))
		return;
	n->type = taken->type;
	if (sound && is_number(&taken->type) && is_number(&other->type))
		n->type = join_choices(c, &n->b->type, &n->c->type);
}

static void check_cond(struct checker *c, struct node *n)
{
	bool b, otherwise;

	check_condition(c, n, "a condition");
	if (n->known) {
		check_known_cond(c, n);
		return;
	}
	b = check_expr(c, n->b), otherwise = check_expr(c, n->c);
	if (!b || !otherwise)
		return;
	n->type = join_choices(c, &n->b->type, &n->c->type);
	if (!check_storable(n->type))
		check_fail(c, n, "both must be of one type", "%s or %s?", TYPE_A(n->b->type),
			   TYPE_A(n->c->type));
}

/* { a; b; value } */
static void check_valued(struct checker *c, struct node *n)
{
	struct node *last = n->a;

	for (; last && last->next; last = last->next)
		check_statement(c, last);
	if (!last || !n->valued) {
		check_fail(c, n, "its last statement is an expression without ;",
			   "this block has no value");
		return;
	}
	check_expr(c, last);
	n->type = last->type;
}

static void check_inc(struct checker *c, struct node *n)
{
	if (n->a->kind == NODE_MAP) {
		if (check_map(c, n->a))
			check_map_value(c, n->a, TYPE_NUMBER);
		n->type = n->a->type;
	} else if (n->a->kind == NODE_VAR) {
		if (!check_int(c, n->a, "++ and --"))
			return;
		n->type = n->a->type;
		if (!n->type.is_pointer) /* more than what was assigned may come of it */
			check_learn(c, &n->a->var->type,
				    type_join(c->script->arena, n->type,
					      type_arith(n->type, TYPE_NUMBER)));
	} else {
		check_fail(c, n, "only $variables and @maps can be changed",
			   "this is not a variable or map");
	}
}

/* pid() is pid. */
static bool value_call(struct checker *c, struct node *n)
{
	if (!value_row_of(n->text))
		return false;
	if (n->a) {
		check_fail(c, n->a, NULL, "%s takes no arguments", n->text);
	} else {
		n->kind = NODE_NAME;
		check_name(c, n);
	}
	return true;
}

static void check_call(struct checker *c, struct node *n)
{
	const struct call_row *row = n->call = n->call ? n->call : call_find(n->text);
	struct near near = {.word = c->final ? n->text : NULL};
	u32 args = 0;

	if (!row && value_call(c, n))
		return;
	if (!row) {
		for (const struct call_row *r = call_rows; r->name; r++)
			near_try(&near, r->name);
		if (word_comes_later(n->text))
			check_fail(c, n, "`waggle help functions` lists what there is",
				   "%s() is not there yet", n->text);
		else
			check_fail(c, n, check_near(c, &near, "`waggle help functions` lists them"),
				   "there is no function '%s'", n->text);
		return;
	}
	for (struct node *a = n->a; a; a = a->next) {
		args++;
		if (a->kind == NODE_NAMED && row->check != check_emit && row->check != check_table &&
		    row->lower != lower_printf)
			check_fail(c, a, NULL, "%s() takes no named arguments", row->name);
	}
	n->type = TYPE_VOID;
	if (args < row->least || args > row->most)
		check_fail(c, n, arena_printf(c->script->arena, "it is written %s", row->usage),
			   "%s() cannot take %u argument%s", row->name, args, args == 1 ? "" : "s");
	else
		row->check(c, n);
}

/* What a name stood for (true, an enumerator) keeps its type. */
static void check_literal(struct node *n)
{
	if (!n->type.is_bool && !n->type.names)
		n->type = n->type.is_signed ? TYPE_S64 : TYPE_U64;
	n->type.is_literal = 1;
}

bool check_expr(struct checker *c, struct node *n)
{
	switch (n->kind) {
	case NODE_INT: check_literal(n); break;
	case NODE_STR: n->type = type_str(n->len + 1); break;
	case NODE_PARAM: check_param(c, n); break;
	case NODE_NAME: check_name(c, n); break;
	case NODE_FIELD: check_field(c, n); break;
	case NODE_INDEX: check_index(c, n); break;
	case NODE_CAST: check_cast(c, n); break;
	case NODE_TUPLE: check_tuple(c, n); break;
	case NODE_SIZEOF: check_sizeof(c, n); break;
	case NODE_OFFSETOF: check_offsetof(c, n); break;
	case NODE_VAR: check_var(c, n); break;
	case NODE_MAP: check_map_read(c, n); break;
	case NODE_UNARY: check_unary(c, n); break;
	case NODE_BINARY: check_binary(c, n); break;
	case NODE_COND: check_cond(c, n); break;
	case NODE_INC: check_inc(c, n); break;
	case NODE_BLOCK: check_valued(c, n); break;
	case NODE_COMPTIME: check_comptime(c, n); break;
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

bool check_is_int(struct checker *c, const struct node *n, const char *what)
{
	if (n->type.kind == TYPE_INT)
		return true;
	check_fail(c, n, NULL, "%s takes a number, not %s", what, TYPE_A(n->type));
	return false;
}

bool check_int(struct checker *c, struct node *n, const char *what)
{
	return check_expr(c, n) && check_is_int(c, n, what);
}

/* ---- statements */

struct script_var *check_var_of(struct checker *c, struct node *n)
{
	struct script_var **v = &c->point->vars;

	for (; *v; v = &(*v)->next)
		if ((*v)->id == n->id)
			return *v;
	*v = arena_new(c->script->arena, struct script_var);
	(*v)->name = n->text;
	(*v)->id = n->id;
	(*v)->at = n->at;
	return *v;
}

void check_assign_var(struct checker *c, struct node *n)
{
	struct script_var *v;
	struct type joined;

	if (!check_expr(c, n->b))
		return;
	v = n->a->var = check_var_of(c, n->a);
	v->set = true;
	joined = type_join(c->script->arena, v->type, n->b->type);
	if (!check_storable(joined))
		check_fail(c, n->a, "a variable keeps one type", "$%s is %s elsewhere, %s here",
			   v->name, TYPE_A(v->type), TYPE_A(n->b->type));
	else
		check_learn(c, &v->type, joined);
	n->a->type = v->type;
}

/* Strings of about one length share a type, but none gets longer than strings may be. */
u32 check_str_room(const struct checker *c, u32 size)
{
	return size > c->script->limits.str_most
		       ? size
		       : MIN(ALIGN_UP(size, 8), c->script->limits.str_most);
}

/* A value as a map keeps it. */
static struct type stored_type(const struct checker *c, struct type t)
{
	if (t.kind == TYPE_STR)
		return type_str(check_str_room(c, t.size));
	return type_is_number(t) ? type_arith(t, t) : t;
}

/* x op= v is x = x op v: the same types. Both sides are numbers. */
static void check_compound(struct checker *c, struct node *n)
{
	bool shift = n->op == TOK_SHL_SET || n->op == TOK_SHR_SET;
	bool known = check_int(c, n->b, token_text(n->op));
	struct type b = n->b->type, a;

	if (n->a->kind == NODE_MAP ? !check_map(c, n->a) : !check_int(c, n->a, token_text(n->op)))
		return;
	a = n->a->type;
	if (!known || a.is_pointer)
		return;
	if (a.kind == TYPE_UNKNOWN) /* a map that is assigned nowhere else up to now */
		a = TYPE_NUMBER;
	if (n->a->kind == NODE_MAP)
		check_map_value(c, n->a, type_arith(a, shift ? a : b));
	else
		check_learn(c, &n->a->var->type,
			    type_join(c->script->arena, a, type_arith(a, shift ? a : b)));
}

static void check_assign(struct checker *c, struct node *n)
{
	const struct call_row *call = n->b->kind != NODE_CALL ? NULL
				      : n->b->call            ? n->b->call
							      : call_find(n->b->text);

	n->type = TYPE_VOID;
	if (n->op != TOK_SET) {
		check_compound(c, n);
		return;
	}
	if (n->a->kind == NODE_VAR) {
		check_assign_var(c, n);
	} else if (call && call->agg) {
		check_call(c, n->b);
		if (check_map(c, n->a))
			check_map_value(
				c, n->a,
				(struct type){.kind = TYPE_AGG,
					      .agg = call->agg,
					      .size = agg_size(c, n->a, n->b),
					      .is_signed = n->b->a && n->b->a->type.is_signed});
	} else {
		bool known = check_expr(c, n->b);

		if (!check_map(c, n->a))
			return;
		n->a->map->assigned = true;
		if (known)
			check_map_value(c, n->a, stored_type(c, n->b->type));
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
		check_lost(c, n);
		break;
	case NODE_INC: check_inc(c, n); break;
	case NODE_IF: check_if(c, n); break;
	case NODE_LET: check_let(c, n); break;
	case NODE_FOR:
		c->script->loops = true;
		check_for(c, n);
		break;
	case NODE_WHILE:
		c->script->loops = true;
		check_while(c, n);
		break;
	case NODE_UNROLL: check_unroll(c, n); break;
	case NODE_BREAK:
	case NODE_CONTINUE:
		if (!c->loops)
			check_fail(c, n, NULL, "%s stands outside of a loop", n->text);
		break;
	case NODE_RETURN: check_return(c, n); break;
	case NODE_BLOCK: check_statements(c, n); break;
	default: check_expr(c, n); check_lost(c, n);
	}
}

/* A block, or the single statement (an `if`) behind else. */
void check_statements(struct checker *c, struct node *n)
{
	if (n->kind != NODE_BLOCK) {
		check_statement(c, n);
		return;
	}
	for (n = n->a; n; n = n->next)
		check_statement(c, n);
}

/* One tree for all points. */
static void check_filter(struct checker *c, struct point *p)
{
	c->point = p;
	if (c->script->filter && point_is_filtered(p))
		check_int(c, c->script->filter, "a filter");
}

static void check_point(struct checker *c, struct point *p)
{
	check_filter(c, p);
	for (struct script_var *v = p->vars; v; v = v->next)
		v->set = false;
	p->probe->checked = p;
	if (p->probe->predicate)
		check_int(c, p->probe->predicate, "a predicate");
	check_statements(c, p->probe->body);
}

/* let @m = percpuhash(10); */
static void check_declared(struct checker *c, const struct script_map *m)
{
	bool agg = m->value.kind == TYPE_AGG;

	if (m->declared->per_cpu == agg || c->script->diag->errors)
		return;
	diag_error(c->script->diag, m->at, agg ? "percpuhash, percpulruhash" : "hash, lruhash",
		   agg ? "@%s holds an aggregation, which %s cannot"
		       : "@%s holds no aggregation, but %s is for these alone",
		   m->name, m->declared->name);
}

static void check_maps(struct checker *c)
{
	for (struct script_map *m = c->script->maps; m; m = m->next)
		if (m->declared && m->value.kind != TYPE_UNKNOWN && m->nkeys)
			check_declared(c, m);
	for (struct script_map *m = c->script->maps; m; m = m->next)
		if (m->value.kind == TYPE_UNKNOWN && !c->script->diag->errors && !m->declared &&
		    m->live)
			diag_error(c->script->diag, m->at, "assign it somewhere: @x = 1;",
				   "@%s never gets a value", m->name);
}

static void check_points(struct checker *c, struct point *points)
{
	for (struct point *p = points; p; p = p->next)
		if (!point_is_led(c->script, p) && !point_is_like(c->script, points, p))
			check_point(c, p);
}

/* Until nothing new is learned. */
static void check_rounds(struct checker *c, struct point *points)
{
	for (u32 round = 0; round < 16; round++) {
		c->changed = false;
		check_points(c, points);
		if (!c->changed)
			break;
	}
}

static bool guesses(const struct checker *c)
{
	for (const struct script_map *m = c->script->maps; m; m = m->next)
		if (m->assigned && m->value.kind == TYPE_UNKNOWN)
			return true;
	return false;
}

int script_check(struct script *s, struct point *points)
{
	struct checker c = {.script = s};

	check_rounds(&c, points);
	c.late = true;
	if (c.skipped)
		check_rounds(&c, points);
	c.guess = true;
	if (guesses(&c))
		check_rounds(&c, points);
	c.final = true;
	check_points(&c, points);
	check_maps(&c);
	if (!s->diag->errors)
		points_share(s, points);
	return s->diag->errors ? -EINVAL : 0;
}

void script_check_point(struct script *s, struct point *p)
{
	struct checker c = {.script = s};

	if (p->probe->checked == p)
		check_filter(&c, p);
	else
		check_point(&c, p);
}
