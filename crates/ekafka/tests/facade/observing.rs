//! What is seen from outside: metrics, the access log, and traces across messages.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use ekafka::{Context, Record, Server};
use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, SharedString, Unit,
};
use tracing::field::{Field, Visit};
use tracing::span;

use crate::rig::{component, container, kafka, soon};

const TOML: &str = r#"
    [kafka]
    brokers = ["localhost:9092"]
    [kafka.producers.p1]
    topic = "TOPIC"
    batchTimeout = "auto"
    [kafka.consumers.c1]
    topic = "TOPIC"
    groupID = "group-1"
    [kafkaConsumerServers.s1]
    consumerName = "c1"
"#;

/// The documented names and labels, and what they count.
#[tokio::test(start_paused = true)]
async fn calls_are_counted_and_timed() {
    let _ = metrics::set_global_recorder(Recorder);
    let kafka = kafka().await;
    kafka.create_topic("counted", 1).unwrap();
    let component = component(&kafka, &TOML.replace("TOPIC", "counted"));
    let producer = component.producer("p1");
    for _ in 0..3 {
        soon(producer.write_messages(&[Record::new("x")]))
            .await
            .unwrap();
    }
    let bad = Record::new("x").topic("another");
    soon(producer.write_messages(&[bad])).await.unwrap_err();
    let consumer = component.consumer("c1");
    let message = soon(consumer.fetch_message()).await.unwrap();
    soon(consumer.commit_messages(&[message])).await.unwrap();

    let peer = kafka.bootstrap();
    let of = |name: &str, method: &str, code: &str| {
        let code = if code.is_empty() {
            String::new()
        } else {
            format!(",code={code}")
        };
        let labels = format!("type=kafka,name=kafka.counted,method={method},peer={peer}{code}");
        found()
            .lock()
            .unwrap()
            .get(&format!("{name}{{{labels}}}"))
            .copied()
    };
    let total = "ego_client_handle_total";
    assert_eq!(of(total, "WriteMessages", "OK"), Some(3));
    assert_eq!(of(total, "WriteMessages", "Error"), Some(1));
    assert_eq!(of(total, "FetchMessage", "OK"), Some(1));
    assert_eq!(of(total, "CommitMessages", "OK"), Some(1));
    let seconds = "ego_client_handle_seconds";
    assert_eq!(of(seconds, "WriteMessages", ""), Some(4), "four times");
}

/// Without the key nothing is counted.
#[tokio::test(start_paused = true)]
async fn without_the_key_nothing_is_counted() {
    let _ = metrics::set_global_recorder(Recorder);
    let kafka = kafka().await;
    kafka.create_topic("uncounted", 1).unwrap();
    let toml = TOML.replace("TOPIC", "uncounted");
    let toml = toml.replace("[kafka]", "[kafka]\nenableMetricInterceptor = false");
    let component = component(&kafka, &toml);
    let producer = component.producer("p1");
    soon(producer.write_messages(&[Record::new("x")]))
        .await
        .unwrap();
    let found = found().lock().unwrap();
    let names = found.keys().filter(|name| name.starts_with("ego_client"));
    let of_this: Vec<_> = names.filter(|name| name.contains("uncounted")).collect();
    assert!(of_this.is_empty(), "{of_this:?}");
}

/// The debug key of a server logs each message; without it none.
#[tokio::test(start_paused = true)]
async fn a_server_that_debugs_logs_each_message() {
    for (keys, lines) in [("debug = true", 1), ("", 0)] {
        let kafka = kafka().await;
        kafka.create_topic("debugged", 1).unwrap();
        let log = Log::default();
        let _guard = tracing::subscriber::set_default(log.clone());
        let toml = format!("{}\n{keys}", TOML.replace("TOPIC", "debugged"));
        let component = component(&kafka, &toml);
        let producer = component.producer("p1");
        soon(producer.write_messages(&[Record::new("Hello World!")]))
            .await
            .unwrap();
        let server = ekafka::consumerserver::load_toml(&toml, "kafkaConsumerServers.s1").unwrap();
        let server = server.ekafka(&component).build();
        server.on_each_message(None, |_, _| async { Err("enough".into()) });
        soon(server.start()).await.unwrap_err();
        let handling = log.of("ekafka").into_iter();
        let handling = handling.filter(|line| line.contains("message=handling"));
        assert_eq!(handling.count(), lines, "{keys}");
    }
}

