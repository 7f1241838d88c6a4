/*
 * start.c: how the agent comes into a process: maps what belongs to it, and handles SIGSYS.
 *
 * In:  the file, open; the text, mapped. Out: a process whose calls may be trapped.
 */
#include "engine/inprocess/agent/agent.h"

#include <elf.h>
#include <errno.h>
#include <sys/mman.h>

#define PAGE             4096u
#define MADV_WIPEONFORK_ 18

long agent_map(u64 at, u64 size, int prot, u64 from, s32 fd)
{
	return call6(SYS_mmap, at, size, (u64)prot, MAP_SHARED | MAP_FIXED, (u64)fd,
		     agent_api->cookie + (from - AGENT_BASE));
}

static long private_map(void)
{
	u64 size = ALIGN_UP(sizeof(struct agent_process), PAGE);
	long r = call6(SYS_mmap, AGENT_PRIVATE, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, (u64)-1, 0);

	if (r < 0)
		return r;
	return call3(SYS_madvise, (u64)&agent_private->self, PAGE, MADV_WIPEONFORK_);
}

/* ---- the clock that needs no system call */

static bool is_clock(const char *name)
{
	const char *want = "__vdso_clock_gettime";

	while (*want && *want == *name)
		want++, name++;
	return *want == *name;
}

static u64 find_clock(u64 vdso)
{
	const Elf64_Ehdr *e = (const void *)vdso;
	const Elf64_Shdr *s = (const void *)(vdso + (vdso ? e->e_shoff : 0)), *names;
	const Elf64_Sym *sym;

	for (u32 i = 0; vdso && i < e->e_shnum; i++) {
		if (s[i].sh_type != SHT_DYNSYM || s[i].sh_link >= e->e_shnum)
			continue;
		names = &s[s[i].sh_link];
		sym = (const void *)(vdso + s[i].sh_offset);
		for (u64 k = 0; k < s[i].sh_size / sizeof(*sym); k++)
			if (is_clock((const char *)vdso + names->sh_offset + sym[k].st_name))
				return vdso + sym[k].st_value;
	}
	return 0;
}

static u64 find_vdso(const u64 *stack)
{
	const u64 *p = stack + 1 + stack[0] + 1; /* behind argc, argv, its end */

	while (*p++)
		; /* the environment */
	for (; p[0]; p += 2)
		if (p[0] == AT_SYSINFO_EHDR)
			return p[1];
	return 0;
}

/* ---- */

void agent_init(u64 vdso)
{
	if (!private_map())
		agent_private->clock = find_clock(vdso);
}

static long windows_map(s32 fd)
{
	static const u64 starts[] = {AGENT_HEAP, AGENT_JIT, AGENT_AREA};
	long err = agent_map(AGENT_HEAP, PAGE, PROT_READ | PROT_WRITE, AGENT_HEAP, fd);
	const u64 *ends = &agent_heap->heap;

	for (u32 i = 0; i < ARRAY_SIZE(starts) && err >= 0; i++) {
		u64 size = ALIGN_UP(ends[i] - starts[i], PAGE);

		if (size)
			err = agent_map(starts[i], size, PROT_READ | PROT_WRITE, starts[i], fd);
	}
	for (u32 i = 0; err >= 0 && i < agent_control->nranges; i++) {
		const struct agent_range *r = &agent_control->ranges[i];

		err = r->at == r->from ? call3(SYS_mprotect, r->at, r->size, r->prot)
				       : agent_map(r->at, r->size, (int)r->prot, r->from, fd);
	}
	return MIN(err, 0);
}

int agent_start(s32 fd, u64 vdso)
{
	long err = windows_map(fd);

	if (!err)
		err = private_map();
	if (err)
		return (int)err;
	agent_private->clock = find_clock(vdso);
	return agent_handle();
}

/* Threads of the program that was here before have died, with what they held. */
static void take_back_cpus(void)
{
	u32 pid = agent_pid();

	for (u32 i = 1; i < AGENT_CPUS; i++) {
		if (__atomic_load_n(&agent_control->owners[i], __ATOMIC_ACQUIRE) != pid)
			continue;
		agent_recover(i);
		__atomic_store_n(&agent_control->owners[i], 0, __ATOMIC_RELEASE);
	}
}

/* The first thing in a new program; what its exec returned is an event, too. */
void agent_begin(s32 fd, const u64 *stack)
{
	struct agent_event ev = {.sp = (u64)stack};
	u64 all = EVERY_SIGNAL, mask;

	if (agent_start(fd, find_vdso(stack)))
		call1(SYS_exit_group, 126);
	call1(SYS_close, (u64)fd);
	take_back_cpus();
	call4(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, (u64)&all, (u64)&mask, 8);
	if (agent_wants_result(SYS_execve))
		agent_result(SYS_execve, 0, &ev);
	call4(SYS_rt_sigprocmask, 2, (u64)&mask, 0, 8);
}
