/*
 * waggle.h: the public interface of libwaggle.
 *
 * Every call returns 0 (or a count) or a negative errno; the reasons go to opts->diag. There are
 * no globals: one thread may use a handle at a time, several handles may be used by several threads.
 * A struct that the caller fills starts with its size, so that it can grow: sz = sizeof(struct ...).
 * What an older caller's struct does not have counts as zero. -EINVAL: no options, or a size that
 * cannot be one.
 */
#ifndef WAGGLE_H
#define WAGGLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WAGGLE_VERSION "0.1.0"

enum waggle_lang { WAGGLE_SCRIPT, WAGGLE_C, WAGGLE_FILTER, WAGGLE_CBPF, WAGGLE_ASM };
enum waggle_engine { WAGGLE_AUTO, WAGGLE_KERNEL, WAGGLE_USER, WAGGLE_INPROCESS };
/* Which probes of waggle's own are run when all is attached; then the session ends. */
enum waggle_trials { WAGGLE_NO_TRIALS, WAGGLE_TESTS, WAGGLE_BENCHMARKS };
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

/* Who a process is. */
struct waggle_user {
	size_t sz;
	unsigned uid, gid;
	const unsigned *groups; /* the others that it belongs to */
	size_t ngroups;
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

	/* -d: print stages ("ast", "ir", "ir:PASS", "insns", "object", ..., "all"; several with
	 * commas between) to out(); of an object also "asm", the text that WAGGLE_ASM reads. A session with
	 * "verifier" only loads the programs and prints what the kernel's verifier says. */
	const char *dump;
	void (*out)(void *user, const char *text, size_t len);

	/* sessions */
	char *const *command; /* run it when all is attached, end when it ends; NULL: none */
	int pid;              /* handle events of this process only, end when it ends; 0: any */
	const char *format;   /* a sink: "text" (NULL), "json", "folded", "flame", "tree" or "timeline" */
	int out_fd;           /* where the sink of waggle_session_run() writes; 0 or less: there is
			       * no sink, for those who only poll */
	int line_buffered;    /* 1: the sink writes at each newline, 0: when full or idle, 2: at once */
	bool no_redraw;       /* on a terminal, too, what intervals print stands one below the other */
	bool quiet;           /* no "Attaching ..." line, no summary of losses */
	bool verbose;         /* a summary even when nothing was lost */
	unsigned ring_bytes;  /* per CPU, a power of two; 0: 1 MiB */
	bool leaving; /* the process exits right after waggle_session_stop(): what closes slowly
		       * is left to a child that outlives us: by some 100 ms, and by up to half a
		       * minute after wildcards with hundreds of probes */

	/* scripts */
	bool unsafe;	       /* system() and signal() may be used */
	unsigned max_strlen;   /* bytes of a string with its NUL; 0: 1024 */
	unsigned max_map_keys; /* entries of a map with keys, declared or not; 0: as declared, or 4096 */
	unsigned max_probes;   /* places where probes may attach; 0: 1024 */
	const char *probe_filter; /* a regular expression (extended, POSIX): other probes than these
				   * are left out, but for begin and end; NULL: none is */
	const char *no_features; /* of the kernel, not to be used: "kprobe_multi,uprobe_multi"; NULL */
	const char *stack_mode; /* of kstack and ustack: "bpftrace" (NULL), "perf", "raw",
				 * "build_id" (of kstack: as "raw") */
	const char *call_graph; /* how ustack finds callers: "fp" (NULL), by frame pointers, or "dwarf",
				 * as dw_ustack does */

	/* 8 words of bits, or NULL: probes of raw_syscalls want these numbers alone. Calls that nobody
	 * wants need not stop where each one that is seen must. */
	const uint64_t *raw_calls;
	/* Probes of raw_syscalls on the engines in user space: what is added to the numbers of calls of 32 bits,
	 * all of which are wanted then; those of 64 bits that are as high get bit 32. 0: numbers are as they are, and
	 * with raw_calls nobody wants calls of 32 bits. */
	unsigned narrow_calls;

	bool helper_errors;	/* what the kernel's helpers cannot do is told when it happens */
	bool costs; /* the kernel measures how long its programs run, all of them: waggle_session_cost() */

