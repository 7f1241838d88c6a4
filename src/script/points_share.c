/*
 * points_share.c: one program for tracepoints whose records have the fields that it reads at the
 * same places, and for raw tracepoints, which have no fields.
 *
 * In:  points that are checked, so it is known what each reads: point->used. Out: of those of one
 *      probe, sys_enter_read and sys_enter_pread64 say, the first one leads the others, as one of
 *      a pattern does that reads nothing. The kernel verifies, and compiles, each program once.
 */
#include "script/tables.h"

static bool same_field(const struct tp_field *a, const struct tp_field *b)
{
	return a->off == b->off && a->size == b->size && a->elem == b->elem &&
	       a->is_signed == b->is_signed && a->is_array == b->is_array &&
	       a->is_string == b->is_string && a->is_pointer == b->is_pointer &&
	       a->is_data_loc == b->is_data_loc && a->is_rel_loc == b->is_rel_loc &&
	       !strcmp(a->name, b->name) && !strcmp(a->type, b->type);
}

/* They are noted in the order in which the probe reads them. */
static bool same_fields(const struct point *p, const struct point *q)
{
	if (p->used.n != q->used.n)
		return false;
	for (u32 i = 0; i < p->used.n; i++)
		if (!same_field(p->used.v[i], q->used.v[i]))
			return false;
	return true;
}

static bool same_category(const struct point *p, const struct point *q)
{
	size_t n = strcspn(p->pattern, ":") + 1;

	if (p->row->attach != q->row->attach)
		return false;
	return p->row->attach == ATTACH_RAW_TRACEPOINT || !strncmp(p->pattern, q->pattern, n);
}

/* It has a program of its own for nothing but the fields. */
static bool may_share(const struct script *s, const struct point *p)
{
	const struct point *leader = p->leader ? p->leader : p;

	if (p->row->attach == ATTACH_RAW_TRACEPOINT)
		return leader == p && !p->led && !p->each && !p->named;
	return p->row->attach == ATTACH_TRACEPOINT && leader->reads && !leader->each &&
	       (!leader->named || point_has_cookies(s, p));
}

/* A point in front of p, of the same probe, whose program does for p as well. */
static struct point *program_for(struct point *first, const struct point *p)
{
	for (struct point *q = first; q != p; q = q->next)
		if (q->probe == p->probe && q->alone && same_category(q, p) && same_fields(q, p))
			return q;
	return NULL;
}

/* Its record has all the fields that q reads, at the same places. */
static bool has_fields_of(struct script *s, struct point *p, const struct point *q)
{
	const struct tp_format *format = point_format(s, p);

	for (u32 i = 0; i < q->used.n; i++) {
		const struct tp_field *f = tp_field(format, q->used.v[i]->name);

		if (!f || !same_field(q->used.v[i], f))
			return false;
	}
	return true;
}

bool point_is_like(struct script *s, struct point *first, struct point *p)
{
	for (struct point *q = first; p->row->attach == ATTACH_TRACEPOINT && q != p; q = q->next) {
		struct point *leader = q->leader ? q->leader : q;

		if (q->probe != p->probe || q->like || !may_share(s, q) || leader->named ||
		    !same_category(q, p) || !has_fields_of(s, p, q))
			continue;
		p->like = q;
		(p->leader ? p->leader : p)->reads = true;
		p->used.n = 0;
		vec_each (f, &q->used)
			vec_push(s->arena, &p->used, tp_field(p->format, (*f)->name));
		return true;
	}
	p->like = NULL;
	return false;
}

void points_share(struct script *s, struct point *first)
{
	s->shared = true;
	for (struct point *p = first; p; p = p->next)
		p->alone = may_share(s, p);
	for (struct point *p = first; p; p = p->next)
		if (p->alone) { /* no pattern leads it, and it leads none */
			p->leader = NULL;
			p->reads = false;
			p->led = p->text_most = p->func_most = 0;
		}
	for (struct point *p = first; p; p = p->next) {
		struct point *leader = p->alone ? program_for(first, p) : NULL;

		if (!leader)
			continue;
		p->alone = false;
		point_follow(p, leader);
	}
}
