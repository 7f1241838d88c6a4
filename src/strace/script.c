/*
 * script.c: the script that brings system calls along.
 *
 * In:  the table of calls, and whom to trace. Out: a script of our language, for either engine.
 *
 * A map says for each traced call what memory to read when it begins (@in) and when it ends (@out):
 * 8 bits an argument, and bits for what has more than one level (arguments of exec, iovec, msghdr).
 * Memory that could not be read at the beginning, since the process has not touched it yet, is read
 * at the end: by then the kernel has. The record of a beginning, or of an end, comes behind its
 * pieces: then all is there.
 */
#include "strace/strace.h"

#include <stdio.h>
#include <unistd.h>

#define AT_RESULT   6
#define CODE_STRING 1u
#define BIT(n)      (1ull << (n))
enum { BIT_ARGV = 48, BIT_ARGV2 = 49, BIT_IOV = 50, BIT_MSG = 51, BIT_MSGS = 52, BIT_IOCBS = 53, BIT_TOLD = 54, BIT_LIST = 55, BIT_FOLDER = 59, BIT_TRACED = 63 };

/* 8 bits: 1 a string; 2 to 127 so many words, less one; from 128 on what counts, and bytes of each:
 * up to 12 of them, or 13 for 16, 14 for 24, 15 for 32; 0 a buffer. */
static u64 code_of(const struct arg *a)
{
	switch (a->kind->how) {
	case STRING: return CODE_STRING;
	case FIXED: return a->kind->bytes / 8u + 1;
	case COUNTED:
		return a->count == COUNT_NONE
			       ? 17
			       : 128u | (u64)a->count << 4;
	case EACH:
		return 128u | (u64)(a->count == COUNT_NONE ? AT_RESULT : a->count) << 4 |
		       (a->kind->bytes > 12 ? a->kind->bytes / 8u + 11 : a->kind->bytes);
	default: return 0;
	}
}

static u64 bits_of(const struct call *c, const struct arg *a)
{
	switch (a->kind->how) {
	case STRINGS: return a->i == 1 ? BIT(BIT_ARGV) : BIT(BIT_ARGV2);
	case VECTOR: return BIT(BIT_IOV);
	case MESSAGE: return BIT(BIT_MSG);
	case MESSAGES: return BIT(BIT_MSGS);
	case REQUESTS: return BIT(BIT_IOCBS);
	case EACH:
		return code_of(a) << (8 * a->i) |
		       (a->kind->show == show_kind_dirents ? BIT(BIT_FOLDER) : 0);
	case COUNTED:
		return code_of(a) << (8 * a->i) |
		       (a->i == 1 && c->classes & NETWORK ? BIT(BIT_TOLD) : 0);
	default: return code_of(a) << (8 * a->i);
	}
}

static u64 wanted(const struct call *c, bool out)
{
	static const char *const both[] = {"poll", "fdset", "left",
					   "leftval"}; /* answers stand where the question was */
	u64 bits = 0, codes;

	for (u32 i = 0; i < c->nargs; i++)
		if (c->args[i].out == out || !strcmp(c->args[i].kind->name, "len") ||
		    !strcmp(c->args[i].kind->name, "ipcds") ||
		    !strcmp(c->args[i].kind->name, "off") ||
		    !strcmp(c->args[i].kind->name, "bpfattr") ||
		    !strcmp(c->args[i].kind->name, "handle"))
			bits |= bits_of(c, &c->args[i]);
	for (u32 i = 0; i < c->nargs && !out; i++)
		if (c->args[i].kind->show == show_kind_msg && c->args[i].out)
			bits |= 8ull << (8 * i); /* the header alone: how much room it tells */
	for (u32 i = 0; i < c->nargs; i++)
		if (c->args[i].kind->show == show_kind_ioctlarg)
			bits |= BIT(BIT_LIST); /* its length is told and answered */
	for (u32 i = 0; i < c->nargs && out; i++)
		for (u32 k = 0; k < ARRAY_SIZE(both); k++)
			if (!strcmp(c->args[i].kind->name, both[k]))
				bits |= bits_of(c, &c->args[i]);
	/* so many arguments are to be looked at: the kernel's verifier goes through a loop of
	 * unknown length once */
	codes = bits & 0xffffffffffff;
	return bits | (codes ? ((63 - (u64)__builtin_clzll(codes)) / 8 + 1) << 56 : 0);
}

