/* demangle_type.c: types in names of C++, and the arguments of templates; see demangle.c. */
#include "elf/demangle_inner.h"

static const struct {
	char code[3];
	const char *text, *suffix; /* suffix: of its constants; NULL: they need a cast */
} builtins[] = {
	{"v", "void", NULL},
	{"w", "wchar_t", NULL},
	{"b", "bool", NULL},
	{"c", "char", NULL},
	{"a", "signed char", NULL},
	{"h", "unsigned char", NULL},
	{"s", "short", NULL},
	{"t", "unsigned short", NULL},
	{"i", "int", ""},
	{"j", "unsigned int", "u"},
	{"l", "long", "l"},
	{"m", "unsigned long", "ul"},
	{"x", "long long", "ll"},
	{"y", "unsigned long long", "ull"},
	{"n", "__int128", NULL},
	{"o", "unsigned __int128", NULL},
	{"f", "float", NULL},
	{"d", "double", NULL},
	{"e", "long double", NULL},
	{"g", "__float128", NULL},
	{"z", "...", NULL},
	{"Dn", "decltype(nullptr)", NULL},
	{"Di", "char32_t", NULL},
	{"Ds", "char16_t", NULL},
	{"Du", "char8_t", NULL},
	{"Da", "auto", NULL},
	{"Dc", "decltype(auto)", NULL},
};

static struct part builtin(struct dem *d)
{
	for (u32 i = 0; i < ARRAY_SIZE(builtins); i++)
		if (dem_take(d, builtins[i].code))
			return (struct part){builtins[i].text, ""};
	return (struct part){NULL, NULL};
}

const char *dem_params(struct dem *d)
{
	const char *list = "";
	u32 n = 0;

	if (*d->p == 'v' && (!d->p[1] || d->p[1] == 'E' || d->p[1] == '.')) {
		d->p++;
		return "()";
	}
	while (!d->bad && *d->p && *d->p != 'E' && *d->p != '.') {
		struct part t;

		if (d->p[0] == 'R' && d->p[1] == 'E') /* of a member function type: & behind it */
			break;
		t = dem_type(d);
		if (!*t.left && !*t.right) /* an empty pack */
			continue;
		list = dem_join(d, n++ ? dem_join(d, list, ", ") : list,
				dem_join(d, t.left, t.right));
	}
	return dem_join(d, "(", dem_join(d, list, ")"));
}

/* F [Y] result params [R O] E */
static struct part function(struct dem *d)
{
	const char *params, *behind = "";
	struct part result;

	dem_take(d, "Y");
	result = dem_type(d);
	params = dem_params(d);
	if (dem_take(d, "R"))
		behind = " &";
	else if (dem_take(d, "O"))
		behind = " &&";
	if (!dem_take(d, "E"))
		dem_fail(d);
	return (struct part){dem_join(d, result.left, " "),
			     dem_join(d, dem_join(d, params, behind), result.right)};
}

/* A n _ element */
static struct part array(struct dem *d)
{
	const char *from = d->p, *length;
	struct part of;

	while (*d->p >= '0' && *d->p <= '9')
		d->p++;
	length = arena_strndup(d->arena, from, (size_t)(d->p - from));
	if (!dem_take(d, "_"))
		dem_fail(d);
	of = dem_type(d);
	return (struct part){dem_join(d, of.left, " "),
			     dem_join(d, arena_printf(d->arena, "[%s]", length), of.right)};
}

static bool is_compound(const struct part *p)
{
	return p->right[0] == '(' || p->right[0] == '[';
}

/* P R O: a * or & goes between the halves, in parentheses where a function or array is meant. */
static struct part pointer(struct dem *d, const char *mark)
{
	struct part of = dem_type(d);
	size_t n = strlen(of.left);

	/* a reference to a reference is one: & wins */
	if (*mark == '&' && n && of.left[n - 1] == '&') {
		if (!strcmp(mark, "&") && n > 1 && of.left[n - 2] == '&')
			of.left = arena_strndup(d->arena, of.left, n - 1);
		return of;
	}
	if (is_compound(&of))
		return (struct part){dem_join(d, of.left, dem_join(d, "(", mark)),
				     dem_join(d, *of.right == '[' ? ") " : ")", of.right)};
	return (struct part){dem_join(d, of.left, mark), of.right};
}

static struct part member_pointer(struct dem *d)
{
	struct part class = dem_type(d), of = dem_type(d);
	const char *mark = dem_join(d, dem_join(d, class.left, class.right), "::*");

	if (is_compound(&of))
		return (struct part){dem_join(d, of.left, dem_join(d, "(", mark)),
				     dem_join(d, ")", of.right)};
	return (struct part){dem_join(d, dem_join(d, of.left, " "), mark), of.right};
}

static struct part qualified(struct dem *d)
{
	const char *words = "";
	struct part of;

	while (*d->p && strchr("rVK", *d->p)) {
		words = dem_join(d,
				 *d->p == 'K'   ? " const"
				 : *d->p == 'V' ? " volatile"
						: " restrict",
				 words);
		d->p++;
	}
	of = dem_type(d);
	if (is_compound(&of) && of.right[0] == '(') /* of a member function */
		return (struct part){of.left, dem_join(d, of.right, words)};
	if (of.right[0] == '[') { /* the elements are */
		size_t n = strlen(of.left);

		while (n && of.left[n - 1] == ' ')
			n--;
		return (struct part){
			dem_join(d, arena_strndup(d->arena, of.left, n), dem_join(d, words, " ")),
			of.right};
	}
	return (struct part){dem_join(d, of.left, words), of.right};
}

struct part dem_template_param(struct dem *d)
{
	u32 n = 0;

