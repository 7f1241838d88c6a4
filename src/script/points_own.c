/*
 * points_own.c: probes of waggle itself: signals, tests, benchmarks.
 */
#include "script/constant.h"
#include "script/tables.h"

int points_self(struct script *s, const struct probe_row *row, struct probe *probe,
		struct probe_spec *spec, char **parts, struct point ***tail)
{
	static const char hint[] = "self:signal:SIGUSR1";
	s64 signal = 0;

	if (strcmp(parts[0], "signal") != 0)
		return diag_error(s->diag, spec->at, hint, "'%s' is no event of waggle's own",
				  parts[0]);
	if (strncmp(parts[1], "SIG", 3) || !constant_named(parts[1], &signal) || signal < 1 ||
	    signal > 31)
		return diag_error(s->diag, spec->at, hint, "there is no signal '%s'", parts[1]);
	if (signal != 10 && signal != 12 && signal != 1) /* SIGUSR1, SIGUSR2, SIGHUP */
		return diag_error(s->diag, spec->at, hint,
				  "%s is not for scripts: SIGUSR1, SIGUSR2 and SIGHUP are",
				  parts[1]);
	point_add(s, row, probe, spec, tail)->off = (u64)signal;
	return 0;
}

int points_trial(struct script *s, const struct probe_row *row, struct probe *probe,
		 struct probe_spec *spec, char **parts, struct point ***tail)
{
	struct point *p;

	if (s->trials != (row->attach == ATTACH_TEST ? WAGGLE_TESTS : WAGGLE_BENCHMARKS)) {
		s->trials_left_out++;
		return 0;
	}
	p = point_add(s, row, probe, spec, tail);
	p->pattern = arena_strdup(s->arena, parts[0]);
	return 0;
}
