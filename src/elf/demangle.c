/*
 * demangle.c: names of C++: the top of the grammar, and names; types are in demangle_type.c.
 *
 * In: a mangled name, which may be anything. Out: text. One function a production, each of which
 * takes what it knows from the input or sets `bad`; depth and output are bounded.
 */
#include "elf/demangle_inner.h"

static struct part text(const char *s)
{
	return (struct part){s, ""};
}

const char *dem_join(struct dem *d, const char *a, const char *b)
{
	if (strlen(a) + strlen(b) > DEM_TEXT_MOST)
		dem_fail(d);
	return d->bad ? "" : arena_printf(d->arena, "%s%s", a, b);
}

bool dem_take(struct dem *d, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(d->p, word, n) != 0)
		return false;
	d->p += n;
	return true;
}

const char *dem_fail(struct dem *d)
{
	d->bad = true;
	return "";
}

static u32 number(struct dem *d)
{
	u32 n = 0;

	if (*d->p < '0' || *d->p > '9')
		dem_fail(d);
	while (*d->p >= '0' && *d->p <= '9' && n < 100000)
		n = n * 10 + (u32)(*d->p++ - '0');
	return n;
}

/* 3foo */
static const char *source_name(struct dem *d)
{
	u32 n = number(d);
	const char *from = d->p;

	if (d->bad || !n || strnlen(from, n) < n)
		return dem_fail(d);
	d->p += n;
	if (n >= 10 && !strncmp(from, "_GLOBAL__N", 10))
		return "(anonymous namespace)";
	return arena_strndup(d->arena, from, n);
}

static const struct {
	char code[3];
	const char *text;
} operators[] = {
	{"nw", " new"},      {"na", " new[]"}, {"dl", " delete"}, {"da", " delete[]"},
	{"aw", " co_await"}, {"ps", "+"},      {"ng", "-"},       {"ad", "&"},
	{"de", "*"},         {"co", "~"},      {"pl", "+"},       {"mi", "-"},
	{"ml", "*"},         {"dv", "/"},      {"rm", "%"},       {"an", "&"},
	{"or", "|"},         {"eo", "^"},      {"aS", "="},       {"pL", "+="},
	{"mI", "-="},        {"mL", "*="},     {"dV", "/="},      {"rM", "%="},
	{"aN", "&="},        {"oR", "|="},     {"eO", "^="},      {"ls", "<<"},
	{"rs", ">>"},        {"lS", "<<="},    {"rS", ">>="},     {"eq", "=="},
	{"ne", "!="},        {"lt", "<"},      {"gt", ">"},       {"le", "<="},
	{"ge", ">="},        {"ss", "<=>"},    {"nt", "!"},       {"aa", "&&"},
	{"oo", "||"},        {"pp", "++"},     {"mm", "--"},      {"cm", ","},
	{"pm", "->*"},       {"pt", "->"},     {"cl", "()"},      {"ix", "[]"},
	{"qu", "?"},
};

static const char *operator_name(struct dem *d)
{
	for (u32 i = 0; i < ARRAY_SIZE(operators); i++)
		if (dem_take(d, operators[i].code))
			return dem_join(d, "operator", operators[i].text);
	if (dem_take(d, "cv")) {
		struct part t = dem_type(d);

		d->converts = true;
		return dem_join(d, "operator ", dem_join(d, t.left, t.right));
	}
	if (dem_take(d, "li"))
		return dem_join(d, "operator\"\" ", source_name(d));
	return dem_fail(d);
}

/* Which of them: _ is the first, 0_ the second. */
static u32 discriminator(struct dem *d)
{
	u32 n = *d->p == '_' ? 0 : number(d) + 1;

	if (!dem_take(d, "_"))
		dem_fail(d);
	return n + 1;
}

/* Ul v E _ : a lambda; Ut _ : a type without a name */
static const char *unnamed(struct dem *d)
{
	const char *params;

	if (dem_take(d, "Ut"))
		return arena_printf(d->arena, "{unnamed type#%u}", discriminator(d));
	if (!dem_take(d, "Ul"))
		return dem_fail(d);
	params = dem_params(d);
	if (!dem_take(d, "E"))
		return dem_fail(d);
	return arena_printf(d->arena, "{lambda%s#%u}", params, discriminator(d));
}

static const char *unqualified(struct dem *d)
{
	const char *name;

	dem_take(d, "L"); /* known in this file alone */
	if (*d->p >= '0' && *d->p <= '9')
		name = source_name(d);
	else if (*d->p == 'U')
		name = unnamed(d);
	else
		name = operator_name(d);
	while (!d->bad && dem_take(d, "B"))
		name = arena_printf(d->arena, "%s[abi:%s]", name, source_name(d));
	return name;
}

void dem_remember(struct dem *d, struct part p)
{
	if (d->subs.n >= DEM_SUBS_MOST)
		dem_fail(d);
	else if (!d->bad)
		vec_push(d->arena, &d->subs, p);
}

/* S_ S0_ SZ_ */
struct part dem_substitution(struct dem *d)
{
	static const struct {
		char code[3];
		const char *text;
	} std[] = {{"Sa", "std::allocator"}, {"Sb", "std::basic_string"}, {"Ss", "std::string"},
		   {"Si", "std::istream"},   {"So", "std::ostream"},      {"Sd", "std::iostream"}};
	u32 n = 0;

	for (u32 i = 0; i < ARRAY_SIZE(std); i++)
		if (dem_take(d, std[i].code))
			return text(std[i].text);
	if (!dem_take(d, "S"))
		return text(dem_fail(d));
	if (*d->p != '_') {
		for (; (*d->p >= '0' && *d->p <= '9') || (*d->p >= 'A' && *d->p <= 'Z'); d->p++)
			n = MIN(n * 36 + (u32)(*d->p <= '9' ? *d->p - '0' : *d->p - 'A' + 10),
				100000u);
		n++;
	}
	if (!dem_take(d, "_") || n >= d->subs.n)
		return text(dem_fail(d));
	return d->subs.v[n];
}

