/*
 * filters.c: how long filters take to compile, and to say what they think of a packet.
 *
 *	filters [-n ROUNDS] [-p PACKETS]
 *
 * In:  how many packets a run goes through (4096; 1024 stay in the second cache). Out: a line for
 *each filter: µs of libpcap's compiler with its optimiser, of ours to classic BPF, of ours to
 *machine code, and from classic BPF to machine code for many packets at once; ns a packet of
 *libpcap's interpreter, of our code for one packet and of that for many, for traffic of many kinds
 *and for one packet again and again. All begin with packets of which place and length are at hand
 *(struct lanes_group). The least of the rounds counts; each has other packets. Then the same of
 *longer and longer lists, as far as libpcap compiles them in seconds.
 */
#include "../../fuzz/libpcap.h"

#include "filter/bpf.h"
#include "filter/filter.h"
#include "vm/lanes.h"
#include "vm/vm.h"

#include "../../fuzz/filtergen.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PACKETS 4096 /* at most, and as a rule */
#define RUNS    20   /* that filters run for each time that they are compiled */
#define TIMES   20   /* that a filter is compiled in one measurement */

static const char *const filters[] = {
	"", /* takes all: what calling it and its packet cost */
	"ip",
	"tcp port 80",
	"host 10.0.0.1",
	"net 10.0.0.0/8 and not port 22",
	"tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-syn",
	"icmp or icmp6 or arp",
	"portrange 8000-8063",
	"tcp port 80 or 443 or 8080 or 8443 or 3306 or 5432 or 6379 or 9092",
	"vlan 5 and tcp port 443",
};
enum { FILTERS = ARRAY_SIZE(filters), EMPTY = 0 };
static struct frame frames[PACKETS + 1];
static unsigned rounds = 10, packets = PACKETS;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double theirs_compiles(const char *text, pcap_t *dead)
{
	double from = now();

	for (unsigned i = 0; i < TIMES; i++) {
		struct bpf_program p;

		if (!pcap_compile(dead, &p, text, 1, 0))
			pcap_freecode(&p);
	}
	return (now() - from) / TIMES / 1000;
}

/* A filter as machine code; all but what is returned is on the arena. NULL: it cannot be compiled.
 */
static struct vm *machine_code(const char *text, struct arena *arena, struct filter *classic)
{
	const struct vm_opts opts = {.trusted = true};
	struct filter_opts o = {.swift = true};
	struct code code = {0};
	struct diag d = {0};
	struct vm *vm = NULL;

	if (!filter_compile(classic, arena, text, strlen(text), &o, &d) &&
	    !filter_program(&code, arena, HOOK_PLAIN, classic->insns.v, classic->insns.n,
			    KERNEL(5, 10), &d))
		vm_open_code(&vm, code.insns.v, code.insns.n, &opts, &d);
	return vm;
}

/* classic: as far as classic BPF; else to machine code. */
static double ours_compiles(const char *text, bool classic)
{
	double from = now();

	for (unsigned i = 0; i < TIMES; i++) {
		struct arena arena = {0};
		struct filter filter = {0};
		struct filter_opts o = {0};
		struct diag d = {0};

		if (classic)
			filter_compile(&filter, &arena, text, strlen(text), &o, &d);
		else
			vm_close(machine_code(text, &arena, &filter));
		arena_free(&arena);
	}
	return (now() - from) / TIMES / 1000;
}

/* From classic BPF to machine code for many packets. */
static double lanes_compile(const struct filter *f, vm_direct_fn *one)
{
	double from = now();

	for (unsigned i = 0; i < TIMES; i++) {
		struct lanes *lanes;

		if (!lanes_open(&lanes, f->insns.v, f->insns.n, one))
			lanes_close(lanes);
	}
	return (now() - from) / TIMES / 1000;
}

/* The packets of a run: many kinds, or one again and again. Whoever runs a filter begins with them
 * as they are here. */
static struct lanes_group groups[2][PACKETS / LANES];

/* Others each time, so that no branch is known by heart; the one is the first of all. */
static void make_frames(void)
{
	for (u32 i = 0; i < packets; i++)
		gen_frame(&frames[i], 1);
	if (!frames[PACKETS].n)
		frames[PACKETS] = frames[0];
	for (u32 i = 0; i < 2 * packets; i++) {
		const struct frame *f = &frames[i < packets ? i : PACKETS];
		struct lanes_group *g = &groups[i >= packets][i % packets / LANES];

		g->offset[i % LANES] = (u32)(f->bytes - frames->bytes);
		g->captured[i % LANES] = g->len[i % LANES] = f->n;
	}
}

