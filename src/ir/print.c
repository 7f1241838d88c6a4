/* print.c: the IR as text, for -d ir and for the messages of tests. */
#include "ir/inside.h"

const char *ir_type_name(enum ir_type t)
{
	static const char *const names[] = {
		[IRT_VOID] = "void", [IRT_I32] = "i32",       [IRT_I64] = "i64",
		[IRT_CTX] = "ctx",   [IRT_STACK] = "stack",   [IRT_MAP] = "map",
		[IRT_DATA] = "data", [IRT_MAPVAL] = "mapval", [IRT_MEM] = "mem",
		[IRT_BTF] = "btf",   [IRT_PKT] = "pkt",       [IRT_PKTEND] = "pktend",
	};

	return t < ARRAY_SIZE(names) ? names[t] : "?";
}

static void print_value(struct buf *out, const struct ir_fn *f, u32 v)
{
	v = ir_value(f, v);
	if (v && v < f->ins.n && f->ins.v[v].op == IR_CONST)
		buf_s64(out, f->ins.v[v].imm);
	else
		buf_printf(out, "v%u", v);
}

static void print_place(struct buf *out, const struct ir_fn *f, const struct ir_ins *i)
{
	buf_printf(out, "u%u[", i->width * 8);
	print_value(out, f, i->a);
	if (i->imm)
		buf_printf(out, " %+lld", (long long)i->imm);
	buf_puts(out, "]");
}

static void print_args(struct buf *out, const struct ir_fn *f, const u32 *v, u32 n)
{
	buf_puts(out, "(");
	for (u32 k = 0; k < n; k++) {
		buf_puts(out, k ? ", " : "");
		print_value(out, f, v[k]);
	}
	buf_puts(out, ")");
}

static void print_edge(struct buf *out, const struct ir_fn *f, const struct ir_edge *e)
{
	buf_printf(out, " b%u", e->to);
	if (e->args.n)
		print_args(out, f, e->args.v, e->args.n);
}

static void print_operation(struct buf *out, const struct ir_fn *f, const struct ir_ins *i)
{
	const struct ir_block *b = &f->blocks.v[i->block];
	const struct ir_op_info *op = &ir_ops[i->op];

	buf_puts(out, op->name);
	if (op->flags & IR_COMPARE && i->width == 4)
		buf_puts(out, "32");
	buf_puts(out, " ");
	switch (i->op) {
	case IR_CONST: buf_s64(out, i->imm); break;
	case IR_SLOT:
	case IR_DATA: buf_printf(out, "%lld+%u", (long long)i->imm, i->aux); break;
	case IR_FUNC:
	case IR_MAP: buf_s64(out, i->imm); break;
	case IR_LOAD:
	case IR_LOADS: print_place(out, f, i); break;
	case IR_STORE:
	case IR_AADD:
	case IR_XCHG:
		print_place(out, f, i);
		buf_puts(out, ", ");
		print_value(out, f, i->b);
		break;
	case IR_CALL:
		buf_printf(out, "#%lld", (long long)i->imm);
		print_args(out, f, f->args.v + i->a, i->b);
		break;
	case IR_JMP: print_edge(out, f, &b->succ[0]); break;
	case IR_BR:
		print_value(out, f, i->a);
		buf_puts(out, ",");
		print_edge(out, f, &b->succ[0]);
		buf_puts(out, ",");
		print_edge(out, f, &b->succ[1]);
		break;
	default:
		if (op->args)
			print_value(out, f, i->a);
		if (op->args == 2) {
			buf_puts(out, ", ");
			print_value(out, f, i->b);
		}
	}
}

static void print_block(struct buf *out, const struct ir_fn *f, u32 n)
{
	const struct ir_block *b = &f->blocks.v[n];

	buf_printf(out, "b%u", n);
	if (b->params.n) {
		buf_puts(out, "(");
		for (u32 k = 0; k < b->params.n; k++)
			buf_printf(out, "%sv%u %s", k ? ", " : "", b->params.v[k],
				   ir_type_name(f->ins.v[b->params.v[k]].type));
		buf_puts(out, ")");
	}
	buf_puts(out, ":\n");
	for (u32 k = 0; k < b->ins.n; k++) {
		const struct ir_ins *i = &f->ins.v[b->ins.v[k]];

		if (i->op == IR_CONST)
			continue;
		buf_puts(out, "\t");
		if (i->type != IRT_VOID)
			buf_printf(out, "v%u %s = ", b->ins.v[k], ir_type_name(i->type));
		print_operation(out, f, i);
		buf_puts(out, "\n");
	}
}

void ir_print(struct buf *out, const struct ir_fn *f)
{
	buf_printf(out, "function %s\n", f->name ? f->name : "?");
	for (u32 s = 0; s < f->slots.n; s++)
		buf_printf(out, "\tslot %u: %u bytes, align %u\n", s, f->slots.v[s].size,
			   f->slots.v[s].align);
	for (u32 b = 1; b < f->blocks.n; b++)
		if (f->blocks.v[b].ins.n)
			print_block(out, f, b);
}
