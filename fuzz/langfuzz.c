/*
 * langfuzz.c: random scripts; what waggle makes of them in the kernel against gcc's on the host.
 *
 *   langfuzz [-n PROGRAMS] [-s SEED] [-w WAGGLE] [-k] [-v]
 *
 * Each program is a probe of a script and a function of C that means the same (langgen.h). A batch
 * of them is one script and one C program, which gcc compiles once: it fills structs of all widths
 * of integers, calls the functions and system calls that are probed, and writes what its own
 * functions say into a file. Waggle traces it; what both print must be the same, line by line.
 *
 * Out: a line `ok`, `not ok` or `skip` for each batch. Programs have numbers from SEED on;
 * `langfuzz -n 1 -s NUMBER -k -v` shows one again and keeps its files.
 */
#include "langstmt.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCH 50

struct run {
	const char *waggle;
	bool keep, verbose;
	char dir[64];
	struct buf script, c;
	vec(struct buf) sides; /* the script of each program */
	struct arena arena;
};

static char *path_of(struct run *r, const char *name)
{
	return arena_printf(&r->arena, "%s/%s", r->dir, name);
}

static int write_file(const char *path, const struct buf *text)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return -errno;
	fwrite(text->p, 1, text->n, f);
	return fclose(f) ? -errno : 0;
}

static bool read_file(const char *path, struct buf *text)
{
	FILE *f = fopen(path, "r");
	int c;

	if (!f)
		return false;
	while ((c = getc(f)) != EOF)
		buf_char(text, (char)c);
	fclose(f);
	return true;
}

/* ---- a batch's two files */

static void make_probes(struct run *r, u32 first, u32 n, const enum lang_probe *probes)
{
	static const char *const calls[] = {
		[AT_PREAD] = "syscall(SYS_pread64, (long)a[0], NULL, a[2], a[3])",
		[AT_PRIORITY] = "syscall(SYS_setpriority, (long)a[0], a[1], a[2])",
		[AT_CHMOD] = "syscall(SYS_fchmod, (long)a[0], a[1])"};

	for (u32 k = 0; k < n; k++)
		buf_printf(&r->c,
			   "__attribute__((noinline)) struct in *probe_%u(struct in *p, u64 a1, "
			   "u64 a2, "
			   "u64 a3, u64 a4, u64 a5, u64 a6, u64 a7)\n{ __asm__ volatile(\"\"); "
			   "return p; }\n",
			   first + k);
	buf_puts(&r->c, "int main(int argc, char **argv)\n{\nu64 a[8];\nstruct in *p;\nout = "
			"fopen(argv[1], \"w\");\n");
	for (u32 k = 0; k < n; k++) {
		buf_printf(&r->c, "p = fill(%u, a);\n", first + k);
		if (probes[k] <= AT_RETURN)
			buf_printf(&r->c,
				   "probe_%u(p, a[1], a[2], a[3], a[4], a[5], a[6], a[7]);\n",
				   first + k);
		else
			buf_printf(&r->c, "a[0] = %u;\n%s;\n", first + k + 1000, calls[probes[k]]);
		buf_printf(&r->c, "ref_%u(p, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);\n",
			   first + k);
	}
	buf_puts(&r->c, "fprintf(out, \"#end\\n\");\nreturn fclose(out);\n}\n");
}

static void make_batch(struct run *r, u32 first, u32 n)
{
	enum lang_probe probes[BATCH];

	r->script.n = r->c.n = 0;
	buf_puts(&r->script, lang_struct);
	buf_puts(&r->script,
		 "begin { @s0 = (int64)0; @s1 = (int64)0; @u0 = (uint64)0; @u1 = (uint64)0;\n"
		 "@b[0, 0] = (int64)0; @c[0, 0, 0] = (int64)0; @v[0, 0] = (uint64)0; @t[0, 0] = \"\"; }\n");
	buf_puts(&r->c, "#include \"langref.h\"\n");
	buf_puts(&r->c, lang_struct);
	buf_puts(&r->c, "#include \"langfill.h\"\n");
	for (u32 k = 0; k < n; k++) {
		struct lang g = {.rng = (first + k) * 0x9e3779b97f4a7c15ull,
				 .arena = &r->arena,
				 .number = first + k};

		for (u32 i = 0; i < 4; i++)
			lang_rnd(&g);
		lang_program(&g, path_of(r, "batch"));
		probes[k] = g.probe;
		buf_add(&r->script, g.script.p, g.script.n);
		buf_add(&r->c, g.c.p, g.c.n);
		buf_free(&g.c);
		vec_push(&r->arena, &r->sides, g.script);
	}
	buf_puts(&r->script, "end { printf(\"#end\\n\"); }\n");
	make_probes(r, first, n, probes);
}

