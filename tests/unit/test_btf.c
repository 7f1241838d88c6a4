/*
 * test_btf.c: BTF built, read, cached and broken.
 *
 * What we build must be accepted by the kernel and by libbpf, and read back as it was; the kernel's
 * own types must be what libbpf says they are, with and without a cache, whatever is done to it.
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
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "btf/btf.h"
#include "isa/isa.h"

#define VMLINUX "/sys/kernel/btf/vmlinux"

/* libbpf, declared by hand: its headers use the names that ours use */
void *btf__new(const void *data, u32 size);
void *btf__load_vmlinux_btf(void);
void btf__free(void *);
u32 btf__type_cnt(const void *);
const u32 *btf__type_by_id(const void *, u32 id);
const char *btf__name_by_offset(const void *, u32 off);
s32 btf__find_by_name_kind(const void *, const char *name, u32 kind);

static u64 rng = 88172645463325252ull;

static u32 rnd(u32 n)
{
	rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
	return (u32)(rng >> 16) % n;
}

/* ---- a small BTF of all kinds that we build */

enum {
	T_INT = 1,
	T_CHAR,
	T_PTR,
	T_ARRAY,
	T_ENUM,
	T_STRUCT,
	T_UNION,
	T_FWD,
	T_TYPEDEF,
	T_CONST,
	T_PROTO,
	T_FUNC,
	T_VAR,
	T_SEC,
	T_LAST = T_SEC
};

static u32 running_kernel(void)
{
	struct utsname u;
	u32 a = 0, b = 0;

	uname(&u);
	assert_int_equal(sscanf(u.release, "%u.%u", &a, &b), 2);
	return KERNEL(a, b);
}

/* Before 6.0 the kernel refuses the flag that makes an enum signed. */
static bool signed_enums = true;

static void build(struct btf_builder *b)
{
	const struct btf_member fields[] = {{"pid", T_INT, 0, 0},
					    {"comm", T_ARRAY, 32, 0},
					    {"low", T_INT, 160, 3},
					    {"high", T_INT, 163, 29}};
	const struct btf_member either[] = {{"a", T_INT, 0, 0}, {"", T_STRUCT, 0, 0}};
	const struct btf_member params[] = {{"p", T_PTR, 0, 0}, {"n", T_TYPEDEF, 0, 0}};
	const struct btf_value values[] = {{"MINUS", -1}, {"ZERO", 0}, {"MANY", 1000000}};
	const struct btf_secinfo secs[] = {{T_VAR, 0, 24}};

	assert_int_equal(btf_add_int(b, "int", 4, true), T_INT);
	assert_int_equal(btf_add_int(b, "char", 1, false), T_CHAR);
	assert_int_equal(btf_add_ref(b, BTF_PTR, NULL, T_STRUCT), T_PTR);
	assert_int_equal(btf_add_array(b, T_CHAR, T_INT, 16), T_ARRAY);
	assert_int_equal(btf_add_enum(b, "level", 4, signed_enums, values, 3), T_ENUM);
	assert_int_equal(btf_add_struct(b, BTF_STRUCT, "event", 24, fields, 4), T_STRUCT);
	assert_int_equal(btf_add_struct(b, BTF_UNION, "either", 24, either, 2), T_UNION);
	assert_int_equal(btf_add_ref(b, BTF_FWD, "later", 0), T_FWD);
	assert_int_equal(btf_add_ref(b, BTF_TYPEDEF, "count_t", T_CONST), T_TYPEDEF);
	assert_int_equal(btf_add_ref(b, BTF_CONST, NULL, T_INT), T_CONST);
	assert_int_equal(btf_add_proto(b, T_INT, params, 2), T_PROTO);
	assert_int_equal(btf_add_func(b, "handle", T_PROTO, 1), T_FUNC);
	assert_int_equal(btf_add_var(b, "last", T_STRUCT, 1), T_VAR);
	assert_int_equal(btf_add_datasec(b, ".bss", 24, secs, 1), T_SEC);
}

static void built(struct buf *out)
{
	struct btf_builder b = {0};

	build(&b);
	btf_build(&b, out);
	btf_builder_free(&b);
	assert_false(out->failed);
}

static void check_member(const struct btf_type *t, u32 i, const char *name, u32 type, u32 off,
			 u32 bits)
{
	assert_string_equal(t->members[i].name, name);
	assert_int_equal(t->members[i].type, type);
	assert_int_equal(t->members[i].bit_off, off);
	assert_int_equal(t->members[i].bits, bits);
}

