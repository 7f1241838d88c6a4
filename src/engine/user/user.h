/*
 * user.h: what the files of the user engine share.
 *
 * Two processes: the session, which makes the maps and runs BEGIN, END and intervals, and its
 * child, the tracer, which runs all other programs. What they share is memory that fork() shares:
 * maps, rings, struct shared.
 *
 * A task under a seccomp filter that asks for its tracer cannot be left alone: without one its
 * calls fail. So the tracer is the guard of the command, too: it stays until the last task has
 * ended, whatever becomes of the session; without one it runs no programs and lets everything go on
 * at once.
 *
 * plan: what programs run where. child: the command just before exec. tracer: the child's life.
 * stops: what a stopped task wants. tasks, info: what is known of tasks. records: what programs
 * read.
 */
#ifndef ENGINE_USER_USER_H
#define ENGINE_USER_USER_H

#include "engine/engine.h"
#include "engine/user/sys.h"
#include "vm/vm.h"

#include <sys/types.h>
#include <time.h>
#include <sys/uio.h>
#include <sys/user.h>

/* ---- plan.c: the attach table, by what happens */

#define SYSCALL_MOST 1024 /* no kernel has as many */

struct plan_row {
	const struct attach *attach;
	struct plan_row *next;
};
struct plan_list {
	struct plan_row *first, **last;
};
/* A number of another architecture's table, in plan_enters() and the like; one below 0 is none. */
#define FOREIGN_CALL (1ull << 32)
static inline bool is_foreign(u64 nr)
{
	return nr >> 32 == 1;
}

struct plan {
	struct arena arena;
	struct plan_list enter[SYSCALL_MOST], exit[SYSCALL_MOST];
	struct plan_list all_enter, all_exit; /* raw_syscalls: */
	const u64 *raw_calls;                 /* those of them; NULL: all */
	u32 narrow_calls; /* and those of 32 bits, by numbers so much higher; or 0 */
	struct plan_list fork, exec, exited, signal; /* sched_process_*, signal_deliver */
	struct plan_list born, waits;                /* task_newtask, sched_process_wait */
	struct plan_list profile;                    /* 64 at most */
	struct plan_list user;                       /* uprobe, uretprobe, USDT */
	u32 nsyscalls;                               /* that have rows of their own */
	bool any_exit;                               /* some result of a system call is asked for */
	/* what programs ask of the task: calls that change it are looked at */
	bool needs_comm, needs_ids, needs_cgroup, needs_cgroups, needs_stack;
	bool keeps; /* something for each task, until its end */
};
int plan_make(struct plan *, const struct object *, struct diag *);
void plan_free(struct plan *);
static inline bool plan_has(const struct plan_list *l)
{
	return l->first != NULL;
}
static inline bool plan_raw(const struct plan *p, const struct plan_list *l, u64 nr)
{
	if (!l->first || !p->raw_calls)
		return l->first;
	return nr < 512 ? p->raw_calls[nr / 64] >> (nr % 64) & 1
			: is_foreign(nr) && p->narrow_calls;
}
static inline bool plan_enters(const struct plan *p, u64 nr)
{
	return plan_raw(p, &p->all_enter, nr) || (nr < SYSCALL_MOST && p->enter[nr].first);
}
static inline bool plan_exits(const struct plan *p, u64 nr)
{
	return plan_raw(p, &p->all_exit, nr) || (nr < SYSCALL_MOST && p->exit[nr].first);
}
static inline bool plan_has_calls(const struct plan *p)
{
	return p->nsyscalls || p->all_enter.first || p->all_exit.first || p->waits.first;
}
/* Refuses what only a kernel can serve: a message that lists it. */
int plan_refuse(const struct object *, struct diag *);

/* ---- shared memory of session, tracer and, until its exec, the command */

struct shared {
	u32 open;   /* the gate: programs run */
	u32 busy;   /* a program runs in the tracer */
	u32 leave;  /* -p: let the process go */
	u32 left;   /* it is done */
	u32 faults; /* runs that the machine stopped */
	u32 taken;  /* a program, plus 1: somebody else's breakpoint is where its should be */
	/* notify.c: the listener in the command's table, plus 1; the tracer has it */
	u32 listener, listening;
	char text[512]; /* why the first of them was; why the tracer could not begin */
};

