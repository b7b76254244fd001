//! What the header says before the declarations.

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The first comment.
pub(crate) fn banner() -> String {
    "\
/* tinyalloc: a drop-in memory allocator. https://github.com/tinyalloc/tinyalloc
 *
 * Link with -ltinyalloc, or run a program as LD_PRELOAD=libtinyalloc.so PROGRAM: malloc, free and
 * their family need no header of ours. What is declared here comes in addition. C99 and later,
 * C++11 and later. Options: see tinyalloc(7).
 *
 * Generated from the sources by `make header`: change those.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */"
    .into()
}

/// The version, and the attributes.
pub(crate) fn after_includes() -> String {
    let mut numbers = VERSION.split(['.', '-']);
    let mut number = || numbers.next().unwrap_or("0");
    format!(
        "
#define TINYALLOC_VERSION \"{VERSION}\"
#define TINYALLOC_VERSION_MAJOR {}
#define TINYALLOC_VERSION_MINOR {}
#define TINYALLOC_VERSION_PATCH {}
{ATTRIBUTES}",
        number(),
        number(),
        number()
    )
}

/// The attributes, for compilers that know them. `(n)` counts parameters from 1.
const ATTRIBUTES: &str = "
#if defined(__GNUC__) || defined(__clang__)
/* Returns memory that nothing else points at. */
#define TA_MALLOC __attribute__((__malloc__, __warn_unused_result__))
/* Parameter n is the size of what is returned; TA_ALLOC_SIZE2: the product of two. */
#define TA_ALLOC_SIZE(n) __attribute__((__alloc_size__(n)))
#define TA_ALLOC_SIZE2(n, m) __attribute__((__alloc_size__(n, m)))
/* Parameter n is the alignment of what is returned. */
#define TA_ALLOC_ALIGN(n) __attribute__((__alloc_align__(n)))
/* Parameter n is never null. */
#define TA_NONNULL(n) __attribute__((__nonnull__(n)))
/* The result must be looked at. */
#define TA_CHECK_RESULT __attribute__((__warn_unused_result__))
/* No call has an effect but its result. */
#define TA_PURE __attribute__((__pure__))
#define TA_CONST __attribute__((__const__))
#else
#define TA_MALLOC
#define TA_ALLOC_SIZE(n)
#define TA_ALLOC_SIZE2(n, m)
#define TA_ALLOC_ALIGN(n)
#define TA_NONNULL(n)
#define TA_CHECK_RESULT
#define TA_PURE
#define TA_CONST
#endif

/* A program that defines TA_STDC_ALLOC_AT_LEAST before it includes this gets the blocks with their
 * size of a coming standard of C (WG14 N3991): malloc and aligned_alloc, with the bytes that may be
 * used. Names and types are provisional; <stdlib.h> may declare them one day.
 */
#ifdef TA_STDC_ALLOC_AT_LEAST
#ifdef __cplusplus
extern \"C\" {
#endif
typedef struct {
    void *al_ptr;
    size_t al_size;
} stdc_alloc_result_t;
stdc_alloc_result_t stdc_alloc_at_least(size_t size);
stdc_alloc_result_t stdc_aligned_alloc_at_least(size_t alignment, size_t size);
#ifdef __cplusplus
}
#endif
#endif
";
