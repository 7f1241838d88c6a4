/*
 * engine.c: the user engine: opens, attaches, runs, detaches and closes an object.
 *
 * Programs run in our own machine; what happens comes from ptrace(2) and seccomp(2), in a process
 * of its own: see user.h. What is not there is NULL, so that close can be called after any failure.
 */
#include "engine/raw.h"
#include "engine/user/user.h"

#include "engine/config.h"
#include "engine/own.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <time.h>

#define REAP_LOOKS 10
#define NAP_US     16000 /* the reader may take the CPU from a command that makes few records */

static struct user_engine *user_of(struct engine *e)
{
	return (struct user_engine *)e;
}

/* ---- maps */

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

/* The rings and perf event arrays that programs of another compiler have. */
static int raw_open(struct user_engine *u)
{
	struct engine *e = &u->base;

	for (u32 i = 0; u->opts.records && e->object->plain && i < e->object->maps.n; i++) {
		struct vm_ring *r = vm_map_ring(vm_map_of(u->vm, i));
		struct epoll_event ev = {.events = EPOLLIN | EPOLLET};
		struct raw_ring *raw;
		int err = vm_map_of(u->vm, i)->kind == MAP_PERF_EVENT_ARRAY ? perf_open(e, i) : 0;

		if (err)
			return err;
		if (!r)
			continue;
		raw = raw_new(e, i, 0);
		if (!raw)
			return -ENOMEM;
		raw->ring = (struct ring){r->consumer, r->producer, r->data, r->size, 0};
		raw->event = r->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (r->eventfd < 0 || epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, r->eventfd, &ev) < 0)
			return -errno;
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
	for (u32 i = 0; i < e->nraw; i++) {
		close(e->raw[i].event);
		perf_close(&e->raw[i]);
	}
	free(e->raw);
	vm_run_close(u->run);
	vm_close(u->vm);
	if (u->own_child)
		user_child_close(u->child);
	if (e->epoll_fd >= 0)
		close(e->epoll_fd);
	if (e->alone)
		close(e->alone);
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
	own_cpus_set(e->object, VIRTUAL_CPUS);
	err = vm_open(&u->vm, e->object, &opts, e->diag);
	e->vm = u->vm;
	e->nap_us = NAP_US;
	if (!err)
		err = own_sections_fill(e, &u->opts, VIRTUAL_CPUS);
	if (!err)
		err = rings_open(u);
	if (!err)
		err = raw_open(u);
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

static int engine_attach(struct engine *e)
{
	struct user_engine *u = user_of(e);

	if (!u->opts.cpid && !u->opts.pid)
		return own_needs_process(e->object)
			       ? diag_fail(e->diag, -EINVAL,
					   "-c COMMAND, of a tool -- COMMAND, runs one and "
					   "traces it; -p PID traces one that runs; root traces "
					   "the whole machine, with the kernel",
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
	OWN_MAPS,
	.close = engine_close,
};
