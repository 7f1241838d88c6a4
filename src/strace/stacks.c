/*
 * stacks.c: -k: who called, below the line of a call.
 *
 * In:  addresses, when a call begins. Out: lines " > FILE(FUNCTION+0xOFF) [0xADDRESS IN FILE]".
 * Names are looked up at once: soon the process may be another program, or gone.
 */
#include "strace/strace.h"

static void put_frame(struct strace *s, struct task *t, u64 addr, bool caller)
{
	struct symbol f = {0};

	if (caller)
		symbol_of_caller(s->symbols, true, t->pid, addr, &f);
	else
		symbol_of_process(s->symbols, t->pid, addr, &f);
	buf_printf(&t->stack, " > %s(", f.module ? f.module : "[unknown]");
	if (f.name)
		buf_printf(&t->stack, "%s+%#llx", f.readable, (unsigned long long)f.off);
	buf_printf(&t->stack, ") [%#llx]\n", (unsigned long long)(f.module ? f.file_off : addr));
}

void stack_take(struct strace *s, struct task *t, const u64 *frames, u32 n)
{
	t->stack.n = 0;
	t->ip = n ? frames[0] : 0;
	for (u32 i = 0; i < n && frames[i] && s->symbols; i++)
		put_frame(s, t, frames[i], i > 0);
}

/* What programs map is followed from the start. */
void stacks_idle(struct strace *s)
{
	while (s->symbols && symbols_prepare_watched(s->symbols))
		;
}
