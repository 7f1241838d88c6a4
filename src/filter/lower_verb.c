/*
 * lower_verb.c: primitives with words of their own: broadcast, less, vlan, mpls, llc, ...
 *
 * In:  the word, its numbers and names. Out: tests; tags move the offsets of what follows.
 */
#include "filter/inside.h"

#include <stdlib.h>
#include <strings.h>

static struct tree *is_word_of(struct lower *l, u32 value, u32 lo, u32 hi)
{
	return tree_test(l->values, value, set_span(l->arena, lo, hi));
}

/* ---- kinds of addresses */

static struct tree *ip_broadcast(struct lower *l)
{
	u32 host = ~l->opts->netmask;
	struct tree *t;

	if (!l->opts->has_netmask)
		return ask_failed(l, l->at->at, "--netmask 255.255.255.0",
				  "which address is for all depends on the net's mask");
	t = tree_or(l->values, ask_masked(l, BASE_NET, 16, 4, 0, host),
		    ask_masked(l, BASE_NET, 16, 4, host, host));
	return tree_and(l->values, ask_type(l, 0x800), t);
}

static struct tree *broadcast(struct lower *l, const struct expr *e)
{
	static const u8 all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	if (!e->q.proto || e->q.proto == WORD_LINK)
		return ask_ether(l, all, WORD_DST);
	if (e->q.proto == WORD_IP)
		return ip_broadcast(l);
	return ask_failed(l, e->at, "ether broadcast, ip broadcast", "'%s' has no broadcasts",
			  word_table[e->q.proto].name);
}

static struct tree *multicast(struct lower *l, const struct expr *e)
{
	struct tree *t;

	switch (e->q.proto) {
	case 0:
	case WORD_LINK:
		if (link_is_wireless(l->link))
			return wireless_address(l, NULL, WORD_DST);
		if (l->link->number != 1)
			return ask_failed(l, e->at, "ip multicast, ip6 multicast",
					  "%s has no addresses of Ethernet", l->link->says);
		return ask_framed(l, tree_not(l->values, ask_masked(l, BASE_HEADER, 0, 1, 0, 1)));
	case WORD_IP:
		t = ask_type(l, 0x800);
		return tree_and(l->values, t, ask_between(l, BASE_NET, 16, 1, 224, 255));
	case WORD_IP6:
		t = ask_type(l, 0x86dd);
		return tree_and(l->values, t, ask_is(l, BASE_NET, 24, 1, 255));
	default:
		return ask_failed(l, e->at, "ether, ip and ip6 multicast", "'%s' has no multicasts",
				  word_table[e->q.proto].name);
	}
}

/* ---- lengths and bytes */

static struct tree *less(struct lower *l, const struct expr *e)
{
	return is_word_of(l, val_len(l->values), 0, e->number);
}

static struct tree *greater(struct lower *l, const struct expr *e)
{
	return is_word_of(l, val_len(l->values), e->number, UINT32_MAX);
}

static struct tree *byte(struct lower *l, const struct expr *e)
{
	struct values *vs = l->values;
	u32 value = ask_load(l, BASE_HEADER, e->number, 1), k = e->number2;

	switch (e->op2) {
	case '=': return is_word_of(l, value, k, k);
	case '<': return k ? is_word_of(l, value, 0, k - 1) : tree_const(vs, false);
	case '>':
		return k < UINT32_MAX ? is_word_of(l, value, k + 1, UINT32_MAX)
				      : tree_const(vs, false);
	default:
		value = val_alu(vs, e->op2 == '|' ? VAL_OR : VAL_AND, value, val_const(vs, k));
		return is_word_of(l, value, 1, UINT32_MAX);
	}
}

/* ---- what the capture says beside the frame */

static struct tree *outgoing(struct lower *l, const struct expr *e)
{
	switch (l->link->number) {
	case 113: return ask_is(l, BASE_HEADER, 0, 2, 4);
	case 276: return ask_is(l, BASE_HEADER, 10, 1, 4);
	case 166: return ask_is(l, BASE_HEADER, 0, 1, 1);
	case 117: return ask_is(l, BASE_HEADER, 60, 1, 2);
	default:
		if (l->opts->way == FILTER_WAY_TOLD)
			return is_word_of(l, val_extra(l->values, CBPF_AD_PKTTYPE), CBPF_OUTGOING,
					  CBPF_OUTGOING);
		if (l->opts->way)
			return tree_const(l->values, l->opts->way == FILTER_WAY_OUT);
		return ask_failed(l, e->at,
				  "LINUX_SLL, LINUX_SLL2, PPP_PPPD and PFLOG do; others while "
				  "they are captured",
				  "%s does not tell the direction of a packet", l->link->says);
	}
}

static struct tree *inbound(struct lower *l, const struct expr *e)
{
	if (l->link->number == 117)
		return ask_is(l, BASE_HEADER, 60, 1, 1);
	return tree_not(l->values, outgoing(l, e));
}

