//! Where fields lie, for debuggers: see [`crate::DebugLayout`].

/// The name of a field, and its offset; or the name of a number, and the number.
pub(crate) type Field = (&'static str, usize);

/// Fields of a type, each with its offset.
macro_rules! fields {
    ($prefix:literal, $type:ty: $($field:ident)*) => {
        &[$((concat!($prefix, ".", stringify!($field)), core::mem::offset_of!($type, $field))),*]
    };
}

pub(crate) use fields;
