//! list
#![no_std]
