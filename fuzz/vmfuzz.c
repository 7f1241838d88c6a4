/*
 * vmfuzz.c: random programs; the kernel against our interpreter and our compiler.
 *
 *	vmfuzz [-s SEED] [-v] [PROGRAMS]
 *
 * In:  how many programs the kernel must accept (0: go on for ever), the first seed. -v: why the
 *      kernel refused the others.
 * Out: a line `ok`, `not ok` or `skip`, progress on stderr; status 1 at the first difference.
 *
 * A program is loaded as a classifier and run over a packet by BPF_PROG_TEST_RUN; then by us, in
 * each of the ways that the machine has. What it returned, the packet, the context and all maps
 * must be the same. The kernel's verdict decides which programs count: one that it accepts must run
 * with our checks, too. Program K of seed S is the first of seed S+K.
 */
#include "../tests/kernel_run.h"
#include "vm/inside.h"
#include "vmblocks.h"

#define CLASSIFIER 3
#define TRIES      20 /* seeds for one program, at most */
#define SKB_BYTES  192
#define SKB_DATA   76
#define SKB_END    80

enum way { INTERPRETED, TRUSTED, COMPILED, COMPILED_TRUSTED, BLIND, WAYS };
static const struct {
	const char *name;
	struct vm_opts opts;
} ways[WAYS] = {
	{"interpreter", {.interpret = true}},
	{"interpreter, trusted", {.interpret = true, .trusted = true}},
	{"compiler", {.trusted = false}},
	{"compiler, trusted", {.trusted = true}},
	{"compiler, blind", {.blind = true}},
};

/* What a program can change. */
struct world {
	u32 retval, kept; /* kept: length of the packet */
	u8 packet[VG_PACKET_BYTES];
	u32 mark, priority, cb[5];
	u8 data[VG_DATA_BYTES];
	u8 array[VG_ARRAY_MOST][VG_ARRAY_BYTES];
	u8 hash[VG_HASH_KEYS][VG_HASH_BYTES];
	bool there[VG_HASH_KEYS];
};

struct fuzz {
	int maps[VG_MAPS], btf;
	struct object *object;
	struct buf why; /* the kernel's last words */
	u64 seed;
	u32 accepted, refused, insns, failed;
	bool verbose;
};

static const struct object_map shapes[VG_MAPS] = {
	{.name = "data",
	 .kind = MAP_ARRAY,
	 .key_size = 4,
	 .value_size = VG_DATA_BYTES,
	 .max_entries = 1},
	{.name = "hash",
	 .kind = MAP_HASH,
	 .key_size = 4,
	 .value_size = VG_HASH_BYTES,
	 .max_entries = VG_HASH_MOST},
	{.name = "array",
	 .kind = MAP_ARRAY,
	 .key_size = 4,
	 .value_size = VG_ARRAY_BYTES,
	 .max_entries = VG_ARRAY_MOST},
	{.name = "progs", .kind = MAP_PROG_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 4},
};

/* ---- the kernel */

struct kernel_attr { /* of BPF_PROG_TEST_RUN, further than kr_attr goes */
	u32 fd, retval, in_size, out_size;
	u64 in, out;
	u32 repeat, duration, ctx_in_size, ctx_out_size;
	u64 ctx_in, ctx_out;
};

static int kernel_elem(int cmd, int map, u32 key, void *value)
{
	union kr_attr a = {.elem = {(u32)map, 0, (u64)(uintptr_t)&key, (u64)(uintptr_t)value, 0}};

	return kr_bpf(cmd, &a) < 0 ? -errno : 0;
}

static int kernel_maps(struct fuzz *f)
{
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};

	setrlimit(RLIMIT_MEMLOCK, &all);
	for (u32 i = 0; i < VG_MAPS; i++) {
		const struct object_map *m = &shapes[i];
		union kr_attr a = {.map = {m->kind, m->key_size, m->value_size, m->max_entries, 0}};

		f->maps[i] = (int)kr_bpf(KR_MAP_CREATE, &a);
		if (f->maps[i] < 0)
			return -errno;
	}
	return 0;
}

