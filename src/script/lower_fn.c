/*
 * lower_fn.c: functions whose values user space makes readable, and small ones of numbers.
 * The rows of calls.def name them.
 */
#include "script/lower.h"

#include "isa/isa.h"

#define AF_INET  2
#define AF_INET6 10

/* One string in zeroed memory; the piece is to be given back. */
struct mem lower_str_zeroed(struct lower *l, struct node *n, u32 room, u32 *piece)
{
	struct mem m;

	*piece = mem_get(l, room);
	m = mem_at(l, &l->pieces.v[*piece]);
	mem_zero(l, m, ALIGN_UP(room, 8));
	lower_str(l, n, m, ROOM(room));
	return m;
}

/* Bytes that an expression names: a pointer points to them, or they lie in memory. */
void lower_bytes(struct lower *l, struct node *n, struct mem to, u32 size)
{
	u32 piece;

	if (n->type.kind == TYPE_INT) {
		lower_read(l, n->type.space, false, to, ir_const(l->fn, size), lower_int(l, n));
	} else if (n->field && !n->field->is_data_loc && size <= COPY_MOST) {
		mem_copy(l, to, (struct mem){ir_ctx(l->fn), (s32)n->field->off}, size);
	} else if (n->type.kind != TYPE_STR || node_is_place(n)) {
		lower_place_bytes(l, n, to, size);
	} else { /* a string of ours; reading one would put a NUL into its last byte */
		struct mem from = lower_str_zeroed(l, n, ALIGN_UP(size + 1, 8), &piece);

		mem_copy(l, to, from, size);
		mem_put(l, piece);
	}
}

/* ---- buffers, addresses */

/* As lower_bytes() from a pointer, of a length that only the run knows, at most `most`. */
static void read_some(struct lower *l, struct node *n, struct mem to, u32 len, u32 most)
{
	static const u32 helpers[] = {HELPER_probe_read_kernel, HELPER_probe_read_user};
	struct ir_fn *fn = l->fn;
	u32 from = lower_int(l, n), at = mem_addr(l, to), space = n->type.space;
	u32 kernel = ir_block(fn), user = ir_block(fn), done = ir_block(fn);

	(void)most;
	if (space == SPACE_ANY)
		ir_br(fn, ir_bin(fn, IR_SLT, IRT_I64, from, ir_const(fn, 0)), kernel, user);
	else
		ir_jmp(fn, space == SPACE_USER ? user : kernel);
	ir_seal(fn, kernel);
	ir_seal(fn, user);
	for (u32 i = 0; i < 2; i++) {
		if (space != SPACE_ANY && (space == SPACE_USER) != i)
			continue;
		ir_at(fn, i ? user : kernel);
		ir_call(fn, helpers[i], IRT_I64, 3, at, len, from);
		ir_jmp(fn, done);
	}
	ir_seal(fn, done);
	ir_at(fn, done);
}

void store_buf(struct lower *l, struct node *n, struct mem to)
{
	struct node *count = n->a->next;
	u32 room = MIN(n->type.size - 8, l->script->limits.str_most);
	u32 have = n->a->type.kind == TYPE_INT ? room : node_bytes(n->a);
	struct ir_fn *fn = l->fn;
	struct mem bytes = {to.ptr, to.off + 8};
	u32 len, ok, most, fits, over;

	if (!count || count->kind == NODE_INT) {
		u32 size = (u32)MIN(count ? count->value : have, MIN(have, room));

		ir_store(fn, 8, to.ptr, to.off, ir_const(fn, size));
		if (size)
			lower_bytes(l, n->a, bytes, size);
		return;
	}
	most = MIN(room, have);
	ok = ir_var(fn, IRT_I64), fits = ir_block(fn), over = ir_block(fn);
	len = lower_int(l, count);
	ir_set(fn, ok, len);
	ir_br(fn, ir_bin(fn, IR_ULE, IRT_I64, len, ir_const(fn, most)), fits, over);
	ir_seal(fn, over);
	ir_at(fn, over);
	ir_set(fn, ok, ir_const(fn, most));
	ir_jmp(fn, fits);
	ir_seal(fn, fits);
	ir_at(fn, fits);
	len = ir_get(fn, ok);
	ir_store(fn, 8, to.ptr, to.off, len);
	if (n->a->type.kind == TYPE_INT)
		read_some(l, n->a, bytes, len, most);
	else
		lower_bytes(l, n->a, bytes, most);
}

void store_ntop(struct lower *l, struct node *n, struct mem to)
{
	struct node *addr = n->a->next ? n->a->next : n->a, *port = n->a->next ? addr->next : NULL;
	bool number = addr->type.kind == TYPE_INT && !addr->type.is_pointer;
	u32 size = addr->type.kind == TYPE_INT ? 4 : MIN(addr->type.size, 16u), family;
	struct ir_fn *fn = l->fn;
	struct mem bytes = {to.ptr, to.off + 8};

	family = n->a->next ? lower_int(l, n->a) : ir_const(fn, size == 16 ? AF_INET6 : AF_INET);
	ir_store(fn, 8, to.ptr, to.off, family);
	mem_zero(l, bytes, 16);
	if (port)
		ir_store(fn, 8, to.ptr, to.off + 24, lower_int(l, port));
	if (number)
		ir_store(fn, 4, bytes.ptr, bytes.off, lower_int(l, addr));
	else if (addr->type.kind == TYPE_INT) /* how much it points to, the family tells */
		lower_bytes(l, addr, bytes, n->a->next && n->a->value == AF_INET ? 4 : 16);
	else
		lower_bytes(l, addr, bytes, size);
}

