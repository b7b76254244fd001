//! What Clang calls instead of malloc, of its family, and of the operators `new`, where it is to
//! tell the types of blocks apart (`-fsanitize=alloc-token`, clang/docs/AllocToken): the same with
//! a token in the last place, or with the token in the name (`-fsanitize-alloc-token-fast-abi`).
//!
//! Without the option `partitions`, these are the functions that they stand for.

mod family;
mod operators;

mod stubs;
