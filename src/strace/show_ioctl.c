/*
 * show_ioctl.c: ioctl() by the names of its requests, and what they point to: of terminals, devices
 * of the network, files, disks, loops, random numbers and namespaces.
 */
#include "strace/strace.h"

enum { CS = 060, BAUD = 010017, SIOCGIFCONF = 0x8912, IFREQ_BYTES = 40 };

struct termios_kernel {
	u32 iflag, oflag, cflag, lflag;
};

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

void show_termios(struct shown *c, const void *at)
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

/* How a request takes its argument: not at all, as the value itself, as a place to read (shown
 * although it failed) or to fill. */
enum { ALONE, VALUE, IN, OUT };

#define WINDOW "{ws_row=%u2, ws_col=%u2, ws_xpixel=%u2, ws_ypixel=%u2}"
#define IFREQ  "{ifr_name=%n16, "
#define RANGE  "{start=%x8, len=%x8}"
/* Those that read what they fill then: what they read, which is not closed, and what they filled. */
static const struct answered {
	u32 cmd, bytes;
	const char *form, *then;
} answers[] = {
	{0xc020660b, 32, "{fm_start=%u8, fm_length=%u8, fm_flags=%f4:fiemap;, fm_extent_count=%@24;%u4",
	 "} => {fm_flags=%@16;%f4:fiemap;, fm_mapped_extents=%u4, ...}"},
	{0xc018aa3f, 24, "{api=%x8, features=%f8:uffdfeature;", " => features=%@8;%f8:uffdfeature;, ioctls=%x8}"},
	{0xc020aa00, 32, "{range=" RANGE ", mode=%f8:uffdmode;", ", ioctls=%@24;%x8}"},
	{0xc028aa03, 40, "{dst=%x8, src=%x8, len=%x8, mode=%x8", ", copy=%@32;%x8}"},
	{0xc020aa04, 32, "{range=" RANGE ", mode=%x8", ", zeropage=%@24;%x8}"},
};

/* form: as in records.def */
static const struct request {
	u32 cmd;
	u8 how, bytes;
	const char *form;
} requests[] = {
	{0x8010aa01, IN, 16, RANGE},
	{0x8010aa02, IN, 16, RANGE},
	{0x5401, OUT, 16, "%t16"},
	{0x5402, IN, 16, "%t16"},
	{0x5403, IN, 16, "%t16"},
	{0x5404, IN, 16, "%t16"},
	{0x5413, OUT, 8, WINDOW},
	{0x5414, IN, 8, WINDOW},
	{0x540b, VALUE, 4, "%o4:tcflush;"},
	{0x540a, VALUE, 4, "%o4:tcflow;"},
	{0x5409, VALUE, 4, "%d4"},
	{0x5425, VALUE, 4, "%d4"},
	{0x540e, VALUE, 4, "%d4"},
	{0x5415, OUT, 4, "[%f4:modem;]"},
	{0x5416, IN, 4, "[%f4:modem;]"},
	{0x5417, IN, 4, "[%f4:modem;]"},
	{0x5418, IN, 4, "[%f4:modem;]"},
	{0x541b, OUT, 4, "[%d4]"},
	{0x5411, OUT, 4, "[%d4]"},
	{0x540f, OUT, 4, "[%d4]"},
	{0x5410, IN, 4, "[%d4]"},
	{0x5421, IN, 4, "[%d4]"},
	{0x5420, IN, 4, "[%d4]"},
	{0x5423, IN, 4, "[%d4]"},
	{0x5424, OUT, 4, "[%d4]"},
	{0x5429, OUT, 4, "[%d4]"},
	{0x80045430, OUT, 4, "[%d4]"},
	{0x40045431, IN, 4, "[%d4]"},
	{0x5450, ALONE, 0, NULL}, /* FIONCLEX, FIOCLEX, TIOCEXCL, TIOCNOTTY */
	{0x5451, ALONE, 0, NULL},
	{0x540c, ALONE, 0, NULL},
	{0x5422, ALONE, 0, NULL},
	{0x8910, OUT, 20, "{ifr_ifindex=%@16;%d4, ifr_name=%@0;%n16}"},
	{0x8933, OUT, 20, IFREQ "ifr_ifindex=%d4}"},
	{0x8913, OUT, 20, IFREQ "ifr_flags=%f2:iff;}"},
	{0x8914, IN, 20, IFREQ "ifr_flags=%f2:iff;}"},
	{0x8915, OUT, 32, IFREQ "ifr_addr=%a16}"},
	{0x8916, IN, 32, IFREQ "ifr_addr=%a16}"},
	{0x8919, OUT, 32, IFREQ "ifr_broadaddr=%a16}"},
	{0x891b, OUT, 32, IFREQ "ifr_netmask=%a16}"},
	{0x8921, OUT, 20, IFREQ "ifr_mtu=%d4}"},
	{0x8922, IN, 20, IFREQ "ifr_mtu=%d4}"},
	{0x8927, OUT, 24, IFREQ "ifr_hwaddr={sa_family=%o2:hatype;, sa_data=%h6}}"},
	{0x8942, OUT, 20, IFREQ "ifr_qlen=%d4}"},
	{0x89a0, IN, 16, "%n16"},
	{0x89a1, IN, 16, "%n16"},
	{0x40049409, VALUE, 4, "%d4"},
	{0x80086601, OUT, 4, "[%f4:fsflags;]"},
	{0x40086602, IN, 4, "[%f4:fsflags;]"},
	{0x80087601, OUT, 4, "[%d4]"},
	{0x80081272, OUT, 8, "[%u8]"},
	{0x1268, OUT, 4, "[%d4]"},
	{0x127b, OUT, 4, "[%u4]"},
	{0x125e, OUT, 4, "[%d4]"},
	{0x1260, OUT, 8, "[%u8]"},
	{0x125f, ALONE, 0, NULL},
	{0x4c00, VALUE, 4, "%d4"},
	{0x4c80, VALUE, 4, "%d4"},
	{0x4c81, VALUE, 4, "%d4"},
	{0x4c01, ALONE, 0, NULL},
	{0x4c82, ALONE, 0, NULL},
	{0x80045200, OUT, 4, "[%d4]"},
	{0x40045201, IN, 4, "[%d4]"},
	{0xb701, ALONE, 0, NULL},
	{0xb702, ALONE, 0, NULL},
	{0xb703, ALONE, 0, NULL},
	{0xb704, OUT, 4, "[%u4]"},
	{0xae80, ALONE, 0, NULL}, /* KVM_RUN */
};