	/* objects of other compilers */
	const char *btf;     /* types for CO-RE: a file of BTF, or ELF with it; NULL: the kernel's */
	const char *program; /* waggle_session_load(), `at`: only this one; NULL: the only one, or all */
	const char
		*at; /* where programs are attached that do not say it, a line each: "xdp:eth0",
		      * "tc:eth0:ingress", "cgroup_skb:PATH:egress", "socket:eth0", "cgroup:PATH",
		      * or with the program's name "door=xdp:eth0"; NULL: nowhere else */

	/* scripts: variables of config = { }, "max_cat_bytes=100", which the script cannot change;
	 * NULL-terminated, or NULL */
	char *const *config;
	/* scripts: where #include looks, and headers in front of all; each list ends with NULL */
	char *const *include_dirs;
	char *const *headers;
	unsigned trials; /* of a script and its session: enum waggle_trials */

	/* scripts, and what runs them: only events of threads with that name (up to 15 bytes), in that
	 * cgroup (a folder) or below it, of that user */
	const char *comm, *cgroup;
	bool by_uid;
	unsigned uid;
	bool command_only;    /* only events of the process that `command` starts, and of those that it starts */
	uint64_t duration_ns; /* the session ends by itself, as exit() ends it; 0: never */
	uint64_t interval_ns; /* with `at`: how often verdicts are shown; 0: each second on a
			       * terminal, else at the end */
	const struct waggle_user *command_user; /* whom `command` runs as; NULL: as we do */
	bool containers; /* scripts: where they say `container`, show of which one a process is */
	bool no_command; /* scripts: no session of the object will have a `command`: has_cpid and
			  * family() are false, and nothing is made for them */
	bool here; /* scripts: sessions of the object are of this process, so what it sees of the machine
		    * need not be asked each time a probe fires */
	bool past_command; /* a session does not end with `command`, but with exit(); on the user engine
			    * when the last of its children has ended, too */
};

struct waggle_object;
struct waggle_session;
struct waggle_map;

/* Parameters of a script that begin with two dashes behind a "--" are those of its getopt() calls, if it
 * has any. -ECANCELED: one of them was --help, and what there is was written to out(). */
int waggle_compile(struct waggle_object **, enum waggle_lang, const char *src, size_t len,
		   const struct waggle_opts *);
int waggle_object_open(struct waggle_object **, const void *elf, size_t size,
		       const struct waggle_opts *);
/* -EOPNOTSUPP: a program goes through a map (for), and its callbacks cannot be kept. */
int waggle_object_write(const struct waggle_object *, int fd);
void waggle_object_free(struct waggle_object *);

/* The instructions of a program (NULL: of the only one), as they lie in memory. They live as long as
 * the object. -ENOENT: there is no such program, or there are several. */
int waggle_object_code(const struct waggle_object *, const char *program, const void **code,
		       size_t *size);
/* Writes instructions (8 bytes each) to out() as the text that WAGGLE_ASM reads. -EINVAL: size. */
int waggle_disassemble(const void *code, size_t size, const struct waggle_opts *);

/* A filter in classic BPF, from one form to another. text: numbers (tcpdump -ddd, iptables -m bpf), a C
 * array (tcpdump -dd), a listing (tcpdump -d) or an assembler's text; raw: struct sock_filter. format:
 * "listing", "numbers", "c", "bytecode", "raw", or "bpf", "bpf:xdp", "bpf:tc", "bpf:cgroup_skb",
 * "bpf:socket": the BPF program that does the same, for user space or for that hook, as text. Written to out(). A filter that the kernel would not take is an error, with its listing
 * written nevertheless. */
int waggle_classic(const void *text, size_t size, bool raw, const char *format,
		   const struct waggle_opts *);

/* How a filter is to be made. */
struct waggle_filter {
	size_t sz;
	const char *link;    /* of the packets: "EN10MB" (NULL), "RAW", "LINUX_SLL", ..., or a number */
	const char *netmask; /* of their net, for `ip broadcast`: "255.255.255.0"; NULL: unknown */
	unsigned snaplen;    /* what the filter returns for a packet that it takes; 0: 262144 */
	bool plain;          /* no optimiser */
};
/* A filter in the language of pcap-filter(7), written to out(). format: as for waggle_classic(); or
 * "explain", the tests in words; or "dot:tree", "dot:graph", "dot:optimised", drawings for graphviz. */
int waggle_filter(const char *text, size_t size, const struct waggle_filter *, const char *format,
		  const struct waggle_opts *);

