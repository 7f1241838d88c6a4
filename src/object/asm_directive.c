/*
 * asm_directive.c: what is around the instructions: licence, programs, maps, data, raw bytes.
 *
 * In:  a line that begins with a dot.
 * Out: a part of the object. One row a directive.
 */
#include "object/asm_text.h"
#include "object/plain.h"

#include <errno.h>
#include <stdio.h>

static int license(struct asm_text *t, struct loc at)
{
	t->o->license = asm_word(t, NULL);
	if (!t->o->license)
		return diag_error(t->d, at, "\"GPL\"", "here belongs the licence");
	return asm_end(t);
}

/* ---- programs */

static int kind_by_name(struct asm_text *t, const char *word, struct loc at, u32 *out)
{
	struct near near = {.word = word};
	char hint[64];

	for (u32 id = 1; prog_kind(id); id++) {
		if (!strcmp(prog_kind(id)->name, word)) {
			*out = id;
			return 0;
		}
		near_try(&near, prog_kind(id)->name);
	}
	snprintf(hint, sizeof(hint), "did you mean '%s'?", near.best ? near.best : "");
	return diag_error(t->d, at, near.best ? hint : NULL, "there is no kind of program '%s'",
			  word);
}

/* .program NAME "SECTION" [KIND]; without KIND it is what libbpf takes the section for. */
static int program(struct asm_text *t, struct loc at)
{
	const char *name, *section, *word;
	struct loc section_at, word_at;
	u32 kind = 0;
	int err = asm_name(t, "the name of a program", &name);

	if (err)
		return err;
	section = asm_word(t, &section_at);
	if (!section || !*section || (*section == '.' && strcmp(section, ".text") != 0))
		return diag_error(t->d, section_at, "\"xdp\", \"tracepoint/sched/sched_switch\"",
				  "here belongs the name of its section");
	word = asm_word(t, &word_at);
	if (!word && sec_find(section))
		kind = sec_find(section)->kind;
	else if (!word && *section != '.') /* .text: bare code, for our own machine */
		err = kind_by_name(t, arena_strndup(&t->arena, section, strcspn(section, "/")),
				   section_at, &kind);
	else if (word)
		err = kind_by_name(t, word, word_at, &kind);
	if (!err)
		err = asm_end(t);
	return err ? err : asm_prog_begin(t, name, section, kind, at);
}

/* .insn: 8 bytes as they are, for what is no instruction */
static int insn(struct asm_text *t, struct loc at)
{
	u8 bytes[sizeof(struct insn)] = {0};
	u32 digits = 0;

	if (t->prog < 0)
		return diag_error(t->d, at, ".program NAME \"SECTION\"",
				  "this belongs to no program");
	for (; t->p < t->end; t->p++) {
		u8 c = (u8)*t->p | 32, digit;

		if (c == ' ' || *t->p == '\t')
			continue;
		digit = c >= '0' && c <= '9' ? c - '0' : c - 'a' + 10;
		if (digit > 15 || digits == 16)
			break;
		bytes[digits / 2] = (u8)(bytes[digits / 2] << 4 | digit);
		digits++;
	}
	if (t->p < t->end || digits != 16)
		return diag_error(t->d, at, NULL, ".insn takes 8 bytes, as two hexadecimal digits");
	memcpy(vec_add(&t->o->arena, &t->o->progs.v[t->prog].code.insns), bytes, sizeof(bytes));
	return 0;
}

/* ---- maps */

static int map_kind_by_name(struct asm_text *t, u32 *out)
{
	struct loc at;
	const char *word = asm_word(t, &at);
	struct near near = {.word = word ? word : ""};
	char hint[64];

	for (u32 id = 1; word && map_kind(id); id++) {
		if (!strcmp(map_kind(id)->name, word)) {
			*out = id;
			return 0;
		}
		near_try(&near, map_kind(id)->name);
	}
	snprintf(hint, sizeof(hint), "did you mean '%s'?", near.best ? near.best : "");
	return diag_error(t->d, at, near.best ? hint : NULL, "%s%s%s",
			  word ? "there is no kind of map '" : "here belongs the kind of the map",
			  word ? word : "", word ? "'" : "");
}

