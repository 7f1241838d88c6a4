/*
 * test_object_load.c: what we write, loaded by others: libbpf and bpftool, in this kernel.
 *
 * The kernel takes code, types, function and line records; the programs of the sample count and
 * send what they should; bpftool shows our field names; a program that the verifier refuses is
 * refused with the line of its source. Only this process is traced. Without the rights to load
 * programs the tests are skipped.
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
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "object_sample.h"

/* libbpf, declared by hand: its headers use the names that ours use */
void *bpf_object__open_mem(const void *data, size_t size, const void *opts);
int bpf_object__load(void *);
void bpf_object__close(void *);
void *bpf_object__find_program_by_name(void *, const char *);
void *bpf_object__find_map_by_name(void *, const char *);
int bpf_program__set_log_buf(void *, char *, size_t);
void *bpf_program__attach(void *);
int bpf_link__destroy(void *);
int bpf_map__fd(const void *);
int bpf_map_lookup_elem(int fd, const void *key, void *value);
int bpf_map_update_elem(int fd, const void *key, const void *value, u64 flags);
int bpf_map_create(u32 kind, const char *name, u32 key, u32 value, u32 entries, const void *opts);
void *ring_buffer__new(int fd, int (*fn)(void *, void *, size_t), void *user, const void *opts);
int ring_buffer__consume(void *);
void ring_buffer__free(void *);
void *libbpf_set_print(int (*fn)(int level, const char *fmt, va_list));

static char libbpf_said[16384];

static int listen_libbpf(int level, const char *fmt, va_list ap)
{
	size_t n = strlen(libbpf_said);

	if (level < 2) /* no debug messages */
		vsnprintf(libbpf_said + n, sizeof(libbpf_said) - n, fmt, ap);
	return 0;
}

static void listen(void *user, const struct waggle_diag *w)
{
	(void)user;
	print_message("%s\n", w->text);
}

static struct diag ear = {.fn = listen};

/* Whether this process may load programs: the smallest one. */
static bool may_load(void)
{
	static const struct insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K},
					   {.code = BPF_JMP | BPF_EXIT}};
	const struct {
		u32 kind, insns;
		const void *code;
		const char *license;
	} attr = {PROG_TRACEPOINT, 2, code, "GPL"};
	int fd = (int)syscall(SYS_bpf, 5, &attr, sizeof(attr));

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void need_rights(void)
{
	if (may_load())
		return;
	print_message("skipped: this process may not load BPF programs (%s)\n", strerror(errno));
	skip();
}

static struct buf written(struct object *o)
{
	struct buf out = {0};

	assert_int_equal(object_write_elf(o, &out, &ear), 0);
	object_free(o);
	return out;
}

static void *loaded(const struct buf *file)
{
	void *o;

	libbpf_said[0] = 0;
	o = bpf_object__open_mem(file->p, file->n, NULL);
	assert_non_null(o);
	if (bpf_object__load(o) || strstr(libbpf_said, "BTF")) { /* a warning is one too many */
		print_message("%s\n", libbpf_said);
		bpf_object__close(o);
		o = NULL;
	}
	assert_non_null(o);
	return o;
}

/* Calls getppid on a CPU of the sample: it has rings for the first few only. */
static void call_getppid(u32 times)
{
	while (times--)
		syscall(SYS_getppid);
}

static bool attachable(void)
{
	static const char id[] = "events/syscalls/sys_enter_getppid/id";
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/tracing/%s", id);
	if (!access(path, R_OK))
		return true;
	snprintf(path, sizeof(path), "/sys/kernel/debug/tracing/%s", id);
	return !access(path, R_OK);
}

static void need_tracepoint(void)
{
	need_rights();
	if (attachable() || (!mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL) &&
			     attachable()))
		return;
	print_message("skipped: there is no tracefs here\n");
	skip();
}

struct key {
	u64 pid;
	char tag[8];
};

static void programs_count(void **state)
{
	const struct key key = {.pid = (u32)getpid(), .tag = "ab"};
	struct buf file;
	void *o, *link;
	u64 count = 0;

	(void)state;
	need_tracepoint();
	file = written(sample_object((u32)getpid()));
	o = loaded(&file);
	link = bpf_program__attach(bpf_object__find_program_by_name(o, "count_calls"));
	assert_non_null(link);
	call_getppid(7);
	bpf_link__destroy(link);
	call_getppid(1);
	assert_int_equal(bpf_map_lookup_elem(
				 bpf_map__fd(bpf_object__find_map_by_name(o, "counts")), &key,
				 &count), 0);
	assert_int_equal(count, 7);
	bpf_object__close(o);
	buf_free(&file);
}

