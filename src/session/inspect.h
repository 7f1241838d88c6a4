/*
 * inspect.h: what the files share that look at BPF on this machine: `waggle map`, `ps`, `detach`.
 *
 *   inspect.c        the caller's wishes, tables, JSON, errors of the kernel in words
 *   inspect_map.c    one map: found, its entries shown, read and changed
 *   inspect_maps.c   the list of maps
 *   inspect_ps.c     the list of programs
 *   inspect_where.c  where programs are attached
 *   inspect_net.c    what hangs on network devices, by netlink
 *   inspect_route.c  what hangs on routes
 *   inspect_detach.c
 */
#ifndef SESSION_INSPECT_H
#define SESSION_INSPECT_H

#include "btf/show.h"
#include "query/query.h"
#include "session/opts.h"

#include <setjmp.h>

struct inspect {
	struct waggle_opts o;
	struct diag diag;
	struct arena arena;
	jmp_buf escape;
	struct buf out;
	bool json;
};
/* Runs fn with all that it needs; what it put into `out` is handed to the caller. */
int inspect_run(const struct waggle_opts *, int (*fn)(struct inspect *, void *), void *user);
/* The kernel said no: a sentence with its reason. Returns err. */
int inspect_failed(struct inspect *, int err, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* ---- tables: cells are strings; columns of numbers are set to the right. */
struct table {
	struct arena *arena;
	const char *const *heads; /* '>' in front: to the right */
	u32 columns;
	vec(const char *) cells; /* row by row */
};
void table_print(const struct table *, struct buf *out);

/* ---- JSON: members of an object, one after the other */
void json_text(struct buf *, const char *name, const char *text); /* "name":"text" */
void json_number(struct buf *, const char *name, u64);
/* The processes and files that hold a thing: a list in JSON, or words; the same process once. */
void inspect_holders(struct inspect *, const struct query_holders *, const u32 *holders, u32 n,
		     struct buf *out);
const char *inspect_bytes(struct arena *, u64); /* "12K" */

/* ---- where a program is attached */
struct place {
	u32 prog, link;     /* link 0: attached without one */
	bool gone;          /* the link is still there, but leads nowhere */
	u32 pid;            /* of a perf event: whose */
	const char *type;   /* "tracepoint", "xdp", "cgroup_inet_ingress" */
	const char *target; /* "sched_switch", "eth0", a path */
	/* what it takes to detach it */
	u32 ifindex, attach_type;
	enum { PLACE_OTHER, PLACE_XDP, PLACE_TC, PLACE_ROUTE } net;
	u32 tc_parent, tc_handle, tc_info; /* names of the filter */
	struct netlink_request *undo;      /* of a route: takes it away */
};
struct places {
	vec(struct place) list;
};
int inspect_links(struct inspect *, struct places *);
void inspect_perf(struct inspect *, const struct query_holders *, struct places *);
void inspect_cgroups(struct inspect *, struct places *); /* attached without a link */
void inspect_net(struct inspect *, struct places *);
void inspect_routes(struct inspect *, struct places *);
int inspect_net_detach(const struct place *); /* of a network device, without a link */
/* The path of a cgroup, "" for one that is gone. */
const char *inspect_cgroup_path(struct inspect *, u64 id);

#endif
