//! Which functions the header declares: ours. Those that C libraries declare in headers of their own would clash with these.

use std::fs::read_to_string;
use std::path::PathBuf;

const PREFIX: &str = "ta_";
/// Declared nowhere else on Linux.
const ALSO: [&str; 1] = ["malloc_good_size"];

/// The names of all other functions of the face.
pub(crate) fn hidden_functions(files: &[PathBuf]) -> Result<Vec<String>, String> {
    let mut hidden = Vec::new();
    for file in files {
        let text = read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        hidden.extend(names(&text).filter(|name| !name.starts_with(PREFIX) && !ALSO.contains(name)).map(str::to_owned));
        hidden.extend(exported_names(&text).map(str::to_owned));
    }
    Ok(hidden)
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