static const struct request *request_of(u32 cmd)
{
	for (u32 i = 0; i < ARRAY_SIZE(requests); i++)
		if (requests[i].cmd == cmd)
			return &requests[i];
	return NULL;
}

/* Known ones by name; others as _IOC(direction, type, number, size). */
void show_kind_ioctl(struct shown *c, const struct arg *a)
{
	static const char *const ways[] = {"_IOC_NONE", "_IOC_WRITE", "_IOC_READ",
					   "_IOC_READ|_IOC_WRITE"};
	const struct flag_set *set = strace_set("ioctl", 5);
	u32 cmd = (u32)ARG(c, a);
	const struct request *r = request_of(cmd);

	c->ended |= r && r->how == ALONE;
	for (u32 i = 0; i < set->n; i++)
		if (set->values[i] == cmd) {
			buf_puts(c->out, flag_name(set, i));
			return;
		}
	buf_printf(c->out, "_IOC(%s, %#x, %#x, %#x)", ways[cmd >> 30], cmd >> 8 & 0xff, cmd & 0xff,
		   cmd >> 16 & 0x3fff);
}

static void show_length(struct buf *b, s32 len)
{
	buf_s64(b, len);
	if (len && len % IFREQ_BYTES == 0)
		buf_printf(b, " /* %d * sizeof(struct ifreq) */", len / IFREQ_BYTES);
}

/* What SIOCGIFCONF was given and gave: how long, and the list. */
static void show_interfaces(struct shown *c, const struct arg *a, u64 addr)
{
	struct ifconf {
		s32 len;
		u32 hole;
		u64 list;
	} was, is;
	struct arg in = *a;
	const void *given, *gave = seen(c, a, addr, sizeof(is));
	const u8 *list;
	u32 n;

	in.out = false;
	given = seen(c, &in, addr, sizeof(was));
	if (!addr || !given || !gave) {
		show_address(c->out, addr);
		return;
	}
	memcpy(&was, given, sizeof(was));
	memcpy(&is, gave, sizeof(is));
	n = c->done && c->ret >= 0 && is.len > 0 ? (u32)is.len / IFREQ_BYTES : 0;
	buf_puts(c->out, "{ifc_len=");
	show_length(c->out, is.list ? was.len : is.len);
	if (is.list && is.len != was.len) {
		buf_puts(c->out, " => ");
		show_length(c->out, is.len);
	}
	buf_puts(c->out, ", ifc_buf=");
	list = n ? seen(c, a, is.list, MIN((u64)n, c->s->opts.strsize) * IFREQ_BYTES) : NULL;
	if (!list && (n || !is.list || !c->done || c->ret < 0)) {
		show_address(c->out, is.list);
	} else {
		buf_char(c->out, '[');
		for (u32 i = 0; i < n && i < c->s->opts.strsize; i++) {
			buf_puts(c->out, i ? ", " : "");
			show_form(c, IFREQ "ifr_addr=%a16}", list + (size_t)i * IFREQ_BYTES);
		}
		buf_puts(c->out, n > c->s->opts.strsize ? ", ...]" : "]");
	}
	buf_char(c->out, '}');
}

/* What was asked, as it was before, and what was answered. */
static void show_answered(struct shown *c, const struct arg *a, const struct answered *r, u64 addr)
{
	struct arg before = *a;
	const void *asked, *answered = addr && c->done && c->ret >= 0 ? seen(c, a, addr, r->bytes) : NULL;

	before.out = false;
	asked = addr ? seen(c, &before, addr, r->bytes) : NULL;
	if (!asked) {
		show_address(c->out, addr);
		return;
	}
	show_form(c, r->form, asked);
	if (answered)
		show_form(c, r->then, answered);
	else
		buf_char(c->out, '}');
}

void show_kind_ioctlarg(struct shown *c, const struct arg *a)
{
	u32 cmd = (u32)c->args[1];
	const struct request *r = request_of(cmd);
	u64 v = ARG(c, a);
	const void *p = NULL;

	if (cmd == SIOCGIFCONF) {
		show_interfaces(c, a, v);
		return;
	}
	for (u32 i = 0; i < ARRAY_SIZE(answers); i++)
		if (answers[i].cmd == cmd) {
			show_answered(c, a, &answers[i], v);
			return;
		}
	if (r && r->how == VALUE)
		p = &v;
	else if (r && v && (r->how == IN || !c->done || c->ret >= 0))
		p = seen(c, a, v, r->bytes);
	if (p)
		show_form(c, r->form, p);
	else if (r || cmd >> 30 || (cmd >> 8) == 0x54 || v > 0xffff)
		show_address(c->out, v);
	else
		show_hex(c->out, v);
}
