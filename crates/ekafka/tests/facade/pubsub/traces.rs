//! Traces from publications to handlers.

use ekafka::Context;
use ekafka::pubsub::*;
use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry::trace::{SpanKind, Status};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tokio::sync::mpsc;

use super::{cluster, publish_text, waiting};
use crate::rig::{soon, stored};

/// A provider, and what it exports.
fn provider() -> (SdkTracerProvider, InMemorySpanExporter) {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone());
    (provider.build(), exporter)
}

fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let mut attributes = span.attributes.iter();
    let found = attributes.find(|pair| pair.key.as_str() == key)?;
    Some(found.value.as_str().into_owned())
}

/// One trace from the publication to the handler; S4.31: an offset that was given is seen in the span alone.
#[tokio::test(start_paused = true)]
async fn a_message_is_handled_in_the_trace_it_was_published_in() {
    let kafka = cluster().await;
    let (provider, exporter) = provider();
    let broker = waiting(&kafka, [with_tracer_provider(&provider)]);
    publish_text(&broker, "t", "a", [with_message_offset(9_527)])
        .await
        .unwrap();
    publish_text(&broker, "t", "b", []).await.unwrap();
    assert_eq!(
        kafka.offsets("t", 0),
        Ok((0, 2)),
        "the offset has no effect"
    );
    let picky = |_context, event: Event| async move {
        if event.body() == b"b" {
            return Err("no good".into());
        }
        Ok(())
    };
    let subscriber = broker.subscribe("t", picky, []).await.unwrap();
    soon(subscriber.ended()).await.unwrap_err();

    let spans = exporter.get_finished_spans().unwrap();
    let [first, second, handled, failed] = &spans[..] else {
        panic!("{spans:#?}");
    };
    for (span, name, kind) in [
        (first, "kafka-producer", SpanKind::Producer),
        (handled, "kafka-consumer", SpanKind::Consumer),
    ] {
        assert_eq!((&*span.name, &span.span_kind), (name, &kind));
        assert_eq!(span.instrumentation_scope.name(), "kratos-transport");
        for (key, value) in [
            ("messaging.system", "kafka"),
            ("messaging.destination", "t"),
            ("messaging.destination_kind", "topic"),
            ("messaging.kafka.partition", "0"),
        ] {
            assert_eq!(attribute(span, key).as_deref(), Some(value), "{key}");
        }
    }
    let id = |span| attribute(span, "messaging.message_id").unwrap();
    assert_eq!(
        [first, second, handled, failed].map(id),
        ["9527", "1", "0", "1"]
    );
    assert_eq!(
        attribute(handled, "messaging.operation").as_deref(),
        Some("receive")
    );
    for (published, handled) in [(first, handled), (second, failed)] {
        let trace = published.span_context.trace_id();
        assert_eq!(handled.span_context.trace_id(), trace);
        assert_eq!(handled.parent_span_id, published.span_context.span_id());
    }
    assert_eq!(handled.status, Status::Unset);
    assert!(matches!(failed.status, Status::Error { .. }));
}

/// D-20: a publication that fails says so in its span.
#[tokio::test(start_paused = true)]
async fn a_failed_publication_is_seen_in_its_span() {
    let kafka = cluster().await;
    let (provider, exporter) = provider();
    let broker = waiting(
        &kafka,
        [with_tracer_provider(&provider), with_batch_bytes(100)],
    );
    publish_text(&broker, "t", &"x".repeat(200), [])
        .await
        .unwrap_err();
    let spans = exporter.get_finished_spans().unwrap();
    assert!(matches!(spans[0].status, Status::Error { .. }));
    let quiet = waiting(&kafka, []);
    publish_text(&quiet, "t", "x", []).await.unwrap();
    assert_eq!(exporter.get_finished_spans().unwrap().len(), 1);
}

/// Headers are written and read by the propagator of the option, here with baggage.
#[tokio::test(start_paused = true)]
async fn a_propagator_carries_what_it_likes() {
    use opentelemetry::KeyValue;
    use opentelemetry::baggage::BaggageExt;

    let kafka = cluster().await;
    let (provider, _exporter) = provider();
    let both = || {
        TextMapCompositePropagator::new(vec![
            Box::new(TraceContextPropagator::new()),
            Box::new(BaggagePropagator::new()),
        ])
    };
    let options = [with_tracer_provider(&provider), with_propagator(both())];
    let broker = waiting(&kafka, options);
    let trace = opentelemetry::Context::new().with_baggage([KeyValue::new("user", "9527")]);
    let context = Context::new().with_trace(trace);
    soon(broker.publish_raw(&context, "t", "x", []))
        .await
        .unwrap();
    let message = stored(&kafka, "t", 1).await.remove(0);
    let keys: Vec<_> = message
        .header_list()
        .unwrap()
        .iter()
        .map(|one| one.key.to_owned())
        .collect();
    assert!(keys.contains(&"traceparent".to_owned()), "{keys:?}");
    assert!(keys.contains(&"baggage".to_owned()), "{keys:?}");
    let (sender, mut users) = mpsc::unbounded_channel();
    let handler = move |context: Context, _event| {
        let user = context
            .trace()
            .baggage()
            .get("user")
            .map(|user| user.as_str().to_owned());
        let sent = sender.send(user);
        async move { Ok(sent?) }
    };
    let _subscriber = broker.subscribe("t", handler, []).await.unwrap();
    assert_eq!(soon(users.recv()).await.unwrap().as_deref(), Some("9527"));
}
