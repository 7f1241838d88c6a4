// Names of all forms for test_demangle.c: templates, operators, lambdas, thunks, expressions.
#include <vector>
#include <map>
#include <string>
#include <functional>
#include <memory>
#include <regex>
#include <iostream>
#include <tuple>
#include <thread>
#include <algorithm>
namespace ns
{
namespace
{
struct hid {
	void operator()(int) const
	{
	}
	template <class T> operator T()
	{
		return T();
	}
};
} // namespace
template <class T, int N> struct arr {
	T v[N];
	arr();
	~arr();
	template <class U> arr(U u, T (&r)[N])
	{
	}
	int const (*f(void (*)(int), char (*)[3]))[5];
	static void (*g(int))(char);
};
template <class T, int N> arr<T, N>::arr()
{
	static int x = rand();
	x++;
	auto l = [](auto a, int b) {
		static int q = rand();
		return a + b + q;
	};
	l(3, x);
}
template <class T, int N> arr<T, N>::~arr()
{
}
template <class T, int N> int const (*arr<T, N>::f(void (*)(int), char (*)[3]))[5]
{
	return nullptr;
}
template <class T, int N> void (*arr<T, N>::g(int))(char)
{
	return nullptr;
}
template struct arr<int, 3>;
template struct arr<std::string, 2>;
template arr<int, 3>::arr(long, int (&)[3]);
template <class... A> int pack(A &&...a)
{
	return sizeof...(a);
}
template <class F, class... A> auto call(F f, A... a) -> decltype(f(a...))
{
	return f(a...);
}
template <template <class...> class C, class... T> void tt(C<T...> const &)
{
}
template <int (*F)(int)> int fp()
{
	return F(1);
}
template <int (ns::hid::*)(int)> struct mp {
};
template <auto V> struct av {
	void m() volatile &
	{
	}
	void n() const &&
	{
	}
};
template <class T> auto operator+(arr<T, 3> const &, T) -> T
{
	return T();
}
bool operator<(const hid &, const hid &)
{
	return true;
}
template <class T> bool operator<<(const hid &, T)
{
	return true;
}
void operator""_km(unsigned long long)
{
}
template <class T,
	  class = typename std::enable_if<(sizeof(T) > 2) && !std::is_pointer<T>::value>::type>
T en(T t)
{
	return t;
}
template <class T> decltype(std::declval<T>().size()) sz(T &t)
{
	return t.size();
}
template <class T>
auto ix(T &t) -> decltype(t[0], (t.begin() != t.end()), -t.size(), t.size() ? 1 : 2)
{
	return 1;
}
template <class... T> auto fold(T... t) -> decltype((t + ...))
{
	return (t + ...);
}
template <class... T> auto fold2(T... t) -> decltype((0 + ... + t))
{
	return (0 + ... + t);
}
template <class T> void arrp(T (*)[sizeof(T) + 2])
{
}
template <class T> void thr(T) noexcept(false)
{
}
void nf(void (*)() noexcept, int (&)[3], int (&&)[4], int (*const)(int), int hid::*,
	void (hid::*)(int) const &)
{
}
template <class T> struct conv {
	template <class U> operator std::map<T, U>() const
	{
		return {};
	}
	operator T()
	{
		return T();
	}
};
template <class T> auto nw() -> decltype(new T(1), static_cast<long>(T(2)), T{3})
{
	return T();
}
_Complex double cd(_Complex float)
{
	return 0;
}
typedef int v4 __attribute__((vector_size(16)));
void vv(v4)
{
}
void i128(__int128, unsigned __int128, char16_t, char32_t, short, std::nullptr_t, long double,
	  __float128)
{
}
} // namespace ns
int inc(int x)
{
	return x + 1;
}
struct Vbase {
	virtual ~Vbase()
	{
	}
	virtual void f()
	{
	}
};
struct D1 : virtual Vbase {
	void f() override
	{
	}
};
struct D2 : virtual Vbase {
};
struct D3 : D1, D2 {
	D3();
	void f() override;
	virtual D3 *clone();
};
D3::D3()
{
}
void D3::f()
{
}
D3 *D3::clone()
{
	return this;
}
thread_local std::string tls;
std::string &gettls()
{
	return tls;
}
const std::string &ref = std::string("x");
struct [[gnu::abi_tag("foo")]] tagged
{
	void m();
};
void tagged::m()
{
}
[[gnu::abi_tag("bar")]] tagged tagf(tagged t)
{
	return t;
}
inline auto lam = [](auto... x) { return sizeof...(x); };
template <typename T> struct W {
	T t;
	struct In {
		void f(T, In *)
		{
		}
	};
	enum { A = 1 };
};
template struct W<decltype(lam)>;
enum class E { a, b };
template <E e, bool b, char c, long l, unsigned char u> struct lits {
	void f()
	{
	}
};
template struct lits<E::b, true, 'x', -5, 7>;
struct un {
	struct {
		int a;
	} x;
	union {
		int q;
	} z;
};
template <class T> void unn(T)
{
}
int main()
{
	using namespace ns;
	std::vector<std::map<std::string, std::function<void(int, char const *)>>> v;
	v.resize(3);
	pack(1, "a", v, hid());
	call([](int a, int b) { return a * b; }, 1, 2);
	tt(v);
	fp<inc>();
	av<5> w5;
	w5.m();
	av<5>().n();
	av<&inc> q;
	q.m();
	arr<int, 3> a;
	a + 1;
	en(5l);
	sz(v);
	ix(v);
	fold(1, 2l, 'c');
	fold2(1, 2);
	arrp<int>(nullptr);
	nf(0, *(int(*)[3])0, (int(&&)[4]) * (int(*)[4])0, 0, 0, 0);
	conv<int> c;
	std::map<int, long> m = c;
	(void)(int)c;
	nw<int>();
	lam(1, 2, 'x');
	lits<E::b, true, 'x', -5, 7>().f();
	hid h;
	h << 3;
	(void)(h < h);
	(void)(long)h;
	std::regex r("a+");
	std::thread tt2([&] { v.clear(); });
	tt2.join();
	un u;
	unn(u.x);
	unn(u.z);
	unn([] {});
	W<decltype(lam)>::In in;
	std::sort(v.begin(), v.end(), [](auto &a, auto &b) { return a.size() < b.size(); });
	auto s = std::make_shared<D3>();
	auto p = std::make_unique<hid>();
	struct local {
		void f(int)
		{
			struct l2 {
				static void g()
				{
				}
			};
			l2::g();
		}
	};
	local().f(1);
	cd(1);
	vv(v4{});
	i128(0, 0, 0, 0, 0, 0, 0, 0);
	tls += "x";
	thr(5);
}
