/* tables.h: the functions that the rows of the tables name; each stands in check_call.c,
 * lower_*.c or points.c. */
#ifndef SCRIPT_TABLES_H
#define SCRIPT_TABLES_H

#include "script/script.h"

u32 lower_pid(struct lower *);
u32 lower_tid(struct lower *);
u32 lower_uid(struct lower *);
u32 lower_gid(struct lower *);
u32 lower_cpu(struct lower *);
u32 lower_nsecs(struct lower *);
u32 lower_elapsed(struct lower *);
u32 lower_cpid(struct lower *);
u32 lower_curtask(struct lower *);

void check_printf(struct checker *, struct node *);
void check_emit(struct checker *, struct node *);
void check_print(struct checker *, struct node *);
void check_map_arg(struct checker *, struct node *);
void check_delete(struct checker *, struct node *);
void check_exit(struct checker *, struct node *);
void check_str(struct checker *, struct node *);
void check_agg(struct checker *, struct node *);

void lower_printf(struct lower *, struct node *);
void lower_emit(struct lower *, struct node *);
void lower_print(struct lower *, struct node *);
void lower_clear(struct lower *, struct node *);
void lower_zero(struct lower *, struct node *);
void lower_delete(struct lower *, struct node *);
void lower_exit(struct lower *, struct node *);

void lower_agg_count(struct lower *, u32 ptr, u32 n, bool is_signed);
void lower_agg_sum(struct lower *, u32 ptr, u32 n, bool is_signed);
void lower_agg_min(struct lower *, u32 ptr, u32 n, bool is_signed);
void lower_agg_max(struct lower *, u32 ptr, u32 n, bool is_signed);
void lower_agg_avg(struct lower *, u32 ptr, u32 n, bool is_signed);
void lower_agg_hist(struct lower *, u32 ptr, u32 n, bool is_signed);

int points_once(struct script *, const struct probe_row *, struct probe *, struct probe_spec *,
		char **parts, struct point ***tail);
int points_interval(struct script *, const struct probe_row *, struct probe *,
		    struct probe_spec *, char **parts, struct point ***tail);
int points_tracepoint(struct script *, const struct probe_row *, struct probe *,
		      struct probe_spec *, char **parts, struct point ***tail);

#endif
