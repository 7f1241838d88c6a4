/*
 * check_memory.c: how functions may be used that name places in memory, or that take a map apart.
 * The rows of calls.def name these; lower_memory.c makes code of them.
 */
#include "script/check.h"
#include "script/ctype.h"

#include <arpa/inet.h>

static bool text_only(struct checker *c, struct node *n, const char *of)
{
	if (n->kind == NODE_CALL)
		check_expr(c, n);
	if (n->kind == NODE_STR && strlen(n->text) == n->len)
		return true;
	check_fail(c, n, "write it as \"text\"", "%s must be a string constant", of);
	return false;
}

static struct type pointer_of(struct script *s, u8 space, u32 size)
{
	struct type *of = arena_new(s->arena, struct type);

	*of = (struct type){.kind = TYPE_INT, .size = size, .space = space};
	return (struct type){
		.kind = TYPE_INT, .size = 8, .is_pointer = 1, .space = space, .of = of};
}

/* The bytes of an address in the order of the net, in n->text. */
void check_pton(struct checker *c, struct node *n)
{
	char *bytes;
	bool six;

	n->type = bytes_type(c->script, 4);
	if (!text_only(c, n->a, "the address"))
		return;
	six = strchr(n->a->text, ':');
	bytes = arena_alloc(c->script->arena, 16);
	if (inet_pton(six ? AF_INET6 : AF_INET, n->a->text, bytes) != 1)
		check_fail(c, n->a, "pton(\"127.0.0.1\"), pton(\"::1\")",
			   "'%s' is no address of IPv4 or IPv6", n->a->text);
	n->type = bytes_type(c->script, six ? 16 : 4);
	n->b = arena_new(c->script->arena, struct node);
	*n->b = (struct node){.kind = NODE_STR, .text = bytes, .len = n->type.size};
}

void check_percpu_kaddr(struct checker *c, struct node *n)
{
	text_only(c, n->a, "the symbol");
	if (n->a->next)
		check_int(c, n->a->next, "the CPU of percpu_kaddr()");
	n->type = pointer_of(c->script, SPACE_KERNEL, 8);
}

static bool has_file(const struct point *p)
{
	u8 kind = p->row->attach;

	return kind == ATTACH_UPROBE || kind == ATTACH_USDT;
}

/* n->value: how far the symbol is from the place of the probe. */
void check_uaddr(struct checker *c, struct node *n)
{
	struct point *p = c->point;
	struct user_symbol sym;
	struct user_file *file;
	u64 here, addr;

	n->type = pointer_of(c->script, SPACE_USER, 8);
	if (!text_only(c, n->a, "the symbol"))
		return;
	if (!has_file(p)) {
		check_fail(c, n, "uprobe and usdt: they know where the file is in memory",
			   "uaddr() cannot be used in %s", p->text);
		return;
	}
	(p->leader ? p->leader : p)->each = true;
	if (c->script->target->ops->file(c->script->target, p->pattern, c->script->pid, &file) ||
	    !user_variable(file, n->a->text, &addr, &sym.size) ||
	    !elf_address_of(&file->elf, p->off, &here)) {
		check_fail(c, n->a, "nm and nm -D list them", "%s has no symbol '%s'", p->pattern,
			   n->a->text);
		return;
	}
	n->value = addr - here;
	if (sym.size == 1 || sym.size == 2 || sym.size == 4)
		n->type = pointer_of(c->script, SPACE_USER, (u32)sym.size);
}

void check_socket_cookie(struct checker *c, struct node *n)
{
	n->type = TYPE_U64;
	if (!ctype_kernel_pointer(c->script, "sock").of)
		check_fail(c, n, "the kernel's own types (BTF) say where it is",
			   "socket_cookie() needs to know what a struct sock is");
	if (check_int(c, n->a, "socket_cookie()") && !n->a->type.is_pointer)
		check_fail(c, n->a, "(struct sock *)arg0", "socket_cookie() takes a pointer");
}

/* ---- maps and stacks */

