//! How one value is read, whatever form the file gives it, and shown again.
//!
//! Weakly typed as the documents promise: `"-2"` is a number, `1` is true, `"a:9092,b:9092"` is a list.

use std::time::Duration;

use ekafka_conn::{IsolationLevel, Secret};
use ekafka_protocol::compression::{Codec, Compression};
use ekafka_reader::StartOffset;
use ekafka_writer::Acks;
use toml::Value;

use super::duration;

/// A type that a key can have.
pub(crate) trait Setting: Sized + Clone {
    /// What may be written, for errors and the reference.
    const ACCEPTS: &'static str;

    /// The value, or nothing if it is none of [`ACCEPTS`](Self::ACCEPTS).
    fn read(value: &Value) -> Option<Self>;

    /// The value as the file would have it.
    fn show(&self) -> Value;

    /// Whether this is how the documents write "the default, please": zero, for numbers and time spans.
    fn means_default(&self) -> bool {
        false
    }

    /// Whether the value may be repeated in an error.
    const PUBLIC: bool = true;
}

/// When a batch that is not full is sent.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ekafka::config::{BatchTimeout, Config};
///
/// let text = "[kafka.producers.p1]\nbatchTimeout = 'auto'";
/// let kafka = Config::from_toml(text)?.kafka("kafka")?;
/// assert_eq!(kafka.producers["p1"].batch_timeout, BatchTimeout::Auto);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchTimeout {
    /// At once while nothing is in flight for its partition, else when an answer comes.
    Auto,
    /// After this long.
    After(Duration),
}

impl Setting for String {
    const ACCEPTS: &'static str = "text";

    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Integer(number) => Some(number.to_string()),
            Value::Boolean(flag) => Some(flag.to_string()),
            _ => None,
        }
    }

    fn show(&self) -> Value {
        Value::String(self.clone())
    }
}

impl Setting for Secret {
    const ACCEPTS: &'static str = "text";
    const PUBLIC: bool = false;

    fn read(value: &Value) -> Option<Self> {
        String::read(value).map(Self::from)
    }

    fn show(&self) -> Value {
        let shown = if self.is_empty() { "" } else { "***" };
        Value::String(shown.to_owned())
    }
}

impl Setting for bool {
    const ACCEPTS: &'static str = "true or false";

    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Boolean(flag) => Some(*flag),
            Value::Integer(number) => Some(*number != 0),
            Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "t" | "1" => Some(true),
                "false" | "f" | "0" | "" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    fn show(&self) -> Value {
        Value::Boolean(*self)
    }
}

impl Setting for Option<bool> {
    const ACCEPTS: &'static str = "true or false, or an empty text for neither";

    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) if text.trim().is_empty() => Some(None),
            _ => bool::read(value).map(Some),
        }
    }

    fn show(&self) -> Value {
        self.map_or_else(|| Value::String(String::new()), Value::Boolean)
    }
}

macro_rules! number {
    ($type:ty, $accepts:literal) => {
        impl Setting for $type {
            const ACCEPTS: &'static str = $accepts;

            fn read(value: &Value) -> Option<Self> {
                integer(value)?.try_into().ok()
            }

            fn show(&self) -> Value {
                i64::try_from(*self)
                    .map_or_else(|_| Value::String(self.to_string()), Value::Integer)
            }

            fn means_default(&self) -> bool {
                *self == 0
            }
        }
    };
}

number!(u32, "a whole number from 0 to 4294967295");
number!(i32, "a whole number from -2147483648 to 2147483647");
number!(usize, "a whole number of 0 or more");

impl Setting for Duration {
    const ACCEPTS: &'static str =
        "a time span such as \"100ms\", \"1m30s\" or \"1.5h\", or nanoseconds";

    fn read(value: &Value) -> Option<Self> {
        span(nanos(value)?)
    }

    fn show(&self) -> Value {
        Value::String(duration::show(*self))
    }

    fn means_default(&self) -> bool {
        self.is_zero()
    }
}

/// A time span that can be switched off by a negative one.
impl Setting for Option<Duration> {
    const ACCEPTS: &'static str =
        "a time span such as \"60s\", or a negative one (\"-1\") for none";

