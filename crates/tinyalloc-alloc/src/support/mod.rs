//! What knows nothing of allocation: a lock, words of memory, random numbers.

pub(crate) mod lock;

pub(crate) mod memory;
pub(crate) mod random;

pub(crate) mod exponential;
