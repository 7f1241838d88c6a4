/*
 * lower.c: programs: one for each point, its predicate, its statements.
 *
 * In: a checked tree and the points where its probes attach. Out: the object's data sections,
 * maps, schemas and attach rows, and the IR of each program.
 */
#include "script/lower.h"

#include <ctype.h>
#include <stdio.h>

static void lower_statement(struct lower *, struct node *);

static u32 place(struct loc at)
{
	return at.line << 10 | MIN(at.col, 1023u);
}

/* ---- statements */

static void lower_if(struct lower *l, struct node *n)
{
	struct ir_fn *fn = l->fn;
	u32 then = ir_block(fn), done = ir_block(fn), otherwise = n->c ? ir_block(fn) : done;
	struct memo memo;

	lower_cond(l, n->a, then, otherwise);
	memo = l->memo;
	ir_seal(fn, then);
	ir_at(fn, then);
	lower_statements(l, n->b);
	ir_jmp(fn, done);
	l->memo = memo;
	if (n->c) {
		ir_seal(fn, otherwise);
		ir_at(fn, otherwise);
		lower_statements(l, n->c);
		ir_jmp(fn, done);
		l->memo = memo;
	}
	ir_seal(fn, done);
	ir_at(fn, done);
}

static void lower_while(struct lower *l, struct node *n)
{
	struct ir_fn *fn = l->fn;
	u32 head = ir_block(fn), body = ir_block(fn), done = ir_block(fn);
	u32 break_to = l->break_to, continue_to = l->continue_to;
	struct memo memo = l->memo;

	ir_jmp(fn, head);
	ir_at(fn, head);
	lower_cond(l, n->a, body, done);
	ir_seal(fn, body);
	ir_at(fn, body);
	l->break_to = done;
	l->continue_to = head;
	lower_statements(l, n->b);
	ir_jmp(fn, head);
	ir_seal(fn, head);
	ir_seal(fn, done);
	ir_at(fn, done);
	l->memo = memo;
	l->break_to = break_to;
	l->continue_to = continue_to;
}

static void lower_assign(struct lower *l, struct node *n)
{
	struct script_var *v;
	u32 value;

	if (n->a->kind == NODE_MAP) {
		lower_map_assign(l, n->a, n->op, n->b);
		return;
	}
	v = n->a->var;
	if (v->type.kind != TYPE_INT) {
		lower_stored(l, n->b, mem_at(l, &l->pieces.v[v->scratch]), v->type.size);
		return;
	}
	value = lower_int(l, n->b);
	if (n->op != TOK_SET)
		value = lower_arith(l, n->op, type_arith(n->a->type, n->b->type),
				    ir_get(l->fn, v->ir), value);
	ir_set(l->fn, v->ir, value);
}

static void lower_statement(struct lower *l, struct node *n)
{
	l->fn->line = place(n->at);
	switch (n->kind) {
	case NODE_ASSIGN: lower_assign(l, n); break;
	case NODE_CALL:
		if (n->call->lower)
			n->call->lower(l, n);
		break;
	case NODE_IF: lower_if(l, n); break;
	case NODE_WHILE: lower_while(l, n); break;
	case NODE_UNROLL:
		for (u64 i = 0; i < n->a->value && ir_open(l->fn); i++)
			lower_statements(l, n->b);
		break;
	case NODE_BLOCK: lower_statements(l, n); break;
	case NODE_BREAK: ir_jmp(l->fn, l->break_to); break;
	case NODE_CONTINUE: ir_jmp(l->fn, l->continue_to); break;
	case NODE_RETURN: ir_ret(l->fn, ir_const(l->fn, 0)); break;
	default:
		if (n->type.kind == TYPE_INT)
			lower_int(l, n);
	}
}

void lower_statements(struct lower *l, struct node *n)
{
	if (n->kind != NODE_BLOCK) {
		lower_statement(l, n);
		return;
	}
	for (n = n->a; n && ir_open(l->fn); n = n->next)
		lower_statement(l, n);
}

/* ---- programs */

/* Goes on only if the condition holds; else the program ends. */
static void demand(struct lower *l, struct node *predicate, u32 value)
{
	struct ir_fn *fn = l->fn;
	u32 go = ir_block(fn), leave = ir_block(fn);

	if (predicate) {
		fn->line = place(predicate->at);
		lower_cond(l, predicate, go, leave);
	} else {
		ir_br(fn, value, go, leave);
	}
	ir_seal(fn, leave);
	ir_at(fn, leave);
	ir_ret(fn, ir_const(fn, 0));
	ir_seal(fn, go);
	ir_at(fn, go);
}

/* A string that is never assigned is empty; the verifier wants to see all of the stack written. */
static void clear_str(struct lower *l, const struct script_var *v)
{
	const struct piece *p = &l->pieces.v[v->scratch];

	mem_zero(l, mem_at(l, p), p->slot ? p->size : MIN(p->size, 16));
}

