//! array
#![no_std]
