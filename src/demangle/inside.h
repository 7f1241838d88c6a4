/* inside.h: what the files of this room share: the schemes, and the tree of a C++ name. */
#ifndef DEMANGLE_INSIDE_H
#define DEMANGLE_INSIDE_H

#include "demangle/demangle.h"

#define DEMANGLE_NAME_MOST 65536  /* bytes of a name that is looked at */
#define DEMANGLE_TEXT_MOST 262144 /* bytes of what it may become */

/* One file each. `name` is len bytes; out is empty, and whatever is in it when they fail is
 * dropped. */
bool demangle_cpp(struct buf *out, const char *name, size_t len, enum demangle_as);
bool demangle_rust_legacy(struct buf *out, const char *name, size_t len);
bool demangle_rust_v0(struct buf *out, const char *name, size_t len, enum demangle_as);

void demangle_utf8(struct buf *out, u32 c); /* a character */

/* ---- C++ (Itanium ABI): a tree, made by cpp_encoding.c, cpp_name.c, cpp_type.c and
 * cpp_expr.c, written by cpp_print.c. What a kind of node keeps in a, b, c: */
enum cpp_kind {
	CPP_NAME,      /* text */
	CPP_STD,       /* text; full: what constructors see of std::string */
	CPP_QUALIFIED, /* a::b */
	CPP_LOCAL,     /* a, a function, ::b */
	CPP_TEMPLATE,  /* a<b> */
	CPP_LIST,      /* a, then the list b; a NULL: nothing */
	CPP_PACK,      /* a list, a, that stands for one argument */
	CPP_CTOR,      /* of the class a */
	CPP_DTOR,
	CPP_OPERATOR,   /* text: "+" */
	CPP_CONVERSION, /* operator a */
	CPP_LITERAL_OP, /* operator"" a */
	CPP_LAMBDA,     /* parameters a, number */
	CPP_UNNAMED,    /* number */
	CPP_TAGGED,     /* a[abi:text] */
	CPP_SPECIAL,    /* text, a; then "-in-" b */
	CPP_FUNCTION,   /* name a, returns b, takes the list c, quals */
	CPP_CLONE,      /* a [clone text] */
	CPP_SCOPE,      /* a: the arguments that template parameters of a function mean */
	/* types */
	CPP_POINTER, /* to a */
	CPP_LREF,
	CPP_RREF,
	CPP_QUALS,     /* a with quals */
	CPP_VENDOR,    /* a text */
	CPP_SUFFIX,    /* a, text behind it: _Complex */
	CPP_FNTYPE,    /* returns b, takes c, quals */
	CPP_ARRAY,     /* of b, a of them */
	CPP_MEMBER,    /* b, of class a */
	CPP_PARAM,     /* template parameter `number` of the scope a */
	CPP_EXPANSION, /* a... */
	CPP_VECTOR,    /* b __vector(a) */
	CPP_DECLTYPE,  /* decltype (a) */
	/* expressions */
	CPP_UNARY,      /* text a */
	CPP_BINARY,     /* a text b */
	CPP_TERNARY,    /* a ? b : c */
	CPP_POSTFIX,    /* a text */
	CPP_CAST,       /* (a)b */
	CPP_NAMED_CAST, /* text<a>(b) */
	CPP_CALL,       /* a(list b) */
	CPP_BRACES,     /* a{list b} */
	CPP_WORD,       /* text (a), a type or an expression */
	CPP_NEW,        /* text (a) b (c) */
	CPP_FNPARAM,    /* {parm#number} */
	CPP_LITERAL,    /* text of the type a */
	CPP_FOLD,       /* text; a, b */
};
enum {
	CPP_CONST = 1,
	CPP_VOLATILE = 2,
	CPP_RESTRICT = 4,
	CPP_AMP = 8,
	CPP_AMPAMP = 16,
	CPP_NOEXCEPT = 32,
	CPP_TRANSACTION = 64,
	CPP_THIS = 128 /* the object is its first parameter */
};

