//! The functions of a program or library by address. Large programs have a million: their names
//! stay in the files until they are asked for.

use std::cmp::Reverse;
use std::fs::{File, metadata};
use std::os::unix::fs::FileExt;
use std::path::Path;

use object::read::ReadCache;
use object::read::elf::{ElfFile, FileHeader, SectionHeader, Sym, SymbolTable as ElfSymbols};
use object::{Endianness, File as AnyElf, Object, ObjectSymbol, ReadRef, SymbolKind};

/// Symbols may lie in others: of so many before an address, the last one that holds it counts.
const LOOKED_AT: usize = 8;
/// Names are read in pieces of so many bytes.
const PIECE_BYTES: usize = 256;
/// Longer names are cut.
const NAME_BYTES_MAX: usize = 1 << 16;

/// Of one file, or of several that describe the same.
#[derive(Default)]
pub(crate) struct SymbolTable {
    functions: Vec<Function>,
    names: Vec<Names>,
}

struct Function {
    address: u64,
    bytes: u32,
    /// Where its name begins.
    name: u32,
    /// Which of the tables of names has it.
    names: u8,
    is_global: bool,
}

/// A table of names in a file.
struct Names {
    file: File,
    offset: u64,
    bytes: u64,
}

impl SymbolTable {
    /// Of those of the files that there are.
    pub(crate) fn read(paths: &[&Path]) -> SymbolTable {
        let mut table = SymbolTable::default();
        paths.iter().for_each(|path| _ = table.add_file(path));
        table.functions.sort_by_key(|function| (function.address, function.is_global, Reverse(function.names)));
        // A label holds what is up to the next symbol.
        for index in 1..table.functions.len() {
            let next = table.functions[index].address;
            let label = &mut table.functions[index - 1];
            if label.bytes == 0 {
                label.bytes = u32::try_from(next - label.address).unwrap_or(u32::MAX);
            }
        }
        table
    }

    fn add_file(&mut self, path: &Path) -> Option<()> {
        // What is not a file may never end, or wait for ever.
        metadata(path).ok().filter(|metadata| metadata.is_file())?;
        let cache = ReadCache::new(File::open(path).ok()?);
        match AnyElf::parse(&cache).ok()? {
            AnyElf::Elf64(elf) => self.add(path, &elf),
            AnyElf::Elf32(elf) => self.add(path, &elf),
            _ => None,
        }
    }

    fn add<'data, Elf, R>(&mut self, path: &Path, elf: &ElfFile<'data, Elf, R>) -> Option<()>
    where
        Elf: FileHeader<Endian = Endianness>,
        R: ReadRef<'data>,
    {
        let endian = elf.endian();
        for (table, symbols) in [(elf.elf_symbol_table(), elf.symbols()), (elf.elf_dynamic_symbol_table(), elf.dynamic_symbols())]
        {
            let names = u8::try_from(self.names.len()).ok()?;
            let Some(found) = Names::of(path, elf, table) else {
                continue;
            };
            self.names.push(found);
            let functions = symbols.filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition());
            self.functions.extend(functions.map(|symbol| Function {
                address: symbol.address(),
                bytes: u32::try_from(symbol.size()).unwrap_or(u32::MAX),
                name: symbol.elf_symbol().st_name(endian),
                names,
                is_global: symbol.is_global(),
            }));
        }
        self.functions.shrink_to_fit();
        Some(())
    }

    /// The name of the function that an address is in. Of several names, a global one.
    pub(crate) fn name(&self, address: u64) -> Option<String> {
        let after = self.functions.partition_point(|function| function.address <= address);
        let mut before = self.functions[..after].iter().rev().take(LOOKED_AT).filter(|function| function.holds(address));
        let first = before.next()?;
        let same = before.take_while(|other| (other.address, other.is_global) == (first.address, first.is_global));
        [first]
            .into_iter()
            .chain(same)
            .filter_map(|function| self.names.get(usize::from(function.names))?.read(function.name))
            .min()
    }
}

impl Function {
    fn holds(&self, address: u64) -> bool {
        address - self.address < u64::from(self.bytes)
    }
}

impl Names {
    fn of<'data, Elf, R>(path: &Path, elf: &ElfFile<'data, Elf, R>, symbols: &ElfSymbols<'data, Elf, R>) -> Option<Names>
    where
        Elf: FileHeader<Endian = Endianness>,
        R: ReadRef<'data>,
    {
        let section = elf.elf_section_table().section(symbols.string_section()).ok()?;
        let (offset, bytes) = section.file_range(elf.endian())?;
        (!symbols.is_empty()).then_some(())?;
        Some(Names { file: File::open(path).ok()?, offset, bytes })
    }

    fn read(&self, at: u32) -> Option<String> {
        let mut name = Vec::new();
        while name.len() < NAME_BYTES_MAX {
            let from = u64::from(at) + name.len() as u64;
            let left = usize::try_from(self.bytes.checked_sub(from)?).ok()?.min(PIECE_BYTES);
            let mut piece = [0; PIECE_BYTES];
            self.file.read_exact_at(&mut piece[..left], self.offset + from).ok()?;
            match piece[..left].iter().position(|byte| *byte == 0) {
                Some(end) => {
                    name.extend(&piece[..end]);
                    break;
                }
                None if left == 0 => break,
                None => name.extend(&piece[..left]),
            }
        }
        String::from_utf8(name).ok().filter(|name| !name.is_empty())
    }
}