struct load_attr { /* of BPF_PROG_LOAD, likewise */
	u32 type, count;
	u64 insns, license;
	u32 log_level, log_size;
	u64 log;
	u32 version, flags;
	char name[16];
	u32 ifindex, attach_type, btf, func_size;
	u64 funcs;
	u32 nfuncs, line_size;
	u64 lines;
	u32 nlines, pad;
};
enum { KR_MAP_DELETE = 3, KR_BTF_LOAD = 18 };

/* One type of function, for callbacks: the kernel wants to know of all functions by BTF then. */
static int kernel_btf(void)
{
	static const struct {
		u16 magic;
		u8 version, flags;
		u32 header, types_at, types_size, strings_at, strings_size;
		u32 types[10];
		char strings[8];
	} btf = {0xeb9f,
		 1,
		 0,
		 24,
		 0,
		 40,
		 40,
		 8,
		 {1, 1u << 24, 4, 1u << 24 | 32, /* [1] int */
		  0, 13u << 24, 1,               /* [2] int (*)() */
		  5, 12u << 24, 2},              /* [3] fn */
		 "\0int\0fn"};
	struct {
		u64 btf, log;
		u32 size, log_size, log_level;
	} a = {.btf = (u64)(uintptr_t)&btf, .size = sizeof(btf)};

	return (int)syscall(SYS_bpf, KR_BTF_LOAD, &a, sizeof(a));
}

static int kernel_load(struct fuzz *f, const struct code *code, const struct vmgen *g)
{
	struct load_attr a = {.type = CLASSIFIER, .count = code->insns.n};
	struct {
		u32 at, type;
	} funcs[VG_FUNCTIONS + 1] = {{0, 3}};
	long fd;

	a.nfuncs = 1;
	for (u32 i = 0; i < g->nfns; i++)
		if (g->fns[i].at) {
			funcs[a.nfuncs].at = g->fns[i].at;
			funcs[a.nfuncs++].type = 3;
		}
	a.funcs = (u64)(uintptr_t)funcs;
	a.func_size = sizeof(*funcs);
	a.btf = (u32)f->btf;

	vec_each (r, &code->relocs) {
		code->insns.v[r->insn].imm = f->maps[r->map];
		code->insns.v[r->insn + 1].imm = (s32)r->off;
	}
	a.insns = (u64)(uintptr_t)code->insns.v;
	a.license = (u64)(uintptr_t) "GPL";
	fd = syscall(SYS_bpf, KR_PROG_LOAD, &a, sizeof(a));
	if (fd < 0 && f->verbose) {
		char *log = (f->why.n = 0, buf_reserve(&f->why, 1 << 20));

		a.log = (u64)(uintptr_t)log;
		a.log_size = 1 << 20;
		a.log_level = 1;
		syscall(SYS_bpf, KR_PROG_LOAD, &a, sizeof(a));
		f->why.n = strlen(log);
	}
	return (int)fd;
}

static int kernel_run(struct fuzz *f, int prog, struct world *w)
{
	u8 ctx[SKB_BYTES] = {0}, out[SKB_BYTES] = {0};
	struct kernel_attr a = {.fd = (u32)prog,
				.in_size = VG_PACKET_BYTES,
				.out_size = VG_PACKET_BYTES,
				.in = (u64)(uintptr_t)w->packet,
				.out = (u64)(uintptr_t)w->packet,
				.repeat = 1,
				.ctx_in_size = SKB_BYTES,
				.ctx_out_size = SKB_BYTES,
				.ctx_in = (u64)(uintptr_t)ctx,
				.ctx_out = (u64)(uintptr_t)out};

	memcpy(ctx + 8, &w->mark, 4);
	memcpy(ctx + 32, &w->priority, 4);
	memcpy(ctx + 48, w->cb, sizeof(w->cb));
	if (syscall(SYS_bpf, KR_TEST_RUN, &a, sizeof(a)) < 0)
		return -errno;
	w->retval = a.retval;
	w->kept = a.out_size;
	memcpy(&w->mark, out + 8, 4);
	memcpy(&w->priority, out + 32, 4);
	memcpy(w->cb, out + 48, sizeof(w->cb));
	(void)f;
	return 0;
}

