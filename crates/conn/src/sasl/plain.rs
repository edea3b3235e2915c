//! PLAIN (RFC 4616): user name and password, readable by whoever sees the bytes.

#[cfg(test)]
mod tests;

use std::fmt;

use super::{HostPort, Mechanism, MechanismError, MechanismSession, Secret, Step};

/// The PLAIN mechanism.
///
/// The password crosses the connection as it is, so a connection without TLS refuses it unless
/// [`ConnConfig`](crate::ConnConfig) says otherwise by name.
///
/// ```
/// use std::sync::Arc;
///
/// use ekafka_conn::{ConnConfig, MechanismError, Plain, TlsConfig};
///
/// fn config(tls: TlsConfig) -> Result<ConnConfig, MechanismError> {
///     let login = Plain::new("user", "password")?;
///     Ok(ConnConfig::default().tls(tls).sasl(Arc::new(login)))
/// }
/// ```
#[derive(Clone)]
pub struct Plain {
    username: String,
    password: Secret,
}

impl Plain {
    /// Takes a user name and a password.
    ///
    /// # Errors
    /// [`MechanismError::Credentials`] when either is empty or holds a zero byte, which separates
    /// the fields on the wire.
    pub fn new(
        username: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Result<Self, MechanismError> {
        let (username, password) = (username.into(), password.into());
        if username.is_empty() {
            return Err(MechanismError::Credentials("the user name is empty"));
        }
        if password.is_empty() {
            return Err(MechanismError::Credentials("the password is empty"));
        }
        if username.contains('\0') || password.expose().contains('\0') {
            return Err(MechanismError::Credentials("a zero byte is not allowed"));
        }
        Ok(Self { username, password })
    }
}

impl Mechanism for Plain {
    fn name(&self) -> &str {
        "PLAIN"
    }

    fn exposes_secret(&self) -> bool {
        true
    }

    fn start(
        &self,
        _host: &HostPort,
    ) -> Result<(Box<dyn MechanismSession>, Vec<u8>), MechanismError> {
        use sasl::client::Mechanism as _;
        let mut plain =
            sasl::client::mechanisms::Plain::new(&*self.username, self.password.expose());
        Ok((Box::new(PlainSession), plain.initial()))
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plain")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Waits for the one answer. A refusal arrives as an error code, so what the token of a success
/// holds means nothing (Kafka sends none).
struct PlainSession;

impl MechanismSession for PlainSession {
    fn next(&mut self, _challenge: &[u8]) -> Result<Step, MechanismError> {
        Ok(Step::Done)
    }
}
