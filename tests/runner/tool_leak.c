/*
 * tool_leak.c: stands in waggle's place and leaves a BPF program behind, for tests/runner/run.
 *
 * In:  as its last argument, "leave" or "close".
 * Out: status 0; after "leave" a child holds the program for some seconds; 77 without the right to
 *      load one.
 */
#include <linux/bpf.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_TRACEPOINT,
		.insns = (uintptr_t)insns,
		.insn_cnt = 2,
		.license = (uintptr_t) "GPL",
	};
	int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	if (fd < 0)
		return 77;
	if (strcmp(argv[argc - 1], "leave") == 0 && fork() == 0) {
		close(1);
		close(2);
		sleep(5);
	}
	return 0;
}
