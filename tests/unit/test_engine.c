/*
 * test_engine.c: the kernel engine with the running kernel, on objects made by hand.
 *
 * Programs look at the pid first: nothing but this test and its children is traced. Without the
 * right to load programs the tests are skipped aloud.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hand.h"
#include "engine/kernel/sys.h"
#include "stream/stream.h"

struct said {
	char text[4096], hint[1024];
	unsigned line, count;
};

static void hear(void *user, const struct waggle_diag *d)
{
	struct said *s = user;

	snprintf(s->text, sizeof(s->text), "%s", d->text);
	snprintf(s->hint, sizeof(s->hint), "%s", d->hint ? d->hint : "");
	s->line = d->line;
	s->count++;
}

static int hand_open(struct engine **e, struct hand *h, u32 ring_bytes, struct said *said)
{
	static struct diag d;
	struct engine_opts opts = {.pid = (u32)getpid(), .ring_bytes = ring_bytes};

	memset(said, 0, sizeof(*said));
	d = (struct diag){.fn = hear, .user = said};
	return kernel_engine.open(e, h->o, &opts, &d);
}

static bool may_load(void)
{
	struct sys_map m = {.kind = MAP_ARRAY_OF_MAPS};
	int err = sys_map_create(&m);

	if (err != -EPERM && !geteuid())
		return true;
	print_message("[  SKIPPED ] needs root and bpf(2)\n");
	return false;
}
#define NEEDS_RIGHTS()           \
	do {                     \
		if (!may_load()) \
			skip();  \
	} while (0)

static void must_open(struct engine **e, struct hand *h, u32 ring_bytes)
{
	struct said said;
	int err = hand_open(e, h, ring_bytes, &said);

	if (err)
		fail_msg("open: %d %s (%s)", err, said.text, said.hint);
}

static void must_attach(struct engine *e)
{
	struct said *said = e->diag->user;

	if (e->ops->attach(e))
		fail_msg("attach: %s (%s)", said->text, said->hint);
}

static int open_stream(struct stream **s, const struct engine *e)
{
	struct stream_input in = engine_stream(e);

	return stream_open(s, &in);
}

static void call(u32 n)
{
	while (n--)
		syscall(SYS_getppid);
}

struct seen {
	u64 n, sum, last_ns;
	bool ordered;
};

static int count(void *user, const struct schema *schema, u64 ns, u32 cpu, const void *payload,
		 u32 size)
{
	struct seen *s = user;
	u64 value;

	(void)schema;
	(void)cpu;
	if (size != 8)
		return -1;
	memcpy(&value, payload, 8);
	s->n++;
	s->sum += value;
	s->ordered = s->ordered && ns >= s->last_ns;
	s->last_ns = ns;
	return 0;
}

static void drain(struct stream *s, struct seen *seen)
{
	while (!stream_empty(s))
		assert_int_equal(stream_read(s, count, seen), 0);
}

/* ---- what arrives */

static void the_gate_bounds_what_is_seen(void **state)
{
	struct seen seen = {.ordered = true};
	struct engine *e;
	struct stream *s;
	struct hand h;

	(void)state;
	NEEDS_RIGHTS();
	hand_new(&h);
	hand_schema(&h, "printf", ACTION_PRINTF);
	hand_getppid(&h, "one", 0, 7);
	must_open(&e, &h, 0);
	assert_int_equal(open_stream(&s, e), 0);
	must_attach(e);
	call(10);
	e->ops->go(e);
	call(100);
	e->ops->detach(e);
	call(10);
	drain(s, &seen);
	assert_int_equal(seen.n, 100);
	assert_int_equal(seen.sum, 700);
	assert_true(seen.ordered);
	assert_int_equal(stream_lost(s), 0);
	stream_close(s);
	e->ops->close(e, false);
	object_free(h.o);
}

static void two_programs_at_one_tracepoint(void **state)
{
	struct seen seen = {.ordered = true};
	struct engine *e;
	struct stream *s;
	struct hand h;

	(void)state;
	NEEDS_RIGHTS();
	hand_new(&h);
	hand_schema(&h, "printf", ACTION_PRINTF);
	hand_getppid(&h, "one", 0, 1);
	hand_getppid(&h, "two", 0, 1000);
	must_open(&e, &h, 0);
	assert_int_equal(open_stream(&s, e), 0);
	must_attach(e);
	e->ops->go(e);
	call(50);
	e->ops->detach(e);
	drain(s, &seen);
	assert_int_equal(seen.n, 100);
	assert_int_equal(seen.sum, 50050);
	stream_close(s);
	e->ops->close(e, false);
	object_free(h.o);
}

