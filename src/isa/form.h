/*
 * form.h: how each form of instruction is written: what disassembler and assembler share.
 *
 * A form's pattern is its text, in which %letters stand for fields:
 *   %d %s   destination and source: "r1", or "w1" where the operation is 32 bits wide
 *   %D %S   the same, "r1" always; the assembler also takes "w1" for memory of up to 32 bits
 *   %a %b   destination and source as an address: "r1"
 *   %t      the row's text: "+="
 *   %z      type of the memory accessed: "u32"
 *   %n      "64" in 64-bit atomics, else nothing
 *   %o      offset with its sign: "+8"
 *   %i %x   immediate: decimal, unsigned hexadecimal; %u %l its upper and lower half
 *   %h      helper with its number: "bpf_map_lookup_elem#1"
 *   %k      number of a kernel function, with its module where there is one: "77@1"
 *   %v      the 64 bits of two slots: a number, or a map: "map[fd:5][0]+16"
 *   %O %I   offset or immediate as the target of a jump: "pc+3 <7>"
 */
#ifndef ISA_FORM_H
#define ISA_FORM_H

#include "isa/isa.h"

extern const char *const isa_forms[FORMS];

bool isa_is_narrow(const struct isa_op *);          /* its registers are written "w1" */
const char *isa_memory_type(const struct isa_op *); /* "u32" */
bool isa_has_offset(const struct isa_op *);         /* a ld_imm64 of an address in a map's value */

#endif
