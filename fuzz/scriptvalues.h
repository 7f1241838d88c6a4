/*
 * scriptvalues.h: the part of scriptgen.h for a machine that is there: probes in files, what lies
 * in memory (structs of the script and of the kernel, pointers, arrays), tuples, and what user
 * space makes readable (stacks, symbols, buffers, addresses, times).
 */
#ifndef SCRIPTVALUES_H
#define SCRIPTVALUES_H

/* Declared in front of the probes of every such script. */
static const char gen_types[] =
	"enum gen_color { GEN_RED, GEN_GREEN = 7 };\n"
	"union gen_both { int i; unsigned char b[4]; };\n"
	"struct gen_inner { short x, y; signed char z; };\n"
	"struct gen_item { int id; long size; const char *name; struct gen_inner inner;\n"
	"	unsigned low : 3, high : 5, : 4; struct { u64 deep; union { u32 a; char c[4]; }; };\n"
	"	char tag[8]; unsigned short shorts[3][2]; struct gen_item *next; union gen_both both;\n"
	"	struct gen_inner inners[2]; enum gen_color color; char **argv; };\n";

static const struct gen_probe gen_live_probes[] = {
	{"uprobe:build/tests/behave/traced:use", {"arg0", "arg1", "sarg0"}, {"str(arg1)", "func", "probe"}},
	{"uprobe:build/tests/behave/traced:a*", {"arg0", "arg5"}, {"func", "probe"}},
	{"uprobe:build/tests/behave/traced:add+0", {"reg(\"ip\")", "arg2"}, {"func"}},
	{"uretprobe:build/tests/behave/traced:add", {"retval", "ctx"}, {"func"}},
	{"usdt:build/tests/behave/traced:traced:*", {"ctx"}, {"probe"}},
	{"usdt:build/tests/behave/traced:numbers", {"arg0", "arg1", "arg2"}, {"probe"}},
	{"rawtracepoint:sched_switch", {"arg0", "arg1", "arg2"}, {"probe"}},
	{"profile:hz:99", {"usermode", "ctx", "reg(\"ip\")"}, {0}},
	{"software:page-faults:100", {"usermode", "reg(\"sp\")"}, {0}},
	{"interval:ms:10, begin", {0}, {"probe"}},
	{"tracepoint:syscalls:sys_enter_execve", {"args.filename", "args.argv"}, {"str(args.filename)"}},
};

static void gen_int(struct gen *);
static void gen_str(struct gen *);
static void gen_puts(struct gen *, const char *);

/* An address: whatever it may be, reading there must be refused by nobody. */
static void gen_pointer(struct gen *g)
{
	static const char *const kernel[] = {"curtask", "curtask->real_parent", "kaddr(\"vfs_read\")",
					     "kptr(curtask)", "uptr(curtask)", "ctx"};

	switch (gen_below(g, 5)) {
	case 0: gen_puts(g, "$p"); break;
	case 1: gen_puts(g, GEN_PICK(g, kernel)); break;
	case 2: gen_puts(g, "$p->next"); break;
	default:
		gen_puts(g, "(");
		gen_int(g);
		gen_puts(g, ")");
	}
}

/* A number in memory. */
static void gen_place(struct gen *g)
{
	static const char *const members[] = {
		"id", "size", "inner.x", "low", "high", "deep", "a", "c[1]", "shorts[2][1]", "both.i",
		"both.b[3]", "inners[1].z", "color", "next->id", "next->next->inner.y", "name", "argv[0]"};
	static const char *const task[] = {
		"pid", "tgid", "real_parent->pid", "real_parent->real_parent->tgid", "mm->flags",
		"nsproxy->uts_ns", "se.vruntime", "signal->rlim[7].rlim_cur", "group_leader->prio",
		"comm[2]", "cred->uid.val", "exit_state"};
	static const char *const types[] = {"int8", "uint16", "int32", "uint64", "char", "unsigned long",
					    "struct gen_item *", "pid_t", "u8"};

	switch (gen_below(g, 7)) {
	case 0: buf_printf(g->out, "$p->%s", GEN_PICK(g, members)); break;
	case 1: buf_printf(g->out, "$p.%s", GEN_PICK(g, members)); break;
	case 2: buf_printf(g->out, "curtask->%s", GEN_PICK(g, task)); break;
	case 3:
		gen_puts(g, "((struct gen_item *)");
		gen_pointer(g);
		buf_printf(g->out, ")->%s", GEN_PICK(g, members));
		break;
	case 4:
		buf_printf(g->out, "*(%s *)", GEN_PICK(g, types));
		gen_pointer(g);
		break;
	case 5:
		buf_printf(g->out, "((%s *)", GEN_PICK(g, types));
		gen_pointer(g);
		gen_puts(g, ")[");
		gen_int(g);
		gen_puts(g, "]");
		break;
	default:
		gen_puts(g, "$p->inners[");
		gen_int(g);
		gen_puts(g, "].x");
	}
}

