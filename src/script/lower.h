/*
 * lower.h: what the files of lowering share.
 *
 * Integers live in SSA values. Strings live in memory: on the stack while they are small, else in
 * the program's scratch memory in .bss: one slot for each CPU, or, for programs that can be
 * preempted, a slot that each run claims for itself.
 */
#ifndef SCRIPT_LOWER_H
#define SCRIPT_LOWER_H

#include "filter/bpf.h"
#include "script/tables.h"

#define NO_MAP UINT32_MAX

#define ROOM(n) ((struct room){(n), (n), 0})

/* Memory for keys and strings, reused when it is given back. */
struct piece {
	u32 slot;    /* value of the stack slot's address; 0: in scratch memory */
	u32 off;     /* in scratch memory */
	u32 size;
	u32 given; /* how often it was handed out */
	bool busy;
};

/* Values that are computed at most once on a path; what a branch computes is forgotten behind it. */
struct memo {
	u32 pid_tgid, uid_gid, cpu, scratch;
	struct map_read { /* the last number that was read from a map with keys */
		const struct script_map *map; /* NULL: none */
		u32 keys[4], value;
		u32 writes; /* l->map_writes when it was read */
	} read;
	struct map_key { /* the last key that was put into memory */
		const struct node *use; /* NULL: none */
		u32 ints[8];  /* its parts that are numbers */
		u32 piece, given; /* nobody else was given that memory since */
		u32 writes; /* l->text_writes when it was written */
	} key;
};

struct lower {
	struct script *script;
	struct object *object;
	const struct script_opts *opts;
	struct point *point;
	struct ir_fn *fn;
	u32 prog;
	u32 bss, rodata, rings; /* indices of maps */
	u32 stacks;		/* index of the map of stacks, 0: there is none */
	u32 unwind_rows, unwind_files; /* the same of the maps for unwinding */
	u32 zeroes;		/* offset in .rodata of as many zeroes as the largest value has */
	struct memo memo;
	u32 map_writes; /* places so far that change maps */
	u32 text_writes; /* and variables that are no numbers */
	vec(struct piece) pieces;
	u32 stack;		  /* bytes of slots so far */
	u32 scratch, scratch_end; /* bytes of all programs before this one; and of this one so far */
	struct claim {		  /* of a slot, in programs that can be preempted */
		bool wanted, used; /* the program is of that kind; it needs memory */
		u32 block, body, leave; /* blocks */
		u32 slot;	  /* variable: its address */
	} claim;
	struct sent { /* the last record */
		const struct ir_fn *fn;
		u32 block;	  /* behind it */
		u32 first, forms; /* its schemas */
	} sent;
	vec(struct lowered_table {
		const struct node *args; /* of an emit() */
		u32 schema; /* of its first record */
	}) tables;
	u32 served; /* points that share this program */
	struct frame {		/* of programs with loops that are called: what their callbacks see */
		bool wanted;	/* the program is one */
		bool inside;	/* a callback is being lowered */
		u32 at;		/* its address */
		u32 size;
		u32 headers[64]; /* where values of headers are that callbacks use; 0: not here */
	} frame;
	vec(struct ir_fn *) callbacks; /* of this program */
	u32 verdict; /* variable: what the program is going to return; 0: always the same */
	struct packet { /* values of headers, which are read once, in front of their first use */
		struct packet_gap {
			u32 block, next; /* to be filled; what comes behind it */
		} before, behind; /* the predicate */
		bool at_once, used; /* the predicate uses one; something does */
		bool in_body;
		u32 vars[64], more[64];
		struct filter_room room; /* what pcap() fetches */
	} packet;
	u32 break_to, continue_to;
	u32 call_names, signal_names, capability_names, messages; /* in .rodata: tables of names; 0: not yet */
	u32 names_at[2]; /* in .rodata: names of the program's points, of their functions; 0: none */
	bool failed; /* a message says why */
	bool shared; /* an aggregation is changed that all CPUs share */
	bool live;  /* what this point shows is a picture that is drawn again: VIEW_LIVE */
	bool loose; /* strings may have anything behind their NUL: in records nobody looks there */
};

/* lower.c */
u32 rodata_add(struct lower *, u32 size); /* zeroes at the end of .rodata: where they begin */
void lower_statements(struct lower *, struct node *block);
void lower_assign(struct lower *, struct node *);
/* Goes on only if the condition holds (or the value is not 0); else the program ends. */
void lower_demand(struct lower *, struct node *condition, u32 value);
/* filter.c */
void lower_filters(struct lower *, const struct point *);
/* lower_fn.c: a word that the loader fills in: enum fill_kind */
u32 lower_fill(struct lower *, u8 kind, const char *text);
/* The value behind the statements of a block, which are lowered; of a choice that the compiler has
 * made, the one. Other nodes stay. */
