/*
 * skb.c: skboutput(): packets of the kernel into a capture file.
 *
 * In:  skboutput("file.pcap", skb, length, offset), skb a struct sk_buff *.
 * Out: a record with how long the packet is from the offset on, and those of the bytes that were
 *      asked for that lie in one piece behind skb->data, at most as many as a string may have; user
 *      space writes them (session/packets.c).
 */
#include "script/check.h"
#include "script/ctype.h"
#include "script/lower.h"

#include "isa/isa.h"

/* skb->data, skb->len, skb->data_len */
static struct node *members(struct arena *arena, struct loc at)
{
	static const char *const names[] = {"data", "len", "data_len"};
	struct node *skb = arena_new(arena, struct node), *first = NULL, **tail = &first;

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		struct node *n = *tail = arena_new(arena, struct node);

		*n = (struct node){.kind = NODE_FIELD, .at = at, .a = skb, .text = names[i]};
		tail = &n->next;
	}
	return first;
}

/* n->b becomes the members. */
void check_skboutput(struct checker *c, struct node *n)
{
	struct node *skb = n->a->next, *length = skb->next, *offset = length->next;

	n->type = TYPE_NUMBER;
	if (n->a->kind != NODE_STR)
		check_fail(c, n->a, n->call->usage, "the name of the file must be written out");
	if (!check_int(c, skb, "skboutput()") ||
	    !check_int(c, length, "the length of skboutput()") ||
	    !check_int(c, offset, "the offset of skboutput()"))
		return;
	if (!skb->type.is_pointer || !skb->type.of) {
		check_fail(c, skb, "(struct sk_buff *)arg0",
			   "skboutput() takes a struct sk_buff *");
		return;
	}
	if (!n->b)
		n->b = members(c->script->arena, skb->at);
	*n->b->a = *skb;
	n->b->a->next = NULL;
	for (struct node *m = n->b; m; m = m->next)
		check_int(c, m, "skboutput()");
}

static u32 smaller(struct lower *l, u32 a, u32 b)
{
	struct ir_fn *fn = l->fn;
	u32 var = ir_var(fn, IRT_I64), less = ir_block(fn), done = ir_block(fn);

	ir_set(fn, var, a);
	ir_br(fn, ir_bin(fn, IR_ULE, IRT_I64, a, b), done, less);
	ir_seal(fn, less);
	ir_at(fn, less);
	ir_set(fn, var, b);
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	return ir_get(fn, var);
}

/* The call's arguments, n->b the members: what of them is in one piece, from the offset on. */
static void store_packet(struct lower *l, struct node *n, struct mem to)
{
	struct node *length = n->a->next->next, *data = n->b, *len = data->next;
	struct ir_fn *fn = l->fn;
	u32 offset = lower_int(l, length->next), from = lower_int(l, data), whole, count;
	u32 there = ir_block(fn), done = ir_block(fn);
	struct mem bytes = {to.ptr, to.off + 8};

	whole = ir_bin(fn, IR_SUB, IRT_I64, lower_int(l, len), lower_int(l, len->next));
	ir_store(fn, 8, to.ptr, to.off, ir_const(fn, 0)); /* if it ends in front of the offset */
	ir_br(fn, ir_bin(fn, IR_ULT, IRT_I64, offset, whole), there, done);
	ir_seal(fn, there);
	ir_at(fn, there);
	count = smaller(l, ir_bin(fn, IR_SUB, IRT_I64, whole, offset), lower_int(l, length));
	count = smaller(l, count, ir_const(fn, n->type.size - 8));
	ir_store(fn, 8, to.ptr, to.off, count);
	ir_call(fn, HELPER_probe_read_kernel, IRT_I64, 3, mem_addr(l, bytes), count,
		ir_bin(fn, IR_ADD, IRT_I64, from, offset));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
}

static u32 packet_length(struct lower *l, struct node *n)
{
	return ir_bin(l->fn, IR_SUB, IRT_I64, lower_int(l, n->b->next),
		      lower_int(l, n->a->next->next->next));
}

void lower_skboutput(struct lower *l, struct node *n)
{
	static const struct call_row rows[] = {{.name = "length", .value = packet_length},
					       {.name = "data", .store = store_packet}};
	struct action a = {.kind = ACTION_PCAP, .text = n->a->text};
	struct node data = *n, length = *n;

	data.call = &rows[1];
	data.next = NULL;
	data.type = TYPE_SHOWN_OF(FIELD_BUF, 8 + ALIGN_UP(l->script->limits.str_most, 8));
	length.call = &rows[0];
	length.next = &data;
	lower_record(l, "skboutput", &a, VIEW_LINES, &length);
}

u32 value_skboutput(struct lower *l, struct node *n)
{
	lower_skboutput(l, n);
	return ir_const(l->fn, 0);
}