static int kernel_put(struct fuzz *f, struct world *w, const int *progs)
{
	int err = kernel_elem(KR_MAP_UPDATE, f->maps[VG_DATA], 0, w->data);

	for (u32 i = 0; i < VG_ARRAY_MOST && !err; i++)
		err = kernel_elem(KR_MAP_UPDATE, f->maps[VG_ARRAY], i, w->array[i]);
	for (u32 i = 0; i < VG_HASH_KEYS; i++)
		kernel_elem(KR_MAP_DELETE, f->maps[VG_HASH], i, NULL);
	for (u32 i = 0; i < VG_HASH_KEYS && !err; i++)
		if (w->there[i])
			err = kernel_elem(KR_MAP_UPDATE, f->maps[VG_HASH], i, w->hash[i]);
	for (u32 i = 0; i < VG_PROGRAMS && !err; i++)
		err = kernel_elem(KR_MAP_UPDATE, f->maps[VG_PROGS], i,
				  (void *)(uintptr_t)&progs[i]);
	return err;
}

static void kernel_get(struct fuzz *f, struct world *w)
{
	memset(w->hash, 0, sizeof(w->hash));
	kernel_elem(KR_MAP_LOOKUP, f->maps[VG_DATA], 0, w->data);
	for (u32 i = 0; i < VG_ARRAY_MOST; i++)
		kernel_elem(KR_MAP_LOOKUP, f->maps[VG_ARRAY], i, w->array[i]);
	for (u32 i = 0; i < VG_HASH_KEYS; i++)
		w->there[i] = !kernel_elem(KR_MAP_LOOKUP, f->maps[VG_HASH], i, w->hash[i]);
}

/* ---- our machine */

static void own_put(struct vm *vm, struct world *w)
{
	u32 zero = 0;

	vm_map_update(vm_map_of(vm, VG_DATA), &zero, w->data, 0);
	for (u32 i = 0; i < VG_ARRAY_MOST; i++)
		vm_map_update(vm_map_of(vm, VG_ARRAY), &i, w->array[i], 0);
	for (u32 i = 0; i < VG_HASH_KEYS; i++)
		if (w->there[i])
			vm_map_update(vm_map_of(vm, VG_HASH), &i, w->hash[i], 0);
	for (u32 i = 0; i < VG_PROGRAMS; i++)
		vm_map_update(vm_map_of(vm, VG_PROGS), &i, &i, 0);
}

static void own_get(struct vm *vm, struct world *w)
{
	u32 zero = 0;

	memset(w->hash, 0, sizeof(w->hash));
	vm_map_lookup(vm_map_of(vm, VG_DATA), &zero, w->data);
	for (u32 i = 0; i < VG_ARRAY_MOST; i++)
		vm_map_lookup(vm_map_of(vm, VG_ARRAY), &i, w->array[i]);
	for (u32 i = 0; i < VG_HASH_KEYS; i++)
		w->there[i] = !vm_map_lookup(vm_map_of(vm, VG_HASH), &i, w->hash[i]);
}

/* Packet and context in memory that has 32-bit addresses. */
struct low {
	u8 ctx[SKB_BYTES];
	u8 packet[VG_PACKET_BYTES];
};

static bool own_call(struct vm_run *run, struct low *low, struct world *w, struct buf *why)
{
	u32 from = (u32)(uintptr_t)low->packet, to = from + VG_PACKET_BYTES;
	u32 length = VG_PACKET_BYTES;
	u64 result;

	memset(low->ctx, 0, SKB_BYTES);
	memcpy(low->packet, w->packet, VG_PACKET_BYTES);
	memcpy(low->ctx, &length, 4);
	memcpy(low->ctx + 8, &w->mark, 4);
	memcpy(low->ctx + 32, &w->priority, 4);
	memcpy(low->ctx + 48, w->cb, sizeof(w->cb));
	memcpy(low->ctx + SKB_DATA, &from, 4);
	memcpy(low->ctx + SKB_END, &to, 4);
	run->packet = from;
	run->packet_end = to;
	if (vm_call(run, 0, (u64)(uintptr_t)low->ctx, 0, &result)) {
		vm_fault_print(why, run);
		return false;
	}
	w->retval = (u32)result;
	w->kept = length;
	memcpy(w->packet, low->packet, VG_PACKET_BYTES);
	memcpy(&w->mark, low->ctx + 8, 4);
	memcpy(&w->priority, low->ctx + 32, 4);
	memcpy(w->cb, low->ctx + 48, sizeof(w->cb));
	return true;
}

