/*
 * table.c: system calls by their numbers, with their arguments, and which of them are wanted.
 *
 * In:  calls.def, kinds.def, sets.def; for calls without a row their declaration in arch/. Out:
 * struct call.
 */
#include "strace/strace.h"

#include "strace/uapi.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

#define SET(name, unknown) static const char names_##name[] =
#define F(name)            #name "\0"
#define V(name, value)     #name "\0"
#define END                ;
#include "strace/sets.def"
#undef SET
#undef F
#undef V
#undef END

#define SET(name, unknown) static const u32 values_##name[] = {
#define F(name)            (u32)(name),
#define V(name, value)     (u32)(value),
#define END \
	}   \
	;
#include "strace/sets.def"
#undef SET
#undef F
#undef V
#undef END

static const struct flag_set sets[] = {
#define SET(name, unknown) {#name, unknown, names_##name, values_##name, ARRAY_SIZE(values_##name)},
#define F(name)
#define V(name, value)
#define END
#include "strace/sets.def"
#undef SET
#undef F
#undef V
#undef END
};

/* KIND(x, FIXED(8)): how, and how many bytes */
#define HOW_NOTHING  NOTHING, 0
#define HOW_STRING   STRING, 0
#define HOW_COUNTED  COUNTED, 1
#define HOW_VECTOR   VECTOR, 0
#define HOW_MESSAGE  MESSAGE, 0
#define HOW_MESSAGES MESSAGES, 0
#define HOW_STRINGS  STRINGS, 0
#define HOW_POINTERS POINTERS, 0
#define HOW_REQUESTS REQUESTS, 0
#define HOW_FIXED(n) FIXED, n
#define HOW_EACH(n)  EACH, n
static const struct kind kinds[] = {
#define KIND(name, how) {#name, HOW_##how, NULL, show_kind_##name},
#include "strace/kinds.def"
#undef KIND
#define RECORD(name, bytes, form) {#name, FIXED, bytes, form, show_record},
#define ROWS(name, bytes, form)   {#name, EACH, bytes, form, show_records},
#include "strace/records.def"
#undef RECORD
#undef ROWS
};

static const struct row {
	const char *name, *args;
	u32 classes;
} rows[] = {
#define CALL(name, args, classes) {#name, args, classes},
#include "strace/calls.def"
#undef CALL
};

const struct flag_set *strace_set(const char *name, size_t len)
{
	for (u32 i = 0; i < ARRAY_SIZE(sets); i++)
		if (*sets[i].name == *name && !strncmp(sets[i].name, name, len) &&
		    !sets[i].name[len])
			return &sets[i];
	return NULL;
}

static const struct kind *kind_of(const char *name, size_t len)
{
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strlen(kinds[i].name) == len && !memcmp(kinds[i].name, name, len))
			return &kinds[i];
	return NULL;
}

/* ">sockaddr@p", "set:prot", "=fd" */
static bool read_word(struct call *c, const char *w, size_t len)
{
	struct arg *a = &c->args[c->nargs];
	size_t kind;

	if (*w == '=') {
		c->result = w[1];
		return true;
	}
	if (c->nargs == MAX_ARGS)
		return false;
	*a = (struct arg){.i = c->nargs++, .count = COUNT_NONE, .out = *w == '>'};
	w += a->out;
	len -= a->out;
	kind = strcspn(w, ":@ ");
	a->kind = kind_of(w, MIN(kind, len));
	if (kind < len && w[kind] == ':')
		a->set = strace_set(w + kind + 1, len - kind - 1);
	else if (kind < len)
		a->count = w[kind + 1] == 'r'   ? COUNT_RESULT
			   : w[kind + 1] == 'p' ? COUNT_NONE
						: (u8)(w[kind + 1] - '0');
	return a->kind && (kind >= len || w[kind] != ':' || a->set);
}

bool strace_read_row(struct call *c, const char *args)
{
	bool ok = true;

	c->result = 'd';
	for (size_t n; *args; args += n + strspn(args + n, " ")) {
		n = strcspn(args, " ");
		ok &= read_word(c, args, n);
	}
	while (c->at_entry < c->nargs && !c->args[c->at_entry].out)
		c->at_entry++;
	return ok;
}

