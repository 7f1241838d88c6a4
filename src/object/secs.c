/* secs.c: what the name of a section says of the programs in it; the table is secs.def. */
#include "object/plain.h"

#define SLEEPABLE   SEC_SLEEPABLE
#define FRAGS       SEC_FRAGS
#define ATTACH_NONE ATTACH_KINDS
static const struct sec secs[] = {
#define SEC(name, kind, type, flags, prefix, attach, way) \
	{name, PROG_##kind, type, flags, prefix, ATTACH_##attach, way},
#include "object/secs.def"
#undef SEC
};

/* "kprobe+" takes "kprobe" and "kprobe/..."; without '+' it is the whole name. iproute2 and others
 * put more behind it ("xdp_pass", "classifier/ingress"): what is behind '/' of a kind that is not
 * attached by name means nothing. */
static bool is_sec(const struct sec *s, const char *section)
{
	size_t n = strcspn(s->name, "+");

	return !strncmp(section, s->name, n) && (!section[n] || section[n] == '/');
}

const struct sec *sec_find(const char *section)
{
	const struct sec *best = NULL;

	section += *section == '?';
	for (u32 i = 0; i < ARRAY_SIZE(secs); i++)
		if (is_sec(&secs[i], section) &&
		    (!best || strlen(secs[i].name) > strlen(best->name)))
			best = &secs[i];
	return best;
}

const char *sec_target(const struct sec *s, const char *section)
{
	section += *section == '?';
	section += strcspn(s->name, "+");
	return *section == '/' && section[1] ? section + 1 : NULL;
}

const char *sec_nearest(const char *section)
{
	struct near near = {.word = section + (*section == '?')};

	for (u32 i = 0; i < ARRAY_SIZE(secs); i++)
		if (!strchr(secs[i].name, '+'))
			near_try(&near, secs[i].name);
	return near.best;
}

const char *object_way(const struct object *o, u32 prog)
{
	const struct object_prog *p = &o->progs.v[prog];
	const struct sec *s = p->kind ? sec_find(p->section) : NULL;

	vec_each (a, &o->attaches)
		if (a->prog == prog)
			return NULL;
	if (!s)
		return "`waggle run --engine user` runs it on given input";
	return s->way ? s->way
		      : "name the place in its section, as SEC(\"kprobe/FUNCTION\"), "
			"SEC(\"tracepoint/CATEGORY/NAME\")";
}
