//! A global allocator in a fixed buffer: no heap, no operating system.
//!
//! ```
//! # use tinyalloc_stack as stack;
//! use stack::StackAllocator;
//!
//! #[global_allocator]
//! static ALLOCATOR: StackAllocator<4096> = StackAllocator::new();
//!
//! fn main() {
//!     let data = String::from("Hello, World!");   // lives in the buffer
//! #   assert!(ALLOCATOR.contains(data.as_ptr()));
//! #   let used = ALLOCATOR.used();
//! #   drop(data);
//! #   assert!(ALLOCATOR.used() < used);
//! }
//! ```
//!
//! Blocks lie one above the other. The topmost is freed, grown and shrunk in place. A block that is
//! freed below others is reclaimed as soon as all above it are free, and until then it is lost:
//! long-lived blocks belong at the bottom. When all are free, the buffer is empty again. Each block
//! costs eight bytes, and what its alignment skips.
//!
//! With feature `allocator-api2-02` or `allocator-api2-04`, collections of one function live in a
//! buffer on its stack:
//!
//! ```
//! # #[cfg(feature = "allocator-api2-02")] {
//! # use tinyalloc_stack as stack;
//! # use allocator_api2_02 as allocator_api2;
//! use allocator_api2::vec::Vec;
//! use stack::StackAllocator;
//!
//! let buffer = StackAllocator::<1024>::new();
//! let mut numbers = Vec::new_in(&buffer);
//! numbers.extend(1..=100u8);
//! assert_eq!(numbers.iter().map(|number| u32::from(*number)).sum::<u32>(), 5050);
//! assert!(buffer.used() >= 100);
//! # }
//! ```
//!
//! They cannot outlive it:
//!
//! ```compile_fail,E0505
//! # use tinyalloc_stack as stack;
//! # use allocator_api2_02 as allocator_api2;
//! use allocator_api2::vec::Vec;
//! use stack::StackAllocator;
//!
//! let buffer = StackAllocator::<1024>::new();
//! let numbers: Vec<u8, &StackAllocator<1024>> = Vec::new_in(&buffer);
//! drop(buffer);
//! drop(numbers);
//! ```
//!
//! ```compile_fail,E0515
//! # use tinyalloc_stack as stack;
//! # use allocator_api2_02 as allocator_api2;
//! # use stack::StackAllocator;
//! # use allocator_api2::boxed::Box;
//! fn leak() -> &'static mut u8 {
//!     let buffer = StackAllocator::<1024>::new();
//!     Box::leak(Box::new_in(1, &buffer))
//! }
//! ```
//!
//! # Out of space
//! A request that does not fit is refused, as by any allocator that is out of memory: null, or an
//! error. What Rust's collections make of that is their usual "memory allocation of 5000 bytes
//! failed". With [`StackAllocator::with_overflow`] a second allocator serves it instead; each block
//! is freed to whom it came from.
//!
//! # Threads, interrupts and signal handlers
//! Any thread may allocate, and free what others allocated. All hold one spin lock for some ten
//! instructions, so this is no allocator for many busy threads. Freeing never waits for it: who
//! finds the lock held marks the block, and leaves it to the holder. So an interrupt or signal
//! handler may free at any time. Allocating waits, but not forever: a handler that interrupted the
//! very thread that holds the lock is refused, after some tenths of a second of trying. A handler
//! that must allocate gets a `StackAllocator` of its own. So it is in the child of a fork, if
//! another thread of the parent was inside.
//!
//! Where the second allocator is for one thread only, so is the whole, and it can be no `static`:
//!
//! ```compile_fail,E0277
//! # use tinyalloc_stack as stack;
//! # use core::alloc::{GlobalAlloc, Layout};
//! # use core::cell::Cell;
//! # struct OfOneThread(Cell<usize>);
//! # unsafe impl GlobalAlloc for OfOneThread {
//! #     unsafe fn alloc(&self, _: Layout) -> *mut u8 { core::ptr::null_mut() }
//! #     unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
//! # }
//! use stack::StackAllocator;
//!
//! static ALLOCATOR: StackAllocator<1024, OfOneThread> = StackAllocator::with_overflow(OfOneThread(Cell::new(0)));
//! ```
//!
//! ```compile_fail,E0277
//! # use tinyalloc_stack as stack;
//! # use allocator_api2_02 as allocator_api2;
//! # use core::alloc::{GlobalAlloc, Layout};
//! # use core::cell::Cell;
//! # struct OfOneThread(Cell<usize>);
//! # unsafe impl GlobalAlloc for OfOneThread {
//! #     unsafe fn alloc(&self, _: Layout) -> *mut u8 { core::ptr::null_mut() }
//! #     unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
//! # }
//! use allocator_api2::vec::Vec;
//! use stack::StackAllocator;
//!
//! let buffer = StackAllocator::<1024, OfOneThread>::with_overflow(OfOneThread(Cell::new(0)));
//! let numbers: Vec<u8, &StackAllocator<1024, OfOneThread>> = Vec::new_in(&buffer);
//! std::thread::scope(|threads| { threads.spawn(move || drop(numbers)); });
//! ```
//!
//! # Misuse
//! A block that is freed twice, or was never handed out, ends the program by an illegal instruction
//! where it is noticed: always where the address lies above all blocks, or in no buffer (and there
//! is no second allocator), or the block waits to be reclaimed. (There is no message: printing one
//! allocates.)
//!
//! # Backtraces
//! What Rust's runtime needs before `main` fits into a kilobyte, and a panic without a backtrace
//! needs little more. Printing a backtrace needs megabytes, and where they cannot be had, the
//! standard library (1.95; see rust-lang/rust#148020) waits for a lock that it holds itself: with
//! `RUST_BACKTRACE=1`, let a global allocator of this kind overflow onto `System`, or be large.
//!
//! # Targets
//! The atomics must have compare-and-swap: this does not build for ARMv6-M.
#![no_std]
#![cfg_attr(feature = "nightly", feature(allocator_api))]

mod sync;

mod lock;

mod buffer;

mod blocks;

mod misuse;

mod nothing;

mod stack;

mod global;

#[cfg(any(feature = "allocator-api2-02", feature = "allocator-api2-04", feature = "nightly"))]
mod collections;

pub use nothing::Nothing;
pub use stack::StackAllocator;
