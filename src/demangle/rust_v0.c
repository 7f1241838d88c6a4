/*
 * rust_v0.c: names of Rust in the form v0 (RFC 2603).
 *
 * In:  _RNvNtCs1234_7mycrate3foo3bar. Out: mycrate::foo::bar, without the hashes of crates.
 *
 * Text is written while the name is read. A back reference (B) reads an earlier place again, so a
 * short name may mean endless text: depth, steps and bytes are counted.
 */
#include "demangle/inside.h"

#define DEPTH_MOST 300
#define STEPS_MOST 100000
#define PUNY_MOST  256 /* characters of an identifier that is not ASCII */

struct rust {
	const char *start, *p, *end; /* start: what back references count from */
	struct buf *out;
	u32 depth, steps, lifetimes;
	bool silent, failed;
};

static void path(struct rust *r, bool value);
static void type(struct rust *r);
static void constant(struct rust *r, bool inside);

static void fail(struct rust *r)
{
	r->failed = true;
}

static bool enter(struct rust *r)
{
	if (++r->depth > DEPTH_MOST || ++r->steps > STEPS_MOST || r->out->n > DEMANGLE_TEXT_MOST)
		fail(r);
	return !r->failed;
}

static char peek(const struct rust *r)
{
	return r->p < r->end ? *r->p : 0;
}

static bool take(struct rust *r, char c)
{
	if (r->failed || peek(r) != c)
		return false;
	r->p++;
	return true;
}

static void put_n(struct rust *r, const char *text, size_t n)
{
	if (!r->silent && !r->failed)
		buf_add(r->out, text, n);
}

static void put(struct rust *r, const char *text)
{
	put_n(r, text, strlen(text));
}

static void put_u64(struct rust *r, u64 v)
{
	if (!r->silent && !r->failed)
		buf_u64(r->out, v);
}

/* ---- numbers */

/* "_" is 0, "0_" is 1, ... */
static u64 base62(struct rust *r)
{
	u64 v = 0, digit;

	if (take(r, '_'))
		return 0;
	while (!r->failed && !take(r, '_')) {
		char c = peek(r);

		if (c >= '0' && c <= '9')
			digit = (u64)(c - '0');
		else if (c >= 'a' && c <= 'z')
			digit = (u64)(c - 'a') + 10;
		else if (c >= 'A' && c <= 'Z')
			digit = (u64)(c - 'A') + 36;
		else
			return fail(r), 0;
		if (v > UINT64_MAX / 62 - 62)
			return fail(r), 0;
		v = v * 62 + digit;
		r->p++;
	}
	return v + 1;
}

/* With a letter in front; else 0. */
static u64 optional(struct rust *r, char letter)
{
	return take(r, letter) ? base62(r) + 1 : 0;
}

/* ---- identifiers */

struct ident {
	const char *p;
	size_t n;
	bool puny;
};

static struct ident identifier(struct rust *r)
{
	struct ident id = {.puny = take(r, 'u')};
	size_t n = 0;

	if (take(r, '0')) {
		n = 0;
	} else if (peek(r) >= '1' && peek(r) <= '9') {
		while (peek(r) >= '0' && peek(r) <= '9' && n < 100000)
			n = n * 10 + (size_t)(*r->p++ - '0');
	} else {
		fail(r);
	}
	take(r, '_');
	if (r->failed || n > (size_t)(r->end - r->p))
		return fail(r), id;
	id.p = r->p;
	id.n = n;
	r->p += n;
	return id;
}

static void put_utf8(struct rust *r, u32 c)
{
	if (!r->silent && !r->failed)
		demangle_utf8(r->out, c);
}

static u32 puny_adapt(u32 delta, u32 count, bool first)
{
	u32 k = 0;

	delta = first ? delta / 700 : delta / 2;
	for (delta += delta / count; delta > 35 * 26 / 2; k += 36)
		delta /= 35;
	return k + 36 * delta / (delta + 38);
}