/* @many: 33 strings, 16 pieces, 4 times 1024 bytes. That it is in memory makes loops that the
 * verifier goes through once, where the kernel has such. */
static void put_tables(const struct strace *s, struct buf *b)
{
	bool all = true;

	for (u32 i = 0; i < MAX_CALLS; i++)
		all &= s->traced[i] || !s->calls[i].name;
	buf_puts(b, "begin {\n\temit(command = cpid);\n\t@many = (uint64)33;\n\t@out[-1] = "
		    "(uint64)0;\n");
	if (all)
		buf_printf(b,
			   "\tfor ($i : 0..TURNS((@many << 5) & 2047, 1056)) { @in[(int64)$i] = "
			   "(uint64)0x%llx; }\n",
			   BIT(BIT_TRACED));
	for (u32 i = 0; i < MAX_CALLS; i++) {
		u64 out;

		if (!s->traced[i] ||
		    (all && !wanted(&s->calls[i], false) && !wanted(&s->calls[i], true)))
			continue;
		out = wanted(&s->calls[i], true);
		buf_printf(b, "\t@in[%u] = (uint64)0x%llx;\n", i,
			   (unsigned long long)(wanted(&s->calls[i], false) | BIT(BIT_TRACED)));
		if (out)
			buf_printf(b, "\t@out[%u] = (uint64)0x%llx;\n", i, (unsigned long long)out);
	}
	if (s->traced[15] || s->traced[OTHER_CALL]) /* the end of rt_sigreturn has no number */
		buf_puts(b, "\t@in[-1] = (uint64)1;\n");
	buf_puts(b, "}\n");
}

/* From Linux 5.17 on, a loop of a length that only the run knows is gone through once by the
 * verifier; before, it must be of a length that is known. */
static const char turns[] = "#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 17, 0)\n"
			    "#define TURNS(some, most) (some)\n"
			    "#else\n"
			    "#define TURNS(some, most) most\n"
			    "#endif\n";

/* Memory at $p, $n bytes or as many as the page has. */
static const char piece[] =
	"macro bytes($p, $n, late) {\n"
	"	if ($n > 4096) { $n = (uint64)4096; }\n"
	"	if ($n != 0 && readable($p)) {\n"
	"		if (!readable($p, $n)) { $n = 4096 - ($p & 4095); }\n"
	"		emit(piece = tid, addr = $p, late = late, data = buf(uptr($p), $n));\n"
	"	}\n"
	"}\n";

/* A message of netlink begins with its length. What looks so, and is none, only costs more. */
static const char message[] =
	"macro message($p, $n) {\n"
	"	*(uint32 *)uptr($p) > 15 && *(uint32 *)uptr($p) <= $n\n"
	"}\n";

/* MOST: bytes of a string of -s. */
static const char arguments[] =
	"	$most = (uint64)MOST;\n"
	"	if (($s & 0x40000000000000) != 0) {\n"
	"		$q = ARGS[1];\n"
	"		$z = ARGS[2] & 0xffffffff;\n"
	"		if (message($q, $z)) { $most = (uint64)4096; }\n"
	"	}\n"
	"	for ($i : 0..TURNS(($s >> 56) & 7, 6)) {\n"
	"		$c = (($s & 0xffffffffffff) >> ($i * 8)) & 255;\n"
	"		if ($c != 0) {\n"
	"			$p = ARGS[$i];\n"
	"			if (!readable($p)) {\n"
	"				MISSED\n"
	"			} else if ($c == 1) {\n"
	"				emit(string = tid, addr = $p, late = LATE, data = "
	"str(uptr($p)));\n"
	"			} else {\n"
	"				$n = ($c - 1) * 8;\n"
	"				if ($c > 127) {\n"
	"					$k = ($c >> 4) & 7;\n"
	"					$n = $k == 6 ? RESULT : (ARGS[$k] & 0xffffffff);\n"
	"					$e = $c & 15;\n"
	"					if ($e == 0) { $n = $n > $most ? $most : $n; }\n"
	"					else { $n = $n * ($e > 12 ? ($e - 11) * 8 : $e); "
	"}\n"
	"				}\n"
	"				bytes($p, $n, LATE);\n"
	"			}\n"
	"		}\n"
	"	}\n";

