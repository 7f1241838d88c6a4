/*
 * flame_svg.c: a flame graph: sums of stacks become one SVG that needs nothing else.
 *
 * In:  a tally.
 * Out: a box for each frame of each stack, as wide as what went through it; identical ones beside
 * each other are one. The boxes have places of their own, so that a viewer without scripts shows
 *      them, too; in a browser flame.js takes over.
 *
 * There are FLAME_BOXES at most, the widest: more would make a document that no browser likes to
 * open, and that takes long to write while somebody waits for the end.
 */
#include "sink/flame.h"

#include "base/inflate.h"
#include "sink/order.h"

#include <stdlib.h>

/* As in flame.js. */
#define FRAME  17
#define TOP    56
#define BOTTOM 26
#define SIDE   10
#define WIDTH  1200
#define LETTER 7.2 /* pixels */
#define LEAST  (1 / 40000.0) /* of the whole: narrower ones could not be seen at any zoom that helps */

/* flame.js, by gzip */
extern const u8 flame_js[], flame_js_end[];
__asm__(".pushsection .rodata\n"
	".hidden flame_js\n"
	".global flame_js\n"
	"flame_js: .incbin \"flame.js.gz\"\n"
	".hidden flame_js_end\n"
	".global flame_js_end\n"
	"flame_js_end:\n"
	".popsection\n");
#define SCRIPT_MOST (1 << 16)

static const char style[] =
	"text{font:12px ui-monospace,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;fill:#222}"
	"#back,#under{fill:#fff}#title{font-size:17px;text-anchor:middle}#probe{visibility:hidden}"
	".f{cursor:pointer}.f rect{stroke-width:.5}.f text{pointer-events:none;fill:#111}"
	".f:hover rect,.chosen rect{stroke:#000;stroke-width:1.2}.above{opacity:.55}"
	".hit rect{fill:#e040e0!important}#tools{display:none}.live #tools{display:inline}"
	".button{cursor:pointer;text-anchor:end;fill:#36c}.off{opacity:.25;pointer-events:none}"
	"#share{text-anchor:end}"
	"input{box-sizing:border-box;width:200px;height:22px;font:12px monospace;"
	"border:1px solid #999;border-radius:3px;padding:0 5px;background:#fff;color:#222}"
	"@media(prefers-color-scheme:dark){#back,#under{fill:#1c1c20}text{fill:#ddd}"
	".f:hover rect,.chosen rect{stroke:#fff}.button{fill:#8ab4f8}"
	"input{background:#2a2a30;color:#ddd}}";

/* What all boxes of a name have in common, as text. */
struct drawing {
	const char *name, *colour; /* NUL-terminated */
};
struct graph {
	struct buf *out;
	struct tally *tally;
	vec(struct drawing) drawings;
	u64 total, at; /* at: where the box begins */
	u64 least;     /* counts of the narrowest that is drawn */
	u32 deepest;
	bool left_out; /* there are narrower ones */
	const char *unit;
};

/* Text of a document: escaped; bytes that it may not hold become U+FFFD. */
static void put_xml(struct buf *b, const char *s, size_t n)
{
	struct buf plain = {0};
	char *p, *end;
	size_t i = 0;

	while (i < n && (u8)s[i] >= 0x20 && (u8)s[i] < 0x7f && !strchr("\\\"&<>", s[i]))
		i++;
	if (i == n) { /* most names */
		buf_add(b, s, n);
		return;
	}
	p = buf_reserve(b, n * 6 + 1);
	if (!p)
		return;
	end = put_json(p, (const u8 *)s, n, false); /* makes it valid UTF-8 */
	buf_add(&plain, p, (size_t)(end - p));
	for (i = 0; i < plain.n; i++) {
		char c = plain.p[i];

		if (c == '\\' && i + 1 < plain.n &&
		    (plain.p[i + 1] == '"' || plain.p[i + 1] == '\\'))
			c = plain.p[++i];
		if (c == '&')
			buf_puts(b, "&amp;");
		else if (c == '<')
			buf_puts(b, "&lt;");
		else if (c == '>')
			buf_puts(b, "&gt;");
		else if (c == '"')
			buf_puts(b, "&quot;");
		else
			buf_char(b, c);
	}
	buf_free(&plain);
}

/* ---- frames */

static void put_number(struct buf *b, const char *before, u64 v)
{
	buf_puts(b, before);
	buf_u64(b, v);
}

