/*
 * parse_container.c: `container` in lists: of which container a process is, where --container asks
 * for it; else nothing stands there.
 *
 * In:  the parts of a key, fields, columns or a tuple, as they were parsed. Out: `container` became
 * two of them, nodename and cgroup: the name of the host that the process sees (its UTS namespace),
 * and the number of its cgroup. container(task) is that of another task, container(a, b) are two
 * values that were kept.
 */
#include "script/parse_inner.h"

static struct node *named(struct parser *p, const char *name, struct node *value)
{
	struct node *n = parse_node(p, NODE_NAMED, value->at);

	n->text = name;
	n->a = value;
	return n;
}

static struct node *name(struct parser *p, const char *text, struct loc at)
{
	struct node *n = parse_node(p, NODE_NAME, at);

	n->text = text;
	return n;
}

/* of->a->b->c, the members' names up to NULL */
static struct node *members(struct parser *p, struct node *of, const char *const *path)
{
	for (; *path; path++) {
		struct node *n = parse_node(p, NODE_FIELD, of->at);

		n->text = *path;
		n->a = of;
		of = n;
	}
	return of;
}

static struct node *nodename_of(struct parser *p, struct node *task)
{
	static const char *const path[] = {"nsproxy", "uts_ns", "name", "nodename", NULL};
	struct node *n = parse_node(p, NODE_CALL, task->at);

	n->text = "str";
	n->call = call_find(n->text);
	n->a = members(p, task, path);
	n->a->next = parse_node(p, NODE_INT, task->at);
	n->a->next->value = NODENAME_SIZE - 1;
	return n;
}

static struct node *cgroup_of(struct parser *p, struct node *task)
{
	static const char *const path[] = {"cgroups", "dfl_cgrp", "kn", "id", NULL};

	return members(p, task, path);
}

/* Both values of it, the first one's next is the second. */
static struct node *values_of(struct parser *p, struct node *n, enum container_list list)
{
	struct node *task = n->kind == NODE_CALL ? n->a : NULL, *first, *second;

	if (list == CONTAINER_COLUMNS) {
		first = name(p, "nodename", n->at);
		second = name(p, "cgroup", n->at);
	} else if (task && task->next) {
		first = task;
		second = task->next;
		task->next = NULL;
	} else if (task) {
		first = nodename_of(p, task);
		second = script_copy(p->script, task);
		if (!second) {
			p->failed = true;
			return NULL;
		}
		second = cgroup_of(p, second);
	} else {
		first = nodename_of(p, name(p, "curtask", n->at));
		second = name(p, "cgroup", n->at);
	}
	if (list == CONTAINER_NAMED) {
		first = named(p, "nodename", first);
		second = named(p, "cgroup", second);
	}
	first->next = second;
	return first;
}

struct node *parse_containers(struct parser *p, struct node *first, enum container_list list)
{
	for (struct node **at = &first; *at;) {
		struct node *n = *at;

		if ((n->kind != NODE_NAME && n->kind != NODE_CALL) ||
		    !str_same(n->text, "container")) {
			at = &n->next;
			continue;
		}
		if (!p->script->containers) {
			*at = n->next;
			continue;
		}
		if (n->a && n->a->next && n->a->next->next)
			return parse_fail(p, n->at, "container(task), container(name, cgroup)",
					  "container() takes two values at most");
		*at = values_of(p, n, list);
		if (p->failed)
			return NULL;
		(*at)->next->next = n->next;
		at = &(*at)->next->next;
	}
	return first;
}
