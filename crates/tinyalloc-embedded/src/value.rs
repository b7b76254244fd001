//! Values with a type in blocks without one.

use core::fmt::{Debug, Formatter, Result as FmtResult};
use core::marker::PhantomData;

use crate::handle::Handle;

/// A value that is written to a block and read from it, byte by byte: alignment and padding play no
/// part.
///
/// ```
/// # use tinyalloc_embedded as tinyalloc;
/// use tinyalloc::prelude::*;
///
/// struct Reading {
///     at: u32,
///     celsius: i16,
/// }
///
/// impl Value for Reading {
///     const BYTES: usize = <(u32, i16)>::BYTES;
///     fn store(&self, into: &mut [u8]) {
///         (self.at, self.celsius).store(into);
///     }
///     fn load(from: &[u8]) -> Option<Self> {
///         <(u32, i16)>::load(from).map(|(at, celsius)| Self { at, celsius })
///     }
/// }
///
/// let mut slab = TinySlabAllocator::<64, 8>::new();
/// let typed = slab.alloc_value(&Reading { at: 7, celsius: -40 }).unwrap();
/// assert_eq!(slab.value(typed).map(|reading| reading.celsius), Some(-40));
/// ```
pub trait Value: Sized {
    /// How many bytes it takes.
    const BYTES: usize;

    /// Writes it to the first [`Value::BYTES`] bytes; to a shorter slice, nothing or a part.
    fn store(&self, into: &mut [u8]);

    /// Reads it from the first [`Value::BYTES`] bytes; `None` if they are fewer, or no such value.
    fn load(from: &[u8]) -> Option<Self>;
}

macro_rules! number {
    ($($number:ty),*) => {$(
        impl Value for $number {
            const BYTES: usize = size_of::<Self>();

            #[inline]
            fn store(&self, into: &mut [u8]) {
                self.to_le_bytes().store(into);
            }

            #[inline]
            fn load(from: &[u8]) -> Option<Self> {
                Value::load(from).map(Self::from_le_bytes)
            }
        }
    )*};
}

number!(u8, u16, u32, u64, u128, i8, i16, i32, i64, i128, f32, f64);

impl Value for bool {
    const BYTES: usize = 1;

    #[inline]
    fn store(&self, into: &mut [u8]) {
        u8::from(*self).store(into);
    }

    #[inline]
    fn load(from: &[u8]) -> Option<Self> {
        match from.first()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Value for Handle {
    const BYTES: usize = u32::BYTES;

    #[inline]
    fn store(&self, into: &mut [u8]) {
        self.to_bits().get().store(into);
    }

    #[inline]
    fn load(from: &[u8]) -> Option<Self> {
        u32::load(from)?.try_into().ok().map(Self::from_bits)
    }
}

impl<const COUNT: usize> Value for [u8; COUNT] {
    const BYTES: usize = COUNT;

    #[inline]
    fn store(&self, into: &mut [u8]) {
        if let Some(into) = into.first_chunk_mut() {
            *into = *self;
        }
    }

    #[inline]
    fn load(from: &[u8]) -> Option<Self> {
        from.first_chunk().copied()
    }
}

impl<A: Value, B: Value> Value for (A, B) {
    const BYTES: usize = A::BYTES + B::BYTES;

    #[inline]
    fn store(&self, into: &mut [u8]) {
        if let Some((first, second)) = into.split_at_mut_checked(A::BYTES) {
            self.0.store(first);
            self.1.store(second);
        }
    }

    #[inline]
    fn load(from: &[u8]) -> Option<Self> {
        let (first, second) = from.split_at_checked(A::BYTES)?;
        A::load(first).zip(B::load(second))
    }
}

/// A [`Handle`] that knows what its block holds: handing it over for another type does not compile.
///
/// ```compile_fail
/// # use tinyalloc_embedded as tinyalloc;
/// use tinyalloc::prelude::*;
///
/// let mut slab = TinySlabAllocator::<64, 8>::new();
/// let typed: Typed<u32> = slab.alloc_value(&7u32).unwrap();
/// let value: Option<u64> = slab.value(typed);
/// ```
#[repr(transparent)]
pub struct Typed<T> {
    handle: Handle,
    holds: PhantomData<fn() -> T>,
}

impl<T> Typed<T> {
    #[inline]
    pub(crate) const fn new(handle: Handle) -> Self {
        Self { handle, holds: PhantomData }
    }

    /// The handle without the type: what `free`, `get` and the like take.
    #[inline]
    #[must_use]
    pub const fn handle(self) -> Handle {
        self.handle
    }
}

impl<T> Clone for Typed<T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Typed<T> {}

impl<T> PartialEq for Typed<T> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.handle == other.handle
    }
}

impl<T> Eq for Typed<T> {}

impl<T> Debug for Typed<T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.debug_tuple("Typed").field(&self.handle).finish()
    }
}
