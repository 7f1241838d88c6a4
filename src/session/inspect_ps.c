/*
 * inspect_ps.c: `waggle ps`: the programs of the machine.
 *
 * In:  the kernel's programs, where they are attached, who holds them; for `--stats` two readings
 * of their counters, between which the kernel measures. Out: a table, or a line of JSON for each.
 */
#include "session/inspect.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define MAPS_OF_PROG 256

struct program {
	struct query_prog info;
	u32 *maps;
	u64 memory;
	u64 runs, run_ns; /* during the measurement, or since it was loaded */
};
struct ps {
	struct inspect *i;
	u32 ms;
	vec(struct program) programs;
	struct places places;
	struct query_holders holders;
};

/* ---- gathering */

static int read_programs(struct ps *ps)
{
	int err;

	for (u32 id = 0; !(err = query_next(QUERY_PROG, id, &id));) {
		struct program p = {.maps = arena_array(&ps->i->arena, u32, MAPS_OF_PROG)};
		int fd = query_open(QUERY_PROG, id);

		if (fd < 0)
			continue;
		p.info.nmaps = MAPS_OF_PROG;
		p.info.maps = (uintptr_t)p.maps;
		if (!query_info(fd, &p.info, sizeof(p.info))) {
			p.info.nmaps = MIN(p.info.nmaps, MAPS_OF_PROG);
			p.memory = query_memory(fd);
			p.runs = p.info.runs;
			p.run_ns = p.info.run_ns;
			vec_push(&ps->i->arena, &ps->programs, p);
		}
		close(fd);
	}
	return err == -ENOENT ? 0 : inspect_failed(ps->i, err, "programs cannot be listed");
}

/* The kernel counts while the descriptor is open. */
static int measure(struct ps *ps)
{
	struct timespec time = {ps->ms / 1000, ps->ms % 1000 * 1000000l};
	int fd = query_enable_stats();

	if (fd < 0)
		return inspect_failed(ps->i, fd, "the kernel cannot measure");
	vec_each (p, &ps->programs) { /* from now on */
		int prog = query_open(QUERY_PROG, p->info.id);
		struct query_prog now = {0};

		if (prog >= 0 && !query_info(prog, &now, sizeof(now))) {
			p->runs = now.runs;
			p->run_ns = now.run_ns;
		}
		if (prog >= 0)
			close(prog);
	}
	while (nanosleep(&time, &time) && errno == EINTR)
		;
	vec_each (p, &ps->programs) {
		int prog = query_open(QUERY_PROG, p->info.id);
		struct query_prog now = {0};
		bool there = prog >= 0 && !query_info(prog, &now, sizeof(now));

		p->runs = there ? now.runs - p->runs : 0;
		p->run_ns = there ? now.run_ns - p->run_ns : 0;
		if (prog >= 0)
			close(prog);
	}
	close(fd);
	return 0;
}

static void find_places(struct ps *ps)
{
	bool cgroups = false;

	inspect_links(ps->i, &ps->places);
	query_holders(&ps->holders, &ps->i->arena);
	inspect_perf(ps->i, &ps->holders, &ps->places);
	inspect_net(ps->i, &ps->places);
	inspect_routes(ps->i, &ps->places);
	vec_each (p, &ps->programs) {
		const struct prog_kind *kind = prog_kind(p->info.type);

		cgroups |= kind && (!strncmp(kind->name, "cgroup", 6) ||
				    p->info.type == PROG_SOCK_OPS || p->info.type == PROG_LSM);
	}
	if (cgroups) /* which takes a walk over all of them */
		inspect_cgroups(ps->i, &ps->places);
}

/* Who holds the program, one of its links or its perf event. */
static u32 holders_of(const struct ps *ps, u32 prog, u32 *which)
{
	u32 n = 0;

	for (u32 h = 0; h < ps->holders.list.n; h++) {
		const struct query_holder *holder = &ps->holders.list.v[h];
		bool ours = (holder->kind == QUERY_PROG || holder->kind == QUERY_BTF) &&
			    holder->id == prog;

		vec_each (p, &ps->places.list)
			ours |= holder->kind == QUERY_LINK && p->link == holder->id &&
				p->prog == prog;
		if (ours)
			which[n++] = h;
	}
	return n;
}

/* ---- showing */

static const char *kind_of(const struct ps *ps, const struct program *p)
{
	const struct prog_kind *kind = prog_kind(p->info.type);

	return kind ? kind->name : arena_printf(&ps->i->arena, "kind %u", p->info.type);
}

static void json_place(const struct place *p, struct buf *out)
{
	buf_char(out, '{');
	json_text(out, "type", p->type);
	if (p->gone) {
		buf_puts(out, ",\"detached\":true");
	} else {
		buf_char(out, ',');
		json_text(out, "target", p->target);
	}
	if (p->link)
		buf_printf(out, ",\"link\":%u", p->link);
	buf_char(out, '}');
}

/* "xdp eth0 (link 5)", "xdp, detached (link 5)": what it was attached to has gone, or it was taken
 * away */
static void put_places(struct ps *ps, u32 prog, struct buf *out)
{
	u32 n = 0;

	vec_each (p, &ps->places.list) {
		if (p->prog != prog)
			continue;
		if (n++)
			buf_puts(out, ps->i->json ? "," : "; ");
		if (ps->i->json) {
			json_place(p, out);
			continue;
		}
		if (p->gone)
			buf_printf(out, "%s, detached", p->type);
		else
			buf_printf(out, "%s%s%s", p->type, *p->target ? " " : "", p->target);
		if (p->link)
			buf_printf(out, " (link %u)", p->link);
	}
	if (!n && !ps->i->json)
		buf_char(out, '-');
}

