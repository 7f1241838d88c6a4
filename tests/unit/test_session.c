/*
 * test_session.c: sessions from start to stop, on objects made by hand and the running kernel.
 *
 * Only this test's own processes are traced: programs look at the pid first. Called as
 * `test_session calls N` it is the command that is traced: it calls getppid N times.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hand.h"
#include "engine/kernel/sys.h"
#include "session/session.h"

#define CPID offsetof(struct waggle_config, cpid)

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

struct said {
	char text[4096];
	u32 errors;
};

static void hear(void *user, const struct waggle_diag *d)
{
	struct said *s = user;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, "%s\n", d->text);
	s->errors += d->level == WAGGLE_ERROR;
}

/* One session: an object, options, where its output goes. */
struct fixture {
	struct hand h;
	struct waggle_opts opts;
	struct said said;
	struct waggle_session *s;
	struct waggle_stats stats;
	char out[65536];
};

static struct fixture *fixture_new(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	hand_new(&f->h);
	hand_schema(&f->h, "printf", ACTION_PRINTF);
	f->opts = (struct waggle_opts){.sz = sizeof(f->opts), .diag = hear, .user = &f->said};
	f->opts.quiet = true;
	f->stats.sz = sizeof(f->stats);
	f->opts.out_fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(f->opts.out_fd >= 0);
	return f;
}

static int fixture_start(struct fixture *f)
{
	return waggle_session_start(&f->s, (struct waggle_object *)f->h.o, &f->opts);
}

static void fixture_stop(struct fixture *f)
{
	ssize_t n;

	waggle_session_stats(f->s, &f->stats);
	waggle_session_stop(f->s);
	n = pread(f->opts.out_fd, f->out, sizeof(f->out) - 1, 0);
	f->out[MAX(n, 0)] = 0;
}

static void fixture_free(struct fixture *f)
{
	close(f->opts.out_fd);
	object_free(f->h.o);
	free(f);
}

static int fixture_run(struct fixture *f)
{
	int err = fixture_start(f);

	if (err)
		fail_msg("start: %d %s", err, f->said.text);
	err = waggle_session_run(f->s);
	fixture_stop(f);
	return err;
}

static char *self(void)
{
	static char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	path[MAX(n, 0)] = 0;
	return path;
}

/* ---- commands */

static void the_command_is_traced_from_its_first_call(void **state)
{
	char *argv[] = {self(), "calls", "300", NULL};
	struct fixture *f = fixture_new();

	(void)state;
	NEEDS_RIGHTS();
	hand_getppid_of(&f->h, "p", CPID, 0, 5);
	f->opts.command = argv;
	assert_int_equal(fixture_run(f), 0);
	assert_int_equal(f->stats.shown, 300);
	assert_int_equal(f->stats.lost, 0);
	assert_int_equal(strlen(f->out), 600);
	assert_memory_equal(f->out, "5\n5\n5\n", 6);
	fixture_free(f);
}

static void the_status_is_that_of_the_command(void **state)
{
	static const struct {
		char *script;
		int status;
	} rows[] = {{"exit 0", 0}, {"exit 7", 7}, {"kill -9 $$", 137}, {"kill -15 $$", 143}};

	(void)state;
	NEEDS_RIGHTS();
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		char *argv[] = {"sh", "-c", rows[i].script, NULL};
		struct fixture *f = fixture_new();

		hand_getppid_of(&f->h, "p", CPID, 0, 5);
		f->opts.command = argv;
		assert_int_equal(fixture_run(f), rows[i].status);
		fixture_free(f);
	}
}

static void a_command_that_is_not_there(void **state)
{
	static char *const names[] = {"no-such-command-anywhere", "/no/such/file", "/etc/passwd"};
	static const char *const said[] = {"command not found", "command not found",
					   "not an executable file"};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		char *argv[] = {names[i], NULL};
		struct fixture *f = fixture_new();

		hand_getppid_of(&f->h, "p", CPID, 0, 5);
		f->opts.command = argv;
		assert_true(fixture_start(f) < 0);
		assert_null(f->s);
		assert_int_equal(f->said.errors, 1);
		assert_non_null(strstr(f->said.text, said[i]));
		fixture_free(f);
	}
}

