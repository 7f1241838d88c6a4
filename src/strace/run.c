/*
 * run.c: waggle_strace(): a session of the generated script, whose records become calls.
 */
#include "strace/strace.h"

#include "base/clock.h"
#include "base/diag.h"
#include "engine/engine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

/* Nobody waits for us, so bursts must fit: memory for all rings together, most and least of one. */
enum {
	FIELDS_MOST = 12,
	IDLE_MS = 30,
	BURST_BYTES = 64 << 20,
	RING_MOST = 32 << 20,
	RING_LEAST = 1 << 20,
	EXECVE = 59,
	SETHOSTNAME = 170
};

/* What a record is, by the name of its first field; where its fields are. */
struct record {
	const struct waggle_schema *schema;
	void (*take)(struct strace *, const struct record *, const struct waggle_event *);
	struct waggle_field fields[FIELDS_MOST];
	u32 n;
};

static u64 field(const struct record *r, const struct waggle_event *e, u32 i)
{
	const struct waggle_field *f = &r->fields[i];
	u64 value = 0;

	if (i < r->n && f->off + f->size <= e->size)
		memcpy(&value, (const char *)e->data + f->off, MIN(f->size, 8u));
	if (f->kind == WAGGLE_INT && f->size == 4)
		value = (u64)(s64)(s32)value;
	return value;
}

/* ---- threads */

static struct task **slot_of(struct strace *s, u32 tid)
{
	return &s->tasks[tid % ARRAY_SIZE(s->tasks)];
}

static struct task *task_find(struct strace *s, u32 tid)
{
	struct task *t = *slot_of(s, tid);

	while (t && t->tid != tid)
		t = t->next;
	return t;
}

static void task_add(struct strace *s, struct task *t, u32 tid)
{
	struct task **slot = slot_of(s, tid);

	t->tid = tid;
	t->next = *slot;
	*slot = t;
}

static struct task *task_new(struct strace *s, u32 tid, u32 pid)
{
	struct task *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->pid = pid;
	t->own.tid = tid;
	task_add(s, t, tid);
	s->ntasks++;
	return t;
}

static bool is_exec(const struct strace *s, u32 nr)
{
	return !strncmp(s->calls[nr].name, "execve", 6);
}

/* Where the thread of a process is that calls execve() and is not the first one; or NULL. */
static struct task **exec_of(struct strace *s, u32 pid)
{
	for (u32 i = 0; i < ARRAY_SIZE(s->tasks); i++)
		for (struct task **t = &s->tasks[i]; *t; t = &(*t)->next)
			if ((*t)->pid == pid && (*t)->tid != pid && (*t)->inside &&
			    is_exec(s, (*t)->nr))
				return t;
	return NULL;
}

/* What is heard of a first thread that is gone comes from the one whose execve() took its number.
 * pid 0: no new one is made. */
static struct task *task_of(struct strace *s, u32 tid, u32 pid)
{
	struct task *t = task_find(s, tid), **slot;

	if (t)
		return t;
	slot = pid && pid != tid ? NULL : exec_of(s, tid);
	if (!slot)
		return pid ? task_new(s, tid, pid) : NULL;
	t = *slot;
	*slot = t->next;
	task_add(s, t, tid);
	return t;
}

/* Takes out the one that *slot points to. */
static void task_free(struct strace *s, struct task **slot)
{
	struct task *t = *slot;

	*slot = t->next;
	if (s->pen->open == t)
		s->pen->open = NULL;
	if (s->waiting == t)
		s->waiting = NULL;
	pen_close(s, t);
	buf_free(&t->bytes);
	buf_free(&t->stack);
	free(t);
	s->ntasks--;
}

/* Before its exec, the command is a part of ours. */
static bool not_yet(const struct strace *s, const struct task *t)
{
	return t->tid == s->command && !s->begun;
}

/* ---- records */

static void take_command(struct strace *s, const struct record *r, const struct waggle_event *e)
{
	s->command = (u32)field(r, e, 0);
	if (s->command && s->follows)
		paths_inherit(s, s->command);
}

