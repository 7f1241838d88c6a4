/*
 * target.h: the machine that a program is compiled for.
 *
 * A compiler may know of its machine only what is in struct target: kernel version, CPUs,
 * tracepoint formats, BTF. The running machine is one target (target/live.c, which alone reads
 * /sys and /proc); a file that `waggle target save` wrote is another.
 */
#ifndef TARGET_TARGET_H
#define TARGET_TARGET_H

#include "base/diag.h"
#include "btf/btf.h"
#include "elf/dwarf.h"
#include "isa/isa.h"

/* A field of a tracepoint record, from its tracefs format. The declared type may be narrower than
 * the field ("int dfd" takes 8 bytes in system call events): size and is_signed tell how to read.
 */
struct tp_field {
	const char *name;
	const char *type; /* as the kernel wrote it, without the name: "const char *", "char[16]",
			   * "__data_loc char[]" */
	u32 off, size;    /* bytes in the record */
	bool is_signed;
	bool is_array;  /* char comm[16]: array of `elem` byte elements; __data_loc arrays, too */
	bool is_string; /* char array, or __data_loc char[] */
	bool is_pointer;
	bool is_data_loc; /* u32: length << 16 | offset from the record's start */
	bool is_rel_loc;  /* with is_data_loc: the offset counts from the end of the field */
	u32 elem;         /* bytes of an array's element; 0: unknown */
};
struct tp_format {
	const char *category, *name;
	struct tp_field *fields; /* without the common_ ones */
	u32 nfields;
};

struct target {
	struct arena arena;
	u32 kernel;          /* KERNEL(6, 1) */
	u32 cpus;            /* the highest possible CPU number + 1 */
	bool first_pidns;    /* we are in its first namespace of PIDs; false: or nobody knows */
	const char *arch;    /* "x86_64" */
	const char *release; /* uname -r */
	const struct target_ops *ops;
	/* Reads a source that a script brings in: 0 or -errno. NULL: scripts can bring in none. */
	int (*read)(const char *path, struct buf *out);
	/* Calls fn for each name in a folder: 0 or -errno. */
	int (*list)(const char *path, void (*fn)(void *, const char *name), void *user);
	void *data;
};

/* A program or library, mapped. */
struct user_file {
	const char *path; /* absolute, without links */
	struct elf elf;
	struct dwarf dwarf; /* of user_debug() */
	bool debug_asked, has_debug;
	struct user_file *next;
};
/* A function of a file: from .symtab and .dynsym. */
struct user_symbol {
	const char *name;
	u64 offset, size; /* in the file */
};
/* A USDT probe of a file, one of the places that share its name: a note .note.stapsdt. */
struct usdt_note {
	const char *provider, *name;
	const char *args; /* operands as the assembler wrote them: "4@%eax -8@16(%rbp)" */
	u64 addr, offset; /* of the place: as the file's symbols have it; in the file */
	u64 semaphore;	  /* of its counter, 0: none */
};

typedef int function_fn(void *user, const char *name, const char *module);
/* A function of a running BPF program; type: its id in the program's BTF. */
typedef int program_fn(void *user, u32 id, const char *name, u32 type);

