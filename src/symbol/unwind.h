/*
 * unwind.h: stacks without frame pointers: callers as the files' call frame information finds them.
 *
 * A file's rows are read once, when an address in it is first met. What a process maps is read from
 * /proc when it is first seen and when an address is in none of it.
 */
#ifndef SYMBOL_UNWIND_H
#define SYMBOL_UNWIND_H

#include "base/base.h"
#include "elf/cfi.h"
#include "object/object.h"

struct unwind_regs {
	u64 ip, sp, bp;
	const u64 *inner; /* the innermost function's, as in struct pt_regs; NULL: not known */
	u64 bx_at;        /* where rbx was saved; 0: it is in those still */
	bool outer;       /* r12 to r15 are perhaps not those of this function any more */
};
/* Reads a word of the process: 0 or -errno. */
typedef int unwind_read(void *user, u64 from, u64 *word);
/* From a function to its caller by a rule. CFI_NONE is a frame with a frame pointer, as code that
 * is made while a program runs has them. False: there is none. */
bool unwind_step(u32 rule, struct unwind_regs *, unwind_read *, void *user);

struct unwinder;
struct unwinder *unwinder_new(void); /* NULL: no memory */
void unwinder_free(struct unwinder *);
/* Addresses, the innermost first: the place of the first, return addresses of the others. How many
 * there are. regs are those of process pid, whose memory read() reads. */
u32 unwind(struct unwinder *, u32 pid, struct unwind_regs, u64 *frames, u32 most, unwind_read *,
	   void *user);
/* The rows of the file that process pid maps at an address; good as long as the unwinder. False:
 * the process has ended, or maps nothing there. */
bool unwind_rows(struct unwinder *, u32 pid, u64 addr, const struct cfi_row **, u32 *n);
/* Calls fn for the files of which process pid maps something... */
typedef void unwind_file_fn(void *user, const struct unwind_key *, const struct cfi_row *, u32 n);
void unwind_process(struct unwinder *, u32 pid, unwind_file_fn *, void *user);
/* ...for a program's file, its interpreter and the libraries that these need, as far as they are in
 * the usual folders (path NULL: for none), and for the vdso. */
void unwind_program(const char *path, unwind_file_fn *, void *user);
/* The process runs another program. */
void unwind_executed(struct unwinder *, u32 pid);

#endif
