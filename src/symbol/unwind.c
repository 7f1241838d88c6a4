/*
 * unwind.c: walks the stack of a stopped process; see unwind.h.
 *
 * In:  registers, the process's memory. Out: return addresses.
 *
 * A return address may be the first byte of the next function, where a call is the last thing that
 * a function does (it never returns): so the rule of a caller is that of the byte before it. Behind
 * the frame of a signal the address is one that was interrupted, and counts itself.
 */
#include "symbol/unwind.h"

#include "symbol/process.h"

#include <stdlib.h>

#define PAGE      4096u
#define MISSES    256
#define USER_MOST (1ull << 47)

struct unwinder {
	struct processes processes;
	struct miss {
		u64 page; /* where nothing is mapped from a file, as was seen when it was asked for
			   */
		u32 pid;
	} misses[MISSES];
};

/* ---- one step */

static bool caller_of_frame(struct unwind_regs *r, unwind_read *read, void *user)
{
	u64 bp, ip;

	if (r->bp < r->sp || r->bp & 7 || read(user, r->bp, &bp) || read(user, r->bp + 8, &ip))
		return false;
	*r = (struct unwind_regs){ip, r->bp + 16, bp, r->inner, r->bx_at, true};
	return true;
}

static bool interrupted(u32 rule, struct unwind_regs *r, unwind_read *read, void *user)
{
	u64 at = r->sp + (u64)(s64)(8 * cfi_off(rule));
	struct unwind_regs to = {.bx_at = at + CFI_SIGNAL_BX, .outer = true};

	if (read(user, at + CFI_SIGNAL_IP, &to.ip) || read(user, at + CFI_SIGNAL_SP, &to.sp) ||
	    read(user, at + CFI_SIGNAL_BP, &to.bp))
		return false;
	*r = to;
	return true;
}

/* A function that keeps its CFA in a register over a call knows that what it calls leaves it alone: what
 * the innermost one has is right, but for registers that functions save. Of these rbx is followed. */
static bool another(s32 off, const struct unwind_regs *r, u64 *cfa, unwind_read *read, void *user)
{
	u32 reg = (u32)off & 15;

	if (reg == CFI_REG_BX && r->bx_at) {
		if (read(user, r->bx_at, cfa))
			return false;
	} else {
		if (!r->inner || (reg < CFI_REG_BX && r->outer))
			return false;
		*cfa = r->inner[reg];
	}
	*cfa += (u64)(s64)(8 * (off >> 4));
	return true;
}

static bool find_cfa(u32 rule, const struct unwind_regs *r, u64 *cfa, unwind_read *read, void *user)
{
	u64 off = (u64)(s64)(8 * cfi_off(rule));

	switch (cfi_kind(rule)) {
	case CFI_SP: *cfa = r->sp + off; return true;
	case CFI_BP: *cfa = r->bp + off; return true;
	case CFI_BP_DEREF: return !read(user, r->bp + off, cfa);
	case CFI_SP_DEREF:
		if (read(user, r->sp + off, cfa))
			return false;
		*cfa += 8;
		return true;
	case CFI_REG: return another(cfi_off(rule), r, cfa, read, user);
	case CFI_PLT: *cfa = r->sp + 8 + ((r->ip & 15) >= (u64)cfi_off(rule) ? 8 : 0); return true;
	default: return false;
	}
}

