//! The allocator of a Rust program keeps its secret on a page that no code can write to afterwards.

#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_types, reason = "not the core: it tests it")]

use std::alloc::{GlobalAlloc, Layout};
use std::env::current_exe;
use std::fs::{File, read_to_string};
use std::os::unix::fs::FileExt;

use libc::{_SC_PAGESIZE, sysconf};
use tinyalloc::TinyAlloc;

#[global_allocator]
static GLOBAL: TinyAlloc = TinyAlloc;

const PAGE_BYTES: usize = 4096;
const WORD_BYTES: usize = size_of::<usize>();

/// The memory of this process, as the kernel reads it.
struct Memory(File);

impl Memory {
    fn new() -> Memory {
        Memory(File::open("/proc/self/mem").expect("a process can read its memory"))
    }

    fn words(&self, address: usize, bytes: usize) -> Vec<usize> {
        let mut read = vec![0; bytes];
        self.0.read_exact_at(&mut read, address as u64).expect("it is mapped");
        read.chunks_exact(WORD_BYTES).map(|word| usize::from_ne_bytes(word.try_into().expect("a word"))).collect()
    }
}

/// The two words of a free slot and its address add up to it.
fn secret_of_seals(memory: &Memory) -> usize {
    let layout = Layout::new::<[usize; 8]>();
    // SAFETY: the layout is not empty.
    let block = unsafe { GLOBAL.alloc(layout) };
    // SAFETY: the block was just made.
    unsafe { GLOBAL.dealloc(block, layout) };
    memory.words(block.addr(), 2 * WORD_BYTES).into_iter().fold(block.addr(), usize::wrapping_add)
}

/// The access rights of those of the program's own pages that hold a word.
fn rights_of(word: usize, memory: &Memory) -> Vec<String> {
    let program = current_exe().expect("a program has a file");
    let maps = read_to_string("/proc/self/maps").expect("a process can read its mappings");
    let own = maps.lines().filter(|line| line.ends_with(program.to_str().expect("a path in UTF-8")));
    let mut found = Vec::new();
    for line in own {
        let (bounds, rest) = line.split_once(' ').expect("bounds come first");
        let (start, end) = bounds.split_once('-').expect("a start and an end");
        let [start, end] = [start, end].map(|bound| usize::from_str_radix(bound, 16).expect("a number"));
        let rights = rest.split(' ').next().expect("rights follow");
        let holds = |page: &usize| memory.words(*page, PAGE_BYTES).contains(&word);
        found.extend((start..end).step_by(PAGE_BYTES).filter(holds).map(|_| rights.to_owned()));
    }
    found
}

#[test]
fn the_secret_lies_on_one_page_of_the_program_which_is_read_only() {
    let memory = Memory::new();
    let secret = secret_of_seals(&memory);
    let rights = rights_of(secret, &memory);
    // There is other data on larger pages.
    assert_eq!(rights, if system_page_bytes() == PAGE_BYTES { ["r--p"] } else { ["rw-p"] });
}

fn system_page_bytes() -> usize {
    // SAFETY: sysconf takes any number.
    usize::try_from(unsafe { sysconf(_SC_PAGESIZE) }).expect("a system has pages")
}
