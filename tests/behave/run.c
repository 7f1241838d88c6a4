/*
 * run.c: run one case.
 *
 * In:  a case, an engine, the path of waggle.
 * Out: what it wrote, how it ended, how long it took, and a command line to repeat it with.
 *
 * The case runs in a fresh folder, as its own process group with empty stdin, and is ended by group
 * when its time is over. Only the group that was started here is ever signalled.
 */
#include "behave.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ARGS 64

struct argv {
	char *v[MAX_ARGS + 1]; /* malloc'ed; ends with NULL */
	unsigned n;
};

double now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void push(struct argv *a, const char *word)
{
	char *copy = a->n < MAX_ARGS ? strdup(word) : NULL;

	if (copy)
		a->v[a->n++] = copy; /* freed by case_run() */
} // NOLINT(clang-analyzer-unix.Malloc): it loses sight of the array

/* Words are parted by blanks; '...' and "..." hold blanks together, nothing else is special. */
static void push_words(struct argv *a, const char *s)
{
	struct text word = { 0 };

	while (*(s += strspn(s, " \t\n"))) {
		word.len = 0;
		text_add(&word, "", 0);
		while (*s && !strchr(" \t\n", *s)) {
			char quote = *s == '\'' || *s == '"' ? *s++ : 0;
			const char stop[] = { quote, 0 };
			size_t len = strcspn(s, quote ? stop : " \t\n'\"");

			text_add(&word, s, len);
			s += len;
			s += quote && *s;
		}
		push(a, word.s);
	}
	free(word.s);
}

static void quoted(struct text *t, const char *word)
{
	if (*word && !word[strcspn(word, " \t\n\"'$`\\|&;<>(){}*?[]~#!@")]) {
		text_add(t, word, strlen(word));
		return;
	}
	text_add(t, "'", 1);
	for (; *word; word++)
		*word == '\'' ? text_add(t, "'\\''", 4) : text_add(t, word, 1);
	text_add(t, "'", 1);
}

static void describe(const struct test_case *c, const struct argv *a, const struct options *o,
		     struct result *r)
{
	struct text t = { 0 };

	if (c->shell)
		text_printf(&t, "WAGGLE=%s %s", o->waggle, c->script ? "SCRIPT=script.bt " : "");
	for (unsigned i = 0; i < a->n; i++) {
		text_add(&t, " ", i > 0);
		quoted(&t, a->v[i]);
	}
	snprintf(r->command, sizeof(r->command), "%s", t.s ? t.s : "");
	free(t.s);
}

static void command_of(const struct test_case *c, enum engine e, const struct options *o,
		       const char *script, struct argv *a)
{
	if (c->shell) {
		push(a, "/bin/sh");
		push(a, "-c");
		push(a, c->shell);
		return;
	}
	push(a, o->waggle);
	if (!o->oracle && e != ENGINE_COMPILER) {
		push(a, "--engine");
		push(a, e == ENGINE_KERNEL ? "kernel" : e == ENGINE_USER ? "user" : "inprocess");
	}
	push_words(a, c->args ? c->args : "");
	push(a, "-e");
	push(a, script);
	if (c->run) {
		push(a, "-c");
		push(a, c->run);
	}
}

static int write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (!f)
		return -errno;
	fputs(text, f);
	return fclose(f) ? -errno : 0;
}

#define NOBODY 65534

static bool nobody_reaches(const char *path)
{
	int status = 1;
	pid_t pid = fork();

	if (!pid)
		_exit(setresuid(NOBODY, NOBODY, NOBODY) || access(path, X_OK));
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

/* The user engine needs no rights, so root becomes nobody; where nobody may not reach waggle it
 * stays root, but without the rights that root has. */
static void drop_rights(const struct options *o, const char *dir)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };
	char script[512];

	snprintf(script, sizeof(script), "%s/script.bt", dir);
	if (geteuid() || chown(dir, NOBODY, NOBODY) || chown(script, NOBODY, NOBODY))
		return;
	if (nobody_reaches(o->waggle)) {
		if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
		    setresuid(NOBODY, NOBODY, NOBODY))
			_exit(127);
		return;
	}
	if (chown(dir, 0, 0) || chown(script, 0, 0))
		_exit(127);
	for (unsigned cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		prctl(PR_CAPBSET_DROP, cap);
	if (syscall(SYS_capset, &head, none))
		_exit(127);
}

