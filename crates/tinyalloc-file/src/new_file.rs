//! Files that appear under their name whole or not at all.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, hard_link, remove_file};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

use rustix::rand::{GetRandomFlags, getrandom};

/// A file under another name, until it is published. One that never is, is removed.
pub(crate) struct NewFile<'path> {
    path: &'path Path,
    partial: PathBuf,
    file: File,
}

impl<'path> NewFile<'path> {
    pub(crate) fn create(path: &'path Path) -> Result<NewFile<'path>> {
        if path.exists() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let partial = partial_path(path)?;
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&partial)?;
        Ok(NewFile { path, partial, file })
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Gives the file its name, which no other file has, durably.
    pub(crate) fn publish(self) -> Result<File> {
        self.file.sync_all()?;
        hard_link(&self.partial, self.path)?;
        let directory = self.path.parent().filter(|directory| !directory.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
        self.file.try_clone()
    }
}

impl Drop for NewFile<'_> {
    fn drop(&mut self) {
        _ = remove_file(&self.partial);
    }
}

pub(crate) fn random() -> Result<[u8; 16]> {
    let mut number = [0; 16];
    match getrandom(&mut number, GetRandomFlags::empty())? {
        16 => Ok(number),
        _ => Err(Error::other("the system gave too few random bytes")),
    }
}

/// A name beside the file's that no other process takes at the same time.
fn partial_path(path: &Path) -> Result<PathBuf> {
    let mut name = OsString::from(path);
    name.push(format!(".{:032x}.partial", u128::from_ne_bytes(random()?)));
    Ok(PathBuf::from(name))
}
