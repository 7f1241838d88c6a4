/*
 * test_parse.c: the parser of scripts: what binds how tightly, which statements there are, and
 * where a syntax error is seen.
 *
 * Trees are compared as text in which every operation stands in parentheses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "script/script.h"

struct heard {
	char text[256], hint[256];
	u32 line, col;
};

static void hear(void *user, const struct waggle_diag *d)
{
	struct heard *h = user;

	snprintf(h->text, sizeof(h->text), "%s", d->text);
	snprintf(h->hint, sizeof(h->hint), "%s", d->hint ? d->hint : "");
	h->line = d->line, h->col = d->col;
}

struct fixture {
	struct arena arena;
	struct diag diag;
	struct heard heard;
	struct script script;
};

static int parse(struct fixture *f, const char *source)
{
	*f = (struct fixture){.diag = {.fn = hear, .text = source, .size = strlen(source)}};
	f->diag.user = &f->heard;
	f->script.arena = &f->arena;
	f->script.diag = &f->diag;
	return script_parse(&f->script, source, strlen(source));
}

static void render(struct buf *out, const struct node *n);

static void render_list(struct buf *out, const struct node *n, const char *between)
{
	for (const struct node *k = n; k; k = k->next) {
		buf_puts(out, k == n ? "" : between);
		render(out, k);
	}
}

/* "'+'" without its quotes */
static void render_op(struct buf *out, u8 op)
{
	const char *text = token_text(op);

	buf_add(out, text + 1, strlen(text) - 2);
}

static void render(struct buf *out, const struct node *n)
{
	static const char *const sigils[] = {[NODE_VAR] = "$", [NODE_PARAM] = "$", [NODE_MAP] = "@"};

	switch (n->kind) {
	case NODE_INT: buf_printf(out, "%lld", (long long)n->value); break;
	case NODE_STR: buf_printf(out, "\"%s\"", n->text); break;
	case NODE_NAME: buf_puts(out, n->text); break;
	case NODE_VAR:
	case NODE_PARAM:
	case NODE_MAP:
		buf_printf(out, "%s%s", sigils[n->kind], n->text);
		if (n->a) {
			buf_char(out, '[');
			render_list(out, n->a, ",");
			buf_char(out, ']');
		}
		break;
	case NODE_FIELD:
		render(out, n->a);
		buf_printf(out, ".%s", n->text);
		break;
	case NODE_CALL:
		buf_printf(out, "%s(", n->text);
		render_list(out, n->a, ",");
		buf_char(out, ')');
		break;
	case NODE_NAMED:
		buf_printf(out, "%s=", n->text);
		render(out, n->a);
		break;
	case NODE_BLOCK:
		buf_char(out, '{');
		render_list(out, n->a, ";");
		buf_char(out, '}');
		break;
	default: /* operations, in the order of their parts */
		buf_char(out, '(');
		buf_puts(out, n->op ? "" : node_name(n));
		if (n->op)
			render_op(out, n->op);
		buf_puts(out, n->kind == NODE_INC ? n->prefix ? " before" : " behind" : "");
		for (u32 i = 0; i < 3; i++)
			if ((&n->a)[i]) {
				buf_char(out, ' ');
				render(out, (&n->a)[i]);
			}
		buf_char(out, ')');
	}
}

static void check_body(const char *body, const char *want)
{
	struct buf source = {0}, got = {0};
	struct fixture f;

	buf_printf(&source, "begin { %s }", body);
	assert_int_equal(parse(&f, buf_str(&source)), 0);
	render_list(&got, f.script.probes->body->a, ";");
	assert_string_equal(buf_str(&got), want);
	buf_free(&source);
	buf_free(&got);
	arena_free(&f.arena);
}

