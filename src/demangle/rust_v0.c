/*
 * rust_v0.c: names of Rust in the form v0 (RFC 2603).
 *
 * In:  _RNvNtCs1234_7mycrate3foo3bar. Out: mycrate::foo::bar, without the hashes of crates.
 *
 * Text is written while the name is read. A back reference (B) reads an earlier place again, so a
 * short name may mean endless text: depth, steps and bytes are counted.
 */
#include "demangle/rust.h"

/* ---- lifetimes */

static void put_lifetime(struct rust *r, u64 index)
{
	char name[3] = "'_";

	put(r, name);
	if (!index)
		return;
	if (index > r->lifetimes)
		return fail(r);
	index = r->lifetimes - index; /* depth */
	if (!r->silent && index < 26)
		r->out->p[r->out->n - 1] = (char)('a' + index);
	else
		put_u64(r, index);
}

/* G <number>: for<'a, 'b>; returns how many to take back. */
static u32 binder(struct rust *r)
{
	u64 n = rust_optional(r, 'G');

	if (!n)
		return 0;
	if (n > 1000)
		return fail(r), 0;
	put(r, "for<");
	for (u64 i = 0; i < n; i++) {
		put(r, i ? ", " : "");
		r->lifetimes++;
		put_lifetime(r, 1);
	}
	put(r, "> ");
	return (u32)n;
}

/* ---- paths */

static void generic_arg(struct rust *r)
{
	if (take(r, 'L'))
		put_lifetime(r, rust_number(r));
	else if (take(r, 'K'))
		rust_constant(r, false);
	else
		rust_type(r);
}

static void generic_args(struct rust *r)
{
	for (u32 i = 0; !r->failed && !take(r, 'E'); i++) {
		put(r, i ? ", " : "");
		generic_arg(r);
	}
}

/* N <namespace> <path> <identifier> */
static void nested(struct rust *r, bool value)
{
	char space = peek(r);
	struct rust_ident id;
	u64 number;

	r->p += space != 0;
	rust_path(r, value);
	number = rust_optional(r, 's');
	id = rust_identifier(r);
	if (space >= 'A' && space <= 'Z') { /* {closure#0}, {shim:name#0} */
		put(r, "::{");
		if (space == 'C')
			put(r, "closure");
		else if (space == 'S')
			put(r, "shim");
		else
			put_n(r, &space, 1);
		put(r, id.n ? ":" : "");
		rust_put_identifier(r, &id);
		put(r, "#");
		put_u64(r, number);
		put(r, "}");
	} else if (space >= 'a' && space <= 'z') {
		if (!id.n)
			return;
		put(r, "::");
		rust_put_identifier(r, &id);
	} else {
		fail(r);
	}
}

/* M, X, Y: something of a type, of a trait for a type */
static void of_type(struct rust *r, char kind)
{
	bool silent = r->silent;

	if (kind != 'Y') { /* where the impl stands is not said */
		rust_optional(r, 's');
		r->silent = true;
		rust_path(r, false);
		r->silent = silent;
	}
	put(r, "<");
	rust_type(r);
	if (kind != 'M') {
		put(r, " as ");
		rust_path(r, false);
	}
	put(r, ">");
}

void rust_path(struct rust *r, bool value)
{
	struct rust_ident id;
	char kind = peek(r);

	if (!enter(r))
		return;
	r->p += kind != 0;
	switch (kind) {
	case 'C':
		rust_optional(r, 's');
		id = rust_identifier(r);
		rust_put_identifier(r, &id);
		break;
	case 'N': nested(r, value); break;
	case 'M':
	case 'X':
	case 'Y': of_type(r, kind); break;
	case 'I':
		rust_path(r, value);
		put(r, value ? "::<" : "<");
		generic_args(r);
		put(r, ">");
		break;
	case 'B': AGAIN(r, rust_path(r, value)); break;
	default: fail(r);
	}
	r->depth--;
}

/* ---- types */

static const char *basic(char c)
{
	static const char *const names[26] = {"i8",   "bool",  "char",  "f64", "str", "f32", NULL,
					      "u8",   "isize", "usize", NULL,  "i32", "u32", "i128",
					      "u128", "_",     NULL,    NULL,  "i16", "u16", "()",
					      "...",  NULL,    "i64",   "u64", "!"};

	return c >= 'a' && c <= 'z' ? names[c - 'a'] : NULL;
}

