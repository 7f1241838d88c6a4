/*
 * test_vm_values.c: compiled code looks at fewer accesses to values of arrays than the interpreter
 * does; does it stop where that stops?
 *
 * Programs by chance look arrays up, move and add to what they got, ask whether it is 0, and read
 * and write there, inside of the values and around them. Both ways must end alike, or with the same
 * fault at the same instruction, and leave the same values. VALUES=SEED tries more, from there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "object/asm.h"
#include "vm/map.h"

static u32 draw(u64 *random, u32 below)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return (u32)(*random >> 20) % below;
}

static void hear(void *user, const struct waggle_diag *d)
{
	(void)user;
	print_message("%u: %s\n", d->line, d->text);
}

static u32 reg(u64 *random)
{
	static const u8 regs[] = {0, 0, 6, 7, 8};

	return regs[draw(random, ARRAY_SIZE(regs))];
}

static void put_lookup(struct buf *out, u64 *random)
{
	static const char *const maps[] = {"a", "b", "one"};

	buf_printf(out,
		   "*(u32 *)(r10 -4) = %u\nr2 = r10\nr2 += -4\nr1 = map[%s]\n"
		   "call bpf_map_lookup_elem\n",
		   draw(random, 8) ? draw(random, 2) : 3, maps[draw(random, 3)]);
	if (draw(random, 3))
		buf_printf(out, "if r%u %s 0 goto out\n", draw(random, 5) ? 0 : reg(random),
			   draw(random, 8) ? "==" : "!=");
}

static void put_access(struct buf *out, u64 *random)
{
	static const u8 sizes[] = {1, 2, 4, 8};
	u32 size = sizes[draw(random, 4)], r = reg(random);
	s32 off = draw(random, 12) ? (s32)draw(random, 5) * 4 : (s32)draw(random, 60) - 20;

	switch (draw(random, 5)) {
	case 0:
		buf_printf(out, "*(u%u *)(r%u %+d) = %u\n", size * 8, r, off, draw(random, 99));
		break;
	case 1:
		buf_printf(out, "r9 = 5\nlock *(u%u *)(r%u %+d) += r9\n", 32 << draw(random, 2), r,
			   off);
		break;
	default: buf_printf(out, "r9 = *(u%u *)(r%u %+d)\n", size * 8, r, off);
	}
}

static void put_line(struct buf *out, u64 *random, u32 i, u32 n)
{
	switch (draw(random, 12)) {
	case 0:
	case 1: put_lookup(out, random); break;
	case 2: buf_printf(out, "r%u = r%u\n", reg(random), reg(random)); break;
	case 3: buf_printf(out, "r%u += %d\n", reg(random), ((s32)draw(random, 7) - 3) * 4); break;
	case 4:
		buf_printf(out, "if r%u %s 0 goto l%u\n", reg(random),
			   draw(random, 2) ? "==" : "!=", i + 1 + draw(random, n - i));
		break;
	case 5:
		buf_printf(out, "r%u = map[%s][0]+%u\n", reg(random),
			   draw(random, 3) ? ".data.d" : ".rodata.r", draw(random, 4) * 4);
		break;
	case 6: buf_printf(out, draw(random, 2) ? "w%u += 0\n" : "r%u <<= 0\n", reg(random)); break;
	default: put_access(out, random);
	}
}

static void put_program(struct buf *out, u64 *random)
{
	u32 n = 4 + draw(random, 16);

	buf_puts(out, ".map a array key 4 value 20 entries 2\n.map b percpu_array key 4 value 16 "
		      "entries 3\n.map one array key 4 value 12 entries 1\n.data .data.d 20\n"
		      ".data .rodata.r 16\n.bytes 01 02 03\n.program p \"p\" kprobe\n"
		      "r0 = 0\nr6 = map[.data.d][0]+0\nr7 = 0\nr8 = r6\nr9 = 0\n");
	put_lookup(out, random);
	for (u32 i = 0; i < n; i++) {
		buf_printf(out, "l%u:\n", i);
		put_line(out, random, i, n);
	}
	buf_printf(out, "l%u:\nout: r0 = 0\nexit\n", n);
}

/* Everything that is in the maps, appended. */
static void put_values(struct buf *out, const struct vm *vm)
{
	for (u32 i = 0; i < vm->nmaps; i++)
		buf_add(out, vm->maps[i]->values, vm->maps[i]->values_bytes);
}

static void try_one(const struct object *o, const struct vm_opts *opts, struct vm_fault *fault,
		    struct buf *values)
{
	struct vm_run *run;
	struct vm *vm;
	u64 result = 0;

	assert_int_equal(vm_open(&vm, o, opts, NULL), 0);
	assert_int_equal(vm_run_open(&run, vm, NULL, NULL, 1), 0);
	vm_call(run, 0, 0, 0, &result);
	*fault = run->fault;
	put_values(values, vm);
	vm_run_close(run);
	vm_close(vm);
}

static void compiled_code_stops_where_the_interpreter_stops(void **state)
{
	static const struct vm_opts ways[2] = {{.cpus = 2, .interpret = true, .budget = 10000},
					       {.cpus = 2, .budget = 10000}};
	u64 random = 0x9e3779b97f4a7c15ull;
	u32 cases = 1500, stopped = 0;

	(void)state;
	if (getenv("VALUES"))
		random = strtoull(getenv("VALUES"), NULL, 0), cases = 200000;
	for (u32 i = 0; i < cases; i++) {
		struct buf text = {0}, values[2] = {{0}, {0}};
		struct diag diag = {.fn = hear};
		struct vm_fault faults[2];
		struct object *o = NULL;

		put_program(&text, &random);
		diag.text = buf_str(&text);
		diag.size = text.n;
		if (object_asm(&o, diag.text, diag.size, &diag))
			fail_msg("no program:\n%s", diag.text);
		for (u32 k = 0; k < 2; k++)
			try_one(o, &ways[k], &faults[k], &values[k]);
		if (faults[0].kind != faults[1].kind ||
		    (faults[0].kind && faults[0].insn != faults[1].insn) ||
		    memcmp(values[0].p, values[1].p, values[0].n) != 0)
			fail_msg("fault %u at %u, compiled %u at %u:\n%s", faults[0].kind,
				 faults[0].insn, faults[1].kind, faults[1].insn, diag.text);
		stopped += faults[0].kind != VM_OK;
		for (u32 k = 0; k < 2; k++)
			buf_free(&values[k]);
		object_free(o);
		buf_free(&text);
	}
	assert_true(stopped > cases / 10 && stopped < cases * 9 / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compiled_code_stops_where_the_interpreter_stops)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