struct node *lower_valued(struct lower *, struct node *);

/* lower_value.c */
u32 lower_cut(struct lower *, struct type, u32 value); /* to less than 8 bytes */
u32 lower_int(struct lower *, struct node *);
void lower_cond(struct lower *, struct node *, u32 then, u32 otherwise);
u32 lower_arith(struct lower *, u8 op, struct type result, u32 a, u32 b);
/* What x is after x op= n: t and by are the types of x and n; n counts elements of a pointer. */
u32 lower_update(struct lower *, u8 op, struct type t, u32 old, struct type by, u32 n);
u32 lower_config(struct lower *, u32 off); /* of struct waggle_config */
u32 lower_pidns(struct lower *); /* our PID namespace; 0: the machine's first one */
/* Adds 1 to a field of struct waggle_counters. */
void lower_counter(struct lower *, u32 field);
/* Counts an update that found no room: all CPUs in one place, as such an update waits for a lock
 * anyway, and fewer instructions stand in each program. */
void lower_map_full(struct lower *);

/* lower_mem.c */
struct mem mem_at(struct lower *, const struct piece *);
u32 mem_get(struct lower *, u32 size);	       /* index of a piece */
u32 mem_get_scratch(struct lower *, u32 size); /* never on the stack */
void mem_put(struct lower *, u32 piece);
u32 mem_addr(struct lower *, struct mem);
void mem_zero(struct lower *, struct mem, u32 size);
void mem_copy(struct lower *, struct mem to, struct mem from, u32 size);

/* lower_place.c: values in memory: fields, elements, what pointers point to */
#define COPY_MOST 64 /* bytes that are copied word by word */
u32 lower_place_int(struct lower *, struct node *);
u32 lower_place_str(struct lower *, struct node *, struct mem to, struct room);
void lower_place_bytes(struct lower *, struct node *, struct mem to, u32 size);
/* A value in memory of our own; *piece is to be given back unless it is NO_MAP. */
struct mem lower_own(struct lower *, struct node *, u32 *piece);
/* A pointer as a number that one may compute with. */
u32 lower_number_of(struct lower *, u32 pointer);
u32 lower_address(struct lower *, struct node *); /* of a value: &x */
/* A part of a tuple: t.0 */
bool is_part(const struct node *);
/* Reads bytes (a value) of user or kernel memory, or of either by the address, into own memory; on
 * a fault they are zero. Returns the helper's result. */
u32 lower_read(struct lower *, u8 space, bool string, struct mem to, u32 bytes, u32 from);

/* lower_error.c: the result of a helper that is below 0 when it failed; with -k that is told. */
u32 lower_checked(struct lower *, u32 helper, u32 result);
u32 lower_told(struct lower *, u32 helper, u32 result); /* in any case */
void lower_missing(struct lower *); /* on the path where a map has no entry with the key */
/* lower_record.c: the record of such an error; code: what the helper returned */
void lower_error_record(struct lower *, const char *helper, struct node *code);

/* lower_str.c: fills at most the room and returns the length with its NUL. What stands behind
 * the NUL is undefined unless the memory was zeroed before. */
u32 lower_str(struct lower *, struct node *, struct mem to, struct room);
u32 room_value(struct lower *, struct room);
struct room room_most(struct lower *, struct room, u32 most); /* the same, but at most so much */

/* lower_stored.c: a string or tuple as maps and variables keep it: all of its bytes, what is not
 * used zeroed. */
void lower_stored(struct lower *, struct node *, struct mem to, struct type as);
/* Are two values in memory the same: 1 or 0 */
u32 lower_same(struct lower *, struct node *a, struct node *b);
u32 lower_compare_piece(struct lower *, u32 size); /* for one of them */
/* address.c: == and != of addresses; a header's value is in words: family and two of the address;
 * of Ethernet the last alone. False: it is no header's. */
bool node_is_address(const struct node *);
u32 lower_addresses(struct lower *, struct node *);
bool lower_header_words(struct lower *, const struct node *, u32 *words);
u32 lower_compare_bytes(struct lower *, struct mem a, struct mem b, u32 size);

/* lower_fn.c: a string in zeroed memory; the piece is to be given back. */
struct mem lower_str_zeroed(struct lower *, struct node *, u32 room, u32 *piece);
/* lower_task.c: a number of at most 8 bytes in a struct of the kernel, by the path to it, through
 * pointers, too: "group_leader.pid". 0: this kernel has no such member. */
u32 lower_member(struct lower *, u32 base, const char *in, const char *path);
/* Bytes that an expression names: a pointer points to them, or they lie in memory. */
void lower_bytes(struct lower *, struct node *, struct mem to, u32 size);

u32 lower_str_compare(struct lower *, struct node *a, struct node *b); /* 1: equal */

