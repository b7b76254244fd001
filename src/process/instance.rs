//! The one allocator of a process.

use tinyalloc_alloc::Allocator;
use tinyalloc_sys::PosixMapper;

/// The global heap. It ends with a page of its own, in a section of its own after all other
/// initialised data.
#[unsafe(link_section = ".tinyalloc")]
pub(crate) static ALLOCATOR: Allocator<PosixMapper> = Allocator::new(PosixMapper::new());
