/*
 * address.c: addresses compared: ip.src == "10.0.0.1", ip.dst != "10.0.0.0/8", eth.src == @last.
 *
 * In:  an address of the net or of Ethernet, and another one, which may be written out, as may a
 * net. Out: is it the same; is it in the net? Of different families it never is. The words of a
 * header's value are at hand: nothing of them goes through memory.
 */
#include "script/check.h"
#include "script/lex.h"
#include "script/lower.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#define WORDS 3 /* family, and 16 bytes as they are in packets; of Ethernet the last word alone */

struct address_text {
	u64 words[WORDS], masks[WORDS];
};

static bool is_address(const struct node *n)
{
	return n->type.kind == TYPE_SHOWN &&
	       (n->type.show == FIELD_MAC || (n->type.show == FIELD_INET && n->type.size == 24));
}

/* ---- as text */

static bool read_mac(struct address_text *a, const char *text)
{
	u8 bytes[8] = {0};
	int n = 0;

	if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", bytes, bytes + 1, bytes + 2,
		   bytes + 3, bytes + 4, bytes + 5, &n) != 6 ||
	    text[n])
		return false;
	memcpy(&a->words[2], bytes, sizeof(bytes));
	a->masks[2] = UINT64_MAX;
	return true;
}

/* "10.0.0.1", "10.0.0.0/8", "2001:db8::/32" */
static bool read_inet(struct address_text *a, const char *text)
{
	u32 family = strchr(text, ':') ? AF_INET6 : AF_INET, size = family == AF_INET ? 4 : 16;
	const char *slash = strchr(text, '/');
	unsigned long bits = size * 8;
	u8 bytes[16] = {0}, mask[16] = {0};
	char own[64], *end;

	snprintf(own, sizeof(own), "%.*s", (int)(slash ? slash - text : (long)strlen(text)), text);
	if (slash) {
		bits = strtoul(slash + 1, &end, 10);
		if (end == slash + 1 || *end || bits > size * 8)
			return false;
	}
	if (inet_pton((int)family, own, bytes) != 1)
		return false;
	for (u32 i = 0; i < bits; i++)
		mask[i / 8] |= (u8)(0x80 >> i % 8);
	for (u32 i = 0; i < size; i++)
		bytes[i] &= mask[i];
	a->words[0] = family;
	a->masks[0] = UINT64_MAX;
	memcpy(&a->words[1], bytes, sizeof(bytes));
	memcpy(&a->masks[1], mask, sizeof(mask));
	return true;
}

static bool read_text(struct address_text *a, const struct node *n, u32 show)
{
	*a = (struct address_text){0};
	return n->len == strlen(n->text) &&
	       (show == FIELD_MAC ? read_mac(a, n->text) : read_inet(a, n->text));
}

/* ---- checked */

bool check_addresses(struct checker *c, struct node *n)
{
	struct node *a = n->a, *b = n->b, *text = b->kind == NODE_STR ? b : a;
	struct address_text unused;
	u32 show = is_address(a) ? a->type.show : b->type.show;

	if (is_address(a) && is_address(b))
		return a->type.show == b->type.show;
	if ((!is_address(a) && !is_address(b)) || text->kind != NODE_STR)
		return false;
	if (!read_text(&unused, text, show))
		check_fail(c, text,
			   show == FIELD_MAC
				   ? "\"02:00:00:00:00:01\""
				   : "\"10.0.0.1\", \"2001:db8::1\", or a net: \"10.0.0.0/8\"",
			   "'%s' is no address", text->text);
	return true;
}

bool node_is_address(const struct node *n)
{
	return is_address(n);
}

/* ---- lowered */

/* In memory as records have it. */
static void from_memory(struct lower *l, struct node *n, u32 *words)
{
	u32 piece = mem_get(l, n->type.size), first = n->type.show == FIELD_MAC ? 2 : 0;
	struct mem m = mem_at(l, &l->pieces.v[piece]);

	lower_stored(l, n, m, n->type);
	for (u32 i = first; i < WORDS; i++)
		words[i] = ir_load(l->fn, 8, false, m.ptr, m.off + (s32)(8 * (i - first)));
	mem_put(l, piece);
}

static void words_of(struct lower *l, struct node *n, u32 show, u32 *words)
{
	struct address_text t;

	if (n->kind == NODE_STR) {
		read_text(&t, n, show);
		for (u32 i = 0; i < WORDS; i++)
			words[i] = ir_const(l->fn, (s64)t.words[i]);
	} else if (!lower_header_words(l, n, words)) {
		from_memory(l, n, words);
	}
}

u32 lower_addresses(struct lower *l, struct node *n)
{
	struct node *text = n->a->kind == NODE_STR ? n->a : n->b->kind == NODE_STR ? n->b : NULL;
	u32 show = is_address(n->a) ? n->a->type.show : n->b->type.show;
	u32 a[WORDS] = {0}, b[WORDS] = {0}, rest = 0;
	struct ir_fn *fn = l->fn;
	struct address_text t;

	memset(t.masks, 0xff, sizeof(t.masks));
	if (text)
		read_text(&t, text, show);
	words_of(l, n->a, show, a);
	words_of(l, n->b, show, b);
	for (u32 i = show == FIELD_MAC ? 2 : 0; i < WORDS; i++) {
		u32 differ = ir_bin(fn, IR_XOR, IRT_I64, a[i], b[i]);

		if (t.masks[i] != UINT64_MAX)
			differ = ir_bin(fn, IR_AND, IRT_I64, differ, ir_const(fn, (s64)t.masks[i]));
		rest = rest ? ir_bin(fn, IR_OR, IRT_I64, rest, differ) : differ;
	}
	return ir_bin(fn, n->op == TOK_EQ ? IR_EQ : IR_NE, IRT_I64, rest, ir_const(fn, 0));
}
