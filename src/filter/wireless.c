/*
 * wireless.c: 802.11: headers whose length the frame tells, addresses whose place it tells.
 *
 * In:  expressions. Out: tests. The first byte of a frame has its type (0x0c) and subtype (0xf0),
 * the second which way it goes (0x01 to, 0x02 from the distribution system).
 */
#include "filter/inside.h"

#include <strings.h>

#define TYPE_MASK 0x0c
#define KIND_MASK 0xfc
#define CONTROL   0x04
#define DATA      0x08

/* Data of QoS have two bytes more: 1 for them, 0 for others. */
static u32 is_qos(struct lower *l)
{
	struct values *vs = l->values;
	u32 first = ask_load(l, BASE_HEADER, 0, 1), no_control, both;

	no_control = ask_alu(l, VAL_XOR, ask_alu(l, VAL_RSH, first, 2), 1);
	both = val_alu(vs, VAL_AND, ask_alu(l, VAL_RSH, first, 7), ask_alu(l, VAL_RSH, first, 3));
	return ask_alu(l, VAL_AND, val_alu(vs, VAL_AND, both, no_control), 1);
}

/* The header begins at `header`, has so many bytes more than 24, and behind it are LLC and SNAP. */
static void start(struct lower *l, u32 more)
{
	if (l->header.var)
		more = val_alu(l->values, VAL_ADD, more, l->header.var);
	l->payload = (struct place){more, l->header.k + 24};
	l->type = (struct place){more, l->header.k + 30};
}

void wireless_start(struct lower *l)
{
	l->header = (struct place){0};
	start(l, ask_alu(l, VAL_LSH, is_qos(l), 1));
}

/* Radiotap's flags, if the second bit of what is present says so, stand behind the time, if the
 * first does. One of them is that a header of 26 bytes is filled up to 28: 1 if so. */
static u32 padded(struct lower *l)
{
	struct values *vs = l->values;
	u32 present = val_load(vs, 1, 0, 4);
	u32 time = ask_alu(l, VAL_LSH, ask_alu(l, VAL_AND, present, 1), 3);
	u32 flags = ask_alu(l, VAL_RSH, val_load(vs, 1, time, 8), 5);
	/* more words of what is present: then nobody knows where the flags are */
	u32 one_word = ask_alu(l, VAL_XOR, ask_alu(l, VAL_RSH, val_load(vs, 1, 0, 7), 7), 1);

	return ask_alu(l, VAL_AND,
		       val_alu(vs, VAL_AND, one_word,
			       val_alu(vs, VAL_AND, ask_alu(l, VAL_RSH, present, 1), flags)),
		       1);
}

/* In front: its length in two bytes, the lower one first. */
void radiotap_start(struct lower *l)
{
	struct values *vs = l->values;
	u32 high = ask_alu(l, VAL_LSH, val_load(vs, 1, 0, 3), 8);

	l->header = (struct place){val_alu(vs, VAL_OR, high, val_load(vs, 1, 0, 2)), 0};
	start(l, val_alu(vs, VAL_LSH, is_qos(l), ask_alu(l, VAL_ADD, padded(l), 1)));
}

/* In front: a magic number, and its length in four bytes. */
void avs_start(struct lower *l)
{
	l->header = (struct place){val_load(l->values, 4, 0, 4), 0};
	start(l, ask_alu(l, VAL_LSH, is_qos(l), 1));
}

#define PRISM_BYTES 144
#define AVS_MAGIC   0x80211000u

/* In front: 144 bytes; or a header of AVS, for drivers have put that here, too. */
void prism_start(struct lower *l)
{
	struct values *vs = l->values;
	u32 magic = ask_alu(l, VAL_AND, val_load(vs, 4, 0, 0), 0xfffff000);
	u32 more = ask_alu(l, VAL_SUB, val_load(vs, 4, 0, 4), PRISM_BYTES);

	more = val_alu(vs, VAL_MUL, more, ask_equal(l, magic, AVS_MAGIC));
	l->header = (struct place){ask_alu(l, VAL_ADD, more, PRISM_BYTES), 0};
	start(l, ask_alu(l, VAL_LSH, is_qos(l), 1));
}

/* ---- types */

static struct tree *bit(struct lower *l, u32 byte, u32 mask)
{
	return ask_masked(l, BASE_HEADER, byte, 1, mask, mask);
}

static struct tree *no_bit(struct lower *l, u32 byte, u32 mask)
{
	return ask_masked(l, BASE_HEADER, byte, 1, 0, mask);
}

struct tree *wireless_data(struct lower *l)
{
	return tree_and(l->values, no_bit(l, 0, CONTROL), bit(l, 0, DATA));
}

