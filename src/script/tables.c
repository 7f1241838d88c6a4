/* tables.c: the tables of values, functions and probes, made of their .def files. */
#include "script/tables.h"

const struct value_row value_rows[] = {
#define VALUE(name, type, lower, doc)    {#name, type, NULL, lower, NULL, NULL, NULL, doc},
#define VALUE_STR(name, type, text, doc) {#name, type, NULL, NULL, NULL, text, NULL, doc},
#define VALUE_TASK(name, type, lower, text, doc) \
	{#name, type, NULL, lower, NULL, text, check_task_value, doc},
#define VALUE_PTR(name, points_to, lower, doc) \
	{#name, TYPE_U64, #points_to, lower, NULL, NULL, NULL, doc},
#define VALUE_SHOWN(name, type, store, doc) {#name, type, NULL, NULL, store, NULL, NULL, doc},
#include "script/values.def"
#undef VALUE
#undef VALUE_STR
#undef VALUE_TASK
#undef VALUE_PTR
#undef VALUE_SHOWN
	{0}};
const u32 value_count = ARRAY_SIZE(value_rows) - 1;

const struct call_row call_rows[] = {
/* what all rows have in common */
#define ROW(n, lo, hi, chk, use, what) \
	.name = #n, .least = lo, .most = hi, .check = chk, .usage = use, .doc = what
#define CALL(n, lo, hi, chk, fn, use, what)       {ROW(n, lo, hi, chk, use, what), .lower = fn},
#define CALL_INT(n, lo, hi, chk, fn, use, what)   {ROW(n, lo, hi, chk, use, what), .value = fn},
#define CALL_STR(n, lo, hi, chk, fn, use, what)   {ROW(n, lo, hi, chk, use, what), .text = fn},
#define CALL_SHOWN(n, lo, hi, chk, fn, use, what) {ROW(n, lo, hi, chk, use, what), .store = fn},
#define CALL_BOTH(n, lo, hi, chk, fn, val, use, what) \
	{ROW(n, lo, hi, chk, use, what), .lower = fn, .value = val},
#define CALL_WORD(n, NODE, use, what) {ROW(n, 1, 1, NULL, use, what), .node = NODE_##NODE},
#include "script/calls.def"
#undef CALL
#undef CALL_INT
#undef CALL_STR
#undef CALL_SHOWN
#undef CALL_BOTH
#undef CALL_WORD
#define AGG(n, KIND, lo, hi, size, fn, use, what) \
	{ROW(n, lo, hi, check_agg, use, what), .agg = AGG_##KIND, .words = size, .observe = fn},
#include "script/aggs.def"
#undef AGG
#undef ROW
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
		if (str_same(words[i], word))
			return true;
	return false;
}

const struct call_row *call_find(const char *name)
{
	if (str_same(name, WATCH_CALL))
		return &watch_row;
	for (const struct call_row *r = call_rows; r->name; r++)
		if (str_same(r->name, name))
			return r;
	return NULL;
}

const struct value_row *value_row_of(const char *name)
{
	for (const struct value_row *r = value_rows; r->name; r++)
		if (str_same(r->name, name))
			return r;
	return NULL;
}
