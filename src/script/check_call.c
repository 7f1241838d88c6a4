/* check_call.c: how each function may be used; the rows of calls.def and aggs.def name these. */
#include "script/check.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- formats */

bool format_next(const char **p, struct format_spec *f)
{
	static const char conversions[] = "diuxXocspr%";
	const char *q = strchr(*p, '%');

	if (!q)
		return false;
	f->start = q++;
	q += strspn(q, "-+ #0");
	q += strspn(q, "0123456789");
	if (*q == '.')
		q += 1 + strspn(q + 1, "0123456789");
	q += strspn(q, "hlzjt");
	if (*q == 'g' && q[1] == 'r') {
		q++;
		f->conversion = 'g';
	} else {
		f->conversion = *q && strchr(conversions, *q) ? *q : 0;
	}
	if (f->conversion == 'r' && (q[1] == 'x' || q[1] == 'h'))
		q++;
	f->len = (u32)(q - f->start) + (*q != 0);
	*p = f->start + f->len;
	return true;
}

/* Of a broken conversion: without what must not stand in a message. */
static u32 shown_length(const struct format_spec *f)
{
	return f->len && !isprint((u8)f->start[f->len - 1]) ? f->len - 1 : f->len;
}

/* What %s can show: all that has another form than a plain number. */
static bool has_text(struct type t)
{
	return !type_is_number(t) && !t.is_pointer;
}

static void check_conversion(struct checker *c, struct node *call, const struct format_spec *f,
			     struct node *arg, u32 i)
{
	bool string = f->conversion == 's', bytes = f->conversion == 'r';
	struct type t = arg ? arg->type : (struct type){0};
	const char *hint = "strings are printed with %s", *what = "numbers";

	if (t.kind == TYPE_UNKNOWN)
		return;
	if (bytes    ? t.kind == TYPE_STR || (t.kind == TYPE_SHOWN && t.show == FIELD_BUF)
	    : string ? has_text(t)
		     : t.kind == TYPE_INT)
		return;
	if (bytes)
		hint = "buf(p, 16) reads bytes", what = "bytes";
	else if (string)
		hint = t.is_pointer ? "str(...) reads the string it points to"
				    : "numbers are printed with %d, %u, %x",
		what = "strings";
	else if (t.kind != TYPE_STR)
		hint = "it is printed with %s";
	check_fail(c, arg, hint, "argument %u of %s() is %s, but '%.*s' prints %s", i, call->text,
		   TYPE_A(t), (int)f->len, f->start, what);
}

void check_printf(struct checker *c, struct node *n)
{
	struct node *arg = n->a->next;
	struct format_spec f;
	u32 wanted = 0, given = 0;
	const char *p = n->a->text;

	for (struct node *a = arg; a; a = a->next, given++)
		check_expr(c, node_value(a));
	if (n->a->kind != NODE_STR) {
		check_fail(c, n->a, "printf(\"%d\\n\", pid)",
			   "the format must be a string constant");
		return;
	}
	if (strlen(p) != n->a->len) {
		check_fail(c, n->a, NULL, "the format holds a NUL");
		return;
	}
	while (format_next(&p, &f)) {
		if (!f.conversion) {
			check_fail(c, n->a, "%d %u %x %o %c %p %s %r %gr and %% are known",
				   "'%.*s' is not a conversion", (int)shown_length(&f), f.start);
			return;
		}
		if (f.conversion == '%')
			continue;
		check_conversion(c, n, &f, arg ? node_value(arg) : NULL, ++wanted);
		arg = arg ? arg->next : NULL;
	}
	if (wanted != given)
		check_fail(c, n, NULL, "the format has %u conversion%s, but there %s %u argument%s",
			   wanted, wanted == 1 ? "" : "s", given == 1 ? "is" : "are", given,
			   given == 1 ? "" : "s");
}

/* ---- records */

/* str(args.filename) is a filename, kstack(5) a kstack. */
static const char *wrapped_name(const struct node *n)
{
	static const char *const wrappers[] = {"str",  "ntop",    "ksym",     "usym",
					       "buf",  "macaddr", "strerror", "kptr",
					       "uptr", "bswap",   "decimal"};
	const struct node *a = n->a && n->a->next && str_same(n->text, "ntop") ? n->a->next : n->a;

	if (str_same(n->text, "kstack") || str_same(n->text, "ustack") || str_same(n->text, "nsecs"))
		return n->text;
	for (u32 i = 0; i < ARRAY_SIZE(wrappers); i++)
		if (a && str_same(wrappers[i], n->text))
			return node_field_name(a);
	return NULL;
}

struct node *node_value(struct node *n)
{
	return n->kind == NODE_NAMED ? n->a : n;
}

const char *node_field_name(const struct node *n)
{
	switch (n->kind) {
	case NODE_NAMED:
	case NODE_NAME:
	case NODE_FIELD:
	case NODE_VAR:
	case NODE_MAP: return *n->text ? n->text : NULL;
	case NODE_CALL: return wrapped_name(n);
	case NODE_INT: return str_same(n->text, "has_cpid") ? n->text : NULL; /* where it is known */
	default: return NULL;
	}
}

