/*
 * bcc.c: probes and expressions of bcc's trace and argdist, in our language.
 *
 * In:  "p:c:write(int fd, void *buf, size_t len)", "arg2 > 5 && STRCMP(\"x\", arg1)". Out: text of
 * a script.
 */
#include "cli/bcc.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void text_add(struct text *t, const char *fmt, ...)
{
	char *more = NULL, *all;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&more, fmt, args);
	va_end(args);
	all = n < 0 ? NULL : realloc(t->p, t->n + (size_t)n + 1);
	if (all) {
		memcpy(all + t->n, more, (size_t)n + 1);
		t->p = all;
		t->n += (size_t)n;
	}
	if (n >= 0)
		free(more);
}

int bcc_error(const struct bcc_probe *p, const char *at, const char *hint, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	report_diag(NULL, &(struct waggle_diag){.level = WAGGLE_ERROR,
						.file = "probe",
						.line = 1,
						.col = (unsigned)(at - p->all) + 1,
						.len = 1,
						.source = p->all,
						.text = text,
						.hint = hint});
	return STATUS_USAGE;
}

struct part bcc_trim(struct part p)
{
	while (p.n && isspace((unsigned char)p.p[0])) {
		p.p++;
		p.n--;
	}
	while (p.n && isspace((unsigned char)p.p[p.n - 1]))
		p.n--;
	return p;
}

struct part bcc_until(const char *p, const char *ends)
{
	const char *at = p;
	int depth = 0;

	for (; *at && (depth > 0 || !strchr(ends, *at)); at++) {
		if (*at == '"') {
			for (at++; *at && *at != '"'; at++)
				at += *at == '\\' && at[1];
			if (!*at)
				break;
		}
		depth += (*at == '(' || *at == '[') - (*at == ')' || *at == ']');
	}
	return (struct part){p, (size_t)(at - p)};
}

/* Of the first operand the last word: "file->f_path.dentry->d_iname" is d_iname, "$latency / 1000"
 * $latency, "(char *)$entry(buf)" buf. */
static struct part operand(const char *at, const char *end)
{
	struct part word = {at, 0};

	at += strspn(at, " *&!~-+");
	if (at < end && *at == '(') {
		struct part inner = bcc_until(at + 1, ")");

		at = inner.p + inner.n;
		at += *at == ')' ? 1 + strspn(at + 1, " ") : 0;
		return at < end && (in_word(*at) || *at == '(')
			       ? operand(at, end) /* behind a cast */
			       : operand(inner.p, inner.p + inner.n);
	}
	for (bool member = true; at < end && member;) {
		word = (struct part){at, 0};
		while (at < end && in_word(*at))
			at++;
		word.n = (size_t)(at - word.p);
		if (at < end && *at == '(')
			return operand(at + 1, end); /* $entry(x) */
		member = at + 1 < end && (*at == '.' || !strncmp(at, "->", 2));
		at += member ? 1 + (*at == '-') : 0;
	}
	return word.n && isdigit((unsigned char)*word.p) ? (struct part){at, 0} : word;
}

unsigned bcc_name(struct part e, char name[BCC_NAME])
{
	struct part word = operand(e.p, e.p + e.n);
	unsigned n = 0;

	for (size_t i = 0; i < word.n && n < BCC_NAME - 4; i++) /* there is room for _2 */
		if (word.p[i] != '$')
			name[n++] = (char)tolower((unsigned char)word.p[i]);
	name[n] = '\0';
	return n ? n : (unsigned)snprintf(name, BCC_NAME, "value");
}

/* ---- the head */

/* "int fd, struct timespec *req": the last word is the name, what stands before it the type. */
static int read_signature(struct bcc_probe *p)
{
	const char *at = p->signature.p, *end = at + p->signature.n;

	while (at < end) {
		struct part one = bcc_until(at, ",)"), name;

		at = one.p + one.n + 1;
		one = bcc_trim(one);
		if (!one.n || (one.n == 4 && !memcmp(one.p, "void", 4)))
			continue;
		if (p->nparams == BCC_PARAMS)
			return bcc_error(p, one.p, NULL, "more than %d parameters", BCC_PARAMS);
		name = (struct part){one.p + one.n, 0};
		while (name.p > one.p &&
		       (isalnum((unsigned char)name.p[-1]) || name.p[-1] == '_')) {
			name.p--;
			name.n++;
		}
		if (!name.n || name.p == one.p)
			return bcc_error(p, one.p, "int fd, char *buf",
					 "a parameter is a type and a name");
		p->params[p->nparams] = name;
		p->types[p->nparams++] = bcc_trim((struct part){one.p, (size_t)(name.p - one.p)});
	}
	return 0;
}

