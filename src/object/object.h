/*
 * object.h: the waist: what every front end makes and every engine runs.
 *
 * It holds everything that a set of programs is, and nothing of how it came to be or where it
 * runs. Its file form is the standard BPF ELF object; what plain ELF cannot say (attach points,
 * schemas, actions, how to print maps) is in the section `.waggle`, which libbpf ignores.
 * An object owns its arena; everything it points to lives there.
 */
#ifndef OBJECT_OBJECT_H
#define OBJECT_OBJECT_H

#include "base/buf.h"
#include "base/diag.h"
#include "isa/code.h"
#include "object/control.h"

/* What a field holds and so how it is shown. */
enum field_kind {
#define FIELD(NAME, name, least, doc) FIELD_##NAME,
#include "object/fields.def"
#undef FIELD
	FIELD_KINDS
};
/* KSTACK, USTACK: how frames are written. A stack in the key of a map, and in a value that asks for it,
 * is two words: the id of its frames in the map STACKS_MAP and, of USTACK, the process. Whoever reads
 * the map puts the frames in their place, so nothing behind that knows of ids. */
enum stack_mode { STACK_BPFTRACE, STACK_PERF, STACK_RAW, STACK_BUILD_ID, STACK_BY_ID = 0x80,
		  SYMBOLS_AS_LINKED = 0x40, /* C++ and Rust as they are in the file; USYM, too */
		  STACK_WITH_LINES = 0x20,  /* with file and line of the source, of USTACK */
		  STACK_MODE_BITS = 0x1f };
#define STACK_MODES "bpftrace", "perf", "raw", "build_id" /* their names */
/* A flag of get_stack() that our own machine knows: without frame pointers. The kernel has none like
 * it, and answers -EINVAL. */
#define STACK_UNWIND (1u << 30)
/* Where programs find how to unwind in the kernel: rows of elf/cfi.h, those of a file behind each
 * other, and which are a file's. Programs add files that they miss, and who watches the map fills in
 * the rows. */
#define UNWIND_ROWS  "waggle_unwind_rows"
#define UNWIND_FILES "waggle_unwind_files"
struct unwind_key {
	u64 ino, dev; /* dev: major << 20 | minor; UNWIND_VDSO */
};
#define UNWIND_VDSO UINT64_MAX
struct unwind_file {
	u32 first, n;
	u64 start, pid; /* missed: where which process maps it; pid 0: answered */
};
#define STACKS_MAP "waggle_stacks" /* u64 id -> u64 frames[STACK_FRAMES] */
#define STACK_FRAMES 127	   /* frames: kernel.perf_event_max_stack */
/* TIME: the clock that was read. */
enum time_mode { TIME_BOOT, TIME_MONOTONIC, TIME_TAI };
/* BOOL: false or true; ENUM: named by text ("3 NAME\n" for each value), a number where it is none. */
enum field_unit { UNIT_NONE, UNIT_NS, UNIT_US, UNIT_MS, UNIT_BYTES, UNIT_COUNT, UNIT_HEX, UNIT_BOOL,
		  UNIT_ENUM, UNITS };

struct layout;
struct field {
	const char *name; /* "pid", "arg1"; never NULL */
	u8 kind, unit;
	u16 width;  /* columns that a table gives it at least */
	u32 off, size; /* bytes */
	struct layout *sub;
	u8 mode;	  /* stacks: enum stack_mode; TIME: enum time_mode */
	u8 bit, bits;	  /* UINT, INT: a bitfield of `bits` bits, from the lowest `bit` of its bytes on; 0: none */
	u32 count;	  /* ARRAY */
	const char *text; /* TIME: format of strftime(3), with %f for microseconds; UNIT_ENUM: see there;
			   * STR: what stands behind one that fills its room, or NULL */
};
#define LAYOUT_DEPTH 24 /* of tuples, structs and arrays in each other */
static inline bool field_has_sub(const struct field *f)
{
	return f->kind == FIELD_TUPLE || f->kind == FIELD_STRUCT || f->kind == FIELD_ARRAY;
}
/* A record's payload, a map's key or its value. */
struct layout {
	struct field *fields;
	u32 n, size; /* size: with padding at the end */
};
#define LAYOUT_FIELDS_MOST 4096 /* BTF counts members in 16 bits */

