//! Mistakes of the program, and the names of heaps in reports of them.

pub(crate) mod heap_name;

pub(crate) mod heap_label;

pub(crate) mod misuse;
