/* test_value.c: structs, arrays, bitfields, bools and enums as sinks show them (sink/value.c). */
#include "sink/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct field element = {.name = "element", .kind = FIELD_INT, .size = 4};
static struct layout elements = {&element, 1, 4};
static struct field inner[] = {
	{.name = "low", .kind = FIELD_UINT, .size = 1, .bit = 1, .bits = 3},
	{.name = "high", .kind = FIELD_INT, .size = 2, .bit = 4, .bits = 9},
	{.name = "list", .kind = FIELD_ARRAY, .off = 4, .size = 8, .count = 2, .sub = &elements},
	{.name = "all", .kind = FIELD_UINT, .unit = UNIT_HEX, .size = 4}, /* as in a union */
};
static struct layout members = {inner, ARRAY_SIZE(inner), 12};
static struct field outer[] = {
	{.name = "s", .kind = FIELD_STRUCT, .size = 12, .sub = &members},
	{.name = "yes", .kind = FIELD_UINT, .unit = UNIT_BOOL, .off = 16, .size = 1},
	{.name = "color",
	 .kind = FIELD_INT,
	 .unit = UNIT_ENUM,
	 .off = 20,
	 .size = 4,
	 .text = "-1 NONE\n0 RED\n5 GREEN\n"},
};
static struct layout record = {outer, ARRAY_SIZE(outer), 24};

static const u8 data[24] = {0x0a | 0xf0, 0x1f, 0, 0, 7, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff,
			    0,           0,    0, 0, 1, 0, 0, 0, 5,    0,    0,    0};

static void expect(const struct field *f, const u8 *from, const char *text, const char *json)
{
	char out[1024];
	size_t n = (size_t)(field_text(out, NULL, f, from) - out);

	assert_true(n <= field_text_most(f));
	assert_int_equal(n, strlen(text));
	assert_memory_equal(out, text, n);
	n = (size_t)(field_json(out, NULL, f, from) - out);
	assert_true(n <= field_json_most(f));
	assert_int_equal(n, strlen(json));
	assert_memory_equal(out, json, n);
}

static void values_in_memory_are_shown(void **state)
{
	u8 other[24];

	(void)state;
	assert_int_equal(layout_check(&record, 24), 0);
	expect(&outer[0], data, "{ .low = 5, .high = -1, .list = [7,-2], .all = 0x1ffa }",
	       "{\"low\":5,\"high\":-1,\"list\":[7,-2],\"all\":8186}");
	expect(&outer[1], data, "true", "true");
	expect(&outer[2], data, "GREEN", "\"GREEN\"");
	memcpy(other, data, sizeof(other));
	memset(other + 20, 0xff, 4);
	other[16] = 0;
	expect(&outer[1], other, "false", "false");
	expect(&outer[2], other, "NONE", "\"NONE\"");
	other[23] = 0;
	expect(&outer[2], other, "16777215", "16777215");
	assert_int_equal(field_load(&inner[0], data), 5);
	assert_int_equal((s64)field_load(&inner[1], data), -1);
	assert_true(layout_compare(&record, data, data) == 0);
	other[8] = 0xfd;
	assert_true(field_compare(&outer[0], data, other) > 0);
}

static void wrong_layouts_are_refused(void **state)
{
	struct field f[2] = {outer[0], outer[1]};
	struct layout l = {f, 2, 24}, sub = members, one = elements;
	struct field part = inner[2], deep[64];
	struct layout levels[64];

	(void)state;
	f[0].sub = NULL;
	assert_true(layout_check(&l, 24) < 0);
	f[0].sub = &sub;
	sub.fields = &part;
	sub.n = 1;
	assert_int_equal(layout_check(&l, 24), 0);
	part.count = 3; /* behind its end */
	assert_true(layout_check(&l, 24) < 0);
	part.count = 2;
	one.n = 0;
	part.sub = &one;
	assert_true(layout_check(&l, 24) < 0);
	part = inner[0];
	part.bits = 8; /* more than there are */
	assert_true(layout_check(&l, 24) < 0);
	part = inner[0];
	part.kind = FIELD_UINT, part.bits = 0, part.size = 3;
	assert_true(layout_check(&l, 24) < 0);
	f[0] = outer[2];
	f[0].text = NULL;
	assert_true(layout_check(&l, 24) < 0);
	f[0] = outer[0];
	f[1] = outer[0];
	f[1].off = 8; /* only members of a struct may overlap */
	assert_true(layout_check(&l, 20) < 0);
	for (u32 i = 0; i < 64; i++) {
		deep[i] = (struct field){
			.name = "x", .kind = FIELD_STRUCT, .size = 8, .sub = &levels[(i + 1) & 63]};
		levels[i] = (struct layout){&deep[i], 1, 8};
	}
	assert_true(layout_check(&levels[0], 8) < 0); /* without an end */
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(values_in_memory_are_shown),
					   cmocka_unit_test(wrong_layouts_are_refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
