/*
 * compile.c: source to object: the list of passes.
 *
 * Each stage can be printed: -d STAGE. An object owns the arena of its compilation.
 */
#include "compile.h"

#include "base/words.h"
#include "codegen/codegen.h"
#include "script/script.h"

#include <errno.h>
#include <stdio.h>

#define SOURCE_MOST (1u << 20) /* bytes; a person writes some hundred */

struct compilation {
	struct object *object;
	struct diag *diag;
	const struct waggle_opts *opts;
	struct buf text;   /* of the stage that is printed */
	struct arena work; /* what is made of one program on its way to instructions */
};

/* Several are told apart by a line above each. */
static bool wanted(struct compilation *c, const char *stage)
{
	const char *list = c->opts->dump;
	bool all = words_have(list, "all");

	if (!words_have(list, stage) && !(all && !strchr(stage, ':')))
		return false;
	if (all || strchr(list, ','))
		buf_printf(&c->text, "-- %s\n", stage);
	return true;
}

/* ir:NAME shows the IR behind one pass. */
static const struct {
	const char *name, *text;
} stages[] = {
	{"ast", "the syntax tree"},
	{"types", "the tree with the type of each value"},
	{"ir", "the intermediate code, before any pass"},
	{"insns", "the BPF instructions"},
	{"object", "maps, records, programs, where they attach"},
	{"verifier", "what the kernel's verifier says to the programs"},
	{"all", "all of these but the verifier's words"},
};

void compile_stages(void (*fn)(void *user, const char *name, const char *text), void *user)
{
	char name[64];

	for (u32 i = 0; i < ARRAY_SIZE(stages); i++)
		fn(user, stages[i].name, stages[i].text);
	for (const struct ir_pass *p = ir_passes; p->name; p++) {
		snprintf(name, sizeof(name), "ir:%s", p->name);
		fn(user, name, "the intermediate code behind this pass");
	}
}

struct looked_for {
	const char *name;
	size_t n;
	bool found;
};

static void look(void *user, const char *name, const char *text)
{
	struct looked_for *l = user;

	(void)text;
	l->found |= word_is(l->name, l->n, name);
}

static int unknown_stage(struct compilation *c)
{
	size_t n;

	words_each (stage, n, c->opts->dump) {
		struct looked_for l = {.name = stage, .n = n};

		compile_stages(look, &l);
		if (!l.found)
			return diag_fail(c->diag, -EINVAL,
					 "ast, types, ir, ir:PASS, insns, object, verifier, all",
					 "there is no stage '%.*s' to print", (int)n, stage);
	}
	return 0;
}

static int check_ir(struct compilation *c, struct ir_fn *fn, const char *after)
{
#ifdef WAGGLE_DEBUG
	const char *wrong = ir_check(fn);

	if (wrong) {
		struct buf text = {0};

		ir_print(&text, fn);
		diag_fail(c->diag, -EINVAL, "this is a bug of waggle; please report it",
			  "after %s: %s\n%s", after, wrong, buf_str(&text));
		buf_free(&text);
		return -EINVAL;
	}
#else
	(void)c, (void)fn, (void)after;
#endif
	return 0;
}

/* One function: the passes, then code generation. */
static int make_code(struct compilation *c, struct ir_fn *fn, struct arena *keep, struct code *code)
{
	char stage[64];
	int err;

	if (wanted(c, "ir")) {
		ir_analyse(fn);
		ir_print(&c->text, fn);
	}
	err = check_ir(c, fn, "lowering");
	for (const struct ir_pass *p = ir_passes; !err && p->name; p++) {
		p->run(fn, c->object->kernel);
		err = check_ir(c, fn, p->name);
		if (!c->opts->dump)
			continue;
		snprintf(stage, sizeof(stage), "ir:%s", p->name);
		if (wanted(c, stage)) {
			ir_analyse(fn);
			ir_print(&c->text, fn);
		}
	}
	return err ? err : codegen(fn, c->object->kernel, keep, code, c->diag);
}

/* The functions of a program are put behind each other. */
static int back_end(void *user, struct lower_result *r)
{
	struct compilation *c = user;
	struct object_prog *prog = &c->object->progs.v[r->prog];
	struct code part;
	int err = make_code(c, r->fn, &c->object->arena, &prog->code);

	for (u32 i = 0; i < r->ncallbacks && !err; i++) {
		if (!code_wants_callback(&prog->code, i + 1))
			continue;
		err = make_code(c, r->callbacks[i], r->callbacks[i]->arena, &part);
		if (!err)
			code_add_callback(
				&c->object->arena, &prog->code, &part, r->callbacks[i]->turns,
				arena_printf(&c->object->arena, "%s_cb%u", prog->name, i + 1));
	}
	if (!err && r->ncallbacks)
		code_link_callbacks(&prog->code);
	if (!err && wanted(c, "insns")) {
		buf_printf(&c->text, "%s:\n", prog->name);
		code_print(&c->text, &prog->code);
	}
	return err;
}

/* Which word of an option it is; NULL: the first one. 0 or -errno. */
static int which(struct compilation *c, const char *what, const char *word, const char *const *words,
		 u32 count, u8 *out)
{
	const char *all = words[0];

	for (u32 i = 0; i < count; i++)
		if (!word || !strcmp(words[i], word)) {
			*out = (u8)i;
			return 0;
		}
	for (u32 i = 1; i < count; i++)
		all = arena_printf(&c->object->arena, "%s, %s", all, words[i]);
	return diag_fail(c->diag, -EINVAL, all, "%s '%s'", what, word);
}

