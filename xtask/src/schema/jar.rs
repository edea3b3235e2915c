//! Reads the schemas out of a jar, which is a zip file of stored and deflated entries.

use std::fs;
use std::io::Read;
use std::path::Path;

use flate2::read::DeflateDecoder;

use crate::failure::Failure;

/// Name and text of every message schema, sorted by name.
pub(super) fn read_schemas(jar: &Path) -> Result<Vec<(String, String)>, Failure> {
    let bytes = fs::read(jar)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", jar.display())))?;
    let mut schemas = entries(&bytes)
        .ok_or_else(|| Failure::new(format!("{} is not a jar", jar.display())))?
        .into_iter()
        .filter(|entry| entry.name.starts_with(FOLDER) && entry.name.ends_with(".json"))
        .map(|entry| Ok((entry.name.clone(), entry.text(&bytes)?)))
        .collect::<Result<Vec<_>, Failure>>()?;
    if schemas.is_empty() {
        return Err(Failure::new(format!(
            "{} holds no message schemas",
            jar.display()
        )));
    }
    schemas.sort();
    Ok(schemas)
}

struct Entry {
    name: String,
    deflated: bool,
    compressed: usize,
    local_header: usize,
}

impl Entry {
    fn text(&self, zip: &[u8]) -> Result<String, Failure> {
        let broken = || Failure::new(format!("{} is damaged in the jar", self.name));
        let name = u16_at(zip, self.local_header + 26).ok_or_else(broken)?;
        let extra = u16_at(zip, self.local_header + 28).ok_or_else(broken)?;
        let start = self.local_header + 30 + name + extra;
        let data = zip.get(start..start + self.compressed).ok_or_else(broken)?;
        let mut text = String::new();
        if self.deflated {
            DeflateDecoder::new(data).read_to_string(&mut text)?;
        } else {
            text.push_str(std::str::from_utf8(data).map_err(|_| broken())?);
        }
        Ok(text)
    }
}

/// The entries of the central directory, which the record at the end of the file points to.
fn entries(zip: &[u8]) -> Option<Vec<Entry>> {
    let end = zip.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let count = u16_at(zip, end + 10)?;
    let mut at = u32_at(zip, end + 16)?;
    (0..count)
        .map(|_| {
            let (name, extra, comment) = (
                u16_at(zip, at + 28)?,
                u16_at(zip, at + 30)?,
                u16_at(zip, at + 32)?,
            );
            let entry = Entry {
                name: String::from_utf8(zip.get(at + 46..at + 46 + name)?.to_vec()).ok()?,
                deflated: u16_at(zip, at + 10)? == 8,
                compressed: u32_at(zip, at + 20)?,
                local_header: u32_at(zip, at + 42)?,
            };
            at += 46 + name + extra + comment;
            Some(entry)
        })
        .collect()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|chunk| u16::from_le_bytes(*chunk).into())
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|chunk| u32::from_le_bytes(*chunk) as usize)
}

/// Where a jar keeps the schemas.
const FOLDER: &str = "common/message/";