static void child(const struct argv *a, const struct options *o, int out, int err, const char *dir,
		  enum engine e)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char script[512];

	setpgid(0, 0);
	snprintf(script, sizeof(script), "%s/script.bt", dir);
	setenv("WAGGLE", o->waggle, 1);
	setenv("SCRIPT", script, 1);
	/* A test that waits for nothing must not wait for colours, locales or a cache either. */
	setenv("LC_ALL", "C", 1);
	setenv("TERM", "dumb", 1);
	if (e == ENGINE_USER || e == ENGINE_INPROCESS)
		drop_rights(o, dir);
	if (!a->n || chdir(dir) || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(127);
	execvp(a->v[0], a->v);
	dprintf(2, "behave: cannot run %s: %s\n", a->v[0], strerror(errno));
	_exit(127);
}

/* Read what is there. Returns false at the end of the pipe. */
static bool drain(int fd, struct text *t)
{
	char block[65536];
	ssize_t n = read(fd, block, sizeof(block));

	if (n > 0)
		text_add(t, block, (size_t)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/*
 * Read both pipes until the child has ended and its output with it. Somebody whom the child left
 * behind may hold the pipes open: they get 0.2 s, then what was read counts.
 */
static void follow(pid_t pid, int out, int err, double limit, struct result *r)
{
	struct text to = { 0 }, te = { 0 };
	struct pollfd p[2] = { { .fd = out, .events = POLLIN }, { .fd = err, .events = POLLIN } };
	double start = now_seconds(), ended = 0;
	int status = 0;

	text_add(&to, "", 0);
	text_add(&te, "", 0);
	while (p[0].fd >= 0 || p[1].fd >= 0 || !ended) {
		poll(p, 2, 10);
		if (p[0].revents && !drain(out, &to))
			p[0].fd = -1;
		if (p[1].revents && !drain(err, &te))
			p[1].fd = -1;
		if (!ended && waitpid(pid, &status, WNOHANG) == pid) {
			ended = now_seconds();
			r->seconds = ended - start;
		}
		if (ended && now_seconds() - ended > 0.2)
			break;
		if (!ended && !r->late && now_seconds() - start > limit) {
			r->late = true;
			kill(-pid, SIGKILL);
		}
	}
	r->out = to.s;
	r->out_len = to.len;
	r->err = te.s;
	r->err_len = te.len;
	r->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int start(const struct test_case *c, enum engine engine, const struct options *o,
		 const struct argv *a, const char *dir, struct result *r)
{
	int out[2], err[2], e;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		return -errno;
	if (pipe2(err, O_CLOEXEC)) {
		e = -errno;
		close(out[0]);
		close(out[1]);
		return e;
	}
	fflush(stdout);
	pid = fork();
	e = pid < 0 ? -errno : 0;
	if (pid == 0)
		child(a, o, out[1], err[1], dir, engine);
	close(out[1]);
	close(err[1]);
	if (pid > 0) {
		setpgid(pid, pid);
		fcntl(out[0], F_SETFL, O_NONBLOCK);
		fcntl(err[0], F_SETFL, O_NONBLOCK);
		follow(pid, out[0], err[0], c->timeout * o->patience, r);
	}
	close(out[0]);
	close(err[0]);
	return e;
}

static void remove_folder(const char *dir)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", dir, (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

int case_run(const struct test_case *c, enum engine e, const struct options *o, struct result *r)
{
	char dir[] = "/tmp/behave.XXXXXX", path[64];
	struct argv a = { 0 };
	char *script = o->oracle ? oracle_script(c->script ? c->script : "") : NULL;
	const char *text = script ? script : c->script;
	int ret;

	memset(r, 0, sizeof(*r));
	if (!mkdtemp(dir)) {
		free(script);
		return -errno;
	}
	snprintf(path, sizeof(path), "%s/script.bt", dir);
	ret = write_file(path, text ? text : "");
	command_of(c, e, o, text ? text : "", &a);
	describe(c, &a, o, r);
	if (!ret)
		ret = start(c, e, o, &a, dir, r);
	if (!ret && o->oracle)
		oracle_output(r->out, &r->out_len);
	for (unsigned i = 0; i < a.n; i++)
		free(a.v[i]);
	free(script);
	remove_folder(dir);
	return ret;
}

void result_free(struct result *r)
{
	free(r->out);
	free(r->err);
}
