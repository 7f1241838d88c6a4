/*
 * fault.c: why a program stopped, as a sentence.
 *
 * In:  a run that has stopped. Out: the instruction as the disassembler writes it, its line of the
 *      source where that is known, what was wrong with it. Of an access: where the address lies,
 *      seen from the memory that is nearest to it.
 */
#include "vm/inside.h"

#define NEAR 65536 /* bytes; what is further from all memory is not called beside it */

/* Line number `line` of the source that the object was compiled from; NULL: not known. */
static const char *own_source(const struct object *o, u32 line)
{
	const char *p = o->source, *end = p ? p + o->source_size : NULL;

	for (u32 i = 1; p && i < line; i++) {
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : NULL;
	}
	return p && p < end ? p : NULL;
}

/* The text of a line, without the blanks around it. */
static void put_line(struct buf *out, const struct object *o, const struct code_line *l)
{
	const char *p = l->text ? object_string(o, l->text) : own_source(o, l->line >> 10);
	const char *end, *nl;

	buf_printf(out, "line %u: ", l->line >> 10);
	if (!p)
		return;
	end = l->text ? p + strlen(p) : o->source + o->source_size;
	nl = memchr(p, '\n', (size_t)(end - p));
	end = nl ? nl : end;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (u8)end[-1] <= ' ')
		end--;
	if (end > p) {
		buf_char(out, '"');
		buf_add(out, p, (size_t)(end - p));
		buf_puts(out, "\": ");
	}
}

/* Whoever asks knows which program was started; tail calls lead to others. */
static void put_place(struct buf *out, const struct vm_run *run, u32 at)
{
	const struct vm_prog *p = run->prog;
	const struct insn *in = &p->insns[at];
	const struct code_line *line = NULL;

	if (p->object && p != run->first)
		buf_printf(out, "in %s: ", p->object->name);
	if (p->object)
		vec_each (l, &p->object->code.lines)
			if (l->insn <= at)
				line = l;
	if (line && line->line >> 10)
		put_line(out, p->vm->object, line);
	buf_printf(out, "instruction %u: ", at);
	isa_dis(out, in, at + 1 < p->n ? in + 1 : NULL, at);
	buf_puts(out, ": ");
}

/* ---- accesses */

static void put_region(struct buf *out, const struct vm_region *r)
{
	static const char *const names[] = {
		[VM_STACK] = "the stack",  [VM_CTX] = "the context",   [VM_PACKET] = "the packet",
		[VM_MAPVAL] = "the value", [VM_RECORD] = "the record", [VM_MEMORY] = "the memory",
	};

	buf_puts(out, names[r->kind]);
	if (r->map)
		buf_printf(out, " of map %s", r->map->name);
	buf_printf(out, " (%llu bytes)", (unsigned long long)(r->stride ? r->elem : r->size));
}

/* How far an access is from a region: 0 where it begins in there. */
static u64 distance(const struct vm_region *r, u64 addr)
{
	u64 end = r->start + r->size;

	return addr < r->start ? r->start - addr : addr < end ? 0 : addr - end + 1;
}

static const struct vm_region *nearest(const struct vm_run *run, u64 addr)
{
	const struct vm_region *best = NULL;
	const struct vm *vm = run->vm;

	for (u32 i = 0; i < run->nregions + vm->nregions; i++) {
		const struct vm_region *r =
			i < run->nregions ? &run->regions[i] : &vm->regions[i - run->nregions];

		if (r->size && (!best || distance(r, addr) < distance(best, addr)))
			best = r;
	}
	return best && distance(best, addr) < NEAR ? best : NULL;
}

static void put_bytes(struct buf *out, const char *verb, u64 n, const char *place)
{
	if (n)
		buf_printf(out, "%s %llu byte%s %s", verb, (unsigned long long)n, n == 1 ? "" : "s",
			   place);
	else
		buf_printf(out, "%s just %s", verb, place);
}

/* "end 4 bytes behind the value of map counts (16 bytes)" */
static void put_where(struct buf *out, const struct vm_fault *f, const struct vm_region *r)
{
	u64 start = r->start, size = r->size, last = f->addr + f->size;
	bool one = f->size == 1;

	if (r->stride && f->addr >= start) {
		start += (f->addr - start) / r->stride * r->stride;
		size = r->elem;
	}
	if (f->addr < start)
		put_bytes(out, one ? "is" : "begin", start - f->addr, "before ");
	else if (f->addr >= start + size)
		put_bytes(out, one ? "is" : "are", f->addr - start - size, "behind ");
	else if (last > start + size)
		put_bytes(out, "end", last - start - size, "behind ");
	else
		buf_puts(out, one ? "is in " : "are in ");
	put_region(out, r);
	if (f->addr >= start && last <= start + size)
		buf_puts(out, ", which cannot be written");
}

static void put_access(struct buf *out, const struct vm_run *run)
{
	const struct vm_fault *f = &run->fault;
	const struct vm_region *r = nearest(run, f->addr);

	buf_printf(out, "%u byte%s at 0x%llx ", f->size, f->size == 1 ? "" : "s",
		   (unsigned long long)f->addr);
	if (f->why)
		buf_printf(out, "(r%u): %s", f->reg, f->why);
	else if (r)
		put_where(out, f, r);
	else if (run->regs[f->reg] < 4096)
		buf_printf(out, "%s nothing: r%u is %llu, no pointer", f->size == 1 ? "is" : "are",
			   f->reg, (unsigned long long)run->regs[f->reg]);
	else
		buf_printf(out, "%s no memory of the program: r%u is 0x%llx",
			   f->size == 1 ? "is" : "are", f->reg,
			   (unsigned long long)run->regs[f->reg]);
}

/* ---- */

static void put_argument(struct buf *out, const struct vm_run *run)
{
	const struct vm_fault *f = &run->fault;

	if (f->reg)
		buf_printf(out, "r%u is 0x%llx: ", f->reg, (unsigned long long)run->regs[f->reg]);
	buf_puts(out, f->why ? f->why : "the helper cannot take this");
}

void vm_fault_print(struct buf *out, const struct vm_run *run)
{
	static const char *const texts[] = {
		[VM_OK] = "nothing is wrong",
		[VM_BAD_CALL] = "there is nothing to call",
		[VM_TOO_DEEP] = "more than 8 functions have called each other",
		[VM_OUT_OF_BUDGET] = "the program has run for too long",
		[VM_NOT_AN_INSN] = "there is no such instruction",
	};
	const struct vm_fault *f = &run->fault;

	if (run->prog && f->kind && f->insn < run->prog->n)
		put_place(out, run, f->insn);
	if (f->kind == VM_BAD_ACCESS)
		put_access(out, run);
	else if (f->kind == VM_BAD_ARGUMENT)
		put_argument(out, run);
	else
		buf_puts(out, f->why ? f->why : texts[f->kind]);
}
