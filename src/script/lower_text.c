/*
 * lower_text.c: functions of strings and bytes: lengths, searching, joining, patterns, comparing.
 * The rows of calls.def name them.
 *
 * What is looked at byte by byte lies in scratch memory, whose index the verifier follows from one
 * turn of a loop to the next; no loop stands in another, so that it has to walk through as many
 * turns as a string has bytes, not their product.
 */
#include "script/check.h"
#include "script/lower.h"

#include "isa/isa.h"

/* Text in scratch memory, NUL-terminated; the piece is to be given back. */
struct text {
	u32 piece;
	struct mem at;
	u32 most; /* bytes it can have, without the NUL */
	u32 len;  /* a value: what it has, at most `most` */
};

static u32 add(struct lower *l, u32 a, u32 b)
{
	return ir_bin(l->fn, IR_ADD, IRT_I64, a, b);
}

static u32 sub(struct lower *l, u32 a, u32 b)
{
	return ir_bin(l->fn, IR_SUB, IRT_I64, a, b);
}

static u32 number(struct lower *l, s64 n)
{
	return ir_const(l->fn, n);
}

/* Goes on in a new block where the condition holds, else to `otherwise`. */
static void demand(struct lower *l, u32 condition, u32 otherwise)
{
	u32 next = ir_block(l->fn);

	ir_br(l->fn, condition, next, otherwise);
	ir_seal(l->fn, next);
	ir_at(l->fn, next);
}

/* Begins a block behind what jumps to it so far. */
static void go_on(struct lower *l, u32 block)
{
	ir_seal(l->fn, block);
	ir_at(l->fn, block);
}

static u32 byte_at(struct lower *l, struct mem m, u32 index)
{
	return ir_load(l->fn, 1, false, ir_bin(l->fn, IR_ADD, IRT_DATA, m.ptr, index), m.off);
}

/* A loop over a variable that counts from 0: `body` is where the builder stands; it ends by jumping
 * to `next`. Leaves for `done` at `most`. */
struct loop {
	u32 var, head, next, done;
	u32 i; /* its value in the body */
};

static struct loop loop_begin(struct lower *l, u32 most)
{
	struct ir_fn *fn = l->fn;
	struct loop p = {ir_var(fn, IRT_I64), ir_block(fn), ir_block(fn), ir_block(fn), 0};

	ir_set(fn, p.var, number(l, 0));
	ir_jmp(fn, p.head);
	ir_at(fn, p.head);
	p.i = ir_get(fn, p.var);
	demand(l, ir_bin(fn, IR_ULT, IRT_I64, p.i, number(l, most)), p.done);
	return p;
}

/* The builder stands behind the loop afterwards. */
static void loop_end(struct lower *l, struct loop *p)
{
	struct ir_fn *fn = l->fn;

	ir_jmp(fn, p->next);
	go_on(l, p->next);
	ir_set(fn, p->var, add(l, p->i, number(l, 1)));
	ir_jmp(fn, p->head);
	ir_seal(fn, p->head);
	go_on(l, p->done);
}

/* What the helper that copied a string returned, as its length: 0 when it failed. */
static u32 checked_length(struct lower *l, u32 result, u32 most)
{
	struct ir_fn *fn = l->fn;
	u32 len = ir_var(fn, IRT_I64), done = ir_block(fn), n = sub(l, result, number(l, 1));

	ir_set(fn, len, number(l, 0));
	demand(l, ir_bin(fn, IR_ULE, IRT_I64, n, number(l, most)), done);
	ir_set(fn, len, n);
	ir_jmp(fn, done);
	go_on(l, done);
	return ir_get(fn, len);
}

/* Copies what stands at `from`, up to its NUL, to `to`. */
static u32 copy_text(struct lower *l, struct mem to, u32 most, struct mem from)
{
	u32 n = ir_call(l->fn, HELPER_probe_read_kernel_str, IRT_I64, 3, mem_addr(l, to),
			number(l, most + 1), mem_addr(l, from));

	return checked_length(l, n, most);
}

/* room: bytes behind the text that may be read, too. */
static struct text text_of(struct lower *l, struct node *n, u32 room)
{
	u32 most = text_capacity(l->script, n), size = ALIGN_UP(most + 1, 8), from;
	struct text t = {.piece = mem_get_scratch(l, size + room), .most = most};
	struct mem m;

