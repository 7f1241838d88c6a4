/*
 * filter.c: the steps from the text of a filter to its instructions.
 *
 * In:  text, options. Out: struct filter with each step's result.
 */
#include "filter/inside.h"

#include <errno.h>
#include <stdio.h>

static int link_unknown(struct diag *d, const char *name)
{
	struct near near = {.word = name};
	char hint[160];

	for (const struct filter_link *l = filter_links; l->name; l++)
		near_try(&near, l->name);
	if (near.best)
		snprintf(hint, sizeof(hint), "did you mean '%s'?", near.best);
	else
		snprintf(hint, sizeof(hint),
			 "EN10MB, RAW, LINUX_SLL, LINUX_SLL2, NULL, LOOP, PPP and others");
	return diag_fail(d, -EINVAL, hint, "filters for the link type '%s' cannot be made", name);
}

static struct tree *lowered(struct filter *f, const struct expr *e, const struct filter_opts *o,
			    struct diag *d)
{
	struct lower l = {.arena = f->arena,
			  .values = f->values,
			  .d = d,
			  .opts = o,
			  .link = f->link,
			  .names = {f->arena, o}};

	l.type.k = f->link->type_at;
	l.payload.k = f->link->payload;
	l.nl = f->link->nl;
	l.nosnap = f->link->nosnap;
	return ask_expr(&l, e);
}

int filter_compile(struct filter *f, struct arena *arena, const char *text, size_t size,
		   const struct filter_opts *o, struct diag *d)
{
	struct tokens tokens = {0};
	struct expr *e;
	int err;

	*f = (struct filter){.arena = arena, .snaplen = o->snaplen ? o->snaplen : 262144};
	f->link = filter_link_find(o->link ? o->link : "EN10MB");
	if (!f->link)
		return link_unknown(d, o->link);
	f->values = values_new(arena);
	err = filter_lex(&tokens, arena, text, size, d);
	if (!err)
		err = filter_parse(&e, arena, &tokens, text, d);
	if (err)
		return err;
	f->tree = e ? lowered(f, e, o, d) : tree_const(f->values, true);
	if (!f->tree)
		return -EINVAL;
	f->plain = graph_build(f->values, f->tree);
	f->best = o->plain ? f->plain : graph_optimise(f->plain);
	return graph_emit(f->best, f->snaplen, f, d);
}
