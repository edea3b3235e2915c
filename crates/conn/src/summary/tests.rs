use std::time::Duration;

use super::{DurationStats, Summary, SummaryStats};

#[test]
fn nothing_observed_is_all_zero() {
    let summary = Summary::default();
    assert_eq!(summary.take(), SummaryStats::default());
    assert_eq!(summary.take_times(), DurationStats::default());
}

#[test]
fn a_look_begins_anew() {
    let summary = Summary::default();
    for value in [4, 9, 2] {
        summary.note(value);
    }
    let stats = summary.take();
    assert_eq!((stats.avg, stats.min, stats.max), (5, 2, 9));
    assert_eq!((stats.count, stats.sum), (3, 15));
    summary.note_time(Duration::from_millis(7));
    let stats = summary.take_times();
    assert_eq!(
        (stats.count, stats.min),
        (1, Duration::from_millis(7)),
        "what was told before is not told again"
    );
    let json = serde_json::to_string(&stats).unwrap();
    assert_eq!(json, r#"{"Avg":7000000,"Min":7000000,"Max":7000000}"#);
}
