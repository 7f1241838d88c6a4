/*
 * lower_action.c: what a script asks user space to do: printf, emit, print, clear, exit and their
 * kin.
 *
 * In:  calls of these functions. Out: for each a record (lower_record.c) and the action that
 * belongs to it: what the reader does when it comes to the record.
 */
#include "script/lower.h"

#include "isa/isa.h"

void lower_printf(struct lower *l, struct node *n)
{
	struct action a = {.kind = ACTION_PRINTF, .text = n->a->text};

	if (l->point->pinned)
		lower_seq_printf(l, n);
	else
		lower_record(l, "printf", &a, VIEW_LINES, n->a->next);
}

void lower_cat(struct lower *l, struct node *n)
{
	struct action a = {
		.kind = ACTION_CAT, .text = n->a->text, .top = l->script->limits.cat_most};

	lower_record(l, "cat", &a, VIEW_LINES, n->a->next);
}

void lower_system(struct lower *l, struct node *n)
{
	struct action a = {.kind = ACTION_SYSTEM, .text = n->a->text};

	lower_record(l, "syscall", &a, VIEW_LINES, n->a->next); /* bpftrace's name for it */
}

void lower_time(struct lower *l, struct node *n)
{
	struct action a = {.kind = ACTION_TIME, .text = n->a ? n->a->text : "%H:%M:%S\n"};

	lower_record(l, "time", &a, VIEW_LINES, NULL);
}

void lower_emit(struct lower *l, struct node *n)
{
	struct action a = {.kind = ACTION_EMIT};

	lower_record(l, "emit", &a, VIEW_TABLE, n->a);
}

static void lower_map_action(struct lower *l, struct node *n, const char *name, u8 kind)
{
	struct node *top = n->a->next;
	struct action a = {.kind = kind, .map = n->a->map->index};

	if (top)
		a.top = (u32)MIN(top->value, UINT32_MAX);
	if (top && top->next)
		a.div = (u32)MIN(top->next->value, UINT32_MAX);
	if (top && top->next && top->next->next)
		a.text = arena_printf(&l->object->arena, "m%u",
				      top->next->next->map->index);
	lower_record(l, name, &a, VIEW_LINES, NULL);
}

/* One entry, as its map would be printed: the record has its key. */
static void lower_entry(struct lower *l, struct node *map)
{
	static const struct call_row row = {.name = "key", .store = store_map_key};
	struct action a = {.kind = ACTION_PRINT_MAP, .map = map->map->index};
	struct node key = {.kind = NODE_CALL, .call = &row, .a = map, .text = "key"};

	key.type = TYPE_SHOWN_OF(FIELD_BYTES, l->object->maps.v[a.map].key_size);
	lower_record(l, "print", &a, VIEW_LINES, &key);
}

void lower_print(struct lower *l, struct node *n)
{
	struct action a = {.kind = ACTION_PRINT_VALUE};

	if (n->a->kind == NODE_MAP && n->a->type.kind == TYPE_AGG && n->a->a)
		lower_entry(l, n->a);
	else if (n->a->kind == NODE_MAP && !n->a->a)
		lower_map_action(l, n, "print", ACTION_PRINT_MAP);
	else
		lower_record(l, "value", &a, VIEW_LINES, n->a);
}

void lower_clear(struct lower *l, struct node *n)
{
	lower_map_action(l, n, "clear", ACTION_CLEAR_MAP);
}

void lower_zero(struct lower *l, struct node *n)
{
	lower_map_action(l, n, "zero", ACTION_ZERO_MAP);
}

void lower_exit(struct lower *l, struct node *n)
{
	struct action a = {.kind = ACTION_EXIT};

	lower_set_exit(l, EXIT_CALLED);
	lower_record(l, "exit", &a, VIEW_LINES, n->a);
	lower_return(l);
}

/* ---- watchpoints: in the command of -c or the process of -p, which waits */

void lower_watch(struct lower *l, struct node *n)
{
	bool stop = !strcmp(l->point->watched->row->name, "watchpoint");
	struct action a = {
		.kind = ACTION_WATCH, .text = stop ? "stop" : "go", .top = l->point->watched->prog};
	u32 ours = ir_block(l->fn), leave = ir_block(l->fn);

	ir_br(l->fn,
	      ir_bin(l->fn, IR_EQ, IRT_I64, lower_pid(l),
		     l->opts->pid ? ir_const(l->fn, l->opts->pid) : lower_cpid(l)),
	      ours, leave);
	ir_seal(l->fn, leave);
	ir_at(l->fn, leave);
	lower_return(l);
	ir_seal(l->fn, ours);
	ir_at(l->fn, ours);
	lower_record(l, "watch", &a, VIEW_LINES, n->a);
	if (stop)
		ir_call(l->fn, HELPER_send_signal, IRT_I64, 1, ir_const(l->fn, 19)); /* SIGSTOP */
}

void lower_unwatch(struct lower *l, struct node *n)
{
	struct action a = {.kind = ACTION_UNWATCH, .text = ""};

	lower_record(l, "unwatch", &a, VIEW_LINES, n->a);
}
