//! What is seen of a reader by a recorder of metrics and by a subscriber of `tracing`.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ekafka_protocol::{ApiKey, ErrorCode};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tracing_subscriber::fmt::format::FmtSpan;

use super::group::event;
use super::setup::*;
use crate::event::Event;
use crate::reset::StartOffset;

/// Counters by name and labels; what they counted since the last time.
fn counted(snapshotter: &Snapshotter) -> BTreeMap<String, u64> {
    let all = snapshotter.snapshot().into_vec().into_iter();
    let counters = all.map(|(key, _, _, value)| {
        let (_, key) = key.into_parts();
        let labels = key.labels();
        let labels = labels.map(|label| format!(" {}={}", label.key(), label.value()));
        let DebugValue::Counter(count) = value else {
            panic!("{key} is no counter");
        };
        let labels: String = labels.collect();
        (format!("{}{labels}", key.name()), count)
    });
    counters.collect()
}

#[track_caller]
fn count_of(counted: &BTreeMap<String, u64>, name: &str) -> u64 {
    let name = format!("ekafka_reader_{name}");
    let count = counted.get(&name).copied();
    count.unwrap_or_else(|| panic!("{name} is not in {counted:?}"))
}

#[tokio::test(start_paused = true)]
async fn metrics_only_go_up_and_name_client_and_topic() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _here = metrics::set_default_local_recorder(&recorder);
    let kafka = kafka().await;
    for topic in ["a", "b"] {
        kafka.create_topic(topic, 1).unwrap();
    }
    for _ in 0..3 {
        write(&kafka, "a", 0, 10);
    }
    write(&kafka, "b", 0, 5);
    let group = builder(&kafka).topics(["a", "b"]).group_id("g");
    let mut reader = group.build().unwrap();
    for _ in 0..34 {
        fetch(&mut reader).await;
    }
    let stats = reader.stats();
    let first = counted(&snapshotter);
    let of_topics = |name: &str| {
        let of = |topic| {
            let name = format!("{name} client_id=ekafka topic={topic}");
            count_of(&first, &name)
        };
        [of("a"), of("b")]
    };
    let messages = of_topics("messages_total");
    assert_eq!(messages.iter().sum::<u64>(), 34);
    assert!(messages == [30, 4] || messages == [29, 5], "{messages:?}");
    assert_eq!(of_topics("bytes_total").iter().sum::<u64>(), stats.bytes);
    for (name, count) in [
        ("fetches_total", stats.fetches),
        ("fetched_bytes_total", stats.fetched_bytes),
        ("received_bytes_total", stats.received_bytes),
        ("timeouts_total", stats.timeouts),
        ("dials_total", stats.dials),
        ("rebalances_total", stats.rebalances),
        ("errors_total", stats.errors),
    ] {
        let counted = count_of(&first, &format!("{name} client_id=ekafka"));
        assert_eq!(counted, count, "{name}");
    }
    assert_eq!((stats.dials, stats.rebalances, stats.errors), (1, 1, 0));
    // Statistics began anew; metrics go on, of which this recorder tells what was added.
    let code = ErrorCode::UNKNOWN_MEMBER_ID;
    kafka.on_next(ApiKey::HEARTBEAT).error(code);
    fetch(&mut reader).await;
    assert!(matches!(event(&mut reader).await, Event::Lost(_)));
    event(&mut reader).await;
    reader.stats();
    let second = counted(&snapshotter);
    assert_eq!(count_of(&second, "rebalances_total client_id=ekafka"), 1);
    assert_eq!(count_of(&second, "errors_total client_id=ekafka"), 0);
    let ours = second.keys().filter(|name| name.contains("_reader_"));
    let ours: Vec<&String> = ours.collect();
    assert_eq!(ours.len(), 7 + 4, "none for each record: {ours:?}");
}

/// Text that a subscriber writes.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn lines_with(&self, words: &str) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().filter(|line| line.contains(words));
        lines.map(str::to_owned).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn tracing_tells_what_happens_inside_the_readers_span() {
    let sink = Sink::default();
    let writer = sink.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::DEBUG)
        .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
        .with_writer(move || writer.clone())
        .finish();
    // With one subscriber alone, tracing asks only the thread that meets an event first whether anybody wants it, and
    // remembers the answer; tests on other threads would say no for all.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let _here = tracing::subscriber::set_default(subscriber);
    let kafka = kafka().await;
    kafka.create_topic("t", 40).unwrap();
    write(&kafka, "t", 7, 2);
    let mut reader = builder(&kafka).topic("t").group_id("g").build().unwrap();
    let message = fetch(&mut reader).await;
    reader.commit_messages(&[message]).await.unwrap();
    let code = ErrorCode::GROUP_AUTHORIZATION_FAILED;
    kafka.on_next(ApiKey::HEARTBEAT).error(code);
    tokio::time::sleep(Duration::from_secs(4)).await;
    reader.close().await.unwrap();
    let spans = sink.lines_with("reader{client_id=\"ekafka\" group=\"g\" topics=\"t\"}");
    assert!(spans.iter().any(|line| line.ends_with("new")), "{spans:?}");
    let assigned = sink.lines_with("assigned count=40 which=t[0], t[1]");
    assert_eq!(assigned.len(), 1, "{:?}", sink.lines_with(""));
    assert!(assigned[0].contains("reader{"), "inside the span");
    assert!(assigned[0].ends_with("t[15] and 24 more"), "{assigned:?}");
    assert!(!sink.lines_with("join{why=").is_empty());
    let commits = sink.lines_with("commit{partitions=1}");
    let ended = commits.iter().any(|line| line.contains("close"));
    assert!(ended, "{commits:?}");
    let errors = sink.lines_with("told the application of an error");
    assert!(errors[0].contains("WARN"), "{errors:?}");
    assert!(sink.lines_with("v0").is_empty(), "never what a record says");

    let wrong = builder(&kafka).topic("t").partition(7);
    let mut wrong = wrong.start_offset(StartOffset::At(9)).build().unwrap();
    event(&mut wrong).await;
    let moved = sink.lines_with("the position was out of range");
    assert!(moved[0].contains("partition=t[7] from=9 to=0"), "{moved:?}");
}