static void put_maps(const struct program *p, struct buf *out, bool json)
{
	for (u32 m = 0; m < p->info.nmaps; m++)
		buf_printf(out, "%s%u", m ? "," : "", p->maps[m]);
	if (!p->info.nmaps && !json)
		buf_char(out, '-');
}

static void json_program(struct ps *ps, const struct program *p)
{
	struct buf *out = &ps->i->out;
	u32 *which = arena_array(&ps->i->arena, u32, ps->holders.list.n + 1);

	buf_char(out, '{');
	json_number(out, "id", p->info.id);
	buf_char(out, ',');
	json_text(out, "kind", kind_of(ps, p));
	buf_char(out, ',');
	json_text(out, "name", p->info.name);
	buf_puts(out, ",\"tag\":\"");
	for (u32 b = 0; b < sizeof(p->info.tag); b++)
		buf_printf(out, "%02x", p->info.tag[b]);
	buf_puts(out, "\",\"attached\":[");
	put_places(ps, p->info.id, out);
	buf_puts(out, "],\"maps\":[");
	put_maps(p, out, true);
	buf_puts(out, "],");
	json_number(out, "memory", p->memory);
	buf_char(out, ',');
	json_number(out, "instructions", p->info.xlated_len / sizeof(struct insn));
	buf_char(out, ',');
	json_number(out, "uid", p->info.uid);
	buf_puts(out, ",\"holders\":");
	inspect_holders(ps->i, &ps->holders, which, holders_of(ps, p->info.id, which), out);
	if (ps->ms || p->runs)
		buf_printf(out, ",\"runs\":%llu,\"run_ns\":%llu", (unsigned long long)p->runs,
			   (unsigned long long)p->run_ns);
	buf_puts(out, "}\n");
}

static const char *taken(struct inspect *i, struct buf *text)
{
	const char *out = arena_strdup(&i->arena, buf_str(text));

	buf_free(text);
	return out;
}

static void add_cost(struct ps *ps, struct table *t, const struct program *p)
{
	struct arena *a = &ps->i->arena;
	double seconds = ps->ms / 1000.0;

	vec_push(a, &t->cells, arena_printf(a, "%.0f", (double)p->runs / seconds));
	vec_push(a, &t->cells,
		 p->runs ? arena_printf(a, "%.0f", (double)p->run_ns / (double)p->runs) : "-");
	vec_push(a, &t->cells,
		 arena_printf(a, "%.2f%%", (double)p->run_ns / (seconds * 1e9) * 100));
}

static void add_program(struct ps *ps, struct table *t, const struct program *p)
{
	struct arena *a = &ps->i->arena;
	u32 *which = arena_array(a, u32, ps->holders.list.n + 1);
	struct buf text = {0};

	vec_push(a, &t->cells, arena_printf(a, "%u", p->info.id));
	vec_push(a, &t->cells, kind_of(ps, p));
	vec_push(a, &t->cells, *p->info.name ? p->info.name : "-");
	vec_push(a, &t->cells, arena_printf(a, "%zu", p->info.xlated_len / sizeof(struct insn)));
	vec_push(a, &t->cells, inspect_bytes(a, p->memory));
	if (ps->ms)
		add_cost(ps, t, p);
	put_maps(p, &text, false);
	vec_push(a, &t->cells, taken(ps->i, &text));
	inspect_holders(ps->i, &ps->holders, which, holders_of(ps, p->info.id, which), &text);
	vec_push(a, &t->cells, taken(ps->i, &text));
	put_places(ps, p->info.id, &text);
	vec_push(a, &t->cells, taken(ps->i, &text));
}

static void print(struct ps *ps)
{
	static const char *const plain[] = {">ID",     "KIND", "NAME",    ">INSNS",
					    ">MEMORY", "MAPS", "HELD BY", "ATTACHED"};
	static const char *const costs[] = {">ID",     "KIND",    "NAME",    ">INSNS",
					    ">MEMORY", ">RUNS/S", ">NS/RUN", ">CPU",
					    "MAPS",    "HELD BY", "ATTACHED"};
	struct table t = {.arena = &ps->i->arena,
			  .heads = ps->ms ? costs : plain,
			  .columns = ps->ms ? ARRAY_SIZE(costs) : ARRAY_SIZE(plain)};

	vec_each (p, &ps->programs)
		if (ps->i->json)
			json_program(ps, p);
		else
			add_program(ps, &t, p);
	if (!ps->i->json)
		table_print(&t, &ps->i->out);
	if (ps->holders.hidden && !ps->i->o.quiet)
		diag_note(&ps->i->diag, "root may look into all",
			  "%u processes are not ours: what they hold is not seen",
			  ps->holders.hidden);
}

static int list(struct inspect *i, void *user)
{
	struct ps ps = {.i = i, .ms = *(unsigned *)user};
	int err = read_programs(&ps);

	if (!err && ps.ms)
		err = measure(&ps);
	if (err)
		return err;
	find_places(&ps);
	print(&ps);
	return 0;
}

int waggle_kernel_programs(unsigned ms, const struct waggle_opts *opts)
{
	return inspect_run(opts, list, &ms);
}
