//! Schemas are JSON with comments that begin with `//`.

use serde_json::Value;

/// Parses a schema.
pub(super) fn parse(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(&without_comments(text))
}

fn without_comments(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| line.get(..comment_start(line)).unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

/// Where the line's comment begins; its end if it has none. Strings may hold slashes.
fn comment_start(line: &str) -> usize {
    let mut in_string = false;
    let mut previous = '\0';
    for (at, character) in line.char_indices() {
        match character {
            '"' if previous != '\\' => in_string = !in_string,
            '/' if previous == '/' && !in_string => return at - 1,
            _ => {}
        }
        previous = character;
    }
    line.len()
}
