/*
 * lower_record.c: records: what a program sends to user space.
 *
 * A record is built where it is sent from, in the ring buffer: reserve, take the time, fill,
 * submit. Its size must be a constant, so a record with strings has two forms: a short one, with
 * room for what most strings need, and a long one. When a string fills its short room, the record
 * is discarded and made again in the long form: by the same instructions, a loop of two turns in
 * each of which the verifier knows the number that are its sizes.
 *
 * print(@m); clear(@m); and their kin, one behind the other, need one record: its schema leads to
 * those of the others.
 */
#include "script/lower.h"

#include "isa/isa.h"

#define BPF_RB_NO_WAKEUP    1
#define BPF_RB_FORCE_WAKEUP 2

/* ---- schemas */

struct growth { /* how much room a string has in the form that is being made */
	u32 bytes, most;
	u32 var;
};
struct record {
	struct node *call; /* of join() */
	struct node *args; /* values, in the order of fields; NODE_NAMED or plain */
	u32 *ints;         /* values of the numbers, 0 for others */
	u32 lost, done;    /* blocks */
	u32 first, forms;  /* schemas: the short form, how many there are */
	u32 head; /* of two: variable: number of the schema and size, as records have them */
	u32 redo; /* block: once more, in the long form */
	vec(struct growth) growths;
};

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

/* Names of threads have as many as in other tools, those of hosts are mostly short. */
u32 lower_width(struct type t)
{
	if (t.kind == TYPE_STR)
		return t.size < 16 ? t.size - 1 : t.size <= 24 || t.size == NODENAME_SIZE ? 16 : 0;
	if (t.kind == TYPE_SHOWN)
		return 16;
	return t.size == 1 ? 4 : t.size == 2 ? 6 : t.size <= 4 ? 7 : 12;
}

/* Numbers are first in a record, what grows in the long form last, so that all others have the same
 * place in both; fields stay in the order of the arguments. */
static u32 place_rank(struct node *arg)
{
	struct type t = node_value(arg)->type;

	return t.kind == TYPE_INT ? 0 : t.kind != TYPE_STR || t.size <= STR_SHORT ? 1 : 2;
}

static void fill_layout(struct lower *l, struct layout *layout, struct node *args, u32 cap)
{
	u32 i = 0, size = 0;

	for (struct node *a = args; a; a = a->next, i++) {
		struct type t = shown_whole(l->script->arena, node_value(a)->type);
		struct field *f;

		t.size = t.kind == TYPE_STR ? MIN(t.size, cap) : t.size;
		f = layout_add(l, layout, field_name(l, layout, a, i), t);
		f->width = (u16)lower_width(node_value(a)->type);
	}
	for (u32 rank = 0; rank < 3; rank++) {
		i = 0;
		for (struct node *a = args; a; a = a->next, i++) {
			struct field *f = &layout->fields[i];

			if (place_rank(a) == rank) {
				f->off = size;
				size += ALIGN_UP(f->size, 8);
			}
		}
	}
	layout->size = size;
}

static u32 schema_add(struct lower *l, const char *name, enum action_kind action)
{
	struct schema *s = vec_add(&l->object->arena, &l->object->schemas);

	s->id = s->group = l->object->schemas.n - 1;
	s->name = name;
	s->view = l->live ? VIEW_LIVE : VIEW_LINES;
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
		is_long |= node_value(a)->type.kind == TYPE_STR && node_value(a)->type.size > STR_SHORT;
	for (n = 0; n < 1u + is_long; n++) {
		struct schema *s;

		id = schema_add(l, name, action->kind);
		*first = n ? *first : id;
		s = &l->object->schemas.v[id];
		s->action = *action;
		s->view |= view;
		s->group = *first;
		fill_layout(l, &s->layout, args, n ? l->script->limits.str_most : STR_SHORT);
	}
	if (action->kind == ACTION_EMIT) {
		u32 group = lower_table_group(l, args, *first);

		for (u32 i = 0; i < n; i++)
			l->object->schemas.v[*first + i].group = group;
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
		u32 said = l->script->limits.ring_bytes, bytes = said ? said : RING_BYTES;

		*o = (struct object_map){.name = WAGGLE_RINGS,
					 .kind = MAP_ARRAY_OF_MAPS,
					 .key_size = 4,
					 .value_size = 4,
					 .fill_per_cpu = true,
					 .inner = {.kind = MAP_RINGBUF, .max_entries = bytes}};
		l->rings = l->object->maps.n - 1;
	}
	ir_store(l->fn, 4, m.ptr, m.off, lower_cpu(l));
	ring = ir_call(l->fn, HELPER_map_lookup_elem, IRT_MAPVAL, 2, ir_map(l->fn, l->rings),
		       mem_addr(l, m));
	mem_put(l, piece);
	return ring;
}

