/*
 * asm_names.c: what a program wants of the machine that runs it, and what its parts are called.
 *
 * In:  `.extern` (declared above the programs), `.names` and `.core` (about the next instruction),
 *      `.line` (where it comes from), `.func` (a function begins), `.slot` (what a map holds from
 * the start). Out: externs, CO-RE records, lines, functions with their types, slots of the object.
 */
#include "object/asm_text.h"
#include "object/core.h"

#include <errno.h>
#include <stdio.h>

const char *const asm_extern_kinds[] = {
	[EXTERN_CONFIG] = "config",
	[EXTERN_ADDRESS] = "address",
	[EXTERN_VARIABLE] = "variable",
	[EXTERN_FUNCTION] = "function",
};
/* the names that libbpf gives them in its messages */
const char *const asm_core_kinds[CORE_KINDS] = {
	[CORE_FIELD_OFFSET] = "byte_off",       [CORE_FIELD_SIZE] = "byte_sz",
	[CORE_FIELD_EXISTS] = "field_exists",   [CORE_FIELD_SIGNED] = "signed",
	[CORE_FIELD_LSHIFT] = "lshift_u64",     [CORE_FIELD_RSHIFT] = "rshift_u64",
	[CORE_TYPE_ID_LOCAL] = "local_type_id", [CORE_TYPE_ID_TARGET] = "target_type_id",
	[CORE_TYPE_EXISTS] = "type_exists",     [CORE_TYPE_SIZE] = "type_size",
	[CORE_ENUM_EXISTS] = "enumval_exists",  [CORE_ENUM_VALUE] = "enumval_value",
	[CORE_TYPE_MATCHES] = "type_matches",
};

/* One of some words. */
static int choose(struct asm_text *t, const char *what, const char *const *words, u32 n, u32 *out)
{
	struct loc at;
	const char *word = asm_word(t, &at);
	struct near near = {.word = word ? word : ""};
	char hint[64];

	for (u32 i = 0; i < n; i++) {
		if (word && !strcmp(words[i], word)) {
			*out = i;
			return 0;
		}
		near_try(&near, words[i]);
	}
	snprintf(hint, sizeof(hint), "did you mean '%s'?", near.best ? near.best : words[0]);
	return diag_error(t->d, at, hint, "here belongs %s", what);
}

/* `type N`, `at N`, `size N` in any order */
struct number {
	const char *word;
	u32 *to;
};

static int numbers(struct asm_text *t, const struct number *all, u32 n)
{
	struct loc at;
	const char *word;

	while ((word = asm_word(t, &at))) {
		u64 value;
		u32 i = 0;
		int err;

		while (i < n && strcmp(all[i].word, word) != 0)
			i++;
		if (i == n)
			return diag_error(t->d, at, NULL, "'%s' is nothing that this has", word);
		err = asm_number(t, word, UINT32_MAX, &value);
		if (err)
			return err;
		*all[i].to = (u32)value;
	}
	return 0;
}

/* .extern NAME KIND [weak] [type N] [at N size N] */
int asm_extern(struct asm_text *t, struct loc at)
{
	struct object_extern x = {0};
	const struct number all[] = {{"type", &x.type}, {"at", &x.off}, {"size", &x.size}};
	void **place;
	u32 kind = 0;
	int err = asm_name(t, "a name of the kernel", &x.name);

	if (!err)
		err = choose(t, "what it is: config, address, variable, function", asm_extern_kinds,
			     ARRAY_SIZE(asm_extern_kinds), &kind);
	if (err)
		return err;
	x.kind = (u8)kind;
	asm_blanks(t);
	if (t->end - t->p >= 4 && !strncmp(t->p, "weak", 4)) {
		x.weak = true;
		t->p += 4;
	}
	place = dict_put(&t->externs, x.name);
	if (*place)
		return diag_error(t->d, at, NULL, "there is an extern '%s' already", x.name);
	err = numbers(t, all, ARRAY_SIZE(all));
	vec_push(&t->o->arena, &t->o->externs, x);
	*place = (void *)(uintptr_t)t->o->externs.n;
	return err;
}

static int need_prog(struct asm_text *t, struct loc at)
{
	return t->prog >= 0 ? 0
			    : diag_error(t->d, at, ".program NAME \"SECTION\"",
					 "this belongs to no program");
}

/* .names NAME: the next instruction means this extern */
int asm_names(struct asm_text *t, struct loc at)
{
	const char *name;
	int err = need_prog(t, at);

	if (!err)
		err = asm_name(t, "the name of an extern", &name);
	if (err)
		return err;
	t->names = (u32)(uintptr_t)dict_get(&t->externs, name);
	t->names_at = at;
	if (!t->names)
		return diag_error(t->d, at, ".extern NAME KIND", "there is no extern '%s' above",
				  name);
	return asm_end(t);
}

