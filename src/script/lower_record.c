/*
 * lower_record.c: records: printf, emit, print, exit and what else user space has to do.
 *
 * A record is built where it is sent from, in the ring buffer: reserve, take the time, fill,
 * submit. Its size must be a constant, so a record with strings has two forms: a short one, with
 * room for what most strings need, and a long one. When a string fills its short room, the record
 * is discarded and made again in the long form.
 */
#include "script/lower.h"

#include "isa/isa.h"

#define BPF_RB_NO_WAKEUP    1
#define BPF_RB_FORCE_WAKEUP 2

/* ---- schemas */

struct record {
	struct node *call; /* of join() */
	struct node *args;  /* values, in the order of fields; NODE_NAMED or plain */
	struct schema *forms[2]; /* short, long or NULL */
	u32 *ints;	    /* values of the numbers, 0 for strings */
	u32 n;
	u32 ring, lost, done; /* value, blocks */
};

static struct node *value_of(struct node *arg)
{
	return arg->kind == NODE_NAMED ? arg->a : arg;
}

/* The name of a field: the expression's own, or argN; a second one of the same name gets _2. */
static const char *field_name(struct lower *l, struct layout *layout, struct node *arg, u32 i)
{
	const char *name = node_field_name(arg), *unique;
	u32 same = 1;

	if (!name)
		name = arena_printf(&l->object->arena, "arg%u", i);
	unique = name;
	for (u32 k = 0; k < layout->n; k++)
		if (!strcmp(layout->fields[k].name, unique)) {
			unique = arena_printf(&l->object->arena, "%s_%u", name, ++same);
			k = UINT32_MAX; /* look at all of them again */
		}
	return unique;
}

static u32 width_of(struct type t)
{
	if (t.kind == TYPE_STR)
		return t.size <= 17 ? MIN(t.size, 16u) : 0; /* a name of a thread */
	if (t.kind == TYPE_SHOWN)
		return 16;
	return t.size <= 4 ? 7 : 12;
}

/* Numbers first, strings behind them; fields stay in the order of the arguments. */
static void fill_layout(struct lower *l, struct layout *layout, struct node *args, u32 cap)
{
	u32 i = 0, size = 0;

	for (struct node *a = args; a; a = a->next, i++) {
		struct type t = value_of(a)->type;
		struct field *f;

		t.size = t.kind == TYPE_STR ? MIN(t.size, cap) : t.size;
		f = layout_add(l, layout, field_name(l, layout, a, i), t);
		f->width = (u16)width_of(value_of(a)->type);
	}
	for (u32 pass = 0; pass < 2; pass++)
		for (i = 0; i < layout->n; i++) {
			struct field *f = &layout->fields[i];

			if ((f->kind >= FIELD_STR) == (pass == 1)) {
				f->off = size;
				size += ALIGN_UP(f->size, 8);
			}
		}
	layout->size = size;
}

static u32 schema_add(struct lower *l, const char *name, enum action_kind action)
{
	struct schema *s = vec_add(&l->object->arena, &l->object->schemas);

	s->id = s->group = l->object->schemas.n - 1;
	s->name = name;
	s->action.kind = action;
	return s->id;
}

/* The short form and, where a string may need it, the long one. Returns how many there are. */
static u32 make_schemas(struct lower *l, const char *name, const struct action *action, u8 view,
			struct node *args, u32 *first)
{
	bool is_long = false;
	u32 n, id;

	for (struct node *a = args; a; a = a->next)
		is_long |= value_of(a)->type.kind == TYPE_STR && value_of(a)->type.size > STR_SHORT;
	for (n = 0; n < 1u + is_long; n++) {
		struct schema *s;

		id = schema_add(l, name, action->kind);
		*first = n ? *first : id;
		s = &l->object->schemas.v[id];
		s->action = *action;
		s->view = view;
		s->group = *first;
		fill_layout(l, &s->layout, args, n ? l->script->limits.str_most : STR_SHORT);
	}
	return n;
}

