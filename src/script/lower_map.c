/*
 * lower_map.c: maps: reading, writing, observing. Their rows in the object: lower_map_rows.c.
 *
 *   @x = 1         a data section of its own, reached by address: { value, is_set }
 *   @x = count()   a per-CPU array of one element, { words of the aggregation, is_set }
 *   @x[k] = 1      a hash; @x[k] = count() a per-CPU hash
 *
 * Programs at tracepoints are not preempted and do not nest on one CPU, so they change per-CPU
 * values without atomics. Intervals are run by a system call, which a tracepoint in an interrupt
 * may cut in two: they add atomically. (For min and max there is no such instruction in 5.10: an
 * interval's may undo one that came between its two instructions.)
 */
#include "script/lower.h"

#include "isa/isa.h"

#define BPF_ANY		0
#define BPF_NOEXIST	1

/* ---- keys */

/* Are two values the same for certain: made in the same way of the same things? */
static bool same_value(const struct ir_fn *f, u32 a, u32 b, u32 depth)
{
	const struct ir_ins *x, *y;
	u8 args;

	a = ir_value(f, a);
	b = ir_value(f, b);
	x = &f->ins.v[a], y = &f->ins.v[b];
	if (a == b)
		return true;
	if (!depth || x->op != y->op || x->type != y->type || x->width != y->width ||
	    x->imm != y->imm || x->aux != y->aux)
		return false;
	/* a load is the same one only of the context, which does not change */
	if (!(ir_ops[x->op].flags & IR_PURE) &&
	    ((x->op != IR_LOAD && x->op != IR_LOADS) || f->ins.v[ir_value(f, x->a)].type != IRT_CTX))
		return false;
	args = ir_ops[x->op].args;
	return args <= 2 && (args < 1 || same_value(f, x->a, y->a, depth - 1)) &&
	       (args < 2 || same_value(f, x->b, y->b, depth - 1));
}

/* What gives the same text wherever it stands in a program, unless a variable was written. */
static bool same_text(const struct node *a, const struct node *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == NODE_NAME)
		return a->row && a->row == b->row && !a->a;
	return a->kind == NODE_VAR && a->var == b->var;
}

/* Does no tree of a list write a variable? */
static bool writes_none(const struct node *n)
{
	for (; n; n = n->next)
		if (n->kind >= NODE_ASSIGN || !writes_none(n->a) || !writes_none(n->b) || !writes_none(n->c))
			return false;
	return true;
}

/* Might the last key be this one? Parts that are numbers are still to be compared: they are lowered in front of
 * texts, so they may not write one. */
static bool may_be_last_key(struct lower *l, const struct node *n)
{
	const struct map_key *was = &l->memo.key;
	const struct node *a = was->use ? was->use->a : NULL, *b = n->a;
	const struct object_map *maps = l->object->maps.v;

	if (!a || !writes_none(b) || was->given != l->pieces.v[was->piece].given || was->writes != l->text_writes ||
	    maps[was->use->map->index].key_size != maps[n->map->index].key_size ||
	    !check_same_keys(was->use->map, n->map))
		return false;
	for (; a && b; a = a->next, b = b->next)
		if (a->type.kind == TYPE_INT ? b->type.kind != TYPE_INT : !same_text(a, b))
			return false;
	return !a && !b;
}

/* The key that was put into memory last on this path, for `use`, lies there still, also behind its
 * numbers (ints) that have been lowered now, and is the same one: maps often come in pairs. */
static bool is_last_key(struct lower *l, const struct node *n, const struct node *use,
			const u32 *ints)
{
	u32 i = 0;

	if (l->memo.key.use != use || !may_be_last_key(l, n))
		return false;
	for (const struct node *k = n->a; k; k = k->next, i++)
		if (k->type.kind == TYPE_INT && !same_value(l->fn, l->memo.key.ints[i], ints[i], 8))
			return false;
	return true;
}

/* Writes the key of a map's use to memory; *piece is to be given back. ints: the values of its
 * parts, where the caller has them. */
