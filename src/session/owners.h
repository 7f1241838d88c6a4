/* owners.h: which process a packet is of; see owners.c. */
#ifndef SESSION_OWNERS_H
#define SESSION_OWNERS_H

#include "packet/packet.h"
#include "session/session.h"

struct owners;
/* Looks at the sockets that there are and begins to watch those that are made. opts: of the caller;
 * its pid and comm narrow what is watched. */
int owners_open(struct owners **, const struct waggle_opts *opts, struct diag *);
int owners_fd(const struct owners *); /* to poll(2); -1: nothing comes any more */
/* Takes in what became known. 0 or -errno. */
int owners_update(struct owners *);
/* Sets p->from and p->to. True: nothing more is to be learned of it: each end that is here is
 * known. */
bool owners_find(struct owners *, struct packet *);
/* The same for one of which not all is known, and which cannot wait any more. */
void owners_guess(struct owners *, struct packet *);
u64 owners_lost(const struct owners *);
void owners_close(struct owners *); /* NULL is fine */

/* owners_scan.c: calls fn for each socket of this network that a process has. */
struct socket_seen {
	u8 protocol;
	bool listens;           /* TCP */
	u8 local[16], peer[16]; /* addresses as IPv6 has them */
	u16 lport, pport;       /* pport 0: it has no peer */
	u32 pid;
};
int owners_scan(void (*fn)(void *user, const struct socket_seen *), void *user);
/* The container of a process, as text of up to 12 characters, by its own cgroups, or by the number
 * of its cgroup where it has ended; "": none. */
void owners_container(u32 pid, u64 cgroup, char container[13]);

#endif
