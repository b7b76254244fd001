//! Link arguments of the shared library. A build without the C API, as every Rust dependent has,
//! gets none.

use std::env::var_os;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if var_os("CARGO_FEATURE_C_ABI").is_none() {
        return;
    }
    // Unloading would leave thread exit and fork handlers behind that are no longer there
    // (`nodelete`); binding at start keeps the dynamic linker, and its stack use, out of the first
    // call to each function (`now`). Fork handlers must be registered before anybody else's
    // (`initfirst`): theirs then run while ours hold no lock. What we call of our own is ours
    // (`Bsymbolic-functions`): a program's malloc may end in our `__libc_malloc`, which must not
    // come back to it. C++'s operators are the exception, for programs replace them one by one
    // (`replaced.rs`).
    for argument in [
        "-Wl,-soname,libtinyalloc.so.0",
        "-Wl,-Bsymbolic-functions",
        "-Wl,--export-dynamic-symbol=_Z[nd][wal]*",
        "-Wl,-z,now",
        "-Wl,-z,nodelete",
        "-Wl,-z,initfirst",
        "-Wl,-z,relro",
        "-Wl,--as-needed",
    ] {
        println!("cargo::rustc-link-arg={argument}");
    }
}
