//! From schemas to the table: which fields there are in which versions, and what they take.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::failure::Failure;

/// The text of the generated file.
pub(super) fn table(schemas: &[Value]) -> Result<String, Failure> {
    let mut messages = Vec::new();
    let mut structures = Vec::new();
    let mut spoken: Vec<&Value> = schemas.iter().filter(|schema| is_spoken(schema)).collect();
    spoken.sort_by_key(|schema| (schema["apiKey"].as_i64(), schema["type"] == "response"));
    for schema in spoken {
        let mut message = Message::new(schema)?;
        let root = message.structure(&schema["fields"], &mut structures)?;
        let (first, last) = message.versions;
        let flexible = message.first_flexible;
        let flexible = flexible.map_or_else(|| "i16::MAX".to_owned(), |first| first.to_string());
        let direction = text(&schema["type"])?;
        let (api, name) = (&schema["apiKey"], text(&schema["name"])?);
        messages.push(format!(
            "    {direction}({api}, {first}, {last}, {flexible}, {root}), // {name}\n"
        ));
    }
    let mut body = String::from("\nuse super::table::*;\n\n");
    body.push_str("pub(super) static MESSAGES: &[Layout] = &[\n");
    body.extend(messages);
    body.push_str("];\n\npub(super) static STRUCTURES: &[Structure] = &[\n");
    body.extend(structures);
    body.push_str("];\n");
    let all: String = schemas.iter().map(Value::to_string).collect();
    Ok(format!(
        "//! Written by `cargo xtask schema` from the schemas of Kafka; not to be edited.\n\
         //! schemas {:016x}\n//! table {:016x}\n{body}",
        fnv(all.as_bytes()),
        fnv(body.as_bytes()),
    ))
}

/// Whether it is a request or response that some version of still exists.
fn is_spoken(schema: &Value) -> bool {
    (schema["type"] == "request" || schema["type"] == "response")
        && schema["apiKey"].is_i64()
        && schema["validVersions"] != "none"
}

struct Message<'a> {
    name: &'a str,
    versions: (i64, i64),
    first_flexible: Option<i64>,
    /// Structures that are named apart from the fields that use them.
    common: HashMap<&'a str, &'a Value>,
}

/// A field as it goes into the table.
struct Field {
    kind: &'static str,
    /// Size or index, as the kind needs one.
    argument: Option<usize>,
    versions: (i64, i64),
    tag: Option<i64>,
    memory: usize,
}

impl<'a> Message<'a> {
    fn new(schema: &'a Value) -> Result<Self, Failure> {
        let common = schema["commonStructs"].as_array().into_iter().flatten();
        let common = common.map(|structure| Ok((text(&structure["name"])?, &structure["fields"])));
        let versions = range(&schema["validVersions"])?
            .ok_or_else(|| Failure::new("a message without versions"))?;
        let flexible = range(&schema["flexibleVersions"])?;
        Ok(Self {
            name: text(&schema["name"])?,
            versions,
            first_flexible: flexible.map(|(first, _)| first.max(versions.0)),
            common: common.collect::<Result<_, Failure>>()?,
        })
    }

