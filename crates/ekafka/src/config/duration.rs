//! Time spans in Go's notation, as the documents' TOML files write them.

use std::time::Duration;

/// Reads `"1m30s"`, `"1.5h"`, `"100ms"`, `"0"`: decimal numbers, each with a unit, added up. Nanoseconds, negative when the
/// text begins with a minus; `None` when it is no time span or does not fit.
pub(super) fn parse_nanos(text: &str) -> Option<i128> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        total = total.checked_add(in_nanos(number, unit)?)?;
        rest = tail;
    }
    (!text.is_empty() && text != "-" && text != "+").then_some(sign * total)
}

/// The shortest of Go's notations that says the same: `"1m30s"`, `"100ms"`, `"0s"`.
pub(super) fn show(span: Duration) -> String {
    let nanos = span.as_nanos();
    if nanos == 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    let mut rest = nanos;
    for (unit, size) in UNITS {
        let count = rest / size;
        if count > 0 {
            out.push_str(&format!("{count}{unit}"));
            rest %= size;
        }
    }
    out
}

fn in_nanos(number: &str, unit: &str) -> Option<i128> {
    let size = match unit {
        "µs" | "μs" => 1_000,
        _ => UNITS.iter().find(|(name, _)| *name == unit)?.1,
    };
    let size = i128::try_from(size).ok()?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || number.len() > 30 {
        return None;
    }
    let whole: i128 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let mut nanos = whole.checked_mul(size)?;
    if !fraction.is_empty() {
        let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        nanos = nanos.checked_add(fraction.parse::<i128>().ok()?.checked_mul(size)? / scale)?;
    }
    Some(nanos)
}

/// Units from the largest, with their nanoseconds.
const UNITS: [(&str, u128); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];