/* ---- sending */

static u32 ring_of_cpu(struct lower *l)
{
	u32 piece = mem_get(l, 8), ring;
	struct mem m = mem_at(l, &l->pieces.v[piece]);

	if (l->rings == NO_MAP) {
		struct object_map *o = vec_add(&l->object->arena, &l->object->maps);

		*o = (struct object_map){.name = WAGGLE_RINGS, .kind = MAP_ARRAY_OF_MAPS,
					 .key_size = 4, .value_size = 4, .fill_per_cpu = true,
					 .inner = {.kind = MAP_RINGBUF, .max_entries = RING_BYTES}};
		l->rings = l->object->maps.n - 1;
	}
	ir_store(l->fn, 4, m.ptr, m.off, lower_cpu(l));
	ring = ir_call(l->fn, HELPER_map_lookup_elem, IRT_MAPVAL, 2, ir_map(l->fn, l->rings),
		       mem_addr(l, m));
	mem_put(l, piece);
	return ring;
}

/* Submits; wakes the reader up if it asked for that (the protocol is told in control.h). */
static void submit(struct lower *l, u32 rec)
{
	struct ir_fn *fn = l->fn;
	u32 wake = ir_block(fn), done = ir_block(fn), flags = ir_var(fn, IRT_I64);
	u32 control = ir_data(fn, l->bss, offsetof(struct waggle_control, want));

	ir_set(fn, flags, ir_const(fn, BPF_RB_NO_WAKEUP));
	ir_br(fn, ir_load(fn, 8, false, control, 0), wake, done);
	ir_seal(fn, wake);
	ir_at(fn, wake);
	ir_store(fn, 8, control, 0, ir_const(fn, 0));
	ir_set(fn, flags, ir_const(fn, BPF_RB_FORCE_WAKEUP));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	ir_call(fn, HELPER_ringbuf_submit, IRT_VOID, 2, rec, ir_get(fn, flags));
}

/* Goes to `longer` with the record discarded when a string filled its room. */
static void check_fits(struct lower *l, u32 rec, u32 len, u32 room, u32 longer)
{
	struct ir_fn *fn = l->fn;
	u32 full = ir_block(fn), fits = ir_block(fn);

	ir_br(fn, ir_bin(fn, IR_EQ, IRT_I64, len, ir_const(fn, room)), full, fits);
	ir_seal(fn, full);
	ir_at(fn, full);
	ir_call(fn, HELPER_ringbuf_discard, IRT_VOID, 2, rec, ir_const(fn, BPF_RB_NO_WAKEUP));
	ir_jmp(fn, longer);
	ir_seal(fn, fits);
	ir_at(fn, fits);
}

#define JOIN_MOST  16 /* strings of one join() */
#define JOIN_SHORT 128

/* Joins: a count, then the strings, one after the other until the array ends. */
static void fill_join(struct lower *l, struct record *r, const struct layout *layout, u32 rec,
		      u32 longer)
{
	const s32 head = sizeof(struct waggle_record);
	u32 piece = mem_get(l, 8), done = ir_block(l->fn), n = ir_var(l->fn, IRT_I64);
	struct mem word = mem_at(l, &l->pieces.v[piece]);
	u8 space = r->call->a->type.space;
	struct ir_fn *fn = l->fn;

	ir_set(fn, n, ir_const(fn, 0));
	for (u32 i = 1; i < layout->n; i++) {
		const struct field *f = &layout->fields[i];
		u32 have = ir_block(fn), text, len;

		lower_read(l, space, false, word, 8,
			   ir_bin(fn, IR_ADD, IRT_I64, r->ints[0], ir_const(fn, 8 * (s64)(i - 1))));
		text = ir_load(fn, 8, false, word.ptr, word.off);
		ir_br(fn, text, have, done);
		ir_seal(fn, have);
		ir_at(fn, have);
		len = lower_read(l, space, true, (struct mem){rec, head + (s32)f->off}, f->size,
				 text);
		if (longer)
			check_fits(l, rec, len, f->size, longer);
		ir_set(fn, n, ir_const(fn, i));
	}
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	ir_store(fn, 8, rec, head + (s32)layout->fields[0].off, ir_get(fn, n));
	mem_put(l, piece);
}

