/*
 * term.c: the terminal: its size, colours, pictures that replace each other.
 *
 * In:  what formats append to the pending bytes. Out: the same, with the sequences of ECMA-48 that
 * all terminals understand.
 */
#include "sink/term.h"

#include "sink/put.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SAME_NS 20000000u /* records of one tick are not further apart */

void term_open(struct term *t, int fd)
{
	const char *kind = getenv("TERM"), *plain = getenv("NO_COLOR");
	bool able = kind && *kind && strcmp(kind, "dumb") != 0;

	*t = (struct term){0};
	if (!isatty(fd))
		return;
	t->tty = true;
	t->colour = able && !(plain && *plain);
	t->redraw = able;
	term_look(t, fd);
}

bool term_look(struct term *t, int fd)
{
	struct winsize size = {0};
	struct term old = *t;

	if (!t->tty || ioctl(fd, TIOCGWINSZ, &size))
		return false;
	t->width = size.ws_col ? size.ws_col : 80;
	t->height = size.ws_row ? size.ws_row : 24;
	return t->width != old.width || t->height != old.height;
}

char *colour_on(char *p, const struct term *t, enum colour c)
{
	static const char *const codes[] = {[COLOUR_NONE] = "",
					    [COLOUR_HEAD] = "\033[1m",
					    [COLOUR_BAR] = "\033[36m",
					    [COLOUR_DIM] = "\033[2m",
					    [COLOUR_BAD] = "\033[31m"};

	return t->colour ? put_copy(p, codes[c], strlen(codes[c])) : p;
}

char *colour_off(char *p, const struct term *t)
{
	return t->colour ? put_copy(p, "\033[0m", 4) : p;
}

/* The end of a sequence that begins at p with ESC [. */
static char *sequence_end(char *p, const char *end)
{
	for (p += 2; p < end && ((u8)*p < 0x40 || (u8)*p > 0x7e); p++)
		;
	return p < end ? p + 1 : p;
}

char *term_cut(char *line, char *end, u32 width)
{
	char *to = line, *p = line, *next;
	u32 columns = 0;

	while (p < end) {
		next = p[0] == '\033' && p + 1 < end && p[1] == '[' ? sequence_end(p, end) : p + 1;
		if (next == p + 1 && *p != '\n')
			columns += ((u8)*p & 0xc0) != 0x80;
		if (next > p + 1 || columns <= width || *p == '\n') {
			memmove(to, p, (size_t)(next - p));
			to += next - p;
		}
		p = next;
	}
	return to;
}

/* ---- pictures */

void picture_mark(struct picture *f, struct buf *out, const struct term *t, bool part, u64 ns)
{
	bool same = (f->open || f->rows) && ns - f->ns < SAME_NS;

	if (!t->redraw || (!part && !f->open && !f->rows))
		return;
	if (!part || !same)
		picture_close(f, out, t);
	if (!same || !part) {
		f->back = part ? f->rows : 0;
		f->rows = 0;
	}
	if (part && !f->open) {
		f->open = true;
		f->from = out->n;
		f->number += !same;
	}
	f->ns = ns;
}

static u32 lines_of(const char *p, size_t n)
{
	const char *end = p + n;
	u32 lines = 0;

	while ((p = memchr(p, '\n', (size_t)(end - p)))) {
		lines++;
		p++;
	}
	return lines;
}

/* Appends one line, at [p, end), to the screen. */
static void draw_line(struct buf *out, const struct term *t, char *p, char *end)
{
	bool whole = end[-1] == '\n';

	end = term_cut(p, end - whole, t->width);
	buf_add(out, p, (size_t)(end - p));
	buf_puts(out, whole ? "\033[K\n" : "");
}

void picture_close(struct picture *f, struct buf *out, const struct term *t)
{
	struct buf old = {0};
	u32 lines, skip, left, most = t->height > 1 ? t->height - 1 : 1;
	char *p, *end, *next;

	if (!f->open)
		return;
	f->open = false;
	buf_add(&old, out->p + f->from, out->n - f->from);
	out->n = f->from;
	lines = lines_of(buf_str(&old), old.n);
	skip = lines > most && !f->top ? lines - most : 0; /* the largest values are the last */
	left = f->top ? most : UINT32_MAX;
	if (f->back)
		buf_printf(out, "\033[%uA\r", f->back);
	p = old.p;
	end = p + old.n;
	for (; p < end; p = next) {
		next = memchr(p, '\n', (size_t)(end - p));
		next = next ? next + 1 : end;
		if (skip)
			skip--;
		else if (left && left--)
			draw_line(out, t, p, next);
	}
	if (f->back)
		buf_puts(out, "\033[J");
	f->rows = MIN(f->rows + lines, most);
	f->back = 0;
	f->top = false;
	buf_free(&old);
}

void picture_restart(struct picture *f, struct buf *out)
{
	if (!f->rows || f->open)
		return;
	buf_puts(out, "\033[H\033[2J");
	f->rows = 0;
}
