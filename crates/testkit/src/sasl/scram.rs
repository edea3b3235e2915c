//! The server's half of SCRAM (RFC 5802, RFC 7677), without channel binding.
//!
//! The final nonce must be the one that was sent, as Kafka checks since CVE-2024-56128: librdkafka before 2.6.1 repeats its
//! own part and is refused.

use base64::{Engine, engine::general_purpose::STANDARD};
use ekafka_protocol::ErrorCode;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256, Sha512};

use super::UserBase;
use crate::settings::SaslMechanism;

/// One exchange.
#[derive(Debug)]
pub(super) struct Exchange {
    mechanism: SaslMechanism,
    sent: Option<Sent>,
}

/// What the first answer said, needed to check the proof.
#[derive(Debug)]
struct Sent {
    client_first: String,
    server_first: String,
    header: String,
    nonce: String,
    password: String,
    salt: Vec<u8>,
}

/// Kafka's own default, and the least that clients should accept.
const ITERATIONS: u32 = 4096;

impl Exchange {
    pub(super) fn new(mechanism: SaslMechanism) -> Self {
        Self {
            mechanism,
            sent: None,
        }
    }

    /// Answers the client's next message; the flag says whether it has proved itself.
    pub(super) fn token(
        &mut self,
        users: &UserBase,
        token: &[u8],
        nonce: &str,
    ) -> Result<(Vec<u8>, bool), ErrorCode> {
        let text = std::str::from_utf8(token).map_err(|_| ErrorCode::SASL_AUTHENTICATION_FAILED)?;
        let answered = match self.sent.take() {
            None => self.first(users, text, nonce).map(|answer| (answer, false)),
            Some(sent) => self.last(&sent, text).map(|answer| (answer, true)),
        };
        let (answer, is_done) = answered.ok_or(ErrorCode::SASL_AUTHENTICATION_FAILED)?;
        Ok((answer.into_bytes(), is_done))
    }

    fn first(&mut self, users: &UserBase, text: &str, nonce: &str) -> Option<String> {
        // The header ends with the second comma: binding flag, authorization id.
        let (binding, rest) = text.split_once(',')?;
        let (acting_as, bare) = rest.split_once(',')?;
        if !matches!(binding, "n" | "y") {
            return None;
        }
        let name = field(bare, "n=")?.replace("=2C", ",").replace("=3D", "=");
        let nonce = format!("{}{nonce}", field(bare, "r=")?);
        let user = users.find(self.mechanism, &name)?;
        let salt = digest(self.mechanism, name.as_bytes())
            .into_iter()
            .take(16)
            .collect::<Vec<u8>>();
        let server_first = format!("r={nonce},s={},i={ITERATIONS}", STANDARD.encode(&salt));
        self.sent = Some(Sent {
            client_first: bare.to_owned(),
            server_first: server_first.clone(),
            header: format!("{binding},{acting_as},"),
            nonce,
            password: user.password.clone(),
            salt,
        });
        Some(server_first)
    }

    fn last(&self, sent: &Sent, text: &str) -> Option<String> {
        let (unproved, _) = text.rsplit_once(",p=")?;
        let bound = STANDARD.decode(field(text, "c=")?).ok()?;
        if bound != sent.header.as_bytes() || field(text, "r=")? != sent.nonce {
            return None;
        }
        let signed = format!("{},{},{unproved}", sent.client_first, sent.server_first);
        let salted = self.salted(sent);
        let client_key = mac(self.mechanism, &salted, b"Client Key");
        let signature = mac(
            self.mechanism,
            &digest(self.mechanism, &client_key),
            signed.as_bytes(),
        );
        let expected: Vec<u8> = client_key
            .iter()
            .zip(&signature)
            .map(|(key, mask)| key ^ mask)
            .collect();
        if STANDARD.decode(field(text, "p=")?).ok()? != expected {
            return None;
        }
        let server_key = mac(self.mechanism, &salted, b"Server Key");
        Some(format!(
            "v={}",
            STANDARD.encode(mac(self.mechanism, &server_key, signed.as_bytes()))
        ))
    }

    fn salted(&self, sent: &Sent) -> Vec<u8> {
        let password = sent.password.as_bytes();
        match self.mechanism {
            SaslMechanism::ScramSha512 => {
                pbkdf2::pbkdf2_array::<Hmac<Sha512>, 64>(password, &sent.salt, ITERATIONS)
                    .map(Vec::from)
            }
            _ => pbkdf2::pbkdf2_array::<Hmac<Sha256>, 32>(password, &sent.salt, ITERATIONS)
                .map(Vec::from),
        }
        .unwrap_or_default()
    }
}

/// The value of one of a message's fields.
fn field<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.split(',').find_map(|part| part.strip_prefix(name))
}

fn digest(mechanism: SaslMechanism, data: &[u8]) -> Vec<u8> {
    match mechanism {
        SaslMechanism::ScramSha512 => Sha512::digest(data).to_vec(),
        _ => Sha256::digest(data).to_vec(),
    }
}

fn mac(mechanism: SaslMechanism, key: &[u8], data: &[u8]) -> Vec<u8> {
    fn with<M: Mac + hmac::digest::KeyInit>(key: &[u8], data: &[u8]) -> Vec<u8> {
        // HMAC takes keys of any length.
        <M as Mac>::new_from_slice(key).map_or_else(
            |_| Vec::new(),
            |mut mac| {
                mac.update(data);
                mac.finalize().into_bytes().to_vec()
            },
        )
    }
    match mechanism {
        SaslMechanism::ScramSha512 => with::<Hmac<Sha512>>(key, data),
        _ => with::<Hmac<Sha256>>(key, data),
    }
}
