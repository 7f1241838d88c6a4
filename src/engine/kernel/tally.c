/*
 * tally.c: counts what an attached program of another compiler says, verdict by verdict.
 *
 * In:  a program that is about to be loaded. Out: code in front of it, which calls it as a
 * function, and adds one run, and the bytes that the packet had before, to a row of an array: that
 * of the verdict, on that CPU.
 *
 * So it works on all kernels, at all places, and with programs that have no room for it themselves.
 * What the verifier does not take so (a program that needs all of the stack, say) is loaded as it
 * is; then the kernel's own counter tells how often it ran.
 */
#include "engine/input.h"
#include "engine/kernel/kernel.h"
#include "query/query.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct tally_row {
	u64 packets, bytes;
};

#define ROWS      TALLY_MOST
#define CPU_BYTES (ROWS * sizeof(struct tally_row))
#define XDP_DATA  0 /* offsets in struct xdp_md */
#define XDP_END   4
#define SKB_LEN   0 /* in struct __sk_buff */
#define XDP_FRAGS (1u << 5)

/* ---- the code */

static struct insn *load_length(struct insn *p, u32 kernel, const struct object_prog *prog)
{
	const u32 input = input_kind(prog->kind)->input;

	if (input == INPUT_XDP && prog->flags & XDP_FRAGS && kernel >= KERNEL(5, 18)) {
		*p++ = (struct insn){BPF_ALU64 | BPF_MOV | BPF_X, 8, 1, 0, 0};
		*p++ = (struct insn){BPF_JMP | BPF_CALL, 0, 0, 0, HELPER_xdp_get_buff_len};
		*p++ = (struct insn){BPF_ALU64 | BPF_MOV | BPF_X, 6, 0, 0, 0};
		*p++ = (struct insn){BPF_ALU64 | BPF_MOV | BPF_X, 1, 8, 0, 0};
	} else if (input == INPUT_XDP) {
		*p++ = (struct insn){BPF_LDX | BPF_MEM | BPF_W, 6, 1, XDP_END, 0};
		*p++ = (struct insn){BPF_LDX | BPF_MEM | BPF_W, 2, 1, XDP_DATA, 0};
		*p++ = (struct insn){BPF_ALU64 | BPF_SUB | BPF_X, 6, 2, 0, 0};
	} else if (input_sized(prog->kind)) {
		*p++ = (struct insn){BPF_LDX | BPF_MEM | BPF_W, 6, 1, SKB_LEN, 0};
	} else {
		*p++ = (struct insn){BPF_ALU64 | BPF_MOV | BPF_K, 6, 0, 0, 0};
	}
	return p;
}

/* r1 goes from row to row until it is at that of the verdict in r7; the last is for all others. */
static struct insn *find_row(struct insn *p, u32 kind)
{
	const struct input_verdict *v = input_kind(kind)->verdicts;
	u32 n = 0;

	while (v && v[n].name && n < ROWS - 1)
		n++;
	for (u32 i = 0; i < n; i++) {
		const s16 rest = (s16)(2 * (n - i) - 1);

		*p++ = (struct insn){BPF_JMP32 | BPF_JEQ | BPF_K, 7, 0, rest, (s32)v[i].value};
		*p++ = (struct insn){BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0,
				     sizeof(struct tally_row)};
	}
	return p;
}

static struct insn *add(struct insn *p, u8 from, s16 off)
{
	*p++ = (struct insn){BPF_STX | BPF_ATOMIC | BPF_DW, 1, from, off, BPF_ADD};
	return p;
}

u32 tally_emit(struct kernel_engine *k, u32 prog, struct insn *to)
{
	const struct object_prog *o = &k->base.object->progs.v[prog];
	struct insn *p = load_length(to, k->kernel, o), *call = p++;

	*p++ = (struct insn){BPF_ALU64 | BPF_MOV | BPF_X, 7, 0, 0, 0};
	*p++ = (struct insn){BPF_JMP | BPF_CALL, 0, 0, 0, HELPER_get_smp_processor_id};
	*p++ = (struct insn){BPF_ALU64 | BPF_AND | BPF_K, 0, 0, 0, (s32)k->slots - 1};
	*p++ = (struct insn){BPF_ALU64 | BPF_MUL | BPF_K, 0, 0, 0,
			     (s32)(k->base.object->progs.n * CPU_BYTES)};
	*p++ = (struct insn){BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_VALUE, 0, k->tally.map};
	*p++ = (struct insn){0, 0, 0, 0, (s32)(prog * CPU_BYTES)};
	*p++ = (struct insn){BPF_ALU64 | BPF_ADD | BPF_X, 1, 0, 0, 0};
	p = find_row(p, o->kind);
	*p++ = (struct insn){BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, 1};
	p = add(p, 2, offsetof(struct tally_row, packets));
	p = add(p, 6, offsetof(struct tally_row, bytes));
	*p++ = (struct insn){BPF_ALU64 | BPF_MOV | BPF_X, 0, 7, 0, 0};
	*p++ = (struct insn){BPF_JMP | BPF_EXIT, 0, 0, 0, 0};
	*call = (struct insn){BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, (s32)(p - call - 1)};
	return (u32)(p - to);
}

/* ---- before and behind it */