static double theirs_runs(const struct bpf_program *p, bool one, u32 *taken)
{
	double from = now();

	*taken = 0;
	for (const struct lanes_group *g = groups[one]; g < groups[one] + packets / LANES; g++)
		for (u32 i = 0; i < LANES; i++)
			*taken += bpf_filter(p->bf_insns, frames->bytes + g->offset[i], g->len[i],
					     g->captured[i]) != 0;
	return (now() - from) / packets;
}

static double ours_runs(vm_direct_fn *fn, bool one, u32 *taken)
{
	struct cbpf_packet p __attribute__((aligned(32))) = {0};
	double from = now();

	*taken = 0;
	for (const struct lanes_group *g = groups[one]; g < groups[one] + packets / LANES; g++)
		for (u32 i = 0; i < LANES; i++) {
			p.data = (uintptr_t)frames->bytes + g->offset[i];
			p.captured = g->captured[i];
			p.len = g->len[i];
			p.room = FRAME_MOST - g->len[i];
			*taken += (u32)fn((uintptr_t)&p) != 0;
		}
	return (now() - from) / packets;
}

static double batch_runs(struct lanes *lanes, bool one, u32 *taken)
{
	double from = now();

	lanes_run(lanes, frames->bytes, sizeof(frames), groups[one], packets);
	*taken = lanes_taken(groups[one], packets);
	return (now() - from) / packets;
}

/* Of both kinds of traffic, in this order: libpcap, our code for a packet, our code for many. */
enum {
	THEIRS,
	OURS,
	WHOLE,
	FOR_MANY,
	KINDS,
	PER_KIND = 3,
	ONE = KINDS + PER_KIND,
	VALUES = ONE + PER_KIND
};

/* The least of so many runs, each with other packets. */
static int measure_runs(const struct bpf_program *p, vm_direct_fn *fn, struct lanes *lanes,
			unsigned runs, double *v)
{
	u32 taken[PER_KIND];

	for (unsigned k = KINDS; k < VALUES; k++)
		v[k] = 1e9;
	for (unsigned i = 0; i < runs; i++) {
		make_frames();
		for (unsigned one = 0; one < 2; one++) {
			const unsigned k = one ? ONE : KINDS;

			v[k] = __builtin_fmin(v[k], theirs_runs(p, one, &taken[0]));
			v[k + 1] = __builtin_fmin(v[k + 1], ours_runs(fn, one, &taken[1]));
			v[k + 2] = __builtin_fmin(v[k + 2], batch_runs(lanes, one, &taken[2]));
			if (taken[0] != taken[1] || taken[0] != taken[2])
				return 1;
		}
	}
	return 0;
}

static int measure(const char *text, pcap_t *dead, double *v)
{
	struct arena arena = {0};
	struct filter filter = {0};
	struct vm *vm = machine_code(text, &arena, &filter);
	vm_direct_fn *fn = vm ? vm_direct(vm, 0) : NULL;
	struct lanes *lanes;
	struct bpf_program p;
	int err;

	if (!fn || pcap_compile(dead, &p, text, 1, 0) ||
	    lanes_open(&lanes, filter.insns.v, filter.insns.n, fn))
		return 1;
	for (unsigned k = 0; k < KINDS; k++)
		v[k] = 1e9;
	for (unsigned i = 0; i < rounds; i++) {
		v[THEIRS] = __builtin_fmin(v[THEIRS], theirs_compiles(text, dead));
		v[OURS] = __builtin_fmin(v[OURS], ours_compiles(text, true));
		v[WHOLE] = __builtin_fmin(v[WHOLE], ours_compiles(text, false));
		v[FOR_MANY] = __builtin_fmin(v[FOR_MANY], lanes_compile(&filter, fn));
	}
	err = measure_runs(&p, fn, lanes, rounds * RUNS, v);
	pcap_freecode(&p);
	lanes_close(lanes);
	vm_close(vm);
	arena_free(&arena);
	return err;
}

/* Lists: how much longer filters gain by being compiled. */
static const struct list {
	const char *name, *begin, *each; /* of a number below 65536 */
	unsigned most;                   /* libpcap's optimiser takes n^3 for some */
} lists[] = {
	{"tcp port", "tcp port ", "%u", 65536},
	{"ip src host", "ip src host ", "10.9.%u.%u", 65536},
	{"host", "host ", "10.9.%u.%u", 100},
	{"ip src net", "ip src net ", "10.%u.%u.0/26", 65536},
	{"ip6 host", "ip6 host ", "2001:db8:%x::%x", 100},
};
static const unsigned lengths[] = {1, 3, 10, 30, 100, 300};

static void list_text(char *text, size_t size, const struct list *l, unsigned n)
{
	size_t at = (size_t)snprintf(text, size, "%s", l->begin);

	for (unsigned i = 0; i < n; i++) {
		unsigned v = 1000 + i * 37;

		at += (size_t)snprintf(text + at, size - at, i ? " or " : "");
		if (strchr(l->each, '.') || strchr(l->each, ':'))
			at += (size_t)snprintf(text + at, size - at, l->each, v >> 8 & 255,
					       v & 255);
		else
			at += (size_t)snprintf(text + at, size - at, l->each, v);
	}
}

