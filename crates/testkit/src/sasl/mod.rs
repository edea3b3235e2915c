//! Log-ins on the broker's side: who may, and one connection's exchange. Pure.

mod scram;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ekafka_protocol::ErrorCode;
use tokio::time::Instant;

use crate::settings::{SaslMechanism, User};
use scram::Exchange;

/// The users of a cluster.
#[derive(Debug, Default)]
pub(crate) struct UserBase {
    users: Vec<User>,
    /// How long a log-in lasts; zero is for ever.
    lifetime: Duration,
}

/// What one connection has proved so far.
#[derive(Debug, Default)]
pub(crate) struct Login {
    /// Set by a log-in: until when it lasts, if not for ever.
    valid: Option<Option<Instant>>,
    exchange: Option<Step>,
    /// Whether tokens come without headers, as after SaslHandshake version 0.
    pub(crate) is_raw: bool,
}

/// Which token comes next.
#[derive(Debug)]
enum Step {
    Plain,
    Scram(Exchange),
}

/// What a token leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The exchange goes on with this token.
    Challenge(Vec<u8>),
    /// Logged in; the client gets this token, and how long the log-in lasts (zero: for ever).
    Done(Vec<u8>, Duration),
}

impl UserBase {
    pub(crate) fn new(users: Vec<User>, lifetime: Duration) -> Self {
        Self { users, lifetime }
    }

    /// Whether connections must log in.
    pub(crate) fn is_required(&self) -> bool {
        !self.users.is_empty()
    }

    /// The mechanisms someone can log in with.
    pub(crate) fn mechanisms(&self) -> Vec<SaslMechanism> {
        let has =
            |mechanism: &SaslMechanism| self.users.iter().any(|user| user.mechanism == *mechanism);
        SaslMechanism::ALL.into_iter().filter(has).collect()
    }

    fn find(&self, mechanism: SaslMechanism, name: &str) -> Option<&User> {
        self.users
            .iter()
            .find(|user| user.mechanism == mechanism && user.name == name)
    }
}

impl Login {
    /// Whether requests may be served at `now`.
    pub(crate) fn is_valid(&self, now: Instant) -> bool {
        self.valid
            .is_some_and(|until| until.is_none_or(|until| now < until))
    }

    /// Begins an exchange, the first or a renewal (KIP-368).
    pub(crate) fn begin(
        &mut self,
        users: &UserBase,
        mechanism: &str,
        is_raw: bool,
    ) -> Result<(), ErrorCode> {
        if !users.is_required() {
            return Err(ErrorCode::ILLEGAL_SASL_STATE);
        }
        let offered = users
            .mechanisms()
            .into_iter()
            .find(|offered| offered.name() == mechanism);
        self.exchange = Some(
            match offered.ok_or(ErrorCode::UNSUPPORTED_SASL_MECHANISM)? {
                SaslMechanism::Plain => Step::Plain,
                scram => Step::Scram(Exchange::new(scram)),
            },
        );
        self.is_raw = is_raw;
        Ok(())
    }

    /// Takes the client's next token. `nonce` is fresh and unpredictable where that matters.
    pub(crate) fn token(
        &mut self,
        users: &UserBase,
        token: &[u8],
        nonce: &str,
        now: Instant,
    ) -> Result<Progress, ErrorCode> {
        let step = self.exchange.take().ok_or(ErrorCode::ILLEGAL_SASL_STATE)?;
        let last = match step {
            Step::Plain => plain(users, token)?,
            Step::Scram(mut exchange) => match exchange.token(users, token, nonce)? {
                (token, false) => {
                    self.exchange = Some(Step::Scram(exchange));
                    return Ok(Progress::Challenge(token));
                }
                (token, true) => token,
            },
        };
        self.is_raw = false;
        self.valid = Some((!users.lifetime.is_zero()).then(|| now + users.lifetime));
        Ok(Progress::Done(last, users.lifetime))
    }
}

/// RFC 4616: authorization id (empty or the user's name), user name and password, divided by NUL.
fn plain(users: &UserBase, token: &[u8]) -> Result<Vec<u8>, ErrorCode> {
    let text = std::str::from_utf8(token).map_err(|_| ErrorCode::SASL_AUTHENTICATION_FAILED)?;
    let parts: Vec<&str> = text.split('\0').collect();
    match parts.as_slice() {
        [acting_as, name, password] if acting_as.is_empty() || acting_as == name => {
            let known = users
                .find(SaslMechanism::Plain, name)
                .filter(|user| user.password == *password);
            known
                .map(|_| Vec::new())
                .ok_or(ErrorCode::SASL_AUTHENTICATION_FAILED)
        }
        _ => Err(ErrorCode::SASL_AUTHENTICATION_FAILED),
    }
}
