/*
 * vm.c: how fast programs run: by gcc -O2, the kernel's JIT, our compiler, our interpreter.
 *
 *	vm [-n ROUNDS] [-s NAME] USER.o KERNEL.o [MAPS.o]
 *
 * In:  the eight programs of algorithms.h as clang compiled them; those of maps.bpf.c. Out: tables;
 *status 1 if results differ or something does not run.
 *
 * All ways take turns, window by window; of each the shortest of all windows counts, in CPU time of
 * the thread. From the kernel's what it takes for an empty program is taken off.
 */
#include "../../tests/kernel_run.h"
#include "elf/elf.h"
#include "vm/inside.h"
#include "vm_bench.h"

#include <fcntl.h>
#include <math.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#define MEMORY_BYTES 1500 /* as in algorithms.h */
#define PACKETS      16
#define PACKET_BYTES 64
#define WINDOW_NS    1000000.0
#define XDP          6

/* CHECKED: our compiler, for programs that nobody has verified; JIT: for those that somebody has,
 * which is what the kernel's does, too. The interpreter checks. */
enum way { GCC, KERNEL_JIT, CHECKED, JIT, INTERPRETER, WAYS };
static const char *const way_names[WAYS] = {"gcc -O2", "kernel", "checked", "JIT", "interp."};

struct work {
	const char *name;
	unsigned long long (*native)(const u8 *, unsigned long long);
	struct vm *vm[WAYS];
	struct vm_run *run[WAYS];
	int kernel; /* descriptor; -1 */
	u64 insns;  /* that one run executes */
	u32 size;   /* slots */
	double best[WAYS], compile_us;
	u64 result[WAYS];
	bool failed;
};

static u8 memory[MEMORY_BYTES] __attribute__((aligned(64)));

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void say(void *user, const struct waggle_diag *d)
{
	fprintf(stderr, "bench: %s: %s\n", (const char *)user, d->text);
}

/* ---- the programs */

static const void *map_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st))
		return NULL;
	*size = (size_t)st.st_size;
	p = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

static bool load_file(const char *path, struct elf *elf)
{
	size_t size;
	const void *p = map_file(path, &size);

	return p && !elf_open(elf, p, size, path, NULL);
}

static bool find_program(const struct elf *elf, const char *name, const struct insn **insns, u32 *n)
{
	struct elf_section s;
	char section[64];

	snprintf(section, sizeof(section), "vm/%s", name);
	if (!elf_find(elf, section, &s))
		return false;
	*insns = (const struct insn *)s.data;
	*n = (u32)(s.size / sizeof(struct insn));
	return true;
}

/* Packets with one, two or no VLAN tags, of TCP and UDP; behind them bytes of all kinds. */
static void fill_memory(void)
{
	static const u8 tag[] = {0x81, 0x00, 0x00, 0x2a};
	static const u8 ip[] = {8, 0,  0x45, 0, 5, 0xca, 1, 2, 0x40, 0,    64,   6,    0,
				0, 10, 1,    2, 3, 10,   4, 5, 6,    0x1f, 0x90, 0xc0, 0x01};

	for (u32 i = 0; i < MEMORY_BYTES; i++)
		memory[i] = (u8)(i * 167 + (i >> 3));
	for (u32 i = 0; i < PACKETS; i++) {
		u8 *p = memory + i * PACKET_BYTES + 12;

		for (u32 n = 0; n < i % 3; n++, p += sizeof(tag))
			memcpy(p, tag, sizeof(tag));
		memcpy(p, ip, sizeof(ip));
		if (i % 4 == 3)
			p[11] = 17;
	}
}

static void count_step(struct vm_run *run, u32 insn, const u64 *regs)
{
	(void)insn, (void)regs;
	++*(u64 *)run->user;
}

static bool open_way(struct work *w, enum way way, const struct insn *insns, u32 n,
		     const struct vm_opts *opts, const struct vm_host *host, void *user)
{
	struct diag diag = {.fn = say, .user = (void *)(uintptr_t)w->name};

	if (vm_open_code(&w->vm[way], insns, n, opts, &diag) ||
	    vm_run_open(&w->run[way], w->vm[way], host, user, 0))
		return false;
	return vm_lend(w->run[way], (struct vm_region){.start = (u64)(uintptr_t)memory,
						       .size = sizeof(memory),
						       .kind = VM_MEMORY,
						       .writable = true});
}

static bool call(struct work *w, enum way way, u64 *result)
{
	return !vm_call(w->run[way], 0, (u64)(uintptr_t)memory, sizeof(memory), result);
}

