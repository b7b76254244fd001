//! Where a debugger finds what it must know of the allocator: the symbol `ta_debug_layout`.

use tinyalloc_alloc::DebugLayout;

use crate::process::instance::ALLOCATOR;

/// Read by `packaging/gdb/tinyalloc_gdb.py`, and by whatever else looks at the memory of a process,
/// or at its core dump, from outside.
#[used]
#[unsafe(no_mangle)]
pub static ta_debug_layout: DebugLayout = DebugLayout::of(&ALLOCATOR);