struct cpp_node {
	u8 kind, quals;
	bool busy; /* a parameter that is being written: it may mean itself */
	u32 number, len;
	const char *text, *full;
	struct cpp_node *a, *b, *c;
};

/* A name that is being read. Functions return NULL when it is broken. */
struct cpp {
	const char *p, *end;
	struct cpp_node *nodes, **subs;
	u32 n, cap, nsubs, capsubs;
	struct cpp_node *scope, *last; /* of the function that is read; of the one read last */
	u32 depth;
	u32 lambdas; /* we are in the parameters of so many */
	bool bare;   /* no arguments behind T_ */
};
#define CPP_DEPTH_MOST 400

/* One level deeper; false: too deep. Leave with cpp_leave(). */
static inline bool cpp_enter(struct cpp *c)
{
	return ++c->depth < CPP_DEPTH_MOST;
}
static inline void *cpp_leave(struct cpp *c, struct cpp_node *n)
{
	c->depth--;
	return n;
}
static inline char cpp_peek(const struct cpp *c, size_t ahead)
{
	return (size_t)(c->end - c->p) > ahead ? c->p[ahead] : 0;
}
static inline bool cpp_take(struct cpp *c, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(c->end - c->p) < n || memcmp(c->p, text, n) != 0)
		return false;
	c->p += n;
	return true;
}
/* Whose parameters T_ are here; NULL: those of a lambda. */
static inline struct cpp_node *cpp_scope(const struct cpp *c)
{
	return c->lambdas ? NULL : c->scope;
}
/* NULL: there are too many. */
struct cpp_node *cpp_node(struct cpp *, enum cpp_kind, struct cpp_node *a, struct cpp_node *b);
struct cpp_node *cpp_text(struct cpp *, enum cpp_kind, const char *text, size_t len,
			  struct cpp_node *a);
#define cpp_word(c, kind, text, a) cpp_text(c, kind, text, strlen(text), a)
/* Puts a node behind what is in a list, which begins as an empty CPP_LIST; false: it is NULL, or
 * there are too many. */
struct cpp_list {
	struct cpp_node *first, *last;
};
bool cpp_append(struct cpp *, struct cpp_list *, struct cpp_node *);
/* Remembers a candidate for S_ and returns it. */
struct cpp_node *cpp_sub(struct cpp *, struct cpp_node *);

/* cpp_encoding.c */
struct cpp_node *cpp_encoding(struct cpp *);
/* cpp_name.c */
struct cpp_node *cpp_name(struct cpp *, bool function, u8 *quals);
struct cpp_node *cpp_unqualified(struct cpp *, struct cpp_node *in);
struct cpp_node *cpp_source_name(struct cpp *);
struct cpp_node *cpp_template_args(struct cpp *, bool function);
struct cpp_node *cpp_template_arg(struct cpp *);
/* What a template or a function requires of its arguments, if anything, is read over: false: broken.
 * [Q <expression>] */
bool cpp_constraint(struct cpp *);
struct cpp_node *cpp_substitution(struct cpp *);
bool cpp_number(struct cpp *, u32 *n);   /* digits */
bool cpp_sequence(struct cpp *, u32 *n); /* "_": 0, "0_": 1, ... */
const char *cpp_operator(struct cpp *);  /* its text, or NULL and nothing is taken */
/* cpp_type.c */
struct cpp_node *cpp_type(struct cpp *);
struct cpp_node *cpp_template_param(struct cpp *);
struct cpp_node *cpp_parameters(struct cpp *); /* up to E, '.', or the end */
u8 cpp_qualifiers(struct cpp *);
/* cpp_expr.c */
struct cpp_node *cpp_expression(struct cpp *);
struct cpp_node *cpp_primary(struct cpp *); /* L ... E */

/* cpp_print.c: false: it would be too much. */
bool cpp_print(struct buf *out, struct cpp_node *, enum demangle_as);

#endif
