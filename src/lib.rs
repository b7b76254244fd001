//! tinyalloc
#![no_std]
