//! Critical sections as they are.

#[inline(always)]
pub(super) fn begin() {}

#[inline(always)]
pub(super) fn end() {}
