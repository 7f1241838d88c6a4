/*
 * kernel.c: the kernel's symbols, as /proc/kallsyms lists them.
 *
 * In:  lines "address type name" with "\t[module]" behind those of modules.
 * Out: a table of the functions; data is left out, so that a stray address gets no wrong name.
 */
#include "symbol/symbol.h"

#include "base/dict.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define KALLSYMS "/proc/kallsyms"

struct line {
	u64 addr;
	char type;
	const char *name, *module;
	size_t name_len, module_len; /* module_len 0: the kernel itself */
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One line, whose newline is at end. */
static bool line_parse(struct line *l, const char *p, const char *end)
{
	const char *tab;

	*l = (struct line){0};
	for (; p < end && hex_digit(*p) >= 0; p++)
		l->addr = l->addr << 4 | (u64)hex_digit(*p);
	if (end - p < 4 || p[0] != ' ' || p[2] != ' ')
		return false;
	l->type = p[1];
	l->name = p + 3;
	tab = memchr(l->name, '\t', (size_t)(end - l->name));
	l->name_len = (size_t)((tab ? tab : end) - l->name);
	if (tab && end - tab > 3 && tab[1] == '[' && end[-1] == ']') {
		l->module = tab + 2;
		l->module_len = (size_t)(end - tab - 3);
	}
	return l->name_len;
}

/* Modules' symbols stand together: the last name added is nearly always the one. */
static u32 module_name(struct symbol_table *t, const struct line *l)
{
	const struct symbol_row *last = t->n ? &t->rows[t->n - 1] : NULL;
	const char *known = last && last->module ? t->text.p + last->module : NULL;

	if (!l->module_len)
		return 0;
	if (known && strlen(known) == l->module_len && !memcmp(known, l->module, l->module_len))
		return last->module;
	if (!t->text.n)
		buf_char(&t->text, 0);
	buf_add(&t->text, l->module, l->module_len);
	buf_char(&t->text, 0);
	return t->text.failed ? 0 : (u32)(t->text.n - l->module_len - 1);
}

size_t kallsyms_parse(struct symbol_table *t, const char *text, size_t n)
{
	const char *p = text, *end;
	struct line l;

	while ((end = memchr(p, '\n', n - (size_t)(p - text)))) {
		if (line_parse(&l, p, end) && strchr("tTwW", l.type)) {
			if (l.addr) {
				u32 module = module_name(t, &l);

				symbol_table_add(t, l.addr, 0, l.name, l.name_len, module);
			} else if (!t->n) {
				t->hidden = true;
			}
		}
		p = end + 1;
	}
	if (t->n)
		t->hidden = false;
	return (size_t)(p - text);
}

/* Which modules there are, and where: the first and the sixth word of each line; how often one is
 * used changes all the time. */
u64 kernel_modules(void)
{
	unsigned long long addr;
	char line[512], name[64];
	u64 sum = 0;
	FILE *f = fopen("/proc/modules", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %*s %*s %*s %*s %llx", name, &addr) == 2)
			sum = sum * 31 + dict_hash(name, strlen(name)) + addr;
	if (f)
		fclose(f);
	return sum;
}

u64 kernel_address(const char *name)
{
	size_t len = strlen(name), have = 0;
	char *text = malloc(65536), *p, *end;
	int fd = open(KALLSYMS, O_RDONLY | O_CLOEXEC);
	ssize_t got = 0;
	u64 addr = 0;
	struct line l;

	while (text && fd >= 0 && !addr && (got = read(fd, text + have, 65536 - have)) > 0) {
		have += (size_t)got;
		for (p = text; (end = memchr(p, '\n', have - (size_t)(p - text))) && !addr;
		     p = end + 1)
			if (line_parse(&l, p, end) && l.name_len == len &&
			    !memcmp(l.name, name, len))
				addr = l.addr;
		have -= (size_t)(p - text);
		memmove(text, p, have);
	}
	if (fd >= 0)
		close(fd);
	free(text);
	return addr;
}