/* ---- comparing */

static void show(const char *prefix, const char *from, u32 lines)
{
	for (const char *end; *from && lines; from = end + (*end == '\n'), lines--) {
		end = strchrnul(from, '\n');
		printf("    %s%.*s\n", prefix, (int)(end - from), from);
	}
}

static bool compare(struct run *r, u32 first, const char *want, const char *got)
{
	const char *w = want, *g = got;
	u32 number = 0, line = 0;

	while (*w) {
		size_t n = (size_t)(strchrnul(w, '\n') - w), m = (size_t)(strchrnul(g, '\n') - g);

		if (*w == '#')
			number = (u32)strtoul(w + 1, NULL, 10), line = 0;
		if (n != m || memcmp(w, g, n)) {
			printf("not ok program %u: line %u differs\n", number, line);
			show("gcc:    ", w, 1);
			show("waggle: ", g, 1);
			if (number - first < r->sides.n)
				show("| ", buf_str(&r->sides.v[number - first]), 1000);
			return false;
		}
		if (n == 4 && !memcmp(w, "#end", 4))
			return true;
		w += n + 1;
		g += m + (g[m] == '\n');
		line++;
	}
	printf("not ok seed %u: gcc's program ended early\n", first);
	return false;
}

static bool sh(struct run *r, const char *what, const char *command)
{
	int status = system(command);
	struct buf err = {0};

	if (!status)
		return true;
	printf("not ok %s: status %d: %s\n", what, WEXITSTATUS(status), command);
	if (read_file(path_of(r, "err"), &err))
		show("", buf_str(&err), 30);
	buf_free(&err);
	return false;
}

static bool run_batch(struct run *r, u32 first, u32 n)
{
	struct buf want = {0}, got = {0};
	bool good;

	make_batch(r, first, n);
	if (write_file(path_of(r, "batch.bt"), &r->script) ||
	    write_file(path_of(r, "batch.c"), &r->c))
		return false;
	good = sh(r, "gcc",
		  arena_printf(&r->arena, "gcc -O0 -w -fwrapv -I fuzz -o %s %s 2>%s",
			       path_of(r, "batch"), path_of(r, "batch.c"), path_of(r, "err"))) &&
	       sh(r, arena_printf(&r->arena, "seed %u", first),
		  arena_printf(&r->arena, "%s -q --max-map-keys 65536 -o %s %s -c '%s %s' 2>%s",
			       r->waggle, path_of(r, "got"), path_of(r, "batch.bt"),
			       path_of(r, "batch"), path_of(r, "want"), path_of(r, "err")));
	if (good) {
		read_file(path_of(r, "want"), &want);
		read_file(path_of(r, "got"), &got);
		good = compare(r, first, buf_str(&want), buf_str(&got));
	}
	if (good)
		printf("ok programs %u to %u\n", first, first + n - 1);
	if (good && r->verbose)
		show("| ", buf_str(&r->script), 1000);
	fflush(stdout);
	buf_free(&want);
	buf_free(&got);
	vec_each (b, &r->sides)
		buf_free(b);
	r->sides.n = 0;
	return good;
}

int main(int argc, char **argv)
{
	struct run r = {.waggle = "build/waggle"};
	u32 n = 50, seed = 1, bad = 0;
	int opt;

	while ((opt = getopt(argc, argv, "n:s:w:kv")) != -1)
		switch (opt) {
		case 'n': n = (u32)strtoul(optarg, NULL, 0); break;
		case 's': seed = (u32)strtoul(optarg, NULL, 0); break;
		case 'w': r.waggle = optarg; break;
		case 'k': r.keep = true; break;
		case 'v': r.verbose = true; break;
		default: return 2;
		}
	strcpy(r.dir, "/tmp/langfuzz.XXXXXX");
	if (!mkdtemp(r.dir))
		return 2;
	for (u32 done = 0; done < n; done += BATCH)
		bad += !run_batch(&r, seed + done, MIN(n - done, BATCH));
	if (r.keep)
		printf("# files: %s\n", r.dir);
	else
		sh(&r, "rm", arena_printf(&r.arena, "rm -r %s", r.dir));
	buf_free(&r.script);
	buf_free(&r.c);
	arena_free(&r.arena);
	return bad != 0;
}
