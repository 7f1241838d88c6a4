/*
 * symbolfuzz.c: any bytes as what symbols are read from: an ELF file, what xz packed, the perf map
 * of a JIT, lines of kallsyms (libFuzzer; see one.h).
 */
#include "one.h"

#include "base/unxz.h"
#include "symbol/process.h"

static void tables(const char *text, size_t size)
{
	struct symbol_table file = {0}, map = {0}, kernel = {0};

	elf_symbols(&file, text, size);
	perfmap_parse(&map, text, size);
	CHECK(kallsyms_parse(&kernel, text, size) <= size);
	for (u32 i = 0; i < map.n; i++) {
		CHECK(map.rows[i].name < map.text.n);
		CHECK(!i || map.rows[i - 1].addr < map.rows[i].addr);
	}
	symbol_table_sort(&kernel);
	symbol_table_free(&file);
	symbol_table_free(&map);
	symbol_table_free(&kernel);
}

static void debug(const uint8_t *data, size_t size)
{
	struct build_id id = {0};
	struct diag quiet = {0};
	struct buf out = {0};
	const char *link;
	struct elf elf;
	u32 crc;

	if (!elf_open(&elf, data, size, "input", &quiet)) {
		elf_build_id(&elf, &id);
		CHECK(id.n <= BUILD_ID_MOST);
		link = elf_debug_link(&elf, &crc);
		CHECK(!link || *link);
		CHECK(elf_debug_data(&elf, &out) || !out.n);
	}
	buf_free(&out);
	unxz(&out, data, size, 1 << 20);
	CHECK(out.n <= 1 << 20);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	tables((const char *)data, size);
	debug(data, size);
	return 0;
}