/* Submits; wakes the reader up if it asked for that (the protocol is told in control.h). `want` is 0
 * or 1, and so one less than the flag. */
static void submit(struct lower *l, u32 rec)
{
	struct ir_fn *fn = l->fn;
	u32 wake = ir_block(fn), done = ir_block(fn);
	u32 control = ir_data(fn, l->bss, offsetof(struct waggle_control, want));
	u32 want = ir_load(fn, 8, false, control, 0);

	ir_br(fn, want, wake, done);
	ir_seal(fn, wake);
	ir_at(fn, wake);
	ir_store(fn, 8, control, 0, ir_const(fn, 0));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	ir_call(fn, HELPER_ringbuf_submit, IRT_VOID, 2, rec,
		ir_bin(fn, IR_ADD, IRT_I64, want, ir_const(fn, BPF_RB_NO_WAKEUP)));
}
_Static_assert(BPF_RB_FORCE_WAKEUP == BPF_RB_NO_WAKEUP + 1, "want + 1");

static const struct layout *layout_of(const struct lower *l, const struct record *r, u32 form)
{
	return &l->object->schemas.v[r->first + form].layout;
}

/* The room of a field in the form that is being made. */
static struct room room_of(struct lower *l, struct record *r, u32 field)
{
	u32 bytes = layout_of(l, r, 0)->fields[field].size;
	u32 most = layout_of(l, r, r->forms - 1)->fields[field].size;

	vec_each (g, &r->growths)
		if (bytes != most && g->bytes == bytes && g->most == most)
			return (struct room){bytes, most, ir_get(l->fn, g->var)};
	return ROOM(bytes);
}

/* The bytes from a field to the next: its room, in whole words. */
static u32 stride_of(struct lower *l, struct room r)
{
	u32 value = room_value(l, r);

	if (!r.value || (r.bytes % 8 == 0 && r.most % 8 == 0))
		return r.value ? value : ir_const(l->fn, ALIGN_UP(r.bytes, 8));
	value = ir_bin(l->fn, IR_ADD, IRT_I64, value, ir_const(l->fn, 7));
	return ir_bin(l->fn, IR_AND, IRT_I64, value, ir_const(l->fn, -8));
}

static bool grows(const struct lower *l, const struct record *r, u32 field)
{
	return layout_of(l, r, 0)->fields[field].size !=
	       layout_of(l, r, r->forms - 1)->fields[field].size;
}

/* Bytes of the record in the form that is being made. */
static u32 record_size(struct lower *l, struct record *r)
{
	const struct layout *layout = layout_of(l, r, 0);
	u32 fixed = sizeof(struct waggle_record) + layout->size, size;

	for (u32 i = 0; i < layout->n; i++)
		fixed -= grows(l, r, i) ? ALIGN_UP(layout->fields[i].size, 8) : 0;
	size = ir_const(l->fn, fixed);
	for (u32 i = 0; i < layout->n; i++)
		if (grows(l, r, i))
			size = ir_bin(l->fn, IR_ADD, IRT_I64, stride_of(l, room_of(l, r, i)), size);
	return size;
}

/* Has the record made again when a string fills its room, unless this is the long form. */
static void check_fits(struct lower *l, struct record *r, u32 len, struct room room)
{
	struct ir_fn *fn = l->fn;
	u32 full = ir_block(fn), fits = ir_block(fn), bytes = ir_const(fn, room.bytes);

	if (!room.value)
		return;
	ir_br(fn, ir_bin(fn, IR_EQ, IRT_I64, len, bytes), full, fits);
	ir_seal(fn, full);
	ir_at(fn, full);
	ir_br(fn, ir_bin(fn, IR_EQ, IRT_I64, room.value, bytes), r->redo, fits);
	ir_seal(fn, fits);
	ir_at(fn, fits);
}

#define JOIN_MOST  16 /* strings of one join() */
#define JOIN_SHORT 128

/* Joins: a count, then the strings, one after the other until the array ends. */
static void fill_join(struct lower *l, struct record *r, u32 payload)
{
	const struct layout *layout = layout_of(l, r, 0);
	u32 piece = mem_get(l, 8), done = ir_block(l->fn), n = ir_var(l->fn, IRT_I64);
	struct mem word = mem_at(l, &l->pieces.v[piece]);
	u32 to = ir_add_imm(l->fn, payload, layout->fields[1].off);
	u8 space = r->call->a->type.space;
	struct ir_fn *fn = l->fn;

	ir_set(fn, n, ir_const(fn, 0));
	for (u32 i = 1; i < layout->n; i++) {
		u32 have = ir_block(fn), text, len;
		struct room room;

		lower_read(l, space, false, word, ir_const(fn, 8),
			   ir_bin(fn, IR_ADD, IRT_I64, r->ints[0], ir_const(fn, 8 * (s64)(i - 1))));
		text = ir_load(fn, 8, false, word.ptr, word.off);
		ir_br(fn, text, have, done);
		ir_seal(fn, have);
		ir_at(fn, have);
		room = room_of(l, r, i);
		len = lower_read(l, space, true, (struct mem){to, 0}, room_value(l, room), text);
		check_fits(l, r, len, room);
		ir_set(fn, n, ir_const(fn, i));
		to = ir_bin(fn, IR_ADD, IRT_MEM, to, stride_of(l, room));
	}
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	ir_store(fn, 8, payload, (s32)layout->fields[0].off, ir_get(fn, n));
	mem_put(l, piece);
}

