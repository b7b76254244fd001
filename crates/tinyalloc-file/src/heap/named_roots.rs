//! Roots: the names under which a program finds its data again.

use super::FileHeap;
use crate::error::{Error, Result};
use crate::plain::Plain;
use crate::pointer::FilePtr;
use crate::roots::{Root, is_name};

impl FileHeap {
    /// Gives the block that begins at `block` a name, which pointed elsewhere until now or is new.
    /// It cannot be freed while it has one.
    ///
    /// # Errors
    /// [`Error::RootName`] for an empty name or one of more than 255 bytes; [`Error::NotLive`] or
    /// [`Error::OutOfBounds`] if no block with room for a `T` begins there; [`Error::ReadOnly`];
    /// [`Error::NeedsReopen`].
    pub fn set_root<T: Plain>(&mut self, name: &str, block: FilePtr<T>) -> Result<()> {
        self.check_writable()?;
        if !is_name(name) {
            return Err(Error::RootName);
        }
        let place = self.user_block(block.place())?;
        if size_of::<T>() > place.len() {
            return Err(Error::OutOfBounds { offset: place.start, bytes: size_of::<T>(), left_bytes: place.len() });
        }
        self.roots.set(name, Root::to::<T>(place.start));
        Ok(())
    }

    /// The block of that name, if there is one.
    ///
    /// # Errors
    /// [`Error::RootType`] if the name was given to values of another size or alignment.
    pub fn root<T: Plain>(&self, name: &str) -> Result<Option<FilePtr<T>>> {
        match self.roots.get(name) {
            Some(root) if !root.is_for::<T>() => Err(Error::RootType { bytes: root.bytes(), align: root.align() }),
            root => Ok(root.map(|root| FilePtr::at(root.offset()))),
        }
    }

    /// Takes a name away; the block stays. Whether it had been given.
    ///
    /// # Errors
    /// [`Error::ReadOnly`]; [`Error::NeedsReopen`].
    pub fn remove_root(&mut self, name: &str) -> Result<bool> {
        self.check_writable()?;
        Ok(self.roots.remove(name).is_some())
    }

    /// All names in order, and the blocks that have them.
    pub fn roots(&self) -> impl Iterator<Item = (&str, FilePtr<u8>)> {
        self.roots.iter().map(|(name, root)| (name, FilePtr::at(root.offset())))
    }
}
