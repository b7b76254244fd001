//! The operating system as tinyalloc sees it: the [`Mapper`] trait, its POSIX implementation, and test doubles.
#![no_std]

mod mapper;

pub use mapper::{MapError, Mapper, Protection};
