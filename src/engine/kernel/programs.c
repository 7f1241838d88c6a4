/*
 * programs.c: loads an object's programs.
 *
 * In:  instructions whose map references name maps of the object.
 * Out: descriptors of verified programs; or a message that says at which line of the script the
 *      verifier stopped and why.
 *
 * In front of programs that the machine drives comes the gate (see control.h). A first try is made
 * without a log, which is faster; only a refused program is loaded again to hear why.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <stdlib.h>

#define GATE_SLOTS 6
#define LOG_FIRST  (64u * 1024)
#define LOG_MOST   (16u * 1024 * 1024 - 1)

/* r0 = control->open; if it is 0, return 0. r0 is the one register that nobody needs at entry. */
static void gate_emit(const struct kernel_engine *k, struct insn *to)
{
	const struct insn gate[GATE_SLOTS] = {
		{BPF_LD | BPF_IMM | BPF_DW, 0, BPF_PSEUDO_MAP_VALUE, 0, k->maps[k->bss_map]},
		{0, 0, 0, 0, offsetof(struct waggle_control, open)},
		{BPF_LDX | BPF_MEM | BPF_DW, 0, 0, 0, 0},
		{BPF_JMP | BPF_JNE | BPF_K, 0, 0, 2, 0},
		{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0},
		{BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
	};

	memcpy(to, gate, sizeof(gate));
}

static bool gated(const struct kernel_engine *k, u32 prog)
{
	const struct object *o = k->base.object;

	if (!k->base.control)
		return false;
	vec_each (a, &o->attaches)
		if (a->prog == prog)
			return attach_infos[a->kind].flags & ATTACH_GATED;
	return false;
}

/* Copies the instructions, with descriptors in place of map numbers. */
static int program_link(struct kernel_engine *k, u32 prog, struct insn *to)
{
	const struct object *o = k->base.object;
	const struct code *c = &o->progs.v[prog].code;

	memcpy(to, c->insns.v, c->insns.n * sizeof(*to));
	vec_each (r, &c->relocs) {
		if (r->insn + 1 >= c->insns.n || r->map >= o->maps.n)
			return diag_fail(k->base.diag, -EINVAL, NULL,
					 "program %s: broken relocation at %u",
					 o->progs.v[prog].name, r->insn);
		to[r->insn].src = r->data ? BPF_PSEUDO_MAP_VALUE : BPF_PSEUDO_MAP_FD;
		to[r->insn].imm = k->maps[r->map];
		to[r->insn + 1].imm = r->data ? (s32)r->off : 0;
	}
	return 0;
}

/* Line info with its instruction numbers moved behind the gate; the first must stay at 0. */
static struct btf_line *program_lines(const struct kernel_engine *k, u32 prog, u32 shift)
{
	const struct object_btf_prog *p = &k->btf.progs[prog];
	struct btf_line *lines = calloc(MAX(p->nlines, 1u), sizeof(*lines));

	for (u32 i = 0; lines && i < p->nlines; i++) {
		lines[i] = p->lines[i];
		lines[i].insn += i ? shift : 0;
	}
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

static int program_load(struct kernel_engine *k, u32 prog, struct sys_prog *s, u32 shift)
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
	verdict_report(k, p, fd, shift);
	return fd;
}

/* The functions of a program, behind the gate; all or none have a type. NULL: no memory. */
static struct sys_func_info *program_funcs(const struct kernel_engine *k, u32 prog, u32 shift,
					   u32 *n)
{
	const struct code *c = &k->base.object->progs.v[prog].code;
	struct sys_func_info *funcs = calloc(MAX(c->funcs.n, 1u), sizeof(*funcs));

	*n = MAX(c->funcs.n, 1u);
	if (funcs && !c->funcs.n)
		funcs[0].type = k->btf_fd ? k->btf.progs[prog].func : 0;
	for (u32 i = 0; funcs && i < c->funcs.n; i++) {
		funcs[i].insn = c->funcs.v[i].insn + (i ? shift : 0);
		funcs[i].type = c->funcs.v[i].type;
		if (!funcs[i].type)
			funcs[0].type = 0;
	}
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

static int program_open(struct kernel_engine *k, u32 prog)
{
	const struct object *o = k->base.object;
	const struct object_prog *p = &o->progs.v[prog];
	u32 shift = gated(k, prog) ? GATE_SLOTS : 0;
	struct insn *insns = calloc(p->code.insns.n + GATE_SLOTS, sizeof(*insns));
	struct btf_line *lines = k->btf_fd ? program_lines(k, prog, shift) : NULL;
	u32 nfuncs;
	struct sys_func_info *funcs = program_funcs(k, prog, shift, &nfuncs);
	struct sys_prog s = {
		.name = p->name,
		.license = o->license ? o->license : "GPL",
		.kind = p->kind,
		.attach_type = program_type(k, prog),
		.flags = p->flags,
		.attach_btf = p->target_id,
		.insns = insns,
		.ninsns = p->code.insns.n + shift,
		.btf_fd = funcs && funcs->type ? k->btf_fd : 0,
		.funcs = funcs,
		.nfuncs = nfuncs,
		.lines = lines,
		.nlines = lines ? k->btf.progs[prog].nlines : 0,
	};
	int err = insns && funcs && (lines || !k->btf_fd) ? 0 : -ENOMEM;

	if (!p->kind)
		err = diag_fail(k->base.diag, -EINVAL, "`waggle run --engine user` runs it; or name its "
				"section as libbpf does: SEC(\"xdp\")", "the kernel does not take program "
				"'%s': section %s says no kind", p->name, p->section);
	if (!err && shift)
		gate_emit(k, insns);
	if (!err)
		err = program_link(k, prog, insns + shift);
	if (!err)
		err = program_load(k, prog, &s, shift);
	free(insns);
	free(lines);
	free(funcs);
	if (err < 0)
		return err;
	k->progs[prog] = err;
	return 0;
}

int programs_open(struct kernel_engine *k)
{
	int err = 0;

	for (u32 i = 0; i < k->base.object->progs.n && !err; i++)
		if (object_wants(k->base.object, k->opts.only - 1, i))
			err = program_open(k, i);
	if (!err)
		err = plain_slots_fill(k, false);
	free(k->log);
	k->log = NULL;
	k->log_size = 0;
	return err;
}