/* key N value N entries N flags N ... in any order; behind `inner` those of the maps inside */
static int map_sizes(struct asm_text *t, struct object_map *m)
{
	struct object_map_inner *in = &m->inner;
	static const char *const words[] = {"key",  "value",   "entries",   "flags", "extra",
					    "node", "keytype", "valuetype", "inner", "pinned"};
	u32 *outer[] = {&m->key_size, &m->value_size, &m->max_entries, &m->flags,
			NULL,         &m->numa_node,  &m->btf_key,     &m->btf_value};
	u32 *inner[ARRAY_SIZE(outer)] = {&in->key_size, &in->value_size, &in->max_entries,
					 &in->flags};
	u32 **fields = outer, i;
	struct loc at;
	const char *word;
	int err = 0;

	while (!err && (word = asm_word(t, &at))) {
		u64 number = 0, *wide = fields == inner ? &in->extra : &m->extra;

		for (i = 0; i < ARRAY_SIZE(words) && strcmp(word, words[i]) != 0; i++)
			;
		if (i == ARRAY_SIZE(words) || (fields == inner && i > 4))
			return diag_error(t->d, at,
					  "key, value, entries, flags, extra, node, keytype, "
					  "valuetype, pinned, inner",
					  "'%s' is nothing that a map has", word);
		if (!strcmp(word, "inner")) {
			fields = inner;
			err = map_kind_by_name(t, &in->kind);
		} else if (!strcmp(word, "pinned")) {
			m->pinned = true;
		} else {
			err = asm_number(t, words[i], fields[i] ? UINT32_MAX : UINT64_MAX, &number);
			if (fields[i])
				*fields[i] = (u32)number;
			else
				*wide = number;
		}
	}
	return err;
}

static int new_map(struct asm_text *t, struct loc at, const char **name)
{
	int err = asm_name(t, "the name of a map", name);
	void **place;

	if (err)
		return err;
	place = dict_put(&t->maps, *name);
	if (*place)
		return diag_error(t->d, at, NULL, "there is a map '%s' already", *name);
	*place = (void *)(uintptr_t)(t->o->maps.n + 1);
	return 0;
}

/* .map NAME KIND key N value N entries N [flags N] [inner KIND ...] */
static int map(struct asm_text *t, struct loc at)
{
	struct object_map m = {.at = at};
	int err = new_map(t, at, &m.name);

	if (!err)
		err = map_kind_by_name(t, &m.kind);
	if (!err)
		err = map_sizes(t, &m);
	m.fill_per_cpu = m.kind == MAP_ARRAY_OF_MAPS && m.inner.kind == MAP_RINGBUF;
	if (!err)
		vec_push(&t->o->arena, &t->o->maps, m);
	return err;
}

/* ---- data */

/* .data NAME SIZE [percpu N] */
static int data(struct asm_text *t, struct loc at)
{
	static const char *const names[] = {
		[SECTION_BSS] = ".bss", [SECTION_DATA] = ".data", [SECTION_RODATA] = ".rodata"};
	struct object_map m = {.at = at, .kind = MAP_ARRAY, .key_size = 4, .max_entries = 1};
	const char *word;
	u64 number;
	int err = new_map(t, at, &m.name);

	if (err)
		return err;
	for (u32 i = SECTION_BSS; i <= SECTION_RODATA; i++) {
		size_t n = strlen(names[i]);

		if (!strncmp(m.name, names[i], n) && (!m.name[n] || m.name[n] == '.'))
			m.section = (u8)i;
	}
	if (!strcmp(m.name, ".kconfig"))
		m.section = SECTION_RODATA;
	if (!m.section)
		return diag_error(t->d, at, ".bss, .data, .rodata, .data.NAME",
				  "'%s' is no section of data", m.name);
	err = asm_number(t, "its size", ASM_DATA_MOST, &number);
	if (err)
		return err;
	m.value_size = (u32)number;
	word = asm_word(t, NULL);
	if (word && !strcmp(word, "percpu")) {
		err = asm_number(t, "bytes for each CPU", ASM_DATA_MOST, &number);
		m.per_cpu = (u32)number;
	} else if (word) {
		err = diag_error(t->d, at, "percpu N", "'%s' is nothing that data has", word);
	}
	if (err)
		return err;
	if (m.section != SECTION_BSS && m.value_size && strcmp(m.name, ".kconfig") != 0)
		m.data = arena_alloc(&t->o->arena, m.value_size);
	t->data = t->o->maps.n;
	t->in_contents = false;
	t->data_used = 0;
	vec_push(&t->o->arena, &t->o->maps, m);
	return asm_end(t);
}

