//! Values as message bodies.

use std::any::{Any, TypeId, type_name};
use std::error::Error;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::balancing::UnknownName;
use crate::error::ComponentError;

/// How a broker turns values into bodies and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum PayloadCodec {
    /// Not at all: bytes and texts are bodies as they are, everything else is refused.
    #[default]
    Raw,
    /// As JSON, by serde; texts too.
    Json,
    /// As protocol buffers: values are a `Proto` (feature `prost`).
    Proto,
}

impl FromStr for PayloadCodec {
    type Err = UnknownName;

    /// `json`, `proto`, or nothing.
    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "" => Ok(Self::Raw),
            "json" => Ok(Self::Json),
            "proto" => Ok(Self::Proto),
            name => Err(UnknownName::new(name, "json, proto, and nothing for bytes")),
        }
    }
}

impl PayloadCodec {
    /// `raw`, `json` or `proto`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Json => "json",
            Self::Proto => "proto",
        }
    }
}

/// A value that can be a message's body: everything that serde knows and, with the feature `prost`, a `Proto`.
///
/// `Bytes`, `Vec<u8>`, `String` and `&'static str` are bodies as they are unless the codec is JSON; bytes are that even
/// then.
///
/// ```
/// use ekafka::pubsub::{Payload, PayloadCodec};
///
/// let body = "two apples".to_owned().to_body(PayloadCodec::Json)?;
/// assert_eq!(body, "\"two apples\"");
/// assert_eq!(String::from_body(PayloadCodec::Json, body)?, "two apples");
/// # Ok::<(), ekafka::ComponentError>(())
/// ```
pub trait Payload: Sized {
    /// The body.
    ///
    /// # Errors
    /// [`ComponentError::Codec`] when the value cannot be encoded so.
    fn to_body(&self, codec: PayloadCodec) -> Result<Bytes, ComponentError>;

    /// The value of a body; a null one is empty.
    ///
    /// # Errors
    /// [`ComponentError::Codec`] when the body is something else.
    fn from_body(codec: PayloadCodec, body: Bytes) -> Result<Self, ComponentError>;
}

impl<T: Serialize + DeserializeOwned + 'static> Payload for T {
    fn to_body(&self, codec: PayloadCodec) -> Result<Bytes, ComponentError> {
        let any: &dyn Any = self;
        if let Some(bytes) = any.downcast_ref::<Vec<u8>>() {
            return Ok(Bytes::copy_from_slice(bytes));
        }
        match codec {
            PayloadCodec::Json => {
                let body = serde_json::to_vec(self).map_err(failed::<Self>)?;
                Ok(Bytes::from(body))
            }
            PayloadCodec::Raw => match any.downcast_ref::<String>() {
                Some(text) => Ok(Bytes::copy_from_slice(text.as_bytes())),
                None => Err(failed::<Self>("it needs a codec: with_codec")),
            },
            PayloadCodec::Proto => Err(failed::<Self>("the codec proto wants a Proto")),
        }
    }

    fn from_body(codec: PayloadCodec, body: Bytes) -> Result<Self, ComponentError> {
        let wanted = TypeId::of::<Self>();
        if wanted == TypeId::of::<Vec<u8>>() {
            return unboxed(body.to_vec());
        }
        match codec {
            PayloadCodec::Json => serde_json::from_slice(&body).map_err(failed::<Self>),
            PayloadCodec::Raw if wanted == TypeId::of::<String>() => {
                unboxed(String::from_utf8(body.into()).map_err(failed::<Self>)?)
            }
            PayloadCodec::Raw => Err(failed::<Self>("it needs a codec: with_codec")),
            PayloadCodec::Proto => Err(failed::<Self>("the codec proto wants a Proto")),
        }
    }
}

/// Bytes as they are, whatever the codec is: `publish(…, &Raw::from("text"), …)`, or a handler's `message: Raw`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Raw(pub Bytes);

impl From<Bytes> for Raw {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<&str> for Raw {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<&[u8]> for Raw {
    fn from(bytes: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(bytes))
    }
}

impl Payload for Raw {
    fn to_body(&self, _codec: PayloadCodec) -> Result<Bytes, ComponentError> {
        Ok(self.0.clone())
    }

    fn from_body(_codec: PayloadCodec, body: Bytes) -> Result<Self, ComponentError> {
        Ok(Self(body))
    }
}

/// A message of protocol buffers, whatever the codec is.
#[cfg(feature = "prost")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proto<M>(pub M);

#[cfg(feature = "prost")]
impl<M: prost::Message + Default> Payload for Proto<M> {
    fn to_body(&self, _codec: PayloadCodec) -> Result<Bytes, ComponentError> {
        Ok(Bytes::from(self.0.encode_to_vec()))
    }

    fn from_body(_codec: PayloadCodec, body: Bytes) -> Result<Self, ComponentError> {
        M::decode(body).map(Self).map_err(failed::<M>)
    }
}

/// A value whose type is known at run time to be the wanted one.
fn unboxed<T: 'static>(value: impl Any) -> Result<T, ComponentError> {
    let value: Box<dyn Any> = Box::new(value);
    match value.downcast::<T>() {
        Ok(value) => Ok(*value),
        Err(_) => Err(failed::<T>("it is of another type")),
    }
}

fn failed<T>(cause: impl Into<Box<dyn Error + Send + Sync>>) -> ComponentError {
    ComponentError::Codec {
        what: type_name::<T>(),
        source: Arc::from(cause.into()),
    }
}
