//! Requests and responses as JSON for people: keys and values as text, as the documents log them.

use ekafka_conn::{Message, Record};
use serde_json::{Map, Value, json};

use super::call::{Call, Response};
use crate::error::ComponentError;

/// What was asked for; empty when the command says everything.
pub(super) fn request(call: &Call<'_>) -> String {
    if let Some(request) = &call.request {
        return request.clone();
    }
    let records = call.records.iter().map(record);
    let messages = call.messages.iter().map(message);
    let all: Vec<Value> = records.chain(messages).collect();
    if all.is_empty() {
        return String::new();
    }
    Value::Array(all).to_string()
}

/// What came of it.
pub(super) fn response(call: &Call<'_>, result: &Result<(), ComponentError>) -> String {
    if let Err(error) = result {
        return error.to_string();
    }
    match &call.response {
        Response::Nothing => "{}".to_owned(),
        Response::Message(one) => message(one).to_string(),
        Response::Partitions(partitions) => {
            let names = partitions.iter().map(
                |partition| json!({"Topic": &*partition.topic, "Partition": partition.partition}),
            );
            Value::Array(names.collect()).to_string()
        }
        Response::Number(number) => number.to_string(),
        Response::Text(text) => text.clone(),
    }
}

fn record(record: &Record<'_>) -> Value {
    let mut shown = Map::new();
    if let Some(topic) = record.topic {
        shown.insert("Topic".to_owned(), json!(topic));
    }
    if let Some(partition) = record.partition {
        shown.insert("Partition".to_owned(), json!(partition));
    }
    shown.insert("Key".to_owned(), text(record.key));
    shown.insert("Value".to_owned(), text(record.value));
    let headers = record.headers.iter();
    let headers = headers.map(|header| json!({"Key": header.key, "Value": text(header.value)}));
    shown.insert("Headers".to_owned(), Value::Array(headers.collect()));
    Value::Object(shown)
}

fn message(message: &Message) -> Value {
    let headers = message.headers().flatten();
    let headers = headers.map(
        |header| json!({"Key": String::from_utf8_lossy(header.key), "Value": text(header.value)}),
    );
    json!({
        "Topic": message.topic(),
        "Partition": message.partition(),
        "Offset": message.offset(),
        "HighWaterMark": message.high_water_mark(),
        "Key": text(message.key()),
        "Value": text(message.value()),
        "Headers": Value::Array(headers.collect()),
        "Time": message.timestamp(),
    })
}

fn text(bytes: Option<&[u8]>) -> Value {
    bytes.map_or(Value::Null, |bytes| {
        Value::String(String::from_utf8_lossy(bytes).into_owned())
    })
}