static struct mem lower_key_of(struct lower *l, struct node *n, const u32 *ints, u32 *piece)
{
	struct object_map *o = &l->object->maps.v[n->map->index];
	u32 size = o->scalar ? 8 : o->key_size, i = 0;
	struct map_key key = {.use = n->map->nkeys <= ARRAY_SIZE(key.ints) ? n : NULL};
	const struct node *use = l->memo.key.use;
	bool numbers = may_be_last_key(l, n);
	u32 writes = l->text_writes;
	struct mem m;

	for (struct node *k = n->a; k && key.use; k = k->next, i++)
		if (k->type.kind == TYPE_INT && (ints || numbers))
			key.ints[i] = ints ? ints[i] : lower_int(l, k);
	if (numbers && is_last_key(l, n, use, key.ints)) {
		*piece = l->memo.key.piece;
		l->pieces.v[*piece].busy = true;
		return mem_at(l, &l->pieces.v[*piece]);
	}
	*piece = mem_get(l, size);
	m = mem_at(l, &l->pieces.v[*piece]);
	if (o->scalar)
		ir_store(l->fn, 4, m.ptr, m.off, ir_const(l->fn, 0));
	if (n->a && !n->a->next && n->map->nkeys != 1) { /* a tuple that holds all of them */
		lower_stored(l, n->a, m, check_keys_type(l->script, n->map));
		return m;
	}
	i = 0;
	for (struct node *k = n->a; k; k = k->next, i++) {
		struct field *f = &o->key.fields[i];
		struct mem at = {m.ptr, m.off + (s32)f->off};
		u32 number;

		if (k->type.kind != TYPE_INT) { /* the kernel compares whole keys */
			lower_stored(l, k, at, n->map->keys[i]);
			continue;
		}
		number = ints ? ints[i] : key.use && key.ints[i] ? key.ints[i] : lower_int(l, k);
		ir_store(l->fn, 8, at.ptr, at.off, number);
		if (key.use)
			key.ints[i] = number;
	}
	key.piece = *piece;
	key.given = l->pieces.v[*piece].given;
	key.writes = writes;
	if (writes != l->text_writes) /* by a part itself */
		key.use = NULL;
	l->memo.key = key;
	return m;
}

struct mem lower_key(struct lower *l, struct node *n, u32 *piece)
{
	return lower_key_of(l, n, NULL, piece);
}

static u32 lookup(struct lower *l, u32 map, struct mem key)
{
	return ir_call(l->fn, HELPER_map_lookup_elem, IRT_MAPVAL, 2, ir_map(l->fn, map),
		       mem_addr(l, key));
}

static u32 update(struct lower *l, u32 map, struct mem key, struct mem value, u64 flags)
{
	return ir_call(l->fn, HELPER_map_update_elem, IRT_I64, 4, ir_map(l->fn, map),
		       mem_addr(l, key), mem_addr(l, value), ir_const(l->fn, (s64)flags));
}

/* Counts an update that found no room. */
static void count_full(struct lower *l, u32 result)
{
	struct ir_fn *fn = l->fn;
	u32 full = ir_block(fn), done = ir_block(fn);

	result = lower_checked(l, HELPER_map_update_elem, result);
	ir_br(fn, result, full, done);
	ir_seal(fn, full);
	ir_at(fn, full);
	lower_map_full(l);
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
}

static bool is_data(struct lower *l, const struct script_map *m)
{
	return l->object->maps.v[m->index].section != SECTION_NONE;
}

/* ---- reading */

/* Lowers the parts of a key that is numbers only, into read->keys. */
static bool number_keys(struct lower *l, struct node *n, struct map_read *read)
{
	u32 i = 0;

	*read = (struct map_read){.map = n->map, .writes = l->map_writes};
	for (struct node *k = n->a; k; k = k->next, i++)
		if (k->type.kind != TYPE_INT || i == ARRAY_SIZE(read->keys))
			return false;
	i = 0;
	for (struct node *k = n->a; k; k = k->next)
		read->keys[i++] = lower_int(l, k);
	return i;
}

