/*
 * show_ioctl.c: ioctl() by the names of its requests; what those of terminals point to.
 */
#include "strace/strace.h"

enum { CS = 060, BAUD = 010017 };

struct termios_kernel {
	u32 iflag, oflag, cflag, lflag;
};

static void window_size(struct shown *c, const void *at)
{
	const u16 *w = at;

	buf_printf(c->out, "{ws_row=%u, ws_col=%u, ws_xpixel=%u, ws_ypixel=%u}", w[0], w[1], w[2],
		   w[3]);
}

static void number(struct shown *c, const void *at)
{
	buf_printf(c->out, "[%d]", *(const s32 *)at);
}

static void modem(struct shown *c, const void *at)
{
	buf_char(c->out, '[');
	flags_of(c->out, "modem", *(const u32 *)at);
	buf_char(c->out, ']');
}

/* Nothing where no bit is set. */
static void some_flags(struct buf *b, const char *set, u32 bits)
{
	if (bits)
		flags_of(b, set, bits);
}

static void delays(struct buf *b, u32 oflag)
{
	buf_printf(b, "NL%u|CR%u|", oflag >> 8 & 1, oflag >> 9 & 3);
	if ((oflag >> 11 & 3) == 3)
		buf_puts(b, "XTABS");
	else
		buf_printf(b, "TAB%u", oflag >> 11 & 3);
	buf_printf(b, "|BS%u|VT%u|FF%u|", oflag >> 13 & 1, oflag >> 14 & 1, oflag >> 15 & 1);
}

static void termios(struct shown *c, const void *at)
{
	const struct termios_kernel *t = at;
	struct buf *b = c->out;

	buf_puts(b, "{c_iflag=");
	some_flags(b, "iflag", t->iflag);
	buf_puts(b, ", c_oflag=");
	delays(b, t->oflag);
	some_flags(b, "oflag", t->oflag & ~0xff00u);
	buf_puts(b, ", c_cflag=");
	one_of(b, "baud", t->cflag & BAUD);
	if (t->cflag >> 16 & BAUD) {
		buf_char(b, '|');
		one_of(b, "baud", t->cflag >> 16 & BAUD);
		buf_puts(b, "<<IBSHIFT");
	}
	buf_printf(b, "|CS%u|", 5 + ((t->cflag & CS) >> 4));
	some_flags(b, "cflag", t->cflag & ~(u32)(CS | BAUD | BAUD << 16));
	buf_puts(b, ", c_lflag=");
	some_flags(b, "lflag", t->lflag);
	buf_puts(b, ", ...}");
}

enum { INDEX_AT = 16 };

static void interface(struct shown *c, const void *at)
{
	const char *name = at;

	buf_puts(c->out, "{ifr_name=");
	show_bytes(c, name, strnlen(name, 15), 0, false, 16);
	buf_printf(c->out, ", ifr_ifindex=%d}", *(const s32 *)(name + INDEX_AT));
}

static void interface_name(struct shown *c, const void *at)
{
	const char *name = at;

	buf_printf(c->out, "{ifr_ifindex=%d, ifr_name=", *(const s32 *)(name + INDEX_AT));
	show_bytes(c, name, strnlen(name, 15), 0, false, 16);
	buf_char(c->out, '}');
}

/* What a request's argument is: memory, bits, a word of a set, a number, nothing. */
static const struct request {
	u32 cmd;
	u8 bytes;
	bool in; /* the call only reads it: shown although it failed */
	void (*show)(struct shown *, const void *);
	const char *set; /* the argument itself is one of these; "": a number */
} requests[] = {
	{0x5401, 16, false, termios, NULL},    {0x5402, 16, true, termios, NULL},
	{0x5403, 16, true, termios, NULL},     {0x5404, 16, true, termios, NULL},
	{0x5413, 8, false, window_size, NULL}, {0x5414, 8, true, window_size, NULL},
	{0x540b, 0, true, NULL, "tcflush"},    {0x540a, 0, true, NULL, "tcflow"},
	{0x5409, 0, true, NULL, ""},           {0x5425, 0, true, NULL, ""},
	{0x540e, 0, true, NULL, ""},           {0x5415, 4, false, modem, NULL},
	{0x5416, 4, true, modem, NULL},        {0x5417, 4, true, modem, NULL},
	{0x5418, 4, true, modem, NULL},        {0x541b, 4, false, number, NULL},
	{0x5411, 4, false, number, NULL},      {0x540f, 4, false, number, NULL},
	{0x5410, 4, true, number, NULL},       {0x5421, 4, true, number, NULL},
	{0x5420, 4, true, number, NULL},       {0x5423, 4, true, number, NULL},
	{0x5424, 4, false, number, NULL},      {0x5429, 4, false, number, NULL},
	{0x80045430, 4, false, number, NULL},  {0x40045431, 4, true, number, NULL},
	{0x8933, 20, false, interface, NULL},  {0x8910, 20, false, interface_name, NULL},
};

/* Known ones by name; others as _IOC(direction, type, number, size). */
void show_kind_ioctl(struct shown *c, const struct arg *a)
{
	static const u32 alone[] = {0x5450, 0x5451, 0x540c, 0x5422, 0xae80}; /* FIONCLEX, ... */
	static const char *const ways[] = {"_IOC_NONE", "_IOC_WRITE", "_IOC_READ",
					   "_IOC_READ|_IOC_WRITE"};
	const struct flag_set *set = strace_set("ioctl", 5);
	u32 cmd = (u32)ARG(c, a);

	for (u32 i = 0; i < ARRAY_SIZE(alone); i++)
		c->ended |= cmd == alone[i];
	for (u32 i = 0; i < set->n; i++)
		if (set->values[i] == cmd) {
			buf_puts(c->out, flag_name(set, i));
			return;
		}
	buf_printf(c->out, "_IOC(%s, %#x, %#x, %#x)", ways[cmd >> 30], cmd >> 8 & 0xff, cmd & 0xff,
		   cmd >> 16 & 0x3fff);
}

static void known_request(struct shown *c, const struct arg *a, const struct request *r)
{
	u64 v = ARG(c, a);
	const void *p;

	if (r->set && *r->set) {
		one_of(c->out, r->set, v);
	} else if (r->set) {
		buf_printf(c->out, "%d", (s32)v);
	} else {
		p = v && (r->in || !c->done || c->ret >= 0) ? seen(c, a, v, r->bytes) : NULL;
		if (p)
			r->show(c, p);
		else
			show_address(c->out, v);
	}
}

void show_kind_ioctlarg(struct shown *c, const struct arg *a)
{
	u32 cmd = (u32)c->args[1];
	u64 v = ARG(c, a);

	for (u32 i = 0; i < ARRAY_SIZE(requests); i++)
		if (requests[i].cmd == cmd) {
			known_request(c, a, &requests[i]);
			return;
		}
	if (cmd >> 30 || (cmd >> 8) == 0x54 || v > 0xffff)
		show_address(c->out, v);
	else
		buf_printf(c->out, "%#llx", (unsigned long long)v);
}
