//! The C header, generated from the sources of the C API: what is public there under a `ta_` name,
//! and `malloc_good_size`.
#![allow(clippy::disallowed_types, reason = "a tool may allocate")]

mod declared;
mod head;
mod sources;
mod words;

mod comments;
mod polish;

use std::path::Path;

use cbindgen::{Builder, Config, DocumentationStyle, EnumConfig, ExportConfig, ItemType, Language, LineEndingStyle, Style};

use declared::{functions, is_shown};
use head::{after_includes, banner};
use polish::polish;
use sources::{api_files, declaring_files};

/// The header's path in the project.
pub const HEADER: &str = "include/tinyalloc.h";

/// The header that the sources of the project at `root` make.
///
/// # Errors
/// What could not be read or parsed.
pub fn header(root: &Path) -> Result<String, String> {
    let functions = functions(&api_files(root)?)?;
    let (shown, hidden): (Vec<String>, Vec<String>) = functions.into_iter().partition(|name| is_shown(name));
    let mut builder = Builder::new().with_config(config(hidden));
    for file in declaring_files(root) {
        builder = builder.with_src(file);
    }
    let bindings = builder.generate().map_err(|error| error.to_string())?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    let text = String::from_utf8(text).map_err(|error| error.to_string())?;
    match shown.iter().find(|name| !text.contains(&format!("{name}("))) {
        Some(missing) => Err(format!("{missing} is in none of the files that the header is made of")),
        None => Ok(polish(&text)),
    }
}

fn config(hidden: Vec<String>) -> Config {
    Config {
        language: Language::C,
        style: Style::Tag,
        cpp_compat: true,
        header: Some(banner()),
        include_guard: Some("TINYALLOC_H".into()),
        no_includes: true,
        sys_includes: vec!["stddef.h".into()],
        after_includes: Some(after_includes()),
        defines: [("windows".to_owned(), "_WIN32".to_owned())].into(),
        usize_is_size_t: true,
        documentation_style: DocumentationStyle::C,
        line_length: 120,
        tab_width: 4,
        line_endings: LineEndingStyle::LF,
        enumeration: EnumConfig { prefix_with_name: true, ..EnumConfig::default() },
        export: ExportConfig {
            exclude: hidden,
            item_types: vec![
                ItemType::Constants,
                ItemType::Enums,
                ItemType::Structs,
                ItemType::Unions,
                ItemType::Typedefs,
                ItemType::OpaqueItems,
                ItemType::Functions,
            ],
            ..ExportConfig::default()
        },
        ..Config::default()
    }
}
