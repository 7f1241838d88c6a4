/*
 * ctype.h: C types in scripts: names of types, declarations of structs, the kernel's own from BTF.
 *
 * Structs of the kernel are taken from the target's BTF when they are named, and their members
 * when they are looked at, so that a script with `struct sock *` reads a handful of types.
 */
#ifndef SCRIPT_CTYPE_H
#define SCRIPT_CTYPE_H

#include "base/dict.h"
#include "script/ast.h"

/* A type as text: "const char *", "struct task_struct *", "unsigned int", "char[16]". False: there
 * is no such type; *unknown then says which word is not known ("struct foo"), for the message. */
bool ctype_of_text(struct script *, const char *text, struct type *, const char **unknown);
/* Stars and brackets behind a type that is known: "*", "[4]". */
bool ctype_of_suffix(struct script *, const char *text, struct type *);

/* Does a type begin at this token, behind a `(` or sizeof( ? */
bool ctype_begins(struct script *, const struct token *);

/* A declaration of the source: struct, union or enum NAME { ... }; or typedef, from the keyword on.
 * The lexer stands behind it afterwards. Reports errors; 0 or -EINVAL. */
int ctype_declare(struct script *, struct lexer *);

/* The next declaration of a C header: what is no type, or none that can be understood, is skipped. */
void ctype_header(struct script *, struct lexer *);

/* The members, fetched from BTF if need be. */
const struct aggregate *ctype_members(struct script *, const struct aggregate *);
/* A member by name, also in anonymous members; *bit_off: from the start of the whole. */
const struct member *ctype_member(struct script *, const struct aggregate *, const char *name,
				  u32 *bit_off);
/* The same by the first part of a path, "group_leader.comm", which is taken off it. NULL also for a
 * missing aggregate. */
const struct member *ctype_part(struct script *, const struct aggregate *, const char **path,
				u32 *bit_off);
void ctype_near(struct script *, const struct aggregate *, struct near *);

/* The value of an enumerator or a #define; false: unknown. */
bool ctype_constant(struct script *, const char *name, s64 *value);
/* The same with its type: a literal that knows the names of its enum. */
/* A constant of the table of headers, or a system call's: "__NR_read". */
bool ctype_of_headers(const struct script *, const char *name, s64 *value);
bool ctype_enumerator(struct script *, const char *name, s64 *value, struct type *);

void ctype_define(struct script *, const char *name, s64 value);
void ctype_define_as(struct script *, const char *name, s64 value, struct type of);

/* Where the struct that debugging information has at this place in memory is kept. */
void **ctype_debug_slot(struct script *, const void *place);

/* The type of that id in the target's BTF. */
struct type ctype_of_id(struct script *, u32 id);
/* A struct of the kernel by name ("task_struct"); NULL: without BTF. */
const struct aggregate *ctype_kernel_struct(struct script *, const char *name);
/* A pointer to one; a plain pointer without BTF. */
struct type ctype_kernel_pointer(struct script *, const char *name);

#endif
