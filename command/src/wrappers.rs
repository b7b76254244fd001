//! Calls that only pass a request for memory on: the functions of allocators, and those of standard
//! libraries. The call site that a user looks for is behind them.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::symbols::Frame;

const LIST: &str = include_str!("wrappers/functions.txt");
const COMMENT: char = '#';
/// Behind what names begin with.
const ANY: char = '*';
/// The global ones of C++, or those of a class.
const OPERATORS: [&str; 2] = ["operator new", "operator new[]"];
/// Traits of Rust: what implements them is an allocator.
const ALLOCATORS: [&str; 2] = ["GlobalAlloc", "Allocator"];
/// What the names of allocators' libraries begin with.
const MODULES: [&str; 5] = ["libtinyalloc.so", "libjemalloc.so", "libtcmalloc", "libmimalloc.so", "libsnmalloc"];

/// Where the sources of the standard libraries of Rust and C++ are.
const SOURCES: [&str; 2] = ["/rustc/", "/usr/include/c++/"];
/// What the C library calls its own copies of functions.
const OWN_COPY: &str = "__GI_";

static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| Functions::of(LIST));

/// Those of the list.
struct Functions {
    names: HashSet<&'static str>,
    prefixes: Vec<&'static str>,
}

impl Functions {
    fn of(list: &'static str) -> Functions {
        let lines = list.lines().filter(|line| !line.starts_with(COMMENT));
        let (prefixes, names): (Vec<&str>, Vec<&str>) =
            lines.flat_map(str::split_whitespace).partition(|word| word.ends_with(ANY));
        let prefixes = prefixes.into_iter().map(|prefix| prefix.trim_end_matches(ANY)).collect();
        Functions { names: names.into_iter().collect(), prefixes }
    }

    fn has(&self, function: &str) -> bool {
        self.names.contains(function) || self.prefixes.iter().any(|prefix| function.starts_with(prefix))
    }
}

/// Whether a call only passes a request for memory on.
#[must_use]
pub fn is_wrapper(frame: &Frame) -> bool {
    let function = frame.function.trim_start_matches(OWN_COPY);
    let file = frame.file.as_deref().unwrap_or_default();
    SOURCES.iter().any(|source| file.starts_with(source))
        || MODULES.iter().any(|module| frame.module.starts_with(module))
        || FUNCTIONS.has(function)
        || OPERATORS.iter().any(|operator| function.ends_with(operator))
        || is_standard_method(function)
}

/// Which of the calls, the innermost first, is the call site: the first that is no wrapper. The
/// first of all if there is no other; 0 if there are none.
#[must_use]
pub fn site_of(stack: &[Frame]) -> usize {
    stack.iter().position(|frame| !is_wrapper(frame)).unwrap_or(0)
}

