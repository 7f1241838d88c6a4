/*
 * programs.c: loads an object's programs.
 *
 * In:  instructions whose map references name maps of the object.
 * Out: descriptors of verified programs; or a message that says at which line of the script the
 *      verifier stopped and why.
 *
 * Programs are fitted to the constants of this run first (object/specialise.c). In front of those
 * that the machine drives comes the gate (see control.h). A first try is made
 * without a log, which is faster; only a refused program is loaded again to hear why.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define GATE_MOST 7
#define LOG_FIRST (64u * 1024)
#define LOG_MOST  (16u * 1024 * 1024 - 1)

static bool gated(const struct kernel_engine *k, u32 prog, s32 *verdict)
{
	const struct object *o = k->base.object;

	if (!k->base.control)
		return false;
	vec_each (a, &o->attaches)
		if (a->prog == prog) {
			*verdict = attach_verdict(a->kind);
			return attach_infos[a->kind].flags & ATTACH_GATED;
		}
	return false;
}

/* r0 = control->open; if it is 0, return the verdict; 0 by the program's own last exit, where a jump
 * gets there. r0 is the one register that nobody needs at entry. Returns the slots written. */
static u32 gate_emit(const struct kernel_engine *k, u32 prog, struct insn *to,
		     const struct specialised *now, s32 verdict)
{
	const struct code *c = &k->base.object->progs.v[prog].code;
	const struct insn open[] = {
		{BPF_LD | BPF_IMM | BPF_DW, 0, BPF_PSEUDO_MAP_VALUE, 0, k->maps[k->bss_map]},
		{0, 0, 0, 0, offsetof(struct waggle_control, open)},
		{BPF_LDX | BPF_MEM | BPF_DW, 0, 0, 0, 0},
	};
	u32 end = c->funcs.n > 1 ? c->funcs.v[1].insn : now->n, n = ARRAY_SIZE(open);

	memcpy(to, open, sizeof(open));
	while (end && now->insns[end - 1].code != (BPF_JMP | BPF_EXIT))
		end--;
	if (end && end - 1 <= INT16_MAX && !verdict) {
		to[n++] = (struct insn){BPF_JMP | BPF_JEQ | BPF_K, 0, 0, (s16)(end - 1), 0};
		return n;
	}
	to[n++] = (struct insn){BPF_JMP | BPF_JNE | BPF_K, 0, 0, verdict ? 2 : 1, 0};
	if (verdict)
		to[n++] = (struct insn){BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, verdict};
	to[n++] = (struct insn){BPF_JMP | BPF_EXIT, 0, 0, 0, 0};
	return n;
}

/* Copies the instructions, with descriptors in place of map numbers. */
static int program_link(struct kernel_engine *k, u32 prog, struct insn *to,
			const struct specialised *now)
{
	const struct object *o = k->base.object;

	memcpy(to, now->insns, now->n * sizeof(*to));
	for (u32 i = 0; i < now->nrelocs; i++) {
		const struct code_reloc *r = &now->relocs[i];

		if (r->insn + 1 >= now->n || r->map >= o->maps.n)
			return diag_fail(k->base.diag, -EINVAL, NULL,
					 "program %s: broken relocation at %u",
					 o->progs.v[prog].name, r->insn);
		to[r->insn].src = r->data ? BPF_PSEUDO_MAP_VALUE : BPF_PSEUDO_MAP_FD;
		to[r->insn].imm = k->maps[r->map];
		to[r->insn + 1].imm = r->data ? (s32)r->off : 0;
	}
	return 0;
}

/* Line info where the instructions are now, behind the gate; the first must stay at 0, and what is
 * in front as a function of its own gets a line of its own. Of lines that have become one place the
 * last counts. */
