/*
 * test_object.c: objects printed, checked, written, read, broken.
 *
 * An object that was written and read back is the same object, and writes the same bytes again.
 * Objects that do not fit together are refused by name; no change of a file's bytes makes the
 * reader crash or leak.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "btf/btf.h"
#include "elf/elf.h"
#include "object_sample.h"

static u64 rng = 88172645463325252ull;

static u32 rnd(u32 n)
{
	rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
	return (u32)(rng >> 16) % n;
}

/* The last message, with its hint. */
static char said[4096];

static void listen(void *user, const struct waggle_diag *w)
{
	(void)user;
	snprintf(said, sizeof(said), "%s (%s)", w->text, w->hint ? w->hint : "");
}

static struct diag ear = {.fn = listen};

static void has(const char *text, const char *part)
{
	if (!strstr(text, part)) {
		print_message("'%s' is not in:\n%s\n", part, text);
		fail();
	}
}

static struct buf written(const struct object *o)
{
	struct buf out = {0};

	said[0] = 0;
	if (object_write_elf(o, &out, &ear))
		print_message("%s\n", said);
	assert_string_equal(said, "");
	return out;
}

static struct object *read_back(const struct buf *b)
{
	struct object *o;

	said[0] = 0;
	if (object_read_elf(&o, b->p, b->n, "sample.o", &ear))
		print_message("%s\n", said);
	assert_non_null(o);
	return o;
}

static void print_says_all(void **state)
{
	static const char *const parts[] = {
		"object of sample.bt for Linux 6.1, license GPL",
		"map 0 .rodata array, 64 bytes",
		"  48: 00 00 00 00 00 00 00 00 88 77 66 55 44 33 22 11",
		"and 256 for each of 4 CPUs",
		"map 2 counts hash, key 16, value 8, 4096 entries",
		"@counts  count  key { pid u64 @0, tag str[8] @8 }",
		"@sizes  lhist(-5, 5, 1)  key { user-and-time { uid u32 @0, delta s32 @4 ms } @0",
		", raw bytes[16] @8 hex }",
		"@first scalar  value { value s64 @0 width 12 }",
		"map 6 .data.last array, 16 bytes\n  @last scalar  value { value s64 @0 width 12 }",
		"map 5 waggle_rings array_of_maps, key 4, value 4, 4 entries, one map for each CPU",
		"of ringbuf, key 0, value 0, 65536 entries",
		"program 0 count_calls tracepoint, section tracepoint/syscalls/sys_enter_getppid",
		"map 2\n", "map 0 data +56",
		"schema 0 printf, 8 bytes, as lines", "printf \"%d\\n\"",
		"schema 1 print, 0 bytes, as table", "print map @counts top 5 divided by 1000",
		"schema 2 emit, 8 bytes, as table, a form of schema 1",
		"attach begin to usdt /bin/prog + 0x1234, semaphore 0x5678\n",
		"attach begin to software + 0x2, every 100\n",
		"attach begin to begin\n", "attach begin to interval of 1000000000 ns",
		("attach send_record to tracepoint syscalls:sys_enter_getppid, "
		 "reads filename, flags, cookie 0x123456789abcdef"),
	};
	struct object *o = sample_object(1);
	struct buf out = {0};

	(void)state;
	object_print(&out, o);
	for (u32 i = 0; i < ARRAY_SIZE(parts); i++)
		has(buf_str(&out), parts[i]);
	buf_free(&out);
	object_free(o);
}

static void written_is_read(void **state)
{
	struct object *o = sample_object(77), *again;
	struct buf file = written(o), text = {0}, text2 = {0}, file2;

	(void)state;
	again = read_back(&file);
	memset(file.p, 0xff, file.n / 2); /* nothing of the file is borrowed */
	object_print(&text, o);
	object_print(&text2, again);
	assert_string_equal(buf_str(&text), buf_str(&text2));
	assert_memory_equal(again->source, o->source, o->source_size);
	assert_int_equal(again->source_size, o->source_size);
	assert_int_equal(again->maps.v[MAP_COUNTS].at.col, 2);
	assert_int_equal(again->maps.v[MAP_BSS].per_cpu, 256);
	assert_int_equal(again->maps.v[MAP_BSS].value_size, o->maps.v[MAP_BSS].value_size);
	assert_memory_equal(again->maps.v[MAP_RODATA].data, o->maps.v[MAP_RODATA].data, 64);
	for (u32 i = 0; i < o->progs.n; i++) {
		const struct code *a = &o->progs.v[i].code, *b = &again->progs.v[i].code;

		assert_string_equal(o->progs.v[i].probe, again->progs.v[i].probe);
		assert_int_equal(a->insns.n, b->insns.n);
		assert_memory_equal(a->insns.v, b->insns.v, a->insns.n * sizeof(struct insn));
		assert_int_equal(a->lines.n, b->lines.n);
		if (a->lines.n)
			assert_memory_equal(a->lines.v, b->lines.v,
					    a->lines.n * sizeof(struct code_line));
	}
	buf_free(&file);
	file = written(o);
	file2 = written(again);
	assert_int_equal(file.n, file2.n);
	assert_memory_equal(file.p, file2.p, file.n);
	buf_free(&file);
	buf_free(&file2);
	buf_free(&text);
	buf_free(&text2);
	object_free(o);
	object_free(again);
}