	t.at = mem_at(l, &l->pieces.v[t.piece]);
	if (n->kind == NODE_STR) {
		lower_str(l, n, t.at, ROOM(size));
		t.len = number(l, n->len);
		return t;
	}
	if (n->type.kind == TYPE_INT) {
		u32 addr = lower_int(l, n);

		t.len = checked_length(
			l, lower_read(l, n->type.space, true, t.at, number(l, most + 1), addr),
			most);
		return t;
	}
	from = mem_get_scratch(l, size + 8);
	m = mem_at(l, &l->pieces.v[from]);
	if (n->type.kind == TYPE_ARRAY) {
		lower_bytes(l, n, m, most);
		ir_store(l->fn, 1, m.ptr, m.off + (s32)most, number(l, 0));
	} else {
		lower_str(l, n, m, ROOM(most + 1));
	}
	t.len = copy_text(l, t.at, most, m);
	mem_put(l, from);
	return t;
}

/* ---- lengths */

u32 value_strlen(struct lower *l, struct node *n)
{
	struct text t = text_of(l, n->a, 0);

	mem_put(l, t.piece);
	return t.len;
}

u32 value_strcap(struct lower *l, struct node *n)
{
	return number(l, text_capacity(l->script, n->a));
}

u32 value_default_str_length(struct lower *l, struct node *n)
{
	(void)n;
	return number(l, l->script->limits.str_most);
}

/* ---- joining */

/* n, or `most` where it is larger. */
static u32 at_most(struct lower *l, u32 n, u32 most)
{
	struct ir_fn *fn = l->fn;
	u32 least = ir_var(fn, IRT_I64), done = ir_block(fn);

	ir_set(fn, least, number(l, most));
	demand(l, ir_bin(fn, IR_ULE, IRT_I64, n, number(l, most)), done);
	ir_set(fn, least, n);
	ir_jmp(fn, done);
	go_on(l, done);
	return ir_get(fn, least);
}

/* Where a part begins is known when the program runs; behind what the result can hold there is room
 * for the longest part, which the last copy then leaves out. */
u32 text_concat(struct lower *l, struct node *n, struct mem to, struct room room)
{
	u32 size = n->type.size, longest = 0, most = 0, len = number(l, 0), piece;
	struct mem m;

	for (struct node *a = n->a; a; a = a->next)
		longest = MAX(longest, text_capacity(l->script, a));
	piece = mem_get_scratch(l, ALIGN_UP(size + longest, 8));
	m = mem_at(l, &l->pieces.v[piece]);
	for (struct node *a = n->a; a; a = a->next) {
		struct text t = text_of(l, a, 0);
		struct mem end = {0, m.off};

		if (most > size - 1)
			len = at_most(l, len, most = size - 1);
		end.ptr = ir_bin(l->fn, IR_ADD, IRT_DATA, m.ptr, len);
		len = add(l, len, copy_text(l, end, t.most, t.at));
		most += t.most;
		mem_put(l, t.piece);
	}
	len = ir_call(l->fn, HELPER_probe_read_kernel_str, IRT_I64, 3, mem_addr(l, to),
		      room_value(l, room_most(l, room, size)), mem_addr(l, m));
	mem_put(l, piece);
	return len;
}

/* ---- searching: the hash of as many bytes as the needle has goes along the haystack (after Karp
 * and Rabin); where it is the needle's, the bytes themselves are compared. */

#define HASH_BASE 0x9e3779b97f4a7c15ull

struct needle {
	struct text text;
	u32 hash, power; /* of the base, as often as there are bytes */
};

static void hash_literal(struct lower *l, struct needle *d, const struct node *n)
{
	u64 hash = 0, power = 1;

	for (u32 i = 0; i < n->len; i++) {
		hash = hash * HASH_BASE + (u8)n->text[i];
		power *= HASH_BASE;
	}
	d->hash = number(l, (s64)hash);
	d->power = number(l, (s64)power);
}

/* One more byte behind those of the hash. */
static u32 hash_next(struct lower *l, u32 hash, u32 byte)
{
	return add(l, ir_bin(l->fn, IR_MUL, IRT_I64, hash, number(l, (s64)HASH_BASE)), byte);
}

