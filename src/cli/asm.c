/*
 * asm.c: `waggle asm` and `waggle dis`: instructions from text, and as text.
 *
 * With --classic both are about classic BPF, in all forms in which filters come.
 * dis takes an object (an ELF file), bytes, or bytes written as hexadecimal digits: what a file is
 * is seen from its contents unless --hex or --raw says it.
 */
#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INSN 8 /* bytes */

enum form { FORM_AUTO, FORM_RAW, FORM_HEX };

static const struct option long_options[] = {
	{"hex", no_argument, NULL, 'x'},
	{"raw", no_argument, NULL, 'r'},
	{"classic", no_argument, NULL, 'c'},
	{"numbers", no_argument, NULL, 'n'},
	{"c", no_argument, NULL, 'a'},
	{"bytecode", no_argument, NULL, 'b'},
	{"translate", no_argument, NULL, 't'},
	{"output", required_argument, NULL, 'o'},
	{0},
};

struct asm_args {
	enum form form;
	bool classic;
	const char *format; /* of a filter; NULL: the usual one */
	const char *output, *file;
};

static int parse(struct asm_args *a, int argc, char **argv)
{
	int opt;

	while ((opt = options_next(argc, argv, "o:", long_options, NULL)) >= 0)
		switch (opt) {
		case 'x': a->form = FORM_HEX; break;
		case 'r': a->form = FORM_RAW; break;
		case 'o': a->output = optarg; break;
		case 'c': a->classic = true; break;
		case 'n': a->format = "numbers"; break;
		case 'a': a->format = "c"; break;
		case 'b': a->format = "bytecode"; break;
		case 't': a->format = "bpf"; break;
		default: return STATUS_USAGE;
		}
	if (a->format && !a->classic)
		return usage_error("--numbers, --c, --bytecode and --translate go with --classic");
	if (optind != argc - 1)
		return usage_error("%s takes one file (-: stdin)", argv[0]);
	a->file = argv[optind];
	return 0;
}

/* ---- classic BPF */

static void to_file(void *user, const char *text, size_t len)
{
	fwrite(text, 1, len, user);
}

/* Bytes are seen from what is in no text. */
static bool is_raw(const struct source *s, const struct asm_args *a)
{
	return a->form == FORM_RAW || memchr(s->text, 0, s->size);
}

static int classic(const struct asm_args *a, const char *format)
{
	struct waggle_opts opts = {.sz = sizeof(opts), .diag = report_diag, .out = report_out};
	struct source source;
	int fd = -1, err;
	FILE *out = NULL;

	if (source_read(&source, a->file))
		return STATUS_ERROR;
	opts.name = source.name;
	if (a->output) {
		fd = output_begin();
		out = fd < 0 ? NULL : fdopen(dup(fd), "w");
		opts.out = to_file;
		opts.user = out;
	}
	err = a->output && !out
		      ? -ENOMEM
		      : waggle_classic(source.text, source.size, is_raw(&source, a), format, &opts);
	if (out && fclose(out) && !err)
		err = -errno;
	if (fd >= 0)
		err = output_end(fd, err, a->output);
	source_free(&source);
	return status_of(err);
}

/* ---- dis */

/* Digits in pairs; blanks, commas, 0x and \x do not count. The text becomes the bytes. -1: it is
 * something else. */
static long from_hex(char *text, size_t size)
{
	size_t n = 0;
	int high = -1;

	for (size_t i = 0; i < size; i++) {
		int c = (unsigned char)text[i];

		if (i + 1 < size && (c == '0' || c == '\\') && (text[i + 1] | 32) == 'x') {
			i++;
			continue;
		}
		if (isspace(c) || c == ',') {
			if (high >= 0)
				return -1;
			continue;
		}
		if (!isxdigit(c))
			return -1;
		c = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
		if (high < 0) {
			high = c;
		} else {
			text[n++] = (char)(high << 4 | c);
			high = -1;
		}
	}
	return high < 0 ? (long)n : -1;
}

static int is_hex(const struct source *s)
{
	for (size_t i = 0; i < s->size; i++)
		if (!isxdigit((unsigned char)s->text[i]) && !strchr(" \t\r\n,xX\\", s->text[i]))
			return 0;
	return s->size > 0;
}