static void begin_and_end_run_when_told(void **state)
{
	struct seen seen = {.ordered = true};
	struct engine *e;
	struct stream *s;
	struct hand h;
	u32 begin, end;

	(void)state;
	NEEDS_RIGHTS();
	hand_new(&h);
	hand_schema(&h, "printf", ACTION_PRINTF);
	begin = hand_run(&h, "begin", ATTACH_BEGIN, 0, 0, 1);
	end = hand_run(&h, "end", ATTACH_END, 0, 0, 10);
	must_open(&e, &h, 0);
	assert_int_equal(open_stream(&s, e), 0);
	assert_int_equal(e->ops->run(e, begin), 0);
	drain(s, &seen);
	assert_int_equal(seen.sum, 1);
	must_attach(e);
	e->ops->go(e);
	e->ops->detach(e);
	assert_int_equal(e->ops->run(e, end), 0);
	drain(s, &seen);
	assert_int_equal(seen.sum, 11);
	stream_close(s);
	e->ops->close(e, false);
	object_free(h.o);
}

static void all_that_is_not_shown_is_counted(void **state)
{
	struct seen seen = {.ordered = true};
	struct engine *e;
	struct stream *s;
	struct hand h;
	u32 calls = 20000;

	(void)state;
	NEEDS_RIGHTS();
	hand_new(&h);
	hand_schema(&h, "printf", ACTION_PRINTF);
	hand_getppid(&h, "one", 0, 1);
	must_open(&e, &h, 65536);
	assert_int_equal(open_stream(&s, e), 0);
	must_attach(e);
	e->ops->go(e);
	call(calls);
	drain(s, &seen);
	assert_true(seen.n >= 65536 / 32 - 1 && seen.n < calls);
	call(100);
	e->ops->detach(e);
	drain(s, &seen);
	assert_int_equal(seen.n + stream_lost(s), calls + 100);
	stream_close(s);
	e->ops->close(e, false);
	object_free(h.o);
}

/* ---- a reader that sleeps */

static void *late_calls(void *n)
{
	struct timespec t = {.tv_nsec = 3000000};

	for (u32 i = 0; i < *(u32 *)n; i++) {
		nanosleep(&t, NULL);
		syscall(SYS_getppid);
	}
	return NULL;
}

static void a_sleeping_reader_is_woken(void **state)
{
	struct seen seen = {.ordered = true};
	struct epoll_event ev;
	struct engine *e;
	struct stream *s;
	struct hand h;
	pthread_t thread;
	u32 calls = 50, sleeps = 0;

	(void)state;
	NEEDS_RIGHTS();
	hand_new(&h);
	hand_schema(&h, "printf", ACTION_PRINTF);
	hand_getppid(&h, "one", 0, 1);
	must_open(&e, &h, 0);
	assert_int_equal(open_stream(&s, e), 0);
	must_attach(e);
	e->ops->go(e);
	assert_int_equal(pthread_create(&thread, NULL, late_calls, &calls), 0);
	while (seen.n < calls) {
		u64 ns = 5000000000;

		assert_int_equal(stream_read(s, count, &seen), 0);
		if (!stream_sleep(s, &ns) || seen.n == calls)
			continue;
		sleeps++;
		/* naps and the short sleep that guards against the race may time out */
		if (!epoll_wait(e->epoll_fd, &ev, 1, (int)((ns + 999999) / 1000000)))
			assert_true(ns <= 1000000);
	}
	pthread_join(thread, NULL);
	assert_true(sleeps < 10 * calls); /* no ticking */
	stream_close(s);
	e->ops->close(e, false);
	object_free(h.o);
}

/* ---- nothing stays */

static u32 prog_id(int fd)
{
	u32 info[64] = {0};
	struct {
		u32 fd, size;
		u64 info;
	} a = {(u32)fd, sizeof(info), (u64)(uintptr_t)info};

	return syscall(SYS_bpf, 15, &a, sizeof(a)) < 0 ? 0 : info[1];
}

/* Whether the program is gone within two seconds. */
static bool prog_gone(u32 id)
{
	struct timespec t = {.tv_nsec = 20000000};

	for (u32 i = 0; i < 100; i++) {
		u32 attr[3] = {id};
		long fd = syscall(SYS_bpf, 13, attr, sizeof(attr));

		if (fd < 0)
			return errno == ENOENT;
		close((int)fd);
		nanosleep(&t, NULL);
	}
	return false;
}

/* Descriptors of this process that are BPF programs: the id of the first. */
static u32 own_prog_id(void)
{
	for (int fd = 3; fd < 64; fd++) {
		char path[64], link[64] = "";

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, link, sizeof(link) - 1) > 0 &&
		    !strcmp(link, "anon_inode:bpf-prog"))
			return prog_id(fd);
	}
	return 0;
}

