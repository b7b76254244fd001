//! Addresses of code as functions, files and lines, read from the files that were mapped.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::metadata;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::demangle::demangle;
use crate::mapping::Mapping;
use crate::object_file::{ObjectFile, Place};
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
    folders: Vec<PathBuf>,
    files: HashMap<Module, Option<ObjectFile>>,
    frames: HashMap<(Module, u64), Vec<Frame>>,
    newer: BTreeSet<PathBuf>,
    others: BTreeMap<PathBuf, OtherBuild>,
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
        Symbols { folders, files: HashMap::new(), frames: HashMap::new(), newer: BTreeSet::new(), others: BTreeMap::new() }
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
        let Some(module) = module(mapping) else {
            return unknown();
        };
        let key = (module, offset);
        if let Some(frames) = self.frames.get(&key) {
            return frames.clone();
        }
        self.note_if_newer(&key.0, profile);
        let file = self.file(&key.0);
        let address = file.and_then(|file| Some((file, file.address_of(offset, distance)?)));
        let frames = address.map_or_else(unknown, |(file, address)| frames(file, mapping, address));
        self.frames.insert(key, frames.clone());
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
        mapping.build_id.clone().or_else(|| self.file(&module)?.build_id().map(String::from))
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

    fn note_if_newer(&mut self, module: &Module, profile: &Profile) {
        let changed = metadata(&module.path).and_then(|metadata| metadata.modified()).ok();
        let is_newer = profile.modified.is_some_and(|written| changed.is_some_and(|changed| changed > written));
        if is_newer && module.build_id.is_none() {
            self.newer.insert(module.path.clone());
        }
    }

    fn file(&mut self, module: &Module) -> Option<&ObjectFile> {
        if !self.files.contains_key(module) {
            let file = self.open(module);
            self.files.insert(module.clone(), file);
        }
        self.files.get(module)?.as_ref()
    }

    fn open(&mut self, module: &Module) -> Option<ObjectFile> {
        let there = ObjectFile::open(&module.path, &self.folders);
        let Some(wanted) = module.build_id.as_deref() else {
            return there;
        };
        let found = there.as_ref().and_then(|file| file.build_id()).map(String::from);
        if found.as_deref() == Some(wanted) {
            return there;
        }
        let kept = ObjectFile::of_build(wanted, &self.folders);
        if kept.is_none() && there.is_some() {
            self.others.insert(module.path.clone(), OtherBuild { wanted: String::from(wanted), found });
        }
        kept
    }
}

/// None for memory that is no file, and for a file that is gone if nothing tells what it was.
fn module(mapping: &Mapping) -> Option<Module> {
    let path = mapping.file().filter(|_| !mapping.is_deleted || mapping.build_id.is_some())?;
    Some(Module { path: path.to_owned(), build_id: mapping.build_id.clone() })
}

fn frames(file: &ObjectFile, mapping: &Mapping, address: u64) -> Vec<Frame> {
    let places = file.places(address);
    let symbol = || file.symbol(address).map(demangle);
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