static void hash_needle(struct lower *l, struct needle *d)
{
	u32 hash = ir_var(l->fn, IRT_I64), power = ir_var(l->fn, IRT_I64), byte;
	struct loop p;

	ir_set(l->fn, hash, number(l, 0));
	ir_set(l->fn, power, number(l, 1));
	p = loop_begin(l, d->text.most);
	byte = byte_at(l, d->text.at, p.i);
	demand(l, byte, p.done);
	ir_set(l->fn, hash, hash_next(l, ir_get(l->fn, hash), byte));
	ir_set(l->fn, power,
	       ir_bin(l->fn, IR_MUL, IRT_I64, ir_get(l->fn, power), number(l, (s64)HASH_BASE)));
	loop_end(l, &p);
	d->hash = ir_get(l->fn, hash);
	d->power = ir_get(l->fn, power);
}

/* Notes in `found` where the hash is the needle's, and leaves for `same`; else goes on. Places are
 * tested themselves, not what they are made of: below zero they are large numbers. */
static void look_for(struct lower *l, const struct text *hay, const struct needle *d,
		     struct mem found, u32 same)
{
	struct ir_fn *fn = l->fn;
	u32 hash = ir_var(fn, IRT_I64), leaving = ir_block(fn), both = ir_block(fn), byte, place;
	struct loop p;

	ir_set(fn, hash, number(l, 0));
	p = loop_begin(l, hay->most);
	byte = byte_at(l, hay->at, p.i);
	demand(l, byte, p.done);
	ir_set(fn, hash, hash_next(l, ir_get(fn, hash), byte));
	place = sub(l, p.i, d->text.len);
	ir_br(fn, ir_bin(fn, IR_ULE, IRT_I64, place, number(l, hay->most)), leaving, both);
	go_on(l, leaving);
	byte = ir_bin(fn, IR_MUL, IRT_I64, byte_at(l, hay->at, place), d->power);
	ir_set(fn, hash, sub(l, ir_get(fn, hash), byte));
	ir_jmp(fn, both);
	go_on(l, both);
	demand(l, ir_bin(fn, IR_EQ, IRT_I64, ir_get(fn, hash), d->hash), p.next);
	place = sub(l, add(l, p.i, number(l, 1)), d->text.len);
	demand(l, ir_bin(fn, IR_ULE, IRT_I64, place, number(l, hay->most)), p.next);
	ir_store(fn, 8, found.ptr, found.off, place);
	ir_jmp(fn, same);
	loop_end(l, &p);
}

/* Are the needle's bytes at that place? Leaves for `no` if not. */
static void look_at(struct lower *l, const struct text *hay, const struct needle *d, u32 place,
		    u32 no)
{
	struct ir_fn *fn = l->fn;
	struct loop p = loop_begin(l, d->text.most);
	u32 at = add(l, place, p.i);

	demand(l, ir_bin(fn, IR_ULT, IRT_I64, p.i, d->text.len), p.done);
	demand(l, ir_bin(fn, IR_ULE, IRT_I64, at, number(l, hay->most + d->text.most)), no);
	demand(l, ir_bin(fn, IR_EQ, IRT_I64, byte_at(l, hay->at, at), byte_at(l, d->text.at, p.i)),
	       no);
	loop_end(l, &p);
}

u32 value_strstr(struct lower *l, struct node *n)
{
	struct ir_fn *fn = l->fn;
	u32 result = ir_var(fn, IRT_I64), same = ir_block(fn), done = ir_block(fn),
	    no = ir_block(fn);
	u32 search = ir_block(fn), piece = mem_get_scratch(l, 8), place;
	struct mem found = mem_at(l, &l->pieces.v[piece]);
	struct needle d = {.text = text_of(l, n->a->next, 0)};
	struct text hay = text_of(l, n->a, ALIGN_UP(d.text.most, 8));

	if (n->a->next->kind == NODE_STR)
		hash_literal(l, &d, n->a->next);
	else
		hash_needle(l, &d);
	ir_set(fn, result, number(l, 0));
	ir_br(fn, d.text.len, search, done); /* nothing is everywhere */
	go_on(l, search);
	look_for(l, &hay, &d, found, same);
	ir_jmp(fn, no);
	go_on(l, same);
	/* out of memory it is any number: else the verifier would walk through what follows once
	 * for each turn of the search, as each has other bounds */
	place = ir_load(fn, 8, false, found.ptr, found.off);
	demand(l, ir_bin(fn, IR_ULE, IRT_I64, place, number(l, hay.most)), no);
	look_at(l, &hay, &d, place, no);
	ir_set(fn, result, place);
	ir_jmp(fn, done);
	go_on(l, no);
	ir_set(fn, result, number(l, -1));
	ir_jmp(fn, done);
	go_on(l, done);
	mem_put(l, d.text.piece);
	mem_put(l, hay.piece);
	mem_put(l, piece);
	return ir_get(fn, result);
}