/* The pointers of an argv and what they point to, or those of an environment, to be counted. */
static const char strings[] = "	if (($s & 0x3000000000000) != 0) {\n"
			      "		MOVES\n"
			      "		$v = ($s & 0x1000000000000) != 0 ? ARGS[1] : ARGS[2];\n"
			      "		$w = ($s & 0x1000000000000) != 0 ? ARGS[2] : ARGS[3];\n"
			      "		for ($j : 0..TURNS(@many & 63, 33)) {\n"
			      "			$q = $v + $j * 8;\n"
			      "			$z = (uint64)8;\n"
			      "			bytes($q, $z, LATE);\n"
			      "			$t = *(uint64 *)uptr($q);\n"
			      "			if ($t == 0) { break; }\n"
			      "			if (readable($t)) { emit(string = tid, addr = $t, "
			      "late = LATE, data = str(uptr($t))); }\n"
			      "			else { MISSED }\n"
			      "		}\n"
			      "		for ($j : 0..TURNS((@many >> 3) & 7, 4)) {\n"
			      "			$q = $w + $j * 1024;\n"
			      "			$z = (uint64)1024;\n"
			      "			bytes($q, $z, LATE);\n"
			      "		}\n"
			      "	}\n";

/* -v: what the pointers of the environment point to. */
static const char environment[] =
	"	if (($s & 0x3000000000000) != 0) {\n"
	"		$w = ($s & 0x1000000000000) != 0 ? ARGS[2] : ARGS[3];\n"
	"		for ($j : 0..TURNS((@many << 2) & 255, 64)) {\n"
	"			$t = *(uint64 *)uptr($w + $j * 8);\n"
	"			if ($t == 0) { break; }\n"
	"			if (readable($t)) { emit(string = tid, addr = $t, late = LATE, data = "
	"str(uptr($t))); }\n"
	"			else { MISSED }\n"
	"		}\n"
	"	}\n";

/* A vector of pieces, or what a message header points to. */
static const char vectors[] = "	if (($s & 0xc000000000000) != 0) {\n"
			      "		$v = ARGS[1];\n"
			      "		$m = ARGS[2] & 0xffffffff;\n"
			      "		if (($s & 0x8000000000000) != 0) {\n"
			      "			$q = $v;\n"
			      "			$z = (uint64)56;\n"
			      "			bytes($q, $z, LATE);\n"
			      "			$q = *(uint64 *)uptr($v);\n"
			      "			$z = (*(uint64 *)uptr($v + 8)) & 0xffffffff;\n"
			      "			bytes($q, $z, LATE);\n"
			      "			$q = *(uint64 *)uptr($v + 32);\n"
			      "			$z = *(uint64 *)uptr($v + 40);\n"
			      "			bytes($q, $z, LATE);\n"
			      "			$m = *(uint64 *)uptr($v + 24);\n"
			      "			$v = *(uint64 *)uptr($v + 16);\n"
			      "			$q = *(uint64 *)uptr($v);\n"
			      "			$z = *(uint64 *)uptr($v + 8);\n"
			      "			if ($m > 0 && message($q, $z)) { $most = (uint64)4096; }\n"
			      "		}\n"
			      "		$q = $v;\n"
			      "		$z = ($m > 16 ? 16 : $m) * 16;\n"
			      "		bytes($q, $z, LATE);\n"
			      "		for ($j : 0..TURNS((@many >> 1) & 31, 16)) {\n"
			      "			if ($j >= $m) { break; }\n"
			      "			$q = *(uint64 *)uptr($v + $j * 16);\n"
			      "			$z = *(uint64 *)uptr($v + $j * 16 + 8);\n"
			      "			if ($z > $most) { $z = $most; }\n"
			      "			bytes($q, $z, LATE);\n"
			      "		}\n"
			      "	}\n";