/* A value that is no number, to where it belongs. */
static void fill_field(struct lower *l, struct record *r, struct node *n, u32 i, struct mem to)
{
	struct type as = shown_whole(l->script->arena, n->type);
	struct room room = room_of(l, r, i);
	u32 len;

	if (as.kind != TYPE_STR) {
		as.size = as.kind == TYPE_SHOWN ? MIN(as.size, room.bytes) : as.size;
		lower_stored(l, n, to, as);
	} else {
		l->loose = n->kind == NODE_FIELD;
		len = lower_str(l, n, to, room);
		l->loose = false;
		check_fits(l, r, len, room);
	}
}

/* Numbers, then what has a fixed place, then what grows, one behind the other. */
static void fill_record(struct lower *l, struct record *r, u32 rec)
{
	const struct layout *layout = layout_of(l, r, 0);
	const s32 head = sizeof(struct waggle_record);
	u32 i = 0, behind = 0;
	struct room room;

	for (struct node *a = r->args; a; a = a->next, i++) {
		struct mem at = {rec, head + (s32)layout->fields[i].off};

		if (r->ints[i])
			ir_store(l->fn, 8, at.ptr, at.off, r->ints[i]);
	}
	i = 0;
	for (struct node *a = r->args; a; a = a->next, i++)
		if (!r->ints[i] && !grows(l, r, i))
			fill_field(l, r, node_value(a), i,
				   (struct mem){rec, head + (s32)layout->fields[i].off});
	i = 0;
	for (struct node *a = r->args; a; a = a->next, i++) {
		if (r->ints[i] || !grows(l, r, i))
			continue;
		if (!behind)
			behind = ir_add_imm(l->fn, rec, head + (s32)layout->fields[i].off);
		else
			behind = ir_bin(l->fn, IR_ADD, IRT_MEM, behind, stride_of(l, room));
		room = room_of(l, r, i);
		fill_field(l, r, node_value(a), i, (struct mem){behind, 0});
	}
}

static u32 head_of(struct lower *l, const struct record *r, u32 form)
{
	return ir_const(l->fn, (s64)((u64)layout_of(l, r, form)->size << 32 | (r->first + form)));
}

/* Reserves, fills, submits. Of two forms, goes on where the record has been discarded. */
static void send_form(struct lower *l, struct record *r)
{
	struct ir_fn *fn = l->fn;
	u32 have = ir_block(fn), got = ir_block(fn), ring = ring_of_cpu(l), rec;

	ir_br(fn, ring, have, r->lost);
	ir_seal(fn, have);
	ir_at(fn, have);
	rec = ir_call(fn, HELPER_ringbuf_reserve, IRT_MEM, 3, ring, record_size(l, r),
		      ir_const(fn, 0));
	ir_br(fn, rec, got, r->lost);
	ir_seal(fn, got);
	ir_at(fn, got);
	ir_store(fn, 8, rec, offsetof(struct waggle_record, ns),
		 ir_call(fn, HELPER_ktime_get_ns, IRT_I64, 0));
	ir_store(fn, 8, rec, offsetof(struct waggle_record, schema),
		 r->forms == 1 ? head_of(l, r, 0) : ir_get(fn, r->head));
	if (r->call)
		fill_join(l, r, ir_add_imm(fn, rec, sizeof(struct waggle_record)));
	else
		fill_record(l, r, rec);
	submit(l, rec);
	ir_jmp(fn, r->done);
	if (r->forms == 1)
		return;
	ir_seal(fn, r->redo);
	ir_at(fn, r->redo);
	ir_call(fn, HELPER_ringbuf_discard, IRT_VOID, 2, rec, ir_const(fn, BPF_RB_NO_WAKEUP));
}

static void add_growths(struct lower *l, struct record *r)
{
	for (u32 i = 0; i < layout_of(l, r, 0)->n; i++) {
		u32 bytes = layout_of(l, r, 0)->fields[i].size;
		u32 most = layout_of(l, r, 1)->fields[i].size;

		if (!grows(l, r, i) || room_of(l, r, i).value)
			continue;
		vec_push(l->script->arena, &r->growths,
			 (struct growth){bytes, most, ir_var(l->fn, IRT_I64)});
		ir_set(l->fn, r->growths.v[r->growths.n - 1].var, ir_const(l->fn, bytes));
	}
}

