/* file.c: the functions of an ELF file, from its own symbol tables. */
#include "elf/elf.h"
#include "symbol/symbol.h"

static void add_table(struct symbol_table *t, const struct elf *elf,
		      const struct elf_section *table)
{
	struct elf_section strings;
	struct elf_symbol s;
	u64 n = elf_count(table);

	if (!elf_section(elf, table->link, &strings))
		return;
	for (u64 i = 0; i < n; i++)
		if (elf_symbol(table, &strings, i, &s) && *s.name && s.value &&
		    s.section != ELF_SHN_UNDEF && (s.type == ELF_FUNC || s.type == ELF_IFUNC))
			symbol_table_add(t, s.value, s.size, s.name, strlen(s.name), 0);
}

void elf_symbols(struct symbol_table *t, const void *file, size_t n)
{
	struct diag quiet = {0};
	struct elf_section table;
	struct elf elf;

	if (elf_open(&elf, file, n, "", &quiet))
		return;
	if (elf_find_type(&elf, ELF_SYMTAB, &table) || elf_find_type(&elf, ELF_DYNSYM, &table))
		add_table(t, &elf, &table);
	symbol_table_sort(t);
}