/* len(@m) visits all entries and does nothing there: n->b becomes a loop without a variable. */
static bool check_map_len(struct checker *c, struct node *n)
{
	struct node *map = n->a, *body;

	if (map->kind != NODE_MAP || map->a)
		return false;
	if (!check_whole_map(c, map) || !map->map->keys_known) /* its keys may be told further down */
		return true;
	if (!map->map->nkeys && map->map->value.kind == TYPE_SHOWN)
		return false; /* of a stack in it */
	if (!map->map->nkeys) {
		check_fail(c, map, "len() counts the entries of a map with keys", "@%s has no keys",
			   map->text);
		return true;
	}
	if (c->script->target->kernel < KERNEL(5, 13))
		check_fail(c, n, "count what is new: if (!has_key(@m, k)) { @n++; }",
			   "len() of a map needs Linux 5.13");
	if (n->b)
		return true;
	body = arena_new(c->script->arena, struct node);
	*body = (struct node){.kind = NODE_BLOCK, .at = n->at};
	c->script->loops = true;
	n->b = arena_new(c->script->arena, struct node);
	*n->b = (struct node){.kind = NODE_FOR, .at = n->at, .a = map, .b = body};
	return true;
}

void check_len(struct checker *c, struct node *n)
{
	n->type = TYPE_S64;
	if (check_map_len(c, n) || !check_expr(c, n->a))
		return;
	if (n->a->type.kind != TYPE_SHOWN ||
	    (n->a->type.show != FIELD_KSTACK && n->a->type.show != FIELD_USTACK))
		check_fail(c, n->a, "len(@m), len(kstack)",
			   "len() counts entries of maps and frames of stacks, not of %s",
			   TYPE_A(n->a->type));
}

/* find(@m, key, $v) is has_key(@m, key) and $v = @m[key]: n->b becomes that assignment. */
void check_find(struct checker *c, struct node *n)
{
	struct node *map = n->a, *key = map->next, *var = key ? key->next : NULL;

	n->type = TYPE_BOOL;
	if (!n->b) {
		if (map->kind != NODE_MAP || map->a || !var || var->kind != NODE_VAR) {
			check_fail(c, n, n->call->usage,
				   "find() takes a map, a key and a variable");
			return;
		}
		map->next = NULL;
		key->next = NULL;
		map->a = key;
		n->b = arena_new(c->script->arena, struct node);
		*n->b = (struct node){
			.kind = NODE_ASSIGN, .op = TOK_SET, .at = n->at, .a = var, .b = map};
	}
	if (check_asked(c, map) && !map->map->nkeys)
		check_fail(c, map, NULL, "@%s has no keys", map->text);
	else
		check_assign_var(c, n->b);
}

void check_path(struct checker *c, struct node *n)
{
	struct node *size = n->a->next;
	u32 most = c->script->limits.str_most;
	struct type t;

	n->type = type_str(most);
	if (size && check_int(c, size, "the size of path()")) {
		if (size->kind != NODE_INT || !size->value)
			check_fail(c, size, "path(p, 64)", "the size must be a positive constant");
		else
			n->type = type_str((u32)MIN(size->value, most));
	}
	if (!ctype_kernel_pointer(c->script, "mount").of)
		check_fail(c, n, "the kernel's own types (BTF) say where it is",
			   "path() needs to know what a struct mount is");
	if (!check_expr(c, n->a))
		return;
	t = n->a->type.is_pointer && n->a->type.of ? *n->a->type.of : n->a->type;
	if (t.kind != TYPE_STRUCT || strcmp(t.fields->name, "path"))
		check_fail(c, n->a, "path(args.file->f_path), path((struct path *)arg0)",
			   "path() takes a struct path, not %s", TYPE_A(n->a->type));
}

void check_readable(struct checker *c, struct node *n)
{
	n->type = TYPE_BOOL;
	if (check_int(c, n->a, "readable()") && n->a->next)
		check_int(c, n->a->next, "readable()");
}