/* A process that attaches, tells its program's id, and then ends in one way or another. */
static void nothing_stays(int how)
{
	int pipes[2], status, pid;
	u32 id = 0;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct engine *e;
		struct said said;
		struct hand h;

		hand_new(&h);
		hand_schema(&h, "printf", ACTION_PRINTF);
		hand_getppid(&h, "one", 0, 1);
		hand_getppid(&h, "two", 0, 1);
		if (hand_open(&e, &h, 0, &said) || e->ops->attach(e))
			_exit(1);
		e->ops->go(e);
		id = own_prog_id();
		if (write(pipes[1], &id, sizeof(id)) != sizeof(id))
			_exit(1);
		if (how == SIGKILL)
			pause();
		e->ops->close(e, how == 1);
		_exit(0);
	}
	close(pipes[1]);
	assert_int_equal(read(pipes[0], &id, sizeof(id)), sizeof(id));
	assert_int_not_equal(id, 0);
	if (how == SIGKILL)
		kill(pid, SIGKILL);
	else /* the closer must not hold what others wait for */
		assert_int_equal(read(pipes[0], &id, sizeof(u32)), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(how == SIGKILL || (WIFEXITED(status) && !WEXITSTATUS(status)));
	assert_true(prog_gone(id));
	close(pipes[0]);
}

static void nothing_stays_after_close(void **state)
{
	(void)state;
	NEEDS_RIGHTS();
	nothing_stays(0);
}

static void nothing_stays_after_the_closer(void **state)
{
	(void)state;
	NEEDS_RIGHTS();
	nothing_stays(1);
}

static void nothing_stays_after_kill(void **state)
{
	(void)state;
	NEEDS_RIGHTS();
	nothing_stays(SIGKILL);
}

/* ---- what goes wrong */

static void the_verifier_names_the_line(void **state)
{
	struct said said;
	struct engine *e;
	struct hand h;
	u32 prog;

	(void)state;
	NEEDS_RIGHTS();
	hand_new(&h);
	prog = hand_prog(&h, "bad", PROG_TRACEPOINT, ATTACH_TRACEPOINT, HAND_GETPPID, 0);
	h.c = &h.o->progs.v[prog].code;
	vec_push(&h.o->arena, &h.c->lines, (struct code_line){.insn = 0, .line = 1 << 10 | 1});
	hand_mov(&h, 1, 0);
	vec_push(&h.o->arena, &h.c->lines, (struct code_line){.insn = 1, .line = 2 << 10 | 4});
	hand_op(&h, BPF_LDX | BPF_MEM | BPF_DW, 0, 1, 0, 0);
	vec_push(&h.o->arena, &h.c->lines, (struct code_line){.insn = 2, .line = 3 << 10 | 1});
	hand_exit(&h);
	assert_true(hand_open(&e, &h, 0, &said) < 0);
	assert_null(e);
	assert_int_equal(said.line, 2);
	assert_non_null(strstr(said.text, "R1 invalid mem access"));
	assert_non_null(strstr(said.text, HAND_GETPPID));
	assert_non_null(strstr(said.text, "(instruction 1)"));
	assert_int_equal(said.count, 1);
	object_free(h.o);
}

static void an_unknown_tracepoint_is_named(void **state)
{
	struct said *said;
	struct said buffer;
	struct engine *e;
	struct hand h;

	(void)state;
	NEEDS_RIGHTS();
	hand_new(&h);
	hand_prog(&h, "p", PROG_TRACEPOINT, ATTACH_TRACEPOINT, "syscalls:sys_enter_nothing", 0);
	hand_exit(&h);
	assert_int_equal(hand_open(&e, &h, 0, &buffer), 0);
	said = e->diag->user;
	assert_int_equal(e->ops->attach(e), -ENODEV);
	assert_non_null(strstr(said->text, "no tracepoint syscalls:sys_enter_nothing"));
	e->ops->close(e, false);
	object_free(h.o);
}

