/*
 * drop.h: a firewall from filter expressions: `waggle drop`.
 *
 *   drop_rules.c    the rules as text, compiled for what packets begin with; run over packets here
 *   drop_program.c  the rules as a program for the kernel, in an object
 *   drop_guard.c    would they cut the SSH session that they were typed in?
 *   drop.c          attached, counted, pinned
 */
#ifndef SESSION_DROP_H
#define SESSION_DROP_H

#include "filter/bpf.h"
#include "object/object.h"
#include "session/filter.h"
#include "session/opts.h"

#define DROP_PINS   "/sys/fs/bpf/waggle" /* folder of pinned firewalls */
#define DROP_COUNTS "drop_counts"        /* name of the map */

struct drop_rule {
	const char *text; /* the expression */
	bool drops;
	struct filter filter;          /* for the hook */
	struct packet_filter *matcher; /* for packets that are at hand; of `link` */
	u32 link;
	u64 packets, bytes;
	struct loc at; /* in the text of all */
	const char *line;
};
struct drop_rules {
	struct arena arena;
	jmp_buf escape;
	struct diag *diag;
	vec(struct drop_rule) list;
	bool default_drops;
	enum filter_way way; /* of all packets, where they are compiled for */
	const char *file; /* that has the rules, or NULL */
	u64 packets, bytes; /* that no rule takes */
};
/* "eth0:egress" of "tc:eth0:egress", a row of filter_hooks. */
struct drop_place {
	enum attach_kind kind;
	enum filter_hook_id hook;
	const char *pattern, *text;
	const char *link; /* what packets begin with there */
	bool egress;
};
/* "pass tcp port 22; drop tcp", a rule a line or between semicolons; one without a verdict drops.
 */
int drop_rules_read(struct drop_rules *, const char *text);
int drop_rules_compile(struct drop_rules *, const struct drop_place *);
/* The first rule that takes the packet; their number: none does. -errno */
int drop_rules_match(struct drop_rules *, const struct packet *);
static inline bool drop_rules_drop(const struct drop_rules *r, u32 rule)
{
	return rule < r->list.n ? r->list.v[rule].drops : r->default_drops;
}
void drop_rules_free(struct drop_rules *);

int drop_place_find(struct drop_place *, const char *text, struct diag *);

struct drop_count {
	u64 packets, bytes;
};
/* Its only map holds a struct drop_count for each rule, and one behind them, of each CPU. */
int drop_program(struct object *, const struct drop_rules *, const struct drop_place *,
		 struct diag *);

/* ssh: as SSH_CONNECTION has it; NULL: it is looked for in our ancestors. -EPERM: it would be cut.
 */
int drop_guard(struct drop_rules *, const struct drop_place *, const char *ssh);
/* Warns where what no rule takes is dropped, and with it what neighbours are found by. */
int drop_guard_neighbours(struct drop_rules *, const struct drop_place *);

#endif
