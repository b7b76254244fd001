//! All regions and huge blocks of an allocator, under one lock, and when to purge.

pub(crate) mod decay;
pub(crate) mod huge;
pub(crate) mod trap_budget;

pub(crate) mod address_space;
