/*
 * engine.c: the in-process engine: opens, attaches, runs, detaches and closes an object.
 *
 * The machine is made by the agent's code in the shared file; from then on maps are read and
 * written from here as those of any machine. Programs of the session itself (BEGIN, END,
 * intervals) run by the agent's code, too, on virtual CPU 0.
 */
#include "engine/inprocess/inprocess.h"

#include "engine/config.h"
#include "engine/inprocess/agent/agent.h"
#include "engine/own.h"
#include "vm/inside.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <time.h>

/* While the reader sleeps an agent may fill its ring: an event takes it less than a microsecond. */
#define NAP_US 4000

static struct inprocess *inprocess_of(struct engine *e)
{
	return (struct inprocess *)e;
}

static int rings_open(struct inprocess *p)
{
	struct engine *e = &p->user.base;
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET};
	u32 first = e->object->maps.n;

	e->rings = calloc(AGENT_CPUS, sizeof(*e->rings));
	if (!e->rings)
		return -ENOMEM;
	p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->wake < 0 || epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, p->wake, &ev) < 0)
		return -errno;
	for (u32 i = 0; i < AGENT_CPUS && vm_map_of(p->user.vm, first + i); i++) {
		const struct vm_ring *r = vm_map_ring(vm_map_of(p->user.vm, first + i));

		if (!r)
			continue;
		agent_control->rings = first;
		e->rings[e->nrings++] = (struct ring){.consumer = r->consumer,
						      .producer = r->producer,
						      .data = r->data,
						      .size = r->size,
						      .cpu = i};
		e->map_bytes += r->size;
	}
	return 0;
}

/* ---- what agents must know of the plan */

static u32 rows_copy(const struct plan_list *l, u32 *n)
{
	struct agent_row *rows = agent_control->rows;
	u32 first = *n + 1;

	if (!l->first)
		return 0;
	for (const struct plan_row *r = l->first; r; r = r->next) {
		rows[*n] = (struct agent_row){.prog = r->attach->prog,
					      .cookie = r->attach->cookie,
					      .next = r->next ? *n + 2 : 0};
		*n += 1;
	}
	return first;
}

static int plan_copy(struct inprocess *p)
{
	struct agent_shared *c = agent_control;
	const struct plan *plan = &p->child->plan;
	u32 n = 0;

	c->rows =
		agent_api->memory((p->user.base.object->attaches.n + 1) * sizeof(*c->rows), false);
	if (!c->rows)
		return -ENOMEM;
	for (u32 i = 0; i < AGENT_CALLS; i++) {
		c->enter[i] = rows_copy(&plan->enter[i], &n);
		c->exit[i] = rows_copy(&plan->exit[i], &n);
	}
	c->all_enter = rows_copy(&plan->all_enter, &n);
	c->all_exit = rows_copy(&plan->all_exit, &n);
	c->needs_comm = plan->needs_comm;
	c->needs_ids = plan->needs_ids;
	vec_each (a, &p->user.base.object->attaches)
		c->needs_tid |= a->fields && strstr(a->fields, "common_pid");
	return 0;
}

static int runs_open(struct inprocess *p)
{
	struct vm *vm = agent_control->vm = p->user.vm;
	int err = 0;

	for (u32 i = 0; i < AGENT_CPUS && !err; i++)
		err = agent_api->run_open(&agent_control->runs[i], vm, i);
	return err;
}

static int machine_make(struct inprocess *p)
{
	struct engine *e = &p->user.base;
	const struct vm_opts opts = {.cpus = AGENT_CPUS, .ring_bytes = p->user.opts.ring_bytes};
	struct vm_task self;
	int err;

	own_cpus_set(e->object, AGENT_CPUS);
	err = agent_api->open(&p->user.vm, e->object, &opts, e->diag);
	e->vm = p->user.vm;
	e->nap_us = NAP_US;
	if (!err)
		err = own_sections_fill(e, &p->user.opts, AGENT_CPUS);
	if (!err)
		err = rings_open(p);
	if (!err)
		err = plan_copy(p);
	if (!err)
		err = runs_open(p);
	if (!err && p->child->plan.needs_cgroups)
		agent_control->ncgroups = cgroup_chain((u32)getpid(), agent_control->cgroups);
	if (err || !p->child->plan.needs_cgroup)
		return err;
	info_self(&self);
	agent_control->cgroup = self.cgroup;
	return 0;
}

/* ---- open and close */

static void engine_close(struct engine *e, bool leave)
{
	struct inprocess *p = inprocess_of(e);

	(void)leave;
	if (p->guard) {
		__atomic_store_n(&agent_control->leave, 1, __ATOMIC_SEQ_CST);
		kill(p->guard, SIGUSR1);
		waitpid(p->guard, NULL, WNOHANG);
	}
	if (p->own_child)
		inprocess_child_close((struct user_child *)p->child);
	if (p->wake >= 0)
		close(p->wake);
	if (e->epoll_fd >= 0)
		close(e->epoll_fd);
	free(e->rings);
	free(p);
}

