/*
 * helpers.c: the helpers by number, and whether their arguments are what their prototypes say.
 *
 * In:  the five arguments of a call in a program that nobody has verified. Out: true, or a fault
 * that says which argument is wrong. Addresses must lie in regions that the program may touch.
 */
#include "vm/help.h"

#include "object/core.h"

/* Sets of kinds of maps. */
#define K(name)     (1ull << MAP_##name)
#define MAPS_NONE   0
#define MAPS_ARRAY  (K(ARRAY) | K(PERCPU_ARRAY))
#define MAPS_HASH   (K(HASH) | K(PERCPU_HASH) | K(LRU_HASH) | K(LRU_PERCPU_HASH))
#define MAPS_UPDATE (MAPS_ARRAY | MAPS_HASH | K(LPM_TRIE) | K(SOCKMAP) | K(SOCKHASH))
#define MAPS_LOOKUP                                                                      \
	(MAPS_UPDATE | K(ARRAY_OF_MAPS) | K(HASH_OF_MAPS) | K(DEVMAP) | K(DEVMAP_HASH) | \
	 K(CPUMAP) | K(XSKMAP))
#define MAPS_PUSH   (K(QUEUE) | K(STACK) | K(BLOOM_FILTER))
#define MAPS_POP    (K(QUEUE) | K(STACK))
#define MAPS_PERCPU (K(PERCPU_ARRAY) | K(PERCPU_HASH) | K(LRU_PERCPU_HASH))
#define MAPS_EACH   (MAPS_ARRAY | MAPS_HASH)
#define MAPS_PROGS  K(PROG_ARRAY)

#define MAPS_RING      K(RINGBUF)
#define MAPS_USER_RING K(USER_RINGBUF)
#define MAPS_STACKS    K(STACK_TRACE)
#define MAPS_PERF      K(PERF_EVENT_ARRAY)

#define MAPS_REDIRECT (K(DEVMAP) | K(DEVMAP_HASH) | K(CPUMAP) | K(XSKMAP))

#define MAPS_TIMED   (K(ARRAY) | K(HASH) | K(LRU_HASH))
#define MAPS_TASKS   K(TASK_STORAGE)
#define MAPS_CGROUP  (K(CGROUP_STORAGE) | K(PERCPU_CGROUP_STORAGE))
#define MAPS_CGROUPS K(CGROUP_ARRAY)

struct help_row {
	vm_helper_fn *fn;
	u64 maps;
};
static const struct help_row rows[] = {
#define HELP(name, fn, maps) [HELPER_##name] = {fn, maps},
#include "vm/helpers.def"
#undef HELP
};

/* What the object's CO-RE found no answer for: an error where it is reached, and not before. */
static u64 help_missing(u64 a, u64 b, u64 c, u64 d, u64 e, struct vm_run *run)
{
	(void)a, (void)b, (void)c, (void)d, (void)e;
	return help_fault(run, VM_BAD_CALL, "it needs what this machine's kernel does not have");
}

vm_helper_fn *vm_helper(u32 id)
{
	if (id == CORE_POISON || id / KFUNC_POISON == 1)
		return help_missing;
	return id < ARRAY_SIZE(rows) ? rows[id].fn : NULL;
}

u64 help_fault(struct vm_run *run, u8 kind, const char *why)
{
	if (run->fault.kind == VM_OK) {
		run->fault.kind = kind;
		run->fault.why = why;
	}
	return 0;
}

void help_bad_argument(struct vm_run *run, u32 reg, u64 value, const char *why)
{
	help_fault(run, VM_BAD_ARGUMENT, why);
	run->fault.reg = (u8)reg;
	run->fault.addr = value;
}

/* ---- arguments */

struct check {
	struct vm_run *run;
	const struct helper *helper;
	const u64 *args;
	const struct vm_map *map; /* the one before */
	u32 at;                   /* the argument that is looked at */
};
enum access { READ = 1, WRITE = 2 };

