/*
 * test_target.c: the running machine, saved machines, near names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "target/impl.h"

#define GOLDEN "tests/golden/target.waggle-target"

static u64 rng = 88172645463325252ull;

static u32 rnd(u32 n)
{
	rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
	return (u32)(rng >> 16) % n;
}

struct heard {
	char text[2048], hint[512];
	u32 n;
};

static void hear(void *user, const struct waggle_diag *w)
{
	struct heard *h = user;

	snprintf(h->text, sizeof(h->text), "%s", w->text);
	snprintf(h->hint, sizeof(h->hint), "%s", w->hint ? w->hint : "");
	h->n++;
}

/* ---- the running machine */

static struct target *live;

static int start_live(void **state)
{
	struct diag d = {0};

	(void)state;
	return target_live(&live, &d);
}

static int end_live(void **state)
{
	(void)state;
	target_close(live);
	return 0;
}

/* The format file, read the plain way; NULL: not here. */
static char *raw_format(const char *category, const char *name)
{
	char path[300], *text;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/tracing/events/%s/%s/format", category, name);
	f = fopen(path, "r");
	if (!f)
		return NULL;
	text = calloc(1, 65536);
	n = fread(text, 1, 65535, f);
	text[n] = 0;
	fclose(f);
	return text;
}

static bool can_see_tracefs(void)
{
	struct heard h = {0};
	struct diag d = {.fn = hear, .user = &h};
	struct tp_format *f;
	int err = target_tracepoint(live, "sched", "sched_switch", (struct loc){0}, &f, &d);
	char *text = err ? NULL : raw_format("sched", "sched_switch");

	free(text);
	if (text)
		return true;
	print_message("SKIP: %s (%s)\n", h.text, h.hint);
	return false;
}

static void the_machine_is_itself(void **state)
{
	struct utsname u;
	u32 a, b;

	(void)state;
	assert_int_equal(uname(&u), 0);
	assert_int_equal(sscanf(u.release, "%u.%u", &a, &b), 2);
	assert_int_equal(live->kernel, KERNEL(a, b));
	assert_string_equal(live->release, u.release);
	assert_string_equal(live->arch, u.machine);
	assert_true(live->cpus >= (u32)sysconf(_SC_NPROCESSORS_ONLN));
}

struct counter {
	u32 n, wrong;
	u32 each; /* compare every so many */
};

/* Each field of ours is in the file, in its own words. */
static int compare_with_file(void *user, const char *category, const char *name)
{
	struct counter *c = user;
	struct tp_format *f;
	struct buf line = {0};
	char *text;
	u32 commons = 0, all = 0;

	if (c->n++ % c->each)
		return 0;
	text = raw_format(category, name);
	if (live->ops->tracepoint(live, category, name, &f) || !text) {
		free(text);
		c->wrong++;
		return 0;
	}
	for (char *p = text; (p = strstr(p, "\tfield:")); p++)
		all++;
	for (char *p = text; (p = strstr(p, " common_")); p++)
		commons++;
	c->wrong += f->nfields != all - commons;
	for (u32 i = 0; i < f->nfields; i++) {
		line.n = 0;
		tp_write_field(&line, &f->fields[i]);
		if (!strstr(text, buf_str(&line))) {
			print_error("%s:%s: %s", category, name, buf_str(&line));
			c->wrong++;
		}
	}
	buf_free(&line);
	free(text);
	return 0;
}

static void formats_are_those_of_tracefs(void **state)
{
	struct counter c = {.each = 7};
	struct tp_format *f, *again;

	(void)state;
	if (!can_see_tracefs())
		skip();
	assert_int_equal(live->ops->tracepoint(live, "sched", "sched_switch", &f), 0);
	assert_true(tp_field(f, "prev_comm")->is_string);
	assert_int_equal(tp_field(f, "prev_comm")->size, 16);
	assert_int_equal(live->ops->tracepoint(live, "sched", "sched_switch", &again), 0);
	assert_ptr_equal(f, again);
	assert_int_equal(live->ops->tracepoints(live, compare_with_file, &c), 0);
	assert_true(c.n > 300);
	assert_int_equal(c.wrong, 0);
}

static int stop_at_third(void *user, const char *category, const char *name)
{
	(void)category;
	(void)name;
	return ++*(u32 *)user == 3 ? 42 : 0;
}

static void ask(struct target *t, const char *category, const char *name, const char *message,
		const char *hint)
{
	struct heard h = {0};
	struct diag d = {.fn = hear, .user = &h};
	struct loc at = {.line = 3, .col = 14, .len = 5};
	struct tp_format *f;

	assert_int_equal(target_tracepoint(t, category, name, at, &f, &d), -ENOENT);
	assert_null(f);
	assert_int_equal(h.n, 1);
	assert_string_equal(h.text, message);
	if (hint)
		assert_string_equal(h.hint, hint);
}