/* Packets of a capture file or of a device, and what is to be done with them. */
enum waggle_time {
	WAGGLE_TIME_OF_DAY,
	WAGGLE_NO_TIME,
	WAGGLE_TIME_UNIX,
	WAGGLE_TIME_DELTA, /* since the packet before */
	WAGGLE_TIME_DATE,
	WAGGLE_TIME_SINCE_FIRST
};
struct waggle_capture {
	size_t sz;
	const char *read;  /* a file in pcap or pcapng, packed by gzip or not; "-": stdin */
	const char *device; /* "eth0", "any": as they come; NULL: those of `read` */
	bool promiscuous;   /* frames of a device that are for others, too */
	int stop_fd;        /* of a device: ends when it can be read; 0: never */
	const char *write; /* a file, "-": stdout; NULL: lines as of `tcpdump -n` to out() */
	bool pcapng;       /* the format of `write`; else pcap */
	bool nano;         /* times with nine digits, in lines and in pcap */
	const char *filter;  /* pcap-filter(7): only packets that it takes; NULL: all */
	const char *netmask; /* as in struct waggle_filter */
	uint64_t most;     /* end after so many that match; 0: all */
	unsigned snaplen;  /* not more bytes of each; 0: all */
	bool count_only;   /* no lines */
	enum waggle_time time;
	bool utc, link_header, brief, absolute, ascii; /* -e, -q, -S, -A of tcpdump */
	int hex;                                       /* 1 -x, 2 -xx, 3 -X, 4 -XX */
	bool number;	       /* -#: lines are numbered */
	bool each_line, each_packet; /* -l, -U: lines, packets of `write` at once, not in large pieces */
	int way;	       /* -Q, of a device: 1 only what comes in, 2 only what goes out; 0: both */
	uint64_t file_bytes;   /* -C: begin another file when one has more than so many */
	unsigned file_seconds; /* -G: or is so old; the name may have words of strftime(3) */
	unsigned files;	       /* -W: so many at most; with -C the oldest is written over, with -G it ends */
	bool processes;	       /* of a device: find out whose packets are; show it */
	int pid;	       /* only packets of that process; 0: all */
	const char *comm;      /* only packets of processes with that name; NULL: all */
	int verbose;	       /* 1 -v, 2 -vv, 3 -vvv */
	bool unchecked;	       /* -K: with verbose, checksums are not looked at */
	unsigned buffer_kib;   /* -B, of a device: for packets that wait; 0: 16 MiB */
	bool lines;	       /* --print: lines, too, where `write` is given */
	void (*full)(void *user, const char *path); /* a file is complete, and another one begins; or NULL */
	void *user;
	/* what came of it */
	uint64_t seen, matched;
	uint64_t received, dropped; /* of a device: what the kernel's filter took, and had no room for */
	uint64_t owned, strays;	    /* of those that matched: whose process is known, is not */
};
int waggle_capture(struct waggle_capture *, const struct waggle_opts *);

/* A firewall: rules where packets pass. */
struct waggle_drop_count {
	const char *rule; /* its expression; NULL: what no rule takes */
	bool drops;
	uint64_t packets, bytes;
};
struct waggle_drop {
	size_t sz;
	const char *hook;  /* "xdp:eth0", "tc:eth0:egress", "cgroup_skb:PATH:ingress" */
	const char *rules; /* "pass EXPR", "drop EXPR" or "EXPR" (drops), between newlines or semicolons:
			    * the first that takes a packet counts */
	bool default_drops; /* what no rule takes */
	bool force;	   /* also when it cuts the SSH session that we run in */
	const char *read;  /* a capture file: only count what the rules would do to its packets */
	const char *object; /* write the program to that file, and attach nothing */
	const char *pin;   /* stay in force under this name, in place of what has it */
	int stop_fd;	   /* ends when it can be read; 0: never */
	uint64_t duration_ns; /* 0: no end */
	uint64_t every_ns;    /* how often counts() is called before the end; 0: not */
	void (*attached)(void *user);
	/* A count for each rule, and one for what none takes. */
	void (*counts)(void *user, const struct waggle_drop_count *, unsigned n, bool last);
	void *user;
};
int waggle_drop(const struct waggle_drop *, const struct waggle_opts *);

/* Writes a script to out() as it should be written: the same tokens and comments, other white space. */
int waggle_format(const char *src, size_t len, const struct waggle_opts *);