static bool wrong(const struct check *c, const char *why)
{
	help_bad_argument(c->run, c->at + 1, c->args[c->at], why);
	return false;
}

static bool memory(const struct check *c, u64 size, u32 access)
{
	u64 addr = c->args[c->at];

	if (!size)
		return true;
	if (size <= 1u << 29 && vm_region_find(c->run, addr, (u32)size, access & WRITE))
		return true;
	if (size <= 1u << 29 && !(access & WRITE) && vm_region_find(c->run, addr, (u32)size, false))
		return true;
	wrong(c, access & WRITE ? "it does not point to as many bytes that may be written"
				: "it does not point to as many bytes that may be read");
	c->run->fault.size = (u8)MIN(size, 255u);
	c->run->fault.write = access & WRITE;
	return false;
}

/* Memory whose size is the next argument. */
static bool sized(const struct check *c, u32 access)
{
	u64 size = c->at < 4 ? c->args[c->at + 1] : 0;
	bool zero = c->at < 4 && c->helper->args[c->at + 1] == ARG_SIZE0;

	if (size > 1u << 29 || (!size && !zero)) {
		struct check next = *c;

		next.at++;
		return wrong(&next,
			     size ? "it is no size: too large or negative" : "the size is 0");
	}
	return memory(c, size, access);
}

static bool aligned(const struct check *c, u32 size, u32 access)
{
	if (c->args[c->at] % MIN(size, 8u))
		return wrong(c, "it is not aligned");
	return memory(c, size, access);
}

/* NULL: the helper takes it. */
static const char *map_refused(u32 helper, const struct vm_map *map)
{
	u64 allowed = rows[helper].maps;
	bool changes = helper == HELPER_map_update_elem || helper == HELPER_map_delete_elem ||
		       helper == HELPER_map_push_elem || helper == HELPER_map_pop_elem;

	if (allowed && !(allowed >> map->kind & 1))
		return "the helper does not take maps of this kind";
	if (changes && (map->flags & BPF_F_RDONLY_PROG))
		return "programs may not write to this map";
	return NULL;
}

static bool is_map(struct check *c)
{
	const struct vm_map *map = pointer(c->args[c->at]);
	const char *why = "it is no map";

	if (vm_is_map(c->run->vm, map))
		why = map_refused(c->helper->id, map);
	if (why)
		return wrong(c, why);
	c->map = map;
	return true;
}

/* What is locked stays there for as long as the lock is held, and longer. */
static bool is_lock(const struct check *c)
{
	const struct vm_region *r = vm_region_find(c->run, c->args[c->at], 4, true);

	if (!r || r->kind != VM_MAPVAL)
		return wrong(c, "a lock lies in a value of a map");
	return aligned(c, 4, WRITE);
}

static bool is_text(const struct check *c)
{
	u64 addr = c->args[c->at];
	const struct vm_region *r = vm_region_find(c->run, addr, 1, false);
	u64 end;

	if (!r)
		return wrong(c, "it does not point to a text");
	if (r->writable || r->kind != VM_MAPVAL)
		return wrong(c, "it does not point to a text that never changes");
	end = r->stride ? r->start + (addr - r->start) / r->stride * r->stride + r->elem
			: r->start + r->size;
	if (!memchr(pointer(addr), 0, end - addr))
		return wrong(c, "the text has no end");
	return true;
}

static bool is_record(const struct check *c)
{
	const struct vm_region *r = vm_region_find(c->run, c->args[c->at], 1, false);

	return (r && r->kind == VM_RECORD && r->start == c->args[c->at]) ||
	       wrong(c, "it is no record that was reserved in a ring");
}

