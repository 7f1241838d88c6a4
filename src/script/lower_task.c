/*
 * lower_task.c: values about threads and processes, and names of numbers. The rows of values.def
 * and calls.def name these.
 *
 * What the kernel's helpers do not tell is read from its struct task_struct, whose members the
 * target's types give their places.
 */
#include "script/ctype.h"
#include "script/lower.h"

#include "arch/arch.h"
#include "isa/isa.h"

#include <stdio.h>

#define NAMESPACES_MOST 6 /* one in the other; the kernel has 32, people two or three */

/* ---- following pointers of the kernel */

static u32 add(struct lower *l, u32 a, s64 n)
{
	return n ? ir_bin(l->fn, IR_ADD, IRT_I64, a, ir_const(l->fn, n)) : a;
}

static u32 read_kernel(struct lower *l, u32 addr, u32 size)
{
	u32 piece = mem_get(l, 8), value;
	struct mem m = mem_at(l, &l->pieces.v[piece]);

	lower_read(l, SPACE_KERNEL, false, m, ir_const(l->fn, size), addr);
	value = ir_load(l->fn, size, false, m.ptr, m.off);
	mem_put(l, piece);
	return value;
}

/* The address of a member of the struct at `base`: "group_leader.comm" goes through pointers, too.
 * *size: its bytes; 0: this kernel has no such member. */
static u32 member_at(struct lower *l, u32 base, const char *in, const char *path, u32 *size)
{
	const struct aggregate *a = ctype_kernel_struct(l->script, in);
	s64 off = 0;

	for (*size = 0; *path;) {
		u32 bit_off;
		const struct member *m = ctype_part(l->script, a, &path, &bit_off);

		if (!m) {
			*size = 0;
			return ir_const(l->fn, 0);
		}
		off += bit_off / 8;
		*size = m->type.size;
		a = m->type.kind == TYPE_STRUCT ? m->type.fields : NULL;
		if (*path && m->type.is_pointer && m->type.of && m->type.of->kind == TYPE_STRUCT) {
			base = read_kernel(l, add(l, base, off), 8);
			a = m->type.of->fields;
			off = 0;
		}
	}
	return add(l, base, off);
}

u32 lower_member(struct lower *l, u32 base, const char *in, const char *path)
{
	u32 size, at = member_at(l, base, in, path, &size);

	return size ? read_kernel(l, at, MIN(size, 8)) : at;
}

/* The running thread. Of this helper the user engine knows what the values here ask for. */
static u32 current_task(struct lower *l)
{
	bool typed = l->object->kernel >= KERNEL(5, 11);

	return ir_call(l->fn, typed ? HELPER_get_current_task_btf : HELPER_get_current_task,
		       IRT_I64, 0);
}

static u32 task_of(struct lower *l, struct node *n)
{
	return n->kind == NODE_CALL && n->a ? lower_int(l, n->a) : current_task(l);
}

/* ---- PID namespaces */

/* Calls what `found` says for the numbers that a struct pid has in each namespace, until it is our
 * own; var becomes what it gives. */
struct own {
	u32 nr, ns; /* variables: the number there; the namespace */
};

static struct own own_number(struct lower *l, u32 pid)
{
	struct ir_fn *fn = l->fn;
	struct own own = {ir_var(fn, IRT_I64), ir_var(fn, IRT_I64)};
	const struct aggregate *upid = ctype_kernel_struct(l->script, "upid");
	u32 step = upid ? upid->size : 16, done = ir_block(fn), size, level, ino;
	u32 numbers = member_at(l, pid, "pid", "numbers", &size);

	ir_set(fn, own.nr, ir_const(fn, 0));
	ir_set(fn, own.ns, ir_const(fn, 0));
	level = ir_un(fn, IR_ZEXT32, IRT_I64, lower_member(l, pid, "pid", "level"));
	ino = lower_pidns(l);
	for (u32 i = 0; i < NAMESPACES_MOST; i++) {
		u32 there = ir_block(fn), ours = ir_block(fn), next = ir_block(fn), ns, at;

		ir_br(fn, ir_bin(fn, IR_ULE, IRT_I64, ir_const(fn, i), level), there, done);
		ir_seal(fn, there);
		ir_at(fn, there);
		at = add(l, numbers, i * step);
		ns = lower_member(l, at, "upid", "ns");
		/* the machine's first one is called 0, and is the first */
		ir_br(fn, ir_bin(fn, IR_EQ, IRT_I64, ino, ir_const(fn, 0)), ours, next);
		ir_seal(fn, next);
		ir_at(fn, next);
		next = ir_block(fn);
		ir_br(fn,
		      ir_bin(fn, IR_EQ, IRT_I64, ino,
			     ir_un(fn, IR_ZEXT32, IRT_I64,
				   lower_member(l, ns, "pid_namespace", "ns.inum"))),
		      ours, next);
		ir_seal(fn, ours);
		ir_at(fn, ours);
		ir_set(fn, own.nr, lower_member(l, at, "upid", "nr"));
		ir_set(fn, own.ns, ns);
		ir_jmp(fn, done);
		ir_seal(fn, next);
		ir_at(fn, next);
	}
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	return own;
}