static void send_form(struct lower *l, struct record *r, u32 id, u32 longer)
{
	const struct layout *layout = &l->object->schemas.v[id].layout;
	const s32 head = sizeof(struct waggle_record);
	struct ir_fn *fn = l->fn;
	u32 rec, have = ir_block(fn), i = 0;

	rec = ir_call(fn, HELPER_ringbuf_reserve, IRT_MEM, 3, r->ring,
		      ir_const(fn, head + (s32)layout->size), ir_const(fn, 0));
	ir_br(fn, rec, have, r->lost);
	ir_seal(fn, have);
	ir_at(fn, have);
	ir_store(fn, 8, rec, offsetof(struct waggle_record, ns),
		 ir_call(fn, HELPER_ktime_get_ns, IRT_I64, 0));
	ir_store(fn, 8, rec, offsetof(struct waggle_record, schema),
		 ir_const(fn, (s64)((u64)layout->size << 32 | id)));
	if (r->call)
		fill_join(l, r, layout, rec, longer);
	for (i = 0; i < r->n && !r->call; i++)
		if (r->ints[i])
			ir_store(fn, 8, rec, head + (s32)layout->fields[i].off, r->ints[i]);
	i = 0;
	for (struct node *a = r->args; a; a = a->next, i++) {
		const struct field *f = &layout->fields[i];
		u32 len;

		if (r->ints[i])
			continue;
		if (value_of(a)->type.kind == TYPE_SHOWN) {
			lower_shown(l, value_of(a), (struct mem){rec, head + (s32)f->off}, f->size);
			continue;
		}
		if (value_of(a)->type.kind != TYPE_STR) {
			lower_stored(l, value_of(a), (struct mem){rec, head + (s32)f->off},
				     value_of(a)->type);
			continue;
		}
		l->loose = value_of(a)->kind == NODE_FIELD;
		len = lower_str(l, value_of(a), (struct mem){rec, head + (s32)f->off}, f->size);
		l->loose = false;
		if (longer && value_of(a)->type.size > STR_SHORT)
			check_fits(l, rec, len, f->size, longer);
	}
	submit(l, rec);
	ir_jmp(fn, r->done);
}

static void set_exit(struct lower *l, s64 state)
{
	ir_store(l->fn, 8, ir_data(l->fn, l->bss, offsetof(struct waggle_control, exit)), 0,
		 ir_const(l->fn, state));
}

/* Sends the record in its first form, or in the one behind it when that is too short. */
static void send_record(struct lower *l, struct record *r, u32 first, u32 forms)
{
	struct ir_fn *fn = l->fn;
	u32 longer = 0, have = ir_block(fn);
	struct memo memo;

	r->n = l->object->schemas.v[first].layout.n;
	r->lost = ir_block(fn), r->done = ir_block(fn);
	r->ring = ring_of_cpu(l);
	ir_br(fn, r->ring, have, r->lost);
	ir_seal(fn, have);
	ir_at(fn, have);
	memo = l->memo;
	if (forms == 2)
		longer = ir_block(fn);
	send_form(l, r, first, longer);
	l->memo = memo;
	if (longer) {
		ir_seal(fn, longer);
		ir_at(fn, longer);
		send_form(l, r, first + 1, 0);
		l->memo = memo;
	}
	ir_seal(fn, r->lost);
	ir_at(fn, r->lost);
	lower_counter(l, offsetof(struct waggle_counters, lost));
	if (l->object->schemas.v[first].action.kind == ACTION_EXIT)
		set_exit(l, EXIT_LOST);
	ir_jmp(fn, r->done);
	ir_seal(fn, r->done);
	ir_at(fn, r->done);
}

