/*
 * parse.c: the grammar of pcap-filter(7).
 *
 * In:  tokens. Out: an expression, qualifiers that were left out filled in from what stands before.
 *
 *   expr  := term { (and | or) term }              both bind equally
 *   term  := not term | ( expr ) | primitive
 *   primitive := [proto] [dir] [type] id | id | proto | [proto] verb ... | arith relation arith
 *
 * An id without qualifiers has those of the one before it: `port 80 or 443`, `host (a or b)`.
 */
#include "filter/inside.h"

#include <errno.h>
#include <stdio.h>

#define DEPTH_MOST  200
#define HEIGHT_MOST 4096 /* of a tree: the instructions that the kernel takes */

struct parser {
	struct arena *arena;
	struct diag *d;
	const struct token *first, *t;
	u32 depth;
};

static struct expr *expr(struct parser *p, struct quals *q);
static struct arith *arith(struct parser *p, u32 level);

/* ---- tokens */

static bool is(const struct parser *p, u32 op)
{
	return p->t->kind == TOK_PUNCT && p->t->op == op;
}

static bool is_word(const struct parser *p, enum word_kind kind)
{
	return p->t->kind == TOK_WORD && word_table[p->t->op].kind == kind;
}

static bool take(struct parser *p, u32 op)
{
	bool found = is(p, op);

	p->t += found;
	return found;
}

/* What may have been meant where something else belongs: `tcp 80`, `udp 10.0.0.1`, a typo. */
static const char *meant(const struct parser *p, char hint[80])
{
	const struct token *t = p->t;
	struct near near = {.word = t->kind == TOK_ID ? t->text : NULL};
	u32 proto = t > p->first && t[-1].kind == TOK_WORD ? t[-1].op : WORD_NONE;
	bool ports = proto == WORD_TCP || proto == WORD_UDP || proto == WORD_SCTP;

	for (u32 i = 1; i < WORDS && near.word; i++)
		near_try(&near, word_table[i].name);
	if (near.best)
		snprintf(hint, 80, "did you mean '%.40s'?", near.best);
	else if (ports && (t->kind == TOK_NUMBER || t->kind == TOK_ID))
		snprintf(hint, 80, "did you mean '%s port %.40s'?", word_table[proto].name,
			 t->text);
	else if (proto && word_table[proto].kind == KIND_PROTO &&
		 (t->kind == TOK_IP4 || t->kind == TOK_IP6))
		snprintf(hint, 80, "did you mean '%s and host %.40s'?", word_table[proto].name,
			 t->text);
	else
		return NULL;
	return hint;
}

static void *wrong(struct parser *p, const char *what)
{
	char hint[80];

	if (p->t->kind == TOK_END)
		diag_error(p->d, p->t->at, NULL, "the filter ends, and here belongs %s", what);
	else
		diag_error(p->d, p->t->at, meant(p, hint), "here belongs %s, not '%s'",
			   what, p->t->text);
	return NULL;
}

static struct expr *new_expr(struct parser *p, enum expr_kind kind)
{
	struct expr *e = arena_new(p->arena, struct expr);

	e->kind = (u8)kind;
	e->at = p->t->at;
	return e;
}

static bool within(struct parser *p, u32 levels, u32 most)
{
	if (levels <= most)
		return true;
	diag_error(p->d, p->t->at, NULL, "this is nested more than %u deep", most);
	return false;
}

static bool deeper(struct parser *p)
{
	return within(p, ++p->depth, DEPTH_MOST);
}

/* ---- arithmetic: levels of binary operators, the loosest first */

static const struct {
	u16 sign;
	u8 level;
	u8 op;
} operators[] = {
	{'|', 0, VAL_OR},        {'^', 1, VAL_XOR}, {'&', 2, VAL_AND}, {PUNCT_LSH, 3, VAL_LSH},
	{PUNCT_RSH, 3, VAL_RSH}, {'+', 4, VAL_ADD}, {'-', 4, VAL_SUB}, {'*', 5, VAL_MUL},
	{'/', 5, VAL_DIV},       {'%', 5, VAL_MOD},
};
#define LEVELS 6

static struct arith *new_arith(struct parser *p, enum arith_kind kind)
{
	struct arith *a = arena_new(p->arena, struct arith);

	a->kind = (u8)kind;
	a->at = p->t->at;
	return a;
}

/* proto [ offset : size ] */
static struct arith *access(struct parser *p)
{
	struct arith *a = new_arith(p, ARITH_LOAD);

