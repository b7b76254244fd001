use core::alloc::Layout;
use core::ptr::NonNull;

/// Where an allocator's blocks come from.
///
/// Layouts are never of size zero, and a block keeps the alignment it was allocated with: the
/// adapter sees to both.
///
/// # Safety
/// - S1: a block has the size and alignment of its layout, overlaps no other live block, and stays
///   valid until it is deallocated, or until the source is dropped or mutably borrowed; moving a
///   source that is not borrowed may invalidate its blocks.
/// - S2: what refuses leaves everything as it was.
/// - S3: no method unwinds.
pub unsafe trait Source {
    /// A block for `layout`, or `None` when there is no memory for it.
    fn allocate(&self, layout: Layout) -> Option<NonNull<u8>>;

    /// How many bytes a new block of this layout really has: at least its size. The block may be
    /// deallocated with any size up to that.
    #[inline]
    fn usable_bytes(&self, layout: Layout) -> usize {
        layout.size()
    }

    /// As [`Source::allocate`], with every byte zero.
    fn allocate_zeroed(&self, layout: Layout) -> Option<NonNull<u8>> {
        let start = self.allocate(layout)?;
        // SAFETY: S1.
        unsafe { start.write_bytes(0, layout.size()) };
        Some(start)
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// `start` is a live block of this source, allocated with `layout`, and no thread uses it any
    /// more.
    unsafe fn deallocate(&self, start: NonNull<u8>, layout: Layout);

    /// Gives a block another size, in place or elsewhere, with what is in it; `None` leaves the
    /// block as it was.
    ///
    /// # Safety
    /// `start` is a live block of this source, allocated with `layout`; `bytes` is not zero, and
    /// with the layout's alignment a valid layout. When it succeeds, no thread uses `start` any
    /// more.
    unsafe fn reallocate(&self, start: NonNull<u8>, layout: Layout, bytes: usize) -> Option<NonNull<u8>>;
}
