//! A trace across processes: both export their spans to a collector in the process that runs the tests.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::time::Duration;

use ekafka::{Context, Record, Server, consumerserver};
use ekafka_testkit::EmbeddedKafka;
use opentelemetry::global;
use opentelemetry::trace::{FutureExt, TraceContextExt, Tracer};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};

use super::{Process, part};

const TOML: &str = r#"
    [kafka]
    brokers = BROKERS
    [kafka.producers.orders]
    topic = "orders"
    batchTimeout = "auto"
    [kafka.producers.bills]
    topic = "bills"
    batchTimeout = "auto"
    [kafka.consumers.c1]
    topic = "orders"
    groupID = "shop"
    [kafkaConsumerServers.s1]
    consumerName = "c1"
"#;

/// Sends each span as a line: its name, trace, id, parent, kind, whether its parent is elsewhere, destination.
#[derive(Debug)]
struct ToCollector(Mutex<TcpStream>);

impl SpanExporter for ToCollector {
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        let mut stream = self.0.lock().unwrap();
        for span in spans {
            let destination = span
                .attributes
                .iter()
                .find(|pair| pair.key.as_str() == "messaging.destination");
            let destination = destination.map(|pair| pair.value.as_str().into_owned());
            writeln!(
                stream,
                "{} {} {} {} {:?} {} {}",
                span.name,
                span.span_context.trace_id(),
                span.span_context.span_id(),
                span.parent_span_id,
                span.span_kind,
                span.parent_span_is_remote,
                destination.unwrap_or_default(),
            )
            .unwrap();
        }
        Ok(())
    }
}

/// The entry of the other processes.
#[test]
fn a_traced_part_in_a_process_of_its_own() {
    let Some((part, addresses)) = part() else {
        return;
    };
    let (collector, brokers) = addresses.split_once(' ').unwrap();
    let exporter = ToCollector(Mutex::new(TcpStream::connect(collector).unwrap()));
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter)
        .build();
    global::set_tracer_provider(provider.clone());
    let toml = TOML.replace(
        "BROKERS",
        &format!("{:?}", brokers.split(',').collect::<Vec<_>>()),
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        match part.as_str() {
            "writing" => writing(&toml).await,
            "handling" => handling(&toml).await,
            other => panic!("nobody plays {other}"),
        }
    });
    provider.shutdown().unwrap();
}

/// Writes within a span of its own.
async fn writing(toml: &str) {
    let component = ekafka::load_toml(toml, "kafka").unwrap().build();
    let span = global::tracer("test").start("order");
    let context = opentelemetry::Context::current_with_span(span);
    let producer = component.producer("orders");
    let records = [Record::new("two apples")];
    let written = producer
        .write_messages(&records)
        .with_context(context.clone());
    written.await.unwrap();
    context.span().end();
    component.close().await.unwrap();
}

/// Handles one message, writes another, and ends.
async fn handling(toml: &str) {
    let component = ekafka::load_toml(toml, "kafka").unwrap().build();
    let server = consumerserver::load_toml(toml, "kafkaConsumerServers.s1").unwrap();
    let server = server.ekafka(&component).build();
    let bills = component.producer("bills");
    let app = ekafka::App::new();
    let handle = app.handle();
    server.on_each_message(None, move |context: Context, _message| {
        let (bills, handle) = (bills.clone(), handle.clone());
        async move {
            bills
                .write_messages_with(&context, &[Record::new("3.20")])
                .await?;
            handle.stop();
            Ok(())
        }
    });
    assert_eq!(server.name(), "kafkaConsumerServers.s1");
    app.serve(server).run().await.unwrap();
    component.close().await.unwrap();
}

/// From the span around the writing, through the handler in the other process, to what the handler writes.
#[tokio::test]
async fn a_trace_goes_on_in_another_process() {
    let kafka = EmbeddedKafka::builder()
        .initial_rebalance_delay(Duration::ZERO)
        .strict()
        .start()
        .await
        .unwrap();
    kafka.create_topic("orders", 1).unwrap();
    kafka.create_topic("bills", 1).unwrap();
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let addresses = format!(
        "{} {}",
        collector.local_addr().unwrap(),
        kafka.addresses().join(",")
    );
    let spans = tokio::task::spawn_blocking(move || {
        let mut spans = Vec::new();
        for part in ["writing", "handling"] {
            let entry = "processes::traces::a_traced_part_in_a_process_of_its_own";
            let process = Process::start(entry, part, &addresses);
            let mut said = String::new();
            let (mut from, _) = collector.accept().unwrap();
            from.read_to_string(&mut said).unwrap();
            let (status, rest) = process.end();
            assert!(status.success(), "{part}: {rest}");
            spans.extend(said.lines().map(|line| (part, line.to_owned())));
        }
        spans
    });
    let spans = spans.await.unwrap();
    let split = |(part, line): &(&'static str, String)| {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        (*part, words)
    };
    let spans: Vec<_> = spans.iter().map(split).collect();
    let summary = |(part, words): &(&str, Vec<String>)| {
        let [name, _, _, _, kind, is_remote, destination] = &words[..] else {
            panic!("{words:?}");
        };
        format!("{part}: {name} {kind} {destination} remote={is_remote}")
    };
    let mut summaries: Vec<String> = spans.iter().map(summary).collect();
    summaries.sort();
    assert_eq!(
        summaries,
        [
            "handling: kafka Consumer orders remote=true",
            "handling: kafka Producer bills remote=false",
            "writing: kafka Producer orders remote=false",
            "writing: order Internal  remote=false",
        ]
    );
    let traces: std::collections::BTreeSet<_> = spans.iter().map(|(_, words)| &words[1]).collect();
    assert_eq!(traces.len(), 1, "one trace: {spans:?}");
    // Each is the child of the one before.
    let by_id: BTreeMap<_, _> = spans.iter().map(|span| (&span.1[2], span)).collect();
    let bill = spans.iter().find(|(_, words)| words[6] == "bills").unwrap();
    let mut way = vec![summary(bill)];
    let mut at = bill;
    while let Some(parent) = by_id.get(&at.1[3]) {
        at = parent;
        way.push(summary(at));
    }
    let way: Vec<_> = way
        .iter()
        .map(|of| of.split(" remote").next().unwrap())
        .collect();
    assert_eq!(
        way,
        [
            "handling: kafka Producer bills",
            "handling: kafka Consumer orders",
            "writing: kafka Producer orders",
            "writing: order Internal ",
        ]
    );
}
