//! The fault report: what a trapped access to a guarded block was, and which code allocated and
//! freed the block.

pub(crate) mod loaded_object;

pub(crate) mod backtrace;
pub(crate) mod report;

pub(crate) mod handler;
