//! Helpers that use nothing else of the crate.

pub(crate) mod chunked_writer;
pub(crate) mod errno;
pub(crate) mod lines;
pub(crate) mod number;
pub(crate) mod own_stack;
pub(crate) mod small_file;
pub(crate) mod string_table;

pub(crate) mod environment;
pub(crate) mod path_pattern;
