use std::time::Duration;

use super::{Attempt, Counters, WriterStats};

/// kafka-go's fields, in order.
const KEYS: [&str; 28] = [
    "Writes",
    "Messages",
    "Bytes",
    "Errors",
    "BatchTime",
    "BatchQueueTime",
    "WriteTime",
    "WaitTime",
    "Retries",
    "BatchSize",
    "BatchBytes",
    "MaxAttempts",
    "WriteBackoffMin",
    "WriteBackoffMax",
    "MaxBatchSize",
    "BatchTimeout",
    "ReadTimeout",
    "WriteTimeout",
    "RequiredAcks",
    "Async",
    "Topic",
    "Dials",
    "DialTime",
    "Rebalances",
    "RebalanceInterval",
    "QueueLength",
    "QueueCapacity",
    "ClientID",
];

fn stats() -> WriterStats {
    WriterStats {
        writes: 4,
        batch_timeout: Duration::from_secs(1),
        required_acks: -1,
        topic: "t".to_owned(),
        ..WriterStats::default()
    }
}

#[test]
fn json_has_the_keys_of_kafka_go_in_order_and_no_others() {
    let json = serde_json::to_string(&stats()).unwrap();
    let places: Vec<usize> = KEYS
        .iter()
        .map(|key| json.find(&format!("\"{key}\":")).unwrap())
        .collect();
    assert!(places.is_sorted(), "{json}");
    let object: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(object.as_object().unwrap().len(), KEYS.len());
    assert_eq!(object["BatchTime"].as_object().unwrap().len(), 3);
    assert_eq!(object["Writes"], 4);
    assert_eq!(object["BatchTimeout"], 1_000_000_000);
    assert_eq!(object["RequiredAcks"], -1);
    assert_eq!(object["Topic"], "t");
}

#[test]
fn what_kafka_go_has_no_key_for_is_told_on_request() {
    let stats = stats();
    let json = serde_json::to_value(stats.detailed()).unwrap();
    assert_eq!(json.as_object().unwrap().len(), KEYS.len() + 4);
    assert_eq!(json["BatchSize"]["Count"], 0);
    assert_eq!(json["WriteTime"]["Sum"], 0);
    assert_eq!(json["FailedMessages"], 0);
}

#[test]
fn counts_begin_anew_with_each_snapshot() {
    let counters = Counters::new("me");
    let mut attempt = Attempt {
        records: 3,
        bytes: 300,
        sent_bytes: 100,
        age: Some(Duration::from_millis(20)),
    };
    counters.note_attempt(&attempt);
    counters.note_error();
    attempt.age = None;
    counters.note_attempt(&attempt);
    let stats = counters.take();
    assert_eq!((stats.writes, stats.messages, stats.bytes), (2, 6, 600));
    assert_eq!((stats.errors, stats.retries, stats.sent_bytes), (1, 1, 200));
    assert_eq!((stats.batch_size.count, stats.batch_size.max), (1, 3));
    assert_eq!(stats.batch_time.sum, Duration::from_millis(20));
    assert_eq!(stats.client_id, "me");
    let stats = counters.take();
    assert_eq!((stats.writes, stats.errors, stats.retries), (0, 0, 0));
    assert_eq!(stats.batch_size.count, 0);
}