static void gen_place_str(struct gen *g)
{
	static const char *const strings[] = {
		"$p->tag", "$p->c", "$p->next.tag", "str($p->name)", "str($p->argv[1])", "curtask->comm",
		"curtask->real_parent->comm", "curtask->nsproxy->uts_ns->name.nodename", "probe",
		"str($p->name, 8)"};

	if (gen_below(g, 4)) {
		gen_puts(g, GEN_PICK(g, strings));
		return;
	}
	gen_puts(g, "str(");
	gen_pointer(g);
	gen_puts(g, gen_below(g, 2) ? ")" : ", 20)");
}

/* A number that a function makes. */
static void gen_call(struct gen *g)
{
	static const char *const sizes[] = {"sizeof(struct gen_item)", "sizeof($p->shorts)",
					    "sizeof(struct task_struct)", "GEN_GREEN", "sizeof(*$p)"};

	switch (gen_below(g, 7)) {
	case 0:
		gen_puts(g, "strncmp(");
		gen_str(g);
		gen_puts(g, ", ");
		gen_str(g);
		buf_printf(g->out, ", %u)", gen_below(g, 40));
		break;
	case 1:
		gen_puts(g, "strlen(");
		gen_str(g);
		gen_puts(g, ")");
		break;
	case 2:
		gen_puts(g, "bswap((uint32)");
		gen_int(g);
		gen_puts(g, ")");
		break;
	case 3:
		gen_puts(g, "has_key(@tuple, (");
		gen_int(g);
		gen_puts(g, ", ");
		gen_str(g);
		gen_puts(g, "))");
		break;
	case 4: gen_puts(g, GEN_PICK(g, sizes)); break;
	case 5: gen_puts(g, gen_below(g, 2) ? "nsecs(monotonic)" : "kaddr(\"vfs_read\")"); break;
	default: gen_place(g);
	}
}

/* A value that user space makes readable. */
static void gen_shown(struct gen *g)
{
	static const char *const whole[] = {
		"kstack", "ustack", "kstack(3)", "ustack(perf, 5)", "kstack(raw)", "ustack(raw, 2)",
		"strftime(\"%H:%M:%S.%f\", nsecs)", "macaddr($p->tag)", "ntop($p->both.b)",
		"buf($p->tag)", "buf($p->shorts)", "macaddr($p->next)", "strftime(\"%F\", nsecs(tai))"};
	static const char *const of[] = {"ksym(", "usym(", "ntop(", "ntop(2, ", "ntop(10, ", "strerror(",
					 "macaddr("};

	if (gen_below(g, 2)) {
		gen_puts(g, GEN_PICK(g, whole));
	} else if (gen_below(g, 4)) {
		gen_puts(g, GEN_PICK(g, of));
		gen_int(g);
		gen_puts(g, ")");
	} else {
		gen_puts(g, "buf(");
		gen_pointer(g);
		gen_puts(g, ", ");
		gen_below(g, 2) ? gen_int(g) : gen_puts(g, "16");
		gen_puts(g, ")");
	}
}

/* A value in memory, as a whole; $w and @whole are copies of what $p points to. */
static void gen_whole(struct gen *g)
{
	static const char *const wholes[] = {
		"*$p", "$p->inner", "$p->inners", "$p->shorts", "$p->shorts[1]", "$p->inners[1]", "$w",
		"$w.inner", "$w.inners", "$w.shorts[1]", "@whole[1]", "@whole[1].inner",
		"@whole[pid].inners", "*curtask->cred", "curtask->cred->uid", "curtask->se.load",
		"curtask->signal->rlim", "(uint8[8])pid", "(uint16[2])(uint32)cpu", "(a = 1, b = comm)",
		"(x = *$p, y = (1, kstack(2)))", "*$w.next", "(1,)", "*$p->next->next"};

	gen_puts(g, GEN_PICK(g, wholes));
}