/* tid, address, late, bytes: a string up to its NUL, or a count and so many bytes */
static void take_memory(struct strace *s, const struct record *r, const struct waggle_event *e)
{
	struct task *t = task_of(s, (u32)field(r, e, 0), (u32)field(r, e, 0));
	const struct waggle_field *f = &r->fields[3];
	const char *bytes = (const char *)e->data + f->off;
	u64 room = f->off < e->size ? MIN(f->size, e->size - f->off) : 0, n = 0, addr = field(r, e, 1);
	bool string = f->kind == WAGGLE_STRING || addr == NEW_ARGV;

	if (!t || t->npieces == ARRAY_SIZE(t->pieces) || room < 1)
		return;
	if (f->kind == WAGGLE_STRING) {
		n = strnlen(bytes, room) + 1;
		n = MIN(n, room);
	} else if (room > 8) {
		memcpy(&n, bytes, 8);
		n = MIN(n, room - 8);
		bytes += 8;
	}
	buf_pad(&t->bytes, 8);
	t->pieces[t->npieces++] = (struct piece){addr == NEW_PATH ? t->args[0] : addr, (u32)t->bytes.n, (u32)n,
						 string, field(r, e, 2) != 0};
	buf_add(&t->bytes, bytes, n);
}

static void take_enter(struct strace *s, const struct record *r, const struct waggle_event *e)
{
	struct task *t = task_of(s, (u32)field(r, e, 0), (u32)field(r, e, 1));
	u64 told = field(r, e, 2), nr = (u32)told; /* its place in the table, and above it its number */

	if (!t || nr >= MAX_CALLS || !s->calls[nr].name)
		return;
	t->pid = (u32)field(r, e, 1);
	t->nr = (u32)nr;
	t->number = (s32)(told >> 32);
	t->fatal = 0;
	for (u32 i = 0; i < MAX_ARGS; i++)
		t->args[i] = field(r, e, 3 + i);
	if (not_yet(s, t)) {
		t->ns = e->ns;
		t->shown = t->cut = false;
		t->inside = t->hidden = true;
		return;
	}
	call_begin(s, t, e->ns);
}

static void take_leave(struct strace *s, const struct record *r, const struct waggle_event *e)
{
	struct task *t = task_of(s, (u32)field(r, e, 0), 0);
	s64 ret = (s64)field(r, e, 3);
	u32 nr = (u32)field(r, e, 2);

	if (!t || !t->inside ||
	    (nr != t->nr && !((s32)nr < 0 && (t->nr == 15 || t->nr == OTHER_CALL))))
		return;
	s->begun |= not_yet(s, t) && is_exec(s, t->nr) && !ret;
	if (not_yet(s, t)) {
		t->inside = false;
		t->bytes.n = t->npieces = 0;
		return;
	}
	call_end(s, t, e->ns, ret);
}

/* tid, pid, the process and frames */
static void take_stack(struct strace *s, const struct record *r, const struct waggle_event *e)
{
	struct task *t = task_of(s, (u32)field(r, e, 0), (u32)field(r, e, 1));
	const struct waggle_field *f = &r->fields[2];
	u64 frames[128];
	u32 n;

	if (!t || f->off + f->size > e->size || f->size < 8)
		return;
	n = (u32)MIN(f->size - 8, sizeof(frames));
	memcpy(frames, (const char *)e->data + f->off + 8, n);
	t->pid = (u32)field(r, e, 1);
	stack_take(s, t, frames, n / 8);
}

/* tid, pid, its UTS namespace, its cgroup, and the name of the former, which all in it have then */
static void take_container(struct strace *s, const struct record *r, const struct waggle_event *e)
{
	struct task *t = task_of(s, (u32)field(r, e, 0), (u32)field(r, e, 1));
	const struct waggle_field *f = &r->fields[4];
	u64 uts = field(r, e, 2);
	struct node_name *n = s->node_names, *more;

	if (!t || f->off >= e->size)
		return;
	while (n < s->node_names + s->nnode_names && n->uts != uts)
		n++;
	if (n == s->node_names + s->nnode_names) {
		more = realloc(s->node_names, (s->nnode_names + 1) * sizeof(*n));
		if (!more)
			return;
		s->node_names = more;
		n = &more[s->nnode_names++];
		n->uts = uts;
	}
	snprintf(n->name, sizeof(n->name), "%.*s", (int)MIN(f->size, e->size - f->off),
		 (const char *)e->data + f->off);
	t->uts = uts;
	t->cgroup = field(r, e, 3);
}

const char *node_name_of(const struct strace *s, const struct task *t)
{
	for (u32 i = 0; i < s->nnode_names && t->uts; i++)
		if (s->node_names[i].uts == t->uts)
			return s->node_names[i].name;
	return NULL;
}

/* What rt_sigreturn brought back. */
static void take_blocked(struct strace *s, const struct record *r, const struct waggle_event *e)
{
	struct task *t = task_of(s, (u32)field(r, e, 0), 0);

	if (t)
		t->blocked = field(r, e, 1);
}

/* A child begins with what its parent knows. */
static void take_forked(struct strace *s, const struct record *r, const struct waggle_event *e)
{
	paths_fork(s, (u32)field(r, e, 0), (u32)field(r, e, 1));
}

