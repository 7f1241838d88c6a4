/*
 * asm.c: a text becomes an object: lines, labels, instructions; see asm.h.
 *
 * In:  the notation of docs/asm.md.
 * Out: an object whose programs are what the text says, each instruction with its line.
 *
 * A line is `.directive`, or `label: label: instruction`, all of which may be missing, and a
 * comment behind `;`, `//` or `#`. A number in front (`4:`), as listings have it, is a label as
 * well: the
 * `<7>` of a jump is the line `7:` where there is one, so that lines may be put into a listing.
 * Jumps are resolved when their program has ended.
 */
#include "object/asm_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SLOTS_MOST 1000000 /* the kernel's BPF_COMPLEXITY_LIMIT_INSNS */

struct loc asm_loc(const struct asm_text *t, const char *from, const char *to)
{
	return (struct loc){t->line, (u16)MIN(from - t->line_at + 1, UINT16_MAX),
			    (u16)MIN(MAX(to - from, 1), UINT16_MAX), 0};
}

/* ---- words */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '$';
}

void asm_blanks(struct asm_text *t)
{
	while (t->p < t->end && is_blank(*t->p))
		t->p++;
}

static const char *quoted(struct asm_text *t)
{
	char *out = arena_alloc(&t->o->arena, (size_t)(t->end - t->p)), *to = out;

	for (t->p++; t->p < t->end && *t->p != '"'; t->p++) {
		unsigned code;

		if (t->end - t->p > 3 && t->p[0] == '\\' && t->p[1] == 'x' &&
		    sscanf(t->p + 2, "%2x", &code) == 1 && code) {
			*to++ = (char)code;
			t->p += 3;
			continue;
		}
		t->p += *t->p == '\\' && t->p + 1 < t->end;
		*to++ = *t->p;
	}
	t->p += t->p < t->end;
	return out;
}

const char *asm_word(struct asm_text *t, struct loc *at)
{
	const char *from, *word;

	asm_blanks(t);
	from = t->p;
	if (from == t->end) {
		if (at)
			*at = asm_loc(t, from, from);
		return NULL;
	}
	if (*from == '"') {
		word = quoted(t);
	} else {
		while (t->p < t->end && !is_blank(*t->p))
			t->p++;
		word = arena_strndup(&t->o->arena, from, (size_t)(t->p - from));
	}
	if (at)
		*at = asm_loc(t, from, t->p);
	return word;
}

int asm_name(struct asm_text *t, const char *what, const char **out)
{
	struct loc at;

	*out = asm_word(t, &at);
	if (!*out)
		return diag_error(t->d, at, NULL, "here belongs %s", what);
	for (const char *p = *out; *p; p++)
		if (!is_name(*p))
			return diag_error(t->d, at, NULL, "'%s' is no name: it has a '%c'", *out,
					  *p);
	return 0;
}

int asm_number(struct asm_text *t, const char *what, u64 most, u64 *out)
{
	struct loc at;
	const char *word = asm_word(t, &at), *p = word;
	u32 base = 10;

	*out = 0;
	if (word && word[0] == '0' && (word[1] | 32) == 'x') {
		base = 16;
		p += 2;
	}
	for (; p && *p; p++) {
		u32 digit = *p >= '0' && *p <= '9' ? (u32)(*p - '0') : (u32)((*p | 32) - 'a' + 10);

		if (digit >= base || *out > (UINT64_MAX - digit) / base)
			break;
		*out = *out * base + digit;
	}
	if (!word || *p || p == word)
		return diag_error(t->d, at, NULL, "here belongs %s, a number", what);
	if (*out > most)
		return diag_error(t->d, at, NULL, "%s is %llu at most", what,
				  (unsigned long long)most);
	return 0;
}

int asm_end(struct asm_text *t)
{
	asm_blanks(t);
	if (t->p == t->end)
		return 0;
	return diag_error(t->d, asm_loc(t, t->p, t->end), NULL, "the line should end here");
}

/* ---- programs */

int asm_prog_begin(struct asm_text *t, const char *name, const char *section, u32 kind,
		   struct loc at)
{
	int err = asm_prog_end(t);

	if (err)
		return err;
	vec_each (p, &t->o->progs)
		if (!strcmp(p->name, name))
			return diag_error(t->d, at, NULL, "there is a program '%s' already", name);
	t->prog = t->o->progs.n;
	t->prog_at = at;
	vec_push(&t->o->arena, &t->o->progs,
		 (struct object_prog){
			 .name = name, .section = section, .probe = section, .kind = kind});
	return 0;
}

