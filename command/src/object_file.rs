//! A program or library: its segments, its symbols, and the lines of its source, which may be in a
//! file of their own.

use std::cell::OnceCell;
use std::fs::{File, metadata};
use std::io::{Read, Result as IoResult};
use std::path::{Path, PathBuf};

use addr2line::Loader;
use flate2::Crc;
use object::read::ReadCache;
use object::{File as ElfFile, Object, ObjectSection, ObjectSegment};

use crate::demangle::demangle;
use crate::failure::system_text;
use crate::symbol_table::SymbolTable;

/// What the names of sections with debug information begin with.
const DEBUG_SECTIONS: &[u8] = b".debug_";
/// Files are read in pieces of so many bytes to compute their checksum.
const PIECE_BYTES: usize = 1 << 16;

/// Of the names of debug files.
const DEBUG: &str = ".debug";
/// What is loaded begins with a page of at least so many bytes.
const PAGE_BYTES: u64 = 4096;

type Elf<'data> = ElfFile<'data, &'data ReadCache<File>>;

/// A place in the source; of an inlined function, the one in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub function: Option<String>,
    pub file: Option<String>,
    pub line: Option<u32>,
}

/// What is read from the file when it is opened.
pub(crate) struct ObjectFile {
    path: PathBuf,
    segments: Vec<Segment>,
    /// Whether there is nothing in it but debug information and symbols: its offsets are not those
    /// of the file that is mapped then.
    is_debug_file: bool,
    build_id: Option<String>,
    dwarf: Option<Dwarf>,
    lines: OnceCell<Option<Result<Loader, String>>>,
    symbols: OnceCell<SymbolTable>,
}

/// Part of the file that is loaded.
struct Segment {
    offset: u64,
    bytes: u64,
    address: u64,
    is_executable: bool,
}

/// The file with the debug information, and the one that it shares strings and types with.
struct Dwarf {
    path: PathBuf,
    supplement: Option<PathBuf>,
    bytes: u64,
}

impl ObjectFile {
    /// `folders` are those of separate debug files, like /usr/lib/debug.
    ///
    /// # Errors
    /// If there is no such file, or if it is no ELF file.
    pub(crate) fn open(path: &Path, folders: &[PathBuf]) -> Result<ObjectFile, String> {
        File::open(path).map_err(|error| system_text(&error))?;
        let file = with_elf(path, |elf| ObjectFile {
            path: path.to_owned(),
            segments: elf.segments().map(|segment| Segment::of(&segment)).collect(),
            is_debug_file: false,
            build_id: build_id(elf).map(digits),
            dwarf: dwarf(path, elf, folders),
            lines: OnceCell::new(),
            symbols: OnceCell::new(),
        });
        file.ok_or_else(|| String::from("it is no ELF file"))
    }

    /// How much there is to read before the first line is known.
    pub(crate) fn debug_bytes(&self) -> u64 {
        self.dwarf.as_ref().map_or(0, |dwarf| dwarf.bytes)
    }

    /// What is wrong with the debug information, if it was read.
    pub(crate) fn failure(&self) -> Option<String> {
        let text = self.lines.get()?.as_ref()?.as_ref().err()?;
        Some(format!("has debug information that cannot be read, and its lines are not known: {text}"))
    }

    /// The build of a file, or its debug file, in the folders of debug files.
    pub(crate) fn of_build(build_id: &str, folders: &[PathBuf]) -> Option<ObjectFile> {
        let open = |path: &PathBuf| ObjectFile::open(path, folders).ok().filter(|file| file.build_id() == Some(build_id));
        let whole = build_id_files(build_id, "", folders).iter().find_map(open);
        let debug = || build_id_files(build_id, DEBUG, folders).iter().find_map(open);
        whole.or_else(|| debug().map(|file| ObjectFile { is_debug_file: true, ..file }))
    }

    /// In hexadecimal digits.
    pub(crate) fn build_id(&self) -> Option<&str> {
        self.build_id.as_deref()
    }

    /// The address that the file says of what is at an offset in it, and at a distance from its
    /// beginning in memory.
    pub(crate) fn address_of(&self, offset: u64, distance: u64) -> Option<u64> {
        if self.is_debug_file {
            let first = self.segments.iter().map(|segment| segment.address).min()?;
            return Some((first / PAGE_BYTES * PAGE_BYTES).wrapping_add(distance));
        }
        let holds = |segment: &&Segment| offset.checked_sub(segment.offset).is_some_and(|within| within < segment.bytes);
        // Two segments may share a page: code is in that which may run.
        let mut segments = self.segments.iter().filter(holds);
        let code = segments.clone().find(|segment| segment.is_executable);
        code.or_else(|| segments.next()).map(|segment| (offset - segment.offset).wrapping_add(segment.address))
    }

    /// The places in the source, the innermost first; empty if they are not known.
    pub(crate) fn places(&self, address: u64) -> Vec<Place> {
        let lines = self.lines.get_or_init(|| self.dwarf.as_ref().map(Dwarf::load));
        let lines = lines.as_ref().and_then(|lines| lines.as_ref().ok());
        lines.and_then(|lines| places(lines, address)).unwrap_or_default()
    }

    /// The function, by the symbols.
    pub(crate) fn symbol(&self, address: u64) -> Option<String> {
        self.symbols.get_or_init(|| self.read_symbols()).name(address)
    }

