/* series.h: quantile() and tseries() for the formats; see series.c. */
#ifndef SINK_SERIES_H
#define SINK_SERIES_H

#include "object/series.h"
#include "sink/sink.h"

/* The quantiles that are shown. */
#define QUANTILES 4
struct quantile {
	const char *name;
	u32 per_mille;
};
extern const struct quantile quantiles[QUANTILES];
u64 quantile_count(const struct map_entry *);
u64 quantile_at(const struct object_map *, const struct map_entry *, u32 per_mille);
u64 quantile_max(const struct map_entry *);

/* The intervals from the first one that has a value to the last one. */
struct series {
	u32 n;
	struct series_row {
		s64 ns; /* CLOCK_REALTIME when it began */
		bool known;
		s64 value;
	} rows[];
};
struct series *series_make(const struct map_contents *,
			   const struct map_entry *); /* NULL: no memory;
						       * free() it */
void series_text(struct buf *, const struct map_contents *, const struct series *);
/* The slots of another CPU into those of the first. */
void series_merge(const struct object_map *, u64 *to, const u64 *from);

#endif