static void places_and_directions(void **state)
{
	static const struct {
		const char *pattern;
		size_t n;
		bool egress;
	} rows[] = {{"eth0:ingress", 4, false},
		    {"eth0:egress", 4, true},
		    {"/sys/fs/cgroup/a:egress:b:ingress", 25, false},
		    {"/a:ingress:egress", 10, true},
		    {"eth0", 0, false},
		    {":egress", 0, true},
		    {"eth0:", 0, false},
		    {"eth0:egress1", 0, false},
		    {"", 0, false}};
	bool egress;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(attach_place(rows[i].pattern, &egress), rows[i].n);
		assert_int_equal(egress, rows[i].egress);
	}
}

static void smallest_object(void **state)
{
	struct object *o = object_new(), *again;
	struct buf file;

	(void)state;
	o->license = "Dual MIT/GPL";
	file = written(o);
	again = read_back(&file);
	assert_string_equal(again->license, "Dual MIT/GPL");
	assert_null(again->source);
	assert_int_equal(again->progs.n + again->maps.n + again->schemas.n, 0);
	buf_free(&file);
	object_free(o);
	object_free(again);
}

static const struct btf_type *struct_of(struct btf *btf, u32 id, const char *name)
{
	const struct btf_type *t = btf_type(btf, id);

	assert_non_null(t);
	assert_int_equal(t->kind, BTF_STRUCT);
	assert_string_equal(t->name, name);
	return t;
}

static void types_have_names(void **state)
{
	struct object *o = sample_object(1);
	const struct btf_type *t;
	struct object_btf types;
	struct btf *btf;

	(void)state;
	assert_int_equal(object_btf(o, &types, &ear), 0);
	assert_int_equal(btf_open_raw(&btf, types.btf.p, types.btf.n, &ear), 0);
	t = struct_of(btf, types.maps[MAP_COUNTS].key, "counts_key");
	assert_int_equal(t->size, 16);
	assert_string_equal(t->members[0].name, "pid");
	assert_string_equal(t->members[1].name, "tag");
	assert_int_equal(t->members[1].bit_off, 64);
	t = btf_type(btf, types.maps[MAP_COUNTS].value); /* a lone u64 is a u64 */
	assert_int_equal(t->kind, BTF_INT);
	assert_string_equal(t->name, "unsigned long long");
	t = struct_of(btf, types.maps[MAP_SIZES].key, "sizes_key");
	assert_string_equal(t->members[0].name, "user_and_time"); /* made an identifier */
	t = struct_of(btf, t->members[0].type, "sizes_key_user_and_time");
	assert_string_equal(t->members[1].name, "delta");
	t = struct_of(btf, types.maps[MAP_SIZES].value, "sizes_value");
	assert_int_equal(t->n, 3);
	assert_string_equal(t->members[1].name, "buckets");
	assert_int_equal(btf_type(btf, t->members[1].type)->n, 10);
	assert_int_equal(t->members[2].bit_off, 11 * 64);
	t = struct_of(btf, types.maps[MAP_FIRST].value, "first_value");
	assert_string_equal(t->members[1].name, "is_set");
	assert_int_equal(btf_type(btf, types.maps[MAP_FIRST].key)->size, 4);
	t = btf_type(btf, types.maps[MAP_DATA].value);
	assert_int_equal(t->kind, BTF_DATASEC);
	assert_string_equal(t->name, ".data.last");
	assert_int_equal(t->size, 16);
	assert_int_equal(types.maps[MAP_RINGS].key + types.maps[MAP_RINGS].value, 0);
	t = btf_type(btf, types.maps[MAP_BSS].value);
	assert_int_equal(t->kind, BTF_DATASEC);
	assert_int_equal(t->size, object_map_bytes(o, &o->maps.v[MAP_BSS]));
	assert_int_equal(t->size, o->maps.v[MAP_BSS].value_size + 4 * 256);
	assert_int_equal(types.progs[0].nlines, 3);
	assert_int_equal(types.progs[0].lines[0].insn, 0);
	assert_int_equal(types.progs[0].lines[0].line_col, 2 << 10 | 1);
	assert_int_equal(types.progs[2].nlines, 1); /* has none, and so gets line 0 */
	assert_int_equal(types.progs[2].lines[0].line_col, 0);
	btf_close(btf);
	object_btf_free(&types);
	object_free(o);
}