/* The headers of 8 messages, and of each the first piece. */
static const char messages[] =
	"	if (($s & 0x10000000000000) != 0) {\n"
	"		$m = ARGS[2] & 0xffffffff;\n"
	"		for ($j : 0..TURNS((@many >> 2) & 15, 8)) {\n"
	"			if ($j >= $m) { break; }\n"
	"			$v = ARGS[1] + $j * 64;\n"
	"			$q = $v;\n"
	"			$z = (uint64)64;\n"
	"			bytes($q, $z, LATE);\n"
	"			$w = *(uint64 *)uptr($v + 16);\n"
	"			$q = $w;\n"
	"			$z = *(uint64 *)uptr($v + 24) == 0 ? (uint64)0 : (uint64)16;\n"
	"			bytes($q, $z, LATE);\n"
	"			$q = *(uint64 *)uptr($w);\n"
	"			$z = *(uint64 *)uptr($w + 8);\n"
	"			if ($z > MOST) { $z = (uint64)MOST; }\n"
	"			bytes($q, $z, LATE);\n"
	"		}\n"
	"	}\n";

/* The first requests of io_submit() (where loops are unrolled, of 4), and what they point to: a
 * buffer, or a vector. */
static const char requests[] =
	"	if (($s & 0x20000000000000) != 0) {\n"
	"		$m = ARGS[1];\n"
	"		for ($j : 0..TURNS((@many >> 1) & 31, 4)) {\n"
	"			if ((int64)$m <= (int64)$j) { break; }\n"
	"			$q = ARGS[2] + $j * 8;\n"
	"			$z = (uint64)8;\n"
	"			bytes($q, $z, LATE);\n"
	"			$v = *(uint64 *)uptr($q);\n"
	"			$z = (uint64)64;\n"
	"			bytes($v, $z, LATE);\n"
	"			$q = *(uint64 *)uptr($v + 24);\n"
	"			$z = *(uint64 *)uptr($v + 32);\n"
	"			if (*(uint16 *)uptr($v + 16) > 6) { $z = $z * 16; }\n"
	"			if ($z > MOST) { $z = (uint64)MOST; }\n"
	"			bytes($q, $z, LATE);\n"
	"		}\n"
	"	}\n";

/* What a request of ioctl() reads before it fills it; SIOCGIFCONF: how long the list is, and at the end the list. */
static const char interfaces[] = "	if (($s & 0x80000000000000) != 0 && !LATE && (ARGS[1] & 0xc0000000) == 0xc0000000) {\n"
				 "		$q = ARGS[2];\n"
				 "		$z = (uint64)64;\n"
				 "		bytes($q, $z, LATE);\n"
				 "	}\n"
				 "	if (($s & 0x80000000000000) != 0 && (ARGS[1] & 0xffffffff) == 0x8912) {\n"
				 "		$q = ARGS[2];\n"
				 "		$z = (uint64)16;\n"
				 "		bytes($q, $z, LATE);\n"
				 "		if (LATE && readable($q)) {\n"
				 "			$z = (uint64)*(uint32 *)uptr($q);\n"
				 "			$q = *(uint64 *)uptr($q + 8);\n"
				 "			bytes($q, $z, LATE);\n"
				 "		}\n"
				 "	}\n";

/* Entries of a folder behind the first 4096 bytes, up to 36,672. The beginning of each entry, 24
 * bytes, lies whole in one piece. */
