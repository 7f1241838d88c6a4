/* object.c: objects made, freed, and asked about their data sections; see object.h. */
#include "object/object.h"

#include <stdlib.h>

const struct attach_info attach_infos[ATTACH_KINDS] = {
#define ATTACH(KIND, name, flags) [ATTACH_##KIND] = {name, flags},
#include "object/attach.def"
#undef ATTACH
};

size_t attach_place(const char *pattern, bool *egress)
{
	const char *colon = strrchr(pattern, ':');

	*egress = colon && !strcmp(colon, ":egress");
	return colon && (*egress || !strcmp(colon, ":ingress")) ? (size_t)(colon - pattern) : 0;
}

s32 attach_verdict(enum attach_kind kind)
{
	switch (kind) {
	case ATTACH_XDP: return 2;	  /* XDP_PASS */
	case ATTACH_TC: return -1;	  /* TC_ACT_UNSPEC, TCX_NEXT: ask the next one */
	case ATTACH_CGROUP_SKB: return 1; /* 0 drops */
	default: return 0;
	}
}

struct object *object_new(void)
{
	return calloc(1, sizeof(struct object));
}

void object_free(struct object *o)
{
	if (!o)
		return;
	arena_free(&o->arena);
	free(o);
}

struct object_map *object_section(const struct object *o, enum object_section section)
{
	vec_each(m, &o->maps)
		if (m->section == section)
			return section == SECTION_NONE ? NULL : m;
	return NULL;
}

u32 object_cpus(const struct object *o)
{
	const struct object_map *m = object_section(o, SECTION_RODATA);
	struct waggle_config config;

	if (!m || !m->data || m->value_size < sizeof(config))
		return 1;
	memcpy(&config, m->data, sizeof(config));
	return config.cpu_mask < UINT32_MAX ? (u32)config.cpu_mask + 1 : 1;
}

u64 object_map_bytes(const struct object *o, const struct object_map *m)
{
	return m->value_size + (u64)m->per_cpu * (m->per_cpu ? object_cpus(o) : 0);
}

const char *object_string(const struct object *o, u32 off)
{
	u32 header, strings, size;

	if (o->btf_size < 24 || !off)
		return "";
	memcpy(&header, o->btf + 4, 4);
	memcpy(&strings, o->btf + 16, 4);
	memcpy(&size, o->btf + 20, 4);
	/* whoever made the object has read its BTF: the strings lie inside and end with a NUL */
	return off < size ? (const char *)o->btf + header + strings + off : "";
}

/* Programs that a map of the object holds can be reached by tail calls. */
static bool is_held(const struct object *o, u32 prog)
{
	vec_each(m, &o->maps)
		vec_each(s, &m->slots)
			if (!m->inner.kind && s->what == prog)
				return true;
	return false;
}

bool object_is_family(const struct object *o, u32 prog)
{
	return !strcmp(o->progs.v[prog].name, WAGGLE_FAMILY);
}

bool object_wants(const struct object *o, s64 only, u32 prog)
{
	if (only < 0)
		return !o->progs.v[prog].optional;
	return only == prog || is_held(o, prog);
}
