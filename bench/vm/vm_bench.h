/* vm_bench.h: what native.c gives to vm.c. */
#ifndef BENCH_VM_BENCH_H
#define BENCH_VM_BENCH_H

struct native {
	const char *name;
	unsigned long long (*run)(const unsigned char *memory, unsigned long long size);
};
extern const struct native natives[];
extern const unsigned nnatives;

#endif
