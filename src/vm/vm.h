/*
 * vm.h: the machine that runs BPF programs in user space.
 *
 * In:  an object (or bare instructions). Out: what its programs return, and what they did to their
 *      maps, packets and rings.
 *
 * Addresses are those of the process: a program's pointer to a map's value is the address of that
 * value. So helpers, the interpreter and compiled code share one memory, and nothing is translated.
 * What a program may touch is a list of regions; every access of a program that nobody has verified
 * is checked against them, in the interpreter and in compiled code alike. A program that steps
 * outside stops with a fault that says where and why; it never harms the process.
 *
 * All memory that programs share (maps, rings, data) comes from vm_memory(), which a fork() shares:
 * a program run in a child changes the maps of its parent. It holds no pointers to malloc'ed
 * memory, and its locks work between processes.
 *
 * One vm may be used by many threads, each with a struct vm_run of its own.
 */
#ifndef VM_VM_H
#define VM_VM_H

#include "object/object.h"

#define VM_FRAMES      8          /* nested local calls */
#define VM_FRAME_BYTES 512        /* of stack, each */
#define VM_TAIL_CALLS  33         /* RFC 9669 leaves it open; the kernel's MAX_TAIL_CALL_CNT */
#define VM_BUDGET      (1u << 30) /* instructions of a run, where the caller names no number */

struct vm;
struct vm_prog;
struct vm_map;
struct vm_run;

/* ---- what a program may touch */

enum vm_region_kind {
	VM_STACK, /* of the run: VM_FRAMES * VM_FRAME_BYTES */
	VM_CTX,
	VM_PACKET,
	VM_MAPVAL, /* the values of a map, all in one piece */
	VM_RECORD, /* reserved in a ring, until it is submitted */
	VM_MEMORY, /* anything else that the caller lends */
};
/* Bytes [start, start + size). Where it is a row of elements (values of a map), an access must stay
 * in one of them: elem bytes of each stride, which is a power of two. Else stride is 0. */
struct vm_region {
	u64 start, size;
	u32 elem, stride;
	u8 kind;
	bool writable;
	const struct vm_map *map; /* VM_MAPVAL, VM_RECORD: for messages */
};

/* ---- why a program stopped */

enum vm_fault_kind {
	VM_OK,
	VM_BAD_ACCESS,   /* reg + off is in no region, or in one that cannot be written */
	VM_BAD_ARGUMENT, /* a helper was handed something that it cannot take */
	VM_BAD_CALL,     /* no such helper, map or program */
	VM_TOO_DEEP,     /* more than VM_FRAMES frames */
	VM_OUT_OF_BUDGET,
	VM_NOT_AN_INSN,
};
struct vm_fault {
	u8 kind;
	u8 reg, size; /* of an access: its base register, its bytes */
	bool write;
	bool called_back; /* insn is in a function that a helper called back */
	u32 insn;         /* in the program, in slots; filled in by who called the helper */
	u64 addr;
	const char *why; /* BAD_ARGUMENT, BAD_CALL: a constant text */
};
/* "line 8: "n += p[9];": instruction 12: r1 = *(u32 *)(r2 +8): 4 bytes at 0x… are 8 bytes behind
 * the value of map counts (16 bytes)" */
void vm_fault_print(struct buf *, const struct vm_run *);

/* ---- the world around a run: what helpers ask, and who answers */

/* The task that a run is about. */
struct vm_task {
	u32 pid, tid; /* tgid and pid of the kernel, in our PID namespace */
	u32 uid, gid;
	u64 cgroup;
	char comm[16];
};
/* Answers of the one that runs programs; NULL members: those of the own process, or -EOPNOTSUPP
 * where that has no meaning. */
struct vm_host {
	const struct vm_task *(*task)(struct vm_run *);
	/* Memory of the task; all or nothing: 0 or -EFAULT. */
	int (*read_user)(struct vm_run *, void *to, u32 size, u64 from);
	int (*write_user)(struct vm_run *, u64 to, const void *from, u32 size);
	/* Return addresses, the innermost first; how many, or -errno. */
	int (*user_stack)(struct vm_run *, u64 *frames, u32 most, u32 skip);
	/* The same by what the files tell of their frames, not by frame pointers. */
	int (*user_unwind)(struct vm_run *, u64 *frames, u32 most, u32 skip);
	/* Its cgroup and those above it, the innermost first (cgroup.h); how many. */
	u32 (*cgroups)(struct vm_run *, u64 *ids);
	int (*send_signal)(struct vm_run *, u32 sig, bool thread);
	int (*perf_output)(struct vm_run *, struct vm_map *, u64 flags, const void *data, u64 size);
	void (*printk)(struct vm_run *, const char *text, size_t len);
	/* Before each instruction, in a vm with opts.stepped. */
	void (*step)(struct vm_run *, u32 insn, const u64 regs[11]);
};

