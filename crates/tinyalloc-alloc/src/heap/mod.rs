//! Heaps as objects: of several threads' heaps, with a limit and an end.

pub(crate) mod heap_record;

pub(crate) mod heap_table;