/* One thing that is wrong with an object, and what is said about it. */
struct wrong {
	const char *says;
	void (*make)(struct object *);
};

#define WRONG(name, change)                                                                      \
	static void name(struct object *o)                                                       \
	{                                                                                        \
		change;                                                                          \
	}
WRONG(no_license, o->license = NULL)
WRONG(prog_name, o->progs.v[0].name = "two words")
WRONG(same_name, o->progs.v[1].name = "count_calls")
WRONG(data_name, o->maps.v[MAP_DATA].name = ".data.a-b")
WRONG(map_name, o->maps.v[MAP_COUNTS].name = ".counts")
WRONG(no_code, o->progs.v[2].code.insns.n = 0)
WRONG(reloc_place, o->progs.v[0].code.relocs.v[0].insn++)
WRONG(reloc_map, o->progs.v[0].code.relocs.v[0].map = MAPS)
WRONG(reloc_off, o->progs.v[0].code.relocs.v[0].off = 1000)
WRONG(line_order, o->progs.v[0].code.lines.v[1].insn = 10000)
WRONG(field_out, o->maps.v[MAP_COUNTS].key.fields[1].off = 12)
WRONG(field_wide, o->schemas.v[0].layout.fields[0].size = 3)
WRONG(key_large, o->maps.v[MAP_COUNTS].key_size = 8)
WRONG(two_bss, o->maps.v[MAP_RODATA] = o->maps.v[MAP_BSS])
WRONG(small_bss, o->maps.v[MAP_BSS].value_size = 64)
WRONG(huge_bss, o->maps.v[MAP_BSS].per_cpu = 1u << 30)
WRONG(no_inner, o->maps.v[MAP_RINGS].inner.kind = 0)
WRONG(lhist, o->maps.v[MAP_SIZES].agg_arg[2] = 0)
WRONG(lhist_many, o->maps.v[MAP_SIZES].agg_arg[1] = INT64_MAX)
WRONG(spare, o->maps.v[MAP_SIZES].spare = MAP_RINGS)
WRONG(spare_none, o->maps.v[MAP_SIZES].spare = 1000)
WRONG(schema_id, o->schemas.v[1].id = 0)
WRONG(schema_group, o->schemas.v[1].group = 2)
WRONG(schema_then, o->schemas.v[1].then = 1)
WRONG(action_map, o->schemas.v[1].action.map = MAP_RINGS)
WRONG(attach_prog, o->attaches.v[0].prog = 3)
WRONG(attach_pattern, o->attaches.v[2].pattern = NULL)
WRONG(attach_file, o->attaches.v[4].pattern = "")
WRONG(attach_count, o->attaches.v[5].count = 0)
WRONG(attach_kind, o->attaches.v[5].kind = ATTACH_KINDS)

static const struct wrong wrongs[] = {
	{"licence", no_license},
	{"program 0 has no name", prog_name},
	{"two programs are named 'count_calls'", same_name},
	{"data section '.data.a-b' is of an unknown kind", data_name},
	{"map 2 has no name", map_name},
	{"'begin' has no instructions", no_code},
	{"'count_calls': relocation at instruction 4", reloc_place},
	{"'count_calls': instruction 3 does not name", reloc_map},
	{"'count_calls': instruction 3 is outside of .rodata", reloc_off},
	{"'count_calls': lines out of order", line_order},
	{"key of map counts: field 'tag' lies outside", field_out},
	{"record printf: number 'arg1' has 3 bytes", field_wide},
	{"map 'counts': its layout is larger", key_large},
	{"two maps are named '.bss'", two_bss},
	{"section .bss has 64 bytes, less than", small_bss},
	{"section .bss is larger than 256 MiB", huge_bss},
	{"'waggle_rings': only maps of maps", no_inner},
	{"'sizes': a histogram from -5 to 5 by 0", lhist},
	{"'sizes': its values are too small", lhist_many},
	{"'sizes': its spare map is", spare},
	{"'sizes': its spare map is not there", spare_none},
	{"schema 1 has no name or another number", schema_id},
	{"schema 1 (print): unknown view or group", schema_group},
	{"schema 1 (print): it leads to none that can follow", schema_then},
	{"schema 1 (print): its action names no map", action_map},
	{"attach row 0 names no program", attach_prog},
	{"attach row 2 names no tracepoint", attach_pattern},
	{"attach row 4 names no usdt", attach_file},
	{"attach row 5: every 0 events", attach_count},
	{"attach row 5 is of a kind that this version does not know", attach_kind},
};

