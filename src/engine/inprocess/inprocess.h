/*
 * inprocess.h: what the files of the in-process engine share.
 *
 * Programs run in the traced processes themselves: a seccomp filter turns the calls that the script
 * asks about into SIGSYS, whose handler runs them, in our machine, on maps that all processes
 * share (agent.h). No process is stopped, none is switched to.
 *
 * agent/: what lives in the traced processes. file: the memory that all share. filter: which calls
 * trap. guard: the process that brings the agent into new programs, and wakes up the session.
 * engine: the rows of struct engine_ops.
 */
#ifndef ENGINE_INPROCESS_INPROCESS_H
#define ENGINE_INPROCESS_INPROCESS_H

#include "engine/engine.h"
#include "engine/inprocess/agent.h"
#include "engine/user/user.h"

/* file.c */
struct shared_file {
	int fd; /* -1: there is none */
	u64 cookie;
	u64 text; /* bytes of the image */
};
/* Makes the file and maps it, ready for the machine to be made in it. */
int file_open(struct shared_file *, struct diag *);
void file_close(struct shared_file *);
void file_unmap(void);
bool file_is_alone(const struct shared_file *); /* no process maps it, nor do we from now on */
/* What the guard needs of it, again. */
int file_map_control(const struct shared_file *);
int file_map_text(const struct shared_file *);

/* filter.c */
struct trap_filter {
	struct bpf_code code[4096]; /* the kernel takes no more */
	u32 n;
};
int trap_filter_make(struct trap_filter *, const struct plan *, u64 cookie);
int trap_filter_install(const struct trap_filter *);

/* What a command needs between its fork and its exec. */
struct inprocess_child {
	struct plan plan;
	struct trap_filter filter;
	struct shared_file file;
	u64 vdso;
};

int inprocess_child_open(struct user_child **, const struct object *, struct diag *);
int inprocess_child_prepare(struct user_child *);
void inprocess_child_close(struct user_child *);

struct inprocess {
	struct user_engine user; /* first; its maps are read as those of the user engine */
	struct inprocess_child *child;
	bool own_child; /* made here: there is no command */
	int wake;       /* eventfd */
	int guard;      /* pid; 0: none */
};

/* guard.c */
int guard_start(struct inprocess *);

#endif