/* ---- one run at a time, of one thread */

/* In run->redirect: the number of a device, or the element of a map. */
#define VM_REDIRECT_MAP(map, key) (1ull << 63 | (u64)(map) << 32 | (u32)(key))
#define VM_REGIONS                32 /* of a run, beside those of its vm */

/* A region as an access is checked fast: it fits where addr - start < reads[log2 of its bytes]
 * (writes[]). A row of elements has zeroes there; an access fits into it where addr - start < size
 * and (addr - start & mask) < row_reads[log2 of its bytes] (row_writes[]). */
struct vm_fast {
	u64 start;
	u64 reads[4], writes[4];
	u64 size, mask;
	u64 row_reads[4], row_writes[4];
};
struct vm_run {
	struct vm *vm;
	const struct vm_prog *prog, *first; /* that runs: changes by tail calls; that was started */
	const struct vm_host *host;
	void *user;     /* of the host */
	u32 cpu;        /* what bpf_get_smp_processor_id() says; < vm->cpus. Two threads that run at
			 * once have different numbers */
	u32 tail_calls; /* so far */
	s64 budget;     /* instructions left: at least counted at backward jumps and calls */
	u64 ctx, packet, packet_end, packet_meta; /* addresses; 0: there is no packet */
	u64 packet_room, packet_room_end;         /* where head and tail may move */
	u32 packet_link; /* bytes of the link's header in front of it; 0: it begins with it */
	u64 redirect;    /* what redirect() and redirect_map() said */
	u64 frame;       /* r10 of the function that runs (while a
			  * helper does): what it calls back comes behind */
	u64 cookie; /* what get_attach_cookie() says: of the place where the program runs now */
	u32 loops;  /* may_goto instructions left */
	u32 packet_pushed; /* bytes that helpers put in front of the network's header */
	u64 lock;          /* the bpf_spin_lock that it holds, 0: none */
	u64 random;        /* state of get_prandom_u32(), 0: not yet seeded */
	u8 *tasks;         /* help_current.c: what get_current_task() points to, or NULL */
	u64 unwind;        /* jit_x86_64.c: where a fault finds the way out */
	struct vm_fault fault;
	u64 regs[11]; /* where it stopped */
	struct vm_region
		regions[VM_REGIONS]; /* size 0: free. Changed by vm_lend(), vm_take_back() */
	u32 nregions;
	u32 nrecords; /* of them are records of rings */
	u8 *stack; /* VM_FRAMES * VM_FRAME_BYTES, the first frame on top */
	/* The regions once more: those of the run first, then, from VM_REGIONS on, those of the vm.
	 */
	struct vm_fast fast[];
};

/* ---- helpers: one row each in helpers.def */

/* The sixth argument is the run. Arguments have been checked by the row's prototype
 * (isa/helpers.def) where the program is not trusted. */
typedef u64 vm_helper_fn(u64, u64, u64, u64, u64, struct vm_run *);
vm_helper_fn *vm_helper(u32 id); /* NULL: it has no meaning in user space */
/* Checks the five arguments of a helper by its prototype; false: run->fault says what is wrong. */
bool vm_check_args(struct vm_run *, u32 helper, const u64 args[5]);

/* ---- maps: one row of operations a kind */

/* What is called for each element until it returns non-zero. */
typedef int map_each_fn(void *user, struct vm_map *, const void *key, void *value);
struct vm_map_ops {
	int (*open)(struct vm_map *); /* makes its memory */
	void (*close)(struct vm_map *);
	/* The value for this CPU, or NULL. */
	void *(*lookup)(struct vm_map *, const void *key, u32 cpu);
	int (*update)(struct vm_map *, const void *key, const void *value, u64 flags, u32 cpu);
	int (*remove)(struct vm_map *, const void *key);
	int (*next)(struct vm_map *, const void *key, void *next);  /* key NULL: the first */
	int (*push)(struct vm_map *, const void *value, u64 flags); /* queue, stack, bloom */
	int (*pop)(struct vm_map *, void *value);
	int (*peek)(struct vm_map *, void *value);
	u32 (*each)(struct vm_map *, u32 cpu, map_each_fn *, void *user); /* how many it was */
	/* From outside, where that is not the value that programs see: NULL: lookup. */
	int (*copy)(struct vm_map *, const void *key, void *value);
};
struct vm_map {
	const struct vm_map_ops *ops;
	struct vm *vm;
	const char *name;
	u32 kind, key_size, value_size, max_entries, flags;
	const struct object_map_inner *like; /* maps of maps: what is put in; NULL: any */
	u32 extra;                           /* BLOOM_FILTER: how many hashes, 0: 5 */
	u32 index;                           /* in the object's maps */
	u32 stride;                          /* bytes from a value to the next */
	u8 *values;                          /* max_entries (times CPUs) of stride bytes, or NULL */
	u64 values_bytes;
	/* In the value, of its bpf_spin_lock and its bpf_timer: offset + 1; 0: there is none. */
	u32 lock_at, timer_at;
	struct vm_region region; /* of the values; size 0: there are none to point to */
	void *data;              /* of its kind */
};
/* The kind's row; NULL: the machine has no such maps. */
const struct vm_map_ops *vm_map_ops(u32 kind);
/* From outside, with the errors of bpf(2): of per-CPU maps a value is vm->cpus values, each rounded
 * up to 8 bytes. */
