//! A thread's bins and spans, and where heaps wait for threads.

pub(crate) mod quota;

pub(crate) mod thread_heap;

pub(crate) mod pool;