int asm_use_extern(struct asm_text *t, const struct insn *in)
{
	struct code *c = &t->o->progs.v[t->prog].code;
	bool function = t->o->externs.v[t->names - 1].kind == EXTERN_FUNCTION;

	if (in->code != (function ? BPF_JMP | BPF_CALL : BPF_LD | BPF_IMM | BPF_DW))
		return diag_error(
			t->d, t->names_at, function ? "call kernel-function#0" : "r1 = 0 ll",
			"the next instruction is no %s", function ? "call" : "load of 64 bits");
	vec_push(&t->o->arena, &c->externs,
		 (struct code_extern){.insn = c->insns.n, .index = t->names - 1});
	t->names = 0;
	return 0;
}

/* .core KIND TYPE "0:1:2": the next instruction is adjusted to the machine's types */
int asm_core(struct asm_text *t, struct loc at)
{
	struct code_core core = {0};
	struct code *c;
	u64 type;
	int err = need_prog(t, at);

	if (!err)
		err = choose(t, "what it asks", asm_core_kinds, CORE_KINDS, &core.kind);
	if (!err)
		err = asm_number(t, "the number of a type", UINT32_MAX, &type);
	if (err)
		return err;
	core.access = asm_word(t, NULL);
	if (!core.access)
		return diag_error(t->d, at, "\"0:1\"", "here belongs the way to a member");
	c = &t->o->progs.v[t->prog].code;
	core.type = (u32)type;
	core.insn = c->insns.n;
	t->core_at = at;
	vec_push(&t->o->arena, &c->cores, core);
	return asm_end(t);
}

/* .func NAME [type N]: a function begins. It is a label, too. */
int asm_func(struct asm_text *t, struct loc at)
{
	struct code_func f = {0};
	const struct number all[] = {{"type", &f.type}};
	struct code *c;
	void **place;
	int err = need_prog(t, at);

	if (!err)
		err = asm_name(t, "the name of a function", &f.name);
	if (!err)
		err = numbers(t, all, ARRAY_SIZE(all));
	if (err)
		return err;
	c = &t->o->progs.v[t->prog].code;
	f.insn = c->insns.n;
	if (c->funcs.n && c->funcs.v[c->funcs.n - 1].insn == f.insn)
		return diag_error(t->d, at, NULL, "function '%s' has no instructions",
				  c->funcs.v[c->funcs.n - 1].name);
	vec_push(&t->o->arena, &c->funcs, f);
	place = dict_put(&t->labels, f.name);
	if (!*place) {
		struct asm_label *l = arena_new(&t->arena, struct asm_label);

		*l = (struct asm_label){f.insn, at};
		*place = l;
	}
	return 0;
}

int asm_names_end(struct asm_text *t)
{
	const struct code *c = &t->o->progs.v[t->prog].code;
	u32 n = c->insns.n;

	if (t->names)
		return diag_error(t->d, t->names_at, NULL, "no instruction follows");
	if (c->cores.n && c->cores.v[c->cores.n - 1].insn >= n)
		return diag_error(t->d, t->core_at, NULL, "no instruction follows");
	if (c->lines.n && c->lines.v[c->lines.n - 1].insn >= n)
		return diag_error(t->d, t->core_at, NULL, "no instruction follows");
	if (c->funcs.n && c->funcs.v[c->funcs.n - 1].insn >= n)
		return diag_error(t->d, t->prog_at, NULL, "function '%s' has no instructions",
				  c->funcs.v[c->funcs.n - 1].name);
	return 0;
}

/* .slot INDEX NAME: what the map above holds from the start: a map, a program */
int asm_slot(struct asm_text *t, struct loc at)
{
	struct asm_slot s = {.map = t->o->maps.n - 1, .at = at};
	u64 index;
	int err;

	if (!t->o->maps.n || t->o->maps.v[s.map].section != SECTION_NONE)
		return diag_error(t->d, at, ".map NAME array_of_maps ...",
				  "there is no map above that could hold it");
	err = asm_number(t, "the index", UINT32_MAX, &index);
	if (!err)
		err = asm_name(t, "the name of a map or a program", &s.name);
	if (err)
		return err;
	s.index = (u32)index;
	vec_push(&t->arena, &t->slots, s);
	return asm_end(t);
}

/* .line LINE:COLUMN: where the instructions from here on come from, in the source that `.waggle`
 * holds */
int asm_line(struct asm_text *t, struct loc at)
{
	const char *word;
	unsigned line, column;
	struct code *c;
	char end;
	int err = need_prog(t, at);

	if (err)
		return err;
	word = asm_word(t, &at);
	if (!word || sscanf(word, "%u:%u%c", &line, &column, &end) != 2 || line >> 22 ||
	    column > 1023)
		return diag_error(t->d, at, ".line 3:14", "here belong a line and a column");
	c = &t->o->progs.v[t->prog].code;
	if (!t->own_lines)
		c->lines.n = 0;
	t->own_lines = true;
	t->core_at = at;
	vec_push(&t->o->arena, &c->lines,
		 (struct code_line){.insn = c->insns.n, .line = line << 10 | column});
	return asm_end(t);
}
