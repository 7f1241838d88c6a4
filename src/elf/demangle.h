/*
 * demangle.h: names of C++ as people write them.
 *
 * Source: the Itanium C++ ABI, chapter 5.1 ("External Names").
 */
#ifndef ELF_DEMANGLE_H
#define ELF_DEMANGLE_H

#include "base/buf.h"

/* "_ZN2ns3addEiPKc" to "ns::add(int, char const*)", and without result and parameters "ns::add".
 * Both live in the arena. False: it is no mangled name of a function or variable, or one of a form
 * that is not known (expressions in templates). */
bool demangle(struct arena *, const char *mangled, const char **whole, const char **name);

#endif
