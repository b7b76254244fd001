//! Copies of the file, of what the last commit left.

use std::fs::File;
use std::io::Result as IoResult;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::ioctl_ficlone;

use super::FileHeap;
use crate::error::{During, Result};
use crate::new_file::NewFile;
use crate::storage::{Storage, check_limit};

const PIECE_BYTES: usize = 1 << 20;
const HOLE_BYTES: usize = 4096;

/// How a snapshot was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// The file system lets both files share what is the same in them: no time and no space.
    Shared,
    /// Byte by byte, without what is all zeros.
    Copied,
}

impl FileHeap {
    /// Makes a copy of the file at `path`, where there must be none: what the last commit left,
    /// without what changed since. It shares the disk's blocks with this file where the file system
    /// can do that (Btrfs, XFS, bcachefs), and appears whole or not at all.
    ///
    /// # Errors
    /// [`Error::NoSpace`](crate::Error::NoSpace), and the system's: that there is a file of that
    /// name, for one.
    pub fn snapshot(&self, path: impl AsRef<Path>) -> Result<Copied> {
        let new = NewFile::create(path.as_ref()).during("creating the snapshot")?;
        let copied = copy(&*self.storage, new.file()).during("writing the snapshot")?;
        new.publish().during("writing the snapshot")?;
        Ok(copied)
    }
}

fn copy(storage: &dyn Storage, to: &File) -> IoResult<Copied> {
    let length = storage.length()?;
    check_limit(length)?;
    if ioctl_ficlone(to, storage.file()).is_ok() {
        return Ok(Copied::Shared);
    }
    to.set_len(length)?;
    let mut piece = vec![0; PIECE_BYTES];
    let mut offset = 0;
    while offset < length {
        let bytes = usize::try_from(length - offset).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
        storage.read(offset, &mut piece[..bytes])?;
        write_data(to, offset, &piece[..bytes])?;
        offset += bytes as u64;
    }
    Ok(Copied::Copied)
}

/// Zeros stay holes.
fn write_data(to: &File, offset: u64, piece: &[u8]) -> IoResult<()> {
    for (index, bytes) in piece.chunks(HOLE_BYTES).enumerate() {
        if bytes.iter().any(|byte| *byte != 0) {
            to.write_all_at(bytes, offset + (index * HOLE_BYTES) as u64)?;
        }
    }
    Ok(())
}