/* Calls fn for each of the "probes", "values", "functions", "aggregations", "types", "operators",
 * "statements" or "config" of the script language, with how it is written and what it does; or for each
 * of the "stages" that `dump` knows. The strings live until fn returns. -ENOENT: no such topic. */
int waggle_language(const char *topic, void (*fn)(void *user, const char *name, const char *text),
		    void *user);
/* What gzip packed, as text; the caller frees it. At most 1 MiB. -EINVAL: it is broken; -E2BIG; -ENOMEM. */
int waggle_unpack(const void *packed, size_t size, char **text);
/* Calls fn for each word of the language. kind: "probe", "value", ...; alias: what else it is called, or
 * NULL; usage: how it is written. The strings live until fn returns. */
struct waggle_word {
	const char *kind, *name, *alias, *usage, *text;
};
void waggle_words(void (*fn)(void *user, const struct waggle_word *), void *user);

/* Calls fn for each line about the probes that there are: "tracepoint:sched:sched_switch", and if
 * verbose its arguments, "    int prev_prio". patterns: with wildcards and commas; NULL: all. */
int waggle_list(const char *patterns, bool verbose, void (*fn)(void *user, const char *line),
		void *user, const struct waggle_opts *);
/* Calls fn for each line about what the running kernel offers: features, probes, helpers, maps. */
int waggle_info(void (*fn)(void *user, const char *line), void *user, const struct waggle_opts *);
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

/* What a record, a key or a value consists of. */
enum waggle_kind {
	WAGGLE_UINT,   /* 1, 2, 4 or 8 bytes, as the machine has them */
	WAGGLE_INT,    /* the same, signed */
	WAGGLE_STRING, /* up to the first NUL or the size */
	WAGGLE_BYTES,
	WAGGLE_TUPLE,  /* the fields of `tuple`, whose offsets count from this field's */
	WAGGLE_BUFFER, /* a u64, how many bytes there are; the bytes */
	WAGGLE_KSYM,   /* a u64, an address of the kernel */
	WAGGLE_USYM,   /* two u64: an address, its process */
	WAGGLE_KSTACK, /* u64 return addresses, the innermost first, zeroes behind the last; in the
			* key of a map: a u64 that stands for them */
	WAGGLE_USTACK, /* the same, with the process behind (key of a map) or before it */
	WAGGLE_TIME,   /* a u64, ns of a clock */
	WAGGLE_INET,   /* a u64, AF_INET or AF_INET6; the address in network order */
	WAGGLE_MAC,    /* 6 bytes */
	WAGGLE_ERRNO,  /* a u64, a number of errno.h */
	WAGGLE_STRUCT, /* of the fields in `tuple`, which may overlap */
	WAGGLE_ARRAY,  /* of elements, one behind the other, each the one field of `tuple` */
	WAGGLE_UID,    /* a u64, a user id */
	WAGGLE_CGROUP, /* a u64, the id of a cgroup */
	WAGGLE_DECIMAL, /* an s64, shown with a point in front of its last digits */
	WAGGLE_DISK, /* a u64, the number of a block device */
	WAGGLE_FILE, /* 8 bytes without meaning: a number that a file tells */
	WAGGLE_EXIT  /* a u64, how a process ended, as wait(2) tells it */
};
struct waggle_layout;
struct waggle_field {
	size_t sz; /* set it before the call */
	const char *name;
	enum waggle_kind kind;
	uint32_t off, size;		   /* bytes */
	const struct waggle_layout *tuple; /* or NULL */
	uint32_t bit, bits; /* of a bit field: `bits` bits from `bit` on, of `size` bytes; 0: none */
};
/* Everything that these return lives as long as the object. A record may be shorter than its
 * layout: bytes that are missing at its end count as zero. */
const char *waggle_schema_name(const struct waggle_schema *); /* "printf", "emit", ... */
const char *waggle_schema_format(const struct waggle_schema *); /* of printf; else NULL */
const struct waggle_layout *waggle_schema_layout(const struct waggle_schema *);
unsigned waggle_layout_count(const struct waggle_layout *); /* of fields */
/* 0; -ENOENT: there is no i-th; -EINVAL: sz is too small. */
int waggle_layout_field(const struct waggle_layout *, unsigned i, struct waggle_field *);

