//! Addresses of code as functions, files and lines, read from the files that were mapped.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::metadata;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::demangle::demangle;
use crate::mapping::Mapping;
use crate::object_file::{ObjectFile, Place};
use crate::profile::{Profile, Site};
use crate::progress::Progress;
use crate::size::size;

/// Where Debian and others put separate debug files.
pub const DEBUG_FOLDER: &str = "/usr/lib/debug";

/// Files with more than so many bytes of debug information take long to open.
const LARGE_BYTES: u64 = 64 << 20;
/// What the kernel calls files that never had a name, and programs write code into.
const NAMELESS: &str = "/memfd:";
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

/// A file that was mapped, and which build of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Module {
    path: PathBuf,
    build_id: Option<String>,
}

/// A file that is not the one that was profiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherBuild {
    /// The build-id of what was profiled.
    pub wanted: String,
    /// That of the file; none if it does not say.
    pub found: Option<String>,
}

/// What is known of the files that were mapped. One `Symbols` does for several profiles.
pub struct Symbols {
    root: PathBuf,
    folders: Vec<PathBuf>,
    files: HashMap<Module, Result<ObjectFile, String>>,
    frames: HashMap<(Module, u64), Vec<Frame>>,
    newer: BTreeSet<PathBuf>,
    others: BTreeMap<PathBuf, OtherBuild>,
    /// What else the user should know of files.
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
        Symbols {
            root: PathBuf::from("/"),
            folders,
            files: HashMap::new(),
            frames: HashMap::new(),
            newer: BTreeSet::new(),
            others: BTreeMap::new(),
            notes: BTreeMap::new(),
            progress: Progress::new(),
        }
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
        let distance = call - profile.base(mapping).min(call);
        let unknown = || vec![unknown(mapping, distance)];
        let Some(path) = mapping.file() else {
            return unknown();
        };
        let Some(module) = module(mapping) else {
            self.note(path, REPLACED);
            return unknown();
        };
        let key = (module, offset);
        if let Some(frames) = self.frames.get(&key) {
            return frames.clone();
        }
        self.note_if_newer(&key.0, profile);
        let frames = self.look_up(mapping, &key, distance).unwrap_or_else(unknown);
        self.frames.insert(key, frames.clone());
        frames
    }

    fn look_up(&mut self, mapping: &Mapping, (module, offset): &(Module, u64), distance: u64) -> Option<Vec<Frame>> {
        self.progress.step(format_args!("{} addresses looked up, now in {}", self.frames.len(), module.path.display()));
        let (frames, note) = match self.file(module) {
            Ok(file) => (file.address_of(*offset, distance).map(|address| frames(file, mapping, address)), file.failure()),
            Err(text) => (None, Some(format!("cannot be read, and its functions are not known: {text}"))),
        };
        note.iter().for_each(|text| self.note(&module.path, text));
        frames
    }

    /// All calls of a site, the innermost first.
    pub fn stack(&mut self, profile: &Profile, site: &Site) -> Vec<Frame> {
        site.callers.iter().flat_map(|address| self.frames(profile, *address)).collect()
    }

    /// Which build of a file was mapped, in hexadecimal digits: as the dump says, or else the file
    /// that is there now.
    pub fn build_id(&mut self, mapping: &Mapping) -> Option<String> {
        let module = module(mapping)?;
        mapping.build_id.clone().or_else(|| self.file(&module).ok()?.build_id().map(String::from))
    }

    /// The files that are of another build than what was profiled, of which there is no debug file
    /// either: nothing was read from them.
    pub fn other_builds(&self) -> impl Iterator<Item = (&Path, &OtherBuild)> {
        self.others.iter().map(|(path, build)| (path.as_path(), build))
    }

    /// The files that were changed after a profile was written that does not say which build was
    /// mapped: what they say of it may be wrong.
    pub fn newer_files(&self) -> impl Iterator<Item = &Path> {
        self.newer.iter().map(PathBuf::as_path)
    }

    /// What else the user should know of the files: which are missing, broken or without symbols.
    pub fn notes(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.notes.iter().map(|(path, text)| (path.as_path(), text.as_str()))
    }

    /// The user looks at this call: if it has no name, there is a note on its file.
    pub fn note_call_site(&mut self, frame: &Frame) {
        if frame.is_unknown() {
            let name = |path: &Path| path.file_name().is_some_and(|name| name.to_str() == Some(frame.module.as_str()));
            let path = self.files.keys().find(|module| name(&module.path)).map(|module| module.path.clone());
            path.iter().for_each(|path| self.note(path, STRIPPED));
        }
    }

    /// Something else is about to be written where progress is shown.
    pub fn clear_progress(&mut self) {
        self.progress.clear();
    }

    /// Of several notes on a file, the first counts.
    fn note(&mut self, path: &Path, text: &str) {
        if !path.starts_with(NAMELESS) && !self.others.contains_key(path) && !self.newer.contains(path) {
            self.notes.entry(path.to_owned()).or_insert_with(|| String::from(text));
        }
    }

    fn note_if_newer(&mut self, module: &Module, profile: &Profile) {
        let changed = metadata(self.place(&module.path)).and_then(|metadata| metadata.modified()).ok();
        let is_newer = profile.modified.is_some_and(|written| changed.is_some_and(|changed| changed > written));
        if is_newer && module.build_id.is_none() {
            self.newer.insert(module.path.clone());
        }
    }

    /// Where a file of the process is.
    fn place(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn file(&mut self, module: &Module) -> Result<&ObjectFile, &str> {
        if !self.files.contains_key(module) {
            let file = self.open(module);
            if let Some(bytes) = file.as_ref().ok().map(ObjectFile::debug_bytes).filter(|bytes| *bytes > LARGE_BYTES) {
                let path = module.path.display();
                self.progress.long_step(format_args!("reading {} of debug information of {path}", size(bytes)));
            }
            self.files.insert(module.clone(), file);
        }
        self.files[module].as_ref().map_err(String::as_str)
    }

    fn open(&mut self, module: &Module) -> Result<ObjectFile, String> {
        let there = ObjectFile::open(&self.place(&module.path), &self.folders);
        let Some(wanted) = module.build_id.as_deref() else {
            return there;
        };
        let found = there.as_ref().ok().and_then(|file| file.build_id()).map(String::from);
        if found.as_deref() == Some(wanted) {
            return there;
        }
        if let Some(kept) = ObjectFile::of_build(wanted, &self.folders) {
            return Ok(kept);
        }
        there.and_then(|_| {
            self.others.insert(module.path.clone(), OtherBuild { wanted: String::from(wanted), found });
            Err(String::from("it is another build"))
        })
    }
}

/// None for memory that is no file, and for a file that is gone if nothing tells what it was.
fn module(mapping: &Mapping) -> Option<Module> {
    let path = mapping.file().filter(|_| !mapping.is_deleted || mapping.build_id.is_some())?;
    Some(Module { path: path.to_owned(), build_id: mapping.build_id.clone() })
}

fn frames(file: &ObjectFile, mapping: &Mapping, address: u64) -> Vec<Frame> {
    let places = file.places(address);
    let symbol = || file.symbol(address).map(|name| demangle(&name));
    let name = |function: Option<String>| function.or_else(symbol);
    let module = mapping.module().to_owned();
    if places.is_empty() {
        let frame = symbol().map(|function| Frame { function, module, ..Frame::default() });
        return vec![frame.unwrap_or_else(|| unknown(mapping, address))];
    }
    let frame = |place: Place| Frame {
        function: name(place.function).unwrap_or_else(|| unknown(mapping, address).function),
        file: place.file,
        line: place.line,
        module: module.clone(),
    };
    places.into_iter().map(frame).collect()
}

fn unknown(mapping: &Mapping, address: u64) -> Frame {
    let module = mapping.module().to_owned();
    Frame { function: format!("{module}+{address:#x}"), module, ..Frame::default() }
}
