/* test_demangle.c: names of C++; the expected ones are those of c++filt --no-verbose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "elf/demangle.h"

#include <stdlib.h>

static const struct {
	const char *mangled, *whole, *name;
} cases[] = {
	{"_Z3addii", "add(int, int)", "add"},
	{"_ZN2ns3addEiRKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE",
	 "ns::add(int, std::__cxx11::basic_string<char, std::char_traits<char>, "
	 "std::allocator<char> > const&)",
	 "ns::add"},
	{"_ZNK2ns1K3getEi", "ns::K::get(int) const", "ns::K::get"},
	{"_ZN2ns1K5twiceIiEET_S2_", "int ns::K::twice<int>(int)", "ns::K::twice<int>"},
	{"_ZN2ns1KC2Ei", "ns::K::K(int)", "ns::K::K"},
	{"_ZN2ns1KD0Ev", "ns::K::~K()", "ns::K::~K"},
	{"_ZplRK1AS1_", "operator+(A const&, A const&)", "operator+"},
	{"_ZN1AcvbEv", "A::operator bool()", "A::operator bool"},
	{"_ZN12_GLOBAL__N_11fEv", "(anonymous namespace)::f()", "(anonymous namespace)::f"},
	{"_ZStlsISt11char_traitsIcEERSt13basic_ostreamIcT_ES5_PKc",
	 "std::basic_ostream<char, std::char_traits<char> >& std::operator<< "
	 "<std::char_traits<char> >(std::basic_ostream<char, std::char_traits<char> >&, char const*)",
	 "std::operator<< <std::char_traits<char> >"},
	{"_Z1fPFivE", "f(int (*)())", "f"},
	{"_Z1fRA3_i", "f(int (&) [3])", "f"},
	{"_Z1fM1AKFivE", "f(int (A::*)() const)", "f"},
	{"_Z1fILi3ELb1EEvv", "void f<3, true>()", "f<3, true>"},
	{"_Z1fIJicEEvDpT_", "void f<int, char>(int, char)", NULL},
	{"_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()() const", NULL},
	{"_ZNSt6vectorIiSaIiEE9push_backEOi", "std::vector<int, std::allocator<int> >::push_back(int&&)",
	 "std::vector<int, std::allocator<int> >::push_back"},
};
static const char *const none[] = {"", "_Z", "main", "_ZN", "_ZTV1A", "_Z3ad", "_Z1fS_",
				   "_Z1fT_", "_Z1fIXsr1AE1bEEvv", "_Z99999999999f", "_Z1fPPPPP"};

static void names(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		struct arena a = {0};
		const char *whole, *name;

		assert_true(demangle(&a, cases[i].mangled, &whole, &name) || !cases[i].name);
		if (cases[i].name) {
			assert_string_equal(whole, cases[i].whole);
			assert_string_equal(name, cases[i].name);
		}
		arena_free(&a);
	}
}

static void no_names(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(none); i++) {
		struct arena a = {0};
		const char *whole, *name;

		assert_false(demangle(&a, none[i], &whole, &name));
		arena_free(&a);
	}
}

/* Names with letters changed, left out and doubled end somehow. */
static void broken(void **state)
{
	static const char letters[] = "_ZNSTtIEKPRFAMLJXCDUBv0123456789ijclx";

	(void)state;
	srand(7);
	for (u32 n = 0; n < 20000; n++) {
		const char *from = cases[(u32)rand() % ARRAY_SIZE(cases)].mangled;
		size_t len = strlen(from), at = (size_t)rand() % len;
		struct arena a = {0};
		const char *whole, *name;
		char text[256];

		strcpy(text, from);
		switch (rand() % 3) {
		case 0: text[at] = letters[(size_t)rand() % (sizeof(letters) - 1)]; break;
		case 1: memmove(text + at, text + at + 1, len - at); break;
		default: memcpy(text + at + 1, from + at, len - at + 1);
		}
		if (demangle(&a, text, &whole, &name))
			assert_true(strlen(whole) < 100000);
		arena_free(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names), cmocka_unit_test(no_names), cmocka_unit_test(broken)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
