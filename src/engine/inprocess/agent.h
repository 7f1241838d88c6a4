/*
 * agent.h: what waggle and the agent share.
 *
 * The agent is our machine once more, made to live in other processes: no C library, no thread
 * local storage, no writable globals, and always at the same addresses. One file in memory holds
 * all of it. Waggle maps that file, and has the agent's own code make the machine in it: maps,
 * decoded programs, compiled code. Every traced process maps the same file at the same addresses,
 * and everything is there, made already: all pointers hold, all processes share the maps.
 *
 *	TEXT     the agent's code and tables, never written
 *	JIT      compiled programs, with the data behind each
 *	HEAP     what the machine allocates while it is made
 *	PRIVATE  of each process, copied by fork(): call sites, its action for SIGSYS
 *	AREA     struct agent_shared, then memory of maps, rings and runs
 *
 * The file begins at a secret offset. So the one call that a new program must make before the
 * agent is there, mmap(2) of its text, has an argument that no other call has: the filter lets
 * it pass.
 */
#ifndef ENGINE_INPROCESS_AGENT_H
#define ENGINE_INPROCESS_AGENT_H

/* For the assembler, too. Nobody maps memory here: between heaps of the sanitizers, programs
 * (0x55...) and libraries (0x7f...). */
#define AGENT_BASE    0x4a0000000000
#define AGENT_TEXT    (AGENT_BASE)
#define AGENT_JIT     (AGENT_BASE + 0x01000000)
#define AGENT_HEAP    (AGENT_BASE + 0x02000000)
#define AGENT_PRIVATE (AGENT_BASE + 0x10000000)
#define AGENT_AREA    (AGENT_BASE + 0x20000000)
#define AGENT_END     (AGENT_BASE + 0x4000000000)

#define AGENT_SITES      1024
#define AGENT_COMMON     960 /* of them; the others are for calls that do not return once */
#define AGENT_SITE_BYTES 16  /* of struct agent_site, and of each stub */

#ifndef __ASSEMBLER__
#include "vm/cgroup.h"
#include "vm/vm.h"

#define AGENT_CPUS      16 /* virtual ones: the session has number 0 */
#define AGENT_CALLS     1024
#define AGENT_RANGES    4096
#define AGENT_EXECS     64
#define AGENT_TRAP_MARK 0x7a67 /* what our filter says in SIGSYS's si_errno */

/* ---- in the area */

/* A thread that wants to exec: see guard.c. */
enum agent_exec_state {
	EXEC_NOTHING,
	EXEC_ASKED,   /* guard: watch me */
	EXEC_WATCHED, /* it does */
	EXEC_REFUSED, /* it cannot */
	EXEC_FAILED,  /* there was no exec: leave me alone */
};
struct agent_exec {
	u32 state;
	u32 tid; /* 0: it is free */
	s32 fd;  /* of the file, open across the exec */
	u32 pad;
};

/* Beside the windows, which are mapped as a whole: pages with another protection, or (from is not
 * at) pages of the file that lie elsewhere, too: rings. */
struct agent_range {
	u64 at, size, from;
	u32 prot, pad;
};

struct agent_row {
	u32 prog;
	u32 next; /* index + 1 */
	u64 cookie;
};

struct agent_shared {
	u32 open;  /* the gate */
	u32 word;  /* the guard sleeps on it */
	u32 wake;  /* the session is to be woken up */
	u32 leave; /* the session has ended, its process has not */
	u32 guard;
	s32 file;  /* the descriptor of the file: in the session, and in the guard */
	u32 ready; /* everything is made */
	u32 needs_tid, needs_task, needs_comm, needs_ids;
	u64 cgroup, cgroups[CGROUPS_MOST]; /* of Waggle; with those above it */
	u32 ncgroups;
	u32 faults;
	struct vm_fault fault; /* the first one */
	u32 fault_prog;
	u64 fault_regs[11];
	u32 owners[AGENT_CPUS]; /* pids */
	struct vm *vm;
	struct vm_run *runs[AGENT_CPUS];
	u32 rings; /* index of the first ring's map; 0: there is none */
	struct agent_exec execs[AGENT_EXECS];
	u32 enter[AGENT_CALLS], exit[AGENT_CALLS]; /* row + 1 */
	u32 all_enter, all_exit;
	struct agent_row *rows;
	u32 nranges;
	struct agent_range ranges[AGENT_RANGES];
};
#define agent_control ((struct agent_shared *)AGENT_AREA)

/* ---- at the start of the heap: how far memory is given out */
struct agent_given {
	u64 heap, jit, area;
};
#define agent_heap ((struct agent_given *)AGENT_HEAP)

/* ---- in the private memory */

/* What a process knows of itself; all zeroes in a new one. */
struct agent_self {
	u32 pid;
	bool shared; /* others run in this memory, or did: threads, a child of vfork() */
	u64 read_ns; /* when the rest was read, 0: never. Not used where others run */
	u32 uid, gid;
	u32 cpu; /* the virtual one that it had last, 0: none yet; a hint */
	char comm[16];
};
struct agent_site {
	u64 back; /* behind the instruction */
	u64 key;  /* the same and, above, the number of the call; 0: free */
};
struct agent_action { /* the kernel's struct sigaction */
	u64 handler, flags, restorer, mask;
};
struct agent_process {
	struct agent_site sites[AGENT_SITES];
	u32 failure; /* errno of the agent */
	struct agent_action action;
	u64 clock; /* the vDSO's clock_gettime() */
	u32 words[8];
	u64 blocks[8];          /* where the gates are mapped, near code that was patched */
	u8 looked[AGENT_SITES]; /* whether the site can be patched */
	bool handles;           /* it has set a handler for some signal */
	struct agent_self self __attribute__((aligned(4096))); /* a page that fork() empties */
};
#define agent_private ((struct agent_process *)AGENT_PRIVATE)

/* ---- at the start of the text */
struct agent_calls {
	u64 cookie; /* where the file begins */
	u64 bytes;  /* of the text */
	void (*init)(u64 vdso);
	int (*open)(struct vm **, const struct object *, const struct vm_opts *, struct diag *);
	int (*run_open)(struct vm_run **, struct vm *, u32 cpu);
	int (*call)(struct vm_run *, u32 prog, u64 ctx, u64 arg, u64 *result);
	void *(*memory)(size_t, bool low);
	/* In a process that has the text alone: maps all else, handles SIGSYS from now on. */
	int (*start)(s32 fd, u64 vdso);
	void (*recover)(u32 cpu); /* whose owner has died */
	void (*boot)(void);       /* where a new program begins */
};
#define agent_api ((struct agent_calls *)AGENT_TEXT)
#endif

#endif
