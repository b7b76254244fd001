//! Checks what a program claims to know about a block that it frees: its size, and its alignment.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::resize::keeps_slot;
use super::state::Allocator;
use super::thread_context::ThreadContext;
use crate::report::misuse::Misuse;
use crate::space::Space;
use crate::span::class::{SLICE_BYTES, SLOT_ALIGN, SizeClass};
use crate::span::owner::Owner;
use crate::span::span_ref::SpanRef;

/// What `free_sized` and its like, or a sized `operator delete`, receive beside the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Bytes that were asked for.
    pub bytes: usize,
    /// The alignment that was asked for, 1 if none was.
    pub align: usize,
    /// Whether `realloc` may have left the block in a slot larger than a new one would be.
    pub resizable: bool,
}

impl<M: Mapper> Allocator<M> {
    /// Whether the block can be what the claim says; a report otherwise, and for anything else than
    /// a live block. Blocks whose sizes share a slot size are alike.
    pub fn confirms<C: ThreadContext>(&self, context: C, start: NonNull<u8>, claim: Claim) -> bool {
        let address = start.as_ptr().addr();
        if let Some(bytes) = self.emergency().block_bytes(address) {
            return claim.judge(context, address, claim.bytes <= bytes, bytes);
        }
        if self.zero_size().contains(address) {
            return self.is_zero_size_block(context, address) && claim.judge(context, address, claim.bytes == 0, 0);
        }
        if let Some(guarded) = self.guarded_bytes(context, address) {
            return guarded.is_some_and(|bytes| claim.judge(context, address, claim.bytes == bytes, bytes));
        }
        let Some(span) = self.live_span(context, start) else {
            return false;
        };
        let need = self.policy().slot_need(claim.bytes).unwrap_or(usize::MAX);
        let fits = claim.fits(span, need, self.capacity(span), self.mapper().page_bytes(), |bytes| self.grown(bytes));
        claim.judge(context, address, claim.is_aligned(address) && fits, span.slot_bytes())
    }
}

impl Claim {
    /// Reports a claim that is not confirmed.
    fn judge<C: ThreadContext>(self, context: C, address: usize, is_confirmed: bool, slot_bytes: usize) -> bool {
        if !is_confirmed {
            context.report(Misuse::WrongSize { address, bytes: self.bytes, slot_bytes });
        }
        is_confirmed
    }

    fn is_aligned(self, address: usize) -> bool {
        self.align.is_power_of_two() && address & (self.align - 1) == 0
    }

    /// Whether the block can be of this size: its slot has room for so many bytes, and the request
    /// needs a slot of `need` bytes.
    fn fits(self, span: SpanRef, need: usize, room: usize, page_bytes: usize, grown: impl Fn(usize) -> usize) -> bool {
        let slot_bytes = span.slot_bytes();
        match span.owner() {
            Owner::Emergency => self.bytes <= slot_bytes,
            // A mapping that has grown is a part longer.
            Owner::Large if Space::is_huge(span) && self.bytes <= slot_bytes && grown(self.bytes) == slot_bytes => true,
            Owner::Large => self.bytes.max(1).checked_next_multiple_of(page_bytes) == Some(slot_bytes),
            Owner::Nobody | Owner::Kept | Owner::Heap(_) => {
                let is_kept = self.resizable && self.bytes <= room && keeps_slot(self.bytes, room);
                let slot = Claim { bytes: need, ..self };
                is_kept || slot.class().is_some_and(|class| class.bytes() == slot_bytes)
            }
        }
    }

    /// The class that such a request gets.
    fn class(self) -> Option<SizeClass> {
        if self.align <= SLOT_ALIGN {
            return SizeClass::of(self.bytes);
        }
        if self.align <= SLICE_BYTES { SizeClass::of_aligned(self.bytes, self.align) } else { None }
    }
}
