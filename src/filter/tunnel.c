/*
 * tunnel.c: packets inside of UDP: geneve (RFC 8926) and vxlan (RFC 7348).
 *
 * In:  the word, and the number of its network. Out: tests; what follows in the expression is
 * inside of the tunnel.
 *
 * Where the inner packet begins is computed from the outer one: IPv4's header has a length, IPv6's
 * is 40 bytes; Geneve has options, and behind them Ethernet or at once the network layer. Values
 * have no branches, so what is one thing or another is a sum with factors that are 1 or 0.
 */
#include "filter/inside.h"

#define PORT_GENEVE    6081
#define PORT_VXLAN     4789
#define TYPE_ETHERNET  0x6558 /* of Geneve: a whole frame */
#define UDP            17
#define UDP_BYTES      8
#define TUNNEL_BYTES   8
#define ETHERNET_BYTES 14

/* The length of the outer network header: 4 * (first & 15), or 40 where the version is 6. */
static u32 outer_length(struct lower *l, u32 first)
{
	struct values *vs = l->values;
	u32 is6 = ask_alu(l, VAL_AND, ask_alu(l, VAL_RSH, first, 5), 1);
	u32 length = ask_alu(l, VAL_LSH, ask_alu(l, VAL_AND, first, 15), 2);

	length = val_alu(vs, VAL_MUL, length, ask_alu(l, VAL_XOR, is6, 1));
	return val_alu(vs, VAL_ADD, length, ask_alu(l, VAL_MUL, is6, 40));
}

static struct place plus(struct lower *l, struct place p, u32 value)
{
	p.var = p.var ? val_alu(l->values, VAL_ADD, p.var, value) : value;
	return p;
}

static u32 load_at(struct lower *l, struct place p, u32 off, u32 size)
{
	return val_load(l->values, size, p.var, p.k + off);
}

/* IPv4 or IPv6, UDP to a port. */
static struct tree *udp_to(struct lower *l, u32 port)
{
	struct values *vs = l->values;
	struct tree *v6 = ask_type(l, 0x86dd), *v4 = v6 ? ask_type(l, 0x800) : NULL;

	if (!v4)
		return NULL;
	v6 = tree_and(vs, v6, ask_is(l, BASE_NET, 6, 1, UDP));
	v6 = tree_and(vs, v6, ask_is(l, BASE_TRANSPORT6, 2, 2, port));
	v4 = tree_and(vs, v4, ask_is(l, BASE_NET, 9, 1, UDP));
	v4 = tree_and(vs, v4, ask_not_fragment(l));
	v4 = tree_and(vs, v4, ask_is(l, BASE_TRANSPORT4, 2, 2, port));
	return tree_or(vs, v6, v4);
}

/* The tunnel's own header. */
static struct place tunnel_place(struct lower *l)
{
	struct place net = ask_place(l, BASE_NET);
	u32 length = outer_length(l, load_at(l, net, 0, 1));

	net = plus(l, net, length);
	net.k += UDP_BYTES;
	return net;
}

static struct tree *of_network(struct lower *l, const struct expr *e, struct place tunnel)
{
	u32 number = ask_alu(l, VAL_RSH, load_at(l, tunnel, 4, 4), 8);

	return tree_test(l->values, number, set_one(l->arena, e->number));
}

/* From now on packets are of Ethernet. */
static void enter(struct lower *l, struct place header, struct place type, struct place payload)
{
	l->header = header;
	l->type = type;
	l->payload = payload;
	l->link = filter_link_find("EN10MB");
	l->nl = 0;
	l->nosnap = 3;
	l->labels = 0;
}

static struct tree *tunnel(struct lower *l, const struct expr *e, u32 port, struct place *at)
{
	struct tree *t;

	if (e->has_number && e->number > 0xffffff)
		return ask_failed(l, e->at, "0 to 16777215", "there is no network %u", e->number);
	t = udp_to(l, port);
	if (!t)
		return NULL;
	*at = tunnel_place(l);
	return t;
}

struct tree *ask_vxlan(struct lower *l, const struct expr *e)
{
	struct place at = {0}, type, payload;
	struct tree *t = tunnel(l, e, PORT_VXLAN, &at);

	if (!t)
		return NULL;
	t = tree_and(l->values, t, /* that it has a number */
		     tree_test(l->values, ask_alu(l, VAL_AND, load_at(l, at, 0, 1), 0x08),
			       set_one(l->arena, 0x08)));
	if (e->has_number)
		t = tree_and(l->values, t, of_network(l, e, at));
	at.k += TUNNEL_BYTES;
	type = payload = at;
	type.k += 12;
	payload.k += ETHERNET_BYTES;
	enter(l, at, type, payload);
	l->framed = NULL;
	return t;
}

struct tree *ask_geneve(struct lower *l, const struct expr *e)
{
	struct values *vs = l->values;
	struct place at = {0}, type, header;
	struct tree *t = tunnel(l, e, PORT_GENEVE, &at);
	u32 options, protocol, is_frame;

	if (!t)
		return NULL;
	t = tree_and(vs, t, /* of version 0 */
		     tree_test(vs, ask_alu(l, VAL_AND, load_at(l, at, 0, 1), 0xc0),
			       set_one(l->arena, 0)));
	if (e->has_number)
		t = tree_and(vs, t, of_network(l, e, at));
	options = ask_alu(l, VAL_LSH, ask_alu(l, VAL_AND, load_at(l, at, 0, 1), 0x3f), 2);
	protocol = load_at(l, at, 2, 2);
	is_frame = ask_equal(l, protocol, TYPE_ETHERNET);
	header = plus(l, at, options);
	header.k += TUNNEL_BYTES;
	/* the inner type stands at 12 of the frame, or else it is that of the tunnel's header */
	type = plus(l, at,
		    val_alu(vs, VAL_MUL, ask_alu(l, VAL_ADD, options, TUNNEL_BYTES + 12 - 2),
			    is_frame));
	type.k += 2;
	enter(l, header, type, plus(l, header, ask_alu(l, VAL_MUL, is_frame, ETHERNET_BYTES)));
	l->framed = tree_test(vs, protocol, set_one(l->arena, TYPE_ETHERNET));
	return t;
}
