//! jemalloc's interface, jemalloc(3), for programs that call their allocator by name. It exists in
//! libtinyalloc-jemalloc.so only: a program that finds `mallctl` does other things than before.

#![expect(unreachable_pub, reason = "C calls them")]

mod text;

mod value;

mod exchange;

mod flags;

mod arenas;

mod tcaches;

mod started;

mod heap_dump;

mod snapshot;

mod answers;
mod names;

mod mib;

mod report;

mod print;

mod allocate;
mod control;
mod defrag;

mod prefixed;
