/* inspect.c: what `waggle map`, `ps` and `detach` share; see inspect.h. */
#include "session/inspect.h"

#include <stdio.h>

int inspect_run(const struct waggle_opts *opts, int (*fn)(struct inspect *, void *), void *user)
{
	struct inspect i = {0};
	int err = opts_copy(&i.o, opts);

	if (err)
		return err;
	i.diag = (struct diag){.fn = i.o.diag, .user = i.o.user};
	i.json = i.o.format && !strcmp(i.o.format, "json");
	if (i.o.format && !i.json && strcmp(i.o.format, "text") != 0)
		return diag_fail(&i.diag, -EINVAL, "text, json", "there is no format '%s' for this",
				 i.o.format);
	i.arena.escape = &i.escape;
	if (setjmp(i.escape))
		err = diag_fail(&i.diag, -ENOMEM, NULL, "out of memory");
	else
		err = fn(&i, user);
	if (i.out.failed)
		err = err ? err : -ENOMEM;
	else if (i.out.n && i.o.out)
		i.o.out(i.o.user, buf_str(&i.out), i.out.n);
	buf_free(&i.out);
	arena_free(&i.arena);
	return err;
}

/* ---- errors */

static const struct {
	int err;
	const char *text, *hint;
} reasons[] = {
	{EPERM, "not permitted",
	 "it needs root or CAP_BPF (and CAP_NET_ADMIN or CAP_PERFMON for some kinds)"},
	{EACCES, "not permitted", NULL},
	{ENOENT, "there is no such entry", NULL},
	{EEXIST, "there is such an entry already", "`exist` changes it, `any` does both"},
	{E2BIG, "it is full, or the index is behind its end", NULL},
	{EBUSY, "it is in use", NULL},
	{EINVAL, "the kernel does not take this", NULL},
	{EOPNOTSUPP, "maps or links of this kind cannot do that", NULL},
	{524, "maps of this kind cannot do that", NULL}, /* ENOTSUPP of the kernel's inside */
	{ENOMEM, "out of memory", NULL},
	{EFAULT, "the kernel could not read it", NULL},
	{EBADF, "it is no longer there", NULL},
	{ENOSPC, "there is no room", NULL},
};

int inspect_failed(struct inspect *i, int err, const char *fmt, ...)
{
	const char *text = NULL, *hint = NULL, *what;
	va_list ap;

	for (u32 r = 0; r < ARRAY_SIZE(reasons) && !text; r++)
		if (reasons[r].err == -err) {
			text = reasons[r].text;
			hint = reasons[r].hint;
		}
	va_start(ap, fmt);
	what = arena_vprintf(&i->arena, fmt, ap);
	va_end(ap);
	return diag_fail(&i->diag, err, hint, "%s: %s", what, text ? text : strerror(-err));
}

/* ---- tables */

void table_print(const struct table *t, struct buf *out)
{
	u32 *widths = arena_array(t->arena, u32, t->columns), rows = t->cells.n / t->columns;

	for (u32 c = 0; c < t->columns; c++) {
		widths[c] = (u32)strlen(t->heads[c]) - (t->heads[c][0] == '>');
		for (u32 r = 0; r < rows; r++)
			widths[c] = MAX(widths[c], (u32)strlen(t->cells.v[r * t->columns + c]));
	}
	for (u32 r = 0; r <= rows; r++)
		for (u32 c = 0; c < t->columns; c++) {
			bool right = t->heads[c][0] == '>';
			const char *cell =
				r ? t->cells.v[(r - 1) * t->columns + c] : t->heads[c] + right;

			if (c + 1 == t->columns && !right)
				buf_printf(out, "%s\n", cell);
			else
				buf_printf(out, right ? "%*s%s" : "%-*s%s", (int)widths[c], cell,
					   c + 1 == t->columns ? "\n" : "  ");
		}
}

const char *inspect_bytes(struct arena *a, u64 n)
{
	static const char units[] = " KMGT";
	u32 u = 0;

	if (!n)
		return "-";
	while (n >= 10240 && units[u + 1])
		n = (n + 512) / 1024, u++;
	return u ? arena_printf(a, "%llu%c", (unsigned long long)n, units[u])
		 : arena_printf(a, "%llu", (unsigned long long)n);
}

/* ---- JSON */

void json_text(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, "\"%s\":", name);
	btf_show_text(out, text, strlen(text));
}

void json_number(struct buf *out, const char *name, u64 n)
{
	buf_printf(out, "\"%s\":%llu", name, (unsigned long long)n);
}

static void put_holder(struct inspect *i, const struct query_holder *h, struct buf *out)
{
	if (!i->json) {
		if (h->path)
			buf_puts(out, h->path);
		else
			buf_printf(out, "%s(%u)", h->comm, h->pid);
		return;
	}
	buf_char(out, '{');
	if (h->path) {
		json_text(out, "path", h->path);
	} else {
		json_number(out, "pid", h->pid);
		buf_char(out, ',');
		json_text(out, "comm", h->comm);
	}
	buf_char(out, '}');
}

void inspect_holders(struct inspect *i, const struct query_holders *all, const u32 *holders, u32 n,
		     struct buf *out)
{
	u32 shown = 0;

	if (i->json)
		buf_char(out, '[');
	for (u32 a = 0; a < n; a++) {
		const struct query_holder *h = &all->list.v[holders[a]];
		u32 b = 0;

		while (b < a && (h->path || all->list.v[holders[b]].pid != h->pid))
			b++;
		if (b < a)
			continue;
		buf_puts(out, !shown++ ? "" : i->json ? "," : ", ");
		put_holder(i, h, out);
	}
	if (i->json)
		buf_char(out, ']');
	else if (!shown)
		buf_char(out, '-');
}
