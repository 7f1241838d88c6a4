/*
 * replay.c: the call of waggle.h that runs a program over the packets of a capture file.
 *
 * In:  a session that was loaded for single runs; a capture file. Out: how many packets got which
 *      verdict, and those that are wanted, as the program left them, in a file of the same form.
 *
 * Programs see what they would see where they are attached: XDP, tc and socket filters the frame,
 * the others what is behind its Ethernet header. Where the capture has no such header, one is put
 * in front for the program, and is taken off again.
 */
#include "session/session.h"

#include "engine/input.h"
#include "packet/packet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define KERNEL_BYTES 3400 /* longer packets may be refused by BPF_PROG_TEST_RUN */
#define NG_VERDICT   7    /* epb_verdict; 1 byte: who says it; a u64: what */
enum { VERDICT_TC = 1, VERDICT_XDP = 2 };

struct replay {
	struct waggle_session *s;
	struct waggle_replay *how;
	const struct object_prog *prog;
	u32 index;
	const struct input_kind *kind;
	struct packet_reader *reader;
	struct packet_writer writer;
	bool writes, began;
	struct buf frame; /* what the program gets */
	u32 lead;         /* bytes of it in front of the packet */
	struct engine_test test;
	u64 runs, ns;
};

static struct waggle_verdict *verdict_row(struct waggle_replay *how, u64 value, const char *name)
{
	const unsigned most = ARRAY_SIZE(how->verdicts);
	unsigned i = 0;

	while (i < how->nverdicts && how->verdicts[i].value < value)
		i++;
	if (i < how->nverdicts && how->verdicts[i].value == value)
		return &how->verdicts[i];
	if (how->nverdicts + 1 >= most) { /* the last row is for all others */
		how->nverdicts = most;
		how->verdicts[most - 1].value = UINT64_MAX;
		return &how->verdicts[most - 1];
	}
	memmove(&how->verdicts[i + 1], &how->verdicts[i],
		(how->nverdicts++ - i) * sizeof(how->verdicts[0]));
	how->verdicts[i] = (struct waggle_verdict){.name = name, .value = value};
	return &how->verdicts[i];
}

/* A socket filter takes any number of bytes: that is one verdict. */
static void count(struct replay *r, const struct packet *p, u64 result)
{
	const char *name = input_verdict(r->prog->kind, result);
	struct waggle_verdict *v;

	if (r->prog->kind == PROG_SOCKET_FILTER && result) {
		name = input_otherwise(r->prog->kind);
		result = 1;
	}
	v = verdict_row(r->how, result, name);
	v->packets++;
	v->bytes += p->len;
}

/* ---- what the program gets */

static u32 ether_type(const struct packet *p)
{
	return p->captured && p->data[0] >> 4 == 6 ? 0x86dd : 0x0800;
}

static int link_lead(const struct replay *r, u32 link)
{
	const bool frames = r->prog->kind == PROG_SOCKET_FILTER;

	switch (link) {
	/* a socket's filter is run on what is behind the first 14 bytes: these are put in front */
	case LINK_ETHERNET: return frames ? ETHERNET_BYTES : 0;
	case LINK_RAW:
	case LINK_RAW_BSD:
	case LINK_IPV4:
	case LINK_IPV6: return frames ? 2 * ETHERNET_BYTES : ETHERNET_BYTES;
	default:
		return diag_fail(
			&r->s->diag, -EOPNOTSUPP,
			"programs can be given Ethernet frames and packets that begin with IP",
			"%s has packets of link type %u", r->how->read, link);
	}
}

static int make_frame(struct replay *r, const struct packet *p)
{
	u8 head[ETHERNET_BYTES] = {0};
	int lead = link_lead(r, p->link);

	if (lead < 0)
		return lead;
	r->lead = (u32)lead;
	r->frame.n = 0;
	if (p->link == LINK_ETHERNET) {
		memcpy(head, p->data, MIN(p->captured, (u32)ETHERNET_BYTES));
	} else {
		head[12] = (u8)(ether_type(p) >> 8);
		head[13] = (u8)ether_type(p);
	}
	for (u32 i = 0; i < r->lead; i += ETHERNET_BYTES)
		buf_add(&r->frame, head, ETHERNET_BYTES);
	buf_add(&r->frame, p->data, p->captured);
	return r->frame.failed ? -ENOMEM : 0;
}