/* What a session did, for --stats and for callers who print their own summary. */
struct waggle_stats {
	size_t sz;
	uint64_t shown, lost;    /* records */
	uint64_t map_full;       /* map updates that found no room */
	uint64_t ticks_missed;   /* interval ticks that were left out: over 64 were due at once */
	int64_t recursion;       /* program runs that the kernel skipped; -1: it does not say */
	uint64_t ns_load, ns_attach; /* from session start until loaded, until attached */
	uint64_t instructions, map_bytes;
	uint32_t programs, maps;
	uint32_t probes; /* places where the programs run: more than them, with wildcards */
};

/* Load and attach nothing: programs run when waggle_session_call() says so. With engine
 * WAGGLE_AUTO the kernel serves where it can run the program and this process may, else the machine
 * in user space. Maps are read by waggle_session_map(). */
int waggle_session_load(struct waggle_session **, struct waggle_object *,
			const struct waggle_opts *);
/* One program on one input. Set sz and what is above the line; memory that it points to afterwards
 * is good until the next call. */
struct waggle_call {
	size_t sz;
	const char *program; /* NULL: the one of the session's options, or the only one */
	const void *data;    /* a packet with its Ethernet header, for those that see packets; NULL: 64
			      * zeroes */
	size_t data_size;
	const void *ctx; /* the context, for those that see none; else struct xdp_md, __sk_buff */
	size_t ctx_size;
	unsigned repeat; /* 0: once */
	/* ---- */
	uint64_t result;
	const char *verdict; /* "XDP_PASS"; NULL: the result is a number */
	const char *name, *kind, *engine;
	const void *out, *ctx_out; /* as they are afterwards; NULL: there is none */
	size_t out_size, ctx_out_size;
	const void *in; /* what the packet was, when none was given */
	size_t in_size;
	uint64_t ns;	   /* of one run on the average */
	const char *fault; /* why it was stopped, then there is no result; NULL: it was not */
};
int waggle_session_call(struct waggle_session *, struct waggle_call *);
/* One program on each packet of a capture file, as a device would have given it. Set sz and what is above the
 * line; strings are good as long as the session. Packets of links without an Ethernet header get one for the
 * program. */
enum { WAGGLE_KEEP_PASSED = 1, WAGGLE_KEEP_DROPPED = 2, WAGGLE_KEEP_REDIRECTED = 4, WAGGLE_KEEP_CHANGED = 8 };
struct waggle_verdict {
	const char *name; /* "XDP_PASS"; NULL: only a number */
	uint64_t value, packets, bytes;
};
struct waggle_replay {
	size_t sz;
	const char *program; /* as of struct waggle_call */
	const char *read;    /* pcap or pcapng, packed by gzip or not; "-": stdin */
	const char *write;   /* a file of the same form, "-": stdout; NULL: none. A pcapng tells verdicts of
			      * XDP and tc, too */
	unsigned keep;	     /* which packets are written, as the program left them: WAGGLE_KEEP_...; 0: what
			      * passed or was redirected */
	uint64_t most;	     /* end after so many packets; 0: all */
	/* ---- */
	uint64_t packets, bytes, cut; /* cut: of which the file had not all bytes */
	uint64_t skipped;	      /* too short for an Ethernet header, or too long for the kernel: not run */
	uint64_t stopped;	      /* on which the program was stopped: they count as dropped */
	uint64_t changed, written, ns; /* ns: of one run on the average */
	const char *name, *kind, *engine;
	const char *fault;    /* why it was stopped first; NULL: it never was */
	uint64_t fault_packet; /* from 1 */
	unsigned nverdicts;
	struct waggle_verdict verdicts[32]; /* in the order of their values; a last one without a name or value
					     * stands for all others */
};
int waggle_session_replay(struct waggle_session *, struct waggle_replay *);
/* Runs a filter in classic BPF, in any form that waggle_classic() reads, on a packet, in user space. The
 * result is how many bytes of the packet it takes, 0 for none. Of `call` data, data_size and repeat are
 * read (no data: 64 zeroes), and result, name, kind, engine and ns are filled in. */
int waggle_classic_call(const void *text, size_t size, bool raw, struct waggle_call *,
			const struct waggle_opts *);
