/*
 * read.c: packets of capture files, pcap and pcapng, of both byte orders.
 *
 * In:  bytes. Out: packets. A file that is cut off in the middle of a packet, or has lengths that
 * cannot be, is reported with the offset; what stood before it has been given.
 */
#include "packet/ng.h"
#include "packet/reader.h"

#include <unistd.h>
#include <fcntl.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

/* ---- magic numbers, as a little-endian machine reads them */
#define PCAP_US       0xa1b2c3d4u
#define PCAP_NS       0xa1b23c4du
#define PCAP_MODIFIED 0xa1b2cd34u /* Kuznetsov's: 8 bytes more a packet */
#define NG_ORDER      0x1a2b3c4du

#define IFACES_MOST 65536

u32 packet_reader_format(const struct packet_reader *r, bool *nano)
{
	*nano = r->fraction == 1;
	return r->ng ? PACKET_PCAPNG : PACKET_PCAP;
}

static int broken(struct packet_reader *r, const char *what)
{
	return diag_fail(r->diag, -EINVAL, NULL, "%s is broken at byte %llu: %s", r->name,
			 (unsigned long long)bytes_offset(&r->from), what);
}

static int add_iface(struct packet_reader *r, const struct reader_iface *i)
{
	struct reader_iface *more;

	if (r->nifaces == IFACES_MOST)
		return broken(r, "it has too many interfaces");
	more = realloc(r->ifaces, (r->nifaces + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	r->ifaces = more;
	more[r->nifaces++] = *i;
	return 0;
}

/* Units may be finer or coarser than ns, and powers of 2. */
static u64 to_ns(const struct reader_iface *i, u64 t)
{
	u64 seconds = t / i->units, rest = t % i->units;

	return (seconds + (u64)i->shift) * 1000000000 +
	       (u64)((unsigned __int128)rest * 1000000000 / i->units);
}

/* ---- pcap */

static int pcap_begin(struct packet_reader *r, u32 magic)
{
	struct reader_iface i = {.units = magic == PCAP_NS ? 1000000000 : 1000000};
	const u8 *p = bytes_take(&r->from, 24);

	if (!p)
		return broken(r, "its header is cut off");
	r->head = magic == PCAP_MODIFIED ? 24 : 16;
	r->fraction = magic == PCAP_NS ? 1 : 1000;
	i.snaplen = reader_u32(r, p + 16);
	i.link = reader_u32(r, p + 20) & 0xffff;
	return add_iface(r, &i);
}

static int pcap_next(struct packet_reader *r, struct packet *out)
{
	const struct reader_iface *i = r->ifaces;
	const u8 *p = bytes_peek(&r->from, r->head);

	if (!p)
		return bytes_at_end(&r->from) ? 0 : broken(r, "the header of a packet is cut off");
	*out = (struct packet){.captured = reader_u32(r, p + 8),
			       .len = reader_u32(r, p + 12),
			       .link = i->link,
			       .time = reader_u32(r, p) * 1000000000ull +
				       reader_u32(r, p + 4) * r->fraction};
	if (reader_too_long(r, out->captured))
		return broken(r, "a packet is longer than can be");
	p = bytes_peek(&r->from, r->head + out->captured);
	if (!p)
		return broken(r, "a packet is cut off");
	out->data = p + r->head;
	r->from.at += r->head + out->captured;
	out->room = bytes_room(&r->from);
	return 1;
}

/* ---- pcapng */

/* An option's bytes, and behind it; NULL: there is none any more. */
static const u8 *ng_option(const struct packet_reader *r, const u8 **at, const u8 *end, u32 *code,
			   u32 *n)
{
	const u8 *p = *at;

	if (end - p < 4)
		return NULL;
	*code = reader_u16(r, p);
	*n = reader_u16(r, p + 2);
	p += 4;
	if (*code == NG_END || *n > end - p)
		return NULL;
	*at = p + MIN((size_t)ALIGN_UP(*n, 4), (size_t)(end - p));
	return p;
}

static void ng_options(const struct packet_reader *r, struct reader_iface *i, const u8 *at,
		       const u8 *end)
{
	const u8 *p;
	u32 code, n;

	while ((p = ng_option(r, &at, end, &code, &n)) != NULL)
		if (code == NG_TSRESOL && n >= 1 && (*p & 0x7f) < (*p & 0x80 ? 63 : 19)) {
			i->units = 1;
			for (u32 k = *p & 0x7f; k; k--)
				i->units *= *p & 0x80 ? 2 : 10;
		} else if (code == NG_TSOFFSET && n >= 8) {
			u32 half[2] = {reader_u32(r, p), reader_u32(r, p + 4)};

			i->shift = (s64)(r->swapped ? (u64)half[0] << 32 | half[1]
						    : (u64)half[1] << 32 | half[0]);
		}
}

/* Room for text of n bytes, up to the first that is no text. */
static void copy_word(char *to, size_t size, const u8 *from, u32 n)
{
	size_t i = 0;

	for (; i + 1 < size && i < n && from[i] >= ' ' && from[i] != 127; i++)
		to[i] = (char)from[i];
	to[i] = 0;
}

static int ng_process(struct packet_reader *r, const u8 *p, u32 n)
{
	const u8 *at = p + 4, *end = p + n, *text;
	const u32 skip = sizeof(NG_CONTAINER) - 1;
	struct packet_process *process = calloc(1, sizeof(*process)), **more;
	u32 code, size;

	more = process && n >= 4 && r->nprocesses < IFACES_MOST * 16
		       ? realloc(r->processes, (r->nprocesses + 1) * sizeof(*more))
		       : NULL;
	if (!more) {
		free(process);
		return n < 4 ? broken(r, "a process has no number") : -ENOMEM;
	}
	r->processes = more;
	more[r->nprocesses++] = process;
	process->pid = reader_u32(r, p);
	while ((text = ng_option(r, &at, end, &code, &size)) != NULL)
		if (code == NG_NAME)
			copy_word(process->name, sizeof(process->name), text, size);
		else if (code == NG_COMMENT && size > skip && !memcmp(text, NG_CONTAINER, skip))
			copy_word(process->container, sizeof(process->container), text + skip,
				  size - skip);
	return 0;
}

static const struct packet_process *process_at(const struct packet_reader *r, u32 i)
{
	return i < r->nprocesses - r->known ? r->processes[r->known + i] : NULL;
}

/* Whose a packet is: of one that came in, the first process is that which it came to. */
static void ng_owners(const struct packet_reader *r, const u8 *at, const u8 *end,
		      struct packet *out)
{
	const struct packet_process *first = NULL, *other = NULL;
	const u8 *value;
	u32 code, size;

	while ((value = ng_option(r, &at, end, &code, &size)) != NULL) {
		if (size != 4)
			continue;
		if (code == NG_FLAGS)
			out->way = reader_u32(r, value) & 3;
		else if (code == NG_OWNER)
			first = process_at(r, reader_u32(r, value));
		else if (code == NG_OTHER)
			other = process_at(r, reader_u32(r, value));
	}
	out->from = out->way == PACKET_CAME ? other : first;
	out->to = out->way == PACKET_CAME ? first : other;
}

static int ng_interface(struct packet_reader *r, const u8 *p, u32 n)
{
	struct reader_iface i = {.units = 1000000};

	if (n < 8)
		return broken(r, "an interface's description is too short");
	i.link = reader_u16(r, p);
	i.snaplen = reader_u32(r, p + 4);
	ng_options(r, &i, p + 8, p + n);
	return add_iface(r, &i);
}

static int ng_packet(struct packet_reader *r, const u8 *p, u32 n, bool old, struct packet *out)
{
	u32 which;

	if (n < 20)
		return broken(r, "the header of a packet is too short");
	which = old ? reader_u16(r, p) : reader_u32(r, p);
	if (which >= r->nifaces)
		return broken(r, "a packet comes from an interface that was not described");
	*out = (struct packet){.iface = which,
			       .link = r->ifaces[which].link,
			       .captured = reader_u32(r, p + 12),
			       .len = reader_u32(r, p + 16),
			       .data = p + 20,
			       .time = to_ns(&r->ifaces[which], (u64)reader_u32(r, p + 4) << 32 |
									reader_u32(r, p + 8))};
	if (out->captured > n - 20)
		return broken(r, "a packet is longer than its block");
	out->room = n - 20 - out->captured + bytes_room(&r->from);
	if (!old && n - 20 - out->captured > 4)
		ng_owners(r, p + MIN(20 + ALIGN_UP(out->captured, 4), n), p + n, out);
	return 1;
}

static int ng_simple(struct packet_reader *r, const u8 *p, u32 n, struct packet *out)
{
	u32 snap;

	if (n < 4 || !r->nifaces)
		return broken(r, n < 4 ? "the header of a packet is too short"
				       : "a packet comes from an interface that was not described");
	*out = (struct packet){.link = r->ifaces->link, .len = reader_u32(r, p), .data = p + 4};
	snap = r->ifaces->snaplen ? r->ifaces->snaplen : UINT32_MAX;
	out->captured = MIN(MIN(out->len, snap), n - 4);
	return 1;
}

/* A section may have the other byte order, and interfaces of its own. */
static int ng_section(struct packet_reader *r)
{
	const u8 *p = bytes_peek(&r->from, 12);
	u32 order, n;

	if (!p)
		return broken(r, "the header of a section is cut off");
	memcpy(&order, p + 8, sizeof(order));
	if (order != NG_ORDER && order != __builtin_bswap32(NG_ORDER))
		return broken(r, "a section has no byte order");
	r->swapped = order != NG_ORDER;
	n = reader_u32(r, p + 4);
	if (n < 28 || n % 4 || n > BLOCK_MOST || !bytes_take(&r->from, n))
		return broken(r, "the header of a section is cut off");
	r->nifaces = 0;
	r->known = r->nprocesses;
	r->ng = true;
	return 0;
}

static int ng_block(struct packet_reader *r, struct packet *out)
{
	const u8 *p = bytes_peek(&r->from, 8), *body;
	u32 kind, n;

	if (!p)
		return broken(r, "a block is cut off");
	kind = reader_u32(r, p);
	if (kind == NG_SECTION)
		return ng_section(r);
	n = reader_u32(r, p + 4);
	if (n < 12 || n > BLOCK_MOST)
		return broken(r, "a block has a length that cannot be");
	n = ALIGN_UP(n, 4);
	body = bytes_peek(&r->from, n);
	if (!body)
		return broken(r, "a block is cut off");
	bytes_take(&r->from, n);
	body += 8;
	n -= 12;
	switch (kind) {
	case NG_INTERFACE: return ng_interface(r, body, n);
	case NG_PROCESS: return ng_process(r, body, n);
	case NG_SIMPLE: return ng_simple(r, body, n, out);
	case NG_PACKET:
	case NG_PACKET_OLD: return ng_packet(r, body, n, kind == NG_PACKET_OLD, out);
	default: return 0; /* names, statistics, comments */
	}
}

static int ng_next(struct packet_reader *r, struct packet *out)
{
	int got = 0;

	while (!got && !bytes_at_end(&r->from))
		got = ng_block(r, out);
	return got;
}

/* ---- both */

static int begin(struct packet_reader *r)
{
	const u8 *p = bytes_peek(&r->from, 4);
	u32 magic, back;

	if (!p)
		return diag_fail(r->diag, -EINVAL, NULL, "%s is no capture file: it is %s", r->name,
				 bytes_at_end(&r->from) ? "empty" : "too short");
	memcpy(&magic, p, sizeof(magic));
	back = __builtin_bswap32(magic);
	if (magic == NG_SECTION)
		return ng_section(r);
	if (back == PCAP_US || back == PCAP_NS || back == PCAP_MODIFIED) {
		r->swapped = true;
		magic = back;
	}
	if (magic == PCAP_US || magic == PCAP_NS || magic == PCAP_MODIFIED)
		return pcap_begin(r, magic);
	return diag_fail(r->diag, -EINVAL, "pcap and pcapng can be read, packed by gzip or not",
			 "%s is no capture file", r->name);
}

int packet_reader_open(struct packet_reader **out, int fd, const char *name, struct diag *d)
{
	struct packet_reader *r = calloc(1, sizeof(*r));
	int err;

	*out = NULL;
	if (!r)
		return -ENOMEM;
	r->diag = d;
	r->name = name;
	err = bytes_open(&r->from, fd, name, d);
	if (!err)
		err = begin(r);
	if (err) {
		packet_reader_close(r);
		return err;
	}
	*out = r;
	return 0;
}

int packet_read(struct packet_reader *r, struct packet *out)
{
	int got;

	bytes_settle(&r->from);
	got = r->ng ? ng_next(r, out) : pcap_next(r, out);
	return got || !r->from.shrunk ? got : broken(r, "it became shorter while it was read");
}

int packet_reader_link(const struct packet_reader *r, u32 *snaplen)
{
	if (!r->nifaces)
		return -1;
	if (snaplen)
		*snaplen = r->ifaces->snaplen;
	return (int)r->ifaces->link;
}

bool packet_reader_is(const struct packet_reader *r, const struct stat *file)
{
	struct stat st;

	return !fstat(r->from.fd, &st) && st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

int packet_reader_open_file(struct packet_reader **out, const char *path, struct diag *d)
{
	int fd = strcmp(path, "-") != 0 ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);

	if (fd < 0)
		return diag_fail(d, -errno, NULL, "cannot read %s: %s", path, strerror(errno));
	return packet_reader_open(out, fd, path, d);
}

void packet_reader_close(struct packet_reader *r)
{
	if (!r)
		return;
	bytes_close(&r->from);
	for (u32 i = 0; i < r->nprocesses; i++)
		free(r->processes[i]);
	free(r->processes);
	free(r->ifaces);
	free(r);
}
