//! Refills: where the slots of an empty bin come from.

use super::ThreadHeapRef;
use super::guests::FindSpan;
use crate::config::policy::{
    CARVED_PAGES_MAX, PARTIAL_SPANS_LOOKED_AT, PARTIAL_SPANS_LOOKED_AT_TO_PACK, RESIDENT_SLOTS_CARVED, SPANS_PER_CARVED_PAGE,
};
use crate::span::carve::Order;
use crate::span::class::SizeClass;
use crate::span::owned::OwnedSpan;
use crate::span::slot::{Secret, Slot};

impl ThreadHeapRef {
    /// A slot from what the heap has: remote frees, partial spans, fresh slots of the current span.
    ///
    /// # Errors
    /// A free slot that the program wrote to.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn refill(self, class: SizeClass, page_bytes: usize, secret: Secret) -> Result<Option<Slot>, Slot> {
        let bin = self.bins.head(class);
        if bin.get().is_marked() {
            // Nothing comes before it: it would wait, and others with it.
            return self.take(class, secret).map(Some);
        }
        self.collect(secret)?;
        if bin.get().is_end() {
            let current = self.current(class).get();
            if let Some(span) = self.fullest_partial(class) {
                self.count_refill(span.slots_carved().saturating_sub(span.countdown()));
                self.make_current(span, class);
                if bin.get().is_end() && !self.carve(span, page_bytes, secret) {
                    return Ok(None);
                }
            } else if !current.can_carve() || !self.carve(current, page_bytes, secret) {
                return Ok(None);
            }
        }
        self.take(class, secret).map(Some)
    }

    /// Makes `span` this heap's current one and takes a slot of it, unless it has to be carved and
    /// that is beyond the quota.
    ///
    /// # Errors
    /// A free slot that the program wrote to.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn adopt(self, span: OwnedSpan, page_bytes: usize, secret: Secret) -> Result<Option<Slot>, Slot> {
        let class = span.class();
        span.set_owner(self.owner());
        self.count_span(class);
        self.make_current(span, class);
        if self.bins.head(class).get().is_end() && !self.carve(span, page_bytes, secret) {
            return Ok(None);
        }
        self.take(class, secret).map(Some)
    }

    /// Fills the bin with slots of a hole of the current span, or with fresh ones; false where not
    /// even one is within the quota.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn carve(self, span: OwnedSpan, page_bytes: usize, secret: Secret) -> bool {
        if span.has_holes() {
            let bin = self.bins.head(span.class());
            bin.set(span.fill_hole(page_bytes, secret));
            // So many at most: the list ends before.
            self.mark_some(bin, span.slots() as usize, span.class(), secret);
            return true;
        }
        let mut slots = if self.policy.shuffles_slots() {
            span.slots_left()
        } else {
            span.slots_to_carve(page_bytes, self.pages_to_carve(span, page_bytes))
        };
        if let Some(quota) = self.quota {
            if !quota.charge(slots * span.slot_bytes()) {
                if !quota.charge(span.slot_bytes()) {
                    return false;
                }
                slots = 1;
            }
        }
        self.count_refill(u32::try_from(slots).unwrap_or(u32::MAX));
        let order =
            Order::new(slots, self.random.next() ^ secret.word() as u64, span.slots_carved() == 0, self.policy.shuffles_slots());
        let bin = self.bins.head(span.class());
        bin.set(span.carve(order, secret));
        self.mark_some(bin, slots, span.class(), secret);
        true
    }

    /// Pages that are resident cost nothing; of others, a class that has grown touches some more
    /// than it needs at once.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn pages_to_carve(self, span: OwnedSpan, page_bytes: usize) -> usize {
        if span.is_zeroed() {
            return (self.spans(span.class()) / SPANS_PER_CARVED_PAGE).clamp(1, CARVED_PAGES_MAX);
        }
        (RESIDENT_SLOTS_CARVED * span.slot_bytes() / page_bytes).max(1)
    }

    /// Hands a span of `class` with free slots to `taker`: this heap is pooled.
    ///
    /// # Errors
    /// A free slot that was written to.
    pub(crate) fn surrender_span(
        self,
        class: SizeClass,
        taker: ThreadHeapRef,
        secret: Secret,
        find: FindSpan<'_>,
    ) -> Result<Option<OwnedSpan>, Slot> {
        self.send_all_home(class, secret, find)?;
        let span = self.fullest_partial(class).or_else(|| {
            let bin = self.bins.head(class);
            let current = self.current(class).get();
            if current.is_none() || bin.get().is_end() && !current.can_carve() {
                return None;
            }
            current.leave_bin(bin);
            self.current(class).set(OwnedSpan::NONE);
            Some(current)
        });
        let Some(span) = span else {
            return Ok(None);
        };
        self.uncount_span(class);
        // Still under the pool's lock: once it is released, the thread that collects this heap's
        // remote frees must find the span gone.
        span.set_owner(taker.owner());
        Ok(Some(span))
    }

    /// The span that is closest to being full is the one whose use keeps the others closest to
    /// being empty.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn fullest_partial(self, class: SizeClass) -> Option<OwnedSpan> {
        self.take_fullest(class, PARTIAL_SPANS_LOOKED_AT)
    }

    /// The next refill of the class takes the fullest of many partial spans.
    pub(crate) fn bring_fullest_forward(self, class: SizeClass) {
        if let Some(span) = self.take_fullest(class, PARTIAL_SPANS_LOOKED_AT_TO_PACK) {
            // SAFETY: it was taken out.
            unsafe { self.partial(class).push_front(span) };
        }
    }

    /// Takes the fullest of the first partial spans out of their list.
    #[inline(always)]
    fn take_fullest(self, class: SizeClass, looked_at: usize) -> Option<OwnedSpan> {
        let list = self.partial(class);
        let mut fullest: Option<(u64, OwnedSpan)> = None;
        // A loop: the iterator's own maximum is ten times the code. The countdown of partial spans
        // is their live slots.
        for span in list.iter().take(looked_at) {
            let rank = u64::from(span.has_free_slot()) << 32 | u64::from(span.countdown());
            if fullest.is_none_or(|(most, _)| rank >= most) {
                fullest = Some((rank, span));
            }
        }
        let (_, span) = fullest?;
        // SAFETY: it is in that list.
        unsafe { list.remove(span) };
        Some(span)
    }
}