/* The i-th map of the session, the sections of Waggle's own objects left out; NULL: there is none. */
struct waggle_map *waggle_session_map_at(struct waggle_session *, unsigned i);
/* A map's contents as text, or as one JSON value, with the names and types that its BTF gives. -ENODATA:
 * maps of its kind have no contents to show. */
int waggle_map_print(struct waggle_map *, bool json,
		     void (*out)(void *user, const char *text, size_t len), void *user);

/* Load and attach; the session borrows the object until it is stopped. */
int waggle_session_start(struct waggle_session **, struct waggle_object *,
			 const struct waggle_opts *);
/* Show everything through the sink until exit(), the end of the command or process, or
 * waggle_session_interrupt(). Returns the status to exit with (128 + N: the command died of
 * signal N), or -errno; -EBADF: out_fd was not given. */
int waggle_session_run(struct waggle_session *);
/* Async-signal-safe. The first call ends the session as exit() does, the second at once. */
void waggle_session_interrupt(struct waggle_session *);
int waggle_session_fd(struct waggle_session *); /* readable when polling is worth it */
/* Calls fn for each record, for at most ms (-1: until there is one). It never writes to out_fd: what
 * begin printed comes as records too, and maps are there to be read (waggle_session_map()). Give
 * out_fd 0 to a session that is only polled; with another, begin's records went there at the start.
 * Returns how many records there were; what fn returned, if not 0, which ends the call; or -errno.
 * -ESHUTDOWN: the session has ended, all was seen. */
int waggle_session_poll(struct waggle_session *, int ms,
			int (*)(void *, const struct waggle_event *), void *user);
uint64_t waggle_session_lost(struct waggle_session *);
void waggle_session_stats(struct waggle_session *, struct waggle_stats *);
/* What the i-th program has cost so far, also where its predicate took nothing: set sz. -ENOENT: there is no
 * i-th; -ENODATA: it was not measured (opts->costs, the kernel engine). */
struct waggle_cost {
	size_t sz;
	const char *probe; /* as the script names it */
	uint64_t runs, ns; /* ns: of all runs */
};
int waggle_session_cost(struct waggle_session *, unsigned i, struct waggle_cost *);
struct waggle_map *waggle_session_map(struct waggle_session *, const char *name);

/* Maps are seen as a script sees them: an entry has one value, even where each CPU keeps its own,
 * and a map without a key is there or is not. Set sz before the call. */
struct waggle_map_info {
	size_t sz;
	const char *name;    /* "@start"; an internal map's: ".rodata". Lives as long as the object */
	uint32_t key_size;   /* bytes that next() writes, and the others read; 0: a scalar, no key */
	uint32_t value_size; /* bytes that lookup() writes and update() reads */
	uint32_t max_entries;
	bool scalar;
	bool per_cpu;	  /* merged over the CPUs */
	bool aggregation; /* the value is u64s: count, sum { value }; min, max { value, is_set };
			   * avg, stats { total, count }; hist, lhist { buckets[] } */
	const struct waggle_layout *key, *value; /* of an aggregation: no fields in value */
};
/* -EINVAL: sz is too small. */
int waggle_map_info(struct waggle_map *, struct waggle_map_info *);
/* Writes info.value_size bytes: of a per-CPU aggregation its merged value, as it is printed.
 * -ENOENT: no such key, or a scalar that is not set. key of a scalar may be NULL. */
int waggle_map_lookup(struct waggle_map *, const void *key, void *value);
/* flags as bpf(2): 0, 1 (only a new key, or -EEXIST), 2 (only one that is there, or -ENOENT). A
 * scalar is set by it. What programs on other CPUs add to an aggregation meanwhile may be lost.
 * -EPERM: .bss and .rodata. */
int waggle_map_update(struct waggle_map *, const void *key, const void *value, uint64_t flags);
/* A scalar is not set afterwards. -ENOENT: there was none. */
int waggle_map_delete(struct waggle_map *, const void *key);
/* The key behind this one, in no order; key NULL: the first. -ENOENT: there is none. Of a scalar:
 * 0 without a key if it is set, and nothing is written. */
int waggle_map_next(struct waggle_map *, const void *key, void *next);
/* Detaches, frees, and leaves nothing behind. Returns what the command ended with, as a shell says it (128 + N: it
 * died of signal N); 0: there was none, or nobody knows. */
int waggle_session_stop(struct waggle_session *);

/* System calls of a command (opts->command), a process with its children, or the machine (opts->cgroup and the
 * like narrow it), decoded as strace does, on either engine. Returns the status to exit with, or -errno. */