static void what_is_built_reads_back(void **state)
{
	struct buf raw = {0}, copy = {0};
	struct diag d = {0};
	const struct btf_type *t;
	struct btf *b;

	(void)state;
	built(&raw);
	assert_int_equal(btf_open_raw(&b, raw.p, raw.n, &d), 0);
	assert_int_equal(btf_count(b), T_LAST);
	t = btf_type(b, T_INT);
	assert_true(t->kind == BTF_INT && t->size == 4 && t->is_signed && t->bits == 32);
	assert_string_equal(t->name, "int");
	assert_false(btf_type(b, T_CHAR)->is_signed);
	t = btf_type(b, T_ARRAY);
	assert_true(t->kind == BTF_ARRAY && t->type == T_CHAR && t->index == T_INT && t->n == 16);
	t = btf_type(b, T_ENUM);
	assert_true(t->n == 3 && t->is_signed && t->values[0].value == -1 && t->size == 4);
	assert_string_equal(t->values[2].name, "MANY");
	assert_int_equal(t->values[2].value, 1000000);
	t = btf_type(b, T_STRUCT);
	assert_true(t->kind == BTF_STRUCT && t->size == 24 && t->n == 4);
	check_member(t, 1, "comm", T_ARRAY, 32, 0);
	check_member(t, 2, "low", T_INT, 160, 3);
	check_member(t, 3, "high", T_INT, 163, 29);
	check_member(btf_type(b, T_UNION), 1, "", T_STRUCT, 0, 0);
	t = btf_type(b, T_PROTO);
	assert_true(t->n == 2 && t->type == T_INT && t->members[1].type == T_TYPEDEF);
	t = btf_type(b, T_FUNC);
	assert_true(t->kind == BTF_FUNC && t->linkage == 1 && t->type == T_PROTO && !t->n);
	assert_int_equal(btf_type(b, T_VAR)->linkage, 1);
	t = btf_type(b, T_SEC);
	assert_true(t->n == 1 && t->secs[0].type == T_VAR && t->secs[0].size == 24);

	assert_int_equal(btf_find(b, "event", BTF_STRUCT), T_STRUCT);
	assert_int_equal(btf_find(b, "event", BTF_UNION), 0);
	assert_int_equal(btf_find(b, "even", BTF_STRUCT), 0);
	assert_int_equal(btf_find(b, "", BTF_PTR), 0);
	assert_int_equal(btf_find(b, ".bss", BTF_DATASEC), T_SEC);
	assert_int_equal(btf_find_value(b, "MINUS"), T_ENUM);
	assert_int_equal(btf_find_value(b, "MANY"), T_ENUM);
	assert_int_equal(btf_find_value(b, "level"), 0);
	assert_int_equal(btf_skip(b, T_TYPEDEF), T_INT);
	assert_string_equal(btf_type(b, 0)->name, "void");
	assert_null(btf_type(b, T_LAST + 1));
	assert_int_equal(btf_copy(b, &copy), 0);
	assert_int_equal(copy.n, raw.n);
	assert_memory_equal(copy.p, raw.p, raw.n);
	buf_free(&copy);
	btf_close(b);
	buf_free(&raw);
}

static void strings_are_shared(void **state)
{
	struct btf_builder b = {0};
	char name[16];

	(void)state;
	for (u32 round = 0; round < 2; round++)
		for (u32 i = 0; i < 100; i++) {
			snprintf(name, sizeof(name), "name%u", i);
			btf_add_int(&b, name, 4, false);
		}
	assert_int_equal(b.strings.n, 1 + 10 * 6 + 90 * 7);
	assert_int_equal(btf_string(&b, "name0"), 1);
	assert_int_equal(btf_string(&b, ""), 0);
	btf_builder_free(&b);
}

static void the_kernel_takes_what_is_built(void **state)
{
	char log[4096] = "";
	struct buf raw = {0};
	struct {
		u64 btf, log;
		u32 size, log_size, level;
		u8 rest[32];
	} attr = {0};
	long fd;

	(void)state;
	signed_enums = running_kernel() >= KERNEL(6, 0);
	built(&raw);
	signed_enums = true;
	attr.btf = (u64)(uintptr_t)raw.p;
	attr.log = (u64)(uintptr_t)log;
	attr.size = (u32)raw.n;
	attr.log_size = sizeof(log);
	attr.level = 1;
	fd = syscall(SYS_bpf, 18 /* BPF_BTF_LOAD */, &attr, 28);
	buf_free(&raw);
	if (fd < 0 && (errno == EPERM || errno == ENOSYS)) {
		print_message("SKIP: loading BTF needs CAP_BPF (or root)\n");
		skip();
	}
	if (fd < 0)
		print_error("%s\n", log);
	assert_true(fd >= 0);
	close((int)fd);
}

