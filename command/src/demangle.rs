//! Names of functions as their authors wrote them.

use cpp_demangle::{DemangleOptions, Symbol};
use rustc_demangle::try_demangle;

/// What compilers append to the name of a part or a copy of a function.
const SUFFIXES: [&str; 6] = [".cold", ".constprop.", ".isra.", ".llvm.", ".part.", ".lto_priv."];

/// How names of C++ are shortened, in this order.
const SHORTER: [(&str, &str); 3] = [
    ("std::__cxx11::", "std::"),
    (" >", ">"),
    ("std::basic_string<char, std::char_traits<char>, std::allocator<char>>", "std::string"),
];

/// The name of a function in Rust or C++ without parameters, hash and suffixes; any other name as
/// it is, but for suffixes and the version of the symbol.
#[must_use]
pub fn demangle(name: &str) -> String {
    let plain = without_suffix(name);
    if let Ok(rust) = try_demangle(plain) {
        return format!("{rust:#}");
    }
    let options = DemangleOptions::new().no_params().no_return_type();
    let cpp = plain.starts_with("_Z").then(|| Symbol::new(plain).ok()).flatten();
    let name = cpp.and_then(|symbol| symbol.demangle_with_options(&options).ok());
    name.map_or_else(|| plain.to_owned(), |name| SHORTER.iter().fold(name, |name, (long, short)| name.replace(long, short)))
}

fn without_suffix(name: &str) -> &str {
    let version = name.find('@').filter(|at| *at > 0);
    let suffixes = SUFFIXES.iter().filter_map(|suffix| name.find(suffix).filter(|at| *at > 0));
    suffixes.chain(version).min().map_or(name, |end| &name[..end])
}

#[cfg(test)]
mod tests {
    use super::demangle;

    #[test]
    fn names_of_rust_lose_their_hash() {
        assert_eq!(demangle("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE"), "core::fmt::Write::write_fmt");
        assert_eq!(demangle("_RNvC6_123foo3bar"), "123foo::bar");
    }

    #[test]
    fn names_of_cpp_lose_parameters_and_result() {
        assert_eq!(demangle("_ZN3foo3barEiPKc"), "foo::bar");
        assert_eq!(demangle("_Znwm"), "operator new");
        assert_eq!(demangle("_ZN3foo3barEi.constprop.0"), "foo::bar");
        let name = "_ZN3app5StoreINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEE3addES6_";
        assert_eq!(demangle(name), "app::Store<std::string>::add");
    }

    #[test]
    fn names_of_c_stay() {
        assert_eq!(demangle("main"), "main");
        assert_eq!(demangle("malloc@@GLIBC_2.2.5"), "malloc");
        assert_eq!(demangle("grow.part.0.cold"), "grow");
        assert_eq!(demangle("_Z"), "_Z");
    }
}
