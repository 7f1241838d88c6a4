/*
 * scriptgen.h: random scripts, and random damage done to scripts.
 *
 * In:  a generator of numbers with a seed. Out: text.
 *
 * gen_script() follows the grammar and mostly the types, with a small set of variables and maps,
 * so that most of what it makes compiles. damage_tokens() and damage_bytes() change a text: what
 * comes out is near enough to a script to get deep into the compiler. Nothing else includes this
 * but the fuzzer of scripts.
 */
#ifndef SCRIPTGEN_H
#define SCRIPTGEN_H

#include "base/buf.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

struct gen {
	u64 rng;
	struct buf *out;
	u32 depth, loops; /* loops: how many more while there may be: each costs the verifier */
	bool live;	  /* the machine is there: scriptvalues.h */
	const struct gen_probe *probe; /* what args there are */
	u32 strings, ints; /* variables of the probe that have a value */
	u32 used;	   /* bits: which gen_maps the script names */
	u32 lets;	   /* variables of `let` so far: each has a name of its own */
};

static u64 gen_rnd(struct gen *g)
{
	g->rng ^= g->rng << 13;
	g->rng ^= g->rng >> 7;
	g->rng ^= g->rng << 17;
	return g->rng * 0x2545f4914f6cdd1dull >> 16;
}

static u32 gen_below(struct gen *g, u32 n)
{
	return (u32)(gen_rnd(g) % n);
}

#define GEN_PICK(g, list) ((list)[gen_below((g), ARRAY_SIZE(list))])

/* Numbers and strings of its record; no path leads out of these tables into the machine. */
static const struct gen_probe {
	const char *spec, *ints[4], *strings[3];
} gen_probes[] = {
	{"begin", {0}, {0}},
	{"BEGIN", {0}, {0}},
	{"end", {0}, {0}},
	{"interval:s:1", {0}, {0}},
	{"interval:ms:10", {0}, {0}},
	{"tracepoint:syscalls:sys_enter_openat", {"args.dfd", "args->flags", "args.mode"},
	 {"str(args.filename)", "str(args.filename, 16)"}},
	{"tracepoint:syscalls:sys_exit_openat", {"args.ret", "args->ret"}, {0}},
	{"tracepoint:syscalls:sys_enter_close", {"args.fd"}, {0}},
	{"tracepoint:sched:sched_switch", {"args.prev_pid", "args.next_prio", "args.prev_state"},
	 {"args.prev_comm", "args.next_comm", "str(args.next_comm, 5)"}},
	{"tracepoint:sched:sched_process_exec", {"args.pid", "args.old_pid"}, {"str(args.filename)"}},
	{"xdp:lo", {"len", "tcp.dport", "(ip.src == 10.0.0.0/8)", "pcap(\"udp port 53 or vlan 5\")"}, {0}},
	{"tc:lo:ingress", {"ip6.hops", "vlan.id", "udp.len", "(eth.src == \"2:0:0:0:0:1\")"}, {0}},
	{"cgroup_skb:/gen:egress", {"proto", "icmp.type", "dport", "(ip6.dst == \"fe80::/10\")"}, {0}},
	{"socket:lo", {"arp.op", "eth.type", "tcp.flags", "pcap(\"host 10.0.0.1 or ip6\")"}, {0}},
};

#include "scriptvalues.h"

static void gen_statement(struct gen *);

static void gen_puts(struct gen *g, const char *text)
{
	buf_puts(g->out, text);
}

/* One of a NULL-terminated list, or `otherwise`. */
static const char *gen_one_of(struct gen *g, const char *const *list, u32 most,
			      const char *otherwise)
{
	u32 n = 0;

	while (n < most && list[n])
		n++;
	return n ? list[gen_below(g, n)] : otherwise;
}

/* ---- values */

