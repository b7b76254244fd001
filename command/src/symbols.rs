//! Addresses of code as functions, files and lines, read from the files that were mapped.

use std::collections::{BTreeMap, HashMap};
use std::fs::metadata;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::demangle::demangle;
use crate::mapping::Mapping;
use crate::object_file::{ObjectFile, Place, digits};
use crate::profile::{Profile, Site};
use crate::progress::Progress;
use crate::size::size;

/// Where Debian and others put separate debug files.
pub const DEBUG_FOLDER: &str = "/usr/lib/debug";

/// Files with more than so many bytes of debug information take long to open.
const LARGE_BYTES: u64 = 64 << 20;
/// What the kernel calls files that never had a name, and programs write code into.
const NAMELESS: &str = "/memfd:";
const NEWER: &str = "is newer than the profile: its functions and lines may be wrong";
const REPLACED: &str = "was removed or replaced after it was mapped: its functions are not known";
const STRIPPED: &str = "has no symbols of some call sites: install its debug symbols, or build it with -g";

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
    files: HashMap<PathBuf, Result<ObjectFile, String>>,
    frames: HashMap<(PathBuf, u64), Vec<Frame>>,
    /// What the user should know of files.
    notes: BTreeMap<PathBuf, String>,
    progress: Progress,
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
        let (files, frames, notes) = (HashMap::new(), HashMap::new(), BTreeMap::new());
        Symbols { root, folders, files, frames, notes, progress: Progress::new() }
    }

    /// Looks for what was mapped below this folder, which the process had as its root, and for its
    /// debug files there, too.
    #[must_use]
    pub fn below(self, root: &Path) -> Symbols {
        let root = root.to_owned();
        let debug = root.join(DEBUG_FOLDER.trim_start_matches('/'));
        Symbols { folders: self.folders.into_iter().chain([debug]).collect(), root, ..self }
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
        let Some(path) = mapping.file() else {
            return unknown();
        };
        if mapping.is_deleted {
            self.note(path, REPLACED);
            return unknown();
        }
        let key = (path.to_owned(), offset);
        if let Some(frames) = self.frames.get(&key) {
            return frames.clone();
        }
        let frames = self.look_up(profile, mapping, path, offset).unwrap_or_else(unknown);
        self.frames.insert(key, frames.clone());
        frames
    }

    fn look_up(&mut self, profile: &Profile, mapping: &Mapping, path: &Path, offset: u64) -> Option<Vec<Frame>> {
        self.note_if_newer(path, profile);
        self.progress.step(format_args!("{} addresses looked up, now in {}", self.frames.len(), path.display()));
        let found = match self.file(path) {
            Ok(file) => (frames(file, mapping, offset), file.failure()),
            Err(text) => (None, Some(format!("cannot be read, and its functions are not known: {text}"))),
        };
        let (frames, failure) = found;
        if let Some(text) = failure {
            self.note(path, &text);
        }
        frames
    }

    /// All calls of a site, the innermost first.
    pub fn stack(&mut self, profile: &Profile, site: &Site) -> Vec<Frame> {
        site.callers.iter().flat_map(|address| self.frames(profile, *address)).collect()
    }

    /// Which build of a file there is, in hexadecimal digits; None if it does not say.
    pub fn build_id(&mut self, path: &Path) -> Option<String> {
        self.file(path).ok().and_then(ObjectFile::build_id).map(digits)
    }

    /// What the user should know of the files: which are missing, or others than were mapped, or
    /// have no symbols.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        self.notes.iter().map(|(path, text)| format!("{} {text}", path.display()))
    }

    /// The user looks at this call: if it has no name, there is a note on its file.
    pub fn note_call_site(&mut self, frame: &Frame) {
        if frame.is_unknown() {
            let is_its = |path: &&PathBuf| path.file_name().is_some_and(|name| name.to_str() == Some(frame.module.as_str()));
            let path = self.files.keys().find(is_its).cloned();
            path.iter().for_each(|path| self.note(path, STRIPPED));
        }
    }

    /// Something else is about to be written where progress is shown.
    pub fn clear_progress(&mut self) {
        self.progress.clear();
    }

    /// Of several notes on a file, the first counts.
    fn note(&mut self, path: &Path, text: &str) {
        if !path.starts_with(NAMELESS) {
            self.notes.entry(path.to_owned()).or_insert_with(|| String::from(text));
        }
    }

    fn note_if_newer(&mut self, path: &Path, profile: &Profile) {
        let changed = metadata(self.place(path)).and_then(|metadata| metadata.modified()).ok();
        if profile.modified.is_some_and(|written| changed.is_some_and(|changed| changed > written)) {
            self.note(path, NEWER);
        }
    }

    /// Where a file of the process is.
    fn place(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn file(&mut self, path: &Path) -> Result<&ObjectFile, &str> {
        if !self.files.contains_key(path) {
            let file = ObjectFile::open(&self.place(path), &self.folders);
            if let Some(bytes) = file.as_ref().ok().map(ObjectFile::debug_bytes).filter(|bytes| *bytes > LARGE_BYTES) {
                self.progress.long_step(format_args!("reading {} of debug information of {}", size(bytes), path.display()));
            }
            self.files.insert(path.to_owned(), file);
        }
        self.files[path].as_ref().map_err(String::as_str)
    }
}

/// None if the offset is not in the file.
fn frames(file: &ObjectFile, mapping: &Mapping, offset: u64) -> Option<Vec<Frame>> {
    let address = file.address_of(offset)?;
    let places = file.places(address);
    let symbol = || file.symbol(address).map(|name| demangle(&name));
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
