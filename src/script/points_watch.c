/*
 * points_watch.c: watchpoints: memory that is read, written or executed.
 *
 * In: "watchpoint:0x10000000:8:rw", "watchpoint:FUNCTION+arg1:4:w".
 * Out: a point with an address and a mode. Of the second form two: the watchpoint, which has no
 * address yet, and a uprobe at the function, whose program tells the session where to put it: its
 * statement is a call that no source can spell.
 */
#include "script/check.h"

#include <errno.h>
#include <stdlib.h>

static int not_written(struct script *s, const struct probe_row *row, struct probe_spec *spec)
{
	return diag_error(
		s->diag, spec->at,
		"it is written watchpoint:0x10000000:8:rw or watchpoint:FUNCTION+arg0:8:w",
		"'%s' is not a probe of kind %s", spec->text, row->name);
}

/* "rw": 0 and a message, or the mode. */
static u32 parse_mode(struct script *s, struct probe_spec *spec, const char *text)
{
	static const char letters[] = "rwx";
	u32 mode = 0;

	for (const char *p = text; *p; p++) {
		const char *at = strchr(letters, *p);
		u32 bit = at ? 1u << (at - letters) : 0;

		if (!bit || mode & bit) {
			diag_error(s->diag, spec->at, "r, w and x: rw",
				   "'%s' is no way to watch memory", text);
			return 0;
		}
		mode |= bit;
	}
	if (mode == WATCH_READ)
		diag_error(s->diag, spec->at, "rw watches reads and writes",
			   "the processor cannot watch reads alone");
	else if (!mode || (mode & WATCH_EXECUTE && mode != WATCH_EXECUTE))
		diag_error(s->diag, spec->at, "w, rw or x",
			   mode ? "execution is watched alone" : "what is to be watched for?");
	else
		return mode;
	return 0;
}

static int parse_length(struct script *s, struct probe_spec *spec, const char *text, u64 *out)
{
	char *end;

	*out = strtoull(text, &end, 0);
	if (*text < '0' || *text > '9' || *end ||
	    (*out != 1 && *out != 2 && *out != 4 && *out != 8))
		return diag_error(s->diag, spec->at, NULL,
				  "1, 2, 4 or 8 bytes can be watched, not '%s'", text);
	return 0;
}

/* ---- an address that a function gets */

static struct node *new_node(struct script *s, u8 kind, const char *text, struct loc at)
{
	struct node *n = arena_new(s->arena, struct node);

	n->kind = kind;
	n->text = text;
	n->at = at;
	return n;
}

/* A probe whose only statement sets a watchpoint at argN. */
static struct probe *setter(struct script *s, struct probe_spec *spec, const char *arg)
{
	struct probe *p = arena_new(s->arena, struct probe);

	p->specs = spec;
	p->at = spec->at;
	p->body = new_node(s, NODE_BLOCK, NULL, spec->at);
	p->body->a = new_node(s, NODE_CALL, WATCH_CALL, spec->at);
	p->body->a->a = new_node(s, NODE_NAME, arg, spec->at);
	p->body->a->a->next = new_node(s, NODE_NAME, "pid", spec->at);
	return p;
}

static void check_watch(struct checker *c, struct node *n)
{
	check_int(c, n->a, "a watchpoint");
	check_int(c, n->a->next, "a watchpoint");
}

const struct call_row watch_row = {
	.name = WATCH_CALL, .least = 2, .most = 2, .check = check_watch, .lower = lower_watch};

void check_unwatch(struct checker *c, struct node *n)
{
	check_int(c, n->a, "unwatch()");
}

static const struct probe_row *uprobe_row(void)
{
	const struct probe_row *r = probe_rows;

	while (r->attach != ATTACH_UPROBE)
		r++;
	return r;
}

/* The functions are those of the program that is run or watched. */
static int at_function(struct script *s, struct probe_spec *spec, struct point *watched,
		       const char *function, const char *arg, struct point ***tail)
{
	char *file = s->pid ? arena_printf(s->arena, "/proc/%u/exe:%s", s->pid, function)
			    : arena_printf(s->arena, "%s:%s", s->command, function);
	struct point **first = *tail;
	int err = points_uprobe(s, uprobe_row(), setter(s, spec, arg), spec, &file, tail);

	for (struct point *p = err ? NULL : *first; p; p = p->next) {
		p->watched = watched;
		p->leader = NULL; /* each program may see its function's arguments elsewhere */
	}
	return err;
}

int points_watch(struct script *s, const struct probe_row *row, struct probe *probe,
		 struct probe_spec *spec, char **parts, struct point ***tail)
{
	char *what = parts[0], *mode = strrchr(what, ':'), *length, *arg, *end;
	struct point *p;
	u64 addr, bytes;
	u32 bits;

	if (!mode)
		return not_written(s, row, spec);
	*mode++ = 0;
	length = strrchr(what, ':');
	if (!length || !*what)
		return not_written(s, row, spec);
	*length++ = 0;
	if (parse_length(s, spec, length, &bytes))
		return -EINVAL;
	bits = parse_mode(s, spec, mode);
	if (!bits)
		return -EINVAL;
	arg = strstr(what, "+arg");
	addr = strtoull(what, &end, 0);
	if (!arg && (*end || *what < '0' || *what > '9'))
		return not_written(s, row, spec);
	if (!arg && (!addr || addr % bytes))
		return diag_error(s->diag, spec->at, NULL,
				  "%llu bytes cannot be watched at 0x%llx: "
				  "the address must be a multiple of that",
				  (unsigned long long)bytes, (unsigned long long)addr);
	if (arg && !s->pid && !s->command)
		return diag_error(s->diag, spec->at, "give a process (-p) or a command (-c)",
				  "in which program is '%s'?", what);
	p = point_add(s, row, probe, spec, tail);
	p->off = arg ? 0 : addr;
	p->count = (bits == WATCH_EXECUTE ? 8 : bytes) | (u64)bits << 8;
	if (!arg)
		return 0;
	*arg++ = 0;
	return at_function(s, spec, p, what, arg, tail);
}
