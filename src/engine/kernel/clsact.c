/*
 * clsact.c: programs of tc(8) at a device's clsact, where the kernel has no links for them.
 *
 * In:  a device, a direction, a program: a classifier, whose verdict is done, or an action. An
 * action stands behind a filter, so it gets one in classic BPF that takes all packets. Out: it
 * hangs there, and the guard takes it away; the clsact, too, if it was made for it.
 */
#include "engine/kernel/guard.h"
#include "engine/kernel/netlink.h"
#include "isa/cbpf.h"

#include <errno.h>
#include <unistd.h>

#define ETH_P_ALL   3
#define TC_DIRECT   1 /* TCA_BPF_FLAG_ACT_DIRECT: what the program returns is done */
#define CLSACT_MAIN 0xffff0000u
#define ACT_PIPE    3 /* of an action whose program says nothing */

struct filter_at {
	struct guarded base; /* first */
	struct clsact what;
	u32 parent, handle, info;
	bool made; /* the clsact */
};
struct added {
	u32 handle, info;
	u32 seen; /* filters */
};

static u32 parent_of(bool egress)
{
	return egress ? TC_EGRESS : TC_INGRESS;
}

static int qdisc(int nl, u32 ifindex, bool add)
{
	const struct netlink_tc m = {
		.index = (s32)ifindex, .handle = CLSACT_MAIN, .parent = TC_CLSACT};
	struct netlink_request r;

	netlink_begin(&r, add ? NEW_QDISC : DELETE_QDISC,
		      NETLINK_ACK | (add ? NETLINK_CREATE | NETLINK_EXCLUSIVE : 0), &m, sizeof(m));
	netlink_add_text(&r, TC_KIND, "clsact");
	return netlink_send(nl, &r, 0, NULL, NULL);
}

static void note_filter(void *user, const u8 *p, const u8 *end)
{
	const struct netlink_tc *m = (const void *)p;
	struct added *a = user;

	if (end - p < (ptrdiff_t)sizeof(*m) || !m->handle)
		return;
	a->handle = m->handle;
	a->info = m->info;
	a->seen++;
}

/* Options of a filter that is the program. */
static void add_classifier(struct netlink_request *r, const struct clsact *c)
{
	netlink_add_u32(r, TC_BPF_FD, (u32)c->prog);
	netlink_add_u32(r, TC_BPF_FLAGS, TC_DIRECT);
	netlink_add_text(r, TC_BPF_NAME, c->name);
}

/* Options of one that takes all packets, and hands them to the program. */
static void add_action(struct netlink_request *r, const struct clsact *c)
{
	static const struct cbpf_insn all = {.code = CBPF_RET | BPF_K, .k = UINT32_MAX};
	const struct { /* struct tc_act_bpf */
		u32 index, capab;
		s32 action, refs, binds;
	} parms = {.action = ACT_PIPE};
	const u16 one = 1;
	u32 list, first, options;

	netlink_add(r, TC_BPF_OPS_LEN, &one, sizeof(one));
	netlink_add(r, TC_BPF_OPS, &all, sizeof(all));
	list = netlink_nest(r, TC_BPF_ACTIONS);
	first = netlink_nest(r, 1); /* the place in the list */
	netlink_add_text(r, ACT_KIND, "bpf");
	options = netlink_nest(r, ACT_OPTIONS);
	netlink_add(r, ACT_BPF_PARMS, &parms, sizeof(parms));
	netlink_add_u32(r, ACT_BPF_FD, (u32)c->prog);
	netlink_add_text(r, ACT_BPF_NAME, c->name);
	netlink_nest_end(r, options);
	netlink_nest_end(r, first);
	netlink_nest_end(r, list);
}

/* Hangs a program there; the kernel answers under which handle and priority. */
static int filter_set(int nl, const struct filter_at *f, u16 how, struct added *a)
{
	const struct netlink_tc m = {.index = (s32)f->what.ifindex,
				     .handle = f->handle,
				     .parent = f->parent,
				     .info = f->info};
	struct netlink_request r;
	u32 options;

	netlink_begin(&r, NEW_FILTER, NETLINK_ACK | how, &m, sizeof(m));
	netlink_add_text(&r, TC_KIND, "bpf");
	options = netlink_nest(&r, TC_OPTIONS);
	(f->what.action ? add_action : add_classifier)(&r, &f->what);
	netlink_nest_end(&r, options);
	return netlink_send(nl, &r, NEW_FILTER, a ? note_filter : NULL, a);
}

/* Hands all filters of one direction to fn. */
static int each_filter(int nl, u32 ifindex, u32 parent,
		       void (*fn)(void *user, const u8 *p, const u8 *end), void *user)
{
	const struct netlink_tc m = {.index = (s32)ifindex, .parent = parent};
	struct netlink_request r;

	netlink_begin(&r, GET_FILTER, NETLINK_DUMP, &m, sizeof(m));
	return netlink_send(nl, &r, NEW_FILTER, fn, user);
}

static bool has_filters(int nl, u32 ifindex)
{
	struct added all = {0};

	each_filter(nl, ifindex, TC_INGRESS, note_filter, &all);
	each_filter(nl, ifindex, TC_EGRESS, note_filter, &all);
	return all.seen;
}

static int put(struct guarded *g, int nl)
{
	struct filter_at *f = (struct filter_at *)g;
	int err = qdisc(nl, f->what.ifindex, true);
	struct added a = {0};

	f->made = !err;
	if (!err || err == -EEXIST)
		err = filter_set(nl, f, NETLINK_CREATE | NETLINK_EXCLUSIVE | NETLINK_ECHO, &a);
	f->handle = a.handle;
	f->info = a.info;
	return err;
}

static void take(struct guarded *g, int nl, bool was_put)
{
	const struct filter_at *f = (const struct filter_at *)g;

	if (was_put)
		netlink_delete_filter(nl, f->what.ifindex, f->parent, f->handle, f->info);
	if (f->made && !has_filters(nl, f->what.ifindex))
		qdisc(nl, f->what.ifindex, false);
}

int clsact_guard(struct guard **out, const struct clsact *what)
{
	struct filter_at f = {.base = {.put = put, .take = take},
			      .what = *what,
			      .parent = parent_of(what->egress),
			      .info = __builtin_bswap16(ETH_P_ALL)};

	return guard_open(out, &f.base);
}

struct wanted {
	u32 prog, handle, info;
};

static void find_filter(void *user, const u8 *p, const u8 *end)
{
	const struct netlink_tc *m = (const void *)p;
	const struct netlink_attr *options;
	struct wanted *w = user;

	if (end - p < (ptrdiff_t)sizeof(*m))
		return;
	options = netlink_find(p + sizeof(*m), end, TC_OPTIONS);
	if (!options ||
	    netlink_u32(netlink_find((const u8 *)(options + 1), (const u8 *)options + options->len,
				     TC_BPF_ID)) != w->prog)
		return;
	w->handle = m->handle;
	w->info = m->info;
}

int clsact_replace(u32 ifindex, bool egress, u32 old, int prog, const char *name)
{
	struct filter_at f = {.what = {.ifindex = ifindex, .prog = prog, .name = name},
			      .parent = parent_of(egress)};
	struct wanted w = {.prog = old};
	int nl = netlink_open(), err;

	if (nl < 0)
		return nl;
	err = each_filter(nl, ifindex, f.parent, find_filter, &w);
	f.handle = w.handle;
	f.info = w.info;
	if (!err)
		err = w.handle ? filter_set(nl, &f, NETLINK_CREATE, NULL) : -ENOENT;
	close(nl);
	return err;
}
