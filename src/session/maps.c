/* maps.c: a session's maps for callers of the library: raw keys and values; see waggle.h. */
#include "session/session.h"

#include <errno.h>

struct waggle_map *waggle_session_map(struct waggle_session *s, const char *name)
{
	for (u32 i = 0; i < s->object->maps.n; i++) {
		const struct object_map *m = &s->object->maps.v[i];

		if (!strcmp(m->name, name) || (m->shown && !strcmp(m->shown, name)))
			return &s->maps[i];
	}
	return NULL;
}

int waggle_map_lookup(struct waggle_map *m, const void *key, void *value)
{
	struct engine *e = m->session->engine;

	return e->ops->map_lookup(e, m->index, key, value);
}

int waggle_map_update(struct waggle_map *m, const void *key, const void *value, uint64_t flags)
{
	struct engine *e = m->session->engine;

	return e->ops->map_update(e, m->index, key, value, flags);
}

int waggle_map_delete(struct waggle_map *m, const void *key)
{
	struct engine *e = m->session->engine;

	return e->ops->map_delete(e, m->index, key);
}

int waggle_map_next(struct waggle_map *m, const void *key, void *next)
{
	struct engine *e = m->session->engine;

	return e->ops->map_next(e, m->index, key, next);
}