static void gen_number(struct gen *g)
{
	static const char *const numbers[] = {
		"0", "1", "2", "7", "63", "64", "255", "256", "0xff", "017", "0b101", "1e3", "1_000",
		"0x7fffffff", "0x80000000", "4294967295", "4294967296", "9223372036854775807",
		"0x8000000000000000", "18446744073709551615", "5u", "6ull", "-1", "-128", "'a'",
		"5ms", "1h", "sizeof(uint32)", "sizeof(pid)"};

	if (gen_below(g, 3))
		gen_puts(g, GEN_PICK(g, numbers));
	else
		buf_printf(g->out, "%llu", (unsigned long long)(gen_rnd(g) >> gen_below(g, 64)));
}

static void gen_keys(struct gen *g, const char *kinds)
{
	gen_puts(g, "[");
	for (const char *k = kinds; *k; k++) {
		if (k > kinds)
			gen_puts(g, ", ");
		*k == 'i' ? gen_int(g) : gen_str(g);
	}
	gen_puts(g, "]");
}

/* A map's name says what it is: @i number, @s string, @a... aggregation; then its keys. */
static const struct gen_map {
	const char *name, *keys, *value;
} gen_maps[] = {
	{"@i", "", "i"},	{"@", "i", "i"},       {"@i_i", "i", "i"},   {"@i_s", "s", "i"},
	{"@i_si", "si", "i"},	{"@i_sss", "sss", "i"}, {"@i_iiiis", "iiiis", "i"},
	{"@s", "", "s"},	{"@s_i", "i", "s"},    {"@s_ss", "ss", "s"},
	{"@count", "", "count()"}, {"@count_s", "s", "count()"}, {"@count_is", "is", "count()"},
	{"@sum", "", "sum"},	{"@sum_i", "i", "sum"}, {"@min_s", "s", "min"}, {"@max", "", "max"},
	{"@avg_i", "i", "avg"}, {"@stats", "", "stats"}, {"@hist", "", "hist"},
	{"@hist_s", "s", "hist"},
};

/* A random map with that first letter of its value; 0: any. */
static const struct gen_map *gen_map(struct gen *g, char value)
{
	const struct gen_map *m;

	do
		m = &GEN_PICK(g, gen_maps);
	while (value && (m->value[0] != value || m->value[1]));
	g->used |= 1u << (m - gen_maps);
	return m;
}

static void gen_entry(struct gen *g, const struct gen_map *m)
{
	gen_puts(g, m->name);
	if (*m->keys)
		gen_keys(g, m->keys);
}

static void gen_binary(struct gen *g)
{
	static const char *const ops[] = {"+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "==",
					  "!=", "<", ">", "<=", ">=", "&&", "||"};
	bool paren = gen_below(g, 2);

	gen_puts(g, paren ? "(" : "");
	gen_int(g);
	buf_printf(g->out, " %s ", GEN_PICK(g, ops));
	gen_int(g);
	gen_puts(g, paren ? ")" : "");
}

static void gen_ternary(struct gen *g, void (*value)(struct gen *))
{
	gen_puts(g, "(");
	gen_int(g);
	gen_puts(g, " ? ");
	value(g);
	gen_puts(g, " : ");
	value(g);
	gen_puts(g, ")");
}

static void gen_leaf(struct gen *g)
{
	static const char *const values[] = {"pid", "tid", "uid", "gid", "cpu", "nsecs", "elapsed",
					     "cpid", "$1", "$#"};

	switch (gen_below(g, 4)) {
	case 0: gen_puts(g, GEN_PICK(g, values)); break;
	case 1:
		if (g->ints) {
			buf_printf(g->out, "$n%u", gen_below(g, g->ints));
			break;
		}
		/* fallthrough */
	case 2: gen_number(g); break;
	default: gen_puts(g, gen_one_of(g, g->probe->ints, 4, "pid"));
	}
}

/* Of those that every script begins with. */
static void gen_macro_call(struct gen *g)
{
	static const char *const macros[] = {"larger(", "twice(", "sign("};
	u32 which = gen_below(g, ARRAY_SIZE(macros));

	gen_puts(g, macros[which]);
	gen_leaf(g);
	if (!which) {
		gen_puts(g, ", ");
		gen_leaf(g);
	}
	gen_puts(g, ")");
}