/* With so many digits behind the point; there are many of them, and printf() is slow at it. */
static void put_decimal(struct buf *b, const char *before, double v, u32 digits)
{
	u64 scale = digits == 2 ? 100 : 10, n = (u64)(v * (double)scale + 0.5);

	put_number(b, before, n / scale);
	buf_char(b, '.');
	if (digits == 2)
		buf_char(b, (char)('0' + n / 10 % 10));
	buf_char(b, (char)('0' + n % 10));
}

/* Warm for processes, cold for the kernel, pale for labels; a name has the same colour everywhere.
 */
static void put_colour(struct buf *b, const struct frame *f)
{
	static const struct {
		u32 hue, spread, saturation, light;
	} colours[] = {
		[0] = {0, 1, 0, 85},
		[FRAME_LABEL] = {85, 30, 30, 78},
		[FRAME_USER] = {18, 36, 88, 64},
		[FRAME_KERNEL] = {190, 30, 62, 68},
	};
	u32 h = dict_hash(f->name, f->len);

	put_number(b, "hsl(", colours[f->kind].hue + h % colours[f->kind].spread);
	put_number(b, ",", colours[f->kind].saturation);
	put_number(b, "%,", colours[f->kind].light + h / 64 % 8);
	buf_puts(b, "%)");
}

/* Most boxes have no room for a letter; flame.js makes their texts when they get some. */
static void put_text(struct buf *b, const struct frame *f, double x, u32 y, double width)
{
	u32 letters = width < 6 ? 0 : (u32)((width - 6) / LETTER);
	u32 n = f->len;

	if (letters < 3)
		return;
	put_decimal(b, "<text x=\"", x + 3, 1);
	put_number(b, "\" y=\"", y + FRAME - 5);
	buf_puts(b, "\">");
	if (n > letters) {
		n = letters - 2;
		while (n && ((u8)f->name[n] & 0xc0) == 0x80)
			n--;
	}
	put_xml(b, f->name, n);
	buf_puts(b, n < f->len ? "..</text>" : "</text>");
}

static const char *taken(struct graph *g, struct buf *b)
{
	const char *p = arena_strndup(&g->tally->arena, b->n ? b->p : "", b->n);

	g->out->failed |= b->failed;
	b->n = 0;
	return p;
}

static const struct drawing *drawing_of(struct graph *g, u32 frame)
{
	struct frame *f = &g->tally->frames.v[frame];
	struct buf *text = &g->tally->text;
	struct drawing d;

	if (!f->drawing) {
		text->n = 0;
		put_xml(text, f->name, f->len);
		d.name = taken(g, text);
		put_colour(text, f);
		d.colour = taken(g, text);
		vec_push(&g->tally->arena, &g->drawings, d);
		f->drawing = g->drawings.n;
	}
	return &g->drawings.v[f->drawing - 1];
}

static void put_box(struct graph *g, const struct tally_node *n, u32 depth)
{
	static const char *const classes[] = {"r", "l", "u", "k"};
	double scale = (WIDTH - 2 * SIDE) / (double)g->total, width = (double)n->count * scale;
	const struct frame *f = &g->tally->frames.v[n->frame];
	const struct drawing *d = drawing_of(g, n->frame);
	double x = SIDE + (double)g->at * scale;
	u32 y = TOP + (g->deepest - depth) * FRAME;
	struct buf *b = g->out;

	buf_puts(b, "<g class=\"f ");
	buf_puts(b, classes[f->kind]);
	put_number(b, "\" data-x=\"", g->at);
	put_number(b, "\" data-w=\"", n->count);
	put_number(b, "\" data-d=\"", depth);
	buf_puts(b, "\" data-n=\"");
	buf_puts(b, d->name);
	buf_puts(b, "\"><title>");
	buf_puts(b, d->name);
	put_number(b, " (", n->count);
	buf_char(b, ' ');
	buf_puts(b, g->unit);
	put_decimal(b, ", ", 100.0 * (double)n->count / (double)g->total, 2);
	put_decimal(b, "%)</title><rect x=\"", x, 1);
	put_number(b, "\" y=\"", y);
	put_decimal(b, "\" width=\"", width > 0.5 ? width - 0.4 : 0.1, 1);
	put_number(b, "\" height=\"", FRAME - 1);
	buf_puts(b, "\" rx=\"1\" fill=\"");
	buf_puts(b, d->colour);
	buf_puts(b, "\"/>");
	put_text(b, f, x, y, width);
	buf_puts(b, "</g>\n");
}