static void put_signal(struct strace *s, struct task *t, u64 ns, const s32 *info, u32 size)
{
	struct buf text = {0};

	show_signal(&text, info[0]);
	buf_char(&text, ' ');
	show_siginfo(&text, info, size);
	if (info[0] < 1 || !(s->opts.signals_hidden >> (info[0] - 1) & 1))
		call_signal(s, t, ns, buf_str(&text));
	buf_free(&text);
}

/* tid, pid, signal, then of the kernel engine: handler, struct siginfo; of the user engine: code */
static void take_signal(struct strace *s, const struct record *r, const struct waggle_event *e)
{
	struct task *t = task_of(s, (u32)field(r, e, 0), (u32)field(r, e, 1));
	s32 info[12] = {0};

	if (!t || not_yet(s, t))
		return;
	info[0] = (s32)field(r, e, 2);
	if (s->kernel && r->fields[4].off + 8 + sizeof(info) <= e->size)
		memcpy(info, (const char *)e->data + r->fields[4].off + 8, sizeof(info));
	else
		info[2] = (s32)field(r, e, 3);
	if (!info[0]) { /* the kernel had no room to say from whom */
		info[0] = (s32)field(r, e, 2);
		info[2] = SI_USER;
	}
	t->fatal = info[0];
	if (info[0] != SIGKILL) /* nobody sees it coming */
		put_signal(s, t, e->ns, info, s->kernel ? sizeof(info) : 12);
}

/* tid, pid, signal, code, and what struct siginfo has behind it */
static void take_fatal(struct strace *s, const struct record *r, const struct waggle_event *e)
{
	struct task *t = task_of(s, (u32)field(r, e, 0), (u32)field(r, e, 1));
	u64 rest[2] = {field(r, e, 4), field(r, e, 5)};
	s32 info[12] = {(s32)field(r, e, 2), 0, (s32)field(r, e, 3)};

	memcpy(info + 4, rest, sizeof(rest));
	if (t && !not_yet(s, t))
		put_signal(s, t, e->ns, info, sizeof(info));
}

/* Where the engine does not tell how it ended, its last call or signal does. */
static int end_of(struct strace *s, const struct task *t, s64 code)
{
	if (code >= 0)
		return (int)code;
	if (t->inside && !strncmp(s->calls[t->nr].name, "exit", 4))
		return (int)(t->args[0] & 0xff) << 8;
	return t->fatal ? t->fatal : -1;
}

static void take_gone(struct strace *s, const struct record *r, const struct waggle_event *e)
{
	u32 tid = (u32)field(r, e, 0), pid = (u32)field(r, e, 1);
	struct task *t = task_find(s, tid), **slot = tid == pid ? exec_of(s, tid) : NULL;
	u32 by = slot ? (*slot)->tid : 0;
	int code;

	if (!t)
		t = task_new(s, tid, pid);
	if (!t)
		return;
	code = end_of(s, t, (s64)field(r, e, 2));
	if (t->tid == s->command)
		s->status = code;
	if (!not_yet(s, t))
		call_gone(s, t, e->ns, code, by);
	if (!by)
		paths_gone(s, t->tid);
	slot = slot_of(s, t->tid);
	while (*slot != t)
		slot = &(*slot)->next;
	task_free(s, slot);
}

static const struct {
	const char *name;
	void (*take)(struct strace *, const struct record *, const struct waggle_event *);
} takers[] = {{"command", take_command}, {"piece", take_memory},  {"string", take_memory},
	      {"argv", take_memory},     {"enter", take_enter},   {"leave", take_leave},
	      {"blocked", take_blocked}, {"signal", take_signal}, {"fatal", take_fatal}, {"gone", take_gone},
	      {"forked", take_forked},   {"stack", take_stack},   {"container", take_container}};

static struct record *record_of(struct strace *s, const struct waggle_schema *schema)
{
	const struct waggle_layout *l = waggle_schema_layout(schema);
	struct record *r;

	for (u32 i = 0; i < s->nrecords; i++)
		if (s->records[i].schema == schema)
			return &s->records[i];
	r = realloc(s->records, (s->nrecords + 1) * sizeof(*r));
	if (!r)
		return NULL;
	s->records = r;
	r += s->nrecords++;
	*r = (struct record){.schema = schema};
	for (; r->n < FIELDS_MOST && r->n < waggle_layout_count(l); r->n++) {
		r->fields[r->n].sz = sizeof(r->fields[0]);
		waggle_layout_field(l, r->n, &r->fields[r->n]);
	}
	for (u32 i = 0; i < ARRAY_SIZE(takers) && r->n; i++)
		if (!strcmp(r->fields[0].name, takers[i].name))
			r->take = takers[i].take;
	return r;
}