static void gen_int(struct gen *g)
{
	static const char *const unary[] = {"!", "~", "-", "- -", "!!", "+"};
	static const char *const casts[] = {"uint8", "int8", "uint16", "int16", "uint32", "int32",
					    "uint64", "int64"};

	if (g->depth > 5) {
		gen_leaf(g);
		return;
	}
	g->depth++;
	if (g->live && !gen_below(g, 4)) {
		gen_call(g);
		g->depth--;
		return;
	}
	switch (gen_below(g, 15)) {
	case 12: /* a ?: b */
		gen_puts(g, "(");
		gen_leaf(g);
		gen_puts(g, " ?: ");
		gen_int(g);
		gen_puts(g, ")");
		break;
	case 13:
		buf_printf(g->out, "{ let $l%u = ", g->lets);
		gen_leaf(g);
		buf_printf(g->out, "; $l%u", g->lets++);
		gen_puts(g, " + 1 }");
		break;
	case 14: gen_macro_call(g); break;
	case 0: case 1: case 2: gen_binary(g); break;
	case 3: gen_puts(g, GEN_PICK(g, unary)); gen_leaf(g); break;
	case 8:
		buf_printf(g->out, "(%s)", GEN_PICK(g, casts));
		gen_leaf(g);
		break;
	case 4: gen_ternary(g, gen_int); break;
	case 5: gen_entry(g, gen_map(g, 'i')); break;
	case 6:
		gen_puts(g, "(");
		gen_str(g);
		gen_puts(g, gen_below(g, 2) ? " == " : " != ");
		gen_str(g);
		gen_puts(g, ")");
		break;
	case 7:
		gen_puts(g, gen_below(g, 2) ? "++" : "--");
		gen_entry(g, gen_map(g, 'i'));
		break;
	default: gen_leaf(g);
	}
	g->depth--;
}

static void gen_str(struct gen *g)
{
	static const char *const literals[] = {
		"\"\"", "\"a\"", "\"text\"", "\"/etc/hosts\"", "\"with \\\"quotes\\\" and \\n\"",
		"\"sixteen bytes ..\"", "\"%d is no format here\"", "\"\\x00\\xff\\101\"",
		"\"a string that is longer than what has room on the stack, which is 64 bytes\""};

	g->depth++;
	if (g->live && g->depth < 5 && !gen_below(g, 3)) {
		gen_place_str(g);
		g->depth--;
		return;
	}
	switch (g->depth > 5 ? gen_below(g, 4) : gen_below(g, 7)) {
	case 0: gen_puts(g, "comm"); break;
	case 1: gen_puts(g, GEN_PICK(g, literals)); break;
	case 2:
		if (g->strings) {
			buf_printf(g->out, "$s%u", gen_below(g, g->strings));
			break;
		}
		/* fallthrough */
	case 3: gen_puts(g, gen_one_of(g, g->probe->strings, 3, "comm")); break;
	case 4: gen_entry(g, gen_map(g, 's')); break;
	case 5: gen_puts(g, "str($1)"); break;
	default: gen_ternary(g, gen_str);
	}
	g->depth--;
}

/* ---- statements */

static void gen_block(struct gen *g, u32 most)
{
	u32 ints = g->ints, strings = g->strings;

	gen_puts(g, " {\n");
	for (u32 n = gen_below(g, most + 1); n; n--)
		gen_statement(g);
	gen_puts(g, "}\n");
	g->ints = ints; /* what a block was the first to set is not looked at behind it */
	g->strings = strings;
}

static void gen_printf(struct gen *g)
{
	static const char *const formats[] = {"%d", "%u", "%x", "%5d", "%-8u", "%lld", "%#llx",
					      "%c", "%p", "%05d", "%hhd"};
	u32 n = gen_below(g, gen_below(g, 20) ? 6 : 32);
	u32 strings = (u32)gen_rnd(g);

	gen_puts(g, "printf(\"");
	for (u32 i = 0; i < n; i++)
		gen_puts(g, strings >> i & 1 ? (gen_below(g, 3) ? "%s " : "%-16s|") :
					       GEN_PICK(g, formats));
	gen_puts(g, "%%\\n\"");
	for (u32 i = 0; i < n; i++) {
		gen_puts(g, ", ");
		strings >> i & 1 ? gen_str(g) : gen_int(g);
	}
	gen_puts(g, ")");
}

