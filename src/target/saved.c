/*
 * saved.c: a machine in a file.
 *
 * The file is text, so that two of them can be compared by eye, and the same machine gives the same
 * bytes:
 *
 *	waggle target 1
 *	release 6.18.1-cloud-amd64
 *	kernel 6.18
 *	arch x86_64
 *	cpus 4
 *	kprobes
 *	nofentry
 *	function vfs_read
 *
 *	tracepoint sched:sched_switch
 *		field:char prev_comm[16];	offset:8;	size:16;	signed:0;
 *		...
 *
 *	end
 *
 * "kprobes" says that the kernel has them, "nofentry" that it refuses fentry; functions are those that were asked for. Tracepoints are
 * sorted; their fields are lines of tracefs format files, without the common ones.
 * Instead of "end" the last line may be "btf N": then N bytes of BTF follow, up to the end of the
 * file. A file of another version, or one that breaks off, is refused. Lines that start with an
 * unknown word are refused too: a reader that skipped them would compile for another machine.
 *
 * In: such a file, or a target. Out: a target, or such a file.
 */
#include "target/impl.h"

#include "base/dict.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define VERSION_LINE "waggle target 1"
#define CPUS_MOST    65536

/* ---- reading */

struct saved_tp {
	const char *category, *name;
	const char *text; /* its field lines */
	size_t size;
	struct tp_format *format; /* once it was asked for */
};
struct saved {
	struct dict tracepoints; /* "category:name" */
	struct dict functions;
	bool kprobes, nofentry;
	const char *btf_data;
	size_t btf_size;
	bool ends; /* "end" or "btf" was seen */
	struct btf *btf;
};

/* The rest of the file, a line at a time. */
struct lines {
	const char *p, *end;
	u32 number;
	const char *line; /* the current one, without its newline */
	size_t n;
};

static bool next_line(struct lines *l)
{
	const char *nl = l->p < l->end ? memchr(l->p, '\n', (size_t)(l->end - l->p)) : NULL;

	if (!nl) /* also when the last line breaks off */
		return false;
	l->line = l->p;
	l->n = (size_t)(nl - l->p);
	l->p = nl + 1;
	l->number++;
	return true;
}

/* The current line is "word VALUE": the value, in the arena. */
static const char *value_of(struct arena *a, const struct lines *l, const char *word)
{
	size_t n = strlen(word);

	if (l->n < n + 2 || memcmp(l->line, word, n) != 0 || l->line[n] != ' ')
		return NULL;
	return arena_strndup(a, l->line + n + 1, l->n - n - 1);
}

static bool read_tracepoint(struct target *t, struct lines *l, const char *key)
{
	struct saved *s = t->data;
	struct saved_tp *tp = arena_new(&t->arena, struct saved_tp);
	char *colon = strchr(key, ':');
	void **at;

	tp->category = arena_strdup(&t->arena, key);
	if (!colon)
		return false;
	((char *)(uintptr_t)tp->category)[colon - key] = 0;
	tp->name = tp->category + (colon - key) + 1;
	if (!tp_is_name(tp->category) || !tp_is_name(tp->name))
		return false;
	tp->text = l->p;
	while (l->p < l->end && *l->p == '\t' && next_line(l))
		;
	tp->size = (size_t)(l->p - tp->text);
	at = dict_put(&s->tracepoints, key);
	if (*at)
		return false;
	*at = tp;
	return true;
}

static bool read_line(struct target *t, struct lines *l)
{
	struct saved *s = t->data;
	const char *v;
	u32 a, b;
	int n = 0;

	if (!l->n)
		return true;
	if ((v = value_of(&t->arena, l, "tracepoint")))
		return read_tracepoint(t, l, v);
	if ((v = value_of(&t->arena, l, "release"))) {
		t->release = v;
		return true;
	}
	if ((v = value_of(&t->arena, l, "arch"))) {
		t->arch = v;
		return true;
	}
	if ((v = value_of(&t->arena, l, "kernel"))) {
		if (sscanf(v, "%4u.%4u%n", &a, &b, &n) != 2 || v[n] || b > 999 || a > 999)
			return false;
		t->kernel = KERNEL(a, b);
		return true;
	}
	if ((v = value_of(&t->arena, l, "cpus")))
		return sscanf(v, "%6u%n", &t->cpus, &n) == 1 && !v[n] && t->cpus &&
		       t->cpus <= CPUS_MOST;
	if ((v = value_of(&t->arena, l, "btf"))) {
		unsigned long long size;

		if (sscanf(v, "%12llu%n", &size, &n) != 1 || v[n] || size != (u64)(l->end - l->p))
			return false;
		s->btf_data = l->p;
		s->btf_size = (size_t)size;
		s->ends = true;
		return true;
	}
	if ((v = value_of(&t->arena, l, "function"))) {
		*dict_put(&s->functions, v) = s;
		return s->kprobes;
	}
	if (l->n == 7 && !memcmp(l->line, "kprobes", 7))
		return s->kprobes = true;
	if (l->n == 8 && !memcmp(l->line, "nofentry", 8))
		return s->nofentry = true;
	s->ends = l->n == 3 && !memcmp(l->line, "end", 3) && l->p == l->end;
	return s->ends;
}

