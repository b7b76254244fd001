//! Checks on demand: what makes a mistake show itself.

pub(crate) mod canary;
pub(crate) mod guard;
pub(crate) mod quarantine;
pub(crate) mod valgrind;
pub(crate) mod zero_size;

pub(crate) mod hardening_policy;
