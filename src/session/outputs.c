/*
 * outputs.c: cat() and system(): the text of a file, the output of a command.
 *
 * What they name is a format with fields, as printf's. A command runs in a shell and is waited
 * for; meanwhile the rings fill, and what finds no room in them is counted as lost.
 */
#include "session/session.h"

#include "sink/format.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static bool has_output(const struct schema *schema)
{
	u8 kind = schema->action.kind;

	return kind == ACTION_CAT || kind == ACTION_SYSTEM || kind == ACTION_ERRORF ||
	       kind == ACTION_WARNF;
}

int outputs_open(struct waggle_session *s)
{
	struct object *o = s->object;
	volatile int err = 0;
	jmp_buf escape;

	if (setjmp(escape)) {
		s->arena.escape = NULL;
		return -ENOMEM;
	}
	s->arena.escape = &escape;
	vec_each (schema, &o->schemas) {
		if (!has_output(schema))
			continue;
		if (!s->formats)
			s->formats = arena_array(&s->arena, struct format, o->schemas.n);
		err = format_compile(&s->formats[schema->id], &s->arena, schema->action.text,
				     &schema->layout, &s->diag);
		if (err)
			break;
		s->formats[schema->id].show = &s->sink.show;
	}
	s->arena.escape = NULL;
	return err;
}

void outputs_close(struct waggle_session *s)
{
	arena_free(&s->arena);
	s->formats = NULL;
}

static int read_all(int fd, struct buf *out, size_t most)
{
	ssize_t n = 1;

	while (n && out->n < most) {
		char *p = buf_reserve(out, 16384);

		if (!p)
			return -ENOMEM;
		n = read(fd, p, MIN(most - out->n, 16384u));
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			out->n += (size_t)n;
	}
	return 0;
}

static int read_file(const char *path, struct buf *out, size_t most)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = read_all(fd, out, most);
	close(fd);
	return err;
}

/* Its standard output comes to us, the rest is as ours. */
static int run_command(const char *command, struct buf *out)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)command, NULL};
	posix_spawn_file_actions_t actions;
	int pipes[2], err, status;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
	err = -posix_spawn(&pid, "/bin/sh", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipes[1]);
	if (!err) {
		err = read_all(pipes[0], out, SIZE_MAX);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(pipes[0]);
	return err;
}

/* errorf() and warnf() are told as the compiler tells things; as data, where data is wanted. */
static void tell(struct waggle_session *s, const struct action *a, const char *name,
		 const char *text)
{
	struct diag d = s->diag;
	struct loc at = {a->map >> 10, (u16)(a->map & 1023), (u16)a->top, 0};

	d.file = s->object->source_name;
	d.text = s->object->source;
	d.size = s->object->source_size;
	s->trial.errors += a->kind == ACTION_ERRORF;
	if (!s->opts.trials)
		sink_flush(&s->sink, true);
	if (s->sink.ops->messages)
		sink_output(&s->sink, name, text, strlen(text));
	else if (a->kind == ACTION_ERRORF)
		diag_error(&d, at, NULL, "%s", text);
	else
		diag_warn(&d, at, NULL, "%s", text);
}

void session_output(struct waggle_session *s, const struct schema *schema, const void *payload,
		    u32 size)
{
	bool file = schema->action.kind == ACTION_CAT;
	const struct format *f = &s->formats[schema->id];
	struct buf name = {0}, text = {0}, whole = {0};
	char *p = buf_reserve(&name, f->most + 1);
	u32 all = schema->layout.size;
	int err;

	if (size < all) { /* what is missing is zero, as in sink_record() */
		buf_add(&whole, payload, size);
		while (whole.n < all && !whole.failed)
			buf_char(&whole, 0);
		payload = whole.p;
	}
	if (p && !whole.failed) {
		p = format_run(f, p, payload);
		*p = 0;
	}
	if (p && !whole.failed && schema->action.kind >= ACTION_ERRORF) {
		tell(s, &schema->action, schema->name, name.p);
	} else if (p && !whole.failed) {
		err = file ? read_file(name.p, &text, schema->action.top)
			   : run_command(name.p, &text);
		if (err)
			diag_warn(&s->diag, (struct loc){0}, NULL, "%s(\"%s\"): %s",
				  file ? "cat" : "system", name.p, strerror(-err));
		sink_output(&s->sink, schema->name, text.n ? text.p : "", text.n);
	}
	buf_free(&name);
	buf_free(&text);
	buf_free(&whole);
}
