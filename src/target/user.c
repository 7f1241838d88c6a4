/*
 * user.c: what user programs have to attach to: functions and USDT probes.
 *
 * In:  a mapped ELF file, which may be anything.
 * Out: its functions with their places in the file; its notes .note.stapsdt (see systemtap's
 *      "UserSpaceProbeImplementation"): three addresses - of the probe, of .stapsdt.base when it
 *      was linked, of the semaphore - then provider, name and operands as strings.
 */
#include "target/target.h"

#include <errno.h>

#define NOTE_STAPSDT 3

struct search {
	const struct user_file *file;
	const char *name; /* NULL: all */
	int (*fn)(void *, const struct user_symbol *);
	void *user;
};

/* Functions that are here, with the name that is looked for. */
static int take(const struct search *q, const struct elf_symbol *sym)
{
	struct user_symbol s = {.name = sym->name, .size = sym->size};

	if ((sym->type != ELF_FUNC && sym->type != ELF_IFUNC) || sym->section == ELF_SHN_UNDEF ||
	    !sym->value || !*sym->name || (q->name && strcmp(q->name, sym->name) != 0) ||
	    !elf_offset_of(&q->file->elf, sym->value, &s.offset))
		return 0;
	return q->fn(q->user, &s);
}

static u32 word(const struct elf_section *s, u64 i)
{
	u32 v = 0;

	if (i < s->size / 4)
		memcpy(&v, s->data + 4 * i, 4);
	return v;
}

/* The table that the dynamic linker uses, .gnu.hash: a count of buckets, the first symbol that is
 * in them, words of a bloom filter, its shift; the filter; the buckets; for each symbol its hash,
 * whose lowest bit ends a bucket. False: there is none. */
static bool by_hash(const struct search *q, const struct elf_section *table,
		    const struct elf_section *strings, int *stop)
{
	struct elf_section hash;
	struct elf_symbol sym;
	u32 h = 5381, buckets, first, chain;
	u64 i, link;

	if (!q->name || !elf_find(&q->file->elf, ".gnu.hash", &hash) || !hash.data ||
	    !word(&hash, 0))
		return false;
	for (const char *c = q->name; *c; c++)
		h = h * 33 + (u8)*c;
	first = word(&hash, 1);
	buckets = 4 + 2 * word(&hash, 2);
	chain = buckets + word(&hash, 0);
	i = word(&hash, buckets + h % word(&hash, 0));
	for (; i >= first && i < elf_count(table) && !*stop; i++) {
		link = chain + (i - first);
		if ((word(&hash, link) | 1) == (h | 1) && elf_symbol(table, strings, i, &sym))
			*stop = take(q, &sym);
		if (link >= hash.size / 4 || word(&hash, link) & 1)
			break;
	}
	return true;
}

static int symbols_of(const struct search *q, u32 type)
{
	struct elf_section table, strings;
	struct elf_symbol sym;
	int stop = 0;

	if (!elf_find_type(&q->file->elf, type, &table) ||
	    !elf_section(&q->file->elf, table.link, &strings))
		return 0;
	if (type == ELF_DYNSYM && by_hash(q, &table, &strings, &stop))
		return stop;
	for (u64 i = 1; i < elf_count(&table) && !stop; i++)
		if (elf_symbol(&table, &strings, i, &sym))
			stop = take(q, &sym);
	return stop;
}

int user_symbols_named(const struct user_file *f, const char *name,
		       int (*fn)(void *, const struct user_symbol *), void *user)
{
	const struct search q = {f, name, fn, user};
	int stop = symbols_of(&q, ELF_SYMTAB);

	return stop ? stop : symbols_of(&q, ELF_DYNSYM);
}

int user_symbols(const struct user_file *f, int (*fn)(void *, const struct user_symbol *),
		 void *user)
{
	return user_symbols_named(f, NULL, fn, user);
}