/// The documented fields, and those that are switched on.
#[tokio::test(start_paused = true)]
async fn the_access_log_has_the_documented_fields() {
    let kafka = kafka().await;
    kafka.create_topic("logged", 1).unwrap();
    let log = Log::default();
    // With one subscriber alone, tracing asks only the thread that meets an event first whether anybody wants it, and
    // remembers the answer; tests on other threads would say no for all.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let _guard = tracing::subscriber::set_default(log.clone());
    let keys = "enableAccessInterceptor = true\nenableAccessInterceptorReq = true\n\
                enableAccessInterceptorRes = true";
    let toml = TOML.replace("TOPIC", "logged");
    let toml = toml.replace("[kafka]", &format!("[kafka]\n{keys}"));
    let component = container(&kafka, &toml).extra_keys(["X-Ego-Uid"]).build();
    let producer = component.producer("p1");
    let context = Context::new().with_value("X-Ego-Uid", "9527");
    soon(producer.write_messages_with(&context, &[Record::new("Hello World!")]))
        .await
        .unwrap();
    let bad = Record::new("x").topic("another");
    soon(producer.write_messages(&[bad])).await.unwrap_err();
    let lines = log.of("ekafka::access");
    let [good, bad] = &lines[..] else {
        panic!("{lines:#?}");
    };
    for part in [
        "comp=component.ekafka ",
        "compName=kafka ",
        &format!("addr={} ", kafka.bootstrap()),
        "method=WriteMessages ",
        "cost=",
        "keys=x-ego-uid=9527 ",
        r#""Value":"Hello World!""#,
        "res={} ",
        "message=access ",
    ] {
        assert!(good.contains(part), "{part}: {good}");
    }
    assert!(!good.contains("error="), "{good}");
    assert!(bad.contains("error=1 of 1 records failed"), "{bad}");

    // Without the key nothing is logged, but what is slow.
    let slow = Log::default();
    let _guard = tracing::subscriber::set_default(slow.clone());
    let toml = TOML
        .replace("TOPIC", "logged")
        .replace("\"auto\"", "\"300ms\"");
    for (threshold, warnings) in [
        ("", 0),
        ("slowLogThreshold = '1s'", 0),
        ("slowLogThreshold = '100ms'", 1),
    ] {
        let toml = toml.replace("[kafka]", &format!("[kafka]\n{threshold}"));
        let component = crate::rig::component(&kafka, &toml);
        let producer = component.producer("p1");
        soon(producer.write_messages(&[Record::new("x")]))
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
        let lines = slow.of("ekafka::access");
        assert_eq!(lines.len(), warnings, "{threshold}: {lines:?}");
        assert!(
            lines.iter().all(|line| line.contains("message=slow")),
            "{lines:?}"
        );
    }
}