static void the_command_ends_with_the_session(void **state)
{
	char *argv[] = {"sleep", "100", NULL};
	struct fixture *f = fixture_new();
	u32 exit_schema = hand_schema(&f->h, "exit", ACTION_EXIT);

	(void)state;
	NEEDS_RIGHTS();
	hand_run(&f->h, "interval", ATTACH_INTERVAL, 5000000, exit_schema, 3);
	f->opts.command = argv;
	assert_int_equal(fixture_run(f), 3);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* and was reaped */
	fixture_free(f);
}

/* ---- begin, end, exit */

static void begin_comes_first_and_end_last(void **state)
{
	char *argv[] = {self(), "calls", "2", NULL};
	struct fixture *f = fixture_new();

	(void)state;
	NEEDS_RIGHTS();
	hand_run(&f->h, "end", ATTACH_END, 0, 0, 9);
	hand_getppid_of(&f->h, "p", CPID, 0, 5);
	hand_run(&f->h, "begin", ATTACH_BEGIN, 0, 0, 1);
	f->opts.command = argv;
	f->opts.quiet = false;
	assert_int_equal(fixture_run(f), 0);
	assert_string_equal(f->out, "1\n5\n5\n9\n");
	fixture_free(f);
}

static void exit_in_begin_starts_nothing(void **state)
{
	char *argv[] = {self(), "calls", "1000", NULL};
	struct fixture *f = fixture_new();
	u32 exit_schema = hand_schema(&f->h, "exit", ACTION_EXIT);

	(void)state;
	NEEDS_RIGHTS();
	hand_run(&f->h, "begin", ATTACH_BEGIN, 0, exit_schema, 4);
	hand_run(&f->h, "late", ATTACH_BEGIN, 0, 0, 1);
	hand_getppid_of(&f->h, "p", CPID, 0, 5);
	hand_run(&f->h, "end", ATTACH_END, 0, 0, 9);
	f->opts.command = argv;
	assert_int_equal(fixture_run(f), 4);
	assert_string_equal(f->out, "9\n"); /* END alone: what came after exit() is not shown */
	fixture_free(f);
}

static void *interrupt_soon(void *session)
{
	struct timespec t = {.tv_nsec = 20000000};

	nanosleep(&t, NULL);
	waggle_session_interrupt(session);
	return NULL;
}

static void an_interrupt_ends_as_exit_does(void **state)
{
	struct fixture *f = fixture_new();
	struct rusage before, after;
	pthread_t thread;

	(void)state;
	NEEDS_RIGHTS();
	hand_getppid_of(&f->h, "p", CPID, 0, 5);
	hand_run(&f->h, "end", ATTACH_END, 0, 0, 9);
	assert_int_equal(fixture_start(f), 0);
	assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, f->s), 0);
	getrusage(RUSAGE_THREAD, &before);
	assert_int_equal(waggle_session_run(f->s), 0);
	getrusage(RUSAGE_THREAD, &after);
	/* one short sleep, one long: nothing ticks */
	assert_true(after.ru_nvcsw - before.ru_nvcsw < 20);
	pthread_join(thread, NULL);
	fixture_stop(f);
	assert_string_equal(f->out, "9\n");
	fixture_free(f);
}

static void a_second_interrupt_ends_at_once(void **state)
{
	struct fixture *f = fixture_new();

	(void)state;
	NEEDS_RIGHTS();
	hand_run(&f->h, "end", ATTACH_END, 0, 0, 9);
	assert_int_equal(fixture_start(f), 0);
	waggle_session_interrupt(f->s);
	waggle_session_interrupt(f->s);
	waggle_session_run(f->s);
	fixture_stop(f);
	assert_string_equal(f->out, "");
	fixture_free(f);
}

/* ---- -p */

static void the_end_of_the_process_is_ours(void **state)
{
	struct fixture *f = fixture_new();
	int pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (!pid) {
		struct timespec t = {.tv_nsec = 300000000};

		nanosleep(&t, NULL);
		for (int i = 0; i < 20; i++)
			syscall(SYS_getppid);
		_exit(0);
	}
	if (may_load()) {
		hand_getppid(&f->h, "p", 0, 5);
		f->opts.pid = pid;
		assert_int_equal(fixture_run(f), 0);
		assert_int_equal(f->stats.shown, 20);
	}
	waitpid(pid, NULL, 0);
	fixture_free(f);
}

