/*
 * test_demangle.c: names of C++ and Rust: by hand, broken ones, and all of a library and of
 * programs that g++, clang and rustc make, against binutils' c++filt where they are installed.
 */
#include "demangle/demangle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const names[][2] = {
	{"_Z1fv", "f()"},
	{"_ZN2ns5classC1Ei", "ns::class::class(int)"},
	{"_ZNK2ns1xclEv", "ns::x::operator()() const"},
	{"_ZlsRSoRK1x", "operator<<(std::ostream&, x const&)"},
	{"_ZSt4sortIPiEvT_S1_", "void std::sort<int*>(int*, int*)"},
	{"_Z1fPFivEM1xKFvcE", "f(int (*)(), void (x::*)(char) const)"},
	{"_Z1fRA3_iOA2_A4_c", "f(int (&) [3], char (&&) [2][4])"},
	{"_Z1fRA3_PKcPA2_PFvvE", "f(char const* (&) [3], void (* (*) [2])())"},
	{"_Z1fI1AEvSt1bIXsrN1n1cIT_EE1vENS2_1dIS4_EEE",
	 "void f<A>(std::b<n::c<A>::v, n::d<A> >)"},
	/* concepts and explicit objects, which newer compilers write than this c++filt reads */
	{"_Z3conITk1C1AEiT_", "int con<A>(A)"},
	{"_Z3reqI1AQaa1CIT_EgtstS1_Li0EEiS1_", "int req<A>(A)"},
	{"_Z4abbrITk1C1ATpTkSt8integralJilEEiT_DpT0_", "int abbr<A, int, long>(A, int, long)"},
	{"_Z1fITn1BLi1ETtTyTpTnT_E1CEvv", "void f<1, C>()"},
	{"_ZF2frIiQsr3stdE7same_asIT_TL0__EEi1WIiES0_", "int fr<int>(W<int>, int)"},
	{"_ZNKSt8__detail10_Synth3wayclIPiS2_EEDaRKT_RKT0_QrqXltfp_fp0_RNS_18__boolean_"
	 "testableEXltfp0_fp_RNS_18__boolean_testableEE",
	 "auto std::__detail::_Synth3way::operator()<int*, int*>(int* const&, int* const&) const"},
	{"_Z1fI1AEvT_QrQS0__XltfL0p_fL0p_NQ1CIS0_EE", "void f<A>(A)"},
	{"_ZNH1A1fIRS_EEiOT_i", "int A::f<A&>(this A&, int)"},
	{"_Z1fI1AEvDTu7__traitT_EE", "void f<A>(decltype (__trait(A)))"},
	{"_Z1gIUlTyTnjT_E_Evv", "void g<{lambda(auto:1)#1}>()"},
	{"_Z1fITk1CEvv", NULL},
	{"_Z1fI1AQ", NULL},
	{"_Z1fI1AQ1BvEvv", NULL},
	{"_Z1fI1AEvT_Qrq", NULL},
	{"_Z1gIiEPFvcEi", "void (*g<int>(int))(char)"},
	{"_Z1pIJicEEvDpOT_", "void p<int, char>(int&&, char&&)"},
	{"_Z1pIJEEvDpOT_", "void p<>()"},
	{"_ZN1AIiEcvT_IlEEv", "A<int>::operator long<long>()"},
	{"_ZZ1fvE1x_0", "f()::x"},
	{"_ZZ4mainENKUlT_E_clIiEEDaS_",
	 "auto main::{lambda(auto:1)#1}::operator()<int>(int) const"},
	{"_ZN12_GLOBAL__N_11fEv", "(anonymous namespace)::f()"},
	{"_ZTV3foo", "vtable for foo"},
	{"_ZThn16_N1D1fEv", "non-virtual thunk to D::f()"},
	{"_ZTC1D0_1B", "construction vtable for B-in-D"},
	{"_ZGVZ1fvE1x", "guard variable for f()::x"},
	{"_Z1fILb1ELi5ELjn3EEvv", "void f<true, 5, -3u>()"},
	{"_Z1fIiEDTplfp_Li1EET_", "decltype ({parm#1}+(1)) f<int>(int)"},
	{"_Z1fv.constprop.0.cold", "f() [clone .constprop.0] [clone .cold]"},
	{"_ZNSsC1ERKSs", "std::basic_string<char, std::char_traits<char>, std::allocator<char> >::"
			 "basic_string(std::string const&)"},
	{"_Z1fB5cxx11v", "f[abi:cxx11]()"},
	{"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad"},
	{"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE.llvm.123", "core::fmt::Formatter::pad"},
	{"_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$"
	 "3bar17h930b740aa94f1d3aE",
	 "<Test + 'static as foo::Bar<Test>>::bar"},
	{"_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar"},
	{"_RINvCs1234_1r3genShEB2_", "r::gen::<[u8]>"},
	{"_RNCNvCs1234_1r2bx0s_0", NULL},
	{"_RNCNvCs1234_1r2bxs_0", "r::bx::{closure#1}"},
	{"_RINvCs1234_1r2tyDNtB2_2Trp1OhEL_EB2_", "r::ty::<dyn r::Tr<O = u8>>"},
	{"_RINvCs1234_1r2tyFUKCPhEzEB2_", "r::ty::<unsafe extern \"C\" fn(*const u8) -> !>"},
	{"_RINvCs1234_1r2cnKb1_Kce9_Kxn5_EB2_", "r::cn::<true, 'é', -5>"},
	{"_RNvCs1234_1ru7grn_ioa", "r::grün"},
	/* no names, or broken ones */
	{"main", NULL},
	{"_Z", NULL},
	{"_ZN", NULL},
	{"_ZN1aE1", NULL},
	{"_Z1fS_", NULL},
	{"_Z1fS5_", NULL},
	{"_Z99fv", NULL},
	{"_Z1fIT_EvT_", NULL},
	{"_R", NULL},
	{"_RNvB_1a", NULL},
	{"_RB_", NULL},
};

