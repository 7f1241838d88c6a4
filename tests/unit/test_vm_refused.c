/*
 * test_vm_refused.c: each helper and each kind of map either works in user space or is refused by
 * its name, and what is kept for tasks goes with them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "object/asm.h"
#include "vm/map.h"

static char heard[256];

static void hear(void *user, const struct waggle_diag *d)
{
	(void)user;
	if (d->level == WAGGLE_ERROR)
		snprintf(heard, sizeof(heard), "%s", d->text);
}

/* Opens what the assembly says; NULL: it was refused, `heard` says why. */
static struct vm *open_text(struct object **o, const char *text, struct diag *d)
{
	const struct vm_opts opts = {.interpret = true};
	struct vm *vm = NULL;

	*heard = 0;
	if (object_asm(o, text, strlen(text), d))
		return NULL;
	if (vm_open(&vm, *o, &opts, d)) {
		vm_close(vm);
		return NULL;
	}
	return vm;
}

/* The machine itself knows no helper without meaning, and says which it was. */
static void helpers_are_refused_by_name(void **state)
{
	u32 refused = 0, known = 0;

	(void)state;
	for (u32 id = 1; id <= 211; id++) {
		const struct helper *h = helper_by_id(id);
		struct diag d = {.fn = hear};
		struct object *o = NULL;
		char text[128], want[128];
		struct vm *vm;

		assert_non_null(h);
		if (vm_helper(id)) {
			known++;
			continue;
		}
		snprintf(text, sizeof(text), ".program p \"p\" kprobe\ncall %u\nr0 = 0\nexit\n",
			 id);
		snprintf(want, sizeof(want), "%s has no meaning in user space", h->name);
		vm = open_text(&o, text, &d);
		if (vm || !strstr(heard, want))
			fail_msg("helper %u: %s", id, heard);
		object_free(o);
		refused++;
	}
	assert_int_equal(known + refused, 211);
	assert_true(known > 100 && refused > 50);
}

static void kinds_of_maps_are_refused_by_name(void **state)
{
	static const u8 refused[] = {MAP_SK_STORAGE, MAP_INODE_STORAGE, MAP_CGRP_STORAGE,
				     MAP_STRUCT_OPS, MAP_ARENA};
	u32 n = 0;

	(void)state;
	for (u32 kind = 1; kind <= MAP_ARENA; kind++) {
		struct vm_map map = {.kind = kind, .name = "m", .key_size = 4, .value_size = 8};
		struct diag d = {.fn = hear};
		char want[128];

		if (vm_map_ops(kind))
			continue;
		assert_true(n < ARRAY_SIZE(refused) && memchr(refused, (int)kind, sizeof(refused)));
		assert_int_equal(vm_map_open(&map, &d), -EOPNOTSUPP);
		snprintf(want, sizeof(want), "map m: maps of kind %s do not exist in user space",
			 map_kind(kind)->name);
		assert_string_equal(heard, want);
		n++;
	}
	assert_int_equal(n, ARRAY_SIZE(refused));
}

/* Nobody can put a socket in: neither programs nor we. */
static void maps_of_sockets_stay_empty(void **state)
{
	static const char *const kinds[] = {"sockmap", "sockhash", "reuseport_sockarray"};
	const u32 key = 0, value = 1;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct diag d = {.fn = hear};
		struct object *o = NULL;
		char text[128];
		struct vm *vm;
		u32 there;

		snprintf(text, sizeof(text),
			 ".map s %s key 4 value 4 entries 2\n.program p \"p\" kprobe\n"
			 "r1 = map[s]\nr0 = 0\nexit\n",
			 kinds[i]);
		vm = open_text(&o, text, &d);
		assert_non_null(vm);
		assert_int_equal(vm_map_update(vm_map_of(vm, 0), &key, &value, BPF_ANY),
				 -EOPNOTSUPP);
		assert_int_equal(vm_map_lookup(vm_map_of(vm, 0), &key, &there), -ENOENT);
		vm_close(vm);
		object_free(o);
	}
}

static void what_a_task_has_goes_with_it(void **state)
{
	const u32 one = 1, two = 2, three = 3;
	struct diag d = {.fn = hear};
	struct object *o = NULL;
	struct vm *vm =
		open_text(&o,
			  ".map s task_storage key 4 value 8 flags 1\n"
			  ".map h hash key 4 value 8 entries 4\n"
			  ".program p \"p\" kprobe\nr1 = map[s]\nr1 = map[h]\nr0 = 0\nexit\n",
			  &d);
	struct vm_map *s, *h;
	u64 value = 7;

	(void)state;
	assert_non_null(vm);
	s = vm_map_of(vm, 0);
	h = vm_map_of(vm, 1);
	for (u32 i = 0; i < 2; i++) {
		const u32 *key = i ? &two : &one;

		assert_int_equal(vm_map_update(s, key, &value, BPF_ANY), 0);
		assert_int_equal(vm_map_update(h, key, &value, BPF_ANY), 0);
		value++;
	}
	vm_task_ended(vm, one);
	assert_int_equal(vm_map_lookup(s, &one, &value), -ENOENT);
	assert_int_equal(vm_map_lookup(h, &one, &value), 0);
	/* the thread 2 execs, and has the number of its process from now on, whose value is gone */
	assert_int_equal(vm_map_update(s, &three, &value, BPF_ANY), 0);
	vm_task_renamed(vm, two, three, 0);
	assert_int_equal(vm_map_lookup(s, &two, &value), -ENOENT);
	assert_int_equal(vm_map_lookup(s, &three, &value), 0);
	assert_int_equal(value, 8);
	vm_task_renamed(vm, one, three, 0); /* one that had none */
	assert_int_equal(vm_map_lookup(s, &three, &value), -ENOENT);
	vm_close(vm);
	object_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(helpers_are_refused_by_name),
					   cmocka_unit_test(kinds_of_maps_are_refused_by_name),
					   cmocka_unit_test(maps_of_sockets_stay_empty),
					   cmocka_unit_test(what_a_task_has_goes_with_it)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