/* The last part of "a::b<int>": b */
static const char *last_part(struct dem *d, const char *name)
{
	const char *from = name, *end = name + strlen(name);
	u32 depth = 0;

	for (const char *p = name; *p; p++) {
		depth += *p == '<';
		if (*p == '<' && depth == 1)
			end = p;
		depth -= *p == '>' && depth;
		if (!depth && p[0] == ':' && p[1] == ':') {
			from = p + 2;
			end = name + strlen(name);
		}
	}
	return arena_strndup(d->arena, from, end > from ? (size_t)(end - from) : 0);
}

/* C1, D0 */
static const char *constructor(struct dem *d, const char *of)
{
	bool destroys = *d->p == 'D';

	d->p += d->p[1] == 'I' ? 3 : 2;
	d->converts = true; /* it has no result, whatever stands in front */
	return dem_join(d, destroys ? "~" : "", last_part(d, of));
}

static const char *qualify(struct dem *d, const char *scope, const char *name)
{
	return *scope ? dem_join(d, scope, dem_join(d, "::", name)) : name;
}

/* operator< <int> keeps its parts apart. */
static const char *with_args(struct dem *d, const char *name)
{
	size_t n = strlen(name);

	if (n && name[n - 1] == '<')
		name = dem_join(d, name, " ");
	return dem_join(d, name, dem_template_args(d));
}

/* N [r V K] [R O] parts E */
static const char *nested(struct dem *d)
{
	const char *name = "", *behind = "";
	bool known = false; /* the name so far is in the list already */

	while (strchr("rVK", *d->p) && *d->p)
		behind = dem_join(d,
				  *d->p == 'K'   ? " const"
				  : *d->p == 'V' ? " volatile"
						 : "",
				  behind),
		d->p++;
	if (*d->p == 'R' || *d->p == 'O')
		behind = dem_join(d, behind, *d->p++ == 'R' ? " &" : " &&");
	while (!d->bad && !dem_take(d, "E")) {
		if (*name && !known && *d->p != 'E')
			dem_remember(d, text(name));
		known = false;
		d->template_last = false;
		if (dem_take(d, "St")) {
			name = "std";
			known = true;
		} else if (*d->p == 'S') {
			name = dem_substitution(d).left;
			known = true;
		} else if (*d->p == 'T') {
			name = qualify(d, name, dem_template_param(d).left);
		} else if (*d->p == 'I' && *name) {
			name = with_args(d, name);
			d->template_last = true;
		} else if (*name && (*d->p == 'C' || (*d->p == 'D' && strchr("012345", d->p[1])))) {
			name = qualify(d, name, constructor(d, name));
		} else {
			name = qualify(d, name, unqualified(d));
		}
	}
	d->behind = behind;
	return name;
}

/* Z encoding E (s | name) [discriminator] */
static const char *local(struct dem *d)
{
	const char *outer = dem_encoding(d, NULL), *inner;

	if (!dem_take(d, "E"))
		return dem_fail(d);
	if (dem_take(d, "s"))
		inner = "string literal";
	else
		inner = dem_name(d);
	if (dem_take(d, "_")) {
		bool wide = dem_take(d, "_");

		number(d);
		if (wide && !dem_take(d, "_"))
			dem_fail(d);
	}
	return qualify(d, outer, inner);
}

const char *dem_name(struct dem *d)
{
	const char *name;
	bool known = false;

	d->behind = "";
	d->template_last = false;
	if (++d->depth > DEM_DEPTH)
		return dem_fail(d);
	if (dem_take(d, "N")) {
		name = nested(d);
	} else if (dem_take(d, "Z")) {
		name = local(d);
	} else {
		if (dem_take(d, "St")) {
			name = dem_join(d, "std::", unqualified(d));
		} else if (*d->p == 'S') {
			name = dem_substitution(d).left;
			known = true;
		} else {
			name = unqualified(d);
		}
		if (*d->p == 'I') {
			if (!known)
				dem_remember(d, text(name));
			name = with_args(d, name);
			d->template_last = true;
		}
	}
	d->depth--;
	return name;
}

const char *dem_encoding(struct dem *d, const char **plain)
{
	const char *name, *behind;
	struct part result = {"", ""};
	bool has_result;

	if (++d->depth > DEM_DEPTH)
		return dem_fail(d);
	d->converts = false;
	name = dem_name(d);
	behind = d->behind;
	has_result = d->template_last && !d->converts;
	d->depth--;
	if (plain)
		*plain = name;
	if (!*d->p || *d->p == 'E' || *d->p == '.')
		return name; /* a variable */
	if (has_result)
		result = dem_type(d);
	name = dem_join(d, name, dem_join(d, dem_params(d), behind));
	if (!has_result)
		return name;
	return dem_join(
		d, result.left,
		dem_join(d,
			 strchr("*&(", result.left[strlen(result.left) - (*result.left != 0)]) &&
					 *result.right
				 ? ""
				 : " ",
			 dem_join(d, name, result.right)));
}

bool demangle(struct arena *a, const char *mangled, const char **whole, const char **name)
{
	struct dem d = {.arena = a, .p = mangled + 2};

	if (strncmp(mangled, "_Z", 2) != 0 || *d.p == 'T' || *d.p == 'G')
		return false; /* tables and guards are nothing that anybody calls */
	d.behind = "";
	*whole = dem_encoding(&d, name);
	return !d.bad && !*d.p;
}
