//! A program or library: its segments, its symbols, and the lines of its source, which may be in a
//! file of their own.

use std::cell::OnceCell;
use std::fs::{File, metadata, read};
use std::path::{Path, PathBuf};

use addr2line::Loader;
use flate2::Crc;
use object::read::ReadCache;
use object::{File as ElfFile, Object, ObjectSection, ObjectSegment, ObjectSymbol, SymbolKind};

use crate::demangle::demangle;

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
    lines: OnceCell<Option<Loader>>,
    symbols: OnceCell<Vec<Symbol>>,
}

/// Part of the file that is loaded.
struct Segment {
    offset: u64,
    bytes: u64,
    address: u64,
    is_executable: bool,
}

struct Symbol {
    address: u64,
    bytes: u64,
    is_global: bool,
    name: String,
}

/// The file with the debug information, and the one that it shares strings and types with.
struct Dwarf {
    path: PathBuf,
    supplement: Option<PathBuf>,
}

impl ObjectFile {
    /// None if there is no such file, or if it is no ELF file. `folders` are those of separate
    /// debug files, like /usr/lib/debug.
    pub(crate) fn open(path: &Path, folders: &[PathBuf]) -> Option<ObjectFile> {
        with_elf(path, |elf| ObjectFile {
            path: path.to_owned(),
            segments: elf.segments().map(|segment| Segment::of(&segment)).collect(),
            is_debug_file: false,
            build_id: build_id(elf).map(digits),
            dwarf: dwarf(path, elf, folders),
            lines: OnceCell::new(),
            symbols: OnceCell::new(),
        })
    }

    /// The build of a file, or its debug file, in the folders of debug files.
    pub(crate) fn of_build(build_id: &str, folders: &[PathBuf]) -> Option<ObjectFile> {
        let open = |path: &PathBuf| ObjectFile::open(path, folders).filter(|file| file.build_id() == Some(build_id));
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
        let lines = self.lines.get_or_init(|| self.dwarf.as_ref().and_then(Dwarf::load));
        lines.as_ref().and_then(|lines| places(lines, address)).unwrap_or_default()
    }

    /// The function, by the symbols.
    pub(crate) fn symbol(&self, address: u64) -> Option<&str> {
        let symbols = self.symbols.get_or_init(|| self.read_symbols());
        let after = symbols.partition_point(|symbol| symbol.address <= address);
        // Symbols may lie in others: of the few before the address, the last one that holds it.
        let before = symbols[..after].iter().rev().take(8);
        before.into_iter().find(|symbol| symbol.holds(address)).map(|symbol| symbol.name.as_str())
    }

    fn read_symbols(&self) -> Vec<Symbol> {
        let debug = self.dwarf.as_ref().map(|dwarf| &dwarf.path).filter(|path| **path != self.path);
        let files = [Some(&self.path), debug];
        let mut symbols: Vec<Symbol> = files.into_iter().flatten().filter_map(|path| with_elf(path, symbols)).flatten().collect();
        symbols.sort_by(|one, other| (one.address, one.is_global, &other.name).cmp(&(other.address, other.is_global, &one.name)));
        // A label holds what is up to the next symbol.
        for index in 1..symbols.len() {
            let next = symbols[index].address;
            let label = &mut symbols[index - 1];
            if label.bytes == 0 {
                label.bytes = next - label.address;
            }
        }
        symbols
    }
}

impl Segment {
    fn of<'data>(segment: &impl ObjectSegment<'data>) -> Segment {
        let (offset, bytes) = segment.file_range();
        Segment { offset, bytes, address: segment.address(), is_executable: segment.permissions().executable() }
    }
}

impl Symbol {
    fn holds(&self, address: u64) -> bool {
        address - self.address < self.bytes
    }
}

impl Dwarf {
    fn load(&self) -> Option<Loader> {
        Loader::new_with_sup(&self.path, self.supplement.as_ref()).ok()
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

fn symbols(elf: &Elf<'_>) -> Vec<Symbol> {
    let all = elf.symbols().chain(elf.dynamic_symbols());
    let functions = all.filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition());
    functions
        .filter_map(|symbol| {
            let name = symbol.name().ok().filter(|name| !name.is_empty())?.to_owned();
            Some(Symbol { address: symbol.address(), bytes: symbol.size(), is_global: symbol.is_global(), name })
        })
        .collect()
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
        return Some(Dwarf { path: path.to_owned(), supplement: supplement(path, elf, folders) });
    }
    let by_build_id = build_id(elf).into_iter().flat_map(|id| build_id_files(&digits(id), DEBUG, folders));
    let by_link = elf.gnu_debuglink().ok().flatten().into_iter().flat_map(|(name, sum)| {
        let is_right = move |file: &PathBuf| read(file).is_ok_and(|bytes| checksum(&bytes) == sum);
        link_files(path, name, folders).into_iter().filter(is_right)
    });
    by_build_id.chain(by_link).find_map(|file| {
        let is_other = |debug: &Elf<'_>| build_id(debug) != build_id(elf);
        with_elf(&file, |debug| (!is_other(debug)).then(|| supplement(&file, debug, folders)))
            .flatten()
            .map(|supplement| Dwarf { path: file.clone(), supplement })
    })
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

fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = Crc::new();
    sum.update(bytes);
    sum.sum()
}