/* The value that the same look-up gave before on this path, while nothing here has changed maps
 * since; or 0. Another CPU may have: as it may have right after a second look-up. */
static u32 read_before(struct lower *l, const struct map_read *now)
{
	const struct map_read *was = &l->memo.read;

	if (was->map != now->map || was->writes != now->writes)
		return 0;
	for (u32 i = 0; i < ARRAY_SIZE(was->keys); i++)
		if (!same_value(l->fn, was->keys[i], now->keys[i], 8))
			return 0;
	return was->value;
}

u32 lower_map_read(struct lower *l, struct node *n)
{
	struct ir_fn *fn = l->fn;
	u32 piece, value, found, missing, done, var;
	struct map_read read;
	bool numbers;

	if (n->map->value.kind == TYPE_AGG)
		return lower_agg_read(l, n);
	if (is_data(l, n->map))
		return ir_load(fn, 8, false, ir_data(fn, n->map->index, 0), 0);
	numbers = number_keys(l, n, &read);
	if (numbers && read_before(l, &read))
		return l->memo.read.value;
	value = lookup(l, n->map->index, lower_key_of(l, n, numbers ? read.keys : NULL, &piece));
	mem_put(l, piece);
	found = ir_block(fn), missing = ir_block(fn), done = ir_block(fn);
	var = ir_var(fn, IRT_I64);
	ir_br(fn, value, found, missing);
	ir_seal(fn, found);
	ir_seal(fn, missing);
	ir_at(fn, missing);
	lower_missing(l);
	ir_set(fn, var, ir_const(fn, 0));
	ir_jmp(fn, done);
	ir_at(fn, found);
	ir_set(fn, var, ir_load(fn, 8, false, value, 0));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	read.value = ir_get(fn, var);
	if (numbers && read.writes == l->map_writes)
		l->memo.read = read;
	return read.value;
}

u32 value_has_key(struct lower *l, struct node *n)
{
	u32 piece, value = lookup(l, n->a->map->index, lower_key(l, n->a, &piece));

	mem_put(l, piece);
	return ir_bin(l->fn, IR_NE, IRT_I64, value, ir_const(l->fn, 0));
}

void lower_map_str(struct lower *l, struct node *n, struct mem to, struct room room,
		   u32 len_var)
{
	struct ir_fn *fn = l->fn;
	u32 piece, value, found, missing, done, cap = room_value(l, room);

	if (is_data(l, n->map)) {
		value = ir_data(fn, n->map->index, 0);
		ir_set(fn, len_var, ir_call(fn, HELPER_probe_read_kernel_str, IRT_I64, 3,
					    mem_addr(l, to), cap, value));
		return;
	}
	value = lookup(l, n->map->index, lower_key(l, n, &piece));
	mem_put(l, piece);
	to = (struct mem){mem_addr(l, to), 0};
	found = ir_block(fn), missing = ir_block(fn), done = ir_block(fn);
	ir_br(fn, value, found, missing);
	ir_seal(fn, found);
	ir_seal(fn, missing);
	ir_at(fn, found);
	ir_set(fn, len_var, ir_call(fn, HELPER_probe_read_kernel_str, IRT_I64, 3, to.ptr,
				    cap, value));
	ir_jmp(fn, done);
	ir_at(fn, missing);
	lower_missing(l);
	ir_store(fn, 1, to.ptr, 0, ir_const(fn, 0));
	ir_set(fn, len_var, ir_const(fn, 1));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
}

void store_map_key(struct lower *l, struct node *n, struct mem to)
{
	u32 piece, size = l->object->maps.v[n->a->map->index].key_size;
	struct mem key = lower_key(l, n->a, &piece);

	ir_call(l->fn, HELPER_probe_read_kernel, IRT_I64, 3, mem_addr(l, to), ir_const(l->fn, size),
		mem_addr(l, key));
	mem_put(l, piece);
}