static struct code *code_of(struct asm_text *t)
{
	return &t->o->progs.v[t->prog].code;
}

static bool second_slot(const struct code *c, s64 insn)
{
	return insn > 0 && c->insns.v[insn - 1].code == (BPF_LD | BPF_IMM | BPF_DW) &&
	       !c->insns.v[insn].code;
}

static int no_label(struct asm_text *t, const struct asm_ref *r)
{
	struct near near = {.word = r->name};
	char hint[96] = "", helper[80];
	bool call = r->line.insn->code == (BPF_JMP | BPF_CALL);

	dict_each (e, &t->labels)
		near_try(&near, e->key);
	for (u32 id = 1; call && helper_by_id(id); id++) {
		snprintf(helper, sizeof(helper), "bpf_%s", helper_by_id(id)->name);
		near_try(&near, helper);
		if (near.best == helper)
			near.best = arena_strdup(&t->arena, helper);
	}
	if (near.best)
		snprintf(hint, sizeof(hint), "did you mean '%.70s'?", near.best);
	return diag_error(
		t->d, r->at, near.best ? hint : NULL, "there is no %s '%s' in program '%s'",
		call ? "helper and no label" : "label", r->name, t->o->progs.v[t->prog].name);
}

/* A jump or call finds its place. */
static int resolve(struct asm_text *t, const struct asm_ref *r)
{
	struct code *c = code_of(t);
	s64 distance = r->line.distance, target;
	struct asm_label *label = r->name ? dict_get(&t->labels, r->name) : NULL;

	if (label) {
		distance = (s64)label->insn - r->insn - 1;
	} else if (!r->line.has_distance) {
		return no_label(t, r);
	} else if (r->name) {
		char want[24];

		snprintf(want, sizeof(want), "%lld", (long long)r->insn + 1 + distance);
		if (strcmp(want, r->name) != 0)
			return diag_error(t->d, r->at, NULL, "pc%+lld is instruction %s, not %s",
					  (long long)distance, want, r->name);
	}
	target = (s64)r->insn + 1 + distance;
	if (target < 0 || target >= c->insns.n)
		return diag_error(t->d, r->at, NULL,
				  "instruction %lld is not in the program, which has %u",
				  (long long)target, c->insns.n);
	if (second_slot(c, target))
		return diag_error(t->d, r->at, NULL,
				  "instruction %lld is the second half of a 64-bit load",
				  (long long)target);
	if (!isa_set_target(&c->insns.v[r->insn], distance))
		return diag_error(t->d, r->at, "gotol reaches further",
				  "%lld instructions are too far for this jump",
				  (long long)distance);
	return 0;
}

static int by_insn(const void *a, const void *b)
{
	const struct code_func *x = a, *y = b;

	return x->insn < y->insn ? -1 : x->insn > y->insn;
}

/* A function begins where it is called. Its name is the label there. */
static void add_func(struct asm_text *t, struct code *c, u32 at)
{
	const char *name = NULL;

	vec_each (f, &c->funcs)
		if (f->insn == at)
			return;
	dict_each (e, &t->labels) {
		const struct asm_label *l = e->value;

		if (l->insn == at && !(*e->key >= '0' && *e->key <= '9') && !strpbrk(e->key, ".$"))
			name = e->key;
	}
	vec_push(&t->o->arena, &c->funcs,
		 (struct code_func){.insn = at,
				    .name = name ? arena_strdup(&t->o->arena, name)
						 : arena_printf(&t->o->arena, "function_%u", at)});
}

static void add_first(struct asm_text *t, struct code *c)
{
	if (!c->funcs.n || c->funcs.v[0].insn)
		vec_push(&t->o->arena, &c->funcs,
			 (struct code_func){.name = t->o->progs.v[t->prog].name});
}

static void find_funcs(struct asm_text *t)
{
	struct code *c = code_of(t);

	if (c->funcs.n)
		add_first(t, c);

	for (u32 i = 0; i < c->insns.n; i++) {
		const struct insn *in = &c->insns.v[i];
		s64 distance, target;

		if (!isa_target(in, &distance) ||
		    !(in->code == (BPF_JMP | BPF_CALL) || in->code == (BPF_LD | BPF_IMM | BPF_DW)))
			continue;
		target = (s64)i + 1 + distance;
		if (target <= 0 || target >= c->insns.n)
			continue;
		if (!c->funcs.n)
			add_first(t, c);
		add_func(t, c, (u32)target);
	}
	if (c->funcs.n)
		qsort(c->funcs.v, c->funcs.n, sizeof(*c->funcs.v), by_insn);
}

