/*
 * packet.c: what scripts know of packets: the table of headers' values, verdicts, pcap().
 *
 * In: a name as ip.src, and the point that is being checked. Out: its type, and a note that the
 * program of the point reads it.
 */
#include "script/packet.h"

#include "filter/filter.h"
#include "script/check.h"

#include <stdio.h>

const struct packet_row packet_rows[] = {
#define PACKET_VALUE(name, header, off, bytes, shift, bits, shown, doc) \
	{HEADER_##header, off, bytes, shift, bits, PACKET_##shown},
#include "script/packet_values.def"
#undef PACKET_VALUE
};
const u32 packet_row_count = ARRAY_SIZE(packet_rows);
_Static_assert(ARRAY_SIZE(packet_rows) <= PACKET_ROWS, "a set of them is a word");

u32 packet_row_of(const struct node *n)
{
	return (u32)(n->probe_value - packet_values);
}

void type_packet(struct checker *c, struct node *n)
{
	const struct packet_row *r = &packet_rows[packet_row_of(n)];

	c->point->packet |= 1ull << packet_row_of(n);
	switch ((enum packet_shown)r->shown) {
	case PACKET_INET:
	case PACKET_INET6: n->type = TYPE_SHOWN_OF(FIELD_INET, 24); break;
	case PACKET_MAC: n->type = TYPE_SHOWN_OF(FIELD_MAC, 8); break;
	default: n->type = r->bytes == 0 || r->bytes > 4 ? TYPE_U64 : TYPE_U32; break;
	}
}

void type_verdict(struct checker *c, struct node *n)
{
	(void)c;
	n->type = TYPE_S64;
}

/* Of names with a point: "ip.src". */
bool check_packet_field(struct checker *c, struct node *n)
{
	const char *name;

	if (n->a->kind != NODE_NAME)
		return false;
	name = arena_printf(c->script->arena, "%s.%s", n->a->text, n->text);
	for (const struct probe_value *v = packet_values; v->name; v++)
		if (*v->name == *name && !strcmp(v->name, name))
			return check_probe_value_of(c, n, v, name);
	return false;
}

enum filter_hook_id packet_hook(const struct point *p)
{
	return filter_hook_find(attach_infos[p->row->attach].name)
		       ? (enum filter_hook_id)(filter_hook_find(attach_infos[p->row->attach].name) -
					       filter_hooks)
		       : HOOK_PLAIN;
}

/* ---- pcap() */

#define WHY_MOST 256

struct heard {
	char text[WHY_MOST], hint[WHY_MOST];
};

static void hear(void *user, const struct waggle_diag *d)
{
	struct heard *h = user;

	if (d->level != WAGGLE_ERROR || *h->text)
		return;
	snprintf(h->text, sizeof(h->text), "%s", d->text);
	if (d->hint)
		snprintf(h->hint, sizeof(h->hint), "%s", d->hint);
}

/* The text of a file of names, as /etc/hosts. */
static const char *read_names(void *user, const char *path, size_t *size)
{
	struct script *s = user;
	struct buf text = {0};
	char *copy = NULL;

	if (s->target->read && !s->target->read(path, &text) && !text.failed) {
		copy = arena_strndup(s->arena, buf_str(&text), text.n);
		*size = text.n;
	}
	buf_free(&text);
	return copy;
}

static enum filter_way way_of(const struct filter_hook *h, const struct point *p)
{
	bool egress;

	attach_place(p->pattern, &egress);
	return h->way ? h->way : egress ? FILTER_WAY_OUT : FILTER_WAY_IN;
}

int packet_compile(struct script *s, const struct point *p, const struct node *text,
		   struct filter *f, struct diag *d)
{
	const struct filter_hook *h = &filter_hooks[packet_hook(p)];
	const struct filter_opts how = {.link = h->link,
					.swift = true,
					.tag_kept = h->tag_kept,
					.way = way_of(h, p),
					.names = read_names,
					.user = s};

	return filter_compile(f, s->arena, text->text, text->len, &how, d);
}

void check_packet_stack(struct checker *c, const struct node *n)
{
	if (c->point && point_is_packet(c->point))
		check_fail(c, n, "probes of the kernel's functions have them: kprobe:ip_rcv",
			   "%s has no stacks: the kernel gives none to programs of packets",
			   c->point->text);
}

void check_pcap(struct checker *c, struct node *n)
{
	struct heard heard = {0};
	struct diag d = {.fn = hear, .user = &heard, .file = "filter"};
	struct filter f = {0};

	n->type = TYPE_BOOL;
	if (n->a->kind != NODE_STR) {
		check_fail(c, n->a, n->call->usage,
			   "a filter must be written as it is: it is compiled");
		return;
	}
	if (!point_is_packet(c->point)) {
		check_fail(c, n,
			   "xdp:eth0, tc:eth0:ingress, cgroup_skb:PATH:egress, socket:eth0 do",
			   "%s has no packets", c->point->text);
		return;
	}
	if (!c->final)
		return;
	d.text = n->a->text;
	d.size = n->a->len;
	if (packet_compile(c->script, c->point, n->a, &f, &d))
		check_fail(c, n->a, *heard.hint ? arena_strdup(c->script->arena, heard.hint) : NULL,
			   "pcap(): %s", heard.text);
}

void check_redirect(struct checker *c, struct node *n)
{
	u8 kind = c->point->row->attach;

	n->type = TYPE_S64;
	if (n->a->kind != NODE_STR)
		check_fail(c, n->a, n->call->usage, "the device must be written as it is");
	else if (kind != ATTACH_XDP && kind != ATTACH_TC)
		check_fail(c, n, "xdp and tc can", "%s cannot send packets elsewhere",
			   c->point->text);
}

/* return X: a verdict, where somebody asks for one. */
void check_return(struct checker *c, struct node *n)
{
	if (!n->a)
		return;
	check_int(c, n->a, "return");
	if (!point_is_packet(c->point))
		return;
	if (c->point->row->attach == ATTACH_SOCKET)
		check_fail(c, n, "xdp, tc and cgroup_skb ask for a verdict",
			   "%s only looks at packets: what it returns changes nothing",
			   c->point->text);
	else if (c->loops)
		check_fail(c, n, "set a variable, and return behind the loop",
			   "a verdict cannot be returned inside of a loop");
}