/* lower_stored.c: a value that user space makes readable; what it does not use stays as it was. */
void lower_shown(struct lower *, struct node *, struct mem to, u32 size);
/* lower_stack.c: the key that stands for a stack: 16 bytes */
void lower_stack_key(struct lower *, struct node *, struct mem to);
void lower_stack_key_of(struct lower *, struct mem frames, struct type, struct mem to);
/* kstack(id, 5): the type that kstack(5) has; the id into memory. */
struct type lower_stack_type(const struct node *);
void lower_stack_by_id(struct lower *, struct node *, struct mem to);
/* The frames that an id in memory means; none where they are not kept. */
void lower_stack_of_id(struct lower *, struct mem id, struct type whole, struct mem to);
/* lower_probe.c: `probe` and `func` */
u32 lower_probe_str(struct lower *, const struct node *, struct mem to, struct room);

/* lower_loop.c: while and for */
void lower_loop(struct lower *, struct node *);
/* Is the block of the loop a function that the kernel calls? */
bool loop_is_called(const struct lower *, const struct node *);
/* Does the variable stand in the tree below; when `set`, where it gets a value? */
bool mentions(const struct node *, const struct script_var *, bool set);
/* lower_each.c: such loops; for over a map without a variable (c) only counts. Gives how many turns
 * were made. */
u32 lower_each(struct lower *, struct node *);
/* table.c: the schema whose table has the rows of an emit() with these arguments, whose schema is id. */
u32 lower_table_group(struct lower *, const struct node *args, u32 id);
/* lower_record.c: tracing ends, even if the record that says so is lost. */
void lower_set_exit(struct lower *, s64 state);
/* lower_record.c: the columns that a table gives to values of a type; 0: as many as it likes */
u32 lower_width(struct type);
/* lower_record.c: a record with these arguments as its fields, and what to do with it. */
void lower_record(struct lower *, const char *name, const struct action *, u8 view,
		  struct node *args);
/* lower_trial.c: what a probe returns; its statements. */
void trial_return(struct lower *, struct node *value);
void trial_body(struct lower *, struct node *body);
/* Before anything of a program is lowered: which variables callbacks see. */
void frame_begin(struct lower *);
u32 frame_scratch(struct lower *); /* in a callback: the program's scratch memory */
void frame_return(struct lower *); /* in a callback: ends the run of the program */
/* A variable that is a number. */
u32 var_get(struct lower *, const struct script_var *);
void var_set(struct lower *, const struct script_var *, u32 value);

/* lower_claim.c: scratch memory. begin, end: around the code of a program. */
void scratch_begin(struct lower *);
void scratch_end(struct lower *);
u32 scratch_address(struct lower *);
/* The end of a run: gives the slot back. Nothing can be appended behind it. */
void lower_return(struct lower *);

/* lower_agg_read.c: the value of an aggregation, for all CPUs */
u32 lower_agg_read(struct lower *, struct node *);
u32 lower_agg_value(struct lower *, const struct script_map *, struct mem key);
/* Does it have one value for all CPUs? */
bool lower_agg_shared(const struct lower *, const struct script_map *);

/* lower_map_rows.c */
void lower_maps(struct lower *, const struct point *);
/* lower_map.c */
/* The key of a map's use, in memory; the piece is to be given back. */
struct mem lower_key(struct lower *, struct node *, u32 *piece);
/* The entry of a map goes, for a call of delete(): whether there was one. */
u32 lower_delete_entry(struct lower *, struct node *call, struct node *map, bool told);
void family_map(struct object_map *); /* family.c: its kind */
u32 lower_map_read(struct lower *, struct node *);
void lower_map_str(struct lower *, struct node *, struct mem to, struct room, u32 len_var);
/* Where a value in memory is: true: at *own; else at an address, 0 when there is no entry. */
bool lower_map_place(struct lower *, struct node *, struct mem *own, u32 *address);
/* Copies a value of bytes; zeroes when there is no entry. */
void lower_map_copy(struct lower *, struct node *, struct mem to, u32 size);
void lower_map_assign(struct lower *, struct node *map, u8 op, struct node *value);
u32 lower_map_inc(struct lower *, struct node *);

/* Appends a field for a value of that type; INT takes 8 bytes. */
struct field *layout_add(struct lower *, struct layout *, const char *name, struct type);
/* A string that fills its room was cut: the script's trailer stands behind it. */
void layout_may_cut(struct lower *, struct field *);

/* lower_packet.c: around the predicate and at the end of a program; nothing where no packets are. */
void packet_before(struct lower *);
void packet_behind(struct lower *);
void packet_end(struct lower *);
/* lower_walk.c: in the open block; goes on in `done`. */
void walk_headers(struct lower *, u32 done);
/* A header that a callback uses lives in the frame. Other nodes are left alone. */
void packet_share(struct lower *, const struct node *);

#endif
