// Names of all forms for test_demangle.c: generics, traits, closures, constants, types.
use std::collections::*; use std::fmt::*;
mod inner { pub struct Gürü<T, const N: usize>(pub [T; N]); impl<T: Copy, const N: usize> Gürü<T, N> { #[inline(never)] pub fn first(&self) -> T { self.0[0] } } 
 pub trait Tr { type O; fn go(&self, f: &dyn Fn(i32) -> i32) -> Self::O; } impl<'a> Tr for &'a str { type O = char; #[inline(never)] fn go(&self, f: &dyn Fn(i32) -> i32) -> char { f(3); 'x' } } 
 impl<A, B> Tr for (A, B, fn(A) -> B) where A: Copy { type O = B; #[inline(never)] fn go(&self, _: &dyn Fn(i32) -> i32) -> B { (self.2)(self.0) } } }
use inner::*;
#[inline(never)] fn gen<T: Debug + ?Sized>(t: &T) -> String { format!("{:?}", t) }
#[inline(never)] fn bx(v: Box<dyn for<'a> Fn(&'a str) -> &'a str + Send + 'static>) -> usize { let c = |x: usize| { let d = move |y: usize| { std::hint::black_box(x + y) }; d(2) + c2(&x) }; c(v("a").len()) }
#[inline(never)] fn c2(x: &usize) -> usize { std::hint::black_box(*x) }
#[inline(never)] fn ty<T>() -> usize { std::hint::black_box(std::mem::size_of::<T>()) }
#[inline(never)] fn cn<const B: bool, const C: char, const I: i64, const U: u8>() -> i64 { std::hint::black_box(I) }
extern "C" fn ce(x: i32) -> i32 { x } 
fn main() { gen(&1); gen("a"); gen(&[1,2][..]); gen(&(1, "x", 2.0)); gen(&vec![Some(1)]); bx(Box::new(|s| s)); Gürü([1u8; 4]).first(); Gürü([1.0; 2]).first(); "x".go(&|i| i + 1); (1i32, 2i32, (|x| x) as fn(i32) -> i32).go(&|i| i);
 ty::<*const u8>(); ty::<*mut [u8; 7]>(); ty::<&mut str>(); ty::<(u8,)>(); ty::<()>(); ty::<unsafe extern "C" fn(i32, ...) -> !>(); ty::<Box<dyn Iterator<Item = u8> + Send>>(); ty::<fn(&u8, &u16) -> u8>(); ty::<extern "system" fn()>(); ty::<i128>(); ty::<HashMap<String, BTreeMap<u32, Vec<Option<char>>>>>();
 cn::<true, 'é', -5, 255>(); cn::<false, '\'', 9223372036854775807, 0>(); ce(1); let mut h = HashMap::new(); h.insert("a".to_string(), 1); println!("{:?}", h); std::thread::spawn(|| { println!("t"); }).join().unwrap(); }