u32 value_strcontains(struct lower *l, struct node *n)
{
	return ir_bin(l->fn, IR_SLE, IRT_I64, number(l, 0), value_strstr(l, n));
}

/* ---- patterns: a bit for each character that may come next. One bit is set at the start; a byte
 * of the text moves each bit whose character it is to the next place, and those at a star stay as
 * well. Which bits a byte may move to is a table in .rodata. */

struct glob {
	u32 table; /* in .rodata: a word for each byte */
	u64 stars, end;
};

static struct glob glob_table(struct lower *l, const char *pattern)
{
	struct glob g = {.table = rodata_add(l, 256 * 8)};
	u64 *words = (u64 *)(l->object->maps.v[l->rodata].data + g.table);
	struct glob_token t;
	u32 place = 0;

	while (glob_next(&pattern, &t)) {
		if (t.star) {
			g.stars |= 1ull << place;
			continue;
		}
		place++;
		for (u32 i = 1; i < 256; i++)
			if (t.set[i / 64] >> i % 64 & 1)
				words[i] |= 1ull << place;
	}
	g.end = 1ull << place;
	return g;
}

u32 value_globmatch(struct lower *l, struct node *n)
{
	struct ir_fn *fn = l->fn;
	struct text t = text_of(l, n->a, 0);
	struct glob g = glob_table(l, n->a->next->text);
	u32 bits = ir_var(fn, IRT_I64), byte, may, old;
	struct loop p;

	ir_set(fn, bits, number(l, 1));
	p = loop_begin(l, t.most);
	byte = byte_at(l, t.at, p.i);
	demand(l, byte, p.done);
	old = ir_get(fn, bits);
	may = ir_load(fn, 8, false,
		      ir_bin(fn, IR_ADD, IRT_DATA, ir_data(fn, l->rodata, g.table),
			     ir_bin(fn, IR_SHL, IRT_I64, byte, number(l, 3))),
		      0);
	may = ir_bin(fn, IR_AND, IRT_I64, may, ir_bin(fn, IR_SHL, IRT_I64, old, number(l, 1)));
	may = ir_bin(fn, IR_OR, IRT_I64, may,
		     ir_bin(fn, IR_AND, IRT_I64, old, number(l, (s64)g.stars)));
	ir_set(fn, bits, may);
	demand(l, may, p.done);
	loop_end(l, &p);
	mem_put(l, t.piece);
	return ir_bin(fn, IR_NE, IRT_I64,
		      ir_bin(fn, IR_AND, IRT_I64, ir_get(fn, bits), number(l, (s64)g.end)),
		      number(l, 0));
}

/* ---- comparing */

/* -1, 0 or 1, as the bytes of one word are less than those of the other in the order of memory. */
static void order_of(struct lower *l, u32 result, u32 a, u32 b)
{
	struct ir_fn *fn = l->fn;
	u32 less = ir_bin(fn, IR_ULT, IRT_I64, ir_un(fn, IR_BSWAP64, IRT_I64, a),
			  ir_un(fn, IR_BSWAP64, IRT_I64, b));

	ir_set(fn, result, sub(l, number(l, 1), ir_bin(fn, IR_SHL, IRT_I64, less, number(l, 1))));
}

#define WORDS_MOST 64 /* bytes of strings that are compared word by word */

