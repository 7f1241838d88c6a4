/*
 * inside.h: what the files of this room share: sets of numbers, values, trees, graphs.
 *
 * text → lex → parse → expressions (struct expr) → lower → tree of tests (struct tree)
 *      → build → decision graph (struct graph) → optimise → emit → classic BPF.
 *
 * A test asks whether a value of the packet is in a set of numbers. Values are numbered: the same
 * value always has the same number. A load from behind the packet's end rejects the packet, so the
 * order of tests matters, and tests may only change places when their loads are known to be good.
 */
#ifndef FILTER_INSIDE_H
#define FILTER_INSIDE_H

#include "filter/filter.h"

/* ---- set.c: sets of 32-bit numbers: spans that are sorted, apart, and never touch */
struct span {
	u32 lo, hi; /* both are in it */
	u32 rank;   /* the order in which they were named: who reads a listing expects it */
	bool down;  /* of two numbers the higher one was named first */
};
struct set {
	struct span *v;
	u32 n;
};
struct set set_span(struct arena *, u32 lo, u32 hi);
struct set set_one(struct arena *, u32 k);
struct set set_or(struct arena *, struct set, struct set);
struct set set_and(struct arena *, struct set, struct set);
struct set set_not(struct arena *, struct set, u32 most); /* of 0 to `most` */
struct set set_not_in(struct span *room, struct set, u32 most); /* one more span than there are */
struct set set_copy(struct arena *, struct set);
bool set_has(struct set, u32 k);
bool set_same(struct set, struct set);
bool set_within(struct set, struct set); /* all of the first is in the second */
bool set_disjoint(struct set, struct set);

/* ---- value.c */
enum value_op {
	VAL_NONE,
	VAL_CONST,
	VAL_LEN,  /* bytes of the packet on the wire */
	VAL_LOAD, /* `size` bytes at value a (0: none) + k */
	VAL_MSH,  /* 4 * (byte at k & 15) */
	VAL_ADD,
	VAL_SUB,
	VAL_MUL,
	VAL_DIV,
	VAL_MOD,
	VAL_AND,
	VAL_OR,
	VAL_XOR,
	VAL_LSH,
	VAL_RSH,
	VAL_NEG,
	VAL_EQ, /* of two values: 1 or 0 */
	VAL_GT,
	VAL_GE,
};
#define VALUE_IS_ALU(op) ((op) >= VAL_ADD && (op) <= VAL_NEG)
struct value {
	u8 op, size;
	bool faults; /* it may end the filter: a load, a division by what may be 0 */
	u32 a, b;    /* values */
	u32 k;
	u32 most; /* no number above this */
	u8 base;  /* of a load: what it was counted from when it was first asked for: enum base plus
		     1 */
	u32 off;  /* and where from there */
};
struct values {
	struct arena *arena;
	vec(struct value) v; /* [0]: none */
	u32 *slots, mask;
};
struct values *values_new(struct arena *);
u32 val_const(struct values *, u32 k);
u32 val_len(struct values *);
u32 val_load(struct values *, u32 size, u32 x, u32 k);
u32 val_extra(struct values *, u32 number); /* what the kernel knows: enum cbpf_ancillary_id */
u32 val_msh(struct values *, u32 k);
u32 val_alu(struct values *, enum value_op, u32 a, u32 b);
/* Where a load lies, for those who explain it. */
void val_name(struct values *, u32 v, u32 base, u32 off);
/* 0, or FILTER_SHORT when the packet ends before. */
int val_eval(const struct values *, u32 v, const struct cbpf_packet *, u32 *out);
void val_print(struct buf *, const struct values *, u32 v);

/* ---- tree.c */
enum tree_kind { TREE_NO, TREE_YES, TREE_TEST, TREE_AND, TREE_OR, TREE_NOT };
struct tree {
	u8 kind;
	vec(struct tree *) kids;
	u32 value;
	struct set set;
};
struct tree *tree_const(struct values *, bool yes);
struct tree *tree_test(struct values *, u32 value, struct set);
struct tree *tree_and(struct values *, struct tree *, struct tree *);
struct tree *tree_or(struct values *, struct tree *, struct tree *);
struct tree *tree_not(struct values *, struct tree *);