	if (!dem_take(d, "T"))
		dem_fail(d);
	if (*d->p != '_') {
		for (; *d->p >= '0' && *d->p <= '9'; d->p++)
			n = MIN(n * 10 + (u32)(*d->p - '0'), 1000u);
		n++;
	}
	if (!dem_take(d, "_") || n >= d->args.n) {
		dem_fail(d);
		return (struct part){"", ""};
	}
	return d->args.v[n];
}

/* L type value E, L _Z encoding E */
static const char *literal(struct dem *d)
{
	const char *from, *value, *suffix = NULL, *code = d->p;
	struct part t;
	bool negative;

	if (dem_take(d, "_Z") || dem_take(d, "Z")) {
		value = dem_encoding(d, NULL);
		return dem_take(d, "E") ? value : dem_fail(d);
	}
	t = dem_type(d);
	negative = dem_take(d, "n");
	from = d->p;
	while ((*d->p >= '0' && *d->p <= '9') || (*d->p >= 'a' && *d->p <= 'f'))
		d->p++;
	value = arena_strndup(d->arena, from, (size_t)(d->p - from));
	if (!dem_take(d, "E"))
		return dem_fail(d);
	if (*code == 'b' && (!strcmp(value, "0") || !strcmp(value, "1")))
		return *value == '1' ? "true" : "false";
	for (u32 i = 0; i < ARRAY_SIZE(builtins); i++)
		if (builtins[i].suffix && builtins[i].code[0] == *code && !builtins[i].code[1])
			suffix = builtins[i].suffix;
	value = dem_join(d, negative ? "-" : "", value);
	if (suffix)
		return dem_join(d, value, suffix);
	return dem_join(d, dem_join(d, "(", dem_join(d, dem_join(d, t.left, t.right), ")")), value);
}

/* One argument; of a pack (J args E) the list of its. */
static struct part template_arg(struct dem *d)
{
	const char *list = "";
	u32 n = 0;

	if (dem_take(d, "L"))
		return (struct part){literal(d), ""};
	if (!dem_take(d, "J"))
		return dem_type(d); /* an expression, X, is no type and fails there */
	while (!d->bad && !dem_take(d, "E")) {
		struct part t = template_arg(d);

		list = dem_join(d, n++ ? dem_join(d, list, ", ") : list,
				dem_join(d, t.left, t.right));
	}
	return (struct part){list, ""};
}

const char *dem_template_args(struct dem *d)
{
	vec(struct part) args = {0};
	const char *list = "";
	size_t n;

	if (!dem_take(d, "I") || ++d->depth > DEM_DEPTH)
		return dem_fail(d);
	d->in_args++;
	while (!d->bad && !dem_take(d, "E")) {
		struct part t = template_arg(d);

		if (args.n > DEM_SUBS_MOST)
			return dem_fail(d);
		vec_push(d->arena, &args, t);
		if (*t.left || *t.right)
			list = dem_join(d, *list ? dem_join(d, list, ", ") : list,
					dem_join(d, t.left, t.right));
	}
	d->in_args--;
	d->depth--;
	if (!d->in_args) { /* those in arguments and parameters are other templates' */
		d->args.v = args.v;
		d->args.n = args.n;
		d->args.cap = args.cap;
	}
	n = strlen(list);
	return dem_join(d, "<", dem_join(d, list, n && list[n - 1] == '>' ? " >" : ">"));
}

/* A class, or what a template or substitution stands for; not remembered yet. */
static struct part named(struct dem *d, bool *known)
{
	struct part p;

	if (*d->p == 'S' && d->p[1] != 't') {
		p = dem_substitution(d);
		*known = *d->p != 'I';
		if (*d->p == 'I')
			p = (struct part){dem_join(d, p.left, dem_template_args(d)), p.right};
		return p;
	}
	if (*d->p == 'T') {
		p = dem_template_param(d);
		if (*d->p == 'I') {
			dem_remember(d, p);
			p = (struct part){dem_join(d, p.left, dem_template_args(d)), p.right};
		}
		return p;
	}
	return (struct part){dem_name(d), ""};
}

static struct part type_of(struct dem *d)
{
	struct part p;
	bool known = false;

	switch (*d->p) {
	case 'r':
	case 'V':
	case 'K': p = qualified(d); break;
	case 'P':
		d->p++;
		p = pointer(d, "*");
		break;
	case 'R':
		d->p++;
		p = pointer(d, "&");
		break;
	case 'O':
		d->p++;
		p = pointer(d, "&&");
		break;
	case 'F':
		d->p++;
		p = function(d);
		break;
	case 'A':
		d->p++;
		p = array(d);
		break;
	case 'M':
		d->p++;
		p = member_pointer(d);
		break;
	case 'C':
		d->p++;
		p = dem_type(d);
		p.left = dem_join(d, p.left, " _Complex");
		break;
	case 'D':
		if (dem_take(d, "Do")) /* noexcept, in front of a function */
			return dem_type(d);
		if (dem_take(d, "Dp")) {
			p = dem_type(d);
			break;
		}
		p = builtin(d);
		if (!p.left)
			dem_fail(d);
		return p.left ? p : (struct part){"", ""};
	default:
		p = builtin(d);
		if (p.left)
			return p;
		p = named(d, &known);
	}
	if (!known)
		dem_remember(d, p);
	return p;
}

struct part dem_type(struct dem *d)
{
	const char *behind = d->behind;
	bool template_last = d->template_last, converts = d->converts;
	struct part p = {"", ""};

	if (d->bad || !*d->p || ++d->depth > DEM_DEPTH) {
		dem_fail(d);
		return p;
	}
	d->in_args++;
	p = type_of(d);
	d->in_args--;
	d->depth--;
	d->behind = behind;
	d->template_last = template_last;
	d->converts = converts;
	return p;
}
