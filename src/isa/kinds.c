/* kinds.c: helpers, map kinds and program kinds by number and name, from the .def files. */
#include "isa/isa.h"

static const struct helper helpers[] = {
#define NARGS(a, b, c, d, e) \
	((ARG_##a != 0) + (ARG_##b != 0) + (ARG_##c != 0) + (ARG_##d != 0) + (ARG_##e != 0))
#define HELPER(id, name, since, ret, a, b, c, d, e) \
	[id] = {#name,     id,                      \
		since,     NARGS(a, b, c, d, e),    \
		RET_##ret, {ARG_##a, ARG_##b, ARG_##c, ARG_##d, ARG_##e}},
#include "isa/helpers.def"
#undef HELPER
};
static const struct map_kind map_kinds[] = {
#define MAP_KIND(id, NAME, name, since, per_cpu) [id] = {name, id, since, per_cpu},
#include "isa/mapkinds.def"
#undef MAP_KIND
};
static const struct prog_kind prog_kinds[] = {
#define PROG_KIND(id, NAME, name, since) [id] = {name, id, since},
#include "isa/progkinds.def"
#undef PROG_KIND
};

static const char *const attach_types[ATTACH_TYPES] = {
#define ATTACH_TYPE(id, name) [id] = name,
#include "isa/attachtypes.def"
#undef ATTACH_TYPE
};

const char *attach_type_name(u32 id)
{
	return id < ATTACH_TYPES ? attach_types[id] : NULL;
}

const struct helper *helper_by_id(u32 id)
{
	return id < ARRAY_SIZE(helpers) && helpers[id].name ? &helpers[id] : NULL;
}

const struct helper *helper_by_name(const char *name)
{
	for (u32 i = 1; i < ARRAY_SIZE(helpers); i++)
		if (helpers[i].name && !strcmp(helpers[i].name, name))
			return &helpers[i];
	return NULL;
}

const struct map_kind *map_kind(u32 id)
{
	return id < ARRAY_SIZE(map_kinds) && map_kinds[id].name ? &map_kinds[id] : NULL;
}

const struct prog_kind *prog_kind(u32 id)
{
	return id < ARRAY_SIZE(prog_kinds) && prog_kinds[id].name ? &prog_kinds[id] : NULL;
}