/* How a record likes to be shown. LIVE, beside one of them: it is part of a picture that is drawn again
 * and again; on a terminal in its place. */
enum view { VIEW_LINES, VIEW_TABLE, VIEW_HISTOGRAM, VIEW_LIVE = 0x80 };

/* The user-space half of a script: what to do with a record. */
enum action_kind {
	ACTION_NONE,	    /* only a typed record */
	ACTION_PRINTF,	    /* format its fields with text */
	ACTION_EMIT,	    /* a row of a table */
	ACTION_PRINT_VALUE, /* print(expr): its one field */
	ACTION_PRINT_MAP,   /* print(@m): map, top, div; text "m5": what map 5 has for the same keys, too */
	ACTION_CLEAR_MAP,
	ACTION_ZERO_MAP,
	ACTION_EXIT, /* end the session; first field, if any: status */
	ACTION_TIME, /* print the time, as strftime(text) */
	ACTION_JOIN, /* print the first `count` strings, text between them; fields: count, strings */
	ACTION_CAT,    /* format as printf, print the file of that name */
	ACTION_SYSTEM, /* format as printf, run it by the shell, print its output */
	ACTION_HELPER_ERROR, /* the helper `text` failed; top: its place, line << 10 | column */
	ACTION_ERRORF, /* format as printf, tell it as an error (WARNF: a warning) of a place in the */
	ACTION_WARNF,  /* source: map is line << 10 | column, 0: none; top is the length */
	ACTION_RESULT, /* of a test, a benchmark: its one field is what it returned, or took */
	ACTION_WATCH,   /* put the watchpoint of program `top` at an address in a process; fields: these;
			 * text "stop": the process waits for it */
	ACTION_UNWATCH, /* take watchpoints from the address that is its field */
	ACTION_PCAP,    /* add a packet to the capture file `text`; fields: its length, its bytes */
	ACTION_TABLE,   /* maps with the same keys as rows of schema `map`, at most top (0: all): text
			 * says for each of its fields where it comes from: "k0 m3/1024" is part 0 of the
			 * key, and the value of map 3, divided */
	ACTION_KINDS
};
struct action {
	u8 kind;
	const char *text; /* printf: the format with escapes resolved */
	u32 map;	  /* index in maps */
	u32 top, div;	  /* print(@m, top, div); 0: not given. CAT: top is how many bytes at most */
};
struct schema {
	u32 id; /* its index: what struct waggle_record.schema holds */
	const char *name; /* "printf", "emit", ...: the `type` of a JSON record */
	struct layout layout;
	struct action action;
	u8 view;
	u32 group; /* schemas with the same group are forms of one record (short and long strings):
		    * they share a table header. Equal to the id of the first of them. */
	u32 then; /* the schema, without fields, whose action the same record asks for behind this
		   * one; 0: none */
};

/* How a map's values are made, and so how per-CPU values are merged and printed. */
enum agg { AGG_NONE, AGG_COUNT, AGG_SUM, AGG_MIN, AGG_MAX, AGG_AVG, AGG_STATS, AGG_HIST,
	   AGG_LHIST, AGG_QUANTILE, AGG_TSERIES };

/* Values of aggregations, all u64:
 *   COUNT, SUM       { value }
 *   MIN, MAX         { value, is_set }
 *   AVG, STATS       { total, count }
 *   HIST(bits)       { buckets[] }, see hist_bucket in docs/language.md
 *   LHIST(min,max,step) { below, buckets[], above }
 *   QUANTILE, TSERIES(ns, count, of)  see series.h
 * A scalar map (no key) is a one-element array and has u64 is_set behind its value, because
 * an unset map is not printed; in aggregations is_set is there too. */
