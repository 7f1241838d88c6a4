/*
 * langgen.h: random expressions of the script language and, beside each, the same in C.
 *
 * They are made as trees: the script's side is written with as few parentheses as precedence
 * allows, the C side with all of them and with the language's types (s64, u64) said by casts. The
 * same seed gives the same. Sides differ only where the language does: see langref.h.
 */
#ifndef FUZZ_LANGGEN_H
#define FUZZ_LANGGEN_H

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

#define LANG_VARS   6
#define LANG_INPUTS 4 /* structs that a program gets, in a ring */

/* What both sides declare, word for word. */
static const char lang_struct[] =
	"enum hue { RED, GREEN = 5, BLUE };\n"
	"struct sub { signed char x; unsigned int y; short z : 5; short w : 9; };\n"
	"union both { int i; unsigned char b[4]; };\n"
	"struct in {\n"
	"	signed char i8; unsigned char u8; short i16; unsigned short u16;\n"
	"	int i32; unsigned int u32; long i64; unsigned long u64;\n"
	"	int b1 : 3; unsigned int b2 : 5; unsigned int b3 : 17; int b4 : 7; int : 0; char : "
	"3;\n"
	"	long b5 : 40; unsigned long b6 : 24; unsigned long b7 : 1; short b8 : 9;\n"
	"	unsigned char b9 : 3; long b10 : 64;\n"
	"	short a16[4]; unsigned char a8[4]; long a64[2]; unsigned int a32[3];\n"
	"	struct sub n; struct sub na[2];\n"
	"	struct in *next;\n"
	"	unsigned short *q;\n"
	"	union { int ui; unsigned char ub[4]; };\n"
	"	union both both;\n"
	"	enum hue hue;\n"
	"	char name[12];\n"
	"	const char *text;\n"
	"};\n";

enum lang_kind { LANG_S, LANG_U }; /* of a value of 64 bits */
enum lang_how { AS_NUMBER, AS_BOOL, AS_HUE }; /* how it is shown */
enum lang_probe { AT_ENTRY, AT_RETURN, AT_PREAD, AT_PRIORITY, AT_CHMOD, LANG_PROBES };

enum lang_op { L_LIT, L_LEAF, L_UN, L_BIN, L_CAST, L_COND };
struct lang_expr {
	enum lang_op op;
	enum lang_kind kind;
	enum lang_how how;
	bool lit; /* only of literals */
	u8 prec;
	const char *text, *c; /* LEAF: of each side; UN, BIN, CAST: the operator, NULL */
	struct lang_expr *a, *b, *d;
};

struct lang {
	u64 rng;
	struct arena *arena;
	struct buf script, c; /* the program's two sides */
	u32 number, depth;
	enum lang_probe probe;
	enum lang_kind kinds[LANG_VARS];
	u32 nstrings; /* variables $s0, ... that hold a string */
	u32 nvars, loops, ifs, prints, fresh; /* loops, ifs, prints: how many more there may be */
};