static int refuse(struct diag *d, u32 line, const char *why)
{
	return diag_fail(d, -EINVAL, "`waggle target save FILE` writes one",
			 "not a saved target: line %u %s", line, why);
}

static int read_saved(struct target *t, const char *data, size_t size, struct diag *d)
{
	struct saved *s = arena_new(&t->arena, struct saved);
	struct lines l = {.p = data, .end = data + size};
	const char *word = VERSION_LINE;

	t->data = s;
	s->tracepoints.arena = s->functions.arena = &t->arena;
	if (!next_line(&l) || l.n != strlen(word) || memcmp(l.line, word, l.n) != 0)
		return refuse(d, 1, "is not \"" VERSION_LINE "\"");
	while (!s->ends) {
		if (!next_line(&l))
			return refuse(d, l.number + 1, "is missing: the file breaks off");
		if (!read_line(t, &l))
			return refuse(d, l.number, "cannot be understood");
	}
	if (!t->release || !t->arch || !t->kernel || !t->cpus)
		return refuse(d, l.number, "comes before all of release, kernel, arch and cpus");
	return 0;
}

static int saved_tracepoint(struct target *t, const char *category, const char *name,
			    struct tp_format **out)
{
	struct saved *s = t->data;
	struct saved_tp *tp;
	char key[2 * TP_NAME_MOST];

	if (!tp_is_name(category) || !tp_is_name(name))
		return -ENOENT;
	snprintf(key, sizeof(key), "%s:%s", category, name);
	tp = dict_get(&s->tracepoints, key);
	if (!tp)
		return -ENOENT;
	if (!tp->format) {
		tp->format = tp_parse(&t->arena, category, name, tp->text, tp->size);
		if (!tp->format) { /* it has no fields */
			tp->format = arena_new(&t->arena, struct tp_format);
			tp->format->category = tp->category;
			tp->format->name = tp->name;
		}
	}
	*out = tp->format;
	return 0;
}

static int saved_tracepoints(struct target *t,
			     int (*fn)(void *, const char *category, const char *name), void *user)
{
	struct saved *s = t->data;
	int stop = 0;

	for (u32 i = 0; i < s->tracepoints.entries.n && !stop; i++) {
		const struct saved_tp *tp = s->tracepoints.entries.v[i].value;

		stop = fn(user, tp->category, tp->name);
	}
	return stop;
}

static int saved_btf(struct target *t, struct btf **out, struct diag *d)
{
	struct saved *s = t->data;
	int err = 0;

	if (!s->btf_data)
		return diag_fail(d, -ENOENT, "save it with `waggle target save FILE btf ...`",
				 "the saved target does not hold the kernel's types");
	if (!s->btf)
		err = btf_open_raw(&s->btf, s->btf_data, s->btf_size, d);
	*out = s->btf;
	return err;
}

/* Functions: a line "kprobes", then one line "function NAME" for each that was asked for. */
static int saved_kprobes(struct target *t)
{
	struct saved *s = t->data;

	return s->kprobes ? 0 : -ENOENT;
}

/* Where there are types, fentry is there: 5.5 was first. */
static int saved_fentry(struct target *t)
{
	struct saved *s = t->data;

	return s->nofentry ? -EPERM : s->btf_size ? 0 : -ENOENT;
}

static int saved_function(struct target *t, const char *name)
{
	struct saved *s = t->data;

	return dict_get(&s->functions, name) ? 0 : -ENOENT;
}