static int dis_bare(struct source *s, const struct asm_args *a, const struct waggle_opts *opts)
{
	long n = (long)s->size;

	if (a->form == FORM_HEX || (a->form == FORM_AUTO && is_hex(s))) {
		n = from_hex(s->text, s->size);
		if (n < 0) {
			fprintf(stderr,
				"waggle: error: %s is not all hexadecimal digits in pairs\n",
				s->name);
			return STATUS_ERROR;
		}
	}
	if (!n || n % INSN) {
		fprintf(stderr,
			"waggle: error: %s holds %ld bytes: no object, and no instructions of %d "
			"bytes each\n",
			s->name, n, INSN);
		return STATUS_ERROR;
	}
	return status_of(waggle_disassemble(s->text, (size_t)n, opts));
}

int cmd_dis(int argc, char **argv)
{
	struct waggle_opts opts = {
		.sz = sizeof(opts), .diag = report_diag, .out = report_out, .dump = "asm"};
	struct waggle_object *object = NULL;
	struct asm_args a = {0};
	struct source source;
	int status = parse(&a, argc, argv);

	if (status)
		return status;
	if (a.output)
		return usage_error("dis writes to stdout");
	if (a.classic)
		return classic(&a, a.format ? a.format : "listing");
	if (source_read(&source, a.file))
		return STATUS_ERROR;
	opts.name = source.name;
	if (source.is_object && a.form == FORM_AUTO)
		status = status_of(waggle_object_open(&object, source.text, source.size, &opts));
	else
		status = dis_bare(&source, &a, &opts);
	waggle_object_free(object);
	source_free(&source);
	return status;
}

/* ---- asm */

static int put_code(const struct waggle_object *object, enum form form, FILE *out)
{
	const unsigned char *bytes;
	const void *code;
	size_t size;
	int err = waggle_object_code(object, NULL, &code, &size);

	if (err) {
		fputs("waggle: error: bare instructions are those of one program, and there are "
		      "several\n"
		      "        without --hex and --raw an object is written, which holds them "
		      "all\n",
		      stderr);
		return err;
	}
	bytes = code;
	if (form == FORM_RAW)
		fwrite(bytes, 1, size, out);
	for (size_t i = 0; form == FORM_HEX && i < size; i++)
		fprintf(out, "%02x%s", bytes[i], i % INSN == INSN - 1 ? "\n" : " ");
	return 0;
}

static int write_code(const struct waggle_object *object, const struct asm_args *a)
{
	int fd, err;
	FILE *out;

	if (!a->output)
		return put_code(object, a->form, stdout);
	fd = output_begin();
	if (fd < 0)
		return fd;
	out = fdopen(dup(fd), "w");
	err = out ? put_code(object, a->form, out) : -errno;
	if (out && fclose(out) && !err)
		err = -errno;
	return output_end(fd, err, a->output);
}

int cmd_asm(int argc, char **argv)
{
	struct waggle_opts opts = {.sz = sizeof(opts), .diag = report_diag, .out = report_out};
	struct waggle_object *object = NULL;
	struct asm_args a = {0};
	struct source source;
	int err = parse(&a, argc, argv);

	if (err)
		return err;
	if (a.classic && !a.format)
		a.format = a.form == FORM_RAW ? "raw" : "numbers";
	if (a.classic) {
		a.form = FORM_AUTO; /* it is about what is written */
		return classic(&a, a.format);
	}
	if (!a.output && (a.form == FORM_AUTO || (a.form == FORM_RAW && isatty(STDOUT_FILENO))))
		return usage_error("asm takes -o OUT, or --hex to see the bytes");
	if (source_read(&source, a.file))
		return STATUS_ERROR;
	opts.name = source.name;
	err = waggle_compile(&object, WAGGLE_ASM, source.text, source.size, &opts);
	if (!err)
		err = a.form == FORM_AUTO ? output_object(object, a.output)
					  : write_code(object, &a);
	waggle_object_free(object);
	source_free(&source);
	return status_of(err);
}