static struct btf_line *program_lines(const struct kernel_engine *k, u32 prog,
				      const struct specialised *now, u32 shift, bool tally,
				      u32 *count)
{
	const struct object_btf_prog *p = &k->btf.progs[prog];
	struct btf_line *lines = calloc(p->nlines + 1, sizeof(*lines));
	u32 n = 0;

	if (lines && tally && p->nlines) {
		lines[n] = p->lines[0];
		lines[n++].insn = 0;
	}
	for (u32 i = 0; lines && i < p->nlines; i++) {
		u32 insn = i || tally ? now->at[p->lines[i].insn] + shift : 0;

		if (i && insn >= now->n + shift)
			break;
		if (n && lines[n - 1].insn == insn)
			n--;
		lines[n] = p->lines[i];
		lines[n++].insn = insn;
	}
	*count = n;
	return lines;
}

static int load_retry(struct kernel_engine *k, const struct sys_prog *s, u32 level, char *log,
		      u32 size)
{
	int fd = sys_prog_load(s, level, log, size);

	if (fd == -EPERM && k->kernel < KERNEL(5, 11) && memlock_raise())
		fd = sys_prog_load(s, level, log, size);
	return fd;
}

/* Loads with the verifier's log in k->log, in a buffer that grows until all fits. */
static int load_logged(struct kernel_engine *k, const struct sys_prog *s, u32 level)
{
	int fd;

	for (u32 size = MAX(k->log_size, LOG_FIRST);; size = MIN(size * 4, LOG_MOST)) {
		if (size > k->log_size) {
			char *log = realloc(k->log, size);

			if (!log)
				return -ENOMEM;
			k->log = log;
			k->log_size = size;
		}
		k->log[0] = 0;
		fd = load_retry(k, s, level, k->log, k->log_size);
		if (fd != -ENOSPC || k->log_size >= LOG_MOST)
			return fd;
	}
}

static int program_load(struct kernel_engine *k, u32 prog, struct sys_prog *s,
			const struct specialised *now, u32 shift)
{
	const struct object_prog *p = &k->base.object->progs.v[prog];
	int fd = k->opts.log ? load_logged(k, s, 2) : load_retry(k, s, 0, NULL, 0), again;

	if (k->opts.log && k->log) {
		k->opts.log(k->opts.user, p->probe, strlen(p->probe));
		k->opts.log(k->opts.user, ":\n", 2);
		k->opts.log(k->opts.user, k->log, strlen(k->log));
	}
	if (fd >= 0 || fd == -EPERM || fd == -ENOMEM || fd == -ENOSYS)
		return fd < 0 ? why_failed(k, fd, "cannot load %s", p->probe) : fd;
	again = k->opts.log ? fd : load_logged(k, s, 1);
	if (again >= 0)
		return again;
	verdict_report(k, p, fd, now, shift);
	return fd;
}

/* An iterator is a function of its own, "bpf_iter_task"; the pattern may have a pin behind it. */
static u32 traced_type(struct btf *btf, const struct attach *at)
{
	const char *colon = strchr(at->pattern, ':');
	char name[128];

	if (at->kind != ATTACH_ITER)
		return btf_find(btf, colon ? colon + 1 : at->pattern, BTF_FUNC);
	snprintf(name, sizeof(name), "bpf_iter_%.*s", (int)strcspn(at->pattern, ":"), at->pattern);
	return btf_find(btf, name, BTF_FUNC);
}

/* Of "module:function": its types, to be closed; 0: it is one of the kernel itself. shift: what ids of
 * the target are more than its own. */
static int module_types(struct kernel_engine *k, const char *pattern, u32 *shift)
{
	const char *colon = strchr(pattern, ':');
	char name[64];

	if (!colon || colon - pattern >= (long)sizeof(name))
		return 0;
	snprintf(name, sizeof(name), "%.*s", (int)(colon - pattern), pattern);
	if (k->target->ops->module(k->target, name, shift))
		return 0;
	return MAX(sys_btf_of_module(name), 0);
}