/* ---- graph.c, optimise.c, regroup.c */
enum { GRAPH_NO, GRAPH_YES, GRAPH_FIRST };
struct node {
	u32 value;
	struct set set;
	u32 t, f; /* nodes with smaller numbers */
};
struct graph {
	struct values *values;
	struct arena *arena;
	vec(struct node) nodes;
	u32 root;
	u32 *slots, mask;
};
struct graph *graph_new(struct values *);
u32 graph_node(struct graph *, u32 value, struct set, u32 t, u32 f);
struct graph *graph_build(struct values *, const struct tree *);
struct graph *graph_optimise(const struct graph *);
struct graph *graph_copy(const struct graph *); /* what can be reached */
u32 *graph_uses(const struct graph *);          /* how many edges lead to each node */
bool graph_thread(struct graph *);              /* facts.c; true: something changed */
bool graph_regroup(struct graph *);             /* regroup.c */
/* ---- emit.c */
int graph_emit(const struct graph *, u32 snaplen, struct filter *, struct diag *);

/* ---- words.c: a test in a sentence; type: the ether type that is known there, 0: none */
void test_print(struct buf *, const struct values *, const struct node *, u32 type);

/* ---- lex.c */
enum token_kind {
	TOK_END,
	TOK_NUMBER,
	TOK_ID,  /* a name, also \name */
	TOK_IP4, /* 1.2.3.4, 1.2 */
	TOK_IP6,
	TOK_MAC,
	TOK_ARCNET, /* $1f */
	TOK_PUNCT,  /* op: a letter, or PUNCT_... */
	TOK_WORD,   /* a row of words.def */
};
enum punct { PUNCT_GE = 256, PUNCT_LE, PUNCT_NE, PUNCT_LSH, PUNCT_RSH, PUNCT_AND, PUNCT_OR };
enum word {
	WORD_NONE,
#define WORD(id, name, kind) WORD_##id,
#include "filter/words.def"
	WORDS
};
enum word_kind {
	KIND_PROTO,
	KIND_DIR,
	KIND_TYPE,
	KIND_VERB,
	KIND_OTHER,
	KIND_REFUSED,
};
struct word_info {
	const char *name;
	u8 kind;
};
extern const struct word_info word_table[WORDS];
struct token {
	u8 kind;
	u16 op; /* enum punct or a letter; enum word */
	u32 number;
	const char *text;      /* of names and addresses */
	const char *from, *to; /* in the source */
	struct loc at;
};
struct tokens {
	vec(struct token) t; /* ends with TOK_END */
};
int filter_lex(struct tokens *, struct arena *, const char *text, size_t size, struct diag *);

/* ---- parse.c */
struct quals {
	u16 proto, dir, type; /* enum word, 0: none */
	bool known;           /* false: nothing to inherit */
};
enum arith_kind { ARITH_NUMBER, ARITH_LEN, ARITH_LOAD, ARITH_OP, ARITH_NEG };
struct arith {
	u8 kind, size;
	u16 op; /* enum value_op; of a load: the protocol's word */
	u32 number;
	u32 height; /* levels of operators below it */
	struct arith *a, *b; /* of a load: a is the offset */
	struct loc at;
};
enum expr_kind { EXPR_AND, EXPR_OR, EXPR_NOT, EXPR_ID, EXPR_PROTO, EXPR_RELATION, EXPR_VERB };
struct expr {
	u8 kind;
	u16 op; /* relation: a letter or punct; verb: its word; proto: its word */
	struct loc at;
	const char *from, *to; /* its text */
	u32 height; /* levels of and, or and not below it */
	vec(struct expr *) kids;
	struct quals q;
	const struct token *id;   /* of EXPR_ID; of a verb: what follows */
	const struct token *mask; /* `net 1.2.3.4 mask 255.255.0.0` */
	bool has_number;
	u32 number, number2; /* prefix length; a verb's numbers */
	u16 op2;             /* of `byte` */
	struct arith *left, *right;
};
int filter_parse(struct expr **, struct arena *, const struct tokens *, struct diag *);

/* ---- names.c */
struct names {
	struct arena *arena;
	const struct filter_opts *opts;
};
/* 0, or -ENOENT. */
int names_service(struct names *, const char *name, u16 *port, u32 *protocol /* 0: tcp and udp */);
int names_protocol(struct names *, const char *name, u32 *number);
int names_ether_type(const char *name, u32 *number);
int names_ether(struct names *, const char *name, u8 mac[6]);
int names_network(struct names *, const char *name, u32 *net);
struct host_address {
	bool v6;
	u8 bytes[16];
};
struct host_addresses {
	vec(struct host_address) v;
};
int names_host(struct names *, const char *name, struct host_addresses *);
bool parse_ip4(const char *text, u32 *address, u32 *parts); /* 1.2 is 1.2 with 2 parts */
bool parse_ip6(const char *text, u8 out[16]);
bool parse_mac(const char *text, u8 out[6]);