int bcc_head(struct bcc_probe *p, const char *text, bool provider, const char **at,
	     const struct waggle_opts *opts)
{
	struct part first, second;

	p->all = text;
	p->kind = 'p';
	first = bcc_until(text, ": (\"");
	if (first.p[first.n] == ':') {
		bool kind = !first.n || (first.n == 1 && strchr("prtu", *first.p));

		second = bcc_until(first.p + first.n + 1, ": (\"");
		if (second.p[second.n] != ':' && kind)
			return bcc_error(
				p, second.p,
				"p:LIBRARY:FUNCTION, p::FUNCTION of the kernel, t:CATEGORY:EVENT",
				"a probe has three parts");
		if (second.p[second.n] == ':' && !kind)
			return bcc_error(p, text, "p: entry, r: return, t: tracepoint, u: USDT",
					 "there is no kind of probe '%.*s'", (int)first.n, first.p);
		p->kind = kind && first.n ? *first.p : 'p';
		p->lib = kind ? second : first; /* LIBRARY:FUNCTION: where it begins */
		first = kind ? bcc_until(second.p + second.n + 1, ": (\"") : second;
		if (p->kind == 'u' && provider && first.p[first.n] == ':')
			first.n += 1 + bcc_until(first.p + first.n + 1, ": (\"").n;
	}
	p->function = first;
	*at = first.p + first.n;
	if (!first.n)
		return bcc_error(p, first.p, NULL, "here the name of a function is missing");
	if (strchr("tu", p->kind) && !p->lib.n)
		return bcc_error(p, first.p,
				 p->kind == 't' ? "t:CATEGORY:EVENT" : "u:LIBRARY:PROBE",
				 "it is not said of what");
	bcc_call(p, opts);
	if (**at != '(')
		return 0;
	p->signature = bcc_until(*at + 1, ")");
	if (p->signature.p[p->signature.n] != ')')
		return bcc_error(p, *at, NULL, "this parenthesis is not closed");
	*at = p->signature.p + p->signature.n + 1;
	return read_signature(p);
}

void bcc_place(const struct bcc_probe *p, bool entry, struct text *t)
{
	const char *kind = p->kind == 't'   ? "tracepoint"
			   : p->kind == 'u' ? "usdt"
			   : p->lib.n       ? p->kind == 'r' && !entry ? "uretprobe" : "uprobe"
			   : p->kind == 'r' && !entry ? "kretprobe"
						      : "kprobe";

	if (p->call.n)
		text_add(t, "tracepoint:syscalls:sys_%s_%.*s",
			 p->kind == 'r' && !entry ? "exit" : "enter", (int)p->call.n, p->call.p);
	else
		text_add(t, p->lib.n ? "%s:%.*s:%.*s" : "%s:%.*s%.*s", kind, (int)p->lib.n,
			 p->lib.p, (int)p->function.n, p->function.p);
}

/* ---- expressions */

static bool is(struct part word, const char *name)
{
	return strlen(name) == word.n && !memcmp(word.p, name, word.n);
}

static int param_of(const struct bcc_probe *p, struct part word)
{
	for (unsigned i = 0; i < p->nparams; i++)
		if (p->params[i].n == word.n && !memcmp(p->params[i].p, word.p, word.n))
			return (int)i;
	return -1;
}

/* Where "__user" stands in a type as a word of its own; NULL: nowhere. */
static const char *user_in(struct part type)
{
	for (const char *at = type.p; at + 6 <= type.p + type.n; at++)
		if (!memcmp(at, "__user", 6) && (at == type.p || !in_word(at[-1])) &&
		    (at + 6 == type.p + type.n || !in_word(at[6])))
			return at;
	return NULL;
}

/* Of a function of the kernel, what is told to lie in the process. */
static bool in_user_space(const struct bcc_probe *p, struct part type)
{
	return !p->lib.n && !p->call.n && user_in(type);
}

/* "(char *)" of "const char __user *" */
static void put_cast(struct part type, struct text *t)
{
	const char *user = user_in(type), *end = type.p + type.n, *rest = user ? user + 6 : end;
	int skip = !strncmp(type.p, "const ", 6) ? 6 : 0;

	rest += user && *rest == ' ';
	text_add(t, "(%.*s%.*s)", (int)((user ? user : end) - type.p) - skip, type.p + skip,
		 (int)(end - rest), rest);
}