static bool is_none(const struct node *n)
{
	return n->kind == NODE_NAME && str_same(n->text, "none");
}

static bool may_be_none(const struct node *n)
{
	return n->kind == NODE_COND && (is_none(n->b) || is_none(n->c));
}

/* field = c ? value : none: takes the branch. False: there is no such field. */
static bool field_chosen(struct checker *c, struct node *arg)
{
	struct node *n = node_value(arg), *taken;

	if (!may_be_none(n))
		return true;
	check_condition(c, n, "a condition");
	if (!n->known) {
		check_fail(c, n->a, "parameters and constants are: getopt(\"name\") ? a : none",
			   "whether there is a field must be known while the script is compiled");
		return true;
	}
	taken = n->known == 1 ? n->c : n->b;
	if (arg->kind == NODE_NAMED)
		arg->a = taken;
	return !is_none(taken);
}

void check_chosen(struct checker *c, struct node *n)
{
	for (struct node **a = &n->a; *a;)
		if (field_chosen(c, *a))
			a = &(*a)->next;
		else
			*a = (*a)->next;
}

void check_emit(struct checker *c, struct node *n)
{
	check_chosen(c, n);
	for (struct node *a = n->a; a; a = a->next) {
		struct node *value = node_value(a);

		if (may_be_none(value)) /* that was told */
			continue;
		if (check_expr(c, value) && !check_storable(value->type))
			check_fail(c, value, "show its members, or buf() of it",
				   "%s cannot be a field", TYPE_A(value->type));
		a->type = value->type;
		if (!node_field_name(a))
			check_fail(c, a, "emit(size = @a + 1)", "this field has no name");
		for (struct node *b = n->a; b != a; b = b->next)
			if (node_field_name(a) && node_field_name(b) &&
			    str_same(node_field_name(a), node_field_name(b)))
				check_fail(c, a, "give it another: emit(pid, other = pid)",
					   "the name '%s' is taken", node_field_name(a));
	}
}

/* ---- maps */

/* A map as a whole: without a key, whatever keys it has. */
bool check_whole_map(struct checker *c, struct node *n)
{
	if (n->kind != NODE_MAP || n->a)
		return false;
	for (struct script_map *m = c->script->maps; m; m = m->next)
		if (str_same(m->name, n->text)) {
			n->map = m;
			n->type = m->value;
			return true;
		}
	check_fail(c, n, "assign it somewhere: @x = 1;", "there is no map @%s", n->text);
	return false;
}

static bool constant(const struct node *n, s64 least)
{
	return n->kind == NODE_INT && (s64)n->value >= least;
}

void check_map_arg(struct checker *c, struct node *n)
{
	if (n->a->kind != NODE_MAP || n->a->a)
		check_fail(c, n->a, n->call->usage, "%s() takes a map", n->text);
	else
		check_whole_map(c, n->a);
}

/* An entry that is more than a number: it is printed as its map would be. */
static bool is_shown_whole(struct checker *c, struct node *n)
{
	return n->kind == NODE_MAP && check_map(c, n) && n->kind == NODE_MAP &&
	       n->type.kind == TYPE_AGG && n->type.agg >= AGG_STATS;
}

static void check_top(struct checker *c, struct node *n, struct node *top)
{
	const struct script_map *m = n->a->map; /* NULL: there is none, and that was told */

	if (!c->final || n->thrown || !m || m->value.kind != TYPE_AGG || m->value.agg != AGG_STATS)
		return;
	n->thrown = true;
	diag_warn(c->script->diag, top->at, "sum() and avg() are sorted and divided",
		  "entries of stats() are all printed, and as they are");
}

/* Several lines for each entry. */
static bool is_picture(struct type t)
{
	return t.kind == TYPE_AGG &&
	       (t.agg == AGG_HIST || t.agg == AGG_LHIST || t.agg == AGG_TSERIES);
}

/* print(@bytes, 10, 1, @pieces): what another map has for the same keys. */
static void check_beside(struct checker *c, struct node *n, struct node *beside)
{
	const struct script_map *m = n->a->map, *b;

	if (beside->kind != NODE_MAP || beside->a) {
		check_fail(c, beside, "print(@bytes, 10, 1, @pieces)",
			   "what stands beside the values is another map");
		return;
	}
	check_whole_map(c, beside);
	b = beside->map;
	if (!m || !b || !m->keys_known || !b->keys_known || b->value.kind == TYPE_UNKNOWN)
		return;
	if (!b->nkeys || !check_same_keys(m, b))
		check_fail(c, beside, NULL, "@%s has other keys than @%s", b->name, m->name);
	else if (!check_countable(b->value))
		check_fail(c, beside, "print(@m)", "@%s holds %s, which is no number", b->name,
			   TYPE_A(b->value));
	else if (is_picture(m->value))
		check_fail(c, beside, "print(@m, 10, 1), and the other map by itself",
			   "@%s holds %s: numbers stand beside numbers alone", m->name,
			   TYPE_A(m->value));
}

