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

/* ---- maps */

static int map_open(struct vm *vm, u32 index, struct diag *diag)
{
	const struct object_map *o = &vm->object->maps.v[index];
	struct vm_map *m = arena_new(&vm->arena, struct vm_map);
	const struct map_kind *kind = map_kind(o->kind);
	int err;

	*m = (struct vm_map){
		.ops = vm_map_ops(o->kind),
		.vm = vm,
		.name = o->shown ? o->shown : o->name,
		.kind = o->kind,
		.key_size = o->key_size,
		.value_size = (u32)object_map_bytes(vm->object, o),
		.max_entries = o->max_entries,
		.flags = o->flags,
		.index = index,
	};
	if (!m->ops)
		return diag_fail(diag, -EOPNOTSUPP, NULL,
				 "map %s: there are no maps of kind %s in user space", m->name,
				 kind ? kind->name : "?");
	err = m->ops->open(m);
	if (err)
		return diag_fail(diag, err, NULL, "map %s: %s", m->name, strerror(-err));
	vm->maps[index] = m;
	if (o->data && m->values)
		memcpy(m->values, o->data, o->value_size);
	if (o->section == SECTION_RODATA)
		m->region.writable = false;
	m->region.map = m;
	return 0;
}

static int region_order(const void *a, const void *b)
{
	const struct vm_region *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int maps_open(struct vm *vm, struct diag *diag)
{
	u32 n = vm->object->maps.n;
	int err = 0;

	vm->maps = arena_array(&vm->arena, struct vm_map *, n);
	vm->regions = arena_array(&vm->arena, struct vm_region, n);
	vm->nmaps = n;
	for (u32 i = 0; i < n && !err; i++)
		err = map_open(vm, i, diag);
	for (u32 i = 0; i < n && !err; i++)
		if (vm->maps[i]->region.size)
			vm->regions[vm->nregions++] = vm->maps[i]->region;
	qsort(vm->regions, vm->nregions, sizeof(*vm->regions), region_order);
	return err;
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
	int err = vm_check_form(p, diag);

	if (!err) {
		mark_callbacks(p);
		err = interpret_prepare(p, diag);
	}
	if (!err && !p->vm->opts.interpret) {
		err = jit_compile(p, diag);
		err = err == -EOPNOTSUPP ? 0 : err;
	}
	return err;
}

static struct vm_prog *prog_new(struct vm *vm, u32 index, const struct insn *insns, u32 n)
{
	struct vm_prog *p = &vm->progs[index];

	*p = (struct vm_prog){.vm = vm, .index = index, .n = n};
	p->insns = arena_array(&vm->arena, struct insn, n);
	if (n)
		memcpy(p->insns, insns, n * sizeof(*insns));
	return p;
}

static int open_object(struct vm *vm, struct diag *diag)
{
	int err = maps_open(vm, diag);

	vm->progs = arena_array(&vm->arena, struct vm_prog, vm->object->progs.n);
	vm->nprogs = vm->object->progs.n;
	for (u32 i = 0; i < vm->nprogs && !err; i++) {
		const struct object_prog *o = &vm->object->progs.v[i];
		struct vm_prog *p = prog_new(vm, i, o->code.insns.v, o->code.insns.n);

		p->object = o;
		p->kind = o->kind;
		err = relocate(p, &o->code, diag);
		if (!err)
			err = prog_open(p, diag);
	}
	return err;
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
	for (u32 i = 0; i < vm->nmaps; i++)
		if (vm->maps[i])
			vm->maps[i]->ops->close(vm->maps[i]);
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
