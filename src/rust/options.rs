//! Options by the names of `TINYALLOC_OPTIONS`, for Rust.

use super::global_alloc::TinyAlloc;
use crate::options::running::{OptionError, OptionValue, set};

impl TinyAlloc {
    /// The value of an option, in the form that [`TinyAlloc::set_option`] takes; `None` if there is
    /// no such option.
    ///
    /// ```
    /// use tinyalloc::TinyAlloc;
    ///
    /// assert_eq!(TinyAlloc.option("purge").map(|value| value.to_string()), Some("decay".into()));
    /// ```
    #[must_use]
    pub fn option(&self, name: &str) -> Option<OptionValue> {
        OptionValue::of(name.as_bytes())
    }

    /// Sets an option, as `TINYALLOC_OPTIONS=name=value` does when the process starts. Options that
    /// concern regions of address space apply to regions that are reserved afterwards.
    ///
    /// ```
    /// use tinyalloc::{OptionError, TinyAlloc};
    ///
    /// assert_eq!(TinyAlloc.set_option("purge_delay", "100"), Ok(()));
    /// assert_eq!(TinyAlloc.set_option("purge_delay", "soon"), Err(OptionError::BadValue));
    /// ```
    ///
    /// # Errors
    /// [`OptionError`]; the option then keeps its value.
    pub fn set_option(&self, name: &str, value: &str) -> Result<(), OptionError> {
        set(name.as_bytes(), value.as_bytes())
    }
}
