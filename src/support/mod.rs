//! What any part of the crate may use, and what uses none of it.

pub(crate) mod chunked_writer;
pub(crate) mod errno;
pub(crate) mod string_table;
pub(crate) mod weak_symbol;

pub(crate) mod environment;
