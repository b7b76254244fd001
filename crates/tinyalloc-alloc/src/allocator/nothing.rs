//! Requests of no bytes.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::hit_paths::Allocator;
use super::local::Local;
use crate::hardening::empty::EmptyMistake;
use crate::report::misuse::Misuse;
use crate::span::class::SLOT_ALIGN;

impl<M: Mapper> Allocator<M> {
    /// A block of no bytes; `None` where a slot must do: in an isolated heap, for an alignment beyond a page,
    /// and where there is no room for more.
    #[cold]
    pub(crate) fn allocate_nothing<L: Local>(&self, local: L, align: usize) -> Option<NonNull<u8>> {
        if self.current_heap(local).is_some() || align > self.mapper().page_bytes() {
            return None;
        }
        if !self.empty().has_begun() {
            let _space = self.space().lock(local.id())?;
            self.empty().begin(self.mapper())?;
        }
        self.empty().allocate(align)
    }

    /// Frees an address of the range of blocks of no bytes.
    #[cold]
    pub(crate) fn free_nothing<L: Local>(&self, local: L, address: usize) {
        if let Err(mistake) = self.empty().free(address) {
            local.report(misuse(mistake, address));
        }
    }

    /// Whether a block of no bytes is there; a report if none is.
    pub(crate) fn is_nothing<L: Local>(&self, local: L, address: usize) -> bool {
        let found = self.empty().look_up(address);
        if let Err(mistake) = found {
            local.report(misuse(mistake, address));
        }
        found.is_ok()
    }
}

fn misuse(mistake: EmptyMistake, address: usize) -> Misuse {
    match mistake {
        EmptyMistake::Free => Misuse::DoubleFree { address, slot_bytes: 0 },
        EmptyMistake::Inside => Misuse::Interior { address, slot_start: address & !(SLOT_ALIGN - 1), slot_bytes: 0 },
    }
}