static const char entries[] = "	if (($s & 0x800000000000000) != 0) {\n"
			      "		for ($j : 0..TURNS((@many >> 2) & 15, 8)) {\n"
			      "			$o = (uint64)($j + 1) * 4072;\n"
			      "			if (args.ret <= (int64)$o) { break; }\n"
			      "			$q = ARGS[1] + $o;\n"
			      "			$z = (uint64)args.ret - $o;\n"
			      "			bytes($q, $z, LATE);\n"
			      "		}\n"
			      "	}\n";

/* Memory of before an exec is gone behind it; the new program's has the arguments and, behind the
 * environment, the path. A thread that is not the first one has that one's number then: what it missed
 * is noted under its own. */
static const char after_exec[] =
	"	if (args.ret == 0 && (EXECS) && (has_key(@missed, tid) || has_key(@missed, tid | 0x80000000))) {\n"
	"		$n = (uint64)curtask.mm.arg_end - (uint64)curtask.mm.arg_start;\n"
	"		if ($n > 4096) { $n = (uint64)4096; }\n"
	"		emit(argv = tid, addr = (uint64)1, late = 1, data = "
	"buf(uptr((uint64)curtask.mm.arg_start), $n));\n"
	"		emit(string = tid, addr = (uint64)2, late = 1, data = "
	"str(uptr((uint64)curtask.mm.env_end)));\n"
	"		delete(@missed[tid]);\n"
	"		delete(@missed[tid | 0x80000000]);\n"
	"		delete(@call[tid]);\n"
	"		emit(leave = tid, pid, nr = $nr, ret = args.ret);\n"
	"		return;\n"
	"	}\n";

struct word {
	const char *is, *becomes;
};

/* Words in capitals become what they mean in this phase. */
static void put(struct buf *b, const char *text, const struct word *words)
{
	while (*text) {
		const struct word *w = words;

		while (w->is && strncmp(text, w->is, strlen(w->is)) != 0)
			w++;
		if (w->is) {
			buf_puts(b, w->becomes);
			text += strlen(w->is);
		} else {
			buf_char(b, *text++);
		}
	}
}

static void put_after_exec(const struct strace *s, struct buf *b)
{
	struct buf execs = {0};

	for (u32 i = 0; i < MAX_CALLS; i++)
		if (s->traced[i] && s->calls[i].name && !strncmp(s->calls[i].name, "execve", 6))
			buf_printf(&execs, execs.n ? " || $nr == %u" : "$nr == %u", i);
	if (execs.n)
		put(b, after_exec, (struct word[]){{"EXECS", buf_str(&execs)}, {0}});
	buf_free(&execs);
}

static bool any_traced(const struct strace *s)
{
	for (u32 i = 0; i < MAX_CALLS; i++)
		if (s->traced[i])
			return true;
	return false;
}

static bool any(const struct strace *s, bool out, u64 bits)
{
	for (u32 i = 0; i < MAX_CALLS; i++)
		if (s->traced[i] && wanted(&s->calls[i], out) & bits)
			return true;
	return false;
}

/* --container: what a thread is in, when it is first seen and whenever that is another UTS namespace or cgroup
 * than before, or any host got another name. */
static const char container[] =
	"	$in = (uint64)curtask.nsproxy.uts_ns + cgroup * 0x9e3779b97f4a7c15 + @renamed * 0xc2b2ae3d27d4eb4f;\n"
	"	if (curtask.nsproxy != 0 && @in_container[tid] != $in) {\n"
	"		@in_container[tid] = $in;\n"
	"		emit(container = tid, pid, uts = (uint64)curtask.nsproxy.uts_ns, cgroup, name = "
	"str(curtask.nsproxy.uts_ns.name.nodename, 65));\n"
	"	}\n";

/* Who is traced: on the user engine, everybody that it sees. Numbers of first processes go to others when these
 * have ended; of their last threads that end at once (`ends`) one may have said so already. */
