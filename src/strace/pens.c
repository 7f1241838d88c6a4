/*
 * pens.c: where lines are written: to one file for all threads, or to a file for each.
 *
 * In:  pieces of lines. Out: bytes in a descriptor. Whoever writes says first whose lines they are
 * (pen_take()); with one pen for all, that is all the same.
 */
#include "strace/strace.h"

#include "base/diag.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { FLUSH_BYTES = 1 << 16 };

void pen_take(struct strace *s, struct task *t)
{
	s->pen = s->opts.files ? &t->own : &s->shared;
}

void pen_put(struct strace *s, const char *text, size_t n)
{
	const char *line = memrchr(text, '\n', n);

	s->written = true;
	buf_add(&s->pen->text, text, n);
	s->pen->column = line ? (u64)(text + n - line - 1) : s->pen->column + n;
}

void pen_puts(struct strace *s, const char *text)
{
	pen_put(s, text, strlen(text));
}

/* Has a file of this number been opened before? From now on it has. */
static bool opened(struct strace *s, u32 tid)
{
	char *byte;
	bool was;

	while (s->opened.n <= tid / 8 && !s->opened.failed)
		buf_char(&s->opened, 0);
	if (s->opened.failed)
		return true; /* nobody knows: nothing is cut off */
	byte = &s->opened.p[tid / 8];
	was = *byte >> tid % 8 & 1;
	*byte |= (char)(1 << tid % 8);
	return was;
}

/* FILE.TID: what this run has written to it stays, also where a number comes a second time. */
static int open_own(struct strace *s, u32 tid)
{
	bool more = opened(s, tid) || s->opts.append;
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s.%u", s->opts.files, tid);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (more ? O_APPEND : O_TRUNC), 0666);
	return fd < 0 ? -errno : fd;
}

static int flush(struct strace *s, struct pen *p)
{
	int err = p->fd < 0 ? p->fd : s->failed ? 0 : write_all(p->fd, p->text.p, p->text.n);

	p->text.n = 0;
	if (err && !s->failed)
		diag_fail(s->diag, err,
			  s->attends ? "the command runs on, its calls are lost" : NULL,
			  "cannot write what is traced: %s", strerror(-err));
	s->failed |= err != 0;
	return err;
}

static void flush_own(struct strace *s, struct task *t)
{
	if (!t->own.text.n)
		return;
	if (!t->own.fd)
		t->own.fd = open_own(s, t->own.tid);
	flush(s, &t->own);
}

int pens_flush(struct strace *s)
{
	s->shared.fd = s->opts.out_fd;
	s->written = false;
	for (u32 i = 0; s->opts.files && i < ARRAY_SIZE(s->tasks); i++)
		for (struct task *t = s->tasks[i]; t; t = t->next)
			flush_own(s, t);
	return s->shared.text.n ? flush(s, &s->shared) : 0;
}

void pen_end_line(struct strace *s)
{
	pen_puts(s, "\n");
	s->pen->open = NULL;
	if (s->pen->text.n > FLUSH_BYTES)
		pens_flush(s);
}

/* The thread is gone. */
void pen_close(struct strace *s, struct task *t)
{
	flush_own(s, t);
	if (t->own.fd > 0)
		close(t->own.fd);
	buf_free(&t->own.text);
	if (s->pen == &t->own)
		s->pen = &s->shared;
}

/* It goes on under another number, in that one's file. */
void pen_renumber(struct strace *s, struct task *t)
{
	if (t->own.tid == t->tid)
		return;
	pen_close(s, t);
	t->own = (struct pen){.tid = t->tid};
}

void pens_free(struct strace *s)
{
	buf_free(&s->shared.text);
	buf_free(&s->line);
	buf_free(&s->opened);
}
