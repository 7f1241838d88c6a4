/*
 * show_netlink.c: messages of netlink sockets: their headers, what stands before the attributes, and
 * rtnetlink's attributes.
 *
 * In:  bytes that went through a descriptor which socket(2) made for netlink, as far as they were
 *      brought along. Out: "[{nlmsg_len=40, nlmsg_type=RTM_GETLINK, ...}, {ifi_family=AF_UNSPEC,
 * ...}]"; "..." where something is not shown. (linux/netlink.h, linux/rtnetlink.h)
 */
#include "strace/strace.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Descriptors belong to a process: its first thread keeps them, where it has been seen. */
static struct task *owner(const struct strace *s, struct task *t)
{
	struct task *first = s->tasks[t->pid % ARRAY_SIZE(s->tasks)];

	while (first && first->tid != t->pid)
		first = first->next;
	return first ? first : t;
}

static u8 kept(const struct task *t, u64 fd)
{
	return fd < NETLINK_FDS ? t->netlink[fd] : 0;
}

void netlink_follow(struct strace *s, struct task *thread, s64 ret)
{
	const struct call *call = &s->calls[thread->nr];
	const u64 *a = thread->args;
	bool makes =
		call->result == 'f' && (u32)a[0] == AF_NETLINK && !strcmp(call->name, "socket");
	struct task *t;
	u8 is = 0;

	s->netlink |= makes;
	if (!s->netlink)
		return; /* most calls of most programs */
	t = owner(s, thread);
	if (makes)
		is = (u8)MIN((u32)a[2] + 1, 255u);
	else if (!strncmp(call->name, "dup", 3) || !strcmp(call->name, "fcntl"))
		is = kept(t, a[0]);
	if (!strcmp(call->name, "execve") && !ret) {
		memset(t->netlink, 0, sizeof(t->netlink));
	} else if (!strcmp(call->name, "close") && a[0] < NETLINK_FDS) {
		t->netlink[a[0]] = 0;
	} else if (!strcmp(call->name, "close_range")) {
		for (u64 fd = (u32)a[0]; fd < NETLINK_FDS && fd <= (u32)a[1]; fd++)
			t->netlink[fd] = 0;
	} else if (ret >= 0 && ret < NETLINK_FDS &&
		   (call->result == 'f' || (!strcmp(call->name, "fcntl") &&
					    (a[1] == F_DUPFD || a[1] == F_DUPFD_CLOEXEC)))) {
		t->netlink[ret] = is;
	}
}

/* 0: it is none, else its protocol and 1. */
static u32 protocol(const struct shown *c)
{
	return kept(owner(c->s, c->task), c->args[0]);
}

/* Kinds of objects of rtnetlink: NEW, DEL, GET and SET of each, from RTM_BASE on. */
static const char *const objects[] = {
	"LINK",      "ADDR",    "ROUTE",    "NEIGH",     "RULE",          "QDISC",    "TCLASS",
	"TFILTER",   "ACTION",  "PREFIX",   "MULTICAST", "ANYCAST",       "NEIGHTBL", "NDUSEROPT",
	"ADDRLABEL", "DCB",     "NETCONF",  "MDB",       "NSID",          "STATS",    "CACHEREPORT",
	"CHAIN",     "NEXTHOP", "LINKPROP", "VLAN",      "NEXTHOPBUCKET", "TUNNEL"};

static bool of_route(u32 proto, u32 type)
{
	return proto == NETLINK_ROUTE + 1 && type >= RTM_BASE &&
	       (type - RTM_BASE) / 4 < ARRAY_SIZE(objects);
}

static void show_type(struct buf *b, u32 proto, u32 type)
{
	static const char *const verbs[] = {"NEW", "DEL", "GET", "SET"};

	if (of_route(proto, type))
		buf_printf(b, "RTM_%s%s", verbs[type & 3], objects[(type - RTM_BASE) / 4]);
	else if (proto == NETLINK_SOCK_DIAG + 1 && type == 20)
		buf_puts(b, "SOCK_DIAG_BY_FAMILY");
	else if (type < NLMSG_MIN_TYPE)
		one_of(b, "nlmsg", type);
	else
		buf_printf(b, "%#x", type);
}

static const char *flags_set(u32 proto, u32 type)
{
	if (type == NLMSG_ERROR)
		return "nlack";
	if (type < NLMSG_MIN_TYPE)
		return "nlflags";
	if (!of_route(proto, type))
		return "nlget";
	switch (type & 3) {
	case 0: return "nlnew";
	case 1: return "nldelete";
	case 2: return "nlget";
	default: return "nlflags";
	}
}