#[cfg(feature = "otel")]
mod traces {
    use ekafka::consumerserver;
    use opentelemetry::global;
    use opentelemetry::trace::{SpanKind, Status};
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};

    use super::*;

    /// The spans of this process.
    fn spans(topic: &str) -> Vec<SpanData> {
        let spans = exporter().get_finished_spans().unwrap();
        let is_of = |span: &SpanData| {
            let mut attributes = span.attributes.iter();
            attributes.any(|pair| {
                pair.key.as_str() == "messaging.destination" && pair.value.as_str() == topic
            })
        };
        spans.into_iter().filter(is_of).collect()
    }

    fn exporter() -> &'static InMemorySpanExporter {
        static EXPORTER: OnceLock<InMemorySpanExporter> = OnceLock::new();
        EXPORTER.get_or_init(|| {
            let exporter = InMemorySpanExporter::default();
            let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone());
            global::set_tracer_provider(provider.build());
            exporter
        })
    }

    /// One trace from the producer's call through the handler to what the handler writes.
    #[tokio::test(start_paused = true)]
    async fn a_message_is_handled_in_the_trace_it_was_written_in() {
        exporter();
        let kafka = kafka().await;
        kafka.create_topic("traced", 1).unwrap();
        kafka.create_topic("further", 1).unwrap();
        // Two components, as two processes have them.
        let writing = component(&kafka, &TOML.replace("TOPIC", "traced"));
        let handling = component(&kafka, &TOML.replace("TOPIC", "traced"));
        let further = component(&kafka, &TOML.replace("TOPIC", "further"));
        let producer = writing.producer("p1");
        soon(producer.write_messages(&[Record::new("a")]))
            .await
            .unwrap();

        let toml = TOML.replace("TOPIC", "traced");
        let server = consumerserver::load_toml(&toml, "kafkaConsumerServers.s1").unwrap();
        let server = server.ekafka(&handling).build();
        let passing_on = further.producer("p1");
        server.on_each_message(None, move |context, _message| {
            let passing_on = Arc::clone(&passing_on);
            async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                passing_on
                    .write_messages_with(&context, &[Record::new("b")])
                    .await?;
                // Without a context the one of the handler counts.
                passing_on.write_messages(&[Record::new("c")]).await?;
                Err("broken".into())
            }
        });
        soon(server.start()).await.unwrap_err();

        let traced = spans("traced");
        let [written, handled] = &traced[..] else {
            panic!("{traced:#?}");
        };
        assert_eq!((&*written.name, &*handled.name), ("kafka", "kafka"));
        assert_eq!(written.span_kind, SpanKind::Producer);
        assert_eq!(handled.span_kind, SpanKind::Consumer);
        let trace = written.span_context.trace_id();
        assert_eq!(handled.span_context.trace_id(), trace);
        assert_eq!(handled.parent_span_id, written.span_context.span_id());
        assert!(handled.parent_span_is_remote);
        assert!(
            matches!(handled.status, Status::Error { .. }),
            "{:?}",
            handled.status
        );
        assert_eq!(written.status, Status::Unset);
        let further = spans("further");
        assert_eq!(further.len(), 2);
        for span in further {
            assert_eq!(span.span_context.trace_id(), trace);
            assert_eq!(span.parent_span_id, handled.span_context.span_id());
        }
        // Whoever takes messages by hand finds the trace, too.
        let consumer = handling.consumer("c1");
        let message = soon(consumer.fetch_message()).await.unwrap();
        use opentelemetry::trace::TraceContextExt;
        let found = consumer.context(&message).trace();
        assert_eq!(found.span().span_context().trace_id(), trace);
    }

    #[tokio::test(start_paused = true)]
    async fn without_the_key_nothing_is_traced() {
        exporter();
        let kafka = kafka().await;
        kafka.create_topic("untraced", 1).unwrap();
        let toml = TOML.replace("TOPIC", "untraced");
        let toml = toml.replace("[kafka]", "[kafka]\nenableTraceInterceptor = false");
        let component = component(&kafka, &toml);
        let producer = component.producer("p1");
        soon(producer.write_messages(&[Record::new("a")]))
            .await
            .unwrap();
        let message = soon(component.consumer("c1").fetch_message())
            .await
            .unwrap();
        assert_eq!(message.headers().count(), 0);
        assert!(spans("untraced").is_empty());
    }
}

/// Counts by name and labels; a histogram counts its values.
struct Recorder;

type Found = Arc<Mutex<BTreeMap<String, u64>>>;

fn found() -> &'static Found {
    static FOUND: OnceLock<Found> = OnceLock::new();
    FOUND.get_or_init(Found::default)
}

struct Cell(String);

impl Cell {
    fn of(key: &Key) -> Arc<Self> {
        let labels = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()));
        let labels: Vec<String> = labels.collect();
        Arc::new(Self(format!("{}{{{}}}", key.name(), labels.join(","))))
    }

    fn add(&self, value: u64) {
        *found().lock().unwrap().entry(self.0.clone()).or_default() += value;
    }
}

impl CounterFn for Cell {
    fn increment(&self, value: u64) {
        self.add(value);
    }

    fn absolute(&self, _value: u64) {}
}

impl HistogramFn for Cell {
    fn record(&self, value: f64) {
        assert!(value >= 0.0);
        self.add(1);
    }
}

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Cell::of(key))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Cell::of(key))
    }
}

/// Keeps events as text, by target.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(String, String)>>>);

impl Log {
    fn of(&self, target: &str) -> Vec<String> {
        let all = self.0.lock().unwrap();
        let of = all.iter().filter(|(at, _)| at == target);
        of.map(|(_, line)| line.clone()).collect()
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        let target = event.metadata().target().to_owned();
        self.0.lock().unwrap().push((target, line.0));
    }

    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        write!(self.0, "{}={value} ", field.name()).unwrap();
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}
