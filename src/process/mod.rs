//! The parts that exist once in a process or once in a thread: the allocator, the settings, the
//! calling thread, the background thread, and what the system says of memory.

pub(crate) mod instance;
#[cfg(unix)]
pub(crate) mod message;
#[cfg(windows)]
#[path = "message_windows.rs"]
pub(crate) mod message;
pub(crate) mod settings;
pub(crate) mod wake;

pub(crate) mod thread;

pub(crate) mod tunables;

#[cfg(unix)]
pub(crate) mod cgroups;

#[cfg(unix)]
pub(crate) mod machine_memory;
#[cfg(windows)]
#[path = "machine_memory_windows.rs"]
pub(crate) mod machine_memory;

pub(crate) mod memory_limit;
#[cfg(unix)]
pub(crate) mod pressure;

#[cfg(unix)]
pub(crate) mod background;
#[cfg(windows)]
#[path = "background_windows.rs"]
pub(crate) mod background;
