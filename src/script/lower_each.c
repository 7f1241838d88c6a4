/*
 * lower_each.c: loops whose block is a callback, which the kernel calls for each entry of a map, or
 * for each turn of a loop that is too long for its verifier.
 *
 * The block of the loop becomes a function of its own, so what it shares with the rest of the
 * program lives in memory, the frame: a stack slot whose address the callback is handed.
 *
 *   key, value    where they are; or the number of the turn. Stored by the first instructions of
 * the callback (isa/callback.c) context       of the program scratch       address of the program's
 * scratch memory stop          the callback wants the whole run to end variables     numbers that
 * are used in the block of some such loop, and where ranges begin
 *
 * Strings and tuples live in scratch memory in such a program. A callback returns 1 to end the
 * loop.
 */
#include "script/lower.h"

#include "isa/isa.h"

enum {
	FRAME_KEY,
	FRAME_VALUE = 8,
	FRAME_CONTEXT = 16,
	FRAME_SCRATCH = 24,
	FRAME_STOP = 32,
	FRAME_VARS = 40
};
#define TURNS_MOST (8 << 20) /* the kernel's BPF_MAX_LOOPS */
#define CALLBACK_STACK \
	128 /* bytes of pieces on a callback's own stack: it shares 512 with others */

u32 var_get(struct lower *l, const struct script_var *v)
{
	if (v->shared)
		return ir_load(l->fn, 8, false, l->frame.at, (s32)v->shared);
	return ir_get(l->fn, v->ir);
}

void var_set(struct lower *l, const struct script_var *v, u32 value)
{
	if (v->cut.kind == TYPE_INT)
		value = lower_cut(l, v->cut, value);
	if (v->shared)
		ir_store(l->fn, 8, l->frame.at, (s32)v->shared, value);
	else
		ir_set(l->fn, v->ir, value);
}

/* ---- which variables */

static void share(struct lower *l, struct script_var *v)
{
	if (v->type.kind != TYPE_INT || v->shared)
		return;
	v->shared = l->frame.size;
	l->frame.size += 8;
}

static void find_shared(struct lower *l, struct node *n, bool inside)
{
	for (; n; n = n->next) {
		bool each = loop_is_called(l, n);

		l->frame.wanted |= each;
		if (each && n->a->kind == NODE_RANGE) { /* where it begins */
			n->value = l->frame.size;
			l->frame.size += 8;
		}
		if (n->kind == NODE_VAR && n->var && inside)
			share(l, n->var);
		if (inside)
			packet_share(l, n);
		find_shared(l, n->a, inside || (each && n->kind == NODE_WHILE));
		find_shared(l, n->b, inside || each);
		find_shared(l, n->c, inside || each);
	}
}

void frame_begin(struct lower *l)
{
	l->frame = (struct frame){.size = FRAME_VARS};
	if (!l->script->loops)
		return;
	for (struct script_var *v = l->point->vars; v; v = v->next)
		v->shared = 0;
	find_shared(l, l->point->probe->predicate, false);
	find_shared(l, l->point->probe->body, false);
	if (!l->frame.wanted)
		return;
	l->frame.at = ir_slot(l->fn, l->frame.size, 8);
	l->stack += l->frame.size;
}

u32 frame_scratch(struct lower *l)
{
	if (!l->memo.scratch)
		l->memo.scratch = ir_load_pointer(l->fn, IRT_DATA, l->frame.at, FRAME_SCRATCH);
	return l->memo.scratch;
}

void frame_return(struct lower *l)
{
	ir_store(l->fn, 8, l->frame.at, FRAME_STOP, ir_const(l->fn, 1));
	ir_ret(l->fn, ir_const(l->fn, 1));
}

/* ---- the callback */

