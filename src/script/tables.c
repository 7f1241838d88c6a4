/* tables.c: the tables of values, functions and probes, made of their .def files. */
#include "script/tables.h"

const struct value_row value_rows[] = {
#define VALUE(name, type, lower, doc)          {#name, type, NULL, lower, NULL, doc},
#define VALUE_PTR(name, points_to, lower, doc) {#name, TYPE_U64, #points_to, lower, NULL, doc},
#define VALUE_SHOWN(name, type, store, doc)    {#name, type, NULL, NULL, store, doc},
#include "script/values.def"
#undef VALUE
#undef VALUE_PTR
#undef VALUE_SHOWN
	{0}};
const u32 value_count = ARRAY_SIZE(value_rows) - 1;

const struct call_row call_rows[] = {
#define CALL(name, least, most, check, lower, usage, doc) \
	{#name, least, most, check, lower, NULL, NULL, 0, 0, NULL, usage, doc, 0},
#define CALL_INT(name, least, most, check, value, usage, doc) \
	{#name, least, most, check, NULL, value, NULL, 0, 0, NULL, usage, doc, 0},
#define CALL_SHOWN(name, least, most, check, store, usage, doc) \
	{#name, least, most, check, NULL, NULL, store, 0, 0, NULL, usage, doc, 0},
#define CALL_WORD(name, NODE, usage, doc) \
	{#name, 1, 1, NULL, NULL, NULL, NULL, 0, 0, NULL, usage, doc, NODE_##NODE},
#include "script/calls.def"
#undef CALL
#undef CALL_INT
#undef CALL_SHOWN
#undef CALL_WORD
#define AGG(name, KIND, least, most, words, observe, usage, doc)  \
	{#name,      least, most,    check_agg, NULL, NULL, NULL, \
	 AGG_##KIND, words, observe, usage,     doc,  0},
#include "script/aggs.def"
#undef AGG
	{0}};
const u32 call_count = ARRAY_SIZE(call_rows) - 1;

const struct probe_row probe_rows[] = {
#define PROBE(name, alias, parts, prog, attach, points, usage, doc) \
	{#name, #alias, parts, PROG_##prog, ATTACH_##attach, points, usage, doc},
#include "script/probes.def"
#undef PROBE
	{0}};

bool word_comes_later(const char *word)
{
	static const char *const words[] = {
#define LATER(name) #name,
#include "script/later.def"
#undef LATER
	};

	for (u32 i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i], word))
			return true;
	return false;
}

const struct call_row *call_find(const char *name)
{
	for (const struct call_row *r = call_rows; r->name; r++)
		if (!strcmp(r->name, name))
			return r;
	return NULL;
}