struct target_ops {
	/* Finds one tracepoint; -ENOENT (no such), -EACCES, -ENODEV (no tracefs). */
	int (*tracepoint)(struct target *, const char *category, const char *name,
			  struct tp_format **);
	/* Calls fn for each tracepoint "category:name" until it returns non-zero. */
	int (*tracepoints)(struct target *,
			   int (*fn)(void *, const char *category, const char *name), void *user);
	/* The kernel's types, which belong to the target; -ENOENT without BTF. Reports why. */
	int (*btf)(struct target *, struct btf **, struct diag *);
	/* From now on btf() has the types of a module, too: those of the kernel keep their ids, the
	 * module's are behind them, by `shift` higher than in its own BTF. -ENOENT: it is not loaded,
	 * or without types; -EBUSY: there are too many. NULL: never. */
	int (*module)(struct target *, const char *name, u32 *shift);
	/* Whether there are kprobes: 0, -ENOENT. */
	int (*kprobes)(struct target *);
	/* Whether programs may attach by fentry and fexit: 0, -ENOENT, -EPERM. */
	int (*fentry)(struct target *);
	/* Whether a program of that kind, and attach type, at that function (0: none) may call a
	 * function of the kernel; all by their ids in BTF. NULL: nobody knows. */
	bool (*kfunc)(struct target *, u32 prog_kind, u32 attach_type, u32 at, u32 function);
	/* Whether the kernel has this function: 0, -ENOENT. */
	int (*function)(struct target *, const char *name);
	/* Calls fn for each function that can be probed, until it returns non-zero. module NULL: of
	 * the kernel itself. */
	int (*functions)(struct target *, function_fn *fn, void *user);
	/* Calls fn for each function of each BPF program that runs and has types, until it returns
	 * non-zero; -EPERM. NULL: this target runs none. */
	int (*programs)(struct target *, program_fn *fn, void *user);
	/* A program or library by its path, or by its name as the shell and the linker find it;
	 * pid: as that process sees it, 0: as we do. It belongs to the target. -ENOENT, -EACCES,
	 * -EISDIR, -ENOEXEC (not ELF), -EOPNOTSUPP (this target has no files). */
	int (*file)(struct target *, const char *name, u32 pid, struct user_file **);
	/* Calls fn for each file with code that the process has mapped (pid 0: that any has, each maybe
	 * more than once), until it returns non-zero; -ESRCH. */
	int (*mapped)(struct target *, u32 pid, int (*fn)(void *, const char *path), void *user);
	/* The same for each file whose path matches a shell pattern. */
	int (*glob)(struct target *, const char *pattern, int (*fn)(void *, const char *path),
		    void *user);
	void (*close)(struct target *);
};

/* The running machine: mounts tracefs where it is missing and this process may. */
int target_live(struct target **, struct diag *);
/* A saved machine; data is borrowed for the life of the target. -EINVAL: not what save writes. */
int target_open(struct target **, const void *data, size_t size, struct diag *);
void target_close(struct target *); /* NULL is fine */
/* Of the running machine alone: a descriptor of a BPF program, and the type of one of its functions
 * in its own BTF. -ENOENT: it has gone, or has no such function. */
int target_program(u32 id, const char *function, u32 *type);
/* Of the running machine alone: the text of a value of its configuration ("y", "64", "\"text\""),
 * NULL: it is not set; and LINUX_KERNEL_VERSION. */
const char *target_config(struct target *, const char *name);
u32 target_version(struct target *);
/* Writes the machine to out (see saved.c for the format); patterns: NULL-terminated "cat:name"
 * globs, where "btf" asks for the kernel's types and "kprobe:GLOB" for its functions; NULL: all tracepoints, and the types where there
 * are any. The same machine and patterns give the same bytes. */
int target_save(struct target *, const char *const *patterns, struct buf *out, struct diag *);

/* Calls fn for each function, or probe, of a file until it returns non-zero, which is returned. A
 * function that both tables list comes twice. */
/* Those of that name alone, faster. */
int user_symbols_named(const struct user_file *, const char *name,
		       int (*fn)(void *, const struct user_symbol *), void *user);
int user_symbols(const struct user_file *, int (*fn)(void *, const struct user_symbol *), void *);
/* The address of anything with that name: a function, a variable. False: it has none. */
bool user_address(const struct user_file *, const char *name, u64 *addr);
/* The same, with the bytes that it has. */
bool user_variable(const struct user_file *, const char *name, u64 *addr, u64 *size);
int usdt_notes(const struct user_file *, int (*fn)(void *, const struct usdt_note *), void *user);
/* usdt.c: its operands, with distances from the probe in the place of variables: "4096(%rip)". */
const char *usdt_operands(const struct user_file *, const struct usdt_note *, struct arena *);
/* Its debugging information, in it or in the file that belongs to it; NULL: there is none. */
const struct dwarf *user_debug(struct target *, struct user_file *);
/* Looks a file up and reports why it cannot be used. */
int target_file(struct target *, const char *name, u32 pid, struct loc, struct user_file **,
		struct diag *);

/* Looks a tracepoint up and reports what is wrong with a hint: unknown category or name with the
 * nearest one (-ENOENT), no tracefs and how to mount it (-ENODEV), no permission (-EACCES). */
int target_tracepoint(struct target *, const char *category, const char *name, struct loc,
		      struct tp_format **, struct diag *);
const struct tp_field *tp_field(const struct tp_format *, const char *name); /* NULL: none */
/* Shell patterns with * ? and [..]; a backslash takes the next character as it is. */
bool glob_match(const char *pattern, const char *text);

#endif