static void gen_emit(struct gen *g)
{
	gen_puts(g, "emit(pid");
	for (u32 n = gen_below(g, 6); n; n--) {
		buf_printf(g->out, ", f%u = ", n);
		gen_below(g, 2) ? gen_str(g) : gen_int(g);
	}
	gen_puts(g, ")");
}

static void gen_map_statement(struct gen *g)
{
	static const char *const set[] = {"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=",
					  ">>="};
	const struct gen_map *m = gen_map(g, 0);

	gen_entry(g, m);
	if (m->value[0] == 's' && !m->value[1]) {
		gen_puts(g, " = ");
		gen_str(g);
	} else if (m->value[1]) {
		buf_printf(g->out, " = %s", m->value);
		if (m->value[0] != 'c') {
			gen_puts(g, "(");
			gen_int(g);
			gen_puts(g, ")");
		}
	} else if (gen_below(g, 3)) {
		buf_printf(g->out, " %s ", GEN_PICK(g, set));
		gen_int(g);
	} else {
		gen_puts(g, gen_below(g, 2) ? "++" : "--");
	}
}

static void gen_var_statement(struct gen *g)
{
	static const char *const set[] = {"+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=",
					  ">>="};

	if (gen_below(g, 3) == 0) {
		u32 i = gen_below(g, MIN(g->strings + 1, 3));

		buf_printf(g->out, "$s%u = ", i);
		gen_str(g);
		g->strings = MAX(g->strings, i + 1);
	} else if (g->ints && gen_below(g, 3) == 0) {
		buf_printf(g->out, "$n%u %s ", gen_below(g, g->ints), GEN_PICK(g, set));
		gen_int(g);
	} else if (g->ints && gen_below(g, 3) == 0) {
		buf_printf(g->out, "$n%u%s", gen_below(g, g->ints), gen_below(g, 2) ? "++" : "--");
	} else {
		u32 i = gen_below(g, MIN(g->ints + 1, 6));

		buf_printf(g->out, "$n%u = ", i);
		gen_int(g);
		g->ints = MAX(g->ints, i + 1);
	}
}

/* A loop that ends: its counter is no variable of others. */
static void gen_while(struct gen *g)
{
	u32 id = g->loops--;

	buf_printf(g->out, "$w%u = 0;\nwhile ($w%u < %u)", id, id, 1 + gen_below(g, 8));
	gen_puts(g, " {\n");
	buf_printf(g->out, "$w%u++;\n", id);
	if (gen_below(g, 2)) {
		gen_puts(g, "if (");
		gen_int(g);
		gen_puts(g, gen_below(g, 2) ? ") { break; }\n" : ") { continue; }\n");
	}
	for (u32 n = gen_below(g, 3); n; n--)
		gen_statement(g);
	gen_puts(g, "}\n");
}

static void gen_for(struct gen *g)
{
	const struct gen_map *m = gen_map(g, 0);
	u32 n = g->lets++;

	g->loops--;
	if (*m->keys && !strstr(m->value, "hist") && strcmp(m->value, "stats") != 0)
		buf_printf(g->out, "for ($l%u : %s)", n, m->name);
	else
		buf_printf(g->out, "for ($l%u : %u..%u)", n, gen_below(g, 3), gen_below(g, 8));
	gen_block(g, 2);
}

static void gen_action(struct gen *g)
{
	const struct gen_map *m = gen_map(g, 0);

	switch (gen_below(g, 6)) {
	case 0: buf_printf(g->out, "print(%s)", m->name); break;
	case 1: buf_printf(g->out, "print(%s, %u)", m->name, 1 + gen_below(g, 9)); break;
	case 2: buf_printf(g->out, "clear(%s)", m->name); break;
	case 3: buf_printf(g->out, "zero(%s)", m->name); break;
	case 4:
		gen_puts(g, "delete(");
		gen_entry(g, m);
		gen_puts(g, ")");
		break;
	default:
		gen_puts(g, "print(");
		gen_below(g, 2) ? gen_str(g) : gen_int(g);
		gen_puts(g, ")");
	}
}

