/*
 * core.h: what in a program depends on the types of the machine that runs it ("CO-RE").
 *
 * A compiler leaves records beside its instructions: instruction, type, a path of members and
 * elements, and what it wants to know of the place at its end. They are answered from the types of
 * the machine: from each that has the same kind and name (what is behind `___` does not count), and
 * whose members fit. Answers of several types must agree. Where there is none, the instruction
 * becomes a call that no kernel has: it is refused if, and only if, it can be reached.
 *
 * Source: Documentation/bpf/llvm_reloc.rst and Documentation/bpf/btf.rst of Linux; what fits to
 * what is as libbpf does it, so that an object means the same to both.
 */
#ifndef OBJECT_CORE_H
#define OBJECT_CORE_H

#include "btf/btf.h"
#include "object/object.h"

enum core_kind {
	CORE_FIELD_OFFSET,
	CORE_FIELD_SIZE,
	CORE_FIELD_EXISTS,
	CORE_FIELD_SIGNED,
	CORE_FIELD_LSHIFT,
	CORE_FIELD_RSHIFT,
	CORE_TYPE_ID_LOCAL,
	CORE_TYPE_ID_TARGET,
	CORE_TYPE_EXISTS,
	CORE_TYPE_SIZE,
	CORE_ENUM_EXISTS,
	CORE_ENUM_VALUE,
	CORE_TYPE_MATCHES,
	CORE_KINDS
};
static inline bool core_is_field(u32 kind)
{
	return kind <= CORE_FIELD_RSHIFT;
}
static inline bool core_is_enum(u32 kind)
{
	return kind == CORE_ENUM_EXISTS || kind == CORE_ENUM_VALUE;
}

#define CORE_DEPTH 64 /* members and elements of a path */
/* The helper that an instruction without an answer calls, and, with the number of the extern added,
 * the one of a function of the kernel that is not there: libbpf's numbers. */
#define CORE_POISON  0xbad2310
#define KFUNC_POISON 2002000000

/* A path, from a type to a member or an element; or a type; or a value of an enum. */
struct core_spec {
	struct btf *btf;
	u32 root; /* type id */
	struct core_step {
		u32 type;  /* the struct whose member it is, without qualifiers; or the element */
		u32 index; /* member, element, value */
		const char *name; /* of the member or value; NULL: an element */
	} steps[CORE_DEPTH];
	u32 n;
	u64 bit_off;
};

/* core_match.c */
bool core_same_name(const char *local, const char *target); /* without flavours */
u32 core_name_len(const char *);                            /* without its flavour */
/* Whether a type of the machine answers a path of ours; fills the path there. */
bool core_match(const struct core_spec *ours, u32 kind, struct btf *target, u32 id,
		struct core_spec *out);
/* May an index go beyond the array? Where the array is the last member of its struct, and has 0 or
 * 1 elements. */
bool core_flexible(const struct core_spec *, const struct btf_type *array);

/* What a record asks about, for people: "struct task_struct.pid"; "?" if its types do not say. */
void core_describe(struct buf *, struct btf *local, const struct code_core *);

/* Answers all records of a program; target: called when the machine's types are needed. */
struct core_types {
	struct btf *(*target)(void *user, struct diag *);
	void *user;
};
int core_resolve(struct object *, struct object_prog *, struct btf *local,
		 const struct core_types *, struct diag *);

#endif
