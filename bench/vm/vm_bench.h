/* vm_bench.h: what native.c and maps.c give to vm.c. */
#ifndef BENCH_VM_BENCH_H
#define BENCH_VM_BENCH_H

struct native {
	const char *name;
	unsigned long long (*run)(const unsigned char *memory, unsigned long long size);
};
extern const struct native natives[];
extern const unsigned nnatives;

/* maps.c: a table of operations on maps; false: they do not run, or not the same everywhere. */
_Bool bench_maps(const void *elf, unsigned long size);

#endif
