/*
 * executed.c: how many instructions an event runs through.
 *
 * In:  a script and the object of the same program by hand. Out: for each, the instructions that
 *      our machine executes for one event when its key is already there.
 *
 * The length of a program counts what no event runs through, too: what is done for a new key, for a
 * record without room, for a long string. Here both programs run in our machine with the same
 * record of the tracepoint and the same task, step by step. Ours is fitted to its constants first,
 * as the kernel engine does, and three instructions are added for the gate.
 */
#include "bench.h"
#include "object/specialise.h"
#include "vm/vm.h"
#include "waggle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TASK 77 /* pid of the command that the scripts ask for */
#define GATE 3  /* a load of the address, a load, a branch */
#define WARM 3  /* events before the one that counts */

struct counting {
	struct vm_task task;
	double steps;
};

static const struct vm_task *task_of(struct vm_run *run)
{
	return &((struct counting *)run->user)->task;
}

static void count_step(struct vm_run *run, u32 insn, const u64 regs[11])
{
	(void)insn, (void)regs;
	((struct counting *)run->user)->steps++;
}

/* As in the format of tracefs: a system call's number, its arguments or its result. */
struct record {
	u64 common, nr, args[6];
};

/* One event is one run of each program: enter, then exit. */
static double count_events(struct vm *vm)
{
	static const struct vm_host host = {.task = task_of, .step = count_step};
	struct counting c = {.task = {.pid = TASK, .tid = TASK, .comm = "work"}};
	struct record record = {.args = {3, (u64)(uintptr_t) "/etc/hostname"}};
	struct vm_run *run;
	u64 result;
	int err = vm_run_open(&run, vm, &host, &c, 0);

	if (err)
		return NAN;
	err = !vm_lend(run, (struct vm_region){.start = (u64)(uintptr_t)&record,
					       .size = sizeof(record),
					       .kind = VM_CTX});
	for (u32 i = 0; i <= WARM && !err; i++) {
		c.steps = 0;
		for (u32 p = 0; p < vm_nprogs(vm) && !err; p++)
			err = vm_call(run, p, (u64)(uintptr_t)&record, 0, &result);
	}
	vm_run_close(run);
	return err ? NAN : c.steps;
}

static double count_object(struct object *o)
{
	struct diag silent = {0};
	struct vm_opts opts = {.stepped = true, .interpret = true, .ring_bytes = 1 << 20};
	struct vm *vm;
	double n;

	if (vm_open(&vm, o, &opts, &silent))
		return NAN;
	n = count_events(vm);
	vm_close(vm);
	return n;
}

static double count_script(const char *text)
{
	struct waggle_opts opts = {.sz = sizeof(opts), .name = "-e"};
	struct waggle_object *compiled;
	struct waggle_config *config;
	struct object_map *rodata;
	struct object *o;
	double n = 0;

	if (waggle_compile(&compiled, WAGGLE_SCRIPT, text, strlen(text), &opts))
		return NAN;
	o = (struct object *)compiled;
	rodata = object_section(o, SECTION_RODATA);
	config = (void *)rodata->data;
	config->cpid = TASK;
	config->cpu_mask = 0;
	vec_each (p, &o->progs) {
		struct specialised s;

		if (specialise(&s, &p->code, (u32)(rodata - o->maps.v), rodata->data,
			       rodata->value_size))
			continue;
		memcpy(p->code.insns.v, s.insns, s.n * sizeof(*s.insns));
		memcpy(p->code.relocs.v, s.relocs, s.nrelocs * sizeof(*s.relocs));
		p->code.insns.n = s.n;
		p->code.relocs.n = s.nrelocs;
		p->code.lines.n = 0;
		specialised_free(&s);
		n += GATE;
	}
	n += count_object(o);
	waggle_object_free(compiled);
	return n;
}

static double count_twin(const char *path)
{
	struct diag silent = {0};
	struct object_map *rodata;
	struct object *o;
	double n = NAN;
	size_t size;
	char *file = file_text(path, &size);
	const u32 target = TASK;

	if (!file || object_read_elf(&o, file, size, path, &silent)) {
		free(file);
		return NAN;
	}
	rodata = object_section(o, SECTION_RODATA);
	if (rodata && rodata->data && rodata->value_size >= sizeof(target))
		memcpy(rodata->data, &target, sizeof(target));
	n = count_object(o);
	object_free(o);
	free(file);
	return n;
}

double executed(const struct script *s, enum tracer t)
{
	char path[512];

	if (s->text && strstr(s->text, "kstack"))
		return NAN; /* there is no stack of the kernel here: what is done with it would be missing */
	snprintf(path, sizeof(path), "%s/%s.bpf.o", bench.built, s->twin);
	if (t == WAGGLE)
		return s->text ? count_script(s->text) : NAN;
	return t == TWIN ? count_twin(path) : NAN;
}
