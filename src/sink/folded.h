/* folded.h: a stack as one line, the root first: "main;frame;frame". */
#ifndef SINK_FOLDED_H
#define SINK_FOLDED_H

#include "sink/value.h"

#define FRAME_MOST 320 /* bytes of a frame's name */

/* One frame: its function, else "[file]" or "[unknown]". It never holds ';' or control characters.
 * caller: the address is behind a call. */
char *put_frame(char *p, const struct show *, const struct field *, u32 pid, u64 addr, bool caller);
/* What stands there as a frame would. */
char *put_frame_text(char *p, const char *text, size_t n);

/* A field that is a stack: its frames, the outermost last, each at most FRAME_MOST bytes. */
struct stack_words {
	const u8 *words;
	u32 n, pid; /* pid: of a process */
};
struct stack_words stack_words(const struct field *, const u8 *data);
static inline u64 stack_word(const struct stack_words *s, u32 i)
{
	u64 addr;

	memcpy(&addr, s->words + (size_t)i * 8, sizeof(addr));
	return addr;
}

u32 folded_most(const struct field *);
char *put_folded(char *p, const struct show *, const struct field *, const u8 *data);

#endif
