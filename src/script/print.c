/* print.c: the syntax tree as indented text, for -d ast and -d types. */
#include "script/script.h"

const char *node_name(const struct node *n)
{
	static const char *const names[] = {
#define NODE(NAME, name) name,
#include "script/nodes.def"
#undef NODE
	};
	return names[n->kind];
}

/* As it could stand in a script. */
static void print_string(struct buf *out, const struct node *n)
{
	buf_puts(out, " \"");
	for (u32 i = 0; i < n->len; i++) {
		u8 c = (u8)n->text[i];

		if (c == '\n')
			buf_puts(out, "\\n");
		else if (c < ' ' || c >= 127)
			buf_printf(out, "\\x%02x", c);
		else
			buf_printf(out, c == '"' || c == '\\' ? "\\%c" : "%c", c);
	}
	buf_char(out, '"');
}

static void print_node(struct buf *out, const struct node *n, u32 depth, bool types)
{
	buf_printf(out, "%*s%s", (int)depth * 2, "", node_name(n));
	if (n->kind == NODE_INT)
		buf_printf(out, n->type.is_signed || n->value <= INT64_MAX ? " %lld" : " %llu",
			   (long long)n->value);
	else if (n->kind == NODE_MAP)
		buf_printf(out, " @%s", n->text);
	else if (n->kind == NODE_VAR || n->kind == NODE_PARAM)
		buf_printf(out, " $%s", n->text);
	else if (n->kind == NODE_STR)
		print_string(out, n);
	else if (*n->text)
		buf_printf(out, " %s", n->text);
	if (n->op)
		buf_printf(out, " %s", token_text(n->op));
	if (types && n->type.kind > TYPE_NONE)
		buf_printf(out, " :: %s", TYPE_NAME(n->type));
	buf_char(out, '\n');
	for (u32 i = 0; i < 3; i++)
		for (const struct node *k = (&n->a)[i]; k; k = k->next)
			print_node(out, k, depth + 1, types);
}

void script_print(struct buf *out, const struct script *s, bool types)
{
	for (const struct probe *p = s->probes; p; p = p->next) {
		buf_puts(out, "probe");
		for (const struct probe_spec *spec = p->specs; spec; spec = spec->next)
			buf_printf(out, "%s %s", spec == p->specs ? "" : ",", spec->text);
		buf_char(out, '\n');
		if (p->predicate) {
			buf_puts(out, "  predicate\n");
			print_node(out, p->predicate, 2, types);
		}
		print_node(out, p->body, 1, types);
	}
}
