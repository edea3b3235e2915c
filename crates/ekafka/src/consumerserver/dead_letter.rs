//! Messages that could not be handled, written where somebody will look at them.

use ekafka_conn::{Header, Message};

use super::failure::ConsumptionError;
use crate::error::ComponentError;
use crate::producer::Producer;

/// Writes a message as it was, with headers that say where it was and what happened.
pub(super) async fn write(
    producer: &Producer,
    message: &Message,
    failure: &ConsumptionError,
) -> Result<(), ComponentError> {
    let numbers = [
        ("ekafka-partition", i64::from(message.partition())),
        ("ekafka-offset", message.offset()),
        ("ekafka-timestamp", message.timestamp()),
        ("ekafka-attempts", i64::from(failure.attempt)),
    ];
    let numbers = numbers.map(|(key, number)| (key, number.to_string()));
    let error = failure.cause.to_string();
    // Headers that cannot be read are left out: what they say is lost anyhow.
    let mut headers = message.header_list().unwrap_or_default();
    headers.push(header("ekafka-topic", message.topic()));
    headers.extend(numbers.iter().map(|(key, number)| header(key, number)));
    headers.push(header("ekafka-error", &error));
    producer.write_messages(&[message.record(&headers)]).await
}

fn header<'a>(key: &'a str, value: &'a str) -> Header<'a> {
    Header {
        key,
        value: Some(value.as_bytes()),
    }
}