bool lower_map_place(struct lower *l, struct node *n, struct mem *own, u32 *address)
{
	struct ir_fn *fn = l->fn;
	u32 piece, value, found, done, var;

	if (is_data(l, n->map)) {
		*own = (struct mem){ir_data(fn, n->map->index, 0), 0};
		return true;
	}
	value = lookup(l, n->map->index, lower_key(l, n, &piece));
	mem_put(l, piece);
	scratch_address(l); /* known on both ways */
	found = ir_block(fn), done = ir_block(fn), var = ir_var(fn, IRT_I64);
	ir_set(fn, var, ir_const(fn, 0));
	ir_br(fn, value, found, done);
	ir_seal(fn, found);
	ir_at(fn, found);
	ir_set(fn, var, lower_number_of(l, value));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	*address = ir_get(fn, var);
	return false;
}

void lower_map_copy(struct lower *l, struct node *n, struct mem to, u32 size)
{
	struct ir_fn *fn = l->fn;
	u32 piece, value, found, done, addr, bytes = ir_const(fn, size);

	if (is_data(l, n->map)) {
		ir_call(fn, HELPER_probe_read_kernel, IRT_I64, 3, mem_addr(l, to), bytes,
			ir_data(fn, n->map->index, 0));
		return;
	}
	value = lookup(l, n->map->index, lower_key(l, n, &piece));
	mem_put(l, piece);
	addr = mem_addr(l, to);
	mem_zero(l, to, size);
	found = ir_block(fn), done = ir_block(fn);
	ir_br(fn, value, found, done);
	ir_seal(fn, found);
	ir_at(fn, found);
	ir_call(fn, HELPER_probe_read_kernel, IRT_I64, 3, addr, bytes, value);
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
}

/* ---- writing */

static void assign_data(struct lower *l, struct script_map *m, struct node *value)
{
	struct object_map *o = &l->object->maps.v[m->index];
	u32 ptr;

	if (m->value.kind != TYPE_INT) {
		u32 piece = mem_get(l, m->value.size);
		struct mem from = mem_at(l, &l->pieces.v[piece]);

		lower_stored(l, value, from, m->value);
		ir_call(l->fn, HELPER_probe_read_kernel, IRT_I64, 3, ir_data(l->fn, m->index, 0),
			ir_const(l->fn, m->value.size), mem_addr(l, from));
		mem_put(l, piece);
	} else {
		u32 v = lower_int(l, value);

		ir_store(l->fn, 8, ir_data(l->fn, m->index, 0), 0, v);
	}
	ptr = ir_data(l->fn, m->index, 0);
	ir_store(l->fn, 8, ptr, (s32)o->value_size - 8, ir_const(l->fn, 1));
}

static void assign_hash(struct lower *l, struct node *map, struct node *value)
{
	u32 v = 0, kpiece, vpiece, size = map->map->value.size;
	struct mem key, m;

	if (map->map->value.kind == TYPE_INT)
		v = lower_int(l, value);
	vpiece = mem_get(l, MAX(size, 8));
	m = mem_at(l, &l->pieces.v[vpiece]);
	if (v) {
		ir_store(l->fn, 8, m.ptr, m.off, v);
	} else {
		lower_stored(l, value, m, map->map->value);
	}
	key = lower_key(l, map, &kpiece);
	count_full(l, update(l, map->map->index, key, m, BPF_ANY));
	mem_put(l, kpiece);
	mem_put(l, vpiece);
}

/* A new entry of zeroes; what the update gave. Aggregations have theirs in .rodata: a histogram has
 * hundreds. */
static u32 update_zero(struct lower *l, u32 map, struct mem key)
{
	struct object_map *o = &l->object->maps.v[map];
	struct mem zero;
	u32 piece, result;

	if (o->agg) {
		zero = (struct mem){ir_data(l->fn, l->rodata, l->zeroes), 0};
		return update(l, map, key, zero, BPF_NOEXIST);
	}
	piece = mem_get(l, o->value_size);
	zero = mem_at(l, &l->pieces.v[piece]);
	mem_zero(l, zero, o->value_size);
	result = update(l, map, key, zero, BPF_NOEXIST);
	mem_put(l, piece);
	return result;
}

