/* rows.h: all rows of all tables of the language, for help and for the proof that each is tested.
 */
#ifndef SCRIPT_ROWS_H
#define SCRIPT_ROWS_H

/* kind: "probe", "value", "function", "aggregation", "type", "operator", "statement", "config".
 * name: what the row is called; alias: what else, or NULL; usage: how it is written. */
struct language_row {
	const char *kind, *name, *alias, *usage, *doc;
};
void script_rows(void (*fn)(void *user, const struct language_row *), void *user);

#endif