static void put_param(const struct bcc_probe *p, int i, struct text *t)
{
	bool user = in_user_space(p, p->types[i]);

	text_add(t, "(");
	put_cast(p->types[i], t);
	text_add(t, user ? "uptr(" : "");
	bcc_argument(p, i, t);
	text_add(t, user ? "))" : ")");
}

/* $entry(x): a map that a probe at the function's beginning fills. */
static int put_entry(struct bcc_probe *p, struct part inner, struct text *t)
{
	unsigned i = 0;

	int param;
	bool user;

	inner = bcc_trim(inner);
	param = param_of(p, inner);
	if (p->kind != 'r')
		return bcc_error(p, inner.p, NULL, "$entry() is for probes of returns (r:)");
	if (param < 0)
		return bcc_error(p, inner.p, "name it in the parentheses behind the function",
				 "the function has no parameter '%.*s'", (int)inner.n, inner.p);
	while (i < p->nentries &&
	       (p->entries[i].n != inner.n || memcmp(p->entries[i].p, inner.p, inner.n) != 0))
		i++;
	if (i == p->nentries) {
		if (i == BCC_ENTRIES)
			return bcc_error(p, inner.p, NULL, "more than %d parameters with $entry()",
					 BCC_ENTRIES);
		p->entries[p->nentries++] = inner;
	}
	user = in_user_space(p, p->types[param]);
	text_add(t, "(");
	put_cast(p->types[param], t);
	text_add(t, user ? "uptr(@ENTRY%u_%.*s[tid]))" : "@ENTRY%u_%.*s[tid])", p->number,
		 (int)inner.n, inner.p);
	return 0;
}

/* Bytes of a literal, which begins and ends with quotes. */
static size_t literal_bytes(struct part l)
{
	size_t n = 0;

	for (size_t i = 1; i + 1 < l.n; n++) {
		size_t octal = 0;

		if (l.p[i++] != '\\')
			continue;
		while (octal < 3 && i + octal + 1 < l.n && l.p[i + octal] >= '0' &&
		       l.p[i + octal] <= '7')
			octal++;
		i += l.p[i] == 'x' ? 1 + strspn(l.p + i + 1, "0123456789abcdefABCDEF")
		     : octal       ? octal
				   : 1;
	}
	return n;
}

/* "{0x6c, 0, 0}": bytes as C writes those of an array. */
static int put_bytes(const struct bcc_probe *p, struct part literal, struct text *t)
{
	const char *at = literal.p + 2, *end = literal.p + literal.n - 1;
	unsigned n = 0;

	text_add(t, "\"");
	do {
		char *behind;
		unsigned long byte = strtoul(at, &behind, 0);

		if (behind == at || byte > 255)
			return bcc_error(p, at, "STRCMP(\"{0x6c, 0, 0, 0}\", arg1)",
					 "here a byte is missing");
		text_add(t, "\\x%02lx", byte);
		n++;
		at = behind + strspn(behind, " ,");
	} while (at < end && *at != '}');
	text_add(t, "\", %u) == 0)", n);
	return 0;
}

/* STRCMP("text", e): does the string begin with the text? */
static int put_strcmp(struct bcc_probe *p, const char **at, struct text *t)
{
	struct part literal, e;

	literal = bcc_trim(bcc_until(*at + 1, ",)"));
	if (literal.n < 2 || *literal.p != '"')
		return bcc_error(p, literal.p, "STRCMP(\"text\", arg1)",
				 "STRCMP() compares a text in quotes first");
	e = bcc_until(literal.p + literal.n, ",)");
	if (e.p[e.n] != ',')
		return bcc_error(p, e.p + e.n, "STRCMP(\"text\", arg1)",
				 "STRCMP() takes two arguments");
	e = bcc_until(e.p + e.n + 1, ")");
	*at = e.p + e.n + 1;
	text_add(t, p->binary ? "(memcmp((void *)(" : "(strncmp(str(");
	if (bcc_expression(p, e, t))
		return STATUS_USAGE;
	text_add(t, "), ");
	if (p->binary && literal.p[1] == '{')
		return put_bytes(p, literal, t);
	text_add(t, "%.*s, %zu) == 0)", (int)literal.n, literal.p, literal_bytes(literal));
	return 0;
}

