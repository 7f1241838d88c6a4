/*
 * lower_packet.c: the values of a packet's headers, pcap(), verdicts.
 *
 * In:  the rows of packet_values.def that a program uses. Out: IR that walks through the headers
 * once (lower_walk.c), in front of the first use, and leaves each value in a variable.
 *
 * The walk stands behind the predicate, or before it when that has such a value: both places are
 * kept free until the program is complete.
 */
#include "script/packet.h"

#include "filter/filter.h"
#include "isa/isa.h"
#include "script/lower.h"

#define AF_INET  2
#define AF_INET6 10
#define HEADERS_MANY 16 /* so many may be why the stack is full */

static void leave_gap(struct lower *l, struct packet_gap *gap)
{
	if (!l->point->packet || !ir_open(l->fn))
		return;
	gap->block = ir_block(l->fn);
	gap->next = ir_block(l->fn);
	ir_jmp(l->fn, gap->block);
	ir_seal(l->fn, gap->block);
	ir_at(l->fn, gap->next); /* sealed when the gap is filled */
}

/* Each value that is used takes its place on the stack. */
static const char *stack_advice(struct lower *l)
{
	const char *names = "";
	u32 n = 0;

	for (u32 row = 0; row < packet_row_count; row++)
		if (l->point->packet >> row & 1)
			names = arena_printf(l->fn->arena, "%s%s%s", names, n++ ? ", " : "",
					     packet_values[row].name);
	return n < HEADERS_MANY ? NULL
				: arena_printf(l->fn->arena,
					       "use fewer of its %u values of headers: %s", n,
					       names);
}

void packet_before(struct lower *l)
{
	struct ir_fn *fn = l->fn;

	l->packet = (struct packet){0};
	l->verdict = 0;
	if (!point_is_packet(l->point))
		return;
	if (l->point->row->attach != ATTACH_SOCKET) {
		l->verdict = ir_var(fn, IRT_I64);
		ir_set(fn, l->verdict, ir_const(fn, attach_verdict(l->point->row->attach)));
	}
	for (u32 i = 0; i < packet_row_count; i++) {
		if (!(l->point->packet >> i & 1))
			continue;
		l->packet.vars[i] = ir_var(fn, IRT_I64);
		if (packet_rows[i].shown == PACKET_INET6)
			l->packet.more[i] = ir_var(fn, IRT_I64);
	}
	fn->advice = stack_advice(l);
	leave_gap(l, &l->packet.before);
}

void packet_behind(struct lower *l)
{
	l->packet.in_body = true;
	leave_gap(l, &l->packet.behind);
}

static void fill_gap(struct lower *l, const struct packet_gap *gap, bool walk)
{
	if (!gap->block)
		return;
	ir_at(l->fn, gap->block);
	if (walk)
		walk_headers(l, gap->next);
	else
		ir_jmp(l->fn, gap->next);
	ir_seal(l->fn, gap->next);
}

void packet_end(struct lower *l)
{
	fill_gap(l, &l->packet.before, l->packet.at_once);
	fill_gap(l, &l->packet.behind, l->packet.used && !l->packet.at_once);
}

static u32 get_part(struct lower *l, u32 row, u32 var, u32 off)
{
	u32 shared = l->frame.headers[row];

	return shared ? ir_load(l->fn, 8, false, l->frame.at, (s32)(shared + off))
		      : ir_get(l->fn, var);
}

static u32 value_of(struct lower *l, u32 row)
{
	l->packet.used = true;
	l->packet.at_once |= !l->packet.in_body;
	return get_part(l, row, l->packet.vars[row], 0);
}

static u32 more_of(struct lower *l, u32 row)
{
	return get_part(l, row, l->packet.more[row], 8);
}

static bool is_header(const struct node *n)
{
	return n->probe_value >= packet_values && n->probe_value < packet_values + packet_row_count;
}

void packet_share(struct lower *l, const struct node *n)
{
	u32 row;

	if (!is_header(n))
		return;
	row = packet_row_of(n);
	if (l->frame.headers[row])
		return;
	l->frame.headers[row] = l->frame.size;
	l->frame.size += packet_rows[row].shown == PACKET_INET6 ? 16 : 8;
}

u32 lower_packet(struct lower *l, const struct node *n)
{
	return value_of(l, packet_row_of(n));
}

bool lower_header_words(struct lower *l, const struct node *n, u32 *words)
{
	const struct packet_row *r;
	u32 row;

	if (!is_header(n))
		return false;
	row = packet_row_of(n);
	r = &packet_rows[row];
	if (r->shown == PACKET_MAC) {
		words[2] = value_of(l, row);
		return true;
	}
	words[0] = ir_const(l->fn, r->shown == PACKET_INET ? AF_INET : AF_INET6);
	words[1] = value_of(l, row);
	words[2] = r->shown == PACKET_INET6 ? more_of(l, row) : ir_const(l->fn, 0);
	return true;
}

void store_header(struct lower *l, const struct node *n, struct mem to)
{
	u32 row = packet_row_of(n), first = value_of(l, row);
	const struct packet_row *r = &packet_rows[row];
	struct ir_fn *fn = l->fn;

	if (r->shown == PACKET_MAC) {
		ir_store(fn, 8, to.ptr, to.off, first);
		return;
	}
	ir_store(fn, 8, to.ptr, to.off, ir_const(fn, r->shown == PACKET_INET ? AF_INET : AF_INET6));
	ir_store(fn, 8, to.ptr, to.off + 8, first);
	ir_store(fn, 8, to.ptr, to.off + 16,
		 r->shown == PACKET_INET6 ? more_of(l, row) : ir_const(fn, 0));
}

u32 value_pcap(struct lower *l, struct node *n)
{
	struct filter_part part = {.hook = packet_hook(l->point), .room = &l->packet.room};
	struct ir_fn *fn = l->fn;
	u32 result = ir_var(fn, IRT_I64), done = ir_block(fn);
	struct filter f = {0};

	part.yes = ir_block(fn);
	part.no = ir_block(fn);
	if (packet_compile(l->script, l->point, n->a, &f, l->script->diag) ||
	    filter_build(fn, &part, f.insns.v, f.insns.n, l->script->diag))
		l->failed = true;
	ir_seal(fn, part.yes);
	ir_seal(fn, part.no);
	ir_at(fn, part.yes);
	ir_set(fn, result, ir_const(fn, 1));
	ir_jmp(fn, done);
	ir_at(fn, part.no);
	ir_set(fn, result, ir_const(fn, 0));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	return ir_get(fn, result);
}

u32 value_redirect(struct lower *l, struct node *n)
{
	u32 device = lower_fill(l, FILL_DEVICE, n->a->text);

	return ir_call(l->fn, HELPER_redirect, IRT_I64, 2, device, ir_const(l->fn, 0));
}

void lower_redirect(struct lower *l, struct node *n)
{
	value_redirect(l, n);
}

u32 lower_verdict(struct lower *l, const struct node *n)
{
	static const struct {
		const char *name;
		s8 xdp, tc;
	} verdicts[] = {{"TX", 3, 0}, {"REDIRECT", 4, 7}};
	u8 kind = l->point->row->attach;

	for (u32 i = 0; i < ARRAY_SIZE(verdicts); i++)
		if (!strcmp(verdicts[i].name, n->text))
			return ir_const(l->fn,
					kind == ATTACH_XDP ? verdicts[i].xdp : verdicts[i].tc);
	return ir_const(l->fn, !strcmp(n->text, "PASS") ? attach_verdict(kind)
							: filter_hooks[packet_hook(l->point)].drop);
}
