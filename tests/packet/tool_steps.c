/*
 * tool_steps.c: how many instructions programs execute for packets.
 *
 * In:  objects with one XDP program each. Out: for each a line: its file, and the instructions that it
 *      executes in our machine for one packet of each kind below, in sum; the verdicts.
 */
#include "engine/bare/bare.h"

#include <stdio.h>
#include <stdlib.h>

#define HEAD  "\2\0\0\0\0\2\2\0\0\0\0\1\x08\0"
#define IP(p) "\x45\0\0\x28\0\0\x40\0\x40" p "\0\0\x0a\0\0\1\x0a\0\0\2"
#define SIZE  60

static const char *const packets[] = {
	HEAD IP("\6") "\x04\xd2\x1f\x90",			      /* TCP to port 8080 */
	HEAD IP("\6") "\x04\xd2\0\x50",				      /* TCP to port 80 */
	HEAD IP("\x11") "\x04\xd2\0\x35",			      /* UDP */
	"\2\0\0\0\0\2\2\0\0\0\0\1\x86\xdd\x60\0\0\0\0\x14\6\x40", /* IPv6 */
	"\2\0\0\0\0\2\2\0\0\0\0\1\x08\6",			      /* ARP */
};
static const u32 sizes[] = {38, 38, 38, 22, 14};

static void count_step(struct vm_run *run, u32 insn, const u64 regs[11])
{
	(void)insn, (void)regs;
	++*(u64 *)run->user;
}

/* 0, or why not. */
static int count(const char *path, struct object *o)
{
	static const struct vm_host host = {.step = count_step};
	const struct vm_opts opts = {.stepped = true, .interpret = true};
	struct diag silent = {0};
	struct bare_input in = {0};
	struct vm_run *run;
	struct vm *vm;
	u64 steps = 0, result;

	if (vm_open(&vm, o, &opts, &silent) || vm_run_open(&run, vm, &host, &steps, 0))
		return 1;
	printf("%s", path);
	for (u32 i = 0; i < ARRAY_SIZE(packets); i++) {
		u8 bytes[SIZE] = {0};
		struct engine_test t = {.data = bytes, .data_size = SIZE};

		memcpy(bytes, packets[i], sizes[i]);
		if (bare_input_open(&in, PROG_XDP, &t) || bare_input_lend(&in, run) ||
		    vm_call(run, 0, (u64)(uintptr_t)in.ctx, in.ctx_size, &result))
			return 1;
		printf(" %u", (u32)result);
		bare_input_close(&in, run);
	}
	printf(" %llu\n", (unsigned long long)steps);
	vm_run_close(run);
	vm_close(vm);
	bare_input_free(&in);
	return 0;
}

int main(int argc, char **argv)
{
	static char text[1 << 20];
	struct diag silent = {0};

	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "re");
		size_t n = f ? fread(text, 1, sizeof(text), f) : 0;
		struct object *o;

		if (f)
			fclose(f);
		if (object_read_elf(&o, text, n, argv[i], &silent) || count(argv[i], o)) {
			printf("%s cannot be run\n", argv[i]);
			return 1;
		}
		object_free(o);
	}
	return 0;
}
