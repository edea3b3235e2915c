//! AWS_MSK_IAM: logs in to Amazon MSK by a signature of an AWS access key (payload version 2020_10_22 of Amazon's
//! aws-msk-iam-auth).

mod clock;
mod signature;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::{Duration, SystemTime};

use super::{HostPort, Mechanism, MechanismError, MechanismSession, Secret, Step};
use clock::Clock;
use signature::{Claim, Timestamp};

/// The AWS_MSK_IAM mechanism, with an access key that stays the same. Reusable for any number of connections.
///
/// The secret key never leaves the process. What is sent lets whoever reads it log in to that broker until
/// the signature expires, and includes the session token, so a connection without TLS refuses this mechanism as it
/// refuses [`Plain`](super::Plain), unless [`ConnConfig`](crate::ConnConfig) says otherwise by name.
///
/// The broker compares the signing time with its own clock: a computer whose clock is minutes off is refused.
///
/// ```
/// use std::sync::Arc;
/// use std::time::{Duration, SystemTime};
///
/// use ekafka_conn::{ConnConfig, MechanismError, MskIam, TlsConfig};
///
/// fn config(tls: TlsConfig) -> Result<ConnConfig, MechanismError> {
///     let login = MskIam::new("access key", "secret key", "eu-west-1")?
///         .session_token("token")?
///         .expiry(Duration::from_secs(300))?
///         .clock(SystemTime::now);
///     Ok(ConnConfig::default().tls(tls).sasl(Arc::new(login)))
/// }
/// ```
#[derive(Clone)]
pub struct MskIam {
    access_key: String,
    secret_key: Secret,
    session_token: Option<Secret>,
    region: String,
    /// Whole seconds, 1 to [`MAX_EXPIRY`].
    expiry: Duration,
    clock: Clock,
}

impl MskIam {
    /// Takes the id of an access key, its secret, and the AWS region of the cluster, for example `us-east-1`.
    ///
    /// # Errors
    /// [`MechanismError::Credentials`] when one is empty or holds anything but visible ASCII characters, or when the
    /// id or the region holds a slash, which separates them in what is signed.
    pub fn new(
        access_key: impl Into<String>,
        secret_key: impl Into<Secret>,
        region: impl Into<String>,
    ) -> Result<Self, MechanismError> {
        let (access_key, secret_key, region) =
            (access_key.into(), secret_key.into(), region.into());
        if !is_word(&access_key) || access_key.contains('/') {
            return Err(MechanismError::Credentials("not an access key id"));
        }
        if !is_word(secret_key.expose()) {
            return Err(MechanismError::Credentials("not a secret access key"));
        }
        if !is_word(&region) || region.contains('/') {
            return Err(MechanismError::Credentials("not an AWS region"));
        }
        Ok(Self {
            access_key,
            secret_key,
            session_token: None,
            region,
            expiry: DEFAULT_EXPIRY,
            clock: Clock::default(),
        })
    }

    /// The session token that belongs to a temporary access key. Default none.
    ///
    /// # Errors
    /// [`MechanismError::Credentials`] when it is empty or holds anything but visible ASCII characters.
    pub fn session_token(mut self, token: impl Into<Secret>) -> Result<Self, MechanismError> {
        let token = token.into();
        if !is_word(token.expose()) {
            return Err(MechanismError::Credentials("not a session token"));
        }
        self.session_token = Some(token);
        Ok(self)
    }

    /// How long a signature is valid; fractions of a second are cut off. Default 5 minutes. Little fails where clocks
    /// differ; much lets a signature that leaked be used for longer.
    ///
    /// # Errors
    /// [`MechanismError::Credentials`] outside of 1 second to 7 days, the bounds of AWS.
    pub fn expiry(mut self, expiry: Duration) -> Result<Self, MechanismError> {
        let expiry = Duration::from_secs(expiry.as_secs());
        if expiry.is_zero() || expiry > MAX_EXPIRY {
            return Err(MechanismError::Credentials(
                "a signature is valid for 1 second to 7 days",
            ));
        }
        self.expiry = expiry;
        Ok(self)
    }

    /// Where the signing time comes from, asked once per log-in. Default the system's clock.
    #[must_use]
    pub fn clock(mut self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Clock::new(now);
        self
    }

    /// The token for a log-in at `host`, signed at `now`.
    fn token(&self, host: &str, now: SystemTime) -> Result<Vec<u8>, MechanismError> {
        let at = Timestamp::new(now).ok_or(MechanismError::Credentials(
            "the signing time is not in the years 1970 to 9999",
        ))?;
        let claim = Claim {
            host,
            access_key: &self.access_key,
            session_token: self.session_token.as_ref().map(Secret::expose),
            region: &self.region,
            expiry: self.expiry,
            at: &at,
        };
        let signature = claim.sign(self.secret_key.expose())?;
        let mut fields = vec![
            ("version", VERSION.to_owned()),
            ("host", host.to_owned()),
            ("user-agent", USER_AGENT.to_owned()),
        ];
        fields.extend(claim.parameters());
        fields.push(("x-amz-signature", signature));
        Ok(json_object(&fields).into_bytes())
    }
}

impl Mechanism for MskIam {
    fn name(&self) -> &str {
        "AWS_MSK_IAM"
    }

    fn exposes_secret(&self) -> bool {
        true
    }

    fn start(
        &self,
        host: &HostPort,
    ) -> Result<(Box<dyn MechanismSession>, Vec<u8>), MechanismError> {
        let token = self.token(host.host(), self.clock.now())?;
        Ok((Box::new(MskIamSession), token))
    }
}

impl fmt::Debug for MskIam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MskIam")
            .field("access_key", &self.access_key)
            .field("region", &self.region)
            .field("expiry", &self.expiry)
            .finish_non_exhaustive()
    }
}

/// Waits for the one answer. A refusal arrives as an error code; the token of a success names the request for
/// Amazon's support and means nothing here.
struct MskIamSession;

impl MechanismSession for MskIamSession {
    fn next(&mut self, _challenge: &[u8]) -> Result<Step, MechanismError> {
        Ok(Step::Done)
    }
}

/// Whether `text` is not empty and holds visible ASCII characters only: a line feed at the end of a file is the usual
/// mistake.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A JSON object of strings, its keys in lower case as brokers demand.
fn json_object(fields: &[(&str, String)]) -> String {
    let mut text = String::from("{");
    for (index, (name, value)) in fields.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_json_string(&mut text, &name.to_ascii_lowercase());
        text.push(':');
        push_json_string(&mut text, value);
    }
    text.push('}');
    text
}

fn push_json_string(text: &mut String, value: &str) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            // JSON forbids these as they are (RFC 8259, section 7).
            '\0'..='\x1f' => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => text.push(c),
        }
    }
    text.push('"');
}

const VERSION: &str = "2020_10_22";

/// Names this library to the broker; not part of what is signed.
const USER_AGENT: &str = "ekafka";

const DEFAULT_EXPIRY: Duration = Duration::from_mins(5);

const MAX_EXPIRY: Duration = Duration::from_hours(7 * 24);
