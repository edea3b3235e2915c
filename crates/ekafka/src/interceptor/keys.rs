//! Custom keys: values of the context that are written as message headers, and read from them again.

use ekafka_conn::Message;

use super::call::{Call, Command};
use crate::context::Context;

/// The keys that `EGO_LOG_EXTRA_KEYS` lists, separated by commas; empty ones are left out.
pub(crate) fn extra_keys_of_environment() -> Vec<String> {
    let listed = std::env::var("EGO_LOG_EXTRA_KEYS").unwrap_or_default();
    let keys = listed.split(',').map(str::trim);
    keys.filter(|key| !key.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Writes the keys that the context has into records, and gives handlers those that their messages have.
pub(super) fn before(keys: &[String], call: &mut Call<'_>) {
    match call.command {
        Command::WriteMessages => {
            for key in keys {
                if let Some(value) = call.context.value(key) {
                    let value = value.as_bytes().to_vec();
                    call.add_header(key.as_str(), value);
                }
            }
        }
        Command::Handler => {
            if let [message, ..] = call.messages {
                call.context = extract(keys, message, call.context.clone());
            }
        }
        _ => {}
    }
}

/// `context` with the keys that a message has; of several headers with one key the last counts.
pub(crate) fn extract(keys: &[String], message: &Message, mut context: Context) -> Context {
    if keys.is_empty() {
        return context;
    }
    for header in message.headers().flatten() {
        let (Ok(name), Some(value)) = (header.key_str(), header.value) else {
            continue;
        };
        if let (true, Ok(value)) = (
            keys.iter().any(|key| key == name),
            std::str::from_utf8(value),
        ) {
            context = context.with_value(name, value);
        }
    }
    context
}
