/*
 * chain.c: protochain: a protocol behind the headers that may stand between it and IP.
 *
 * In:  the protocol's number. Out: tests.
 *
 * Classic BPF has no loops, so the walk is written out, header by header, up to CHAIN_MOST: as many
 * as RFC 8200 lists, each once. Hop-by-hop options, routing, fragment and destination options say
 * their length in units of 8 bytes, less one; an authentication header in units of 4, less two.
 */
#include "filter/inside.h"

#define CHAIN_MOST     6
#define HOP_BY_HOP     0
#define ROUTING        43
#define FRAGMENT       44
#define AUTHENTICATION 51
#define DESTINATION    60

struct link_of_chain {
	u32 protocol, off; /* values: what the next header is, and where, from the network header */
};

static u32 byte_at(struct lower *l, u32 off, u32 k)
{
	struct place net = ask_place(l, BASE_NET);
	u32 at = net.var ? val_alu(l->values, VAL_ADD, off, net.var) : off;

	return val_load(l->values, 1, at, net.k + k);
}

static struct set headers(struct lower *l, bool v6)
{
	static const u8 all[] = {HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION};
	struct set s = set_one(l->arena, AUTHENTICATION);

	for (u32 i = 0; v6 && i < ARRAY_SIZE(all); i++)
		s = set_or(l->arena, s, set_one(l->arena, all[i]));
	return s;
}

/* Behind the header that `at` is at. */
static struct link_of_chain next(struct lower *l, struct link_of_chain at, bool v6)
{
	struct values *vs = l->values;
	u32 length = byte_at(l, at.off, 1), is_auth;
	struct link_of_chain to = {.protocol = byte_at(l, at.off, 0)};

	if (v6) {
		is_auth = ask_equal(l, at.protocol, AUTHENTICATION);
		length = val_alu(vs, VAL_ADD, length, ask_alu(l, VAL_ADD, is_auth, 1));
		length = val_alu(vs, VAL_LSH, length,
				 val_alu(vs, VAL_SUB, val_const(vs, 3), is_auth));
	} else {
		length = ask_alu(l, VAL_LSH, ask_alu(l, VAL_ADD, length, 2), 2);
	}
	to.off = val_alu(vs, VAL_ADD, at.off, length);
	return to;
}

/* From a header on: is it of the protocol, or else one that another follows? */
static struct tree *walk(struct lower *l, struct link_of_chain at, u32 number, bool v6, u32 left)
{
	struct values *vs = l->values;
	struct tree *is = tree_test(vs, at.protocol, set_one(l->arena, number)), *more;

	if (!left)
		return is;
	more = tree_test(vs, at.protocol, headers(l, v6));
	return tree_or(vs, is, tree_and(vs, more, walk(l, next(l, at, v6), number, v6, left - 1)));
}

static struct tree *chain_of(struct lower *l, u32 number, bool v6)
{
	struct link_of_chain at = {.protocol = ask_load(l, BASE_NET, v6 ? 6 : 9, 1)};
	struct tree *type = ask_type(l, v6 ? 0x86dd : 0x800);

	if (!type)
		return NULL;
	at.off = v6 ? val_const(l->values, 40)
		    : ask_alu(l, VAL_LSH, ask_alu(l, VAL_AND, ask_load(l, BASE_NET, 0, 1), 15), 2);
	return tree_and(l->values, type, walk(l, at, number, v6, CHAIN_MOST));
}

struct tree *ask_chain(struct lower *l, u32 number, u32 word, struct loc at)
{
	struct tree *t;

	if (word && word != WORD_IP && word != WORD_IP6)
		return ask_failed(l, at, "ip protochain, ip6 protochain",
				  "'%s' has no chains of headers", word_table[word].name);
	if (word)
		return chain_of(l, number, word == WORD_IP6);
	t = chain_of(l, number, false);
	return t ? tree_or(l->values, t, chain_of(l, number, true)) : NULL;
}
