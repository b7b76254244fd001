//! Named roots: where a program finds its data again.

use std::collections::BTreeMap;
use std::str::from_utf8;

use crate::field::{put_usize, usize_at};

pub(crate) const NAME_BYTES_MAX: usize = 255;
/// A name's length, then three numbers, then the name.
const ENTRY_BYTES: usize = 1 + 3 * 8;

/// A block with a name, and what values it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    offset: usize,
    bytes: usize,
    align: usize,
}

impl Root {
    pub(crate) fn to<T>(offset: usize) -> Root {
        Root { offset, bytes: size_of::<T>(), align: align_of::<T>() }
    }

    pub(crate) fn offset(self) -> usize {
        self.offset
    }

    pub(crate) fn bytes(self) -> usize {
        self.bytes
    }

    pub(crate) fn align(self) -> usize {
        self.align
    }

    pub(crate) fn is_for<T>(self) -> bool {
        self == Root::to::<T>(self.offset)
    }
}

#[derive(Default)]
pub(crate) struct Roots {
    by_name: BTreeMap<String, Root>,
    /// How many names each block has.
    names: BTreeMap<usize, usize>,
    changed: bool,
}

impl Roots {
    pub(crate) fn get(&self, name: &str) -> Option<Root> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Root)> {
        self.by_name.iter().map(|(name, root)| (name.as_str(), *root))
    }

    pub(crate) fn is_rooted(&self, offset: usize) -> bool {
        self.names.contains_key(&offset)
    }

    /// Whether the table in the file is another.
    pub(crate) fn is_changed(&self) -> bool {
        self.changed
    }

    pub(crate) fn set_stored(&mut self) {
        self.changed = false;
    }

    pub(crate) fn set(&mut self, name: &str, root: Root) {
        self.remove(name);
        self.by_name.insert(name.to_owned(), root);
        *self.names.entry(root.offset).or_default() += 1;
        self.changed = true;
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Root> {
        let root = self.by_name.remove(name)?;
        if let Some(count) = self.names.get_mut(&root.offset) {
            *count -= 1;
            if *count == 0 {
                self.names.remove(&root.offset);
            }
        }
        self.changed = true;
        Some(root)
    }

    /// A block has moved, and its names with it.
    pub(crate) fn follow(&mut self, from: usize, to: usize) {
        let Some(count) = self.names.remove(&from) else { return };
        self.names.insert(to, count);
        self.by_name.values_mut().filter(|root| root.offset == from).for_each(|root| root.offset = to);
        self.changed = true;
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, root) in &self.by_name {
            let start = bytes.len();
            bytes.resize(start + ENTRY_BYTES, 0);
            bytes[start] = u8::try_from(name.len()).unwrap_or(u8::MAX);
            for (index, number) in [root.offset, root.bytes, root.align].into_iter().enumerate() {
                put_usize(&mut bytes, start + 1 + index * 8, number);
            }
            bytes.extend_from_slice(name.as_bytes());
        }
        bytes
    }

    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Roots> {
        let mut roots = Roots::default();
        while !bytes.is_empty() {
            let (entry, rest) = bytes.split_at_checked(ENTRY_BYTES)?;
            let (name, rest) = rest.split_at_checked(usize::from(entry[0]))?;
            let name = from_utf8(name).ok().filter(|name| is_name(name))?;
            roots.set(name, Root { offset: usize_at(entry, 1), bytes: usize_at(entry, 9), align: usize_at(entry, 17) });
            bytes = rest;
        }
        roots.set_stored();
        Some(roots)
    }
}

pub(crate) fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len())
}