/* ---- against libbpf */

/* The same type as libbpf's raw view of it? */
static void compare(struct btf *b, const void *oracle, u32 id)
{
	const struct btf_type *t = btf_type(b, id);
	const u32 *r = btf__type_by_id(oracle, id);

	assert_non_null(t);
	assert_non_null(r);
	assert_string_equal(t->name, btf__name_by_offset(oracle, r[0]));
	assert_int_equal(t->kind, r[1] >> 24 & 0x1f);
	assert_int_equal(t->id, id);
	switch (t->kind) {
	case BTF_STRUCT:
	case BTF_UNION:
		assert_int_equal(t->size, r[2]);
		assert_int_equal(t->n, r[1] & 0xffff);
		for (u32 i = 0; i < t->n; i++) {
			u32 off = r[3 + i * 3 + 2], packed = r[1] >> 31;

			check_member(t, i, btf__name_by_offset(oracle, r[3 + i * 3]),
				     r[3 + i * 3 + 1], packed ? off & 0xffffff : off,
				     packed ? off >> 24 : 0);
		}
		break;
	case BTF_ENUM:
		assert_int_equal(t->size, r[2]);
		assert_int_equal(t->n, r[1] & 0xffff);
		for (u32 i = 0; i < t->n; i++) {
			assert_string_equal(t->values[i].name,
					    btf__name_by_offset(oracle, r[3 + i * 2]));
			assert_int_equal((u32)t->values[i].value, r[3 + i * 2 + 1]);
		}
		break;
	case BTF_FUNC_PROTO:
		assert_int_equal(t->type, r[2]);
		assert_int_equal(t->n, r[1] & 0xffff);
		for (u32 i = 0; i < t->n; i++) {
			assert_string_equal(t->members[i].name,
					    btf__name_by_offset(oracle, r[3 + i * 2]));
			assert_int_equal(t->members[i].type, r[3 + i * 2 + 1]);
		}
		break;
	case BTF_ARRAY: assert_true(t->type == r[3] && t->index == r[4] && t->n == r[5]); break;
	case BTF_INT:
	case BTF_FLOAT:
	case BTF_DATASEC:
	case BTF_ENUM64: assert_int_equal(t->size, r[2]); break;
	default: assert_int_equal(t->type, r[2]); break;
	}
}

static void libbpf_takes_what_is_built(void **state)
{
	struct buf raw = {0};
	struct diag d = {0};
	struct btf *b;
	void *oracle;

	(void)state;
	built(&raw);
	oracle = btf__new(raw.p, (u32)raw.n);
	assert_non_null(oracle);
	assert_int_equal(btf__type_cnt(oracle), T_LAST + 1);
	assert_int_equal(btf_open_raw(&b, raw.p, raw.n, &d), 0);
	for (u32 id = 1; id <= T_LAST; id++)
		compare(b, oracle, id);
	btf_close(b);
	btf__free(oracle);
	buf_free(&raw);
}

struct kernel {
	void *oracle; /* NULL: no BTF here */
	char dir[64]; /* the cache */
};

static int start_kernel(void **state)
{
	struct kernel *k = calloc(1, sizeof(*k));

	strcpy(k->dir, "/tmp/waggle-btf-XXXXXX");
	assert_non_null(mkdtemp(k->dir));
	k->oracle = access(VMLINUX, R_OK) ? NULL : btf__load_vmlinux_btf();
	*state = k;
	return 0;
}

static void cache_file(const struct kernel *k, const char *dir, char *path)
{
	struct stat st;

	(void)k;
	assert_int_equal(stat(VMLINUX, &st), 0);
	sprintf(path, "%s/btf-abc123-%lld-3.index", dir, (long long)st.st_size);
}

static int end_kernel(void **state)
{
	struct kernel *k = *state;
	char path[256];

	if (k->oracle) {
		cache_file(k, k->dir, path);
		unlink(path);
		btf__free(k->oracle);
	}
	rmdir(k->dir);
	free(k);
	return 0;
}

static struct btf *open_kernel(const char *dir)
{
	struct diag d = {0};
	struct btf *b;

	assert_int_equal(btf_open_file(&b, VMLINUX, dir, "abc123", &d), 0);
	return b;
}

static void need_kernel(struct kernel *k)
{
	if (k->oracle)
		return;
	print_message("SKIP: no " VMLINUX " (CONFIG_DEBUG_INFO_BTF)\n");
	skip();
}

