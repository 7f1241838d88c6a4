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

/* vlans: how many are asked for. */
static struct tree *lowered_as(struct filter *f, const struct expr *e, const struct filter_opts *o,
			       struct diag *d, bool tag_kept, u32 *vlans)
{
	struct tree *t;
	struct lower l = {.arena = f->arena,
			  .values = f->values,
			  .d = d,
			  .opts = o,
			  .link = f->link,
			  .tag_kept = tag_kept,
			  .names = {f->arena, o}};

	l.type.k = f->link->type_at;
	l.payload.k = f->link->payload;
	l.nl = f->link->nl;
	l.nosnap = f->link->nosnap;
	if (f->link->start)
		f->link->start(&l);
	t = ask_expr(&l, e);
	*vlans = l.vlans;
	return t;
}

/* Who asks for a tag that may be in two places gets the filter for each of them. */
static struct tree *lowered(struct filter *f, const struct expr *e, const struct filter_opts *o,
			    struct diag *d)
{
	struct values *vs = f->values;
	u32 vlans;
	struct tree *inside = lowered_as(f, e, o, d, false, &vlans), *kept, *there;

	if (!inside || !vlans || !o->tag_kept)
		return inside;
	kept = lowered_as(f, e, o, d, true, &vlans);
	if (!kept)
		return NULL;
	there = tree_test(vs, val_extra(vs, CBPF_AD_VLAN_PRESENT), set_one(f->arena, 0));
	return tree_or(vs, tree_and(vs, there, inside), tree_and(vs, tree_not(vs, there), kept));
}

/* ---- filters that no packet passes */

static bool is_tag(const struct expr *e)
{
	return e->kind == EXPR_VERB &&
	       (e->op == WORD_VLAN || e->op == WORD_MPLS || e->op == WORD_PPPOES);
}

static void put_part(struct buf *out, const struct expr *e)
{
	buf_puts(out, out->n ? " and " : "");
	buf_printf(out, e->kind == EXPR_OR ? "(%.*s)" : "%.*s", (int)(e->to - e->from), e->from);
}

/* The same with its tags in front, as they are in packets; NULL: that would not be another. */
static struct expr *tags_first(struct filter *f, const struct expr *e, struct buf *text,
			       struct loc *at)
{
	struct expr *other = arena_new(f->arena, struct expr);
	u32 tags = 0;

	if (e->kind != EXPR_AND || is_tag(e->kids.v[0]))
		return NULL;
	*other = *e;
	other->kids.n = other->kids.cap = 0;
	other->kids.v = NULL;
	for (u32 pass = 0; pass < 2; pass++)
		vec_each (kid, &e->kids) {
			if (is_tag(*kid) != !pass)
				continue;
			if (!pass && !tags++)
				*at = (*kid)->at;
			vec_push(f->arena, &other->kids, *kid);
			put_part(text, *kid);
		}
	return tags ? other : NULL;
}

static void warn_never(struct filter *f, const struct expr *e, const struct filter_opts *o,
		       struct diag *d)
{
	struct diag quiet = {0};
	struct loc at = {1, 1, 1, 0};
	struct buf text = {0};
	const struct expr *other = tags_first(f, e, &text, &at);
	struct tree *tree = other ? lowered(f, other, o, &quiet) : NULL;
	const char *tag = other ? word_table[other->kids.v[0]->op].name : NULL;

	if (tree && graph_optimise(graph_build(f->values, tree))->root != GRAPH_NO)
		diag_warn(
			d, at,
			arena_printf(f->arena, "did you mean '%.*s'?", (int)text.n, buf_str(&text)),
			"no packet can match: what is in front of '%s' is asked of the packet "
			"without that tag",
			tag);
	else
		diag_warn(d, (struct loc){0}, NULL, "no packet can match this filter");
	buf_free(&text);
}

int filter_compile(struct filter *f, struct arena *arena, const char *text, size_t size,
		   const struct filter_opts *o, struct diag *d)
{
	struct tokens tokens = {0};
	struct expr *e;
	int err;

	*f = (struct filter){.arena = arena,
			     .snaplen = o->snaplen ? o->snaplen : 262144,
			     .swift = o->swift};
	f->link = filter_link_find(o->link ? o->link : "EN10MB");
	if (!f->link)
		return link_unknown(d, o->link);
	f->values = values_new(arena);
	err = filter_lex(&tokens, arena, text, size, d);
	if (!err)
		err = filter_parse(&e, arena, &tokens, d);
	if (err)
		return err;
	f->tree = e ? lowered(f, e, o, d) : tree_const(f->values, true);
	if (!f->tree)
		return -EINVAL;
	f->plain = graph_build(f->values, f->tree);
	f->best = o->plain ? f->plain : graph_optimise(f->plain);
	if (e && f->best->root == GRAPH_NO)
		warn_never(f, e, o, d);
	return graph_emit(f->best, f->snaplen, f, d);
}
