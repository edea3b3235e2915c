use super::*;

const HEADERS: [Header<'_>; 3] = [
    Header {
        key: "trace",
        value: Some(b"1"),
    },
    Header {
        key: "trace",
        value: None,
    },
    Header {
        key: "",
        value: Some(b""),
    },
];

fn shown(format: &str) -> String {
    let row = Row {
        topic: "orders",
        partition: 2,
        offset: 41,
        timestamp: 1_700_000_000_000,
        key: Some(b"k"),
        value: Some(b"caf\xc3\xa9"),
        headers: &HEADERS,
    };
    let mut out = Vec::new();
    let format: RecordFormat = format.parse().expect("a format");
    format.write(&row, &mut out).expect("memory takes it");
    String::from_utf8(out).expect("only text went in")
}

#[test]
fn a_pattern_shows_each_part() {
    assert_eq!(
        shown(r"%t[%p]@%o %T %k=%v %h 100%%\t\\\n"),
        "orders[2]@41 1700000000000 k=café trace=1,trace=,= 100%\t\\\n"
    );
}

#[test]
fn a_pattern_without_directives_is_a_text() {
    assert_eq!(shown("-"), "-");
}

#[test]
fn faults_of_a_pattern_are_told() {
    for (pattern, word) in [
        ("%x", "%x"),
        ("%", "percent"),
        ("\\", "backslash"),
        ("\\q", "\\q"),
    ] {
        let fault = pattern
            .parse::<RecordFormat>()
            .expect_err("no such pattern");
        assert!(fault.contains(word), "{pattern}: {fault}");
    }
}

#[test]
fn json_keeps_order_repetition_and_absence() {
    let shown = shown("json");
    assert!(shown.ends_with('\n'));
    let value: serde_json::Value = serde_json::from_str(&shown).expect("one JSON object");
    let expected = serde_json::json!({
        "topic": "orders", "partition": 2, "offset": 41, "timestamp": 1_700_000_000_000_i64,
        "key": "k", "value": "café",
        "headers": [
            {"key": "trace", "value": "1"}, {"key": "trace", "value": null}, {"key": "", "value": ""},
        ],
    });
    assert_eq!(value, expected);
}

#[test]
fn bytes_that_are_no_text_are_base64() {
    // The vectors of RFC 4648 §10.
    for (bytes, text) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ] {
        assert_eq!(json::base64(bytes.as_bytes()), text);
    }
    let row = Row {
        topic: "t",
        partition: 0,
        offset: 0,
        timestamp: -1,
        key: None,
        value: Some(&[0xff, 0xfe]),
        headers: &[],
    };
    let mut out = Vec::new();
    RecordFormat::Json
        .write(&row, &mut out)
        .expect("memory takes it");
    let value: serde_json::Value = serde_json::from_slice(&out).expect("one JSON object");
    assert_eq!(value["value"], serde_json::json!({"base64": "//4="}));
    assert!(value["key"].is_null());
}
