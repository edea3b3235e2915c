//! One handler at a time: take, handle, commit.

use std::time::Duration;

use ekafka_conn::Message;
use ekafka_reader::Received;
use tokio::time::Instant;

use super::Errors;
use super::failure::ConsumptionError;
use super::handling::{Handler, Work};
use crate::error::ComponentError;

/// Handles `count` messages at a time, or those that came within `wait` of the first, until the server stops.
pub(super) async fn run(
    work: Work,
    errors: &Errors,
    handler: &Handler,
    count: usize,
    wait: Duration,
) -> Result<(), ConsumptionError> {
    while !work.is_over() {
        let messages = gather(&work, errors, count, wait).await?;
        if messages.is_empty() {
            continue;
        }
        work.handle(errors, handler, &messages).await?;
        work.commit(errors, &messages).await?;
    }
    Ok(())
}

/// The next messages. What was gathered is handed over early when the server stops or partitions are taken away, since
/// taking the next item would let the group go on.
async fn gather(
    work: &Work,
    errors: &Errors,
    count: usize,
    wait: Duration,
) -> Result<Vec<Message>, ConsumptionError> {
    let mut messages = Vec::new();
    let mut deadline = None;
    while messages.len() < count {
        let received = tokio::select! {
            biased;
            () = work.stopping() => break,
            received = work.consumer.receive() => received,
            () = until(deadline) => break,
        };
        match received {
            Ok(Received::Message(message)) => {
                messages.push(message);
                deadline.get_or_insert_with(|| Instant::now() + wait);
            }
            Ok(_) if !messages.is_empty() => break,
            Ok(_) => {}
            Err(ComponentError::Closed) => break,
            Err(error) => work.note_unread(errors, error).await?,
        }
    }
    Ok(messages)
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
