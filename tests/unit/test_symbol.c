/* test_symbol.c: addresses to names: kallsyms, mappings, own program. */
#include "symbol/process.h"
#include "symbol/symbol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static const char sample[] = "ffffffff81000000 T _text\n"
			     "ffffffff81000000 T _stext\n"
			     "ffffffff81001000 t helper.cold\n"
			     "ffffffff82000000 D a_number\n"
			     "ffffffff82000010 b more_data\n"
			     "ffffffff81002000 W weak_one\n"
			     "ffffffffc0001000 t of_module\t[ext4]\n"
			     "ffffffffc0001100 t also_of_module\t[ext4]\n"
			     "ffffffffc0002000 t of_another\t[nf_tables]\n"
			     "ffffffffc0003000 t half_a_li";

static const char *name_at(const struct symbol_table *t, u64 addr)
{
	const struct symbol_row *r = symbol_table_find(t, addr);

	return r ? t->text.p + r->name : NULL;
}

static void kallsyms_are_parsed(void **state)
{
	struct symbol_table t = {0};
	const struct symbol_row *r;
	size_t used = kallsyms_parse(&t, sample, sizeof(sample) - 1);

	(void)state;
	assert_int_equal(used, (size_t)(strstr(sample, "ffffffffc0003000") - sample));
	assert_false(t.hidden);
	symbol_table_sort(&t);
	assert_int_equal(t.n, 6); /* _text and _stext are one place; data is left out */
	assert_string_equal(name_at(&t, 0xffffffff81000000), "_text");
	assert_string_equal(name_at(&t, 0xffffffff81000fff), "_text");
	assert_string_equal(name_at(&t, 0xffffffff81001000), "helper.cold");
	assert_string_equal(name_at(&t, 0xffffffff81002001), "weak_one");
	assert_null(name_at(&t, 0xffffffff80ffffff));
	assert_null(name_at(&t, 0));
	r = symbol_table_find(&t, 0xffffffffc0001105);
	assert_non_null(r);
	assert_string_equal(t.text.p + r->name, "also_of_module");
	assert_string_equal(t.text.p + r->module, "ext4");
	r = symbol_table_find(&t, 0xffffffffc0002000);
	assert_string_equal(t.text.p + r->module, "nf_tables");
	symbol_table_free(&t);
}

/* However the text is cut into pieces, the same comes out. */
static void kallsyms_in_pieces(void **state)
{
	(void)state;
	for (size_t piece = 40; piece < 90; piece++) {
		struct symbol_table t = {0};
		char text[256];
		size_t have = 0, at = 0, n = sizeof(sample) - 1, used;

		while (at < n) {
			size_t more = MIN(piece, n - at);

			memcpy(text + have, sample + at, more);
			have += more;
			at += more;
			used = kallsyms_parse(&t, text, have);
			memmove(text, text + used, have - used);
			have -= used;
			assert_true(have < sizeof(text) - piece);
		}
		assert_int_equal(t.n, 7);
		symbol_table_free(&t);
	}
}

static void hidden_addresses(void **state)
{
	static const char text[] = "0000000000000000 T _text\n0000000000000000 T vfs_read\n";
	struct symbol_table t = {0};

	(void)state;
	kallsyms_parse(&t, text, sizeof(text) - 1);
	assert_true(t.hidden);
	assert_int_equal(t.n, 0);
	symbol_table_sort(&t);
	assert_null(symbol_table_find(&t, 0x1000));
	symbol_table_free(&t);
}

static void garbage_is_survived(void **state)
{
	static const char *const texts[] = {"",
					    "\n\n\n",
					    "x\n",
					    "123\n",
					    "123 T\n",
					    "123 T \n",
					    "123 T  \t\n",
					    "1 T a\t[\n",
					    "1 T a\t[]\n",
					    "fffffffffffffffff T too_long\n"};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(texts); i++) {
		struct symbol_table t = {0};

		assert_int_equal(kallsyms_parse(&t, texts[i], strlen(texts[i])), strlen(texts[i]));
		symbol_table_sort(&t);
		symbol_table_free(&t);
	}
}

