/*
 * check_task.c: how values and functions may be used that are about threads, processes and their
 * names. The rows of values.def and calls.def name these; lower_task.c makes code of them.
 */
#include "script/check.h"
#include "script/ctype.h"

/* They are read from the kernel's struct task_struct, so its types must be known. */
static void demand_types(struct checker *c, struct node *n)
{
	if (!ctype_kernel_pointer(c->script, "task_struct").of)
		check_fail(c, n, "the kernel's own types (BTF) say where it is",
			   "%s cannot be found on this kernel", n->text);
}

void check_task_value(struct checker *c, struct node *n)
{
	demand_types(c, n);
}

/* The thread that is meant: the argument, or the running one. */
static bool check_task_arg(struct checker *c, struct node *n)
{
	const struct type *of;

	demand_types(c, n);
	if (!n->a || !check_int(c, n->a, n->text))
		return !n->a;
	of = n->a->type.of;
	if (n->a->type.is_pointer && of && of->kind == TYPE_STRUCT &&
	    str_same(of->fields->name, "task_struct"))
		return true;
	check_fail(c, n->a, "curtask is one; others are cast: (struct task_struct *)x",
		   "%s() takes a struct task_struct *, not %s", n->text, TYPE_A(n->a->type));
	return false;
}

void check_ppid(struct checker *c, struct node *n)
{
	check_task_arg(c, n);
	n->type = TYPE_U32;
}

void check_family(struct checker *c, struct node *n)
{
	bool good = !n->a || check_task_arg(c, n);

	n->type = TYPE_BOOL;
	if (good && c->script->no_command)
		check_known(n, false);
}

void check_pcomm(struct checker *c, struct node *n)
{
	check_task_arg(c, n);
	n->type = type_str(16);
}

void check_comm(struct checker *c, struct node *n)
{
	n->type = type_str(16);
	if (!n->a)
		return;
	demand_types(c, n);
	check_int(c, n->a, "comm()");
}

/* pid(init): as the machine's first PID namespace numbers it; pid(task): of another thread. */
void check_pid(struct checker *c, struct node *n)
{
	n->type = TYPE_U32;
	if (!n->a)
		return;
	if (n->a->kind == NODE_NAME && !strcmp(n->a->text, "curr_ns"))
		n->value = PID_OWN;
	else if (n->a->kind == NODE_NAME && !strcmp(n->a->text, "init"))
		n->value = PID_INIT;
	else if (n->a->kind == NODE_NAME && strcmp(n->a->text, "curtask") != 0)
		check_fail(c, n->a,
			   "pid(curr_ns), pid(init), or pid(task) with a struct task_struct *",
			   "there is no PID namespace '%s'", n->a->text);
	else {
		n->value = PID_OF_TASK;
		check_task_arg(c, n);
	}
}

void check_number_name(struct checker *c, struct node *n)
{
	check_int(c, n->a, n->text);
	n->type = type_str(32);
}

void check_cgroup_path(struct checker *c, struct node *n)
{
	const struct node *filter = n->a->next;

	n->type = TYPE_SHOWN_OF(FIELD_CGROUP, 8);
	n->type.text = "*";
	check_int(c, n->a, "cgroup_path()");
	if (filter && filter->kind != NODE_STR)
		check_fail(c, filter, "cgroup_path(cgroup, \"unified\")",
			   "the hierarchies must be a string constant");
	else if (filter)
		n->type.text = filter->text;
}
