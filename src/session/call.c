/*
 * call.c: programs run by themselves: waggle_session_load(), waggle_session_call().
 *
 * In:  an object, a program, an input. Out: what the program returned and left behind.
 */
#include "session/session.h"

#include "engine/bare/bare.h"
#include "engine/input.h"

#include <errno.h>
#include <stdlib.h>

s64 session_find_program(struct waggle_session *s, const char *name)
{
	const struct object *o = s->object;
	struct buf names = {0};
	s64 found = o->progs.n == 1 ? 0 : -EINVAL;

	if (!name && s->only >= 0)
		return s->only;
	for (u32 i = 0; i < o->progs.n; i++) {
		if (name && !strcmp(o->progs.v[i].name, name)) {
			buf_free(&names);
			return i;
		}
		buf_printf(&names, "%s%s", i ? ", " : "", o->progs.v[i].name);
	}
	if (name || found < 0)
		found = diag_fail(&s->diag, name ? -ENOENT : -EINVAL,
				  name ? "see -d object" : "--prog NAME chooses one",
				  name ? "there is no program '%s', but: %s"
				       : "the object has several programs%s: %s",
				  name ? name : "", buf_str(&names));
	buf_free(&names);
	return found;
}

/* The kernel, if it can run such programs and lets us; quietly, for the other can run them as well.
 */
static int open_auto(struct waggle_session *s, const struct engine_opts *opts)
{
	struct diag quiet = {0};
	bool kernel = s->only >= 0 ? input_kind(s->object->progs.v[s->only].kind)->kernel : true;
	int err = kernel ? kernel_engine.open(&s->engine, s->object, opts, &quiet) : -EOPNOTSUPP;

	if (!err) {
		s->engine->diag = &s->diag;
		return 0;
	}
	if (kernel && err != -EPERM && err != -EACCES && err != -ENOSYS)
		return kernel_engine.open(&s->engine, s->object, opts, &s->diag); /* and say why */
	return bare_engine.open(&s->engine, s->object, opts, &s->diag);
}

static int load(struct waggle_session *s)
{
	struct engine_opts opts = {.ring_bytes = s->opts.ring_bytes, .only = s->only + 1};

	switch (s->opts.engine) {
	case WAGGLE_KERNEL: return kernel_engine.open(&s->engine, s->object, &opts, &s->diag);
	case WAGGLE_USER: return bare_engine.open(&s->engine, s->object, &opts, &s->diag);
	default: return open_auto(s, &opts);
	}
}

int waggle_session_load(struct waggle_session **out, struct waggle_object *object,
			const struct waggle_opts *opts)
{
	struct waggle_session *s;
	int err = session_new(&s, object, opts);

	*out = NULL;
	if (!err && (s->opts.program || s->object->progs.n == 1)) {
		s->only = session_find_program(s, s->opts.program);
		err = s->only < 0 ? (int)s->only : 0;
	}
	if (!err)
		err = session_resolve(s, s->only);
	if (!err)
		err = load(s);
	if (err)
		return session_failed(s, err);
	s->finished = true;
	s->stats.map_bytes = s->engine->map_bytes;
	*out = s;
	return 0;
}

void session_call_close(struct waggle_session *s)
{
	struct engine_test *t = &s->call.test;

	buf_free(&t->out);
	buf_free(&t->ctx_out);
	buf_free(&t->fault);
	buf_free(&s->call.data);
	buf_free(&s->call.ctx);
	s->call = (struct call){0};
}

/* Zeroes where the caller gave nothing. */
static int fill_input(struct waggle_session *s, const struct waggle_call *c,
		      const struct input_kind *kind)
{
	struct engine_test *t = &s->call.test;
	size_t size = kind->input == INPUT_CTX ? 0 : c->data ? c->data_size : INPUT_PACKET_BYTES;
	size_t ctx = c->ctx ? c->ctx_size : kind->ctx_size;
	char *p;

	if (size > 1u << 20 || ctx > 1u << 20)
		return diag_fail(&s->diag, -E2BIG, NULL, "an input of more than 1 MiB");
	p = size ? buf_reserve(&s->call.data, size) : NULL;
	if (p)
		memset(p, 0, size);
	if (p && c->data)
		memcpy(p, c->data, size);
	t->data = p;
	t->data_size = p ? (u32)size : 0;
	p = ctx ? buf_reserve(&s->call.ctx, ctx) : NULL;
	if (p)
		memset(p, 0, ctx);
	if (p && c->ctx)
		memcpy(p, c->ctx, ctx);
	t->ctx = p;
	t->ctx_size = p ? (u32)ctx : 0;
	t->repeat = c->repeat;
	return s->call.data.failed || s->call.ctx.failed ? -ENOMEM : 0;
}

static void fill_output(struct waggle_session *s, const struct object_prog *p,
			struct waggle_call *c)
{
	struct engine_test *t = &s->call.test;
	const struct prog_kind *kind = prog_kind(p->kind);

	c->result = t->result;
	c->verdict = t->fault.n ? NULL : input_verdict(p->kind, t->result);
	c->name = p->name;
	c->kind = kind ? kind->name : "bare";
	c->engine = s->engine->ops->name;
	c->in = t->data;
	c->in_size = t->data_size;
	c->out = t->out.n ? t->out.p : NULL;
	c->out_size = t->out.n;
	c->ctx_out = t->ctx_out.n ? t->ctx_out.p : NULL;
	c->ctx_out_size = t->ctx_out.n;
	c->ns = t->ns;
	c->fault = t->fault.n ? buf_str(&t->fault) : NULL;
}

int waggle_session_call(struct waggle_session *s, struct waggle_call *call)
{
	struct waggle_call c = {0};
	const struct object_prog *p;
	s64 prog;
	int err;

	if (call->sz < offsetof(struct waggle_call, result))
		return -EINVAL;
	memcpy(&c, call, MIN(call->sz, sizeof(c)));
	session_call_close(s);
	prog = session_find_program(s, c.program);
	if (prog < 0)
		return (int)prog;
	p = &s->object->progs.v[prog];
	if (!s->engine->ops->test || !object_wants(s->object, s->only, (u32)prog))
		return diag_fail(&s->diag, -EINVAL, "load it with waggle_session_load()",
				 "program '%s' cannot be run by itself here", p->name);
	err = fill_input(s, &c, input_kind(p->kind));
	if (!err)
		err = s->engine->ops->test(s->engine, (u32)prog, &s->call.test);
	if (err)
		return err;
	fill_output(s, p, &c);
	memcpy(call, &c, MIN(call->sz, sizeof(c)));
	return 0;
}

struct waggle_map *waggle_session_map_at(struct waggle_session *s, unsigned i)
{
	const struct object *o = s->object;

	for (u32 at = 0; at < o->maps.n; at++)
		if ((o->plain || !o->maps.v[at].section) && !i--)
			return &s->maps[at];
	return NULL;
}
