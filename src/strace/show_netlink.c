/*
 * show_netlink.c: messages of netlink sockets: their headers, what stands before the attributes,
 * and the attributes of rtnetlink and of sock_diag.
 *
 * In:  bytes that went through a descriptor which socket(2) made for netlink, as far as they were
 *      brought along. Out: "[{nlmsg_len=40, nlmsg_type=RTM_GETLINK, ...}, {ifi_family=AF_UNSPEC,
 * ...}]"; "..." where something is not shown. (linux/netlink.h, linux/rtnetlink.h,
 * linux/sock_diag.h and what it names)
 */
#include "strace/strace.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
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
	else if (type < NLMSG_MIN_TYPE)
		one_of(b, "nlmsg", type);
	else if (proto == NETLINK_SOCK_DIAG + 1)
		one_of(b, "sockdiag", type);
	else if (proto == NETLINK_GENERIC + 1 && type == NLMSG_MIN_TYPE)
		buf_puts(b, "nlctrl"); /* who tells the numbers of the other families */
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
		return proto == NETLINK_SOCK_DIAG + 1 && type == SOCK_DESTROY ? "nldelete"
									      : "nlget";
	switch (type & 3) {
	case 0: return "nlnew";
	case 1: return "nldelete";
	case 2: return "nlget";
	default: return "nlflags";
	}
}

/* What stands before the attributes, and how long that is. */
struct head {
	u32 bytes;
	const char *attrs, *form; /* the set of attributes behind it */
};

/* By the objects of rtnetlink. */
static const struct head heads[] = {
	{16, "ifla",
	 "{ifi_family=%o1:family;, ifi_type=%@2;%o2:hatype;, ifi_index=%i4, "
	 "ifi_flags=%f4:iff;, ifi_change=%f4:iff;}"},
	{8, "ifaattr",
	 "{ifa_family=%o1:family;, ifa_prefixlen=%u1, ifa_flags=%f1:ifa;, "
	 "ifa_scope=%o1:rtscope;, ifa_index=%i4}"},
	{12, "rta",
	 "{rtm_family=%o1:family;, rtm_dst_len=%u1, rtm_src_len=%u1, rtm_tos=%u1, "
	 "rtm_table=%o1:rttable;, rtm_protocol=%o1:rtproto;, rtm_scope=%o1:rtscope;, "
	 "rtm_type=%o1:rttype;, rtm_flags=%f4:rtmflags;}"},
	{12, "nda",
	 "{ndm_family=%o1:family;, ndm_ifindex=%@4;%i4, ndm_state=%f2:nud;, ndm_flags=%f1:ntf;, "
	 "ndm_type=%o1:rttype;}"},
	{12, "fra",
	 "{family=%o1:family;, dst_len=%u1, src_len=%u1, tos=%u1, table=%o1:rttable;, "
	 "action=%@7;%o1:fract;, flags=%f4:fibrule;}"},
	{20, "tca",
	 "{tcm_family=%o1:family;, tcm_ifindex=%@4;%i4, tcm_handle=%u4, tcm_parent=%u4, "
	 "tcm_info=%u4}"},
	[16] = {1, "netconf", "{ncm_family=%o1:family;}"},
};

#define REQUEST "{sdiag_family=%o1:family;, "
#define OF_INET                                                                                    \
	"{sdiag_family=%o1:family;, sdiag_protocol=%o1:ipproto;, idiag_ext=%f1:inetdiagext;%_1;, " \
	"idiag_states=%f4:tcpstates;, id="
#define INET                                                                      \
	"{idiag_family=%o1:family;, idiag_state=%o1:tcpstate;, idiag_timer=%u1, " \
	"idiag_retrans=%u1, id="
#define PORTS "{idiag_sport=htons(%b2), idiag_dport=htons(%b2), "
#define ID4   PORTS "idiag_src=inet_addr(\"%e4\")%_12;, idiag_dst=inet_addr(\"%e4\")%_12;, "
#define ID6                                                                               \
	PORTS "inet_pton(AF_INET6, \"%e16\", &idiag_src), inet_pton(AF_INET6, \"%e16\", " \
	      "&idiag_dst), "
#define ID_END "idiag_if=%i4, idiag_cookie=[%u4, %u4]}"
#define QUEUES \
	", idiag_expires=%u4, idiag_rqueue=%u4, idiag_wqueue=%u4, idiag_uid=%u4, idiag_inode=%u4}"