static void operators_bind_as_in_c(void **state)
{
	static const char *const rows[][2] = {
		{"$x = 1 + 2 * 3", "(= $x (+ 1 (* 2 3)))"},
		{"$x = 1 * 2 + 3", "(= $x (+ (* 1 2) 3))"},
		{"$x = 10 - 4 - 3", "(= $x (- (- 10 4) 3))"},
		{"$x = 8 / 4 * 2 % 3", "(= $x (% (* (/ 8 4) 2) 3))"},
		{"$x = 1 << 2 + 3", "(= $x (<< 1 (+ 2 3)))"},
		{"$x = 1 < 2 << 3", "(= $x (< 1 (<< 2 3)))"},
		{"$x = 1 == 2 < 3", "(= $x (== 1 (< 2 3)))"},
		{"$x = 1 & 2 == 3", "(= $x (& 1 (== 2 3)))"},
		{"$x = 1 | 2 ^ 3 & 4", "(= $x (| 1 (^ 2 (& 3 4))))"},
		{"$x = 1 || 2 && 3 | 4", "(= $x (|| 1 (&& 2 (| 3 4))))"},
		{"$x = 1 ? 2 : 3 ? 4 : 5", "(= $x (cond 1 2 (cond 3 4 5)))"},
		{"$x = 1 ? 2 ? 3 : 4 : 5", "(= $x (cond 1 (cond 2 3 4) 5))"},
		{"$x = 1 || 2 ? 3 : 4", "(= $x (cond (|| 1 2) 3 4))"},
		{"$x = -1 + !2", "(= $x (+ (- 1) (! 2)))"},
		{"$x = - -1", "(= $x (- (- 1)))"},
		{"$x = ~$y++", "(= $x (~ (++ behind $y)))"},
		{"$x = -$y.z", "(= $x (- $y.z))"},
		{"$x = ++$y * --$z", "(= $x (* (++ before $y) (-- before $z)))"},
		{"$x = (1 + 2) * 3", "(= $x (* (+ 1 2) 3))"},
		{"@m[1, pid + 2] <<= 3", "(<<= @m[1,(+ pid 2)] 3)"},
		{"@ = args.x->y", "(= @ args.x.y)"},
		{"@[@[1]] = @a[@b]", "(= @[@[1]] @a[@b])"},
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		check_body(rows[i][0], rows[i][1]);
}

static void statements(void **state)
{
	static const char *const rows[][2] = {
		{"", ""},
		{";;; $x++ ;;", "(++ behind $x)"},
		{"print(1); exit()", "print(1);exit()"},
		{"if (1) { } print(2)", "(if 1 {});print(2)"},
		{"if 1 { $x = 2 } else { $x = 3; }", "(if 1 {(= $x 2)} {(= $x 3)})"},
		{"if (1) { } else if (2) { } else { }", "(if 1 {} (if 2 {} {}))"},
		{"while ($i < 3) { $i++; break; continue }",
		 "(while (< $i 3) {(++ behind $i);(break);(continue)})"},
		{"{ return; }", "{(return)}"},
		{"1 ? print(1) : 2 ? exit() : print(3);", "(if 1 print(1) (if 2 exit() print(3)))"},
		{"emit(pid, path = str(args.f, 5))", "emit(pid,path=str(args.f,5))"},
		{"printf(\"%d\", $1, $#);", "printf(\"%d\",$1,$#)"},
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		check_body(rows[i][0], rows[i][1]);
}

static void probes_and_predicates(void **state)
{
	struct buf got = {0};
	struct fixture f;
	const struct probe *p;

	(void)state;
	assert_int_equal(parse(&f, "begin, end{ } t:a:b /pid / 2 == 3/ { @ = 4 / 2 }"), 0);
	p = f.script.probes;
	assert_string_equal(p->specs->text, "begin");
	assert_string_equal(p->specs->next->text, "end");
	assert_null(p->specs->next->next);
	assert_null(p->predicate);
	p = p->next;
	assert_string_equal(p->specs->text, "t:a:b");
	render(&got, p->predicate);
	assert_string_equal(buf_str(&got), "(== (/ pid 2) 3)");
	assert_null(p->next);
	buf_free(&got);
	arena_free(&f.arena);
}

static void errors_have_their_place(void **state)
{
	static const struct {
		const char *source, *says, *hint;
		u32 line, col;
	} rows[] = {
		{"", "the script has no probe", "try: begin", 1, 1},
		{"begin", "'{' expected, not the end", "{ }", 1, 6},
		{"begin {", "'}' expected, not the end", "close the block", 1, 8},
		{"begin {\n  $x = ;\n}", "a value expected, not ';'", "", 2, 8},
		{"begin { print(1 }", "')' expected, not '}'", "", 1, 17},
		{"begin { @m[] = 1 }", "the key of @m is empty", "@m[pid]", 1, 9},
		{"begin { print(1) print(2) }", "';' expected", "statements end", 1, 18},
		{"begin { pid = 1 }", "left side of =", "only $variables", 1, 13},
		{"begin { if (1) print(1); }", "'{' expected, not 'print'", "{ }", 1, 16},
		{"begin { $x = 1 ? 2; }", "':' expected", "a ? b : c", 1, 19},
		{"begin /1 { }", "'/' expected", "/pid == 1/", 1, 10},
		{"begin { args. }", "a name expected", "field's name", 1, 15},
		{"begin { let x = 1; }", "a variable expected, not a name", "let $x", 1, 13},
		{"begin { for ($i : 5) { } }", "for goes through a map or a range", "0..10", 1, 19},
		{"macro m(1) { } begin { }", "a parameter expected", "@map", 1, 9},
		{"macro m($a, $a) { } begin { }", "a second parameter 'a'", "", 1, 13},
		{"macro m() { } macro m() { } begin { }", "there is a macro m()", "differ", 1, 21},
		{"import x; begin { }", "a string expected", "import", 1, 8},
		{"let @m = hash(); begin { }", "a number expected", "entries", 1, 15},
		{"{ }", "a probe expected", "begin", 1, 1},
		{"begin { } }", "a probe expected", "begin", 1, 11},
	};
	struct fixture f;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(parse(&f, rows[i].source), -22);
		assert_int_equal(f.diag.errors, 1); /* the first one ends it */
		assert_non_null(strstr(f.heard.text, rows[i].says));
		assert_non_null(strstr(f.heard.hint, rows[i].hint));
		assert_int_equal(f.heard.line, rows[i].line);
		assert_int_equal(f.heard.col, rows[i].col);
		arena_free(&f.arena);
	}
}

/* Deep nesting is refused before it eats our stack. */
static void nesting_has_an_end(void **state)
{
	static const char *const openers[] = {"(", "-", "@[", "1?", "{", "if (1) {", "!", "print(",
					      "(uint32)"};
	struct fixture f;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(openers); i++) {
		struct buf source = {0};

		buf_puts(&source, "begin { ");
		if (strcmp(openers[i], "{") && strncmp(openers[i], "if", 2))
			buf_puts(&source, "$x = ");
		for (u32 n = 0; n < 100000; n++)
			buf_puts(&source, openers[i]);
		assert_int_equal(parse(&f, buf_str(&source)), -22);
		assert_non_null(strstr(f.heard.text, "nested too deeply"));
		buf_free(&source);
		arena_free(&f.arena);
	}
}