static void gen_statement(struct gen *g)
{
	g->depth += 2;
	if (g->live && !gen_below(g, 3)) {
		gen_live_statement(g);
		gen_puts(g, ";\n");
		g->depth -= 2;
		return;
	}
	switch (g->depth > 12 ? gen_below(g, 6) : gen_below(g, 13)) {
	case 10:
		if (g->loops) {
			gen_for(g);
			g->depth -= 2;
			return;
		}
		/* fallthrough */
	case 11:
		buf_printf(g->out, "let $l%u%s = ", g->lets++, gen_below(g, 3) ? "" : ": int64");
		gen_int(g);
		break;
	case 12:
		gen_puts(g, "if comptime (");
		gen_number(g);
		gen_puts(g, gen_below(g, 2) ? " > 3)" : " == 7)");
		gen_block(g, 2);
		g->depth -= 2;
		return;
	case 0: gen_printf(g); break;
	case 1: gen_emit(g); break;
	case 2: gen_map_statement(g); break;
	case 3: gen_var_statement(g); break;
	case 4: gen_action(g); break;
	case 5: gen_puts(g, gen_below(g, 20) ? "@count = count()" : "return"); break;
	case 6: case 7:
		gen_puts(g, "if (");
		gen_int(g);
		gen_puts(g, ")");
		gen_block(g, 3);
		if (gen_below(g, 2)) {
			gen_puts(g, "else");
			gen_block(g, 3);
		}
		g->depth -= 2;
		return;
	case 8:
		if (g->loops) {
			gen_while(g);
			g->depth -= 2;
			return;
		}
		/* fallthrough */
	default: gen_map_statement(g);
	}
	gen_puts(g, ";\n");
	g->depth -= 2;
}

/* What is only printed or cleared has no type: every map gets a value in a last probe. */
static void gen_values(struct gen *g)
{
	g->probe = gen_probes;
	g->live = false;
	g->ints = g->strings = 0;
	g->depth = 6;
	gen_puts(g, "end {\n");
	for (u32 i = 0; i < ARRAY_SIZE(gen_maps); i++) {
		const struct gen_map *m = &gen_maps[i];

		if (!(g->used >> i & 1))
			continue;
		gen_entry(g, m);
		buf_printf(g->out, " = %s", m->value[1] ? m->value : *m->value == 's' ? "comm" : "1");
		gen_puts(g, !m->value[1] || *m->value == 'c' ? ";\n" : "(pid);\n");
	}
	gen_puts(g, "}\n");
}

static void gen_script(struct gen *g)
{
	static const char *const pointers[] = {"arg0", "retval", "nsecs", "curtask", "uptr(0)"};
	bool live = g->live;

	gen_puts(g, live ? gen_types : "");
	gen_puts(g, "macro larger(a, b) { a > b ? a : b }\n"
		    "macro twice(x) { let $x = x; $x + $x }\n"
		    "macro sign(x) { if (x < 0) { $s = -1 } else { $s = larger(x, 0) } $s }\n");
	for (u32 n = 1 + gen_below(g, 3); n; n--) {
		g->probe = g->live && gen_below(g, 3) ? &GEN_PICK(g, gen_live_probes) :
							&GEN_PICK(g, gen_probes);
		g->ints = g->strings = 0;
		g->loops = gen_below(g, 3);
		gen_puts(g, g->probe->spec);
		if (!gen_below(g, 3)) {
			gen_puts(g, " /");
			g->live = false; /* there is no $p yet */
			gen_int(g);
			g->live = live;
			gen_puts(g, "/");
		}
		if (!live) {
			gen_block(g, 8);
			continue;
		}
		buf_printf(g->out, " {\n$p = (struct gen_item *)%s; $w = *$p; @whole[1] = $w;\n",
			   strstr(g->probe->ints[0] ? g->probe->ints[0] : "", "arg0") ? "arg0" :
			   strstr(g->probe->ints[0] ? g->probe->ints[0] : "", "retval") ? "retval" :
			   pointers[2 + gen_below(g, 3)]);
		for (u32 m = gen_below(g, 8); m; m--)
			gen_statement(g);
		gen_puts(g, "}\n");
	}
	if (g->used && gen_below(g, 10))
		gen_values(g);
}

