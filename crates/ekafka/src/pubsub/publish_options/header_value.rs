//! Values of headers.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::error::ComponentError;

/// The value of a header: bytes, or anything that has a text.
///
/// ```
/// use ekafka::pubsub::{HeaderValue, with_headers};
///
/// # fn main() -> Result<(), ekafka::ComponentError> {
/// let headers = with_headers([
///     ("version", HeaderValue::from("1.0.0")),
///     ("trace_id", HeaderValue::from(42)),
///     ("empty", HeaderValue::null()),
///     ("shops", HeaderValue::json(&["north", "south"])?),
/// ]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderValue(pub(super) Option<Bytes>);

impl HeaderValue {
    /// A null value, which is not an empty one.
    #[must_use]
    pub fn null() -> Self {
        Self(None)
    }

    /// Any value as JSON.
    ///
    /// # Errors
    /// [`ComponentError::Codec`] when it has no JSON.
    pub fn json<T: Serialize>(value: &T) -> Result<Self, ComponentError> {
        match serde_json::to_vec(value) {
            Ok(json) => Ok(Self(Some(json.into()))),
            Err(error) => Err(ComponentError::Codec {
                what: std::any::type_name::<T>(),
                source: Arc::new(error),
            }),
        }
    }

    fn text(value: impl ToString) -> Self {
        Self(Some(value.to_string().into()))
    }
}

impl From<&str> for HeaderValue {
    fn from(value: &str) -> Self {
        Self::text(value)
    }
}

impl From<String> for HeaderValue {
    fn from(value: String) -> Self {
        Self(Some(value.into()))
    }
}

impl From<&[u8]> for HeaderValue {
    fn from(value: &[u8]) -> Self {
        Self(Some(Bytes::copy_from_slice(value)))
    }
}

impl From<Vec<u8>> for HeaderValue {
    fn from(value: Vec<u8>) -> Self {
        Self(Some(value.into()))
    }
}

impl From<Bytes> for HeaderValue {
    fn from(value: Bytes) -> Self {
        Self(Some(value))
    }
}

/// Numbers and truth values are headers by their texts.
macro_rules! texts {
    ($($type:ty)*) => { $(
        impl From<$type> for HeaderValue {
            fn from(value: $type) -> Self {
                Self::text(value)
            }
        }
    )* };
}

texts!(bool i8 i16 i32 i64 u8 u16 u32 u64 usize isize f32 f64);