	a->op = p->t->op;
	a->size = 1;
	p->t += 2;
	a->a = arith(p, 0);
	if (!a->a)
		return NULL;
	a->height = a->a->height + 1;
	if (take(p, ':')) {
		if (p->t->kind != TOK_NUMBER ||
		    (p->t->number != 1 && p->t->number != 2 && p->t->number != 4)) {
			diag_error(p->d, p->t->at, NULL, "an access takes 1, 2 or 4 bytes");
			return NULL;
		}
		a->size = (u8)p->t++->number;
	}
	return take(p, ']') ? a : wrong(p, "]");
}

static struct arith *operand(struct parser *p)
{
	struct arith *a;

	if (!deeper(p))
		return NULL;
	if (take(p, '(')) {
		a = arith(p, 0);
		if (a && !take(p, ')'))
			return wrong(p, ")");
	} else if (is(p, '-')) {
		a = new_arith(p, ARITH_NEG);
		p->t++;
		a->a = operand(p);
		if (!a->a)
			return NULL;
		a->height = a->a->height + 1;
	} else if (p->t->kind == TOK_NUMBER) {
		a = new_arith(p, ARITH_NUMBER);
		a->number = p->t++->number;
	} else if (p->t->kind == TOK_WORD && p->t->op == WORD_LEN) {
		a = new_arith(p, ARITH_LEN);
		p->t++;
	} else if (is_word(p, KIND_PROTO) && p->t[1].kind == TOK_PUNCT && p->t[1].op == '[') {
		a = access(p);
	} else {
		return wrong(p, "a number, len, or bytes of a protocol as ip[0]");
	}
	p->depth--;
	return a;
}

static u32 operator_at(const struct parser *p, u32 level)
{
	for (u32 i = 0; i < ARRAY_SIZE(operators); i++)
		if (operators[i].level == level && is(p, operators[i].sign))
			return operators[i].op;
	return 0;
}

static struct arith *arith(struct parser *p, u32 level)
{
	struct arith *left, *a;
	u32 op;

	if (level == LEVELS)
		return operand(p);
	left = arith(p, level + 1);
	while (left && (op = operator_at(p, level))) {
		a = new_arith(p, ARITH_OP);
		a->op = (u16)op;
		p->t++;
		a->a = left;
		a->b = arith(p, level + 1);
		if (!a->b)
			return NULL;
		a->height = MAX(left->height, a->b->height) + 1;
		left = within(p, a->height, HEIGHT_MOST) ? a : NULL;
	}
	return left;
}

static bool is_relation(const struct token *t)
{
	return t->kind == TOK_PUNCT &&
	       (t->op == '=' || t->op == '<' || t->op == '>' || t->op == PUNCT_GE ||
		t->op == PUNCT_LE || t->op == PUNCT_NE);
}

static bool is_operator(const struct token *t)
{
	struct parser p = {.t = t};

	for (u32 level = 0; level < LEVELS; level++)
		if (operator_at(&p, level))
			return true;
	return is_relation(t);
}

static struct expr *relation(struct parser *p)
{
	struct expr *e = new_expr(p, EXPR_RELATION);

	e->left = arith(p, 0);
	if (!e->left)
		return NULL;
	if (!is_relation(p->t))
		return wrong(p, "a comparison: = != < > <= >=");
	e->at = p->t->at;
	e->op = p->t++->op;
	e->right = arith(p, 0);
	return e->right ? e : NULL;
}

/* Is what begins here arithmetic? A parenthesis is if an operator follows it. */
static bool is_arith(const struct parser *p)
{
	const struct token *t = p->t;
	u32 open = 0;

	if (t->kind == TOK_NUMBER)
		return is_operator(t + 1);
	if (is(p, '-') || (t->kind == TOK_WORD && t->op == WORD_LEN))
		return true;
	if (is_word(p, KIND_PROTO))
		return t[1].kind == TOK_PUNCT && t[1].op == '[';
	if (!is(p, '('))
		return false;
	for (; t->kind != TOK_END; t++) {
		open += t->kind == TOK_PUNCT && t->op == '(';
		if (t->kind == TOK_PUNCT && t->op == ')' && !--open)
			return is_operator(t + 1);
	}
	return false;
}

/* ---- primitives */

static bool is_id(const struct token *t)
{
	return t->kind == TOK_ID || t->kind == TOK_NUMBER || t->kind == TOK_IP4 ||
	       t->kind == TOK_IP6 || t->kind == TOK_MAC || t->kind == TOK_ARCNET;
}

static struct expr *id(struct parser *p, struct quals q)
{
	struct expr *e = new_expr(p, EXPR_ID);

