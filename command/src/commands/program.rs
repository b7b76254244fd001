//! Which programs LD_PRELOAD works for.

use std::env::{split_paths, var_os};
use std::ffi::OsStr;
use std::fs::{File, metadata};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use object::elf::{PT_INTERP, PT_LOAD};
use object::read::ReadCache;
use object::read::elf::{ElfFile, FileHeader, ProgramHeader};
use object::{Architecture, Endianness, File as AnyElf, Object, ReadRef};
use rustix::fs::getxattr;

use crate::failure::Failure;

const SET_ID_BITS: u32 = 0o6000;
const EXECUTE_BITS: u32 = 0o111;
const CAPABILITIES: &str = "security.capability";
/// What a script begins with.
const SCRIPT: &[u8] = b"#!";
const FIRST_LINE_MAX: usize = 256;
/// Scripts may have scripts as interpreters, as many as Linux allows.
const SCRIPTS_MAX: usize = 5;
/// The dynamic linker of the GNU C library, on all machines that tinyalloc knows.
const GNU_LINKER: &str = "ld-linux";
const MUSL_LINKER: &str = "ld-musl";

/// Where the program is, as a shell would find it.
///
/// # Errors
/// If it is nowhere.
pub(super) fn find(name: &OsStr) -> Result<PathBuf, Failure> {
    let path = Path::new(name);
    if name.as_bytes().contains(&b'/') {
        return metadata(path).map(|_| path.to_owned()).map_err(|error| Failure::of_system(path, &error));
    }
    let folders = var_os("PATH").unwrap_or_default();
    let mut files = split_paths(&folders).map(|folder| folder.join(path));
    files.find(|file| is_executable(file)).ok_or_else(|| Failure::of(path, "there is no such program in PATH"))
}

fn is_executable(path: &Path) -> bool {
    metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & EXECUTE_BITS != 0)
}

/// Refuses what LD_PRELOAD does not work for.
///
/// # Errors
/// Why it does not.
pub(super) fn check(program: &Path, library: &Path) -> Result<(), Failure> {
    let program = interpreter_of_script(program)?;
    if !is_executable(&program) {
        return Err(Failure::of(&program, "is no program that may be run"));
    }
    check_rights(&program)?;
    let wrong_file = |path: &Path| Failure::of(path, "is neither an ELF file nor a script");
    let traits = traits_of(&program).ok_or_else(|| wrong_file(&program))?;
    let library_traits = traits_of(library).ok_or_else(|| Failure::of(library, "is no library"))?;
    if traits.kind != library_traits.kind {
        let text = format!("is for {}, and {} is for {}", traits.machine(), library.display(), library_traits.machine());
        return Err(Failure::of(&program, text));
    }
    check_linker(&program, traits.linker.as_deref())
}

fn check_rights(program: &Path) -> Result<(), Failure> {
    let mode = metadata(program).map_err(|error| Failure::of_system(program, &error))?.permissions().mode();
    let has_capabilities = getxattr(program, CAPABILITIES, &mut [0_u8; 64]).is_ok_and(|bytes| bytes > 0);
    if mode & SET_ID_BITS != 0 || has_capabilities {
        let text = "runs with more rights than its caller's (set-uid, set-gid or capabilities): LD_PRELOAD is ignored then";
        return Err(Failure::of(program, text));
    }
    Ok(())
}

fn check_linker(program: &Path, linker: Option<&str>) -> Result<(), Failure> {
    let name = linker.and_then(|linker| linker.rsplit('/').next()).unwrap_or_default();
    match linker {
        None => Err(Failure::of(program, "is linked statically: LD_PRELOAD does nothing for it; link it with libtinyalloc.a")),
        Some(linker) if name.starts_with(MUSL_LINKER) => {
            Err(Failure::of(program, format!("is linked with musl ({linker}), and the library needs the GNU C library")))
        }
        Some(linker) if !name.starts_with(GNU_LINKER) => {
            Err(Failure::of(program, format!("is started by {linker}, and the library needs the GNU C library")))
        }
        Some(_) => Ok(()),
    }
}

/// The program that runs a script; the program itself if it is none.
fn interpreter_of_script(program: &Path) -> Result<PathBuf, Failure> {
    let mut program = program.to_owned();
    for _ in 0..SCRIPTS_MAX {
        let Some(line) = first_line(&program)? else {
            return Ok(program);
        };
        let mut words = line.split_whitespace();
        let interpreter = words.next().ok_or_else(|| Failure::of(&program, "is a script that names no interpreter"))?;
        // env(1) looks for the next word that is neither an option nor a variable.
        let is_env = Path::new(interpreter).file_name() == Some(OsStr::new("env"));
        let name = words.find(|word| is_env && !word.starts_with('-') && !word.contains('='));
        program = find(OsStr::new(name.unwrap_or(interpreter)))?;
    }
    Ok(program)
}

/// What is behind the mark of a script; None if it is none.
fn first_line(path: &Path) -> Result<Option<String>, Failure> {
    let failure = |error| Failure::of_system(path, &error);
    if !metadata(path).map_err(failure)?.is_file() {
        return Err(Failure::of(path, "is no file"));
    }
    let mut start = Vec::new();
    File::open(path).map_err(failure)?.take(FIRST_LINE_MAX as u64).read_to_end(&mut start).map_err(failure)?;
    let line = start.strip_prefix(SCRIPT).map(|rest| rest.split(|byte| *byte == b'\n').next().unwrap_or_default());
    Ok(line.map(|line| String::from_utf8_lossy(line).into_owned()))
}

/// What a program and a library must agree on, and what starts the program.
struct Traits {
    kind: (Architecture, bool),
    linker: Option<String>,
}

impl Traits {
    fn machine(&self) -> String {
        let (machine, is_64_bit) = self.kind;
        format!("{machine:?} ({} bits)", if is_64_bit { 64 } else { 32 })
    }
}

/// None if it is no ELF file of a program or library.
fn traits_of(path: &Path) -> Option<Traits> {
    let cache = ReadCache::new(File::open(path).ok()?);
    let elf = AnyElf::parse(&cache).ok()?;
    let linker = match &elf {
        AnyElf::Elf64(elf) => linker(elf)?,
        AnyElf::Elf32(elf) => linker(elf)?,
        _ => return None,
    };
    Some(Traits { kind: (elf.architecture(), elf.is_64()), linker })
}

/// What the file names as its dynamic linker, if it does; None if nothing of it is loaded.
fn linker<'data, Elf, R>(elf: &ElfFile<'data, Elf, R>) -> Option<Option<String>>
where
    Elf: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    let (endian, data) = (elf.endian(), elf.data());
    let headers = elf.elf_program_headers();
    headers.iter().find(|header| header.p_type(endian) == PT_LOAD)?;
    let header = headers.iter().find(|header| header.p_type(endian) == PT_INTERP);
    let bytes = header.and_then(|header| header.data(endian, data).ok());
    Some(bytes.map(|bytes| String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()))
}
