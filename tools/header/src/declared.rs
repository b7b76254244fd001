//! Which functions the header declares: ours. Those that C libraries declare in headers of their
//! own would clash with these.

use std::fs::read_to_string;
use std::path::PathBuf;

const PREFIX: &str = "ta_";
/// Declared nowhere else on Linux.
const ALSO: [&str; 1] = ["malloc_good_size"];

/// Whether the header declares the function.
pub(crate) fn is_shown(name: &str) -> bool {
    name.starts_with(PREFIX) || ALSO.contains(&name)
}

/// The names of all functions of the API.
pub(crate) fn functions(files: &[PathBuf]) -> Result<Vec<String>, String> {
    let mut functions = Vec::new();
    for file in files {
        let text = read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        functions.extend(names(&text).chain(exported_names(&text)).map(str::to_owned));
    }
    Ok(functions)
}

/// What follows `fn`.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split("fn ")
        .skip(1)
        .filter_map(|rest| rest.split(|character: char| !character.is_alphanumeric() && character != '_').next())
}

/// What follows `export_name =`.
fn exported_names(text: &str) -> impl Iterator<Item = &str> {
    text.split("export_name = \"").skip(1).filter_map(|rest| rest.split('"').next())
}