enum { WAGGLE_STRACE_SUCCESSFUL = 1, WAGGLE_STRACE_FAILED = 2, WAGGLE_STRACE_UNFINISHED = 4 };
struct waggle_strace {
	size_t sz;
	const char *trace;  /* "openat,read,%file,!close,/regex"; NULL: all */
	unsigned status;    /* only calls that end so; 0: all */
	char exit_is;	    /* '=', '!', '<', '>': only calls whose result compares so with exit_value; 0: all */
	int64_t exit_value; /* an error is the negative number */
	unsigned strsize;   /* bytes of a string that are shown */
	unsigned times;	    /* of day: 1 as a clock, 2 since 1970; 0: none */
	unsigned summary;   /* 1: instead of lines, 2: behind them */
	bool relative, durations; /* since the line before; of each call */
	bool names;	    /* of threads */
	unsigned paths;	    /* of descriptors: 1 their paths, 2 what else is known, too */
	bool with_pid;	    /* always, not only where there are several */
	bool all, json;
	bool print_script;  /* to out(), and nothing else */
	int out_fd;
	void (*started)(void *user, struct waggle_session *); /* NULL when it ends */
	unsigned quiet;     /* 2: no line where a process ends */
	const int *pids;    /* different processes that are there, and their children; ends with 0; NULL: none */
	char *const *only;  /* only calls on these paths and their descriptors; ends with NULL; NULL: all */
	const char *raw;    /* as `trace`: their arguments are shown as numbers; NULL: of none */
	uint64_t signals_hidden; /* bit N - 1: those with number N are not told of */
	unsigned hex;	    /* strings as \xHH: 1 those with bytes that are not ASCII, 2 all, 3 such bytes alone */
	bool verbose;	    /* structures and environments whole */
	bool numbers;	    /* of calls */
	unsigned column;    /* where results stand */
	unsigned time_digits, relative_digits, duration_digits; /* behind the point: 0, 3, 6 or 9 */
	const char *sort, *columns; /* of the summary: "time", "calls", ...; "calls,name"; NULL: as strace */
	const char *files;  /* a file for each thread, FILE.TID, instead of out_fd; NULL: none */
	bool append;	    /* to those files */
	uint64_t dump_read, dump_written; /* bit N: what comes from, what goes to descriptor N is shown byte by byte */
	unsigned stacks;    /* where calls come from: 1 the address, in front; 2 all that called it, below; 3 both */
	bool containers; /* of which container a process is: its node name and cgroup; for the kernel engine */
};
/* Of words for `sort` and `columns`, with commas between: the first that is none, or NULL. */
const char *waggle_strace_wrong(const char *words);
int waggle_strace(const struct waggle_strace *, const struct waggle_opts *);

/* A filter for seccomp(2), for the architecture of this machine, in classic BPF. */
struct waggle_seccomp {
	size_t sz;
	const char *calls; /* "openat,read,%file,!close,/regex": these are allowed */
	bool deny;         /* these are not, and all others are */
	unsigned action;   /* what comes of a call that is not: SECCOMP_RET_* of linux/seccomp.h */
};
/* Written to out() as waggle_classic() does; format NULL: put on this thread, which it stays on, and on
 * what it executes. */
int waggle_seccomp(const struct waggle_seccomp *, const char *format, const struct waggle_opts *);

/* BPF on this machine, whoever made it. What is found goes to out() as text, or with opts->format "json" as
 * a line of JSON for each thing. */
int waggle_kernel_maps(const struct waggle_opts *);
/* verb: "dump", "lookup" (a key), "update" (a key, a value, and "any", "noexist" or "exist"), "delete" (a
 * key). map: its id, name, or path in the BPF file system. args: keys and values as text
 * (docs/cli.md), NULL at the end. */
int waggle_kernel_map(const char *verb, const char *map, char *const *args,
		      const struct waggle_opts *);
/* Programs, with where they are attached and who holds them. ms: so long it is measured how often each runs
 * and what it costs; 0: not at all. */
int waggle_kernel_programs(unsigned ms, const struct waggle_opts *);
/* Detaches a program ("prog:ID"), a link ("link:ID"), or either ("ID") where that is clear. */
int waggle_kernel_detach(const char *what, const struct waggle_opts *);

#endif
