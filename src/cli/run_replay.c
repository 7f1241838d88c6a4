/*
 * run_replay.c: `waggle run OBJECT -r FILE -w FILE`: a program on all packets of a capture file.
 *
 * Out: verdicts and how many packets got them, what is in the maps, and the packets in another
 * file.
 */
#include "cli/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *name;
	unsigned bits;
} kinds[] = {
	{"passed", WAGGLE_KEEP_PASSED},
	{"dropped", WAGGLE_KEEP_DROPPED},
	{"redirected", WAGGLE_KEEP_REDIRECTED},
	{"changed", WAGGLE_KEEP_CHANGED},
	{"all", WAGGLE_KEEP_PASSED | WAGGLE_KEEP_DROPPED | WAGGLE_KEEP_REDIRECTED},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

int replay_keep(struct waggle_replay *how, const char *words)
{
	struct word w;

	while (word_next(&words, &w)) {
		size_t i = 0;

		while (i < KINDS && !word_is(w, kinds[i].name))
			i++;
		if (i == KINDS)
			return usage_error(
				"--keep takes passed, dropped, redirected, changed or all, "
				"with commas between them, not '%.*s'",
				(int)w.n, w.p);
		how->keep |= kinds[i].bits;
	}
	return 0;
}

int replay_check(const struct run *r)
{
	const struct waggle_replay *how = &r->replay;

	if (!how->read && (how->write || how->keep || how->most))
		return usage_error("-w, -c and --keep are for the packets of a file: -r FILE");
	if (how->keep && !how->write)
		return usage_error("--keep says which packets are written: -w FILE");
	if (how->read && (r->input || r->context || r->call.repeat || r->classic))
		return usage_error(
			"packets come from a file (-r): --input, --context, --repeat and "
			"--classic have no meaning there");
	return 0;
}

static void put_sum(const char *what, unsigned long long n, unsigned long long bytes)
{
	printf("%-8s %llu packet%s, %llu bytes", what, n, n == 1 ? "" : "s", bytes);
}

static void put_verdicts(const struct waggle_replay *how)
{
	for (unsigned i = 0; i < how->nverdicts; i++) {
		const struct waggle_verdict *v = &how->verdicts[i];
		char number[24];

		snprintf(number, sizeof(number), "%llu", (unsigned long long)v->value);
		printf("verdict  %s: ", v->name                  ? v->name
					: v->value == UINT64_MAX ? "others"
								 : number);
		printf("%llu packet%s, %llu bytes\n", (unsigned long long)v->packets,
		       v->packets == 1 ? "" : "s", (unsigned long long)v->bytes);
	}
}

static void print_text(const struct waggle_replay *how, struct waggle_session *s)
{
	printf("%-8s %s, %s, engine %s\n", "program", how->name, how->kind, how->engine);
	put_sum("packets", how->packets, how->bytes);
	if (how->cut)
		printf(", %llu of them not whole", (unsigned long long)how->cut);
	putchar('\n');
	if (how->skipped)
		printf("skipped  %llu, too short or too long for the program\n",
		       (unsigned long long)how->skipped);
	put_verdicts(how);
	if (how->stopped)
		printf("stopped  on %llu packet%s, first on the %llu.\n",
		       (unsigned long long)how->stopped, how->stopped == 1 ? "" : "s",
		       (unsigned long long)how->fault_packet);
	printf("changed  %llu\n", (unsigned long long)how->changed);
	if (how->write)
		printf("written  %llu\n", (unsigned long long)how->written);
	printf("time     %llu ns a packet\n", (unsigned long long)how->ns);
	run_print_maps(s, 0);
}

static void print_json(const struct waggle_replay *how, struct waggle_session *s)
{
	printf("{\"program\":\"%s\",\"kind\":\"%s\",\"engine\":\"%s\",\"packets\":%llu,"
	       "\"bytes\":%llu,\"cut\":%llu,\"skipped\":%llu,\"stopped\":%llu,\"changed\":%llu,"
	       "\"written\":%llu,\"ns\":%llu,\"verdicts\":[",
	       how->name, how->kind, how->engine, (unsigned long long)how->packets,
	       (unsigned long long)how->bytes, (unsigned long long)how->cut,
	       (unsigned long long)how->skipped, (unsigned long long)how->stopped,
	       (unsigned long long)how->changed, (unsigned long long)how->written,
	       (unsigned long long)how->ns);
	for (unsigned i = 0; i < how->nverdicts; i++) {
		const struct waggle_verdict *v = &how->verdicts[i];

		printf("%s{\"value\":%llu,", i ? "," : "", (unsigned long long)v->value);
		if (v->name)
			printf("\"verdict\":\"%s\",", v->name);
		printf("\"packets\":%llu,\"bytes\":%llu}", (unsigned long long)v->packets,
		       (unsigned long long)v->bytes);
	}
	fputs("],\"maps\":{", stdout);
	run_print_maps(s, 1);
	puts("}}");
}

/* Where stdout takes the packets, the words go to stderr. Returns the path to write to. */
static const char *make_way(const char *write, char *path, size_t size)
{
	int fd = write && !strcmp(write, "-") ? dup(STDOUT_FILENO) : -1;

	if (fd < 0)
		return write;
	snprintf(path, size, "/dev/fd/%d", fd);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	return path;
}

int run_replay(struct run *r, struct waggle_session *s)
{
	struct waggle_replay *how = &r->replay;
	char path[32];
	int err;

	how->write = make_way(how->write, path, sizeof(path));
	err = waggle_session_replay(s, how);
	if (err && !how->name)
		return err;
	if (r->json)
		print_json(how, s);
	else
		print_text(how, s);
	if (how->stopped)
		fprintf(stderr, "waggle: error: program '%s' was stopped on packet %llu: %s\n",
			how->name, (unsigned long long)how->fault_packet, how->fault);
	return how->stopped ? STATUS_ERROR : err;
}
