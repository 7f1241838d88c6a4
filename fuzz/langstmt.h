/*
 * langstmt.h: random statements and whole programs of the script language, each written to both
 * sides at once, the script and C; see langgen.h.
 *
 * Programs end, and the verifier is soon through: few loops, few branches in them.
 */
#ifndef FUZZ_LANGSTMT_H
#define FUZZ_LANGSTMT_H

#include "langgen.h"

static void lang_statements(struct lang *, u32 n);

/* The same to both sides. */
static void lang_say(struct lang *g, const char *text)
{
	buf_puts(&g->script, text);
	buf_puts(&g->c, text);
}

static void lang_value(struct lang *g, const struct lang_expr *e)
{
	lang_script_of(&g->script, e, 0);
	lang_c_of(&g->c, e);
}

/* A value for a variable or map of that kind; the first one (depth 1) says its type. */
static struct lang_expr *lang_for(struct lang *g, enum lang_kind kind, u32 depth)
{
	struct lang_expr *e = lang_expr(g, depth), *cast;

	if (e->kind == kind && !e->lit && depth > 1)
		return e;
	cast = lang_new(g, L_CAST, kind, PREC_UNARY);
	cast->text = kind == LANG_U ? "uint64" : "int64";
	cast->a = e;
	return cast;
}

static const char *const lang_compound[] = {"+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"};

/* x op= e means x = x op e: the right side, in C. */
static const char *lang_compound_c(struct lang *g, const char *op, struct lang_expr *x,
				   struct lang_expr *e)
{
	struct lang_expr *bin = lang_new(g, L_BIN, x->kind | e->kind, 0);

	if (op[0] == '<' || op[0] == '>')
		bin->kind = x->kind;
	bin->text = op;
	bin->a = x;
	bin->b = e;
	return lang_text(g, bin, true);
}

static const char *lang_step(struct lang *g)
{
	return lang_below(g, 2) ? "++" : "--";
}

static void lang_set_var(struct lang *g)
{
	u32 v = lang_below(g, g->nvars), w = lang_below(g, g->nvars);
	const char *x = arena_printf(g->arena, "$v%u", v), *op = lang_step(g);
	struct lang_expr *e;

	switch (lang_below(g, 6)) {
	case 0:
		buf_printf(&g->script, lang_below(g, 2) ? "%s%s;\n" : "%2$s%1$s;\n", x, op);
		buf_printf(&g->c, "%s%s;\n", x + 1, op);
		return;
	case 1: /* the old or the new value */
		if (g->kinds[v] != g->kinds[w] || v == w)
			return;
		buf_printf(&g->script, "$v%u = ", w);
		buf_printf(&g->c, "v%u = ", w);
		if (lang_below(g, 2)) {
			buf_printf(&g->script, "%s%s;\n", x, op);
			buf_printf(&g->c, "%s%s;\n", x + 1, op);
		} else {
			buf_printf(&g->script, "%s%s;\n", op, x);
			buf_printf(&g->c, "%s%s;\n", op, x + 1);
		}
		return;
	case 2:
	case 3:
		op = LANG_PICK(g, lang_compound);
		e = lang_expr(g, 2);
		buf_printf(&g->script, "%s %s= %s;\n", x, op, lang_text(g, e, false));
		buf_printf(&g->c, "%s = %s;\n", x + 1,
			   lang_compound_c(g, op, lang_leaf(g, g->kinds[v], 0, x, x + 1), e));
		return;
	default:
		e = lang_for(g, g->kinds[v], 3);
		buf_printf(&g->script, "%s = %s;\n", x, lang_text(g, e, false));
		buf_printf(&g->c, "%s = %s;\n", x + 1, lang_text(g, e, true));
	}
}

/* As a value, ++ and -- of a map are signed. */
static void lang_step_map(struct lang *g, const struct lang_expr *m, const char *set)
{
	const char *op = lang_step(g);
	u32 v = lang_below(g, g->nvars);

	if (g->kinds[v] == LANG_U || m->kind == LANG_U || lang_below(g, 2)) {
		buf_printf(&g->script, lang_below(g, 2) ? "%s%s;\n" : "%2$s%1$s;\n", m->text, op);
		buf_printf(&g->c, "%s%s %c 1);\n", set, m->c, *op);
	} else if (lang_below(g, 2)) {
		buf_printf(&g->script, "$v%u = %s%s;\n", v, m->text, op);
		buf_printf(&g->c, "{ s64 old = %s; %sold %c 1); v%u = old; }\n", m->c, set, *op, v);
	} else {
		buf_printf(&g->script, "$v%u = %s%s;\n", v, op, m->text);
		buf_printf(&g->c, "{ s64 new = %s %c 1; %snew); v%u = new; }\n", m->c, *op, set, v);
	}
}

