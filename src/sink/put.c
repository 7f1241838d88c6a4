/* put.c: numbers and strings written to memory; see put.h. */
#include "sink/put.h"

#define TEN(d) d "0" d "1" d "2" d "3" d "4" d "5" d "6" d "7" d "8" d "9"
const char put_pairs[201] =
	TEN("0") TEN("1") TEN("2") TEN("3") TEN("4") TEN("5") TEN("6") TEN("7") TEN("8") TEN("9");
static const char hex[] = "0123456789abcdef";

char *put_cell(char *p, const u8 *s, size_t n, u32 *columns)
{
	u32 more = 0; /* bytes that continue a sequence */
	char *start = p;
	u64 w, odd;

	while (n) {
		/* eight bytes at once while they are plain */
		for (; n >= 8; n -= 8, s += 8, p += 8) {
			memcpy(&w, s, 8);
			memcpy(p, &w, 8);
			odd = (w & PUT_HIGHS) | put_below(w, 0x20) | put_equal(w, 0x7f);
			if (!odd)
				continue;
			if (s[__builtin_ctzll(odd) >> 3])
				break;
			p += __builtin_ctzll(odd) >> 3;
			goto out;
		}
		for (u32 i = 0; n && i < 8; i++, n--, s++) {
			if (!*s)
				goto out;
			*p++ = *s < 0x20 || *s == 0x7f ? '?' : (char)*s;
			more += (*s & 0xc0) == 0x80;
		}
	}
out:
	*columns = (u32)(p - start) - more;
	return p;
}

static char *put_hex_byte(char *p, u8 c)
{
	*p++ = hex[c >> 4];
	*p++ = hex[c & 15];
	return p;
}

char *put_raw(char *p, const u8 *s, size_t n, int style)
{
	for (size_t i = 0; i < n; i++) {
		if (style == 2) {
			if (i)
				*p++ = ' ';
			p = put_hex_byte(p, s[i]);
		} else if (style == 1 || s[i] < 0x20 || s[i] > 0x7e) {
			*p++ = '\\';
			*p++ = 'x';
			p = put_hex_byte(p, s[i]);
		} else {
			*p++ = (char)s[i];
		}
	}
	return p;
}

/* The length of the well-formed UTF-8 sequence at s (RFC 3629: no surrogates, nothing too long,
 * nothing above U+10FFFF), 0: there is none. */
static size_t utf8_length(const u8 *s, size_t n)
{
	u32 len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	u8 lo = 0x80, hi = 0xbf;

	if (s[0] < 0xc2 || s[0] > 0xf4 || n < len)
		return 0;
	if (s[0] == 0xe0)
		lo = 0xa0;
	else if (s[0] == 0xed)
		hi = 0x9f;
	else if (s[0] == 0xf0)
		lo = 0x90;
	else if (s[0] == 0xf4)
		hi = 0x8f;
	if (s[1] < lo || s[1] > hi)
		return 0;
	for (u32 i = 2; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

static char *put_json_byte(char *p, u8 c)
{
	static const char names[] = "btn?fr"; /* 8, 9, 10, 12, 13; 11 has none */

	*p++ = '\\';
	if (c == '"' || c == '\\') {
		*p++ = (char)c;
	} else if (c >= 8 && c <= 13 && c != 11) {
		*p++ = names[c - 8];
	} else {
		p = put_copy(p, "u00", 3);
		p = put_hex_byte(p, c);
	}
	return p;
}

char *put_json(char *p, const u8 *s, size_t n, bool text)
{
	const u8 *end = s + n;
	u64 w, odd;
	size_t len;

	while (s < end) {
		for (; end - s >= 8; s += 8, p += 8) {
			memcpy(&w, s, 8);
			memcpy(p, &w, 8);
			odd = (w & PUT_HIGHS) | put_below(w, 0x20) | put_equal(w, '"') |
			      put_equal(w, '\\');
			if (!odd)
				continue;
			if (!s[__builtin_ctzll(odd) >> 3] && text)
				return p + (__builtin_ctzll(odd) >> 3);
			break;
		}
		for (u32 i = 0; s < end && i < 8; i++) {
			if (!*s && text)
				return p;
			if (*s >= 0x80) {
				len = utf8_length(s, (size_t)(end - s));
				p = len ? put_copy(p, s, len) : put_copy(p, "\xef\xbf\xbd", 3);
				s += len ? len : 1;
			} else if (*s < 0x20 || *s == '"' || *s == '\\') {
				p = put_json_byte(p, *s++);
			} else {
				*p++ = (char)*s++;
			}
		}
	}
	return p;
}
