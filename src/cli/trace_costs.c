/*
 * trace_costs.c: what each probe of a script cost, for --stats.
 *
 * In:  a session that measured (opts.costs). Out: lines on stderr, the dearest first. They are read
 * before the session ends, and shown behind all that it prints.
 */
#include "cli/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 20

static int dearest(const void *a, const void *b)
{
	const struct waggle_cost *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	return x->runs < y->runs ? 1 : x->runs > y->runs ? -1 : 0;
}

void costs_read(struct trace_costs *c, struct waggle_session *s)
{
	struct waggle_cost cost = {.sz = sizeof(cost)}, *all;
	int err;

	for (unsigned i = 0; (err = waggle_session_cost(s, i, &cost)) != -ENOENT; i++) {
		if (err || !cost.runs)
			continue;
		all = realloc(c->v, (c->n + 1) * sizeof(*all));
		if (!all)
			return;
		c->v = all;
		c->v[c->n] = cost;
		c->v[c->n].probe = strdup(cost.probe);
		c->n += c->v[c->n].probe != NULL;
	}
	if (c->n)
		qsort(c->v, c->n, sizeof(*c->v), dearest);
}

void costs_print(struct trace_costs *c)
{
	if (c->n)
		fputs("        RUNS    NS/RUN  PROBE\n", stderr);
	for (unsigned i = 0; i < c->n; i++) {
		if (i < SHOWN)
			fprintf(stderr, "%12llu %9llu  %s\n", (unsigned long long)c->v[i].runs,
				(unsigned long long)(c->v[i].ns / c->v[i].runs), c->v[i].probe);
		free((char *)c->v[i].probe);
	}
	if (c->n > SHOWN)
		fprintf(stderr, "%24s%u more\n", "", c->n - SHOWN);
	free(c->v);
}
