//! What cbindgen has no setting for.

use crate::comments::with_comments;
use crate::words::{WIDTH, replaced, snake, words};

/// Types are C's: `ta_stats`, not `TaStats`, and `ta_heap_t` for an opaque one. Prototypes are on
/// one line where they fit.
pub(crate) fn polish(text: &str) -> String {
    let mut names: Vec<&str> = words(text).filter(|word| is_type(word)).collect();
    names.sort_unstable();
    names.dedup();
    let mut polished = text.to_owned();
    for name in names {
        polished = without_opaque_body(&polished, name);
        let is_whole = polished.contains(&format!("struct {name} {{"));
        polished = if is_whole { with_tag(&polished, name) } else { with_handle(&polished, name) };
    }
    let polished = with_short_prototypes(&polished)
        .replace("// __cplusplus", "/* __cplusplus */")
        .replace("// extern \"C\"", "/* extern \"C\" */");
    with_comments(&polished)
}

/// Words like `TaStats`.
fn is_type(word: &str) -> bool {
    word.strip_prefix("Ta").is_some_and(|rest| rest.starts_with(char::is_uppercase))
}

/// Rust says that C does not know what is inside with an empty field, C with no fields at all.
fn without_opaque_body(text: &str, name: &str) -> String {
    text.replace(&format!("struct {name} {{\n    uint8_t _opaque[0];\n}};\n"), &format!("struct {name};\n"))
}

/// A struct with a body keeps its tag, which a function may share, and gets a handle besides:
/// `struct ta_stats` is `ta_stats_t`.
fn with_tag(text: &str, name: &str) -> String {
    let tag = snake(name);
    let Some((before, body)) = text.split_once(&format!("struct {name} {{")) else {
        return text.to_owned();
    };
    let body = body.replacen("\n};\n", &format!("\n}};\ntypedef struct {tag} {tag}_t;\n"), 1);
    replaced(&format!("{before}struct {name} {{{body}"), name, &tag)
}

/// A struct without a body gets a name of its own, and a function pointer has nothing else:
/// `ta_heap_t`.
fn with_handle(text: &str, name: &str) -> String {
    let tag = snake(name);
    let handle = format!("{tag}_t");
    let text = text.replace(&format!("struct {name};\n"), &format!("typedef struct {tag} {handle};\n"));
    replaced(&text.replace(&format!("struct {name} "), &format!("{name} ")), name, &handle)
}

fn with_short_prototypes(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut is_open = false;
    for line in text.lines() {
        let continued = lines.last().filter(|_| is_open).map(|open| format!("{open} {}", line.trim_start()));
        match (continued.filter(|joined| joined.len() <= WIDTH), lines.last_mut()) {
            (Some(joined), Some(last)) => *last = joined,
            _ => lines.push(line.to_owned()),
        }
        is_open = line.ends_with(',') && (is_open || line.contains('('));
    }
    lines.dedup_by(|line, before| line.is_empty() && before.is_empty());
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::polish;

    #[test]
    fn an_opaque_struct_gets_a_handle_and_a_whole_one_a_tag() {
        let heap = "struct TaHeap {\n    uint8_t _opaque[0];\n};\nvoid *ta_heap_malloc(struct TaHeap *heap,\n                     size_t bytes);\n";
        assert_eq!(polish(heap), "typedef struct ta_heap ta_heap_t;\nvoid *ta_heap_malloc(ta_heap_t *heap, size_t bytes);\n");
        assert_eq!(polish("struct TaHeap;\n"), "typedef struct ta_heap ta_heap_t;\n");
        let stats = "struct TaStats {\n    size_t bytes;\n};\nint ta_stats(struct TaStats *out);\n";
        let tagged = "struct ta_stats {\n    size_t bytes;\n};\ntypedef struct ta_stats ta_stats_t;\nint ta_stats(struct ta_stats *out);\n";
        assert_eq!(polish(stats), tagged);
    }

    #[test]
    fn comments_lose_rusts_headings() {
        let text = "/*\n Frees.\n\n # Safety\n `heap` is live.\n */\nvoid f(void);\n/*\n One line.\n */\nint x;\n";
        assert_eq!(polish(text), "/* Frees.\n *\n * `heap` is live.\n */\nvoid f(void);\n/* One line. */\nint x;\n");
    }
}