/* ---- child.c, filter.c: the command, from its fork to its exec */

struct filter {
	struct bpf_code {
		u16 code;
		u8 jt, jf;
		u32 k;
	} code[1024];
	u32 n;
};
int user_child_open(struct user_child **, const struct object *, struct diag *);
int user_child_prepare(struct user_child *);
void user_child_close(struct user_child *);
/* Which system calls stop: those of the plan, and those that we must see ourselves. */
int filter_make(struct filter *, const struct plan *, bool notify);

struct user_child {
	struct plan plan;
	struct filter filter;
	struct shared *shared;
	bool notify; /* no ptrace: entries come by notification */
};

/* ---- the tracer */

enum task_state { TASK_NEW, TASK_RUNS, TASK_STOPPED, TASK_LISTENS };
struct task {
	u32 tid, tgid; /* tgid 0: not asked yet */
	u8 state;
	bool told;                       /* its parent has told of it */
	bool in_call;                    /* the exit of a call is awaited */
	bool returns_zero;               /* new: the call that made it returns here, too */
	bool leaves;                     /* it is on its way out */
	bool untraced;                   /* CLONE_UNTRACED was taken away; put back: */
	u64 untraced_flags, untraced_at; /* at 0: in the register of the first argument */
	u64 nr;                          /* the last call */
	struct {
		struct vm_task vm;
		u64 read_ns; /* notify.c */
		bool known;
	} info;
	bool maps; /* the call maps a file */

	u64 samples;         /* a bit for each of the plan's, up to 64 */
	struct space *space; /* see probes.h; NULL: there are no user probes */
	struct frame *frames;
	u32 nframes;
	struct task *next; /* in its bucket */
};

/* What programs of user probes read: struct pt_regs, the first of struct user_regs_struct. */
#define CTX_REGS 168

/* What programs of system calls read: sys_enter_*, sys_exit_*, raw_syscalls. */
struct record_call {
	u64 common;
	u64 nr;
	u64 args[6]; /* or the result */
};

#define TASK_BUCKETS 256
struct tracer {
	const struct plan *plan;
	struct shared *shared;
	struct vm_run *run;
	struct task *tasks[TASK_BUCKETS];
	u32 ntasks;
	struct task *current; /* that a program is about */
	struct task *regs_of; /* whose registers are in regs, or NULL */
	struct user_regs_struct regs;
	bool at_entry;           /* of a function: its frame is not there yet */
	u32 session;             /* the process that we belong to */
	u32 audit;               /* number of this architecture */
	bool notify;             /* entries come by notification, nothing is attached */
	bool seccomp;            /* a filter says which calls stop... */
	bool all_calls;          /* ...else all or none do */
	bool leaving;            /* -p: each task is let go where it stops next */
	u32 process;             /* of -p: this one alone; 0: the whole tree of a command */
	struct record_call call; /* lent to the programs once and for all */
	struct vm_host host;
	struct unwinder *unwinder; /* NULL: nobody has asked yet */
	const struct engine *engine;
	struct vm_task self; /* where a program is about nobody: a timer */
	timer_t alarm;       /* timers.c */
	bool alarm_made;
	u64 alarm_at;  /* UINT64_MAX: it is off */
	s64 credit_ns; /* what yields have saved, less what they took; see wait_stop() */
	bool vain;     /* the last one was in vain */
};

struct user_engine;
/* tracer.c: in the session */
int tracer_start(struct user_engine *);
void tracer_leave(struct user_engine *); /* -p: until the process is alone again */

/* standby.c: in a child that stays behind the session: closes all files but these; ignores what the
 * terminal sends */
void standby_files(const int *keep, u32 n);
void standby_signals(void);

/* stops.c: a task has stopped or ended: handle it and let it go on */
void stop_handle(struct tracer *, u32 tid, int status);

