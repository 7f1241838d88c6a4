/*
 * test_vm_programs.c: small programs in assembly, most of them run in the kernel too.
 *
 * A program writes what its calls returned into the map `out`; that and its return value are
 * compared with the kernel's, which runs it by BPF_PROG_TEST_RUN, or with what the row says where
 * the kernel would want more than the instructions (functions that are called back and timers need
 * BTF, and who asks after tasks gets another answer). Ours runs interpreted and compiled, checked
 * and trusted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "object/asm.h"
#include "vm/cgroup.h"
#include "vm/map.h"

enum { MAP_CREATE, MAP_LOOKUP, MAP_UPDATE, PROG_LOAD = 5, TEST_RUN = 10 };
union attr {
	struct {
		u32 type, key_size, value_size, max_entries, flags, inner;
	} make;
	struct {
		u32 fd, pad;
		u64 key, value, flags;
	} elem;
	struct {
		u32 type, count;
		u64 insns, license;
		u32 log_level, log_size;
		u64 log;
	} load;
	struct {
		u32 fd, retval, in_size, out_size;
		u64 in, out;
		u32 repeat, duration, ctx_in_size, ctx_out_size;
		u64 ctx_in, ctx_out;
	} run;
	char room[128];
};

static int sys(int cmd, union attr *a)
{
	long got = syscall(SYS_bpf, cmd, a, sizeof(*a));

	return got < 0 ? -errno : (int)got;
}

#define OUT_BYTES 512
#define WORDS     (OUT_BYTES / 8)

struct row {
	const char *name;
	struct fill { /* before the run: an element of a map */
		char map[16];
		u32 key, value;
	} fill[4];
	u32 nfill;
	u64 want[WORDS];
	bool wants; /* without the kernel */
	struct buf text;
};

static void hear(void *user, const struct waggle_diag *d)
{
	(void)user;
	print_message("%u: %s\n", d->line, d->text);
}

/* ---- files: assembly with a few words of our own
 *
 * call NAME(A, B, ...) [-> N]  a helper; A is a number, a register, one and a number, a map
 * @save N                      r0 is word N of what is compared; so is what "-> N" stands behind
 * @put MAP KEY VALUE FLAGS -> N, @get MAP KEY -> N, @drop MAP KEY -> N, @find MAP KEY
 * @push MAP VALUE FLAGS -> N, @take MAP pop|peek -> N M, @call MAP push|pop|peek FLAGS -> N
 * @key N, @done                r2 is the address of a key; the end
 * @fill MAP KEY VALUE          before the run
 * @cgroup MAP KEY              the same, with the root of cgroups
 * @want N VALUE                what word N is to be; without any, what it is in the kernel */

static void save(struct buf *out, u32 n)
{
	buf_printf(out, "r1 = map[.data.out][0]+%u\n*(u64 *)(r1 +0) = r0\n", n * 8);
}

static void one_argument(struct buf *out, u32 reg, const char *text)
{
	u32 base;
	s32 off;

	if (sscanf(text, "r%u%d", &base, &off) == 2)
		buf_printf(out, "r%u = r%u\nr%u += %d\n", reg, base, reg, off);
	else
		buf_printf(out, "r%u = %s\n", reg, text);
}

static void put_call(struct buf *out, char *line)
{
	char *open = strchr(line, '('), *close = strstr(line, ") -> "), *arg, *rest;
	u32 reg = 1;

	if (!open) {
		buf_printf(out, "%s\n", line);
		return;
	}
	*open = 0;
	if (!close)
		close = open + 1 + strlen(open + 1) - 1;
	*close = 0;
	for (arg = strtok_r(open + 1, ",", &rest); arg; arg = strtok_r(NULL, ",", &rest))
		one_argument(out, reg++, arg + strspn(arg, " "));
	buf_printf(out, "%s\n", line);
	if (close[1])
		save(out, (u32)atoi(close + 4));
}

static void put_key(struct buf *out, u32 key)
{
	buf_printf(out, "*(u32 *)(r10 -4) = %u\nr2 = r10\nr2 += -4\n", key);
}

