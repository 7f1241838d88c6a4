/*
 * maps.c: what operations on maps cost: in the kernel, and in our machine where nobody has verified
 * the program.
 *
 * In:  maps.bpf.o. Out: a table; false if results differ or something does not run.
 *
 * Each program does OPS operations of one kind. Engines take turns; of each the shortest run
 * counts, less what an empty program takes. A ring is made anew for each run, since nobody reads
 * it.
 */
#include "base/base.h"
#include "vm_bench.h"
#include "waggle.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#define OPS    64
#define REPEAT 200 /* runs at once: so few that nothing else comes in between */
#define CALLS  12  /* in a turn: their 153,600 records of 16 bytes fit into the ring */
#define TURNS  8

static const char *const programs[] = {
	"hash_update",        "hash_lookup",         "hash_insert_delete",
	"lru_hash_update",    "lru_hash_lookup",     "lru_hash_insert_delete",
	"percpu_hash_update", "percpu_hash_lookup",  "array_update",
	"array_lookup",       "percpu_array_lookup", "ring_reserve_submit",
	"ring_output",
};
enum { KERNEL, USER, ENGINES };
static const enum waggle_engine engines[ENGINES] = {WAGGLE_KERNEL, WAGGLE_USER};

static void say(void *user, const struct waggle_diag *d)
{
	(void)user;
	fprintf(stderr, "bench: maps: %s\n", d->text);
}

/* ns of a run; the result of the program's last one. */
static bool call(struct waggle_session *s, const char *name, double *ns, u64 *result)
{
	struct waggle_call c = {.sz = sizeof(c), .program = name, .repeat = REPEAT};

	if (waggle_session_call(s, &c))
		return false;
	if (c.fault)
		fprintf(stderr, "bench: maps: %s: %s\n", name, c.fault);
	*ns = (double)c.ns;
	*result = c.result;
	return !c.fault;
}

/* One turn: a program on its own, behind the one that fills the map for it. */
static bool turn(struct waggle_object *o, enum waggle_engine engine, const char *name, double *best,
		 u64 *result)
{
	struct waggle_opts opts = {.sz = sizeof(opts), .engine = engine, .diag = say};
	struct waggle_session *s = NULL;
	const char *map = strstr(name, "_lookup");
	char fill[64];
	double ns;
	bool good = !waggle_session_load(&s, o, &opts);

	snprintf(fill, sizeof(fill), "%.*s_update", map ? (int)(map - name) : 0, name);
	if (good && map && strcmp(name, "percpu_array_lookup") != 0)
		good = call(s, fill, &ns, result);
	for (u32 i = 0; i < CALLS && good; i++) {
		good = call(s, name, &ns, result);
		if (good)
			*best = fmin(*best, ns);
	}
	waggle_session_stop(s);
	return good;
}

static bool measure(struct waggle_object *o, const char *name, double best[ENGINES])
{
	u64 result[ENGINES] = {0};

	best[KERNEL] = best[USER] = INFINITY;
	for (u32 i = 0; i < TURNS; i++)
		for (u32 e = 0; e < ENGINES; e++)
			if (!turn(o, engines[e], name, &best[e], &result[e]))
				return false;
	if (result[KERNEL] != result[USER])
		fprintf(stderr, "bench: maps: %s: %llu in the kernel, %llu in user space\n", name,
			(unsigned long long)result[KERNEL], (unsigned long long)result[USER]);
	return result[KERNEL] == result[USER];
}

static bool pin_to_first(const cpu_set_t *allowed)
{
	cpu_set_t one;
	int cpu = 0;

	while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, allowed))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return !sched_setaffinity(0, sizeof(one), &one);
}

bool bench_maps(const void *elf, size_t size)
{
	struct waggle_opts opts = {.sz = sizeof(opts), .diag = say};
	struct waggle_object *o;
	double none[ENGINES], best[ENGINES];
	cpu_set_t allowed; /* values of per-CPU maps are found where they were put in */
	bool good = !sched_getaffinity(0, sizeof(allowed), &allowed) && pin_to_first(&allowed) &&
		    !waggle_object_open(&o, elf, size, &opts) && measure(o, "empty", none);

	if (!good)
		return false;
	printf("\nMaps: ns for one operation, in programs that nobody has verified\n\n");
	printf("%-26s%9s%9s%9s\n", "", "kernel", "user", "ratio");
	for (u32 i = 0; i < ARRAY_SIZE(programs); i++) {
		if (!measure(o, programs[i], best)) {
			good = false;
			continue;
		}
		for (u32 e = 0; e < ENGINES; e++)
			best[e] = (best[e] - none[e]) / OPS;
		printf("%-26s%9.1f%9.1f%9.2f\n", programs[i], best[KERNEL], best[USER],
		       best[USER] / best[KERNEL]);
	}
	waggle_object_free(o);
	return good;
}