static void a_dead_process_is_refused(void **state)
{
	struct fixture *f = fixture_new();
	int pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	f->opts.pid = pid;
	assert_int_equal(fixture_start(f), -ESRCH);
	assert_non_null(strstr(f->said.text, "there is no process"));
	fixture_free(f);
}

/* ---- sums */

static void sums_are_exact_while_the_reader_is_stopped(void **state)
{
	char *argv[] = {self(), "calls", "200000", NULL};
	struct timespec t = {.tv_nsec = 5000000}, second = {.tv_sec = 1};
	struct waggle_stats stats = {0};
	int pipes[2], pid, status;

	(void)state;
	NEEDS_RIGHTS();
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct fixture *f = fixture_new();

		hand_getppid_of(&f->h, "p", CPID, 0, 5);
		f->opts.command = argv;
		f->opts.ring_bytes = 65536;
		if (fixture_start(f))
			_exit(1);
		status = waggle_session_run(f->s);
		fixture_stop(f);
		if (write(pipes[1], &f->stats, sizeof(stats)) != sizeof(stats))
			status = 2;
		_exit(status);
	}
	nanosleep(&t, NULL);
	kill(pid, SIGSTOP);
	nanosleep(&second, NULL);
	kill(pid, SIGCONT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	assert_int_equal(read(pipes[0], &stats, sizeof(stats)), sizeof(stats));
	assert_int_equal(stats.shown + stats.lost, 200000);
	close(pipes[0]);
	close(pipes[1]);
}

static u64 now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

static void no_tick_is_lost_uncounted(void **state)
{
	char *argv[] = {self(), "calls", "300000", NULL};
	struct fixture *f = fixture_new();
	u32 tick = hand_schema(&f->h, "tick", ACTION_PRINTF);
	u64 before, start, ms, most, ticks = 0;

	(void)state;
	NEEDS_RIGHTS();
	f->h.o->schemas.v[tick].action.text = "tick %d\n";
	hand_getppid_of(&f->h, "p", CPID, 0, 5);
	hand_run(&f->h, "interval", ATTACH_INTERVAL, 1000000, tick, 1);
	f->opts.command = argv;
	before = now_ms(); /* the timer begins between this... */
	assert_int_equal(fixture_start(f), 0);
	start = now_ms(); /* ...and this */
	assert_int_equal(waggle_session_run(f->s), 0);
	ms = now_ms() - start;
	most = now_ms() - before;
	waggle_session_stats(f->s, &f->stats);
	ticks = f->stats.shown + f->stats.lost - 300000 + f->stats.ticks_missed;
	/* ms also holds what came after the last tick */
	if (ticks + 10 < ms * 3 / 4 || ticks > most + 2)
		fail_msg("%llu ticks in %llu ms", (unsigned long long)ticks,
			 (unsigned long long)ms);
	waggle_session_stop(f->s);
	fixture_free(f);
}

/* ---- output */

static void a_reader_that_goes_ends_it_quietly(void **state)
{
	char *argv[] = {self(), "calls", "100000", NULL};
	struct fixture *f = fixture_new();
	int pipes[2];

	(void)state;
	NEEDS_RIGHTS();
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(pipes), 0);
	close(pipes[0]);
	hand_getppid_of(&f->h, "p", CPID, 0, 5);
	close(f->opts.out_fd);
	f->opts.out_fd = pipes[1];
	f->opts.command = argv;
	assert_int_equal(fixture_start(f), 0);
	assert_int_equal(waggle_session_run(f->s), 128 + SIGPIPE);
	assert_int_equal(f->said.errors, 0);
	waggle_session_stop(f->s);
	fixture_free(f);
}

/* ---- callers of the library */

static int see(void *user, const struct waggle_event *e)
{
	const struct waggle_layout *layout = waggle_schema_layout(e->schema);
	struct waggle_field f = {.sz = sizeof(f)};
	u64 value;

	assert_string_equal(waggle_schema_name(e->schema), "printf");
	assert_non_null(waggle_schema_format(e->schema));
	assert_int_equal(waggle_layout_count(layout), 1);
	assert_int_equal(waggle_layout_field(layout, 1, &f), -ENOENT);
	assert_int_equal(waggle_layout_field(layout, 0, &f), 0);
	assert_int_equal(f.size, sizeof(value));
	assert_true(f.off + f.size <= e->size && (f.kind == WAGGLE_UINT || f.kind == WAGGLE_INT));
	assert_true(*f.name && !f.tuple);
	memcpy(&value, (const u8 *)e->data + f.off, f.size);
	*(u64 *)user += value;
	f.sz = 8;
	assert_int_equal(waggle_layout_field(layout, 0, &f), -EINVAL);
	return 0;
}

