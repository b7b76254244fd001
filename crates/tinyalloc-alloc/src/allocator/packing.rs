//! For programs that move blocks out of sparse spans: how full the span of a block is, and slots
//! from the fullest.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::state::Allocator;
use super::thread_context::{Mode, ThreadContext};
use crate::span::class::{SLICE_BYTES, SizeClass};
use crate::span::state::SpanState;

/// How full the span of a small block is. Another thread may be changing it meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanUsage {
    /// The size of its slots.
    pub class: SizeClass,
    /// Slots in use.
    pub live_slots: usize,
    /// Slots that are in use or can be had without touching another page.
    pub present_slots: usize,
    /// Slots that it has room for.
    pub slots: usize,
    /// Bytes of the span.
    pub span_bytes: usize,
    /// Whether allocations of its class come from it.
    pub is_being_filled: bool,
}

impl<M: Mapper> Allocator<M> {
    /// How full the span is that an address lies in; `None` if none with slots is there. A look at
    /// one record.
    pub fn span_usage<C: ThreadContext>(&self, context: C, address: usize) -> Option<SpanUsage> {
        let _quiet = self.errors_disabled();
        let span = self.find_span(context, address).filter(|span| span.has_heap())?;
        let present_slots = span.slots_present() as usize;
        Some(SpanUsage {
            class: span.class(),
            live_slots: present_slots.min(span.live() as usize),
            present_slots,
            slots: span.slots() as usize,
            span_bytes: span.slices() as usize * SLICE_BYTES,
            is_being_filled: span.state() == SpanState::Current,
        })
    }

    /// Bytes of the large block that starts at an address; `None` if none does.
    pub fn large_block_bytes<C: ThreadContext>(&self, context: C, start: NonNull<u8>) -> Option<usize> {
        let span = self.find_span(context, start.as_ptr().addr()).filter(|span| !span.has_heap())?;
        (span.address() == start.as_ptr().addr()).then(|| span.slot_bytes())
    }

    /// Where no slot for so many bytes lies ready, the next ones come from the fullest of the
    /// thread's spans that have free slots.
    pub fn prefer_fullest<C: ThreadContext>(&self, context: C, bytes: usize) {
        let empty = |class: &SizeClass| context.mode() == Mode::Attached && Self::is_bin_empty(context, *class);
        if let Some(class) = SizeClass::at_hand(bytes).filter(empty) {
            let slow_path = self.begin_slow_path(context);
            slow_path.heap().bring_fullest_forward(class);
            self.end_slow_path(context, slow_path);
        }
    }

    fn is_bin_empty<C: ThreadContext>(context: C, class: SizeClass) -> bool {
        // SAFETY: a thread's bins are always some (T1).
        unsafe { context.bins().as_ref() }.head(class).get().is_end()
    }
}