int vm_map_lookup(struct vm_map *, const void *key, void *value);
int vm_map_update(struct vm_map *, const void *key, const void *value, u64 flags);
int vm_map_delete(struct vm_map *, const void *key);
int vm_map_next(struct vm_map *, const void *key, void *next);
int vm_map_pop(struct vm_map *, const void *key, void *value); /* LOOKUP_AND_DELETE */

/* A ring buffer in the kernel's layout (kernel/bpf/ringbuf.c), so that stream/ reads it. */
struct vm_ring {
	u64 *consumer, *producer;
	u8 *data; /* twice in a row */
	u32 size;
	int eventfd; /* written when a submit wakes the reader up; -1: none */
};
struct vm_ring *vm_map_ring(struct vm_map *); /* NULL: it is no ring buffer */

/* ---- the machine */

struct vm_opts {
	u32 cpus;       /* 0: 1 */
	bool trusted;   /* somebody has verified the programs: accesses are not checked */
	bool interpret; /* never compile to machine code */
	bool stepped;   /* interpret, and call host->step() before each instruction */
	bool blind;     /* constants of the program do not appear in machine code */
	u64 budget;     /* 0: VM_BUDGET */
	u32 ring_bytes; /* of a map that is filled for each CPU; 0: RING_BYTES */
	s64 only;       /* open this program alone, less 1; 0: all. See object_wants() */
};
/* Maps are made, programs decoded, checked for form (every jump lands on an instruction, every
 * register and helper exists) and compiled. What the machine cannot do is refused by name. */
int vm_open(struct vm **, const struct object *, const struct vm_opts *, struct diag *);
/* Bare instructions without maps, as a program of number 0. Copied. */
int vm_open_code(struct vm **, const struct insn *, u32 n, const struct vm_opts *, struct diag *);
void vm_close(struct vm *); /* NULL is fine */
u32 vm_nprogs(const struct vm *);
struct vm_map *vm_map_of(struct vm *, u32 index); /* NULL: there is none */

int vm_run_open(struct vm_run **, struct vm *, const struct vm_host *, void *user, u32 cpu);
void vm_run_close(struct vm_run *);
/* Lends memory to the programs of this run until it is taken back. False: there is no room. */
bool vm_lend(struct vm_run *, struct vm_region);
void vm_take_back_all(struct vm_run *); /* but the stack: of a run that was left in the middle */
void vm_take_back(struct vm_run *, u64 start);
bool vm_take_back_record(struct vm_run *, u64 start); /* false: no record of a ring begins there */
/* What is kept for a task goes with it; an exec gives a thread the number of its process. */
void vm_task_ended(struct vm *, u32 tid);
void vm_task_renamed(struct vm *, u32 from, u32 to, u32 cpu);
/* Runs a program with r1 = ctx and r2 = arg2. 0 and what it returned, or -EFAULT (run->fault says
 * why). Never recursive on one run. */
int vm_call(struct vm_run *, u32 prog, u64 ctx, u64 arg2, u64 *result);
/* direct.c: the program as a function, which lives as long as the vm and runs faster than
 * vm_call(): of a trusted one that needs no run, as it calls no helper and has nothing on the
 * stack. NULL: it is none. */
typedef u64 vm_direct_fn(u64 ctx);
vm_direct_fn *vm_direct(const struct vm *, u32 prog);

/* A stack as a host finds it: addresses, the innermost first, of which the first `skip` are left
 * out; callers by frame pointers from fp on, as the kernel finds them, in memory that
 * host->read_user() reads.
 */
struct vm_walk {
	u64 *frames;
	u32 most, skip, n, seen;
};
void vm_walk_add(struct vm_walk *, u64 addr);
void vm_walk_callers(struct vm_walk *, struct vm_run *, u64 fp);

/* Calls the functions of timers whose time has come, with a run of its own that runs nothing now.
 * How many ns it is to the next one, UINT64_MAX: there is none; 0: at once, or with run->fault: it
 * stopped. */
u64 vm_timers_run(struct vm_run *);
bool vm_has_timers(const struct vm *); /* some were ever made */

/* Zeroed pages that a fork() shares; below 4 GiB where `low` (xdp_md and __sk_buff have 32-bit
 * fields for addresses of the packet). NULL: no memory. */
void *vm_memory(size_t size, bool low);
void vm_memory_free(void *, size_t size);

#endif
