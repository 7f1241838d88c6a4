/*
 * packet.h: capture files and what is in them.
 *
 * In:  a descriptor of a file in the formats pcap (draft-ietf-opsawg-pcap) or pcapng
 *      (draft-ietf-opsawg-pcapng), packed by gzip or not. Out: packets; a file; lines of text as
 *      tcpdump -n writes them.
 */
#ifndef PACKET_PACKET_H
#define PACKET_PACKET_H

#include "base/buf.h"
#include "base/diag.h"

#define PACKET_BYTES_MOST 262144 /* what one packet may have in a file */

/* Kinds of links: LINKTYPE_ numbers of files. */
enum packet_link {
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_PPP = 9,
	LINK_RAW_BSD = 12,
	LINK_RAW = 101,
	LINK_LOOP = 108,
	LINK_SLL = 113,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_SLL2 = 276,
};

/* Whose a packet is. */
struct packet_process {
	u32 pid;
	char name[33];
	char container[13]; /* the beginning of its id; "": none */
};

struct packet {
	u64 time;       /* ns since 1970 */
	const u8 *data; /* good until the next packet is read */
	u32 captured;   /* bytes at data */
	u32 len;        /* bytes on the wire */
	u32 room;       /* bytes behind the captured ones that may be read */
	u32 link;       /* enum packet_link, or a number that we do not know */
	u32 iface;      /* of the file, from 0 */
	u32 protocol;   /* of the link's payload as the kernel says; 0: unknown */
	u32 way;        /* bits of enum packet_way; 0: unknown */
	u32 tag;        /* VLAN tag beside the bytes: kind << 16, priority, number; 0: none */
	const struct packet_process *from, *to; /* NULL: unknown, or not of this machine */
};
enum packet_way { PACKET_CAME = 1, PACKET_WENT = 2 };

/* ---- reading */

struct packet_reader;
/* Takes a descriptor, which may be a pipe, and closes it in the end. name: for messages. */
int packet_reader_open(struct packet_reader **, int fd, const char *name, struct diag *);
int packet_reader_open_file(struct packet_reader **, const char *path,
			    struct diag *); /* "-": stdin */
/* 1: a packet; 0: the end; -EINVAL: the file is broken here, which was reported. */
int packet_read(struct packet_reader *, struct packet *);
/* Which packets are taken: `one` is given the address of a struct cbpf_packet (isa/cbpf.h); `many`
 * says the same of many at once (vm/lanes.h). Either may be NULL; both: all are. */
struct lanes;
struct packet_test {
	u64 (*one)(u64 packet);
	struct lanes *many;
};
/* Reads packets of a kind of link while that is fast, and counts those that a test takes; what
 * comes then is left to packet_read(). */
struct packet_counts {
	u64 seen, taken;
};
void packet_count(struct packet_reader *, u32 link, const struct packet_test *,
		  struct packet_counts *);
/* In the same way passes over packets that a test refuses. */
void packet_pass(struct packet_reader *, u32 link, const struct packet_test *, u64 *passed);
void packet_reader_close(struct packet_reader *);
/* Of the first interface, -1: no interface was seen yet. snaplen may be NULL. */
int packet_reader_link(const struct packet_reader *, u32 *snaplen);

struct stat;
bool packet_reader_is(const struct packet_reader *, const struct stat *); /* the same file? */

/* In which form it is: enum packet_format; nano: a pcap's times are in ns. */
u32 packet_reader_format(const struct packet_reader *, bool *nano);

/* ---- as they come */

struct packet_live;
struct packet_live_opts {
	const char *device; /* "any": all */
	bool promiscuous;   /* frames for others, too */
	u32 ring_kib;       /* of packets that wait; 0: 16 MiB */
	const void *insns; /* struct sock_filter, for packets of packet_live_link(); NULL: none */
	u32 ninsns;
};
/* Needs CAP_NET_RAW. Packets come only after packet_live_start(). After an error of either, close
 * what was opened. */
int packet_live_open(struct packet_live **, const struct packet_live_opts *, struct diag *);
/* A filter may let more through than it takes: not all that is in front of a cooked packet can be
 * asked in the kernel. */
int packet_live_start(struct packet_live *, const struct packet_live_opts *, struct diag *);
void packet_live_close(struct packet_live *); /* NULL is fine */
u32 packet_live_link(const struct packet_live *);
int packet_live_fd(const struct packet_live *); /* to poll(2) */
/* 1: a packet, good until the next call; 0: none is there. Its tag is where the kernel has it. */
int packet_live_next(struct packet_live *, struct packet *);
/* Puts its tag back among its bytes. */
void packet_live_whole(struct packet_live *, struct packet *);
/* How many the filter took so far, and how many of them there was no room for. */
void packet_live_counts(struct packet_live *, u64 *received, u64 *dropped);

/* ---- writing */

enum packet_format { PACKET_PCAP, PACKET_PCAPNG };
struct packet_writer {
	struct buf out; /* what is not written yet */
	int fd;         /* the caller's, who closes it */
	int err;        /* -errno of the first write that failed; later packets are dropped */
	enum packet_format format;
	bool nano; /* times in ns */
	u32 link, snaplen;
	u64 written;        /* bytes of the file that are no longer in `out` */
	struct buf options; /* pcapng: of the next packet */
	struct {
		u32 from, link;
	} * ifaces; /* pcapng: numbers that packets have, in the order of the file */
	u32 nifaces;
	const struct packet_process **processes; /* pcapng: that were described */
	u32 nprocesses;
};
/* Begins a file: a pcap has packets of one kind of link, `link`; in pcapng each kind becomes an
 * interface. packet_flush() returns `err`. */
void packet_writer_begin(struct packet_writer *, u32 link, u32 snaplen);
/* pcapng: an option of the packet that is written next. */
void packet_option(struct packet_writer *, u32 code, const void *, u32 size);
void packet_write(struct packet_writer *, const struct packet *);
int packet_flush(struct packet_writer *);
void packet_writer_free(struct packet_writer *); /* memory, not the descriptor */

/* ---- printing */

enum packet_time { TIME_OF_DAY, TIME_NONE, TIME_UNIX, TIME_DELTA, TIME_DATE, TIME_SINCE_FIRST };
struct packet_flows;
struct packet_printer {
	enum packet_time time;
	bool nano; /* nine digits */
	bool utc;
	bool link_header;  /* -e */
	bool quiet;        /* -q */
	bool absolute;     /* -S: sequence numbers as they are */
	bool number;       /* -#: lines are numbered */
	u8 verbose;        /* -v 1, -vv 2, -vvv 3 */
	bool unchecked;    /* -K: checksums of IP, TCP, UDP are not looked at */
	u64 count;         /* of lines so far */
	u8 hex;            /* -x 1, -xx 2, -X 3, -XX 4 */
	bool ascii;        /* -A */
	bool processes;    /* --proc: whose it is */
	u64 first, before; /* times of earlier packets */
	u64 second;        /* that `clock` is the text of */
	char clock[32];
	bool began;
	struct packet_flows *flows; /* made when the first TCP packet comes */
};
/* A line, with what belongs to it behind it. */
void packet_print(struct buf *, struct packet_printer *, const struct packet *);
/* "curl 1234 > nginx 99", "curl 1234 >", "> nginx 99" */
void packet_put_processes(struct buf *, const struct packet *);
void packet_printer_close(struct packet_printer *);

#endif
