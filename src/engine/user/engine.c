/*
 * engine.c: the user engine: opens, attaches, runs, detaches and closes an object.
 *
 * Programs run in our own machine; what happens comes from ptrace(2) and seccomp(2), in a process
 * of its own: see user.h. What is not there is NULL, so that close can be called after any failure.
 */
#include "engine/user/user.h"

#include "engine/config.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <time.h>

#define REAP_LOOKS 10

static struct user_engine *user_of(struct engine *e)
{
	return (struct user_engine *)e;
}

/* ---- maps */

/* Two virtual CPUs are enough, and must be: the object may come from a machine with one. */
static void cpus_set(struct object *o)
{
	struct object_map *m = o->plain ? NULL : object_section(o, SECTION_RODATA);
	struct waggle_config *c = m && m->value_size >= sizeof(*c) ? (void *)m->data : NULL;

	if (c)
		c->cpu_mask = VIRTUAL_CPUS - 1;
}

static int rodata_fill(struct user_engine *u, u32 map)
{
	u8 *data = vm_map_of(u->vm, map)->values;
	struct waggle_config c;

	if (u->base.object->maps.v[map].value_size < sizeof(c))
		return 0;
	config_fill(&c, &u->opts, false);
	c.cpu_mask = VIRTUAL_CPUS - 1;
	memcpy(data, &c, sizeof(c));
	return fills_fill(u->base.object, data, u->base.diag);
}

static void bss_take(struct user_engine *u, u32 map)
{
	const struct object *o = u->base.object;
	const struct object_map *m = &o->maps.v[map];
	size_t counters = sizeof(struct waggle_counters) * CONTROL_CPUS * o->progs.n;

	if (m->value_size < sizeof(struct waggle_control))
		return;
	u->base.control = (void *)vm_map_of(u->vm, map)->values;
	if (m->value_size >= sizeof(struct waggle_control) + counters)
		u->base.counters = (void *)(u->base.control + 1);
}

static int sections_fill(struct user_engine *u)
{
	int err = 0;

	for (u32 i = 0; i < u->base.object->maps.n && !err; i++) {
		const struct object_map *m = &u->base.object->maps.v[i];

		if (m->section == SECTION_RODATA && !u->base.object->plain)
			err = rodata_fill(u, i);
		else if (m->section == SECTION_BSS && !u->base.object->plain)
			bss_take(u, i);
		u->base.map_bytes += (u64)m->max_entries * (m->key_size + m->value_size);
	}
	return err;
}

/* The maps behind the object's own are those that fill its arrays: a ring for each CPU. */
static int rings_open(struct user_engine *u)
{
	struct engine *e = &u->base;
	u32 first = e->object->maps.n;
	struct vm_ring *r;

	e->rings = calloc(VIRTUAL_CPUS, sizeof(*e->rings));
	u->inner = calloc(VIRTUAL_CPUS, sizeof(*u->inner));
	if (!e->rings || !u->inner)
		return -ENOMEM;
	for (u32 i = 0; i < VIRTUAL_CPUS && vm_map_of(u->vm, first + i); i++) {
		struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.u64 = i};

		r = vm_map_ring(vm_map_of(u->vm, first + i));
		if (!r)
			continue;
		r->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (r->eventfd < 0 || epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, r->eventfd, &ev) < 0)
			return -errno;
		u->inner[e->nrings] = first + i;
		e->rings[e->nrings++] = (struct ring){
			.consumer = r->consumer,
			.producer = r->producer,
			.data = r->data,
			.size = r->size,
			.cpu = i,
		};
		e->map_bytes += r->size;
	}
	return 0;
}

/* ---- open and close */

/* It ends with the last task, which may have been a moment ago; or goes on as the guard. */
static void reap(struct user_engine *u)
{
	const struct timespec nap = {.tv_nsec = 100000};

	for (u32 i = 0; u->tracer && i < REAP_LOOKS; i++) {
		if (waitpid(u->tracer, NULL, WNOHANG) == u->tracer)
			u->tracer = 0;
		else
			nanosleep(&nap, NULL);
	}
}

