/*
 * filters.c: how long filters take to compile, and to say what they think of a packet.
 *
 *	filters [-n ROUNDS]
 *
 * In:  nothing. Out: a line for each filter: µs of libpcap's compiler with its optimiser, of ours
 *to classic BPF, and of ours to machine code; ns a packet of libpcap's interpreter and of our code,
 * for traffic of many kinds and for one packet again and again. The least of the rounds counts.
 *Then the same of longer and longer lists, as far as libpcap compiles them in seconds.
 */
#include "../../fuzz/libpcap.h"

#include "filter/bpf.h"
#include "filter/filter.h"
#include "vm/vm.h"

#include "../../fuzz/filtergen.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PACKETS 4096
#define TIMES   20 /* that a filter is compiled in one measurement */

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
static unsigned rounds = 10;

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
static struct vm *machine_code(const char *text, struct arena *arena)
{
	const struct vm_opts opts = {.trusted = true};
	struct filter filter = {0};
	struct filter_opts o = {.swift = true};
	struct code code = {0};
	struct diag d = {0};
	struct vm *vm = NULL;

	if (!filter_compile(&filter, arena, text, strlen(text), &o, &d) &&
	    !filter_program(&code, arena, HOOK_PLAIN, filter.insns.v, filter.insns.n, KERNEL(5, 10),
			    &d))
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
			vm_close(machine_code(text, &arena));
		arena_free(&arena);
	}
	return (now() - from) / TIMES / 1000;
}

static double theirs_runs(const struct bpf_program *p, bool mixed, u32 *taken)
{
	double from = now();

	*taken = 0;
	for (u32 i = 0; i < PACKETS; i++) {
		const struct frame *f = &frames[mixed ? i : 0];

		*taken += bpf_filter(p->bf_insns, f->bytes, f->n, f->n) != 0;
	}
	return (now() - from) / PACKETS;
}

static double ours_runs(vm_direct_fn *fn, bool mixed, u32 *taken)
{
	struct cbpf_packet p __attribute__((aligned(32))) = {0};
	double from = now();

	*taken = 0;
	for (u32 i = 0; i < PACKETS; i++) {
		const struct frame *f = &frames[mixed ? i : 0];

		p.data = (uintptr_t)f->bytes;
		p.captured = p.len = f->n;
		p.room = FRAME_MOST - f->n;
		*taken += (u32)fn((uintptr_t)&p) != 0;
	}
	return (now() - from) / PACKETS;
}

enum { THEIRS, OURS, WHOLE, INTERPRETED, COMPILED, INTERPRETED_ONE, COMPILED_ONE, VALUES };

static int measure(const char *text, pcap_t *dead, double *v)
{
	struct arena arena = {0};
	struct vm *vm = machine_code(text, &arena);
	vm_direct_fn *fn = vm ? vm_direct(vm, 0) : NULL;
	struct bpf_program p;
	u32 a, b, c, e;
	int err = 0;

	if (!fn || pcap_compile(dead, &p, text, 1, 0))
		return 1;
	for (unsigned i = 0; i < rounds; i++) {
		const double now_is[VALUES] = {
			theirs_compiles(text, dead), ours_compiles(text, true),
			ours_compiles(text, false),  theirs_runs(&p, true, &a),
			ours_runs(fn, true, &b),     theirs_runs(&p, false, &c),
			ours_runs(fn, false, &e)};

		for (unsigned k = 0; k < VALUES; k++)
			v[k] = i && v[k] < now_is[k] ? v[k] : now_is[k];
		err |= a != b || c != e;
	}
	pcap_freecode(&p);
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
	double ours = 1e9, theirs = 1e9, ours_one = 1e9, theirs_one = 1e9;
	struct arena arena = {0};
	struct bpf_program p;
	vm_direct_fn *fn;
	char text[16384];
	u32 a, b, c, e;
	struct vm *vm;
	int err = 0;

	list_text(text, sizeof(text), l, n);
	vm = machine_code(text, &arena);
	fn = vm ? vm_direct(vm, 0) : NULL;
	if (!fn || pcap_compile(dead, &p, text, 1, 0))
		return 1;
	for (unsigned i = 0; i < rounds && !err; i++) {
		theirs = __builtin_fmin(theirs, theirs_runs(&p, true, &a));
		ours = __builtin_fmin(ours, ours_runs(fn, true, &b));
		theirs_one = __builtin_fmin(theirs_one, theirs_runs(&p, false, &c));
		ours_one = __builtin_fmin(ours_one, ours_runs(fn, false, &e));
		err = a != b || c != e;
	}
	printf("%-14s %6u %10u %10.1f %8.1f %6.1f %10.1f %8.1f %6.1f\n", l->name, n, p.bf_len,
	       theirs, ours, theirs / ours, theirs_one, ours_one, theirs_one / ours_one);
	pcap_freecode(&p);
	vm_close(vm);
	arena_free(&arena);
	return err;
}

static int measure_lists(pcap_t *dead)
{
	int err = 0;

	printf("\n%-14s %6s %10s %10s %8s %6s %10s %8s %6s\n", "list of", "of",
	       "libpcap:", "libpcap,", "ours", "ratio", "libpcap,", "ours", "ratio");
	printf("%-14s %6s %10s %26s %26s\n", "", "", "insns", "many kinds, ns ", "one packet, ns ");
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
	double compile = 1, run = 1, v[VALUES];
	int opt, err = 0;

	while ((opt = getopt(argc, argv, "n:")) >= 0)
		rounds = opt == 'n' && atoi(optarg) > 0 ? (unsigned)atoi(optarg) : rounds;
	for (u32 i = 0; i < PACKETS; i++)
		gen_frame(&frames[i], 1);
	printf("%-68s %8s %8s %8s %8s %8s %8s %8s\n", "", "libpcap", "ours", "+ code", "libpcap",
	       "ours", "libpcap", "ours");
	printf("%-68s %26s %17s %17s\n", "filter", "compiled, us", "many kinds, ns",
	       "one packet, ns");
	for (unsigned i = 0; i < FILTERS; i++) {
		if (measure(filters[i], dead, v)) {
			printf("not of one mind, or not compiled: %s\n", filters[i]);
			err = 1;
			continue;
		}
		printf("%-68s", i == EMPTY ? "(none)" : filters[i]);
		for (unsigned k = 0; k < VALUES; k++)
			printf(" %8.1f", v[k]);
		printf("\n");
		if (i == EMPTY)
			continue;
		compile *= __builtin_pow(v[THEIRS] / v[OURS], 1.0 / (FILTERS - 1));
		run *= __builtin_pow(v[INTERPRETED] / v[COMPILED], 1.0 / (FILTERS - 1));
	}
	printf("compiled %.1f x as fast (goal 1: %s), run %.1f x (goal 10: %s)\n", compile,
	       compile >= 1 ? "ok" : "MISSED", run, run >= 10 ? "ok" : "MISSED");
	err |= measure_lists(dead);
	pcap_close(dead);
	return err;
}
