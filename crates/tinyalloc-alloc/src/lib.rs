//! alloc
#![no_std]
