//! The header that is checked in is the one that the sources make.

use std::fs::read_to_string;
use std::path::Path;

use tinyalloc_header::{HEADER, header};

#[test]
fn the_header_is_what_the_sources_make() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let made = header(&root).expect("the sources can be parsed");
    let kept = read_to_string(root.join(HEADER)).expect("the header is there");
    assert!(made == kept, "{HEADER} is not up to date: run `make header`");
}
