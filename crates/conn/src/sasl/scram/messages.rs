//! What the server says in a SCRAM exchange (RFC 5802 section 7), checked before it is used.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::super::{MechanismError, shown};
use super::MIN_ITERATIONS;

/// The server's first message: `r=NONCE,s=SALT,i=ITERATIONS`, then optional extensions.
pub(super) struct ServerFirst<'a> {
    /// The whole message: part of what is signed.
    pub(super) text: &'a str,
    /// Ours, then the server's part.
    pub(super) nonce: &'a str,
    /// Decoded; 1 to 1,024 bytes.
    pub(super) salt: Vec<u8>,
    /// Within the bounds.
    pub(super) iterations: u32,
}

impl<'a> ServerFirst<'a> {
    /// Reads the message that answers `our_nonce`.
    pub(super) fn parse(
        message: &'a [u8],
        our_nonce: &str,
        max_iterations: u32,
    ) -> Result<Self, MechanismError> {
        let text = text_of(message)?;
        let mut fields = text.split(',');
        let nonce = field(&mut fields, "r=", "no nonce where one is awaited")?;
        let salt = field(&mut fields, "s=", "no salt where one is awaited")?;
        let count = field(&mut fields, "i=", "no iteration count where one is awaited")?;

        let own_part = nonce.strip_prefix(our_nonce).ok_or(MechanismError::Nonce)?;
        if own_part.is_empty() || !own_part.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(MechanismError::Nonce);
        }
        if salt.len() > MAX_SALT_TEXT {
            return Err(MechanismError::Challenge("the salt is too long"));
        }
        let salt = decode(salt, "the salt is not base64")?;
        if salt.is_empty() {
            return Err(MechanismError::Challenge("the salt is empty"));
        }
        let iterations = iterations(count, max_iterations)?;
        Ok(Self {
            text,
            nonce,
            salt,
            iterations,
        })
    }
}

/// The signature in the server's last message: `v=SIGNATURE`, then optional extensions.
pub(super) fn server_signature(message: &[u8]) -> Result<Vec<u8>, MechanismError> {
    let mut fields = text_of(message)?.split(',');
    let value = field(
        &mut fields,
        "v=",
        "no server signature where one is awaited",
    )?;
    decode(value, "the server signature is not base64")
}

/// The message as text; an error field is the server's refusal.
fn text_of(message: &[u8]) -> Result<&str, MechanismError> {
    let text = std::str::from_utf8(message)
        .map_err(|_| MechanismError::Challenge("the message is not UTF-8"))?;
    match text.strip_prefix("e=") {
        Some(reason) => Err(MechanismError::Refused(shown(reason))),
        None => Ok(text),
    }
}

/// The next field, which must have this name: the order is fixed, and an unknown mandatory
/// extension (`m=`) is thereby refused.
fn field<'a>(
    fields: &mut impl Iterator<Item = &'a str>,
    name: &str,
    missing: &'static str,
) -> Result<&'a str, MechanismError> {
    fields
        .next()
        .and_then(|field| field.strip_prefix(name))
        .ok_or(MechanismError::Challenge(missing))
}

fn iterations(count: &str, max: u32) -> Result<u32, MechanismError> {
    if count.is_empty() || !count.bytes().all(|b| b.is_ascii_digit()) {
        return Err(MechanismError::Challenge(
            "the iteration count is not a number",
        ));
    }
    // A count that no u32 holds is above every cap.
    let found = count.parse().unwrap_or(u32::MAX);
    if (MIN_ITERATIONS..=max).contains(&found) {
        Ok(found)
    } else {
        Err(MechanismError::Iterations {
            found,
            min: MIN_ITERATIONS,
            max,
        })
    }
}

fn decode(value: &str, wrong: &'static str) -> Result<Vec<u8>, MechanismError> {
    STANDARD
        .decode(value)
        .map_err(|_| MechanismError::Challenge(wrong))
}

/// Longest salt in base64: 1,024 bytes, where Kafka uses about 20.
const MAX_SALT_TEXT: usize = 1_368;