static void check_kernel(const struct kernel *k, struct btf *b, u32 types)
{
	static const char *const names[] = {"task_struct", "file", "sk_buff", "list_head",
					    "nothing"};
	u32 n = btf__type_cnt(k->oracle) - 1;

	assert_int_equal(btf_count(b), n);
	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		s32 id = btf__find_by_name_kind(k->oracle, names[i], BTF_STRUCT);

		assert_int_equal(btf_find(b, names[i], BTF_STRUCT), id < 0 ? 0 : id);
		if (id > 0)
			compare(b, k->oracle, (u32)id);
	}
	assert_true(btf_find(b, "u64", BTF_TYPEDEF) > 0);
	assert_true(btf_find_value(b, "BPF_PROG_TYPE_TRACEPOINT") > 0);
	assert_int_equal(btf_find_value(b, "NO_SUCH_VALUE_AT_ALL"), 0);
	for (u32 i = 0; i < types; i++) {
		u32 id = 1 + rnd(n);
		const struct btf_type *t = btf_type(b, id);

		compare(b, k->oracle, id);
		if (*t->name && t->kind != BTF_DECL_TAG && t->kind != BTF_TYPE_TAG) {
			u32 found = btf_find(b, t->name, t->kind);

			assert_true(found > 0 && found <= id);
			assert_string_equal(btf_type(b, found)->name, t->name);
		}
		if (t->kind == BTF_ENUM && t->n) { /* many have no name of their own */
			u32 found = btf_find_value(b, t->values[t->n - 1].name);

			assert_true(found > 0 && found <= id);
		}
	}
	compare(b, k->oracle, 1);
	compare(b, k->oracle, 63);
	compare(b, k->oracle, 64);
	compare(b, k->oracle, n);
}

static void kernel_types_are_those_of_libbpf(void **state)
{
	static const char *const ways[] = {"read", "mmap", NULL};
	struct kernel *k = *state;
	struct diag d = {0};
	struct btf *b;

	need_kernel(k);
	for (u32 i = 0; i < ARRAY_SIZE(ways); i++) {
		if (ways[i])
			setenv("WAGGLE_BTF", ways[i], 1);
		else
			unsetenv("WAGGLE_BTF");
		if (btf_open_file(&b, VMLINUX, NULL, NULL, &d)) {
			assert_string_equal(ways[i], "mmap"); /* before Linux 6.16 */
			continue;
		}
		check_kernel(k, b, 300);
		btf_close(b);
	}
	unsetenv("WAGGLE_BTF");
}