int asm_prog_end(struct asm_text *t)
{
	int err = 0;

	if (t->prog < 0)
		return 0;
	if (!code_of(t)->insns.n)
		return diag_error(t->d, t->prog_at, NULL, "program '%s' has no instructions",
				  t->o->progs.v[t->prog].name);
	for (u32 i = 0; i < t->refs.n && !err; i++)
		err = resolve(t, &t->refs.v[i]);
	if (!err)
		err = asm_names_end(t);
	if (!err)
		find_funcs(t);
	t->refs.n = 0;
	t->own_lines = false;
	t->labels = (struct dict){.arena = &t->arena};
	t->prog = -1;
	return err;
}

/* ---- lines */

/* Code before the first `.program`: the simplest kind there is. */
static int need_prog(struct asm_text *t, const char *at)
{
	if (t->prog >= 0)
		return 0;
	if (t->o->progs.n)
		return diag_error(t->d, asm_loc(t, at, at + 1), ".program NAME \"SECTION\"",
				  "this belongs to no program");
	return asm_prog_begin(t, "prog", "socket", PROG_SOCKET_FILTER, asm_loc(t, at, at + 1));
}

static int label(struct asm_text *t, const char *from, const char *to)
{
	const char *name = arena_strndup(&t->arena, from, (size_t)(to - from));
	struct asm_label *l;
	void **place;
	int err = need_prog(t, from);

	if (err)
		return err;
	place = dict_put(&t->labels, name);
	if (*place) {
		l = *place;
		return diag_error(t->d, asm_loc(t, from, to), NULL,
				  "there is a label '%s' already, in line %u", name, l->at.line);
	}
	l = arena_new(&t->arena, struct asm_label);
	*l = (struct asm_label){code_of(t)->insns.n, asm_loc(t, from, to)};
	*place = l;
	return 0;
}

/* Labels in front, and the code byte behind the number, as the verifier's log has it: "4: (b7)". */
static int labels(struct asm_text *t)
{
	for (;;) {
		const char *to = t->p;
		int err;

		while (to < t->end && is_name(*to))
			to++;
		if (to == t->p || to == t->end || *to != ':')
			return 0;
		err = label(t, t->p, to);
		if (err)
			return err;
		t->p = to + 1;
		asm_blanks(t);
		if (t->end - t->p > 4 && t->p[0] == '(' && t->p[3] == ')' && t->p[4] == ' ') {
			t->p += 5;
			asm_blanks(t);
		}
	}
}

/* `map[counts]`: the map is known by then. */
static int map_ref(struct asm_text *t, const char *name, struct loc at, struct asm_line *l)
{
	uintptr_t index = (uintptr_t)dict_get(&t->maps, name);
	struct code_reloc r = {.insn = code_of(t)->insns.n, .map = (u32)index - 1};
	const struct object_map *m;

	if (!index) {
		struct near near = {.word = name};
		char hint[96];

		dict_each (e, &t->maps)
			near_try(&near, e->key);
		snprintf(hint, sizeof(hint), "did you mean '%.70s'?", near.best ? near.best : "");
		return diag_error(t->d, at,
				  near.best ? hint : ".map NAME KIND key N value N entries N",
				  "there is no map '%s' above", name);
	}
	m = &t->o->maps.v[r.map];
	r.data = l->insn->src == BPF_PSEUDO_MAP_VALUE;
	if (r.data && m->section == SECTION_NONE)
		return diag_error(t->d, at, NULL,
				  "'%s' is a map: only those of .data have an address of a value",
				  name);
	if (!r.data && m->section != SECTION_NONE) {
		r.data = true;
		l->insn->src = BPF_PSEUDO_MAP_VALUE;
	}
	r.off = (u32)l->insn[1].imm;
	if (r.data && r.off >= object_map_bytes(t->o, m))
		return diag_error(t->d, at, NULL, "byte %u is behind the %llu of '%s'", r.off,
				  (unsigned long long)object_map_bytes(t->o, m), name);
	vec_push(&t->o->arena, &code_of(t)->relocs, r);
	return 0;
}