static void engine_close(struct engine *e, bool leave)
{
	struct user_engine *u = user_of(e);

	(void)leave;
	if (u->child)
		__atomic_store_n(&u->child->shared->open, 0, __ATOMIC_SEQ_CST);
	reap(u);
	for (u32 i = 0; i < e->nrings; i++)
		close(vm_map_ring(vm_map_of(u->vm, u->inner[i]))->eventfd);
	vm_run_close(u->run);
	vm_close(u->vm);
	if (u->own_child)
		user_child_close(u->child);
	if (e->epoll_fd >= 0)
		close(e->epoll_fd);
	free(e->rings);
	free(u->inner);
	free(u);
}

static const struct vm_task *self(struct vm_run *run)
{
	struct user_engine *u = run->user;

	if (!u->self.pid)
		info_self(&u->self);
	return &u->self;
}

static int engine_fill(struct user_engine *u)
{
	struct engine *e = &u->base;
	const struct vm_opts opts = {.cpus = VIRTUAL_CPUS, .ring_bytes = u->opts.ring_bytes};
	int err;

	u->host.task = self;
	e->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (e->epoll_fd < 0)
		return diag_fail(e->diag, -errno, NULL, "cannot watch rings: %s", strerror(errno));
	u->child = u->opts.child;
	if (!u->child) {
		u->own_child = true;
		err = user_child_open(&u->child, e->object, e->diag);
		if (err)
			return err;
	}
	cpus_set(e->object);
	err = vm_open(&u->vm, e->object, &opts, e->diag);
	if (!err)
		err = sections_fill(u);
	if (!err)
		err = rings_open(u);
	if (!err)
		err = vm_run_open(&u->run, u->vm, &u->host, u, SESSION_CPU);
	return err;
}

static int engine_open(struct engine **out, struct object *o, const struct engine_opts *opts,
		       struct diag *diag)
{
	struct user_engine *u = calloc(1, sizeof(*u));
	int err;

	*out = NULL;
	if (!u)
		return -ENOMEM;
	u->base = (struct engine){.ops = &user_engine,
				  .object = o,
				  .diag = diag,
				  .epoll_fd = -1,
				  .cpus = VIRTUAL_CPUS};
	u->opts = *opts;
	err = engine_fill(u);
	if (err) {
		engine_close(&u->base, false);
		return err;
	}
	*out = &u->base;
	return 0;
}

/* ---- attach and detach */

static bool needs_tracer(const struct object *o)
{
	vec_each (a, &o->attaches)
		if (attach_infos[a->kind].flags & ATTACH_GATED)
			return true;
	return false;
}

static int engine_attach(struct engine *e)
{
	struct user_engine *u = user_of(e);

	if (!u->opts.cpid && !u->opts.pid)
		return needs_tracer(e->object)
			       ? diag_fail(e->diag, -EINVAL,
					   "-c COMMAND runs one and traces it; -p PID traces one "
					   "that "
					   "runs; root traces the whole machine, with the kernel",
					   "the user engine traces a command or a process")
			       : 0;
	return tracer_start(u);
}

static void engine_go(struct engine *e)
{
	if (e->control)
		__atomic_store_n(&e->control->open, 1, __ATOMIC_RELEASE);
	__atomic_store_n(&user_of(e)->child->shared->open, 1, __ATOMIC_RELEASE);
}

static void tell_taken(struct engine *e, u32 prog)
{
	if (prog)
		diag_note(e->diag,
			  "it is that of a debugger, of perf, or of the kernel's engine: end that "
			  "one "
			  "first",
			  "%s has not seen all: somebody else's breakpoint is there",
			  e->object->progs.v[prog - 1].probe);
}

/* A program that runs in the tracer at this moment is waited for: what it does is there when END
 * looks. */
