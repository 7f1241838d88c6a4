/* file.c: the functions of an ELF file, from its own symbol tables. */
#include "elf/elf.h"
#include "symbol/symbol.h"

/* What is written in assembler often says no size: it ends with its section at the latest. */
static u64 size_of(const struct elf *elf, const struct elf_symbol *s)
{
	struct elf_section in;

	if (s->size || !elf_section(elf, s->section, &in) || s->value < in.addr ||
	    s->value - in.addr >= in.size)
		return MAX(s->size, 1u);
	return in.addr + in.size - s->value;
}

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
			symbol_table_add(t, s.value, size_of(elf, &s), s.name, strlen(s.name), 0);
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
