/*
 * points_filter.c: --probe-filter: leaves out the points whose names do not match.
 *
 * In: all points of a script. Out: those that match a regular expression, begin and end, and what follows processes. Where
 * the leader of a program goes, the first of its followers that stays leads the others.
 */
#include "script/tables.h"

#include <errno.h>
#include <regex.h>

static bool stays(const regex_t *re, const struct point *p)
{
	return p->probe->family || p->row->attach == ATTACH_BEGIN || p->row->attach == ATTACH_END ||
	       !regexec(re, p->text, 0, NULL, 0);
}

/* p stays; where its program was led by one that may have gone, `heir` is who leads now. */
static void lead_anew(struct point *p)
{
	struct point *old = p->leader ? p->leader : p;

	if (!old->heir) {
		old->heir = p;
		p->leader = NULL;
		p->led = p->text_most = p->func_most = 0;
	}
	point_follow(p, old->heir);
}

int points_filter(struct script *s, struct point **first)
{
	struct point **tail = first;
	char why[128];
	regex_t re;
	int err;

	if (!s->probe_filter)
		return 0;
	err = regcomp(&re, s->probe_filter, REG_EXTENDED | REG_NOSUB);
	if (err) {
		regerror(err, &re, why, sizeof(why));
		return diag_fail(s->diag, -EINVAL, NULL, "--probe-filter '%s': %s", s->probe_filter, why);
	}
	for (struct point *p = *first; p; p = p->next)
		if (stays(&re, p)) {
			lead_anew(p);
			*tail = p;
			tail = &p->next;
		}
	*tail = NULL;
	regfree(&re);
	return *first ? 0
		      : diag_fail(s->diag, -ENOENT, NULL, "no probe of the script matches '%s'",
				  s->probe_filter);
}
