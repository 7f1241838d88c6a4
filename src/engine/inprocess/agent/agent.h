/*
 * agent.h: what the agent's files share: system calls without a C library, one thread's events.
 */
#ifndef ENGINE_INPROCESS_AGENT_AGENT_H
#define ENGINE_INPROCESS_AGENT_AGENT_H

#include "engine/inprocess/agent.h"

#include <sys/syscall.h>
#include <sys/types.h>

/* Returns what the kernel returns: -errno where it fails. */
static inline long call6(long nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	register u64 r10 __asm__("r10") = d;
	register u64 r8 __asm__("r8") = e;
	register u64 r9 __asm__("r9") = f;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return r;
}
static inline long call4(long nr, u64 a, u64 b, u64 c, u64 d)
{
	register u64 r10 __asm__("r10") = d;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return r;
}
static inline long call3(long nr, u64 a, u64 b, u64 c)
{
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "0"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return r;
}
#define call2(nr, a, b) call3(nr, a, b, 0)
#define call1(nr, a)    call3(nr, a, 0, 0)
#define call0(nr)       call3(nr, 0, 0, 0)

/* ---- linux/x86: what a signal handler is handed */

struct agent_context { /* struct ucontext */
	u64 flags, link;
	u64 stack[3];
	u64 r8, r9, r10, r11, r12, r13, r14, r15;
	u64 di, si, bp, bx, dx, ax, cx, sp, ip, fl;
	u64 rest[14]; /* segments, the fault, the floating point state, 8 words of nothing */
	u64 mask;
};
struct agent_signal { /* siginfo_t of SIGSYS */
	s32 signo, error, code, pad;
	u64 address;
	s32 call;
	u32 arch;
};

#define SIGSYS_BIT   (1ull << (31 - 1))
#define EVERY_SIGNAL (~0ull)

/* ---- what programs run about: where the thread is */

struct agent_event {
	u64 ip, sp, bp;
	struct vm_task task;
};

/* run.c */
void agent_run(u32 first, u32 second, void *ctx, u32 size, struct agent_event *);
void agent_enter(const struct agent_context *);
void agent_result(u32 nr, s64 result, struct agent_event *);
bool agent_wants_entry(u64 nr);
bool agent_wants_result(u64 nr);
void agent_wake_reader(void);
u32 agent_pid(void);

static inline bool agent_is_open(void)
{
	return __atomic_load_n(&agent_control->open, __ATOMIC_RELAXED);
}

/* calls.c: calls that would take the agent its footing. True: it is done, the result is in ax. */
bool agent_special(struct agent_context *);
bool agent_is_special(u64 nr);
void agent_exec_failed(void);
bool agent_copy_in(void *to, u64 from, u32 size);
bool agent_copy_out(u64 to, const void *from, u32 size);

/* trap.c: the number of the site; AGENT_SITES: there are too many. Number AGENT_ANY: the site makes
 * any call. */
#define AGENT_ANY 0xffff
u32 agent_site_of(u64 back, u64 nr);

/* patch.c: lets the site jump past the trap from now on, where that is safe. */
void agent_patch(u32 site);

/* start.c */
long agent_map(u64 at, u64 size, int prot, u64 from, s32 fd);
int agent_handle(void); /* SIGSYS, from now on */

/* entry.S */
extern const u8 agent_stubs[], agent_exit_stubs[], agent_restorer[];
extern const u8 agent_gates[], agent_gates_end[];
void agent_boot(void);

/* called by entry.S, or through the table there */
struct agent_way { /* in rax and rdx */
	u64 stub, nr;
};
struct agent_way agent_gate(u32 site, u64 *kept);
u64 agent_exit(u32 site, const u64 *kept, s64 result);
void agent_begin(s32 fd, const u64 *stack);
void agent_init(u64 vdso);
int agent_start(s32 fd, u64 vdso);
int agent_run_open(struct vm_run **, struct vm *, u32 cpu);
void agent_recover(u32 cpu);

#endif