static void lang_set_map(struct lang *g)
{
	const char *set, *op;
	struct lang_expr *m = lang_map(g, 1, &set), *e;

	switch (lang_below(g, 7)) {
	case 0:
	case 1: lang_step_map(g, m, set); return;
	case 2:
		if (!strchr(m->text, '['))
			return;
		buf_printf(&g->script, "delete(%s);\n", m->text);
		buf_printf(&g->c, "drop%.*s);\n", (int)strlen(set + 3) - 2, set + 3);
		return;
	case 3:
	case 4:
		op = LANG_PICK(g, lang_compound);
		e = lang_expr(g, 2);
		buf_printf(&g->script, "%s %s= %s;\n", m->text, op, lang_text(g, e, false));
		buf_printf(&g->c, "%s%s);\n", set, lang_compound_c(g, op, m, e));
		return;
	default:
		e = lang_for(g, m->kind, 2);
		buf_printf(&g->script, "%s = %s;\n", m->text, lang_text(g, e, false));
		buf_printf(&g->c, "%s%s);\n", set, lang_text(g, e, true));
	}
}

static void lang_printf(struct lang *g)
{
	static const struct {
		const char *script, *c, *cast;
	} formats[] = {
		{"%d", "%lld", "s64"},       {"%u", "%llu", "u64"},     {"%x", "%llx", "u64"},
		{"%lld", "%lld", "s64"},     {"%hhd", "%d", "s8"},      {"%hu", "%u", "u16"},
		{"%hhx", "%x", "u8"},        {"%hd", "%d", "s16"},      {"%5d", "%5lld", "s64"},
		{"%-8u", "%-8llu", "u64"},   {"%+d", "%+lld", "s64"},   {"%#x", "%#llx", "u64"},
		{"%08llx", "%08llx", "u64"}, {"%.3d", "%.3lld", "s64"}, {"%o", "%llo", "u64"},
		{"%X", "%llX", "u64"},       {"% i", "% lld", "s64"}};
	struct buf script = {0}, c = {0};
	const char *a, *ca;

	buf_puts(&g->script, "printf(\"");
	buf_puts(&g->c, "fprintf(out, \"");
	for (u32 n = 1 + lang_below(g, 5); n; n--) {
		u32 f = lang_below(g, ARRAY_SIZE(formats));
		struct lang_expr *e;

		if (!lang_below(g, 8)) {
			lang_str(g, &a, &ca);
			lang_say(g, "%-5s|");
			buf_printf(&script, ", %s", a);
			buf_printf(&c, ", %s", ca);
			continue;
		}
		e = lang_expr(g, 3);
		buf_printf(&g->script, "%s ", formats[f].script);
		buf_printf(&g->c, "%s ", formats[f].c);
		buf_printf(&script, ", %s", lang_text(g, e, false));
		buf_printf(&c, ", (%s)%s", formats[f].cast, lang_text(g, e, true));
	}
	buf_printf(&g->script, "\\n\"%s);\n", buf_str(&script));
	buf_printf(&g->c, "\\n\"%s);\n", buf_str(&c));
	buf_free(&script);
	buf_free(&c);
}

static const char *const lang_prints[] = {
	[AS_NUMBER] = "PRINT", [AS_BOOL] = "PRINT_BOOL", [AS_HUE] = "PRINT_HUE"};

static void lang_print(struct lang *g)
{
	struct lang_expr *e;

	do /* print(@m) prints the map */
		e = lang_expr(g, 3);
	while (e->op == L_LEAF && *e->text == '@');
	buf_printf(&g->script, "print(%s);\n", lang_text(g, e, false));
	buf_printf(&g->c, "%s(%s);\n", lang_prints[e->how], lang_text(g, e, true));
}

