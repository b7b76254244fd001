//! The API for Rust.

pub(crate) mod request;

pub(crate) mod global_alloc;
pub(crate) mod heap;

mod options;
#[cfg(unix)]
mod profile;