static void the_cache_is_written_and_used(void **state)
{
	struct kernel *k = *state;
	char path[256], former[256], nested[128];
	struct stat st, again;
	struct btf *b;

	need_kernel(k);
	/* what a former version left behind does not stay */
	cache_file(k, k->dir, path);
	sprintf(former, "%.*s-1.index", (int)(strrchr(path, '-') - path), path);
	assert_int_equal(close(creat(former, 0600)), 0);
	btf_close(open_kernel(k->dir));
	assert_int_equal(access(former, F_OK), -1);
	cache_file(k, k->dir, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	b = open_kernel(k->dir);
	check_kernel(k, b, 50);
	btf_close(b);
	assert_int_equal(stat(path, &again), 0);
	assert_int_equal(st.st_ino, again.st_ino); /* not written again */

	/* others may read it: it could have been written by others, too */
	assert_int_equal(chmod(path, 0644), 0);
	btf_close(open_kernel(k->dir));
	assert_int_equal(stat(path, &again), 0);
	assert_int_equal(again.st_mode & 07777, 0600);

	/* folders are made; a folder that cannot be made is done without */
	snprintf(nested, sizeof(nested), "%s/a/b", k->dir);
	btf_close(open_kernel(nested));
	cache_file(k, nested, path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(nested), 0);
	*strrchr(nested, '/') = 0;
	assert_int_equal(rmdir(nested), 0);
	btf_close(open_kernel("/proc/no/such/folder"));
}

static void flip(const char *path, long at, u32 bits)
{
	FILE *f = fopen(path, "r+");
	int c;

	assert_non_null(f);
	fseek(f, at, SEEK_SET);
	c = fgetc(f);
	fseek(f, at, SEEK_SET);
	fputc(c ^ (int)bits, f);
	fclose(f);
}

/* Wherever a byte of it is wrong, the answers are right. */
static void a_damaged_cache_misleads_nobody(void **state)
{
	struct kernel *k = *state;
	char path[256];
	struct stat st;
	struct btf *b;

	need_kernel(k);
	cache_file(k, k->dir, path);
	for (u32 i = 0; i < 12; i++) {
		if (access(path, F_OK))
			btf_close(open_kernel(k->dir));
		assert_int_equal(stat(path, &st), 0);
		if (i == 0)
			assert_int_equal(truncate(path, 100), 0);
		else if (i == 1)
			assert_int_equal(truncate(path, st.st_size - 1), 0);
		else
			for (u32 n = 0; n < 200; n++)
				flip(path, i < 4 ? rnd(1024) : (long)rnd((u32)st.st_size),
				     1u << rnd(8));
		b = open_kernel(k->dir);
		check_kernel(k, b, 20);
		btf_close(b);
		if (i & 1)
			unlink(path);
	}
}

/* ---- broken input */

static void poke_all(struct btf *b)
{
	for (u32 id = 0; id <= btf_count(b) + 1; id++) {
		const struct btf_type *t = btf_type(b, id);
		size_t n = t ? strlen(t->name) : 0;

		for (u32 i = 0; t && t->members && i < t->n; i++)
			n += strlen(t->members[i].name);
		for (u32 i = 0; t && t->values && i < t->n; i++)
			n += strlen(t->values[i].name);
		btf_skip(b, id);
		if (n)
			btf_find(b, t->name, t->kind);
	}
	btf_find(b, "event", BTF_STRUCT);
	assert_int_equal(btf_find(b, "event", BTF_VOID), 0);
}

static void broken_bytes_are_survived(void **state)
{
	struct buf raw = {0};
	struct diag d = {0};
	u32 opened = 0;
	char path[] = "/tmp/waggle-btf-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	built(&raw);
	for (u32 i = 0; i < 20000; i++) {
		size_t size = i % 7 ? raw.n : rnd((u32)raw.n + 1);
		char *bad = malloc(size + !size); /* its end is watched by ASan */
		struct btf *b;

		memcpy(bad, raw.p, size);
		for (u32 n = 1 + rnd(4); n-- && size;) {
			u32 at = rnd(2) ? rnd((u32)size) : rnd(MIN(24u, (u32)size));

			bad[at] = (char)(rnd(2) ? rnd(256) : (u32)bad[at] ^ 1u << rnd(8));
		}
		if (!btf_open_raw(&b, bad, size, &d)) {
			opened++;
			poke_all(b);
			btf_close(b);
		}
		if (i % 20 == 0) { /* the same from a file, streamed */
			setenv("WAGGLE_BTF", "read", 1);
			assert_int_equal(ftruncate(fd, 0), 0);
			assert_int_equal(pwrite(fd, bad, size, 0), (ssize_t)size);
			if (!btf_open_file(&b, path, NULL, NULL, &d)) {
				poke_all(b);
				btf_close(b);
			}
			unsetenv("WAGGLE_BTF");
		}
		free(bad);
	}
	assert_true(opened > 1000 && opened < 19000);
	close(fd);
	unlink(path);
	buf_free(&raw);
}

static void keep_text(void *user, const struct waggle_diag *d)
{
	snprintf(user, 200, "%s", d->text);
}

static void errors_say_why(void **state)
{
	char text[200] = "";
	struct diag d = {.fn = keep_text, .user = text};
	struct btf *b;

	(void)state;
	assert_int_equal(btf_open_raw(&b, "no btf", 6, &d), -EINVAL);
	assert_null(b);
	assert_non_null(strstr(text, "shorter than its header"));
	assert_int_equal(btf_open_raw(&b, "this is not the magic number", 28, &d), -EINVAL);
	assert_non_null(strstr(text, "magic"));
	assert_int_equal(btf_open_file(&b, "/no/such/file", NULL, NULL, &d), -ENOENT);
	assert_non_null(strstr(text, "/no/such/file"));
	assert_int_equal(btf_open_file(&b, "/dev/null", NULL, NULL, &d), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_built_reads_back),
		cmocka_unit_test(strings_are_shared),
		cmocka_unit_test(the_kernel_takes_what_is_built),
		cmocka_unit_test(libbpf_takes_what_is_built),
		cmocka_unit_test(kernel_types_are_those_of_libbpf),
		cmocka_unit_test(the_cache_is_written_and_used),
		cmocka_unit_test(a_damaged_cache_misleads_nobody),
		cmocka_unit_test(broken_bytes_are_survived),
		cmocka_unit_test(errors_say_why),
	};

	return cmocka_run_group_tests(tests, start_kernel, end_kernel);
}