static struct tree *ifindex(struct lower *l, const struct expr *e)
{
	if (l->link->number != 276)
		return ask_failed(l, e->at, "LINUX_SLL2 does",
				  "%s does not tell the interface of a packet", l->link->says);
	return ask_is(l, BASE_HEADER, 4, 4, e->number);
}

/* Text in a field that is filled up with zeroes: its letters. */
static struct tree *pf_text(struct lower *l, const struct expr *e, u32 off)
{
	size_t n = strlen(e->id->text);

	if (n >= 16)
		return ask_failed(l, e->id->at, NULL, "a name has 15 letters at most");
	return ask_bytes(l, BASE_HEADER, off, (u32)n, (const u8 *)e->id->text);
}

static const struct {
	u16 verb;
	const char *name;
	u32 number;
} pf_words[] = {
	{WORD_ACTION, "pass", 0},
	{WORD_ACTION, "accept", 0},
	{WORD_ACTION, "drop", 1},
	{WORD_ACTION, "block", 1},
	{WORD_ACTION, "rdr", 8},
	{WORD_ACTION, "nat", 4},
	{WORD_ACTION, "binat", 6},
	{WORD_ACTION, "nordr", 9},
	{WORD_REASON, "match", 0},
	{WORD_REASON, "bad-offset", 1},
	{WORD_REASON, "fragment", 2},
	{WORD_REASON, "short", 3},
	{WORD_REASON, "normalize", 4},
	{WORD_REASON, "memory", 5},
	{WORD_REASON, "bad-timestamp", 6},
	{WORD_REASON, "congestion", 7},
	{WORD_REASON, "ip-option", 8},
	{WORD_REASON, "proto-cksum", 9},
	{WORD_REASON, "state-mismatch", 10},
	{WORD_REASON, "state-insert", 11},
	{WORD_REASON, "state-limit", 12},
	{WORD_REASON, "src-limit", 13},
	{WORD_REASON, "synproxy", 14},
};

/* Of a number or a word, in one byte. */
static struct tree *pf_byte(struct lower *l, const struct expr *e, u32 off)
{
	for (u32 i = 0; e->id && i < ARRAY_SIZE(pf_words); i++)
		if (pf_words[i].verb == e->op && !strcasecmp(pf_words[i].name, e->id->text))
			return ask_is(l, BASE_HEADER, off, 1, pf_words[i].number);
	if (e->id)
		return ask_failed(l, e->id->at, NULL, "there is no %s '%s'", word_table[e->op].name,
				  e->id->text);
	return ask_is(l, BASE_HEADER, off, 1, e->number);
}

static struct tree *pf(struct lower *l, const struct expr *e)
{
	if (l->link->number != 117)
		return ask_failed(l, e->at, NULL, "'%s' is of PFLOG captures, and this is %s",
				  word_table[e->op].name, l->link->says);
	switch (e->op) {
	case WORD_IFNAME: return pf_text(l, e, 4);
	case WORD_RSET: return pf_text(l, e, 20);
	case WORD_RNR: return ask_is(l, BASE_HEADER, 36, 4, e->number);
	case WORD_SRNR: return ask_is(l, BASE_HEADER, 40, 4, e->number);
	case WORD_REASON: return pf_byte(l, e, 3);
	default: return pf_byte(l, e, 2);
	}
}

/* ---- tags: what follows them in the expression is behind them in the packet */

/* The tag is not among the bytes: nothing moves. */
static struct tree *kept_tag(struct lower *l, u32 id)
{
	u32 tag = val_extra(l->values, CBPF_AD_VLAN_TCI);

	return tree_test(l->values, ask_alu(l, VAL_AND, tag, 0xfff), set_one(l->arena, id));
}

static struct tree *vlan(struct lower *l, const struct expr *e)
{
	struct values *vs = l->values;
	struct tree *t;

	if (l->labels)
		return ask_failed(l, e->at, "vlan ... and mpls",
				  "a VLAN's tag does not follow labels of MPLS");
	if (l->link->number != 1 && !link_is_wireless(l->link))
		return ask_failed(l, e->at, NULL, "%s has no VLANs", l->link->says);
	if (e->has_number && e->number > 0xfff)
		return ask_failed(l, e->at, "0 to 4095", "there is no VLAN %u", e->number);
	l->vlans++;
	if (l->tag_kept) {
		l->tag_kept = false;
		return e->has_number ? kept_tag(l, e->number) : tree_const(vs, true);
	}
	t = tree_or(vs, ask_type(l, 0x8100), ask_type(l, 0x88a8));
	t = tree_or(vs, t, ask_type(l, 0x9100));
	if (e->has_number)
		t = tree_and(vs, t, ask_masked(l, BASE_NET, 0, 2, e->number, 0xfff));
	l->payload.k += 4;
	l->type.k += 4;
	return t;
}

static struct tree *mpls(struct lower *l, const struct expr *e)
{
	struct tree *t;