/* Of "bpf:ID:function": the program, to be closed. */
static int traced_program(struct kernel_engine *k, const struct attach *at, struct sys_prog *s)
{
	char *name;
	u32 id = (u32)strtoul(at->pattern + 4, &name, 10);
	int fd = target_program(id, *name ? name + 1 : name, &s->attach_btf);

	if (fd < 0)
		return diag_fail(k->base.diag, fd, "`waggle -l 'fentry:bpf:*'` lists what runs",
				 "BPF program %u has gone, or has no function '%s'", id,
				 *name ? name + 1 : name);
	s->attach_fd = fd;
	return 0;
}

/* fentry, fexit and iter are of one function, which the program names when it is loaded. */
static int trace_function(struct kernel_engine *k, u32 prog, struct sys_prog *s)
{
	struct diag *d = k->base.diag;
	const struct attach *at = NULL;
	struct btf *btf;
	u32 shift = 0;

	vec_each (a, &k->base.object->attaches)
		if (a->prog == prog && (a->kind == ATTACH_FENTRY || a->kind == ATTACH_FEXIT ||
					a->kind == ATTACH_ITER))
			at = a;
	if (!at)
		return 0;
	s->attach_type = at->kind == ATTACH_FENTRY  ? TRACE_FENTRY
			 : at->kind == ATTACH_FEXIT ? TRACE_FEXIT
						    : TRACE_ITER;
	if (at->kind != ATTACH_ITER && !strncmp(at->pattern, "bpf:", 4))
		return traced_program(k, at, s);
	if (!k->target && target_live(&k->target, d))
		return -EINVAL;
	if (at->kind != ATTACH_ITER)
		s->attach_fd = module_types(k, at->pattern, &shift);
	if (k->target->ops->btf(k->target, &btf, d))
		return -EINVAL;
	s->attach_btf = traced_type(btf, at);
	s->attach_btf -= s->attach_btf > shift ? shift : 0;
	if (s->attach_btf)
		return 0;
	return diag_fail(d, -ENOENT, "`waggle -l` lists what there is", "this kernel has no %s %s",
			 at->kind == ATTACH_ITER ? "iterator" : "function", at->pattern);
}

/* What counts its verdicts calls the program: it is one more function, in front. */
static void funcs_behind(struct sys_func_info *funcs, u32 *n, u32 shift)
{
	memmove(funcs + 1, funcs, *n * sizeof(*funcs));
	funcs[0].insn = 0;
	funcs[1].insn = shift;
	(*n)++;
}

/* The functions of a program, behind the gate; all or none have a type. NULL: no memory. */
static struct sys_func_info *program_funcs(const struct kernel_engine *k, u32 prog, u32 shift,
					   bool tally, u32 *n)
{
	const struct code *c = &k->base.object->progs.v[prog].code;
	struct sys_func_info *funcs = calloc(c->funcs.n + 2, sizeof(*funcs));

	*n = MAX(c->funcs.n, 1u);
	if (funcs && !c->funcs.n)
		funcs[0].type = k->btf_fd ? k->btf.progs[prog].func : 0;
	for (u32 i = 0; funcs && i < c->funcs.n; i++) {
		funcs[i].insn = c->funcs.v[i].insn + (i ? shift : 0);
		funcs[i].type = c->funcs.v[i].type;
		if (!funcs[i].type && k->btf_fd && k->btf.progs[prog].callbacks)
			funcs[i].type = i ? k->btf.progs[prog].callbacks + i - 1 :
					    k->btf.progs[prog].func;
		if (!funcs[i].type)
			funcs[0].type = 0;
	}
	if (funcs && tally)
		funcs_behind(funcs, n, shift);
	return funcs;
}

/* How a program attaches is said when it is loaded. */
static u32 program_type(struct kernel_engine *k, u32 prog)
{
	const struct object_prog *p = &k->base.object->progs.v[prog];

	if (!p->attach_type)
		return k->multi[prog] = link_choose(k, prog);
	if (p->attach_type == MULTI_KPROBE || p->attach_type == MULTI_UPROBE)
		k->multi[prog] = (u8)p->attach_type;
	return p->attach_type;
}

