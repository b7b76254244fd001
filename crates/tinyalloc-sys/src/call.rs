//! The calls of a mapper that can fail, for test doubles to count and refuse.

/// A kind of [`crate::Mapper`] call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `reserve`
    Reserve,
    /// `map`
    Map,
    /// `commit`
    Commit,
    /// `decommit`
    Decommit,
    /// `protect`
    Protect,
    /// `release`
    Release,
    /// `remap`
    Remap,
    /// `prefer_huge_pages`
    Advise,
    /// `trap` and `trap_by_rights`
    Trap,
    /// `untrap`
    Untrap,
    /// `seal`
    Seal,
    /// `claim`
    Claim,
    /// `name`, if it has an effect
    Name,
}

impl Call {
    /// Every kind.
    pub const ALL: [Call; 13] = [
        Call::Reserve,
        Call::Map,
        Call::Commit,
        Call::Decommit,
        Call::Protect,
        Call::Release,
        Call::Remap,
        Call::Advise,
        Call::Trap,
        Call::Untrap,
        Call::Seal,
        Call::Claim,
        Call::Name,
    ];

    pub(crate) const COUNT: usize = Self::ALL.len();

    pub(crate) fn index(self) -> usize {
        self as usize
    }
}