/* A tuple of its own, with another inside: its parts keep their types. Two are compared. */
static void lang_tuple(struct lang *g)
{
	struct lang_expr *a = lang_expr(g, 2), *b = lang_expr(g, 2);
	const char *ta = lang_text(g, a, true), *tb = lang_text(g, b, true), *s, *c;
	const char *part = g->probe <= AT_RETURN ? "$p->n" : "5";
	u32 t = g->fresh++;

	lang_str(g, &s, &c);
	buf_printf(&g->script, "$t%u = (%s, (%s, %s), %s);\n", t, lang_text(g, a, false),
		   lang_text(g, b, false), s, part);
	buf_printf(&g->script, "print($t%u.0 / 3);\nprint($t%u.1.0);\nprint($t%u[2]%s);\n", t, t, t,
		   g->probe <= AT_RETURN ? ".y" : "");
	buf_printf(&g->script, "if ($t%u.1.1 != \"abc\") { print($t%u.1); }\n", t, t);
	buf_printf(&g->script, "@tt[%u] = $t%u.1;\nprint(@tt[%u] == ($t%u.1.0, \"abc\"));\n",
		   g->number, t, g->number, t);
	buf_printf(&g->c, "{ __auto_type t0 = %s; __auto_type t1 = %s; const char *t2 = %s;\n", ta, tb,
		   c);
	buf_printf(&g->c, "PRINT(t0 / 3); %s(t1); PRINT((s64)%s%s);\n", lang_prints[b->how], part + (*part == '$'),
		   g->probe <= AT_RETURN ? ".y" : "");
	buf_printf(&g->c, "if (strcmp(t2, \"abc\")) { fprintf(out, \"(\"); end = \", \"; %s(t1); "
			  "end = \"\\n\"; fprintf(out, \"%%s)\\n\", t2); }\n",
		   lang_prints[b->how]);
	buf_puts(&g->c, "PRINT_BOOL(!strcmp(t2, \"abc\")); }\n");
}

/* A string goes into a variable or a map, maybe one of two. */
static void lang_set_str(struct lang *g)
{
	struct lang_expr *e = lang_expr(g, 2);
	const char *a, *ca, *b, *cb, *from, *cfrom;
	u32 i = lang_below(g, 3);

	lang_str(g, &a, &ca);
	lang_str(g, &b, &cb);
	from = lang_below(g, 3) ? a : arena_printf(g->arena, "(%s) ? %s : %s", lang_text(g, e, false), a, b);
	cfrom = from == a ? ca : arena_printf(g->arena, "(%s) ? %s : %s", lang_text(g, e, true), ca, cb);
	if (g->nstrings && lang_below(g, 2)) {
		i = lang_below(g, g->nstrings);
		buf_printf(&g->script, "$s%u = %s;\n", i, from);
		buf_printf(&g->c, "s%u_ = keep(%s);\n", i, cfrom);
	} else {
		buf_printf(&g->script, "@t[%u, %u] = %s;\n", g->number, i, from);
		buf_printf(&g->c, "texts[%u][%u] = keep(%s);\n", g->number % 64, i, cfrom);
	}
	if (lang_below(g, 2) && g->prints) {
		g->prints--;
		buf_printf(&g->script, "print(%s);\n", a);
		buf_printf(&g->c, "fprintf(out, \"%%s\\n\", %s);\n", ca);
	}
}

static void lang_if(struct lang *g)
{
	bool parens = lang_below(g, 2);

	lang_say(g, "if ");
	buf_puts(&g->script, parens ? "(" : "");
	buf_puts(&g->c, "(");
	lang_value(g, lang_expr(g, 3));
	buf_puts(&g->script, parens ? ") {\n" : " {\n");
	buf_puts(&g->c, ") {\n");
	lang_statements(g, 2);
	for (u32 more = lang_below(g, 3); more; more--) {
		lang_say(g, "} else if (");
		lang_value(g, lang_expr(g, 2));
		lang_say(g, ") {\n");
		lang_statements(g, 1);
	}
	if (lang_below(g, 2)) {
		lang_say(g, "} else {\n");
		lang_statements(g, 2);
	}
	lang_say(g, "}\n");
}

static void lang_while(struct lang *g)
{
	u32 w = g->fresh++, most = 1 + lang_below(g, 5);

	if (!lang_below(g, 3)) {
		buf_printf(&g->script, "unroll (%u) {\n", most);
		buf_printf(&g->c, "for (int w%u = 0; w%u < %u; w%u++) {\n", w, w, most, w);
	} else {
		buf_printf(&g->script, "$w%u = 0;\nwhile ($w%u < %u) {\n$w%u++;\n", w, w, most, w);
		buf_printf(&g->c, "for (int w%u = 0; w%u < %u;) {\nw%u++;\n", w, w, most, w);
		if (lang_below(g, 2)) {
			lang_say(g, "if (");
			lang_value(g, lang_expr(g, 2));
			lang_say(g, lang_below(g, 2) ? ") { break; }\n" : ") { continue; }\n");
		}
	}
	lang_statements(g, 2);
	lang_say(g, "}\n");
}