	if (!is_id(p->t))
		return wrong(p, "a name, an address or a number");
	e->q = q;
	e->id = p->t++;
	if (e->id->kind != TOK_IP4 && e->id->kind != TOK_IP6 &&
	    !(e->id->kind == TOK_NUMBER && q.type == WORD_NET))
		return e;
	if (take(p, '/')) {
		if (p->t->kind != TOK_NUMBER)
			return wrong(p, "the length of the prefix");
		e->has_number = true;
		e->number = p->t++->number;
	} else if (p->t->kind == TOK_WORD && p->t->op == WORD_MASK) {
		p->t++;
		if (p->t->kind != TOK_IP4)
			return wrong(p, "a mask as 255.255.0.0");
		e->mask = p->t++;
	}
	return e;
}

/* src or dst, dst and src: one direction */
static u16 direction(struct parser *p)
{
	u16 first = p->t++->op;
	const struct token *joint = p->t, *second = p->t + 1;

	if (joint->kind != TOK_PUNCT || second->kind != TOK_WORD ||
	    (joint->op != PUNCT_AND && joint->op != PUNCT_OR) ||
	    !((first == WORD_SRC && second->op == WORD_DST) ||
	      (first == WORD_DST && second->op == WORD_SRC)))
		return first;
	p->t += 2;
	return joint->op == PUNCT_OR ? WORD_SRC_OR_DST : WORD_SRC_AND_DST;
}

/* What may follow each verb: see take_operands(). */
static const struct {
	u16 verb;
	const char *takes; /* n: a number; N: one or none; i: a name; I: one or none; a: either;
			    * o: < > = & | */
} operands[] = {
	{WORD_LESS, "n"},  {WORD_GREATER, "n"}, {WORD_BYTE, "non"}, {WORD_IFINDEX, "n"},
	{WORD_VLAN, "N"},  {WORD_MPLS, "N"},    {WORD_PPPOES, "N"}, {WORD_GENEVE, "N"},
	{WORD_VXLAN, "N"}, {WORD_LLC, "I"},     {WORD_WTYPE, "as"}, {WORD_SUBTYPE, "a"},
	{WORD_WDIR, "a"},  {WORD_IFNAME, "i"},  {WORD_RSET, "i"},   {WORD_RNR, "n"},
	{WORD_SRNR, "n"},  {WORD_REASON, "a"},  {WORD_ACTION, "a"},
};

/* A number, in as many parentheses as one likes. */
static bool take_number(struct parser *p, struct expr *e, bool *second)
{
	const struct token *t = p->t;
	u32 open = 0;

	while (t->kind == TOK_PUNCT && t->op == '(')
		t++, open++;
	if (t->kind != TOK_NUMBER)
		return false;
	for (u32 i = 1; i <= open; i++)
		if (t[i].kind != TOK_PUNCT || t[i].op != ')')
			return false;
	p->t = t + 1 + open;
	if (*second)
		e->number2 = t->number;
	else
		e->number = t->number;
	*second = true;
	e->has_number = true;
	return true;
}

static bool take_operand(struct parser *p, struct expr *e, char kind, bool *second)
{
	bool has_id = p->t->kind == TOK_ID ||
		      (e->op == WORD_LLC && p->t->kind == TOK_WORD && p->t->op == WORD_RNR);

	switch (kind) {
	case 'n': return take_number(p, e, second) || wrong(p, "a number");
	case 'N': take_number(p, e, second); return true;
	case 'o':
		if (!is(p, '<') && !is(p, '>') && !is(p, '=') && !is(p, '&') && !is(p, '|'))
			return wrong(p, "one of < > = & |");
		e->op2 = p->t++->op;
		return true;
	case 's': /* type T subtype S */
		if (p->t->kind != TOK_WORD || p->t->op != WORD_SUBTYPE)
			return true;
		e->op2 = p->t++->op;
		e->mask = p->t;
		if (!has_id && p->t->kind != TOK_ID && p->t->kind != TOK_NUMBER)
			return wrong(p, "a subtype");
		p->t++;
		return true;
	case 'a':
		if (take_number(p, e, second))
			return true;
		break;
	default: break;
	}
	if (has_id)
		e->id = p->t++;
	return has_id || kind == 'I' || wrong(p, "a name");
}

static struct expr *verb(struct parser *p, u16 proto)
{
	struct expr *e = new_expr(p, EXPR_VERB);
	const char *takes = "";
	bool second = false;

	e->q.proto = proto;
	e->op = p->t++->op;
	for (u32 i = 0; i < ARRAY_SIZE(operands); i++)
		if (operands[i].verb == e->op)
			takes = operands[i].takes;
	for (; *takes; takes++)
		if (!take_operand(p, e, *takes, &second))
			return NULL;
	return e;
}

