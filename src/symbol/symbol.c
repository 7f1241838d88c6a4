/* symbol.c: the kernel's and the processes' symbols together; see symbol.h. */
#include "symbol/symbol.h"

#include "symbol/names.h"
#include "symbol/process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_AT_ONCE  65536
#define FUNCTION_MOST 0x100000 /* bytes: what is further away from a name is not of it */

struct symbols {
	struct diag *diag;
	bool read;
	struct symbol_table kernel;
	struct processes processes;
	struct names names;
};

struct symbols *symbols_new(struct diag *diag)
{
	struct symbols *s = calloc(1, sizeof(*s));

	if (s)
		s->diag = diag;
	return s;
}

void symbols_free(struct symbols *s)
{
	if (!s)
		return;
	symbol_table_free(&s->kernel);
	processes_free(&s->processes);
	names_free(&s->names);
	free(s);
}

static void kernel_read(struct symbols *s)
{
	int fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
	char *text = malloc(READ_AT_ONCE);
	size_t have = 0, used;
	ssize_t n = 0;

	s->read = true;
	while (fd >= 0 && text && (n = read(fd, text + have, READ_AT_ONCE - have)) > 0) {
		have += (size_t)n;
		used = kallsyms_parse(&s->kernel, text, have);
		have -= used;
		memmove(text, text + used, have);
	}
	if (fd >= 0)
		close(fd);
	free(text);
	symbol_table_sort(&s->kernel);
	if (s->diag && (!s->kernel.n || s->kernel.hidden))
		diag_note(s->diag,
			  "sysctl kernel.kptr_restrict=0 or 1 and the capability CAP_SYSLOG show "
			  "them",
			  "the kernel hides its symbols: addresses are shown as numbers");
}

bool symbol_of_kernel(struct symbols *s, u64 addr, struct symbol *out)
{
	const struct symbol_row *row;

	*out = (struct symbol){0};
	if (!s->read)
		kernel_read(s);
	row = symbol_table_find(&s->kernel, addr);
	if (!row || addr - row->addr >= FUNCTION_MOST)
		return false;
	out->name = s->kernel.text.p + row->name;
	out->module = row->module ? s->kernel.text.p + row->module : NULL;
	out->off = addr - row->addr;
	return true;
}

bool symbol_of_process(struct symbols *s, u32 pid, u64 addr, struct symbol *out)
{
	*out = (struct symbol){0};
	return process_symbol(&s->processes, pid, addr, out);
}

const char *symbol_user(struct symbols *s, u32 uid)
{
	return names_user(&s->names, uid);
}

const char *symbol_cgroup(struct symbols *s, u64 id, const char *pattern)
{
	return names_cgroup(&s->names, id, pattern);
}
