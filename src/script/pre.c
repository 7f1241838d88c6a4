/*
 * pre.c: lines that begin with #, and the text between them.
 *
 * In:  a source and the files that it includes. Out: text without such lines, in which macros have
 * been expanded, and where each piece of it came from; see pre.h.
 *
 * The kernel's types come from BTF, so a header that is not in a folder of -I is read over:
 * #include <linux/sched.h> asks for nothing that the compiler does not know already.
 */
#include "script/pre_inner.h"

#include "isa/isa.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

static int read_source(struct pre *, u32 file, const char *text, size_t size);

bool pre_is_name(char c)
{
	return c == '_' || isalnum((u8)c);
}

const char *pre_quoted(const char *p, const char *end)
{
	char quote = *p++;

	while (p < end && *p != quote && *p != '\n')
		p += *p == '\\' && p + 1 < end ? 2 : 1;
	return p < end && *p == quote ? p + 1 : MIN(p, end);
}

int pre_fail(struct pre *pre, struct loc at, const char *hint, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (!pre->failed) {
		va_start(ap, fmt);
		vsnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
		diag_error(pre->script->diag, at, hint, "%s", text);
	}
	pre->failed = true;
	return -EINVAL;
}

static struct loc at(const struct pre *pre, const char *from, const char *to)
{
	size_t col = (size_t)(from - pre->line_start) + 1;

	return (struct loc){pre->line, (u16)MIN(col, 1023u), (u16)MIN(to - from, 1023), pre->file};
}

/* What is put out from here on stands at `at`. */
static void piece(struct pre *pre, struct loc place, bool expanded)
{
	vec_push(pre->script->arena, &pre->map->pieces,
		 (struct source_piece){(u32)pre->out.n, expanded, place});
}

static void newline(struct pre *pre)
{
	pre->line++;
	pre->line_start = pre->p;
}

/* Puts out what stands there, up to `to`. */
static void copy(struct pre *pre, const char *to)
{
	while (pre->p < to) {
		buf_char(&pre->out, *pre->p++);
		if (pre->p[-1] == '\n') {
			newline(pre);
			piece(pre, at(pre, pre->p, pre->p), false);
		}
	}
}

static bool live(const struct pre *pre)
{
	return !pre->ifs.n || pre->ifs.v[pre->ifs.n - 1].live;
}

/* ---- directives */

static void open_if(struct pre *pre, bool holds, struct loc place)
{
	bool outer = live(pre);

	if (pre->ifs.n >= NEST_MOST)
		pre_fail(pre, place, NULL, "too many #if in each other");
	vec_push(pre->script->arena, &pre->ifs,
		 (struct pre_if){outer, outer && holds, holds, false, place});
}

/* The #if that an #else or #endif belongs to; NULL: there is none. */
static struct pre_if *last_if(struct pre *pre, const char *word, struct loc place)
{
	if (pre->ifs.n)
		return &pre->ifs.v[pre->ifs.n - 1];
	pre_fail(pre, place, NULL, "#%s without #if", word);
	return NULL;
}

static bool is_defined(struct pre *pre, const char *rest)
{
	size_t n = 0;

	while (pre_is_name(rest[n]))
		n++;
	return pre_find(pre, rest, n);
}

static void take_ifdef(struct pre *pre, const char *word, const char *rest, struct loc place)
{
	open_if(pre, is_defined(pre, rest) == (word[2] == 'd'), place);
}

static void take_if(struct pre *pre, const char *word, const char *rest, struct loc place)
{
	(void)word;
	open_if(pre, live(pre) && pre_condition(pre, rest, place), place);
}

static void take_elif(struct pre *pre, const char *word, const char *rest, struct loc place)
{
	struct pre_if *i = last_if(pre, word, place);

	if (!i)
		return;
	if (i->otherwise)
		pre_fail(pre, place, NULL, "#%s behind #else", word);
	i->live = i->outer && !i->done &&
		  (!strcmp(word, "elif") ? pre_condition(pre, rest, place)
					 : is_defined(pre, rest) == (word[4] == 'd'));
	i->done |= i->live;
}

static void take_else(struct pre *pre, const char *word, const char *rest, struct loc place)
{
	struct pre_if *i = last_if(pre, word, place);

	(void)rest;
	if (!i)
		return;
	if (i->otherwise)
		pre_fail(pre, place, NULL, "a second #else");
	i->live = i->outer && !i->done;
	i->done = i->otherwise = true;
}

static void take_endif(struct pre *pre, const char *word, const char *rest, struct loc place)
{
	(void)rest;
	if (last_if(pre, word, place))
		pre->ifs.n--;
}

static void take_define(struct pre *pre, const char *word, const char *rest, struct loc place)
{
	(void)word;
	pre_define(pre, rest, place);
}