#define NO_MEMORY (-12) /* -ENOMEM */

/* Sets the variable `ptr` to the value of that key, made with zeroes when it is new, and goes to `have`:
 * the look-up is tried again once after the update, as another CPU may have been faster. Goes on where
 * there is no room; gave: a variable for what the update gave, or 0. */
static void look_or_make(struct lower *l, u32 map, struct mem key, u32 ptr, u32 gave, u32 have)
{
	struct ir_fn *fn = l->fn;
	u32 look = ir_block(fn), found = ir_block(fn), make = ir_block(fn);
	u32 again = ir_block(fn), full = ir_block(fn), tried = ir_var(fn, IRT_I64), value, result;

	ir_set(fn, tried, ir_const(fn, 0));
	if (gave)
		ir_set(fn, gave, ir_const(fn, 0));
	ir_jmp(fn, look);
	ir_at(fn, look);
	value = lookup(l, map, key);
	ir_br(fn, value, found, make);
	ir_seal(fn, found);
	ir_at(fn, found);
	ir_set(fn, ptr, value);
	ir_jmp(fn, have);
	ir_seal(fn, make);
	ir_at(fn, make);
	ir_br(fn, ir_get(fn, tried), full, again);
	ir_seal(fn, again);
	ir_at(fn, again);
	result = update_zero(l, map, key);
	if (gave)
		ir_set(fn, gave, result);
	ir_set(fn, tried, ir_const(fn, 1));
	ir_jmp(fn, look);
	ir_seal(fn, look);
	ir_seal(fn, full);
	ir_at(fn, full);
}

/* The value of an entry of the map or of its spare one. A full map is counted, and goes to give_up. The
 * pointer is not null in the block `have`. */
static u32 find_or_make(struct lower *l, struct node *map, u32 have, u32 give_up)
{
	struct object_map *o = &l->object->maps.v[map->map->index];
	struct ir_fn *fn = l->fn;
	u32 kpiece, ptr = ir_var(fn, IRT_MAPVAL), gave = o->spare ? ir_var(fn, IRT_I64) : 0;
	struct mem key = lower_key(l, map, &kpiece);
	struct memo memo = l->memo;

	if (o->scalar) { /* an array of one has no holes: the check is for the verifier */
		ir_set(fn, ptr, lookup(l, map->map->index, key));
		ir_br(fn, ir_get(fn, ptr), have, give_up);
		goto out;
	}
	look_or_make(l, map->map->index, key, ptr, gave, have);
	if (o->spare) {
		u32 spare = ir_block(fn), full = ir_block(fn);

		/* below Linux 6.4 that is an int: the upper half is anything */
		gave = ir_un(fn, IR_SEXT32, IRT_I64, ir_get(fn, gave));
		ir_br(fn, ir_bin(fn, IR_EQ, IRT_I64, gave, ir_const(fn, NO_MEMORY)), spare, full);
		ir_seal(fn, spare);
		ir_at(fn, spare);
		look_or_make(l, o->spare, key, ptr, 0, have);
		ir_jmp(fn, full);
		ir_seal(fn, full);
		ir_at(fn, full);
	}
	lower_map_full(l);
	ir_jmp(fn, give_up);
	l->memo = memo;
out:
	mem_put(l, kpiece);
	ir_seal(fn, have);
	ir_at(fn, have);
	return ir_get(fn, ptr);
}

static void set_flag(struct lower *l, struct script_map *m, u32 ptr)
{
	struct object_map *o = &l->object->maps.v[m->index];

	if (o->scalar)
		ir_store(l->fn, 8, ptr, (s32)o->value_size - 8, ir_const(l->fn, 1));
}

