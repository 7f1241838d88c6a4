/*
 * strace.h: system calls as people read them. Private to this room; the public call is
 * waggle_strace().
 *
 * A generated script (script.c) brings each call along: a record when it begins, one when it ends,
 * and between them pieces of the process's memory, as the tables of arguments want them. The names
 * and structures are made here, from those pieces alone: what was not brought along is shown as an
 * address.
 */
#ifndef STRACE_STRACE_H
#define STRACE_STRACE_H

#include "arch/arch.h"
#include "base/buf.h"
#include "symbol/symbol.h"
#include "waggle.h"

/* Numbers of calls; from NATIVE_CALLS on, those of 32-bit programs. All that no table has are OTHER_CALL. */
enum { NATIVE_CALLS = 512, OTHER_CALL = 511, MAX_CALLS = 1024, MAX_ARGS = 6, NETLINK_FDS = 64 };

/* Which calls belong together: %file, %desc, ... */
enum call_class {
	DESC = 1,
	FILES = 2,
	MEMORY = 4,
	NETWORK = 8,
	SIGNALS = 16,
	PROCESS = 32,
	CREDS = 64,
	CLOCKS = 128,
	PURE = 256
};

/* How the memory behind an argument is brought along. */
enum { NOTHING, STRING, FIXED, COUNTED, EACH, VECTOR, MESSAGE, MESSAGES, STRINGS, POINTERS, REQUESTS };

/* Names of bits or of values, one behind the other with their NULs: pointers would take as much again. */
struct flag_set {
	const char *name, *unknown; /* "PROT_???" */
	const char *names;
	const u32 *values; /* of two of clone3()'s flags alone 32 bits are too few */
	u32 n;
};

struct shown;
struct arg;
struct kind {
	const char *name;
	u8 how;
	u16 bytes; /* of FIXED, of an element of EACH */
	const char *form; /* of records.def; else NULL */
	void (*show)(struct shown *, const struct arg *);
};

/* SEEN_LEAST: bytes of a buffer that are brought along even if fewer are shown as a string. */
enum { COUNT_NONE = 7, COUNT_RESULT = 6, DUMP_BYTES = 4096 - 8, SEEN_LEAST = 64 };
struct arg {
	const struct kind *kind;
	const struct flag_set *set;
	u8 i;     /* which argument */
	u8 count; /* which one counts, COUNT_RESULT, COUNT_NONE */
	bool out; /* the call fills it */
};

/* A system call by its number. */
struct call {
	const char *name; /* NULL: there is none */
	u32 classes;
	u8 nargs, at_entry; /* arguments that are known when it begins */
	char result;        /* 'd', 'x', 'o', 'f'; 'p', 'c': as result_of() tells; others: put_worded() */
	struct arg args[MAX_ARGS];
};

struct piece {
	u64 addr;
	u32 at, size; /* in the bytes of the task */
	bool string, late;
};

/* "Where" the arguments and the path of a new program lie, when those of the old one were not there. */
#define NEW_ARGV 1u
#define NEW_PATH 2u

/* Where lines go: one for all, or each thread its own. */
struct pen {
	struct buf text;
	u64 column;	   /* of the line that is being written */
	struct task *open; /* whose line is not ended yet */
	int fd;		   /* 0: the file is not open yet */
	u32 tid;	   /* in the file's name: a task's, or what it was before its exec */
};

/* A thread, and the call it is in. */
struct task {
	struct task *next;
	u32 tid, pid;
	bool inside; /* a call has begun */
	bool shown;  /* its beginning has been written, */
	bool cut;    /* and another line behind it; */
	bool ended;  /* it told that no argument follows */
	bool narrow; /* it makes calls of 32 bits */
	bool hidden; /* its call is none that -P wants, as far as is known */
	u32 nr;
	s32 number; /* that it called by */
	u64 args[MAX_ARGS], ns;
	struct buf bytes; /* what the pieces are of */
	struct piece pieces[256];
	u32 npieces;
	int fatal;   /* a signal that may end it */
	u64 blocked; /* signals, as rt_sigreturn left them */
	struct pen own;
	u64 ip;		   /* -i: where the call comes from */
	struct buf stack; /* -k: lines of its stack */
	u64 uts, cgroup; /* --container: its UTS namespace, 0: not known yet */
	u8 netlink[NETLINK_FDS]; /* descriptors it made for netlink: the protocol and 1 */
};

/* --container: what a UTS namespace calls itself. */
struct node_name {
	u64 uts;
	char name[65];
};

