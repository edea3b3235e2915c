//! Asking a broker for the identity of an idempotent producer (InitProducerId, KIP-98).

use std::sync::Arc;
use std::time::Duration;

use ekafka_conn::{Cluster, Purpose, To};
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::InitProducerIdRequest;

use super::Event;
use crate::error::Cause;

/// Asks until a broker gives an identity or says definitely no; the batches that wait for it keep their own time.
///
/// Cancel safe: an identity that was given and not received is simply never used.
pub(super) async fn ask(cluster: Cluster, backoff: (Duration, Duration)) -> Event {
    let mut wait = backoff.0;
    loop {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(None)
            .with_transaction_timeout_ms(i32::MAX)
            .with_producer_id((-1).into())
            .with_producer_epoch(-1);
        let cause = match cluster.send(To::Any, Purpose::General, &request).await {
            Ok(answer) => match ErrorCode(answer.error_code) {
                ErrorCode::NONE => {
                    return Event::Identity {
                        id: answer.producer_id.into(),
                        epoch: answer.producer_epoch,
                    };
                }
                code if code.is_retriable() => Cause::Code(code),
                code => {
                    return Event::NoIdentity {
                        cause: Cause::Code(code),
                        fatal: true,
                    };
                }
            },
            Err(error) if error.is_retriable() => Cause::Connection(Arc::new(error)),
            Err(error) => {
                return Event::NoIdentity {
                    cause: Cause::Connection(Arc::new(error)),
                    fatal: false,
                };
            }
        };
        tracing::debug!(%cause, "no producer identity yet");
        tokio::time::sleep(wait).await;
        wait = wait.saturating_mul(2).min(backoff.1);
    }
}