static u32 records;

static int take_record(void *user, void *data, size_t size)
{
	const struct waggle_record *r = data;
	u64 value;

	(void)user;
	memcpy(&value, r + 1, sizeof(value));
	if (size == sizeof(*r) + 8 && r->schema == 0 && r->size == 8 && r->ns &&
	    value == SAMPLE_CONSTANT)
		records++;
	return 0;
}

/* libbpf fills no slots of the array of rings: first every record is lost, and counted, then we
 * put rings into it. */
static void programs_send(void **state)
{
	const u32 zero = 0;
	int rings, fds[SAMPLE_CPUS];
	struct buf file;
	void *o, *link, *reader = NULL;
	u64 bss[1024] = {0};

	(void)state;
	need_tracepoint();
	if (sysconf(_SC_NPROCESSORS_CONF) > SAMPLE_CPUS) {
		print_message("skipped: more than %u CPUs\n", SAMPLE_CPUS);
		skip();
	}
	file = written(sample_object((u32)getpid()));
	o = loaded(&file);
	rings = bpf_map__fd(bpf_object__find_map_by_name(o, WAGGLE_RINGS));
	link = bpf_program__attach(bpf_object__find_program_by_name(o, "send_record"));
	assert_non_null(link);
	call_getppid(3);
	for (u32 i = 0; i < SAMPLE_CPUS; i++) {
		fds[i] = bpf_map_create(MAP_RINGBUF, "ring", 0, 0, 65536, NULL);
		assert_true(fds[i] >= 0);
		assert_int_equal(bpf_map_update_elem(rings, &i, &fds[i], 0), 0);
	}
	call_getppid(5);
	bpf_link__destroy(link);
	records = 0;
	for (u32 i = 0; i < SAMPLE_CPUS; i++) {
		reader = ring_buffer__new(fds[i], take_record, NULL, NULL);
		assert_non_null(reader);
		assert_true(ring_buffer__consume(reader) >= 0);
		ring_buffer__free(reader);
		close(fds[i]);
	}
	assert_int_equal(records, 5);
	assert_int_equal(bpf_map_lookup_elem(
				 bpf_map__fd(bpf_object__find_map_by_name(o, ".bss")), &zero, bss),
			 0);
	assert_int_equal(((struct waggle_counters *)((struct waggle_control *)bss + 1))
				 [CONTROL_CPUS].lost, 3);
	bpf_object__close(o);
	buf_free(&file);
}

/* The verifier names the line of the source that holds the instruction it refuses. */
static void refusals_show_the_line(void **state)
{
	static char log[65536];
	struct object *o = sample_object(1);
	struct sample s = {.o = o};
	struct buf file;
	void *b;

	(void)state;
	need_rights();
	o->source = "BEGIN { }\n\n  \t$x = args.far_away; // here\n$y = 2;\n";
	o->source_size = strlen(o->source);
	o->maps.n = 2;
	o->progs.n = 0;
	o->schemas.n = o->attaches.n = 0;
	begin_prog(&s, "reaches_too_far", "tracepoint/syscalls/sys_enter_getppid", "x",
		   PROG_TRACEPOINT);
	ins_map(&s, 2, MAP_RODATA, 0);
	vec_push(&o->arena, &s.code->lines, (struct code_line){.insn = 1, .line = 1 << 10});
	line(&s, 3, 5); /* the one before is at a second slot, where the kernel takes none */
	ins(&s, BPF_LDX | BPF_MEM | BPF_DW, 0, 1, 20000, 0);
	line(&s, 4, 1);
	leave(&s);
	file = written(o);
	libbpf_said[0] = 0;
	b = bpf_object__open_mem(file.p, file.n, NULL);
	assert_non_null(b);
	bpf_program__set_log_buf(bpf_object__find_program_by_name(b, "reaches_too_far"), log,
				 sizeof(log));
	assert_int_not_equal(bpf_object__load(b), 0);
	if (!strstr(log, "$x = args.far_away; // here") || strstr(log, "$y = 2"))
		print_message("%s\n%s\n", log, libbpf_said);
	assert_non_null(strstr(log, "; $x = args.far_away; // here"));
	assert_non_null(strstr(log, "invalid bpf_context access"));
	bpf_object__close(b);
	buf_free(&file);
}

