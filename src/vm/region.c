/*
 * region.c: what a run may touch.
 *
 * In:  regions that are lent and taken back, and accesses. Out: the region that holds an access.
 *
 * Those of the run are few and stand in no order; those of the vm (maps) are sorted by address. A
 * place in run->regions keeps its number while it is lent, so that whoever remembers the number
 * asks again with one compare (struct vm_fast) and is never wrong: the numbers are only hints.
 */
#include "vm/inside.h"

static void fast_set(struct vm_fast *f, const struct vm_region *r)
{
	u64 most = r->stride ? r->elem : r->size; /* where all of an access must be */

	*f = (struct vm_fast){
		.start = r->start, .size = r->size, .mask = r->stride ? r->stride - 1 : UINT64_MAX};
	for (u32 i = 0; i < 4; i++) {
		u64 fits = most < 1u << i ? 0 : most - (1u << i) + 1;

		f->row_reads[i] = fits;
		f->row_writes[i] = r->writable ? fits : 0;
		f->reads[i] = r->stride ? 0 : f->row_reads[i];
		f->writes[i] = r->stride ? 0 : f->row_writes[i];
	}
}

void vm_region_init(struct vm_run *run)
{
	const struct vm *vm = run->vm;

	for (u32 i = 0; i < vm->nregions; i++)
		fast_set(&run->fast[VM_REGIONS + i], &vm->regions[i]);
	vm_lend(run, (struct vm_region){.start = (u64)(uintptr_t)run->stack,
					.size = VM_FRAMES * VM_FRAME_BYTES,
					.kind = VM_STACK,
					.writable = true});
}

bool vm_lend(struct vm_run *run, struct vm_region r)
{
	u32 i = 0;

	while (i < run->nregions && run->regions[i].size)
		i++;
	if (i == VM_REGIONS)
		return false;
	run->nregions = MAX(run->nregions, i + 1);
	run->regions[i] = r;
	fast_set(&run->fast[i], &r);
	return true;
}

void vm_take_back(struct vm_run *run, u64 start)
{
	for (u32 i = 0; i < run->nregions; i++) {
		if (run->regions[i].start != start || !run->regions[i].size)
			continue;
		run->regions[i].size = 0;
		fast_set(&run->fast[i], &run->regions[i]);
		return;
	}
}

static bool region_holds(const struct vm_region *r, u64 addr, u32 size, bool write)
{
	u64 off = addr - r->start, most = r->size;

	if (off >= r->size || (write && !r->writable))
		return false;
	if (r->stride) {
		off &= r->stride - 1;
		most = r->elem;
	}
	return off + size <= most;
}

const struct vm_region *vm_region_find(const struct vm_run *run, u64 addr, u32 size, bool write)
{
	const struct vm_region *maps = run->vm->regions;
	u32 low = 0, high = run->vm->nregions;

	for (u32 i = 0; i < run->nregions; i++)
		if (region_holds(&run->regions[i], addr, size, write))
			return &run->regions[i];
	while (low < high) { /* the last that starts at or below the address is low - 1 */
		u32 middle = (low + high) / 2;

		if (maps[middle].start <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low && region_holds(&maps[low - 1], addr, size, write) ? &maps[low - 1] : NULL;
}

u32 vm_region_index(const struct vm_run *run, const struct vm_region *r)
{
	if (r >= run->regions && r < run->regions + VM_REGIONS)
		return (u32)(r - run->regions);
	return VM_REGIONS + (u32)(r - run->vm->regions);
}