static int program_made(struct kernel_engine *k, u32 prog, const struct specialised *now,
			struct insn *insns, bool tally)
{
	const struct object_prog *p = &k->base.object->progs.v[prog];
	s32 verdict = 0;
	u32 shift = gated(k, prog, &verdict) ? gate_emit(k, prog, insns, now, verdict)
		    : tally                  ? tally_emit(k, prog, insns)
					     : 0;
	u32 nfuncs;
	struct sys_func_info *funcs = program_funcs(k, prog, shift, tally, &nfuncs);
	struct sys_prog s = {
		.name = p->name,
		.license = k->base.object->license ? k->base.object->license : "GPL",
		.kind = p->kind,
		.attach_type = program_type(k, prog),
		.flags = p->flags,
		.attach_btf = p->target_id,
		.insns = insns,
		.ninsns = now->n + shift,
		.btf_fd = funcs && funcs->type ? k->btf_fd : 0,
		.funcs = funcs,
		.nfuncs = nfuncs,
	};
	struct btf_line *lines = NULL;
	int err = funcs ? program_link(k, prog, insns + shift, now) : -ENOMEM;

	err = err ? err : trace_function(k, prog, &s);
	if (!err && k->btf_fd) {
		s.lines = lines = program_lines(k, prog, now, shift, tally, &s.nlines);
		err = lines ? 0 : -ENOMEM;
	}
	if (!err)
		err = program_load(k, prog, &s, now, shift);
	if (s.attach_fd)
		close(s.attach_fd);
	free(lines);
	free(funcs);
	return err;
}

/* With what counts its verdicts in front, where that is wanted and the verifier takes it. */
static int program_tallied(struct kernel_engine *k, u32 prog, const struct specialised *now,
			   struct insn *insns)
{
	struct diag *loud = k->base.diag, quiet = {0};
	int fd;

	if (!tally_wanted(k, prog))
		return -ENOENT;
	k->base.diag = &quiet;
	fd = program_made(k, prog, now, insns, true);
	k->base.diag = loud;
	return fd;
}

static int program_open(struct kernel_engine *k, u32 prog)
{
	const struct object_prog *p = &k->base.object->progs.v[prog];
	struct specialised now;
	struct insn *insns;
	int err;

	if (!p->kind)
		return diag_fail(k->base.diag, -EINVAL, "`waggle run --engine user` runs it; or name its "
				 "section as libbpf does: SEC(\"xdp\")", "the kernel does not take "
				 "program '%s': section %s says no kind", p->name, p->section);
	err = specialise(&now, &p->code, k->rodata_map, k->rodata, k->rodata_size);
	if (err)
		return err;
	insns = calloc(now.n + MAX(GATE_MOST, TALLY_INSNS), sizeof(*insns));
	err = insns ? program_tallied(k, prog, &now, insns) : -ENOMEM;
	if (err < 0 && insns) {
		err = program_made(k, prog, &now, insns, false);
		if (err >= 0 && tally_wanted(k, prog))
			tally_give_up(k, prog);
	}
	free(insns);
	specialised_free(&now);
	if (err < 0)
		return err;
	k->progs[prog] = err;
	return 0;
}

int programs_open(struct kernel_engine *k)
{
	int err = 0;

	for (u32 i = 0; i < k->base.object->progs.n && !err; i++)
		if (object_wants(k->base.object, k->opts.only - 1, i) &&
		    (k->opts.cpid || !object_is_family(k->base.object, i)))
			err = program_open(k, i);
	if (!err)
		err = plain_slots_fill(k, false);
	target_close(k->target);
	k->target = NULL;
	free(k->log);
	k->log = NULL;
	k->log_size = 0;
	free(k->rodata);
	k->rodata = NULL;
	k->rodata_size = 0;
	return err;
}
