//! Every span, a part of them at a time.

use super::Space;
use crate::span::span_ref::SpanRef;

/// Records that are visited before the lock is released.
const VISITED_AT_ONCE: usize = 4096;

/// Where a visit goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanCursor {
    region: usize,
    slice: usize,
}

impl SpanCursor {
    pub(crate) const START: SpanCursor = SpanCursor { region: 0, slice: 0 };
}

impl Space {
    /// Visits spans, large blocks and the records of what was freed, from the cursor on. Yields
    /// where to go on; `None` at the end. What moves meanwhile may be visited twice, or not at all.
    pub(crate) fn visit_spans(&self, from: SpanCursor, visit: &mut dyn FnMut(SpanRef)) -> Option<SpanCursor> {
        let (mut cursor, mut left) = (from, VISITED_AT_ONCE);
        while let Some(region) = self.regions.iter().nth(cursor.region) {
            let mut last = cursor.slice;
            for (span, end) in region.spans_from(cursor.slice).take(left) {
                visit(span);
                (last, left) = (end, left - 1);
            }
            cursor =
                if left == 0 { SpanCursor { slice: last, ..cursor } } else { SpanCursor { region: cursor.region + 1, slice: 0 } };
            if left == 0 {
                return Some(cursor);
            }
        }
        None
    }
}