static bool check_arg(struct check *c)
{
	u64 arg = c->args[c->at];
	u32 key = c->map ? c->map->key_size : 0, value = c->map ? c->map->value_size : 0;

	switch (c->helper->args[c->at]) {
	case ARG_MAP: return is_map(c);
	case ARG_KEY: return memory(c, key, READ);
	case ARG_VALUE: return memory(c, value, READ);
	case ARG_VALUE_OR_NULL: return !arg || memory(c, value, READ);
	case ARG_VALUE_OUT: return memory(c, value, WRITE);
	case ARG_MEM: return sized(c, READ);
	case ARG_MEM_NULL: return !arg && !c->args[c->at + 1] ? true : sized(c, READ);
	case ARG_OUT:
	case ARG_INOUT: return sized(c, READ | WRITE);
	case ARG_OUT_NULL: return !arg && !c->args[c->at + 1] ? true : sized(c, WRITE);
	case ARG_MEM20: return memory(c, 20, READ);
	case ARG_MEM40: return memory(c, 40, READ);
	case ARG_U32_INOUT: return aligned(c, 4, READ | WRITE);
	case ARG_U64_OUT: return aligned(c, 8, WRITE);
	case ARG_STR: return is_text(c);
	case ARG_FUNC: return VM_IS_CALLBACK(arg) || wrong(c, "it is no function of the program");
	case ARG_LOCK: return is_lock(c);
	case ARG_CTX_NULL: return !arg || arg == c->run->ctx || wrong(c, "it is not the context");
	case ARG_CTX: return arg == c->run->ctx || wrong(c, "it is not the context");
	case ARG_RECORD: return is_record(c);
	case ARG_TIMER:
	case ARG_DYNPTR:
	case ARG_DYNPTR_OUT: return aligned(c, 16, WRITE);
	}
	return true;
}

bool vm_args_matter(u32 id)
{
	const struct helper *h = helper_by_id(id);

	for (u32 i = 0; h && i < h->nargs; i++)
		if (h->args[i] != ARG_ANY)
			return true;
	return false;
}

/* Bytes of the frame that the argument must be the address of; 0: it must not be, or nobody knows.
 */
static u64 known_size(const struct check *c, const struct vm_known args[5])
{
	const struct vm_known *next = &args[MIN(c->at + 1, 4u)];

	switch (c->helper->args[c->at]) {
	case ARG_KEY: return c->map ? c->map->key_size : 0;
	case ARG_VALUE:
	case ARG_VALUE_OR_NULL:
	case ARG_VALUE_OUT: return c->map ? c->map->value_size : 0;
	case ARG_MEM:
	case ARG_MEM_NULL:
	case ARG_OUT:
	case ARG_INOUT:
	case ARG_OUT_NULL: return next->kind == KNOWN_NUMBER && next->n > 0 ? (u64)next->n : 0;
	default: return 0;
	}
}

static bool known_arg(const struct check *c, const struct vm_known args[5])
{
	const struct vm_known *k = &args[c->at];
	u64 size;

	switch (c->helper->args[c->at]) {
	case ARG_ANY:
	case ARG_CONST:
	case ARG_SIZE: /* of the memory before it */
	case ARG_SIZE0:
	case ARG_RECORD: return true; /* help_commit() looks for it */
	case ARG_MAP: return !c->at && c->map && !map_refused(c->helper->id, c->map);
	}
	size = known_size(c, args);
	return size && size <= VM_FRAME_BYTES && k->kind == KNOWN_FRAME &&
	       vm_in_frame(k->n, k->n + (s64)size);
}

bool vm_known_args(u32 id, const struct vm_map *map, const struct vm_known args[5])
{
	struct check c = {.helper = helper_by_id(id), .map = map};

	while (c.at < c.helper->nargs && known_arg(&c, args))
		c.at++;
	return c.at == c.helper->nargs;
}

bool vm_check_args(struct vm_run *run, u32 id, const u64 args[5])
{
	struct check c = {.run = run, .helper = helper_by_id(id), .args = args};
	u32 n = c.helper ? c.helper->nargs : 0;

	for (; c.at < n; c.at++)
		if (c.helper->args[c.at] != ARG_ANY && !check_arg(&c))
			return false;
	return true;
}