static void events_come_by_poll(void **state)
{
	char *argv[] = {self(), "calls", "100", NULL};
	struct fixture *f = fixture_new();
	struct waggle_map *map;
	struct waggle_config config;
	u64 sum = 0;
	u32 key = 0;
	int n = 0;

	(void)state;
	NEEDS_RIGHTS();
	hand_getppid_of(&f->h, "p", CPID, 0, 5);
	f->opts.command = argv;
	assert_int_equal(fixture_start(f), 0);
	while (n >= 0)
		n = waggle_session_poll(f->s, 1000, see, &sum);
	assert_int_equal(n, -ESHUTDOWN);
	assert_int_equal(sum, 500);
	map = waggle_session_map(f->s, ".rodata");
	assert_non_null(map);
	assert_int_equal(waggle_map_lookup(map, &key, &config), 0);
	assert_true(config.cpid > 0 && config.cpu_mask < 4096);
	assert_null(waggle_session_map(f->s, "@none"));
	fixture_stop(f);
	fixture_free(f);
}

static u32 hand_scalar(struct hand *h, const char *name, u32 kind, u8 agg, u32 value_size)
{
	struct object *o = h->o;
	struct field *field = arena_new(&o->arena, struct field);
	u32 index = o->maps.n;

	*field = (struct field){.name = "value", .kind = FIELD_UINT, .size = 8};
	*vec_add(&o->arena, &o->maps) = (struct object_map){
		.name = name + 1, .shown = name, .kind = kind, .key_size = 4, .max_entries = 1,
		.value_size = value_size, .scalar = true, .agg = agg,
		.value = {field, agg == AGG_NONE, 8},
	};
	return index;
}

static int see_two(void *user, const struct waggle_event *e)
{
	u64 value;

	memcpy(&value, e->data, sizeof(value));
	*(u64 *)user = *(u64 *)user * 10 + value;
	return 0;
}

/* With out_fd 0, nothing is written anywhere; what begin and end print comes by poll. */
static void polling_writes_nothing(void **state)
{
	struct fixture *f = fixture_new();
	int out = f->opts.out_fd, pipes[2], saved = dup(0), n = 0;
	u64 seen = 0, value = 3;
	char byte;

	(void)state;
	NEEDS_RIGHTS();
	assert_int_equal(pipe2(pipes, O_NONBLOCK), 0);
	assert_int_equal(dup2(pipes[1], 0), 0); /* what is written to 0 would come here */
	hand_scalar(&f->h, "@n", MAP_ARRAY, AGG_NONE, 16);
	hand_run(&f->h, "begin", ATTACH_BEGIN, 0, 0, 1);
	hand_run(&f->h, "end", ATTACH_END, 0, 0, 9);
	f->opts.out_fd = 0;
	f->opts.quiet = false;
	assert_int_equal(fixture_start(f), 0);
	assert_int_equal(waggle_map_update(waggle_session_map(f->s, "@n"), NULL, &value, 0), 0);
	assert_int_equal(waggle_session_run(f->s), -EBADF);
	assert_int_equal(waggle_session_poll(f->s, 1000, see_two, &seen), 1);
	assert_int_equal(seen, 1);
	waggle_session_interrupt(f->s);
	while (n >= 0)
		n = waggle_session_poll(f->s, 1000, see_two, &seen);
	assert_int_equal(n, -ESHUTDOWN);
	assert_int_equal(seen, 19);
	waggle_session_stop(f->s);
	assert_int_equal(read(pipes[0], &byte, 1), -1);
	dup2(saved, 0);
	close(saved);
	close(pipes[0]);
	close(pipes[1]);
	f->opts.out_fd = out;
	fixture_free(f);
}

