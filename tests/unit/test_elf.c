/*
 * test_elf.c: ELF files written, read, broken; and files of other makers.
 *
 * What we write is read back as it was; a program that the system's linker made shows the symbols
 * that it has; no truncation or change of a byte makes the reader look outside of the file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "elf/elf.h"

static u64 rng = 88172645463325252ull;

static u32 rnd(u32 n)
{
	rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
	return (u32)(rng >> 16) % n;
}

/* A section of code with a relocation against a map, a local symbol that comes second. */
static void write_small(struct buf *out)
{
	static const u8 code[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
	struct elf_writer w = {0};
	u32 text, maps, map;

	text = elf_add_section(&w, &(struct elf_section){
		.name = "xdp", .type = ELF_PROGBITS, .flags = ELF_ALLOC | ELF_EXECINSTR,
		.align = 8, .data = code, .size = sizeof(code)});
	maps = elf_add_section(&w, &(struct elf_section){
		.name = ".bss", .type = ELF_NOBITS, .align = 8, .size = 1 << 20});
	map = elf_add_symbol(&w, &(struct elf_symbol){
		.name = "counts", .bind = ELF_GLOBAL, .type = ELF_OBJECT, .section = maps,
		.value = 24, .size = 32});
	elf_add_symbol(&w, &(struct elf_symbol){
		.name = "here", .bind = ELF_LOCAL, .type = ELF_NOTYPE, .section = text});
	elf_add_reloc(&w, text, 8, R_BPF_64_64, map);
	elf_write(&w, ELF_MACHINE_BPF, out);
	elf_writer_free(&w);
	assert_false(out->failed);
}

static void written_is_read(void **state)
{
	struct elf_section s, symtab, strings;
	struct buf out = {0};
	struct diag d = {0};
	struct elf_symbol sym;
	struct elf_reloc r;
	struct elf e;

	(void)state;
	write_small(&out);
	assert_int_equal(elf_open(&e, out.p, out.n, "small", &d), 0);
	assert_int_equal(e.type, ELF_REL);
	assert_int_equal(e.machine, ELF_MACHINE_BPF);
	assert_true(elf_find(&e, "xdp", &s));
	assert_int_equal(s.size, 16);
	assert_int_equal(s.data[15], 16);
	assert_int_equal(s.offset % 8, 0);
	assert_true(elf_find(&e, ".bss", &s));
	assert_int_equal(s.size, 1 << 20);
	assert_null(s.data);
	assert_true(out.n < 4096);

	assert_true(elf_find_type(&e, ELF_SYMTAB, &symtab));
	assert_true(elf_section(&e, symtab.link, &strings));
	assert_int_equal(elf_count(&symtab), 3);
	assert_int_equal(symtab.info, 2); /* the first one that is not local */
	assert_true(elf_symbol(&symtab, &strings, 1, &sym));
	assert_string_equal(sym.name, "here");
	assert_true(elf_symbol(&symtab, &strings, 2, &sym));
	assert_string_equal(sym.name, "counts");
	assert_int_equal(sym.value, 24);
	assert_int_equal(sym.size, 32);
	assert_int_equal(sym.bind, ELF_GLOBAL);
	assert_int_equal(sym.type, ELF_OBJECT);
	assert_false(elf_symbol(&symtab, &strings, 3, &sym));

	assert_true(elf_find(&e, ".relxdp", &s));
	assert_int_equal(elf_count(&s), 1);
	assert_true(elf_reloc(&s, 0, &r));
	assert_int_equal(r.offset, 8);
	assert_int_equal(r.type, R_BPF_64_64);
	assert_int_equal(r.symbol, 2);
	assert_false(elf_reloc(&s, 1, &r));
	assert_false(elf_find(&e, "no such section", &s));
	assert_false(elf_section(&e, e.nsections, &s));
	buf_free(&out);
}

/* Ask for everything that a file claims to have; returns a sum so that every byte is looked at. */
static u64 read_everything(const void *data, size_t size)
{
	struct elf_section s, strings;
	struct diag d = {0};
	struct elf_symbol sym;
	struct elf_reloc r;
	struct elf e;
	u64 sum = 0;

	if (elf_open(&e, data, size, "file", &d))
		return 0;
	for (u32 i = 0; i < MIN(e.nsections, 100); i++) {
		if (!elf_section(&e, i, &s))
			continue;
		sum += strlen(s.name);
		for (u64 j = 0; s.data && j < s.size; j++)
			sum += s.data[j];
		if (!elf_section(&e, s.link, &strings))
			continue;
		for (u64 j = 0; elf_symbol(&s, &strings, j, &sym); j++)
			sum += strlen(sym.name);
		for (u64 j = 0; elf_reloc(&s, j, &r); j++)
			sum += r.symbol;
	}
	return sum;
}

static void broken_files_are_survived(void **state)
{
	struct buf out = {0};
	u32 n, good = 0;
	u8 *copy;

	(void)state;
	write_small(&out);
	assert_true(read_everything(out.p, out.n) > 0);
	for (n = 0; n < out.n; n++) { /* every truncation, in memory of just that size */
		copy = malloc(MAX(n, 1));
		memcpy(copy, out.p, n);
		assert_int_equal(read_everything(copy, n), 0);
		free(copy);
	}
	copy = malloc(out.n);
	for (n = 0; n < 20000; n++) {
		memcpy(copy, out.p, out.n);
		for (u32 i = 0; i <= n % 4; i++)
			copy[rnd((u32)out.n)] = (u8)(rnd(3) ? rnd(256) : 255);
		good += read_everything(copy, out.n) > 0;
	}
	assert_true(good > 1000); /* changes must get past the header */
	free(copy);
	buf_free(&out);
}

static void other_files_are_refused(void **state)
{
	struct diag d = {0};
	struct buf out = {0};
	struct elf e;

	(void)state;
	assert_int_equal(elf_open(&e, "", 0, "empty", &d), -ENOEXEC);
	assert_int_equal(elf_open(&e, "#!/bin/sh\n", 10, "script", &d), -ENOEXEC);
	write_small(&out);
	out.p[4] = 1; /* 32 bits */
	assert_int_equal(elf_open(&e, out.p, out.n, "elf32", &d), -ENOEXEC);
	out.p[4] = 2;
	out.p[40 + 7] = 0x7f; /* section headers far away */
	assert_int_equal(elf_open(&e, out.p, out.n, "far", &d), -EINVAL);
	buf_free(&out);
}

__attribute__((noinline)) int this_function_has_a_symbol(void);
int this_function_has_a_symbol(void)
{
	return 42;
}

static void own_program_has_its_symbols(void **state)
{
	struct elf_section symtab, strings;
	struct diag d = {0};
	struct buf file = {0};
	struct elf_symbol sym;
	bool found = false;
	struct elf e;
	FILE *f = fopen("/proc/self/exe", "rb");
	size_t n;

	(void)state;
	assert_non_null(f);
	while (buf_reserve(&file, 65536) && (n = fread(file.p + file.n, 1, 65536, f)) > 0)
		file.n += n;
	fclose(f);
	assert_int_equal(this_function_has_a_symbol(), 42);
	assert_int_equal(elf_open(&e, file.p, file.n, "self", &d), 0);
	assert_true(e.type == ELF_DYN || e.type == ELF_EXEC);
	assert_true(elf_find_type(&e, ELF_SYMTAB, &symtab));
	assert_true(elf_section(&e, symtab.link, &strings));
	for (u64 i = 0; elf_symbol(&symtab, &strings, i, &sym); i++)
		if (!strcmp(sym.name, "this_function_has_a_symbol"))
			found = sym.type == ELF_FUNC && sym.size && sym.bind == ELF_GLOBAL;
	assert_true(found);
	buf_free(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_is_read),
		cmocka_unit_test(broken_files_are_survived),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(own_program_has_its_symbols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