/* tasks.c */
struct task *task_find(struct tracer *, u32 tid);
struct task *task_add(struct tracer *, u32 tid); /* that one, or a new one; NULL: no memory */
void task_drop(struct tracer *, u32 tid);
void tasks_drop_others(struct tracer *, const struct task *); /* of its process */
struct task *task_untold(struct tracer *);               /* stopped, and nobody has told of it */
bool task_is_last(struct tracer *, const struct task *); /* of its process */
/* Puts flags into the argument of clone(2) or clone3(2). */
void untraced_set(struct tracer *, struct task *, u64 flags);

/* info.c: the machine's questions about the task */
void info_init(struct tracer *);
const struct vm_task *info_of(struct tracer *, struct task *);
void info_self(struct vm_task *);
u32 info_tgid(struct task *);
void info_exec_path(struct task *, char *out, size_t size);
u32 info_priority(const struct task *);
s32 info_oom_score(const struct task *);                /* the adjustment */
bool info_signal_pending(const struct task *, u32 sig); /* to this thread */
bool info_runs(const struct task *);                    /* on a CPU, or it waits for one */
int task_read(const struct task *, void *to, u32 size, u64 from); /* 0, -EFAULT */
struct user_regs_struct *task_regs(struct tracer *, struct task *);

/* yama.c: kernel.yama.ptrace_scope, 0: there is none; why ptrace(2) refuses; may a task be read
 * that is not traced? */
int yama_scope(void);
int yama_scope_at(const char *path);
const char *yama_why(int scope);
bool yama_lets_read(int scope, bool root);

/* notify.c: entries alone, without ptrace */
bool notify_serves(const struct plan *);
void notify_hand_over(struct shared *, int listener); /* in the command */
/* In the tracer, until the last task has ended; woken(): a signal has interrupted it. */
void notify_watch(struct tracer *, u32 command, bool (*woken)(struct tracer *));
bool call_changes_info(u64 nr, const u64 args[6]); /* of the task that calls; stops.c */

/* timers.c: runs those whose time has come, and sees to it that the loop comes here for the next */
void timers_tick(struct tracer *);

/* perf.c: perf event arrays of plain objects: in the session, and the host's answer in the tracer
 */
struct raw_ring;
int perf_open(struct engine *, u32 map);
void perf_close(struct raw_ring *);
int perf_output(struct vm_run *, struct vm_map *, u64 flags, const void *data, u64 size);

/* profile.c: programs that run on a clock, in tasks that run at that moment */
int profile_open(struct tracer *);
void profile_tick(struct tracer *);                  /* interrupts those */
void profile_sample(struct tracer *, struct task *); /* that has stopped for it */

/* lives.c: of a task that has just made another; of one that enters wait4(2) or waitid(2): whom it
 * waits for, 0: for all. False: the call fails before it waits. */
u64 clone_flags_of(struct tracer *, struct task *);
bool wait_target(const struct task *, u64 nr, const u64 args[6], u32 *target);

/* records.c: builds the record of an event and runs the programs */
int records_open(struct tracer *);
bool gate_enter(struct tracer *); /* false: programs do not run now */
void gate_leave(struct tracer *);
void note_fault(struct tracer *);
void run_rows(struct tracer *, struct task *, const struct plan_list *, void *ctx, u32 size);
void event_enter(struct tracer *, struct task *, u64 nr, const u64 args[6]);
void event_exit(struct tracer *, struct task *, u64 nr, s64 result);
void event_born(struct tracer *, struct task *parent, struct task *child);
void event_fork(struct tracer *, struct task *parent, struct task *child);
void event_wait(struct tracer *, struct task *, u64 nr, const u64 args[6]);
void event_exec(struct tracer *, struct task *, u32 old_tid);
void event_exited(struct tracer *, struct task *);
void event_signal(struct tracer *, struct task *, u32 sig, s32 error, s32 code);

/* ---- the engine */

struct user_engine {
	struct engine base; /* first */
	struct engine_opts opts;
	struct vm *vm;
	struct vm_run *run;
	struct user_child *child;
	bool own_child; /* made here: there is no command */
	int tracer;     /* its pid; 0: none */
	struct vm_host host;
	struct vm_task self;
	u32 *inner; /* number of the map of each ring */
};

/* Numbers of virtual CPUs: each process has its own. */
enum { SESSION_CPU, TRACER_CPU, VIRTUAL_CPUS };

#endif
