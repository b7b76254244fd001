//! Address space, and what of it is committed, resident, trapped.

pub(crate) mod huge_pages;

pub(crate) mod growing;

pub(crate) mod pages;
pub(crate) mod slices;

pub(crate) mod regions;
