/*
 * probes.c: puts breakpoints where user probes are, and runs the programs when they are hit.
 *
 * In:  rows of the plan: a file and an offset in it. Out: breakpoints in every process that maps
 * the file, from the moment that it does; semaphores of USDT probes raised.
 */
#include "engine/user/probes.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define INT3        0xcc
#define FRAMES_MOST 4096 /* of one task */

/* ---- spaces */

static int mem_open(u32 tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/mem", tid);
	return open(path, O_RDWR | O_CLOEXEC);
}

static bool mem_write(const struct space *s, u64 addr, const void *from, size_t n)
{
	return pwrite(s->mem, from, n, (off_t)addr) == (ssize_t)n;
}

static void space_put(struct space *s)
{
	if (!s || --s->users)
		return;
	if (s->mem >= 0)
		close(s->mem);
	arena_free(&s->arena);
	free(s->points);
	free(s->raised);
	free(s);
}

static u64 entry_of(u32 tid)
{
	char path[64];
	u64 entry[2] = {0};
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/auxv", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	while (read(fd, entry, sizeof(entry)) == sizeof(entry) && entry[0] && entry[0] != 9)
		; /* AT_ENTRY */
	close(fd);
	return entry[0] == 9 ? entry[1] : 0;
}

static struct space *space_new(u32 tid)
{
	struct space *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->users = 1;
	s->mem = mem_open(tid);
	s->scratch = entry_of(tid);
	return s;
}

static struct breakpoint *point_find(struct space *s, u64 addr)
{
	for (u32 i = 0; i < s->n; i++)
		if (s->points[i].addr == addr)
			return &s->points[i];
	return NULL;
}

/* The breakpoint at an address, put there where it is not. */
static struct breakpoint *point_add(struct space *s, u64 addr)
{
	struct breakpoint *b = point_find(s, addr);
	const u8 int3 = INT3;
	u8 code[16] = {0};
	ssize_t n = pread(s->mem, code, sizeof(code), (off_t)addr);

	if (n <= 0 || (b && !b->gone && code[0] == INT3))
		return n <= 0 ? NULL : b;
	if (!b) {
		if (s->n == s->cap) {
			u32 cap = MAX(2 * s->cap, 16u);
			struct breakpoint *more = realloc(s->points, cap * sizeof(*more));

			if (!more)
				return NULL;
			s->points = more;
			s->cap = cap;
		}
		b = &s->points[s->n++];
		*b = (struct breakpoint){.addr = addr};
	}
	memcpy(b->code, code, sizeof(code));
	b->gone = !mem_write(s, addr, &int3, 1);
	return b;
}

static bool list_has(const struct plan_list *l, const struct attach *a)
{
	for (const struct plan_row *r = l->first; r; r = r->next)
		if (r->attach == a)
			return true;
	return false;
}

static void list_put(struct space *s, struct plan_list *l, const struct attach *a)
{
	struct plan_row *row, **last = &l->first;

	if (list_has(l, a))
		return;
	row = arena_new(&s->arena, struct plan_row);
	row->attach = a;
	while (*last)
		last = &(*last)->next;
	*last = row;
}

static void semaphore_raise(struct space *s, u64 addr, int by)
{
	u16 count = 0;

	for (u32 i = 0; i < s->nraised && by > 0; i++)
		if (s->raised[i].addr == addr &&
		    pread(s->mem, &count, sizeof(count), (off_t)addr) == sizeof(count) && count)
			return; /* it is still there */
	if (pread(s->mem, &count, sizeof(count), (off_t)addr) != sizeof(count))
		return;
	count = (u16)(count + by);
	if (!mem_write(s, addr, &count, sizeof(count)) || by < 0)
		return;
	s->raised = arena_grow(&s->arena, s->raised, s->nraised * sizeof(*s->raised),
			       (s->nraised + 1) * sizeof(*s->raised));
	s->raised[s->nraised++] = (struct semaphore){addr};
}

/* ---- mapped files */

struct mapped {
	u64 start, end, offset;
	dev_t dev;
	ino_t ino;
	bool code, data;
	const char *path;
};

static bool is_file(const struct mapped *m, const char *path)
{
	struct stat st;

	if (!strcmp(m->path, path))
		return true;
	return !stat(path, &st) && st.st_ino == m->ino && st.st_dev == m->dev;
}

/* The kernel's user probes (perf's, our own engine's) and debuggers put breakpoints there, too. Who
 * has put one there is told of it; nobody else can be. */
