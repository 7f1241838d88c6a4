/*
 * live.c: where values are used and how long they live.
 *
 * In:  mops. Out: of each value its uses (positions in cg->mops, ascending), of each block the
 *      values that are live when it begins. Liveness is found value by value, from its uses up to
 *      its definition, so that the work is what the answer is long; sets per block would cost the
 *      product of both.
 */
#include "codegen/inside.h"

/* Counted, then written down. */
static inline void use(struct cg *c, u32 v, u32 pos)
{
	u32 n = c->values[v].uses_end++;

	if (c->uses)
		c->uses[n] = pos;
}

/* Arguments of edges are used at the jump; those of parameters that nobody needs are not. */
static void edge_uses(struct cg *c, u32 block, u32 pos)
{
	struct ir_edge *edge = &c->f->blocks.v[block].succ[0];
	struct ir_block *to = &c->f->blocks.v[edge->to];

	for (u32 n = 0; n < edge->args.n; n++)
		if (c->values[to->params.v[n]].needed)
			use(c, edge->args.v[n], pos);
}

static void each_use(struct cg *c)
{
	for (u32 pos = 0; pos < c->mops.n; pos++) {
		const struct mop *m = &c->mops.v[pos];
		u32 reads[2], n = cg_reads(m, reads);

		for (u32 k = 0; k < n; k++)
			use(c, reads[k], pos);
		if (m->kind == M_CALL)
			for (u32 k = 0; k < cg_ins(c, m->ins)->b; k++)
				use(c, c->f->args.v[cg_ins(c, m->ins)->a + k], pos);
		if (m->kind == M_JMP)
			edge_uses(c, m->block, pos);
	}
}

static void collect_uses(struct cg *c)
{
	u32 total = 0;

	each_use(c);
	for (u32 v = 0; v < c->nvalues; v++) {
		u32 n = c->values[v].uses_end;

		c->values[v].use = c->values[v].uses_end = total;
		total += n;
	}
	c->uses = arena_room(c->arena, (total + 1) * sizeof(*c->uses));
	each_use(c);
}

static void live_value(struct cg *c, u32 v, u32 *seen, u32 *stack)
{
	struct vinfo *i = &c->values[v];

	for (u32 u = i->use; u < i->uses_end; u++) {
		u32 n = 0, b = c->mops.v[c->uses[u]].block;

		i->last = MAX(i->last, c->uses[u]);
		if (b != i->def && seen[b] != v) {
			seen[b] = v;
			stack[n++] = b;
		}
		while (n) {
			b = stack[--n];
			vec_push(c->arena, &c->blocks[b].live_in, v);
			vec_each (e, &c->f->blocks.v[b].preds) {
				u32 p = *e >> 1;

				i->last = MAX(i->last, c->blocks[p].end - 1);
				if (p == i->def || seen[p] == v)
					continue;
				seen[p] = v;
				stack[n++] = p;
			}
		}
	}
}

/* What a parameter that lives over calls is made of. */
static void edge_hints(struct cg *c, u32 block, u32 pos)
{
	struct ir_edge *edge = &c->f->blocks.v[block].succ[0];
	struct ir_block *to = &c->f->blocks.v[edge->to];

	for (u32 n = 0; n < edge->args.n; n++)
		if (c->values[edge->args.v[n]].last == pos && c->values[to->params.v[n]].needed)
			c->values[edge->args.v[n]].over |=
				cg_crosses_call(c, to->params.v[n], c->blocks[edge->to].first - 1);
}

/* From the end of each block backwards: a value that becomes an argument of a call, or goes
 * through an operation that keeps its register, would like to be there from the start. */
static void hints(struct cg *c)
{
	for (u32 pos = c->mops.n; pos--;) {
		const struct mop *m = &c->mops.v[pos];
		struct vinfo *a = m->a && m->a != FRAME ? &c->values[m->a] : NULL;

		if (m->kind == M_EXIT && a)
			a->hint = 0;
		if ((m->kind == M_ALU || m->kind == M_ALUI || m->kind == M_MOV) && m->dst && a) {
			a->hint = a->hint < 0 ? c->values[m->dst].hint : a->hint;
			a->over |= a->last == pos && cg_crosses_call(c, m->dst, pos);
		}
		if (m->kind == M_JMP)
			edge_hints(c, m->block, pos);
		if (m->kind != M_CALL)
			continue;
		for (u32 n = 0; n < cg_ins(c, m->ins)->b; n++)
			c->values[c->f->args.v[cg_ins(c, m->ins)->a + n]].hint = (s8)(n + 1);
	}
}

void cg_live(struct cg *c)
{
	u32 *seen = arena_array(c->arena, u32, c->f->blocks.n);
	u32 *stack = arena_array(c->arena, u32, c->f->blocks.n);

	collect_uses(c);
	for (u32 v = 1; v < c->nvalues; v++) {
		struct vinfo *i = &c->values[v];

		if (i->use == i->uses_end)
			continue;
		if (i->remake) /* a register that is kept for uses of constants */
			i->last = c->uses[i->uses_end - 1];
		else
			live_value(c, v, seen, stack);
	}
	hints(c);
}

/* The first element above x of an ascending array. */
static u32 first_above(const u32 *v, u32 low, u32 high, u32 x)
{
	while (low < high) {
		u32 mid = (low + high) / 2;

		if (v[mid] <= x)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

u32 cg_next_use(struct cg *c, u32 v, u32 pos)
{
	struct vinfo *i = &c->values[v];
	u32 n;

	/* questions follow the layout: what lies behind stays behind */
	while (i->use < i->uses_end && c->uses[i->use] <= c->pos)
		i->use++;
	n = pos == c->pos ? i->use : first_above(c->uses, i->use, i->uses_end, pos);
	return n < i->uses_end ? c->uses[n] : NEVER;
}

/* What can be made again stays while it will be used before the next call. */
bool cg_dies(struct cg *c, u32 v)
{
	u32 end = c->blocks[c->block].end, next = cg_next_use(c, v, c->pos);

	if (next < end)
		return false;
	if (c->values[v].remake)
		return next == NEVER || cg_next_call(c, c->pos) < next;
	return c->values[v].live_out != c->block;
}

u32 cg_next_call(struct cg *c, u32 pos)
{
	u32 n = first_above(c->calls.v, 0, c->calls.n, pos);

	return n < c->calls.n ? c->calls.v[n] : NEVER;
}

bool cg_crosses_call(struct cg *c, u32 v, u32 pos)
{
	if (c->values[v].remake)
		return false;
	return c->values[v].over || cg_next_call(c, pos) < c->values[v].last;
}