/* One number of punycode (RFC 3492), whose digits end where they are small enough. */
static bool puny_number(const char **p, const char *end, u32 bias, u64 *i)
{
	u64 weight = 1;

	for (u32 k = 36;; k += 36) {
		u32 t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias, digit;

		if (*p == end || weight > UINT32_MAX)
			return false;
		if (**p >= 'a' && **p <= 'z')
			digit = (u32)(**p - 'a');
		else if (**p >= '0' && **p <= '9')
			digit = (u32)(**p - '0') + 26;
		else
			return false;
		(*p)++;
		*i += digit * weight;
		if (digit < t)
			return *i <= UINT32_MAX;
		weight *= 36 - t;
	}
}

static bool puny_decode(const struct ident *id, u32 *chars, u32 *count)
{
	const char *delta = id->n ? memrchr(id->p, '_', id->n) : NULL, *p = id->p;
	const char *end = id->p + id->n;
	u32 bias = 72, n = 0;
	u64 i = 0, c = 128, before;

	if (id->n > PUNY_MOST)
		return false;
	for (; delta && p < delta; p++)
		chars[n++] = (u8)*p;
	p = delta ? delta + 1 : id->p;
	while (p < end) {
		before = i;
		if (n == PUNY_MOST || !puny_number(&p, end, bias, &i))
			return false;
		bias = puny_adapt((u32)(i - before), n + 1, !before);
		c += i / (n + 1);
		i %= n + 1;
		if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return false;
		memmove(chars + i + 1, chars + i, (n - i) * sizeof(*chars));
		chars[i++] = (u32)c;
		n++;
	}
	*count = n;
	return true;
}

static void put_ident(struct rust *r, const struct ident *id)
{
	u32 chars[PUNY_MOST], n = 0;

	if (!id->puny) {
		put_n(r, id->p, id->n);
	} else if (puny_decode(id, chars, &n)) {
		for (u32 i = 0; i < n; i++)
			put_utf8(r, chars[i]);
	} else {
		put(r, "punycode{");
		put_n(r, id->p, id->n);
		put(r, "}");
	}
}

/* ---- back references */

/* Reads what stands at an earlier place; B is taken already. */
#define AGAIN(r, call)                                                              \
	do {                                                                        \
		const char *at_ = (r)->p, *back_;                                   \
		u64 place_ = base62(r);                                             \
                                                                                    \
		if ((r)->failed || place_ >= (u64)(at_ - 1 - (r)->start)) {         \
			fail(r);                                                    \
			break;                                                      \
		}                                                                   \
		if ((r)->silent) /* it was read once: nothing can be wrong in it */ \
			break;                                                      \
		back_ = (r)->p;                                                     \
		(r)->p = (r)->start + place_;                                       \
		call;                                                               \
		(r)->p = back_;                                                     \
	} while (0)

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
	u64 n = optional(r, 'G');

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
		put_lifetime(r, base62(r));
	else if (take(r, 'K'))
		constant(r, false);
	else
		type(r);
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
	struct ident id;
	u64 number;

	r->p += space != 0;
	path(r, value);
	number = optional(r, 's');
	id = identifier(r);
	if (space >= 'A' && space <= 'Z') { /* {closure#0}, {shim:name#0} */
		put(r, "::{");
		if (space == 'C')
			put(r, "closure");
		else if (space == 'S')
			put(r, "shim");
		else
			put_n(r, &space, 1);
		put(r, id.n ? ":" : "");
		put_ident(r, &id);
		put(r, "#");
		put_u64(r, number);
		put(r, "}");
	} else if (space >= 'a' && space <= 'z') {
		if (!id.n)
			return;
		put(r, "::");
		put_ident(r, &id);
	} else {
		fail(r);
	}
}