bool user_variable(const struct user_file *f, const char *name, u64 *addr, u64 *size)
{
	static const u32 types[] = {ELF_SYMTAB, ELF_DYNSYM};
	struct elf_section table, strings;
	struct elf_symbol sym;

	for (u32 t = 0; t < ARRAY_SIZE(types); t++) {
		if (!elf_find_type(&f->elf, types[t], &table) ||
		    !elf_section(&f->elf, table.link, &strings))
			continue;
		for (u64 i = 1; i < elf_count(&table); i++)
			if (elf_symbol(&table, &strings, i, &sym) && !strcmp(sym.name, name) &&
			    sym.section != ELF_SHN_UNDEF) {
				*addr = sym.value;
				*size = sym.size;
				return true;
			}
	}
	return false;
}

bool user_address(const struct user_file *f, const char *name, u64 *addr)
{
	u64 size;

	return user_variable(f, name, addr, &size);
}

static u64 get(const u8 *p, u32 bytes)
{
	u64 v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

/* One string; NULL: it does not end in the note. */
static const char *next_string(const u8 **p, const u8 *end)
{
	const char *s = (const char *)*p;
	const u8 *nul = *p < end ? memchr(*p, 0, (size_t)(end - *p)) : NULL;

	*p = nul ? nul + 1 : end;
	return nul ? s : NULL;
}

/* The body of a note; false: broken, or its place is not in the file. */
static bool read_note(const struct user_file *f, const struct elf_section *base, const u8 *p,
		      u64 size, struct usdt_note *n)
{
	const u8 *end = p + size;
	u64 moved, semaphore;

	if (size < 24)
		return false;
	/* a file that was prelinked has moved since the note was written */
	moved = base->name ? base->addr - get(p + 8, 8) : 0;
	semaphore = get(p + 16, 8);
	n->semaphore = 0;
	n->addr = get(p, 8) + moved;
	if (!elf_offset_of(&f->elf, n->addr, &n->offset) ||
	    (semaphore && !elf_offset_of(&f->elf, semaphore + moved, &n->semaphore)))
		return false;
	p += 24;
	n->provider = next_string(&p, end);
	n->name = next_string(&p, end);
	n->args = next_string(&p, end);
	return n->provider && n->name && n->args;
}

int usdt_notes(const struct user_file *f, int (*fn)(void *, const struct usdt_note *), void *user)
{
	struct elf_section s, base = {0};
	struct usdt_note note;
	u64 at = 0;
	int stop = 0;

	if (!elf_find(&f->elf, ".note.stapsdt", &s) || !s.data)
		return 0;
	if (!elf_find(&f->elf, ".stapsdt.base", &base))
		base.name = NULL;
	while (s.size - at >= 12 && !stop) {
		u64 name = ALIGN_UP(get(s.data + at, 4), 4), desc = get(s.data + at + 4, 4);
		u64 type = get(s.data + at + 8, 4), body = at + 12 + name;

		if (body > s.size || desc > s.size - body)
			break;
		if (type == NOTE_STAPSDT && name == 8 && !memcmp(s.data + at + 12, "stapsdt", 8) &&
		    read_note(f, &base, s.data + body, desc, &note))
			stop = fn(user, &note);
		at = body + ALIGN_UP(desc, 4);
		if (at > s.size)
			break;
	}
	return stop;
}

int target_file(struct target *t, const char *name, u32 pid, struct loc at, struct user_file **out,
		struct diag *d)
{
	int err = t->ops->file(t, name, pid, out);

	switch (err) {
	case 0: break;
	case -ENOENT:
		diag_error(d, at,
			   strchr(name, '/') ? NULL : "a path has a slash: ./prog, /bin/prog",
			   strchr(name, '/') ? "there is no file '%s'"
					     : "'%s' is no program on PATH and no library",
			   name);
		break;
	case -EACCES:
		diag_error(d, at, "run as root (sudo waggle ...)", "no permission to read '%s'",
			   name);
		break;
	case -EISDIR: diag_error(d, at, NULL, "'%s' is a folder", name); break;
	case -ENOEXEC:
		diag_error(d, at, "probe the program that runs it, or its library",
			   "'%s' is not a 64-bit ELF file", name);
		break;
	case -EOPNOTSUPP:
		diag_error(d, at, "compile on the machine that has them",
			   "a saved target does not hold files of user space ('%s')", name);
		break;
	default: diag_error(d, at, NULL, "cannot read '%s': %s", name, strerror(-err));
	}
	return err;
}