/* [proto] [dir] [type] id, or what begins with a protocol */
static struct expr *qualified(struct parser *p, struct quals *q)
{
	struct quals own = {.known = true};
	struct expr *e;

	if (is_word(p, KIND_PROTO))
		own.proto = p->t++->op;
	if (is_word(p, KIND_VERB)) {
		e = verb(p, own.proto);
		q->known = false;
		return e;
	}
	if (is_word(p, KIND_DIR))
		own.dir = direction(p);
	if (is_word(p, KIND_TYPE))
		own.type = p->t++->op;
	if (!own.dir && !own.type) { /* the protocol alone */
		p->t--;
		e = new_expr(p, EXPR_PROTO);
		e->op = own.proto;
		p->t++;
		q->known = false;
		return e;
	}
	*q = own;
	if (!is(p, '(') && !is(p, '!'))
		return id(p, own);
	return NULL; /* the caller goes on with a term that has these qualifiers */
}

static struct expr *primitive(struct parser *p, struct quals *q)
{
	const struct token *first = p->t;
	struct expr *e;

	if (is_arith(p)) {
		q->known = false;
		return relation(p);
	}
	if (is_id(first)) {
		if (q->known)
			return id(p, *q);
		if (first->kind == TOK_ID)
			return wrong(p, "a primitive, as host, port, net, tcp or ip[0] = 1");
		diag_error(p->d, first->at, "host, net or port, as in pcap-filter(7)",
			   "what is '%s'? Nothing in front of it says it", first->text);
		return NULL;
	}
	if (is_word(p, KIND_REFUSED)) {
		diag_error(p->d, first->at, NULL,
			   "'%s' is of ATM or SS7, which no link type here has", first->text);
		return NULL;
	}
	if (!is_word(p, KIND_PROTO) && !is_word(p, KIND_DIR) && !is_word(p, KIND_TYPE) &&
	    !is_word(p, KIND_VERB))
		return wrong(p, "a primitive, as host, port, net, tcp or ip[0] = 1");
	e = qualified(p, q);
	return e;
}

static struct expr *term(struct parser *p, struct quals *q)
{
	const struct token *first = p->t;
	struct quals outer = *q;
	struct expr *e, *inner;

	if (!deeper(p))
		return NULL;
	if (is(p, '!')) {
		e = new_expr(p, EXPR_NOT);
		p->t++;
		inner = term(p, q);
		vec_push(p->arena, &e->kids, inner);
		e->height = inner ? inner->height + 1 : 0;
		e = inner ? e : NULL;
	} else if (is(p, '(') && !is_arith(p)) {
		p->t++;
		e = expr(p, q);
		if (e && !take(p, ')'))
			e = wrong(p, "a closing parenthesis, and, or or");
		*q = outer;
	} else {
		u32 errors = p->d->errors;

		e = primitive(p, q);
		if (!e && p->d->errors == errors)
			e = term(p, q);
	}
	p->depth--;
	if (e && !e->from) {
		e->from = first->from;
		e->to = p->t[-1].to;
	}
	return e;
}

static struct expr *join(struct parser *p, enum expr_kind kind, struct expr *a, struct expr *b)
{
	struct expr *e = a;

	if (a->kind != kind) {
		e = new_expr(p, kind);
		e->from = a->from;
		e->height = a->height + 1;
		vec_push(p->arena, &e->kids, a);
	}
	e->to = b->to;
	e->height = MAX(e->height, b->height + 1);
	vec_push(p->arena, &e->kids, b);
	return within(p, e->height, HEIGHT_MOST) ? e : NULL;
}

static struct expr *expr(struct parser *p, struct quals *q)
{
	struct expr *left = term(p, q), *right;

	while (left && (is(p, PUNCT_AND) || is(p, PUNCT_OR))) {
		bool is_and = is(p, PUNCT_AND);

		p->t++;
		right = term(p, q);
		left = right ? join(p, is_and ? EXPR_AND : EXPR_OR, left, right) : NULL;
	}
	return left;
}

int filter_parse(struct expr **out, struct arena *arena, const struct tokens *tokens,
		 struct diag *d)
{
	struct parser p = {.arena = arena, .d = d, .first = tokens->t.v, .t = tokens->t.v};
	struct quals q = {0};

	*out = NULL;
	if (p.t->kind == TOK_END)
		return 0; /* all packets */
	*out = expr(&p, &q);
	if (*out && p.t->kind != TOK_END)
		*out = wrong(&p, "and, or, or the end");
	return *out ? 0 : -EINVAL;
}
