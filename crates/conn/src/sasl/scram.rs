//! SCRAM (RFC 5802, RFC 7677): proves the password to the broker, and the broker to us.
//!
//! The arithmetic is the `sasl` crate's [`ScramProvider`]; the exchange is here because that crate
//! checks neither the server's nonce nor the iteration count, and compares the server's signature
//! in a time that depends on where it differs.

mod messages;
mod sha512;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use base64::{Engine, engine::general_purpose::STANDARD};
use sasl::common::Password;
use sasl::common::scram::{ScramProvider, Sha256, generate_nonce};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::{HostPort, Mechanism, MechanismError, MechanismSession, Secret, Step};
use messages::{ServerFirst, server_signature};
use sha512::Sha512;

/// Fewest iterations accepted (RFC 7677): less would let a false broker guess passwords cheaply.
pub const MIN_ITERATIONS: u32 = 4_096;

/// Most iterations accepted unless [`Scram::max_iterations`] says otherwise: about a second of
/// hashing, which a hostile broker could otherwise make endless.
pub const DEFAULT_MAX_ITERATIONS: u32 = 1_000_000;

/// The hash function of a SCRAM mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScramAlgorithm {
    /// SCRAM-SHA-256.
    Sha256,
    /// SCRAM-SHA-512.
    Sha512,
}

/// The mechanisms SCRAM-SHA-256 and SCRAM-SHA-512. Reusable for any number of connections.
///
/// ```
/// use std::sync::Arc;
///
/// use ekafka_conn::{ConnConfig, Scram, ScramAlgorithm};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let login = Scram::new(ScramAlgorithm::Sha512, "user", "password")?.max_iterations(50_000);
/// let config = ConnConfig::default().sasl(Arc::new(login));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Scram {
    algorithm: ScramAlgorithm,
    /// Prepared by SASLprep; not yet escaped.
    username: String,
    /// Prepared by SASLprep.
    password: Secret,
    max_iterations: u32,
}

impl Scram {
    /// Takes a user name and a password, prepared by SASLprep (RFC 4013) as RFC 5802 asks.
    ///
    /// # Errors
    /// [`MechanismError::Credentials`] when either is empty or holds characters that SASLprep
    /// forbids.
    pub fn new(
        algorithm: ScramAlgorithm,
        username: impl AsRef<str>,
        password: impl Into<Secret>,
    ) -> Result<Self, MechanismError> {
        let password = password.into();
        let username = prepare(username.as_ref(), "the user name")?.into_owned();
        // An owned result is a fresh copy, which the secret takes over and wipes in the end.
        let password = Secret::new(prepare(password.expose(), "the password")?.into_owned());
        Ok(Self {
            algorithm,
            username,
            password,
            max_iterations: DEFAULT_MAX_ITERATIONS,
        })
    }

    /// Most iterations a broker may ask for; more is refused before anything is hashed. Default
    /// 1,000,000. Values under [`MIN_ITERATIONS`] refuse every broker.
    #[must_use]
    pub fn max_iterations(mut self, iterations: u32) -> Self {
        self.max_iterations = iterations;
        self
    }

    fn session<S: ScramProvider + 'static>(
        &self,
        nonce: String,
    ) -> (Box<dyn MechanismSession>, Vec<u8>) {
        let name = self.username.replace('=', "=3D").replace(',', "=2C");
        let first_bare = format!("n={name},r={nonce}");
        let initial = format!("{GS2_HEADER}{first_bare}").into_bytes();
        let state = State::AwaitFirst { first_bare, nonce };
        let session = ScramSession::<S> {
            password: self.password.clone(),
            max_iterations: self.max_iterations,
            state,
            hash: PhantomData,
        };
        (Box::new(session), initial)
    }
}

impl Mechanism for Scram {
    fn name(&self) -> &str {
        match self.algorithm {
            ScramAlgorithm::Sha256 => "SCRAM-SHA-256",
            ScramAlgorithm::Sha512 => "SCRAM-SHA-512",
        }
    }

    fn start(
        &self,
        _host: &HostPort,
    ) -> Result<(Box<dyn MechanismSession>, Vec<u8>), MechanismError> {
        // 256 bits from the operating system; an error, not a weaker source, when it has none.
        let nonce = generate_nonce().map_err(|_| MechanismError::Random)?;
        Ok(match self.algorithm {
            ScramAlgorithm::Sha256 => self.session::<Sha256>(nonce),
            ScramAlgorithm::Sha512 => self.session::<Sha512>(nonce),
        })
    }
}

