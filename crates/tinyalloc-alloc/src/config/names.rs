//! What mappings are called, where the system shows it.

use core::ffi::CStr;
use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

/// What lies in a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MappingName {
    /// The slices of a region.
    Spans,
    /// Records, bits and maps.
    Metadata,
    /// One block.
    Blocks,
}

impl MappingName {
    const fn text(self) -> &'static CStr {
        match self {
            MappingName::Spans => c"tinyalloc: spans",
            MappingName::Metadata => c"tinyalloc: metadata",
            MappingName::Blocks => c"tinyalloc: blocks",
        }
    }

    /// Names a range, if the mapper does that.
    #[inline(never)]
    pub(crate) fn give<M: Mapper>(self, mapper: &M, start: NonNull<u8>, bytes: usize) {
        mapper.name(start, bytes, self.text());
    }
}