/* How many instructions a run has: each one is stepped through. */
static void count_insns(struct work *w, const struct insn *insns, u32 n)
{
	static const struct vm_host host = {.step = count_step};
	struct vm_opts opts = {.interpret = true, .stepped = true};
	u64 result;

	if (!open_way(w, INTERPRETER, insns, n, &opts, &host, &w->insns) ||
	    !call(w, INTERPRETER, &result))
		w->failed = true;
	vm_run_close(w->run[INTERPRETER]);
	vm_close(w->vm[INTERPRETER]);
}

/* Best of 20. */
static double compile_us(const struct insn *insns, u32 n, bool trusted)
{
	struct vm_opts opts = {.interpret = true, .trusted = trusted};
	double best = INFINITY;
	struct vm *vm;

	if (vm_open_code(&vm, insns, n, &opts, NULL))
		return NAN;
	for (u32 i = 0; i < 20; i++) {
		double start = cpu_ns();

		if (!jit_compile(&vm->progs[0], NULL))
			best = fmin(best, cpu_ns() - start);
		jit_free(&vm->progs[0]);
	}
	vm_close(vm);
	return best / 1000;
}

/* The parser, many times in a row: a large program. */
static void compile_large(const struct elf *user)
{
	const struct insn *insns;
	struct insn *large;
	u32 n, copies = 40;

	if (!find_program(user, "parse", &insns, &n))
		return;
	large = calloc(copies, n * sizeof(*insns));
	for (u32 i = 0; large && i < copies * n; i++) {
		large[i] = insns[i % n];
		if (large[i].code == (BPF_JMP | BPF_EXIT) && i + 1 < copies * n)
			large[i] = (struct insn){.code = BPF_JMP | BPF_JA};
	}
	if (large)
		printf("compiler: %u instructions, %.1f us per 1000 (goal: 50); with checks %.1f\n",
		       copies * n, compile_us(large, copies * n, true) * 1000 / (copies * n),
		       compile_us(large, copies * n, false) * 1000 / (copies * n));
	free(large);
}

static int kernel_load(const struct insn *insns, u32 n, const char *name)
{
	static char log[65536];
	union kr_attr a = {.load = {.type = XDP, .count = n}};
	long fd;

	a.load.insns = (u64)(uintptr_t)insns;
	a.load.license = (u64)(uintptr_t) "GPL";
	fd = kr_bpf(KR_PROG_LOAD, &a);
	if (fd >= 0)
		return (int)fd;
	a.load.log = (u64)(uintptr_t)log;
	a.load.log_size = sizeof(log);
	a.load.log_level = 1;
	fd = kr_bpf(KR_PROG_LOAD, &a);
	if (fd < 0)
		fprintf(stderr, "bench: %s: the kernel does not take it: %s\n%.2000s\n", name,
			strerror(errno), log);
	return (int)fd;
}

static bool work_open(struct work *w, const struct elf *user, const struct elf *kernel)
{
	static const struct vm_opts opts[WAYS] = {
		[JIT] = {.trusted = true}, [INTERPRETER] = {.interpret = true}};
	const struct insn *insns;
	u32 n;

	if (!find_program(user, w->name, &insns, &n))
		return false;
	w->size = n;
	count_insns(w, insns, n);
	w->compile_us = compile_us(insns, n, true);
	for (u32 way = CHECKED; way < WAYS; way++)
		if (!open_way(w, way, insns, n, &opts[way], NULL, NULL))
			return false;
	w->kernel = -1;
	if (find_program(kernel, w->name, &insns, &n))
		w->kernel = kernel_load(insns, n, w->name);
	for (u32 way = 0; way < WAYS; way++)
		w->best[way] = INFINITY;
	return true;
}

/* ---- windows */

static bool kernel_window(int fd, u32 repeat, double *ns, u64 *result)
{
	union kr_attr a = {.run = {.fd = (u32)fd, .in_size = sizeof(memory), .repeat = repeat}};

	double start = cpu_ns();

	a.run.in = (u64)(uintptr_t)memory;
	if (kr_bpf(KR_TEST_RUN, &a) < 0)
		return false;
	*ns = (cpu_ns() - start) / repeat; /* its own figure has no fractions */
	*result = a.run.retval;
	return true;
}

static bool own_window(struct work *w, enum way way, u32 repeat, double *ns, u64 *result)
{
	double start = cpu_ns();

	for (u32 i = 0; i < repeat; i++) {
		if (way == GCC)
			*result = w->native(memory, sizeof(memory));
		else if (!call(w, way, result))
			return false;
	}
	*ns = (cpu_ns() - start) / repeat;
	return true;
}

static void window(struct work *w, enum way way)
{
	double guess = isfinite(w->best[way]) ? w->best[way] : 20000;
	u32 repeat = (u32)fmax(1, WINDOW_NS / guess);
	double ns;
	bool good;

	if (way == KERNEL_JIT && w->kernel < 0)
		return;
	good = way == KERNEL_JIT ? kernel_window(w->kernel, repeat, &ns, &w->result[way])
				 : own_window(w, way, repeat, &ns, &w->result[way]);
	if (!good || (u32)w->result[way] != (u32)w->result[GCC]) {
		if (!w->failed)
			fprintf(stderr, "bench: %s: %s: %s\n", w->name, way_names[way],
				good ? "another result" : "it does not run");
		w->failed = true;
		return;
	}
	w->best[way] = fmin(w->best[way], ns);
}