static void take_undef(struct pre *pre, const char *word, const char *rest, struct loc place)
{
	size_t n = 0;

	(void)word, (void)place;
	while (pre_is_name(rest[n]))
		n++;
	if (pre_find(pre, rest, n))
		*dict_put(&pre->macros, arena_strndup(pre->script->arena, rest, n)) = NULL;
}

static void take_include(struct pre *pre, const char *word, const char *rest, struct loc place)
{
	const struct diag_file *self = script_file(pre->script, pre->file);
	struct buf plain = {0};
	const char *name, *end;
	int file;

	(void)word;
	if (*rest != '"' && *rest != '<') {
		pre_expand_text(pre, rest, rest + strlen(rest), place, &plain);
		rest = arena_strdup(pre->script->arena, buf_str(&plain));
		buf_free(&plain);
		rest += strspn(rest, " \t");
	}
	end = *rest == '"' ? strchr(rest + 1, '"') : *rest == '<' ? strchr(rest, '>') : NULL;
	if (!end) {
		pre_fail(pre, place, "#include <linux/sched.h>", "#include what?");
		return;
	}
	name = arena_strndup(pre->script->arena, rest + 1, (size_t)(end - rest - 1));
	file = script_source(pre->script, name, *rest == '"' ? self->name : NULL, true);
	if (!file && *rest == '"')
		pre_fail(pre, place, "it is looked for beside the script, and where -I says",
			 "there is no file '%s'", name);
	else if (file < 0)
		pre_fail(pre, place, NULL, "'%s' cannot be read: %s", name, strerror(-file));
	if (file > 0) {
		const struct diag_file *f = script_file(pre->script, (u32)file);

		read_source(pre, (u32)file, f->text, f->size);
	}
}

static void take_error(struct pre *pre, const char *word, const char *rest, struct loc place)
{
	if (*word == 'e')
		pre_fail(pre, place, NULL, "%s", *rest ? rest : "#error");
	else
		diag_warn(pre->script->diag, place, NULL, "%s", *rest ? rest : "#warning");
}

static void take_nothing(struct pre *pre, const char *word, const char *rest, struct loc place)
{
	(void)pre, (void)word, (void)rest, (void)place;
}

static const struct {
	const char *word;
	bool always; /* also where lines do not count */
	void (*take)(struct pre *, const char *word, const char *rest, struct loc);
} directives[] = {
	{"ifdef", true, take_ifdef},
	{"ifndef", true, take_ifdef},
	{"if", true, take_if},
	{"elif", true, take_elif},
	{"elifdef", true, take_elif},
	{"elifndef", true, take_elif},
	{"else", true, take_else},
	{"endif", true, take_endif},
	{"define", false, take_define},
	{"undef", false, take_undef},
	{"include", false, take_include},
	{"include_next", false, take_include},
	{"error", false, take_error},
	{"warning", false, take_error},
	{"pragma", false, take_nothing},
	{"line", false, take_nothing},
};

/* A logical line: without comments, continued lines joined. It ends at the newline. */
static const char *directive_text(struct pre *pre)
{
	struct buf text = {0};
	const char *result;

	while (pre->p < pre->end && *pre->p != '\n') {
		const char *p = pre->p, *left = pre->end;

		if (*p == '\\' && left - p > 1 && p[1] == '\n') {
			pre->p += 2;
			newline(pre);
			buf_char(&text, ' ');
		} else if (*p == '/' && left - p > 1 && p[1] == '/') {
			while (pre->p < left && *pre->p != '\n')
				pre->p++;
		} else if (*p == '/' && left - p > 1 && p[1] == '*') {
			for (pre->p += 2; pre->p < left; pre->p++) {
				if (*pre->p == '\n') {
					pre->line++;
					pre->line_start = pre->p + 1;
				}
				if (pre->p[-1] == '*' && *pre->p == '/' && pre->p > p + 2)
					break;
			}
			pre->p += pre->p < left;
			buf_char(&text, ' ');
		} else if (*p == '"' || *p == '\'') {
			pre->p = pre_quoted(p, left);
			buf_add(&text, p, (size_t)(pre->p - p));
		} else if (*p == '\r') {
			pre->p++;
		} else {
			buf_char(&text, *pre->p++);
		}
	}
	result = arena_strdup(pre->script->arena, buf_str(&text));
	buf_free(&text);
	return result;
}

