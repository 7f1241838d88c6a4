/*
 * vm.c: makes a machine from an object or from bare instructions.
 *
 * In:  programs and maps. Out: programs with addresses in place of names, checked for form, decoded
 *      and compiled; maps with memory; the regions of their values, sorted by address.
 */
#include "vm/inside.h"

#include <errno.h>
#include <stdlib.h>

static struct vm *vm_new(const struct vm_opts *opts)
{
	struct vm *vm = calloc(1, sizeof(*vm));

	if (!vm)
		return NULL;
	if (opts)
		vm->opts = *opts;
	vm->opts.cpus = MAX(vm->opts.cpus, 1u);
	if (!vm->opts.budget)
		vm->opts.budget = VM_BUDGET;
	vm->opts.budget = MIN(vm->opts.budget, (u64)INT64_MAX);
	return vm;
}

/* ---- programs */

static void put_address(struct insn *in, u64 address)
{
	in[0].src = 0;
	in[0].imm = (s32)address;
	in[1].imm = (s32)(address >> 32);
}

static int relocate(struct vm_prog *p, const struct code *code, struct diag *diag)
{
	vec_each (r, &code->relocs) {
		const struct vm_map *m = p->vm->maps[r->map];

		if (r->data && !m->values)
			return diag_fail(diag, -EINVAL, NULL, "%s: map %s has no data to point to",
					 p->object->name, m->name);
		put_address(&p->insns[r->insn],
			    (u64)(uintptr_t)(r->data ? (const void *)(m->values + r->off) : m));
	}
	return 0;
}

/* Callbacks may only go to slots that a ld_func names. */
static void mark_callbacks(struct vm_prog *p)
{
	p->calls_back = arena_array(&p->vm->arena, bool, p->n);
	for (u32 at = 0; at < p->n; at++) {
		const struct insn *in = &p->insns[at];

		if (in->code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (in->src == BPF_PSEUDO_FUNC)
			p->calls_back[at + 1 + (u32)in->imm] = true;
		at++;
	}
}

static int prog_open(struct vm_prog *p, struct diag *diag)
{
	const struct vm_opts *opts = &p->vm->opts;
	int err = vm_check_form(p, diag);

	if (err)
		return err;
	mark_callbacks(p);
	vm_current_open(p->vm, p);
	if (!opts->interpret && !opts->stepped) {
		err = jit_compile(p, diag);
		err = err == -EOPNOTSUPP ? 0 : err;
	}
	/* a compiled program that is checked is interpreted on its way to a fault */
	if (!err && (!p->entry || !opts->trusted))
		err = interpret_prepare(p, diag);
	return err;
}

/* If one could not be compiled, none is: they call each other. */
static int interpret_all(struct vm *vm, struct diag *diag)
{
	bool all = true;
	int err = 0;

	for (u32 i = 0; i < vm->nprogs; i++)
		all &= !vm->progs[i].n || vm->progs[i].entry;
	for (u32 i = 0; i < vm->nprogs && !all && !err; i++) {
		struct vm_prog *p = &vm->progs[i];

		jit_free(p);
		if (p->n && !p->threaded)
			err = interpret_prepare(p, diag);
	}
	return err;
}

static struct vm_prog *prog_new(struct vm *vm, u32 index, const struct insn *insns, u32 n)
{
	struct vm_prog *p = &vm->progs[index];

	*p = (struct vm_prog){.vm = vm, .index = index, .n = n};
	p->insns = arena_array(&vm->arena, struct insn, n);
	p->ops = arena_array(&vm->arena, u8, n);
	if (n)
		memcpy(p->insns, insns, n * sizeof(*insns));
	return p;
}

static int open_object(struct vm *vm, struct diag *diag)
{
	int err;

	vm->progs = arena_array(&vm->arena, struct vm_prog, vm->object->progs.n);
	vm->nprogs = vm->object->progs.n;
	err = vm_maps_open(vm, diag);
	for (u32 i = 0; i < vm->nprogs && !err; i++) {
		const struct object_prog *o = &vm->object->progs.v[i];
		bool wanted = object_wants(vm->object, vm->opts.only - 1, i);
		struct vm_prog *p = prog_new(vm, i, o->code.insns.v, wanted ? o->code.insns.n : 0);

		p->object = o;
		p->kind = o->kind;
		if (!wanted)
			continue;
		err = relocate(p, &o->code, diag);
		if (!err)
			err = prog_open(p, diag);
	}
	return err ? err : interpret_all(vm, diag);
}

static int open_code(struct vm *vm, const struct insn *insns, u32 n, struct diag *diag)
{
	vm->progs = arena_new(&vm->arena, struct vm_prog);
	vm->nprogs = 1;
	return prog_open(prog_new(vm, 0, insns, n), diag);
}

int vm_open(struct vm **out, const struct object *o, const struct vm_opts *opts, struct diag *diag)
{
	struct vm *vm = vm_new(opts);
	jmp_buf escape;
	int err;

	if (!vm)
		return diag_fail(diag, -ENOMEM, NULL, "out of memory");
	vm->object = o;
	vm->arena.escape = &escape;
	if (setjmp(escape))
		err = diag_fail(diag, -ENOMEM, NULL, "out of memory");
	else
		err = open_object(vm, diag);
	vm->arena.escape = NULL;
	arena_free(&vm->scratch);
	if (err)
		vm_close(vm);
	else
		*out = vm;
	return err;
}

int vm_open_code(struct vm **out, const struct insn *insns, u32 n, const struct vm_opts *opts,
		 struct diag *diag)
{
	struct vm *vm = vm_new(opts);
	jmp_buf escape;
	int err;

	if (!vm)
		return diag_fail(diag, -ENOMEM, NULL, "out of memory");
	vm->arena.escape = &escape;
	if (setjmp(escape))
		err = diag_fail(diag, -ENOMEM, NULL, "out of memory");
	else
		err = open_code(vm, insns, n, diag);
	vm->arena.escape = NULL;
	arena_free(&vm->scratch);
	if (err)
		vm_close(vm);
	else
		*out = vm;
	return err;
}

void vm_close(struct vm *vm)
{
	if (!vm)
		return;
	for (u32 i = 0; i < vm->nprogs; i++) {
		interpret_free(&vm->progs[i]);
		jit_free(&vm->progs[i]);
	}
	vm_maps_close(vm);
	arena_free(&vm->scratch);
	arena_free(&vm->arena);
	free(vm);
}

u32 vm_nprogs(const struct vm *vm)
{
	return vm->nprogs;
}

struct vm_map *vm_map_of(struct vm *vm, u32 index)
{
	return index < vm->nmaps ? vm->maps[index] : NULL;
}