/// `<X as Y>::method` and `<X>::method` of Rust, where neither X nor Y is of the program: `X` is of
/// the standard library, a built-in type, or a parameter. And what implements an allocator.
fn is_standard_method(function: &str) -> bool {
    let Some((implementation, _method)) = function.strip_prefix('<').and_then(|rest| rest.split_once(">::")) else {
        return false;
    };
    if implementation.rsplit("::").next().is_some_and(|name| ALLOCATORS.contains(&name)) {
        return true;
    }
    let (kind, of) = implementation.split_once(" as ").unwrap_or((implementation, "core::"));
    let is_of_library = |path: &str| ["alloc::", "core::", "std::", "hashbrown::"].iter().any(|part| path.starts_with(part));
    let kind = kind.trim_start_matches(['&', '*', '[', '(', '<']).trim_start_matches("mut ").trim_start_matches("dyn ");
    (is_of_library(kind) || !kind.contains("::")) && is_of_library(of)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{FUNCTIONS, Frame, LIST, is_wrapper, site_of};

    fn frame(function: &str) -> Frame {
        Frame { function: String::from(function), module: String::from("program"), ..Frame::default() }
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
        for function in [
            "main",
            "standard::go",
            "<my::Text as core::clone::Clone>::clone",
            "<T as my::Trait>::go",
            "<my::Cache as my::Allocators>::go",
            "parse_malloc",
            "mallocate",
            "operator newest",
            "createObject",
            "PyList_New",
            "rb_str_new",
            "allocator",
            "QWidget::QWidget",
        ] {
            assert!(!is_wrapper(&frame(function)), "{function}");
        }
    }

    /// The calls from malloc to the site, innermost first, and the site.
    #[rustfmt::skip]
    const SITES: [(&[&str], &str); 24] = [
        (&["malloc"], "main"),
        (&["malloc", "xmalloc", "xstrdup"], "read_ref"),
        (&["do_xmalloc", "xmalloc", "mem_pool_alloc_block", "mem_pool_calloc"], "alloc_ref_entry"),
        (&["ztrymalloc_usable_internal", "ztrymalloc_usable", "_sdsnewlen", "sdsnewlen"], "createRawStringObject"),
        (&["ztryrealloc_usable_internal", "zrealloc_usable", "_sdsMakeRoomFor", "sdsMakeRoomFor"], "readQueryFromClient"),
        (&["ztrycalloc_usable_internal", "zcalloc_num"], "_dictResize"),
        (&["AllocSetAllocFromNewBlock", "AllocSetAlloc", "palloc0"], "makeNode"),
        (&["AllocSetAllocLarge", "MemoryContextAllocHuge"], "grow_memtuples"),
        (&["g_malloc0_n", "g_slice_alloc0", "g_type_create_instance", "g_object_new_internal", "g_object_new"], "gtk_button_new"),
        (&["g_realloc", "g_array_maybe_expand"], "g_array_append_vals"),
        (&["QArrayData::allocate1", "QTypedArrayData<char16_t>::allocate", "QString::fromUtf8_helper"], "Model::load"),
        (&["objspace_xmalloc0", "ruby_xmalloc2_body", "ruby_xmalloc2"], "rb_str_buf_new"),
        (&["rb_gc_impl_malloc", "ruby_xmalloc_body", "rb_xmalloc_mul_add"], "iseq_alloc"),
        (&["_PyMem_RawMalloc", "_PyObject_Malloc", "PyObject_Malloc", "gc_alloc", "_PyObject_GC_New"], "new_dict"),
        (&["_PyMem_RawRealloc", "PyMem_Realloc"], "list_resize"),
        (&["ngx_memalign", "ngx_create_pool"], "ngx_http_create_request"),
        (&["ngx_alloc", "ngx_palloc_large", "ngx_pnalloc"], "ngx_http_parse"),
        (&["sqlite3MemMalloc", "mallocWithAlarm", "sqlite3Malloc", "dbMallocRawFinish", "sqlite3DbMallocRawNN"],
            "sqlite3VdbeMakeReady"),
        (&["CRYPTO_malloc", "CRYPTO_zalloc"], "SSL_new"),
        (&["operator new", "std::__new_allocator<int>::allocate", "std::allocator_traits<std::allocator<int> >::allocate",
            "std::_Vector_base<int, std::allocator<int> >::_M_allocate", "std::vector<int>::_M_realloc_insert<int const&>"],
            "Shop::add"),
        (&["operator new[]", "__gnu_cxx::new_allocator<char>::allocate", "_M_allocate"], "Shop::name"),
        (&["Chunk::operator new", "os::malloc", "AllocateHeap", "Arena::grow"], "Compile::Compile"),
        (&["__rustc::__rust_alloc", "alloc::alloc::exchange_malloc", "alloc::raw_vec::finish_grow",
            "alloc::raw_vec::RawVec<T,A>::reserve::do_reserve_and_handle", "alloc::vec::Vec<T,A>::push",
            "<alloc::vec::Vec<T> as core::iter::traits::collect::FromIterator<T>>::from_iter"], "shop::load"),
        (&["<tinyalloc::TinyAlloc as core::alloc::global::GlobalAlloc>::alloc",
            "<my::Counted as core::alloc::global::GlobalAlloc>::alloc",
            "hashbrown::raw::RawTable<T,A>::reserve_rehash", "<T as alloc::slice::hack::ConvertVec>::to_vec",
            "<str as alloc::borrow::ToOwned>::to_owned",
            "<&mut my::Arena as allocator_api2::stable::alloc::Allocator>::allocate"],
            "shop::index"),
    ];

    #[test]
    fn the_site_is_behind_the_wrappers() {
        for (wrappers, site) in SITES {
            let stack: Vec<Frame> = wrappers.iter().chain([&site, &"main"]).map(|function| frame(function)).collect();
            assert_eq!(stack[site_of(&stack)].function, site, "{wrappers:?}");
        }
        assert_eq!(site_of(&[frame("malloc")]), 0);
        assert_eq!(site_of(&[]), 0);
    }

    #[test]
    fn the_list_has_each_function_once() {
        let words: Vec<&str> = LIST.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace).collect();
        assert!(words.len() > 300 && words.len() == FUNCTIONS.names.len() + FUNCTIONS.prefixes.len());
        assert_eq!(words.iter().collect::<HashSet<_>>().len(), words.len());
        for word in words {
            let name = word.trim_end_matches('*');
            let covered = FUNCTIONS.prefixes.iter().find(|prefix| name.starts_with(**prefix) && format!("{prefix}*") != word);
            assert_eq!(covered, None, "{word}");
            assert!(!name.is_empty() && !name.contains('*') && word.chars().all(|letter| letter.is_ascii_graphic()), "{word}");
        }
    }
}