/* Of a declaration: "const char * filename". */
static const char *declared(const char *d, size_t len)
{
	static const struct {
		const char *has, *kind;
	} words[] = {{"const char *const", "p"},
		     {"char * filename", "path"},
		     {"char * pathname", "path"},
		     {"const char *", "str"},
		     {"*", "p"},
		     {"umode_t", "mode"},
		     {"dfd", "dirfd"},
		     {"unsigned int fd", "fd"},
		     {"int fd", "fd"},
		     {"uid_t", "uid"},
		     {"gid_t", "uid"},
		     {"flags", "x"},
		     {"size_t", "lu"},
		     {"loff_t", "ld"},
		     {"unsigned long", "x"},
		     {"u64", "lu"},
		     {"long", "ld"},
		     {"unsigned", "u"},
		     {"u32", "u"}};

	for (u32 i = 0; i < ARRAY_SIZE(words); i++)
		if (memmem(d, len, words[i].has, strlen(words[i].has)))
			return words[i].kind;
	return "d";
}

static void from_declaration(struct call *c, const char *args)
{
	c->result = 'd';
	for (size_t n; *args; args += n + strspn(args + n, ", ")) {
		const char *kind;

		n = strcspn(args, ",");
		kind = declared(args, n);
		read_word(c, kind, strlen(kind));
	}
	c->at_entry = c->nargs;
}

/* Calls of 32 bits: number and name, each with its NUL: a table of pointers would be thrice as
 * large. Their pointers and structures are narrower: strings are shown, structures as addresses. */
static const char narrow[] =
#define N(nr, name) #nr "\0" #name "\0"
#include "strace/calls32.def"
#undef N
	;

