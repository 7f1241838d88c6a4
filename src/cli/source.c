/* source.c: files and command lines that the user gives. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOURCE_MOST (64u << 20)

static int read_all(int fd, struct source *s)
{
	size_t cap = 4096;
	ssize_t n;

	s->text = malloc(cap);
	while (s->text && (n = read(fd, s->text + s->size, cap - s->size)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		s->size += (size_t)n;
		if (s->size > SOURCE_MOST)
			return -EFBIG;
		if (s->size == cap) {
			char *more = realloc(s->text, cap *= 2);

			if (!more)
				return -ENOMEM;
			s->text = more;
		}
	}
	if (!s->text)
		return -ENOMEM;
	s->text[s->size] = 0; /* there is room; for those who take it as a string */
	return 0;
}

int source_read(struct source *s, const char *path)
{
	int standard = !strcmp(path, "-"), err;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

	*s = (struct source){.name = standard ? "stdin" : path};
	err = fd < 0 ? -errno : read_all(fd, s);
	if (fd >= 0 && !standard)
		close(fd);
	if (err) {
		fprintf(stderr, "waggle: error: %s cannot be read: %s\n", path, strerror(-err));
		source_free(s);
		return err;
	}
	s->is_object = s->size >= 4 && !memcmp(s->text, "\177ELF", 4);
	return 0;
}

int source_read_script(struct source *s, const char *path)
{
	int err = source_read(s, path);

	if (err == -ENOENT && !strchr(path, '/'))
		fputs("        a script on the command line stands behind -e\n", stderr);
	return err;
}

void source_free(struct source *s)
{
	free(s->text);
	s->text = NULL;
}

char **split_words(const char *line)
{
	size_t len = strlen(line);
	/* at most one word for two bytes, and their text behind them */
	char **words = malloc((len / 2 + 2) * sizeof(*words) + len + 1), **w = words;
	char *to = words ? (char *)(words + len / 2 + 2) : NULL, quote = 0;
	int in_word = 0;

	for (; words && *line; line++) {
		if (!quote && (*line == ' ' || *line == '\t' || *line == '\n')) {
			if (in_word)
				*to++ = 0;
			in_word = 0;
			continue;
		}
		if (!in_word)
			*w++ = to;
		in_word = 1;
		if (*line == quote)
			quote = 0;
		else if (!quote && (*line == '\'' || *line == '"'))
			quote = *line;
		else if (*line == '\\' && quote != '\'' && line[1])
			*to++ = *++line;
		else
			*to++ = *line;
	}
	if (!words || quote) {
		free(words);
		return NULL;
	}
	*to = 0;
	*w = NULL;
	return words;
}

char *words_join(char **words)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	for (; f && *words; words++)
		fprintf(f, "%s%s", *words, words[1] ? " " : "");
	if (!f || fclose(f))
		return NULL;
	return text;
}