/* ---- bpftool */

struct place {
	char dir[64], bpf[80], file[80];
	bool mounted;
};

static void place_make(struct place *p, const struct buf *object)
{
	int fd;

	strcpy(p->dir, "/tmp/waggle-test-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->bpf, sizeof(p->bpf), "%s/bpf", p->dir);
	snprintf(p->file, sizeof(p->file), "%s/sample.bpf.o", p->dir);
	assert_int_equal(mkdir(p->bpf, 0700), 0);
	p->mounted = !mount("bpf", p->bpf, "bpf", 0, NULL);
	fd = open(p->file, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, object->p, object->n), object->n);
	close(fd);
}

static void place_clear(struct place *p)
{
	if (p->mounted)
		assert_int_equal(umount(p->bpf), 0); /* the pins go with it */
	assert_int_equal(unlink(p->file), 0);
	assert_int_equal(rmdir(p->bpf), 0);
	assert_int_equal(rmdir(p->dir), 0);
}

/* Runs a shell command and returns its status; what it wrote is in out. */
static int run(char *out, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);

static int run(char *out, size_t size, const char *fmt, ...)
{
	char command[1024];
	va_list ap;
	FILE *f;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	f = popen(command, "r");
	assert_non_null(f);
	n = fread(out, 1, size - 1, f);
	out[n] = 0;
	return pclose(f);
}

static void bpftool_loads_and_shows(void **state)
{
	static const char *const shows[] = {"\"pid\":42", "\"tag\":", "\"value\":9"};
	static const char *const variables[] = {"waggle_config", "cpu_mask", "waggle_constants"};
	struct buf file;
	struct place p = {0};
	char out[65536];
	int status;

	(void)state;
	need_rights();
	if (run(out, sizeof(out), "bpftool version 2>&1")) {
		print_message("skipped: there is no bpftool here\n");
		skip();
	}
	file = written(sample_object(1));
	place_make(&p, &file);
	if (!p.mounted) {
		place_clear(&p);
		print_message("skipped: no right to mount bpffs\n");
		skip();
	}
	status = run(out, sizeof(out), "bpftool prog loadall %s %s/progs pinmaps %s/maps 2>&1",
		     p.file, p.bpf, p.bpf);
	if (status)
		print_message("%s\n", out);
	assert_int_equal(status, 0);
	assert_null(strstr(out, "BTF")); /* it warns of line records that it drops */
	assert_int_equal(run(out, sizeof(out), "ls %s/progs %s/maps", p.bpf, p.bpf), 0);
	assert_non_null(strstr(out, "count_calls"));
	assert_non_null(strstr(out, "send_record"));
	assert_non_null(strstr(out, "begin"));
	assert_non_null(strstr(out, WAGGLE_RINGS));
	assert_int_equal(run(out, sizeof(out),
			     "bpftool map update pinned %s/maps/counts key 42 0 0 0 0 0 0 0 "
			     "97 98 0 0 0 0 0 0 value 9 0 0 0 0 0 0 0 2>&1", p.bpf), 0);
	assert_int_equal(run(out, sizeof(out), "bpftool -j map dump pinned %s/maps/counts 2>&1",
			     p.bpf), 0);
	for (u32 i = 0; i < ARRAY_SIZE(shows); i++) {
		if (!strstr(out, shows[i]))
			print_message("%s\n", out);
		assert_non_null(strstr(out, shows[i]));
	}
	assert_int_equal(run(out, sizeof(out),
			     "for m in %s/maps/*rodata; do bpftool map dump pinned $m; done 2>&1",
			     p.bpf), 0);
	for (u32 i = 0; i < ARRAY_SIZE(variables); i++) {
		if (!strstr(out, variables[i]))
			print_message("%s\n", out);
		assert_non_null(strstr(out, variables[i]));
	}
	assert_int_equal(run(out, sizeof(out),
			     "bpftool prog dump xlated pinned %s/progs/count_calls linum 2>&1",
			     p.bpf), 0);
	assert_non_null(strstr(out, "@counts[pid, \"ab\"] = count();"));
	assert_non_null(strstr(out, "sample.bt"));
	place_clear(&p);
	buf_free(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_count),
		cmocka_unit_test(programs_send),
		cmocka_unit_test(refusals_show_the_line),
		cmocka_unit_test(bpftool_loads_and_shows),
	};

	libbpf_set_print(listen_libbpf);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