/* Of sock_diag, by the family of the sockets. */
static const struct sockets {
	u8 family;
	bool request;
	struct head head;
} sockets[] = {
	{AF_INET, true, {56, "inetdiagreq", OF_INET ID4 ID_END "}"}},
	{AF_INET6, true, {56, "inetdiagreq", OF_INET ID6 ID_END "}"}},
	{AF_INET, false, {72, "inetdiag", INET ID4 ID_END QUEUES}},
	{AF_INET6, false, {72, "inetdiag", INET ID6 ID_END QUEUES}},
	{AF_UNIX,
	 true,
	 {24, "unixdiag",
	  REQUEST "sdiag_protocol=%u1%_2;, udiag_states=%f4:tcpstates;, "
		  "udiag_ino=%u4, udiag_show=%f4:unixdiagshow;, udiag_cookie=[%u4, %u4]}"}},
	{AF_UNIX,
	 false,
	 {16, "unixdiag",
	  "{udiag_family=%o1:family;, udiag_type=%o1:socktype;, "
	  "udiag_state=%o1:tcpstate;%_1;, udiag_ino=%u4, udiag_cookie=[%u4, %u4]}"}},
	{AF_NETLINK,
	 true,
	 {20, "netlinkdiag",
	  REQUEST "sdiag_protocol=%o1:netlinkdiagproto;%_2;, "
		  "ndiag_ino=%u4, ndiag_show=%f4:netlinkdiagshow;, ndiag_cookie=[%u4, %u4]}"}},
	{AF_NETLINK,
	 false,
	 {28, "netlinkdiag",
	  "{ndiag_family=%o1:family;, ndiag_type=%o1:socktype;, "
	  "ndiag_protocol=%o1:netlink;, ndiag_state=%o1:tcpstate;, ndiag_portid=%u4, "
	  "ndiag_dst_portid=%u4, ndiag_dst_group=%u4, ndiag_ino=%u4, ndiag_cookie=[%u4, %u4]}"}},
	{AF_PACKET,
	 true,
	 {20, "packetdiag",
	  REQUEST "sdiag_protocol=%u1%_2;, pdiag_ino=%u4, "
		  "pdiag_show=%f4:packetdiagshow;, pdiag_cookie=[%u4, %u4]}"}},
	{AF_PACKET,
	 false,
	 {16, "packetdiag",
	  "{pdiag_family=%o1:family;, pdiag_type=%o1:socktype;, "
	  "pdiag_num=%o2:ethp;, pdiag_ino=%u4, pdiag_cookie=[%u4, %u4]}"}},
};

static const struct head *head_of(u32 proto, const struct nlmsghdr *h, u8 family)
{
	u32 object = (h->nlmsg_type - RTM_BASE) / 4u;
	bool request = h->nlmsg_flags & NLM_F_REQUEST;

	if (of_route(proto, h->nlmsg_type))
		return object < ARRAY_SIZE(heads) && heads[object].form ? &heads[object] : NULL;
	for (u32 i = 0; proto == NETLINK_SOCK_DIAG + 1 && i < ARRAY_SIZE(sockets); i++)
		if (sockets[i].family == family && sockets[i].request == request &&
		    (h->nlmsg_type == SOCK_DIAG_BY_FAMILY || h->nlmsg_type == SOCK_DESTROY))
			return &sockets[i].head;
	return NULL;
}

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
	u64 at = 0, most = 0;

	for (const char *f = strchr(form, '%'); f; f = strchr(f + 1, '%')) {
		at = (f[1] == '@' ? 0 : at) + strtoul(f + 2, NULL, 10);
		most = MAX(most, at);
	}
	return most;
}

static void internet_address(struct buf *b, const u8 *p, u64 n)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(n == 4 ? AF_INET : AF_INET6, p, text, sizeof(text));
	buf_printf(b, n == 4 ? "inet_addr(\"%s\")" : "inet_pton(AF_INET6, \"%s\")", text);
}

static void show_numbers(struct buf *b, const u8 *p, u64 n)
{
	u32 v;

	for (u64 i = 0; i < n; i++) {
		memcpy(&v, p + i * 4, sizeof(v));
		buf_printf(b, i ? ", %u" : "[%u", v);
	}
	buf_puts(b, n ? "]" : "[]");
}

/* Fields of one bit, those that are set. */
static void show_bits(struct buf *b, const char *set, const u8 *p, u64 n)
{
	const struct flag_set *f = strace_set(set, strlen(set));
	const char *between = "{";
	u64 v = 0;

	memcpy(&v, p, MIN(n, sizeof(v)));
	for (u32 i = 0; i < f->n; i++)
		if (v & f->values[i]) {
			buf_printf(b, "%s%s=1", between, flag_name(f, i));
			between = ", ";
		}
	buf_puts(b, *between == '{' ? "{}" : "}");
}