static void directive(struct pre *pre)
{
	struct loc place = at(pre, pre->p, pre->p + strcspn(pre->p, "\r\n"));
	const char *text = directive_text(pre) + 1, *word;
	size_t n = 0;

	text += strspn(text, " \t");
	while (pre_is_name(text[n]))
		n++;
	word = arena_strndup(pre->script->arena, text, n);
	text += n + strspn(text + n, " \t");
	for (u32 i = 0; i < ARRAY_SIZE(directives); i++)
		if (!strcmp(directives[i].word, word)) {
			if (directives[i].always || live(pre))
				directives[i].take(pre, word, text, place);
			return;
		}
	if (*word && live(pre))
		pre_fail(pre, place, "#include, #define, #undef, #if, #ifdef, #else, #endif",
			 "this line of the preprocessor is not understood");
}

/* ---- the text between */

static void take_word(struct pre *pre)
{
	const char *from = pre->p, *to = from, *next;
	struct loc place;
	struct pre_macro *m;

	while (to < pre->end && pre_is_name(*to))
		to++;
	m = pre_find(pre, from, (size_t)(to - from));
	if (!m || (from > pre->line_start && (from[-1] == '$' || from[-1] == '@'))) {
		copy(pre, to);
		return;
	}
	place = at(pre, from, to);
	piece(pre, place, true);
	next = pre_expand(pre, m, to, pre->end, place, &pre->out);
	for (; pre->p < next; pre->p++)
		if (*pre->p == '\n') {
			pre->line++;
			pre->line_start = pre->p + 1;
		}
	piece(pre, at(pre, pre->p, pre->p), false);
}

/* A comment, and what only looks like one: the path of uprobe:/opt//x*:f has no end on its line. */
static void take_comment(struct pre *pre)
{
	const char *p = pre->p, *end = pre->p + 2;

	if (p[1] == '/') {
		while (end < pre->end && *end != '\n')
			end++;
	} else {
		while (end < pre->end && !(end[0] == '/' && end[-1] == '*' && end > p + 2))
			end++;
		end = end < pre->end ? end + 1 : p + 2;
	}
	copy(pre, end);
}

static void take_text(struct pre *pre)
{
	const char *p = pre->p;

	if (*p == '"' || *p == '\'')
		copy(pre, pre_quoted(p, pre->end));
	else if (*p == '/' && pre->end - p > 1 && (p[1] == '/' || p[1] == '*'))
		take_comment(pre);
	else if (pre_is_name(*p))
		take_word(pre);
	else
		copy(pre, p + 1);
	if (pre->out.n > TEXT_MOST)
		pre_fail(pre, at(pre, pre->p, pre->p), NULL, "this is more than %u MiB of text",
			 TEXT_MOST >> 20);
}

/* Is only white space before p on its line? */
static bool begins_line(const struct pre *pre, const char *p)
{
	const char *from = pre->line_start;

	while (from < p && isspace((u8)*from))
		from++;
	return from == p;
}

static void read_lines(struct pre *pre)
{
	while (pre->p < pre->end && !pre->failed) {
		if (*pre->p == '#' && begins_line(pre, pre->p)) {
			directive(pre);
			piece(pre, at(pre, pre->p, pre->p), false);
		} else if (live(pre)) {
			take_text(pre);
		} else {
			while (pre->p < pre->end && *pre->p != '\n' &&
			       (*pre->p != '#' || !begins_line(pre, pre->p)))
				pre->p++;
			if (pre->p < pre->end && *pre->p == '\n') {
				pre->p++;
				newline(pre);
			}
		}
	}
}

/* A file, between the lines of the one that includes it. */
static int read_source(struct pre *pre, u32 file, const char *text, size_t size)
{
	struct pre outer = *pre;
	u32 ifs = pre->ifs.n;

	pre->file = file;
	pre->line = 1;
	pre->p = pre->line_start = text;
	pre->end = text + size;
	if (++pre->nest > NEST_MOST)
		return pre_fail(pre, at(pre, text, text), NULL, "files include each other here");
	piece(pre, at(pre, text, text), false);
	if (size >= 2 && text[0] == '#' && text[1] == '!')
		copy(pre, memchr(text, '\n', size) ? memchr(text, '\n', size) : text + size);
	read_lines(pre);
	if (pre->ifs.n > ifs)
		pre_fail(pre, pre->ifs.v[pre->ifs.n - 1].at, "close it with #endif",
			 "this #if does not end");
	buf_char(&pre->out, '\n');
	pre->nest--;
	pre->file = outer.file;
	pre->line = outer.line;
	pre->p = outer.p;
	pre->end = outer.end;
	pre->line_start = outer.line_start;
	return pre->failed ? -EINVAL : 0;
}

static bool has_directive(const char *text, size_t size)
{
	const char *p = text, *end = text + size;

	while ((p = memchr(p, '#', (size_t)(end - p))) != NULL) {
		const char *q = p;

		while (q > text && (q[-1] == ' ' || q[-1] == '\t'))
			q--;
		p++;
		if ((q == text && (p == end || *p != '!')) || (q > text && q[-1] == '\n'))
			return true;
	}
	return false;
}

