/*
 * patch.c: call sites that need no trap any more.
 *
 * In:  a site that has just trapped. Out: the same site, which from now on jumps to the agent.
 *
 * Most calls of C libraries are made by
 *
 *	mov $number, %eax	(five bytes)
 *	syscall
 *
 * The first becomes a jump of five bytes to the gate of the site: one instruction for another, so
 * that nobody can stand between, or come from elsewhere to, the middle of it. The second stays as
 * it is: whoever jumps right there traps, as before. The gate runs the programs and has a stub
 * make the call (entry.S). That the bytes before are this instruction is certain enough: the
 * number in them is the one that was just called.
 *
 * The instruction before the call in syscall(3) has five bytes, too: its gate does what that did,
 *and looks which call it is.
 *
 * Where several threads run, one could be executing the five bytes while they change: then the
 * site stays as it is. Gates must be near: their pages are mapped once more, less than 2 GiB away.
 */
#include "engine/inprocess/agent/agent.h"

#include <sys/mman.h>

#define LENGTH   5 /* of the move, and of the jump */
#define SYSCALL  2 /* of the instruction */
#define MOV_EAX  0xb8
#define JMP      0xe9
#define STEP     (16ull << 20)
#define NEAR     (1900ull << 20)
#define AWAY     (256ull << 20) /* not where the program itself soon wants to be */
#define GATES    ((u64)agent_gates_end - (u64)agent_gates)
#define FLAGS_RW 02
#define CLOEXEC  02000000
#define NO_PLACE 0x100000 /* MAP_FIXED_NOREPLACE */

static bool reaches(u64 from, u64 to)
{
	s64 distance = (s64)(to - from);

	return distance == (s32)distance;
}

/* ---- places for gates */

/* The pages once more: moving nothing of a shared mapping leaves it where it is. */
static bool block_map(u64 at)
{
	u64 size = (u64)agent_gates_end - (u64)agent_gates;
	long r = call6(SYS_mmap, at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | NO_PLACE,
		       (u64)-1, 0);

	if (r < 0)
		return false;
	if ((u64)r == at) {
		r = call6(SYS_mremap, (u64)agent_gates, 0, size, MREMAP_MAYMOVE | MREMAP_FIXED, at,
			  0);
		if (r == (long)at)
			return true;
		r = (long)at;
	}
	call2(SYS_munmap, (u64)r, size);
	return false;
}

static u64 block_make(u64 site)
{
	u64 base = site & ~(STEP - 1);

	for (u64 d = AWAY; d < NEAR; d += STEP)
		if (base > d + STEP && block_map(base - d))
			return base - d;
	for (u64 d = NEAR & ~(STEP - 1); d > AWAY; d -= STEP)
		if (block_map(base + d))
			return base + d;
	return 0;
}

static u64 block_near(u64 site)
{
	u64 *blocks = agent_private->blocks;

	for (u32 i = 0; i < ARRAY_SIZE(agent_private->blocks); i++) {
		if (!blocks[i])
			blocks[i] = block_make(site);
		if (!blocks[i])
			return 0;
		if (reaches(site, blocks[i]) && reaches(site, blocks[i] + GATES))
			return blocks[i];
	}
	return 0;
}

/* ---- the process */

/* The number of threads: the 20th field, the 18th behind the name. */
static bool is_single(void)
{
	char text[1024] = "", *p = text, *end;
	long fd = call3(SYS_open, (u64) "/proc/self/stat", CLOEXEC, 0), n;
	u32 spaces = 0;

	if (fd < 0)
		return false;
	n = call3(SYS_read, (u64)fd, (u64)text, sizeof(text));
	call1(SYS_close, (u64)fd);
	if (n <= 0)
		return false;
	end = text + n;
	for (char *q = text; q < end; q++)
		if (*q == ')')
			p = q;
	for (; p + 2 < end && spaces < 18; p++)
		spaces += *p == ' ';
	return spaces == 18 && p[0] == '1' && p[1] == ' ';
}

/* The kernel writes for us what we may only read and run, in a copy of our own. */
static void write_code(u64 at, const u8 *code, u32 n)
{
	long fd = call3(SYS_open, (u64) "/proc/self/mem", FLAGS_RW | CLOEXEC, 0);

	if (fd < 0)
		return;
	call4(SYS_pwrite64, (u64)fd, (u64)code, n, at);
	call1(SYS_close, (u64)fd);
}

/* mov 8(%rsp), %r9: the sixth argument, the last thing that syscall(3) does before the call. */
static const u8 load_r9[LENGTH] = {0x4c, 0x8b, 0x4c, 0x24, 0x08};

/* The site whose gate the code before a call may jump to; AGENT_SITES: it must stay. */
static u32 gate_of(u32 site, const u8 *now)
{
	const struct agent_site *s = &agent_private->sites[site];
	u64 nr = s->key >> 48;
	const u8 move[LENGTH] = {MOV_EAX, (u8)nr, (u8)(nr >> 8)};

	if (!memcmp(now, move, LENGTH))
		return site;
	return memcmp(now, load_r9, LENGTH) ? AGENT_SITES : agent_site_of(s->back, AGENT_ANY);
}

void agent_patch(u32 site)
{
	const struct agent_site *s = &agent_private->sites[site];
	u64 at = s->back - SYSCALL - LENGTH, block;
	u8 code[LENGTH];
	s32 distance;

	if (agent_private->looked[site])
		return;
	agent_private->looked[site] = 1;
	if (agent_is_special(s->key >> 48) || !agent_copy_in(code, at, LENGTH))
		return;
	site = gate_of(site, code);
	if (site == AGENT_SITES || !is_single())
		return;
	block = block_near(at);
	if (!block)
		return;
	distance = (s32)(block + (u64)site * AGENT_SITE_BYTES - (at + LENGTH));
	code[0] = JMP;
	memcpy(code + 1, &distance, sizeof(distance));
	write_code(at, code, LENGTH);
}
