/*
 * points_timed.c: probes that time or a counter drives: interval, profile, software.
 */
#include "script/tables.h"

#include <stdlib.h>

/* 1000, 1e6 */
static u64 number_in_name(const char *text, char **end)
{
	u64 n = strtoull(text, end, 10);

	if (**end == 'e' && (*end)[1] >= '0' && (*end)[1] <= '9')
		for (u64 tens = strtoull(*end + 1, end, 10); tens && n && n < UINT64_MAX / 10; tens--)
			n *= 10;
	return n;
}

/* Nanoseconds between two runs. parts: the unit, NULL when it stands behind the number; the number.
 */
static int parse_period(struct script *s, const struct probe_row *row, struct probe_spec *spec,
			char **parts, u64 *out)
{
	static const struct {
		const char *unit;
		u64 ns;
	} units[] = {{"s", 1000000000},
		     {"ms", 1000000},
		     {"us", 1000},
		     {"hz", 0},
		     {"", 1},
		     {"ns", 1},
		     {"m", 60000000000},
		     {"h", 3600000000000},
		     {"d", 86400000000000}};
	const char *hint = arena_printf(s->arena, "%s:s:1, %s:100ms, %s:hz:99", row->name,
					row->name, row->name);
	const char *unit = parts[0];
	char *end;
	u64 n = number_in_name(parts[1], &end), ns;

	if (end == parts[1] || (unit && *end) || !n || *parts[1] == '-')
		return diag_error(s->diag, spec->at, hint, "'%s' is no number of intervals",
				  parts[1]);
	unit = unit ? unit : end;
	for (u32 i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(units[i].unit, unit) != 0 || (i >= 4 && parts[0]))
			continue;
		ns = units[i].ns ? n * units[i].ns : 1000000000 / n;
		if (!ns || n > INT64_MAX / MAX(units[i].ns, 1u))
			return diag_error(s->diag, spec->at, "at least 1 ns, at most 292 years",
					  "an interval of this length is not possible");
		*out = ns;
		return 0;
	}
	return diag_error(s->diag, spec->at,
			  parts[0] ? "the units are s, ms, us and hz"
				   : "the units are ns, us, ms, s, m, h and d",
			  "'%s' is no unit of time", unit);
}

int points_interval(struct script *s, const struct probe_row *row, struct probe *probe,
		    struct probe_spec *spec, char **parts, struct point ***tail)
{
	u64 ns = 0;
	int err = parse_period(s, row, spec, parts, &ns);

	if (!err)
		point_add(s, row, probe, spec, tail)->ns = ns;
	return err;
}

int points_profile(struct script *s, const struct probe_row *row, struct probe *probe,
		   struct probe_spec *spec, char **parts, struct point ***tail)
{
	return points_interval(s, row, probe, spec, parts, tail);
}

/* PERF_COUNT_SW_* and PERF_COUNT_HW_* of include/uapi/linux/perf_event.h; every: at which n-th event, if not said. */
static const struct event {
	const char *name, *alias;
	u32 number, every;
} software[] = {
	{"cpu-clock", "cpu", 0, 1000000},  {"task-clock", "", 1, 1},
	{"page-faults", "faults", 2, 100}, {"context-switches", "cs", 3, 1000},
	{"cpu-migrations", "", 4, 1},      {"minor-faults", "", 5, 100},
	{"major-faults", "", 6, 1},        {"alignment-faults", "", 7, 1},
	{"emulation-faults", "", 8, 1},    {"dummy", "", 9, 1},
	{"bpf-output", "", 10, 1},
}, hardware[] = {
	{"cpu-cycles", "cycles", 0, 1000000},      {"instructions", "", 1, 1000000},
	{"cache-references", "", 2, 1000000},      {"cache-misses", "", 3, 1000000},
	{"branch-instructions", "branches", 4, 100000}, {"branch-misses", "", 5, 100000},
	{"bus-cycles", "", 6, 100000},             {"frontend-stalls", "", 7, 1000000},
	{"backend-stalls", "", 8, 1000000},        {"ref-cycles", "", 9, 1000000},
};

/* "page-faults", "page-faults:100", "cache-misses:1e6" */
int points_software(struct script *s, const struct probe_row *row, struct probe *probe,
		    struct probe_spec *spec, char **parts, struct point ***tail)
{
	bool of_cpu = row->attach == ATTACH_HARDWARE;
	const struct event *events = of_cpu ? hardware : software;
	u32 nevents = of_cpu ? ARRAY_SIZE(hardware) : ARRAY_SIZE(software);
	struct near near = {.word = parts[0]};
	char *colon = strchr(parts[0], ':'), *end = "";
	u64 count = 0;
	struct point *p;

	if (colon) {
		*colon = 0;
		count = number_in_name(colon + 1, &end);
		if (colon[1] && (*end || !count || colon[1] == '-'))
			return diag_error(s->diag, spec->at, row->usage,
					  "'%s' is no number of events", colon + 1);
	}
	for (u32 i = 0; i < nevents; i++) {
		if (strcmp(events[i].name, parts[0]) != 0 &&
		    (!*events[i].alias || strcmp(events[i].alias, parts[0]) != 0)) {
			near_try(&near, events[i].name);
			continue;
		}
		p = point_add(s, row, probe, spec, tail);
		p->off = events[i].number;
		p->count = count ? count : events[i].every;
		return 0;
	}
	return diag_error(s->diag, spec->at,
			  near.best ? arena_printf(s->arena, "did you mean '%s'?", near.best)
			  : of_cpu  ? "cpu-cycles, instructions, cache-misses, branch-misses, ..."
				    : "page-faults, context-switches, cpu-clock, ...",
			  "there is no %s event '%s'", row->name, parts[0]);
}
