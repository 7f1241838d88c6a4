/*
 * public.c: the calls of waggle.h that make objects, read and write them.
 *
 * In: options of the caller. They find the target, give the arena a way out of memory, and turn
 * everything into 0 or -errno.
 */
#include "base/inflate.h"
#include "base/io.h"
#include "base/words.h"
#include "compile.h"
#include "object/asm.h"
#include "script/rows.h"
#include "script/script.h"
#include "script/format.h"
#include "session/opts.h"
#include "session/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define UNPACK_MOST (1u << 20)

static struct diag diag_of(const struct waggle_opts *opts)
{
	return (struct diag){.fn = opts->diag, .user = opts->user};
}

int session_read_file(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;
	int err = fd < 0 ? -errno : 0;

	while (!err && n) {
		char *p = buf_reserve(out, 65536);

		n = p ? read(fd, p, 65536) : -1;
		if (n > 0)
			out->n += (size_t)n;
		else if (n < 0 && errno != EINTR)
			err = p ? -errno : -ENOMEM;
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static int list_folder(const char *path, void (*fn)(void *, const char *name), void *user)
{
	DIR *dir = opendir(path);
	struct dirent *e;

	if (!dir)
		return -errno;
	while ((e = readdir(dir)) != NULL)
		fn(user, e->d_name);
	closedir(dir);
	return 0;
}

/* The machine to compile for; `text` holds a saved one as long as it is open. */
static int open_target(struct target **target, const struct waggle_opts *opts, struct buf *text,
		       struct diag *diag)
{
	int err;

	if (!opts->target)
		return target_live(target, diag);
	err = session_read_file(opts->target, text);
	if (err)
		return diag_fail(diag, err, "`waggle target save FILE` writes one",
				 "target %s cannot be read: %s", opts->target, strerror(-err));
	return target_open(target, text->p, text->n, diag);
}

int waggle_compile(struct waggle_object **out, enum waggle_lang lang, const char *src, size_t len,
		   const struct waggle_opts *opts)
{
	struct object *object = NULL;
	struct target *target = NULL;
	struct waggle_opts o;
	struct buf text = {0};
	struct diag diag;
	int err = opts_copy(&o, opts);

	*out = NULL;
	if (err)
		return err;
	diag = diag_of(&o);
	if (lang == WAGGLE_ASM) { /* knows of no machine */
		diag.file = o.name ? o.name : "asm";
		diag.text = src;
		diag.size = len;
		return object_asm((struct object **)out, src, len, &diag);
	}
	err = open_target(&target, &o, &text, &diag);
	if (!err && target) {
		target->read = session_read_file;
		target->list = list_folder;
		err = compile(&object, lang, src, len, target, &o, &diag);
	}
	if (target)
		target_close(target);
	buf_free(&text);
	*out = (struct waggle_object *)object;
	return err;
}

int waggle_format(const char *src, size_t len, const struct waggle_opts *opts)
{
	struct arena arena = {0};
	struct buf out = {0};
	struct waggle_opts o;
	struct script s = {.arena = &arena};
	struct diag diag;
	jmp_buf escape;
	int err = opts_copy(&o, opts);

	if (err)
		return err;
	diag = diag_of(&o);
	diag.file = o.name ? o.name : "script";
	diag.text = src;
	diag.size = len;
	s.diag = &diag;
	arena.escape = &escape;
	if (setjmp(escape))
		err = -ENOMEM;
	else
		err = script_format(&s, src, len, &out);
	if (!err && out.n && o.out)
		o.out(o.user, out.p, out.n);
	buf_free(&out);
	arena_free(&arena);
	return err;
}

/* The stages that an object still has. */
static int dump_check(const struct waggle_opts *o, struct diag *diag)
{
	static const char *const stages[] = {"insns", "object", "asm", "verifier"};
	size_t n;

	words_each (p, n, o->dump) {
		u32 i = 0;

		while (i < ARRAY_SIZE(stages) && !word_is(p, n, stages[i]))
			i++;
		if (i == ARRAY_SIZE(stages))
			return diag_fail(diag, -EINVAL,
					 "insns, object, asm, verifier; or compile the script",
					 "an object has no stage '%.*s' to print", (int)n, p);
	}
	return 0;
}

static void dump(const struct object *object, const struct waggle_opts *o)
{
	struct buf text = {0};

	if (words_have(o->dump, "insns"))
		vec_each (p, &object->progs) {
			buf_printf(&text, "%s:\n", p->name);
			code_print(&text, &p->code);
		}
	if (words_have(o->dump, "object"))
		object_print(&text, object);
	if (words_have(o->dump, "asm"))
		object_listing(&text, object);
	if (text.n)
		o->out(o->user, buf_str(&text), text.n);
	buf_free(&text);
}

int waggle_object_open(struct waggle_object **out, const void *elf, size_t size,
		       const struct waggle_opts *opts)
{
	struct object *object = NULL;
	struct waggle_opts o;
	struct diag diag;
	int err = opts_copy(&o, opts);

	*out = NULL;
	if (err)
		return err;
	diag = diag_of(&o);
	err = dump_check(&o, &diag);
	if (!err)
		err = object_read_elf(&object, elf, size, o.name ? o.name : "object", &diag);
	if (!err && o.dump && o.out)
		dump(object, &o);
	*out = (struct waggle_object *)object;
	return err;
}

int waggle_object_write(const struct waggle_object *object, int fd)
{
	struct diag quiet = {0};
	struct buf out = {0};
	int err = object_write_elf((const struct object *)object, &out, &quiet);

	if (!err)
		err = write_all(fd, out.p, out.n);
	buf_free(&out);
	return err;
}

void waggle_object_free(struct waggle_object *object)
{
	if (object)
		object_free((struct object *)object);
}

int waggle_object_code(const struct waggle_object *object, const char *program, const void **code,
		       size_t *size)
{
	const struct object *o = (const struct object *)object;

	if (!program && o->progs.n != 1)
		return -ENOENT;
	vec_each (p, &o->progs)
		if (!program || !strcmp(p->name, program)) {
			*code = p->code.insns.v;
			*size = p->code.insns.n * sizeof(struct insn);
			return 0;
		}
	return -ENOENT;
}

int waggle_disassemble(const void *code, size_t size, const struct waggle_opts *opts)
{
	struct waggle_opts o;
	struct buf text = {0};
	int err = opts_copy(&o, opts);

	if (err)
		return err;
	if (size % sizeof(struct insn) || size / sizeof(struct insn) > UINT32_MAX || !o.out)
		return -EINVAL;
	object_code_listing(&text, code, (u32)(size / sizeof(struct insn)));
	err = text.failed ? -ENOMEM : 0;
	if (!err)
		o.out(o.user, buf_str(&text), text.n);
	buf_free(&text);
	return err;
}

int waggle_target_save(int fd, const char *const *patterns, const struct waggle_opts *opts)
{
	struct target *target = NULL;
	struct waggle_opts o;
	struct buf out = {0};
	struct diag diag;
	int err = opts_copy(&o, opts);

	if (err)
		return err;
	diag = diag_of(&o);
	err = target_live(&target, &diag);
	if (!err)
		err = target_save(target, patterns, &out, &diag);
	if (!err)
		err = write_all(fd, out.p, out.n);
	if (target)
		target_close(target);
	buf_free(&out);
	return err;
}

struct topic {
	const char *name;
	void (*fn)(void *user, const char *name, const char *text);
	void *user;
	bool found;
};

/* "functions" are the rows of the kind "function". */
static void topic_row(void *user, const struct language_row *r)
{
	struct topic *t = user;
	size_t n = strlen(r->kind);

	if (strncmp(t->name, r->kind, n) != 0 || (t->name[n] && strcmp(t->name + n, "s") != 0))
		return;
	t->found = true;
	t->fn(t->user, r->usage, r->doc);
}

int waggle_language(const char *topic, void (*fn)(void *user, const char *name, const char *text),
		    void *user)
{
	struct topic t = {topic, fn, user, false};

	if (!strcmp(topic, "stages")) {
		compile_stages(fn, user);
		return 0;
	}
	script_rows(topic_row, &t);
	return t.found ? 0 : -ENOENT;
}

struct words {
	void (*fn)(void *user, const struct waggle_word *);
	void *user;
};

static void word_row(void *user, const struct language_row *r)
{
	struct words *w = user;

	w->fn(w->user, &(struct waggle_word){r->kind, r->name, r->alias, r->usage, r->doc});
}

void waggle_words(void (*fn)(void *user, const struct waggle_word *), void *user)
{
	script_rows(word_row, &(struct words){fn, user});
}

int waggle_list(const char *patterns, bool verbose, void (*fn)(void *user, const char *line),
		void *user, const struct waggle_opts *opts)
{
	struct target *target = NULL;
	struct waggle_opts o;
	struct buf text = {0};
	struct diag diag;
	int err = opts_copy(&o, opts);

	if (err)
		return err;
	diag = diag_of(&o);
	err = open_target(&target, &o, &text, &diag);
	if (!err) {
		err = script_list(target, patterns, verbose, (u32)o.pid, fn, user);
		if (err)
			diag_fail(&diag, err, NULL, "the probes cannot be listed: %s",
				  strerror(-err));
	}
	if (target)
		target_close(target);
	buf_free(&text);
	return err;
}

int waggle_info(void (*fn)(void *user, const char *line), void *user,
		const struct waggle_opts *opts)
{
	struct waggle_opts o;
	struct diag diag;
	int err = opts_copy(&o, opts);

	if (err)
		return err;
	diag = diag_of(&o);
	return kernel_info(fn, user, &diag);
}

/* The first place of a program is in its name; those of a pattern that it serves, too, are of the
 * same kind. */
static void attach_name(struct buf *b, const struct object *o, u32 i)
{
	const struct attach *a = &o->attaches.v[i];
	const char *probe = o->progs.v[a->prog].probe;

	b->n = 0;
	if (!i || a[-1].prog != a->prog)
		buf_printf(b, "%s", probe);
	else if (a->probe)
		buf_printf(b, "%s", a->probe);
	else
		buf_printf(b, "%.*s:%s%s%s", (int)strcspn(probe, ":"), probe, a->pattern,
			   a->symbol ? ":" : "", a->symbol ? a->symbol : "");
}

void waggle_object_probes(const struct waggle_object *object,
			  void (*fn)(void *user, const char *probe), void *user)
{
	const struct object *o = (const struct object *)object;
	struct buf b[2] = {0};

	for (u32 i = 0; i < o->attaches.n; i++) {
		attach_name(&b[i % 2], o, i);
		if (!i || strcmp(buf_str(&b[0]), buf_str(&b[1])) != 0)
			fn(user, buf_str(&b[i % 2]));
	}
	buf_free(&b[0]);
	buf_free(&b[1]);
}

int waggle_unpack(const void *packed, size_t size, char **text)
{
	struct buf b = {0};
	int err = gunzip(&b, packed, size, UNPACK_MOST);

	buf_str(&b);
	if (!err && b.failed)
		err = -ENOMEM;
	if (err)
		buf_free(&b);
	*text = (char *)b.p;
	return err;
}
