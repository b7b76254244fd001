//! A trapped access to a guarded block, and who made and freed the block.

pub(crate) mod loaded_object;

pub(crate) mod backtrace;
pub(crate) mod report;

pub(crate) mod handler;
