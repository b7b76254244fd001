//! A vector of fixed capacity: its elements are in place, so it never allocates.
#![no_std]

mod array;
mod into_iter;

pub use array::{Array, CapacityError};
pub use into_iter::IntoIter;