static void names_by_hand(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		struct buf out = {0};
		bool known = demangle(&out, names[i][0], strlen(names[i][0]), DEMANGLE_WHOLE);

		if (!names[i][1]) {
			if (known)
				fail_msg("%s became %s", names[i][0], buf_str(&out));
			assert_int_equal(out.n, 0);
		} else {
			if (!known)
				fail_msg("%s is not known", names[i][0]);
			assert_string_equal(buf_str(&out), names[i][1]);
		}
		buf_free(&out);
	}
}

static void names_alone(void **state)
{
	static const char *const alone[][2] = {{"_ZN2ns1fIiEEvT_", "ns::f<int>"},
					       {"_ZNK1x1gEv.cold", "x::g"},
					       {"_RNvCs1234_1r1f", "r::f"}};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(alone); i++) {
		struct buf out = {0};

		assert_true(demangle(&out, alone[i][0], strlen(alone[i][0]), DEMANGLE_NAME));
		assert_string_equal(buf_str(&out), alone[i][1]);
		buf_free(&out);
	}
}

static void names_are_matched(void **state)
{
	(void)state;
	assert_true(demangle_matches("_ZN2ns2fnEic", "ns::fn"));
	assert_true(demangle_matches("_ZN2ns2fnEic", "ns::fn(int, char)"));
	assert_true(demangle_matches("_ZN2ns2fnEic", "ns::fn(int,char)"));
	assert_false(demangle_matches("_ZN2ns2fnEic", "ns::fn(int)"));
	assert_false(demangle_matches("_ZN2ns2fnEic", "fn"));
	assert_false(demangle_matches("_ZN2ns3fnxEic", "ns::fn"));
	assert_true(demangle_matches("_ZN2ns2fnIiEEvT_", "ns::fn<int>"));
	assert_true(demangle_matches("_ZN1xD2Ev", "x::~x"));
	assert_true(demangle_matches("_ZN1xC2Ev", "x::x()"));
	assert_true(demangle_matches("_ZN1xplEi", "x::operator+(int)"));
	assert_false(demangle_matches("fn", "fn"));
	assert_true(demangle_matches("_ZN1r3foo17h0123456789abcdefE", "r::foo"));
}

/* Each beginning, and each bit another: nothing but an answer comes of it. */
static void broken_names(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		size_t len = strlen(names[i][0]);
		struct buf out = {0};

		for (size_t n = 0; n <= len; n++) {
			char *name = malloc(MAX(n, 1u)); /* so that the sanitizer sees its end */

			memcpy(name, names[i][0], n);
			demangle(&out, name, n, DEMANGLE_WHOLE);
			for (size_t at = 16; n == len && at < n * 8; at++) {
				name[at / 8] ^= 1 << at % 8;
				demangle(&out, name, n, DEMANGLE_WHOLE);
				name[at / 8] ^= 1 << at % 8;
			}
			out.n = 0;
			free(name);
		}
		buf_free(&out);
	}
}

/* Names that mean far more than they say, or themselves. */
static void endless_names(void **state)
{
	struct buf name = {0}, out = {0};

	(void)state;
	buf_puts(&name, "_Z1fI1a");
	for (u32 i = 0; i < 40; i++) /* each one twice the one before */
		buf_printf(&name, "1bIS%c_S%c_E", 'A' + i % 26, 'A' + i % 26);
	buf_puts(&name, "Evv");
	demangle(&out, name.p, name.n, DEMANGLE_WHOLE);
	name.n = 0;
	buf_puts(&name, "_Z1f");
	for (u32 i = 0; i < 60000; i++)
		buf_char(&name, 'P');
	assert_false(demangle(&out, name.p, name.n, DEMANGLE_WHOLE));
	name.n = 0;
	buf_puts(&name, "_RI");
	for (u32 i = 0; i < 30000; i++)
		buf_char(&name, 'T');
	assert_false(demangle(&out, name.p, name.n, DEMANGLE_WHOLE));
	name.n = 0;
	buf_puts(&name, "_RINvC1a1bTTTTuuETB6_B6_B6_EETB5_B5_B5_B5_EETB4_B4_B4_B4_B4_B4_EE");
	demangle(&out, name.p, name.n, DEMANGLE_WHOLE);
	buf_free(&name);
	buf_free(&out);
}