/* NULL: it has none. */
static const struct row *row_of(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

/* Those of the same name whose arguments are others. */
static const struct {
	const char *name, *args;
} narrow_rows[] = {
	{"mmap", "p"},
	{"select", "p"},
	{"clone", "x p p p p"},
	{"mmap2", "p lu set:prot map fd x =x"},
	{"waitpid", "d p set:wait"},
	{"stat64", "path p"},
	{"lstat64", "path p"},
	{"fstat64", "fd p"},
	{"fstatat64", "dirfd path p set:at"},
	{"fcntl64", "fd fcntlcmd x"},
	{"_llseek", "fd x x p one:whence"},
	{"ugetrlimit", "one:rlimit p"},
	{"clock_gettime64", "one:clock p"},
	{"sigreturn", ""},
};

static bool read_narrow(struct call *c)
{
	const struct kind *address = kind_of("p", 1);
	const struct row *row = row_of(c->name);
	const char *args = row ? row->args : NULL;
	bool ok;

	c->classes = row ? row->classes : 0;
	for (u32 i = 0; i < ARRAY_SIZE(narrow_rows); i++)
		if (!strcmp(narrow_rows[i].name, c->name))
			args = narrow_rows[i].args;
	ok = strace_read_row(c, args ? args : "x x x x x x");
	for (u32 i = 0; i < c->nargs; i++) {
		struct arg *a = &c->args[i];

		if (a->kind->how != NOTHING && a->kind->how != STRING)
			*a = (struct arg){.kind = address, .i = a->i, .count = COUNT_NONE};
	}
	return ok;
}

/* Numbers that the kernel has given away or never gave: programs call them all the same. */
static const struct {
	u16 nr;
	const char *name;
} gone[] = {{134, "uselib"},          {156, "_sysctl"},       {174, "create_module"},
	    {177, "get_kernel_syms"}, {178, "query_module"},  {180, "nfsservctl"},
	    {181, "getpmsg"},         {182, "putpmsg"},       {183, "afs_syscall"},
	    {184, "tuxcall"},         {185, "security"},      {205, "set_thread_area"},
	    {211, "get_thread_area"}, {214, "epoll_ctl_old"}, {215, "epoll_wait_old"},
	    {236, "vserver"}};

static bool name_call(struct call *c, const char *name)
{
	const struct row *row = row_of(name);

	c->name = name;
	return strace_read_row(c, row ? row->args : "x x x x x x");
}

static bool name_others(struct strace *s)
{
	bool ok = true;

	for (u32 i = 0; i < ARRAY_SIZE(gone) && !strcmp(s->arch->name, "x86_64"); i++)
		if (!s->calls[gone[i].nr].name)
			ok &= name_call(&s->calls[gone[i].nr], gone[i].name);
	for (u32 i = 0; i < NATIVE_CALLS; i++)
		if (!s->calls[i].name) {
			snprintf(s->unknown[i], sizeof(s->unknown[i]),
				 i == OTHER_CALL ? "syscall_???" : "syscall_%#x", i);
			ok &= name_call(&s->calls[i], s->unknown[i]);
		}
	return ok;
}

int strace_table(struct strace *s, struct waggle_diag *why)
{
	(void)why;
	for (const char *p = strcmp(s->arch->name, "x86_64") ? "" : narrow; *p;) {
		struct call *c = &s->calls[NATIVE_CALLS + strtoul(p, NULL, 10) % NATIVE_CALLS];

		p += strlen(p) + 1;
		c->name = p;
		p += strlen(p) + 1;
		if (!read_narrow(c))
			return -EINVAL;
	}
	for (const struct arch_syscall *a = s->arch->syscalls; a->name; a++) {
		struct call *c = &s->calls[a->nr % NATIVE_CALLS];
		const char *name = arch_call_name(s->arch, a->nr);
		const struct row *row;

		c->name = name ? name : a->name;
		row = row_of(c->name);
		if (!row) {
			from_declaration(c, a->args);
			continue;
		}
		c->classes = row->classes;
		if (!strace_read_row(c, row->args))
			return -EINVAL;
	}
	return name_others(s) ? 0 : -EINVAL;
}

/* ---- -e trace= */

static const struct {
	const char *name;
	u32 bits;
} classes[] = {{"file", FILES},   {"desc", DESC},      {"memory", MEMORY},   {"network", NETWORK},
	       {"net", NETWORK},  {"signal", SIGNALS}, {"process", PROCESS}, {"creds", CREDS},
	       {"clock", CLOCKS}, {"pure", PURE}};

/* Those whose names say it. */
static const struct {
	const char *word, *names;
} families[] = {
	{"%stat", " stat stat64 oldstat "},
	{"%lstat", " lstat lstat64 oldlstat "},
	{"%fstat", " fstat fstat64 newfstatat fstatat64 oldfstat statx "},
	{"%%stat", " stat lstat fstat newfstatat statx stat64 lstat64 fstat64 fstatat64 oldstat "
		   "oldlstat oldfstat "},
	{"%statfs", " statfs statfs64 "},
	{"%fstatfs", " fstatfs fstatfs64 "},
	{"%%statfs", " statfs fstatfs statfs64 fstatfs64 ustat "},
	{"%ipc", " msgget msgsnd msgrcv msgctl semget semop semctl semtimedop shmget shmat shmdt "
		 "shmctl ipc "},
};

static bool family(const char *word, const char *name)
{
	char blanks[64];

	snprintf(blanks, sizeof(blanks), " %s ", name);
	for (u32 i = 0; i < ARRAY_SIZE(families); i++)
		if (!strcmp(families[i].word + (*word != '%'), word))
			return strstr(families[i].names, blanks);
	return false;
}

static bool word_is(const char *word, const struct call *c, const regex_t *re)
{
	if (re)
		return !regexec(re, c->name, 0, NULL, 0);
	if (!strcmp(word, c->name) || !strcmp(word, "all"))
		return true;
	for (u32 i = 0; i < ARRAY_SIZE(classes); i++) /* without %: as strace did of old */
		if (!strcmp(word + (*word == '%'), classes[i].name))
			return c->classes & classes[i].bits;
	return family(word, c->name);
}

/* "open@64", "open@32": of calls of that width; 0: of both. */
static u32 width_of(char *word)
{
	char *at = *word == '/' ? NULL : strrchr(word, '@');
	u32 width = at && !strcmp(at, "@64") ? 64 : at && !strcmp(at, "@32") ? 32 : 0;

	if (width)
		*at = 0;
	return width;
}

/* "?name" may be unknown, "/regex" matches. */
static int choose_word(const struct strace *s, char *word, bool *chosen, bool value)
{
	bool maybe = *word == '?', found = false;
	regex_t re, *r = NULL;
	u32 width;

	word += maybe;
	width = width_of(word);
	if (*word == '/') {
		if (regcomp(&re, word + 1, REG_EXTENDED | REG_NOSUB))
			return -EINVAL;
		r = &re;
	}
	for (u32 i = 0; i < MAX_CALLS; i++)
		if (s->calls[i].name && width != (i < NATIVE_CALLS ? 32 : 64) &&
		    word_is(word, &s->calls[i], r)) {
			chosen[i] = value;
			found = true;
		}
	if (r)
		regfree(r);
	return found || maybe || !strcmp(word, "none") ? 0 : -EINVAL;
}

int strace_choose(const struct strace *s, const char *expr, bool *chosen, const char **wrong)
{
	bool not = expr && *expr == '!';
	int err = 0;

	for (u32 i = 0; i < MAX_CALLS; i++)
		chosen[i] = s->calls[i].name && (!expr || not );
	for (expr = expr ? expr + not : ""; *expr && !err;) {
		char word[128];
		size_t n = strcspn(expr, ",");

		*wrong = expr;
		if (n >= sizeof(word))
			return -EINVAL;
		memcpy(word, expr, n);
		word[n] = 0;
		err = choose_word(s, word, chosen, !not );
		expr += n + (expr[n] == ',');
	}
	return err;
}