static int saved_functions(struct target *t, function_fn *fn, void *user)
{
	struct saved *s = t->data;
	int stop = 0;

	for (u32 i = 0; i < s->functions.entries.n && !stop; i++)
		stop = fn(user, s->functions.entries.v[i].key, NULL);
	return stop;
}

static int saved_file(struct target *t, const char *name, u32 pid, struct user_file **out)
{
	(void)t, (void)name, (void)pid, (void)out;
	return -EOPNOTSUPP;
}

static int saved_glob(struct target *t, const char *pattern, int (*fn)(void *, const char *),
		      void *user)
{
	(void)t, (void)pattern, (void)fn, (void)user;
	return -EOPNOTSUPP;
}

static int saved_mapped(struct target *t, u32 pid, int (*fn)(void *, const char *), void *user)
{
	(void)t, (void)pid, (void)fn, (void)user;
	return -EOPNOTSUPP;
}

static void saved_close(struct target *t)
{
	struct saved *s = t->data;

	if (s)
		btf_close(s->btf);
}

static const struct target_ops saved_ops = {
	.tracepoint = saved_tracepoint,
	.tracepoints = saved_tracepoints,
	.btf = saved_btf,
	.kprobes = saved_kprobes,
	.fentry = saved_fentry,
	.function = saved_function,
	.functions = saved_functions,
	.file = saved_file,
	.mapped = saved_mapped,
	.glob = saved_glob,
	.close = saved_close,
};

int target_open(struct target **out, const void *data, size_t size, struct diag *d)
{
	struct target *t = calloc(1, sizeof(*t));
	volatile int err = -ENOMEM;
	jmp_buf full;

	*out = NULL;
	if (!t)
		return diag_fail(d, -ENOMEM, NULL, "out of memory");
	t->ops = &saved_ops;
	if (TARGET_GUARD(&t->arena, full))
		err = read_saved(t, data, size, d);
	else
		diag_fail(d, -ENOMEM, NULL, "out of memory");
	t->arena.escape = NULL;
	if (err)
		target_close(t);
	else
		*out = t;
	return err;
}

/* ---- writing */

struct name {
	const char *category, *name;
};
struct choice {
	struct target *t;
	const char *const *patterns;
	u64 used; /* bit i: patterns[i] matched something */
	vec(struct name) names;
};

static int choose(void *user, const char *category, const char *name)
{
	struct choice *c = user;
	char key[2 * TP_NAME_MOST];
	bool wanted = !c->patterns;

	if (!tp_is_name(category) || !tp_is_name(name))
		return 0;
	snprintf(key, sizeof(key), "%s:%s", category, name);
	for (u32 i = 0; c->patterns && c->patterns[i]; i++)
		if (glob_match(c->patterns[i], key)) {
			wanted = true;
			c->used |= i < 64 ? 1ull << i : 0;
		}
	if (wanted)
		vec_push(&c->t->arena, &c->names,
			 (struct name){arena_strdup(&c->t->arena, category),
				       arena_strdup(&c->t->arena, name)});
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int order = strcmp(x->category, y->category);

	return order ? order : strcmp(x->name, y->name);
}

static int write_tracepoint(struct target *t, const struct name *n, struct buf *out, struct diag *d)
{
	struct tp_format *f;
	int err = t->ops->tracepoint(t, n->category, n->name, &f);

	if (err == -ENOENT) /* listed, but without a format: it cannot be attached to either */
		return 0;
	if (err)
		return target_tracepoint(t, n->category, n->name, (struct loc){0}, &f, d);
	buf_printf(out, "\ntracepoint %s:%s\n", n->category, n->name);
	for (u32 i = 0; i < f->nfields; i++)
		tp_write_field(out, &f->fields[i]);
	return 0;
}

static int write_tracepoints(struct target *t, const char *const *patterns, struct buf *out,
			     struct diag *d)
{
	struct choice c = {.t = t, .patterns = patterns};
	int err = t->ops->tracepoints(t, choose, &c);