static int limits_of(struct compilation *c, struct limits *l)
{
	static const char *const modes[] = {STACK_MODES}, *const graphs[] = {CALL_GRAPHS};
	const struct waggle_opts *o = c->opts;
	int err;

	l->str_most = o->max_strlen ? o->max_strlen : STR_MOST_DEFAULT;
	l->map_entries = o->max_map_keys ? o->max_map_keys : MAP_ENTRIES_DEFAULT;
	l->map_entries_asked = o->max_map_keys;
	l->points_most = o->max_probes ? o->max_probes : POINTS_DEFAULT;
	l->said = (o->max_strlen ? 1u << MAX_STRLEN : 0) |
		  (o->max_map_keys ? 1u << MAX_MAP_KEYS : 0) |
		  (o->max_probes ? 1u << MAX_PROBES : 0) | (o->stack_mode ? 1u << STACK_MODE : 0) |
		  (o->call_graph ? 1u << CALL_GRAPH : 0);
	if (l->str_most < 8 || l->str_most > STR_LIMIT)
		return diag_fail(c->diag, -EINVAL, "--max-strlen 64",
				 "strings cannot have %u bytes: 8 to %u", l->str_most, STR_LIMIT);
	err = which(c, "stacks have no mode", o->stack_mode, modes, ARRAY_SIZE(modes),
		    &l->stack_mode);
	return err ? err
		   : which(c, "callers are not found by", o->call_graph, graphs,
			   ARRAY_SIZE(graphs), &l->call_graph);
}

static int compile_script(struct compilation *c, const char *src, size_t len, struct target *target)
{
	struct script script = {.arena = &c->object->arena,
				.work = &c->work,
				.diag = c->diag,
				.target = target,
				.argc = c->opts->argc,
				.argv = c->opts->argv,
				.unsafe = c->opts->unsafe,
				.pid = (u32)c->opts->pid,
				.probe_filter = c->opts->probe_filter,
				.command = c->opts->command ? c->opts->command[0] : NULL,
				.include_dirs = c->opts->include_dirs,
				.headers = c->opts->headers,
				.trials = c->opts->trials,
				.containers = c->opts->containers,
				.family = c->opts->command_only,
				.no_command = c->opts->no_command,
				.first_pidns = c->opts->here && target->first_pidns};
	struct script_opts opts = {.pid = (u32)c->opts->pid,
				   .comm = c->opts->comm,
				   .cgroup = c->opts->cgroup,
				   .by_uid = c->opts->by_uid,
				   .uid = c->opts->uid,
				   .command_only = c->opts->command_only,
				   .helper_errors = c->opts->helper_errors};
	struct point *points;
	int err;

	err = limits_of(c, &script.limits);
	for (char *const *v = c->opts->config; v && *v && !err; v++)
		err = config_set(&script, *v);
	if (!err)
		err = script_parse(&script, src, len);
	if (!err && script.containers && !script.container_named)
		err = diag_fail(c->diag, -EINVAL,
				"emit(pid, container) and @m[container] do; --container NAME "
				"narrows to one",
				"nothing here shows the containers of processes");
	if (!err)
		script_filter(&script, &opts);
	if (!err && wanted(c, "ast"))
		script_print(&c->text, &script, false);
	if (!err)
		err = script_points(&script, &points);
	if (!err)
		err = script_check(&script, points);
	if (!err)
		err = script_options(&script);
	if (!err && script.help) {
		script_usage(&c->text, &script);
		err = -ECANCELED;
	}
	if (!err && wanted(c, "types"))
		script_print(&c->text, &script, true);
	c->object->silent = script.silent;
	if (!err && script.limits.license)
		c->object->license = script.limits.license;
	if (!err)
		err = script_lower(&script, points, &opts, c->object, back_end, c);
	return err;
}

int compile(struct object **out, enum waggle_lang lang, const char *src, size_t len,
	    struct target *target, const struct waggle_opts *opts, struct diag *diag)
{
	struct compilation c = {.diag = diag, .opts = opts};
	struct object *o = c.object = object_new();
	jmp_buf escape;
	int err = 0;

	if (!o)
		return -ENOMEM;
	if (len > SOURCE_MOST) {
		object_free(o);
		return diag_fail(diag, -EFBIG, "is it a script at all?",
				 "%s is longer than a script may be: 1 MiB",
				 opts->name ? opts->name : "the source");
	}
	if (setjmp(escape)) {
		arena_free(&c.work);
		buf_free(&c.text);
		object_free(o);
		return -ENOMEM;
	}
	o->arena.escape = c.work.escape = &escape;
	o->kernel = target->kernel;
	o->license = "GPL";
	o->source_name = arena_strdup(&o->arena, opts->name ? opts->name : "script");
	o->source = arena_strndup(&o->arena, src, len);
	o->source_size = len;
	diag->file = o->source_name;
	diag->text = src;
	diag->size = len;
	if (opts->dump)
		err = unknown_stage(&c);
	if (!err && lang != WAGGLE_SCRIPT)
		err = diag_fail(diag, -EOPNOTSUPP, "write it as a script",
				"this language cannot be compiled yet");
	if (!err)
		err = compile_script(&c, src, len, target);
	if (!err && wanted(&c, "object"))
		object_print(&c.text, o);
	if (opts->out && c.text.n)
		opts->out(opts->user, buf_str(&c.text), c.text.n);
	arena_free(&c.work);
	buf_free(&c.text);
	diag->file = diag->text = NULL;
	diag->nfiles = 0;
	o->arena.escape = NULL;
	if (err)
		object_free(o);
	else
		*out = o;
	return err;
}