/* So are chains, which nest nothing that one can see; 1,900 of them are none too many. */
static void chains_have_an_end(void **state)
{
	static const struct {
		const char *front, *link, *back;
	} chains[] = {
		{"begin { @x = pid", " + pid", "; }"},	    {"begin { @x = pid", " && pid", "; }"},
		{"begin { @x = pid", " || pid", "; }"},	    {"begin /pid", " == pid", "/ { }"},
		{"begin { @x = curtask", ".parent", "; }"}, {"begin { @x = curtask", "[1]", "; }"},
		{"begin { $x", "++", "; }"},
		{"macro m(x) { x", " + x", " } begin { @x = m(pid); }"},
	};
	struct fixture f;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(chains); i++)
		for (u32 links = 1900; links <= 190000; links *= 100) {
			struct buf source = {0};

			buf_puts(&source, chains[i].front);
			for (u32 n = 0; n < links; n++)
				buf_puts(&source, chains[i].link);
			buf_puts(&source, chains[i].back);
			assert_int_equal(parse(&f, buf_str(&source)), links > 1900 ? -22 : 0);
			if (links > 1900)
				assert_non_null(strstr(f.heard.text, "nested too deeply"));
			buf_free(&source);
			arena_free(&f.arena);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operators_bind_as_in_c),
		cmocka_unit_test(statements),
		cmocka_unit_test(probes_and_predicates),
		cmocka_unit_test(errors_have_their_place),
		cmocka_unit_test(nesting_has_an_end),
		cmocka_unit_test(chains_have_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
