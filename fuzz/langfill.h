/* langfill.h: the inputs of langfuzz's C program: a ring of struct in, filled from a seed. */
static FILE *out;
static s64 s0, s1;
static u64 u0, u1;

/* Maps and variables of strings: what they hold stays as it was. */
static const char *texts[64][3] = {[0 ... 63] = {"", "", ""}};

static const char *keep(const char *text)
{
	return strdup(text);
}

static struct in *fill(u64 seed, u64 *args)
{
	static struct in ring[4];
	static unsigned short numbers[4][8];
	static const char *const texts[] = {"",
					    "a",
					    "abc",
					    "abcdefghijk",
					    "abcdefghijkl",
					    "wagtail",
					    "a longer text that does not fit into a name",
					    "ab\tc"};

	seed_of_values = seed * 0x2545f4914f6cdd1dull;
	for (int i = 0; i < 8; i++)
		args[i] = value();
	for (int i = 0; i < 4; i++) {
		struct in *p = &ring[i];
		unsigned short *text = (unsigned short *)p;

		for (size_t at = 0; at < sizeof(*p) / 2; at++)
			text[at] = value();
		p->i32 = value(), p->u32 = value(), p->i64 = value(), p->u64 = value();
		p->a64[0] = value(), p->a64[1] = value(), p->a32[1] = value();
		for (int j = 0; j < 8; j++)
			numbers[i][j] = value();
		p->q = numbers[i];
		p->next = &ring[(i + 1) % 4];
		p->text = texts[value() % 8];
		strncpy(p->name, texts[value() % 8], sizeof(p->name));
	}
	return &ring[value() % 4];
}
