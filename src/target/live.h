/* live.h: what the files of the live target share. */
#ifndef TARGET_LIVE_H
#define TARGET_LIVE_H

#include "base/dict.h"
#include "target/impl.h"

#define LIVE_MODULES 16
struct live {
	const char *tracefs; /* NULL: not looked for yet */
	struct dict formats; /* "category:name" */
	struct tp_format *exit; /* of a system call's exit: all have the same fields */
	struct btf *btf;
	/* live_module.c: types of modules behind those of the kernel; NULL: of none */
	struct btf *modules_btf;
	struct live_module {
		const char *name;
		u32 shift;	 /* what its types' numbers are more than in its own BTF */
		struct btf *btf; /* with the modules in front of it; somebody may still look there */
		struct buf raw;
	} modules[LIVE_MODULES];
	u32 nmodules, joined_types;
	u32 kernel_types, kernel_strings; /* where each module's own begin */
	struct dict forbidden; /* functions that kprobes may not be at; no arena: not read yet */
	struct user_file *files;
	struct dict named; /* those that were looked for by a name without a slash */
	struct buf *config; /* text of the kernel's configuration; NULL: not read yet */
};

/* The whole of a file whose size is not known; 0 or -errno. */
int live_read(const char *path, struct buf *out);
/* The same up to what one read has brought when `enough` stands in it. */
int live_read_until(const char *path, const char *enough, struct buf *out);
const char *live_tracefs(struct target *); /* where it is mounted, or NULL */
int live_btf(struct target *, struct btf **, struct diag *);

/* builtin.c: what is known without tracefs */
int builtin_tracepoint(struct target *, const char *category, const char *name,
		       struct tp_format **);
int builtin_tracepoints(struct target *, int (*fn)(void *, const char *, const char *), void *user);

int live_module(struct target *, const char *name, u32 *shift);
void live_module_close(struct target *);
int live_kprobes(struct target *);
int live_fentry(struct target *);
bool live_kfunc(struct target *, u32 prog_kind, u32 attach_type, u32 at, u32 function);
int live_function(struct target *, const char *name);
int live_functions(struct target *, function_fn *fn, void *user);

int live_programs(struct target *, program_fn *fn, void *user);

int live_file(struct target *, const char *name, u32 pid, struct user_file **);
int live_mapped(struct target *, u32 pid, int (*fn)(void *, const char *), void *user);
int live_glob(struct target *, const char *pattern, int (*fn)(void *, const char *), void *user);
void live_files_close(struct target *);
void live_config_close(struct target *);

#endif
