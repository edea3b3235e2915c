//! A record as one JSON object, in the form in which `consume --format json` shows it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ekafka::{Header, Record};
use serde::Deserialize;

/// Where a record was read from (`topic`, `offset`) is allowed and does not count.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JsonLine {
    key: Option<Octets>,
    value: Option<Octets>,
    #[serde(default)]
    headers: Vec<Pair>,
    partition: Option<i32>,
    /// Milliseconds since 1970; -1 is none.
    timestamp: Option<i64>,
    #[serde(rename = "topic")]
    _topic: Option<serde::de::IgnoredAny>,
    #[serde(rename = "offset")]
    _offset: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    key: String,
    value: Option<Octets>,
}

/// Text, or `{"base64":"…"}`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Written")]
struct Octets(Vec<u8>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "text, null or {\"base64\":\"…\"}")]
enum Written {
    Text(String),
    Base64 { base64: String },
}

impl TryFrom<Written> for Octets {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Text(text) => Ok(Self(text.into_bytes())),
            Written::Base64 { base64 } => STANDARD
                .decode(base64)
                .map(Self)
                .map_err(|error| error.to_string()),
        }
    }
}

impl JsonLine {
    pub(super) fn parse(line: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(line).map_err(|error| format!("not a record in JSON: {error}"))
    }

    /// The record without its headers.
    pub(super) fn record(&self) -> Record<'_> {
        Record {
            key: self.key.as_ref().map(|key| key.0.as_slice()),
            value: self.value.as_ref().map(|value| value.0.as_slice()),
            partition: self.partition,
            timestamp: self.timestamp.filter(|timestamp| *timestamp >= 0),
            ..Record::default()
        }
    }

    pub(super) fn headers(&self) -> impl Iterator<Item = Header<'_>> {
        self.headers.iter().map(|header| Header {
            key: &header.key,
            value: header.value.as_ref().map(|value| value.0.as_slice()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_empty_text_and_bytes_are_kept_apart() {
        let line = br#"{"key":"","value":{"base64":"//4="},"headers":[{"key":"h","value":null}],"partition":2,
            "timestamp":7,"topic":"t","offset":3}"#;
        let line = JsonLine::parse(line).unwrap();
        let record = line.record();
        assert_eq!(record.key, Some(&b""[..]));
        assert_eq!(record.value, Some(&[0xff, 0xfe][..]));
        assert_eq!((record.partition, record.timestamp), (Some(2), Some(7)));
        let headers: Vec<_> = line
            .headers()
            .map(|header| (header.key, header.value))
            .collect();
        assert_eq!(headers, [("h", None)]);
        let line = JsonLine::parse(b"{}").unwrap();
        assert_eq!(line.record(), Record::default());
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for wrong in [
            "",
            "7",
            "{",
            r#"{"val":"x"}"#,
            r#"{"key":7}"#,
            r#"{"value":{"base64":"?"}}"#,
        ] {
            assert!(JsonLine::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