static int take(void *user, const struct waggle_event *e)
{
	struct strace *s = user;
	struct record *r = record_of(s, e->schema);

	if (r && r->take)
		r->take(s, r, e);
	return s->failed && !s->attends ? -EPIPE : 0;
}

/* ---- the session */

/* Calls that are not shown may come all the time: what there is to be read does not wait for them
 * to end. */
static int poll_all(struct strace *s)
{
	u64 looked = 0, now;
	int n = 0;

	while (n >= 0) {
		n = waggle_session_poll(s->session, s->waiting || s->written ? IDLE_MS : -1, take,
					s);
		now = clock_now(CLOCK_MONOTONIC);
		if (!n || now - looked > IDLE_MS * 1000000ull) {
			line_idle(s);
			stacks_idle(s);
			looked = now;
		}
	}
	line_idle(s);
	return n == -ESHUTDOWN || s->failed ? 0 : n;
}

/* A command is our child, and what is watched of us is watched of it. */
static void open_symbols(struct strace *s, const struct waggle_opts *o)
{
	s->symbols = s->opts.stacks > 1 ? symbols_new(NULL) : NULL;
	if (s->symbols)
		symbols_watch(s->symbols, o->command      ? (u32)getpid()
					  : s->npids == 1 ? (u32)*s->opts.pids
							  : 0);
}

static bool has_ended(int pid)
{
	struct pollfd p = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	bool ended = p.fd < 0 ? errno == ESRCH : poll(&p, 1, 0) == 1;

	if (p.fd >= 0)
		close(p.fd);
	return ended;
}

/* Once ends are watched: a process of -p that has ended and is still a root ended before that, and nobody will tell
 * of it. Whoever takes it out counts it: its end in @living, or we here in @unseen. We look at @living after that,
 * each end at @unseen after its own count: the last of them ends the session. */
static void roots_look(struct strace *s)
{
	struct waggle_map *roots = waggle_session_map(s->session, "@root"), *unseen = waggle_session_map(s->session, "@unseen"),
			  *living = waggle_session_map(s->session, "@living");
	s64 n = 0, left = -1;

	for (u32 i = 0; i < s->npids && roots; i++) {
		u64 key = (u64)s->opts.pids[i];

		if (!has_ended(s->opts.pids[i]) || waggle_map_delete(roots, &key))
			continue;
		diag_note(s->diag, NULL, "process %d ended before it was traced", s->opts.pids[i]);
		n++;
	}
	if (!n || waggle_map_update(unseen, NULL, &n, 0) || waggle_map_lookup(living, NULL, &left) || left != n)
		return;
	waggle_session_interrupt(s->session);
}

static int trace(struct strace *s, struct waggle_opts *o, struct waggle_object *object)
{
	bool lost;
	int err, ended;

	open_symbols(s, o);
	err = waggle_session_start(&s->session, object, o);
	if (err)
		return err;
	if (s->opts.started)
		s->opts.started(o->user, s->session);
	roots_look(s);
	err = poll_all(s);
	if (s->opts.summary)
		strace_summary(s);
	pens_flush(s);
	lost = waggle_session_lost(s->session) != 0;
	if (lost && o->diag)
		o->diag(o->user,
			&(struct waggle_diag){.level = WAGGLE_WARNING,
					      .text = "records were lost: calls may be missing, or "
						      "show addresses where "
						      "there were strings",
					      .hint = "a larger ring helps: --perf-rb-pages 4096; "
						      "or fewer calls: -e trace=..."});
	if (s->opts.started)
		s->opts.started(o->user, NULL);
	ended = waggle_session_stop(s->session);
	if (s->status < 0 && lost) /* else we ended it */
		s->ended = ended;
	return err;
}

static u32 ring_bytes(const struct strace *s)
{
	u32 bytes = RING_MOST, cpus = s->kernel ? (u32)MAX(get_nprocs_conf(), 1) : 2;

	while (bytes > RING_LEAST && (u64)bytes * cpus > BURST_BYTES)
		bytes /= 2;
	return bytes;
}

static int chosen(struct strace *s, const char *expr, bool *calls, struct diag *diag)
{
	const char *wrong = "";
	int err = strace_choose(s, expr, calls, &wrong);

	if (!err)
		return 0;
	return diag_fail(
		diag, err,
		"names of system calls, %file, %desc, %memory, %network, %signal, %process, "
		"%creds, %clock, %ipc, %pure, %stat, %statfs, /REGEX, with commas between",
		"there is no system call '%.*s'", (int)strcspn(wrong, ","), wrong);
}