struct object_slot { /* of a map of maps, or an array of programs */
	u32 index, what; /* the key; index in maps, or in progs */
};
struct object_map {
	const char *name;  /* for the kernel and ELF: an identifier */
	const char *shown; /* "@start", or NULL: internal, never printed */
	u32 kind;	   /* MAP_HASH, ... */
	u32 key_size, value_size, max_entries, flags;
	struct object_map_inner { /* maps of maps */
		u32 kind, key_size, value_size, max_entries, flags;
		u64 extra;
	} inner;
	u64 extra;	/* map_extra: of bloom filters, how many hashes; of arenas, the address */
	u32 numa_node; /* with flag MAP_NUMA_NODE */
	bool pinned;   /* by its name in the BPF file system */
	vec(struct object_slot) slots; /* what is in there from the start */
	u32 btf_key, btf_value; /* types in the object's own BTF; 0: unknown */
	bool fill_per_cpu; /* the loader puts one inner map into each CPU's slot (rings) */
	bool scalar;	   /* one-element array with is_set as the last u64 of the value */
	bool value_signed; /* SUM, MIN, MAX, AVG, STATS of signed values */
	struct layout key, value; /* value: of AGG_NONE maps; without is_set */
	u8 agg;
	/* The number of a map for keys that come while the kernel has no memory at hand, which it
	 * gets only with interrupts on; 0: there is none (it stands behind this one, so its number is
	 * never 0). An entry is what both hold. */
	u32 spare;
	s64 agg_arg[3]; /* hist: bits; lhist: min, max, step; tseries: ns, count, of */
	struct loc at;	/* first use, for messages */

	/* data sections: kind ARRAY, one element, name ".bss", ".data", ".rodata". A scalar map
	 * that needs no map of its own kind is a section too: name ".data." and an identifier. Plain
	 * objects have any number of them (".rodata.str1.1"), and ".kconfig", which is RODATA. */
	u8 section; /* enum object_section */
	u8 *data;   /* initial contents, value_size bytes; NULL: zeroes */
	/* .bss: for each CPU the loader adds per_cpu bytes behind value_size: scratch memory at
	 * value_size + cpu * per_cpu. A .bss starts as zeroes: data is NULL. */
	u32 per_cpu;
};
enum object_section { SECTION_NONE, SECTION_BSS, SECTION_DATA, SECTION_RODATA };

/* A word of .rodata that only the machine that runs the programs can know: filled by the loader. */
enum fill_kind {
	FILL_KADDR,	 /* address of the kernel's symbol `text`; 0: there is none */
	FILL_CGROUP,	 /* id of the cgroup at the path `text` */
	FILL_WALL_OFFSET, /* CLOCK_REALTIME less CLOCK_BOOTTIME, in ns */
	FILL_CPUS,	 /* how many CPUs there can be */
	FILL_TAI_OFFSET, /* CLOCK_TAI less CLOCK_MONOTONIC, in ns */
	FILL_CGROUP_LEVEL, /* how deep the cgroup at the path `text` lies below the root of all */
	FILL_USER, /* id of the user `text`; UINT64_MAX: there is none */
	FILL_DISK, /* number of the block device `text`, as the kernel has it; 0: there is none */
	FILL_DEVICE, /* number of the network device `text` */
	FILL_KINDS
};
struct object_fill {
	u8 kind;
	const char *text; /* or NULL */
	u32 off;	  /* in .rodata */
};

