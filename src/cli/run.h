/* run.h: what the files of `waggle run` share. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "cli/cli.h"

struct run {
	struct waggle_opts opts;
	struct waggle_call call;
	struct waggle_replay replay; /* .read: a capture file is the input */
	const char *input, *context;
	int json, classic;
};

/* run.c */
void run_print_maps(struct waggle_session *, int json);
/* run_replay.c */
int replay_keep(struct waggle_replay *, const char *words); /* of --keep */
int replay_check(const struct run *);                       /* do the options go together? */
int run_replay(struct run *, struct waggle_session *);

#endif
