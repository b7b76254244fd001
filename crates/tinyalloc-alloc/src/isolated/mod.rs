//! Heaps as objects: of several threads' heaps, with a limit and an end.

pub(crate) mod isolated_heap;

pub(crate) mod attachments;
