//! Size classes, slots of one size, and the record of the slices they lie in.

pub(crate) mod class;

pub(crate) mod slot;

pub(crate) mod bins;

pub(crate) mod record;

pub(crate) mod remote;