static int instruction(struct asm_text *t)
{
	struct asm_wrong wrong;
	struct asm_line l;
	const char *from = t->p, *name;
	struct loc at;
	struct code *c;
	int err = need_prog(t, from);

	if (err)
		return err;
	c = code_of(t);
	if (isa_asm(from, (size_t)(t->end - from), &l, &wrong))
		return diag_error(t->d, asm_loc(t, from + wrong.at, from + wrong.at + wrong.len),
				  *wrong.hint ? wrong.hint : NULL, "%s", wrong.text);
	if (c->insns.n + l.slots > SLOTS_MOST)
		return diag_error(t->d, asm_loc(t, from, t->end), NULL,
				  "a program has %u instructions at most", SLOTS_MOST);
	name = arena_strndup(&t->arena, from + l.name_at, l.name_len);
	at = l.name_len ? asm_loc(t, from + l.name_at, from + l.name_at + l.name_len)
			: asm_loc(t, from, t->end);
	if (t->names)
		err = asm_use_extern(t, l.insn);
	else if (l.names == ASM_MAP)
		err = map_ref(t, name, at, &l);
	else if (l.names == ASM_TARGET)
		vec_push(&t->arena, &t->refs,
			 (struct asm_ref){c->insns.n, l, l.name_len ? name : NULL, at});
	if (!t->own_lines)
		vec_push(&t->o->arena, &c->lines,
			 (struct code_line){.insn = c->insns.n,
					    .line = t->line << 10 |
						    (asm_loc(t, from, from).col & 1023)});
	for (u32 i = 0; i < l.slots; i++)
		vec_push(&t->o->arena, &c->insns, l.insn[i]);
	return err;
}

/* Where the comment of a line begins, or its end. '#' only behind a blank: a helper has one too. */
static const char *comment(const char *p, const char *end)
{
	const char *start = p;
	bool in_text = false;

	for (; p < end; p++) {
		if (*p == '"')
			in_text = !in_text;
		if (in_text) {
			p += *p == '\\' && p + 1 < end;
			continue;
		}
		if (*p == ';' || (*p == '/' && p + 1 < end && p[1] == '/'))
			return p;
		if (*p == '#' && (p == start || (is_blank(p[-1]) && p + 1 < end && !is_name(p[1]))))
			return p;
	}
	return end;
}

static int read_line(struct asm_text *t)
{
	int err;

	asm_blanks(t);
	while (t->end > t->p && is_blank(t->end[-1]))
		t->end--;
	err = labels(t);
	if (err || t->p == t->end)
		return err;
	if (*t->p == '.') {
		const char *from = t->p++;

		return asm_directive(t, asm_loc(t, from, t->end));
	}
	return instruction(t);
}

static int read_lines(struct asm_text *t, const char *p, const char *end)
{
	int err = 0;

	for (t->line = 1; p < end && !err; t->line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;

		if (t->line >> 22)
			return diag_fail(t->d, -EINVAL, NULL, "the text has too many lines");
		t->line_at = t->p = p;
		t->end = comment(p, stop);
		err = read_line(t);
		p = nl ? nl + 1 : end;
	}
	if (!err)
		err = asm_prog_end(t);
	if (!err && !t->o->progs.n)
		err = diag_fail(t->d, -EINVAL, NULL, "there is no instruction in the text");
	return err ? err : asm_whole(t);
}

static int read_all(struct asm_text *t, const char *p, size_t size)
{
	t->o->arena.escape = t->arena.escape = t->types.arena.escape = &t->escape;
	if (setjmp(t->escape))
		return diag_fail(t->d, -ENOMEM, NULL, "out of memory");
	t->maps.arena = t->labels.arena = t->externs.arena = &t->arena;
	t->o->license = "GPL";
	t->o->plain = true; /* until `.waggle` says otherwise */
	t->o->source = arena_strndup(&t->o->arena, p, size);
	t->o->source_size = size;
	t->o->source_name = t->d->file ? arena_strdup(&t->o->arena, t->d->file) : NULL;
	return read_lines(t, p, p + size);
}

int object_asm(struct object **out, const char *text, size_t size, struct diag *d)
{
	struct asm_text t = {.o = object_new(), .d = d, .prog = -1, .data = -1};
	int err;

	*out = NULL;
	if (!t.o)
		return diag_fail(d, -ENOMEM, NULL, "out of memory");
	err = read_all(&t, text, size);
	arena_free(&t.arena);
	btf_builder_free(&t.types);
	t.o->arena.escape = NULL;
	if (err)
		object_free(t.o);
	else
		*out = t.o;
	return err;
}
