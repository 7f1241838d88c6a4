/*
 * kernel_run.h: loads instructions into the running kernel and runs them once, for tests.
 *
 * bpf(2) by hand: tests of the code generator must not depend on our own engine. Programs are
 * socket filters; operands and results go through one array map with one value, whose address a
 * relocation names (every relocation is taken to mean that map).
 */
#ifndef TESTS_KERNEL_RUN_H
#define TESTS_KERNEL_RUN_H

#include "codegen/codegen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	KR_MAP_CREATE = 0,
	KR_MAP_LOOKUP = 1,
	KR_MAP_UPDATE = 2,
	KR_PROG_LOAD = 5,
	KR_TEST_RUN = 10
};

union kr_attr {
	struct {
		u32 type, key_size, value_size, max_entries, flags;
	} map;
	struct {
		u32 fd, pad;
		u64 key, value, flags;
	} elem;
	struct {
		u32 type, count;
		u64 insns, license;
		u32 log_level, log_size;
		u64 log;
	} load;
	struct {
		u32 fd, retval, in_size, out_size;
		u64 in, out;
		u32 repeat, duration;
	} run;
	char room[128];
};

static inline long kr_bpf(int cmd, union kr_attr *a)
{
	return syscall(SYS_bpf, cmd, a, sizeof(*a));
}

/* An array map with one value, or -errno. */
static inline int kr_map(u32 value_size)
{
	union kr_attr a = {.map = {2, 4, value_size, 1, 0}};
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	long fd;

	setrlimit(RLIMIT_MEMLOCK, &all);
	fd = kr_bpf(KR_MAP_CREATE, &a);
	return fd < 0 ? -errno : (int)fd;
}

static inline int kr_elem(int cmd, int map, void *value)
{
	u32 key = 0;
	union kr_attr a = {.elem = {(u32)map, 0, (u64)(uintptr_t)&key, (u64)(uintptr_t)value, 0}};

	return kr_bpf(cmd, &a) < 0 ? -errno : 0;
}

/* A file descriptor, or -errno with the verifier's words in log. type: BPF_PROG_TYPE_* */
static inline int kr_load_as(u32 type, struct code *code, int map, char *log, u32 log_size)
{
	union kr_attr a = {.load = {.type = type}};
	long fd;

	vec_each (r, &code->relocs)
		code->insns.v[r->insn].imm = map;
	a.load.count = code->insns.n;
	a.load.insns = (u64)(uintptr_t)code->insns.v;
	a.load.license = (u64)(uintptr_t) "GPL";
	fd = kr_bpf(KR_PROG_LOAD, &a);
	if (fd >= 0)
		return (int)fd;
	log[0] = 0;
	a.load.log = (u64)(uintptr_t)log;
	a.load.log_size = log_size;
	a.load.log_level = 1;
	fd = kr_bpf(KR_PROG_LOAD, &a);
	return fd < 0 ? -errno : (int)fd;
}

static inline int kr_load(struct code *code, int map, char *log, u32 log_size)
{
	return kr_load_as(1, code, map, log, log_size);
}

/* Runs once over a packet; the program's result, or -errno. */
static inline int kr_run_packet(int prog, const void *packet, u32 size, u32 *retval)
{
	union kr_attr a = {.run = {.fd = (u32)prog, .in_size = size}};

	a.run.in = (u64)(uintptr_t)packet;
	a.run.repeat = 1;
	if (kr_bpf(KR_TEST_RUN, &a) < 0)
		return -errno;
	*retval = a.run.retval;
	return 0;
}

static inline int kr_run(int prog, u32 *retval)
{
	static const char packet[64];

	return kr_run_packet(prog, packet, sizeof(packet), retval);
}

#endif