static void put_lookup(struct buf *out, const char *map, u32 key)
{
	put_key(out, key);
	buf_printf(out, "r1 = map[%s]\ncall bpf_map_lookup_elem\n", map);
}

/* A descriptor of it, of which there is one; -1: this machine has none. */
static int root_cgroup(void)
{
	static int fd = -1;
	char path[256];

	if (fd < 0 && cgroup_mount(path, sizeof(path)))
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd;
}

/* A line that begins with @. */
static bool put_word(struct row *row, const char *line)
{
	struct buf *out = &row->text;
	char map[16], what[16];
	long long want;
	u32 a, b, c, n;

	if (sscanf(line, "@want %u %lli", &a, &want) == 2) {
		row->want[a] = (u64)want;
		row->wants = true;
	} else if (sscanf(line, "@fill %15s %u %u", map, &a, &b) == 3) {
		row->fill[row->nfill] = (struct fill){.key = a, .value = b};
		strcpy(row->fill[row->nfill++].map, map);
	} else if (sscanf(line, "@cgroup %15s %u", map, &a) == 2) {
		row->fill[row->nfill] = (struct fill){.key = a, .value = (u32)root_cgroup()};
		strcpy(row->fill[row->nfill++].map, map);
	} else if (sscanf(line, "@save %u", &n) == 1) {
		save(out, n);
	} else if (sscanf(line, "@key %u", &a) == 1) {
		put_key(out, a);
	} else if (sscanf(line, "@put %15s %u %u %u -> %u", map, &a, &b, &c, &n) == 5) {
		put_key(out, a);
		buf_printf(out,
			   "*(u64 *)(r10 -16) = %u\nr3 = r10\nr3 += -16\nr1 = map[%s]\nr4 = %u\n"
			   "call bpf_map_update_elem\n",
			   b, map, c);
		save(out, n);
	} else if (sscanf(line, "@get %15s %u -> %u", map, &a, &n) == 3) {
		put_lookup(out, map, a);
		buf_printf(out, "if r0 == 0 goto gone%u\nr0 = *(u64 *)(r0 +0)\ngone%u:\n", n, n);
		save(out, n);
	} else if (sscanf(line, "@find %15s %u", map, &a) == 2) {
		put_lookup(out, map, a);
		buf_puts(out, "if r0 == 0 goto out\nr7 = r0\n");
	} else if (sscanf(line, "@drop %15s %u -> %u", map, &a, &n) == 3) {
		put_key(out, a);
		buf_printf(out, "r1 = map[%s]\ncall bpf_map_delete_elem\n", map);
		save(out, n);
	} else if (sscanf(line, "@push %15s %u %u -> %u", map, &a, &b, &n) == 4) {
		buf_printf(out, "*(u64 *)(r10 -16) = %u\nr1 = map[%s]\nr2 = r10\nr2 += -16\n", a,
			   map);
		buf_printf(out, "r3 = %u\ncall bpf_map_push_elem\n", b);
		save(out, n);
	} else if (sscanf(line, "@take %15s %15s -> %u %u", map, what, &n, &a) == 4) {
		buf_printf(out, "r1 = map[%s]\nr2 = r10\nr2 += -16\ncall bpf_map_%s_elem\n", map,
			   what);
		save(out, n);
		buf_puts(out, "r0 = *(u64 *)(r10 -16)\n");
		save(out, a);
	} else if (sscanf(line, "@call %15s %15s %u -> %u", map, what, &a, &n) == 4) {
		buf_printf(out,
			   "r1 = map[%s]\nr2 = r10\nr2 += -16\nr3 = %u\ncall bpf_map_%s_elem\n",
			   map, a, what);
		save(out, n);
	} else if (!strcmp(line, "@done")) {
		buf_puts(out, "r0 = 2\nexit\n");
	} else {
		return false;
	}
	return true;
}

