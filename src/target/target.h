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
#include "isa/isa.h"

/* A field of a tracepoint record, from its tracefs format. */
struct tp_field {
	const char *name;
	const char *type; /* as the kernel wrote it: "const char *", "__data_loc char[]" */
	u32 off, size;	  /* bytes in the record */
	bool is_signed;
	bool is_array;	  /* char comm[16]: array of `elem` byte elements */
	bool is_string;	  /* char array, or __data_loc char[] */
	bool is_pointer;
	bool is_data_loc; /* u32: length << 16 | offset from the record's start */
	u32 elem;	  /* bytes of an array's element */
};
struct tp_format {
	const char *category, *name;
	u32 id; /* for perf_event_open, of this machine; 0 in a saved target */
	struct tp_field *fields; /* without the common_ ones */
	u32 nfields;
};

struct target {
	struct arena arena;
	u32 kernel;  /* KERNEL(6, 1) */
	u32 cpus;    /* possible ones */
	const char *arch;  /* "x86_64" */
	const char *release; /* uname -r */
	const struct target_ops *ops;
	void *data;
};

struct target_ops {
	/* Finds one tracepoint; -ENOENT (no such), -EACCES, -ENODEV (no tracefs). */
	int (*tracepoint)(struct target *, const char *category, const char *name,
			  struct tp_format **);
	/* Calls fn for each tracepoint "category:name" until it returns non-zero. */
	int (*tracepoints)(struct target *, int (*fn)(void *, const char *category,
						       const char *name), void *user);
	/* The kernel's types; -ENOENT without BTF. */
	int (*btf)(struct target *, struct btf **, struct diag *);
	void (*close)(struct target *);
};

int target_live(struct target **, struct diag *);
int target_open(struct target **, const void *data, size_t size, struct diag *);
void target_close(struct target *);
/* Writes the machine to text/binary in out; patterns: NULL-terminated "cat:name" globs or NULL. */
int target_save(struct target *, const char *const *patterns, struct buf *out, struct diag *);

/* Looks a tracepoint up and reports what is wrong with a hint: unknown category or name with the
 * nearest one, no tracefs (how to mount it), no permission. */
int target_tracepoint(struct target *, const char *category, const char *name, struct loc,
		      struct tp_format **, struct diag *);
const struct tp_field *tp_field(const struct tp_format *, const char *name); /* NULL: none */
/* Shell patterns with * ? and [..] */
bool glob_match(const char *pattern, const char *text);

#endif
