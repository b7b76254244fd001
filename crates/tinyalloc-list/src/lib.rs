//! An intrusive doubly linked list: the nodes carry the links, so the list never allocates.
//!
//! Nodes are reached by shared reference and linked through `Cell`s, as records on metadata pages
//! are. All-zero bytes are an unlinked
//! [`Links`] and an empty [`List`], so neither needs initialising on fresh pages.
#![no_std]

mod links;

mod iter;
mod list;

pub use iter::{Drain, Iter};
pub use links::{Linked, Links};
pub use list::List;