static void unknown_names_get_a_hint(void **state)
{
	u32 n = 0;

	(void)state;
	if (!can_see_tracefs())
		skip();
	ask(live, "sched", "sched_swich", "there is no tracepoint 'sched:sched_swich'",
	    "did you mean 'sched:sched_switch'?");
	ask(live, "shced", "sched_switch", "there is no category 'shced' of tracepoints",
	    "did you mean 'sched:sched_switch'?");
	ask(live, "tracepoints", "sched_switch",
	    "there is no category 'tracepoints' of tracepoints",
	    "did you mean 'sched:sched_switch'?");
	ask(live, "sched", "zzzzzzzzzz", "there is no tracepoint 'sched:zzzzzzzzzz'",
	    "ls /sys/kernel/tracing/events/sched shows what there is");
	ask(live, "../sched", "sched_switch", "there is no category '../sched' of tracepoints",
	    NULL);
	assert_int_equal(live->ops->tracepoints(live, stop_at_third, &n), 42);
	assert_int_equal(n, 3);
}

/* A name far longer than any is refused as calmly. */
static void long_names_are_unknown(void **state)
{
	char name[6000];
	struct tp_format *f;
	struct diag d = {0};

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	assert_int_equal(target_tracepoint(live, name, name, (struct loc){0}, &f, &d), -ENOENT);
}

static void types_are_cached_for_their_owner(void **state)
{
	char dir[] = "/tmp/waggle-cache-XXXXXX";
	struct diag d = {0};
	struct target *t;
	struct btf *b, *again;

	(void)state;
	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		print_message("SKIP: no /sys/kernel/btf/vmlinux\n");
		skip();
	}
	/* nowhere to put a cache: types are there all the same */
	assert_non_null(mkdtemp(dir));
	for (u32 i = 0; i < 3; i++) {
		if (i == 0)
			unsetenv("HOME"), unsetenv("XDG_CACHE_HOME");
		else
			setenv("XDG_CACHE_HOME", i == 1 ? "/proc/nowhere" : dir, 1);
		assert_int_equal(target_live(&t, &d), 0);
		assert_int_equal(t->ops->btf(t, &b, &d), 0);
		assert_true(btf_find(b, "task_struct", BTF_STRUCT) > 0);
		assert_int_equal(t->ops->btf(t, &again, &d), 0);
		assert_ptr_equal(b, again);
		target_close(t);
	}
	unsetenv("XDG_CACHE_HOME");
	if (geteuid()) { /* root's is in /var/cache */
		char sub[64];

		snprintf(sub, sizeof(sub), "%s/waggle", dir);
		assert_int_equal(access(sub, F_OK), 0);
		snprintf(sub, sizeof(sub), "rm -r %s/waggle", dir);
		assert_int_equal(system(sub), 0);
	} else {
		assert_int_equal(access("/var/cache/waggle", F_OK), 0);
	}
	rmdir(dir);
}

/* ---- saved machines */

static const char *const some[] = {"sched:sched_*", "syscalls:*openat*", NULL};

static void check_same(struct target *a, struct target *b, const char *category, const char *name)
{
	struct tp_format *x, *y;

	assert_int_equal(a->ops->tracepoint(a, category, name, &x), 0);
	assert_int_equal(b->ops->tracepoint(b, category, name, &y), 0);
	assert_string_equal(y->category, category);
	assert_string_equal(y->name, name);
	assert_int_equal(x->nfields, y->nfields);
	for (u32 i = 0; i < x->nfields; i++) {
		const struct tp_field *f = &x->fields[i], *g = &y->fields[i];

		assert_string_equal(f->name, g->name);
		assert_string_equal(f->type, g->type);
		assert_true(f->off == g->off && f->size == g->size && f->elem == g->elem &&
			    f->is_signed == g->is_signed && f->is_array == g->is_array &&
			    f->is_string == g->is_string && f->is_pointer == g->is_pointer &&
			    f->is_data_loc == g->is_data_loc && f->is_rel_loc == g->is_rel_loc);
	}
}