static bool is_taken(struct tracer *t, struct space *s, const struct attach *a, u64 addr)
{
	u32 nobody = 0;
	u8 now;

	if (point_find(s, addr) || pread(s->mem, &now, 1, (off_t)addr) != 1 || now != INT3)
		return false;
	__atomic_compare_exchange_n(&t->shared->taken, &nobody, a->prog + 1, false,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	return true;
}

static void map_probe(struct tracer *t, struct task *task, const struct mapped *m)
{
	struct space *s = task->space;

	for (const struct plan_row *r = t->plan->user.first; r; r = r->next) {
		const struct attach *a = r->attach;
		u64 size = m->end - m->start;
		struct breakpoint *b;

		if ((a->off - m->offset >= size && a->semaphore - m->offset >= size) ||
		    !is_file(m, a->pattern))
			continue;
		if (m->data && a->semaphore && a->semaphore - m->offset < size)
			semaphore_raise(s, m->start + a->semaphore - m->offset, 1);
		if (!m->code || a->off - m->offset >= size ||
		    is_taken(t, s, a, m->start + a->off - m->offset))
			continue;
		b = point_add(s, m->start + a->off - m->offset);
		if (b)
			list_put(s, a->kind == ATTACH_URETPROBE ? &b->returns : &b->rows, a);
	}
}

/* "7f12-7f34 r-xp 00001000 08:01 1234   /usr/lib/libc.so.6" */
static bool map_parse(char *line, struct mapped *m)
{
	unsigned long long start, end, offset, ino;
	unsigned int major_, minor_;
	char rights[8];
	int at = 0;

	if (sscanf(line, "%llx-%llx %7s %llx %x:%x %llu %n", &start, &end, rights, &offset, &major_,
		   &minor_, &ino, &at) < 7 ||
	    !ino || !at)
		return false;
	line[strcspn(line, "\n")] = 0;
	*m = (struct mapped){.start = start,
			     .end = end,
			     .offset = offset,
			     .dev = makedev(major_, minor_),
			     .ino = ino,
			     .code = rights[2] == 'x',
			     .data = rights[1] == 'w',
			     .path = line + at};
	return true;
}

/* What is mapped from addr on. */
static void look_at_maps(struct tracer *t, struct task *task, u64 addr)
{
	char path[64], line[4352];
	struct mapped m;
	jmp_buf escape;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/maps", task->tid);
	f = fopen(path, "re");
	if (!f)
		return;
	task->space->arena.escape = &escape;
	if (!setjmp(escape))
		while (fgets(line, sizeof(line), f))
			if (map_parse(line, &m) && m.end > addr)
				map_probe(t, task, &m);
	task->space->arena.escape = NULL;
	fclose(f);
}

void probes_open(struct tracer *t, struct task *task)
{
	if (!t->plan->user.first)
		return;
	if (!task->space)
		task->space = space_new(task->tid);
	if (task->space && task->space->mem >= 0)
		look_at_maps(t, task, 0);
}

void probes_mapped(struct tracer *t, struct task *task, u64 addr)
{
	if (task->space && addr < (u64)-4096 && task->space->mem >= 0)
		look_at_maps(t, task, addr);
}

/* ---- tasks */

static void frames_copy(struct task *to, const struct task *from)
{
	to->frames = malloc(MAX(from->nframes, 1u) * sizeof(*to->frames));
	to->nframes = to->frames ? from->nframes : 0;
	if (to->nframes)
		memcpy(to->frames, from->frames, to->nframes * sizeof(*to->frames));
}

/* A copy of the memory has the same breakpoints. */
static struct space *space_copy(const struct space *from, u32 tid)
{
	struct space *s = space_new(tid);
	jmp_buf escape;

	if (!s)
		return NULL;
	s->points = malloc(MAX(from->n, 1u) * sizeof(*s->points));
	if (!s->points) {
		space_put(s);
		return NULL;
	}
	s->arena.escape = &escape;
	if (!setjmp(escape)) {
		for (u32 i = 0; i < from->n; i++) {
			const struct breakpoint *b = &from->points[i];

			s->points[i] = *b;
			s->points[i].rows = s->points[i].returns = (struct plan_list){0};
			for (const struct plan_row *r = b->rows.first; r; r = r->next)
				list_put(s, &s->points[i].rows, r->attach);
			for (const struct plan_row *r = b->returns.first; r; r = r->next)
				list_put(s, &s->points[i].returns, r->attach);
			s->n = s->cap = i + 1;
		}
	}
	s->arena.escape = NULL;
	return s;
}

static bool same_memory(const struct task *a, const struct task *b)
{
	return !syscall(SYS_kcmp, a->tid, b->tid, 1 /* KCMP_VM */, 0, 0);
}

void probes_fork(struct tracer *t, struct task *parent, struct task *child, u32 event)
{
	if (!parent->space || child->space)
		return;
	(void)t;
	if (event == EVENT_VFORK ||
	    (event == EVENT_CLONE &&
	     (info_tgid(child) == info_tgid(parent) || same_memory(parent, child)))) {
		child->space = parent->space;
		child->space->users++;
	} else {
		child->space = space_copy(parent->space, child->tid);
	}
	if (event != EVENT_CLONE)
		frames_copy(child, parent);
}

void probes_close(struct tracer *t, struct task *task)
{
	(void)t;
	space_put(task->space);
	task->space = NULL;
	free(task->frames);
	task->frames = NULL;
	task->nframes = 0;
}

static void point_remove(struct space *s, struct breakpoint *b)
{
	u8 now = 0;

	if (!b->gone && pread(s->mem, &now, 1, (off_t)b->addr) == 1 && now == INT3)
		mem_write(s, b->addr, b->code, 1);
	b->gone = true;
}

void probes_remove(struct tracer *t, struct task *task)
{
	struct space *s = task->space;

	(void)t;
	if (!s)
		return;
	for (u32 i = 0; i < s->n; i++)
		point_remove(s, &s->points[i]);
	for (u32 i = 0; i < s->nraised; i++)
		semaphore_raise(s, s->raised[i].addr, -1);
	s->nraised = 0;
}

/* ---- hits */

/* Its caller is where the top of the stack points to. */
static void await_return(struct task *task, const struct breakpoint *b,
			 const struct user_regs_struct *r)
{
	struct frame *more;
	u64 to;

	if (task->nframes >= FRAMES_MOST || task_read(task, &to, sizeof(to), r->rsp))
		return;
	for (const struct plan_row *row = b->returns.first; row; row = row->next) {
		more = realloc(task->frames, (task->nframes + 1) * sizeof(*more));
		if (!more)
			return;
		task->frames = more;
		more[task->nframes++] = (struct frame){row->attach, to, r->rsp + 8};
	}
	if (!b->returns.first)
		return;
	/* b may move */
	point_add(task->space, to);
}

/* Those whose stack is gone were left by longjmp or an exception. */
static void run_returns(struct tracer *t, struct task *task, const struct user_regs_struct *r)
{
	while (task->nframes) {
		struct frame f = task->frames[task->nframes - 1];
		struct plan_row row = {.attach = f.row};
		const struct plan_list one = {.first = &row};

		if (f.sp > r->rsp)
			return;
		task->nframes--;
		if (f.sp == r->rsp && f.to == r->rip)
			run_rows(t, task, &one, &t->regs, CTX_REGS);
	}
}

static bool is_entry(const u8 *code)
{
	return code[0] == 0x55 || !memcmp(code, "\xf3\x0f\x1e\xfa", 4);
}

enum trap probes_trap(struct tracer *t, struct task *task, u32 *sig)
{
	struct user_regs_struct *r = task->space ? task_regs(t, task) : NULL;
	struct breakpoint *b = r ? point_find(task->space, r->rip - 1) : NULL;
	siginfo_t info;
	u64 addr;

	*sig = 0;
	if (!b || sys_trace(PTRACE_GETSIGINFO, task->tid, 0, (u64)(uintptr_t)&info) < 0 ||
	    info.si_code <= 0) /* sent by somebody */
		return TRAP_FOREIGN;
	addr = --r->rip;
	if (b->gone || !__atomic_load_n(&t->shared->open, __ATOMIC_RELAXED)) {
		if (__atomic_load_n(&t->shared->leave,
				    __ATOMIC_RELAXED)) /* nobody will ever ask again */
			point_remove(task->space, b);
		if (b->gone) {
			sys_trace(PTRACE_SETREGS, task->tid, 0, (u64)(uintptr_t)r);
			return TRAP_OURS;
		}
	} else {
		run_returns(t, task, r);
		t->at_entry = is_entry(b->code);
		run_rows(t, task, &b->rows, r, CTX_REGS);
		t->at_entry = false;
		await_return(task, b, r);
		b = point_find(task->space, addr);
	}
	return step_over(t, task, b, sig);
}

bool probes_pending(struct tracer *t, struct task *task)
{
	struct user_regs_struct *r = task->space ? task_regs(t, task) : NULL;

	return r && point_find(task->space, r->rip - 1) && info_signal_pending(task, SIGTRAP);
}

bool probes_placed(struct tracer *t, struct task *task)
{
	for (const struct plan_row *r = t->plan->user.first; r; r = r->next) {
		bool found = false;

		for (u32 i = 0; task->space && i < task->space->n && !found; i++)
			found = list_has(&task->space->points[i].rows, r->attach) ||
				list_has(&task->space->points[i].returns, r->attach);
		if (!found)
			return false;
	}
	return true;
}