static bool own_run(struct fuzz *f, enum way way, struct world *w, struct buf *why)
{
	struct low *low = vm_memory(sizeof(*low), true);
	struct vm *vm = NULL;
	struct vm_run *run = NULL;
	struct diag diag = {0};
	bool good = false;

	if (!low || vm_open(&vm, f->object, &ways[way].opts, &diag) ||
	    vm_run_open(&run, vm, NULL, NULL, 0)) {
		buf_puts(why, "the machine does not open");
	} else {
		own_put(vm, w);
		vm_lend(run, (struct vm_region){.start = (u64)(uintptr_t)low->ctx,
						.size = SKB_BYTES,
						.kind = VM_CTX,
						.writable = true});
		vm_lend(run, (struct vm_region){.start = (u64)(uintptr_t)low->packet,
						.size = VG_PACKET_BYTES,
						.kind = VM_PACKET,
						.writable = true});
		good = own_call(run, low, w, why);
		own_get(vm, w);
	}
	vm_run_close(run);
	vm_close(vm);
	vm_memory_free(low, sizeof(*low));
	return good;
}

/* ---- one program */

static void compare(struct buf *why, const struct world *a, const struct world *b)
{
	if (a->retval != b->retval)
		buf_printf(why, "  returned: kernel 0x%x, we 0x%x\n", a->retval, b->retval);
	for (u32 i = 0; i < VG_DATA_BYTES; i += 8)
		if (memcmp(a->data + i, b->data + i, 8)) {
			u64 x, y;

			memcpy(&x, a->data + i, 8);
			memcpy(&y, b->data + i, 8);
			buf_printf(why, "  data[%u]: kernel 0x%llx, we 0x%llx%s\n", i,
				   (unsigned long long)x, (unsigned long long)y,
				   i >= VG_IN_BYTES ? " (a register)" : "");
		}
	if (a->kept != b->kept || memcmp(a->packet, b->packet, sizeof(a->packet)))
		buf_puts(why, "  the packets differ\n");
	if (a->mark != b->mark || a->priority != b->priority || memcmp(a->cb, b->cb, sizeof(a->cb)))
		buf_puts(why, "  the contexts differ\n");
	if (memcmp(a->array, b->array, sizeof(a->array)))
		buf_puts(why, "  the arrays differ\n");
	if (memcmp(a->there, b->there, sizeof(a->there)) ||
	    memcmp(a->hash, b->hash, sizeof(a->hash)))
		buf_puts(why, "  the hashes differ\n");
}

static void random_world(struct vmgen *g, struct world *w)
{
	u32 n = 0;

	memset(w, 0, sizeof(*w));
	for (u32 i = 0; i < VG_IN_BYTES; i += 8) {
		u64 v = vg_number(g);

		memcpy(w->data + i, &v, 8);
	}
	for (u32 i = 0; i < VG_PACKET_BYTES; i++)
		w->packet[i] = (u8)vg_rnd(g);
	for (u32 i = 0; i < sizeof(w->array); i++)
		((u8 *)w->array)[i] = (u8)vg_rnd(g);
	for (u32 i = 0; i < VG_HASH_KEYS; i++) {
		w->there[i] = n < VG_HASH_MOST && vg_chance(g, 40);
		n += w->there[i];
		for (u32 k = 0; w->there[i] && k < VG_HASH_BYTES; k++)
			w->hash[i][k] = (u8)vg_rnd(g);
	}
	w->mark = (u32)vg_number(g);
	w->priority = (u32)vg_number(g);
	for (u32 i = 0; i < 5; i++)
		w->cb[i] = (u32)vg_number(g);
}

static void show(struct fuzz *f, const char *way, struct buf *why)
{
	struct buf out = {0};

	for (u32 i = 0; i < VG_PROGRAMS; i++) {
		buf_printf(&out, "program %u\n", i);
		code_print(&out, &f->object->progs.v[i].code);
	}
	fprintf(stderr, "%sseed %llu, %s:\n%s\n", buf_str(&out), (unsigned long long)f->seed, way,
		buf_str(why));
	buf_free(&out);
}

