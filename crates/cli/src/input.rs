//! What `produce` is given: lines, each a value or a key and a value, and pairs from the command line.

#[cfg(test)]
mod tests;

use std::str::FromStr;

/// `key=value` on the command line: a header of every record, a setting of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyValue {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl FromStr for KeyValue {
    type Err = String;

    /// `key=value`; only the first `=` separates.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some(("", _)) => Err("the name is missing before `=`".to_owned()),
            Some((key, value)) => Ok(Self {
                key: key.to_owned(),
                value: value.to_owned(),
            }),
            None => Err("expected key=value".to_owned()),
        }
    }
}

/// Splits a line at the first `delimiter` into key and value. A line without one is a value without a key.
pub(crate) fn key_and_value<'a>(
    line: &'a [u8],
    delimiter: Option<&str>,
) -> (Option<&'a [u8]>, &'a [u8]) {
    let Some(delimiter) = delimiter.map(str::as_bytes).filter(|text| !text.is_empty()) else {
        return (None, line);
    };
    match line
        .windows(delimiter.len())
        .position(|window| window == delimiter)
    {
        Some(at) => {
            let (key, rest) = line.split_at(at);
            (Some(key), rest.get(delimiter.len()..).unwrap_or_default())
        }
        None => (None, line),
    }
}
