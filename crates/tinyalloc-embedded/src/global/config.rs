//! Which slab the program may have.

use core::fmt::{Debug, Formatter, Result as FmtResult};

use crate::store::{SharedSlab, Store};

use super::current::init;

/// A slab for the whole program: one from this list, or with the feature `global-alloc-custom` one
/// of your own.
///
/// `Slab4K64` has 4 KiB in 64 slots of 64 bytes. Each takes 5 bytes a slot and about 16 bytes more.
/// Where pointers have 16 bits, those of 32 KiB and more are not there.
#[derive(Clone, Copy)]
pub struct AllocatorConfig {
    // A function, not a reference: a slab that no function of the program names is not in its
    // memory.
    slab: Choice,
}

#[derive(Clone, Copy)]
pub(super) enum Choice {
    Listed(fn() -> &'static dyn Store),
    #[cfg_attr(not(feature = "global-alloc-custom"), allow(dead_code, reason = "made by `custom`"))]
    Own(&'static dyn Store),
}

macro_rules! list {
    ($($name:ident $bytes:literal $slots:literal $text:literal),* $(,)?) => {
        #[allow(non_upper_case_globals, reason = "they are used as the variants of an enum are")]
        impl AllocatorConfig {
            $(
                #[doc = $text]
                pub const $name: Self = Self {
                    slab: Choice::Listed(|| {
                        static SLAB: SharedSlab<$bytes, $slots, 4> = SharedSlab::new();
                        &SLAB
                    }),
                };
            )*
        }
    };
}

list! {
    Slab512B16 512 16 "512 bytes in 16 slots of 32.",
    Slab1K16 1024 16 "1 KiB in 16 slots of 64 bytes.",
    Slab1K32 1024 32 "1 KiB in 32 slots of 32 bytes.",
    Slab2K32 2048 32 "2 KiB in 32 slots of 64 bytes.",
    Slab2K64 2048 64 "2 KiB in 64 slots of 32 bytes.",
    Slab4K32 4096 32 "4 KiB in 32 slots of 128 bytes.",
    Slab4K64 4096 64 "4 KiB in 64 slots of 64 bytes.",
    Slab8K64 8192 64 "8 KiB in 64 slots of 128 bytes.",
    Slab8K128 8192 128 "8 KiB in 128 slots of 64 bytes.",
    Slab16K128 16384 128 "16 KiB in 128 slots of 128 bytes.",
}

#[cfg(not(target_pointer_width = "16"))]
mod large;

impl AllocatorConfig {
    /// Makes this the slab of the whole program, unless there is one already: the first call
    /// decides, and no call changes what was decided. Returns whether this is the program's slab
    /// now.
    pub fn init(self) -> bool {
        init(match self.slab {
            Choice::Listed(slab) => slab(),
            Choice::Own(slab) => slab,
        })
    }

    #[cfg_attr(not(feature = "global-alloc-custom"), allow(dead_code, reason = "for `custom`"))]
    pub(super) const fn own(slab: &'static dyn Store) -> Self {
        Self { slab: Choice::Own(slab) }
    }
}

impl Debug for AllocatorConfig {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.write_str("AllocatorConfig")
    }
}