static void without_rights_it_says_so(void **state)
{
	int status, pid;

	(void)state;
	NEEDS_RIGHTS();
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct engine *e;
		struct said said;
		struct hand h;

		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			_exit(1);
		hand_new(&h);
		hand_schema(&h, "printf", ACTION_PRINTF);
		hand_getppid(&h, "one", 0, 1);
		if (hand_open(&e, &h, 0, &said) != -EPERM || e)
			_exit(2);
		if (!strstr(said.text, "may not load BPF programs"))
			_exit(3);
		_exit(strstr(said.hint, "as root") && strstr(said.hint, "setcap") ? 0 : 4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_wrong_ring_size_is_refused(void **state)
{
	struct said said;
	struct engine *e;
	struct hand h;

	(void)state;
	NEEDS_RIGHTS();
	hand_new(&h);
	hand_schema(&h, "printf", ACTION_PRINTF);
	hand_getppid(&h, "one", 0, 1);
	assert_int_equal(hand_open(&e, &h, 5000, &said), -EINVAL);
	assert_non_null(strstr(said.text, "power of two"));
	object_free(h.o);
}

/* ---- maps */

static u32 add_map(struct hand *h, const char *name, u32 kind, u32 value_size, u32 entries)
{
	struct object *o = h->o;
	struct object_map *m = vec_add(&o->arena, &o->maps);

	*m = (struct object_map){.name = name,
				 .shown = name,
				 .kind = kind,
				 .key_size = 4,
				 .value_size = value_size,
				 .max_entries = entries};
	return o->maps.n - 1;
}

struct asked {
	u32 times, enough;
};

static int not_more(void *user, const struct buf *keys, const struct buf *values, u32 n)
{
	struct asked *a = user;

	assert_int_equal(keys->n, n * 4u);
	assert_int_equal(values->n, n * 8u);
	return ++a->times == a->enough ? -ENOENT : 0;
}

/* Who wants no more pieces is asked no more, and what he said comes back. */
static void pieces_end_when_told(void **state)
{
	struct engine *e;
	struct hand h;
	u32 map;

	(void)state;
	NEEDS_RIGHTS();
	hand_new(&h);
	map = add_map(&h, "m", MAP_HASH, 8, 5000);
	must_open(&e, &h, 0);
	for (u32 i = 0; i < 5000; i++)
		assert_int_equal(e->ops->map_update(e, map, &i, &(u64){i}, 0), 0);
	for (u32 enough = 1; enough < 4; enough++) {
		struct asked asked = {.enough = enough};

		assert_int_equal(e->ops->map_pieces(e, map, not_more, &asked), -ENOENT);
		assert_int_equal(asked.times, enough);
	}
	e->ops->close(e, false);
	object_free(h.o);
}

static void maps_are_read_whole(void **state)
{
	static const struct {
		u32 kind, value_size, entries;
	} rows[] = {
		{MAP_HASH, 8, 5000}, {MAP_HASH, 12, 3}, {MAP_PERCPU_HASH, 16, 3000},
		{MAP_ARRAY, 8, 1},   {MAP_ARRAY, 8, 7}, {MAP_PERCPU_ARRAY, 16, 5},
	};
	static u8 value[65536];

	(void)state;
	NEEDS_RIGHTS();
	for (u32 r = 0; r < ARRAY_SIZE(rows); r++) {
		struct buf keys = {0}, values = {0};
		struct engine *e;
		struct hand h;
		u32 map, n = 0, fill = rows[r].entries, stride;
		u64 sum = 0;

		hand_new(&h);
		map = add_map(&h, "m", rows[r].kind, rows[r].value_size, rows[r].entries);
		must_open(&e, &h, 0);
		stride = ALIGN_UP(rows[r].value_size, 8);
		if (map_kind(rows[r].kind)->per_cpu)
			stride *= e->cpus;
		for (u32 i = 0; i < fill; i++) {
			memset(value, 0, stride);
			memcpy(value, &i, 4);
			memcpy(value + rows[r].value_size - 4, &i, 4);
			assert_int_equal(e->ops->map_update(e, map, &i, value, 0), 0);
		}
		assert_int_equal(e->ops->map_read(e, map, &keys, &values, &n), 0);
		assert_int_equal(n, fill);
		assert_int_equal(keys.n, n * 4u);
		assert_int_equal(values.n, (size_t)n * stride);
		for (u32 i = 0; i < n; i++) {
			u32 key, low;

			memcpy(&key, keys.p + i * 4, 4);
			memcpy(&low, values.p + (size_t)i * stride, 4);
			assert_int_equal(low, key);
			memcpy(&low, values.p + (size_t)i * stride + rows[r].value_size - 4, 4);
			assert_int_equal(low, key);
			sum += key;
		}
		assert_int_equal(sum, (u64)fill * (fill - 1) / 2);
		buf_free(&keys);
		buf_free(&values);
		e->ops->close(e, false);
		object_free(h.o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_gate_bounds_what_is_seen),
		cmocka_unit_test(two_programs_at_one_tracepoint),
		cmocka_unit_test(begin_and_end_run_when_told),
		cmocka_unit_test(all_that_is_not_shown_is_counted),
		cmocka_unit_test(a_sleeping_reader_is_woken),
		cmocka_unit_test(nothing_stays_after_close),
		cmocka_unit_test(nothing_stays_after_the_closer),
		cmocka_unit_test(nothing_stays_after_kill),
		cmocka_unit_test(the_verifier_names_the_line),
		cmocka_unit_test(an_unknown_tracepoint_is_named),
		cmocka_unit_test(without_rights_it_says_so),
		cmocka_unit_test(a_wrong_ring_size_is_refused),
		cmocka_unit_test(maps_are_read_whole),
		cmocka_unit_test(pieces_end_when_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
