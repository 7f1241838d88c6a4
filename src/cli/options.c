/*
 * options.c: options that several commands have: what scripts may do, and how much.
 *
 * Environment variables say the same as options, which come first: WAGGLE_MAX_STRLEN, or
 * BPFTRACE_MAX_STRLEN for those who have it set already.
 */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

enum limit { MAX_STRLEN, MAX_MAP_KEYS, STACK_MODE, RING_PAGES };

static const struct {
	const char *option, *variable;
} limits[] = {
	[MAX_STRLEN] = {"--max-strlen", "MAX_STRLEN"},
	[MAX_MAP_KEYS] = {"--max-map-keys", "MAX_MAP_KEYS"},
	[STACK_MODE] = {"--stack-mode", "STACK_MODE"},
	[RING_PAGES] = {"--perf-rb-pages", "PERF_RB_PAGES"},
};

/* from: how the user called it, for the message */
static int take(struct waggle_opts *o, unsigned limit, const char *from, const char *text)
{
	unsigned long long n;
	unsigned size = 4096;
	char *end;

	if (limit == STACK_MODE) {
		o->stack_mode = text;
		return 0;
	}
	n = strtoull(text, &end, 0);
	if (end == text || *end || !n || n > 1u << 28 || *text == '-')
		return usage_error("%s takes a number, not '%s'", from, text);
	if (limit == MAX_STRLEN)
		o->max_strlen = (unsigned)n;
	else if (limit == MAX_MAP_KEYS)
		o->max_map_keys = (unsigned)n;
	else {
		while (size / 4096 < n && size < 1u << 30) /* rings are powers of two */
			size *= 2;
		o->ring_bytes = size;
	}
	return 0;
}

int options_environment(struct waggle_opts *o)
{
	static const char *const prefixes[] = {"BPFTRACE_", "WAGGLE_"};
	char name[64];
	int status = 0;

	for (unsigned i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		for (unsigned p = 0; p < 2 && !status; p++) {
			const char *value;

			snprintf(name, sizeof(name), "%s%s", prefixes[p], limits[i].variable);
			value = getenv(name);
			if (value && *value)
				status = take(o, i, name, value);
		}
	return status;
}

int options_take(struct waggle_opts *o, const char *option, const char *value)
{
	unsigned i = 0;

	if (!strcmp(option, "unsafe")) {
		o->unsafe = true;
		return 0;
	}
	while (strcmp(limits[i].option + 2, option) != 0)
		i++;
	return take(o, i, limits[i].option, value);
}
