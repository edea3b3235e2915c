//! A message in a text format, with the keys and notations that users of kafka-go know: bytes in
//! base64, `null` where there are none, the time by RFC 3339.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ekafka_protocol::records::HeaderRef;
use serde::ser::{Error, Serialize, SerializeSeq, SerializeStruct, Serializer};

use super::Message;
use crate::calendar::calendar_day;

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Message", 8)?;
        object.serialize_field("Topic", self.topic())?;
        object.serialize_field("Partition", &self.partition())?;
        object.serialize_field("Offset", &self.offset())?;
        object.serialize_field("HighWaterMark", &self.high_water_mark())?;
        object.serialize_field("Key", &base64(self.key()))?;
        object.serialize_field("Value", &base64(self.value()))?;
        let headers = (self.span.header_count() > 0).then_some(Headers(self));
        object.serialize_field("Headers", &headers)?;
        object.serialize_field("Time", &rfc_3339(self.timestamp()))?;
        object.end()
    }
}

struct Headers<'a>(&'a Message);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.span.header_count()))?;
        for header in self.0.headers() {
            list.serialize_element(&Pair(header.map_err(Error::custom)?))?;
        }
        list.end()
    }
}

struct Pair<'a>(HeaderRef<'a>);

impl Serialize for Pair<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Header", 2)?;
        object.serialize_field("Key", &String::from_utf8_lossy(self.0.key))?;
        object.serialize_field("Value", &base64(self.0.value))?;
        object.end()
    }
}

fn base64(bytes: Option<&[u8]>) -> Option<String> {
    bytes.map(|bytes| STANDARD.encode(bytes))
}

/// UTC with milliseconds; the first moment of year 1 where there is no time that can be written.
fn rfc_3339(milliseconds: i64) -> String {
    let Some(milliseconds) = u64::try_from(milliseconds)
        .ok()
        .filter(|time| *time <= LAST_MILLISECOND)
    else {
        return "0001-01-01T00:00:00Z".to_owned();
    };
    let (second, fraction) = (milliseconds / 1_000, milliseconds % 1_000);
    let (year, month, day) = calendar_day(second / 86_400);
    let of_day = second % 86_400;
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:03}Z")
}

/// The end of year 9999, after which RFC 3339 has no dates.
const LAST_MILLISECOND: u64 = 253_402_300_799_999;