    fn read(value: &Value) -> Option<Self> {
        match nanos(value).or_else(|| integer(value).map(i128::from))? {
            nanos if nanos < 0 => Some(None),
            nanos => span(nanos).map(Some),
        }
    }

    fn show(&self) -> Value {
        self.map_or_else(|| Value::String("-1".to_owned()), |span| span.show())
    }

    fn means_default(&self) -> bool {
        *self == Some(Duration::ZERO)
    }
}

impl Setting for BatchTimeout {
    const ACCEPTS: &'static str = "a time span such as \"1s\", or \"auto\"";

    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) if text.trim().eq_ignore_ascii_case("auto") => Some(Self::Auto),
            _ => Duration::read(value).map(Self::After),
        }
    }

    fn show(&self) -> Value {
        match self {
            Self::Auto => Value::String("auto".to_owned()),
            Self::After(span) => span.show(),
        }
    }

    fn means_default(&self) -> bool {
        *self == Self::After(Duration::ZERO)
    }
}

impl Setting for Vec<String> {
    const ACCEPTS: &'static str = "a list of texts, or one text with commas";

    fn read(value: &Value) -> Option<Self> {
        let items: Self = match value {
            Value::Array(items) => items.iter().map(String::read).collect::<Option<_>>()?,
            Value::String(text) => text.split(',').map(str::to_owned).collect(),
            _ => return None,
        };
        let items = items.iter().map(|item| item.trim());
        Some(
            items
                .filter(|item| !item.is_empty())
                .map(str::to_owned)
                .collect(),
        )
    }

    fn show(&self) -> Value {
        Value::Array(self.iter().cloned().map(Value::String).collect())
    }
}

impl Setting for Acks {
    const ACCEPTS: &'static str = "0 (none), 1 (one) or -1 (all)";

    fn read(value: &Value) -> Option<Self> {
        word(value)?.parse().ok()
    }

    fn show(&self) -> Value {
        Value::Integer(self.number().into())
    }
}

impl Setting for Compression {
    const ACCEPTS: &'static str = "0 (none), 1 (gzip), 2 (snappy), 3 (lz4), 4 (zstd), or a name with or without a level such as \"zstd:3\"";

    fn read(value: &Value) -> Option<Self> {
        let word = word(value)?;
        match word.parse::<u8>() {
            Ok(id) => Codec::from_id(id).ok().map(Self::of),
            Err(_) if word.is_empty() => Some(Self::NONE),
            Err(_) => word.parse().ok(),
        }
    }

    fn show(&self) -> Value {
        Value::String(self.to_string())
    }
}

impl Setting for StartOffset {
    const ACCEPTS: &'static str = "-2 or \"first\" (oldest), -1 or \"last\" (newest)";

    fn read(value: &Value) -> Option<Self> {
        match word(value)?.as_str() {
            "0" | "-2" | "first" | "earliest" => Some(Self::First),
            "-1" | "last" | "latest" => Some(Self::Last),
            _ => None,
        }
    }

    fn show(&self) -> Value {
        Value::Integer(if *self == Self::Last { -1 } else { -2 })
    }
}

impl Setting for IsolationLevel {
    const ACCEPTS: &'static str = "\"read_uncommitted\" (0) or \"read_committed\" (1)";

    fn read(value: &Value) -> Option<Self> {
        match word(value)?.as_str() {
            "0" | "read_uncommitted" => Some(Self::ReadUncommitted),
            "1" | "read_committed" => Some(Self::ReadCommitted),
            _ => None,
        }
    }

    fn show(&self) -> Value {
        Value::String(
            match self {
                Self::ReadUncommitted => "read_uncommitted",
                Self::ReadCommitted => "read_committed",
            }
            .to_owned(),
        )
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        Value::Boolean(flag) => Some(i64::from(*flag)),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "only whole numbers within 2^53 pass"
        )]
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
            Some(*number as i64)
        }
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A number or a name as lower-case text.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_ascii_lowercase()),
        _ => integer(value).map(|number| number.to_string()),
    }
}

fn nanos(value: &Value) -> Option<i128> {
    match value {
        Value::Integer(number) => Some(i128::from(*number)),
        Value::String(text) => duration::parse_nanos(text.trim()),
        _ => None,
    }
}

fn span(nanos: i128) -> Option<Duration> {
    u64::try_from(nanos).ok().map(Duration::from_nanos)
}
