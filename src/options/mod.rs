//! What a user may set by name: with `TINYALLOC_OPTIONS=key=value,...` when the process starts (`start`), and while it runs (`running`).
//!
//! What concerns the engine lies in its `Tunables`, and the rest in `Settings`. Every change happens under the lock that guards the tunables.

mod value;

mod table;

mod mistake;

pub(crate) mod start;

pub(crate) mod running;
