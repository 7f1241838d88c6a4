/*
 * scriptfuzz.c: random and damaged scripts against the compiler.
 *
 *   scriptfuzz [-n SCRIPTS] [-s SEED] [-f FIRST] [-l N] [-v] -t TARGET [CORPUS...]
 *
 * TARGET `live` is this machine, with its types, and with probes in files.
 *
 * In:  a saved target; files of scripts (*.bt) and of behaviour cases (*.case), which are damaged
 *      in turn with what scriptgen.h makes. -l N: every Nth object that compiles is loaded into
 *      this machine's kernel, and not attached (0: none). Script K of a seed is always the same:
 *      -s SEED -f K -n 1 -v shows it.
 * Out: `scripts`, `parsed`, `compiled`, `loaded` with their counts; each failure with its number,
 *      its reason and its script; status 1 if there was one, or if less than a third was parsed.
 *
 * A failure is: a crash, a sanitizer's report, a leak, more than SECONDS for one script, an error
 * without a message or with a place outside of the script, a message that blames waggle, an object
 * that is not the same after writing and reading, and a program that the verifier refuses.
 *
 * Children do the work, BATCH scripts each, so that the parent survives what they find.
 */
#include "compile.h"
#include "engine/engine.h"
#include "script/script.h"
#include "scriptgen.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCH	    200
#define SECONDS	    10
#define SCRIPT_MOST 65536
#define LEAK_STATUS 24

/* Of the sanitizers, where they are: 1 if something leaked since the last call. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
/* The report of a sanitizer ends with a status of its own. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "exitcode=23";
}

/* Seen by the parent when the child is gone. */
struct shared {
	u32 at; /* number of the script */
	u32 parsed, compiled, loaded;
	u32 endless; /* loops that the verifier cannot follow: the script's own fault */
	u32 size;
	char failure[2048]; /* found by the child itself; empty: none */
	char script[SCRIPT_MOST];
};

struct fuzz {
	struct target *target;
	struct shared *shared;
	u64 seed;
	u32 every; /* -l */
	bool live;
	bool verbose;
	struct corpus {
		char *text;
		size_t size;
	} *corpus;
	u32 ncorpus;
};

/* ---- corpus */

static void corpus_add(struct fuzz *f, const char *text, size_t size)
{
	f->corpus = realloc(f->corpus, (f->ncorpus + 1) * sizeof(*f->corpus));
	f->corpus[f->ncorpus].text = malloc(size + 1);
	memcpy(f->corpus[f->ncorpus].text, text, size);
	f->corpus[f->ncorpus++].size = MIN(size, SCRIPT_MOST / 8);
}

/* The scripts of a file of cases: a line `script TEXT` and the indented lines behind it. */
static void corpus_cases(struct fuzz *f, const char *text)
{
	struct buf script = {0};
	bool inside = false;

	for (const char *end; *text; text = end + (*end == '\n')) {
		end = strchrnul(text, '\n');
		if (!strncmp(text, "script ", 7)) {
			inside = true;
			buf_add(&script, text + 7, (size_t)(end - text - 7));
		} else if (inside && (*text == ' ' || *text == '\t')) {
			buf_char(&script, '\n');
			buf_add(&script, text, (size_t)(end - text));
		} else if (inside) {
			corpus_add(f, script.p, script.n);
			inside = false;
			script.n = 0;
		}
	}
	buf_free(&script);
}

static int corpus_read(struct fuzz *f, const char *path)
{
	size_t len = strlen(path);
	struct buf text = {0};
	FILE *in = fopen(path, "r");
	int c;

	if (!in)
		return -errno;
	while ((c = getc(in)) != EOF)
		buf_char(&text, (char)c);
	fclose(in);
	if (len > 5 && !strcmp(path + len - 5, ".case"))
		corpus_cases(f, buf_str(&text));
	else
		corpus_add(f, buf_str(&text), text.n);
	buf_free(&text);
	return 0;
}

/* ---- one script */

static void make_script(struct fuzz *f, u32 number, struct buf *out)
{
	struct gen g = {.live = f->live, .rng = (f->seed + 1) * 0x9e3779b97f4a7c15ull ^ (number + 1) * 0xd1342543de82ef95ull,
			.out = out};
	const struct corpus *c;
	struct buf whole = {0};

	for (u32 i = 0; i < 8; i++)
		gen_rnd(&g);
	switch (gen_below(&g, 10)) {
	case 0: case 1: case 2: case 3:
		gen_script(&g);
		return;
	case 4: case 5: /* damaged, but little */
		g.out = &whole;
		gen_script(&g);
		g.out = out;
		damage_tokens(&g, whole.p, whole.n, 1 + gen_below(&g, 3));
		buf_free(&whole);
		return;
	default:
		c = &f->corpus[gen_below(&g, f->ncorpus)];
		if (gen_below(&g, 4))
			damage_tokens(&g, c->text, c->size, 1 + gen_below(&g, 6));
		else
			damage_bytes(&g, c->text, c->size);
	}
}