struct object_prog {
	const char *name;    /* identifier, unique: "tp_sys_enter_openat_1" */
	const char *section; /* libbpf's SEC(): "tracepoint/syscalls/sys_enter_openat" */
	const char *probe;   /* as the user wrote it, for messages: "tracepoint:syscalls:..." */
	u32 kind;	     /* PROG_TRACEPOINT, ...; 0: bare code, for the user engine only */
	u32 attach_type;     /* BPF_XDP, ...: what the kernel is told at load; 0: any */
	u32 flags;	     /* of BPF_PROG_LOAD: sleepable, fragments */
	/* Programs that are checked against a type of the kernel: its name ("bpf_lsm_file_open"),
	 * and its id once object_resolve() knows it; a FUNC, or a TYPEDEF ("btf_trace_..."). */
	const char *target;
	u32 target_id;
	bool optional; /* SEC("?..."): nobody asked for it unless by name */
	struct code code;
};

/* What a plain object wants of the machine that runs it: `extern ... __ksym`, kfuncs. Values of
 * `.kconfig` are not here but bytes of that map, filled by object_resolve(). */
enum extern_kind { EXTERN_CONFIG, EXTERN_ADDRESS, EXTERN_VARIABLE, EXTERN_FUNCTION };
struct object_extern {
	const char *name;
	u8 kind;
	bool weak, found;
	u32 type;    /* in the object's own BTF: of a VAR, or the FUNC */
	u32 off, size; /* CONFIG: in `.kconfig` */
	u64 value;   /* once found: an address; VARIABLE, FUNCTION: a type id of the kernel */
};

/* Where programs attach. Several rows may name one program. */
enum attach_kind {
#define ATTACH(KIND, name, flags) ATTACH_##KIND,
#include "object/attach.def"
#undef ATTACH
	ATTACH_KINDS
};
enum attach_flag {
	ATTACH_GATED = 1,
	ATTACH_NAMED = 2,
	ATTACH_TIMED = 4,
	ATTACH_COUNTED = 8,
	ATTACH_HARD = 16,
	ATTACH_DIRECTED = 32
};
/* WATCHPOINT: what is watched for, as perf_event_open(2) has it */
enum watch_mode { WATCH_READ = 1, WATCH_WRITE = 2, WATCH_EXECUTE = 4 };
#define WATCH_BYTES(count) ((u32)(count) & 0xff)
#define WATCH_MODE(count)  ((u32)((count) >> 8))
struct attach_info {
	const char *name;
	u8 flags;
};
extern const struct attach_info attach_infos[ATTACH_KINDS];
/* A pattern of ATTACH_DIRECTED, "eth0:egress": the length of the place, and is it for what goes out?
 * 0: it names no place, or no direction. */
size_t attach_place(const char *pattern, bool *egress);
/* What a program there returns to let things go their way: 0 where nobody asks. */
s32 attach_verdict(enum attach_kind);

struct attach {
	u8 kind;
	u32 prog;
	const char *pattern;
	u64 ns;
	u64 cookie;    /* bpf_get_attach_cookie() of the program's runs here; from 5.15 */
	u64 off, count; /* see attach.def */
	u64 semaphore; /* USDT: offset in the file of the counter that switches it on, 0: none */
	/* UPROBE, URETPROBE: a function; off counts from it. USDT: "provider:name". NULL: off counts
	 * from the file's start */
	const char *symbol;
	/* The probe's name where neither program nor pattern tell it; NULL: they do, or it came
	 * from a file, which has none. */
	const char *probe;
	/* What the program reads of a tracepoint's record: "NAME OFFSET SIZE\n" for each field,
	 * NULL: nothing. The engine attaches only where the fields are still there. */
	const char *fields;
};

struct object {
	struct arena arena;
	u32 kernel; /* that it was compiled for */
	const char *license;
	const char *source_name, *source; /* for line info; source may be NULL */
	size_t source_size;
	vec(struct object_prog) progs;
	vec(struct object_map) maps;
	vec(struct schema) schemas;
	vec(struct attach) attaches;
	vec(struct object_fill) fills;
	bool silent; /* at the end, maps are not printed */