void store_macaddr(struct lower *l, struct node *n, struct mem to)
{
	ir_store(l->fn, 8, to.ptr, to.off, ir_const(l->fn, 0));
	lower_bytes(l, n->a, to, 6);
}

void store_word(struct lower *l, struct node *n, struct mem to)
{
	ir_store(l->fn, 8, to.ptr, to.off, lower_int(l, n->a));
}

void store_nothing(struct lower *l, struct node *n, struct mem to)
{
	(void)n;
	ir_store(l->fn, 8, to.ptr, to.off, ir_const(l->fn, 0));
}

void store_strftime(struct lower *l, struct node *n, struct mem to)
{
	ir_store(l->fn, 8, to.ptr, to.off, lower_int(l, n->a->next));
}

/* ---- what only the running machine knows */

u32 lower_fill(struct lower *l, u8 kind, const char *text)
{
	struct arena *arena = &l->object->arena;
	u32 at;

	vec_each (f, &l->object->fills)
		if (f->kind == kind && (!text || !strcmp(f->text, text)))
			return ir_load(l->fn, 8, false, ir_data(l->fn, l->rodata, f->off), 0);
	at = rodata_add(l, 8);
	vec_push(arena, &l->object->fills,
		 (struct object_fill){kind, text ? arena_strdup(arena, text) : NULL, at});
	return ir_load(l->fn, 8, false, ir_data(l->fn, l->rodata, at), 0);
}

u32 lower_ncpus(struct lower *l)
{
	return lower_fill(l, FILL_CPUS, NULL);
}

u32 value_kaddr(struct lower *l, struct node *n)
{
	return lower_fill(l, FILL_KADDR, n->a->text);
}

u32 value_cgroupid(struct lower *l, struct node *n)
{
	return lower_fill(l, FILL_CGROUP, n->a->text);
}

u32 value_disk_number(struct lower *l, struct node *n)
{
	return lower_fill(l, FILL_DISK, n->a->text);
}

u32 value_nsecs(struct lower *l, struct node *n)
{
	enum { BOOT, MONOTONIC, TAI, SW_TAI };
	u32 now;

	switch (n->value) {
	case BOOT: return lower_nsecs(l);
	case TAI:
		if (l->object->kernel >= KERNEL(6, 1))
			return ir_call(l->fn, HELPER_ktime_get_tai_ns, IRT_I64, 0);
		/* fall through */
	case SW_TAI:
		now = ir_call(l->fn, HELPER_ktime_get_ns, IRT_I64, 0);
		return ir_bin(l->fn, IR_ADD, IRT_I64, now, lower_fill(l, FILL_TAI_OFFSET, NULL));
	default: return ir_call(l->fn, HELPER_ktime_get_ns, IRT_I64, 0);
	}
}

/* ---- numbers and strings */

u32 value_space(struct lower *l, struct node *n)
{
	return lower_int(l, n->a);
}

/* The last 4095 addresses stand for error numbers. */
u32 value_is_err(struct lower *l, struct node *n)
{
	return ir_bin(l->fn, IR_ULE, IRT_I64, ir_const(l->fn, -4095), lower_int(l, n->a));
}

u32 value_bswap(struct lower *l, struct node *n)
{
	u32 a = lower_int(l, n->a);

	switch (n->type.size) {
	case 1: return a;
	case 2: return ir_un(l->fn, IR_BSWAP16, IRT_I64, a);
	case 4: return ir_un(l->fn, IR_BSWAP32, IRT_I64, a);
	default: return ir_un(l->fn, IR_BSWAP64, IRT_I64, a);
	}
}

u32 value_kfunc_allowed(struct lower *l, struct node *n)
{
	return ir_const(l->fn, kfunc_is_allowed(l->script, l->point, n->a->text));
}

/* ---- actions in the kernel */

void lower_override(struct lower *l, struct node *n)
{
	ir_call(l->fn, HELPER_override_return, IRT_I64, 2, ir_ctx(l->fn), lower_int(l, n->a));
}


void lower_signal(struct lower *l, struct node *n)
{
	ir_call(l->fn, HELPER_send_signal, IRT_I64, 1, lower_int(l, n->a));
}

void lower_signal_thread(struct lower *l, struct node *n)
{
	ir_call(l->fn, HELPER_send_signal_thread, IRT_I64, 1, lower_int(l, n->a));
}

u32 value_delete(struct lower *l, struct node *n)
{
	return lower_delete_entry(l, n, n->a, false);
}

void lower_delete(struct lower *l, struct node *n)
{
	bool told = !n->thrown && (n->valued || l->opts->helper_errors);

	for (struct node *map = n->a; map; map = map->next)
		lower_delete_entry(l, n, map, told);
}
