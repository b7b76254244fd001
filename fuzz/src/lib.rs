//! What the fuzzing targets share: the model of the engine's tests, and sizes and steps that make
//! for short inputs.

#[path = "../../crates/tinyalloc-alloc/tests/common/mod.rs"]
pub mod common;

pub mod field;
pub mod heaps;
pub mod outcome;
pub mod size;
pub mod step;
pub mod trial;
