//! Slabs that are larger than any value where pointers have 16 bits.

use super::{AllocatorConfig, Choice};
use crate::store::SharedSlab;

list! {
    Slab32K128 32768 128 "32 KiB in 128 slots of 256 bytes.",
    Slab64K255 65280 255 "64 KiB, less 256 bytes, in 255 slots of 256 bytes.",
}
