/*
 * trace.c: `waggle -e SCRIPT`, `waggle FILE`: compile or open, attach, watch.
 */
#include "cli/trace.h"
#include "cli/tools.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct waggle_session *volatile running; /* for the signal handler; NULL: none */

static void on_signal(int sig)
{
	static volatile sig_atomic_t times;

	stop_shown(sig);
	times = times + 1;
	if (times > 2) /* who is stuck somewhere is left */
		_exit(128 + SIGINT);
	if (running)
		waggle_session_interrupt(running);
}

static void catch_signals(void)
{
	struct sigaction act = {.sa_handler = on_signal};

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	act.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &act, NULL);
}

/* What has no meaning for an object, whose programs are built already. */
static int object_options(const struct trace *t)
{
	static const char *const stages[] = {"insns", "object", "verifier", NULL};
	const char *dumps = t->opts.dump;
	struct word w;

	/* its programs have no check of the process: they would show those of everybody */
	if (t->opts.pid)
		return usage_error("-p cannot narrow an object, whose programs are built already: "
				   "use it with the script, or build with /pid == N/");
	if (t->opts.comm || t->opts.cgroup || t->opts.by_uid)
		return usage_error(
			"--comm, --uid, --cgroup and --container cannot narrow an object, "
			"whose programs are built already: use them with the script");
	if (t->opts.target)
		return usage_error("--target has no meaning for an object, which is compiled "
				   "already: waggle build --target FILE");
	while (word_next(&dumps, &w)) {
		unsigned i = 0;

		while (stages[i] && !word_is(w, stages[i]))
			i++;
		if (!stages[i])
			return usage_error("an object has no stage '%.*s' to print: insns, object, "
					   "verifier",
					   (int)w.n, w.p);
	}
	return 0;
}

static int get_object(struct trace *t, struct waggle_object **object)
{
	int err;

	t->opts.no_command = !t->opts.command;
	t->opts.here = true;
	if (t->script) {
		t->opts.name = t->tool ? t->tool : "-e";
		return waggle_compile(object, WAGGLE_SCRIPT, t->script, strlen(t->script),
				      &t->opts);
	}
	if (access(t->opts.name, F_OK) && tool_find(t->opts.name))
		return usage_error("options of a tool stand behind its name: waggle %s OPTIONS",
				   t->opts.name);
	err = source_read_script(&t->source, t->opts.name);
	if (err)
		return err;
	t->opts.name = t->source.name;
	if (t->source.is_object) {
		err = object_options(t);
		return err ? err
			   : waggle_object_open(object, t->source.text, t->source.size, &t->opts);
	}
	return waggle_compile(object, WAGGLE_SCRIPT, t->source.text, t->source.size, &t->opts);
}

static void print_stats(const struct waggle_stats *s)
{
	fprintf(stderr,
		"loaded            %9.3f ms\n"
		"attached          %9.3f ms\n"
		"programs          %9u   %llu instructions\n"
		"maps              %9u   %llu bytes\n"
		"records shown     %9llu   %llu lost\n",
		(double)s->ns_load / 1e6, (double)s->ns_attach / 1e6, s->programs,
		(unsigned long long)s->instructions, s->maps, (unsigned long long)s->map_bytes,
		(unsigned long long)s->shown, (unsigned long long)s->lost);
	if (s->recursion < 0)
		fputs("runs skipped          unknown\n", stderr);
	else
		fprintf(stderr, "runs skipped      %9lld   (recursion)\n", (long long)s->recursion);
}

static int open_output(struct trace *t)
{
	t->opts.out_fd = STDOUT_FILENO;
	if (t->dry_run)
		t->opts.out_fd = 0;
	if (!t->output || t->opts.dump || t->dry_run)
		return 0;
	t->opts.out_fd = output_open(t->output);
	return t->opts.out_fd < 0 ? STATUS_ERROR : 0;
}

static int watch(struct trace *t, struct waggle_object *object)
{
	struct waggle_stats stats = {.sz = sizeof(stats)};
	struct trace_costs costs = {0};
	struct waggle_session *s;
	int err;

	err = open_output(t); /* not before: an error in the script leaves FILE as it is */
	if (err)
		return err;
	if (t->opts.line_buffered < 0)
		t->opts.line_buffered = isatty(t->opts.out_fd);
	t->opts.leaving = true;
	signal(SIGCHLD,
	       SIG_DFL); /* ignored by who started us, the command's status would be lost */
	err = waggle_session_start(&s, object, &t->opts);
	if (err == -ENOENT && t->opts.command)
		return STATUS_NOT_FOUND;
	if (err == -ENOEXEC && t->opts.command)
		return STATUS_NOT_EXECUTABLE;
	if (err)
		return err;
	if (t->opts.dump) { /* the verifier's log has been printed */
		waggle_session_stop(s);
		return 0;
	}
	if (t->dry_run) {
		waggle_session_stats(s, &stats);
		fprintf(stderr, "Attached %u probe%s\n", stats.probes,
			stats.probes == 1 ? "" : "s");
		waggle_session_stop(s);
		return 0;
	}
	running = s;
	catch_signals();
	if (!t->tool && !t->opts.quiet && (!t->opts.format || !strcmp(t->opts.format, "text"))) {
		waggle_session_stats(s, &stats);
		fprintf(stderr, "Attached %u probe%s\n", stats.probes,
			stats.probes == 1 ? "" : "s");
	}
	err = waggle_session_run(s);
	waggle_session_stats(s, &stats);
	if (t->stats)
		costs_read(&costs, s);
	running = NULL; /* a late Ctrl-C must not find what is being freed */
	waggle_session_stop(s);
	if (t->stats)
		print_stats(&stats);
	costs_print(&costs);
	return err;
}

/* -l: of a script, or of the machine. */
static int list(struct trace *t)
{
	struct waggle_object *object = NULL;
	int err;

	if (!t->script && (!t->opts.name || access(t->opts.name, F_OK)))
		return list_probes(t->opts.name, t->verbose, &t->opts);
	err = get_object(t, &object);
	if (!err)
		err = list_object(object, t->verbose, &t->opts);
	waggle_object_free(object);
	return err;
}

/* --fmt */
static int format(struct trace *t)
{
	int err;

	if (t->script) {
		t->opts.name = "-e";
		return waggle_format(t->script, strlen(t->script), &t->opts);
	}
	err = source_read_script(&t->source, t->opts.name);
	return err ? err : waggle_format(t->source.text, t->source.size, &t->opts);
}

int trace_open(struct trace *t)
{
	*t = (struct trace){
		.opts = {.sz = sizeof(t->opts), .diag = report_diag, .out = report_out}};
	t->opts.line_buffered = -1;
	return options_environment(&t->opts);
}

int trace_run(struct trace *t, int status)
{
	struct waggle_object *object = NULL;

	if (!status && t->list) {
		status = status_of(list(t));
	} else if (!status && t->fmt) {
		status = status_of(format(t));
	} else if (!status) {
		t->opts.verbose = t->verbose || t->tool; /* tools always tell what was lost */
		status = get_object(t, &object);
		if (!status && (!t->opts.dump || strstr(t->opts.dump, "verifier")))
			status = watch(t, object);
		status = status_of(status);
	}
	waggle_object_free(object);
	source_free(&t->source);
	free(t->command);
	free(t->stages);
	free(t->at);
	return status;
}

int cmd_trace(int argc, char **argv)
{
	struct trace t;
	int status = trace_open(&t);

	if (!status)
		status = trace_options(&t, argc, argv);
	return trace_run(&t, status);
}
