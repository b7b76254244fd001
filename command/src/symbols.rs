//! Addresses of code as functions, files and lines, read from the files that were mapped.

use std::collections::{BTreeSet, HashMap};
use std::fs::metadata;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::demangle::demangle;
use crate::mapping::Mapping;
use crate::object_file::{ObjectFile, Place, digits};
use crate::profile::{Profile, Site};

/// Where Debian and others put separate debug files.
pub const DEBUG_FOLDER: &str = "/usr/lib/debug";

/// The module of an address that nothing was mapped to.
const UNKNOWN_MODULE: &str = "[unknown]";

/// A call, as people read it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Frame {
    /// The function's name, demangled, or `libfoo.so+0x1234` if that is not known.
    pub function: String,
    /// The file of the source.
    pub file: Option<String>,
    /// The line in it.
    pub line: Option<u32>,
    /// The program or library, without its folder.
    pub module: String,
}

impl Frame {
    /// Whether the function is not known.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.function.strip_prefix(&self.module).is_some_and(|rest| rest.starts_with("+0x")) || self.module == UNKNOWN_MODULE
    }
}

/// What is known of the files that were mapped. One `Symbols` does for several profiles.
pub struct Symbols {
    root: PathBuf,
    folders: Vec<PathBuf>,
    files: HashMap<PathBuf, Option<ObjectFile>>,
    frames: HashMap<(PathBuf, u64), Vec<Frame>>,
    newer: BTreeSet<PathBuf>,
}

impl Default for Symbols {
    fn default() -> Symbols {
        Symbols::new()
    }
}

impl Symbols {
    /// Looks for separate debug files where they usually are.
    #[must_use]
    pub fn new() -> Symbols {
        Symbols::with_debug_folders(vec![PathBuf::from(DEBUG_FOLDER)])
    }

    /// Looks for separate debug files in these folders, which are built like /usr/lib/debug.
    #[must_use]
    pub fn with_debug_folders(folders: Vec<PathBuf>) -> Symbols {
        let root = PathBuf::from("/");
        Symbols { root, folders, files: HashMap::new(), frames: HashMap::new(), newer: BTreeSet::new() }
    }

    /// Looks for what was mapped below this folder, which the process has as its root.
    #[must_use]
    pub fn below(self, root: PathBuf) -> Symbols {
        Symbols { root, ..self }
    }

    /// The calls at a return address, as [`Site::callers`] has them: the innermost first, several
    /// where functions were inlined, never none.
    pub fn frames(&mut self, profile: &Profile, address: u64) -> Vec<Frame> {
        // The call is before the address to which it returns, which may belong to another function.
        let call = address.saturating_sub(1);
        let Some(mapping) = profile.mapping(call) else {
            return vec![Frame { function: format!("{call:#x}"), module: String::from(UNKNOWN_MODULE), ..Frame::default() }];
        };
        // A dump may have any number there.
        let offset = (call - mapping.start).wrapping_add(mapping.offset);
        let unknown = || vec![unknown(mapping, call - profile.base(mapping).min(call))];
        let Some(path) = mapping.file().filter(|_| !mapping.is_deleted) else {
            return unknown();
        };
        let key = (path.to_owned(), offset);
        if let Some(frames) = self.frames.get(&key) {
            return frames.clone();
        }
        self.note_if_newer(path, profile);
        let frames = self.file(path).and_then(|file| frames(file, mapping, offset)).unwrap_or_else(unknown);
        self.frames.insert(key, frames.clone());
        frames
    }

    /// All calls of a site, the innermost first.
    pub fn stack(&mut self, profile: &Profile, site: &Site) -> Vec<Frame> {
        site.callers.iter().flat_map(|address| self.frames(profile, *address)).collect()
    }

    /// Which build of a file there is, in hexadecimal digits; None if it does not say.
    pub fn build_id(&mut self, path: &Path) -> Option<String> {
        self.file(path).and_then(|file| file.build_id()).map(digits)
    }

    /// The files that were changed after a profile was written: what they say of it may be wrong.
    pub fn newer_files(&self) -> impl Iterator<Item = &Path> {
        self.newer.iter().map(PathBuf::as_path)
    }

    fn note_if_newer(&mut self, path: &Path, profile: &Profile) {
        let changed = metadata(path).and_then(|metadata| metadata.modified()).ok();
        if profile.modified.is_some_and(|written| changed.is_some_and(|changed| changed > written)) {
            self.newer.insert(path.to_owned());
        }
    }

    fn file(&mut self, path: &Path) -> Option<&ObjectFile> {
        let (root, folders) = (&self.root, &self.folders);
        let place = || root.join(path.strip_prefix("/").unwrap_or(path));
        self.files.entry(path.to_owned()).or_insert_with(|| ObjectFile::open(&place(), folders)).as_ref()
    }
}

/// None if the offset is not in the file.
fn frames(file: &ObjectFile, mapping: &Mapping, offset: u64) -> Option<Vec<Frame>> {
    let address = file.address_of(offset)?;
    let places = file.places(address);
    let symbol = || file.symbol(address).map(demangle);
    let name = |function: Option<String>| function.or_else(symbol);
    let module = mapping.module().to_owned();
    if places.is_empty() {
        let frame = symbol().map(|function| Frame { function, module, ..Frame::default() });
        return Some(vec![frame.unwrap_or_else(|| unknown(mapping, address))]);
    }
    let frame = |place: Place| Frame {
        function: name(place.function).unwrap_or_else(|| unknown(mapping, address).function),
        file: place.file,
        line: place.line,
        module: module.clone(),
    };
    Some(places.into_iter().map(frame).collect())
}

fn unknown(mapping: &Mapping, address: u64) -> Frame {
    let module = mapping.module().to_owned();
    Frame { function: format!("{module}+{address:#x}"), module, ..Frame::default() }
}