impl fmt::Debug for Scram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scram")
            .field("algorithm", &self.algorithm)
            .field("username", &self.username)
            .field("max_iterations", &self.max_iterations)
            .finish_non_exhaustive()
    }
}

/// One exchange.
struct ScramSession<S> {
    password: Secret,
    max_iterations: u32,
    state: State,
    hash: PhantomData<fn() -> S>,
}

/// What is awaited from the server.
enum State {
    /// The first message: nonce, salt and iteration count.
    AwaitFirst {
        /// Our first message without its header: part of what is signed.
        first_bare: String,
        nonce: String,
    },
    /// The last message: the server's signature.
    AwaitFinal { signature: Vec<u8> },
    /// Nothing: the exchange succeeded or failed.
    Ended,
}

impl<S: ScramProvider> MechanismSession for ScramSession<S> {
    fn is_expensive(&self) -> bool {
        matches!(self.state, State::AwaitFirst { .. })
    }

    fn next(&mut self, challenge: &[u8]) -> Result<Step, MechanismError> {
        // A failed exchange stays ended: no second guess is answered.
        match std::mem::replace(&mut self.state, State::Ended) {
            State::AwaitFirst { first_bare, nonce } => {
                let first = ServerFirst::parse(challenge, &nonce, self.max_iterations)?;
                let (reply, signature) = self.prove(&first_bare, &first)?;
                self.state = State::AwaitFinal { signature };
                Ok(Step::Send(reply))
            }
            State::AwaitFinal { signature } => {
                let found = server_signature(challenge)?;
                if bool::from(found.as_slice().ct_eq(&signature)) {
                    Ok(Step::Done)
                } else {
                    Err(MechanismError::Signature)
                }
            }
            State::Ended => Err(MechanismError::Challenge("the exchange has ended")),
        }
    }
}

impl<S: ScramProvider> ScramSession<S> {
    /// Our last message, and the signature the server must answer with.
    fn prove(
        &self,
        first_bare: &str,
        first: &ServerFirst<'_>,
    ) -> Result<(Vec<u8>, Vec<u8>), MechanismError> {
        let mut password = Password::Plain(self.password.expose().to_owned());
        let salted = S::derive(&password, &first.salt, first.iterations);
        if let Password::Plain(text) = &mut password {
            text.zeroize();
        }
        let salted = Zeroizing::new(salted.map_err(|_| MechanismError::Arithmetic)?);
        let hmac = |data: &[u8], key: &[u8]| {
            S::hmac(data, key)
                .map(Zeroizing::new)
                .map_err(|_| MechanismError::Arithmetic)
        };

        let client_key = hmac(b"Client Key", &salted)?;
        let server_key = hmac(b"Server Key", &salted)?;
        let stored_key = Zeroizing::new(S::hash(&client_key));
        let last_bare = format!("c={},r={}", STANDARD.encode(GS2_HEADER), first.nonce);
        let signed = format!("{first_bare},{},{last_bare}", first.text);
        let client_signature = hmac(signed.as_bytes(), &stored_key)?;
        let proof: Vec<u8> = client_key
            .iter()
            .zip(client_signature.iter())
            .map(|(key, sign)| key ^ sign)
            .collect();
        let signature = hmac(signed.as_bytes(), &server_key)?.to_vec();
        Ok((
            format!("{last_bare},p={}", STANDARD.encode(proof)).into_bytes(),
            signature,
        ))
    }
}

/// SASLprep. Most text passes unchanged.
fn prepare<'a>(text: &'a str, what: &'static str) -> Result<Cow<'a, str>, MechanismError> {
    let forbidden = match what {
        "the password" => "the password holds characters that SASLprep forbids",
        _ => "the user name holds characters that SASLprep forbids",
    };
    let prepared =
        stringprep::saslprep(text).map_err(|_| MechanismError::Credentials(forbidden))?;
    match (prepared.is_empty(), what) {
        (false, _) => Ok(prepared),
        (true, "the password") => Err(MechanismError::Credentials("the password is empty")),
        (true, _) => Err(MechanismError::Credentials("the user name is empty")),
    }
}

/// No channel binding, no other identity.
const GS2_HEADER: &str = "n,,";
