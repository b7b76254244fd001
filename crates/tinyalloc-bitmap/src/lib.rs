//! bitmap
#![no_std]