/* ---- damage */

/* The token that begins at p, roughly: a name, a number, a string, or one character. */
static size_t gen_token(const char *p, const char *end)
{
	const char *q = p;

	if (*q == '"') {
		for (q++; q < end && *q != '"' && *q != '\n'; q++)
			if (*q == '\\' && q + 1 < end)
				q++;
		return (size_t)(MIN(q + 1, end) - p);
	}
	while (q < end && (isalnum((u8)*q) || *q == '_' || *q == '$' || *q == '@'))
		q++;
	return q > p ? (size_t)(q - p) : 1;
}

static const char *const gen_words[] = {
	"(", ")", "{", "}", "[", "]", ";", ",", ".", "->", "?", ":", "=", "==", "/", "*", "+", "-",
	"++", "--", "<<", ">>=", "&&", "||", "!", "~", "%", "@", "@x", "$x", "$1", "$#", "$", "\"", "'",
	"\"s\"", "0", "1", "-1", "0x", "99999999999999999999", "1e30", "pid", "comm", "args", "args.x",
	"nosuch", "count()", "hist(1)", "str(0)", "str(", "print(", "printf(\"%s\", comm)", "emit(",
	"exit()", "delete(", "clear(@x)", "if", "else", "while (1) {", "break", "continue", "return",
	"begin", "end", "interval:s:1", "tracepoint:syscalls:sys_enter_openat", "tracepoint:*:*",
	"struct", "struct s { int a; char b[4]; };", "(uint8)", "(struct s *)", "sizeof(", "#define N 5",
	"#include <x.h>", "N", "1s", "true", "pid()", "let $a = 1", "for ($i : 0..3) {", "*",
	"/*", "*/", "//", "\n", "\\", "#", "`", "\t", "\xff", "%s", "%d"};

/* Copies text with `n` changes at tokens: leave out, double, swap, replace, insert. */
static void damage_tokens(struct gen *g, const char *text, size_t len, u32 n)
{
	struct buf from = {0}, to = {0};

	buf_add(&from, text, len);
	while (n--) {
		size_t at = from.n ? gen_rnd(g) % from.n : 0, size, start = 0;

		while (start < from.n) { /* the token around `at` */
			size = gen_token(from.p + start, from.p + from.n);
			if (start + size > at)
				break;
			start += size;
		}
		size = start < from.n ? gen_token(from.p + start, from.p + from.n) : 0;
		buf_add(&to, from.p, start);
		switch (gen_below(g, 5)) {
		case 0: break;
		case 1: buf_add(&to, from.p + start, size); buf_add(&to, from.p + start, size); break;
		case 2: buf_puts(&to, GEN_PICK(g, gen_words)); break;
		case 3: buf_add(&to, from.p + start, size); /* fallthrough */
		default:
			buf_puts(&to, GEN_PICK(g, gen_words));
			buf_puts(&to, " ");
			buf_add(&to, from.p + start, gen_below(g, 2) ? size : 0);
		}
		buf_add(&to, from.p + start + size, from.n - start - size);
		from.n = 0;
		buf_add(&from, to.p, to.n);
		to.n = 0;
	}
	buf_add(g->out, from.p, from.n);
	buf_free(&from);
	buf_free(&to);
}

static void damage_bytes(struct gen *g, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		switch (gen_below(g, 60)) {
		case 0: break;
		case 1: buf_char(g->out, (char)gen_rnd(g)); break;
		case 2: buf_char(g->out, (char)(text[i] ^ 1 << gen_below(g, 8))); break;
		case 3:
			if (!gen_below(g, 20))
				return; /* the end is missing */
			/* fallthrough */
		default: buf_char(g->out, text[i]);
		}
	}
}

#endif
