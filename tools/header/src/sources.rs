//! The sources of the C API.

use std::fs::read_dir;
use std::path::{Path, PathBuf};

/// The files that the header declares something of, in its order. Modules that they name are read
/// with them.
const DECLARING: [&str; 8] =
    ["extensions.rs", "heaps/mod.rs", "trim.rs", "options.rs", "statistics.rs", "profile.rs", "faults.rs", "windows.rs"];
const FOLDER: &str = "src/c";

pub(crate) fn declaring_files(root: &Path) -> Vec<PathBuf> {
    DECLARING.iter().map(|name| root.join(FOLDER).join(name)).collect()
}

/// Every file of `src/c`, in the order of their names.
pub(crate) fn api_files(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    collect(&root.join(FOLDER), &mut files)?;
    files.sort();
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    for entry in read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}