	if (err)
		return diag_fail(d, err, "as root: mount -t tracefs tracefs /sys/kernel/tracing",
				 "cannot list tracepoints: %s", strerror(-err));
	for (u32 i = 0; patterns && i < 64 && patterns[i]; i++)
		if (!(c.used >> i & 1) && strcmp(patterns[i], "btf") != 0 &&
		    strncmp(patterns[i], "kprobe:", 7) != 0)
			diag_warn(d, (struct loc){0}, NULL, "no tracepoint matches '%s'",
				  patterns[i]);
	if (c.names.n)
		qsort(c.names.v, c.names.n, sizeof(*c.names.v), compare_names);
	for (u32 i = 0; i < c.names.n && !err; i++)
		if (!i || compare_names(&c.names.v[i], &c.names.v[i - 1]))
			err = write_tracepoint(t, &c.names.v[i], out, d);
	return err;
}

static int write_function(void *user, const char *name, const char *module)
{
	struct choice *c = user;

	(void)module;
	for (u32 i = 0; c->patterns && c->patterns[i]; i++)
		if (!strncmp(c->patterns[i], "kprobe:", 7) &&
		    glob_match(c->patterns[i] + 7, name)) {
			c->used |= i < 64 ? 1ull << i : 0;
			vec_push(&c->t->arena, &c->names,
				 (struct name){"", arena_strdup(&c->t->arena, name)});
			break;
		}
	return 0;
}

/* "kprobe:GLOB" asks for functions of the kernel. */
static int write_functions(struct target *t, const char *const *patterns, struct buf *out,
			   struct diag *d)
{
	struct choice c = {.t = t, .patterns = patterns};
	bool asked = false;

	if (t->ops->kprobes(t))
		return 0;
	buf_puts(out, "kprobes\n");
	if (t->ops->fentry(t) == -EPERM)
		buf_puts(out, "nofentry\n");
	for (u32 i = 0; patterns && patterns[i]; i++)
		asked |= !strncmp(patterns[i], "kprobe:", 7);
	if (!asked)
		return 0;
	t->ops->functions(t, write_function, &c);
	if (c.names.n)
		qsort(c.names.v, c.names.n, sizeof(*c.names.v), compare_names);
	for (u32 i = 0; i < c.names.n; i++)
		if (!i || compare_names(&c.names.v[i], &c.names.v[i - 1]))
			buf_printf(out, "function %s\n", c.names.v[i].name);
	for (u32 i = 0; i < 64 && patterns[i]; i++)
		if (!(c.used >> i & 1) && !strncmp(patterns[i], "kprobe:", 7))
			diag_warn(d, (struct loc){0}, NULL, "no function matches '%s'", patterns[i]);
	return 0;
}

static bool wants(const char *const *patterns, const char *word)
{
	for (; *patterns; patterns++)
		if (!strcmp(*patterns, word))
			return true;
	return false;
}

static int write_types(struct target *t, bool must, struct buf *out, struct diag *d)
{
	struct diag silent = {0};
	struct btf *btf;
	struct buf raw = {0};
	int err = t->ops->btf(t, &btf, must ? d : &silent);

	if (err && must)
		return err;
	if (!err)
		err = btf_copy(btf, &raw);
	if (!err) {
		buf_printf(out, "\nbtf %zu\n", raw.n);
		buf_add(out, raw.p, raw.n);
	} else if (err != -ENOENT || must) {
		diag_fail(d, err, NULL, "cannot copy the kernel's types: %s", strerror(-err));
	} else {
		err = 0;
		buf_puts(out, "\nend\n");
	}
	buf_free(&raw);
	return err;
}

static int write_target(struct target *t, const char *const *patterns, struct buf *out,
			struct diag *d)
{
	int err;

	buf_printf(out, VERSION_LINE "\nrelease %s\nkernel %u.%u\narch %s\ncpus %u\n", t->release,
		   t->kernel / 1000, t->kernel % 1000, t->arch, t->cpus);
	err = write_functions(t, patterns, out, d);
	if (!err)
		err = write_tracepoints(t, patterns, out, d);
	if (err)
		return err;
	if (!patterns || wants(patterns, "btf"))
		return write_types(t, patterns != NULL, out, d);
	buf_puts(out, "\nend\n");
	return 0;
}

int target_save(struct target *t, const char *const *patterns, struct buf *out, struct diag *d)
{
	volatile int err = -ENOMEM;
	jmp_buf full;

	if (TARGET_GUARD(&t->arena, full))
		err = write_target(t, patterns, out, d);
	t->arena.escape = NULL;
	if (!err && out->failed)
		err = -ENOMEM;
	if (err == -ENOMEM)
		diag_fail(d, -ENOMEM, NULL, "out of memory");
	return err;
}