/* Two hexadecimal digits. */
static bool byte_of(const char *word, u8 *out)
{
	u32 value = 0, n = 0;

	for (; n < 3 && word[n]; n++) {
		u8 c = (u8)word[n] | 32;
		u8 digit = c >= '0' && c <= '9' ? c - '0' : c - 'a' + 10;

		value = value << 4 | (digit > 15 ? 256u : digit);
	}
	*out = (u8)value;
	return n == 2 && value <= 255;
}

/* .bytes 01 02 ff: contents of what is above, from where the last ones ended */
static int bytes(struct asm_text *t, struct loc at)
{
	const struct object_map *m = t->data < 0 || t->in_contents ? NULL : &t->o->maps.v[t->data];
	u32 most = m && m->data ? m->value_size : 0;
	const char *word;
	struct loc word_at;

	if (!t->in_contents && !most)
		return diag_error(t->d, at, ".data .rodata SIZE",
				  "these bytes belong to no data that has contents");
	while ((word = asm_word(t, &word_at))) {
		u8 value;

		if (!byte_of(word, &value))
			return diag_error(t->d, word_at, NULL,
					  "'%s' is no byte: two hexadecimal digits", word);
		if (!m)
			vec_push(&t->arena, &t->contents, value);
		else if (t->data_used == most)
			return diag_error(t->d, word_at, NULL, "'%s' has %u bytes only", m->name,
					  most);
		else
			m->data[t->data_used++] = value;
	}
	return 0;
}

/* .waggle: an object of our own compiler, whose .bss and .rodata begin as object/control.h says;
 * the bytes that follow are its section of that name */
static int waggle(struct asm_text *t, struct loc at)
{
	(void)at;
	t->o->plain = false;
	t->in_contents = true;
	return asm_end(t);
}

/* ---- the table */

static const struct {
	const char *name;
	int (*fn)(struct asm_text *, struct loc at);
} directives[] = {
	{"license", license}, {"program", program}, {"map", map},       {"data", data},
	{"bytes", bytes},     {"insn", insn},       {"waggle", waggle}, {"extern", asm_extern},
	{"names", asm_names}, {"core", asm_core},   {"func", asm_func}, {"slot", asm_slot},
	{"type", asm_type},   {"line", asm_line},
};
static const char *const rows[] = {"member", "value", "param", "place"};

int asm_directive(struct asm_text *t, struct loc at)
{
	const char *name = asm_word(t, NULL);
	struct near near = {.word = name ? name : ""};
	char hint[64];

	for (u32 i = 0; name && i < ARRAY_SIZE(directives); i++) {
		if (!strcmp(directives[i].name, name))
			return directives[i].fn(t, at);
		near_try(&near, directives[i].name);
	}
	for (u32 i = 0; name && i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i], name))
			return asm_type_row(t, name, at);
	snprintf(hint, sizeof(hint), "did you mean '.%s'?", near.best ? near.best : "");
	at.len = (u16)(name ? strlen(name) + 1 : 1);
	return diag_error(t->d, at,
			  near.best ? hint : ".license, .program, .map, .data, .bytes, .insn",
			  "there is no directive '.%s'", name ? name : "");
}
