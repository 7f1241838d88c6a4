/*
 * demangle.h: the names that compilers give to linkers, made readable again.
 *
 *	_ZN4core3fmt9Formatter3pad17h0123456789abcdefE		core::fmt::Formatter::pad
 *	_ZNSt6vectorIiSaIiEE9push_backEOi	std::vector<int, std::allocator<int>
 *>::push_back(int&&)
 *
 * In:  a name that may be anything. Out: what it means, written as binutils' c++filt writes it, or
 *      nothing: it is no such name, or it is broken. Nothing is read outside of it; time and
 *      memory are bounded, whatever it says.
 *
 * How to look for a function by the name that its author knows: go over the symbols of the file,
 * and ask demangle_matches() of each. It is quick for names that are not mangled at all.
 */
#ifndef DEMANGLE_DEMANGLE_H
#define DEMANGLE_DEMANGLE_H

#include "base/buf.h"

enum demangle_as {
	DEMANGLE_WHOLE, /* void ns::fn<int>(char) */
	DEMANGLE_NAME,  /* ns::fn<int> */
};
/* Appends the readable name; false: nothing is appended. */
bool demangle(struct buf *out, const char *name, size_t len, enum demangle_as);
/* Does the symbol mean `want`, which is a whole name as above ("ns::fn(int)") or one without
 * parameters ("ns::fn", which all its overloads match)? Blanks do not count. */
bool demangle_matches(const char *symbol, const char *want);

#endif