static void failure(struct fuzz *f, const char *what, const char *more)
{
	if (!*f->shared->failure)
		snprintf(f->shared->failure, sizeof(f->shared->failure), "%s%s%s", what,
			 *more ? ": " : "", more);
}

struct heard {
	struct fuzz *fuzz;
	u32 errors;
	char last[1024];
};

static void hear(void *user, const struct waggle_diag *d)
{
	struct heard *h = user;
	const struct shared *s = h->fuzz->shared;
	u32 lines = 1;

	h->errors += d->level == WAGGLE_ERROR;
	snprintf(h->last, sizeof(h->last), "%u:%u: %s", d->line, d->col, d->text);
	for (u32 i = 0; i < s->size; i++)
		lines += s->script[i] == '\n';
	if (d->line && (d->line > lines || !d->col))
		failure(h->fuzz, "a message with a place outside of the script", h->last);
	if (d->hint && strstr(d->hint, "bug of waggle"))
		failure(h->fuzz, "waggle blames itself", h->last);
}

static bool parses(struct fuzz *f)
{
	struct arena arena = {0};
	struct diag quiet = {0};
	struct script script = {.arena = &arena, .diag = &quiet, .target = f->target};
	int err = script_parse(&script, f->shared->script, f->shared->size);

	if ((err != 0) != (quiet.errors != 0))
		failure(f, "the parser's result and its messages differ", "");
	arena_free(&arena);
	return !err;
}

/* Written, read, written again: the same bytes. */
static void check_file(struct fuzz *f, struct object *object)
{
	struct heard heard = {.fuzz = f};
	struct diag diag = {.fn = hear, .user = &heard};
	struct buf once = {0}, twice = {0};
	struct object *read = NULL;
	int err = object_write_elf(object, &once, &diag);

	if (err == -EOPNOTSUPP) { /* loops over maps have callbacks, which are not written yet */
		buf_free(&once);
		return;
	}
	if (err || object_read_elf(&read, once.p, once.n, "fuzz", &diag) ||
	    object_write_elf(read, &twice, &diag))
		failure(f, "the object cannot be written and read", heard.last);
	else if (once.n != twice.n || memcmp(once.p, twice.p, once.n))
		failure(f, "written, read and written again, the object is another", "");
	object_free(read);
	buf_free(&once);
	buf_free(&twice);
}

/* No compiler can tell for all loops whether they end; what the verifier says of them is right. */
static bool is_own_fault(const struct fuzz *f, const char *why)
{
	if (strstr(why, "the kernel has no symbol") || /* kaddr() of a damaged name */
	    strstr(why, "there is no device") ||
	    (strstr(why, "cgroup '") && strstr(why, "cannot be found")))
		return true;
	return strstr(f->shared->script, "while") &&
	       (strstr(why, "infinite loop") || strstr(why, "too complex") ||
		strstr(why, "too large"));
}

static void load(struct fuzz *f, struct object *object)
{
	struct heard heard = {.fuzz = f};
	struct diag diag = {.fn = hear, .user = &heard};
	struct engine_opts opts = {.ring_bytes = 4096};
	struct engine *engine = NULL;
	int err;

	alarm(SECONDS * 6); /* the kernel's time is not the compiler's */
	err = kernel_engine.open(&engine, object, &opts, &diag);
	if (err && is_own_fault(f, heard.last))
		f->shared->endless++;
	else if (err)
		failure(f, "the kernel refuses it", heard.last);
	if (!err)
		kernel_engine.close(engine, false);
	f->shared->loaded += !err;
}

static void try_script(struct fuzz *f)
{
	char number[] = "42", word[] = "word", *params[] = {number, word};
	struct shared *s = f->shared;
	struct heard heard = {.fuzz = f};
	struct diag diag = {.fn = hear, .user = &heard};
	struct waggle_opts opts = {.sz = sizeof(opts), .name = "fuzz.bt", .argc = ARRAY_SIZE(params),
				   .argv = params, .unsafe = true};
	struct object *object = NULL;
	bool parsed = parses(f);
	int err;

	s->parsed += parsed;
	err = compile(&object, WAGGLE_SCRIPT, s->script, s->size, f->target, &opts, &diag);
	if (err && !heard.errors)
		failure(f, "it fails without a message", strerror(-err));
	if (!err && heard.errors)
		failure(f, "it says an error and goes on", heard.last);
	if (!err && !parsed)
		failure(f, "it compiles what cannot be parsed", "");
	if (f->verbose)
		fprintf(stderr, "%u: %s\n", s->at, err ? heard.last : "compiled");
	if (err)
		return;
	s->compiled++;
	check_file(f, object);
	if (f->every && s->compiled % f->every == 0)
		load(f, object);
	object_free(object);
}

/* ---- children */