/* On the user engine nothing but its last call tells how a process ended. */
static bool tells(const struct strace *s, const char *name)
{
	return (s->follows && paths_follow(name)) || (!s->kernel && !strncmp(name, "exit", 4));
}

/* Calls that are not shown are followed, too, if they say what others mean. */
static int choose(struct strace *s, const struct waggle_opts *o, struct diag *diag)
{
	int err = chosen(s, s->opts.trace, s->chosen, diag);

	if (!err && s->opts.raw)
		err = chosen(s, s->opts.raw, s->raw, diag);
	if (err)
		return err;
	s->follows = s->opts.paths || s->opts.only;
	for (u32 i = 0; i < MAX_CALLS; i++)
		s->traced[i] = s->chosen[i] || (s->calls[i].name && tells(s, s->calls[i].name));
	s->traced[EXECVE] |= o->command != NULL;
	s->traced[SETHOSTNAME] |= s->opts.containers;
	while (s->opts.pids && s->opts.pids[s->npids])
		s->npids++;
	if (!s->kernel && s->npids > 1)
		return diag_fail(diag, -EOPNOTSUPP,
				 "the kernel engine, which root has, traces several",
				 "the user engine traces one process of -p");
	return 0;
}

static int prepare(struct strace *s, const struct waggle_opts *o, struct diag *diag)
{
	struct utsname machine;
	int err;

	uname(&machine);
	s->arch = arch_find(machine.machine);
	if (!s->arch)
		return diag_fail(diag, -EOPNOTSUPP, NULL, "system calls of %s are not known",
				 machine.machine);
	s->kernel = o->engine == WAGGLE_KERNEL || (o->engine == WAGGLE_AUTO && !kernel_denied());
	s->clock_off = clock_now(CLOCK_REALTIME) - clock_now(CLOCK_MONOTONIC);
	err = strace_table(s, NULL);
	if (err)
		return diag_fail(diag, err, NULL, "the table of system calls is wrong");
	return choose(s, o, diag);
}

static void free_all(struct strace *s)
{
	for (u32 i = 0; i < ARRAY_SIZE(s->tasks); i++)
		while (s->tasks[i])
			task_free(s, &s->tasks[i]);
	paths_free(s);
	free(s->node_names);
	symbols_free(s->symbols);
	pens_free(s);
	free(s->records);
	free(s);
}

static int exit_status(const struct strace *s)
{
	if (s->ended)
		return s->ended;
	if (s->status <= 0)
		return s->failed && !s->attends ? 1 : 0;
	return WIFEXITED(s->status) ? WEXITSTATUS(s->status) : 128 + WTERMSIG(s->status);
}

/* NULL: all. What has no name is not shown. */
static const u64 *raw_calls(struct strace *s)
{
	bool all = true;

	for (u32 i = 0; i < MAX_CALLS; i++) {
		all &= s->traced[i] || !s->calls[i].name;
		if (i < NATIVE_CALLS)
			s->wanted[i / 64] |= (u64)s->traced[i] << (i % 64);
	}
	return all ? NULL : s->wanted;
}

int waggle_strace(const struct waggle_strace *what, const struct waggle_opts *opts)
{
	struct strace *s = calloc(1, sizeof(*s));
	struct waggle_object *object = NULL;
	struct waggle_opts o = *opts;
	struct diag diag = {.fn = o.diag, .user = o.user};
	struct buf script = {0};
	int err;

	if (!s)
		return -ENOMEM;
	s->opts = *what;
	s->pen = &s->shared;
	s->status = -1;
	s->diag = &diag;
	s->attends = o.command != NULL;
	err = prepare(s, opts, &diag);
	if (!err) {
		strace_script(s, &script);
		if (what->print_script) {
			o.out(o.user, script.p, script.n);
			goto done;
		}
		o.name = "strace";
		if (!o.ring_bytes)
			o.ring_bytes = ring_bytes(s);
		o.raw_calls = raw_calls(s);
		o.narrow_calls = strace_narrow(s) ? NATIVE_CALLS : 0;
		o.out_fd = 0;
		o.here = true;
		o.past_command = true; /* its children are followed: the script says when the last one has ended */
		if (!s->kernel && s->npids)
			o.pid = what->pids[0];
		err = waggle_compile(&object, WAGGLE_SCRIPT, script.p, script.n, &o);
	}
	if (!err && !o.dump)
		err = trace(s, &o, object);
	if (!err)
		err = exit_status(s);
done:
	waggle_object_free(object);
	buf_free(&script);
	free_all(s);
	return err;
}
