/*
 * family.c: the processes that belong to the command of -c: itself and what descends from it.
 *
 * In:  family(), or the wish to see the command alone (filter.c). Out: a map of processes, a probe of
 * our own that follows who starts whom, and a look into the map where it is asked. Engines that see
 * nobody else attach no such probe (WAGGLE_FAMILY), and say so in struct waggle_config.
 */
#include "script/lower.h"
#include "script/parse_inner.h"

#include "isa/isa.h"

#define FAMILY_MOST 8192 /* beyond, those that did nothing for long are forgotten */

/* A number that is used again is of another process: who starts it says whose it is. So the end of one
 * need not be noticed: the map forgets what was not asked for long. */
int family_parse(struct script *s, struct probe ***tail)
{
	static const char text[] = "tracepoint:sched:sched_process_fork {"
				   " if (family()) { @" WAGGLE_FAMILY "[args.child_pid] = 1; }"
				   " else if (has_key(@" WAGGLE_FAMILY ", args.child_pid))"
				   " { delete(@" WAGGLE_FAMILY ", args.child_pid); } }";
	struct diag_file *f = vec_add(s->arena, &s->files);
	struct probe **own = *tail;
	int err;

	*f = (struct diag_file){"family()", text, sizeof(text) - 1, false};
	s->diag->files = s->files.v;
	s->diag->nfiles = s->files.n;
	err = parse_source(s, text, sizeof(text) - 1, s->files.n, tail);
	if (!err)
		(*own)->family = true;
	return err;
}

void family_map(struct object_map *m)
{
	m->shown = NULL;
	m->kind = MAP_LRU_HASH;
	m->flags = 0;
	m->max_entries = FAMILY_MOST;
}

static u32 family_map_of(struct lower *l)
{
	u32 i = 0;

	while (strcmp(l->object->maps.v[i].name, WAGGLE_FAMILY) != 0)
		i++;
	return i;
}

/* own: the process's number in our PID namespace, which the command's is of; first: in the machine's
 * first one, which tracepoints tell. */
static u32 is_family(struct lower *l, u32 own, u32 first)
{
	struct ir_fn *fn = l->fn;
	u32 var = ir_var(fn, IRT_I64), look = ir_block(fn), done = ir_block(fn);
	u32 cpid = lower_cpid(l), piece = mem_get(l, 8), known;
	struct mem key = mem_at(l, &l->pieces.v[piece]);

	known = ir_bin(fn, IR_AND, IRT_I64, ir_bin(fn, IR_EQ, IRT_I64, own, cpid),
		       ir_bin(fn, IR_NE, IRT_I64, cpid, ir_const(fn, 0)));
	known = ir_bin(fn, IR_OR, IRT_I64, known,
		       lower_config(l, offsetof(struct waggle_config, all_family)));
	ir_set(fn, var, ir_const(fn, 1));
	ir_br(fn, known, done, look);
	ir_seal(fn, look);
	ir_at(fn, look);
	ir_store(fn, 8, key.ptr, key.off, first);
	ir_set(fn, var,
	       ir_bin(fn, IR_NE, IRT_I64,
		      ir_call(fn, HELPER_map_lookup_elem, IRT_MAPVAL, 2,
			      ir_map(fn, family_map_of(l)), mem_addr(l, key)),
		      ir_const(fn, 0)));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	mem_put(l, piece);
	return ir_get(fn, var);
}

u32 lower_family(struct lower *l)
{
	struct node init = {.kind = NODE_CALL, .value = PID_INIT};

	return is_family(l, lower_pid(l), value_pid(l, &init));
}

u32 value_family(struct lower *l, struct node *n)
{
	u32 task;

	if (!n->a)
		return lower_family(l);
	task = lower_int(l, n->a);
	return is_family(l, lower_process_of(l, task),
			 ir_un(l->fn, IR_ZEXT32, IRT_I64, lower_member(l, task, "task_struct", "tgid")));
}