/* The number of a thread, in our own PID namespace; 0: it is not in there. */
static u32 thread_number(struct lower *l, u32 task)
{
	struct ir_fn *fn = l->fn;
	u32 inside = ir_block(fn), outside = ir_block(fn), done = ir_block(fn);
	u32 var = ir_var(fn, IRT_I64);
	u32 ino = lower_pidns(l);
	struct memo memo = l->memo;

	ir_br(fn, ir_bin(fn, IR_EQ, IRT_I64, ino, ir_const(fn, 0)), outside, inside);
	ir_seal(fn, inside);
	ir_seal(fn, outside);
	ir_at(fn, outside);
	ir_set(fn, var, lower_member(l, task, "task_struct", "pid"));
	ir_jmp(fn, done);
	l->memo = memo;
	ir_at(fn, inside);
	ir_set(fn, var,
	       ir_get(fn, own_number(l, lower_member(l, task, "task_struct", "thread_pid")).nr));
	ir_jmp(fn, done);
	l->memo = memo;
	ir_seal(fn, done);
	ir_at(fn, done);
	return ir_get(fn, var);
}

/* ---- numbers */

u32 value_ppid(struct lower *l, struct node *n)
{
	return thread_number(
		l, lower_member(l, lower_member(l, task_of(l, n), "task_struct", "real_parent"),
				"task_struct", "group_leader"));
}

u32 lower_ppid(struct lower *l)
{
	struct node bare = {.kind = NODE_NAME};

	return value_ppid(l, &bare);
}

u32 lower_leader_tid(struct lower *l)
{
	return lower_process_of(l, current_task(l));
}

static u32 pid_tgid(struct lower *l)
{
	return ir_call(l->fn, HELPER_get_current_pid_tgid, IRT_I64, 0);
}

u32 lower_process_of(struct lower *l, u32 task)
{
	return thread_number(l, lower_member(l, task, "task_struct", "group_leader"));
}

u32 value_pid(struct lower *l, struct node *n)
{
	if (n->value == PID_OF_TASK)
		return lower_process_of(l, lower_int(l, n->a));
	return n->value == PID_INIT
		       ? ir_bin(l->fn, IR_SHR, IRT_I64, pid_tgid(l), ir_const(l->fn, 32))
		       : lower_pid(l);
}

u32 value_tid(struct lower *l, struct node *n)
{
	if (n->value == PID_OF_TASK)
		return thread_number(l, lower_int(l, n->a));
	return n->value == PID_INIT ? ir_un(l->fn, IR_ZEXT32, IRT_I64, pid_tgid(l)) : lower_tid(l);
}

u32 lower_has_cpid(struct lower *l)
{
	return ir_bin(l->fn, IR_NE, IRT_I64, lower_cpid(l), ir_const(l->fn, 0));
}

/* ---- names of processes */

static u32 comm_of(struct lower *l, u32 task, struct mem to, struct room room)
{
	u32 size, at = member_at(l, task, "task_struct", "comm", &size);

	return lower_read(l, SPACE_KERNEL, true, to, ir_const(l->fn, MIN(room.bytes, 16)), at);
}

u32 text_pcomm(struct lower *l, struct node *n, struct mem to, struct room room)
{
	return comm_of(l, lower_member(l, task_of(l, n), "task_struct", "group_leader"), to, room);
}

/* The kernel finds a number by a tree with 64 branches at each node: bits of a pointer to one
 * are 10. */
static u32 find_number(struct lower *l, u32 ns, u32 number)
{
	struct ir_fn *fn = l->fn;
	u32 entry = ir_var(fn, IRT_I64), done = ir_block(fn), size;

	ir_set(fn, entry, lower_member(l, ns, "pid_namespace", "idr.idr_rt.xa_head"));
	for (u32 i = 0; i < 6; i++) {
		u32 inner = ir_block(fn), inside = ir_block(fn), outside = ir_block(fn), e, node,
		    at, slot;

		e = ir_get(fn, entry);
		ir_br(fn,
		      ir_bin(fn, IR_EQ, IRT_I64, ir_bin(fn, IR_AND, IRT_I64, e, ir_const(fn, 3)),
			     ir_const(fn, 2)),
		      inner, done);
		ir_seal(fn, inner);
		ir_at(fn, inner);
		node = add(l, e, -2);
		slot = ir_bin(fn, IR_SHR, IRT_I64, number,
			      lower_member(l, node, "xa_node", "shift"));
		if (!i) /* the first one may not reach as far; of the others the lowest bits count
			 */
			ir_br(fn, ir_bin(fn, IR_ULT, IRT_I64, slot, ir_const(fn, 64)), inside,
			      outside);
		else
			ir_jmp(fn, inside);
		ir_seal(fn, outside);
		if (!i) {
			ir_at(fn, outside);
			ir_set(fn, entry, ir_const(fn, 0));
			ir_jmp(fn, done);
		}
		ir_seal(fn, inside);
		ir_at(fn, inside);
		slot = ir_bin(fn, IR_SHL, IRT_I64,
			      ir_bin(fn, IR_AND, IRT_I64, slot, ir_const(fn, 63)), ir_const(fn, 3));
		at = member_at(l, node, "xa_node", "slots", &size);
		ir_set(fn, entry, read_kernel(l, ir_bin(fn, IR_ADD, IRT_I64, at, slot), 8));
	}
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	return ir_get(fn, entry);
}

