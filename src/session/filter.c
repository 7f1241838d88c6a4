/*
 * filter.c: the call of waggle.h for packet filters.
 *
 * In:  an expression. Out: the program, in the form asked for. Names are read from the files of
 * this machine: /etc/hosts, services, protocols, networks, ethers.
 */
#include "filter/filter.h"
#include "session/classic.h"
#include "session/filter.h"
#include "session/opts.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NAMES_MOST (16 << 20) /* bytes of a file of names */

struct making {
	struct arena arena;
	jmp_buf escape;
	struct filter filter;
	struct buf out;
	struct diag diag;
};

const char *filter_names(void *user, const char *path, size_t *size)
{
	struct arena *arena = user;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct buf text = {0};
	char part[4096], *copy = NULL;
	ssize_t n;

	while (fd >= 0 && text.n < NAMES_MOST && (n = read(fd, part, sizeof(part))) > 0)
		buf_add(&text, part, (size_t)n);
	if (fd >= 0 && !text.failed) {
		copy = arena_alloc(arena, text.n + 1);
		memcpy(copy, text.n ? text.p : "", text.n);
		*size = text.n;
	}
	if (fd >= 0)
		close(fd);
	buf_free(&text);
	return copy;
}

/* "255.255.255.0", "24", "0xffffff00" */
int filter_netmask(struct filter_opts *o, const char *text, struct diag *d)
{
	unsigned a, b, c, e;
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	o->has_netmask = true;
	if (sscanf(text, "%u.%u.%u.%u", &a, &b, &c, &e) == 4 && (a | b | c | e) < 256)
		o->netmask = a << 24 | b << 16 | c << 8 | e;
	else if (*text && !*end && n <= 32)
		o->netmask = n ? ~0u << (32 - n) : 0;
	else if (*text && !*end && n <= UINT32_MAX)
		o->netmask = (u32)n;
	else
		return diag_fail(d, -EINVAL, "255.255.255.0, or 24", "'%s' is no mask of a net",
				 text);
	return 0;
}

static int make(struct making *m, const char *text, size_t size, const struct waggle_filter *how,
		const char *format)
{
	struct filter_opts o = {.link = how->link,
				.snaplen = how->snaplen,
				.plain = how->plain,
				.names = filter_names,
				.user = &m->arena};
	const struct filter_hook *hook = classic_hook(format);
	int err = 0;

	if (!o.link && hook)
		o.link = hook->link;
	o.tag_kept = hook && hook->tag_kept;
	o.way = hook ? hook->way : FILTER_WAY_UNKNOWN;
	if (how->netmask)
		err = filter_netmask(&o, how->netmask, &m->diag);
	if (!err)
		err = filter_compile(&m->filter, &m->arena, text, size, &o, &m->diag);
	if (err)
		return err;
	if (!strcmp(format, "explain"))
		filter_explain(&m->out, &m->filter);
	else if (!strncmp(format, "dot:", 4))
		filter_dot(&m->out, &m->filter, format + 4);
	else
		return classic_put(&m->out, &m->arena, m->filter.insns.v, m->filter.insns.n, format,
				   &m->diag);
	return 0;
}

static int make_or_escape(struct making *m, const char *text, size_t size,
			  const struct waggle_filter *how, const char *format)
{
	m->arena.escape = &m->escape;
	if (setjmp(m->escape))
		return diag_fail(&m->diag, -ENOMEM, NULL, "out of memory");
	return make(m, text, size, how, format);
}

int waggle_filter(const char *text, size_t size, const struct waggle_filter *how,
		  const char *format, const struct waggle_opts *opts)
{
	struct waggle_filter own = {0};
	struct making m = {0};
	struct waggle_opts o;
	int err = opts_copy(&o, opts);

	if (err)
		return err;
	if (how)
		memcpy(&own, how, MIN(how->sz, sizeof(own)));
	m.diag = (struct diag){.fn = o.diag,
			       .user = o.user,
			       .file = o.name ? o.name : "filter",
			       .text = text,
			       .size = size};
	err = make_or_escape(&m, text, size, &own, format);
	err = opts_give(&o, &m.out, err);
	arena_free(&m.arena);
	return err;
}