/* What -c counts. */
struct sum {
	u64 calls, errors, ns, least, most;
};

struct strace {
	struct waggle_strace opts;
	struct waggle_session *session;
	const struct arch *arch;
	struct call calls[MAX_CALLS];
	char unknown[NATIVE_CALLS][28];	/* names of calls that have only a number */
	char numbered[28];		/* that of the last one that no table has */
	bool chosen[MAX_CALLS]; /* to be shown */
	bool traced[MAX_CALLS]; /* and those that tell what descriptors are, or that the command begins */
	bool raw[MAX_CALLS];
	u64 wanted[NATIVE_CALLS / 64]; /* the same as bits */
	bool kernel;                   /* its engine serves: else the user engine */
	u32 command;
	bool begun; /* the command's exec, by whichever of its threads, has been seen */
	struct task *tasks[256];
	u32 ntasks, npids; /* npids: of -p */
	struct node_name *node_names;
	u32 nnode_names;
	bool written;            /* something that is not flushed */
	struct task *waiting;    /* whose call has begun, of which nothing is written yet */
	struct pen shared, *pen; /* the one for all; the one that writes */
	struct buf opened;	 /* a bit a number whose file this run has opened */
	struct buf line;         /* a part of a line that is made */
	u64 last_ns, clock_off;  /* -r; realtime less monotonic */
	struct name *names[256]; /* paths.c: of descriptors */
	struct sum sums[MAX_CALLS];
	struct record *records; /* run.c */
	u32 nrecords;
	bool follows; /* what descriptors are is asked for */
	bool netlink; /* somebody has made a netlink socket */
	struct symbols *symbols; /* of -k */
	struct diag *diag;
	bool attends; /* there is a command: it runs to its end, also when nothing can be written */
	bool failed;  /* to write */
	int status; /* of the command, as wait4() tells it; -1: no record told it */
	int ended;  /* the same as a shell says it, if the record was lost */
};

/* A call that is being written. */
struct shown {
	struct strace *s;
	struct task *task;
	const struct call *call;
	const u64 *args;
	struct buf *out;
	struct buf after; /* behind the result: " (Timeout)" */
	s64 ret;
	bool done;  /* it has ended: ret holds */
	bool ended; /* the arguments that follow are not there */
};

/* table.c */
int strace_table(struct strace *, struct waggle_diag *);
/* "openat,read,%file,!close,/regex": which calls; NULL: all. -EINVAL, and which word. */
int strace_choose(const struct strace *, const char *expr, bool *chosen, const char **wrong);
const struct flag_set *strace_set(const char *name, size_t len);
/* Arguments and result from their words, as in calls.def. */
bool strace_read_row(struct call *, const char *words);

/* script.c: what the engine is to run. */
void strace_script(struct strace *, struct buf *out);
bool strace_narrow(const struct strace *); /* are calls of 32 bits wanted? */

/* memory of the process, as it was brought along; NULL: it was not. */
const void *seen(const struct shown *, const struct arg *, u64 addr, u64 size);
u64 seen_bytes(const struct shown *, const struct arg *, u64 addr); /* how many of them; 0: none */
/* The name that a task's host has for it, or NULL. */
const char *node_name_of(const struct strace *, const struct task *);
const struct piece *seen_string(const struct shown *, u64 addr);

/* show.c: the words that all kinds share. */
#define ARG(c, a)       ((c)->args[(a)->i])
#define ARG_AFTER(c, a) ((c)->args[((a)->i + 1) % MAX_ARGS])
const char *flag_name(const struct flag_set *, u32 i);
void show_flags(struct buf *, const struct flag_set *, u64 bits);
void show_one(struct buf *, const struct flag_set *, u64 value);
void flags_of(struct buf *, const char *set, u64 bits);
void one_of(struct buf *, const char *set, u64 value);
void show_address(struct buf *, u64 addr);
void show_hex(struct buf *, u64);
void show_bytes(struct shown *, const void *, u64 n, u64 all, bool hex, u64 most);
void show_signal(struct buf *, int sig);
void show_signals(struct buf *, u64 bits);
void show_mode(struct buf *, u32 mode);
void show_open_flags(struct buf *, u32 flags);
/* The date of so many seconds since 1970, between before and after; nothing if there is none. digits: of the fraction */
void show_date(struct buf *, const char *before, s64 sec, u64 frac, int digits, const char *after);
void show_timespec(struct buf *, const s64 *t, const char *small);
void show_siginfo(struct buf *, const void *, u32 size);
void show_descriptor(struct shown *, s32 fd);
void show_name(struct shown *, const char *path);   /* between < and > */
void show_dumps(struct shown *); /* -e read=, -e write=: lines below */
void show_string_at(struct shown *, const struct arg *, u64 addr, bool limited);
void show_termios(struct shown *, const void *);
void show_sockaddr_bytes(struct shown *, const void *, u32 size);
void show_places(struct shown *, const struct arg *, u64 addr, u64 n); /* a vector without what it points to */
void show_iovs(struct shown *, const struct arg *, u64 addr, u64 n, u64 left);
/* Shows the address if there is nothing to be shown: NULL pointers, calls that failed, memory that
 * is not there. */