    /// Appends the structure, behind those it refers to; returns its index.
    fn structure(
        &mut self,
        fields: &'a Value,
        structures: &mut Vec<String>,
    ) -> Result<usize, Failure> {
        let mut rows: Vec<Field> = Vec::new();
        let mut memory = if self.first_flexible.is_some() {
            MAP
        } else {
            0
        };
        for field in fields.as_array().into_iter().flatten() {
            let Some(field) = self.field(field, structures)? else {
                continue;
            };
            memory += field.memory;
            match rows.last_mut() {
                Some(last) if last.merges_with(&field) => {
                    last.argument = last.argument.zip(field.argument).map(|(a, b)| a + b);
                }
                _ => rows.push(field),
            }
        }
        let memory = memory.next_multiple_of(8);
        let mut row = format!("    structure({memory}, &[");
        for (index, field) in rows.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(row, "{separator}{}", field.text()).map_err(|_| Failure::new("no memory"))?;
        }
        structures.push(format!("{row}]), // {} {}\n", structures.len(), self.name));
        Ok(structures.len() - 1)
    }

    fn field(
        &mut self,
        field: &'a Value,
        structures: &mut Vec<String>,
    ) -> Result<Option<Field>, Failure> {
        let Some(versions) = self.clamp(range(&field["versions"])?) else {
            return Ok(None);
        };
        let tag = field["tag"].as_i64();
        if tag.is_some() && self.clamp(range(&field["taggedVersions"])?) != Some(versions) {
            return Err(Failure::new(format!(
                "{}: a field is tagged at times only",
                self.name
            )));
        }
        let kind = text(&field["type"])?;
        let (array, kind) = kind
            .strip_prefix("[]")
            .map_or((false, kind), |kind| (true, kind));
        let nullable = range(&field["nullableVersions"])?.is_some();
        let (kind, argument, memory) = match (fixed_size(kind), kind) {
            (Some(size), _) if array => ("fixeds", Some(size), VEC),
            (Some(size), _) => ("fixed", Some(size), size),
            (None, "string") if array => ("strings", None, VEC),
            (None, "string") => ("string", None, BYTES),
            (None, "bytes" | "records") if !array => ("bytes", None, BYTES),
            (None, name) if name.starts_with(char::is_uppercase) => {
                let fields = self
                    .common
                    .get(name)
                    .copied()
                    .unwrap_or_else(|| &field["fields"]);
                let index = self.structure(fields, structures)?;
                let memory = structure_memory(structures, index)?;
                match (array, nullable) {
                    (true, _) => ("structures", Some(index), VEC),
                    (false, true) => ("optional", Some(index), memory + 8),
                    (false, false) => ("nested", Some(index), memory),
                }
            }
            _ => return Err(Failure::new(format!("{}: unknown type {kind}", self.name))),
        };
        Ok(Some(Field {
            kind,
            argument,
            versions,
            tag,
            memory,
        }))
    }

    /// The part of a field's versions that the message has.
    fn clamp(&self, versions: Option<(i64, i64)>) -> Option<(i64, i64)> {
        let (first, last) = versions?;
        let (first, last) = (first.max(self.versions.0), last.min(self.versions.1));
        (first <= last).then_some((first, last))
    }
}

impl Field {
    fn merges_with(&self, next: &Self) -> bool {
        let plain = |field: &Self| field.kind == "fixed" && field.tag.is_none();
        plain(self) && plain(next) && self.versions == next.versions
    }

    fn text(&self) -> String {
        let (first, last) = self.versions;
        let argument = self
            .argument
            .map_or(String::new(), |argument| format!("{argument}, "));
        let tag = self
            .tag
            .map_or(String::new(), |tag| format!(".tagged({tag})"));
        format!("{}({argument}{first}, {last}){tag}", self.kind)
    }
}

/// Reads the size back from the row, where the table keeps it anyhow.
fn structure_memory(structures: &[String], index: usize) -> Result<usize, Failure> {
    let row = structures
        .get(index)
        .and_then(|row| row.trim_start().strip_prefix("structure("));
    row.and_then(|row| row.split(',').next())
        .and_then(|memory| memory.parse().ok())
        .ok_or_else(|| Failure::new("a structure without a size"))
}

/// Bytes on the wire, which is what they take in memory too.
fn fixed_size(kind: &str) -> Option<usize> {
    match kind {
        "bool" | "int8" => Some(1),
        "int16" | "uint16" => Some(2),
        "int32" | "uint32" => Some(4),
        "int64" | "float64" => Some(8),
        "uuid" => Some(16),
        _ => None,
    }
}

/// `0+`, `2-5`, `3`; `None` for `none` and for nothing.
fn range(versions: &Value) -> Result<Option<(i64, i64)>, Failure> {
    let Some(versions) = versions.as_str().filter(|versions| *versions != "none") else {
        return Ok(None);
    };
    let number = |text: &str| {
        text.parse::<i64>()
            .map_err(|_| Failure::new(format!("versions {versions} are no range")))
    };
    if let Some(first) = versions.strip_suffix('+') {
        return Ok(Some((number(first)?, i8::MAX.into())));
    }
    let (first, last) = versions.split_once('-').unwrap_or((versions, versions));
    Ok(Some((number(first)?, number(last)?)))
}

fn text(value: &Value) -> Result<&str, Failure> {
    value
        .as_str()
        .ok_or_else(|| Failure::new(format!("{value} is not a text")))
}

/// FNV-1a, 64 bits: enough to notice a change.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

// Sizes in memory of what the generated types are made of, on 64-bit machines.
const BYTES: usize = 32;
const VEC: usize = 24;
const MAP: usize = 24;
