/*
 * inside.h: what the files of this room share: decoded programs, the two ways to run them.
 */
#ifndef VM_INSIDE_H
#define VM_INSIDE_H

#include "vm/vm.h"

/* A program with everything resolved: ld_imm64 holds addresses (of struct vm_map, of values, of a
 * callback as VM_CALLBACK(slot)), local calls go to slots of the same program. */
struct vm_prog {
	struct vm *vm;
	const struct object_prog *object; /* NULL: bare code */
	u32 kind, index;
	struct insn *insns;
	u32 n;
	u8 *ops;          /* form.c, by slot: enum isa_id; ISA_NONE: the second of a ld_imm64 */
	bool *calls_back; /* by slot: a function whose address the program takes */
	void *threaded;   /* decode.c: the form that interpret.c runs */
	void *entry;      /* jit_x86_64.c: machine code, or NULL */
	size_t entry_bytes;
	struct jit_code *jit; /* and what else belongs to it */
};
/* An address that no memory has, for a function of the program that is handed to a helper. */
#define VM_CALLBACK(slot)     (0xcb00000000000000ull | (slot))
#define VM_IS_CALLBACK(value) ((value) >> 56 == 0xcb)

struct vm {
	const struct object *object;
	struct vm_opts opts;
	struct arena arena;
	struct arena scratch; /* of the compiler: from one program to the next */
	struct diag *diag;
	struct vm_prog *progs;
	u32 nprogs;
	struct vm_map **maps; /* by the object's indices */
	u32 nmaps;
	struct vm_region *regions; /* of maps: by address, ascending */
	u32 nregions;
	struct task_layout *task_layout; /* help_current.c: NULL: nobody asks, or no types */
	void *timers;                    /* timer.c: NULL: none was made yet */
};

/* Bytes [low, high) from r10: does every function have them? */
static inline bool vm_in_frame(s64 low, s64 high)
{
	return low >= -VM_FRAME_BYTES && high <= 0;
}

/* region.c: the region that holds all of the access, or NULL. Looks at those of the run first. */
const struct vm_region *vm_region_find(const struct vm_run *, u64 addr, u32 size, bool write);

/* maps.c: the maps of vm->object, and their regions. Also after a failure they must be closed. */
int vm_maps_open(struct vm *, struct diag *);
void vm_maps_close(struct vm *);
bool vm_is_map(const struct vm *, const void *); /* the address of one of them */
/* help_ring.c: what a run that has ended still has reserved in rings goes to nobody. */
void vm_records_discard(struct vm_run *);
/* help_current.c: looks up the kernel's struct task_struct where the program asks for one. */
void vm_current_open(struct vm *, const struct vm_prog *);
/* One more, described but for ops: for tests and for maps that no object has. */
int vm_map_open(struct vm_map *, struct diag *);
void vm_map_close(struct vm_map *);
/* map_array.c: what slot i of an array of programs or of maps holds, or -ENOENT, -E2BIG. */
s64 map_slot(struct vm_map *, u32 i);

/* Where in run->fast the region is. */
u32 vm_region_index(const struct vm_run *, const struct vm_region *);
void vm_region_init(struct vm_run *); /* lends the stack */

/* form.c: whether bare instructions are a program: 0, or a message and -EINVAL, -EOPNOTSUPP. */
int vm_check_form(const struct vm_prog *, struct diag *);

/* interpret.c */
int interpret_prepare(struct vm_prog *, struct diag *);
void interpret_free(struct vm_prog *);
/* From the slot `at` on, with the arguments r1 to r5, in a new frame below `frames`. On a fault
 * run->fault is set. */
u64 interpret(struct vm_run *, const struct vm_prog *, u32 at, const u64 args[5], u32 frames);
/* The same from the middle of a function, with all of its registers, to its end. */
u64 interpret_rest(struct vm_run *, const struct vm_prog *, u32 at, const u64 regs[11]);

/* jit_x86_64.c: 0, or -EOPNOTSUPP where this CPU has no compiler: then it is interpreted. */
int jit_compile(struct vm_prog *, struct diag *);
void jit_free(struct vm_prog *);
u64 jit_run(struct vm_run *, const struct vm_prog *, u32 at, const u64 args[5], u32 frames);

/* packet.c: ld_abs, ld_ind: bytes of the packet in the order of the network, at a distance from its
 * first, or from a header (negative ones). False: they are not there, the program ends with 0. */
bool vm_packet_load(const struct vm_run *, s32 at, u32 size, u64 *to);

/* run.c: calls back into the running program, for helpers such as loop() and timers: the way it was
 * started, in a frame behind the one that called. */
u64 vm_call_back(struct vm_run *, u64 callback, const u64 args[5]);
/* The same outside of any program, as vm_call() does. */
int vm_call_function(struct vm_run *, u32 prog, u64 callback, const u64 args[5]);

/* helpers.c: what a compiler knows of an argument: that it is a number, or r10 and a number. */
struct vm_known {
	enum { KNOWN_NOT, KNOWN_NUMBER, KNOWN_FRAME } kind;
	s64 n;
};
/* Would vm_check_args() agree in each run? map: the first argument, or NULL. */
bool vm_known_args(u32 helper, const struct vm_map *map, const struct vm_known args[5]);
/* Has vm_check_args() anything to check of this helper? */
bool vm_args_matter(u32 helper);

#endif
