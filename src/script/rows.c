/*
 * rows.c: all rows of all tables of the language, one after the other.
 *
 * In:  the .def files. Out: a call for each row. A table without an array of its own is one here.
 */
#include "script/rows.h"

#include "script/tables.h"

#include <stdio.h>

static const struct language_row others[] = {
	{"value", "args", NULL, "args.NAME", "an argument of the probe, by name"},
	{"value", "$1", NULL, "$1", "a parameter of the script, from $1 on; str($1): as a string"},
	{"value", "$#", NULL, "$#", "how many parameters there are"},
#define INT_TYPE(name, size, sign)            \
	{"type", #name, NULL, "(" #name ")a", \
	 sign ? "an integer of " #size " bytes with a sign" : "an integer of " #size " bytes"},
#define TYPE(name, usage, doc) {"type", #name, NULL, usage, doc},
#include "script/types.def"
#undef INT_TYPE
#undef TYPE
#define OPERATOR(usage, doc)               {"operator", NULL, NULL, usage, doc},
#define PREFIX(TOKEN, usage, doc)          OPERATOR(usage, doc)
#define BINARY(TOKEN, tightly, usage, doc) OPERATOR(usage, doc)
#define ASSIGN(TOKEN, usage, doc)          OPERATOR(usage, doc)
#include "script/operators.def"
#undef OPERATOR
#undef PREFIX
#undef BINARY
#undef ASSIGN
#define STATEMENT(word, parse, KIND, usage, doc) {"statement", #word, NULL, usage, doc},
#define FORM(name, usage, doc)                   {"statement", name, NULL, usage, doc},
#include "script/statements.def"
#undef STATEMENT
#undef FORM
#define CONFIG(name, variable, takes, words, least, most, doc) {"config", #name, NULL, #name, doc},
#include "script/config.def"
#undef CONFIG
};

/* An operator is called as it is written, without blanks. */
static const char *operator_name(const struct language_row *r, char *out, size_t size)
{
	size_t n = 0;

	for (const char *c = r->usage; *c && n + 1 < size; c++)
		if (*c != ' ')
			out[n++] = *c;
	out[n] = 0;
	return out;
}

static void probes_and_values(void (*fn)(void *, const struct language_row *), void *user)
{
	for (const struct probe_row *r = probe_rows; r->name; r++)
		fn(user, &(struct language_row){"probe", r->name,
						strcmp(r->name, r->alias) ? r->alias : NULL,
						r->usage, r->doc});
	for (const struct value_row *r = value_rows; r->name; r++)
		fn(user, &(struct language_row){"value", r->name, NULL, r->name, r->doc});
	for (const struct probe_value *r = probe_values; r->name; r++)
		fn(user, &(struct language_row){"value", r->usage, NULL, r->usage, r->doc});
	for (const struct probe_value *r = packet_values; r->name; r++)
		fn(user, &(struct language_row){"value", r->usage, NULL, r->usage, r->doc});
}

void script_rows(void (*fn)(void *user, const struct language_row *), void *user)
{
	char name[32];

	probes_and_values(fn, user);
	for (const struct call_row *r = call_rows; r->name; r++)
		fn(user, &(struct language_row){r->agg ? "aggregation" : "function", r->name, NULL,
						r->usage, r->doc});
	for (u32 i = 0; i < ARRAY_SIZE(others); i++) {
		struct language_row r = others[i];

		if (!r.name)
			r.name = operator_name(&r, name, sizeof(name));
		fn(user, &r);
	}
}