/* M, X, Y: something of a type, of a trait for a type */
static void of_type(struct rust *r, char kind)
{
	bool silent = r->silent;

	if (kind != 'Y') { /* where the impl stands is not said */
		optional(r, 's');
		r->silent = true;
		path(r, false);
		r->silent = silent;
	}
	put(r, "<");
	type(r);
	if (kind != 'M') {
		put(r, " as ");
		path(r, false);
	}
	put(r, ">");
}

static void path(struct rust *r, bool value)
{
	struct ident id;
	char kind = peek(r);

	if (!enter(r))
		return;
	r->p += kind != 0;
	switch (kind) {
	case 'C':
		optional(r, 's');
		id = identifier(r);
		put_ident(r, &id);
		break;
	case 'N': nested(r, value); break;
	case 'M':
	case 'X':
	case 'Y': of_type(r, kind); break;
	case 'I':
		path(r, value);
		put(r, value ? "::<" : "<");
		generic_args(r);
		put(r, ">");
		break;
	case 'B': AGAIN(r, path(r, value)); break;
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
	struct ident abi = {"C", 1, false};

	put(r, "extern \"");
	if (!take(r, 'C'))
		abi = identifier(r);
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
		type(r);
	}
	put(r, ")");
	if (!take(r, 'u')) {
		put(r, " -> ");
		type(r);
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
		path(r, false);
		return false;
	}
	path(r, false);
	put(r, "<");
	generic_args(r);
	return true;
}

static void dyn_trait(struct rust *r)
{
	bool open = open_path(r);
	struct ident name;

	while (take(r, 'p')) {
		put(r, open ? ", " : "<");
		open = true;
		name = identifier(r);
		put_ident(r, &name);
		put(r, " = ");
		type(r);
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
	lifetime = base62(r);
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
		lifetime = base62(r);
		if (lifetime) {
			put_lifetime(r, lifetime);
			put(r, " ");
		}
	}
	put(r, mutable ? "mut " : "");
	type(r);
}

static void tuple(struct rust *r)
{
	u32 n = 0;

	put(r, "(");
	for (; !r->failed && !take(r, 'E'); n++) {
		put(r, n ? ", " : "");
		type(r);
	}
	put(r, n == 1 ? ",)" : ")");
}

static void array(struct rust *r, bool counted)
{
	put(r, "[");
	type(r);
	if (counted) {
		put(r, "; ");
		constant(r, true);
	}
	put(r, "]");
}

static void type(struct rust *r)
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
		type(r);
		break;
	case 'A':
	case 'S': array(r, kind == 'A'); break;
	case 'T': tuple(r); break;
	case 'F': fn_type(r); break;
	case 'D': dyn_type(r); break;
	case 'B': AGAIN(r, type(r)); break;
	default:
		if (basic(kind)) {
			put(r, basic(kind));
			break;
		}
		r->p -= kind != 0;
		path(r, false);
	}
	r->depth--;
}

/* ---- constants */

static s32 nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hexadecimal digits up to "_". */
static size_t digits(struct rust *r, const char **p)
{
	size_t n = 0;

	*p = r->p;
	while (nibble(peek(r)) >= 0)
		r->p++, n++;
	if (!take(r, '_'))
		fail(r);
	return r->failed ? 0 : n;
}

static u64 hex_value(const char *p, size_t n)
{
	u64 v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 4 | (u64)nibble(p[i]);
	return v;
}

