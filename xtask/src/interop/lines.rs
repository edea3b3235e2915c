//! Comparing what came out with what went in.

use crate::failure::Failure;

/// The same lines in the same order.
pub(super) fn same(expected: &[String], seen: &str) -> Result<String, Failure> {
    compare(expected, &seen.lines().collect::<Vec<_>>())
}

/// The same lines in any order: those of several partitions.
pub(super) fn same_set(expected: &[String], seen: &str) -> Result<String, Failure> {
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    let mut seen: Vec<&str> = seen.lines().collect();
    seen.sort_unstable();
    compare(&expected, &seen)
}

/// A line that holds `text`.
pub(super) fn containing<'a>(text: &str, seen: &'a str) -> Result<&'a str, Failure> {
    seen.lines()
        .find(|line| line.contains(text))
        .ok_or_else(|| Failure::new(format!("expected {text:?}, seen {:?}", seen.trim())))
}

/// Fails unless both are the same.
pub(super) fn equal<T: PartialEq + std::fmt::Display>(
    what: &str,
    expected: T,
    seen: T,
) -> Result<String, Failure> {
    if expected == seen {
        Ok(format!("{what} {seen}"))
    } else {
        Err(Failure::new(format!(
            "expected {what} {expected}, seen {seen}"
        )))
    }
}

fn compare(expected: &[String], seen: &[&str]) -> Result<String, Failure> {
    let differs = expected
        .iter()
        .zip(seen)
        .position(|(expected, seen)| expected != seen);
    if let Some(at) = differs {
        return Err(Failure::new(format!(
            "expected {:?} as line {}, seen {:?} ({} of {} lines)",
            expected.get(at).map_or("", String::as_str),
            at + 1,
            seen.get(at).copied().unwrap_or_default(),
            seen.len(),
            expected.len()
        )));
    }
    equal("lines", expected.len(), seen.len()).map(|_| format!("{} lines, identical", seen.len()))
}