/* What rtnetlink has before the attributes, of the first objects; and how long that is. */
static const struct {
	u32 bytes;
	const char *attrs, *form; /* the set of attributes behind it */
} heads[] = {
	{16, "ifla", "{ifi_family=%o1:family;, ifi_type=%@2;%o2:hatype;, ifi_index=%i4, "
	     "ifi_flags=%f4:iff;, ifi_change=%f4:iff;}"},
	{8, "ifaattr", "{ifa_family=%o1:family;, ifa_prefixlen=%u1, ifa_flags=%f1:ifa;, "
	    "ifa_scope=%o1:rtscope;, ifa_index=%i4}"},
	{12, "rta", "{rtm_family=%o1:family;, rtm_dst_len=%u1, rtm_src_len=%u1, rtm_tos=%u1, "
	     "rtm_table=%o1:rttable;, rtm_protocol=%o1:rtproto;, rtm_scope=%o1:rtscope;, "
	     "rtm_type=%o1:rttype;, rtm_flags=%f4:rtmflags;}"},
	{12, "nda",
	 "{ndm_family=%o1:family;, ndm_ifindex=%@4;%i4, ndm_state=%f2:nud;, ndm_flags=%f1:ntf;, "
	 "ndm_type=%o1:rttype;}"},
	{12, "fra", "{family=%o1:family;, dst_len=%u1, src_len=%u1, tos=%u1, table=%o1:rttable;, "
	     "action=%@7;%o1:fract;, flags=%f4:fibrule;}"},
	{20, "tca", "{tcm_family=%o1:family;, tcm_ifindex=%@4;%i4, tcm_handle=%u4, tcm_parent=%u4, "
	     "tcm_info=%u4}"},
};

/* ---- attributes */

static const struct {
	const char *set;
	u16 nr;
	const char *form;
} attrs[] = {
#define ATTR(set, nr, form) {#set, nr, form},
#include "strace/attrs.def"
#undef ATTR
};

static void show_attributes(struct shown *, const char *set, const u8 *p, u64 n, u64 all);

/* How many bytes a form wants. */
static u64 form_bytes(const char *form)
{
	u64 n = 0;

	for (const char *f = strchr(form, '%'); f; f = strchr(f + 1, '%'))
		n += strtoul(f + 2, NULL, 10);
	return n;
}

static void internet_address(struct buf *b, const u8 *p, u64 n)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(n == 4 ? AF_INET : AF_INET6, p, text, sizeof(text));
	buf_printf(b, n == 4 ? "inet_addr(\"%s\")" : "inet_pton(AF_INET6, \"%s\")", text);
}

static void show_value(struct shown *c, const char *form, const u8 *p, u64 n)
{
	if (form && *form == '@')
		show_attributes(c, form + 1, p, n, n);
	else if (form && !strcmp(form, "text"))
		show_bytes(c, p, strnlen((const char *)p, n), 0, false, c->s->opts.strsize);
	else if (form && !strcmp(form, "hardware") && n)
		for (u64 i = 0; i < n; i++)
			buf_printf(c->out, i ? ":%02x" : "%02x", p[i]);
	else if (form && !strcmp(form, "address") && (n == 4 || n == 16))
		internet_address(c->out, p, n);
	else if (form && strchr(form, '%') && n >= form_bytes(form))
		show_form(c, form, p);
	else
		show_bytes(c, p, n, n, true, c->s->opts.strsize);
}

/* "{nla_len=8, nla_type=IFLA_MTU}", and in brackets with its value if it has one. */
static void show_attribute(struct shown *c, const char *set, const struct nlattr *a, const u8 *p)
{
	u32 type = a->nla_type & NLA_TYPE_MASK;
	const char *form = NULL;
	bool valued = a->nla_len > NLA_HDRLEN;

	for (u32 i = 0; i < ARRAY_SIZE(attrs) && !form; i++)
		if (attrs[i].nr == type && !strcmp(attrs[i].set, set))
			form = attrs[i].form;
	buf_printf(c->out, "%s{nla_len=%u, nla_type=%s%s", valued ? "[" : "", a->nla_len,
		   a->nla_type & NLA_F_NESTED ? "NLA_F_NESTED|" : "",
		   a->nla_type & NLA_F_NET_BYTEORDER ? "NLA_F_NET_BYTEORDER|" : "");
	one_of(c->out, set, type);
	buf_char(c->out, '}');
	if (!valued)
		return;
	buf_puts(c->out, ", ");
	show_value(c, form, p + NLA_HDRLEN, a->nla_len - NLA_HDRLEN);
	buf_char(c->out, ']');
}

/* n bytes of them are there, of `all`; several stand in brackets. -s says how many are shown. */
static void show_attributes(struct shown *c, const char *set, const u8 *p, u64 n, u64 all)
{
	struct nlattr a;
	u64 at = 0, len;
	u32 shown = 0;
	bool several = false;

	for (; at + sizeof(a) <= all; at += len) {
		if (at + sizeof(a) > n || shown++ == c->s->opts.strsize)
			break;
		memcpy(&a, p + at, sizeof(a));
		if (a.nla_len < sizeof(a) || at + a.nla_len > n)
			break;
		len = ALIGN_UP(a.nla_len, 4u);
		if (!at) {
			several = len + sizeof(a) <= all;
			buf_puts(c->out, several ? "[" : "");
		}
		buf_puts(c->out, at ? ", " : "");
		show_attribute(c, set, &a, p + at);
	}
	if (at + sizeof(a) <= all)
		buf_puts(c->out, at ? ", ..." : "...");
	buf_puts(c->out, several ? "]" : "");
}

