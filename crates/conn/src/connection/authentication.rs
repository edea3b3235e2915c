//! Runs a log-in over a connection: sends what the exchange asks for and hands it the answers (KIP-152, KIP-368).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ekafka_protocol::messages::{SaslAuthenticateRequest, SaslHandshakeRequest};
use ekafka_protocol::{ApiKey, Request, StrBytes};

use super::versions::Versions;
use crate::address::HostPort;
use crate::config::ConnConfig;
use crate::error::ConnError;
use crate::sasl::{Action, Login, LoginError, Mechanism, Offered, Privacy};

/// How a log-in's requests travel: before the connection is in use, or beside its other requests.
pub(super) trait Carrier: Send {
    /// Asks in the version given.
    fn call<R: Request>(
        &mut self,
        version: i16,
        request: &R,
    ) -> impl Future<Output = Result<R::Response, ConnError>> + Send;

    /// Sends a bare token and waits for another.
    fn exchange_token(
        &mut self,
        token: &[u8],
    ) -> impl Future<Output = Result<Bytes, ConnError>> + Send;
}

/// Logs in with `mechanism`; the answer is how long the session lasts, if the broker limits it.
pub(super) async fn log_in(
    carrier: &mut impl Carrier,
    mechanism: &dyn Mechanism,
    address: &HostPort,
    versions: &Versions,
    config: &ConnConfig,
) -> Result<Option<Duration>, ConnError> {
    let refused = |fault: LoginError| ConnError::Login {
        broker: address.clone(),
        cause: Arc::new(fault),
    };
    let offered = Offered {
        handshake: versions.of(ApiKey::SASL_HANDSHAKE),
        authenticate: versions.of(ApiKey::SASL_AUTHENTICATE),
    };
    let privacy = Privacy {
        encrypted: config.tls.is_some(),
        clear_allowed: config.plaintext_sasl_plain,
    };
    if mechanism.exposes_secret() && config.tls.is_none() && config.plaintext_sasl_plain {
        tracing::warn!(broker = %address, mechanism = mechanism.name(),
            "the password is sent readable for anyone on the path, as allowed by the configuration");
    }
    let (mut login, mut action) =
        Login::start(mechanism, address, offered, privacy).map_err(refused)?;
    loop {
        action = match action {
            Action::Handshake { version, mechanism } => {
                let mechanism = StrBytes::from_string(mechanism);
                let request = SaslHandshakeRequest { mechanism };
                let answer = carrier.call(version, &request).await?;
                let offered = answer.mechanisms.iter().map(|name| &**name);
                login
                    .handle_handshake(answer.error_code, offered)
                    .map_err(refused)?
            }
            Action::Authenticate { version, token } => {
                let auth_bytes = Bytes::from(token);
                let request = SaslAuthenticateRequest { auth_bytes };
                let answer = carrier.call(version, &request).await?;
                let (back, next) = off_the_executor(login, move |login| {
                    let message = answer.error_message.as_deref();
                    login.handle_authenticate(
                        answer.error_code,
                        message,
                        &answer.auth_bytes,
                        answer.session_lifetime_ms,
                    )
                })
                .await?;
                login = back;
                next.map_err(refused)?
            }
            Action::Raw(token) => {
                let answer = carrier.exchange_token(&token).await?;
                let (back, next) =
                    off_the_executor(login, move |login| login.handle_token(&answer)).await?;
                login = back;
                next.map_err(refused)?
            }
            Action::Done(lifetime) => return Ok(lifetime),
        };
    }
}

/// Runs `work` where blocking is allowed, if the log-in says that it computes for long.
async fn off_the_executor<T: Send + 'static>(
    mut login: Login,
    work: impl FnOnce(&mut Login) -> T + Send + 'static,
) -> Result<(Login, T), ConnError> {
    if !login.is_expensive() {
        let result = work(&mut login);
        return Ok((login, result));
    }
    let computing = tokio::task::spawn_blocking(move || {
        let result = work(&mut login);
        (login, result)
    });
    // It fails only when the runtime shuts down or a mechanism panics.
    computing.await.map_err(|_| ConnError::Closed)
}
