//! Calls that only pass a request for memory on: the functions of allocators, and those of standard
//! libraries. The call site that a user looks for is behind them.

use crate::symbols::Frame;

/// Functions by their whole name.
const FUNCTIONS: [&str; 71] = [
    "malloc",
    "calloc",
    "realloc",
    "reallocarray",
    "memalign",
    "aligned_alloc",
    "posix_memalign",
    "valloc",
    "pvalloc",
    "strdup",
    "strndup",
    "__strdup",
    "__strndup",
    "wcsdup",
    "mallocx",
    "rallocx",
    "xmalloc",
    "xcalloc",
    "xrealloc",
    "xstrdup",
    "xstrndup",
    "xmemdup",
    "xnmalloc",
    "xnrealloc",
    "xzalloc",
    "xmallocz",
    "x2nrealloc",
    "xreallocarray",
    "ximalloc",
    "xicalloc",
    "xirealloc",
    "safe_malloc",
    "safe_calloc",
    "safe_realloc",
    "do_xmalloc",
    "zmalloc",
    "zcalloc",
    "zrealloc",
    "ztrymalloc_usable",
    "ztrymalloc_usable_internal",
    "zmalloc_usable",
    "emalloc",
    "_emalloc",
    "g_malloc",
    "g_malloc0",
    "g_malloc_n",
    "g_malloc0_n",
    "g_realloc",
    "g_realloc_n",
    "g_try_malloc",
    "g_try_malloc0",
    "g_slice_alloc",
    "g_slice_alloc0",
    "g_strdup",
    "g_memdup",
    "g_memdup2",
    "PyMem_Malloc",
    "PyMem_RawMalloc",
    "PyMem_Calloc",
    "PyMem_Realloc",
    "PyObject_Malloc",
    "PyObject_Calloc",
    "PyObject_Realloc",
    "_PyMem_RawMalloc",
    "_PyObject_Malloc",
    "CRYPTO_malloc",
    "CRYPTO_zalloc",
    "CRYPTO_realloc",
    "operator new",
    "operator new[]",
    "sqlite3_malloc",
];
/// What the names of functions of allocators and standard libraries begin with.
const PREFIXES: [&str; 18] = [
    "__libc_malloc",
    "__libc_calloc",
    "__libc_realloc",
    "__libc_memalign",
    "__rust_alloc",
    "__rust_realloc",
    "__rg_",
    "__rdl_",
    "__rustc::__r",
    "__rustc[",
    "ta_heap_",
    "__gnu_cxx::",
    "__cxxabiv1::",
    "__cxa_",
    "alloc::",
    "core::",
    "std::",
    "hashbrown::",
];
/// What the names of allocators' libraries begin with.
const MODULES: [&str; 5] = ["libtinyalloc.so", "libjemalloc.so", "libtcmalloc", "libmimalloc.so", "libsnmalloc"];

/// Where the sources of the standard libraries of Rust and C++ are.
const SOURCES: [&str; 2] = ["/rustc/", "/usr/include/c++/"];
/// What the C library calls its own copies of functions.
const OWN_COPY: &str = "__GI_";

/// Whether a call only passes a request for memory on.
#[must_use]
pub fn is_wrapper(frame: &Frame) -> bool {
    let function = frame.function.trim_start_matches(OWN_COPY);
    let file = frame.file.as_deref().unwrap_or_default();
    SOURCES.iter().any(|source| file.starts_with(source))
        || MODULES.iter().any(|module| frame.module.starts_with(module))
        || FUNCTIONS.contains(&function)
        || PREFIXES.iter().any(|prefix| function.starts_with(prefix))
        || is_standard_method(function)
}

/// Which of the calls, the innermost first, is the call site: the first that is no wrapper. The
/// first of all if there is no other; 0 if there are none.
#[must_use]
pub fn site_of(stack: &[Frame]) -> usize {
    stack.iter().position(|frame| !is_wrapper(frame)).unwrap_or(0)
}

/// `<X as Y>::method` and `<X>::method` of Rust, where neither X nor Y is of the program: `X` is of
/// the standard library, a built-in type, or a parameter.
fn is_standard_method(function: &str) -> bool {
    let Some((implementation, _method)) = function.strip_prefix('<').and_then(|rest| rest.split_once(">::")) else {
        return false;
    };
    let (kind, of) = implementation.split_once(" as ").unwrap_or((implementation, "core::"));
    let is_of_library = |path: &str| ["alloc::", "core::", "std::", "hashbrown::"].iter().any(|part| path.starts_with(part));
    let kind = kind.trim_start_matches(['&', '*', '[', '(', '<']).trim_start_matches("mut ").trim_start_matches("dyn ");
    (is_of_library(kind) || !kind.contains("::")) && is_of_library(of)
}

#[cfg(test)]
mod tests {
    use super::{Frame, is_wrapper, site_of};

    fn frame(function: &str) -> Frame {
        Frame { function: String::from(function), module: String::from("program"), ..Frame::default() }
    }

    #[test]
    fn allocators_and_standard_libraries_are_wrappers() {
        for function in [
            "malloc",
            "operator new",
            "std::vector<int, std::allocator<int> >::push_back",
            "alloc::vec::Vec<T,A>::push",
            "<alloc::vec::Vec<T> as core::iter::traits::collect::FromIterator<T>>::from_iter",
            "<T as alloc::slice::hack::ConvertVec>::to_vec",
            "<str as alloc::borrow::ToOwned>::to_owned",
        ] {
            assert!(is_wrapper(&frame(function)), "{function}");
        }
    }

    #[test]
    fn what_is_in_sources_of_standard_libraries_is_a_wrapper() {
        let in_file =
            |file: &str| Frame { file: Some(String::from(file)), ..frame("<u8 as <[_]>::to_vec_in::ConvertVec>::to_vec") };
        assert!(is_wrapper(&in_file("/rustc/0123/library/alloc/src/slice.rs")));
        assert!(is_wrapper(&in_file("/usr/include/c++/12/bits/move.h")));
        assert!(!is_wrapper(&in_file("/home/rustc/src/main.rs")));
        assert!(is_wrapper(&frame("__GI___strdup")));
    }

    #[test]
    fn functions_of_the_program_are_none() {
        for function in ["main", "standard::go", "<my::Text as core::clone::Clone>::clone", "<T as my::Trait>::go", "my_malloc"] {
            assert!(!is_wrapper(&frame(function)), "{function}");
        }
    }

    #[test]
    fn the_site_is_behind_the_wrappers() {
        assert_eq!(site_of(&[frame("malloc"), frame("xmalloc"), frame("parse"), frame("main")]), 2);
        assert_eq!(site_of(&[frame("malloc")]), 0);
        assert_eq!(site_of(&[]), 0);
    }
}
