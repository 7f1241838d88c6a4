/*
 * usdt.c: the operands of a USDT note, without names of variables.
 *
 * In:  what the assembler wrote: "4@%eax 8@name+8(%rip)". Out: the same, with the distance from the
 *      probe in the place of a variable of the file: "4@%eax 8@4104(%rip)".
 */
#include "target/target.h"

/* A variable of the file that the operand at `word` begins with: how many bytes its name has. */
static size_t variable_of(const struct user_file *file, struct arena *a, const char *word,
			  u64 *addr)
{
	size_t n = strcspn(word, " (+-");
	const char *rip = word + strcspn(word, " (");

	if (!n || strchr("$%-0123456789", *word) || strncmp(rip, "(%rip)", 6) != 0)
		return 0;
	return user_address(file, arena_strndup(a, word, n), addr) ? n : 0;
}

const char *usdt_operands(const struct user_file *file, const struct usdt_note *note,
			  struct arena *a)
{
	struct buf out = {0};
	const char *p = note->args, *result;

	while (*p) {
		const char *word = p + strcspn(p, "@") + (strchr(p, '@') != NULL);
		size_t end = strcspn(p, " "), n;
		u64 addr;

		if (p + end < word) /* an old note, without sizes */
			word = p;
		n = variable_of(file, a, word, &addr);
		if (n) {
			buf_add(&out, p, (size_t)(word - p));
			buf_s64(&out, (s64)(addr - note->addr));
			buf_add(&out, word + n, end - (size_t)(word + n - p));
		} else {
			buf_add(&out, p, end);
		}
		p += end;
		if (*p)
			buf_char(&out, *p++);
	}
	result = arena_strdup(a, buf_str(&out));
	buf_free(&out);
	return result;
}
