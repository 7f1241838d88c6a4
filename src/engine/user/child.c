/*
 * child.c: the command, between its fork and its exec.
 *
 * In:  an object. Out: what a forked child needs to put itself under the filter, made before the
 *      fork, because afterwards the child calls nothing but the kernel.
 */
#include "engine/user/user.h"

#include <stdlib.h>
#include <sys/prctl.h>

int user_child_open(struct user_child **out, const struct object *o, struct diag *d)
{
	struct user_child *c = calloc(1, sizeof(*c));
	int err;

	*out = NULL;
	if (!c)
		return -ENOMEM;
	c->shared = vm_memory(sizeof(*c->shared), false);
	err = c->shared ? plan_refuse(o, d) : -ENOMEM;
	if (!err)
		err = plan_make(&c->plan, o, d);
	c->notify = !err && notify_serves(&c->plan);
	if (!err)
		err = filter_make(&c->filter, &c->plan, c->notify);
	if (err) {
		user_child_close(c);
		return d->errors ? err : diag_fail(d, err, NULL, "cannot make a filter of calls");
	}
	*out = c;
	return 0;
}

void user_child_close(struct user_child *c)
{
	if (!c)
		return;
	plan_free(&c->plan);
	vm_memory_free(c->shared, sizeof(*c->shared));
	free(c);
}

int user_child_prepare(struct user_child *c)
{
	struct {
		u16 n;
		struct bpf_code *code;
	} program = {(u16)c->filter.n, c->filter.code};
	/* it confines nothing: before 5.16 the command would get slower by it, against Spectre */
	u32 flags =
		FILTER_SPEC_ALLOW | (c->notify ? FILTER_NEW_LISTENER | FILTER_WAIT_KILLABLE : 0);
	long err = sys_seccomp(SECCOMP_SET_FILTER, flags, &program);

	if (err == -EACCES) { /* without rights: no program may gain any by exec */
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
			return -errno;
		err = sys_seccomp(SECCOMP_SET_FILTER, flags, &program);
	}
	if (err >= 0 && c->notify)
		notify_hand_over(c->shared, (int)err);
	return err < 0 ? (int)err : 0;
}