static int measure_list(const struct list *l, unsigned n, pcap_t *dead)
{
	double v[VALUES];
	struct lanes *lanes;
	struct arena arena = {0};
	struct filter filter = {0};
	struct bpf_program p;
	vm_direct_fn *fn;
	char text[16384];
	struct vm *vm;
	int err = 0;

	list_text(text, sizeof(text), l, n);
	vm = machine_code(text, &arena, &filter);
	fn = vm ? vm_direct(vm, 0) : NULL;
	if (!fn || pcap_compile(dead, &p, text, 1, 0) ||
	    lanes_open(&lanes, filter.insns.v, filter.insns.n, fn))
		return 1;
	err = measure_runs(&p, fn, lanes, rounds, v);
	printf("%-12s %4u %7u %4u", l->name, n, p.bf_len, filter.insns.n);
	for (unsigned k = KINDS; k < VALUES; k += PER_KIND)
		printf(" | %8.1f %6.1f %6.1f %8.1f", v[k], v[k + 1], v[k + 2], v[k] / v[k + 2]);
	printf("%s\n", lanes_are_wide(lanes) ? "" : " one by one");
	lanes_close(lanes);
	pcap_freecode(&p);
	vm_close(vm);
	arena_free(&arena);
	return err;
}

static int measure_lists(pcap_t *dead)
{
	int err = 0;

	printf("\n%-12s %4s %11s | %31s | %31s\n", "", "", "insns", "many kinds, ns",
	       "one packet, ns");
	printf("%-12s %4s %7s %4s | %8s %6s %6s %8s | %8s %6s %6s %8s\n", "list of", "of",
	       "libpcap", "ours", "libpcap", "ours", "many", "ratio", "libpcap", "ours", "many",
	       "ratio");
	for (unsigned l = 0; l < ARRAY_SIZE(lists); l++)
		for (unsigned k = 0; k < ARRAY_SIZE(lengths); k++)
			if (lengths[k] <= lists[l].most &&
			    measure_list(&lists[l], lengths[k], dead)) {
				printf("not of one mind, or not compiled: %u of %s\n", lengths[k],
				       lists[l].name);
				err = 1;
			}
	return err;
}

int main(int argc, char **argv)
{
	pcap_t *dead = pcap_open_dead(1, 262144);
	double compile = 1, ratios[4] = {1, 1, 1, 1}, v[VALUES];
	int opt, err = 0;

	while ((opt = getopt(argc, argv, "n:p:")) >= 0)
		if (opt == 'n' && atoi(optarg) > 0)
			rounds = (unsigned)atoi(optarg);
		else if (opt == 'p' && atoi(optarg) >= LANES && atoi(optarg) <= PACKETS)
			packets = (unsigned)atoi(optarg) / LANES * LANES;
		else
			return 2;
	printf("%-68s %35s | %26s | %26s\n", "", "compiled, us", "many kinds, ns",
	       "one packet, ns");
	printf("%-68s %8s %8s %8s %8s | %8s %8s %8s | %8s %8s %8s\n", "filter", "libpcap", "ours",
	       "+ code", "+ many", "libpcap", "ours", "many", "libpcap", "ours", "many");
	for (unsigned i = 0; i < FILTERS; i++) {
		if (measure(filters[i], dead, v)) {
			printf("not of one mind, or not compiled: %s\n", filters[i]);
			err = 1;
			continue;
		}
		printf("%-68s", i == EMPTY ? "(none)" : filters[i]);
		for (unsigned k = 0; k < VALUES; k++)
			printf("%s %8.1f", k == KINDS || k == ONE ? " |" : "", v[k]);
		printf("\n");
		if (i == EMPTY)
			continue;
		compile *= __builtin_pow(v[THEIRS] / v[OURS], 1.0 / (FILTERS - 1));
		for (unsigned k = 0; k < 4; k++)
			ratios[k] *= __builtin_pow(v[k < 2 ? KINDS : ONE] /
							   v[(k < 2 ? KINDS : ONE) + 1 + k % 2],
						   1.0 / (FILTERS - 1));
	}
	printf("compiled %.1f x as fast (goal 1: %s); run %.1f x, one packet %.1f x; many at once "
	       "%.1f x (goal 10: %s), one packet %.1f x (goal 10: %s)\n",
	       compile, compile >= 1 ? "ok" : "MISSED", ratios[0], ratios[2], ratios[1],
	       ratios[1] >= 10 ? "ok" : "MISSED", ratios[3], ratios[3] >= 10 ? "ok" : "MISSED");
	err |= measure_lists(dead);
	pcap_close(dead);
	return err;
}