static void a_saved_machine_answers_the_same(void **state)
{
	struct buf file = {0}, again = {0};
	struct heard h = {0};
	struct diag d = {.fn = hear, .user = &h};
	struct target *t;
	struct tp_format *f;
	struct btf *b;

	(void)state;
	if (!can_see_tracefs())
		skip();
	assert_int_equal(target_save(live, some, &file, &d), 0);
	assert_int_equal(target_save(live, some, &again, &d), 0);
	assert_int_equal(file.n, again.n);
	assert_memory_equal(file.p, again.p, file.n);
	assert_int_equal(target_open(&t, file.p, file.n, &d), 0);
	assert_true(t->kernel == live->kernel && t->cpus == live->cpus);
	assert_string_equal(t->arch, live->arch);
	assert_string_equal(t->release, live->release);
	check_same(live, t, "sched", "sched_switch");
	check_same(live, t, "sched", "sched_process_exec");
	check_same(live, t, "syscalls", "sys_enter_openat");
	assert_int_equal(t->ops->tracepoint(t, "syscalls", "sys_enter_read", &f), -ENOENT);
	assert_int_equal(h.n, 0);
	assert_int_equal(t->ops->btf(t, &b, &d), -ENOENT);
	assert_non_null(strstr(h.hint, "target save"));
	ask(t, "syscalls", "sys_enter_openta", "there is no tracepoint 'syscalls:sys_enter_openta'",
	    "did you mean 'syscalls:sys_enter_openat'?");

	/* what was opened can be saved: the same bytes */
	again.n = 0;
	assert_int_equal(target_save(t, some, &again, &d), 0);
	assert_int_equal(file.n, again.n);
	assert_memory_equal(file.p, again.p, file.n);
	target_close(t);
	buf_free(&file);
	buf_free(&again);
}

static void types_travel_with_a_saved_machine(void **state)
{
	static const char *const with[] = {"btf", "sched:sched_switch", NULL};
	struct buf file = {0};
	struct diag d = {0};
	struct target *t;
	struct btf *b, *here;
	u32 id;

	(void)state;
	if (!can_see_tracefs() || access("/sys/kernel/btf/vmlinux", R_OK)) {
		print_message("SKIP: no BTF\n");
		skip();
	}
	assert_int_equal(target_save(live, with, &file, &d), 0);
	assert_int_equal(target_open(&t, file.p, file.n, &d), 0);
	assert_int_equal(t->ops->btf(t, &b, &d), 0);
	assert_int_equal(live->ops->btf(live, &here, &d), 0);
	id = btf_find(b, "task_struct", BTF_STRUCT);
	assert_true(id > 0);
	assert_int_equal(btf_find(here, "task_struct", BTF_STRUCT), id);
	assert_int_equal(btf_type(b, id)->size, btf_type(here, id)->size);
	check_same(live, t, "sched", "sched_switch");
	target_close(t);
	assert_int_equal(target_open(&t, file.p, file.n - 1, &d), -EINVAL);
	buf_free(&file);
}

static void a_pattern_without_match_is_told(void **state)
{
	static const char *const none[] = {"nothing:*", NULL};
	struct buf file = {0};
	struct heard h = {0};
	struct diag d = {.fn = hear, .user = &h};

	(void)state;
	if (!can_see_tracefs())
		skip();
	assert_int_equal(target_save(live, none, &file, &d), 0);
	assert_string_equal(h.text, "no tracepoint matches 'nothing:*'");
	buf_free(&file);
}

static char *golden(size_t *n)
{
	FILE *f = fopen(GOLDEN, "r");
	char *p;

	if (!f)
		fail_msg("no " GOLDEN ": run the tests from the top folder");
	p = calloc(1, 1 << 20);
	*n = fread(p, 1, 1 << 20, f);
	fclose(f);
	return p;
}

static void the_golden_machine_opens(void **state)
{
	struct diag d = {0};
	struct target *t;
	struct tp_format *f;
	const struct tp_field *field;
	size_t n;
	char *data = golden(&n);

	(void)state;
	assert_true(n < 65536);
	assert_int_equal(target_open(&t, data, n, &d), 0);
	assert_string_equal(t->arch, "x86_64");
	assert_int_equal(
		target_tracepoint(t, "syscalls", "sys_enter_openat", (struct loc){0}, &f, &d), 0);
	field = tp_field(f, "filename");
	assert_true(field && field->is_pointer && field->off == 24 && field->size == 8);
	assert_int_equal(
		target_tracepoint(t, "sched", "sched_process_exec", (struct loc){0}, &f, &d), 0);
	assert_true(tp_field(f, "filename")->is_data_loc);
	target_close(t);
	free(data);
}

#define HEAD "waggle target 1\nrelease 6\nkernel 6.1\narch x\ncpus 2\n"

