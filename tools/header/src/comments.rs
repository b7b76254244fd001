//! Comments as C programmers write them, without Rust's headings: what is under `# Safety` is as
//! true for C.

use crate::words::WIDTH;

/// Lays out every comment that is alone on its lines: `/*`, its lines, `*/`.
pub(crate) fn with_comments(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "/*" {
            let indent = &line[..line.len() - line.trim_start().len()];
            let body: Vec<&str> = lines.by_ref().map(str::trim).take_while(|line| *line != "*/").collect();
            out.push_str(&laid_out(indent, &without_headings(&body)));
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

fn without_headings<'text>(body: &[&'text str]) -> Vec<&'text str> {
    let mut kept: Vec<&str> = Vec::new();
    for line in body.iter().filter(|line| !line.starts_with("# ")) {
        if !line.is_empty() || kept.last().is_some_and(|before| !before.is_empty()) {
            kept.push(line);
        }
    }
    while kept.last().is_some_and(|line| line.is_empty()) {
        kept.pop();
    }
    kept
}

fn laid_out(indent: &str, body: &[&str]) -> String {
    match body {
        [line] if indent.len() + line.len() + 6 <= WIDTH => return format!("{indent}/* {line} */\n"),
        _ => {}
    }
    let lines = body.iter().enumerate().map(|(place, line)| {
        let start = if place == 0 { "/*" } else { " *" };
        format!("{indent}{}\n", format!("{start} {line}").trim_end())
    });
    lines.collect::<String>() + indent + " */\n"
}