static bool wanted(const struct kernel_engine *k, u32 prog)
{
	vec_each (a, &k->base.object->attaches)
		if (a->prog == prog)
			return k->opts.tally && k->base.object->plain;
	return false;
}

/* The program becomes a function that only its caller knows: a global one would be verified by
 * itself, and all that is known of its result would be lost. */
void tally_types(struct kernel_engine *k)
{
	struct diag quiet = {0};
	struct btf *btf = NULL;
	u32 off, size, info;

	if (!k->opts.tally || !k->btf.btf.n ||
	    btf_open_raw(&btf, k->btf.btf.p, k->btf.btf.n, &quiet))
		return;
	for (u32 i = 0; i < k->base.object->progs.n; i++) {
		u32 id = wanted(k, i) ? k->btf.progs[i].func : 0;
		char *at;

		if (!id || !btf_raw(btf, id, &off, &size))
			continue;
		at = k->btf.btf.p + off + 4;
		memcpy(&info, at, sizeof(info));
		info &= ~0xffffu;
		memcpy(at, &info, sizeof(info));
	}
	btf_close(btf);
}

int tally_open(struct kernel_engine *k)
{
	struct sys_map m = {.name = "waggle_tally",
			    .kind = MAP_ARRAY,
			    .key_size = 4,
			    .value_size = (u32)(k->slots * k->base.object->progs.n * CPU_BYTES),
			    .max_entries = 1,
			    .flags = MAP_MMAPABLE};
	void *p;

	k->tally.map = -1;
	k->tally.stats = k->opts.costs ? query_enable_stats() : -1;
	if (!k->opts.tally || !k->base.object->plain)
		return 0;
	k->tally.bare = calloc(k->base.object->progs.n, sizeof(bool));
	k->tally.map = k->tally.bare ? map_create(k, &m) : -ENOMEM;
	if (k->tally.map < 0)
		return why_failed(k, k->tally.map, "cannot count verdicts");
	k->tally.bytes = ALIGN_UP((size_t)m.value_size, 4096);
	p = mmap(NULL, k->tally.bytes, PROT_READ, MAP_SHARED, k->tally.map, 0);
	if (p == MAP_FAILED)
		return why_failed(k, -errno, "cannot count verdicts");
	k->tally.rows = p;
	return 0;
}

bool tally_wanted(const struct kernel_engine *k, u32 prog)
{
	return k->tally.rows && !k->tally.bare[prog] && wanted(k, prog);
}

/* The verifier refused: the kernel counts runs. */
void tally_give_up(struct kernel_engine *k, u32 prog)
{
	diag_note(
		k->base.diag, NULL,
		"%s: its verdicts cannot be counted, only its runs: the verifier does not take it "
		"with what counts in front",
		k->base.object->progs.v[prog].name);
	k->tally.bare[prog] = true;
	if (k->tally.stats < 0)
		k->tally.stats = query_enable_stats();
}

void tally_close(struct kernel_engine *k)
{
	if (k->tally.rows)
		munmap(k->tally.rows, k->tally.bytes);
	if (k->tally.map > 0)
		close(k->tally.map);
	if (k->tally.stats > 0)
		close(k->tally.stats);
	free(k->tally.bare);
}

/* ---- reading */

static u32 row_of(const struct kernel_engine *k, u32 prog, u32 row, struct engine_tally *out)
{
	const struct object_prog *o = &k->base.object->progs.v[prog];
	const u32 progs = k->base.object->progs.n;
	const struct input_kind *kind = input_kind(o->kind);
	const struct input_verdict *v = kind->verdicts;

	*out = (struct engine_tally){.name = input_otherwise(o->kind), .fate = kind->other};
	for (u32 i = 0; v && v[i].name && i <= row; i++)
		if (i == row)
			*out = (struct engine_tally){.name = v[i].name, .fate = v[i].fate};
	for (u32 cpu = 0; cpu < k->slots; cpu++) {
		const struct tally_row *r = (const struct tally_row *)k->tally.rows +
					    ((size_t)cpu * progs + prog) * ROWS + row;

		out->packets += __atomic_load_n(&r->packets, __ATOMIC_RELAXED);
		out->bytes += __atomic_load_n(&r->bytes, __ATOMIC_RELAXED);
	}
	return out->packets != 0;
}

u32 kernel_tally(struct engine *e, u32 prog, struct engine_tally rows[TALLY_MOST])
{
	struct kernel_engine *k = (struct kernel_engine *)e;
	struct query_prog info = {0};
	u32 n = 0;

	if (!k->tally.bare[prog]) {
		for (u32 i = 0; i < ROWS; i++)
			n += row_of(k, prog, i, &rows[n]);
		return n;
	}
	rows[0] = (struct engine_tally){.name = NULL};
	if (k->tally.stats >= 0 && !query_info(k->progs[prog], &info, sizeof(info)))
		rows[0].packets = info.runs;
	return 1;
}

int kernel_cost(struct engine *e, u32 prog, u64 *runs, u64 *ns)
{
	struct kernel_engine *k = (struct kernel_engine *)e;
	struct query_prog info = {0};

	if (k->tally.stats < 0 || k->progs[prog] < 0 ||
	    query_info(k->progs[prog], &info, sizeof(info)))
		return -ENODATA;
	*runs = info.runs;
	*ns = info.run_ns;
	return 0;
}
