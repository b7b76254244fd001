//! What knows nothing of allocation: a lock, words of memory, random numbers, where fields lie.

pub(crate) mod fields;
pub(crate) mod index;
pub(crate) mod lock;

pub(crate) mod memory;
pub(crate) mod pair;
pub(crate) mod pointer;
pub(crate) mod random;

pub(crate) mod exponential;
