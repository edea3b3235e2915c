//! How a consumed record is shown: a line of JSON, or a text made from a pattern.

mod json;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::str::FromStr;

use ekafka::Header;

/// A consumed record, as it is shown.
pub(crate) struct Row<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    /// Milliseconds since 1970; -1 when the record has none.
    pub(crate) timestamp: i64,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: &'a [Header<'a>],
}

/// The way records are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RecordFormat {
    /// One JSON object a line.
    Json,
    /// The pattern's pieces in order.
    Pattern(Vec<Piece>),
}

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Topic,
    Partition,
    Offset,
    Timestamp,
    Key,
    Value,
    Headers,
}

impl RecordFormat {
    /// Writes one record.
    pub(crate) fn write(&self, row: &Row<'_>, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Json => json::write(row, out),
            Self::Pattern(pieces) => pieces.iter().try_for_each(|piece| piece.write(row, out)),
        }
    }
}

impl Piece {
    fn write(&self, row: &Row<'_>, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Text(text) => out.write_all(text.as_bytes()),
            Self::Topic => out.write_all(row.topic.as_bytes()),
            Self::Partition => write!(out, "{}", row.partition),
            Self::Offset => write!(out, "{}", row.offset),
            Self::Timestamp => write!(out, "{}", row.timestamp),
            Self::Key => out.write_all(row.key.unwrap_or_default()),
            Self::Value => out.write_all(row.value.unwrap_or_default()),
            Self::Headers => write_headers(row.headers, out),
        }
    }
}

/// `key=value,key=value`.
fn write_headers(headers: &[Header<'_>], out: &mut impl Write) -> io::Result<()> {
    for (index, header) in headers.iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        out.write_all(header.key.as_bytes())?;
        out.write_all(b"=")?;
        out.write_all(header.value.unwrap_or_default())?;
    }
    Ok(())
}

impl FromStr for RecordFormat {
    type Err = String;

    /// `json`, or a pattern with `%t` topic, `%p` partition, `%o` offset, `%T` timestamp, `%k` key, `%v` value,
    /// `%h` headers, `%%`, and the escapes `\n`, `\t`, `\r`, `\0`, `\\`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "json" {
            return Ok(Self::Json);
        }
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text.chars();
        while let Some(character) = rest.next() {
            match character {
                '\\' => plain.push(escaped(rest.next())?),
                '%' => match directive(rest.next())? {
                    Some(piece) => {
                        if !plain.is_empty() {
                            pieces.push(Piece::Text(std::mem::take(&mut plain)));
                        }
                        pieces.push(piece);
                    }
                    None => plain.push('%'),
                },
                _ => plain.push(character),
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self::Pattern(pieces))
    }
}

fn escaped(character: Option<char>) -> Result<char, String> {
    Ok(match character {
        Some('n') => '\n',
        Some('t') => '\t',
        Some('r') => '\r',
        Some('0') => '\0',
        Some('\\') => '\\',
        Some(other) => {
            return Err(format!(
                "unknown escape \\{other}; use \\\\ for a backslash"
            ));
        }
        None => return Err("a backslash ends the format".to_owned()),
    })
}

/// The piece that stands for `%` and this letter; none for `%%`.
fn directive(letter: Option<char>) -> Result<Option<Piece>, String> {
    Ok(Some(match letter {
        Some('%') => return Ok(None),
        Some('t') => Piece::Topic,
        Some('p') => Piece::Partition,
        Some('o') => Piece::Offset,
        Some('T') => Piece::Timestamp,
        Some('k') => Piece::Key,
        Some('v') => Piece::Value,
        Some('h') => Piece::Headers,
        Some(other) => {
            return Err(format!(
                "unknown %{other}; there are %t %p %o %T %k %v %h %%"
            ));
        }
        None => return Err("a percent sign ends the format; use %% for one".to_owned()),
    }))
}