/* ---- against binutils */

/* Blanks between > and > are not ours to tell, nor is what c++filt leaves of an empty pack. */
static void even(char *s)
{
	char *to = s;

	s[strcspn(s, "\n")] = 0;
	for (; *s; s++) {
		if (s[0] == ' ' && s[1] == '>' && to[-1] == '>')
			continue;
		if (s[0] == ',' && s[1] == ' ' && s[2] == ',')
			s += 2;
		*to++ = *s;
	}
	*to = 0;
}

/* What may differ: what c++filt cannot read, or writes otherwise than Rust's own tools. */
static bool excused(const char *name, const char *theirs)
{
	return !strcmp(name, theirs) || strstr(theirs, "'''") || strstr(theirs, "\\u{") ||
	       strstr(theirs, "$u") ||
	       strstr(theirs, "(auto:1)..."); /* clang's and gcc's S_ differ */
}

/* `list` writes mangled names; returns how many differ, counts all. */
static u32 compare(const char *list, u32 *count)
{
	char command[1024], *name = NULL, *theirs = NULL;
	size_t a = 0, b = 0;
	u32 differ = 0;
	FILE *f;

	snprintf(command, sizeof(command),
		 "t=$(mktemp) && { %s; } 2>/dev/null | sed 's/@.*//' | grep -E '^_[ZR]' | sort -u "
		 ">$t; c++filt --no-verbose <$t | paste -d '\\n' $t -; rm -f $t",
		 list);
	f = popen(command, "r");
	assert_non_null(f);
	while (getline(&name, &a, f) > 0 && getline(&theirs, &b, f) > 0) {
		struct buf ours = {0};

		even(name);
		even(theirs);
		if (!demangle(&ours, name, strlen(name), DEMANGLE_WHOLE))
			buf_puts(&ours, name);
		buf_char(&ours, 0);
		even(ours.p);
		++*count;
		if (strcmp(ours.p, theirs) != 0 && !excused(name, theirs) && differ++ < 5)
			print_error("%s\n  theirs: %s\n  ours:   %s\n", name, theirs, ours.p);
		buf_free(&ours);
	}
	pclose(f);
	free(name);
	free(theirs);
	return differ;
}

static bool have(const char *tool)
{
	char command[128];

	snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1", tool);
	return !system(command);
}

static void a_library_as_cxxfilt_has_it(void **state)
{
	u32 count = 0;

	(void)state;
	if (!have("c++filt") || !have("nm"))
		skip();
	assert_int_equal(compare("for l in /usr/lib/*/libstdc++.so.6; do nm -D $l | "
				 "sed 's/.* //'; done",
				 &count),
			 0);
	print_message("%u names\n", count);
}

#define MAKE(with)                                                                          \
	"d=$(mktemp -d); " with " -w -c -o $d/o tests/unit/demangle/names.cc && nm $d/o | " \
	"sed 's/.* //'; rm -r $d"

static void programs_as_cxxfilt_has_them(void **state)
{
	static const char *const makers[][2] = {
		{"g++", MAKE("g++ -std=c++20")},
		{"clang++", MAKE("clang++ -std=c++20 -O1")},
		{"rustc", "d=$(mktemp -d); rustc -C symbol-mangling-version=v0 --emit obj -o $d/o "
			  "tests/unit/demangle/names.rs && nm $d/o | sed 's/.* //'; rm -r $d"},
		{"rustc", "d=$(mktemp -d); RUSTC_BOOTSTRAP=1 rustc -Z unstable-options "
			  "-C symbol-mangling-version=legacy --emit obj -o $d/o "
			  "tests/unit/demangle/names.rs && nm $d/o | sed 's/.* //'; rm -r $d"},
	};
	u32 count = 0;

	(void)state;
	if (!have("c++filt") || !have("nm"))
		skip();
	for (u32 i = 0; i < ARRAY_SIZE(makers); i++)
		if (have(makers[i][0])) {
			u32 before = count;

			assert_int_equal(compare(makers[i][1], &count), 0);
			if (i != 3) /* which needs a rustc that still has the old form */
				assert_true(count - before > 100);
		}
	print_message("%u names\n", count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_by_hand),
		cmocka_unit_test(names_alone),
		cmocka_unit_test(names_are_matched),
		cmocka_unit_test(broken_names),
		cmocka_unit_test(endless_names),
		cmocka_unit_test(a_library_as_cxxfilt_has_it),
		cmocka_unit_test(programs_as_cxxfilt_has_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
