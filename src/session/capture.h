/* capture.h: what the files of waggle_capture() share. */
#ifndef SESSION_CAPTURE_H
#define SESSION_CAPTURE_H

#include "session/filter.h"
#include "session/opts.h"
#include "session/owners.h"

struct capturing {
	struct waggle_capture *how;
	struct waggle_opts opts;
	struct diag diag;
	struct packet_reader *reader;
	struct packet_live *live; /* one of both */
	struct packet_printer printer;
	struct packet_writer writer;
	struct buf lines;
	bool writes;
	struct packet_filter *filter; /* of the kind of link that came last */
	u32 filter_link;
	u32 file;              /* capture_files.c: number of the file that is written */
	char path[4200];       /* its name */
	u64 file_time, bytes;  /* when it began, ns; of packets in it */
	struct owners *owners; /* capture_hold.c, or NULL */
	struct held *first, *last;
};

/* capture.c: one that the filter took. */
int capture_take(struct capturing *, struct packet *);

#define CAPTURE_ENOUGH 1 /* no error: it ends */
/* capture_files.c: the file to write to, and the next one where there are to be several. now: time
 * of the packet that comes next. CAPTURE_ENOUGH: there are to be no more files. */
int capture_file_open(struct capturing *);
int capture_file_turn(struct capturing *, u64 now);
void capture_file_begin(struct capturing *, u32 link);

/* capture_hold.c: packets wait until it is known whose they are. */
int hold_open(struct capturing *);
int hold_packet(struct capturing *, const struct packet *);
/* Takes those that need not wait any more, or all. */
int hold_release(struct capturing *, bool all);
int hold_wait_ms(const struct capturing *); /* -1: there are none */
void hold_close(struct capturing *);
static inline bool capture_is_full(const struct capturing *c)
{
	return c->how->most && c->how->matched >= c->how->most;
}

#endif