/* comm(PID): the process of that number, seen from the namespaces of the running one. */
u32 text_comm_of(struct lower *l, struct node *n, struct mem to, struct room room)
{
	struct ir_fn *fn = l->fn;
	u32 size, task, off, pid;
	struct own own;

	if (!n->a)
		return text_comm(l, n, to, room);
	task = ir_call(fn, HELPER_get_current_task, IRT_I64, 0);
	own = own_number(l, lower_member(l, task, "task_struct", "thread_pid"));
	pid = find_number(l, ir_get(fn, own.ns), ir_un(fn, IR_ZEXT32, IRT_I64, lower_int(l, n->a)));
	pid = lower_member(l, pid, "pid", "tasks");
	off = member_at(l, ir_const(fn, 0), "task_struct", "pid_links", &size);
	return comm_of(l, ir_bin(fn, IR_SUB, IRT_I64, pid, off), to, room);
}

void store_username(struct lower *l, struct node *n, struct mem to)
{
	(void)n;
	ir_store(l->fn, 8, to.ptr, to.off, lower_uid(l));
}

/* ---- names of numbers: a table in .rodata, its last row for all that have none */

static const char *call_name(const struct lower *l, u32 i)
{
	return arch_call_name(arch_find(l->script->target->arch), i);
}

static const char *signal_name(const struct lower *l, u32 i)
{
	const char *name = i < 32 ? sigabbrev_np((int)i) : NULL;

	return name ? arena_printf(l->script->arena, "SIG%s", name) : NULL;
}

/* A table at the end of .rodata: where it begins. */
static u32 names_table(struct lower *l, u32 count, u32 width,
		       const char *(*name)(const struct lower *, u32))
{
	u32 at = rodata_add(l, (count + 1) * width);
	char *to = (char *)l->object->maps.v[l->rodata].data + at;

	for (u32 i = 0; i <= count; i++) {
		const char *text = i < count ? name(l, i) : NULL;

		text = text ? text : "unknown";
		memcpy(to + (size_t)i * width, text, strnlen(text, width - 1));
	}
	return at;
}

static u32 name_of(struct lower *l, struct node *n, u32 table, u32 count, u32 width, struct mem to,
		   struct room room)
{
	struct ir_fn *fn = l->fn;
	u32 index = ir_var(fn, IRT_I64), known = ir_block(fn), done = ir_block(fn), i;

	i = lower_int(l, n->a);
	ir_set(fn, index, ir_const(fn, count));
	ir_br(fn, ir_bin(fn, IR_ULT, IRT_I64, i, ir_const(fn, count)), known, done);
	ir_seal(fn, known);
	ir_at(fn, known);
	ir_set(fn, index, i);
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	i = ir_bin(fn, IR_MUL, IRT_I64, ir_get(fn, index), ir_const(fn, width));
	return ir_call(fn, HELPER_probe_read_kernel_str, IRT_I64, 3, mem_addr(l, to),
		       room_value(l, room_most(l, room, width)),
		       ir_bin(fn, IR_ADD, IRT_DATA, ir_data(fn, l->rodata, table), i));
}

u32 text_syscall_name(struct lower *l, struct node *n, struct mem to, struct room room)
{
	const u32 count = 512, width = 32;

	if (!l->call_names)
		l->call_names = names_table(l, count, width, call_name);
	return name_of(l, n, l->call_names, count, width, to, room);
}

u32 text_signal_name(struct lower *l, struct node *n, struct mem to, struct room room)
{
	const u32 count = 32, width = 16;

	if (!l->signal_names)
		l->signal_names = names_table(l, count, width, signal_name);
	return name_of(l, n, l->signal_names, count, width, to, room);
}

static const char *message(const struct lower *l, u32 i)
{
	const char *text = strerrordesc_np((int)i);

	(void)l;
	return text ? text : "Unknown error";
}

u32 text_strerror(struct lower *l, struct node *n, struct mem to, struct room room)
{
	const u32 count = 134;

	if (!l->messages)
		l->messages = names_table(l, count, MESSAGE_BYTES, message);
	return name_of(l, n, l->messages, count, MESSAGE_BYTES, to, room);
}

static const char *capability_name(const struct lower *l, u32 i)
{
	static const char *const names[] = {
#define CAPABILITY(name) "CAP_" #name,
#include "script/capabilities.def"
#undef CAPABILITY
	};

	(void)l;
	return i < ARRAY_SIZE(names) ? names[i] : NULL;
}

u32 text_capability_name(struct lower *l, struct node *n, struct mem to, struct room room)
{
	const u32 count = 64, width = 32;

	if (!l->capability_names)
		l->capability_names = names_table(l, count, width, capability_name);
	return name_of(l, n, l->capability_names, count, width, to, room);
}
