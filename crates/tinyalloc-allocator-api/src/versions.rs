/// Makes references to a [`Source`](crate::Source) allocators of every version of allocator-api2
/// whose feature is on, and of the standard library with feature `nightly`. Generic parameters go
/// into the brackets:
/// `implement_allocator!(impl[const N: usize] for &Buffer<N>);`
#[macro_export]
macro_rules! implement_allocator {
    (impl[$($parameters:tt)*] for & $source:ty) => {
        $crate::implement_allocator_02!([$($parameters)*] $source);
        $crate::implement_allocator_04!([$($parameters)*] $source);
        $crate::implement_allocator_std!([$($parameters)*] $source);
    };
}

#[cfg(feature = "allocator-api2-02")]
#[doc(hidden)]
#[macro_export]
macro_rules! implement_allocator_02 {
    ([$($parameters:tt)*] $source:ty) => {
        $crate::implement_allocator_version!(v02 [$($parameters)*] $source);
    };
}

#[cfg(not(feature = "allocator-api2-02"))]
#[doc(hidden)]
#[macro_export]
macro_rules! implement_allocator_02 {
    ($($nothing:tt)*) => {};
}

#[cfg(feature = "allocator-api2-04")]
#[doc(hidden)]
#[macro_export]
macro_rules! implement_allocator_04 {
    ([$($parameters:tt)*] $source:ty) => {
        $crate::implement_allocator_version!(v04 [$($parameters)*] $source);
    };
}

#[cfg(not(feature = "allocator-api2-04"))]
#[doc(hidden)]
#[macro_export]
macro_rules! implement_allocator_04 {
    ($($nothing:tt)*) => {};
}

#[cfg(feature = "nightly")]
#[doc(hidden)]
#[macro_export]
macro_rules! implement_allocator_std {
    ([$($parameters:tt)*] $source:ty) => {
        $crate::implement_allocator_version!(std [$($parameters)*] $source);
    };
}

#[cfg(not(feature = "nightly"))]
#[doc(hidden)]
#[macro_export]
macro_rules! implement_allocator_std {
    ($($nothing:tt)*) => {};
}

#[doc(hidden)]
#[macro_export]
macro_rules! implement_allocator_version {
    ($version:ident [$($parameters:tt)*] $source:ty) => {
        const _: () = {
            use ::core::alloc::Layout;
            use ::core::ptr::NonNull;
            use ::core::result::Result;
            use $crate::$version::alloc::{AllocError, Allocator};

            // SAFETY: S1 to S3 of the source, which the reference keeps where it is and alive.
            unsafe impl<$($parameters)*> Allocator for &$source {
                #[inline]
                fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
                    $crate::allocate(*self, layout).ok_or(AllocError)
                }

                #[inline]
                fn allocate_zeroed(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
                    $crate::allocate_zeroed(*self, layout).ok_or(AllocError)
                }

                #[inline]
                unsafe fn deallocate(&self, start: NonNull<u8>, layout: Layout) {
                    // SAFETY: the caller's promise.
                    unsafe { $crate::deallocate(*self, start, layout) };
                }

                #[inline]
                unsafe fn grow(&self, start: NonNull<u8>, old: Layout, new: Layout) -> Result<NonNull<[u8]>, AllocError> {
                    // SAFETY: the caller's promise.
                    unsafe { $crate::grow(*self, start, old, new) }.ok_or(AllocError)
                }

                #[inline]
                unsafe fn grow_zeroed(&self, start: NonNull<u8>, old: Layout, new: Layout) -> Result<NonNull<[u8]>, AllocError> {
                    // SAFETY: the caller's promise.
                    unsafe { $crate::grow_zeroed(*self, start, old, new) }.ok_or(AllocError)
                }

                #[inline]
                unsafe fn shrink(&self, start: NonNull<u8>, old: Layout, new: Layout) -> Result<NonNull<[u8]>, AllocError> {
                    // SAFETY: the caller's promise.
                    unsafe { $crate::shrink(*self, start, old, new) }.ok_or(AllocError)
                }
            }
        };
    };
}