/* $kv = (key, value) */
static void make_entry(struct lower *l, const struct node *n)
{
	struct ir_fn *fn = l->fn;
	const struct object_map *o = &l->object->maps.v[n->a->map->index];
	struct mem to = mem_at(l, &l->pieces.v[n->c->var->scratch]);
	const struct aggregate *pair = n->c->var->type.fields;
	struct mem key = {ir_load_pointer(fn, IRT_DATA, l->frame.at, FRAME_KEY), 0};
	struct mem value = {ir_load_pointer(fn, IRT_DATA, l->frame.at, FRAME_VALUE), 0};
	struct mem part = {to.ptr, to.off + (s32)(pair->members[1].bit_off / 8)};

	l->text_writes++;
	mem_copy(l, to, key, o->key_size);
	if (n->a->map->value.kind == TYPE_AGG)
		ir_store(fn, 8, part.ptr, part.off, lower_agg_value(l, n->a->map, key));
	else
		mem_copy(l, part, value, o->value_size);
}

/* What a turn begins with. */
static void enter(struct lower *l, struct node *n, u32 done)
{
	struct ir_fn *fn = l->fn;
	u32 body;

	if (n->kind == NODE_WHILE) {
		body = ir_block(fn);
		lower_cond(l, n->a, body, done);
		ir_seal(fn, body);
		ir_at(fn, body);
	} else if (n->a->kind == NODE_RANGE) {
		var_set(l, n->c->var,
			ir_bin(fn, IR_ADD, IRT_I64,
			       ir_load(fn, 8, false, l->frame.at, (s32)n->value),
			       ir_load(fn, 8, false, l->frame.at, FRAME_KEY)));
	} else if (n->c) {
		make_entry(l, n);
	}
}

static struct ir_fn *make_callback(struct lower *l, struct node *n)
{
	struct ir_fn *fn = ir_fn_new(l->script->work, l->fn->name);
	u32 done, next;

	fn->turns = n->kind == NODE_WHILE || n->a->kind != NODE_MAP;
	fn->line = l->fn->line;
	l->fn = fn;
	l->frame.inside = true;
	l->frame.at = ir_frame(fn);
	fn->ctx = ir_load_pointer(fn, IRT_CTX, l->frame.at, FRAME_CONTEXT);
	l->memo = (struct memo){0};
	l->stack = MAX(l->stack, CALLBACK_STACK);
	vec_each (p, &l->pieces)
		p->busy = true; /* they are of the function around this one, or in use there */
	done = ir_block(fn), next = ir_block(fn);
	l->break_to = done;
	l->continue_to = next;
	enter(l, n, done);
	lower_statements(l, n->b);
	ir_jmp(fn, next);
	ir_seal(fn, next);
	ir_at(fn, next);
	ir_ret(fn, ir_const(fn, 0));
	ir_seal(fn, done);
	ir_at(fn, done);
	ir_ret(fn, ir_const(fn, 1));
	return fn;
}

/* The run of the program ends if the callback has said so. */
static void after(struct lower *l)
{
	struct ir_fn *fn = l->fn;
	u32 leave = ir_block(fn), go = ir_block(fn);

	ir_br(fn, ir_load(fn, 8, false, l->frame.at, FRAME_STOP), leave, go);
	ir_seal(fn, leave);
	ir_at(fn, leave);
	lower_return(l);
	ir_seal(fn, go);
	ir_at(fn, go);
}

/* What the block changes must not be known before it: the verifier would walk each turn, as each
 * has other values. It does not follow what goes through memory of maps. */
static void forget_shared(struct lower *l, const struct node *loop)
{
	u32 piece = mem_get_scratch(l, 8);
	struct mem m = mem_at(l, &l->pieces.v[piece]);

	for (const struct script_var *v = l->point->vars; v; v = v->next) {
		if (!v->shared || (!mentions(loop->b, v, true) && !mentions(loop->a, v, true)))
			continue;
		ir_store(l->fn, 8, m.ptr, m.off, var_get(l, v));
		var_set(l, v, ir_load(l->fn, 8, false, m.ptr, m.off));
	}
	mem_put(l, piece);
}