void check_print(struct checker *c, struct node *n)
{
	struct node *top = n->a->next;

	if (n->a->kind == NODE_MAP && !n->a->a) {
		check_whole_map(c, n->a);
		if (top)
			check_top(c, n, top);
		for (u32 i = 0; top; top = top->next, i++) /* a top of 0: all of them */
			if (i == 2)
				check_beside(c, n, top);
			else if (check_int(c, top, "print()") && !constant(top, i))
				check_fail(c, top, "print(@m, 5)",
					   "this must be a positive constant");
		return;
	}
	if (top)
		check_fail(c, top, "print(@m, 5) prints the five largest", "only maps have a top");
	if (is_shown_whole(c, n->a))
		return;
	if (check_expr(c, n->a) && !check_storable(n->a->type))
		check_fail(c, n->a, "print its members, or buf() of it", "%s cannot be printed",
			   TYPE_A(n->a->type));
}

/* delete(@a[1], @b[2]), as bpftrace 0.18 to 0.21 had it */
static void check_deletes(struct checker *c, struct node *n)
{
	for (struct node *map = n->a; map; map = map->next)
		if (map->kind != NODE_MAP || !map->a)
			check_fail(c, map, n->call->usage, "delete() takes entries of maps");
		else
			check_asked(c, map);
	n->type = TYPE_VOID;
}

void check_delete(struct checker *c, struct node *n)
{
	struct node *map = n->a, *key = map->next;

	if (key && map->kind == NODE_MAP && map->a) {
		check_deletes(c, n);
		return;
	}
	if (map->kind != NODE_MAP || (key && key->next)) {
		check_fail(c, map, n->call->usage, "delete() takes an entry of a map");
		return;
	}
	if (key) { /* delete(@m, key): the same as delete(@m[key]) */
		map->next = NULL;
		map->a = key;
		n->valued = true;
	}
	check_asked(c, map);
	n->type = TYPE_BOOL;
}

void check_exit(struct checker *c, struct node *n)
{
	if (n->a)
		check_int(c, n->a, "exit()");
}

/* ---- values */

/* The text of a positional parameter, "" when it was not given. */
static const char *param_text(const struct checker *c, const struct node *n)
{
	return n->value >= 1 && n->value <= (u64)c->script->argc ? c->script->argv[n->value - 1]
								 : "";
}

static void make_string(struct node *n, const char *text, u32 most)
{
	n->kind = NODE_STR;
	n->text = text;
	n->len = (u32)MIN(strlen(text), (size_t)most - 1);
	n->type = type_str(n->len + 1);
}

void check_param(struct checker *c, struct node *n)
{
	const char *text = param_text(c, n);
	bool negative = *text == '-';
	u64 value = 0;
	char *end;

	n->type = TYPE_S64;
	if (*n->text == '#') {
		n->value = (u64)c->script->argc;
		return;
	}
	if (*text) {
		errno = 0;
		value = strtoull(text + negative, &end, 0);
		if (!isdigit((u8)text[negative]) || *end || errno) {
			make_string(n, text, c->script->limits.str_most);
			return;
		}
	}
	n->kind = NODE_INT;
	n->value = negative ? -value : value;
	n->type.is_signed = negative || !(value >> 63);
	n->type.size = 8;
	n->type.is_literal = 1;
}

/* str($1) is a constant; str($1 + 2) leaves the first two bytes out. */
static bool str_of_param(struct checker *c, struct node *n, u32 size)
{
	const struct node *param = n->a;
	const char *text;
	u64 skip = 0;

	if (param->kind == NODE_BINARY && param->op == TOK_ADD && param->b->kind == NODE_INT) {
		skip = param->b->value;
		param = param->a;
	}
	if (param->kind != NODE_PARAM || *param->text == '#')
		return false;
	text = param_text(c, param);
	make_string(n, text + MIN(skip, strlen(text)), size);
	return true;
}

void check_str(struct checker *c, struct node *n)
{
	struct node *most = n->a->next;
	u32 size = c->script->limits.str_most;

	if (most && check_int(c, most, "the length of str()") && constant(most, INT64_MIN) &&
	    (s64)most->value >= 0) { /* below zero: as long as strings can be */
		if (most->value >= size)
			check_fail(c, most,
				   arena_printf(c->script->arena,
						"the most is %u bytes, "
						"unless --max-strlen says more",
						size - 1),
				   "a string cannot be that long");
		else
			size = (u32)MIN(most->value + 1, size);
	}
	if (str_of_param(c, n, size))
		return;
	if (!check_expr(c, n->a)) {
		n->type = type_str(size);
		return;
	}
	if (n->a->type.kind == TYPE_STR) /* args.comm is one already */
		size = MIN(size, n->a->type.size);
	n->type = type_str(size);
}
