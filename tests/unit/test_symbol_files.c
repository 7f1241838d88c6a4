/*
 * test_symbol_files.c: names from files of all kinds, and of processes of all kinds: programs made
 * by gcc, strip and objcopy in the test, with nm as the oracle; JITs, the vdso, processes that have
 * ended.
 */
#include "symbol/process.h"
#include "symbol/symbol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char source[] =
	"#include <stdio.h>\n"
	"__attribute__((noinline)) static int hidden(int x) { return x * 3 + 1; }\n"
	"__attribute__((noinline)) int open_one(int x) { return hidden(x) + 2; }\n"
	"__attribute__((noinline)) int open_two(int x) { return open_one(x) + x; }\n"
	"int main(int argc, char **argv) { (void)argv; return open_two(argc) > 100; }\n";

static char dir[] = "/tmp/waggle-symbols-XXXXXX";

static bool sh(const char *command)
{
	char whole[2048];

	snprintf(whole, sizeof(whole), "cd %s && { %s; } >/dev/null 2>&1", dir, command);
	return !system(whole);
}

static int make_programs(void **state)
{
	char path[128];
	FILE *f;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/p.c", dir);
	f = fopen(path, "w");
	if (!f)
		return -1;
	fputs(source, f);
	fclose(f);
	/* without a compiler the tests that need one are skipped */
	sh("gcc -O1 -g -no-pie -rdynamic -Wl,--build-id -o whole p.c && gcc -O1 -g -shared -fPIC "
	   "-o lib.so p.c");
	return 0;
}

static int drop_programs(void **state)
{
	(void)state;
	return sh("rm -rf ../${PWD##*/}") ? 0 : -1;
}

static bool made(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return !access(path, R_OK);
}

/* The file's symbols, as if this process mapped it. */
static struct mapped_file *load(struct processes *ps, const char *name)
{
	struct mapping m = {0};
	struct mapped_file *f;
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(stat(path, &st), 0);
	f = process_file(ps, (u64)major(st.st_dev) << 32 | minor(st.st_dev), st.st_ino, path);
	assert_true(file_read(ps, f, (u32)getpid(), &m));
	return f;
}

/* How many of the functions that nm lists has the file under one of their names? All: each. */
static u32 named(const struct mapped_file *f, const char *of, u32 *all)
{
	char command[256], line[512], name[256], kind;
	unsigned long long addr;
	u32 found = 0;
	FILE *nm;

	snprintf(command, sizeof(command), "nm %s/%s", dir, of);
	nm = popen(command, "r");
	assert_non_null(nm);
	*all = 0;
	while (fgets(line, sizeof(line), nm)) {
		const struct symbol_row *row;

		if (sscanf(line, "%llx %c %255s", &addr, &kind, name) != 3 || !strchr("Tt", kind) ||
		    (!strstr(name, "open_") && strcmp(name, "hidden") != 0 &&
		     strcmp(name, "main") != 0))
			continue;
		++*all;
		row = symbol_table_find(&f->table, addr + 1);
		found += row && row->addr == addr && !strcmp(f->table.text.p + row->name, name);
	}
	pclose(nm);
	return found;
}

/* PREPARE makes "it" of "whole"; how many of its four functions have names? */
static void check_file(const char *prepare, u32 expected)
{
	struct processes ps = {0};
	struct mapped_file *f;
	u32 all;

	if (!made("whole"))
		skip();
	if (!sh(prepare))
		skip();
	f = load(&ps, "it");
	assert_int_equal(named(f, "whole", &all), expected);
	assert_int_equal(all, 4);
	assert_int_equal(f->build_id.n, 20);
	processes_free(&ps);
}

static void whole_symbol_tables(void **state)
{
	(void)state;
	check_file("cp whole it", 4);
}

static void exported_names_of_stripped_files(void **state)
{
	(void)state;
	check_file("strip -o it whole", 3);
}

static void packed_symbol_tables(void **state)
{
	(void)state;
	check_file("strip -o it whole && objcopy --only-keep-debug whole mini && strip -g mini && "
		   "xz -f mini && objcopy --add-section .gnu_debugdata=mini.xz it",
		   4);
	check_file("strip -o it whole && head -c 300 mini.xz >cut && "
		   "objcopy --add-section .gnu_debugdata=cut it",
		   3);
}