/* ---- what comes of it */

static bool wanted(const struct replay *r, enum input_fate fate, bool changed)
{
	static const u8 bits[] = {[FATE_PASSED] = WAGGLE_KEEP_PASSED,
				  [FATE_DROPPED] = WAGGLE_KEEP_DROPPED,
				  [FATE_REDIRECTED] = WAGGLE_KEEP_REDIRECTED};
	unsigned keep = r->how->keep ? r->how->keep : WAGGLE_KEEP_PASSED | WAGGLE_KEEP_REDIRECTED;

	return keep & bits[fate] || (changed && keep & WAGGLE_KEEP_CHANGED);
}

static void tell_verdict(struct replay *r, u64 result)
{
	const u32 kind = r->prog->kind;
	const s64 value = kind == PROG_XDP ? (s64)result : (s32)result;
	u8 option[9] = {kind == PROG_XDP ? VERDICT_XDP : VERDICT_TC};

	if (kind != PROG_XDP && kind != PROG_SCHED_CLS && kind != PROG_SCHED_ACT)
		return;
	memcpy(option + 1, &value, sizeof(value));
	packet_option(&r->writer, NG_VERDICT, option, sizeof(option));
}

static int keep(struct replay *r, const struct packet *p)
{
	u32 snaplen = 0;

	if (!r->began) {
		packet_reader_link(r->reader, &snaplen);
		packet_writer_begin(&r->writer, p->link, snaplen ? snaplen : PACKET_BYTES_MOST);
		r->began = true;
	}
	tell_verdict(r, r->test.result);
	packet_write(&r->writer, p);
	r->how->written++;
	return r->writer.err ? r->writer.err : 0;
}

/* The packet as it is now: what the program added or took off, at either end, counts. */
static int take(struct replay *r, const struct packet *p)
{
	const struct engine_test *t = &r->test;
	enum input_fate fate = t->fault.n ? FATE_DROPPED : input_fate(r->prog->kind, t->result);
	struct packet now = *p;
	bool changed = false;

	if (t->out.n >= r->lead) {
		if (r->kind->input == INPUT_PACKET && t->out.n >= ETHERNET_BYTES)
			memcpy(t->out.p, r->frame.p, ETHERNET_BYTES); /* it comes back empty */
		now.data = (const u8 *)t->out.p + r->lead;
		now.captured = (u32)t->out.n - r->lead;
		now.len = now.captured + (p->len > p->captured ? p->len - p->captured : 0);
		changed =
			now.captured != p->captured || memcmp(now.data, p->data, p->captured) != 0;
	}
	if (r->prog->kind == PROG_SOCKET_FILTER && t->result)
		now.captured = (u32)MIN((u64)now.captured, t->result);
	r->how->changed += changed;
	return r->writes && wanted(r, fate, changed) ? keep(r, &now) : 0;
}

/* The kernel's limit is another one in each version: it is asked, and its refusal is no error. */
static int run(struct replay *r, bool *refused)
{
	struct engine *e = r->s->engine;
	struct diag *loud = e->diag, quiet = {0};
	bool may_refuse = e->ops == &kernel_engine && r->test.data_size > KERNEL_BYTES;
	int err;

	if (may_refuse)
		e->diag = &quiet;
	err = e->ops->test(e, r->index, &r->test);
	e->diag = loud;
	*refused = may_refuse && (err == -EINVAL || err == -E2BIG);
	return *refused ? 0 : err;
}

static void note_fault(struct replay *r)
{
	struct buf *first = &r->s->call.test.fault; /* it lives as long as the session needs it */

	if (r->how->stopped++)
		return;
	buf_add(first, r->test.fault.p, r->test.fault.n);
	r->how->fault = buf_str(first);
	r->how->fault_packet = r->how->packets;
}