const void *show_memory(struct shown *, const struct arg *, u64 size);
const void *show_memory_if(struct shown *, const struct arg *, bool is, u64 size); /* else the address */

#define KIND(name, ...) void show_kind_##name(struct shown *, const struct arg *);
#include "strace/kinds.def"
#undef KIND
/* Structures of records.def: one, an array of them; the fields at p. */
void show_record(struct shown *, const struct arg *);
void show_records(struct shown *, const struct arg *);
void show_form(struct shown *, const char *form, const void *p);
void show_more(struct shown *); /* ", ..." before the brace that is written */
void show_form_within(struct shown *, const char *form, const void *p, u64 size); /* fields that end within size bytes */
/* How the result is shown, also where an argument decides; one that only a function can tell, as calls.def names
 * it: false: it is a number. */
char result_of(const struct shown *);
bool show_worded(struct shown *, char result, s64 ret);
u64 counted(const struct shown *, const struct arg *); /* how many elements an array has */

/* pens.c: what is written, and where. */
void pen_take(struct strace *, struct task *); /* lines of this thread follow */
void pen_put(struct strace *, const char *, size_t);
void pen_puts(struct strace *, const char *);
void pen_end_line(struct strace *);
int pens_flush(struct strace *);
void pen_close(struct strace *, struct task *);
void pen_renumber(struct strace *, struct task *);
void pens_free(struct strace *);

/* choice.c: which calls, results and signals are wanted. */
bool call_matches(struct strace *, const struct task *);
bool result_matches(const struct strace *, s64 ret);
bool unanswered_matches(const struct strace *);

/* lines.c */
void line_begin(struct strace *, struct task *, u64 ns);
void call_begin(struct strace *, struct task *, u64 ns);
void call_end(struct strace *, struct task *, u64 ns, s64 ret);
void call_signal(struct strace *, struct task *, u64 ns, const char *text);
/* by: whose execve() took its number, or 0 */
void call_gone(struct strace *, struct task *, u64 ns, int code, u32 by);
void line_idle(struct strace *); /* nothing more comes for now */
void call_args(struct shown *, u32 from, u32 to);

/* stacks.c: -k. frames: the innermost first, up to the first 0. */
void stack_take(struct strace *, struct task *, const u64 *frames, u32 n);
void stacks_idle(struct strace *);

/* paths.c: prints "</path>" if it is known. */
void show_path_of(struct shown *, s32 fd);
/* Calls that change what descriptors are. */
bool paths_follow(const char *call);
/* details.c: -yy: "TCP:[1.2.3.4:5->...]", "/dev/null<char 1:3>"; false: there is nothing to be told but the path. */
bool show_details(struct shown *, s32 fd, const char *path);
/* what a descriptor of the process is; NULL: nobody knows. What a call that has ended
 * changes of that is learned before it is written, and after. */
const char *path_of(struct strace *, const struct task *, s32 fd);
void paths_before(struct strace *, const struct task *, s64 ret);
void paths_after(struct strace *, const struct task *, s64 ret);
void paths_inherit(struct strace *, u32 pid);
void paths_fork(struct strace *, u32 parent, u32 child);
void paths_gone(struct strace *, u32 pid);
void paths_free(struct strace *);

/* show_netlink.c: what is said through a netlink socket; false: it is none, or no message. */
bool show_netlink(struct shown *, const struct arg *, u64 addr, u64 all);
void netlink_follow(struct strace *, struct task *, s64 ret); /* a call has ended */
void show_interface(struct buf *, u32 index);

/* summary.c */
void json_call(struct strace *, struct task *, u64 ns, s64 ret);
void json_event(struct strace *, struct task *, u64 ns, const char *type, const char *text);
void strace_summary(struct strace *);

#endif
