/*
 * at.c: objects of other compilers whose programs do not say where they belong: the caller does.
 *
 * In:  hooks, as scripts write them: "xdp:eth0", "tc:eth0:ingress", "cgroup_skb:PATH:egress",
 * "socket:eth0", "cgroup:PATH", "lwt:eth0:10.1.0.0/16", ...; perhaps with a program:
 * "door=xdp:eth0". Out: a row of the object for each, that attaches the one program of that kind.
 */
#include "session/session.h"

#include <errno.h>

static const struct hook_kind {
	const char *name;
	u8 attach;
	u8 kinds[8]; /* of programs that may be there */
} hooks[] = {
	{"xdp", ATTACH_XDP, {PROG_XDP}},
	{"tc", ATTACH_TC, {PROG_SCHED_CLS, PROG_SCHED_ACT}},
	{"cgroup_skb", ATTACH_CGROUP_SKB, {PROG_CGROUP_SKB}},
	{"socket", ATTACH_SOCKET, {PROG_SOCKET_FILTER}},
	{"cgroup",
	 ATTACH_CGROUP,
	 {PROG_CGROUP_SOCK, PROG_SOCK_OPS, PROG_CGROUP_DEVICE, PROG_CGROUP_SOCK_ADDR,
	  PROG_CGROUP_SYSCTL, PROG_CGROUP_SOCKOPT, PROG_LSM}},
	{"cgroup_sock", ATTACH_CGROUP, {PROG_CGROUP_SOCK}},
	{"cgroup_sock_addr", ATTACH_CGROUP, {PROG_CGROUP_SOCK_ADDR}},
	{"cgroup_sockopt", ATTACH_CGROUP, {PROG_CGROUP_SOCKOPT}},
	{"cgroup_device", ATTACH_CGROUP, {PROG_CGROUP_DEVICE}},
	{"cgroup_sysctl", ATTACH_CGROUP, {PROG_CGROUP_SYSCTL}},
	{"sockops", ATTACH_CGROUP, {PROG_SOCK_OPS}},
	{"lwt", ATTACH_ROUTE, {PROG_LWT_IN, PROG_LWT_OUT, PROG_LWT_XMIT, PROG_LWT_SEG6LOCAL}},
	{"netns", ATTACH_NETNS, {PROG_SK_LOOKUP, PROG_FLOW_DISSECTOR}},
	{"sk_lookup", ATTACH_NETNS, {PROG_SK_LOOKUP}},
	{"flow_dissector", ATTACH_NETNS, {PROG_FLOW_DISSECTOR}},
	{"netfilter", ATTACH_NETFILTER, {PROG_NETFILTER}},
	{"sockmap", ATTACH_SOCKMAP, {PROG_SK_SKB, PROG_SK_MSG}},
	{"sk_reuseport", ATTACH_REUSEPORT, {PROG_SK_REUSEPORT}},
};
#define LSM_CGROUP 43 /* the attach type of LSM programs that are of a cgroup */

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
	return p->kind && memchr(h->kinds, (int)p->kind, sizeof(h->kinds)) &&
	       (p->kind != PROG_LSM || p->attach_type == LSM_CGROUP);
}

static bool is_placed(const struct object *o, u32 prog)
{
	vec_each (a, &o->attaches)
		if (a->prog == prog)
			return true;
	return false;
}

/* The one that fits, of that name if one is given; -EINVAL, which was reported. */
static s64 program_for(struct waggle_session *s, const struct hook_kind *h, const char *at,
		       const char *name)
{
	const struct object *o = s->object;
	struct buf names = {0};
	s64 found = -1;
	u32 n = 0;

	for (u32 i = 0; i < o->progs.n; i++) {
		const struct object_prog *p = &o->progs.v[i];

		if (!fits(h, p) || is_placed(o, i) ||
		    (name ? strcmp(p->name, name) != 0 : p->optional))
			continue;
		buf_printf(&names, "%s%s", n++ ? ", " : "", p->name);
		found = i;
	}
	if (n != 1)
		found = diag_fail(&s->diag, -EINVAL,
				  n ? "--prog NAME chooses one, or --at NAME=HOOK"
				    : "-d object shows what there is",
				  n ? "several programs of %s can be attached at %s: %s"
				    : "no program of %s can be attached at %s%s",
				  o->source_name, at, n ? buf_str(&names) : "");
	buf_free(&names);
	return found;
}

/* "xdp:eth0", "door=xdp:eth0" */
static int place(struct waggle_session *s, char *at)
{
	struct object *o = s->object;
	const struct hook_kind *h;
	struct attach row = {0};
	const char *name = s->opts.program;
	char *equals = strchr(at, '=');
	s64 prog;

	if (equals && equals < at + strcspn(at, ":")) {
		*equals = 0;
		name = at;
		at = equals + 1;
	}
	h = hook_of(at);
	if (!h)
		return diag_fail(&s->diag, -EINVAL,
				 "xdp:eth0, tc:eth0:ingress, cgroup_skb:PATH:egress, socket:eth0, "
				 "cgroup:PATH, sk_lookup:PATH, ...; docs/objects.md has them all",
				 "'%s' is no place for programs", at);
	prog = program_for(s, h, at, name);
	if (prog < 0)
		return (int)prog;
	row.kind = h->attach;
	row.prog = (u32)prog;
	row.pattern = strchr(at, ':') + 1;
	o->progs.v[row.prog].probe = at;
	vec_push(&o->arena, &o->attaches, row);
	return 0;
}

/* Of several, all others than these are left out. */
static void choose(struct waggle_session *s)
{
	struct object *o = s->object;

	if (o->attaches.n == 1) {
		s->only = o->attaches.v[0].prog;
		return;
	}
	for (u32 i = 0; i < o->progs.n; i++)
		o->progs.v[i].optional = !is_placed(o, i) && !object_wants(o, o->progs.n, i);
}

int session_at(struct waggle_session *s)
{
	struct object *o = s->object;
	char *at, *next;
	int err = 0;

	if (!s->opts.at)
		return 0;
	if (!o->plain)
		return diag_fail(&s->diag, -EINVAL, "--at is for objects of other compilers",
				 "the programs of %s say themselves where they belong",
				 o->source_name);
	o->attaches.n = 0; /* nothing else is attached */
	for (at = arena_strdup(&o->arena, s->opts.at); at && !err; at = next) {
		next = strchr(at, '\n');
		if (next)
			*next++ = 0;
		err = place(s, at);
	}
	if (!err)
		choose(s);
	s->stats.probes = o->attaches.n;
	return err;
}