static int handle(struct replay *r, const struct packet *p)
{
	struct engine_test *t = &r->test;
	bool refused = false;
	int err = make_frame(r, p);

	r->how->packets++;
	r->how->bytes += p->len;
	r->how->cut += p->captured < p->len;
	if (err)
		return err;
	*t = (struct engine_test){.data = r->frame.p,
				  .data_size = (u32)r->frame.n,
				  .out = {t->out.p, 0, t->out.cap, false},
				  .fault = {t->fault.p, 0, t->fault.cap, false}};
	if (r->frame.n > ETHERNET_BYTES)
		err = run(r, &refused);
	if (err)
		return err;
	if (refused || r->frame.n <= ETHERNET_BYTES) {
		r->how->skipped++;
		return 0;
	}
	r->runs++;
	r->ns += t->ns;
	if (t->fault.n)
		note_fault(r);
	else
		count(r, p, t->result);
	return take(r, p);
}

static int each(struct replay *r)
{
	struct packet p;
	int got = 0, err = 0;

	while (!err && (got = packet_read(r->reader, &p)) > 0) {
		err = handle(r, &p);
		if (r->how->most && r->how->packets == r->how->most)
			break;
	}
	r->how->ns = r->ns / MAX(r->runs, 1);
	return got < 0 ? got : err;
}

/* ---- files */

static int open_files(struct replay *r)
{
	const char *from = r->how->read, *to = r->how->write;
	struct diag *d = &r->s->diag;
	int err = packet_reader_open_file(&r->reader, from, d);

	if (err || !to)
		return err;
	r->writes = true;
	r->writer.format = (enum packet_format)packet_reader_format(r->reader, &r->writer.nano);
	r->writer.fd = strcmp(to, "-") != 0
			       ? open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)
			       : dup(STDOUT_FILENO);
	if (r->writer.fd < 0)
		return diag_fail(d, -errno, NULL, "cannot write %s: %s", to, strerror(errno));
	return 0;
}

static int close_files(struct replay *r, int err)
{
	u32 snaplen = 0;
	int link, written;

	if (r->writes && r->writer.fd >= 0) {
		link = packet_reader_link(r->reader, &snaplen);
		if (!r->began) /* an empty file is one, too */
			packet_writer_begin(&r->writer, link < 0 ? LINK_ETHERNET : (u32)link,
					    snaplen ? snaplen : PACKET_BYTES_MOST);
		written = packet_flush(&r->writer);
		if (written)
			err = diag_fail(&r->s->diag, written, NULL, "cannot write %s: %s",
					r->how->write, strerror(-written));
		close(r->writer.fd);
	}
	packet_writer_free(&r->writer);
	packet_reader_close(r->reader);
	buf_free(&r->frame);
	buf_free(&r->test.out);
	buf_free(&r->test.fault);
	return err;
}

/* ---- the call */

static int find(struct replay *r)
{
	struct waggle_session *s = r->s;
	s64 prog = session_find_program(s, r->how->program);

	if (prog < 0)
		return (int)prog;
	r->index = (u32)prog;
	r->prog = &s->object->progs.v[prog];
	r->kind = input_kind(r->prog->kind);
	if (r->kind->input == INPUT_CTX || !r->prog->kind)
		return diag_fail(&s->diag, -EOPNOTSUPP,
				 "XDP, tc, socket filters, cgroup_skb and lwt do",
				 "program '%s' sees no packets", r->prog->name);
	r->how->name = r->prog->name;
	r->how->kind = prog_kind(r->prog->kind)->name;
	r->how->engine = s->engine->ops->name;
	return 0;
}

int waggle_session_replay(struct waggle_session *s, struct waggle_replay *replay)
{
	struct waggle_replay how = {0};
	struct replay r = {.s = s, .how = &how};
	int err;

	if (replay->sz < offsetof(struct waggle_replay, packets) || !s->engine->ops->test)
		return -EINVAL;
	memcpy(&how, replay, offsetof(struct waggle_replay, packets));
	session_call_close(s);
	err = find(&r);
	if (!err)
		err = open_files(&r);
	if (!err)
		err = each(&r);
	err = close_files(&r, err);
	memcpy(replay, &how, MIN(replay->sz, sizeof(how)));
	return err;
}
