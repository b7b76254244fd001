//! What large blocks hold: contents, or pages that were never touched and others that read as zero.

use core::ptr::NonNull;

use tinyalloc_sys::{Mapper, round_down};

use super::state::Allocator;
use super::thread_context::ThreadContext;
use crate::config::policy::{LOOKS, LOOKS_FILLED_MAX, PAGE_LOOK_BYTES, PAGE_LOOKS, SPARSE_BYTES_MIN};
use crate::config::tunables::PurgeMode;

/// Whether anything but zeros is near that offset of a block. A page that was never touched has
/// none, and does not become resident because it is read.
fn has_contents(start: NonNull<u8>, offset: usize) -> bool {
    (0..PAGE_LOOKS).any(|look| {
        // SAFETY: it lies in the block, which is the caller's.
        let word = unsafe { start.add((offset & !(PAGE_LOOKS * PAGE_LOOK_BYTES - 1)) + look * PAGE_LOOK_BYTES) };
        // SAFETY: as above.
        unsafe { word.cast::<u64>().read() != 0 }
    })
}

/// In which of so many pages, evenly spread, a block has contents.
fn looks(start: NonNull<u8>, bytes: usize) -> impl Iterator<Item = bool> {
    (0..LOOKS).map(move |look| has_contents(start, bytes / LOOKS * look))
}

/// Whether so much of a block looks as if all of it were in use.
pub(crate) fn is_filled(start: NonNull<u8>, bytes: usize) -> bool {
    looks(start, bytes).all(|filled| filled)
}

/// Whether little of a block looks as if it were in use.
fn is_sparse(start: NonNull<u8>, bytes: usize) -> bool {
    looks(start, bytes).filter(|filled| *filled).nth(LOOKS_FILLED_MAX).is_none()
}

impl<M: Mapper> Allocator<M> {
    /// Clears a new block of at least `bytes` bytes, whatever kind of block it became.
    pub(crate) fn clear<C: ThreadContext>(&self, context: C, start: NonNull<u8>, bytes: usize) {
        let usable = self.usable_bytes(context, start).unwrap_or(bytes);
        let decommitted = if usable < SPARSE_BYTES_MIN { 0 } else { self.decommit_sparse(context, start, usable) };
        // SAFETY: the block holds that much.
        let rest = unsafe { start.add(decommitted) };
        // SAFETY: as above.
        unsafe { rest.write_bytes(0, usable - decommitted) };
    }

    /// Decommits a new block of which little was in use: cleared by hand, all of it would become
    /// resident. Yields how many bytes of it read as zero then.
    #[cold]
    #[inline(never)]
    fn decommit_sparse<C: ThreadContext>(&self, context: C, start: NonNull<u8>, usable: usize) -> usize {
        // A file's memory is the file's, and dear to get back.
        if M::LOCKED_BY_FORKS || M::RECOMMITS || start.as_ptr().addr() & (self.mapper().page_bytes() - 1) != 0 {
            return 0;
        }
        let _quiet = self.errors_disabled();
        let may_purge = self.space().lock(context.id()).is_some_and(|mut space| space.tunables().purge_mode != PurgeMode::Never);
        if !may_purge || !self.defined(is_sparse(start, usable)) {
            return 0;
        }
        let whole = round_down(usable, self.mapper().page_bytes());
        // SAFETY: whole pages of a block that is new, so that nothing in it is wanted.
        match unsafe { self.mapper().decommit(start, whole) } {
            Ok(()) => {
                self.make_defined(start, whole);
                whole
            }
            Err(_) => 0,
        }
    }
}