/* All ways over one world. */
static int run_all(struct fuzz *f, const int *progs, struct world *start)
{
	struct world kernel = *start;
	struct buf why = {0};
	int err = kernel_put(f, start, progs);

	if (!err)
		err = kernel_run(f, progs[0], &kernel);
	if (err) {
		fprintf(stderr, "seed %llu: the kernel does not run it: %s\n",
			(unsigned long long)f->seed, strerror(-err));
		return -1;
	}
	kernel_get(f, &kernel);
	for (u32 way = 0; way < WAYS && !why.n; way++) {
		struct world own = *start;

		if (own_run(f, way, &own, &why))
			compare(&why, &kernel, &own);
		if (why.n)
			show(f, ways[way].name, &why);
	}
	err = why.n ? -1 : 0;
	buf_free(&why);
	return err;
}

static void make_object(struct fuzz *f, struct vmgen g[VG_PROGRAMS])
{
	f->object = object_new();
	for (u32 i = 0; i < VG_MAPS; i++)
		vec_push(&f->object->arena, &f->object->maps, shapes[i]);
	for (u32 i = 0; i < VG_PROGRAMS; i++) {
		struct object_prog *p = vec_add(&f->object->arena, &f->object->progs);

		p->name = i ? "second" : "first";
		p->section = "tc";
		p->kind = CLASSIFIER;
		vg_program(&g[i], f->seed, i, &f->object->arena, &p->code);
	}
}

static int one_seed(struct fuzz *f)
{
	int progs[VG_PROGRAMS] = {-1, -1}, bad = 0;
	struct world start;
	struct vmgen g[VG_PROGRAMS];

	make_object(f, g);
	for (u32 i = 0; i < VG_PROGRAMS; i++) {
		progs[i] = kernel_load(f, &f->object->progs.v[i].code, &g[i]);
		if (progs[i] < 0 && f->verbose) {
			size_t skip = f->why.n > 1500 ? f->why.n - 1500 : 0;

			fprintf(stderr, "seed %llu, program %u refused:\n%s\n",
				(unsigned long long)f->seed, i, f->why.p + skip);
		}
	}
	if (progs[0] < 0 || progs[1] < 0) {
		f->refused++;
	} else {
		f->accepted++;
		f->insns += f->object->progs.v[0].code.insns.n;
		for (u32 round = 0; round < 2 && !bad; round++) {
			random_world(&g[0], &start);
			bad = run_all(f, progs, &start);
		}
	}
	for (u32 i = 0; i < VG_PROGRAMS; i++)
		if (progs[i] >= 0)
			close(progs[i]);
	object_free(f->object);
	f->seed++;
	return bad;
}

int main(int argc, char **argv)
{
	struct fuzz f = {.seed = 1};
	u32 want = 2000;
	int opt, err;

	while ((opt = getopt(argc, argv, "s:v")) != -1) {
		if (opt == 's')
			f.seed = strtoull(optarg, NULL, 0);
		else if (opt == 'v')
			f.verbose = true;
		else
			return 2;
	}
	if (optind < argc)
		want = (u32)strtoul(argv[optind], NULL, 0);
	err = kernel_maps(&f);
	f.btf = err ? -1 : kernel_btf();
	if (f.btf < 0) {
		printf("skip programs: no right to use bpf(2): %s\n", strerror(err ? -err : errno));
		return 0;
	}
	for (err = 0; !err && (!want || f.accepted < want);) {
		err = one_seed(&f);
		if (f.refused > 1000 && f.refused / TRIES > f.accepted)
			err = fprintf(stderr, "the kernel accepts next to nothing\n");
		if (f.accepted % 10000 == 0)
			fprintf(stderr, "# %u programs\n", f.accepted);
	}
	fprintf(stderr, "# %u programs, %u instructions, %u more were refused by the kernel\n",
		f.accepted, f.insns, f.refused);
	printf("%s programs: the kernel and we agree%s\n", err ? "not ok" : "ok",
	       err ? ": see above" : "");
	buf_free(&f.why);
	return err != 0;
}