/* What every script has: whether there is BTF, and which kernel this is. */
static void predefine(struct pre *pre)
{
	struct script *s = pre->script;
	struct diag quiet = {0};
	struct btf *btf;
	struct loc none = {0};

	if (!s->target)
		return;
	if (s->target->ops->btf && !s->target->ops->btf(s->target, &btf, &quiet))
		pre_define(pre, "BPFTRACE_HAVE_BTF 1", none);
	pre_define(pre, "KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + (c))", none);
	pre_define(pre,
		   arena_printf(s->arena, "LINUX_VERSION_CODE KERNEL_VERSION(%u, %u, 0)",
				s->target->kernel / 1000, s->target->kernel % 1000),
		   none);
}

static int forced_headers(struct pre *pre)
{
	const struct loc none = {0};

	for (char *const *name = pre->script->headers; name && *name && !pre->failed; name++) {
		int file = script_source(pre->script, *name, "", true);
		const struct diag_file *f;

		if (!file) {
			diag_warn(pre->script->diag, none, "-I says where to look",
				  "there is no header %s: it is skipped, as by #include <%s>",
				  *name, *name);
			continue;
		}
		if (file < 0)
			return diag_fail(pre->script->diag, file, NULL,
					 "the header %s cannot be read: %s", *name,
					 strerror(-file));
		f = script_file(pre->script, (u32)file);
		read_source(pre, (u32)file, f->text, f->size);
	}
	return pre->failed ? -EINVAL : 0;
}

int script_preprocess(struct script *s, const char *text, size_t size, u32 file,
		      struct source_text *out)
{
	struct pre pre = {.script = s, .map = &out->map, .macros.arena = s->arena};
	int err;

	*out = (struct source_text){text, size, {.file = file}};
	if (!has_directive(text, size) && !(s->headers && !file))
		return 0;
	predefine(&pre);
	err = file ? 0 : forced_headers(&pre);
	if (!err)
		err = read_source(&pre, file, text, size);
	if (!err && pre.out.failed)
		err = pre_fail(&pre, (struct loc){0}, NULL, "out of memory");
	out->text = arena_strndup(s->arena, pre.out.p ? pre.out.p : "", pre.out.n);
	out->size = pre.out.n;
	buf_free(&pre.out);
	return err;
}

/* ---- files */

const struct diag_file *script_file(const struct script *s, u32 file)
{
	static const struct diag_file none;

	if (!file)
		return &s->self;
	return file <= s->diag->nfiles ? &s->diag->files[file - 1] : &none;
}

/* Without "./", and without "x/../": one file has one name. */
static char *plain_path(struct script *s, const char *path)
{
	char *out = arena_alloc(s->arena, strlen(path) + 2), *end = out, *slash;

	while (*path) {
		size_t n = strcspn(path, "/");

		*end = 0;
		if (n == 1 && *path == '.' && path[1]) {
			path += 2;
			continue;
		}
		/* the last part of what is there goes, unless it is .. itself, or the root */
		if (n == 2 && !memcmp(path, "..", 2) && end > out + 1 && path[2]) {
			const char *last;

			end[-1] = 0;
			slash = strrchr(out, '/');
			last = slash ? slash + 1 : out;
			if (strcmp(last, "..") != 0) {
				end = (char *)last;
				path += 3;
				continue;
			}
			end[-1] = '/';
		}
		memcpy(end, path, n);
		end += n;
		path += n;
		if (*path)
			*end++ = *path++;
	}
	*end = 0;
	return out;
}

static int add_file(struct script *s, const char *name, bool header)
{
	const char *path = plain_path(s, name);
	struct buf text = {0};
	struct diag_file *f;
	int err = s->target->read(path, &text);

	if (!err) {
		f = vec_add(s->arena, &s->files);
		*f = (struct diag_file){path, arena_strndup(s->arena, text.p ? text.p : "", text.n),
					text.n, header};
		s->diag->files = s->files.v;
		s->diag->nfiles = s->files.n;
	}
	buf_free(&text);
	return err ? err : (int)s->files.n;
}

int script_source(struct script *s, const char *name, const char *beside, bool header)
{
	const char *slash = beside ? strrchr(beside, '/') : NULL;
	int file = -ENOENT;

	if (!s->target || !s->target->read)
		return 0;
	if (*name == '/' || (beside && !slash))
		file = add_file(s, name, header);
	else if (beside)
		file = add_file(
			s, arena_printf(s->arena, "%.*s/%s", (int)(slash - beside), beside, name),
			header);
	for (char *const *dir = s->include_dirs; dir && *dir && file == -ENOENT; dir++)
		file = add_file(s, arena_printf(s->arena, "%s/%s", *dir, name), header);
	return file == -ENOENT || file == -ENOTDIR ? 0 : file;
}
