/*
 * run.c: runs programs about calls of this thread.
 *
 * In:  a call, its arguments or its result, where the thread is. Out: what the programs did to
 *      maps and rings.
 *
 * A run claims a virtual CPU and gives it back: no two at once have the same, so what belongs to a
 * CPU (rings, values, scratch memory) needs no more locks than in the kernel. Signals are masked,
 * so a run ends soon, unless its process is killed: then whoever finds no CPU takes over one whose
 * owner is gone, and drops the record that it was writing.
 */
#include "engine/inprocess/agent/agent.h"

#include "vm/inside.h"
#include "vm/ring.h"

#include <errno.h>
#include <sys/uio.h>
#include <time.h>

#define FUTEX_WAKE   1
#define PATIENCE     2000 /* rounds over all CPUs, before the dead are looked for */
#define PR_GET_NAME_ 16
#define BELIEVED_NS  10000000u /* so long what a process knows of itself is not asked again */
#define PAGE         4096u
#define EPOLL_ADD    1

u32 agent_pid(void)
{
	struct agent_self *self = &agent_private->self;

	if (!self->pid)
		self->pid = (u32)call0(SYS_getpid);
	return self->pid;
}

void agent_wake_reader(void)
{
	__atomic_store_n(&agent_control->wake, 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&agent_control->word, 1, __ATOMIC_SEQ_CST);
	call3(SYS_futex, (u64)&agent_control->word, FUTEX_WAKE, 1);
}

/* ---- memory of the process, which may not be there

 * Where no other thread can take it away meanwhile, the cheapest question is whether the kernel
 * can read twelve bytes of a page: what an epoll that does not exist should wait for. That call
 * passes our filter without a look at its arguments. */

static bool is_there(u64 page)
{
	return call4(SYS_epoll_ctl, (u64)-1, EPOLL_ADD, (u64)-1, page) == -EBADF;
}

static bool are_there(u64 from, u32 size)
{
	u64 last = from + MAX(size, 1u) - 1;

	if (last < from)
		return false;
	for (u64 page = from & ~(u64)(PAGE - 1); page <= last; page += PAGE)
		if (!is_there(page))
			return false;
	return true;
}

static bool copy(long nr, u64 here, u64 there, u64 size)
{
	const struct iovec l = {(void *)here, size}, r = {(void *)there, size};

	return call6(nr, agent_pid(), (u64)&l, 1, (u64)&r, 1, 0) == (long)size;
}

bool agent_copy_in(void *to, u64 from, u32 size)
{
	if (agent_private->self.shared)
		return copy(SYS_process_vm_readv, (u64)to, from, size);
	if (!are_there(from, size))
		return false;
	memcpy(to, (const void *)from, size);
	return true;
}

bool agent_copy_out(u64 to, const void *from, u32 size)
{
	return copy(SYS_process_vm_writev, (u64)from, to, size);
}

/* ---- what the machine asks */

static struct agent_event *event_of(const struct vm_run *run)
{
	return run->user;
}

static void self_read(struct agent_self *self)
{
	const struct agent_shared *c = agent_control;

	if (c->needs_comm)
		call2(SYS_prctl, PR_GET_NAME_, (u64)self->comm);
	if (c->needs_ids) {
		self->uid = (u32)call0(SYS_getuid);
		self->gid = (u32)call0(SYS_getgid);
	}
}