static void put_whose(const struct strace *s, struct buf *b, bool ends)
{
	if (!s->kernel)
		return;
	if (s->opts.all) { /* not what we do ourselves: each line would make others */
		buf_printf(b, "pid != %d && ", getpid());
		return;
	}
	buf_puts(b, s->npids ? "((" : "((pid == cpid");
	for (u32 i = 0; i < s->npids; i++)
		buf_printf(b, "%spid == %d", i ? " || " : "", s->opts.pids[i]);
	buf_printf(b, "%s) || has_key(@tree, pid(init))) && ", ends ? "" : ") && has_key(@root, pid");
}

/* Those that it begins with: of a command itself, else of -p. @unseen: how many of them had ended before their ends
 * were watched (roots_look()). */
static void put_roots(const struct strace *s, struct buf *b)
{
	if (!s->kernel || s->opts.all)
		return;
	buf_printf(b, "begin {\n	@living = (int64)%u;\n	@unseen = (int64)0;\n", MAX(s->npids, 1u));
	for (u32 i = 0; i < s->npids; i++)
		buf_printf(b, "	@root[(uint32)%d] = 1;\n", s->opts.pids[i]);
	buf_puts(b, s->npids ? "}\n" : "	@root[(uint32)cpid] = 1;\n}\n");
}

bool strace_narrow(const struct strace *s)
{
	for (u32 i = NATIVE_CALLS; i < MAX_CALLS; i++)
		if (s->traced[i])
			return true;
	return false;
}

/* TS_COMPAT: the call is one of 32 bits, whose numbers stand behind the others: what programs of 64 bits
 * call by such numbers is none of those. */
static void put_number(const struct strace *s, char out[160], const char *other)
{
	bool compat = s->kernel && !strcmp(s->arch->name, "x86_64");

	snprintf(out, 160, "(%sargs.id > %d ? %d : args.id%s)", other,
		 !s->kernel && strace_narrow(s) ? MAX_CALLS - 1 : NATIVE_CALLS - 1, OTHER_CALL,
		 compat ? " + (((int64)curtask.thread_info.status & 2) << 8)" : "");
}