static int engine_fill(struct inprocess *p)
{
	struct engine *e = &p->user.base;
	struct user_child *child = p->user.opts.child;
	int err;

	if (p->user.opts.pid)
		return diag_fail(e->diag, -EOPNOTSUPP, "--engine user -p PID",
				 "the in-process engine traces a command, not one that runs");
	e->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (e->epoll_fd < 0)
		return diag_fail(e->diag, -errno, NULL, "cannot watch rings: %s", strerror(errno));
	if (!child) {
		err = inprocess_child_open(&child, e->object, e->diag);
		if (err)
			return err;
		p->own_child = true;
	}
	p->child = (struct inprocess_child *)child;
	return machine_make(p);
}

static int engine_open(struct engine **out, struct object *o, const struct engine_opts *opts,
		       struct diag *diag)
{
	struct inprocess *p = calloc(1, sizeof(*p));
	int err;

	*out = NULL;
	if (!p)
		return -ENOMEM;
	p->user.base = (struct engine){.ops = &inprocess_engine,
				       .object = o,
				       .diag = diag,
				       .epoll_fd = -1,
				       .cpus = AGENT_CPUS};
	p->user.opts = *opts;
	p->wake = -1;
	err = engine_fill(p);
	if (err) {
		engine_close(&p->user.base, false);
		return err;
	}
	*out = &p->user.base;
	return 0;
}

/* ---- attach and detach */

static int engine_attach(struct engine *e)
{
	struct inprocess *p = inprocess_of(e);

	if (p->user.opts.cpid)
		return guard_start(p);
	return own_needs_process(e->object)
		       ? diag_fail(e->diag, -EINVAL,
				   "-c COMMAND, of a tool -- COMMAND, runs one and traces it",
				   "the in-process engine traces a command")
		       : 0;
}

static void engine_go(struct engine *e)
{
	if (e->control)
		__atomic_store_n(&e->control->open, 1, __ATOMIC_RELEASE);
	__atomic_store_n(&agent_control->open, 1, __ATOMIC_SEQ_CST);
}

/* What runs at this moment is waited for; what a killed process left half done goes to nobody. */
static void cpu_settle(u32 cpu)
{
	const struct timespec nap = {.tv_nsec = 20000};
	u32 owner;

	for (u32 i = 0; i < 5000; i++) {
		owner = __atomic_load_n(&agent_control->owners[cpu], __ATOMIC_SEQ_CST);
		if (!owner)
			return;
		if (kill((pid_t)owner, 0) && errno == ESRCH)
			break;
		nanosleep(&nap, NULL);
	}
	agent_api->recover(cpu);
}

static void faults_tell(struct engine *e)
{
	struct inprocess *p = inprocess_of(e);
	struct agent_shared *c = agent_control;
	struct vm_run run = *c->runs[0];
	struct buf text = {0};

	if (!c->faults)
		return;
	run.fault = c->fault;
	run.prog = &p->user.vm->progs[c->fault_prog];
	memcpy(run.regs, c->fault_regs, sizeof(run.regs));
	vm_fault_print(&text, &run);
	diag_fail(e->diag, -EFAULT, NULL, "%s was stopped, %u times: %s",
		  e->object->progs.v[c->fault_prog].probe, c->faults, buf_str(&text));
	buf_free(&text);
	c->faults = 0;
}

static void engine_detach(struct engine *e)
{
	if (!__atomic_exchange_n(&agent_control->open, 0, __ATOMIC_SEQ_CST))
		return;
	for (u32 i = 1; i < AGENT_CPUS; i++)
		cpu_settle(i);
	faults_tell(e);
}

static int engine_run(struct engine *e, u32 prog)
{
	struct vm_run *run = agent_control->runs[0];
	struct agent_event ev = {0};
	struct buf text = {0};
	u64 result;
	int err;

	run->user = &ev;
	err = agent_api->call(run, prog, 0, 0, &result);
	if (!err)
		return 0;
	vm_fault_print(&text, run);
	diag_fail(e->diag, err, NULL, "%s was stopped: %s", e->object->progs.v[prog].probe,
		  buf_str(&text));
	buf_free(&text);
	return err;
}

const struct engine_ops inprocess_engine = {
	.name = "inprocess",
	.child_open = inprocess_child_open,
	.child_prepare = inprocess_child_prepare,
	.child_close = inprocess_child_close,
	.open = engine_open,
	.attach = engine_attach,
	.go = engine_go,
	.detach = engine_detach,
	.run = engine_run,
	OWN_MAPS,
	.close = engine_close,
};
