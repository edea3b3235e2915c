//! SHA-512 for SCRAM, which the `sasl` crate leaves to its users.

use hmac::digest::InvalidLength;
use hmac::{Hmac, Mac};
use sasl::common::Password;
use sasl::common::scram::{DeriveError, ScramProvider};
use sasl::secret;
use sha2::Digest;

/// The SHA-512 family of functions.
pub(super) struct Sha512;

impl ScramProvider for Sha512 {
    type Secret = secret::Plain;

    fn name() -> &'static str {
        "SHA-512"
    }

    fn hash(data: &[u8]) -> Vec<u8> {
        sha2::Sha512::digest(data).to_vec()
    }

    fn hmac(data: &[u8], key: &[u8]) -> Result<Vec<u8>, InvalidLength> {
        let mut mac = Hmac::<sha2::Sha512>::new_from_slice(key)?;
        mac.update(data);
        Ok(mac.finalize().into_bytes().to_vec())
    }

    fn derive(password: &Password, salt: &[u8], iterations: u32) -> Result<Vec<u8>, DeriveError> {
        let Password::Plain(text) = password else {
            // We never store derived passwords.
            return Err(DeriveError::InvalidLength);
        };
        let mut salted = vec![0; 64];
        pbkdf2::pbkdf2::<Hmac<sha2::Sha512>>(text.as_bytes(), salt, iterations, &mut salted)?;
        Ok(salted)
    }
}