    fn read_symbols(&self) -> SymbolTable {
        let debug = self.dwarf.as_ref().map(|dwarf| dwarf.path.as_path()).filter(|path| *path != self.path);
        SymbolTable::read(&[Some(self.path.as_path()), debug].into_iter().flatten().collect::<Vec<_>>())
    }
}

impl Segment {
    fn of<'data>(segment: &impl ObjectSegment<'data>) -> Segment {
        let (offset, bytes) = segment.file_range();
        Segment { offset, bytes, address: segment.address(), is_executable: segment.permissions().executable() }
    }
}

impl Dwarf {
    fn load(&self) -> Result<Loader, String> {
        Loader::new_with_sup(&self.path, self.supplement.as_ref()).map_err(|error| error.to_string())
    }
}

/// Opens an ELF file; None if it is none.
fn with_elf<T>(path: &Path, read: impl FnOnce(&Elf<'_>) -> T) -> Option<T> {
    // What is not a file may never end, or wait for ever.
    metadata(path).ok().filter(|metadata| metadata.is_file())?;
    let cache = ReadCache::new(File::open(path).ok()?);
    let elf = ElfFile::parse(&cache).ok()?;
    Some(read(&elf))
}

fn places(lines: &Loader, address: u64) -> Option<Vec<Place>> {
    let mut frames = lines.find_frames(address).ok()?;
    let mut places = Vec::new();
    while let Some(frame) = frames.next().ok()? {
        let name = frame.function.as_ref().and_then(|function| function.raw_name().ok());
        let location = frame.location.as_ref();
        places.push(Place {
            function: name.map(|name| demangle(&name)),
            file: location.and_then(|location| location.file).map(String::from),
            line: location.and_then(|location| location.line).filter(|line| *line > 0),
        });
    }
    Some(places)
}

/// Where the debug information is: in the file itself, or in one of its own.
fn dwarf(path: &Path, elf: &Elf<'_>, folders: &[PathBuf]) -> Option<Dwarf> {
    if has_lines(elf) {
        return Some(Dwarf { path: path.to_owned(), supplement: supplement(path, elf, folders), bytes: bytes_of_debug(elf) });
    }
    let by_build_id = build_id(elf).into_iter().flat_map(|id| build_id_files(&digits(id), DEBUG, folders));
    let by_link = elf.gnu_debuglink().ok().flatten().into_iter().flat_map(|(name, sum)| {
        let is_right = move |file: &PathBuf| checksum(file).is_ok_and(|found| found == sum);
        link_files(path, name, folders).into_iter().filter(is_right)
    });
    by_build_id.chain(by_link).find_map(|file| {
        let is_other = |debug: &Elf<'_>| build_id(debug) != build_id(elf);
        let dwarf = |debug: &Elf<'_>| {
            let (path, supplement) = (file.clone(), supplement(&file, debug, folders));
            (!is_other(debug)).then(|| Dwarf { path, supplement, bytes: bytes_of_debug(debug) })
        };
        with_elf(&file, dwarf).flatten()
    })
}

fn bytes_of_debug(elf: &Elf<'_>) -> u64 {
    let is_debug = |name: &[u8]| name.starts_with(DEBUG_SECTIONS);
    elf.sections().filter(|section| section.name_bytes().is_ok_and(is_debug)).map(|section| section.size()).sum()
}

fn has_lines(elf: &Elf<'_>) -> bool {
    elf.section_by_name(".debug_info").is_some_and(|section| section.size() > 0)
}

/// The file with what several debug files share, as dwz(1) makes them.
fn supplement(path: &Path, elf: &Elf<'_>, folders: &[PathBuf]) -> Option<PathBuf> {
    let (name, wanted) = elf.gnu_debugaltlink().ok().flatten()?;
    let beside = path.parent()?.join(String::from_utf8_lossy(name).as_ref());
    let is_it = |file: &PathBuf| with_elf(file, |elf| build_id(elf) == Some(wanted)) == Some(true);
    [beside].into_iter().chain(build_id_files(&digits(wanted), DEBUG, folders)).find(is_it)
}

fn build_id<'data>(elf: &Elf<'data>) -> Option<&'data [u8]> {
    elf.build_id().ok().flatten()
}

fn build_id_files(build_id: &str, suffix: &str, folders: &[PathBuf]) -> Vec<PathBuf> {
    match build_id.split_at_checked(2) {
        Some((first, rest)) if !rest.is_empty() => {
            folders.iter().map(|folder| folder.join(format!(".build-id/{first}/{rest}{suffix}"))).collect()
        }
        _ => Vec::new(),
    }
}

/// In hexadecimal.
fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where gdb(1) looks for the file that a debug link names.
fn link_files(path: &Path, name: &[u8], folders: &[PathBuf]) -> Vec<PathBuf> {
    let name = String::from_utf8_lossy(name).into_owned();
    let Some(folder) = path.parent() else {
        return Vec::new();
    };
    let below = folder.strip_prefix("/").unwrap_or(folder);
    let elsewhere = folders.iter().map(|debug| debug.join(below).join(&name));
    // A link to itself is none.
    [folder.join(&name), folder.join(".debug").join(&name)].into_iter().chain(elsewhere).filter(|file| file != path).collect()
}

fn checksum(path: &Path) -> IoResult<u32> {
    let (mut file, mut sum, mut piece) = (File::open(path)?, Crc::new(), vec![0; PIECE_BYTES]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(sum.sum()),
            bytes => sum.update(&piece[..bytes]),
        }
    }
}