static void put_abi(struct rust *r)
{
	struct rust_ident abi = {"C", 1, false};

	put(r, "extern \"");
	if (!take(r, 'C'))
		abi = rust_identifier(r);
	for (size_t i = 0; i < abi.n; i++)
		put_n(r, abi.p[i] == '_' ? "-" : abi.p + i, 1);
	put(r, "\" ");
}

/* F [G <number>] [U] [K <abi>] <type>* E <type> */
static void fn_type(struct rust *r)
{
	u32 bound = binder(r);

	if (take(r, 'U'))
		put(r, "unsafe ");
	if (take(r, 'K'))
		put_abi(r);
	put(r, "fn(");
	for (u32 i = 0; !r->failed && !take(r, 'E'); i++) {
		put(r, i ? ", " : "");
		rust_type(r);
	}
	put(r, ")");
	if (!take(r, 'u')) {
		put(r, " -> ");
		rust_type(r);
	}
	r->lifetimes -= bound;
}

/* A path whose <...> is left open, for what follows. */
static bool open_path(struct rust *r)
{
	bool open = false;

	if (take(r, 'B')) {
		AGAIN(r, open = open_path(r));
		return open;
	}
	if (!take(r, 'I')) {
		rust_path(r, false);
		return false;
	}
	rust_path(r, false);
	put(r, "<");
	generic_args(r);
	return true;
}

static void dyn_trait(struct rust *r)
{
	bool open = open_path(r);
	struct rust_ident name;

	while (take(r, 'p')) {
		put(r, open ? ", " : "<");
		open = true;
		name = rust_identifier(r);
		rust_put_identifier(r, &name);
		put(r, " = ");
		rust_type(r);
	}
	put(r, open ? ">" : "");
}

static void dyn_type(struct rust *r)
{
	u32 bound;
	u64 lifetime;

	put(r, "dyn ");
	bound = binder(r);
	for (u32 i = 0; !r->failed && !take(r, 'E'); i++) {
		put(r, i ? " + " : "");
		dyn_trait(r);
	}
	r->lifetimes -= bound;
	if (!take(r, 'L'))
		return fail(r);
	lifetime = rust_number(r);
	if (lifetime) {
		put(r, " + ");
		put_lifetime(r, lifetime);
	}
}

static void reference(struct rust *r, bool mutable)
{
	u64 lifetime;

	put(r, "&");
	if (take(r, 'L')) {
		lifetime = rust_number(r);
		if (lifetime) {
			put_lifetime(r, lifetime);
			put(r, " ");
		}
	}
	put(r, mutable ? "mut " : "");
	rust_type(r);
}

static void tuple(struct rust *r)
{
	u32 n = 0;

	put(r, "(");
	for (; !r->failed && !take(r, 'E'); n++) {
		put(r, n ? ", " : "");
		rust_type(r);
	}
	put(r, n == 1 ? ",)" : ")");
}

static void array(struct rust *r, bool counted)
{
	put(r, "[");
	rust_type(r);
	if (counted) {
		put(r, "; ");
		rust_constant(r, true);
	}
	put(r, "]");
}

void rust_type(struct rust *r)
{
	char kind = peek(r);

	if (!enter(r))
		return;
	r->p += kind != 0;
	switch (kind) {
	case 'R':
	case 'Q': reference(r, kind == 'Q'); break;
	case 'P':
	case 'O':
		put(r, kind == 'P' ? "*const " : "*mut ");
		rust_type(r);
		break;
	case 'A':
	case 'S': array(r, kind == 'A'); break;
	case 'T': tuple(r); break;
	case 'F': fn_type(r); break;
	case 'D': dyn_type(r); break;
	case 'B': AGAIN(r, rust_type(r)); break;
	default:
		if (basic(kind)) {
			put(r, basic(kind));
			break;
		}
		r->p -= kind != 0;
		rust_path(r, false);
	}
	r->depth--;
}

/* ---- the whole */

bool demangle_rust_v0(struct buf *out, const char *name, size_t len, enum demangle_as as)
{
	struct rust r = {.start = name + 2, .p = name + 2, .end = name + len, .out = out};

	(void)as;
	if (peek(&r) < 'A' || peek(&r) > 'Z')
		return false;
	rust_path(&r, true);
	if (!r.failed && r.p < r.end && *r.p >= 'A' && *r.p <= 'Z') { /* the crate that made it */
		r.silent = true;
		rust_path(&r, false);
	}
	return !r.failed && out->n && (r.p == r.end || *r.p == '.' || *r.p == '$');
}