static void lang_return(struct lang *g)
{
	lang_say(g, "if (");
	lang_value(g, lang_expr(g, 2));
	lang_say(g, ") {\n");
	lang_print(g);
	lang_say(g, "return;\n}\n");
}

static void lang_statement(struct lang *g)
{
	g->depth++;
	switch (lang_below(g, 20)) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4: lang_set_var(g); break;
	case 5:
	case 6:
	case 7:
	case 8: lang_set_map(g); break;
	case 9:
	case 10:
	case 11:
		if (!g->prints)
			break;
		g->prints--;
		if (lang_below(g, 2))
			lang_printf(g);
		else
			lang_print(g);
		break;
	case 19: lang_set_str(g); break;
	case 12:
		if (g->depth == 1)
			lang_tuple(g);
		break;
	case 13:
		if (g->depth == 1 && !lang_below(g, 3))
			lang_return(g);
		break;
	case 14:
	case 15:
		if (g->loops && g->depth == 1) {
			g->loops--;
			lang_while(g);
		}
		break;
	default:
		if (g->ifs && g->depth < 4) {
			g->ifs--;
			lang_if(g);
		}
	}
	g->depth--;
}

static void lang_statements(struct lang *g, u32 n)
{
	while (n--)
		lang_statement(g);
}

/* Where the program runs; 1: path of the C program, 2: number, 3: number + 1000. */
static const char *const lang_specs[] = {
	[AT_ENTRY] = "uprobe:%1$s:probe_%2$u { $p = (struct in *)arg0;\n",
	[AT_RETURN] = "uretprobe:%1$s:probe_%2$u { $p = (struct in *)retval;\n",
	[AT_PREAD] = "tracepoint:syscalls:sys_enter_pread64 /pid == cpid && args.fd == %3$u/ {\n",
	[AT_PRIORITY] = "t:syscalls:sys_enter_setpriority /pid == cpid && args.which == %3$u/ {\n",
	[AT_CHMOD] = "tracepoint:syscalls:sys_enter_fchmod /args.fd == %3$u && pid == cpid/ {\n"};

/* Program g->number of its file, as a probe and as a function. */
static void lang_program(struct lang *g, const char *path)
{
	u32 vars = 1 + lang_below(g, LANG_VARS);

	g->probe = lang_below(g, 8) ? lang_below(g, 2) : 2 + lang_below(g, LANG_PROBES - 2);
	g->loops = 2, g->ifs = 5, g->prints = 6;
	buf_printf(&g->script, lang_specs[g->probe], path, g->number, g->number + 1000);
	buf_printf(&g->script, "printf(\"#%u\\n\");\n@s0 = 0; @s1 = 0; @u0 = 0; @u1 = 0;\n",
		   g->number);
	buf_printf(&g->c,
		   "static void ref_%u(struct in *p, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, "
		   "u64 a5, u64 a6, u64 a7) {\nfprintf(out, \"#%u\\n\");\ns0 = s1 = u0 = u1 = 0;\n",
		   g->number, g->number);
	if (g->probe <= AT_RETURN) {
		buf_printf(&g->script, "$w = *$p; @w[%u] = *$p->next;\n", g->number);
		buf_puts(&g->c, "struct in w_ = *p, m_ = *p->next;\n");
	}
	for (u32 v = 0; v < vars; v++, g->nvars++) {
		struct lang_expr *e;

		g->kinds[v] = !lang_below(g, 3);
		e = lang_for(g, g->kinds[v], 1);
		buf_printf(&g->script, "$v%u = %s;\n", v, lang_text(g, e, false));
		buf_printf(&g->c, "%s v%u = %s;\n", g->kinds[v] ? "u64" : "s64", v,
			   lang_text(g, e, true));
	}
	for (u32 n = lang_below(g, 3); g->nstrings < n; g->nstrings++) {
		buf_printf(&g->script, "$s%u = \"%s\";\n", g->nstrings, lang_strings[g->nstrings + 2]);
		buf_printf(&g->c, "const char *s%u_ = \"%s\";\n", g->nstrings, lang_strings[g->nstrings + 2]);
	}
	lang_statements(g, 4 + lang_below(g, 12));
	for (u32 v = 0; v < g->nvars; v++) {
		buf_printf(&g->script, "print($v%u);\n", v);
		buf_printf(&g->c, "PRINT(v%u);\n", v);
	}
	buf_puts(&g->script, "printf(\"%d %d %u %u\\n\", @s0, @s1, @u0, @u1);\n}\n");
	buf_puts(&g->c, "fprintf(out, \"%lld %lld %llu %llu\\n\", s0, s1, u0, u1);\n}\n");
}

#endif