static void debug_files_by_link(void **state)
{
	(void)state;
	check_file("rm -rf it.debug .debug; objcopy --only-keep-debug whole it.debug && "
		   "objcopy --strip-all --add-gnu-debuglink=it.debug whole it",
		   4);
	check_file("mkdir -p .debug && mv it.debug .debug/", 4);
	check_file("printf x >>.debug/it.debug", 3); /* the CRC is another */
	check_file("mv .debug/it.debug it.debug && rm it.debug; :", 3);
}

/* Each file by the note in it: nm knows of no ids, so file(1)'s word is not needed: readelf's. */
static void build_ids(void **state)
{
	struct processes ps = {0};
	struct mapped_file *f;
	char command[256], text[128] = "", hex[2 * BUILD_ID_MOST + 1] = "";
	FILE *p;

	(void)state;
	if (!made("whole"))
		skip();
	f = load(&ps, "whole");
	snprintf(command, sizeof(command), "readelf -n %s/whole | sed -n 's/.*Build ID: //p'", dir);
	p = popen(command, "r");
	assert_non_null(p);
	assert_non_null(fgets(text, sizeof(text), p));
	pclose(p);
	text[strcspn(text, "\n")] = 0;
	for (u32 i = 0; i < f->build_id.n; i++)
		snprintf(hex + 2 * i, 3, "%02x", f->build_id.bytes[i]);
	assert_string_equal(hex, text);
	processes_free(&ps);
}

/* ---- processes */

static void mappings_replace_each_other(void **state)
{
	struct mapped_file a = {0}, b = {0};
	struct image im = {0};

	(void)state;
	image_add(&im, (struct mapping){0x5000, 0x6000, 0, &a});
	image_add(&im, (struct mapping){0x1000, 0x2000, 0, &a});
	image_add(&im, (struct mapping){0x3000, 0x4000, 0, &a});
	assert_int_equal(im.n, 3);
	assert_int_equal(im.v[0].start, 0x1000);
	assert_int_equal(im.v[2].start, 0x5000);
	image_add(&im, (struct mapping){0x3800, 0x5800, 0, &b});
	assert_int_equal(im.n, 2);
	assert_ptr_equal(im.v[1].file, &b);
	free(im.v);
}

static void perf_maps(void **state)
{
	static const char text[] = "1000 100 first one\n"
				   "2000 10 old\nbroken\n 3 4\n0 10 zero\n5000 0 empty\n"
				   "2000 20 new\n"
				   "0x3000 0x10 hex\n"
				   "1080 10 inside\n7000 10 cut";
	struct symbol_table t = {0};
	const struct symbol_row *r;

	(void)state;
	perfmap_parse(&t, text, sizeof(text) - 1);
	assert_int_equal(t.n, 4);
	r = symbol_table_find(&t, 0x1010);
	assert_string_equal(t.text.p + r->name, "first one");
	r = symbol_table_find(&t, 0x2018);
	assert_string_equal(t.text.p + r->name, "new");
	r = symbol_table_find(&t, 0x1085);
	assert_string_equal(t.text.p + r->name, "inside");
	assert_null(symbol_table_find(&t, 0x2020));
	assert_non_null(symbol_table_find(&t, 0x300f));
	symbol_table_free(&t);
}

/* A map that this process writes, like a JIT, and adds to later. */
static void own_perf_map(void **state)
{
	struct symbols *s = symbols_new(NULL);
	void *code = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	u64 addr = (u64)(uintptr_t)code;
	struct symbol sym;
	char path[64];
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "%llx 40 js:first\n", (unsigned long long)addr);
	fflush(f);
	assert_true(symbol_of_process(s, (u32)getpid(), addr + 3, &sym));
	assert_string_equal(sym.name, "js:first");
	assert_int_equal(sym.off, 3);
	assert_string_equal(sym.module, "[jit]");
	fprintf(f, "%llx 40 js:second\n", (unsigned long long)addr + 0x40);
	fclose(f);
	usleep(110000);
	assert_true(symbol_of_process(s, (u32)getpid(), addr + 0x41, &sym));
	assert_string_equal(sym.name, "js:second");
	unlink(path);
	munmap(code, 4096);
	symbols_free(s);
}

