/*
 * codegen.h: IR to BPF instructions.
 *
 * Passes, each in a file of its own: select (immediates, offsets, fused compare and branch),
 * live (sparse liveness), spill (Belady; constants and addresses are made again, never stored),
 * assign (values live over calls in r6-r9, arguments hinted to r1-r5), emit (parallel moves,
 * block layout, jump threading).
 */
#ifndef CODEGEN_CODEGEN_H
#define CODEGEN_CODEGEN_H

#include "base/diag.h"
#include "ir/ir.h"
#include "isa/code.h"

/* Everything in `code` is in the arena `keep`. Errors: stack over 512 bytes, reported at the line
 * that asked for the largest object. kernel: KERNEL(a, b), decides which instructions exist. */
int codegen(struct ir_fn *fn, u32 kernel, struct arena *keep, struct code *, struct diag *);

#endif
