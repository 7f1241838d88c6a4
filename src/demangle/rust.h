/* rust.h: what reads names of Rust in the form v0: rust_v0.c, rust_ident.c and rust_const.c. */
#ifndef DEMANGLE_RUST_H
#define DEMANGLE_RUST_H

#include "demangle/inside.h"

#define RUST_DEPTH_MOST 300
#define RUST_STEPS_MOST 100000

struct rust {
	const char *start, *p, *end; /* start: what back references count from */
	struct buf *out;
	u32 depth, steps, lifetimes;
	bool silent, failed;
};

struct rust_ident {
	const char *p;
	size_t n;
	bool puny;
};

/* rust_v0.c */
void rust_path(struct rust *, bool value);
void rust_type(struct rust *);
/* rust_const.c; inside: of another constant, where no braces are needed */
void rust_constant(struct rust *, bool inside);
/* rust_ident.c */
u64 rust_number(struct rust *);                /* "_" is 0, "0_" is 1, ... */
u64 rust_optional(struct rust *, char letter); /* a number + 1 with a letter in front; else 0 */
struct rust_ident rust_identifier(struct rust *);
void rust_put_identifier(struct rust *, const struct rust_ident *);

static inline void fail(struct rust *r)
{
	r->failed = true;
}

static inline bool enter(struct rust *r)
{
	if (++r->depth > RUST_DEPTH_MOST || ++r->steps > RUST_STEPS_MOST ||
	    r->out->n > DEMANGLE_TEXT_MOST)
		fail(r);
	return !r->failed;
}

static inline char peek(const struct rust *r)
{
	return r->p < r->end ? *r->p : 0;
}

static inline bool take(struct rust *r, char c)
{
	if (r->failed || peek(r) != c)
		return false;
	r->p++;
	return true;
}

static inline void put_n(struct rust *r, const char *text, size_t n)
{
	if (!r->silent && !r->failed)
		buf_add(r->out, text, n);
}

static inline void put(struct rust *r, const char *text)
{
	put_n(r, text, strlen(text));
}

static inline void put_u64(struct rust *r, u64 v)
{
	if (!r->silent && !r->failed)
		buf_u64(r->out, v);
}

static inline void put_utf8(struct rust *r, u32 c)
{
	if (!r->silent && !r->failed)
		demangle_utf8(r->out, c);
}

/* Reads what stands at an earlier place; B is taken already. */
#define AGAIN(r, call)                                                              \
	do {                                                                        \
		const char *at_ = (r)->p, *back_;                                   \
		u64 place_ = rust_number(r);                                        \
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

#endif
