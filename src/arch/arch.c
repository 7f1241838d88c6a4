/* arch.c: the CPUs that are known; see arch.h. */
#include "arch/inside.h"

const struct arch *arch_find(const char *name)
{
	static const struct arch *const all[] = {&arch_x86_64};

	for (u32 i = 0; i < ARRAY_SIZE(all); i++)
		if (!strcmp(all[i]->name, name))
			return all[i];
	return NULL;
}

const struct arch_reg *arch_reg(const struct arch *a, const char *name)
{
	for (const struct arch_reg *r = a->regs; r->name; r++)
		if (!strcmp(r->name, name))
			return r;
	return NULL;
}

const struct arch_syscall *arch_syscall(const struct arch *a, const char *name)
{
	for (const struct arch_syscall *s = a->syscalls; s->name; s++)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}

s64 arch_call_number(const struct arch *a, const char *name)
{
	const struct arch_syscall *tables[] = {a ? a->call_names : NULL, a ? a->syscalls : NULL};

	for (u32 i = 0; i < ARRAY_SIZE(tables); i++)
		for (const struct arch_syscall *s = tables[i]; s && s->name; s++)
			if (!strcmp(s->name, name))
				return s->nr;
	return -1;
}

const char *arch_call_name(const struct arch *a, u32 nr)
{
	u32 low = 0, high = a ? a->nsyscalls : 0;

	for (const struct arch_syscall *s = a ? a->call_names : NULL; s && s->name; s++)
		if (s->nr == nr)
			return s->name;
	while (low < high) {
		u32 mid = (low + high) / 2;

		if (a->syscalls[mid].nr == nr)
			return a->syscalls[mid].name;
		if (a->syscalls[mid].nr < nr)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}