	/* Of raw_syscalls an engine need not tell of other calls: a bit for each of 512; NULL: of all. */
	const u64 *raw_calls;
	/* Engines in user space: calls of 32 bits are wanted as well, and their numbers are so much higher. */
	u32 narrow_calls;

	/* Made by another compiler: no control block in .bss, no config in .rodata, no records. It
	 * may have BTF of its own, sections' sizes and offsets filled in; and subprograms. */
	bool plain;
	u8 *btf;
	u32 btf_size;
	vec(struct object_extern) externs;
	bool resolved; /* object_resolve() did it */
};

struct object *object_new(void); /* NULL: no memory */
void object_free(struct object *); /* NULL is fine */
/* The (first) map that is this data section, or NULL. */
struct object_map *object_section(const struct object *, enum object_section);
/* CPUs that the object was compiled for (a power of two): cpu_mask of its config, plus one. */
u32 object_cpus(const struct object *);
/* What attaches a program of a plain object, when its engine cannot; NULL: it has a row. */
const char *object_way(const struct object *, u32 prog);
/* Is a program to be loaded? only: by number, with those that maps hold; -1: all but optional ones. */
bool object_wants(const struct object *, s64 only, u32 prog);
/* Whether it is the program that follows who descends from the command: of no use where there is no
 * command, or where nobody else is seen. */
bool object_is_family(const struct object *, u32 prog);
/* A string of its own BTF; "": there is none. */
const char *object_string(const struct object *, u32 off);
/* Bytes of a map's value with the scratch memory of all those CPUs behind it. */
u64 object_map_bytes(const struct object *, const struct object_map *);
/* Whether everything in it fits together: indexes, sizes, names, layouts. Writers and readers
 * call it, so that engines and sinks need not ask again. 0 or -EINVAL with a message. */
int object_validate(const struct object *, struct diag *);
/* -d object: programs, maps, schemas, attach points as text */
void object_print(struct buf *, const struct object *);

/* BTF of maps, data and programs, with func_info and line_info as BPF_PROG_LOAD takes them. One
 * pass makes it for the ELF file and for the kernel engine. Ids of the struct are into `btf`. */
struct object_btf {
	struct buf btf; /* a whole .BTF section */
	struct object_btf_map {
		/* Type ids; 0: none, as for kinds for which the kernel takes none (rings). Data
		 * sections have key 0 and as value the DATASEC, whose size is
		 * object_map_bytes(): the kernel wants the map to have just that value_size. */
		u32 key, value, var;
		u32 def_off, def_size; /* of the variable in the section .maps */
	} *maps;
	struct object_btf_prog {
		u32 func;
		u32 callbacks; /* of the first one; the others follow */
		u32 section; /* the program's SEC name: offset in the string table */
		/* The first line is at instruction 0, instructions ascend and none is the second
		 * slot of a ld_imm64, as the kernel demands. Code before the first known line has
		 * line 0 and no text. 0 lines when no program of the object has any. */
		u32 nlines;
		struct btf_line {
			u32 insn, file, text, line_col; /* struct bpf_line_info; insn in slots */
		} *lines;
	} *progs;
	u32 nprogs;
};
int object_btf(const struct object *, struct object_btf *, struct diag *);
/* Writes kinds of types that an older kernel does not know as others of the same size. */
void object_btf_age(struct object_btf *, u32 kernel);
void object_btf_free(struct object_btf *);

/* Appends the ELF file to out, which must be empty. -EINVAL: the object is not valid; -ENOMEM. */
int object_write_elf(const struct object *, struct buf *out, struct diag *);
/* Reads what object_write_elf() wrote, or clang, gcc and others for libbpf (then it is `plain`: see
 * plain.h); name is the file's, for messages. Broken files get an error that names section and
 * symbol, never a crash. Everything is copied: data may go away. The object passed
 * object_validate(). */
int object_read_elf(struct object **, const void *data, size_t size, const char *name,
		    struct diag *);

#endif
