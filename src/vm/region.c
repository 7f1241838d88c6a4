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

/* The first byte of an access to 1, 2, 4, 8 bytes lies before these. */
static void limits_set(u64 limits[4], u64 most)
{
	limits[0] = most;
	limits[1] = most - (most != 0);
	limits[2] = most < 4 ? 0 : most - 3;
	limits[3] = most < 8 ? 0 : most - 7;
}

static void fast_set(struct vm_fast *f, const struct vm_region *r)
{
	u64 most = r->stride ? r->elem : r->size; /* where all of an access must be */
	u64 simple = r->stride ? 0 : most;

	f->start = r->start;
	f->size = r->size;
	f->mask = r->stride ? r->stride - 1 : UINT64_MAX;
	limits_set(f->row_reads, most);
	limits_set(f->row_writes, r->writable ? most : 0);
	limits_set(f->reads, simple);
	limits_set(f->writes, r->writable ? simple : 0);
}

/* Nothing fits any more. What is said of rows counts only where `size` lets it. */
static void fast_clear(struct vm_fast *f)
{
	f->size = 0;
	limits_set(f->reads, 0);
	limits_set(f->writes, 0);
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
	run->nrecords += r.kind == VM_RECORD;
	fast_set(&run->fast[i], &r);
	return true;
}

static void take_back(struct vm_run *run, u32 i)
{
	run->nrecords -= run->regions[i].kind == VM_RECORD;
	run->regions[i].size = 0;
	fast_clear(&run->fast[i]);
}

void vm_take_back(struct vm_run *run, u64 start)
{
	for (u32 i = 0; i < run->nregions; i++)
		if (run->regions[i].start == start && run->regions[i].size) {
			take_back(run, i);
			return;
		}
}

void vm_take_back_all(struct vm_run *run)
{
	for (u32 i = 1; i < run->nregions; i++) /* the first is the stack */
		if (run->regions[i].size)
			take_back(run, i);
	run->nregions = 1;
	run->nrecords = 0;
}

bool vm_take_back_record(struct vm_run *run, u64 start)
{
	for (u32 i = 0; i < run->nregions; i++) {
		const struct vm_region *r = &run->regions[i];

		if (r->start == start && r->kind == VM_RECORD && r->size) {
			take_back(run, i);
			return true;
		}
	}
	return false;
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
