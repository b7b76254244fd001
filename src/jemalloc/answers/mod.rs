//! What names say and do.

pub(super) mod fixed;

pub(super) mod process;

pub(super) mod profile;

pub(super) mod options;

pub(super) mod threads;

pub(super) mod arenas;

pub(super) mod bins;

pub(super) mod utilization;