static void options_have_a_size(void **state)
{
	const struct waggle_opts small = {.sz = 16}, none = {0};
	struct waggle_object *object = NULL;
	struct waggle_session *s;
	struct fixture *f = fixture_new();

	(void)state;
	assert_int_equal(waggle_compile(&object, WAGGLE_SCRIPT, "", 0, NULL), -EINVAL);
	assert_int_equal(waggle_compile(&object, WAGGLE_SCRIPT, "", 0, &small), -EINVAL);
	assert_int_equal(waggle_object_open(&object, "", 0, &none), -EINVAL);
	assert_int_equal(waggle_target_save(-1, NULL, &none), -EINVAL);
	assert_int_equal(waggle_list(NULL, false, NULL, NULL, &small), -EINVAL);
	assert_int_equal(waggle_session_start(&s, (struct waggle_object *)f->h.o, &small), -EINVAL);
	assert_null(object);
	/* of an old caller's struct only its own bytes are looked at */
	f->opts.sz = offsetof(struct waggle_opts, dump);
	f->opts.dump = "no such stage";
	assert_true(waggle_object_open(&object, "no ELF", 6, &f->opts) < 0);
	assert_null(strstr(f->said.text, "stage"));
	f->opts.sz = sizeof(f->opts);
	assert_int_equal(waggle_object_open(&object, "no ELF", 6, &f->opts), -EINVAL);
	assert_non_null(strstr(f->said.text, "an object has no stage 'no such stage'"));
	fixture_free(f);
}

static void maps_are_printed_cleared_and_zeroed(void **state)
{
	struct fixture *f = fixture_new();
	struct object *o = f->h.o;
	struct object_map *m;
	struct field *field = arena_new(&o->arena, struct field);
	u32 map, print = hand_schema(&f->h, "print", ACTION_PRINT_MAP);
	u32 clear = hand_schema(&f->h, "clear", ACTION_CLEAR_MAP);
	u32 zero = hand_schema(&f->h, "zero", ACTION_ZERO_MAP);
	u64 value = 8;
	u32 key = 3;

	(void)state;
	NEEDS_RIGHTS();
	map = o->maps.n;
	m = vec_add(&o->arena, &o->maps);
	*field = (struct field){.name = "key", .kind = FIELD_UINT, .size = 4};
	*m = (struct object_map){.name = "m",
				 .shown = "@m",
				 .kind = MAP_HASH,
				 .key_size = 4,
				 .value_size = 8,
				 .max_entries = 10,
				 .agg = AGG_COUNT,
				 .key = {field, 1, 4}};
	for (u32 i = print; i <= zero; i++)
		o->schemas.v[i].action.map = map;
	hand_run(&f->h, "i1", ATTACH_END, 0, print, 0);
	hand_run(&f->h, "i2", ATTACH_END, 0, zero, 0);
	hand_run(&f->h, "i3", ATTACH_END, 0, print, 0);
	hand_run(&f->h, "i4", ATTACH_END, 0, clear, 0);
	hand_run(&f->h, "i5", ATTACH_END, 0, print, 0);
	assert_int_equal(fixture_start(f), 0);
	assert_int_equal(waggle_map_update(waggle_session_map(f->s, "@m"), &key, &value, 0), 0);
	waggle_session_interrupt(f->s);
	assert_int_equal(waggle_session_run(f->s), 0);
	fixture_stop(f);
	/* each record is carried out when it is read: all of END ran by then */
	assert_string_equal(f->out, "@m[3]: 8\n@m[3]: 0\n");
	fixture_free(f);
}

/* Looks up between guard bytes: nothing but value_size bytes may change. */
static int guarded_lookup(struct waggle_map *map, const void *key, void *value)
{
	struct waggle_map_info info = {.sz = sizeof(info)};
	u8 room[4096];
	int err;

	assert_int_equal(waggle_map_info(map, &info), 0);
	assert_true(info.value_size < sizeof(room) - 128);
	memset(room, 0xa5, sizeof(room));
	err = waggle_map_lookup(map, key, room + 64);
	for (u32 i = 0; i < sizeof(room); i++)
		if (err || i < 64 || i >= 64 + info.value_size)
			assert_int_equal(room[i], 0xa5);
	if (!err)
		memcpy(value, room + 64, info.value_size);
	return err;
}

/* A map of counts, and its spare one. */
static void add_spared(struct fixture *f)
{
	struct object *o = f->h.o;
	struct field *field = arena_new(&o->arena, struct field);
	struct object_map m = {.name = "m",
			       .shown = "@m",
			       .kind = MAP_PERCPU_HASH,
			       .key_size = 8,
			       .value_size = 8,
			       .max_entries = 100,
			       .agg = AGG_COUNT,
			       .key = {field, 1, 8}};

	*field = (struct field){.name = "k0", .kind = FIELD_INT, .size = 8, .count = 1};
	m.spare = o->maps.n + 1;
	vec_push(&o->arena, &o->maps, m);
	m.name = "m_spare";
	m.shown = NULL;
	m.spare = 0;
	vec_push(&o->arena, &o->maps, m);
	hand_run(&f->h, "end", ATTACH_END, 0, 0, 9);
}

