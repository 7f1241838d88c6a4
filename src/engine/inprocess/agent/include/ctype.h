/* ctype.h: kinds of characters in the C locale, for the agent: without the tables of a C library.
 */
#ifndef AGENT_CTYPE_H
#define AGENT_CTYPE_H

static inline int isdigit(int c)
{
	return c >= '0' && c <= '9';
}
static inline int isupper(int c)
{
	return c >= 'A' && c <= 'Z';
}
static inline int islower(int c)
{
	return c >= 'a' && c <= 'z';
}
static inline int isalnum(int c)
{
	return isdigit(c) || isupper(c) || islower(c);
}
static inline int isxdigit(int c)
{
	return isdigit(c) || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}
static inline int isprint(int c)
{
	return c >= ' ' && c <= '~';
}
static inline int ispunct(int c)
{
	return c > ' ' && c <= '~' && !isalnum(c);
}
static inline int isspace(int c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}
static inline int tolower(int c)
{
	return isupper(c) ? c - 'A' + 'a' : c;
}

#endif