static struct object *assemble(struct row *row)
{
	struct diag diag = {.fn = hear};
	struct object *o = NULL;
	char path[128], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "tests/machine/%s.s", row->name);
	f = fopen(path, "r");
	if (!f) {
		fail_msg("%s: %s", path, strerror(errno));
		return NULL;
	}
	buf_puts(&row->text, ".data .data.out 512\n");
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (line[0] == '@') {
			if (!put_word(row, line))
				fail_msg("%s: what is '%s'?", path, line);
		} else if (!strncmp(line, "call bpf_", 9)) {
			put_call(&row->text, line);
		} else {
			buf_printf(&row->text, "%s\n", line);
		}
	}
	fclose(f);
	diag.file = path;
	diag.text = buf_str(&row->text);
	diag.size = row->text.n;
	if (object_asm(&o, diag.text, diag.size, &diag))
		fail_msg("%s is no program", path);
	return o;
}

static u32 map_named(const struct object *o, const char *name)
{
	for (u32 i = 0; i < o->maps.n; i++)
		if (!strcmp(o->maps.v[i].name, name))
			return i;
	fail_msg("no map %s", name);
	return 0;
}

/* ---- the kernel's side */

#define MAPS 8
static int kernel_maps(const struct object *o, int fds[MAPS])
{
	for (u32 i = 0; i < o->maps.n; i++) {
		const struct object_map *m = &o->maps.v[i];
		union attr a = {
			.make = {m->kind, m->key_size, m->value_size, m->max_entries, m->flags, 0}};

		fds[i] = sys(MAP_CREATE, &a);
		if (fds[i] < 0)
			return fds[i];
		if (m->data) {
			u32 zero = 0;

			memset(&a, 0, sizeof(a));
			a.elem.fd = (u32)fds[i];
			a.elem.key = (u64)(uintptr_t)&zero;
			a.elem.value = (u64)(uintptr_t)m->data;
			assert_int_equal(sys(MAP_UPDATE, &a), 0);
		}
	}
	return 0;
}

static int kernel_load(const struct object *o, const int fds[MAPS])
{
	static char log[65536];
	const struct object_prog *p = &o->progs.v[0];
	union attr a = {.load = {.type = p->kind, .count = p->code.insns.n}};
	struct insn *in = malloc(p->code.insns.n * sizeof(*in));
	int fd;

	memcpy(in, p->code.insns.v, p->code.insns.n * sizeof(*in));
	vec_each (r, &p->code.relocs) {
		in[r->insn].src = (r->data ? BPF_PSEUDO_MAP_VALUE : BPF_PSEUDO_MAP_FD) & 15;
		in[r->insn].imm = fds[r->map];
		in[r->insn + 1].imm = (s32)r->off;
	}
	a.load.insns = (u64)(uintptr_t)in;
	a.load.license = (u64)(uintptr_t) "GPL";
	a.load.log_level = 1;
	a.load.log_size = sizeof(log);
	a.load.log = (u64)(uintptr_t)log;
	fd = sys(PROG_LOAD, &a);
	if (fd < 0 && fd != -EPERM)
		print_message("%s\n", log);
	free(in);
	return fd;
}

static void kernel_run(int prog, u32 kind, u32 *result)
{
	static u8 packet[64];
	u64 ctx[8] = {1, 2, 3, 4};
	union attr a = {0};

	a.run.fd = (u32)prog;
	if (kind == PROG_RAW_TRACEPOINT) {
		a.run.ctx_in = (u64)(uintptr_t)ctx;
		a.run.ctx_in_size = sizeof(ctx);
	} else {
		a.run.in = (u64)(uintptr_t)packet;
		a.run.in_size = sizeof(packet);
		a.run.repeat = 1;
	}
	assert_int_equal(sys(TEST_RUN, &a), 0);
	*result = a.run.retval;
}