static void lower_point(struct lower *l, struct point *p)
{
	struct ir_fn *fn = l->fn;

	fn->line = place(p->spec->at);
	for (struct script_var *v = p->vars; v; v = v->next) {
		if (v->type.kind != TYPE_INT) {
			v->scratch = mem_get(l, v->type.size); /* for the whole program */
			clear_str(l, v);
			continue;
		}
		v->ir = ir_var(fn, IRT_I64);
		ir_set(fn, v->ir, ir_const(fn, 0));
	}
	if (l->opts->pid && p->row->attach == ATTACH_TRACEPOINT)
		demand(l, NULL, ir_bin(fn, IR_EQ, IRT_I64, lower_pid(l), ir_const(fn, l->opts->pid)));
	if (p->probe->predicate)
		demand(l, p->probe->predicate, 0);
	lower_statements(l, p->probe->body);
	if (ir_open(fn))
		ir_ret(fn, ir_const(fn, 0));
}

static const char *identifier(struct arena *arena, const char *text, u32 i)
{
	char *name = arena_printf(arena, "%s_%u", text, i);

	for (char *p = name; *p; p++)
		if (!isalnum((u8)*p))
			*p = '_';
	return name;
}

/* The fields that a program reads, as struct attach has them. */
static const char *fields_used(struct arena *arena, const struct point *p)
{
	const char *text = NULL;

	vec_each(f, &p->used)
		text = arena_printf(arena, "%s%s %u %u\n", text ? text : "", (*f)->name,
				    (*f)->off, (*f)->size);
	return text;
}

static void add_prog(struct lower *l, struct point *p)
{
	struct arena *arena = &l->object->arena;
	struct object_prog *prog = vec_add(arena, &l->object->progs);

	l->prog = l->object->progs.n - 1;
	prog->name = identifier(arena, p->text, l->prog + 1);
	prog->probe = arena_strdup(arena, p->text);
	prog->kind = p->row->prog_kind;
	prog->section = p->format ? arena_printf(arena, "tracepoint/%s/%s", p->format->category,
						 p->format->name) :
				    "raw_tracepoint";
	vec_push(arena, &l->object->attaches,
		 (struct attach){.kind = p->row->attach, .prog = l->prog,
				 .pattern = arena_strdup(arena, p->pattern), .ns = p->ns,
				 .fields = fields_used(arena, p)});
}

/* The memory shared with loader and reader, as control.h tells. */
static void add_sections(struct lower *l, u32 programs)
{
	struct object_map *o = vec_add(&l->object->arena, &l->object->maps);

	l->bss = l->object->maps.n - 1;
	*o = (struct object_map){
		.name = ".bss", .kind = MAP_ARRAY, .key_size = 4, .max_entries = 1,
		.section = SECTION_BSS,
		.value_size = sizeof(struct waggle_control) +
			      programs * CONTROL_CPUS * (u32)sizeof(struct waggle_counters)};
	o = vec_add(&l->object->arena, &l->object->maps);
	l->rodata = l->object->maps.n - 1;
	*o = (struct object_map){
		.name = ".rodata", .kind = MAP_ARRAY, .key_size = 4, .max_entries = 1,
		.section = SECTION_RODATA, .value_size = sizeof(struct waggle_config) + 8};
}

static u64 cpu_mask(u32 cpus)
{
	u64 n = 1;

	while (n < cpus)
		n *= 2;
	return n - 1;
}

/* Behind the configuration: the stride of scratch memory, zeroes, words that the loader fills. */
static void rodata_begin(struct lower *l)
{
	u32 most = 0;

	vec_each(m, &l->object->maps)
		most = m->agg ? MAX(most, m->value_size) : most;
	l->zeroes = sizeof(struct waggle_config) + 8;
	l->rodata_end = l->zeroes + ALIGN_UP(most, 8);
}

static void rodata_end(struct lower *l)
{
	u64 stride = l->scratch_end = ALIGN_UP(l->scratch_end, 64);
	struct object_map *o = &l->object->maps.v[l->rodata];
	struct waggle_config *config;

	o->value_size = l->rodata_end;
	o->data = arena_alloc(&l->object->arena, o->value_size);
	config = (struct waggle_config *)o->data;
	config->cpu_mask = cpu_mask(l->script->target->cpus);
	memcpy(config + 1, &stride, sizeof(stride));
	l->object->maps.v[l->bss].per_cpu = l->scratch_end;
}

int script_lower(struct script *s, struct point *points, const struct script_opts *opts,
		 struct object *object, int (*done)(void *user, struct lower_result *), void *user)
{
	struct lower l = {.script = s, .object = object, .opts = opts, .rings = NO_MAP};
	u32 n = 0;
	int err = 0;

	for (struct point *p = points; p; p = p->next)
		n++;
	add_sections(&l, n);
	lower_maps(&l);
	rodata_begin(&l);
	for (struct point *p = points; p && !err; p = p->next) {
		struct lower_result r = {.point = p};

		script_check_point(s, p);
		add_prog(&l, p);
		l.fn = r.fn = ir_fn_new(s->arena, object->progs.v[l.prog].name);
		l.point = p;
		l.memo = (struct memo){0};
		l.pieces.n = 0;
		l.stack = 0;
		l.scratch = l.scratch_end;
		r.prog = l.prog;
		lower_point(&l, p);
		err = done(user, &r);
	}
	rodata_end(&l);
	return err;
}
