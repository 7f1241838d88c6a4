/*
 * at.c: objects of other compilers whose programs do not say where they belong: the caller does.
 *
 * In:  a hook, as scripts write it: "xdp:eth0", "tc:eth0:ingress", "cgroup_skb:PATH:egress",
 * "socket:eth0", "cgroup:PATH", "lwt:eth0:10.1.0.0/16", ... Out: a row of the object that attaches
 * the one program of that kind.
 */
#include "session/session.h"

#include <errno.h>

static const struct hook_kind {
	const char *name;
	u8 attach;
	const char *example;
	u8 kinds[5]; /* of programs that may be there; none: all that are made for cgroups */
} hooks[] = {
	{"xdp", ATTACH_XDP, "xdp:eth0", {PROG_XDP}},
	{"tc", ATTACH_TC, "tc:eth0:ingress", {PROG_SCHED_CLS, PROG_SCHED_ACT}},
	{"cgroup_skb",
	 ATTACH_CGROUP_SKB,
	 "cgroup_skb:/sys/fs/cgroup/web:egress",
	 {PROG_CGROUP_SKB}},
	{"socket", ATTACH_SOCKET, "socket:eth0", {PROG_SOCKET_FILTER}},
	{"cgroup", ATTACH_CGROUP, "cgroup:/sys/fs/cgroup/web", {0}},
	{"lwt",
	 ATTACH_ROUTE,
	 "lwt:eth0:10.1.0.0/16",
	 {PROG_LWT_IN, PROG_LWT_OUT, PROG_LWT_XMIT, PROG_LWT_SEG6LOCAL}},
	{"netns", ATTACH_NETNS, "netns:/proc/self/ns/net", {PROG_SK_LOOKUP, PROG_FLOW_DISSECTOR}},
	{"netfilter", ATTACH_NETFILTER, "netfilter:ip:input", {PROG_NETFILTER}},
};

static const struct hook_kind *hook_of(const char *at)
{
	size_t n = strcspn(at, ":");

	for (u32 i = 0; i < ARRAY_SIZE(hooks); i++)
		if (strlen(hooks[i].name) == n && !memcmp(hooks[i].name, at, n) && at[n])
			return &hooks[i];
	return NULL;
}

static bool fits(const struct hook_kind *h, const struct object_prog *p)
{
	static const u8 of_cgroups[] = {PROG_CGROUP_SOCK,   PROG_SOCK_OPS,
					PROG_CGROUP_DEVICE, PROG_CGROUP_SOCK_ADDR,
					PROG_CGROUP_SYSCTL, PROG_CGROUP_SOCKOPT};

	return *h->kinds ? p->kind && memchr(h->kinds, (int)p->kind, sizeof(h->kinds))
			 : p->kind && memchr(of_cgroups, (int)p->kind, sizeof(of_cgroups));
}

/* The one that fits; -EINVAL, which was reported. */
static s64 program_for(struct waggle_session *s, const struct hook_kind *h)
{
	const struct object *o = s->object;
	struct buf names = {0};
	s64 found = -1;
	u32 n = 0;

	for (u32 i = 0; i < o->progs.n; i++) {
		const struct object_prog *p = &o->progs.v[i];

		if (!fits(h, p) ||
		    (s->opts.program ? strcmp(p->name, s->opts.program) != 0 : p->optional))
			continue;
		buf_printf(&names, "%s%s", n++ ? ", " : "", p->name);
		found = i;
	}
	if (n != 1)
		found = diag_fail(&s->diag, -EINVAL,
				  n ? "--prog NAME chooses one" : "-d object shows what there is",
				  n ? "several programs of %s can be attached at %s: %s"
				    : "no program of %s can be attached at %s%s",
				  o->source_name, s->opts.at, n ? buf_str(&names) : "");
	buf_free(&names);
	return found;
}

int session_at(struct waggle_session *s)
{
	struct object *o = s->object;
	const struct hook_kind *h;
	struct attach row = {0};

	if (!s->opts.at)
		return 0;
	if (!o->plain)
		return diag_fail(&s->diag, -EINVAL, "--at is for objects of other compilers",
				 "the programs of %s say themselves where they belong",
				 o->source_name);
	h = hook_of(s->opts.at);
	if (!h)
		return diag_fail(&s->diag, -EINVAL,
				 "xdp:eth0, tc:eth0:ingress, cgroup_skb:PATH:egress, socket:eth0, "
				 "cgroup:PATH",
				 "'%s' is no place for programs", s->opts.at);
	s->only = program_for(s, h);
	if (s->only < 0)
		return (int)s->only;
	row.kind = h->attach;
	row.prog = (u32)s->only;
	row.pattern = arena_strdup(&o->arena, strchr(s->opts.at, ':') + 1);
	o->progs.v[row.prog].probe = arena_strdup(&o->arena, s->opts.at);
	o->attaches.n = 0; /* nothing else is attached */
	vec_push(&o->arena, &o->attaches, row);
	s->stats.probes = o->attaches.n;
	return 0;
}