/* 0, or -EPERM: we may not. */
static int in_kernel(const struct object *o, const struct row *row, u64 out[WORDS], u32 *result)
{
	int fds[MAPS] = {0}, prog, err = kernel_maps(o, fds);
	u32 zero = 0;
	union attr a;

	if (err)
		return err;
	for (u32 i = 0; i < row->nfill; i++) {
		memset(&a, 0, sizeof(a));
		a.elem.fd = (u32)fds[map_named(o, row->fill[i].map)];
		a.elem.key = (u64)(uintptr_t)&row->fill[i].key;
		a.elem.value = (u64)(uintptr_t)&row->fill[i].value;
		assert_int_equal(sys(MAP_UPDATE, &a), 0);
	}
	prog = kernel_load(o, fds);
	if (prog == -EPERM)
		return prog;
	if (prog < 0)
		fail_msg("%s: the kernel does not load it: %d", row->name, prog);
	kernel_run(prog, o->progs.v[0].kind, result);
	memset(&a, 0, sizeof(a));
	a.elem.fd = (u32)fds[map_named(o, ".data.out")];
	a.elem.key = (u64)(uintptr_t)&zero;
	a.elem.value = (u64)(uintptr_t)out;
	assert_int_equal(sys(MAP_LOOKUP, &a), 0);
	close(prog);
	for (u32 i = 0; i < o->maps.n; i++)
		close(fds[i]);
	return 0;
}

/* ---- ours */

static const struct vm_opts ways[] = {{.cpus = 2, .interpret = true},
				      {.cpus = 2, .interpret = true, .trusted = true},
				      {.cpus = 2, .trusted = true},
				      {.cpus = 2}};

struct heard {
	char text[256];
	u8 data[256];
	u64 size, flags;
	u32 signal, calls;
};
static const struct vm_task *task(struct vm_run *run)
{
	static const struct vm_task it = {
		.pid = 100, .tid = 101, .uid = 7, .gid = 8, .cgroup = 99, .comm = "shell"};

	(void)run;
	return &it;
}
static int read_user(struct vm_run *run, void *to, u32 size, u64 from)
{
	static const char page[4096] = "a string of the task";

	(void)run;
	if (from < 0x10000 || from + size > 0x10000 + sizeof(page))
		return -EFAULT;
	memcpy(to, page + (from - 0x10000), size);
	return 0;
}
static int user_stack(struct vm_run *run, u64 *frames, u32 most, u32 skip)
{
	static const u64 stack[] = {0x1111, 0x2222, 0x3333, 0x4444};
	u32 n = 0;

	(void)run;
	for (; skip + n < ARRAY_SIZE(stack) && n < most; n++)
		frames[n] = stack[skip + n];
	return (int)n;
}
static int send_signal(struct vm_run *run, u32 sig, bool thread)
{
	((struct heard *)run->user)->signal = sig | (thread ? 0x100u : 0);
	return 0;
}
static int perf_output(struct vm_run *run, struct vm_map *map, u64 flags, const void *data,
		       u64 size)
{
	struct heard *h = run->user;

	(void)map;
	h->flags = flags;
	h->size = size;
	memcpy(h->data, data, MIN(size, sizeof(h->data)));
	h->calls++;
	return 0;
}
static void print(struct vm_run *run, const char *text, size_t n)
{
	struct heard *h = run->user;

	memcpy(h->text, text, n);
	h->text[n] = 0;
}
static u32 cgroups(struct vm_run *run, u64 *ids)
{
	(void)run;
	return cgroup_chain((u32)getpid(), ids); /* as in the kernel's run */
}
static const struct vm_host host = {.task = task,
				    .cgroups = cgroups,
				    .read_user = read_user,
				    .user_stack = user_stack,
				    .send_signal = send_signal,
				    .perf_output = perf_output,
				    .printk = print};

static void print_fault(const struct row *row, struct vm_run *run)
{
	struct buf text = {0};

	vm_fault_print(&text, run);
	fail_msg("%s: %s", row->name, buf_str(&text));
}

static void in_ours(const struct object *o, const struct row *row, const struct vm_opts *opts,
		    struct heard *heard, u64 out[WORDS], u32 *result)
{
	struct diag diag = {.fn = hear};
	struct vm *vm;
	struct vm_run *run;
	u8 *room = vm_memory(8192, true);
	u32 *ctx = vm_memory(4096, false);
	u64 r0, data = (u64)(uintptr_t)room + 1024;

