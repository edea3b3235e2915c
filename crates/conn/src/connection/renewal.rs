//! Logs in again before the session ends (KIP-368), so that the broker never has to cut the connection.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ekafka_protocol::Request;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use super::Shared;
use super::authentication::{self, Carrier};
use super::desk::Addressee;
use super::waiter::Waiter;
use crate::config::FOREVER;
use crate::error::ConnError;
use crate::sasl::LoginError;

/// Renews the log-in for ever; ends only with the error that must end the connection.
pub(super) async fn renew_loop(shared: &Arc<Shared>) -> ConnError {
    let (Some((mut began, mut lifetime)), Some(mechanism)) = (shared.session, &shared.config.sasl)
    else {
        return std::future::pending().await;
    };
    loop {
        // The broker counts from some moment after the beginning, so this is never late.
        sleep_until(began + renew_after(lifetime, fastrand::f64())).await;
        began = Instant::now();
        // Kafka takes nothing but the log-in's own requests until it is done: other requests wait meanwhile.
        let ahead = {
            let mut desk = shared.desk();
            desk.set_gated(true);
            desk.last_deadline()
        };
        let mut carrier = Renewal {
            shared,
            deadline: renew_by(began, ahead, shared.config.timeout),
        };
        let (address, versions) = (&shared.address, &shared.versions);
        let renewed = authentication::log_in(
            &mut carrier,
            &**mechanism,
            address,
            versions,
            &shared.config,
        );
        match renewed.await {
            Ok(Some(next)) => lifetime = next,
            Ok(None) => lifetime = FOREVER,
            Err(cause) => return cause,
        }
        tracing::debug!(broker = %shared.address, ?lifetime, "log-in renewed");
        shared.desk().set_gated(false);
        shared.to_writer.notify_one();
    }
}

/// When to renew: between 80 and 95 % of the session's life, as `random` (0 to 1) says; never in a hot loop.
fn renew_after(lifetime: Duration, random: f64) -> Duration {
    let part = EARLIEST + (LATEST - EARLIEST) * random;
    lifetime.min(FOREVER).mul_f64(part).max(LEAST)
}

/// Until when the renewal must be done: the broker answers in order, so its time only begins when nothing `ahead`, a long
/// poll or a join, can be answered any more.
fn renew_by(began: Instant, ahead: Option<Instant>, timeout: Duration) -> Instant {
    ahead.map_or(began, |ahead| ahead.max(began)) + timeout.min(FOREVER)
}

/// The log-in's requests among the others of the connection.
struct Renewal<'a> {
    shared: &'a Arc<Shared>,
    deadline: Instant,
}

impl Carrier for Renewal<'_> {
    async fn call<R: Request>(
        &mut self,
        version: i16,
        request: &R,
    ) -> Result<R::Response, ConnError> {
        let (id, frame) = self.shared.encode(request, version)?;
        let (tell, told) = oneshot::channel();
        let reply = self.shared.reply::<R>(version, move |answer| {
            let _ = tell.send(answer);
        });
        let waiter = Waiter::new(id, R::API, version, self.deadline, reply);
        self.shared.submit_urgent(frame, Addressee::Answer(waiter));
        told.await.unwrap_or(Err(ConnError::Closed))
    }

    async fn exchange_token(&mut self, _: &[u8]) -> Result<Bytes, ConnError> {
        // Brokers that know bare tokens only do not limit sessions.
        Err(ConnError::Login {
            broker: self.shared.address.clone(),
            cause: LoginError::NotOffered.into(),
        })
    }
}

/// The part of a session's life after which it may be renewed.
const EARLIEST: f64 = 0.80;

/// The part of a session's life before which it must be renewed.
const LATEST: f64 = 0.95;

/// The least time between two log-ins, however short the sessions.
const LEAST: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