bool unwind_step(u32 rule, struct unwind_regs *r, unwind_read *read, void *user)
{
	u64 cfa, bp = r->bp, ip;

	if (cfi_kind(rule) == CFI_NONE)
		return caller_of_frame(r, read, user);
	if (cfi_kind(rule) == CFI_SIGNAL)
		return interrupted(rule, r, read, user);
	if (!find_cfa(rule, r, &cfa, read, user) || cfa <= r->sp || read(user, cfa - 8, &ip))
		return false;
	if (cfi_bp(rule) != CFI_BP_SAME &&
	    read(user,
		 (cfi_bp(rule) == CFI_BP_AT_CFA ? cfa : r->bp) + (u64)(s64)(8 * cfi_bp_off(rule)),
		 &bp))
		bp = 0; /* it was restored already: its caller may do without */
	r->ip = ip;
	r->sp = cfa;
	r->bp = bp;
	if (cfi_bx(rule) == CFI_BX_LOST)
		r->bx_at = 1; /* nothing is there */
	else if (cfi_bx(rule) != CFI_BX_SAME)
		r->bx_at = cfa - 8 * (cfi_bx(rule) + 1);
	r->outer = true;
	return true;
}

/* ---- rules of addresses */

static const struct mapping *find(struct unwinder *u, struct process *p, u64 addr)
{
	const struct mapping *m = mapping_find(&p->images[0], addr);
	struct miss *miss = &u->misses[(addr / PAGE ^ p->pid) % MISSES];

	if (m || (miss->page == addr / PAGE && miss->pid == p->pid))
		return m;
	process_look(&u->processes, p);
	m = mapping_find(&p->images[0], addr);
	if (!m)
		*miss = (struct miss){addr / PAGE, p->pid};
	return m;
}

static u32 rule_of(struct unwinder *u, struct process *p, u64 addr)
{
	const struct mapping *m = find(u, p, addr);

	if (!m || !m->file)
		return CFI_NONE;
	file_unwind_read(m->file, p->pid, m);
	return cfi_find(m->file->unwind.rows, m->file->unwind.n, addr - m->start + m->offset);
}

u32 unwind(struct unwinder *u, u32 pid, struct unwind_regs r, u64 *frames, u32 most,
	   unwind_read *read, void *user)
{
	struct process *p = process_of(&u->processes, pid, true);
	bool exact = true; /* not a return address */
	u32 n = 0;

	while (p && n < most && r.ip && r.ip < USER_MOST) {
		u32 rule = rule_of(u, p, r.ip - !exact);

		frames[n++] = r.ip;
		if (!unwind_step(rule, &r, read, user))
			break;
		exact = cfi_kind(rule) == CFI_SIGNAL;
	}
	return n;
}

bool unwind_rows(struct unwinder *u, u32 pid, u64 addr, const struct cfi_row **rows, u32 *n)
{
	struct process *p = process_of(&u->processes, pid, true);
	const struct mapping *m;

	if (!p)
		return false;
	process_look(&u->processes, p); /* seldom asked: what it maps may have changed */
	m = mapping_find(&p->images[0], addr);
	if (!m || !m->file)
		return false;
	file_unwind_read(m->file, pid, m);
	*rows = m->file->unwind.rows;
	*n = m->file->unwind.n;
	return true;
}

void unwind_process(struct unwinder *u, u32 pid, unwind_file_fn *fn, void *user)
{
	struct process *p = process_of(&u->processes, pid, true);

	for (u32 i = 0; p && i < p->images[0].n; i++) {
		const struct mapping *m = &p->images[0].v[i];
		struct mapped_file *f = m->file;

		if (!f || *f->path == '[' || f->unwind_read)
			continue;
		file_unwind_read(f, pid, m);
		fn(user, &(struct unwind_key){f->ino, f->dev >> 32 << 20 | (u32)f->dev},
		   f->unwind.rows, f->unwind.n);
	}
}

void unwind_executed(struct unwinder *u, u32 pid)
{
	struct process *p = process_of(&u->processes, pid, false);

	for (u32 i = 0; i < MISSES; i++)
		if (u->misses[i].pid == pid)
			u->misses[i] = (struct miss){0};
	if (p)
		process_look(&u->processes, p);
}

struct unwinder *unwinder_new(void)
{
	return calloc(1, sizeof(struct unwinder));
}

void unwinder_free(struct unwinder *u)
{
	if (!u)
		return;
	processes_free(&u->processes);
	free(u);
}