	assert_int_equal(vm_open(&vm, o, opts, &diag), 0);
	assert_int_equal(vm_run_open(&run, vm, &host, heard, 1), 0);
	for (u32 i = 0; i < row->nfill; i++)
		assert_int_equal(vm_map_update(vm->maps[map_named(o, row->fill[i].map)],
					       &row->fill[i].key, &row->fill[i].value, 0),
				 0);
	run->packet = run->packet_meta = data;
	run->packet_end = data + 64;
	run->packet_room = (u64)(uintptr_t)room;
	run->packet_room_end = (u64)(uintptr_t)room + 8192;
	for (u64 i = 0; o->progs.v[0].kind == PROG_RAW_TRACEPOINT && i < 4; i++)
		((u64 *)(void *)ctx)[i] = i + 1;
	vm_lend(run, (struct vm_region){.start = (u64)(uintptr_t)ctx,
					.size = 256,
					.kind = VM_CTX,
					.writable = true});
	vm_lend(run,
		(struct vm_region){.start = data, .size = 64, .kind = VM_PACKET, .writable = true});
	if (vm_call(run, 0, (u64)(uintptr_t)ctx, 0, &r0))
		print_fault(row, run);
	for (u32 i = 0; i < 100 && vm->timers; i++) {
		u64 wait = vm_timers_run(run);

		if (run->fault.kind)
			print_fault(row, run);
		if (wait == UINT64_MAX)
			break;
		usleep((useconds_t)(wait / 1000));
	}
	*result = (u32)r0;
	memcpy(out, vm->maps[map_named(o, ".data.out")]->values, OUT_BYTES);
	vm_run_close(run);
	vm_close(vm);
	vm_memory_free(room, 8192);
	vm_memory_free(ctx, 4096);
}

static void check(const char *name, struct heard *heard)
{
	struct row row = {.name = name};
	struct object *o = assemble(&row);
	u64 got[WORDS];
	u32 result = 2, ours;

	if (!row.wants && in_kernel(o, &row, row.want, &result)) {
		object_free(o);
		buf_free(&row.text);
		skip();
	}
	for (u32 i = 0; i < ARRAY_SIZE(ways); i++) {
		memset(heard, 0, sizeof(*heard));
		in_ours(o, &row, &ways[i], heard, got, &ours);
		for (u32 w = 0; w < WORDS; w++)
			if (row.want[w] != got[w])
				fail_msg("%s, way %u: word %u is 0x%llx, should be 0x%llx", name, i,
					 w, (unsigned long long)got[w],
					 (unsigned long long)row.want[w]);
		assert_int_equal(ours, result);
	}
	object_free(o);
	buf_free(&row.text);
}

static void programs_do_what_they_do_in_the_kernel(void **state)
{
	static const char *const names[] = {
		"array",
		"percpu_array",
		"hash",
		"hash_no_prealloc",
		"percpu_hash",
		"lru_hash",
		"queue",
		"stack",
		"bloom",
		"lookup_percpu",
		"rings",
		"devices",
		"check_mtu",
		"dynptrs_of_records",
		"dynptrs_of_memory",
		"probe_read",
	};
	struct heard heard;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		check(names[i], &heard);
	if (root_cgroup() >= 0)
		check("cgroups", &heard);
}

static void programs_do_what_they_should(void **state)
{
	static const char *const names[] = {"tasks",     "stacks", "output",
					    "callbacks", "timers", "storage"};
	struct heard heard;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		check(names[i], &heard);
		if (!strcmp(names[i], "tasks"))
			assert_int_equal(heard.signal, 0x10a);
		if (strcmp(names[i], "output"))
			continue;
		assert_int_equal(heard.calls, 2);
		assert_int_equal(heard.size, 8 + 16);
		assert_int_equal(heard.data[0], 0x77);
		assert_string_equal(heard.text, "n=-5 x=ffs");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_do_what_they_do_in_the_kernel),
		cmocka_unit_test(programs_do_what_they_should),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