/* Its own calls that change it are seen (calls.c); what it writes to /proc is seen late. */
static void self_refresh(struct agent_self *self)
{
	struct timespec t;
	u64 now;

	if (!agent_control->needs_comm && !agent_control->needs_ids)
		return;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	now = (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
	if (self->read_ns && now - self->read_ns < BELIEVED_NS)
		return;
	self_read(self);
	self->read_ns = now;
}

static void task_fill(struct vm_task *t, const struct agent_self *self)
{
	t->cgroup = agent_control->cgroup;
	t->uid = self->uid;
	t->gid = self->gid;
	memcpy(t->comm, self->comm, sizeof(t->comm));
}

static u32 thread_id(void)
{
	return agent_private->self.shared ? (u32)call0(SYS_gettid) : agent_pid();
}

static const struct vm_task *host_task(struct vm_run *run)
{
	struct vm_task *t = &event_of(run)->task;
	struct agent_self *self = &agent_private->self, other = {0};

	if (t->pid)
		return t;
	t->tid = thread_id();
	if (self->shared) {
		t->pid = (u32)call0(SYS_getpid);
		self_read(&other);
		task_fill(t, &other);
	} else {
		t->pid = t->tid;
		self_refresh(self);
		task_fill(t, self);
	}
	return t;
}

static int host_read(struct vm_run *run, void *to, u32 size, u64 from)
{
	(void)run;
	return agent_copy_in(to, from, size) ? 0 : -EFAULT;
}

static int host_write(struct vm_run *run, u64 to, const void *from, u32 size)
{
	(void)run;
	return agent_copy_out(to, from, size) ? 0 : -EFAULT;
}

static int host_stack(struct vm_run *run, u64 *frames, u32 most, u32 skip)
{
	const struct agent_event *ev = event_of(run);
	struct vm_walk w = {.frames = frames, .most = most, .skip = skip};

	vm_walk_add(&w, ev->ip);
	vm_walk_callers(&w, run, ev->bp);
	return (int)w.n;
}

static int host_signal(struct vm_run *run, u32 sig, bool thread)
{
	const struct vm_task *t = host_task(run);

	return (int)(thread ? call3(SYS_tgkill, t->pid, t->tid, sig)
			    : call2(SYS_kill, t->pid, sig));
}

static u32 host_cgroups(struct vm_run *run, u64 *ids)
{
	(void)run;
	memcpy(ids, agent_control->cgroups, sizeof(agent_control->cgroups));
	return agent_control->ncgroups;
}

static const struct vm_host host = {
	.task = host_task,
	.cgroups = host_cgroups,
	.read_user = host_read,
	.write_user = host_write,
	.user_stack = host_stack,
	.send_signal = host_signal,
};

/* ---- virtual CPUs */

int agent_run_open(struct vm_run **out, struct vm *vm, u32 cpu)
{
	return vm_run_open(out, vm, &host, NULL, cpu);
}

/* What the owner had reserved in its ring goes to nobody; no one else reserves there. */
void agent_recover(u32 cpu)
{
	struct agent_shared *c = agent_control;
	struct vm_run *run = c->runs[cpu];
	const struct vm_ring *r = c->rings ? vm_map_ring(vm_map_of(c->vm, c->rings + cpu)) : NULL;
	u64 at = r ? __atomic_load_n(r->consumer, __ATOMIC_ACQUIRE) : 0;

	for (u64 end = r ? *r->producer : 0; at < end;) {
		struct ring_header *h = (void *)(r->data + (at & (r->size - 1)));
		u32 length = __atomic_load_n(&h->length, __ATOMIC_ACQUIRE);

		if (length & RING_BUSY)
			__atomic_store_n(&h->length, (length & ~RING_BUSY) | RING_DISCARD,
					 __ATOMIC_RELEASE);
		at += ALIGN_UP((u64)(length & ~(RING_BUSY | RING_DISCARD)) + RING_HEADER, 8);
	}
	vm_take_back_all(run);
	run->frame = 0;
}

/* Number of the processor, as the kernel keeps it in a segment's limit: only a hint. */
static u32 processor(void)
{
	u64 limit = 0;

	__asm__("lsl %1, %0" : "+r"(limit) : "r"(0x7bull) : "cc");
	return (u32)limit & 0xfff;
}

/* Which to try first. Asking the processor is slow; where threads run, they had best not meet. */
static u32 start_of(const struct agent_self *self)
{
	return self->cpu && !self->shared ? self->cpu - 1 : processor();
}

static u32 noted(struct agent_self *self, u32 cpu)
{
	if (!self->shared)
		self->cpu = cpu;
	return cpu;
}

static bool claim_dead(u32 cpu, u32 pid)
{
	u32 owner = __atomic_load_n(&agent_control->owners[cpu], __ATOMIC_RELAXED);

	if (!owner || call2(SYS_kill, owner, 0) != -ESRCH)
		return false;
	if (!__atomic_compare_exchange_n(&agent_control->owners[cpu], &owner, pid, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		return false;
	agent_recover(cpu);
	return true;
}

static u32 claim(void)
{
	struct agent_self *self = &agent_private->self;
	u32 pid = agent_pid(), first = start_of(self);

	for (u32 round = 0;; round++) {
		for (u32 i = 0; i < AGENT_CPUS - 1; i++) {
			u32 cpu = 1 + (first + i) % (AGENT_CPUS - 1), nobody = 0;

			if (__atomic_load_n(&agent_control->owners[cpu], __ATOMIC_RELAXED) == 0 &&
			    __atomic_compare_exchange_n(&agent_control->owners[cpu], &nobody, pid,
							false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
				return noted(self, cpu);
			if (round > PATIENCE && claim_dead(cpu, pid))
				return cpu;
		}
		call0(SYS_sched_yield);
	}
}

static void release(u32 cpu)
{
	__atomic_store_n(&agent_control->owners[cpu], 0, __ATOMIC_RELEASE);
}

/* ---- events */

static void note_fault(const struct vm_run *run)
{
	struct agent_shared *c = agent_control;

	if (__atomic_fetch_add(&c->faults, 1, __ATOMIC_RELAXED))
		return;
	c->fault = run->fault;
	c->fault_prog = run->prog->index;
	memcpy(c->fault_regs, run->regs, sizeof(c->fault_regs));
}

static void run_list(struct vm_run *run, u32 row, void *ctx)
{
	u64 result;

	while (row) {
		const struct agent_row *r = &agent_control->rows[row - 1];

		run->cookie = r->cookie;
		if (vm_call(run, r->prog, (u64)ctx, 0, &result))
			note_fault(run);
		row = r->next;
	}
}

/* Session and agents agree on the gate: a CPU is claimed before it is looked at. */
void agent_run(u32 first, u32 second, void *ctx, u32 size, struct agent_event *ev)
{
	struct vm_run *run;
	u32 cpu;

	if ((!first && !second) || !__atomic_load_n(&agent_control->open, __ATOMIC_RELAXED))
		return;
	cpu = claim();
	if (__atomic_load_n(&agent_control->open, __ATOMIC_SEQ_CST)) {
		run = agent_control->runs[cpu];
		run->user = ev;
		vm_lend(run, (struct vm_region){.start = (u64)ctx, .size = size, .kind = VM_CTX});
		run_list(run, first, ctx);
		run_list(run, second, ctx);
		vm_take_back(run, (u64)ctx);
	}
	release(cpu);
}

struct record_call { /* of sys_enter_*, sys_exit_*, raw_syscalls */
	u64 common;
	u64 nr;
	u64 args[6]; /* or the result */
};

static u64 common(void)
{
	return agent_control->needs_tid ? (u64)thread_id() << 32 : 0;
}

void agent_enter(const struct agent_context *uc)
{
	const struct agent_shared *c = agent_control;
	u64 nr = uc->ax;
	u32 own = nr < AGENT_CALLS ? c->enter[nr] : 0;
	struct agent_event ev = {.ip = uc->ip, .sp = uc->sp, .bp = uc->bp};
	struct record_call r;

	if (!own && !c->all_enter)
		return;
	r = (struct record_call){common(), nr, {uc->di, uc->si, uc->dx, uc->r10, uc->r8, uc->r9}};
	agent_run(c->all_enter, own, &r, sizeof(r), &ev);
}

bool agent_wants_entry(u64 nr)
{
	return agent_control->all_enter || (nr < AGENT_CALLS && agent_control->enter[nr]);
}

bool agent_wants_result(u64 nr)
{
	return agent_control->all_exit || (nr < AGENT_CALLS && agent_control->exit[nr]);
}

void agent_result(u32 nr, s64 result, struct agent_event *ev)
{
	const struct agent_shared *c = agent_control;
	struct record_call r = {common(), nr, {(u64)result}};

	agent_run(c->all_exit, nr < AGENT_CALLS ? c->exit[nr] : 0, &r, sizeof(r), ev);
}