/* The short form, and behind it, when that was too short, the long one. */
static void send_forms(struct lower *l, struct record *r)
{
	struct ir_fn *fn = l->fn;
	u32 make;

	if (r->forms == 1) {
		send_form(l, r);
		return;
	}
	add_growths(l, r);
	r->head = ir_var(fn, IRT_I64);
	r->redo = ir_block(fn);
	make = ir_block(fn);
	ir_set(fn, r->head, head_of(l, r, 0));
	l->memo.key.use = NULL; /* the second turn finds what the first has left */
	ir_jmp(fn, make);
	ir_at(fn, make);
	send_form(l, r);
	ir_set(fn, r->head, head_of(l, r, 1));
	vec_each (g, &r->growths)
		ir_set(fn, g->var, ir_const(fn, g->most));
	ir_jmp(fn, make);
	ir_seal(fn, make);
}

void lower_set_exit(struct lower *l, s64 state)
{
	ir_store(l->fn, 8, ir_data(l->fn, l->bss, offsetof(struct waggle_control, exit)), 0,
		 ir_const(l->fn, state));
}

static void send_record(struct lower *l, struct record *r)
{
	struct ir_fn *fn = l->fn;
	struct memo memo = l->memo;

	r->lost = ir_block(fn), r->done = ir_block(fn);
	send_forms(l, r);
	l->memo = memo;
	ir_seal(fn, r->lost);
	ir_at(fn, r->lost);
	lower_counter(l, offsetof(struct waggle_counters, lost));
	if (l->object->schemas.v[r->first].action.kind == ACTION_EXIT)
		lower_set_exit(l, EXIT_LOST);
	if (l->object->schemas.v[r->first].action.kind == ACTION_WATCH)
		lower_return(l); /* nobody would let the process go on */
	else
		ir_jmp(fn, r->done);
	ir_seal(fn, r->done);
	ir_at(fn, r->done);
	l->sent = (struct sent){fn, r->done, r->first, r->forms};
}

/* What shows or changes maps, or shows files, and stands right behind another record, is asked for
 * by that one. Each is carried out in its turn, and none is lost without the others. */
static bool follows(struct lower *l, const struct action *a, struct node *args)
{
	const struct ir_fn *fn = l->fn;
	bool can = a->kind == ACTION_PRINT_MAP || a->kind == ACTION_CLEAR_MAP ||
		   a->kind == ACTION_ZERO_MAP || a->kind == ACTION_TABLE || a->kind == ACTION_CAT;

	return can && !args && l->sent.fn == fn && fn->at && l->sent.block == fn->at &&
	       !fn->blocks.v[fn->at].ins.n;
}

void lower_record(struct lower *l, const char *name, const struct action *action, u8 view,
			 struct node *args)
{
	struct record r = {.args = args};
	u32 i = 0;

	r.forms = make_schemas(l, name, action, view, args, &r.first);
	if (follows(l, action, args)) {
		for (i = 0; i < l->sent.forms; i++)
			l->object->schemas.v[l->sent.first + i].then = r.first;
		l->sent.first = r.first;
		l->sent.forms = 1;
		return;
	}
	r.ints = arena_array(l->script->arena, u32, l->object->schemas.v[r.first].layout.n);
	for (struct node *a = args; a; a = a->next, i++)
		if (node_value(a)->type.kind == TYPE_INT)
			r.ints[i] = lower_int(l, node_value(a));
	send_record(l, &r);
}

void lower_error_record(struct lower *l, const char *helper, struct node *code)
{
	struct action a = {.kind = ACTION_HELPER_ERROR, .text = helper, .top = l->fn->line};

	lower_record(l, "helper_error", &a, VIEW_LINES, code);
}

/* The strings of an array, so many as there are: the record has a form of its own. */
void lower_join(struct lower *l, struct node *n)
{
	struct action a = {.kind = ACTION_JOIN, .text = n->a->next ? n->a->next->text : " "};
	struct record r = {.call = n, .forms = 2};
	u32 array = lower_int(l, n->a);

	for (u32 form = 0; form < 2; form++) {
		u32 id = schema_add(l, "join", ACTION_JOIN);
		struct schema *s = &l->object->schemas.v[id];
		u32 room = form ? l->script->limits.str_most : JOIN_SHORT;

		r.first = form ? r.first : id;
		s->action = a;
		s->group = r.first;
		layout_add(l, &s->layout, "count", TYPE_U64);
		for (u32 i = 0; i < JOIN_MOST; i++)
			layout_add(l, &s->layout, arena_printf(&l->object->arena, "arg%u", i),
				   type_str(room));
	}
	r.ints = &array;
	send_record(l, &r);
}