static void the_vdso(void **state)
{
	u64 base = getauxval(AT_SYSINFO_EHDR), addr = 0;
	struct elf_section table, strings;
	struct diag quiet = {0};
	struct elf_symbol sym;
	struct symbol found;
	struct symbols *s;
	struct elf elf;

	(void)state;
	if (!base || elf_open(&elf, (const void *)(uintptr_t)base, 8192, "", &quiet))
		skip();
	if (!elf_find_type(&elf, ELF_DYNSYM, &table) || !elf_section(&elf, table.link, &strings))
		skip();
	for (u64 i = 0; i < elf_count(&table); i++)
		if (elf_symbol(&table, &strings, i, &sym) && !strcmp(sym.name, "__vdso_time"))
			addr = base + sym.value;
	s = symbols_new(NULL);
	assert_true(addr && symbol_of_process(s, (u32)getpid(), addr, &found));
	assert_string_equal(found.module, "[vdso]");
	assert_non_null(strstr(found.name, "time"));
	symbols_free(s);
}

/* The address of a function by nm. */
static u64 address_of(const char *file, const char *function)
{
	unsigned long long addr = 0;
	char command[256];
	FILE *nm;

	snprintf(command, sizeof(command), "nm %s/%s | sed -n 's/ . %s$//p'", dir, file, function);
	nm = popen(command, "r");
	assert_non_null(nm);
	if (fscanf(nm, "%llx", &addr) != 1)
		addr = 0;
	pclose(nm);
	return addr;
}

/* A command that is over before anybody asks; its child, which runs the same; and what it was
 * before its exec. */
static void processes_that_have_ended(void **state)
{
	struct symbols *s = symbols_new(NULL);
	struct symbol sym;
	int go[2], status;
	siginfo_t info;
	u64 addr, own = (u64)(uintptr_t)processes_that_have_ended;
	char path[128];
	pid_t pid;

	(void)state;
	if (!made("whole"))
		skip();
	addr = address_of("whole", "hidden");
	assert_true(addr);
	snprintf(path, sizeof(path), "%s/whole", dir);
	assert_int_equal(pipe(go), 0);
	pid = fork();
	if (!pid) {
		char c;

		close(go[1]);
		if (!read(go[0], &c, 1))
			execl(path, path, NULL);
		_exit(127);
	}
	symbols_watch(s, (u32)pid);
	if (!symbol_of_process(s, (u32)pid, own, &sym)) /* alive: as it is now */
		fail();
	close(go[0]);
	close(go[1]);
	/* a zombie still has its number, and nothing else */
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	if (!symbol_of_process(s, (u32)pid, addr + 1, &sym) && !sym.module) {
		print_message("the kernel lets us follow no process\n");
		symbols_free(s);
		skip();
	}
	assert_string_equal(sym.name, "hidden");
	assert_int_equal(sym.off, 1);
	assert_string_equal(sym.module, path);
	assert_non_null(sym.build_id);
	assert_int_equal(sym.build_id->n, 20);
	assert_true(symbol_of_process(s, (u32)pid, own, &sym)); /* before its exec */
	assert_string_equal(sym.name, "processes_that_have_ended");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	symbols_free(s);
}

static void many_processes_are_few(void **state)
{
	struct processes ps = {0};

	(void)state;
	for (u32 i = 0; i < 3 * PROCESSES_KEPT; i++) {
		struct process *p = process_of(&ps, 0x10000000 + i, false);

		assert_non_null(p);
		p->gone = true;
		assert_true(ps.n <= PROCESSES_KEPT);
	}
	processes_free(&ps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_symbol_tables),
		cmocka_unit_test(exported_names_of_stripped_files),
		cmocka_unit_test(packed_symbol_tables),
		cmocka_unit_test(debug_files_by_link),
		cmocka_unit_test(build_ids),
		cmocka_unit_test(mappings_replace_each_other),
		cmocka_unit_test(perf_maps),
		cmocka_unit_test(own_perf_map),
		cmocka_unit_test(the_vdso),
		cmocka_unit_test(processes_that_have_ended),
		cmocka_unit_test(many_processes_are_few),
	};

	return cmocka_run_group_tests(tests, make_programs, drop_programs);
}