	if (e->has_number && e->number > 0xfffff)
		return ask_failed(l, e->at, "0 to 1048575", "there is no label %u", e->number);
	if (l->labels)
		t = ask_masked(l, BASE_LABEL, 2, 1, 0, 1);
	else if (l->link->number == 1)
		t = ask_type(l, 0x8847);
	else if (!strncmp(l->link->name, "PPP", 3))
		t = ask_type(l, 0x0281);
	else
		return ask_failed(l, e->at, NULL, "%s has no MPLS", l->link->says);
	if (e->has_number)
		t = tree_and(l->values, t,
			     ask_masked(l, BASE_NET, 0, 4, e->number << 12, 0xfffff000));
	l->nl += 4;
	l->nosnap += 4;
	l->labels++;
	return t;
}

static struct tree *pppoed(struct lower *l, const struct expr *e)
{
	(void)e;
	return ask_type(l, 0x8863);
}

static struct tree *pppoes(struct lower *l, const struct expr *e)
{
	struct tree *t = ask_type(l, 0x8864);

	if (e->has_number && e->number > 0xffff)
		return ask_failed(l, e->at, "0 to 65535", "there is no session %u", e->number);
	if (e->has_number && t)
		t = tree_and(l->values, t, ask_masked(l, BASE_NET, 0, 4, e->number, 0xffff));
	l->header = ask_place(l, BASE_NET);
	l->header.k += 6;
	l->type = l->payload = l->header;
	l->payload.k += 2;
	l->nl = l->nosnap = 0;
	l->link = filter_link_find("PPP");
	return t;
}

/* ---- 802.2 */

static const struct {
	const char *name;
	u32 mask, control;
} llc_kinds[] = {
	{"i", 0x01, 0x00},    {"s", 0x03, 0x01},    {"u", 0x03, 0x03},     {"rr", 0x0f, 0x01},
	{"rnr", 0x0f, 0x05},  {"rej", 0x0f, 0x09},  {"ui", 0xef, 0x03},    {"ua", 0xef, 0x63},
	{"disc", 0xef, 0x43}, {"dm", 0xef, 0x0f},   {"sabme", 0xef, 0x6f}, {"test", 0xef, 0xe3},
	{"xid", 0xef, 0xaf},  {"frmr", 0xef, 0x87},
};

static struct tree *llc(struct lower *l, const struct expr *e)
{
	struct values *vs = l->values;
	const char *kind = e->id ? e->id->text : NULL;
	struct tree *t;

	if (l->link->number == 1)
		t = tree_and(vs, ask_between(l, BASE_TYPE, 0, 2, 0, 1500),
			     tree_not(vs, ask_is(l, BASE_LLC, 0, 2, 0xffff)));
	else if (l->link->number == 113 || l->link->number == 276)
		t = ask_is(l, BASE_TYPE, 0, 2, 4);
	else if (link_is_wireless(l->link))
		t = wireless_data(l);
	else
		return ask_failed(l, e->at, NULL, "%s has no LLC", l->link->says);
	for (u32 i = 0; kind && i < ARRAY_SIZE(llc_kinds); i++)
		if (!strcasecmp(kind, llc_kinds[i].name))
			return tree_and(vs, t,
					ask_masked(l, BASE_LLC, 2, 1, llc_kinds[i].control,
						   llc_kinds[i].mask));
	if (kind)
		return ask_failed(l, e->id->at,
				  "i, s, u, rr, rnr, rej, ui, ua, disc, dm, sabme, test, xid, frmr",
				  "there is no kind '%s' of LLC", kind);
	return t;
}

static const struct {
	u16 word;
	struct tree *(*lower)(struct lower *, const struct expr *);
} verbs[] = {
	{WORD_BROADCAST, broadcast},
	{WORD_MULTICAST, multicast},
	{WORD_LESS, less},
	{WORD_GREATER, greater},
	{WORD_BYTE, byte},
	{WORD_INBOUND, inbound},
	{WORD_OUTBOUND, outgoing},
	{WORD_IFINDEX, ifindex},
	{WORD_VLAN, vlan},
	{WORD_MPLS, mpls},
	{WORD_PPPOED, pppoed},
	{WORD_PPPOES, pppoes},
	{WORD_GENEVE, ask_geneve},
	{WORD_VXLAN, ask_vxlan},
	{WORD_LLC, llc},
	{WORD_WTYPE, wireless_verb},
	{WORD_SUBTYPE, wireless_verb},
	{WORD_WDIR, wireless_verb},
	{WORD_IFNAME, pf},
	{WORD_RSET, pf},
	{WORD_RNR, pf},
	{WORD_SRNR, pf},
	{WORD_REASON, pf},
	{WORD_ACTION, pf},
};

struct tree *ask_verb(struct lower *l, const struct expr *e)
{
	for (u32 i = 0; i < ARRAY_SIZE(verbs); i++)
		if (verbs[i].word == e->op)
			return verbs[i].lower(l, e);
	return ask_failed(l, e->at, NULL, "'%s' is not known here", word_table[e->op].name);
}
