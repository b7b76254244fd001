//! Values that may live in a file.

/// A type whose values may be written to a file and read back by another process.
///
/// Integers, floats, arrays of plain types, [`FilePtr`](crate::FilePtr), and the structs of
/// [`plain!`](macro@crate::plain) are plain. A `bool` or `char` is not (not every byte is one), and
/// neither is a reference, a `Box` or a `Vec` (its address means nothing in a file).
///
/// # Safety
/// P1: every sequence of bytes of its size is a valid value. P2: it has no padding. P3: it has no
/// address of anything in it and no interior mutability.
pub unsafe trait Plain: Copy + Send + Sync + 'static {}

macro_rules! numbers {
    ($($number:ty)*) => { $(
        // SAFETY: P1 to P3 hold for numbers.
        unsafe impl Plain for $number {}
    )* };
}

numbers! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 }

// SAFETY: P1 to P3 hold for nothing at all.
unsafe impl Plain for () {}

// SAFETY: an array is its elements, without padding between them.
unsafe impl<T: Plain, const COUNT: usize> Plain for [T; COUNT] {}

/// Declares structs that are [`Plain`]: it checks that every field is, and that there is no
/// padding.
///
/// ```
/// tinyalloc_file::plain! {
///     /// A point.
///     #[derive(Debug, PartialEq)]
///     pub struct Point {
///         pub x: f64,
///         pub y: f64,
///     }
/// }
/// # fn main() {}
/// ```
///
/// Padding does not compile, for it would have no defined contents in the file:
/// ```compile_fail
/// tinyalloc_file::plain! {
///     struct Padded {
///         flag: u8,
///         number: u64,
///     }
/// }
/// # fn main() {}
/// ```
///
/// Neither do addresses:
/// ```compile_fail
/// tinyalloc_file::plain! {
///     struct Named {
///         name: &'static str,
///     }
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! plain {
    ($($(#[$attribute:meta])* $visibility:vis struct $name:ident {
        $($(#[$field_attribute:meta])* $field_visibility:vis $field:ident : $field_type:ty),* $(,)?
    })*) => { $(
        $(#[$attribute])*
        #[derive(Clone, Copy)]
        #[repr(C)]
        $visibility struct $name {
            $($(#[$field_attribute])* $field_visibility $field: $field_type),*
        }

        const _: () = {
            const fn plain<T: $crate::Plain>() -> usize {
                ::core::mem::size_of::<T>()
            }
            assert!(plain::<$name>() == 0 $(+ plain::<$field_type>())*, "a plain struct has no padding");
        };

        // SAFETY: each field is plain, and the sum of their sizes shows that there is nothing
        // between them.
        unsafe impl $crate::Plain for $name {}
    )* };
}