/* ---- lower*.c */
struct place { /* an offset: a value (0: none) plus a number */
	u32 var, k;
};
struct lower;
struct filter_link {
	const char *name;
	u16 number; /* DLT_ */
	u16 type_at, payload, nl, nosnap;
	struct tree *(*type)(struct lower *,
			     u32 protocol); /* is it an ether type or a SAP of LLC? */
	const char *says;
	void (*start)(struct lower *); /* where things lie, if the packet itself tells it */
};
/* wireless.c: 802.11 */
void wireless_start(struct lower *);
void radiotap_start(struct lower *);
void prism_start(struct lower *);
void avs_start(struct lower *);
struct tree *wireless_type(struct lower *, u32 protocol);
bool link_is_wireless(const struct filter_link *);
struct tree *wireless_data(struct lower *); /* is it a frame of data? */
struct tree *wireless_verb(struct lower *, const struct expr *);
struct tree *wireless_address(struct lower *, const u8 *mac /* NULL: of a group */, u32 dir);
extern const struct filter_link filter_links[]; /* ends with a row without a name */
const struct filter_link *filter_link_find(const char *name);

struct lower {
	struct arena *arena;
	struct values *values;
	struct diag *d;
	struct names names;
	const struct filter_opts *opts;
	const struct filter_link *link;     /* of what comes next: after pppoes it is PPP */
	struct place header, type, payload; /* of the link layer */
	u32 nl, nosnap;
	u32 vlans, labels; /* seen so far */
	bool tag_kept;     /* the kernel has the tag that comes next */
	struct tree
		*framed; /* what must hold for there to be a header of the link layer, or NULL */
	const struct expr *at; /* what is being lowered, for messages */
	bool failed;
};
/* Values: with a constant; 1 if it is that number, else 0. */
u32 ask_alu(struct lower *, enum value_op, u32 value, u32 k);
u32 ask_equal(struct lower *, u32 value, u32 k);
/* All return NULL when they have reported an error. */
struct tree *ask_framed(struct lower *, struct tree *); /* of a test of the link layer's header */
struct tree *ask_geneve(struct lower *, const struct expr *); /* tunnel.c */
struct tree *ask_vxlan(struct lower *, const struct expr *);
struct tree *ask_chain(struct lower *, u32 number, u32 word, struct loc); /* chain.c */
struct tree *ask_expr(struct lower *, const struct expr *);
struct tree *ask_id(struct lower *, const struct expr *);
struct tree *ask_verb(struct lower *, const struct expr *);
struct tree *ask_relation(struct lower *, const struct expr *);
struct tree *ask_abbreviation(struct lower *, u32 word, struct loc);
struct tree *ask_proto(struct lower *, u32 number, u32 word, struct loc);
struct tree *ask_type(struct lower *, u32 protocol); /* of the link layer: ether type or SAP */
struct tree *ask_ether(struct lower *, const u8 mac[6], u32 dir);
struct tree *ask_address(struct lower *, u32 address, u32 mask, u32 proto, u32 dir);
struct tree *ask_not_fragment(struct lower *);
struct tree *ask_failed(struct lower *, struct loc, const char *hint, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* Where loads are counted from. */
enum base {
	BASE_PACKET,
	BASE_HEADER,     /* of the link layer */
	BASE_TYPE,       /* its field that names the protocol */
	BASE_LLC,        /* behind that header */
	BASE_NET,        /* the network layer */
	BASE_NET_LLC,    /* the same when it follows LLC without SNAP */
	BASE_LABEL,      /* the last label of MPLS */
	BASE_TRANSPORT4, /* behind the header of IPv4 */
	BASE_TRANSPORT6, /* behind the first header of IPv6 */
};
struct place ask_place(struct lower *, enum base);
u32 ask_load(struct lower *, enum base, u32 off, u32 size);
struct tree *ask_is(struct lower *, enum base, u32 off, u32 size, u32 k);
struct tree *ask_masked(struct lower *, enum base, u32 off, u32 size, u32 k, u32 mask);
struct tree *ask_between(struct lower *, enum base, u32 off, u32 size, u32 lo, u32 hi);
struct tree *ask_bytes(struct lower *, enum base, u32 off, u32 n, const u8 *bytes);

#endif