static void put_calls(const struct strace *s, struct buf *b, const char *who, const char *most)
{
	char entered[160], left[160];
	const struct word enter[] = {{"ARGS", "args.args"},   {"MISSED", "@missed[tid] = 1;"},
				     {"RESULT", "(uint64)0"}, {"LATE", "0"},
				     {"MOST", most},
				     {"MOVES", s->kernel ? "if (tid != pid) { @missed[pid | 0x80000000] = 1; }" : ""},
				     {0}};
	const struct word leave[] = {{"ARGS", "@call[tid]"},
				     {"MISSED", ""},
				     {"RESULT", "(args.ret < 0 ? (uint64)0 : (uint64)args.ret)"},
				     {"LATE", "1"},
				     {"MOST", most},
				     {"MOVES", ""},
				     {0}};

	put_number(s, entered, "args.id < 0 || ");
	/* to the kernel, -1 may be the end of rt_sigreturn */
	put_number(s, left, s->kernel ? "args.id < -1 || " : "args.id < 0 || ");
	buf_printf(b,
		   "tracepoint:raw_syscalls:sys_enter /%shas_key(@in, %s)/ {\n"
		   "	$nr = %s;\n"
		   "	$s = @in[$nr];\n"
		   "	@call[tid] = args.args;\n",
		   who, entered, entered);
	put(b, arguments, enter);
	if (any(s, false, BIT(BIT_ARGV) | BIT(BIT_ARGV2))) {
		put(b, strings, enter);
		if (s->opts.verbose)
			put(b, environment, enter);
	}
	if (any(s, false, BIT(BIT_IOV) | BIT(BIT_MSG)))
		put(b, vectors, enter);
	if (any(s, false, BIT(BIT_IOCBS)))
		put(b, requests, enter);
	if (any(s, false, BIT(BIT_LIST)))
		put(b, interfaces, enter);
	if (s->opts.stacks)
		buf_printf(b, "	emit(stack = tid, pid, frames = %s);\n",
			   s->opts.stacks > 1 ? "dw_ustack" : "ustack(1)");
	if (s->opts.containers)
		buf_puts(b, container);
	buf_printf(b,
		   "	emit(enter = tid, pid, nr = $nr | (args.id << 32), a = args.args[0], b = args.args[1], c "
		   "= args.args[2], "
		   "d = args.args[3], e = args.args[4], f = args.args[5]);\n"
		   "}\n"
		   "tracepoint:raw_syscalls:sys_exit /%shas_key(@in, %s)/ {\n"
		   "	$nr = %s;\n"
		   "	$s = has_key(@out, $nr) ? @out[$nr] : (uint64)0;\n",
		   who, left, left);
	if (s->kernel)
		put_after_exec(s, b);
	buf_puts(b,
		   "	if (has_key(@missed, tid)) {\n"
		   "		$s = $s | @in[$nr];\n"
		   "		delete(@missed[tid]);\n"
		   "	}\n");
	put(b, arguments, leave);
	if (any(s, false, BIT(BIT_ARGV) | BIT(BIT_ARGV2)))
		put(b, strings, leave);
	if (any(s, true, BIT(BIT_IOV) | BIT(BIT_MSG)))
		put(b, vectors, leave);
	if (any(s, true, BIT(BIT_MSGS)))
		put(b, messages, leave);
	if (any(s, true, BIT(BIT_LIST)))
		put(b, interfaces, leave);
	if (any(s, true, BIT(BIT_FOLDER)))
		put(b, entries, leave);
	if (s->kernel && s->traced[15])
		buf_puts(b, "	if (args.id == -1) {\n"
			    "		emit(blocked = tid, set = "
			    "(uint64)curtask.blocked.sig[0]);\n"
			    "	}\n");
	if (s->opts.containers)
		buf_puts(b, "	if (args.id == __NR_sethostname) { @renamed = @renamed + 1; }\n");
	buf_puts(b, "	emit(leave = tid, pid, nr = $nr, ret = args.ret);\n"
		    "	delete(@call[tid]);\n"
		    "}\n");
}

/* Children: they are traced as well, and begin with what their parents have. @tree: how many threads of each of
 * them live; @living: how many processes, with the first ones. Raw tracepoints: others are skipped while somebody
 * has a map in hand on that CPU, and who waits for an end must not miss it. */
static const char born[] =
	"	$child = (uint32)((struct task_struct *)arg0)->pid;\n"
	"	if ((arg1 & 0x10000) != 0) { /* CLONE_THREAD */\n"
	"		if (has_key(@tree, pid(init))) { @tree[pid(init)]++; }\n"
	"		return;\n"
	"	}\n"
	"	@tree[$child] = (int64)1;\n"
	"	if (has_key(@tree, $child)) { @living++; }\n";

/* Of the last threads of a first process, whose threads nobody counts, each may find that it is the last one. */
static const char ended[] =
	"	$over = false;\n"
	"	if (has_key(@tree, pid(init))) {\n"
	"		@tree[pid(init)]--;\n"
	"		$over = @tree[pid(init)] == 0 && delete(@tree, pid(init));\n"
	"	} else {\n"
	"		$over = curtask.signal.live.counter == 0 && delete(@root, pid);\n"
	"	}\n"
	"	if ($over) {\n"
	"		@living--;\n"
	"		if (@living == @unseen) { exit(); }\n"
	"	}\n";

static void put_forks(const struct strace *s, struct buf *b, const char *who)
{
	bool tree = s->kernel && !s->opts.all;

	if (!tree && !s->follows)
		return;
	buf_printf(b, "%s /%s1/ {\n", tree ? "rawtracepoint:task_newtask" : "tracepoint:sched:sched_process_fork", who);
	if (tree)
		buf_puts(b, born);
	if (s->follows)
		buf_printf(b, "	emit(forked = pid, child = %s);\n", tree ? "$child" : "(uint32)args.child_pid");
	buf_puts(b, "}\n");
}