static u64 lang_rnd(struct lang *g)
{
	u64 z = g->rng += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static u32 lang_below(struct lang *g, u32 n)
{
	return (u32)(lang_rnd(g) % n);
}

#define LANG_PICK(g, array) (array)[lang_below((g), ARRAY_SIZE(array))]

/* ---- expressions */

static struct lang_expr *lang_expr(struct lang *, u32 depth);

static struct lang_expr *lang_new(struct lang *g, enum lang_op op, enum lang_kind kind, u8 prec)
{
	struct lang_expr *e = arena_new(g->arena, struct lang_expr);

	e->op = op;
	e->kind = kind;
	e->prec = prec;
	return e;
}

#define PREC_PRIMARY 13
#define PREC_UNARY   12

static struct lang_expr *lang_leaf(struct lang *g, enum lang_kind kind, u8 prec, const char *text,
				   const char *c)
{
	struct lang_expr *e = lang_new(g, L_LEAF, kind, prec);

	e->text = text;
	e->c = c;
	return e;
}

static struct lang_expr *lang_shown(struct lang_expr *e, enum lang_how how)
{
	e->how = how;
	return e;
}

static void lang_script_of(struct buf *, const struct lang_expr *, u8 least);
static void lang_c_of(struct buf *, const struct lang_expr *);

/* An expression's sides as texts, to stand inside of others. */
static const char *lang_text(struct lang *g, const struct lang_expr *e, bool c)
{
	struct buf b = {0};
	const char *text;

	if (c)
		lang_c_of(&b, e);
	else
		lang_script_of(&b, e, 0);
	text = arena_strdup(g->arena, buf_str(&b));
	buf_free(&b);
	return text;
}

static struct lang_expr *lang_literal(struct lang *g)
{
	static const u64 edges[] = {0,
				    1,
				    2,
				    3,
				    5,
				    7,
				    8,
				    10,
				    16,
				    31,
				    32,
				    63,
				    64,
				    65,
				    100,
				    127,
				    128,
				    255,
				    256,
				    1000,
				    32767,
				    32768,
				    65535,
				    65536,
				    0x7fffffff,
				    0x80000000,
				    0xffffffff,
				    0x100000000,
				    0x7fffffffffffffff,
				    0x8000000000000000,
				    0xffffffffffffffff,
				    0xdeadbeefcafe};
	static const char *const suffix[] = {"", "", "", "", "u", "l", "UL", "ll", "LLU"};
	static const char *const chars[] = {"'a'", "'\\n'", "'\\x7f'", "'0'", "'\\''"};
	static const char *const forms[] = {"%llu", "%llu", "%llu", "0x%llx", "0X%llx", "0%llo"};
	struct lang_expr *e = lang_new(g, L_LIT, LANG_S, PREC_PRIMARY);
	u64 v = lang_below(g, 4) ? LANG_PICK(g, edges) : lang_rnd(g) >> lang_below(g, 64);

	e->lit = true;
	if (!lang_below(g, 30)) {
		e->text = e->c = LANG_PICK(g, chars);
		return e;
	}
	if (!lang_below(g, 30)) {
		e->text = lang_below(g, 2) ? "1e6" : "1_000_000";
		e->c = "1000000";
		return e;
	}
	e->kind = v >> 63 ? LANG_U : LANG_S;
	e->text = arena_printf(
		g->arena, arena_printf(g->arena, "%s%s", LANG_PICK(g, forms), LANG_PICK(g, suffix)),
		(unsigned long long)v);
	e->c = arena_printf(g->arena, "%lluull", (unsigned long long)v);
	return e;
}

/* A number from memory that a pointer reaches: `p` is a struct in * on both sides. */
static struct lang_expr *lang_member(struct lang *g, const char *p, const char *cp, u32 depth)
{
	static const struct {
		const char *name;
		enum lang_kind kind;
	} plain[] = {{"i8", 0},     {"u8", 0},    {"i16", 0},     {"u16", 0},       {"i32", 0},
		     {"u32", 0},    {"i64", 0},   {"u64", 1},     {"b1", 0},        {"b2", 0},
		     {"b3", 0},     {"b4", 0},    {"b5", 0},      {"b6", 1},        {"b7", 1},
		     {"b8", 0},     {"b9", 0},    {"b10", 0},     {"n.x", 0},       {"n.y", 0},
		     {"n.z", 0},    {"n.w", 0},   {"na[1].x", 0}, {"na[1].y", 0},   {"na[0].w", 0},
		     {"ui", 0},     {"ub[2]", 0}, {"both.i", 0},  {"both.b[3]", 0}, {"hue", 0},
		     {"a16[3]", 0}, {"a8[0]", 0}, {"a64[1]", 0},  {"a32[2]", 0},    {"name[2]", 0}};
	static const struct {
		const char *name;
		u32 mask;
	} arrays[] = {{"a16", 3}, {"a8", 3}, {"a64", 1}, {"a32", 1}, {"q", 3}, {"ub", 3}};
	const char *arrow = lang_below(g, 2) ? "->" : ".";
	struct lang_expr *i;
	u32 n;

	if (lang_below(g, 5)) {
		n = lang_below(g, ARRAY_SIZE(plain));
		return lang_shown(
			lang_leaf(g, plain[n].kind, PREC_PRIMARY,
				  arena_printf(g->arena, "%s%s%s", p, arrow, plain[n].name),
				  arena_printf(g->arena, "%s->%s", cp, plain[n].name)),
			strcmp(plain[n].name, "hue") ? AS_NUMBER : AS_HUE);
	}
	i = lang_expr(g, depth);
	n = lang_below(g, ARRAY_SIZE(arrays) + 1);
	if (n < ARRAY_SIZE(arrays))
		return lang_leaf(g, LANG_S, PREC_PRIMARY,
				 arena_printf(g->arena, "%s%s%s[(%s) & %u]", p, arrow,
					      arrays[n].name, lang_text(g, i, false),
					      arrays[n].mask),
				 arena_printf(g->arena, "%s->%s[(%s) & %u]", cp, arrays[n].name,
					      lang_text(g, i, true), arrays[n].mask));
	n = lang_below(g, 4);
	return lang_leaf(g, LANG_S, PREC_UNARY,
			 arena_printf(g->arena, "*(%s%sq + %u)", p, arrow, n),
			 arena_printf(g->arena, "*(%s->q + %u)", cp, n));
}

static struct lang_expr *lang_place(struct lang *g, u32 depth)
{
	static const char *const hops[] = {"", "", "", "->next", "->next->next"};
	static const struct {
		const char *type;
		u32 size;
		enum lang_kind kind;
	} types[] = {{"int8", 1, 0},  {"uint8", 1, 0},  {"int16", 2, 0}, {"uint16", 2, 0},
		     {"int32", 4, 0}, {"uint32", 4, 0}, {"int64", 8, 0}, {"uint64", 8, 1}};
	const char *hop = LANG_PICK(g, hops), *base = g->probe == AT_ENTRY ? "arg0" : "retval";
	u32 n, off;

	if (lang_below(g, 6)) {
		/* the pointer, and copies of what it and the next one point to */
		const char *p =
			lang_below(g, 6) ? "$p" : arena_printf(g->arena, "((struct in *)%s)", base);
		const char *from[][2] = {{p, "p"},
					 {p, "p"},
					 {"$w", "(&w_)"},
					 {arena_printf(g->arena, "@w[%u]", g->number), "(&m_)"}};

		n = lang_below(g, ARRAY_SIZE(from));
		return lang_member(g, arena_printf(g->arena, "%s%s", from[n][0], hop),
				   arena_printf(g->arena, "%s%s", from[n][1], hop), depth);
	}
	n = lang_below(g, ARRAY_SIZE(types));
	off = lang_below(g, 32);
	if (lang_below(g, 2))
		return lang_leaf(
			g, types[n].kind, PREC_UNARY,
			arena_printf(g->arena, "*(%s *)(%s + %u)", types[n].type, base, off),
			arena_printf(g->arena, "*(%s *)((char *)p + %u)", types[n].type, off));
	off = lang_below(g, 32 / types[n].size);
	return lang_leaf(g, types[n].kind, PREC_PRIMARY,
			 arena_printf(g->arena, "((%s *)%s)[%u]", types[n].type, base, off),
			 arena_printf(g->arena, "((%s *)p)[%u]", types[n].type, off));
}

/* What the probe gives: arguments by their number or name. */
static struct lang_expr *lang_arg(struct lang *g)
{
	static const struct {
		enum lang_probe probe;
		const char *text, *c;
		enum lang_kind kind;
	} args[] = {
		{AT_ENTRY, "arg1", "a1", LANG_U},
		{AT_ENTRY, "arg2", "a2", LANG_U},
		{AT_ENTRY, "arg3", "a3", LANG_U},
		{AT_ENTRY, "arg4", "a4", LANG_U},
		{AT_ENTRY, "arg5", "a5", LANG_U},
		{AT_ENTRY, "sarg0", "a6", LANG_U},
		{AT_ENTRY, "sarg1", "a7", LANG_U},
		{AT_PREAD, "args.count", "a2", LANG_U},
		{AT_PREAD, "args->pos", "(s64)a3", LANG_S},
		{AT_PREAD, "args.fd", "(u32)a0", LANG_S},
		{AT_PRIORITY, "args.who", "(s32)a1", LANG_S},
		{AT_PRIORITY, "args.niceval", "(s32)a2", LANG_S},
		{AT_PRIORITY, "args->which", "(s32)a0", LANG_S},
		{AT_CHMOD, "args.mode", "(u16)a1", LANG_S},
		{AT_CHMOD, "args.fd", "(u32)a0", LANG_S},
	};
	u32 i;

	if (g->probe == AT_RETURN)
		return lang_place(g, 0);
	do
		i = lang_below(g, ARRAY_SIZE(args));
	while (args[i].probe != g->probe);
	return lang_leaf(g, args[i].kind, PREC_PRIMARY, args[i].text, args[i].c);
}

/* Maps: without a key @s0, @s1, @u0, @u1; with keys, of which the first is the program's number,
 * @b, @c and @v. `set`: the beginning of C that stores a value, which ")" ends. */
static struct lang_expr *lang_map(struct lang *g, u32 depth, const char **set)
{
	static const struct {
		const char *name;
		u32 keys;
		enum lang_kind kind;
	} maps[] = {{"s0", 0, 0}, {"s1", 0, 0}, {"u0", 0, 1}, {"u1", 0, 1},
		    {"b", 1, 0},  {"c", 2, 0},  {"v", 1, 1}};
	u32 m = lang_below(g, ARRAY_SIZE(maps));
	const char *sign = maps[m].kind == LANG_U ? "u64" : "s64", *at;
	struct lang_expr *k1, *k2;

	if (!maps[m].keys) {
		*set = arena_printf(g->arena, "%s = (", maps[m].name);
		return lang_leaf(g, maps[m].kind, PREC_PRIMARY,
				 arena_printf(g->arena, "@%s", maps[m].name),
				 arena_printf(g->arena, "(%s)%s", sign, maps[m].name));
	}
	k1 = lang_expr(g, depth);
	k2 = lang_expr(g, depth);
	at = arena_printf(g->arena, "%u, (%s) & 7, %s", g->number * 8 + m, lang_text(g, k1, true),
			  maps[m].keys == 2
				  ? arena_printf(g->arena, "(s8)(%s)", lang_text(g, k2, true))
				  : "0");
	*set = arena_printf(g->arena, "set(%s, ", at);
	return lang_leaf(g, maps[m].kind, PREC_PRIMARY,
			 arena_printf(g->arena,
				      maps[m].keys == 2 ? "@%s[%u, (%s) & 7, (int8)(%s)]"
							: "@%s[%u, (%s) & 7]",
				      maps[m].name, g->number, lang_text(g, k1, false),
				      lang_text(g, k2, false)),
			 arena_printf(g->arena, "(%s)get(%s)", sign, at));
}

static const char *const lang_strings[] = {"",
					   "a",
					   "abc",
					   "abcdefghijk",
					   "abcdefghijkl",
					   "wagtail",
					   "a longer text that does not fit into a name",
					   "ab\\tc"};

/* A string: its text on both sides. */
static void lang_str(struct lang *g, const char **script, const char **c)
{
	const char *hop = lang_below(g, 2) ? "->next" : "";
	const char *arrow = lang_below(g, 2) ? "->" : ".";

	u32 i;

	switch (lang_below(g, 6)) {
	case 0:
		if (!g->nstrings)
			break;
		i = lang_below(g, g->nstrings);
		*script = arena_printf(g->arena, "$s%u", i);
		*c = arena_printf(g->arena, "s%u_", i);
		return;
	case 1: /* a map of strings, by the program's number and a key */
		i = lang_below(g, 3);
		*script = arena_printf(g->arena, "@t[%u, %u]", g->number, i);
		*c = arena_printf(g->arena, "texts[%u][%u]", g->number % 64, i);
		return;
	}
	switch (g->probe <= AT_RETURN ? lang_below(g, 3) : 0) {
	case 0: *script = *c = arena_printf(g->arena, "\"%s\"", LANG_PICK(g, lang_strings)); break;
	case 1:
		*script = arena_printf(g->arena, "$p%s%sname", hop, arrow);
		*c = arena_printf(g->arena, "chars(p%s->name, 12)", hop);
		break;
	default:
		*script = arena_printf(g->arena, "str($p%s%stext)", hop, arrow);
		*c = arena_printf(g->arena, "p%s->text", hop);
	}
}

static struct lang_expr *lang_of_str(struct lang *g)
{
	const char *a, *ca, *b, *cb;
	u32 n = lang_below(g, 14);

	lang_str(g, &a, &ca);
	lang_str(g, &b, &cb);
	switch (lang_below(g, 5)) {
	case 4:
		return lang_shown(
			lang_leaf(g, LANG_S, PREC_PRIMARY,
				  arena_printf(g->arena, "has_key(@b, (%u, %u))", g->number, n & 7),
				  arena_printf(g->arena, "has(%u, %u, 0)", g->number * 8 + 4, n & 7)),
			AS_BOOL);
	case 0:
		return lang_leaf(g, LANG_U, PREC_PRIMARY, arena_printf(g->arena, "strlen(%s)", a),
				 arena_printf(g->arena, "(u64)strlen(%s)", ca));
	case 1:
		return lang_leaf(g, LANG_S, PREC_PRIMARY,
				 arena_printf(g->arena, "strncmp(%s, %s, %u)", a, b, n),
				 arena_printf(g->arena, "str_differ(%s, %s, %u)", ca, cb, n));
	case 2:
		return lang_shown(lang_leaf(g, LANG_S, 7, arena_printf(g->arena, "%s == %s", a, b),
					    arena_printf(g->arena, "!strcmp(%s, %s)", ca, cb)),
				  AS_BOOL);
	default:
		return lang_shown(lang_leaf(g, LANG_S, 7, arena_printf(g->arena, "%s != %s", a, b),
					    arena_printf(g->arena, "!!strcmp(%s, %s)", ca, cb)),
				  AS_BOOL);
	}
}

static struct lang_expr *lang_simple(struct lang *g, u32 depth)
{
	const char *unused;
	u32 v;

	switch (lang_below(g, 10)) {
	case 0:
	case 1: return lang_literal(g);
	case 2:
	case 3:
	case 4: return g->probe <= AT_RETURN ? lang_place(g, depth) : lang_arg(g);
	case 5:
	case 6: return lang_arg(g);
	case 7: return lang_map(g, depth, &unused);
	default:
		if (!g->nvars)
			return lang_arg(g);
		v = lang_below(g, g->nvars);
		return lang_leaf(g, g->kinds[v], PREC_PRIMARY, arena_printf(g->arena, "$v%u", v),
				 arena_printf(g->arena, "v%u", v));
	}
}

static const struct {
	const char *text;
	u8 prec;
	enum { AS_BOTH, AS_LEFT, AS_TRUTH } type;
} lang_ops[] = {
	{"+", 10, AS_BOTH},  {"-", 10, AS_BOTH},  {"*", 11, AS_BOTH},  {"/", 11, AS_BOTH},
	{"%", 11, AS_BOTH},  {"&", 6, AS_BOTH},   {"^", 5, AS_BOTH},   {"|", 4, AS_BOTH},
	{"<<", 9, AS_LEFT},  {">>", 9, AS_LEFT},  {"<", 8, AS_TRUTH},  {"<=", 8, AS_TRUTH},
	{">", 8, AS_TRUTH},  {">=", 8, AS_TRUTH}, {"==", 7, AS_TRUTH}, {"!=", 7, AS_TRUTH},
	{"&&", 3, AS_TRUTH}, {"||", 2, AS_TRUTH},
};

static struct lang_expr *lang_binary(struct lang *g, u32 depth)
{
	u32 i = lang_below(g, ARRAY_SIZE(lang_ops));
	struct lang_expr *e = lang_new(g, L_BIN, LANG_S, lang_ops[i].prec);

	e->a = lang_expr(g, depth);
	e->b = lang_expr(g, depth);
	e->text = lang_ops[i].text;
	e->lit = e->a->lit && e->b->lit && lang_ops[i].type == AS_BOTH;
	e->how = lang_ops[i].type == AS_TRUTH ? AS_BOOL : AS_NUMBER;
	if (lang_ops[i].type == AS_BOTH)
		e->kind = e->a->kind | e->b->kind;
	if (lang_ops[i].type == AS_LEFT) {
		e->kind = e->a->kind;
		e->lit = e->a->lit;
	}
	return e;
}

static struct lang_expr *lang_unary(struct lang *g, u32 depth)
{
	static const char *const ops[] = {"-", "~", "!", "+"};
	struct lang_expr *e = lang_new(g, L_UN, LANG_S, PREC_UNARY);

	e->text = LANG_PICK(g, ops);
	e->a = lang_expr(g, depth);
	e->how = *e->text == '!' ? AS_BOOL : AS_NUMBER;
	e->kind = *e->text == '!' ? LANG_S : e->a->kind;
	e->lit = e->a->lit && *e->text != '!';
	if (*e->text == '-' && e->lit)
		e->kind = LANG_S; /* -1 is signed, however it is written */
	return e;
}

static struct lang_expr *lang_cast(struct lang *g, u32 depth)
{
	static const char *const types[] = {"int8",  "uint8",          "int16", "uint16",
					    "int32", "uint32",         "int64", "uint64",
					    "char",  "unsigned short", "u32",   "unsigned long",
					    "long",  "int16_t",        "size_t", "bool"};
	struct lang_expr *e = lang_new(g, L_CAST, LANG_S, PREC_UNARY);

	e->text = LANG_PICK(g, types);
	e->a = lang_expr(g, depth);
	e->how = strcmp(e->text, "bool") ? AS_NUMBER : AS_BOOL;
	if (!strcmp(e->text, "uint64") || !strcmp(e->text, "unsigned long") ||
	    !strcmp(e->text, "size_t"))
		e->kind = LANG_U;
	return e;
}

static struct lang_expr *lang_expr(struct lang *g, u32 depth)
{
	struct lang_expr *e;

	if (!depth || !lang_below(g, 6))
		return lang_simple(g, depth ? depth - 1 : 0);
	switch (lang_below(g, 12)) {
	case 0: return lang_unary(g, depth - 1);
	case 1:
	case 2: return lang_cast(g, depth - 1);
	case 3:
		e = lang_new(g, L_COND, LANG_S, 1);
		e->a = lang_expr(g, depth - 1);
		e->b = lang_expr(g, depth - 1);
		e->d = lang_expr(g, depth - 1);
		e->kind = e->b->kind | e->d->kind;
		e->how = e->b->how == e->d->how ? e->b->how : AS_NUMBER;
		e->lit = e->b->lit && e->d->lit;
		return e;
	case 4: return lang_of_str(g);
	default: return lang_binary(g, depth - 1);
	}
}

/* With parentheses only where `least`, what the surroundings bind, is tighter. */
static void lang_script_of(struct buf *b, const struct lang_expr *e, u8 least)
{
	bool parens = e->prec < least;

	if (parens)
		buf_puts(b, "(");
	switch (e->op) {
	case L_LIT:
	case L_LEAF: buf_puts(b, e->text); break;
	case L_UN:
	case L_CAST:
		buf_printf(b, e->op == L_CAST ? "(%s)" : "%s", e->text);
		if (e->op == L_UN && (e->a->op == L_UN || *e->text == '+' || *e->text == '-'))
			buf_puts(b, " "); /* - -x */
		lang_script_of(b, e->a, PREC_UNARY);
		break;
	case L_BIN:
		lang_script_of(b, e->a, e->prec);
		buf_printf(b, " %s ", e->text);
		lang_script_of(b, e->b, e->prec + 1);
		break;
	case L_COND:
		lang_script_of(b, e->a, 2);
		buf_puts(b, " ? ");
		lang_script_of(b, e->b, 1);
		buf_puts(b, " : ");
		lang_script_of(b, e->d, 1);
	}
	if (parens)
		buf_puts(b, ")");
}

static void lang_c_binary(struct buf *b, const struct lang_expr *e)
{
	static const char *const calls[] = {"/div", "%mod", "<SHL", ">SHR"};
	const char *call = NULL;

	for (u32 i = 0; i < ARRAY_SIZE(calls); i++)
		if ((i < 2 || e->text[1] == e->text[0]) && *calls[i] == *e->text)
			call = calls[i] + 1;
	if (call && (*e->text == '/' || *e->text == '%'))
		buf_puts(b, e->kind == LANG_U ? "u" : "s");
	buf_puts(b, call ? call : "");
	buf_puts(b, "(");
	lang_c_of(b, e->a);
	buf_printf(b, " %s ", call ? "," : e->text);
	lang_c_of(b, e->b);
	buf_puts(b, ")");
}

/* An expression of C that has the type s64 or u64. */
static void lang_c_of(struct buf *b, const struct lang_expr *e)
{
	buf_printf(b, "(%s)(", e->kind == LANG_U ? "u64" : "s64");
	switch (e->op) {
	case L_LIT:
	case L_LEAF: buf_puts(b, e->c); break;
	case L_UN:
	case L_CAST:
		buf_printf(b, e->op == L_CAST ? "(%s)" : "%s", e->text);
		lang_c_of(b, e->a);
		break;
	case L_BIN: lang_c_binary(b, e); break;
	case L_COND:
		lang_c_of(b, e->a);
		buf_puts(b, " ? ");
		lang_c_of(b, e->b);
		buf_puts(b, " : ");
		lang_c_of(b, e->d);
	}
	buf_puts(b, ")");
}

#endif
