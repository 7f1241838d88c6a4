/*
 * check_kernel.c: functions that ask what the kernel offers: kfunc_exist(), kfunc_allowed(); and
 * override(), which not every kernel has.
 */
#include "script/check.h"

#include "isa/isa.h"

/* The call becomes a constant. */
static void answer(struct node *n, bool yes)
{
	n->kind = NODE_INT;
	n->value = yes;
	n->type = TYPE_BOOL;
}

/* The name is a string in the source. NULL: it is not, and that was told. */
static const char *kfunc_name(struct checker *c, struct node *n)
{
	if (n->a->kind == NODE_STR)
		return n->a->text;
	check_fail(c, n->a, n->call->usage, "the name of a function of the kernel is a string in quotes");
	n->type = TYPE_BOOL;
	return NULL;
}

static u32 kfunc_id(struct checker *c, const char *name)
{
	struct target *t = c->script->target;
	struct diag silent = {0};
	struct btf *btf;

	return t->ops->btf(t, &btf, &silent) ? 0 : btf_find(btf, name, BTF_FUNC);
}

void check_kfunc_exist(struct checker *c, struct node *n)
{
	const char *name = kfunc_name(c, n);

	if (name)
		answer(n, kfunc_id(c, name) != 0);
}

void check_probe_exist(struct checker *c, struct node *n)
{
	if (n->a->kind == NODE_STR)
		answer(n, point_exists(c->script, n->a->text, n->at));
	else
		check_fail(c, n->a, n->call->usage, "the name of a probe is a string in quotes");
}

/* Depends on the probe, so it stays a call until the program of a point is made. */
void check_kfunc_allowed(struct checker *c, struct node *n)
{
	if (kfunc_name(c, n))
		n->type = TYPE_BOOL;
	(c->point->leader ? c->point->leader : c->point)->each = true;
}

bool kfunc_is_allowed(struct script *s, const struct point *p, const char *name)
{
	static const u32 trace_types[ATTACH_KINDS] = {
		[ATTACH_FENTRY] = TRACE_FENTRY, [ATTACH_FEXIT] = TRACE_FEXIT, [ATTACH_ITER] = TRACE_ITER};
	struct target *t = s->target;
	struct diag silent = {0};
	const char *traced = p->pattern;
	struct btf *btf;
	u32 id, at = 0;

	if (!t->ops->kfunc || t->ops->btf(t, &btf, &silent))
		return false;
	id = btf_find(btf, name, BTF_FUNC);
	if (p->row->attach == ATTACH_ITER)
		traced = arena_printf(s->arena, "bpf_iter_%s", p->func);
	if (p->row->prog_kind == PROG_TRACING)
		at = btf_find(btf, traced, BTF_FUNC);
	return id && t->ops->kfunc(t, p->row->prog_kind, trace_types[p->row->attach], at, id);
}

void check_override(struct checker *c, struct node *n)
{
	if (c->point->row->attach != ATTACH_KPROBE)
		check_fail(c, n, "kprobe:FUNCTION", "%s cannot override(): only a kprobe at the start of "
			   "a function can", c->point->text);
	else if (c->point->off)
		check_fail(c, n, "leave the offset out", "override() is for the start of a function");
	check_unsafe(c, n);
	check_int(c, n->a, "override()");
}