/* A signal that ends a process without more ado (of those that leave no core, none but SIGKILL, which never tells
 * from whom) reaches its threads as SIGKILL: what it was is kept when it is sent, and told by the first of them that
 * ends. The kernel has decided by then: SIGNAL_GROUP_EXIT (4) and group_exit_code say that this one ends it, not one
 * that is blocked, waited for or handled. Everybody's end forgets it: the address goes to another process. */
static const char fatal[] = "rawtracepoint:signal_generate /arg4 == 0 && arg0 < 65 && ((0xffffffffb600fa03 >> (arg0 - 1)) & 1) != 0/ {\n"
			    "	$of = ((struct task_struct *)arg2).signal;\n"
			    "	if (((uint64)$of.flags & 4) != 0 && (uint64)$of.group_exit_code == arg0) {\n"
			    "		$info = arg1 > 1;\n"
			    "		@fatal[(uint64)$of] = (arg0,\n"
			    "			$info ? *(uint64 *)kptr(arg1 + 8) & 0xffffffff : arg1 * 128,\n"
			    "			$info ? *(uint64 *)kptr(arg1 + 16) : arg1 ? (uint64)0 : (uint64)pid | ((uint64)uid << 32),\n"
			    "			$info ? *(uint64 *)kptr(arg1 + 24) : (uint64)0);\n"
			    "	}\n"
			    "}\n";

/* Ends and signals, as each engine has them. */
static void put_tasks(const struct strace *s, struct buf *b, const char *who, const char *ends)
{
	if (!s->kernel) {
		buf_puts(b, "tracepoint:sched:sched_process_exit { emit(gone = tid, pid, code = "
			    "(int64)-1); }\n"
			    "tracepoint:signal:signal_deliver { emit(signal = tid, pid, sig = "
			    "(uint64)args.sig, "
			    "code = (int64)args.code); }\n");
		return;
	}
	buf_printf(b,
		   "%srawtracepoint:sched_process_exit {\n"
		   "	$of = (uint64)curtask.signal;\n"
		   "	$f = @fatal[$of];\n"
		   "	$first = delete(@fatal, $of);\n"
		   "	if (!(%s1)) { return; }\n"
		   "%s"
		   "	if ($first) { emit(fatal = tid, pid, sig = $f.0, code = $f.1, from = $f.2, value = $f.3); }\n"
		   "	emit(gone = tid, pid, code = (int64)curtask.exit_code);\n"
		   "%s%s"
		   "}\n"
		   "rawtracepoint:signal_deliver /%s1/ {\n"
		   "%s"
		   "	emit(signal = tid, pid, sig = arg0, handler = *(uint64 *)kptr(arg2), info "
		   "= buf(kptr(arg1), 48));\n"
		   "}\n",
		   fatal, ends, s->opts.containers ? container : "",
		   s->opts.containers ? "	delete(@in_container[tid]);\n" : "",
		   s->opts.all ? "" : ended, who,
		   s->opts.containers ? container : "");
}

void strace_script(struct strace *s, struct buf *b)
{
	bool dumps = s->opts.dump_read || s->opts.dump_written;
	struct buf who = {0}, ends = {0};
	char most[16];

	put_whose(s, &who, false);
	put_whose(s, &ends, true);
	snprintf(most, sizeof(most), "%u", dumps ? DUMP_BYTES : MAX(s->opts.strsize + 1, SEEN_LEAST));
	buf_puts(b, "config = { max_strlen = 4096; max_map_keys = 16384; print_maps_on_exit = "
		    "false }\n");
	buf_puts(b, turns);
	buf_puts(b, piece);
	buf_puts(b, message);
	put_tables(s, b);
	put_roots(s, b);
	if (any_traced(s))
		put_calls(s, b, buf_str(&who), most);
	put_forks(s, b, buf_str(&who));
	put_tasks(s, b, buf_str(&who), buf_str(&ends));
	buf_free(&who);
	buf_free(&ends);
}
