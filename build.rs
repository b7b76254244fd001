//! Link arguments of the shared library. A build without the C API, as every Rust dependent has,
//! gets none.

use std::env::var_os;
use std::ffi::{OsStr, OsString};
use std::fs::write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::str::from_utf8;

/// What the shared library needs, whatever the linker.
///
/// Unloading would leave thread exit and fork handlers behind that are no longer there
/// (`nodelete`); binding at start keeps the dynamic linker, and its stack use, out of the first
/// call to each function (`now`). Fork handlers must be registered before anybody else's
/// (`initfirst`): theirs then run while ours hold no lock. What we call of our own is ours
/// (`Bsymbolic-functions`): a program's malloc may end in our `__libc_malloc`, which must not come
/// back to it. C++'s operators are the exception, for programs replace them one by one
/// (`replaced.rs`).
///
/// Every process pays for each page and each symbol (docs/decisions/0035-one-window-of-text.md).
/// What the compiler adds to start and end a library is left out (`nostartfiles`): the loader runs
/// our arrays of functions without it.
const ARGUMENTS: [&str; 8] = [
    "-Wl,-Bsymbolic-functions",
    "-Wl,--export-dynamic-symbol=_Z[nd][wal]*",
    "-Wl,-z,now",
    "-Wl,-z,nodelete",
    "-Wl,-z,initfirst",
    "-Wl,-z,relro",
    "-Wl,--as-needed",
    "-nostartfiles",
];

const SONAME: &str = "-Wl,-soname,libtinyalloc.so.0";

/// A program may define these variables of jemalloc's.
const ARGUMENTS_WITH_JEMALLOC: [&str; 3] = [
    "-Wl,-soname,libtinyalloc-jemalloc.so.0",
    "-Wl,--export-dynamic-symbol=malloc_conf",
    "-Wl,--export-dynamic-symbol=malloc_message",
];

/// The C runtime, and what the compiler adds to it: without the standard library nothing else names
/// them.
const ARGUMENTS_OF_WINDOWS: [&str; 4] = ["-lmingw32", "-lmingwex", "-lmsvcrt", "-lkernel32"];

/// Code ends where a page does, so that what the loader relocates has a page of its own. Where
/// pages may have 64 KiB, it has one anyway: then read-only data and code are one mapping without
/// `layout.ld`, and the file is 64 KiB smaller.
const SMALL_PAGES: &str = "-Wl,-z,separate-code";
const PAGES_OF_MANY_SIZES: &str = "-Wl,-z,noseparate-code";

/// A library with what layout.ld names, to put questions to the linker.
const SMALL: &str = "#![no_std]
use core::sync::atomic::AtomicU16;
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
#[unsafe(no_mangle)]
pub extern \"C\" fn nothing() {}
#[used]
#[unsafe(link_section = \".tinyalloc_rare\")]
static NUMBER: AtomicU16 = AtomicU16::new(0);
";

/// `1.N`: from here on inline assembly may jump to a label of Rust.
const MINOR_WITH_ASM_LABELS: u32 = 87;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=layout.ld");
    println!("cargo::rerun-if-changed=layout-gnu.ld");
    println!("cargo::rustc-check-cfg=cfg(asm_labels)");
    if compiler_minor().is_some_and(|minor| minor >= MINOR_WITH_ASM_LABELS) {
        println!("cargo::rustc-cfg=asm_labels");
    }
    if var_os("CARGO_FEATURE_C_ABI").is_none() {
        return;
    }
    if var_os("CARGO_CFG_TARGET_OS").is_some_and(|name| name == "windows") {
        for argument in ARGUMENTS_OF_WINDOWS {
            println!("cargo::rustc-link-arg={argument}");
        }
        return;
    }
    let has_small_pages = var_os("CARGO_CFG_TARGET_ARCH").is_some_and(|name| name == "x86_64");
    let has_jemalloc = var_os("CARGO_FEATURE_JEMALLOC").is_some();
    let named: &[&str] = if has_jemalloc { &ARGUMENTS_WITH_JEMALLOC } else { &[SONAME] };
    let pages = if has_small_pages { SMALL_PAGES } else { PAGES_OF_MANY_SIZES };
    for argument in ARGUMENTS.iter().chain(named).chain([&pages]) {
        println!("cargo::rustc-link-arg={argument}");
    }
    let layout = [OsString::from("-Wl,--no-rosegment"), script("layout.ld")];
    // The GNU linker takes this one alone.
    let layout_gnu = [script("layout-gnu.ld")];
    let layouts: [&[OsString]; 2] = [&layout, &layout_gnu];
    if let Some(layout) = layouts.iter().find(|layout| links_with(layout).unwrap_or(false)) {
        for argument in *layout {
            println!("cargo::rustc-link-arg={}", argument.to_string_lossy());
        }
    }
}

/// The argument that gives the linker this file of ours.
fn script(name: &str) -> OsString {
    let folder = PathBuf::from(var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    with("-Wl,-T,", folder.join(name).as_os_str())
}

/// N of a compiler 1.N. `None`, and nothing newer than the oldest that is promised is used, if it
/// does not say so.
fn compiler_minor() -> Option<u32> {
    let said = Command::new(var_os("RUSTC")?).arg("--version").output().ok()?;
    let version = from_utf8(&said.stdout).ok()?.split(' ').nth(1)?;
    version.strip_prefix("1.")?.split('.').next()?.parse().ok()
}

/// Whether the linker that cargo will use takes these arguments.
fn links_with(arguments: &[OsString]) -> Option<bool> {
    let folder = PathBuf::from(var_os("OUT_DIR")?);
    let source = folder.join("small.rs");
    write(&source, SMALL).ok()?;
    let mut rustc = Command::new(var_os("RUSTC")?);
    rustc
        .args(["--crate-type=cdylib", "--edition=2024", "-Cpanic=abort", "-Clink-arg=-nostartfiles", "--target"])
        .arg(var_os("TARGET")?);
    if let Some(linker) = var_os("RUSTC_LINKER") {
        rustc.arg(with("-Clinker=", &linker));
    }
    if let Some(flags) = var_os("CARGO_ENCODED_RUSTFLAGS") {
        rustc.args(flags.to_str()?.split('\x1f').filter(|flag| !flag.is_empty()));
    }
    rustc.args(arguments.iter().map(|argument| with("-Clink-arg=", argument)));
    let status = rustc.arg("-o").arg(folder.join("small.so")).arg(source).stderr(Stdio::null()).status();
    status.ok().map(|status| status.success())
}

fn with(option: &str, value: &OsStr) -> OsString {
    let mut argument = OsString::from(option);
    argument.push(value);
    argument
}
