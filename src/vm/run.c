/*
 * run.c: one run of a program, by one thread.
 *
 * In:  a vm, what the program may touch, its arguments. Out: what it returned, or why it stopped.
 */
#include "vm/inside.h"
#include "vm/lock.h"

#include <errno.h>
#include <stdlib.h>

#define LOOPS_MOST (8 * 1024 * 1024) /* of may_goto in one run; the kernel's BPF_MAX_LOOPS */

#define CALLBACK_COST 8 /* in instructions, of the budget: what it takes to get there */

/* A page: elsewhere its place in one, and so how fast loads overtake stores, would be chance. */
static u8 *stack_new(void)
{
	u8 *stack = aligned_alloc(VM_FRAMES * VM_FRAME_BYTES, VM_FRAMES * VM_FRAME_BYTES);

	return stack ? memset(stack, 0, VM_FRAMES * VM_FRAME_BYTES) : NULL;
}

int vm_run_open(struct vm_run **out, struct vm *vm, const struct vm_host *host, void *user, u32 cpu)
{
	static const struct vm_host nobody;
	size_t regions = VM_REGIONS + vm->nregions;
	struct vm_run *run = calloc(1, sizeof(*run) + regions * sizeof(run->fast[0]));

	if (!run)
		return -ENOMEM;
	run->vm = vm;
	run->host = host ? host : &nobody;
	run->user = user;
	run->cpu = cpu;
	run->stack = stack_new();
	if (!run->stack) {
		vm_run_close(run);
		return -ENOMEM;
	}
	vm_region_init(run);
	*out = run;
	return 0;
}

void vm_run_close(struct vm_run *run)
{
	if (!run)
		return;
	free(run->tasks);
	free(run->stack);
	free(run);
}

static u64 start(struct vm_run *run, const struct vm_prog *prog, u32 at, const u64 args[5],
		 u32 frames)
{
	return (prog->entry ? jit_run : interpret)(run, prog, at, args, frames);
}

static void begin(struct vm_run *run, u32 prog)
{
	run->prog = run->first = &run->vm->progs[prog];
	run->tail_calls = 0;
	run->packet_pushed = 0;
	run->loops = LOOPS_MOST;
	run->budget = (s64)run->vm->opts.budget;
	run->fault = (struct vm_fault){0};
}

/* What a program that nobody has verified may have kept. */
static int end(struct vm_run *run)
{
	if (run->lock) {
		lock_give((u32 *)(uintptr_t)run->lock);
		run->lock = 0;
	}
	if (!run->vm->opts.trusted)
		vm_records_discard(run);
	return run->fault.kind ? -EFAULT : 0;
}

int vm_call(struct vm_run *run, u32 prog, u64 ctx, u64 arg2, u64 *result)
{
	u64 args[5] = {ctx, arg2};

	if (prog >= run->vm->nprogs || !run->vm->progs[prog].n)
		return -ENOENT;
	begin(run, prog);
	run->ctx = ctx;
	*result = start(run, run->prog, 0, args, 0);
	return end(run);
}

static bool is_callback(const struct vm_prog *prog, u64 callback)
{
	u32 slot = (u32)callback;

	return VM_IS_CALLBACK(callback) && slot < prog->n && prog->calls_back[slot];
}

static u64 no_callback(struct vm_run *run, u64 callback)
{
	run->fault = (struct vm_fault){.kind = VM_BAD_ARGUMENT,
				       .addr = callback,
				       .why = "it is no function of the program"};
	return 0;
}

int vm_call_function(struct vm_run *run, u32 prog, u64 callback, const u64 args[5])
{
	begin(run, prog);
	if (is_callback(run->prog, callback))
		start(run, run->prog, (u32)callback, args, 0);
	else
		no_callback(run, callback);
	return end(run);
}

u64 vm_call_back(struct vm_run *run, u64 callback, const u64 args[5])
{
	const struct vm_prog *prog = run->prog;
	u64 top = (u64)(uintptr_t)run->stack + VM_FRAMES * VM_FRAME_BYTES, result;
	u64 frame = run->frame;
	u32 frames = (u32)((top - run->frame) / VM_FRAME_BYTES) + 1;

	if (!is_callback(prog, callback))
		return no_callback(run, callback);
	run->budget -= CALLBACK_COST;
	if (frames >= VM_FRAMES || run->budget < 0) {
		run->fault.kind = frames >= VM_FRAMES ? VM_TOO_DEEP : VM_OUT_OF_BUDGET;
		return 0;
	}
	result = start(run, prog, (u32)callback, args, frames);
	run->frame = frame; /* helpers that the function called have left theirs */
	if (run->fault.kind)
		run->fault.called_back = true;
	else
		run->prog = prog; /* a tail call may have left it */
	return result;
}