static void child(struct fuzz *f, u32 first, u32 n)
{
	struct shared *s = f->shared;
	struct buf script = {0};

	for (s->at = first; s->at < first + n; s->at++) {
		script.n = 0;
		make_script(f, s->at, &script);
		s->size = (u32)MIN(script.n, SCRIPT_MOST - 1);
		memcpy(s->script, script.p ? script.p : "", s->size);
		s->script[s->size] = 0;
		alarm(SECONDS);
		try_script(f);
		alarm(0);
		if (*s->failure)
			_exit(1);
		if (n == 1 && __lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
			_exit(LEAK_STATUS);
	}
	buf_free(&script);
	if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
		_exit(LEAK_STATUS);
	_exit(0);
}

static void report(struct fuzz *f, int status)
{
	struct shared *s = f->shared;

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		printf("not ok script %u of seed %llu: it takes more than %d s\n", s->at,
		       (unsigned long long)f->seed, SECONDS);
	else if (WIFSIGNALED(status))
		printf("not ok script %u of seed %llu: signal %d\n", s->at,
		       (unsigned long long)f->seed, WTERMSIG(status));
	else
		printf("not ok script %u of seed %llu: %s\n", s->at, (unsigned long long)f->seed,
		       *s->failure ? s->failure : WEXITSTATUS(status) == LEAK_STATUS ? "memory leaks" :
								  "a sanitizer's report");
	for (const char *p = s->script, *end; *p; p = end + (*end == '\n')) {
		end = strchrnul(p, '\n');
		printf("    | %.*s\n", (int)(end - p), p);
	}
	*s->failure = 0;
	fflush(stdout);
}

/* Runs scripts first...first + n - 1; returns how many failed. */
static u32 batch(struct fuzz *f, u32 first, u32 n)
{
	u32 failed = 0, end = first + n;
	int status;

	while (first < end) {
		pid_t pid = fork();

		if (!pid)
			child(f, first, end - first);
		if (pid < 0 || waitpid(pid, &status, 0) < 0)
			return failed + 1;
		if (!status)
			return failed;
		if (WIFEXITED(status) && WEXITSTATUS(status) == LEAK_STATUS && end - first > 1) {
			for (; first < end; first++) /* which one? */
				failed += batch(f, first, 1);
			return failed;
		}
		report(f, status);
		failed++;
		first = f->shared->at + 1;
	}
	return failed;
}

static int open_all(struct fuzz *f, const char *target, char **paths, struct buf *text)
{
	struct heard heard = {.fuzz = f};
	struct diag diag = {.fn = hear, .user = &heard};
	FILE *in = target ? fopen(f->live ? "/dev/null" : target, "r") : NULL;
	int c, err;

	f->shared = mmap(NULL, sizeof(*f->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0);
	if (!in || f->shared == MAP_FAILED)
		return -ENOENT;
	while ((c = getc(in)) != EOF)
		buf_char(text, (char)c);
	fclose(in);
	err = f->live ? target_live(&f->target, &diag) :
			target_open(&f->target, text->p, text->n, &diag);
	for (; !err && *paths; paths++)
		err = corpus_read(f, *paths);
	return err ? err : f->ncorpus ? 0 : -ENOENT;
}

static void close_all(struct fuzz *f, struct buf *text)
{
	for (u32 i = 0; i < f->ncorpus; i++)
		free(f->corpus[i].text);
	free(f->corpus);
	target_close(f->target);
	buf_free(text);
}

int main(int argc, char **argv)
{
	struct fuzz f = {.seed = 1};
	u32 n = 10000, first = 0, failed = 0;
	const char *target = NULL;
	struct buf text = {0};
	int opt;

	while ((opt = getopt(argc, argv, "n:s:f:l:t:v")) >= 0)
		switch (opt) {
		case 'n': n = (u32)strtoul(optarg, NULL, 0); break;
		case 's': f.seed = strtoull(optarg, NULL, 0); break;
		case 'f': first = (u32)strtoul(optarg, NULL, 0); break;
		case 'l': f.every = (u32)strtoul(optarg, NULL, 0); break;
		case 't': target = optarg; break;
		case 'v': f.verbose = true; break;
		default: return 2;
		}
	f.live = target && !strcmp(target, "live");
	if (open_all(&f, target, argv + optind, &text)) {
		fprintf(stderr, "scriptfuzz: -t TARGET and files of scripts are needed\n");
		close_all(&f, &text);
		return 2;
	}
	for (u32 i = 0; i < n; i += BATCH)
		failed += batch(&f, first + i, MIN(BATCH, n - i));
	printf("scripts %u\nparsed %u\ncompiled %u\nloaded %u\nendless %u\nfailed %u\n", n,
	       f.shared->parsed, f.shared->compiled, f.shared->loaded, f.shared->endless, failed);
	close_all(&f, &text);
	return failed || f.shared->parsed < n / 3;
}
