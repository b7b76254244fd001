//! Heap names in a report: characters with a meaning in the format are escaped, and characters that
//! no format can hold become `?`.

use core::fmt::{Display, Formatter, Result as FmtResult, Write};

/// A name between double quotes, in JSON and in Prometheus text.
pub(super) struct Quoted<'name>(&'name str);

/// A name in an attribute of XML.
pub(super) struct Attribute<'name>(&'name str);

impl<'name> Quoted<'name> {
    pub(super) fn new(name: &'name str) -> Quoted<'name> {
        Quoted(name)
    }
}

impl<'name> Attribute<'name> {
    pub(super) fn new(name: &'name str) -> Attribute<'name> {
        Attribute(name)
    }
}

impl Display for Quoted<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        write_escaped(out, self.0, |character| match character {
            '"' => Some("\\\""),
            '\\' => Some("\\\\"),
            _ => None,
        })
    }
}

impl Display for Attribute<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        write_escaped(out, self.0, |character| match character {
            '"' => Some("&quot;"),
            '&' => Some("&amp;"),
            '<' => Some("&lt;"),
            '>' => Some("&gt;"),
            _ => None,
        })
    }
}

#[inline(never)]
fn write_escaped(out: &mut Formatter<'_>, name: &str, escaped: fn(char) -> Option<&'static str>) -> FmtResult {
    for character in name.chars() {
        match escaped(character) {
            Some(text) => out.write_str(text)?,
            None if matches!(character, '\0'..' ' | '\u{7f}' | '\u{fffe}' | '\u{ffff}') => out.write_char('?')?,
            None => out.write_char(character)?,
        }
    }
    Ok(())
}
