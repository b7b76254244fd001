//! Heap profiles of tinyalloc: reading, symbolising, converting and comparing them. The command
//! `tinyalloc` is made of this; tests and reports use it, too.

pub mod commands;
pub mod convert;
pub mod demangle;
pub mod failure;
pub mod heaps;
pub mod mapping;
mod object_file;
pub mod options;
mod pinned;
pub mod profile;
mod progress;
pub mod report;
pub mod residence;
mod screen;
pub mod sites;
pub mod size;
pub mod statistics;
mod symbol_table;
pub mod symbols;
pub mod text;
pub mod wrappers;
