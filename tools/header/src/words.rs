//! Names in C, and how long a line may be.

/// The longest line.
pub(crate) const WIDTH: usize = 128;

fn is_part(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character| !is_part(character)).filter(|word| !word.is_empty())
}

/// `TaClassStats` as C would have it: `ta_class_stats`.
pub(crate) fn snake(name: &str) -> String {
    let mut snake = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(character.to_lowercase());
    }
    snake
}

/// Replaces a name, but not where it is part of a longer one.
pub(crate) fn replaced(text: &str, name: &str, by: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(name) {
        out.push_str(before);
        let is_whole = !out.ends_with(is_part) && !after.starts_with(is_part);
        out.push_str(if is_whole { by } else { name });
        rest = after;
    }
    out + rest
}