static void put_char(struct rust *r, u32 c, char quote)
{
	char hex[16];

	if (c == (u8)quote || c == '\\') {
		put(r, "\\");
		put_utf8(r, c);
	} else if (c == '\n' || c == '\t' || c == '\r') {
		put(r, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r");
	} else if (c < 32 || c == 127 || c > 0x10ffff) {
		struct buf b = {0};

		buf_printf(&b, "\\u{%x}", c);
		put_n(r, b.p ? b.p : hex, b.n);
		buf_free(&b);
	} else {
		put_utf8(r, c);
	}
}

static void number(struct rust *r)
{
	const char *p;
	size_t n;

	if (take(r, 'n'))
		put(r, "-");
	n = digits(r, &p);
	if (n <= 16) {
		put_u64(r, hex_value(p, n));
	} else {
		put(r, "0x");
		put_n(r, p, n);
	}
}

/* A string: bytes of UTF-8 in hexadecimal. */
static void string(struct rust *r)
{
	const char *p;
	size_t n = digits(r, &p);

	if (n % 2)
		return fail(r);
	put(r, "\"");
	for (size_t i = 0; i < n && !r->failed; i += 2) {
		u8 c = (u8)hex_value(p + i, 2);

		if (c < 0x80)
			put_char(r, c, '"');
		else
			put_n(r, (const char *)&c, 1);
	}
	put(r, "\"");
}

static void constants(struct rust *r, const char *open, const char *close)
{
	u32 n = 0;

	put(r, open);
	for (; !r->failed && !take(r, 'E'); n++) {
		put(r, n ? ", " : "");
		constant(r, true);
	}
	put(r, *open == '(' && n == 1 ? "," : "");
	put(r, close);
}

/* V <path> (U | T <const>* E | S (<identifier> <const>)* E) */
static void structure(struct rust *r)
{
	struct ident name;

	path(r, true);
	if (take(r, 'U'))
		return;
	if (take(r, 'T')) {
		put(r, "(");
		for (u32 i = 0; !r->failed && !take(r, 'E'); i++) {
			put(r, i ? ", " : "");
			constant(r, true);
		}
		put(r, ")");
		return;
	}
	if (!take(r, 'S'))
		return fail(r);
	put(r, " { ");
	for (u32 i = 0; !r->failed && !take(r, 'E'); i++) {
		put(r, i ? ", " : "");
		optional(r, 's');
		name = identifier(r);
		put_ident(r, &name);
		put(r, ": ");
		constant(r, true);
	}
	put(r, " }");
}

/* Those of several parts stand in braces where types stand. */
static void compound(struct rust *r, char kind, bool inside)
{
	put(r, inside ? "" : "{");
	switch (kind) {
	case 'e':
		put(r, "*");
		string(r);
		break;
	case 'R':
		if (take(r, 'e')) {
			string(r);
			break;
		}
		put(r, "&");
		constant(r, true);
		break;
	case 'Q':
		put(r, "&mut ");
		constant(r, true);
		break;
	case 'A': constants(r, "[", "]"); break;
	case 'T': constants(r, "(", ")"); break;
	default: structure(r);
	}
	put(r, inside ? "" : "}");
}

static void constant(struct rust *r, bool inside)
{
	char kind = peek(r);
	const char *p;
	size_t n;
	u64 v;

	if (!enter(r))
		return;
	r->p += kind != 0;
	if (kind == 'p') {
		put(r, "_");
	} else if (kind == 'B') {
		AGAIN(r, constant(r, inside));
	} else if (kind == 'b' || kind == 'c') {
		n = digits(r, &p);
		v = hex_value(p, MIN(n, 16u));
		if (n > 8 || (kind == 'b' && v > 1))
			fail(r);
		if (kind == 'b') {
			put(r, v ? "true" : "false");
		} else {
			put(r, "'");
			put_char(r, (u32)v, '\'');
			put(r, "'");
		}
	} else if (kind && strchr("asliyxnhtmjo", kind)) {
		number(r);
	} else if (kind && strchr("eRQATV", kind)) {
		compound(r, kind, inside);
	} else {
		fail(r);
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
	path(&r, true);
	if (!r.failed && r.p < r.end && *r.p >= 'A' && *r.p <= 'Z') { /* the crate that made it */
		r.silent = true;
		path(&r, false);
	}
	return !r.failed && out->n && (r.p == r.end || *r.p == '.' || *r.p == '$');
}
