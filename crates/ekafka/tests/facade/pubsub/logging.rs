//! Loggers, injected and built in.

use std::fmt::{Arguments, Debug, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ekafka::{ApiKey, ErrorCode};
use tokio::time::sleep;
use tracing::field::{Field, Visit};
use tracing::span;

use super::*;

/// Keeps lines that somebody logs.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<String>>>);

impl Kept {
    fn logger(&self) -> Arc<dyn ekafka::Logger> {
        let lines = Arc::clone(&self.0);
        Arc::new(move |line: Arguments<'_>| lines.lock().unwrap().push(line.to_string()))
    }

    fn has(&self, part: &str) -> bool {
        self.0
            .lock()
            .unwrap()
            .iter()
            .any(|line| line.contains(part))
    }
}

/// The events of `ekafka::pubsub`, as the built-in loggers write them.
impl tracing::Subscriber for Kept {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "ekafka::pubsub"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

/// Publishes a message, then one that is refused, and reads the first.
async fn work(options: impl IntoIterator<Item = BrokerOption>) {
    let kafka = cluster().await;
    let broker = waiting(&kafka, options);
    publish_text(&broker, "t", "a", []).await.unwrap();
    kafka
        .on_next(ApiKey::PRODUCE)
        .error(ErrorCode::INVALID_RECORD);
    publish_text(&broker, "t", "b", []).await.unwrap_err();
    let (_one, mut events) = listen(&broker, "t", []).await;
    next(&mut events).await;
    sleep(Duration::from_secs(1)).await;
}

/// S4.26, S4.21: injected loggers take the lines of readers and writers.
#[tokio::test(start_paused = true)]
async fn injected_loggers_take_lines() {
    let (lines, errors) = (Kept::default(), Kept::default());
    work([
        with_logger(lines.logger()),
        with_error_logger(errors.logger()),
    ])
    .await;
    assert!(lines.has("reading t"), "{:?}", lines.0);
    assert!(!lines.has("INVALID_RECORD"));
    assert!(errors.has("INVALID_RECORD"), "{:?}", errors.0);
}

/// S4.18, S4.19: what is switched off takes nothing, even when it was injected.
#[tokio::test(start_paused = true)]
async fn loggers_can_be_switched_off() {
    let (lines, errors) = (Kept::default(), Kept::default());
    let off = [with_enable_logger(false), with_enable_error_logger(false)];
    let injected = [
        with_logger(lines.logger()),
        with_error_logger(errors.logger()),
    ];
    work(injected.into_iter().chain(off)).await;
    assert!(lines.0.lock().unwrap().is_empty());
    assert!(errors.0.lock().unwrap().is_empty());
}

/// S4.18, S4.19, S4.54: the built-in ones write events; that for errors is on by default.
#[tokio::test(start_paused = true)]
async fn built_in_loggers_write_events() {
    for (options, info, error) in [
        (vec![], false, true),
        (vec![with_enable_logger(true)], true, true),
        (vec![with_enable_error_logger(false)], false, false),
    ] {
        let events = Kept::default();
        let _guard = tracing::subscriber::set_default(events.clone());
        work(options).await;
        assert_eq!(
            events.has("INFO message=[kafka] reading t"),
            info,
            "{:?}",
            events.0
        );
        let refused = "ERROR message=[kafka]";
        assert_eq!(events.has(refused), error, "{:?}", events.0);
    }
}

/// S4.54: lines as a format and its arguments.
#[test]
fn the_built_in_loggers_take_formatted_lines() {
    let events = Kept::default();
    let _guard = tracing::subscriber::set_default(events.clone());
    Logger.printf(format_args!("{} records", 3));
    ErrorLogger.printf(format_args!("{} lost", 2));
    assert!(events.has("INFO message=[kafka] 3 records"));
    assert!(events.has("ERROR message=[kafka] 2 lost"));
}