/* The narrowest box that is drawn: not too narrow to be seen, and wider than the first one for which
 * there is no room, with all that are as narrow. What is below a box is no wider. */
static void choose_least(struct graph *g)
{
	const struct tally *t = g->tally;
	struct order *counts;
	u32 n = 0;

	g->least = (u64)((double)g->total * LEAST);
	g->least += (double)g->least < (double)g->total * LEAST;
	if (t->nodes.n <= FLAME_BOXES)
		return;
	counts = arena_array(&g->tally->arena, struct order, t->nodes.n * 2);
	vec_each (node, &t->nodes)
		if (node->count >= g->least)
			counts[n++].by = node->count;
	if (n <= FLAME_BOXES)
		return;
	counts = order_sort(counts, counts + n, n, NULL);
	g->least = counts[n - FLAME_BOXES - 1].by + 1;
}

/* Calls put_box() for what is wide enough, or, before there is an `out`, sees how deep that is. */
static void walk(struct graph *g)
{
	const struct tally *t = g->tally;
	u32 depth = 0, node = 0;
	bool wide;

	g->at = 0;
	do {
		const struct tally_node *n = &t->nodes.v[node];

		wide = n->count >= g->least;
		if (wide && g->out)
			put_box(g, n, depth);
		else if (wide)
			g->deepest = MAX(g->deepest, depth);
		else
			g->left_out = true;
		g->at += wide ? n->self : n->count;
		node = tally_next(t, node, &depth, wide);
	} while (node);
}

/* ---- the document */

static void put_head(struct graph *g, const char *title)
{
	u32 height = TOP + (g->deepest + 1) * FRAME + BOTTOM;
	struct buf *b = g->out;

	buf_printf(
		b,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		"viewBox=\"0 0 %u %u\" data-total=\"%llu\" data-unit=\"%s\" data-least=\"%llu\">\n<style>%s</style>\n"
		"<rect id=\"back\" width=\"100%%\" height=\"100%%\"/>\n"
		"<text id=\"title\" x=\"%u\" y=\"24\">",
		WIDTH, height, WIDTH, height, (unsigned long long)g->total, g->unit,
		g->left_out ? (unsigned long long)g->least : 0, style,
		WIDTH / 2);
	put_xml(b, title, strlen(title));
	buf_printf(
		b,
		"</text>\n<text id=\"probe\" y=\"-20\">abcdefghijklmnopqrst</text>\n"
		"<g id=\"tools\" transform=\"translate(%u,0)\">"
		"<foreignObject x=\"-200\" y=\"28\" width=\"200\" height=\"24\">"
		"<input xmlns=\"http://www.w3.org/1999/xhtml\" id=\"pattern\" "
		"placeholder=\"search: a regex (press /)\" spellcheck=\"false\"/>"
		"</foreignObject><text id=\"share\" x=\"-210\" y=\"44\"></text></g>\n"
		"<text id=\"reset\" class=\"button off\" style=\"text-anchor:start\" x=\"%u\" "
		"y=\"44\">reset</text>\n<text id=\"icicle\" class=\"button\" "
		"style=\"text-anchor:start\" x=\"%u\" y=\"44\">icicle</text>\n"
		"<g id=\"foot\" transform=\"translate(0,%u)\"><rect id=\"under\" width=\"100%%\" "
		"height=\"%u\"/><text id=\"detail\" x=\"%u\" y=\"17\"></text></g>\n",
		WIDTH - SIDE, SIDE, SIDE + 60, height - BOTTOM, BOTTOM, SIDE);
}

static void draw(struct graph *g, struct buf *out, const char *title)
{
	g->total = MAX(g->tally->nodes.v->count, 1u);
	choose_least(g);
	walk(g); /* how deep, first */
	g->out = out;
	put_head(g, title);
	buf_puts(out, "<g id=\"frames\">\n");
	walk(g);
	buf_puts(out, "</g>\n<script><![CDATA[\n");
	if (gunzip(out, flame_js, (uintptr_t)flame_js_end - (uintptr_t)flame_js, SCRIPT_MOST))
		out->failed = true;
	buf_puts(out, "]]></script>\n</svg>\n");
}

void flame_svg(struct buf *out, struct tally *t, const char *title, const char *unit)
{
	struct graph g = {.tally = t, .unit = unit};
	jmp_buf full;

	if (!tally_sort(t)) {
		out->failed = true;
		return;
	}
	t->arena.escape = &full;
	if (setjmp(full))
		out->failed = true;
	else
		draw(&g, out, title);
	t->arena.escape = NULL;
}
