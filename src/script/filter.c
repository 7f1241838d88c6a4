/*
 * filter.c: what options narrow a script to: --pid, --comm, --uid, --cgroup.
 *
 * In:  the options. Out: a condition that stands in front of every probe that others set off;
 * begin, end and intervals run as ever. It is part of each program, so what is left out costs
 * little.
 */
#include "script/lower.h"
#include "script/packet.h"

#include "isa/isa.h"
#include "script/lex.h"

static struct node *node(struct script *s, enum node_kind kind, const char *text)
{
	struct node *n = arena_new(s->arena, struct node);

	n->kind = kind;
	n->text = arena_strdup(s->arena, text);
	n->len = (u32)strlen(text);
	n->at = s->probes ? s->probes->at : (struct loc){0};
	return n;
}

static struct node *binary(struct script *s, u8 op, struct node *a, struct node *b)
{
	struct node *n = node(s, NODE_BINARY, "");

	n->op = op;
	n->a = a;
	n->b = b;
	return n;
}

void script_filter(struct script *s, const struct script_opts *o)
{
	struct node *comm = NULL, *uid = NULL;

	if (o->cgroup && s->target->kernel < KERNEL(5, 15))
		diag_note(s->diag, NULL,
			  "before Linux 5.15 only the cgroup itself counts, not those below it");
	if (o->comm)
		comm = binary(s, TOK_EQ, node(s, NODE_NAME, "comm"), node(s, NODE_STR, o->comm));
	if (o->by_uid) {
		uid = binary(s, TOK_EQ, node(s, NODE_NAME, "uid"), node(s, NODE_INT, ""));
		uid->b->value = o->uid;
	}
	s->filter = comm && uid ? binary(s, TOK_ANDAND, uid, comm) : comm ? comm : uid;
}

bool point_is_filtered(const struct point *p)
{
	return attach_infos[p->row->attach].flags & ATTACH_GATED && !point_is_packet(p);
}

/* User probes are attached to the process alone. */
static bool needs_pid(const struct point *p)
{
	u8 kind = p->row->attach;

	return kind != ATTACH_UPROBE && kind != ATTACH_URETPROBE && kind != ATTACH_USDT;
}

/* In the cgroup itself, or below it: then it is the ancestor on its own level. */
static u32 under_cgroup(struct lower *l, const char *path)
{
	struct ir_fn *fn = l->fn;
	u32 id = lower_fill(l, FILL_CGROUP, path);
	u32 same = ir_bin(fn, IR_EQ, IRT_I64, lower_cgroup(l), id);
	u32 above;

	if (l->object->kernel < KERNEL(5, 15)) /* tracing programs cannot ask for it */
		return same;
	above = ir_call(fn, HELPER_get_current_ancestor_cgroup_id, IRT_I64, 1,
			lower_fill(l, FILL_CGROUP_LEVEL, path));
	return ir_bin(fn, IR_OR, IRT_I64, same, ir_bin(fn, IR_EQ, IRT_I64, above, id));
}

void lower_filters(struct lower *l, const struct point *p)
{
	const struct script_opts *o = l->opts;
	struct ir_fn *fn = l->fn;

	if (!point_is_filtered(p) || p->probe->family)
		return;
	if (o->pid && needs_pid(p))
		lower_demand(l, NULL,
			     ir_bin(fn, IR_EQ, IRT_I64, lower_pid(l), ir_const(fn, o->pid)));
	if (o->command_only)
		lower_demand(l, NULL, lower_family(l));
	if (o->cgroup)
		lower_demand(l, NULL, under_cgroup(l, o->cgroup));
	if (l->script->filter)
		lower_demand(l, l->script->filter, 0);
}