struct tree *wireless_type(struct lower *l, u32 p)
{
	struct values *vs = l->values;
	struct tree *data = wireless_data(l), *t;
	const u8 atalk[8] = {0xaa, 0xaa, 3, 8, 0, 7, 0x80, 0x9b};

	if (p == 0xfe || p == 0x06 || p == 0xf0)
		t = ask_is(l, BASE_LLC, 0, 2, p << 8 | p);
	else if (p == 0x809b)
		t = ask_bytes(l, BASE_LLC, 0, 8, atalk);
	else if (p <= 1500)
		t = ask_is(l, BASE_LLC, 0, 1, p);
	else
		t = ask_is(l, BASE_TYPE, 0, 2, p);
	return tree_and(vs, data, t);
}

static const struct kind {
	u8 type, subtype;
	const char *name, *other;
} kinds[] = {
	{0x00, 0x00, "assoc-req", "assocreq"},
	{0x00, 0x10, "assoc-resp", "assocresp"},
	{0x00, 0x20, "reassoc-req", "reassocreq"},
	{0x00, 0x30, "reassoc-resp", "reassocresp"},
	{0x00, 0x40, "probe-req", "probereq"},
	{0x00, 0x50, "probe-resp", "proberesp"},
	{0x00, 0x80, "beacon", NULL},
	{0x00, 0x90, "atim", NULL},
	{0x00, 0xa0, "disassoc", "disassociation"},
	{0x00, 0xb0, "auth", "authentication"},
	{0x00, 0xc0, "deauth", "deauthentication"},
	{0x04, 0xa0, "ps-poll", "pspoll"},
	{0x04, 0xb0, "rts", NULL},
	{0x04, 0xc0, "cts", NULL},
	{0x04, 0xd0, "ack", NULL},
	{0x04, 0xe0, "cf-end", "cfend"},
	{0x04, 0xf0, "cf-end-ack", NULL},
	{0x08, 0x00, "data", NULL},
	{0x08, 0x10, "data-cf-ack", NULL},
	{0x08, 0x20, "data-cf-poll", NULL},
	{0x08, 0x30, "data-cf-ack-poll", NULL},
	{0x08, 0x40, "null", NULL},
	{0x08, 0x50, "cf-ack", NULL},
	{0x08, 0x60, "cf-poll", NULL},
	{0x08, 0x70, "cf-ack-poll", NULL},
	{0x08, 0x80, "qos-data", NULL},
	{0x08, 0x90, "qos-data-cf-ack", NULL},
	{0x08, 0xa0, "qos-data-cf-poll", NULL},
	{0x08, 0xb0, "qos-data-cf-ack-poll", NULL},
	{0x08, 0xc0, "qos", NULL},
	{0x08, 0xe0, "qos-cf-poll", NULL},
	{0x08, 0xf0, "qos-cf-ack-poll", NULL},
};

static const struct {
	const char *name;
	u32 number;
} types[] = {{"mgt", 0x00}, {"management", 0x00}, {"ctl", 0x04}, {"control", 0x04}, {"data", 0x08}},
  ways[] = {{"nods", 0}, {"tods", 1}, {"fromds", 2}, {"dstods", 3}};

/* type: -1: any */
static const struct kind *kind_of(const char *name, int type)
{
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
		if ((type < 0 || kinds[i].type == type) &&
		    (!strcasecmp(name, kinds[i].name) ||
		     (kinds[i].other && !strcasecmp(name, kinds[i].other))))
			return &kinds[i];
	return NULL;
}

static struct tree *by_type(struct lower *l, const struct expr *e)
{
	const struct kind *kind;
	u32 type = e->number;

	if (e->id) {
		type = UINT32_MAX;
		for (u32 i = 0; i < ARRAY_SIZE(types); i++)
			if (!strcasecmp(e->id->text, types[i].name))
				type = types[i].number;
	}
	if (type & ~(u32)TYPE_MASK)
		return ask_failed(l, e->at, "mgt, ctl, data", "there is no such type of 802.11");
	if (!e->op2)
		return ask_masked(l, BASE_HEADER, 0, 1, type, TYPE_MASK);
	if (e->mask->kind == TOK_NUMBER && !(e->mask->number & ~0xf0u))
		return ask_masked(l, BASE_HEADER, 0, 1, type | e->mask->number, KIND_MASK);
	kind = e->mask->kind == TOK_ID ? kind_of(e->mask->text, (int)type) : NULL;
	if (!kind)
		return ask_failed(l, e->mask->at, NULL, "there is no such subtype of that type");
	return ask_masked(l, BASE_HEADER, 0, 1, type | kind->subtype, KIND_MASK);
}