static void show_value(struct shown *c, const char *form, const u8 *p, u64 n)
{
	if (form && *form == '@')
		show_attributes(c, form + 1, p, n, n);
	else if (form && !strcmp(form, "text"))
		show_bytes(c, p, strnlen((const char *)p, n), 0, false, c->s->opts.strsize);
	else if (form && !strcmp(form, "name") && n) /* of a socket; the end is no part of a path */
		show_bytes(c, p, n - !p[n - 1], n - !p[n - 1] + (p[n - 1] != 0), false,
			   c->s->opts.strsize);
	else if (form && !strcmp(form, "numbers"))
		show_numbers(c->out, p, n / 4);
	else if (form && *form == '=')
		show_bits(c->out, form + 1, p, n);
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

static void show_message(struct shown *, u32 proto, const struct nlmsghdr *, const u8 *p, u64 n,
			 u64 all);

/* What was wrong, and with which message: as far as it was sent back. */
static void show_answer(struct shown *c, u32 proto, const u8 *p, u64 n, u64 all)
{
	struct nlmsghdr about = {0};
	u64 size = all;
	s32 error;

	memcpy(&error, p, 4);
	if (n >= 4 + sizeof(about)) {
		memcpy(&about, p + 4, sizeof(about));
		size = 4 + MIN(MAX(about.nlmsg_len, (u32)sizeof(about)), all - 4);
	}
	buf_puts(c->out, size < all ? "[{error=" : "{error=");
	show_error(c->out, error);
	buf_puts(c->out, ", msg=");
	if (about.nlmsg_len)
		show_message(c, proto, &about, p + 4, n - 4, size - 4);
	else
		buf_puts(c->out, "...");
	buf_char(c->out, '}');
	if (size == all)
		return;
	buf_puts(c->out, ", ");
	show_bytes(c, p + MIN(size, n), n - MIN(size, n), all - size, true, c->s->opts.strsize);
	buf_char(c->out, ']');
}

/* Before the attributes, and those. */
static void show_head(struct shown *c, const struct head *head, const u8 *p, u64 n, u64 all)
{
	u64 before = ALIGN_UP(head->bytes, 4u);

	show_form(c, head->form, p);
	buf_puts(c->out, all > before ? ", " : "");
	if (all > before)
		show_attributes(c, head->attrs, p + MIN(before, n), n - MIN(before, n),
				all - before);
}

/* n bytes behind a header are there, of `all`. */
static void show_payload(struct shown *c, u32 proto, const struct nlmsghdr *h, const u8 *p, u64 n,
			 u64 all)
{
	const struct head *head = n ? head_of(proto, h, *p) : NULL;
	s32 error;

	if (h->nlmsg_type == NLMSG_ERROR && n >= 4) {
		show_answer(c, proto, p, n, all);
	} else if (h->nlmsg_type == NLMSG_DONE && n >= 4) {
		memcpy(&error, p, 4);
		buf_printf(c->out, "%d", error);
	} else if (head && n >= head->bytes) {
		show_head(c, head, p, n, all);
	} else if (head && of_route(proto, h->nlmsg_type)) {
		/* a general request: the family alone */
		buf_printf(c->out, "{%.*s=", (int)(strcspn(head->form, "=") - 1), head->form + 1);
		one_of(c->out, "family", *p);
		buf_puts(c->out, ", ...}");
	} else if (n && proto == NETLINK_SOCK_DIAG + 1 && h->nlmsg_type >= NLMSG_MIN_TYPE) {
		buf_puts(c->out, "{family=");
		one_of(c->out, "family", *p);
		buf_puts(c->out, all > 1 ? ", data=" : "");
		if (all > 1)
			show_bytes(c, p + 1, n - 1, all - 1, true, c->s->opts.strsize);
		buf_char(c->out, '}');
	} else {
		show_bytes(c, p, n, all, true, c->s->opts.strsize);
	}
}

static void show_message(struct shown *c, u32 proto, const struct nlmsghdr *h, const u8 *p, u64 n,
			 u64 all)
{
	if (all <= sizeof(*h)) {
		show_header(c, proto, h);
		return;
	}
	buf_char(c->out, '[');
	show_header(c, proto, h);
	buf_puts(c->out, ", ");
	if (n > sizeof(*h))
		show_payload(c, proto, h, p + sizeof(*h), MIN(n, all) - sizeof(*h),
			     all - sizeof(*h));
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
