use super::*;

#[test]
fn a_line_splits_at_the_first_delimiter() {
    let cases: [(&str, Option<&str>, Option<&str>, &str); 7] = [
        ("a:b:c", Some(":"), Some("a"), "b:c"),
        ("a:b", None, None, "a:b"),
        ("ab", Some(":"), None, "ab"),
        (":b", Some(":"), Some(""), "b"),
        ("a:", Some(":"), Some("a"), ""),
        ("a::b", Some("::"), Some("a"), "b"),
        ("ab", Some(""), None, "ab"),
    ];
    for (line, delimiter, key, value) in cases {
        let split = key_and_value(line.as_bytes(), delimiter);
        assert_eq!(split, (key.map(str::as_bytes), value.as_bytes()), "{line}");
    }
}

#[test]
fn a_header_splits_at_the_first_equals_sign() {
    let header: KeyValue = "k=a=b".parse().expect("a header");
    assert_eq!((header.key.as_str(), header.value.as_str()), ("k", "a=b"));
    assert!("k".parse::<KeyValue>().is_err());
    assert!("=v".parse::<KeyValue>().is_err());
}