static void broken_files_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"waggle target 2\n",
		"waggle target 1",
		"waggle target 1\nend\n",
		"waggle target 1\nrelease 6\nkernel 6.1\narch x\ncpus 0\nend\n",
		HEAD "endless\n",
		HEAD "end\nmore\n",
		HEAD "btf 5\nfour",
		HEAD "btf "
		     "99999999999999999999\n",
		"waggle target 1\nrelease 6\nkernel 6\narch x\ncpus 2\nend\n",
		HEAD "tracepoint a\nend\n",
		HEAD "tracepoint ../a:b\nend\n",
		HEAD "something new\nend\n",
		HEAD "tracepoint "
		     "a:b\ntracepoint a:b\nend\n",
	};
	static const char good[] = HEAD "\ntracepoint a:b\n\nend\n";
	struct heard h = {0};
	struct diag d = {.fn = hear, .user = &h};
	struct tp_format *f;
	struct target *t;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		if (target_open(&t, bad[i], strlen(bad[i]), &d) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
		assert_null(t);
		assert_int_equal(h.n, i + 1);
	}
	assert_int_equal(target_open(&t, good, sizeof(good) - 1, &d), 0);
	assert_int_equal(t->ops->tracepoint(t, "a", "b", &f), 0);
	assert_int_equal(f->nfields, 0);
	target_close(t);
}

static int poke(void *user, const char *category, const char *name)
{
	struct tp_format *f;

	((struct target *)user)->ops->tracepoint(user, category, name, &f);
	return 0;
}

static void mutated_files_are_survived(void **state)
{
	struct diag d = {0};
	u32 opened = 0;
	size_t n;
	char *data = golden(&n);

	(void)state;
	for (u32 i = 0; i < 3000; i++) {
		size_t size = i % 5 ? n : rnd((u32)n);
		char *bad = malloc(size + !size);
		struct target *t;
		struct tp_format *f;

		memcpy(bad, data, size);
		for (u32 k = 1 + rnd(5); k-- && size;)
			bad[rnd((u32)size)] = rnd(2) ? (char)rnd(256) : "\n\t:; []0"[rnd(8)];
		if (!target_open(&t, bad, size, &d)) {
			struct buf out = {0};

			opened++;
			t->ops->tracepoints(t, poke, t);
			target_tracepoint(t, "sched", "sched_swith", (struct loc){0}, &f, &d);
			if (i % 16 == 0)
				target_save(t, NULL, &out, &d);
			buf_free(&out);
			target_close(t);
		}
		free(bad);
	}
	assert_true(opened > 300);
	free(data);
}

static int count_function(void *user, const char *name, const char *module)
{
	(void)module;
	u32 *n = user;

	++*n;
	return !strcmp(name, "vfs_write");
}

/* Functions come with a line that says that there are kprobes at all. */
static void functions_are_kept(void **state)
{
	static const char file[] = HEAD "kprobes\nfunction vfs_read\nfunction vfs_write\n"
					"function vfs_zero\n\nend\n";
	static const char none[] = HEAD "\nend\n", wrong[] = HEAD "function vfs_read\n\nend\n";
	struct diag silent = {0};
	struct user_file *f;
	struct target *t;
	struct buf copy = {0};
	u32 n = 0;

	(void)state;
	assert_int_equal(target_open(&t, file, sizeof(file) - 1, &silent), 0);
	assert_int_equal(t->ops->kprobes(t), 0);
	assert_int_equal(t->ops->function(t, "vfs_read"), 0);
	assert_int_equal(t->ops->function(t, "vfs_rea"), -ENOENT);
	assert_int_equal(t->ops->functions(t, count_function, &n), 1);
	assert_int_equal(n, 2);
	assert_int_equal(t->ops->file(t, "/bin/sh", 0, &f), -EOPNOTSUPP);
	assert_int_equal(target_save(t, (const char *const[]){"kprobe:vfs_[rz]e*", NULL}, &copy,
				     &silent), 0);
	assert_non_null(strstr(buf_str(&copy), "\nkprobes\nfunction vfs_read\nfunction vfs_zero\n"));
	assert_null(strstr(buf_str(&copy), "vfs_write"));
	buf_free(&copy);
	target_close(t);
	assert_int_equal(target_open(&t, none, sizeof(none) - 1, &silent), 0);
	assert_int_equal(t->ops->kprobes(t), -ENOENT);
	target_close(t);
	assert_int_equal(target_open(&t, wrong, sizeof(wrong) - 1, &silent), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_machine_is_itself),
		cmocka_unit_test(formats_are_those_of_tracefs),
		cmocka_unit_test(unknown_names_get_a_hint),
		cmocka_unit_test(long_names_are_unknown),
		cmocka_unit_test(types_are_cached_for_their_owner),
		cmocka_unit_test(a_saved_machine_answers_the_same),
		cmocka_unit_test(types_travel_with_a_saved_machine),
		cmocka_unit_test(a_pattern_without_match_is_told),
		cmocka_unit_test(the_golden_machine_opens),
		cmocka_unit_test(broken_files_are_refused),
		cmocka_unit_test(functions_are_kept),
		cmocka_unit_test(mutated_files_are_survived),
	};

	return cmocka_run_group_tests(tests, start_live, end_live);
}