static void sizes_end_symbols(void **state)
{
	struct symbol_table t = {0};

	(void)state;
	symbol_table_add(&t, 0x2000, 0x10, "second", 6, 0);
	symbol_table_add(&t, 0x1000, 0, "no_size", 7, 0);
	symbol_table_add(&t, 0x1000, 0x20, "first", 5, 0);
	symbol_table_sort(&t);
	assert_int_equal(t.n, 2);
	assert_string_equal(name_at(&t, 0x1000), "first");
	assert_string_equal(name_at(&t, 0x101f), "first");
	assert_null(name_at(&t, 0x1020));
	assert_string_equal(name_at(&t, 0x200f), "second");
	assert_null(name_at(&t, 0x2010));
	symbol_table_free(&t);
}

static void mappings_are_parsed(void **state)
{
	/* as the kernel has it: in order of addresses */
	char text[] = "400000-401000 r-xp 00001000 08:01 42 /bin/a file\n"
		      "500000-501000 rw-p 00000000 00:00 0 \n"
		      "broken\n"
		      "600000-602000 r-xp 00000000 08:01 43 /lib/gone.so (deleted)\n"
		      "700000-701000 r-xp 00000000 00:00 0 [vdso]\n"
		      "800000-801000 r-xp 00002000 08:01 42 /bin/a file";
	struct processes ps = {0};
	struct process p = {0};

	(void)state;
	process_maps_parse(&ps, &p, text);
	assert_int_equal(p.images[0].n, 4);
	assert_int_equal(p.images[0].v[0].start, 0x400000);
	assert_int_equal(p.images[0].v[0].end, 0x401000);
	assert_int_equal(p.images[0].v[0].offset, 0x1000);
	assert_string_equal(p.images[0].v[0].file->path, "/bin/a file");
	assert_string_equal(p.images[0].v[1].file->path, "/lib/gone.so");
	assert_true(p.images[0].v[1].file->deleted);
	assert_string_equal(p.images[0].v[2].file->path, "[vdso]");
	assert_ptr_equal(p.images[0].v[3].file, p.images[0].v[0].file); /* one file, read once */
	free(p.images[0].v);
	processes_free(&ps);
}

__attribute__((noinline, used)) int found_by_its_address(int x);
int found_by_its_address(int x)
{
	return x + 1;
}

static void own_functions_are_found(void **state)
{
	u64 addr = (u64)(uintptr_t)found_by_its_address;
	struct symbols *s = symbols_new(NULL);
	struct symbol sym;

	(void)state;
	assert_non_null(s);
	assert_true(symbol_of_process(s, (u32)getpid(), addr, &sym));
	assert_string_equal(sym.name, "found_by_its_address");
	assert_int_equal(sym.off, 0);
	assert_non_null(strstr(sym.module, "test_symbol"));
	assert_true(symbol_of_process(s, (u32)getpid(), addr + 1, &sym));
	assert_int_equal(sym.off, 1);
	/* libc has its own table, .dynsym at least */
	assert_true(symbol_of_process(s, (u32)getpid(), (u64)(uintptr_t)getpid, &sym) || !sym.name);
	assert_false(symbol_of_process(s, (u32)getpid(), 1, &sym));
	assert_null(sym.name);
	assert_false(symbol_of_process(s, 0x3fffffff, addr, &sym)); /* there is no such process */
	symbols_free(s);
}

static void broken_files_are_survived(void **state)
{
	FILE *f = fopen("/proc/self/exe", "rb");
	struct symbol_table whole = {0};
	struct buf file = {0};
	size_t n;

	(void)state;
	assert_non_null(f);
	while (buf_reserve(&file, 65536) && (n = fread(file.p + file.n, 1, 65536, f)) > 0)
		file.n += n;
	fclose(f);
	elf_symbols(&whole, file.p, file.n);
	assert_true(whole.n > 10);
	symbol_table_free(&whole);
	for (size_t cut = 0; cut < file.n; cut += cut < 256 ? 7 : file.n / 61 + 1) {
		struct symbol_table t = {0};

		elf_symbols(&t, file.p, cut);
		symbol_table_free(&t);
	}
	for (u32 i = 0; i < 64; i++) { /* each byte of the header turned around */
		struct symbol_table t = {0};

		file.p[i] ^= (char)0xff;
		elf_symbols(&t, file.p, file.n);
		file.p[i] ^= (char)0xff;
		symbol_table_free(&t);
	}
	buf_free(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kallsyms_are_parsed),
		cmocka_unit_test(kallsyms_in_pieces),
		cmocka_unit_test(hidden_addresses),
		cmocka_unit_test(garbage_is_survived),
		cmocka_unit_test(sizes_end_symbols),
		cmocka_unit_test(mappings_are_parsed),
		cmocka_unit_test(own_functions_are_found),
		cmocka_unit_test(broken_files_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