/* Compares words, then what is left of them. */
static u32 compare(struct lower *l, struct mem a, struct mem b, u32 bytes)
{
	struct ir_fn *fn = l->fn;
	u32 result = ir_var(fn, IRT_I64), done = ir_block(fn);

	ir_set(fn, result, number(l, 0));
	for (u32 i = 0, w; i < bytes; i += w) {
		u32 next = ir_block(fn), differ = ir_block(fn), x, y;

		for (w = 8; i + w > bytes;)
			w /= 2;
		x = ir_load(fn, w, false, a.ptr, a.off + (s32)i);
		y = ir_load(fn, w, false, b.ptr, b.off + (s32)i);
		ir_br(fn, ir_bin(fn, IR_EQ, IRT_I64, x, y), next, differ);
		go_on(l, differ);
		order_of(l, result, x, y);
		ir_jmp(fn, done);
		go_on(l, next);
	}
	ir_jmp(fn, done);
	go_on(l, done);
	return ir_get(fn, result);
}

/* The same byte by byte, of a number that only the run knows; up to a NUL in both, if so wanted. */
static u32 compare_some(struct lower *l, struct mem a, struct mem b, u32 most, u32 count, bool text)
{
	struct ir_fn *fn = l->fn;
	u32 result = ir_var(fn, IRT_I64), differ = ir_block(fn), same = ir_block(fn), x, y;
	struct loop p;

	ir_set(fn, result, number(l, 0));
	p = loop_begin(l, most);
	demand(l, ir_bin(fn, IR_ULT, IRT_I64, p.i, count), p.done);
	x = byte_at(l, a, p.i), y = byte_at(l, b, p.i);
	ir_br(fn, ir_bin(fn, IR_EQ, IRT_I64, x, y), same, differ);
	go_on(l, differ);
	order_of(l, result, x, y);
	ir_jmp(fn, p.done);
	go_on(l, same);
	if (text)
		demand(l, x, p.done);
	loop_end(l, &p);
	return ir_get(fn, result);
}

static struct mem bytes_in(struct lower *l, struct node *n, u32 bytes, u32 *piece)
{
	struct mem m;

	*piece = mem_get_scratch(l, ALIGN_UP(bytes, 8) + 8);
	m = mem_at(l, &l->pieces.v[*piece]);
	lower_bytes(l, n, m, bytes);
	return m;
}

u32 value_memcmp(struct lower *l, struct node *n)
{
	struct node *count = n->a->next->next;
	u32 bytes = (u32)n->value, pieces[2], result;
	u32 some = count->kind == NODE_INT ? 0 : lower_int(l, count);
	struct mem a, b;

	if (!bytes)
		return number(l, 0);
	a = bytes_in(l, n->a, bytes, &pieces[0]);
	b = bytes_in(l, n->a->next, bytes, &pieces[1]);
	result = some ? compare_some(l, a, b, bytes, some, false) : compare(l, a, b, bytes);
	mem_put(l, pieces[0]);
	mem_put(l, pieces[1]);
	return result;
}

/* Few bytes are words at once: in front of the first that differs both have the same NULs. */
static u32 compare_short(struct lower *l, struct node *n, u32 bytes)
{
	u32 room = ALIGN_UP(MAX(bytes + 1, 16u), 8), pieces[2], result;
	struct mem a = lower_str_zeroed(l, n->a, room, &pieces[0]);
	struct mem b = lower_str_zeroed(l, n->a->next, room, &pieces[1]);

	result = compare(l, a, b, bytes);
	mem_put(l, pieces[0]);
	mem_put(l, pieces[1]);
	return result;
}

u32 value_strncmp(struct lower *l, struct node *n)
{
	struct node *count = n->a->next->next;
	u32 bytes = (u32)n->value, some, result;
	struct text a, b;

	if (count->kind == NODE_INT && bytes <= WORDS_MOST && n->a->type.kind == TYPE_STR &&
	    n->a->next->type.kind == TYPE_STR)
		return compare_short(l, n, bytes);
	some = count->kind == NODE_INT ? number(l, bytes) : lower_int(l, count);
	a = text_of(l, n->a, 8);
	b = text_of(l, n->a->next, 8);
	result = compare_some(l, a.at, b.at, bytes, some, true);
	mem_put(l, a.piece);
	mem_put(l, b.piece);
	return result;
}