static u32 walk(struct waggle_map *map, bool deletes)
{
	u64 key, next;
	u32 n = 0;

	for (int err = waggle_map_next(map, NULL, &next); !err && n < 100; n++) {
		key = next;
		if (deletes)
			assert_int_equal(waggle_map_delete(map, &key), 0);
		err = waggle_map_next(map, &key, &next);
	}
	return n;
}

static void a_map_and_its_spare_one_are_one(void **state)
{
	struct fixture *f = fixture_new();
	struct waggle_map *map, *spare;
	u64 key, got, two = 2, five = 5;

	(void)state;
	NEEDS_RIGHTS();
	add_spared(f);
	assert_int_equal(fixture_start(f), 0);
	map = waggle_session_map(f->s, "@m");
	spare = waggle_session_map(f->s, "m_spare");
	for (key = 1; key <= 9; key++)
		assert_int_equal(waggle_map_update(key < 9 ? map : spare, &key, &two, 0), 0);
	key = 8; /* in both */
	assert_int_equal(waggle_map_update(spare, &key, &five, 0), 0);
	assert_int_equal(guarded_lookup(map, &key, &got), 0);
	assert_int_equal(got, 7);
	assert_int_equal(walk(map, false), 9);
	key = 9; /* in the spare one alone */
	assert_int_equal(waggle_map_update(map, &key, &five, 1), -EEXIST);
	assert_int_equal(guarded_lookup(map, &key, &got), 0);
	assert_int_equal(got, 2);
	assert_int_equal(waggle_map_update(map, &key, &five, 2), 0);
	assert_int_equal(guarded_lookup(map, &key, &got), 0);
	assert_int_equal(got, 5);
	assert_int_equal(waggle_map_lookup(spare, &key, &got), -ENOENT);
	key = 10;
	assert_int_equal(waggle_map_update(map, &key, &five, 2), -ENOENT);
	assert_int_equal(waggle_map_delete(map, &key), -ENOENT);
	assert_int_equal(waggle_map_update(spare, &key, &five, 0), 0);
	assert_int_equal(walk(map, true), 10); /* what is deleted on the way ends nothing */
	assert_int_equal(walk(map, false), 0);
	fixture_stop(f);
	fixture_free(f);
}

