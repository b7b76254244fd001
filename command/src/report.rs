//! A report of dumps for people: one file of HTML that needs no network and no other file.

mod model;

use std::path::Path;

use serde_json::to_string;

use crate::failure::Failure;
use crate::profile::Profile;
use crate::symbols::Frame;

use model::Model;

const PAGE: &str = include_str!("report/page.html");
const STYLE: &str = include_str!("report/page.css");
/// One module, in this order: each uses those before it.
const SCRIPTS: [&str; 11] = [
    include_str!("report/page.js"),
    include_str!("report/data.js"),
    include_str!("report/head.js"),
    include_str!("report/timeline.js"),
    include_str!("report/flame.js"),
    include_str!("report/sites.js"),
    include_str!("report/growth.js"),
    include_str!("report/memory.js"),
    include_str!("report/keepers.js"),
    include_str!("report/heaps.js"),
    include_str!("report/main.js"),
];
const NO_PROGRAM: &str = "Heap";

/// The report of dumps of one process, which may be in any order. `frames` are the calls at a
/// return address of a dump, the innermost first, as [`Symbols::frames`] has them.
///
/// # Errors
/// If there are no dumps.
///
/// [`Symbols::frames`]: crate::symbols::Symbols::frames
pub fn page(
    dumps: &[Profile],
    frames: &mut dyn FnMut(&Profile, u64) -> Vec<Frame>,
    title: Option<&str>,
) -> Result<String, Failure> {
    let Some(first) = dumps.first() else {
        return Err(Failure::new("a report needs a heap profile at least"));
    };
    let program = first.program().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let title = title.map(String::from).or(program).unwrap_or_else(|| String::from(NO_PROGRAM));
    let model = Model::new(dumps, frames, &title);
    let data = to_string(&model).map_err(|error| Failure::new(error.to_string()))?;
    Ok(filled(&[
        ("title", &escaped_text(&title)),
        ("style", STYLE),
        ("data", &escaped_json(&data)),
        ("script", &SCRIPTS.concat()),
    ]))
}

/// The page with its parts in their places. What is in a part is not looked at again.
fn filled(parts: &[(&str, &str)]) -> String {
    let mut pieces = PAGE.split("{{");
    let mut page = String::from(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (name, rest) = piece.split_once("}}").unwrap_or((piece, ""));
        let part = parts.iter().find(|(each, _)| *each == name).map(|(_, part)| *part);
        page.push_str(part.unwrap_or_default());
        page.push_str(rest);
    }
    page
}

/// Text of HTML, or of an attribute.
fn escaped_text(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    escaped.replace('"', "&quot;").replace('\'', "&#39;")
}

/// JSON in an element `script`, whose end and whose comments are found before JSON is read. These
/// characters are in strings alone, where JSON may have them by their number.
fn escaped_json(json: &str) -> String {
    let escaped = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    escaped.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::{PAGE, SCRIPTS, STYLE, escaped_json, escaped_text, filled};

    #[test]
    fn text_has_no_mark_of_html() {
        assert_eq!(escaped_text("<a href=\"&'\">"), "&lt;a href=&quot;&amp;&#39;&quot;&gt;");
    }

    #[test]
    fn json_cannot_end_its_script() {
        assert_eq!(escaped_json("\"</script><!--&\u{2028}\""), "\"\\u003c/script\\u003e\\u003c!--\\u0026\\u2028\"");
    }

    #[test]
    fn parts_are_not_looked_at_again() {
        let page = filled(&[("title", "{{data}}"), ("data", "[]")]);
        assert!(page.contains("<h1>{{data}}</h1>"));
    }

    #[test]
    fn every_place_of_the_page_has_a_part() {
        let places: Vec<&str> =
            PAGE.split("{{").skip(1).filter_map(|piece| piece.split_once("}}")).map(|(name, _)| name).collect();
        assert!(places.iter().all(|place| ["title", "style", "data", "script"].contains(place)), "{places:?}");
    }

    #[test]
    fn the_page_loads_nothing_and_parses_no_text_as_html() {
        let mut sources = SCRIPTS.to_vec();
        sources.extend([PAGE, STYLE]);
        for source in sources {
            let plain = source.replace("http://www.w3.org/2000/svg", "");
            for wrong in
                ["http:", "https:", "//cdn", "@import", "url(", "innerHTML", "insertAdjacentHTML", "document.write", "eval("]
            {
                assert!(!plain.contains(wrong), "{wrong}");
            }
            assert!(!source.contains("</script>") || source == PAGE);
        }
    }
}
