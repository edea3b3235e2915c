use super::*;

#[test]
fn the_report_has_exactly_the_documented_fields() {
    let mut meter = Meter::start().expect("resources can be read");
    meter.latencies().note(Duration::from_micros(250));
    let usage = usage().expect("resources can be read");
    let done = Done {
        records: 2_000,
        bytes: 200_000,
        ..Done::default()
    };
    let report = meter.report(Duration::from_millis(500), &usage, &done);
    let value = serde_json::to_value(report).expect("plain numbers");
    let fields: Vec<&String> = value.as_object().expect("an object").keys().collect();
    let described: Vec<&str> = FIELDS
        .split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))
        .collect();
    for field in &fields {
        assert!(described.contains(&field.as_str()), "{field} is not told");
    }
    assert_eq!(fields.len(), 23, "{fields:?}");
    assert_eq!(value["rec_per_s"], 4_000.0);
    assert_eq!(value["mb_per_s"], 0.4);
    assert_eq!(value["p50_us"], 250);
    assert!(value["call_p50_us"].is_null());
    assert!(value["requests"].is_null());
    assert!(
        value["max_rss_kb"].as_i64() > Some(100),
        "a process needs more memory than that"
    );
}

#[test]
fn what_tasks_measured_comes_together() {
    let mut meter = Meter::start().expect("resources can be read");
    for latency in [100, 300] {
        let mut timings = Timings::default();
        timings.note(Duration::from_micros(latency));
        timings.note_call(Duration::from_micros(latency / 2));
        meter.add(timings);
    }
    let usage = usage().expect("resources can be read");
    let report = meter.report(Duration::from_secs(1), &usage, &Done::default());
    assert_eq!((report.latency.p50_us, report.latency.max_us), (100, 300));
    assert_eq!(
        (report.call_p50_us, report.call_max_us),
        (Some(50), Some(150))
    );
}
