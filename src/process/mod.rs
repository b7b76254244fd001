//! The parts that exist once in a process or once in a thread: the allocator, the settings, the
//! calling thread, the background thread, and what the system says of memory.

pub(crate) mod instance;
pub(crate) mod message;
pub(crate) mod settings;
pub(crate) mod wake;

pub(crate) mod thread;

pub(crate) mod tunables;

pub(crate) mod cgroups;

pub(crate) mod memory_limit;
pub(crate) mod pressure;

pub(crate) mod background;