static struct tree *by_subtype(struct lower *l, const struct expr *e)
{
	const struct kind *kind = e->id ? kind_of(e->id->text, -1) : NULL;

	if (!kind)
		return ask_failed(l, e->at, "beacon, rts, ack, qos-data, ...",
				  "there is no such subtype of 802.11");
	return ask_masked(l, BASE_HEADER, 0, 1, kind->type | kind->subtype, KIND_MASK);
}

static struct tree *by_way(struct lower *l, const struct expr *e)
{
	u32 way = e->number;

	if (e->id) {
		way = 4;
		for (u32 i = 0; i < ARRAY_SIZE(ways); i++)
			if (!strcasecmp(e->id->text, ways[i].name))
				way = ways[i].number;
	}
	if (way > 3)
		return ask_failed(l, e->at, "nods, tods, fromds, dstods",
				  "there is no such direction of 802.11");
	return ask_masked(l, BASE_HEADER, 1, 1, way, 3);
}

bool link_is_wireless(const struct filter_link *link)
{
	return link->type == wireless_type;
}

struct tree *wireless_verb(struct lower *l, const struct expr *e)
{
	if (!link_is_wireless(l->link))
		return ask_failed(l, e->at, NULL, "'%s' is of 802.11, and this is %s",
				  word_table[e->op].name, l->link->says);
	return e->op == WORD_WTYPE     ? by_type(l, e)
	       : e->op == WORD_SUBTYPE ? by_subtype(l, e)
				       : by_way(l, e);
}

/* ---- addresses; mac NULL: is it one of a group? */

static struct tree *is_at(struct lower *l, u32 off, const u8 *mac)
{
	return mac ? ask_bytes(l, BASE_HEADER, off, 6, mac) : bit(l, off, 1);
}

static struct tree *source(struct lower *l, const u8 *mac)
{
	struct values *vs = l->values;
	struct tree *t = tree_and(vs, bit(l, 1, 1), is_at(l, 24, mac));

	t = tree_or(vs, t, tree_and(vs, no_bit(l, 1, 1), is_at(l, 16, mac)));
	t = tree_and(vs, bit(l, 1, 2), t);
	t = tree_or(vs, t, tree_and(vs, no_bit(l, 1, 2), is_at(l, 10, mac)));
	t = tree_and(vs, bit(l, 0, DATA), t);
	t = tree_or(vs, t, tree_and(vs, no_bit(l, 0, DATA), is_at(l, 10, mac)));
	return tree_and(vs, no_bit(l, 0, CONTROL), t);
}

static struct tree *destination(struct lower *l, const u8 *mac)
{
	struct values *vs = l->values;
	struct tree *t = tree_and(vs, bit(l, 1, 1), is_at(l, 16, mac));

	t = tree_or(vs, t, tree_and(vs, no_bit(l, 1, 1), is_at(l, 4, mac)));
	t = tree_and(vs, bit(l, 0, DATA), t);
	t = tree_or(vs, t, tree_and(vs, no_bit(l, 0, DATA), is_at(l, 4, mac)));
	return tree_and(vs, no_bit(l, 0, CONTROL), t);
}

static struct tree *not_kind(struct lower *l, u32 kind)
{
	return tree_not(l->values, ask_masked(l, BASE_HEADER, 0, 1, kind, KIND_MASK));
}

struct tree *wireless_address(struct lower *l, const u8 *mac, u32 dir)
{
	struct values *vs = l->values;

	switch (dir) {
	case WORD_SRC: return source(l, mac);
	case WORD_DST: return destination(l, mac);
	case WORD_SRC_AND_DST: return tree_and(vs, source(l, mac), destination(l, mac));
	case WORD_ADDR1: return is_at(l, 4, mac);
	case WORD_ADDR2: /* a CTS and an ACK have none */
		return tree_and(vs, tree_and(vs, not_kind(l, 0xc4), not_kind(l, 0xd4)),
				is_at(l, 10, mac));
	case WORD_ADDR3:
		return tree_and(vs,
				tree_not(vs, ask_masked(l, BASE_HEADER, 0, 1, CONTROL, TYPE_MASK)),
				is_at(l, 16, mac));
	case WORD_ADDR4:
		return tree_and(vs, ask_masked(l, BASE_HEADER, 1, 1, 3, 3), is_at(l, 24, mac));
	case WORD_RA: return tree_and(vs, bit(l, 0, DATA), is_at(l, 4, mac));
	case WORD_TA: return tree_and(vs, bit(l, 0, DATA), is_at(l, 10, mac));
	default: return tree_or(vs, source(l, mac), destination(l, mac));
	}
}