/* How many turns a range has, which may also end before it begins. */
static u32 range_turns(struct lower *l, struct node *n)
{
	struct ir_fn *fn = l->fn;
	u32 turns = ir_var(fn, IRT_I64), some = ir_block(fn), most = ir_block(fn),
	    all = ir_block(fn), done = ir_block(fn), from, to, count;

	from = lower_int(l, n->a->a);
	to = lower_int(l, n->a->b);
	ir_store(fn, 8, l->frame.at, (s32)n->value, from);
	count = ir_bin(fn, IR_SUB, IRT_I64, to, from);
	ir_set(fn, turns, ir_const(fn, 0));
	ir_br(fn, ir_bin(fn, IR_SLT, IRT_I64, from, to), some, done);
	ir_seal(fn, some);
	ir_at(fn, some);
	ir_br(fn, ir_bin(fn, IR_ULT, IRT_I64, count, ir_const(fn, TURNS_MOST)), all, most);
	ir_seal(fn, most);
	ir_at(fn, most);
	ir_set(fn, turns, ir_const(fn, TURNS_MOST));
	ir_jmp(fn, done);
	ir_seal(fn, all);
	ir_at(fn, all);
	ir_set(fn, turns, count);
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	return ir_get(fn, turns);
}

static u32 call(struct lower *l, struct node *n, u32 callback, u32 turns)
{
	struct ir_fn *fn = l->fn;

	if (n->kind == NODE_FOR && n->a->kind == NODE_MAP)
		return ir_call(fn, HELPER_for_each_map_elem, IRT_I64, 4,
			       ir_map(fn, n->a->map->index), ir_func(fn, callback), l->frame.at,
			       ir_const(fn, 0));
	return ir_call(fn, HELPER_loop, IRT_I64, 4, turns, ir_func(fn, callback), l->frame.at,
		       ir_const(fn, 0));
}

u32 lower_each(struct lower *l, struct node *n)
{
	struct ir_fn *outer = l->fn, *made;
	struct frame frame = l->frame;
	u32 break_to = l->break_to, continue_to = l->continue_to, stack = l->stack;
	struct memo memo;
	u32 number, pieces, count, turns;
	bool *busy;

	forget_shared(l, n); /* which also sees to it that there is scratch memory */
	turns = n->kind == NODE_FOR && n->a->kind == NODE_RANGE ? range_turns(l, n)
								: ir_const(outer, TURNS_MOST);
	pieces = l->pieces.n;
	busy = arena_array(l->script->arena, bool, pieces);
	for (u32 i = 0; i < pieces; i++)
		busy[i] = l->pieces.v[i].busy;
	if (!frame.inside) {
		ir_store(outer, 8, frame.at, FRAME_CONTEXT, ir_ctx(outer));
		ir_store(outer, 8, frame.at, FRAME_SCRATCH, scratch_address(l));
		ir_store(outer, 8, frame.at, FRAME_STOP, ir_const(outer, 0));
		ir_store(outer, 8, frame.at, FRAME_KEY, ir_const(outer, 0));
		ir_store(outer, 8, frame.at, FRAME_VALUE, ir_const(outer, 0));
	}
	memo = l->memo;
	vec_push(l->script->arena, &l->callbacks, NULL);
	number = l->callbacks.n;
	made = make_callback(l, n); /* which may have callbacks of its own */
	l->callbacks.v[number - 1] = made;
	l->fn = outer;
	l->frame = frame;
	l->memo = memo;
	l->memo.read.map = NULL;
	l->memo.key.use = NULL;
	l->map_writes++;
	l->break_to = break_to;
	l->continue_to = continue_to;
	l->stack = stack;
	for (u32 i = 0; i < l->pieces.n; i++) /* new ones with a slot are of the callback alone */
		l->pieces.v[i].busy = i < pieces ? busy[i] : l->pieces.v[i].slot != 0;
	count = call(l, n, number, turns);
	after(l);
	return count;
}