/* ---- tables */

struct mean {
	double sum;
	u32 n;
};

static void mean_add(struct mean *m, double v)
{
	if (isfinite(v) && v > 0) {
		m->sum += log(v);
		m->n++;
	}
}

static double mean_of(const struct mean *m)
{
	return m->n ? exp(m->sum / m->n) : NAN;
}

static void put(double v, int width, int digits)
{
	if (isfinite(v))
		printf("%*.*f", width, digits, v);
	else
		printf("%*s", width, "-");
}

static void table(const struct work *work, u32 n)
{
	struct mean ratio[WAYS] = {0}, per_insn = {0};
	double worst = 0;

	printf("\nPrograms in ns a run, as ratios to gcc -O2, and ns per instruction\n\n");
	printf("%-10s%12s%10s", "", "instructions", "gcc ns");
	for (u32 way = KERNEL_JIT; way < WAYS; way++)
		printf("%9s", way_names[way]);
	printf("%9s%9s%11s\n", "ns/insn", "slots", "compile us");
	for (const struct work *w = work; w < work + n; w++) {
		double each = w->best[INTERPRETER] / (double)w->insns;

		printf("%-10s%12llu", w->name, (unsigned long long)w->insns);
		put(w->best[GCC], 10, 1);
		for (u32 way = KERNEL_JIT; way < WAYS; way++) {
			put(w->best[way] / w->best[GCC], 9, 2);
			mean_add(&ratio[way], w->best[way] / w->best[GCC]);
		}
		put(each, 9, 2);
		mean_add(&per_insn, each);
		worst = isfinite(each) ? fmax(worst, each) : worst;
		printf("%9u", w->size);
		put(w->compile_us, 11, 1);
		printf("%s\n", w->failed ? "  FAILED" : "");
	}
	printf("%-32s", "geometric mean");
	for (u32 way = KERNEL_JIT; way < WAYS; way++)
		put(mean_of(&ratio[way]), 9, 2);
	put(mean_of(&per_insn), 9, 2);
	printf("\n\ngoals: JIT %.2f <= 1.25; interpreter %.2f <= 1.2 ns per instruction, "
	       "worst %.2f <= 1.6\n",
	       mean_of(&ratio[JIT]), mean_of(&per_insn), worst);
}

int main(int argc, char **argv)
{
	static struct work work[16];
	u32 rounds = 40, n = 0;
	const char *only = "";
	struct elf user, kernel;
	struct work empty = {.name = "empty"};
	const struct insn *insns;
	double none = INFINITY;
	bool failed = false;
	int option, empty_fd;
	size_t size;

	while ((option = getopt(argc, argv, "n:s:")) != -1)
		if (option == 'n')
			rounds = (u32)strtoul(optarg, NULL, 0);
		else if (option == 's')
			only = optarg;
		else
			return 2;
	if (argc - optind < 2 || argc - optind > 3 || !load_file(argv[optind], &user) ||
	    !load_file(argv[optind + 1], &kernel)) {
		fprintf(stderr, "usage: vm [-n ROUNDS] [-s NAME] USER.o KERNEL.o [MAPS.o]\n");
		return 2;
	}
	fill_memory();
	empty_fd = find_program(&kernel, "empty", &insns, &empty.size)
			   ? kernel_load(insns, empty.size, "empty")
			   : -1;
	for (unsigned i = 0; i < nnatives; i++) {
		struct work *w = &work[n];

		*w = (struct work){.name = natives[i].name, .native = natives[i].run};
		if (!strstr(w->name, only))
			continue;
		if (work_open(w, &user, &kernel))
			n++;
		else
			failed = true;
	}
	for (u32 round = 0; round < rounds; round++) {
		double ns;
		u64 result;

		for (u32 i = 0; i < 4; i++)
			if (empty_fd >= 0 && kernel_window(empty_fd, 50000, &ns, &result))
				none = fmin(none, ns);
		for (u32 i = 0; i < n; i++)
			for (u32 way = 0; way < WAYS; way++)
				window(&work[i], way);
	}
	for (u32 i = 0; i < n; i++) {
		work[i].best[KERNEL_JIT] -= isfinite(none) ? none : 0;
		failed |= work[i].failed;
	}
	table(work, n);
	compile_large(&user);
	if (argc - optind == 3) {
		const void *maps = map_file(argv[optind + 2], &size);

		failed |= !maps || !bench_maps(maps, size);
	}
	return failed;
}
