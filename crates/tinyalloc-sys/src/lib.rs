//! The operating system as tinyalloc sees it: the [`Mapper`] trait, its implementations, and a
//! [`Region`] of address space.
//!
//! A platform is a file: `posix.rs` is every Unix, on top of what differs between them (`linux.rs`,
//! `unix.rs`, both as `system`), and `windows.rs` is Windows, with sleeping in
//! `wait_on_address.rs`. [`SystemMapper`] is the one of the platform.
//!
//! The feature `test-mappers` adds test doubles: `FailingMapper`, `CountingMapper` and
//! `FixedBufferMapper`.
#![no_std]

#[cfg(target_os = "linux")]
mod vdso;

mod align;

mod page;

mod mapper;

mod region;

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod system;
#[cfg(all(unix, not(target_os = "linux")))]
#[path = "unix.rs"]
mod system;

mod system_calls;

#[cfg(unix)]
mod mix;

#[cfg(unix)]
mod room;

#[cfg(unix)]
mod posix;

#[cfg(all(unix, not(any(target_vendor = "apple", target_os = "freebsd"))))]
mod futex;
#[cfg(target_vendor = "apple")]
#[path = "darwin.rs"]
mod futex;
#[cfg(target_os = "freebsd")]
#[path = "freebsd.rs"]
mod futex;

#[cfg(windows)]
mod last_error;

#[cfg(windows)]
mod windows;

#[cfg(windows)]
mod wait_on_address;

#[cfg(target_os = "linux")]
mod file;

#[cfg(feature = "test-mappers")]
mod call;

#[cfg(feature = "test-mappers")]
mod counting;
#[cfg(feature = "test-mappers")]
mod failing;
#[cfg(feature = "test-mappers")]
mod fixed_buffer;

pub use align::{is_aligned, round_down, round_up};
#[cfg(feature = "test-mappers")]
pub use call::Call;
#[cfg(feature = "test-mappers")]
pub use counting::CountingMapper;
#[cfg(feature = "test-mappers")]
pub use failing::FailingMapper;
#[cfg(target_os = "linux")]
pub use file::{
    BackingFile, FILE_DIRECTORIES_MAX, FileFailure, FileMapper, FileOptions, FilePlace, FileStep, Inheritance, file_bytes_limit,
};
#[cfg(feature = "test-mappers")]
pub use fixed_buffer::FixedBufferMapper;
#[cfg(unix)]
pub use futex::{wait_on, wait_on_briefly, wake_all, wake_one};
pub use mapper::{MapError, Mapper, Placement, Protection};
pub use page::{page_ceiling, pages_for};
#[cfg(unix)]
pub use posix::PosixMapper;
#[cfg(unix)]
pub use posix::PosixMapper as SystemMapper;
pub use region::{Region, RegionError};
pub use system_calls::SystemCalls;
#[cfg(windows)]
pub use wait_on_address::{are_others_gone, wait_on, wait_on_briefly, wake_all, wake_one};
#[cfg(windows)]
pub use windows::WindowsMapper;
#[cfg(windows)]
pub use windows::WindowsMapper as SystemMapper;

/// Whether the process ends, and this thread is the last: only Windows ends the others before it
/// calls what is to be called at the end.
#[cfg(unix)]
#[must_use]
pub const fn are_others_gone() -> bool {
    false
}