static void show_header(struct shown *c, u32 proto, const struct nlmsghdr *h)
{
	struct buf *b = c->out;

	buf_printf(b, "{nlmsg_len=%u, nlmsg_type=", h->nlmsg_len);
	show_type(b, proto, h->nlmsg_type);
	buf_puts(b, ", nlmsg_flags=");
	flags_of(b, flags_set(proto, h->nlmsg_type), h->nlmsg_flags);
	buf_printf(b, ", nlmsg_seq=%u, nlmsg_pid=%d}", h->nlmsg_seq, (s32)h->nlmsg_pid);
}

static void show_error(struct buf *b, s32 error)
{
	const char *name = error < 0 && error > -4096 ? strerrorname_np(-error) : NULL;

	if (name)
		buf_printf(b, "-%s", name);
	else
		buf_s64(b, error);
}

/* n bytes behind a header are there, of `all`. */
static void show_payload(struct shown *c, u32 proto, const struct nlmsghdr *h, const u8 *p, u64 n,
			 u64 all)
{
	u32 object = (h->nlmsg_type - RTM_BASE) / 4u;
	struct nlmsghdr about;
	s32 error;

	if (h->nlmsg_type == NLMSG_ERROR && n >= 4) {
		memcpy(&error, p, 4);
		buf_puts(c->out, "{error=");
		show_error(c->out, error);
		buf_puts(c->out, ", msg=");
		if (n >= 4 + sizeof(about)) {
			memcpy(&about, p + 4, sizeof(about));
			buf_puts(c->out, all > 4 + sizeof(about) ? "[" : "");
			show_header(c, proto, &about);
			buf_puts(c->out, all > 4 + sizeof(about) ? ", ...]" : "");
		} else {
			buf_puts(c->out, "...");
		}
		buf_char(c->out, '}');
	} else if (h->nlmsg_type == NLMSG_DONE && n >= 4) {
		memcpy(&error, p, 4);
		buf_printf(c->out, "%d", error);
	} else if (of_route(proto, h->nlmsg_type) && object < ARRAY_SIZE(heads) &&
		   n >= heads[object].bytes) {
		u64 head = ALIGN_UP(heads[object].bytes, 4u);

		show_form(c, heads[object].form, p);
		buf_puts(c->out, all > head ? ", " : "");
		if (all > head)
			show_attributes(c, heads[object].attrs, p + MIN(head, n), n - MIN(head, n),
					all - head);
	} else if (of_route(proto, h->nlmsg_type) && object < ARRAY_SIZE(heads)) {
		/* a general request: the family alone */
		buf_printf(c->out, "{%.*s=", (int)(strcspn(heads[object].form, "=") - 1),
			   heads[object].form + 1);
		one_of(c->out, "family", *p);
		buf_puts(c->out, ", ...}");
	} else {
		show_bytes(c, p, n, all, true, c->s->opts.strsize);
	}
}

static void show_message(struct shown *c, u32 proto, const struct nlmsghdr *h, const u8 *p, u64 n,
			 u64 all)
{
	if (all == sizeof(*h)) {
		show_header(c, proto, h);
		return;
	}
	buf_char(c->out, '[');
	show_header(c, proto, h);
	buf_puts(c->out, ", ");
	if (n > sizeof(*h))
		show_payload(c, proto, h, p + sizeof(*h), n - sizeof(*h), all - sizeof(*h));
	else
		buf_puts(c->out, "...");
	buf_char(c->out, ']');
}

bool show_netlink(struct shown *c, const struct arg *a, u64 addr, u64 all)
{
	u32 proto = c->call->classes & NETWORK ? protocol(c) : 0;
	u64 have = proto && addr ? MIN(seen_bytes(c, a, addr), all) : 0;
	const u8 *p = have ? seen(c, a, addr, have) : NULL;
	struct nlmsghdr h;
	bool several;
	u64 len;

	if (!p || have < sizeof(h))
		return false;
	memcpy(&h, p, sizeof(h));
	if (h.nlmsg_len < sizeof(h))
		return false;
	several = h.nlmsg_len + sizeof(h) <= all;
	buf_puts(c->out, several ? "[" : "");
	for (;;) {
		len = MIN(h.nlmsg_len, all);
		show_message(c, proto, &h, p, MIN(have, len), len);
		len = ALIGN_UP(len, 4);
		if (len + sizeof(h) > all)
			break;
		all -= len;
		buf_puts(c->out, ", ");
		if (len + sizeof(h) > have) {
			buf_puts(c->out, "...");
			break;
		}
		p += len;
		have -= len;
		memcpy(&h, p, sizeof(h));
		if (h.nlmsg_len < sizeof(h)) { /* room that nobody used */
			show_header(c, proto, &h);
			break;
		}
	}
	buf_puts(c->out, several ? "]" : "");
	return true;
}
