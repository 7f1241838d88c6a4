/* build.c: `waggle build FILE -o OBJECT`: compile a script to a standard BPF ELF object. */
#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const struct option long_options[] = {
	{"target", required_argument, NULL, 't'},
	{"output", required_argument, NULL, 'o'},
	COMMON_OPTIONS,
	{0},
};

int cmd_build(int argc, char **argv)
{
	struct waggle_opts opts = {.sz = sizeof(opts), .diag = report_diag, .out = report_out};
	const char *output = NULL, *script = NULL;
	struct waggle_object *object = NULL;
	struct source source = {0};
	int opt, which = 0, err = 0;

	err = options_environment(&opts);
	if (err)
		return err;
	while ((opt = options_next(argc, argv, "e:o:I:", long_options, &which)) >= 0) {
		switch (opt) {
		case 'e': script = optarg; break;
		case 'o': output = optarg; break;
		case 'I':
			if (options_take(&opts, "include-dir", NULL, optarg))
				return STATUS_USAGE;
			break;
		case 't': opts.target = optarg; break;
		default:
			if (opt != OPT_COMMON ||
			    options_take(&opts, long_options[which].name, NULL, optarg))
				return STATUS_USAGE;
		}
	}
	if (!output || (!script && optind != argc - 1))
		return usage_error("build takes a script and -o OBJECT");
	if (script) {
		source = (struct source){strdup(script), strlen(script), "-e", 0};
		err = source.text ? 0 : -ENOMEM;
	} else {
		err = source_read_script(&source, argv[optind]);
	}
	opts.name = source.name;
	if (!err && source.is_object)
		err = waggle_object_open(&object, source.text, source.size, &opts);
	else if (!err)
		err = waggle_compile(&object, WAGGLE_SCRIPT, source.text, source.size, &opts);
	if (!err)
		err = output_object(object, output);
	waggle_object_free(object);
	source_free(&source);
	return status_of(err);
}