static void lower_record(struct lower *l, const char *name, const struct action *action, u8 view,
			 struct node *args)
{
	struct record r = {.args = args};
	u32 first = 0, forms = make_schemas(l, name, action, view, args, &first), i = 0;

	r.ints = arena_array(l->script->arena, u32, l->object->schemas.v[first].layout.n);
	for (struct node *a = args; a; a = a->next, i++)
		if (value_of(a)->type.kind == TYPE_INT)
			r.ints[i] = lower_int(l, value_of(a));
	send_record(l, &r, first, forms);
}

/* ---- the functions */

void lower_printf(struct lower *l, struct node *n)
{
	struct action a = {.kind = ACTION_PRINTF, .text = n->a->text};

	lower_record(l, "printf", &a, VIEW_LINES, n->a->next);
}

void lower_cat(struct lower *l, struct node *n)
{
	struct action a = {.kind = ACTION_CAT, .text = n->a->text};

	lower_record(l, "cat", &a, VIEW_LINES, n->a->next);
}

void lower_system(struct lower *l, struct node *n)
{
	struct action a = {.kind = ACTION_SYSTEM, .text = n->a->text};

	lower_record(l, "syscall", &a, VIEW_LINES, n->a->next); /* bpftrace's name for it */
}

void lower_time(struct lower *l, struct node *n)
{
	struct action a = {.kind = ACTION_TIME, .text = n->a ? n->a->text : "%H:%M:%S\n"};

	lower_record(l, "time", &a, VIEW_LINES, NULL);
}

void lower_join(struct lower *l, struct node *n)
{
	struct action a = {.kind = ACTION_JOIN, .text = n->a->next ? n->a->next->text : " "};
	struct record r = {.call = n};
	u32 first = 0, array = lower_int(l, n->a);

	for (u32 form = 0; form < 2; form++) {
		u32 id = schema_add(l, "join", ACTION_JOIN);
		struct schema *s = &l->object->schemas.v[id];
		u32 room = form ? l->script->limits.str_most : JOIN_SHORT;

		first = form ? first : id;
		s->action = a;
		s->group = first;
		layout_add(l, &s->layout, "count", TYPE_U64);
		for (u32 i = 0; i < JOIN_MOST; i++)
			layout_add(l, &s->layout, arena_printf(&l->object->arena, "arg%u", i),
				   type_str(room));
	}
	r.ints = &array;
	send_record(l, &r, first, 2);
}

void lower_emit(struct lower *l, struct node *n)
{
	struct action a = {.kind = ACTION_EMIT};

	lower_record(l, "emit", &a, VIEW_TABLE, n->a);
}

static void lower_map_action(struct lower *l, struct node *n, const char *name, u8 kind)
{
	struct node *top = n->a->next;
	struct action a = {.kind = kind, .map = n->a->map->index};

	if (top)
		a.top = (u32)MIN(top->value, UINT32_MAX);
	if (top && top->next)
		a.div = (u32)MIN(top->next->value, UINT32_MAX);
	lower_record(l, name, &a, VIEW_LINES, NULL);
}

void lower_print(struct lower *l, struct node *n)
{
	struct action a = {.kind = ACTION_PRINT_VALUE};

	if (n->a->kind == NODE_MAP && !n->a->a)
		lower_map_action(l, n, "print", ACTION_PRINT_MAP);
	else
		lower_record(l, "value", &a, VIEW_LINES, n->a);
}

void lower_clear(struct lower *l, struct node *n)
{
	lower_map_action(l, n, "clear", ACTION_CLEAR_MAP);
}

void lower_zero(struct lower *l, struct node *n)
{
	lower_map_action(l, n, "zero", ACTION_ZERO_MAP);
}

void lower_exit(struct lower *l, struct node *n)
{
	struct action a = {.kind = ACTION_EXIT};

	set_exit(l, EXIT_CALLED);
	lower_record(l, "exit", &a, VIEW_LINES, n->a);
	lower_return(l);
}