static void observe(struct lower *l, struct node *map, struct node *call)
{
	u32 n = call->a ? lower_int(l, call->a) : 0;
	u32 have = ir_block(l->fn), done = ir_block(l->fn);
	struct agg_of of = {call->a && call->a->type.is_signed, map->map->agg_arg};
	struct memo memo;
	u32 ptr = find_or_make(l, map, have, done);

	memo = l->memo;
	l->shared = lower_agg_shared(l, map->map);
	call->call->observe(l, ptr, n, &of);
	l->shared = false;
	set_flag(l, map->map, ptr);
	ir_jmp(l->fn, done);
	l->memo = memo;
	ir_seal(l->fn, done);
	ir_at(l->fn, done);
}

/* @x op= v. Adding is atomic, so that CPUs lose nothing; the rest reads and writes. */
static void compound(struct lower *l, struct node *map, u8 op, struct type by, u32 v)
{
	struct ir_fn *fn = l->fn;
	bool add = op == TOK_ADD_SET || op == TOK_SUB_SET;
	u32 have, done, ptr;

	if (op == TOK_SUB_SET)
		v = ir_un(fn, IR_NEG, IRT_I64, v);
	have = ir_block(fn), done = ir_block(fn);
	if (is_data(l, map->map)) {
		ir_jmp(fn, have);
		ir_seal(fn, have);
		ir_at(fn, have);
		ptr = ir_data(fn, map->map->index, 0);
	} else {
		ptr = find_or_make(l, map, have, done);
	}
	if (add)
		ir_atomic_add(fn, 8, ptr, 0, v);
	else
		ir_store(
			fn, 8, ptr, 0,
			lower_update(l, op, map->map->value, ir_load(fn, 8, false, ptr, 0), by, v));
	set_flag(l, map->map, ptr);
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
}

void lower_map_assign(struct lower *l, struct node *map, u8 op, struct node *value)
{
	if (op != TOK_SET)
		compound(l, map, op, value->type, lower_int(l, value));
	else if (value->kind == NODE_CALL && value->call->agg)
		observe(l, map, value);
	else if (is_data(l, map->map))
		assign_data(l, map->map, value);
	else
		assign_hash(l, map, value);
	l->map_writes++; /* what was read for it came first */
}

/* ++ and --; as a value, what it was (or is: prefix), which other CPUs may have changed since. */
u32 lower_map_inc(struct lower *l, struct node *n)
{
	u32 value = lower_map_read(l, n->a), one = ir_const(l->fn, n->op == TOK_INC ? 1 : -1);

	l->map_writes++;
	compound(l, n->a, TOK_ADD_SET, TYPE_NUMBER, one);
	return n->prefix ? ir_bin(l->fn, IR_ADD, IRT_I64, value, one) : value;
}

/* Whether there was an entry; where nobody asks, a warning says that there was none. Scripts that
 * write delete(@m[key]) come from a time when it did not. */
u32 lower_delete_entry(struct lower *l, struct node *n, struct node *map, bool told)
{
	u32 piece, result;
	struct mem key;

	l->map_writes++;
	if (is_data(l, map->map)) {
		struct object_map *o = &l->object->maps.v[map->map->index];
		u32 ptr = ir_data(l->fn, map->map->index, 0);
		u32 was = ir_load(l->fn, 8, false, ptr, (s32)o->value_size - 8);

		for (u32 i = 0; i < o->value_size; i += 8)
			ir_store(l->fn, 8, ptr, (s32)i, ir_const(l->fn, 0));
		return ir_bin(l->fn, IR_NE, IRT_I64, was, ir_const(l->fn, 0));
	}
	if (!map->map->nkeys) { /* an array's element cannot go, and each CPU has its own */
		lower_clear(l, n);
		return ir_const(l->fn, 1);
	}
	key = lower_key(l, map, &piece);
	result = ir_call(l->fn, HELPER_map_delete_elem, IRT_I64, 2,
			 ir_map(l->fn, map->map->index), mem_addr(l, key));
	if (told)
		lower_told(l, HELPER_map_delete_elem, result);
	mem_put(l, piece);
	return ir_bin(l->fn, IR_EQ, IRT_I64, result, ir_const(l->fn, 0));
}
