/*
 * lower_proto.c: protocols: alone, by number, chains of headers.
 *
 * In:  a protocol's word, or a number and the protocol that carries it. Out: tests.
 */
#include "filter/inside.h"

enum carrier { OVER_TYPE, OVER_IP, OVER_IP6, OVER_BOTH, OVER_ISO };

/* How to see that a packet is of the protocol: its number in what carries it. */
static const struct {
	u16 word;
	u8 carrier;
	u32 number;
} rows[] = {
	{WORD_IP, OVER_TYPE, 0x800},      {WORD_ARP, OVER_TYPE, 0x806},
	{WORD_RARP, OVER_TYPE, 0x8035},   {WORD_IP6, OVER_TYPE, 0x86dd},
	{WORD_ATALK, OVER_TYPE, 0x809b},  {WORD_AARP, OVER_TYPE, 0x80f3},
	{WORD_DECNET, OVER_TYPE, 0x6003}, {WORD_LAT, OVER_TYPE, 0x6004},
	{WORD_SCA, OVER_TYPE, 0x6007},    {WORD_MOPDL, OVER_TYPE, 0x6001},
	{WORD_MOPRC, OVER_TYPE, 0x6002},  {WORD_ISO, OVER_TYPE, 0xfe},
	{WORD_STP, OVER_TYPE, 0x42},      {WORD_IPX, OVER_TYPE, 0xe0},
	{WORD_NETBEUI, OVER_TYPE, 0xf0},  {WORD_TCP, OVER_BOTH, 6},
	{WORD_UDP, OVER_BOTH, 17},        {WORD_SCTP, OVER_BOTH, 132},
	{WORD_PIM, OVER_BOTH, 103},       {WORD_AH, OVER_BOTH, 51},
	{WORD_ESP, OVER_BOTH, 50},        {WORD_ICMP, OVER_IP, 1},
	{WORD_IGMP, OVER_IP, 2},          {WORD_IGRP, OVER_IP, 9},
	{WORD_VRRP, OVER_IP, 112},        {WORD_CARP, OVER_IP, 112},
	{WORD_ICMP6, OVER_IP6, 58},       {WORD_ESIS, OVER_ISO, 0x82},
	{WORD_ISIS, OVER_ISO, 0x83},      {WORD_CLNP, OVER_ISO, 0x81},
};

/* Kinds of IS-IS packets. */
static const struct {
	u16 word;
	u8 types[6];
} isis[] = {
	{WORD_L1, {26, 24, 18, 15, 17}}, {WORD_L2, {27, 25, 20, 16, 17}},
	{WORD_IIH, {15, 16, 17}},        {WORD_LSP, {18, 20}},
	{WORD_SNP, {27, 26, 25, 24}},    {WORD_CSNP, {25, 24}},
	{WORD_PSNP, {27, 26}},
};

static struct tree *over_ip(struct lower *l, u32 number)
{
	return tree_and(l->values, ask_type(l, 0x800), ask_is(l, BASE_NET, 9, 1, number));
}

/* Directly behind the header, or behind a fragment's. */
static struct tree *over_ip6(struct lower *l, u32 number)
{
	struct values *vs = l->values;
	struct tree *type = ask_type(l, 0x86dd), *t;

	t = tree_and(vs, ask_is(l, BASE_NET, 6, 1, 44), ask_is(l, BASE_NET, 40, 1, number));
	t = tree_or(vs, ask_is(l, BASE_NET, 6, 1, number), t);
	return tree_and(vs, type, t);
}

static struct tree *over_iso(struct lower *l, u32 number)
{
	return tree_and(l->values, ask_type(l, 0xfe), ask_is(l, BASE_NET_LLC, 0, 1, number));
}

static struct tree *isis_type(struct lower *l, const u8 *types)
{
	struct tree *t = NULL;

	for (; *types; types++) {
		struct tree *one = tree_and(l->values, over_iso(l, 0x83),
					    ask_is(l, BASE_NET_LLC, 4, 1, *types));

		t = t ? tree_or(l->values, one, t) : one;
	}
	return t;
}

static struct tree *carried(struct lower *l, enum carrier carrier, u32 number)
{
	switch (carrier) {
	case OVER_TYPE: return ask_type(l, number);
	case OVER_IP: return over_ip(l, number);
	case OVER_IP6: return over_ip6(l, number);
	case OVER_ISO: return over_iso(l, number);
	default: return tree_or(l->values, over_ip(l, number), over_ip6(l, number));
	}
}

struct tree *ask_abbreviation(struct lower *l, u32 word, struct loc at)
{
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].word == word)
			return carried(l, (enum carrier)rows[i].carrier, rows[i].number);
	for (u32 i = 0; i < ARRAY_SIZE(isis); i++)
		if (isis[i].word == word)
			return isis_type(l, isis[i].types);
	return ask_failed(l, at, "as in 'ether host', 'ether proto', 'ether[0]'",
			  "'%s' alone is no test", word_table[word].name);
}

struct tree *ask_proto(struct lower *l, u32 number, u32 word, struct loc at)
{
	switch (word) {
	case 0: return carried(l, OVER_BOTH, number);
	case WORD_LINK: return ask_type(l, number);
	case WORD_IP: return over_ip(l, number);
	case WORD_IP6: return over_ip6(l, number);
	case WORD_ISO: return over_iso(l, number);
	case WORD_ISIS:
		return tree_and(l->values, over_iso(l, 0x83),
				ask_is(l, BASE_NET_LLC, 4, 1, number));
	default:
		return ask_failed(l, at, "ip proto, ip6 proto, ether proto, iso proto",
				  "'%s' carries no protocols by number", word_table[word].name);
	}
}

struct tree *ask_not_fragment(struct lower *l)
{
	return ask_masked(l, BASE_NET, 6, 2, 0, 0x1fff);
}
