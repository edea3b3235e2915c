use std::sync::Arc;
use std::time::Duration;

use super::{Counters, Gauges, ReaderStats};
use crate::TopicPartition;
use crate::lane::{Assignment, Lane};

/// The documented keys, in order.
const KEYS: [&str; 23] = [
    "Dials",
    "Fetches",
    "Messages",
    "Bytes",
    "Rebalances",
    "Timeouts",
    "Errors",
    "DialTime",
    "ReadTime",
    "WaitTime",
    "FetchSize",
    "FetchBytes",
    "Offset",
    "Lag",
    "MinBytes",
    "MaxBytes",
    "MaxWait",
    "QueueLength",
    "QueueCapacity",
    "ClientID",
    "Topic",
    "Partition",
    "DeprecatedFetchesWithTypo",
];

fn stats() -> ReaderStats {
    ReaderStats {
        fetches: 4,
        max_bytes: 10_000_000,
        max_wait: Duration::from_secs(10),
        partition: "-1".to_owned(),
        ..ReaderStats::default()
    }
}

#[test]
fn s3_33_s3_34_json_has_the_documented_keys_in_order_and_no_others() {
    let json = serde_json::to_string(&stats()).unwrap();
    let places: Vec<usize> = KEYS
        .iter()
        .map(|key| json.find(&format!("\"{key}\":")).unwrap())
        .collect();
    assert!(places.is_sorted(), "{json}");
    let object: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(object.as_object().unwrap().len(), KEYS.len());
    assert_eq!(object["DialTime"].as_object().unwrap().len(), 3);
    assert_eq!(object["MaxWait"], 10_000_000_000_u64);
    assert_eq!(object["MaxBytes"], 10_000_000);
    assert_eq!(object["Partition"], "-1");
    assert_eq!(object["DeprecatedFetchesWithTypo"], 4);
}

#[test]
fn c18_what_has_no_documented_key_is_told_on_request() {
    let stats = stats();
    let json = serde_json::to_value(stats.detailed()).unwrap();
    assert_eq!(json.as_object().unwrap().len(), KEYS.len() + 5);
    assert_eq!(json["FetchSize"]["Count"], 0);
    assert_eq!(json["FetchedBytes"], 0);
}

#[test]
fn counts_begin_anew_with_each_snapshot_and_positions_stay() {
    let counters = Arc::new(Counters::new("me"));
    let mut gauges = Gauges::new(Arc::clone(&counters));
    let wait = Duration::from_millis(500);
    counters.note_fetch(0, &[], wait, wait);
    counters.note_fetch(0, &[], Duration::from_millis(1), wait);
    gauges.messages = 3;
    gauges.bytes = 30;
    let assignment = Assignment::new(TopicPartition::new("t", 0));
    let lane = Lane::new(Arc::new(assignment), 5);
    lane.note_ends(9, 9);
    gauges.flush(&lane, 7);
    assert_eq!(counters.last_read(), (5, 7));
    let stats = counters.take();
    assert_eq!((stats.fetches, stats.timeouts), (2, 1));
    assert_eq!((stats.messages, stats.bytes), (3, 30));
    assert_eq!(stats.wait_time.max, wait);
    let stats = counters.take();
    assert_eq!((stats.fetches, stats.messages), (0, 0));
    assert_eq!((stats.offset, stats.lag), (7, 2));
}