static void engine_detach(struct engine *e)
{
	struct user_engine *u = user_of(e);
	struct shared *s = u->child ? u->child->shared : NULL;

	if (!s)
		return;
	__atomic_store_n(&s->open, 0, __ATOMIC_SEQ_CST);
	for (u32 i = 0; i < 10000 && __atomic_load_n(&s->busy, __ATOMIC_SEQ_CST); i++)
		sched_yield();
	__atomic_store_n(&s->leave, 1, __ATOMIC_RELEASE);
	if (u->opts.pid)
		tracer_leave(u);
	if (__atomic_exchange_n(&s->faults, 0, __ATOMIC_RELAXED))
		diag_note(e->diag, NULL, "a program was stopped: %s", s->text);
	tell_taken(e, __atomic_exchange_n(&s->taken, 0, __ATOMIC_RELAXED));
}

static int engine_run(struct engine *e, u32 prog)
{
	struct user_engine *u = user_of(e);
	struct buf text = {0};
	u64 result;
	int err = vm_call(u->run, prog, 0, 0, &result);

	if (!err)
		return 0;
	vm_fault_print(&text, u->run);
	diag_fail(e->diag, err, NULL, "%s was stopped: %s", e->object->progs.v[prog].probe,
		  buf_str(&text));
	buf_free(&text);
	return err;
}

/* ---- entries of maps */

static u32 engine_bytes(struct engine *e, u32 map)
{
	const struct vm_map *m = vm_map_of(user_of(e)->vm, map);
	const struct map_kind *kind = map_kind(m->kind);

	return kind && kind->per_cpu ? e->cpus * ALIGN_UP(m->value_size, 8) : m->value_size;
}

static int engine_lookup(struct engine *e, u32 map, const void *key, void *value)
{
	return vm_map_lookup(vm_map_of(user_of(e)->vm, map), key, value);
}

static int engine_update(struct engine *e, u32 map, const void *key, const void *value, u64 flags)
{
	return vm_map_update(vm_map_of(user_of(e)->vm, map), key, value, flags);
}

static int engine_delete(struct engine *e, u32 map, const void *key)
{
	return vm_map_delete(vm_map_of(user_of(e)->vm, map), key);
}

static int engine_next(struct engine *e, u32 map, const void *key, void *next)
{
	return vm_map_next(vm_map_of(user_of(e)->vm, map), key, next);
}

static int engine_read(struct engine *e, u32 map, struct buf *keys, struct buf *values, u32 *n)
{
	struct vm_map *m = vm_map_of(user_of(e)->vm, map);
	u32 bytes = ALIGN_UP(engine_bytes(e, map), 8);
	u8 *last = malloc(MAX(m->key_size, 1u));
	bool any = false;
	int err = last ? 0 : -ENOMEM;

	/* a map that programs change meanwhile may begin again: no end without the bound */
	for (u32 i = 0; !err && i < 2 * m->max_entries; i++) {
		char *key = buf_reserve(keys, m->key_size), *value = buf_reserve(values, bytes);

		err = key && value ? vm_map_next(m, any ? last : NULL, key) : -ENOMEM;
		if (err)
			break;
		memset(value, 0, bytes);
		memcpy(last, key, m->key_size);
		any = true;
		if (vm_map_lookup(m, key, value))
			continue; /* gone meanwhile */
		keys->n += m->key_size;
		values->n += bytes;
		*n += 1;
	}
	free(last);
	return err == -ENOENT ? 0 : err;
}

static s64 engine_recursion(struct engine *e)
{
	(void)e;
	return 0;
}

const struct engine_ops user_engine = {
	.name = "user",
	.child_open = user_child_open,
	.child_prepare = user_child_prepare,
	.child_close = user_child_close,
	.open = engine_open,
	.attach = engine_attach,
	.go = engine_go,
	.detach = engine_detach,
	.run = engine_run,
	.map_bytes = engine_bytes,
	.map_lookup = engine_lookup,
	.map_update = engine_update,
	.map_delete = engine_delete,
	.map_next = engine_next,
	.map_read = engine_read,
	.recursion = engine_recursion,
	.close = engine_close,
};