static void maps_are_seen_as_scripts_see_them(void **state)
{
	struct fixture *f = fixture_new();
	struct waggle_map_info info = {.sz = sizeof(info)};
	u64 got[2] = {0}, seven = 7, raw[512] = {0}, extreme[2] = {9, 1};
	u32 zero = 0, sum, cpus;
	struct waggle_map *map;

	(void)state;
	NEEDS_RIGHTS();
	hand_scalar(&f->h, "@n", MAP_ARRAY, AGG_NONE, 16);
	sum = hand_scalar(&f->h, "@sum", MAP_PERCPU_ARRAY, AGG_SUM, 16);
	hand_scalar(&f->h, "@max", MAP_PERCPU_ARRAY, AGG_MAX, 24);
	hand_run(&f->h, "end", ATTACH_END, 0, 0, 9);
	assert_int_equal(fixture_start(f), 0);
	cpus = f->s->engine->cpus;
	assert_true(2 * cpus <= ARRAY_SIZE(raw));

	map = waggle_session_map(f->s, "@n");
	assert_int_equal(waggle_map_info(map, &info), 0);
	assert_string_equal(info.name, "@n");
	assert_true(info.scalar && !info.key_size && info.value_size == 8 && !info.per_cpu);
	info.sz = 4;
	assert_int_equal(waggle_map_info(map, &info), -EINVAL);
	assert_int_equal(guarded_lookup(map, NULL, got), -ENOENT);
	assert_int_equal(waggle_map_next(map, NULL, NULL), -ENOENT);
	assert_int_equal(waggle_map_update(map, NULL, &seven, 2), -ENOENT);
	assert_int_equal(waggle_map_update(map, NULL, &seven, 1), 0);
	assert_int_equal(waggle_map_update(map, NULL, &seven, 1), -EEXIST);
	assert_int_equal(guarded_lookup(map, NULL, got), 0);
	assert_int_equal(got[0], 7);
	assert_int_equal(waggle_map_next(map, NULL, NULL), 0);
	assert_int_equal(waggle_map_delete(map, NULL), 0);
	assert_int_equal(waggle_map_delete(map, NULL), -ENOENT);
	assert_int_equal(guarded_lookup(map, NULL, got), -ENOENT);

	map = waggle_session_map(f->s, "@sum");
	for (u32 cpu = 0; cpu < cpus; cpu++)
		raw[2 * cpu] = raw[2 * cpu + 1] = cpu + 1; /* as programs leave it */
	assert_int_equal(f->s->engine->ops->map_update(f->s->engine, sum, &zero, raw, 0), 0);
	assert_int_equal(guarded_lookup(map, NULL, got), 0);
	assert_int_equal(got[0], cpus * (cpus + 1) / 2);
	assert_int_equal(waggle_map_update(map, NULL, &seven, 0), 0);
	assert_int_equal(guarded_lookup(map, NULL, got), 0);
	assert_int_equal(got[0], 7);
	map = waggle_session_map(f->s, "@max");
	assert_int_equal(waggle_map_update(map, NULL, extreme, 0), 0);
	assert_int_equal(guarded_lookup(map, NULL, got), 0);
	assert_memory_equal(got, extreme, sizeof(got));

	map = waggle_session_map(f->s, ".bss"); /* the kernel's value has scratch memory behind it */
	assert_true(guarded_lookup(map, &zero, raw) == 0);
	assert_int_equal(waggle_map_update(map, &zero, raw, 0), -EPERM);
	waggle_session_interrupt(f->s);
	assert_int_equal(waggle_session_run(f->s), 0);
	fixture_stop(f);
	assert_string_equal(f->out, "9\n\n\n@sum: 7\n@max: 9\n");
	fixture_free(f);
}

static void collect(void *user, const char *text, size_t n)
{
	struct said *s = user;
	size_t have = strlen(s->text);

	snprintf(s->text + have, sizeof(s->text) - have, "%.*s", (int)n, text);
}

static void the_verifier_can_be_heard(void **state)
{
	struct fixture *f = fixture_new();

	(void)state;
	NEEDS_RIGHTS();
	hand_run(&f->h, "begin", ATTACH_BEGIN, 0, 0, 1);
	f->opts.dump = "verifier";
	f->opts.out = collect;
	assert_int_equal(fixture_run(f), 0);
	assert_non_null(strstr(f->said.text, "begin:\n"));
	assert_non_null(strstr(f->said.text, "0: (b7) r8 = 1"));
	assert_string_equal(f->out, ""); /* nothing ran */
	fixture_free(f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_command_is_traced_from_its_first_call),
		cmocka_unit_test(the_status_is_that_of_the_command),
		cmocka_unit_test(a_command_that_is_not_there),
		cmocka_unit_test(the_command_ends_with_the_session),
		cmocka_unit_test(begin_comes_first_and_end_last),
		cmocka_unit_test(exit_in_begin_starts_nothing),
		cmocka_unit_test(an_interrupt_ends_as_exit_does),
		cmocka_unit_test(a_second_interrupt_ends_at_once),
		cmocka_unit_test(the_end_of_the_process_is_ours),
		cmocka_unit_test(a_dead_process_is_refused),
		cmocka_unit_test(sums_are_exact_while_the_reader_is_stopped),
		cmocka_unit_test(no_tick_is_lost_uncounted),
		cmocka_unit_test(a_reader_that_goes_ends_it_quietly),
		cmocka_unit_test(events_come_by_poll),
		cmocka_unit_test(the_verifier_can_be_heard),
		cmocka_unit_test(maps_are_printed_cleared_and_zeroed),
		cmocka_unit_test(a_map_and_its_spare_one_are_one),
		cmocka_unit_test(maps_are_seen_as_scripts_see_them),
		cmocka_unit_test(polling_writes_nothing),
		cmocka_unit_test(options_have_a_size),
	};

	if (argc == 3 && !strcmp(argv[1], "calls")) {
		for (int i = 0; i < atoi(argv[2]); i++)
			syscall(SYS_getppid);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