static void wrong_objects_are_refused(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(wrongs); i++) {
		struct object *o = sample_object(1);
		struct buf out = {0};

		wrongs[i].make(o);
		said[0] = 0;
		assert_int_equal(object_write_elf(o, &out, &ear), -EINVAL);
		has(said, wrongs[i].says);
		has(said, "build it again");
		assert_int_equal(out.n, 0);
		buf_free(&out);
		object_free(o);
	}
}

/* The last place of `what` in the file (.strtab is at its end), so that a test can change it. */
static char *spot(struct buf *file, const char *what, size_t n)
{
	char *found = NULL;

	for (size_t i = 0; i + n <= file->n; i++)
		if (!memcmp(file->p + i, what, n))
			found = file->p + i;
	assert_non_null(found);
	return found;
}

static void refused(const struct buf *file, const char *says)
{
	struct object *o = (void *)1;

	said[0] = 0;
	assert_int_equal(object_read_elf(&o, file->p, file->n, "x.o", &ear), -EINVAL);
	assert_null(o);
	has(said, says);
}

static void errors_name_the_place(void **state)
{
	struct object *o = sample_object(1), *plain;
	struct buf file = written(o);

	(void)state;
	spot(&file, "WGGL\10", 5)[4] = 9;
	refused(&file, "x.o: section .waggle is of version 9, this waggle reads version 8 (use");
	spot(&file, "WGGL\11", 5)[8] = -1;
	spot(&file, "WGGL\11", 5)[4] = 8;
	refused(&file, "x.o: section .waggle is broken at byte");
	buf_free(&file);

	file = written(o);
	spot(&file, "\0.waggle\0", 9)[2] = 'W';
	assert_int_equal(object_read_elf(&plain, file.p, file.n, "x.o", &ear), 0);
	assert_true(plain->plain); /* what it would be to any other loader */
	object_free(plain);
	buf_free(&file);

	file = written(o);
	spot(&file, "\0count_calls\0send_record\0begin\0counts", 38)[1] = 'C';
	refused(&file, "x.o: there is no function 'count_calls'");
	buf_free(&file);

	file = written(o);
	spot(&file, "\0.rodata\0", 9)[2] = 'R';
	refused(&file, "x.o: there is no section .rodata");
	buf_free(&file);

	file = written(o);
	file.p[18] = 62;
	refused(&file, "x.o is not a BPF object: it is for machine 62");
	buf_free(&file);
	object_free(o);
}

/* What section a byte of the file belongs to decides little: change them everywhere, half of the
 * time in `.waggle`, which only we read. */
static void broken_files_are_survived(void **state)
{
	struct object *o = sample_object(1), *again;
	struct buf file = written(o), out = {0};
	size_t waggle = (size_t)(spot(&file, "WGGL", 4) - file.p);
	struct elf_section s;
	char *copy = malloc(file.n);
	u32 good = 0, refusals = 0;
	struct elf e;

	(void)state;
	assert_int_equal(elf_open(&e, file.p, file.n, "x", &ear), 0);
	assert_true(elf_find(&e, ".waggle", &s));
	assert_int_equal(s.offset, waggle);
	for (u32 i = 0; i < 20000; i++) {
		size_t n = i % 16 ? file.n : rnd((u32)file.n);

		memcpy(copy, file.p, file.n);
		for (u32 j = 0; j <= i % 3; j++) {
			u32 at = i % 2 ? (u32)waggle + rnd((u32)s.size) : rnd((u32)file.n);

			copy[at] = (char)(rnd(2) ? rnd(256) : rnd(2) ? 255 : (u8)copy[at] + 1u);
		}
		if (object_read_elf(&again, copy, n, "x", &ear)) {
			assert_null(again);
			refusals++;
			continue;
		}
		good++;
		out.n = 0;
		object_print(&out, again);
		out.n = 0;
		/* what calls nothing is read, for the verifier to tell, and cannot be taken apart */
		if (object_write_elf(again, &out, &ear))
			assert_non_null(strstr(said, "where no function begins"));
		object_free(again);
	}
	print_message("%u changed files read, %u refused\n", good, refusals);
	assert_true(good > 1000 && refusals > 1000);
	for (size_t n = 0; n < file.n; n += 13) { /* memory of just that size */
		char *cut = malloc(n ? n : 1);

		memcpy(cut, file.p, n);
		assert_int_not_equal(object_read_elf(&again, cut, n, "x", &ear), 0);
		free(cut);
	}
	free(copy);
	buf_free(&file);
	buf_free(&out);
	object_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(print_says_all),
		cmocka_unit_test(written_is_read),
		cmocka_unit_test(places_and_directions),
		cmocka_unit_test(smallest_object),
		cmocka_unit_test(types_have_names),
		cmocka_unit_test(wrong_objects_are_refused),
		cmocka_unit_test(errors_name_the_place),
		cmocka_unit_test(broken_files_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
