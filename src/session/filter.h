/* filter.h: what the calls of waggle.h that take packet filters share. */
#ifndef SESSION_FILTER_H
#define SESSION_FILTER_H

#include "filter/filter.h"
#include "packet/packet.h"

/* For struct filter_opts: the text of a file of this machine; user is a struct arena *. */
const char *filter_names(void *user, const char *path, size_t *size);
/* "255.255.255.0", "24", "0xffffff00" */
int filter_netmask(struct filter_opts *, const char *text, struct diag *);

/* A filter as machine code. */
struct lanes;
struct packet_filter;
struct packet_filter_opts {
	const char *netmask; /* of the net that the packets come from; NULL: unknown */
	enum filter_way way; /* told: the packets have it, and tags beside their bytes */
};
int packet_filter_open(struct packet_filter **, const char *text, u32 link,
		       const struct packet_filter_opts *, struct diag *);
/* In classic BPF; it lives as long as the filter. */
const struct cbpf_insn *packet_filter_code(const struct packet_filter *, u32 *n);
/* As a function of the address of a struct cbpf_packet; NULL: packet_filter_takes() alone knows. */
typedef u64 packet_test_fn(u64 packet);
packet_test_fn *packet_filter_direct(const struct packet_filter *);
/* For many packets at once; made when it is asked for first. NULL: there is no such code. */
struct lanes *packet_filter_lanes(struct packet_filter *);
bool packet_filter_takes(struct packet_filter *, const struct packet *);
void packet_filter_close(struct packet_filter *); /* NULL is fine */

#endif