static const struct {
	const char *bcc, *ours;
} words[] = {
	{"$pid", "tid"},       {"$tgid", "pid"},     {"$uid", "uid"}, {"$gid", "gid"},
	{"$cpu", "cpu"},       {"$task", "curtask"}, {"$PID", "pid"}, {"$COMM", "comm"},
	{"$retval", "retval"}, {"retval", "retval"}, {"NULL", "0"},
};

/* A word: a parameter, one of bcc's own, or what it is. */
static int put_word(struct bcc_probe *p, struct part word, const char **at, struct text *t)
{
	int n = param_of(p, word);
	bool user;

	if (is(word, "STRCMP") && **at == '(')
		return put_strcmp(p, at, t);
	if (is(word, "$entry") && **at == '(') {
		struct part inner = bcc_until(*at + 1, ")");

		*at = inner.p + inner.n + 1;
		return put_entry(p, inner, t);
	}
	if (is(word, "$latency")) {
		if (p->kind != 'r')
			return bcc_error(p, word.p, NULL, "$latency is for probes of returns (r:)");
		p->latency = true;
		text_add(t, "(nsecs - @START%u[tid])", p->number);
		return 0;
	}
	if (word.n == 4 && !memcmp(word.p, "arg", 3) && word.p[3] >= '1' && word.p[3] <= '6') {
		if (p->kind == 'r')
			return bcc_error(p, word.p, "$entry(NAME) tells of it, in argdist",
					 "when a function returns, its arguments are gone");
		user = !p->lib.n && !p->call.n && !strncmp(*at, "@user", 5);
		text_add(t, user ? "uptr(" : "");
		bcc_argument(p, word.p[3] - '1', t);
		text_add(t, user ? ")" : "");
		return 0;
	}
	if (n >= 0) {
		if (p->kind == 'r')
			return put_entry(p, word, t);
		put_param(p, n, t);
		return 0;
	}
	if (p->call.n && (is(word, "retval") || is(word, "$retval"))) {
		text_add(t, "args.ret");
		return 0;
	}
	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (is(word, words[i].bcc)) {
			text_add(t, "%s", words[i].ours);
			return 0;
		}
	if (*word.p == '$')
		return bcc_error(
			p, word.p,
			"$pid, $tgid, $uid, $gid, $cpu, $task, $retval, $entry(), $latency",
			"there is no '%.*s'", (int)word.n, word.p);
	text_add(t, "%.*s", (int)word.n, word.p);
	return 0;
}

int bcc_expression(struct bcc_probe *p, struct part e, struct text *t)
{
	const char *at, *end;
	bool member = false; /* behind . and -> stands no word of ours */

	e = bcc_trim(e);
	for (at = e.p, end = e.p + e.n; at < end;) {
		struct part word = {at, 0};

		if (*at == '"') {
			for (word.n = 1; at + word.n < end && at[word.n] != '"'; word.n++)
				word.n += at[word.n] == '\\';
			word.n++;
			text_add(t, "%.*s", (int)word.n, at);
			at += word.n;
			continue;
		}
		while (at < end && (isalnum((unsigned char)*at) || *at == '_' || *at == '$'))
			at++;
		word.n = (size_t)(at - word.p);
		if (word.n && (member || isdigit((unsigned char)*word.p)))
			text_add(t, "%.*s", (int)word.n, word.p);
		else if (word.n && put_word(p, word, &at, t))
			return STATUS_USAGE;
		member = false;
		if (at < end && !strncmp(at, "@user", 5)) {
			at += 5;
		} else if (at < end && !word.n) {
			member = *at == '.' || (*at == '>' && at > e.p && at[-1] == '-');
			text_add(t, "%c", *at++);
		}
	}
	return 0;
}

int bcc_number(const char *text, long *n)
{
	char *end;

	*n = strtol(text, &end, 10);
	return end == text || *end || *n <= 0 ? usage_error("'%s' is no number", text) : 0;
}

void bcc_options(struct option *to, const struct option *own)
{
	unsigned n = 0;

	while (n < BCC_OPTIONS_MOST - OPTION_ROWS_MOST - 1 && own[n].name) {
		to[n] = own[n];
		n++;
	}
	to[n] = (struct option){0};
	option_append(to, BCC_OPTIONS_MOST, BCC_COMMON);
}

int bcc_run(struct trace *t, const char *tool, struct text *script, char **command, bool print,
	    int status)
{
	t->opts.command = command;
	t->opts.command_only = command;
	t->tool = tool;
	t->script = script->p;
	if (!status && print)
		fputs(script->p, stdout);
	else
		status = trace_run(t, status);
	free(script->p);
	return status;
}