/* A number of one, also at an index that only the run knows. */
static void gen_whole_int(struct gen *g)
{
	static const char *const places[] = {"$w.id", "$w.inner.x", "$w.low", "$w.shorts[2][1]",
					     "@whole[1].size", "@whole[1].inners[1].z", "$w.next->id",
					     "@whole[tid].high", "$w.both.b[1]", "is_err($p)",
					     "offsetof(struct gen_item, inner)", "((1, 2), 3).0.1"};

	if (gen_below(g, 3)) {
		gen_puts(g, GEN_PICK(g, places));
		return;
	}
	gen_puts(g, gen_below(g, 2) ? "$w.inners[" : "@whole[1].inners[");
	gen_int(g);
	gen_puts(g, "].x");
}

static void gen_tuple(struct gen *g)
{
	gen_puts(g, "(");
	gen_int(g);
	for (u32 n = 1 + gen_below(g, 3); n; n--) {
		gen_puts(g, ", ");
		switch (gen_below(g, 8)) {
		case 0: gen_shown(g); break;
		case 1: case 2: gen_str(g); break;
		case 4: gen_whole(g); break;
		case 5: gen_whole_int(g); break;
		case 3:
			if (g->depth < 4) {
				g->depth += 2;
				gen_tuple(g);
				g->depth -= 2;
				break;
			}
			/* fallthrough */
		default: gen_int(g);
		}
	}
	gen_puts(g, ")");
}

/* Statements with such values; a variable of a name of its own has one type. */
static void gen_live_statement(struct gen *g)
{
	static const char *const fixed[] = {
		"time()", "time(\"%H\")", "join($p->argv)", "join($p->argv, \",\")",
		"cat(\"/proc/%d/comm\", pid)", "$p++", "$p = $p->next", "$p += 1", "@p = $p",
		"@stack[kstack] = count()", "@stack[ustack] = count()", "print(@stack, 3)", "exit(3)",
		"@last = kstack", "print(@last)", "clear(@stack)", "zero(@stack)", "print($p->inner)",
		"@sym[ksym(kaddr(\"vfs_read\"))]++", "signal(\"SIGUSR1\")", "system(\"true %d\", pid)"};

	switch (gen_below(g, 9)) {
	case 7:
		gen_puts(g, gen_below(g, 2) ? "print(" : "emit(pid, whole = ");
		gen_whole(g);
		gen_puts(g, ")");
		break;
	case 8:
		buf_printf(g->out, gen_below(g, 2) ? "@w%1$u[pid, %1$u] = " : "$w%u = ", gen_below(g, 1000));
		gen_whole(g);
		break;
	case 0:
		gen_puts(g, "@tuple[");
		gen_int(g);
		gen_puts(g, ", ");
		gen_str(g);
		gen_puts(g, "] = ");
		gen_int(g);
		break;
	case 1:
		buf_printf(g->out, "$t%u = ", gen_below(g, 1000));
		gen_tuple(g);
		break;
	case 2:
		gen_puts(g, "print(");
		gen_tuple(g);
		gen_puts(g, gen_below(g, 2) ? ")" : ".0)");
		break;
	case 3:
		gen_puts(g, "emit(pid, shown = ");
		gen_shown(g);
		gen_puts(g, ", place = ");
		gen_pointer(g);
		gen_puts(g, ")");
		break;
	case 4:
		gen_puts(g, "printf(\"%s|%-20s|%d\\n\", ");
		gen_shown(g);
		gen_puts(g, ", ");
		gen_place_str(g);
		gen_puts(g, ", ");
		gen_place(g);
		gen_puts(g, ")");
		break;
	case 5:
		buf_printf(g->out, "@x%u[", gen_below(g, 1000));
		gen_below(g, 2) ? gen_tuple(g) : gen_shown(g);
		gen_puts(g, "] = ");
		gen_below(g, 3) ? gen_puts(g, "count()") : gen_below(g, 2) ? gen_tuple(g) : gen_shown(g);
		break;
	default: gen_puts(g, GEN_PICK(g, fixed));
	}
}

#endif
