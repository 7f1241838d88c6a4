/*
 * waggle.h: the public interface of libwaggle.
 *
 * Every call returns 0 (or a count) or a negative errno; the reasons go to opts->diag. There are
 * no globals: one thread may use a handle at a time, several handles may be used by several threads.
 * A struct that the caller fills starts with its size, so that it can grow.
 */
#ifndef WAGGLE_H
#define WAGGLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WAGGLE_VERSION "0.1.0"

enum waggle_lang { WAGGLE_SCRIPT, WAGGLE_C, WAGGLE_FILTER, WAGGLE_CBPF };
enum waggle_engine { WAGGLE_AUTO, WAGGLE_KERNEL, WAGGLE_USER };
enum waggle_level { WAGGLE_ERROR, WAGGLE_WARNING, WAGGLE_NOTE };

/* What is wrong, where, and what to do. Strings live until the callback returns. */
struct waggle_diag {
	enum waggle_level level;
	const char *file;        /* NULL: not about a place in a source */
	unsigned line, col, len; /* from 1; len in bytes */
	const char *source;      /* the text of that line, without its newline, or NULL */
	const char *text;
	const char *hint; /* or NULL */
};

struct waggle_opts {
	size_t sz;
	const char *name;   /* of the source, for messages: "demo.bt", "-e" */
	const char *target; /* file of `waggle target save`; NULL: the running machine */
	enum waggle_engine engine;
	int argc; /* positional parameters of the script */
	char **argv;
	void (*diag)(void *user, const struct waggle_diag *);
	void *user;

	/* -d: print a stage ("ast", "ir", "ir:PASS", "insns", "object", ...) to out(). A session with
	 * "verifier" only loads the programs and prints what the kernel's verifier says. */
	const char *dump;
	void (*out)(void *user, const char *text, size_t len);

	/* sessions */
	char *const *command; /* run it when all is attached, end when it ends; NULL: none */
	int pid;              /* handle events of this process only, end when it ends; 0: any */
	const char *format;   /* a sink: "text" (NULL) or "json" */
	int out_fd;           /* where the sink writes */
	int line_buffered;    /* 1: the sink writes at each newline, 0: when full or idle, 2: at once */
	bool quiet;           /* no "Attaching ..." line, no summary of losses */
	bool verbose;         /* a summary even when nothing was lost */
	unsigned ring_bytes;  /* per CPU, a power of two; 0: 1 MiB */
	bool leaving; /* the process exits right after waggle_session_stop(): what closes slowly
		       * is left to a child that outlives us for some 100 ms */

	/* scripts */
	bool unsafe;	       /* system() and signal() may be used */
	unsigned max_strlen;   /* bytes of a string with its NUL; 0: 1024 */
	unsigned max_map_keys; /* entries of a map with keys; 0: 4096 */
	const char *stack_mode; /* of kstack and ustack: "bpftrace" (NULL), "perf", "raw" */
};

struct waggle_object;
struct waggle_session;
struct waggle_map;

int waggle_compile(struct waggle_object **, enum waggle_lang, const char *src, size_t len,
		   const struct waggle_opts *);
int waggle_object_open(struct waggle_object **, const void *elf, size_t size,
		       const struct waggle_opts *);
int waggle_object_write(const struct waggle_object *, int fd);
void waggle_object_free(struct waggle_object *);

/* Calls fn for each "functions", "values" or "probes" of the script language, with how it is
 * written and what it does. -ENOENT: no such topic. */
int waggle_language(const char *topic, void (*fn)(void *user, const char *name, const char *text),
		    void *user);

/* Calls fn for each line about the probes that there are: "tracepoint:sched:sched_switch", and if
 * verbose its arguments, "    int prev_prio". patterns: with wildcards and commas; NULL: all. */
int waggle_list(const char *patterns, bool verbose, void (*fn)(void *user, const char *line),
		void *user, const struct waggle_opts *);
/* The probes of an object, one after the other, with their wildcards resolved. */
void waggle_object_probes(const struct waggle_object *, void (*fn)(void *user, const char *probe),
			  void *user);

/* Write what a compiler may know of the running machine to fd; patterns (NULL-terminated, or
 * NULL for all) choose the tracepoints ("syscalls:sys_enter_open*"). */
int waggle_target_save(int fd, const char *const *patterns, const struct waggle_opts *);

/* One typed record. */
struct waggle_schema;
struct waggle_event {
	uint64_t ns; /* CLOCK_MONOTONIC */
	uint32_t cpu;
	const struct waggle_schema *schema;
	const void *data;
	size_t size;
};

/* What a session did, for --stats and for callers who print their own summary. */
struct waggle_stats {
	size_t sz;
	uint64_t shown, lost;    /* records */
	uint64_t map_full;       /* map updates that found no room */
	uint64_t ticks_missed;   /* interval expirations that ran late, as one */
	int64_t recursion;       /* program runs that the kernel skipped; -1: it does not say */
	uint64_t ns_load, ns_attach; /* from session start until loaded, until attached */
	uint64_t instructions, map_bytes;
	uint32_t programs, maps;
	uint32_t probes; /* places where the programs run: more than them, with wildcards */
};

/* Load and attach; the session borrows the object until it is stopped. */
int waggle_session_start(struct waggle_session **, struct waggle_object *,
			 const struct waggle_opts *);
/* Show everything through the sink until exit(), the end of the command or process, or
 * waggle_session_interrupt(). Returns the status to exit with (128 + N: the command died of
 * signal N), or -errno. */
int waggle_session_run(struct waggle_session *);
/* Async-signal-safe. The first call ends the session as exit() does, the second at once. */
void waggle_session_interrupt(struct waggle_session *);
int waggle_session_fd(struct waggle_session *);
int waggle_session_poll(struct waggle_session *, int ms,
			int (*)(void *, const struct waggle_event *), void *user);
uint64_t waggle_session_lost(struct waggle_session *);
void waggle_session_stats(struct waggle_session *, struct waggle_stats *);
struct waggle_map *waggle_session_map(struct waggle_session *, const char *name);
int waggle_map_lookup(struct waggle_map *, const void *key, void *value);
int waggle_map_update(struct waggle_map *, const void *key, const void *value, uint64_t flags);
int waggle_map_delete(struct waggle_map *, const void *key);
int waggle_map_next(struct waggle_map *, const void *key, void *next);
/* Detaches, frees, and leaves nothing behind. */
void waggle_session_stop(struct waggle_session *);

#endif
